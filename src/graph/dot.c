/* A tape as text for Graphviz.
 *
 * Layout: the forward pass runs down. The backward pass stands beside it and runs up: its edges are
 * given to dot the wrong way round, and an edge from forward to backward may stay level, so that
 * the gradient of an operation comes to stand at the operation's height. Clusters are reopened by
 * name whenever the tape comes back to a scope; edges come last, because an edge written inside a
 * cluster would draw its ends into it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "graph/picture.h"

/* --- choosing what to draw --- */

static bool read_tape(gti_picture *p, const gt_ctx *gt)
{
    for (const gt_node *n = gt_tape_first(gt); n; n = gt_tape_next(n))
        if (!gti_map_add(&p->nodes, n)) return false;
    p->number = malloc((p->nodes.count + (size_t)1) * sizeof *p->number);
    return p->number != NULL;
}

/* Marks with 0 what leads to p->of: nodes are in order, so one sweep back finds all. */
static void choose(gti_picture *p)
{
    for (uint32_t i = 0; i < p->nodes.count; i++) p->number[i] = p->of ? GTI_NOT_IN_MAP : 0;
    if (!p->of) return;
    uint32_t last = gti_map_find(&p->nodes, gt_producer(p->of));
    if (last != GTI_NOT_IN_MAP) p->number[last] = 0;
    for (uint32_t i = p->nodes.count; i-- > 0;) {
        const gt_node *n = gti_node_at(p, i);
        if (p->number[i] == GTI_NOT_IN_MAP) continue;
        for (int k = 0; k < n->n_in; k++) {
            uint32_t from = gti_map_find(&p->nodes, gt_producer(n->in[k]));
            if (from != GTI_NOT_IN_MAP) p->number[from] = 0;
        }
    }
}

/* --- edges --- */

static bool has_port(const gti_picture *p, uint32_t box, const gt_tensor *t)
{
    const gti_box *b = &p->box[box];
    if (!b->call) return gti_node_at(p, b->first)->n_out > 1;
    return b->n_out > 1 && gti_map_find(&p->outputs, t) != GTI_NOT_IN_MAP;
}

static void write_end(const gti_picture *p, const gt_tensor *t)
{
    const uint32_t from = gti_fold_maker(p, t);
    if (from == GTI_NOT_IN_MAP) {
        fprintf(p->f, "t%u", gti_map_find(&p->leaves, t));
        return;
    }
    fprintf(p->f, "n%u", from);
    if (!has_port(p, from, t)) return;
    const gt_node *n = gt_producer(t);
    if (p->box[from].call) fprintf(p->f, ":o%u", gti_map_find(&p->outputs, t));
    for (int k = 0; k < n->n_out && !p->box[from].call; k++)
        if (n->out[k] == t) fprintf(p->f, ":o%d", k);
}

/* Whether t stands in the cluster of the backward pass. */
static bool is_backward(const gti_picture *p, const gt_tensor *t)
{
    if (gti_fold_maker(p, t) != GTI_NOT_IN_MAP) return gt_node_in_backward(gt_producer(t));
    return gti_map_find(&p->late, t) != GTI_NOT_IN_MAP;
}

static void write_edge(const gti_picture *p, uint32_t i, const gt_tensor *t)
{
    const gt_node *n = gti_node_at(p, i);
    bool upwards = gt_node_in_backward(n) && is_backward(p, t);
    fputs("  ", p->f);
    if (upwards) {
        fprintf(p->f, "n%u -> ", p->number[i]);
        write_end(p, t);
        fputs(" [dir=back color=\"#9333ea\"]\n", p->f);
        return;
    }
    write_end(p, t);
    fprintf(p->f, " -> n%u", p->number[i]);
    if (gt_node_in_backward(n)) fputs(" [minlen=0 weight=2 color=\"#c4b5fd\"]", p->f);
    else if (is_backward(p, t)) fputs(" [constraint=false]", p->f);
    fputs("\n", p->f);
}

/* A call's box has one edge from each place, whatever reads it inside. */
static bool is_new(gti_picture *p, uint32_t box, const gt_tensor *t, bool *is_new)
{
    if (p->at != box) gti_map_free(&p->ends);
    p->at = box;
    const uint32_t from = gti_fold_maker(p, t), before = p->ends.count;
    const bool whole = from != GTI_NOT_IN_MAP && !has_port(p, from, t);
    if (!gti_map_add(&p->ends, whole ? (const void *)&p->box[from] : t)) return false;
    *is_new = p->ends.count > before;
    return true;
}

static bool write_input(gti_picture *p, uint32_t i, const gt_tensor *t)
{
    const uint32_t box = p->number[i];
    if (p->box[box].call) {
        bool new = true;
        const uint32_t from = gti_fold_maker(p, t);
        const bool leaf = from == GTI_NOT_IN_MAP;
        if (from == box || (leaf && gti_fold_inner_leaf(gti_node_at(p, i), t))) return true;
        if (!is_new(p, box, t, &new)) return false;
        if (!new) return true;
    }
    write_edge(p, i, t);
    return true;
}

