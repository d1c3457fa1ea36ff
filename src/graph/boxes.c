/* The boxes of a picture: layers, operations, calls and leaves, in the clusters of their frames. */
#include <string.h>

#include "graph/escape.h"
#include "graph/picture.h"

#define HIGHLIGHT "#dc2626"

/* --- parts of labels --- */

static void write_kind(const gti_picture *p, int value)
{
    char text[GTI_WORDS];
    gti_words_shape(&p->g->value[value], p->g->batch, true, text);
    fprintf(p->f, GTI_SMALL "%s %s</font>", text, gt_dtype_name(p->g->value[value].dtype));
}

/* The place in the user's program, without its directories, shows when the mouse rests there. */
static void write_place(const gti_picture *p, int value)
{
    const char *where = p->g->value[value].where, *slash = where ? strrchr(where, '/') : NULL;
    if (!where) return;
    fputs(" tooltip=\"", p->f);
    gti_escape_write(p->f, slash ? slash + 1 : where, GTI_IN_TOOLTIP);
    fputs("\"", p->f);
}

static void write_highlight(const gti_picture *p, bool on)
{
    if (on) fputs(" color=\"" HIGHLIGHT "\" penwidth=2.5", p->f);
}

/* --- boxes of operations and calls --- */

/* The first value that the box shows. */
static int first_output(const gti_picture *p, const gti_box *b)
{
    const gti_row *r = &p->view.row[b->first];
    for (int i = r->first; i <= r->last; i++)
        for (int k = 0; k < p->g->node[i].n_out; k++)
            if (p->port[p->g->node[i].out[k]] == 0) return p->g->node[i].out[k];
    return p->g->node[r->last].out[0];
}

static bool is_view(const gti_picture *p, const gti_row *r)
{
    for (int i = r->first; i <= r->last; i++)
        if (!(p->g->node[i].op->flags & GT_OP_VIEW)) return false;
    return true;
}

static void write_name(const gti_picture *p, const gti_row *r)
{
    const gt_graph_scope *s = r->scope >= 0 ? &p->g->scope[r->scope] : NULL;
    const char *name = !s ? p->g->node[r->first].op->name : *s->type ? s->type : s->name;
    fputs("<b>", p->f);
    gti_clusters_text(p, name && *name ? name : "?");
    fputs("</b>", p->f);
    if (is_view(p, r)) fputs(" <i>view</i>", p->f);
}

/* What was asked for besides inputs: "stride={2, 2}". */
static void write_attributes(const gti_picture *p, const gti_row *r)
{
    const gt_graph_node *n = &p->g->node[r->first];
    char text[80] = "";
    if (r->scope >= 0) snprintf(text, sizeof text, "%s", p->g->scope[r->scope].arguments);
    else if (n->opts) gt_attrs_format(&n->op->attrs, n->opts, text, sizeof text);
    if (!*text) return;
    fputs("<br/><font point-size=\"10\">", p->f);
    gti_clusters_text(p, text);
    fputs(strlen(text) + 1 < sizeof text ? "</font>" : "&#8230;</font>", p->f);
}

static void write_cells(const gti_picture *p, const gti_row *r)
{
    for (int i = r->first; i <= r->last; i++)
        for (int k = 0; k < p->g->node[i].n_out; k++) {
            const int value = p->g->node[i].out[k];
            if (p->port[value] < 0) continue;
            fprintf(p->f, "<td port=\"o%d\">", p->port[value]);
            write_kind(p, value);
            fputs("</td>", p->f);
        }
}

static void write_call(const gti_picture *p, int box)
{
    const gti_box *b = &p->view.box[box];
    const gti_row *r = &p->view.row[b->first];
    const bool cells = gti_boxes_have_cells(p, box);
    const char *name = cells ? "" : p->g->value[first_output(p, b)].name;
    if (cells)
        fprintf(p->f, "<table border=\"0\" cellspacing=\"0\"><tr><td colspan=\"%d\">",
                p->n_out[box]);
    write_name(p, r);
    write_attributes(p, r);
    fputs(cells ? "</td></tr><tr>" : "<br/>", p->f);
    if (*name) fputs("<i>", p->f);
    gti_clusters_text(p, name);
    if (*name) fputs("</i> ", p->f);
    if (cells) write_cells(p, r);
    else write_kind(p, first_output(p, b));
    if (cells) fputs("</tr></table>", p->f);
}

/* --- heat --- */

static double heat_of(const gti_picture *p, const gti_box *b)
{
    switch (p->view.opts->heat) {
    case GT_HEAT_FLOPS: return b->flops;
    case GT_HEAT_BYTES: return b->bytes;
    case GT_HEAT_PARAMETERS: return (double)b->parameters;
    case GT_HEAT_TIME: return b->seconds;
    case GT_HEAT_NONE: break;
    }
    return 0;
}

