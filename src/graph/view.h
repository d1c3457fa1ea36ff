/* What of a graph is drawn, and as what.
 *
 * A row is what is drawn as a whole: a layer, a call or an operation; in backward passes what
 * differentiates a row. A row's nodes are neighbours, so joining them makes no circles. Frames are
 * stretches of rows in one scope, and nest. A box is one row, or several that follow from each
 * other straight. */
#ifndef GTI_GRAPH_VIEW_H
#define GTI_GRAPH_VIEW_H

#include <gradtape/graph.h>

typedef struct {
    int scope;       /* that is drawn as a whole; -1: an operation */
    int first, last; /* nodes */
    int frame;       /* innermost; -1: none */
    int alias;       /* the row that is drawn for it: itself, or its like in a run's first block */
    int times;       /* it stands for so many layers in a row */
    int of;          /* the row that it differentiates; -1: none */
    int back;        /* the first row that differentiates it, or its like, in the latest pass */
    int box, next;   /* the next row of the same box, or -1 */
    int last_like;   /* of a run of blocks that differ in numbers the last one's row; or -1 */
    gt_part part;
    int pass;
    int64_t parameters;
    double flops, bytes, seconds;
    double keeps; /* bytes of its results for backward passes */
    bool product;
    bool idle; /* is not drawn, nor what it reads */
} gti_row;

typedef struct {
    int scope, parent;
    int first, last; /* rows */
    int times;       /* blocks that it stands for */
    bool shown;
} gti_frame;

typedef struct {
    int first, last; /* rows, linked by next */
    int frame;       /* innermost that is shown; -1: none */
    int of;          /* the box beside which it stands; -1: none */
    gt_part part;
    int pass;
    int64_t parameters;
    double flops, bytes, seconds, keeps;
} gti_box;

typedef struct {
    const gt_graph *g;
    const gt_graph_opts *opts;
    bool layered; /* there are layers, and they are drawn as a whole */
    int *cut;     /* of a scope: the outermost one that is drawn as a whole with it, or -1 */
    int *row_of;  /* of a node */
    bool *sum;    /* of a node: it only gathers gradients, for one reader, and is passed over */
    gti_row *row;
    gti_frame *frame;
    gti_box *box;
    int n_rows, n_frames, n_boxes;
} gti_view;

/* --- view.c --- */
/* False when memory is short; to be closed in any case. */
enum { GTI_VIEW_LEVELS = 1000 }; /* of scopes in each other, at most */
bool gti_view_too_deep(const gt_graph *g);
bool gti_view_open(gti_view *v, const gt_graph *g, const gt_graph_opts *opts);
void gti_view_close(gti_view *v);
/* The row that is drawn for the maker of a value; -1 of leaves. */
int gti_view_maker(const gti_view *v, int value);
/* What is read in fact where a value is: *value itself, or the terms of a sum of gradients that is
 * passed over. Gives one value after the other, and -1 at the end. */
int gti_view_term(const gti_view *v, int *value);
/* Whether a leaf belongs to what is drawn as a whole, and so is not drawn; in pictures of layers
 * also whether a value is a state that goes from one to the next, as random keys do. */
bool gti_view_hides(const gti_view *v, int value, int row);
/* Whether the scope is `above`, or in it. */
bool gti_view_within(const gt_graph *g, int scope, int above);

/* --- fold.c --- */
/* Finds runs of like blocks. */
void gti_fold_rows(gti_view *v);

/* --- stack.c --- */
/* Decides which frames are shown, and puts rows into boxes. False when memory is short. */
bool gti_stack_rows(gti_view *v);

/* --- words.c --- */
enum { GTI_WORDS = 320 }; /* bytes of a text */
/* "Conv2d(1, 6, 5)", without what is the default; of a row: its operation or layer. */
void gti_words_of_row(const gti_view *v, int row, char text[GTI_WORDS]);
/* "net.conv1" */
void gti_words_path(const gt_graph *g, int scope, char text[GTI_WORDS]);
/* "n×64×56×56", or with brackets "[n,64,56,56]" */
void gti_words_shape(const gt_graph_value *v, int64_t batch, bool brackets, char text[GTI_WORDS]);
/* "1.5 M", "23,508": with three digits from 100,000 on. */
void gti_words_count(double n, char text[GTI_WORDS]);
/* "98 kB" */
void gti_words_bytes(double n, char text[GTI_WORDS]);

#endif
