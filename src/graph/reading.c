/* What those who write a graph in another language ask of it. */
#include "graph/reading.h"

#include <gradtape/attr.h>
#include <stdio.h>
#include <string.h>

#include "base/names.h"

bool gti_reading_short_of_memory(const gti_reading *r)
{
    gt_fail(r->g->ctx, GT_ERR_MEMORY, r->what, "out of memory");
    return false;
}

/* --- names --- */

/* Puts text before what begins at `at`. */
static char *put_before(char *at, const char *text)
{
    for (size_t k = strlen(text); k-- > 0;) *--at = text[k];
    return at;
}

const char *gti_reading_path(gti_reading *r, int scope, const char *name)
{
    size_t size = strlen(name) + 2;
    for (int s = scope; s >= 0; s = r->g->scope[s].parent) size += strlen(r->g->scope[s].name) + 1;
    char *path = gti_store_get(&r->store, size, 1), *at = path ? path + size - 1 : NULL;
    if (!at) return "";
    at = put_before(at, name);
    for (int s = scope; s >= 0; s = r->g->scope[s].parent) {
        const gt_graph_scope *here = &r->g->scope[s];
        if (here->kind == GT_SCOPE_FUNCTION || !*here->name) continue;
        if (*at) *--at = '.';
        at = put_before(at, here->name);
    }
    return at;
}

/* The path of m from its root on, and a dot; "" of a root. */
static const char *path_before(gti_reading *r, const gt_module *m)
{
    size_t size = 1;
    for (const gt_module *at = m; at && at->parent; at = at->parent)
        size += strlen(at->scope.name) + 1;
    char *path = gti_store_get(&r->store, size, 1), *before = path ? path + size - 1 : NULL;
    for (const gt_module *at = m; before && at && at->parent; at = at->parent) {
        *--before = '.';
        before = put_before(before, at->scope.name);
    }
    return before ? before : "";
}

static const char *numbered(gti_reading *r, const char *name, int i)
{
    char *text = gti_store_get(&r->store, strlen(name) + 32, 1);
    if (text) sprintf(text, "%s%s%d", name, *name ? "_" : "v", i);
    return text ? text : "";
}

/* Leaves have their paths, as the module of the weights knows them; the result and inputs have
 * their names. */
static bool name_values(gti_reading *r)
{
    const char *before = path_before(r, r->weights);
    const size_t n_before = strlen(before);
    gti_names taken = {.store = &r->store};
    for (int i = 0; i < r->g->n_values; i++) {
        const gt_graph_value *v = &r->g->value[i];
        const char *name = v->node >= 0 ? "" : gti_reading_path(r, v->scope, v->name);
        if (strncmp(name, before, n_before) == 0) name += n_before;
        if (i == r->g->result) name = "output";
        if (v->kind == GT_VALUE_INPUT && !*name) name = "input";
        if (!*name || gti_names_find(&taken, (gti_bytes){(const uint8_t *)name, strlen(name)}) >= 0)
            name = numbered(r, name, i);
        gti_names_add(&taken, (gti_bytes){(const uint8_t *)name, strlen(name)});
        r->name[i] = name;
    }
    return !r->store.failed || gti_reading_short_of_memory(r);
}

/* --- readers --- */

bool gti_reading_is_read(const gti_reading *r, const gt_graph_node *n)
{
    bool read = false;
    for (int i = 0; i < n->n_out; i++) read |= r->readers[n->out[i]] > 0;
    return read && n->part == GT_PART_FORWARD;
}

bool gti_reading_is_leaf(const gti_reading *r, int i)
{
    const gt_graph_value *v = &r->g->value[i];
    return v->kind == GT_VALUE_INPUT || (r->readers[i] && v->node < 0);
}

/* From the result back, so that what nobody reads does not count as a reader; nor does what fills a
 * tensor, whatever it held. */
static void count_readers(gti_reading *r)
{
    r->readers[r->g->result]++;
    for (int k = r->g->n_nodes - 1; k >= 0; k--) {
        const gt_graph_node *n = &r->g->node[k];
        const bool reads = gti_reading_is_read(r, n) && strcmp(n->op->name, "fill") != 0;
        const int n_in = reads ? n->n_in : 0;
        for (int i = 0; i < n_in; i++)
            if (!r->readers[n->in[i]]++) r->reader[n->in[i]] = k;
    }
}