/* --- colours: each kind also has its own border, and stands in its own column --- */

typedef struct {
    const char *meaning, *border, *fill, *style;
} look;
enum { PRODUCT, LAYER, OPERATION, BACKWARD, UPDATE, PARAMETER, INPUT, LOOKS };
static const look looks[LOOKS] = {
    [PRODUCT] = {"multiplies by weights", "#2563eb", "#dbeafe", "filled,rounded"},
    [LAYER] = {"other layer", "#0f766e", "#ecfdf5", "filled,rounded"},
    [OPERATION] = {"operation", "#64748b", "#ffffff", "filled,rounded"},
    [BACKWARD] = {"\xe2\x88\x87 differentiates", "#9333ea", "#f5ebff", "filled,dashed"},
    [UPDATE] = {"updates parameters", "#92400e", "#fffbeb", "filled"},
    [PARAMETER] = {"parameter", "#d97706", "#fef3c7", "filled"},
    [INPUT] = {"input, constant", "#64748b", "#f1f5f9", "filled"},
};

static int look_of_box(const gti_picture *p, const gti_box *b)
{
    bool product = false, layer = false;
    if (b->part != GT_PART_FORWARD) return b->part == GT_PART_BACKWARD ? BACKWARD : UPDATE;
    for (int i = b->first; i >= 0; i = p->view.row[i].next) {
        product |= p->view.row[i].product;
        const int scope = p->view.row[i].scope;
        layer |= scope >= 0 && p->g->scope[scope].kind != GT_SCOPE_FUNCTION;
    }
    return product ? PRODUCT : layer ? LAYER : OPERATION;
}

/* White to orange, by the share of the hottest box. */
static void write_heat(const gti_picture *p, const gti_box *b)
{
    const double share = p->hottest > 0 ? heat_of(p, b) / p->hottest : 0;
    fprintf(p->f, " fillcolor=\"#%02x%02x%02x\"", 255, (int)(255 - 105 * share),
            (int)(255 - 215 * share));
}

static void write_look(const gti_picture *p, int box)
{
    const gti_box *b = &p->view.box[box];
    const int kind = look_of_box(p, b);
    if (p->view.layered || kind >= BACKWARD)
        fprintf(p->f, " color=\"%s\" fillcolor=\"%s\"", looks[kind].border, looks[kind].fill);
    if (p->view.opts->heat) write_heat(p, b);
    if (kind >= BACKWARD) fprintf(p->f, " style=\"%s\"", looks[kind].style);
    else if (!p->view.layered && is_view(p, &p->view.row[b->first]))
        fputs(" style=\"filled,rounded,dashed\"", p->f);
    if (kind == UPDATE) fputs(" peripheries=2", p->f);
}

void gti_boxes_legend(const gti_picture *p)
{
    bool there[LOOKS] = {false};
    int n = 0;
    for (int i = 0; i < p->view.n_boxes; i++) there[look_of_box(p, &p->view.box[i])] = true;
    for (int i = 0; i < LOOKS; i++) n += there[i];
    static const char *const heats[] = {"", "operations", "bytes", "parameters", "time"};
    const gt_graph_heat heat = p->view.opts->heat;
    if (p->view.opts->no_legend || !p->view.layered || (n < 2 && !heat)) return;
    fputs("  graph [labelloc=b labeljust=l label=<<table border=\"0\" cellspacing=\"6\"><tr>",
          p->f);
    for (int i = 0; i < LOOKS; i++)
        if (there[i])
            fprintf(p->f,
                    "<td border=\"1\" color=\"%s\" bgcolor=\"%s\"%s>" GTI_SMALL "%s</font></td>",
                    looks[i].border, looks[i].fill,
                    i == BACKWARD ? " style=\"dashed\"" : " style=\"rounded\"", looks[i].meaning);
    if (heat)
        fprintf(p->f, "<td border=\"1\" bgcolor=\"#ff9628\">" GTI_SMALL "most %s</font></td>",
                heats[heat]);
    fputs("</tr></table>>]\n", p->f);
}

/* --- a box --- */

static void write_box(gti_picture *p, int box)
{
    const gti_box *b = &p->view.box[box];
    const gt_graph *g = p->g;
    gti_clusters_go(p, (gti_place){b->frame, b->part, b->pass});
    gti_clusters_indent(p);
    fprintf(p->f, "n%d [label=<", box);
    if (p->view.layered) gti_rows_write(p, b);
    else write_call(p, box);
    fputs(">", p->f);
    write_look(p, box);
    const int maker = g->result < 0 ? -1 : gti_view_maker(&p->view, g->result);
    write_highlight(p, !p->view.layered && maker >= 0 && p->view.row[maker].box == box);
    write_place(p, first_output(p, b));
    fputs("]\n", p->f);
}

