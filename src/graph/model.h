/* Making a gt_graph; see model.c. */
#ifndef GTI_GRAPH_MODEL_H
#define GTI_GRAPH_MODEL_H

#include <gradtape/graph.h>

#include "graph/map.h"

typedef struct gti_model_block gti_model_block;

/* A graph with all its memory. While it is made, tensors, nodes and scopes are found by their
 * places. */
typedef struct {
    gt_graph pub;
    gti_model_block *block; /* the latest */
    gti_map tensors, nodes, scopes;
    uint32_t *now;            /* of a tensor: the value that it holds at present */
    const gt_tensor **tensor; /* of a value */
    uint32_t tensors_room, values_room, nodes_room, scopes_room;
} gti_model;

static inline gt_graph_value *gti_model_value(const gti_model *g, int i)
{
    return (gt_graph_value *)&g->pub.value[i];
}
static inline gt_graph_node *gti_model_node(const gti_model *g, int i)
{
    return (gt_graph_node *)&g->pub.node[i];
}
static inline gt_graph_scope *gti_model_scope(const gti_model *g, int i)
{
    return (gt_graph_scope *)&g->pub.scope[i];
}

/* --- model.c --- */
/* Of the nodes from `first` on; `what` is the function, for messages. NULL after a failure. */
gti_model *gti_model_make(gt_ctx *gt, const gt_node *first, const char *what);
/* Has the value of t be the graph's result; adds t where it is on no node. False when memory is
 * short. */
bool gti_model_set_result(gti_model *g, const gt_tensor *t);
/* Has a tensor be an input. */
void gti_model_set_input(gti_model *g, const gt_tensor *t);
/* Zeroed memory that goes with the graph; NULL when there is none. A copy of text likewise. */
void *gti_model_room(gti_model *g, size_t size);
const char *gti_model_text(gti_model *g, const char *text);
/* The place of a scope, which is added with those above it unless it is there; -1 for NULL, -2 when
 * memory is short. */
int gti_model_add_scope(gti_model *g, const gt_scope *scope);
/* Forgets what only the making needs. */
gt_graph *gti_model_done(gti_model *g);

/* --- model_facts.c --- */
/* Works out what follows from the whole: updates, passes, counts. False when memory is short. */
bool gti_model_complete(gti_model *g);

/* --- model_prune.c --- */
/* Leaves nothing but what leads to the result. False when memory is short. */
bool gti_model_prune(gti_model *g);

#endif
