/* What follows from the nodes of a graph. */
#include <stdlib.h>

#include "graph/model.h"

/* --- passes --- */

/* A sweep goes from the youngest node to the oldest, so another one has begun where the nodes that
 * are differentiated grow younger, or something else was computed in between. */
static void number_passes(gti_model *g)
{
    int pass = 0, of = -1;
    bool within = false;
    for (int i = 0; i < g->pub.n_nodes; i++) {
        gt_graph_node *n = gti_model_node(g, i);
        if (n->part == GT_PART_BACKWARD && (!within || (of >= 0 && n->of > of))) pass++;
        within = n->part == GT_PART_BACKWARD;
        if (within) n->pass = pass;
        if (!within || n->of >= 0) of = within ? n->of : -1;
    }
}

/* --- updates --- */

/* Bits of what is found of a node. */
enum { FOLLOWS = 1, UPDATES = 2, READ = 4, ELSEWHERE = 8 };

/* What follows from gradients and is outside of backward passes. */
static void mark_following(const gti_model *g, unsigned char *mark)
{
    for (int i = 0; i < g->pub.n_nodes; i++) {
        const gt_graph_node *n = &g->pub.node[i];
        for (int k = 0; k < n->n_in; k++) {
            const int from = g->pub.value[n->in[k]].node;
            if (from < 0) continue;
            const bool backward = g->pub.node[from].part == GT_PART_BACKWARD;
            if (backward || mark[from] & FOLLOWS) mark[i] |= FOLLOWS;
        }
    }
}

/* An update changes something in place by gradients, or is read by nothing but updates. Changes of
 * gradients are found first, so nodes are gone through from the last on. */
static void find_updates(gti_model *g, unsigned char *mark)
{
    for (int i = g->pub.n_nodes; i-- > 0;) {
        gt_graph_node *n = gti_model_node(g, i);
        const bool only = (mark[i] & (READ | ELSEWHERE)) == READ;
        const bool changes = mark[i] & FOLLOWS && n->op->flags & GT_OP_INTO;
        if (n->part == GT_PART_FORWARD && (changes || only)) n->part = GT_PART_UPDATE;
        for (int k = 0; k < n->n_in; k++) {
            const int from = g->pub.value[n->in[k]].node;
            if (from >= 0) mark[from] |= n->part == GT_PART_UPDATE ? READ : ELSEWHERE;
        }
    }
}

/* --- parameters --- */

static void count_parameters(gti_model *g)
{
    for (int i = 0; i < g->pub.n_values; i++) {
        const gt_graph_value *v = &g->pub.value[i];
        if (v->kind != GT_VALUE_PARAMETER || v->scope < 0) continue;
        const int64_t size = gt_shape_size(v->shape);
        gti_model_scope(g, v->scope)->parameters += size;
        if (v->needs_grad) gti_model_scope(g, v->scope)->trainable += size;
    }
}

bool gti_model_complete(gti_model *g)
{
    unsigned char *mark = calloc((size_t)g->pub.n_nodes + 1, 1);
    if (!mark) return false;
    number_passes(g);
    mark_following(g, mark);
    find_updates(g, mark);
    free(mark);
    count_parameters(g);
    return true;
}