static bool write_edges(gti_picture *p)
{
    for (uint32_t i = 0; i < p->nodes.count; i++)
        for (int k = 0; k < gti_node_at(p, i)->n_in && p->number[i] != GTI_NOT_IN_MAP; k++)
            if (!write_input(p, i, gti_node_at(p, i)->in[k])) return false;
    for (uint32_t i = 0; i < p->leaves.count; i++) {
        const gt_tensor *t = p->leaves.key[i];
        if (!t->grad || gti_fold_maker(p, t->grad) == GTI_NOT_IN_MAP) continue;
        fputs("  ", p->f);
        write_end(p, t->grad);
        fprintf(p->f, " -> t%u [constraint=false style=dashed color=\"#d97706\" label=\"grad\"]\n",
                i);
    }
    return true;
}

/* --- the whole --- */

static const char head[] =
    "digraph gradtape {\n"
    "  graph [newrank=true bgcolor=white pad=0.25 nodesep=0.35 ranksep=0.4 style=\"filled,rounded\""
    " fontname=\"Helvetica,Arial,sans-serif\" fontsize=11]\n"
    "  node [shape=box style=\"filled,rounded\" color=\"#3b82f6\" fillcolor=\"#eff6ff\""
    " fontname=\"Helvetica,Arial,sans-serif\" fontsize=12 fontcolor=\"" GTI_INK "\""
    " margin=\"0.16,0.08\" height=0.3]\n"
    "  edge [color=\"#64748b\" arrowsize=0.7"
    " fontname=\"Helvetica,Arial,sans-serif\" fontsize=10 fontcolor=\"#b45309\"]\n";

static bool write_all(gti_picture *p)
{
    fputs(head, p->f);
    if (!p->of && p->nodes.count == 0)
        fputs("  graph [label=\"the tape is empty\" fontcolor=\"" GTI_MUTED "\"]\n", p->f);
    if (!gti_boxes_write(p)) return false;
    write_edges(p);
    fputs("}\n", p->f);
    return true;
}

static gt_status draw(gti_picture *p, gt_ctx *gt, const char *what)
{
    if (!read_tape(p, gt)) return gt_fail(gt, GT_ERR_MEMORY, what, "no memory for the graph");
    if (p->of && gt_producer(p->of) &&
        gti_map_find(&p->nodes, gt_producer(p->of)) == GTI_NOT_IN_MAP)
        return gt_fail(gt, GT_ERR_STATE, what, "the tensor was dropped by gt_rewind");
    choose(p);
    if (!gti_fold_nodes(p)) return gt_fail(gt, GT_ERR_MEMORY, what, "no memory for the graph");
    errno = 0;
    const bool drawn = write_all(p);
    if (p->too_deep)
        return gt_fail(gt, GT_ERR_UNSUPPORTED, what, "scopes nest more than %d levels deep",
                       GTI_SCOPES_MOST);
    if (!drawn) return gt_fail(gt, GT_ERR_MEMORY, what, "no memory for the graph");
    if (fflush(p->f) || ferror(p->f))
        return gt_fail(gt, gt_status_of_errno(errno), what, "the text cannot be written: %s",
                       errno ? strerror(errno) : "the stream has failed");
    return GT_OK;
}

gt_status gti_dot_write(gt_ctx *gt, const gt_tensor *of, gt_graph_opts opts, const char *what,
                        FILE *f)
{
    if (gt_failed(gt)) return gt_error_code(gt);
    gti_picture p = {.f = f, .of = of, .open = opts.open_functions};
    gt_status status = draw(&p, gt, what);
    gti_map *const maps[] = {&p.nodes, &p.outputs,   &p.ends,     &p.leaves,
                             &p.late,  &p.scopes[0], &p.scopes[1]};
    for (size_t i = 0; i < sizeof maps / sizeof *maps; i++) gti_map_free(maps[i]);
    free(p.box);
    free(p.number);
    return status;
}

gt_status gt_graph_write_dot_(const gt_tensor *of, FILE *f, gt_graph_opts opts)
{
    if (!of) return gt_fail(NULL, GT_ERR_ARGUMENT, "gt_graph_write_dot", "the tensor is NULL");
    if (!f) return gt_fail(of->ctx, GT_ERR_ARGUMENT, "gt_graph_write_dot", "the file is NULL");
    return gti_dot_write(of->ctx, of, opts, "gt_graph_write_dot", f);
}

gt_status gt_tape_write_dot_(gt_ctx *gt, FILE *f, gt_graph_opts opts)
{
    if (!gt) return gt_fail(NULL, GT_ERR_ARGUMENT, "gt_tape_write_dot", "the context is NULL");
    if (!f) return gt_fail(gt, GT_ERR_ARGUMENT, "gt_tape_write_dot", "the file is NULL");
    return gti_dot_write(gt, NULL, opts, "gt_tape_write_dot", f);
}
