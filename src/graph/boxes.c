/* The boxes of a picture: operations, calls and leaves, in the clusters of their modules. */
#include <string.h>

#include "graph/escape.h"
#include "graph/picture.h"

#define HIGHLIGHT "#dc2626"

/* --- clusters --- */

static bool is_named(const gt_scope *scope)
{
    return scope->name && *scope->name;
}

static void indent(const gti_picture *p)
{
    for (int i = 0; i <= p->depth; i++) fputs("  ", p->f);
}

static void close_clusters(gti_picture *p)
{
    while (p->depth > 0) {
        p->depth--;
        indent(p);
        fputs("}\n", p->f);
    }
}

static void open_backward(gti_picture *p)
{
    indent(p);
    fputs("subgraph cluster_backward {\n", p->f);
    p->depth++;
    indent(p);
    fputs("graph [label=\"backward\" labelloc=b labeljust=r color=\"#e9d5ff\""
          " fillcolor=\"#fdf8ff\" fontcolor=\"#9333ea\"]\n",
          p->f);
}

static bool open_scopes(gti_picture *p, const gt_scope *scope)
{
    if (!scope) return true;
    if (!open_scopes(p, scope->parent)) return false;
    if (!is_named(scope)) return true;
    gti_map *seen = &p->scopes[p->backward];
    uint32_t before = seen->count;
    if (!gti_map_add(seen, scope)) return false;
    indent(p);
    fprintf(p->f, "subgraph cluster_%c%u {\n", p->backward ? 'b' : 'f', gti_map_find(seen, scope));
    p->depth++;
    if (seen->count == before) return true;
    indent(p);
    fputs("graph [labelloc=t labeljust=l color=\"#cbd5e1\" fillcolor=\"", p->f);
    fputs(p->backward ? "#faf5ff" : "#f8fafc", p->f);
    fputs("\" fontcolor=\"" GTI_MUTED "\" label=<", p->f);
    gti_escape_write(p->f, scope->name);
    fputs(">]\n", p->f);
    return true;
}

static bool is_too_deep(const gt_scope *scope)
{
    int above = 0;
    while (scope && (scope = scope->parent)) above++;
    return above > GTI_SCOPES_MOST;
}

static bool go_to(gti_picture *p, const gt_scope *scope, bool backward)
{
    if (scope == p->scope && backward == p->backward) return true;
    p->too_deep = is_too_deep(scope);
    if (p->too_deep) return false;
    close_clusters(p);
    p->scope = scope;
    p->backward = backward;
    if (backward) open_backward(p);
    return open_scopes(p, scope);
}

/* --- parts of labels --- */

static void write_kind(const gti_picture *p, const gt_tensor *t)
{
    char shape[128];
    fputs("<font point-size=\"10\" color=\"" GTI_MUTED "\">", p->f);
    fputs(t->shape.ndim ? gt_shape_format(t->shape, shape, sizeof shape) : "scalar", p->f);
    fprintf(p->f, " %s</font>", gt_dtype_name(t->dtype));
}

/* The place in the user's program, without its directories, shows when the mouse rests there. */
static void write_place(const gti_picture *p, const gt_tensor *t)
{
    if (!t->where) return;
    const char *slash = strrchr(t->where, '/');
    fputs(" tooltip=\"", p->f);
    gti_escape_write(p->f, slash ? slash + 1 : t->where);
    fputs("\"", p->f);
}

static void write_highlight(const gti_picture *p, bool on)
{
    if (on) fputs(" color=\"" HIGHLIGHT "\" penwidth=2.5", p->f);
}

/* --- what a box shows: its outputs --- */

static bool is_shown(const gti_picture *p, const gti_box *b, const gt_tensor *t)
{
    return !b->call || gti_map_find(&p->outputs, t) != GTI_NOT_IN_MAP;
}

static uint32_t count_outputs(const gti_picture *p, const gti_box *b)
{
    return b->call ? b->n_out : (uint32_t)gti_node_at(p, b->last)->n_out;
}