/* --- the whole --- */

bool gti_reading_begin(gti_reading *r, const gt_graph *g, const gt_module *weights,
                       const char *what)
{
    *r = (gti_reading){.g = g, .what = what, .place = "", .weights = weights};
    if (g->result < 0)
        return gt_fail(g->ctx, GT_ERR_ARGUMENT, what, "the graph has no result"), false;
    const size_t n = (size_t)g->n_values;
    r->name = gti_store_get(&r->store, n, sizeof *r->name);
    r->readers = gti_store_get(&r->store, n, sizeof *r->readers);
    r->reader = gti_store_get(&r->store, n, sizeof *r->reader);
    if (r->store.failed) return gti_reading_short_of_memory(r);
    count_readers(r);
    return name_values(r);
}

void gti_reading_end(gti_reading *r)
{
    gti_store_clear(&r->store);
}

void gti_reading_go_to(gti_reading *r, const gt_graph_node *n)
{
    r->n = n;
    r->place = gti_reading_path(r, n->scope, "");
    if (!*r->place) r->place = n->op->name;
}

const void *gti_reading_data(gti_reading *r, int i)
{
    const gt_graph_value *v = &r->g->value[i];
    const gt_module *root = r->weights;
    while (root && root->parent) root = root->parent;
    const char *path = gti_reading_path(r, v->scope, v->name); /* from the root on */
    const gt_tensor *t = root ? gt_module_parameter(root, path) : NULL;
    if (!t && root) t = gt_module_buffer(root, path);
    const bool same = t && gt_shape_equal(t->shape, v->shape) && t->dtype == v->dtype;
    const void *data = same ? t->data : v->data;
    if (!data)
        gt_fail(r->g->ctx, GT_ERR_UNSUPPORTED, r->what,
                "%s%s is a constant of the program with more than %d bytes, which the graph does "
                "not hold\n  hint: make it a buffer of a module (gt_module_add_buffer)",
                r->name[i], v->where ? v->where : "", GT_GRAPH_DATA);
    return data;
}

/* --- the present node --- */

bool gti_reading_vfail(const gti_reading *r, gt_status code, const char *fmt, va_list args)
{
    char text[512];
    gt_vsnprintf(text, sizeof text, fmt, args);
    gt_fail(r->g->ctx, code, r->what, "%s '%s' %s", r->n->op->name, r->place, text);
    return false;
}

bool gti_reading_fail(const gti_reading *r, gt_status code, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    gti_reading_vfail(r, code, fmt, args);
    va_end(args);
    return false;
}

const gt_graph_value *gti_reading_value(const gti_reading *r, int i)
{
    return &r->g->value[r->n->in[i]];
}

const gt_graph_value *gti_reading_result(const gti_reading *r, int i)
{
    return &r->g->value[r->n->out[i]];
}

int64_t gti_reading_whole(const gti_reading *r, const char *attr, int i)
{
    return gt_attr_whole(gt_attr_find(&r->n->op->attrs, attr), r->n->opts, i);
}

double gti_reading_real(const gti_reading *r, const char *attr, int i)
{
    return gt_attr_real(gt_attr_find(&r->n->op->attrs, attr), r->n->opts, i);
}

int gti_reading_axis(const gti_reading *r, int ndim)
{
    const int64_t axis = gti_reading_whole(r, "axis", 0);
    return (int)(!ndim ? 0 : axis < 0 ? axis + ndim : axis);
}

int gti_reading_axes(const gti_reading *r, int64_t axes[GT_MAX_DIMS])
{
    const int ndim = gti_reading_value(r, 0)->shape.ndim;
    const unsigned set = (unsigned)gti_reading_whole(r, "axes", 0);
    int n = 0;
    for (int i = 0; i < ndim; i++)
        if (!set || set & (1u << i) || set & (1u << (32 + i - ndim))) axes[n++] = i;
    return n;
}

int64_t gti_reading_hidden(const gti_reading *r, gt_attr_kind kind, int i)
{
    const gt_attrs *all = &r->n->op->attrs;
    for (int k = 0; k < all->n; k++)
        if (!all->row[k].name[0] && all->row[k].kind == kind)
            return gt_attr_whole(&all->row[k], r->n->opts, i);
    return 0;
}
