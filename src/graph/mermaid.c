/* A graph in Mermaid's language, which many pages draw where they find it. Where dot has a table,
 * lines are broken; sides and heights are left to whoever draws. */
#include "graph/escape.h"
#include "graph/render.h"

static void write_text(const gti_picture *p, const char *text)
{
    gti_escape_write(p->f, text, GTI_IN_MERMAID);
}

/* --- boxes --- */

static void write_row(const gti_picture *p, int row)
{
    const gti_row *r = &p->view.row[row];
    char text[GTI_WORDS];
    gti_words_of_row(&p->view, row, text);
    if (r->part == GT_PART_BACKWARD) fputs("\xe2\x88\x87 ", p->f);
    write_text(p, text);
    if (r->times > 1) fprintf(p->f, " \xc3\x97 %d", r->times);
}

static void write_box(const gti_picture *p, int box)
{
    const gti_box *b = &p->view.box[box];
    char text[GTI_WORDS];
    fprintf(p->f, "  n%d%s\"", box, b->part == GT_PART_FORWARD ? "(" : "[");
    for (int i = b->first; i >= 0; i = p->view.row[i].next) {
        write_row(p, i);
        if (p->view.row[i].next >= 0) fputs("<br/>", p->f);
    }
    gti_words_count((double)b->parameters, text);
    if (b->parameters && b->part == GT_PART_FORWARD)
        fprintf(p->f, "<br/><small>%s params</small>", text);
    fprintf(p->f, "\"%s\n", b->part == GT_PART_FORWARD ? ")" : "]");
    if (b->part != GT_PART_FORWARD)
        fprintf(p->f, "  class n%d %s\n", box, b->part == GT_PART_BACKWARD ? "backward" : "update");
}

static void write_leaf(gti_picture *p, int value)
{
    char path[GTI_WORDS], shape[GTI_WORDS];
    const gt_graph_value *v = &p->g->value[value];
    p->leaf[value] = ++p->n_leaves;
    gti_words_path(p->g, v->scope, path);
    gti_words_shape(v, p->g->batch, false, shape);
    fprintf(p->f, "  t%d[\"", p->n_leaves - 1);
    write_text(p, *v->name ? path : "");
    if (*path && *v->name) fputs(".", p->f);
    write_text(p, *v->name ? v->name : "constant");
    fprintf(p->f, "<br/><small>%s %s</small>\"]\n  class t%d leaf\n", shape,
            gt_dtype_name(v->dtype), p->n_leaves - 1);
}

static void write_leaves(gti_picture *p)
{
    const gti_view *v = &p->view;
    for (int box = 0; box < v->n_boxes; box++)
        for (int i = v->box[box].first; i >= 0; i = v->row[i].next)
            for (int j = v->row[i].first; j <= v->row[i].last; j++)
                for (int k = 0; k < p->g->node[j].n_in; k++) {
                    const int value = p->g->node[j].in[k];
                    if (p->g->value[value].node < 0 && !p->leaf[value] &&
                        !gti_view_hides(v, value, i))
                        write_leaf(p, value);
                }
}

/* --- frames --- */

static void open_frame(const gti_picture *p, int frame)
{
    char path[GTI_WORDS];
    const gti_frame *f = &p->view.frame[frame];
    const gt_graph_scope *s = &p->g->scope[f->scope];
    gti_words_path(p->g, f->scope, path);
    fprintf(p->f, "  subgraph f%d[\"", frame);
    write_text(p, p->view.layered ? path : s->name);
    if (*s->type) fputs(" ", p->f);
    write_text(p, s->type);
    if (f->times > 1) fprintf(p->f, " \xc3\x97 %d", f->times);
    fputs("\"]\n", p->f);
}

static bool is_inside(const gti_view *v, int frame, int outer)
{
    while (frame >= 0 && frame != outer) frame = v->frame[frame].parent;
    return frame == outer;
}

/* The outermost shown frame around `frame` that is inside of `outer`; -1: none. */
static int next_frame(const gti_view *v, int frame, int outer)
{
    int next = -1;
    for (; frame != outer; frame = v->frame[frame].parent)
        if (v->frame[frame].shown) next = frame;
    return next;
}

/* Boxes of a frame are neighbours, so each frame is opened once. */
static void write_boxes(const gti_picture *p)
{
    const gti_view *v = &p->view;
    int open[GTI_VIEW_LEVELS + 1] = {-1}, n = 1;
    for (int i = 0; i < v->n_boxes; i++) {
        const int frame = v->box[i].frame;
        for (; n > 1 && !is_inside(v, frame, open[n - 1]); n--) fputs("  end\n", p->f);
        for (int next; (next = next_frame(v, frame, open[n - 1])) >= 0; open[n++] = next)
            open_frame(p, next);
        write_box(p, i);
    }
    for (; n > 1; n--) fputs("  end\n", p->f);
}

/* --- edges --- */

static void write_edge(gti_picture *p, int value, int to)
{
    char text[GTI_WORDS];
    const int from = gti_edges_from(p, value);
    const gt_part part = from < 0 ? p->view.box[to].part : p->view.box[from].part;
    if (p->view.layered && part != p->view.box[to].part) return;
    if (from < 0) fprintf(p->f, "  t%d -->", p->leaf[value] - 1);
    else fprintf(p->f, "  n%d -->", from);
    if (gti_edges_label(p, value, text)) fprintf(p->f, "|%s|", text);
    fprintf(p->f, " n%d\n", to);
}

gt_status gti_mermaid_write(const gt_graph *g, const gt_graph_opts *opts, const char *what, FILE *f)
{
    gti_picture p = {.f = f};
    if (!gti_edges_open(&p, g, opts, what)) return gti_edges_close(&p, what);
    fprintf(f, "flowchart %s\n", opts->sideways ? "LR" : "TB");
    write_leaves(&p);
    write_boxes(&p);
    gti_edges_visit(&p, write_edge);
    for (int i = 0; p.view.layered && i < p.view.n_boxes; i++)
        if (p.view.box[i].of >= 0) fprintf(f, "  n%d -.-> n%d\n", p.view.box[i].of, i);
    fputs("  classDef leaf fill:#f1f5f9,stroke:#64748b\n"
          "  classDef backward fill:#f5ebff,stroke:#9333ea,stroke-dasharray:4\n"
          "  classDef update fill:#fffbeb,stroke:#92400e,stroke-width:3px\n",
          f);
    return gti_edges_close(&p, what);
}
