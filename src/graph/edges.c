/* What leads where in a picture, whoever writes it down. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "graph/render.h"

/* --- outputs of boxes --- */

int gti_edges_from(const gti_picture *p, int value)
{
    const int row = gti_view_maker(&p->view, value);
    return row < 0 ? -1 : p->view.row[row].box;
}

static void add_output(gti_picture *p, int value, int reader)
{
    const int box = value < 0 ? -1 : gti_edges_from(p, value);
    if (box < 0 || box == reader || p->port[value] >= 0) return;
    p->port[value] = p->n_out[box]++;
}

/* Of an operation all; of a call what others read. */
static void find_outputs(gti_picture *p)
{
    const gt_graph *g = p->g;
    for (int i = 0; i < g->n_values; i++) p->port[i] = -1;
    for (int i = 0; i < g->n_nodes; i++) {
        const gti_row *r = &p->view.row[p->view.row_of[i]];
        const bool one = r->scope < 0 && r->of < 0;
        for (int k = 0; one && k < g->node[i].n_out; k++) add_output(p, g->node[i].out[k], -1);
        const int box = p->view.row[r->alias].box;
        for (int k = 0; k < g->node[i].n_in; k++) add_output(p, g->node[i].in[k], box);
    }
    add_output(p, g->result, -1);
    for (int i = 0; i < g->n_values; i++) add_output(p, g->value[i].gradient, -1);
}

/* --- edges --- */

/* Boxes of layers and calls have one edge from each place, whatever reads it inside. */
static bool is_new(gti_picture *p, int value, int to)
{
    const int from = gti_edges_from(p, value);
    const gti_row *r = &p->view.row[p->view.box[to].first];
    if (from == to) return false;
    if (!p->view.layered && r->scope < 0 && r->of < 0) return true;
    const bool whole = from >= 0 && !gti_boxes_have_cells(p, from);
    int *seen = whole ? &p->seen_box[from] : &p->leaf_seen[value];
    if (*seen == to + 1) return false;
    *seen = to + 1;
    return true;
}

static void visit_node(gti_picture *p, int row, int node, gti_edges_draw draw)
{
    const gti_view *v = &p->view;
    const int box = v->row[row].box;
    for (int k = 0; k < v->g->node[node].n_in && !v->sum[node]; k++)
        for (int value = v->g->node[node].in[k], at; (at = gti_view_term(v, &value)) >= 0;) {
            const bool leaf = v->g->value[at].node < 0;
            if ((leaf && !p->leaf[at]) || gti_view_hides(v, at, row)) continue;
            if (is_new(p, at, box)) draw(p, at, box);
        }
}

void gti_edges_visit(gti_picture *p, gti_edges_draw draw)
{
    const gti_view *v = &p->view;
    for (int box = 0; box < v->n_boxes; box++)
        for (int i = v->box[box].first; i >= 0; i = v->row[i].next)
            for (int j = v->row[i].first; j <= v->row[i].last; j++) visit_node(p, i, j, draw);
}

/* --- shapes on edges --- */

/* Whether a box makes another shape than it reads. */
static bool changes_shape(const gti_picture *p, int value)
{
    const gt_graph *g = p->g;
    const gti_box *b = &p->view.box[gti_edges_from(p, value)];
    const gt_graph_node *first = &g->node[p->view.row[b->first].first];
    return !gt_same_dims(&g->value[first->in[0]].shape, &g->value[value].shape);
}

bool gti_edges_label(gti_picture *p, int value, char text[GTI_WORDS])
{
    const gt_graph_value *v = &p->g->value[value];
    if (!p->view.layered || p->labelled[value] || v->node < 0 || !changes_shape(p, value))
        return false;
    p->labelled[value] = true;
    gti_words_shape(v, p->g->batch, false, text);
    const size_t used = strlen(text);
    if (!gt_is_floating(v->dtype))
        snprintf(text + used, GTI_WORDS - used, " %s", gt_dtype_name(v->dtype));
    return true;
}

/* --- opening and closing --- */

static bool make_room(gti_picture *p)
{
    const size_t values = (size_t)p->g->n_values + 1, boxes = (size_t)p->view.n_boxes + 1;
    p->leaf = calloc(values, sizeof *p->leaf);
    p->leaf_seen = calloc(values, sizeof *p->leaf_seen);
    p->late = calloc(values, sizeof *p->late);
    p->port = calloc(values, sizeof *p->port);
    p->labelled = calloc(values, sizeof *p->labelled);
    p->framed = calloc((size_t)p->view.n_frames + 1, sizeof *p->framed);
    p->n_out = calloc(boxes, sizeof *p->n_out);
    p->seen_box = calloc(boxes, sizeof *p->seen_box);
    return p->leaf && p->leaf_seen && p->late && p->port && p->labelled && p->framed && p->n_out &&
           p->seen_box;
}

bool gti_edges_open(gti_picture *p, const gt_graph *g, const gt_graph_opts *opts, const char *what)
{
    p->g = g;
    p->at = (gti_place){-1, GT_PART_FORWARD, 0};
    if (gti_view_too_deep(g))
        gt_fail(g->ctx, GT_ERR_UNSUPPORTED, what, "scopes nest more than %d levels deep",
                GTI_VIEW_LEVELS);
    else if (!gti_view_open(&p->view, g, opts) || !make_room(p))
        gt_fail(g->ctx, GT_ERR_MEMORY, what, "no memory for the graph");
    else find_outputs(p);
    errno = 0;
    return !gt_failed(g->ctx);
}

gt_status gti_edges_close(gti_picture *p, const char *what)
{
    void *const arrays[] = {p->leaf,     p->leaf_seen, p->late,  p->port,
                            p->labelled, p->framed,    p->n_out, p->seen_box};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) free(arrays[i]);
    gti_view_close(&p->view);
    return gti_save_end(p->g->ctx, what, p->f);
}
