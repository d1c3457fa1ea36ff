/* Where values lie: what is given by the caller, arrays of numbers, and memory by lives. */
#include <stdlib.h>
#include <string.h>

#include "cfile/cfile.h"

enum { ALIGN = 16 }; /* bytes between places */

/* --- shared memory --- */

/* What is the same elements as its input. */
static bool is_view(const gt_graph *g, const gt_graph_node *n)
{
    static const char *const names[] = {"dropout", "clone"};
    if (n->op->flags & GT_OP_VIEW) return true;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!strcmp(n->op->name, names[i])) return true;
    return !strcmp(n->op->name, "cast") && g->value[n->in[0]].dtype == g->value[n->out[0]].dtype;
}

static void find_roots(gti_cfile *c)
{
    const gt_graph *g = c->r.g;
    for (int i = 0; i < g->n_values; i++) {
        gti_cfile_value *v = &c->value[i];
        *v = (gti_cfile_value){.root = i, .place = {.first = INT64_MAX, .last = -1}};
        if (g->value[i].kind == GT_VALUE_INPUT) v->home = GTI_CFILE_GIVEN;
    }
    for (int k = 0; k < g->n_nodes; k++) {
        const gt_graph_node *n = &g->node[k];
        if (!gti_reading_is_read(&c->r, n) || !is_view(g, n)) continue;
        c->value[n->out[0]].root = c->value[n->in[0]].root;
        c->node[k].gone = true;
    }
    gti_cfile_value *result = &c->value[c->value[g->result].root];
    const bool made = g->value[result->root].node >= 0;
    if (made) result->home = GTI_CFILE_GIVEN;
}

/* --- lives --- */

static void use(gti_cfile *c, int value, int64_t now)
{
    gti_cfile_value *v = &c->value[c->value[value].root];
    if (c->r.g->value[v->root].node < 0 || v->home == GTI_CFILE_GIVEN) return;
    v->home = GTI_CFILE_MEMORY;
    if (now < v->place.first) v->place.first = now;
    if (now > v->place.last) v->place.last = now;
}

static size_t bytes_of(const gt_graph_value *v)
{
    const size_t bytes = (size_t)gt_shape_size(v->shape) * gt_dtype_size(v->dtype);
    return (bytes + ALIGN - 1) / ALIGN * ALIGN;
}

static bool is_in_place(const gt_graph_node *n)
{
    const gti_cfile_row *row = gti_cfile_find(n->op->name);
    return row && row->in_place;
}

/* Where elements are computed each by itself, the result may lie in the place of an input. */
static void share_place(gti_cfile *c, int k)
{
    const gt_graph *g = c->r.g;
    const gt_graph_node *n = &g->node[k];
    gti_cfile_value *y = &c->value[n->out[0]];
    if (y->home != GTI_CFILE_MEMORY || !is_in_place(n)) return;
    for (int i = 0; i < n->n_in; i++) {
        const gt_graph_value *in = &g->value[n->in[i]], *out = &g->value[n->out[0]];
        gti_cfile_value *x = &c->value[c->value[n->in[i]].root];
        if (x->home == GTI_CFILE_MEMORY && in->dtype == out->dtype &&
            gt_shape_equal(in->shape, out->shape) && gti_places_take_over(&x->place, &y->place, k))
            return;
    }
}

/* The nodes that are written; times are their numbers. */
static bool is_written(const gti_cfile *c, int k)
{
    return !c->node[k].gone && gti_reading_is_read(&c->r, &c->r.g->node[k]);
}

/* A reduction over axes that do not lie side by side first puts them so. */
static bool needs_scratch(const gti_cfile *c, int k)
{
    const gt_graph_node *n = &c->r.g->node[k];
    const gt_attr *axes = gt_attr_find(&n->op->attrs, "axes");
    const gti_cfile_row *row = gti_cfile_find(n->op->name);
    if (!axes || !row || row->in_place || n->n_in != 1) return false;
    const gt_shape *x = &c->r.g->value[n->in[0]].shape;
    const unsigned set = (unsigned)gt_attr_whole(axes, n->opts, 0);
    int stretches = 0;
    for (int i = 0, was = 0; i < x->ndim; i++) {
        const int in = !set || set & (1u << i) || set & (1u << (32 + i - x->ndim));
        if (x->dim[i] == 1) continue;
        stretches += in && !was;
        was = in;
    }
    return stretches > 1;
}

static void find_lives(gti_cfile *c)
{
    const gt_graph *g = c->r.g;
    for (int k = 0; k < g->n_nodes; k++) {
        const gt_graph_node *n = &g->node[k];
        if (!is_written(c, k)) continue;
        for (int i = 0; i < n->n_in; i++) use(c, n->in[i], k);
        for (int i = 0; i < n->n_out; i++)
            if (i == 0 || c->r.readers[n->out[i]])
                use(c, i == 0 && c->node[k].result >= 0 ? c->node[k].result : n->out[i], k);
        c->node[k].scratch = (gti_place){.first = k, .last = k};
        if (needs_scratch(c, k)) c->node[k].scratch.bytes = bytes_of(&g->value[n->in[0]]);
    }
    for (int i = 0; i < g->n_values; i++) c->value[i].place.bytes = bytes_of(&g->value[i]);
    for (int k = 0; k < g->n_nodes; k++)
        if (is_written(c, k)) share_place(c, k);
}

/* --- places --- */

/* Values of a dtype have memory of their own, an array of that. */
static void place(gti_cfile *c, gt_dtype dtype, gti_place **all, gti_place **room)
{
    int64_t n = 0;
    for (int i = 0; i < c->r.g->n_values; i++)
        if (c->value[i].home == GTI_CFILE_MEMORY && c->r.g->value[i].dtype == dtype)
            all[n++] = &c->value[i].place;
    for (int k = 0; k < c->r.g->n_nodes; k++)
        if (dtype == GT_F32 && c->node[k].scratch.bytes) all[n++] = &c->node[k].scratch;
    c->elements[dtype] = gti_places_put(all, n, room) / gt_dtype_size(dtype);
}

bool gti_cfile_plan(gti_cfile *c)
{
    static const gt_dtype kinds[] = {GT_F32, GT_I64, GT_U8};
    const size_t most = (size_t)c->r.g->n_values + (size_t)c->r.g->n_nodes;
    gti_place **all = gti_store_get(&c->r.store, most, sizeof(gti_place *));
    gti_place **room = gti_store_get(&c->r.store, 2 * most, sizeof(gti_place *));
    if (!all || !room) return gti_reading_short_of_memory(&c->r);
    find_roots(c);
    find_lives(c);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) place(c, kinds[i], all, room);
    return true;
}
