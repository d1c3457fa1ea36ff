/* The picture of a graph, as text; see dot.c and mermaid.c. */
#ifndef GTI_GRAPH_PICTURE_H
#define GTI_GRAPH_PICTURE_H

#include "graph/view.h"

#define GTI_INK "#0f172a"
#define GTI_MUTED "#475569"
#define GTI_GRADIENT "#9333ea"
#define GTI_SMALL "<font point-size=\"10\" color=\"" GTI_MUTED "\">"

/* Where a box stands. */
typedef struct {
    int frame; /* that is shown; -1: none */
    gt_part part;
    int pass;
} gti_place;

typedef struct {
    FILE *f;
    const gt_graph *g;
    gti_view view;
    gti_place at; /* whose clusters are open */
    int depth;    /* of open clusters */
    int *leaf;    /* of a value: its number, from 1; 0: it is not drawn */
    bool *late;   /* of a leaf's value: it stands with a backward pass */
    bool *framed; /* of a frame: its label is written */
    int n_leaves;
    int *port;     /* of a value that its box shows: which of them it is; -1: it does not */
    int *n_out;    /* of a box: how many those are */
    int *seen_box; /* of a box, or a value: 1 + the box that an edge was last drawn to */
    int *leaf_seen;
    bool *labelled; /* of a value: its shape stands already */
    double hottest; /* of boxes */
} gti_picture;

/* --- edges.c --- */
/* False after a failure of the graph's context; to be closed in any case. */
bool gti_edges_open(gti_picture *p, const gt_graph *g, const gt_graph_opts *opts, const char *what);
/* The context's error, also where the stream has one. */
gt_status gti_edges_close(gti_picture *p, const char *what);
/* The box that makes a value; -1 of a leaf. */
int gti_edges_from(const gti_picture *p, int value);
/* Calls draw for each edge, which leads from where the value is made to the box `to`. Leaves have
 * been numbered by then. */
typedef void (*gti_edges_draw)(gti_picture *p, int value, int to);
void gti_edges_visit(gti_picture *p, gti_edges_draw draw);
/* What is to stand on an edge of a value: in pictures of layers its shape where that is another
 * than before, and its dtype where that is of whole numbers; once a value. False: nothing. */
bool gti_edges_label(gti_picture *p, int value, char text[GTI_WORDS]);

/* --- dot.c --- */
/* Writes a graph; `what` is the function for messages. */
gt_status gti_dot_write(const gt_graph *g, const gt_graph_opts *opts, const char *what, FILE *f);

/* --- clusters.c --- */
/* Text of a label. */
void gti_clusters_text(const gti_picture *p, const char *text);
/* Begins a line within the clusters that are open. */
void gti_clusters_indent(const gti_picture *p);
/* Closes and opens clusters so that what follows stands there; closes all. */
void gti_clusters_go(gti_picture *p, gti_place at);
void gti_clusters_close(gti_picture *p);

/* --- rows.c --- */
/* The rows of a box, one below the other, and its numbers: a table of Graphviz. */
void gti_rows_write(const gti_picture *p, const gti_box *b);

/* --- boxes.c --- */
void gti_boxes_write(gti_picture *p);
void gti_boxes_legend(const gti_picture *p);
/* Whether a box has cells for its outputs, which edges begin at. */
static inline bool gti_boxes_have_cells(const gti_picture *p, int box)
{
    return !p->view.layered && p->n_out[box] > 1;
}

#endif
