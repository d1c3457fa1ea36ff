/* The picture of a tape in Graphviz's language; see dot.c. */
#ifndef GTI_GRAPH_PICTURE_H
#define GTI_GRAPH_PICTURE_H

#include <gradtape/op.h>

#include "graph/map.h"

#define GTI_INK "#0f172a"
#define GTI_MUTED "#475569"

typedef struct {
    FILE *f;
    const gt_tensor *of;   /* to be highlighted; NULL: the whole tape */
    gti_map nodes;         /* of the tape, oldest first */
    uint32_t *number;      /* [nodes.count] in the picture, GTI_NOT_IN_MAP for what is left out */
    gti_map leaves;        /* tensors without a node on the tape, in the order of their use */
    gti_map late;          /* those of them that stand in the cluster of the backward pass */
    gti_map scopes[2];     /* seen in the forward and in the backward pass */
    const gt_scope *scope; /* whose cluster is open, NULL for none */
    bool backward;         /* inside the cluster of the backward pass */
    int depth;             /* of open clusters */
    bool too_deep;         /* a scope has more than GTI_SCOPES_MOST above it */
} gti_picture;
enum { GTI_SCOPES_MOST = 1000 };

/* --- dot.c --- */
/* Writes the nodes that lead to `of`, or with NULL the whole tape of gt. `what` is the function for
 * messages. */
gt_status gti_dot_write(gt_ctx *gt, const gt_tensor *of, const char *what, FILE *f);
/* The number in the picture of the node that made t; GTI_NOT_IN_MAP for a leaf. */
uint32_t gti_dot_maker(const gti_picture *p, const gt_tensor *t);

static inline const gt_node *gti_node_at(const gti_picture *p, uint32_t i)
{
    return p->nodes.key[i];
}

/* --- boxes.c --- */
/* Writes nodes and leaves in their clusters. False when memory is short, or scopes are too deep. */
bool gti_boxes_write(gti_picture *p);

#endif
