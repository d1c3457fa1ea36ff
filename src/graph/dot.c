/* A graph as text for Graphviz.
 *
 * Layout: the forward pass runs down. A backward pass stands beside it and runs up: its edges are
 * given to dot the wrong way round, so that what differentiates a box comes to stand at its height,
 * and edges across place nothing. (Edges that may stay level, minlen=0, would align better, but dot
 * fails on them in clusters.) Clusters are reopened by name; edges come last, because an edge
 * written inside a cluster would draw its ends into it. */
#include "graph/picture.h"

/* --- edges --- */

static void write_end(const gti_picture *p, int value)
{
    const int box = gti_edges_from(p, value);
    if (box < 0) fprintf(p->f, "t%d", p->leaf[value] - 1);
    else fprintf(p->f, "n%d", box);
    if (box >= 0 && gti_boxes_have_cells(p, box)) fprintf(p->f, ":o%d", p->port[value]);
}

static gt_part part_of(const gti_picture *p, int value, int *pass)
{
    const int box = gti_edges_from(p, value);
    *pass = box < 0 ? 0 : p->view.box[box].pass;
    if (box >= 0) return p->view.box[box].part;
    return p->late[value] ? GT_PART_BACKWARD : GT_PART_FORWARD;
}

/* In pictures of layers what a backward pass reads of the forward pass is said in bytes, beside the
 * box that it differentiates. */
static void write_across(gti_picture *p, int value, int to)
{
    const gti_box *b = &p->view.box[to];
    if (p->view.layered) return;
    fputs("  ", p->f);
    write_end(p, value);
    fprintf(p->f, " -> n%d [constraint=false color=\"%s\"]\n", to,
            b->part == GT_PART_BACKWARD ? "#c4b5fd" : "#d97706");
}

static void write_edge(gti_picture *p, int value, int to)
{
    int pass;
    const gti_box *b = &p->view.box[to];
    const gt_part from = part_of(p, value, &pass);
    const bool backward = b->part == GT_PART_BACKWARD;
    if (backward && from == GT_PART_BACKWARD && (pass == b->pass || p->late[value])) {
        fprintf(p->f, "  n%d -> ", to);
        write_end(p, value);
        fputs(" [dir=back color=\"" GTI_GRADIENT "\"]\n", p->f);
        return;
    }
    if (backward || (b->part == GT_PART_UPDATE && from != GT_PART_UPDATE)) {
        write_across(p, value, to);
        return;
    }
    fputs("  ", p->f);
    write_end(p, value);
    const bool next = from == GT_PART_UPDATE && b->part == GT_PART_FORWARD;
    const char *style = from == GT_PART_BACKWARD ? " [constraint=false"
                        : next                   ? " [style=dashed"
                                                 : "";
    fprintf(p->f, " -> n%d%s", to, style);
    char text[GTI_WORDS];
    const bool labelled = gti_edges_label(p, value, text);
    if (labelled) fprintf(p->f, "%slabel=\" %s\"", *style ? " " : " [", text);
    fputs(*style || labelled ? "]\n" : "\n", p->f);
}

/* A box and what differentiates or updates it stand at one height. Of the operations that
 * differentiate one the first does. */
static void write_beside(const gti_picture *p, int box)
{
    const gti_box *b = &p->view.box[box];
    if (b->of < 0) return;
    fprintf(p->f, "  {rank=same; n%d; n%d}\n", b->of, box);
    fprintf(p->f,
            "  n%d -> n%d [constraint=false style=%s color=\"" GTI_GRADIENT "\" arrowsize=0.5]\n",
            b->of, box, p->view.layered ? "dotted" : "invis");
}

static void write_gradients(const gti_picture *p)
{
    for (int i = 0; i < p->g->n_values; i++) {
        const int gradient = p->g->value[i].gradient;
        if (gradient < 0 || !p->leaf[i]) continue;
        fputs("  ", p->f);
        write_end(p, gradient);
        fprintf(p->f,
                " -> t%d [constraint=false style=dashed color=\"#d97706\" label=\"grad\""
                " fontcolor=\"#b45309\"]\n",
                p->leaf[i] - 1);
    }
}

/* --- the whole --- */

static void write_head(const gti_picture *p)
{
    const bool layered = p->view.layered;
    fprintf(p->f,
            "digraph gradtape {\n"
            "  graph [newrank=true bgcolor=white pad=0.2 nodesep=%s ranksep=%s"
            " style=\"filled,rounded\" fontname=\"Helvetica,Arial,sans-serif\" fontsize=11%s]\n"
            "  node [shape=box style=\"filled,rounded\" color=\"#3b82f6\" fillcolor=\"#eff6ff\""
            " fontname=\"Helvetica,Arial,sans-serif\" fontsize=%d fontcolor=\"" GTI_INK "\""
            " margin=\"%s\" height=0.3]\n"
            "  edge [color=\"#64748b\" arrowsize=0.7"
            " fontname=\"Helvetica,Arial,sans-serif\" fontsize=%d fontcolor=\"" GTI_MUTED "\"]\n",
            layered ? "0.2" : "0.35", layered ? "0.12" : "0.4",
            p->view.opts->sideways ? " rankdir=LR" : "", layered ? 11 : 12,
            layered ? "0.08,0.04" : "0.16,0.08", layered ? 9 : 10);
}

static void write_all(gti_picture *p)
{
    write_head(p);
    if (p->g->n_nodes == 0 && p->g->result < 0)
        fputs("  graph [label=\"the tape is empty\" fontcolor=\"" GTI_MUTED "\"]\n", p->f);
    gti_boxes_write(p);
    gti_edges_visit(p, write_edge);
    for (int i = 0; i < p->view.n_boxes; i++) write_beside(p, i);
    write_gradients(p);
    gti_boxes_legend(p);
    fputs("}\n", p->f);
}

gt_status gti_dot_write(const gt_graph *g, const gt_graph_opts *opts, const char *what, FILE *f)
{
    gti_picture p = {.f = f};
    if (gti_edges_open(&p, g, opts, what)) write_all(&p);
    return gti_edges_close(&p, what);
}