/* --- leaves --- */

/* A tensor without a name is called by what it is to the operation that uses it first. */
static void write_role(const gti_picture *p, const gt_graph_value *v, const gt_graph_node *n, int k)
{
    static const char *const kinds[] = {"result", "input", "variable",
                                        "buffer", "state", "constant"};
    char name[32];
    fprintf(p->f, "<i>%s</i>", kinds[v->kind]);
    if (!n || v->kind == GT_VALUE_INPUT) return;
    fputs(" ", p->f);
    gti_clusters_text(p, gt_op_input_name(n->op, k, name, sizeof name));
}

static void write_leaf_name(const gti_picture *p, const gt_graph_value *v, const gt_graph_node *n,
                            int k)
{
    char path[GTI_WORDS];
    if (!*v->name) {
        write_role(p, v, n, k);
        return;
    }
    gti_words_path(p->g, v->scope, path);
    fputs("<b>", p->f);
    gti_clusters_text(p, path);
    if (*path) fputs(".", p->f);
    gti_clusters_text(p, v->name);
    fputs("</b>", p->f);
}

static void write_leaf(gti_picture *p, int value, const gt_graph_node *n, int k)
{
    const gt_graph_value *v = &p->g->value[value];
    const look *l = &looks[v->kind == GT_VALUE_PARAMETER ? PARAMETER : INPUT];
    p->leaf[value] = ++p->n_leaves;
    gti_clusters_indent(p);
    fprintf(p->f, "t%d [style=filled color=\"%s\" fillcolor=\"%s\" label=<", p->n_leaves - 1,
            l->border, l->fill);
    write_leaf_name(p, v, n, k);
    fputs("<br/>", p->f);
    write_kind(p, value);
    fputs(">", p->f);
    write_highlight(p, value == p->g->result);
    write_place(p, value);
    fputs("]\n", p->f);
}

/* Leaves of a frame stand in it, others outside, or with the backward pass that uses them first. */
static void add_leaf(gti_picture *p, int value, int row, int node, int k)
{
    const gti_view *v = &p->view;
    const gti_row *r = &v->row[row];
    if (v->g->value[value].node >= 0 || p->leaf[value] || gti_view_hides(v, value, row)) return;
    int frame = v->box[r->box].frame;
    while (frame >= 0 && v->frame[frame].scope != v->g->value[value].scope)
        frame = v->frame[frame].parent;
    p->late[value] = r->part != GT_PART_FORWARD && frame < 0;
    gti_clusters_go(p, p->late[value] ? (gti_place){-1, r->part, r->pass}
                                      : (gti_place){frame, GT_PART_FORWARD, 0});
    write_leaf(p, value, &v->g->node[node], k);
}

static void add_leaves_of(gti_picture *p, int box)
{
    const gti_view *v = &p->view;
    for (int i = v->box[box].first; i >= 0; i = v->row[i].next)
        for (int j = v->row[i].first; j <= v->row[i].last; j++)
            for (int k = 0; k < v->g->node[j].n_in; k++) add_leaf(p, v->g->node[j].in[k], i, j, k);
}

/* In pictures of layers the result has a mark of its own. */
static void write_result(gti_picture *p)
{
    char text[GTI_WORDS];
    const int value = p->g->result;
    if (value < 0) return;
    const bool leaf = p->g->value[value].node < 0;
    gti_clusters_go(p, (gti_place){-1, GT_PART_FORWARD, 0});
    if (leaf && !p->leaf[value]) write_leaf(p, value, NULL, 0);
    if (!p->view.layered || leaf) return;
    gti_words_shape(&p->g->value[value], p->g->batch, false, text);
    fprintf(p->f, "  result [shape=plain style=\"\" label=<" GTI_SMALL "%s %s</font>>]\n",
            *p->g->value[value].name ? "" : "result", text);
    fprintf(p->f, "  n%d -> result\n", p->view.row[gti_view_maker(&p->view, value)].box);
}

void gti_boxes_write(gti_picture *p)
{
    for (int i = 0; i < p->view.n_boxes; i++) {
        if (heat_of(p, &p->view.box[i]) > p->hottest) p->hottest = heat_of(p, &p->view.box[i]);
    }
    for (int i = 0; i < p->view.n_boxes; i++) {
        add_leaves_of(p, i);
        write_box(p, i);
    }
    write_result(p);
    gti_clusters_close(p);
}
