/* The picture of a tape in Graphviz's language; see dot.c. */
#ifndef GTI_GRAPH_PICTURE_H
#define GTI_GRAPH_PICTURE_H

#include <gradtape/graph.h>

#include "graph/map.h"

#define GTI_INK "#0f172a"
#define GTI_MUTED "#475569"

/* One box: an operation, or a call of a function. */
typedef struct {
    const gt_call *call;  /* NULL: an operation */
    uint32_t first, last; /* its nodes; between them lie none of other boxes */
    uint32_t n_out;       /* of a call: how many of its tensors are outputs */
} gti_box;

typedef struct {
    FILE *f;
    const gt_tensor *of; /* to be highlighted; NULL: the whole tape */
    bool open;           /* calls are clusters */
    gti_map nodes;       /* of the tape, oldest first */
    uint32_t *number;    /* [nodes.count] of its box, GTI_NOT_IN_MAP for what is left out */
    gti_box *box;        /* [n_boxes] in the order of the tape */
    uint32_t n_boxes;
    gti_map outputs; /* of calls' boxes: results, and what others read of them */
    gti_map ends;    /* where the edges to box `at` come from that are drawn already */
    uint32_t at;
    gti_map leaves;        /* tensors without a node on the tape, in the order of their use */
    gti_map late;          /* those of them that stand in the cluster of the backward pass */
    gti_map scopes[2];     /* seen in the forward and in the backward pass */
    const gt_scope *scope; /* whose cluster is open, NULL for none */
    bool backward;         /* inside the cluster of the backward pass */
    int depth;             /* of open clusters */
    bool too_deep;         /* a scope has more than GTI_SCOPES_MOST above it */
} gti_picture;
enum { GTI_SCOPES_MOST = 1000 };

static inline const gt_node *gti_node_at(const gti_picture *p, uint32_t i)
{
    return p->nodes.key[i];
}

/* --- dot.c --- */
/* Writes the nodes that lead to `of`, or with NULL the whole tape of gt. `what` is the function for
 * messages. */
gt_status gti_dot_write(gt_ctx *gt, const gt_tensor *of, gt_graph_opts opts, const char *what,
                        FILE *f);

/* --- fold.c --- */
/* Puts the nodes that `number` does not leave out into boxes. False when memory is short. */
bool gti_fold_nodes(gti_picture *p);
/* The number of the box that t comes out of; GTI_NOT_IN_MAP for a leaf. */
uint32_t gti_fold_maker(const gti_picture *p, const gt_tensor *t);
/* The innermost call that both reads the leaf t, by its node n, and has made it: t is its own
 * affair. NULL: none. */
const gt_call *gti_fold_inner_leaf(const gt_node *n, const gt_tensor *t);

/* --- boxes.c --- */
/* Writes boxes and leaves in their clusters. False when memory is short, or scopes are too deep. */
bool gti_boxes_write(gti_picture *p);

#endif