/* The first one; of a call whose results nobody reads, what it made last. */
static const gt_tensor *first_output(const gti_picture *p, const gti_box *b)
{
    for (uint32_t i = b->first; i <= b->last; i++) {
        const gt_node *n = gti_node_at(p, i);
        for (int k = 0; k < n->n_out && p->number[i] != GTI_NOT_IN_MAP; k++)
            if (is_shown(p, b, n->out[k])) return n->out[k];
    }
    return gti_node_at(p, b->last)->out[0];
}

/* Cells with ports: of an operation o and the output's index, of a call o and its number. */
static void write_cells(const gti_picture *p, const gti_box *b)
{
    for (uint32_t i = b->first; i <= b->last; i++) {
        const gt_node *n = gti_node_at(p, i);
        for (int k = 0; k < n->n_out && p->number[i] != GTI_NOT_IN_MAP; k++) {
            if (!is_shown(p, b, n->out[k])) continue;
            const uint32_t port = b->call ? gti_map_find(&p->outputs, n->out[k]) : (uint32_t)k;
            fprintf(p->f, "<td port=\"o%u\">", port);
            write_kind(p, n->out[k]);
            fputs("</td>", p->f);
        }
    }
}

static bool is_view(const gti_picture *p, const gti_box *b)
{
    for (uint32_t i = b->first; i <= b->last; i++)
        if (p->number[i] != GTI_NOT_IN_MAP && !(gti_node_at(p, i)->op->flags & GT_OP_VIEW))
            return false;
    return true;
}

/* --- boxes --- */

static void write_name(const gti_picture *p, const gti_box *b)
{
    const char *name = b->call ? b->call->scope.name : gti_node_at(p, b->first)->op->name;
    fputs("<b>", p->f);
    gti_escape_write(p->f, name && *name ? name : "?");
    fputs("</b>", p->f);
    if (is_view(p, b)) fputs(" <i>view</i>", p->f);
}

/* What was asked for besides inputs: "stride={2, 2}". */
static void write_attributes(const gti_picture *p, const gti_box *b)
{
    const gt_node *n = gti_node_at(p, b->first);
    const gt_attrs *attrs = b->call ? b->call->function->attrs : &n->op->attrs;
    const void *opts = b->call ? b->call->opts : n->opts;
    char text[80];
    if (!attrs || !opts || !*gt_attrs_format(attrs, opts, text, sizeof text)) return;
    fputs("<br/><font point-size=\"10\">", p->f);
    gti_escape_write(p->f, text);
    fputs(strlen(text) + 1 < sizeof text ? "</font>" : "&#8230;</font>", p->f);
}

static void write_label(const gti_picture *p, const gti_box *b)
{
    const uint32_t n_out = count_outputs(p, b);
    if (n_out > 1)
        fprintf(p->f, "<table border=\"0\" cellspacing=\"0\"><tr><td colspan=\"%u\">", n_out);
    write_name(p, b);
    write_attributes(p, b);
    fputs(n_out > 1 ? "</td></tr><tr>" : "<br/>", p->f);
    if (n_out > 1) write_cells(p, b);
    else write_kind(p, first_output(p, b));
    if (n_out > 1) fputs("</tr></table>", p->f);
}

static void write_box(const gti_picture *p, uint32_t number)
{
    const gti_box *b = &p->box[number];
    indent(p);
    fprintf(p->f, "n%u [label=<", number);
    write_label(p, b);
    fputs(">", p->f);
    if (p->backward) fputs(" color=\"#a855f7\" fillcolor=\"#f5ebff\"", p->f);
    if (is_view(p, b)) fputs(" style=\"filled,rounded,dashed\"", p->f);
    write_highlight(p, p->of && gti_fold_maker(p, p->of) == number);
    write_place(p, first_output(p, b));
    fputs("]\n", p->f);
}

