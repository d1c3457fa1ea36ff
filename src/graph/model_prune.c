/* The part of a graph that leads to its result. */
#include <stdlib.h>

#include "graph/model.h"

/* New places; -1: not wanted. */
typedef struct {
    int *value, *node;
} places;

static void mark(const gti_model *g, int value, const places *p)
{
    p->value[value] = 0;
    const gt_graph_value *v = &g->pub.value[value];
    if (v->node >= 0) p->node[v->node] = 0;
}

/* Nodes are in order, so one way back finds all. */
static void choose(const gti_model *g, const places *p)
{
    for (int i = 0; i < g->pub.n_values; i++) p->value[i] = -1;
    for (int i = 0; i < g->pub.n_nodes; i++) p->node[i] = -1;
    mark(g, g->pub.result, p);
    for (int i = g->pub.n_nodes; i-- > 0;) {
        const gt_graph_node *n = &g->pub.node[i];
        if (p->node[i] < 0) continue;
        for (int k = 0; k < n->n_in; k++) mark(g, n->in[k], p);
        for (int k = 0; k < n->n_out; k++) p->value[n->out[k]] = 0;
    }
}

static void move(int *place, const int *to)
{
    if (*place >= 0) *place = to[*place];
}

static void move_values(gti_model *g, const places *p)
{
    int n = 0;
    for (int i = 0; i < g->pub.n_values; i++)
        if (p->value[i] >= 0) p->value[i] = n++;
    for (int i = 0; i < g->pub.n_values; i++) {
        if (p->value[i] < 0) continue;
        gt_graph_value v = g->pub.value[i];
        move(&v.node, p->node);
        move(&v.before, p->value);
        move(&v.gradient, p->value);
        *gti_model_value(g, p->value[i]) = v;
    }
    g->pub.n_values = n;
}

static void move_nodes(gti_model *g, const places *p)
{
    int n = 0;
    for (int i = 0; i < g->pub.n_nodes; i++) {
        if (p->node[i] < 0) continue;
        gt_graph_node node = g->pub.node[i];
        move(&node.of, p->node);
        for (int k = 0; k < node.n_in + node.n_out; k++) move((int *)&node.in[k], p->value);
        *gti_model_node(g, n++) = node;
    }
    g->pub.n_nodes = n;
}

bool gti_model_prune(gti_model *g)
{
    const places p = {malloc((size_t)g->pub.n_values * sizeof *p.value),
                      malloc(((size_t)g->pub.n_nodes + 1) * sizeof *p.node)};
    const bool ok = p.value && p.node;
    if (ok) {
        choose(g, &p);
        for (int i = 0, n = 0; i < g->pub.n_nodes; i++)
            if (p.node[i] >= 0) p.node[i] = n++;
        move_values(g, &p);
        move_nodes(g, &p);
        g->pub.result = p.value[g->pub.result];
    }
    free(p.value);
    free(p.node);
    return ok;
}