/* Of a leaf: as input k of the operation n; n NULL: as none. */
typedef struct {
    const gt_node *n;
    int k;
} use;

/* A tensor without a name is called by what it is to the operation that uses it first. */
static void write_role(const gti_picture *p, const gt_tensor *t, use first)
{
    char name[32];
    const bool changed = first.n && first.n->op->flags & GT_OP_INTO && first.k < first.n->n_out;
    fprintf(p->f, "<i>%s</i>", t->requires_grad ? "variable" : changed ? "state" : "constant");
    if (!first.n) return;
    fputs(" ", p->f);
    gti_escape_write(p->f, gt_op_input_name(first.n->op, first.k, name, sizeof name));
}

static void write_leaf_name(const gti_picture *p, const gt_tensor *t, use first)
{
    char path[256];
    size_t length = gt_scope_path(gt_owner(t), path, sizeof path);
    if (!*gt_name(t)) {
        write_role(p, t, first);
        return;
    }
    fputs("<b>", p->f);
    gti_escape_write(p->f, path);
    if (length) fputs(length < sizeof path ? "." : "&#8230;", p->f);
    gti_escape_write(p->f, gt_name(t));
    fputs("</b>", p->f);
}

static void write_leaf(const gti_picture *p, uint32_t i, use first)
{
    const gt_tensor *t = p->leaves.key[i];
    const char *parameter = "color=\"#d97706\" fillcolor=\"#fef3c7\"";
    const char *input = "color=\"#64748b\" fillcolor=\"#f1f5f9\"";
    indent(p);
    fprintf(p->f, "t%u [style=filled %s label=<", i, t->requires_grad ? parameter : input);
    write_leaf_name(p, t, first);
    fputs("<br/>", p->f);
    write_kind(p, t);
    fputs(">", p->f);
    write_highlight(p, t == p->of);
    write_place(p, t);
    fputs("]\n", p->f);
}

/* Leaves of a module, and of an open call, stand in its cluster, others outside or with the
 * backward pass that uses them first. */
static bool add_leaf(gti_picture *p, const gt_tensor *t, use first, const gt_call *maker,
                     bool backward)
{
    uint32_t before = p->leaves.count;
    if (!gti_map_add(&p->leaves, t)) return false;
    if (p->leaves.count == before) return true;
    const gt_scope *owner = gt_owner(t);
    if (!owner && maker) owner = &maker->scope;
    backward = backward && !owner;
    if (backward && !gti_map_add(&p->late, t)) return false;
    if (!go_to(p, owner, backward)) return false;
    write_leaf(p, before, first);
    return true;
}

/* What a folded call made for itself does not show. */
static bool add_leaves_of(gti_picture *p, const gt_node *n)
{
    for (int k = 0; k < n->n_in; k++) {
        if (gti_fold_maker(p, n->in[k]) != GTI_NOT_IN_MAP) continue;
        const gt_call *maker = gti_fold_inner_leaf(n, n->in[k]);
        if (maker && !p->open) continue;
        if (!add_leaf(p, n->in[k], (use){n, k}, maker, gt_node_in_backward(n))) return false;
    }
    return true;
}

bool gti_boxes_write(gti_picture *p)
{
    for (uint32_t i = 0; i < p->nodes.count; i++) {
        const gt_node *n = gti_node_at(p, i);
        if (p->number[i] == GTI_NOT_IN_MAP) continue;
        if (!add_leaves_of(p, n)) return false;
        const gti_box *b = &p->box[p->number[i]];
        if (b->last != i) continue;
        const gt_scope *scope = b->call ? b->call->scope.parent : gt_node_scope(n);
        if (!go_to(p, scope, gt_node_in_backward(n))) return false;
        write_box(p, p->number[i]);
    }
    bool alone = p->of && gti_fold_maker(p, p->of) == GTI_NOT_IN_MAP;
    if (alone && !add_leaf(p, p->of, (use){NULL, 0}, NULL, false)) return false;
    close_clusters(p);
    return true;
}
