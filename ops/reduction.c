#include "reduction.h"

bool gti_reduction_dims(const gt_node *n, unsigned axes, unsigned *reduced)
{
    const int ndim = n->in[0]->shape.ndim;
    *reduced = (1u << ndim) - 1;
    if (axes == 0) return true;
    return gt_op_axes(n, axes, ndim, reduced);
}

void gti_reduction_set_shape(const gt_shape *x, unsigned reduced, bool keepdim, gt_shape *y)
{
    y->ndim = 0;
    for (int i = 0; i < x->ndim; i++) {
        const bool gone = reduced >> i & 1;
        if (!gone || keepdim) y->dim[y->ndim++] = gone ? 1 : x->dim[i];
    }
}

gt_shape gti_reduction_shape(gt_shape x, unsigned reduced, bool keepdim)
{
    gt_shape y = {0};
    gti_reduction_set_shape(&x, reduced, keepdim, &y);
    return y;
}

/* The dimensions of x that are not 1, in their order; false when kept ones lie between reduced
 * ones. */
static bool side_by_side(gt_shape x, unsigned reduced, gti_along *s)
{
    int64_t *const size[] = {&s->outer, &s->n, &s->inner};
    int stage = 0;
    *s = (gti_along){1, 1, 1, 0};
    for (int i = 0; i < x.ndim; i++) {
        if (x.dim[i] == 1) continue;
        const bool gone = reduced >> i & 1;
        if (gone != (stage == 1)) stage++;
        if (stage > 2) return false;
        *size[stage] *= x.dim[i];
    }
    return true;
}

bool gti_reduction_infer(gt_node *n, unsigned axes, bool keepdim)
{
    const gt_tensor *x = n->in[0];
    unsigned reduced;
    gti_along s;
    if (!gti_reduction_dims(n, axes, &reduced)) return false;
    gti_reduction_set_shape(&x->shape, reduced, keepdim, &n->out[0]->shape);
    if (x->size > 0 && !side_by_side(x->shape, reduced, &s))
        n->scratch_size = (size_t)x->size * gt_dtype_size(x->dtype);
    return true;
}

void gti_reduction_order(int ndim, unsigned reduced, int *order)
{
    for (int i = 0; i < ndim; i++)
        if (!(reduced >> i & 1)) *order++ = i;
    for (int i = 0; i < ndim; i++)
        if (reduced >> i & 1) *order++ = i;
}

/* x's dimensions, kept ones first, with their strides in x and in this order. */
typedef struct {
    gt_shape shape;
    int64_t own[GT_MAX_DIMS], sorted[GT_MAX_DIMS];
} sorted_dims;

static sorted_dims reduction_sort_dims(gt_shape x, unsigned reduced)
{
    sorted_dims d = {.shape = {.ndim = x.ndim}};
    int64_t own[GT_MAX_DIMS];
    int order[GT_MAX_DIMS];
    gti_strides(x, own);
    gti_reduction_order(x.ndim, reduced, order);
    for (int k = 0; k < x.ndim; k++) {
        d.own[k] = own[order[k]];
        d.shape.dim[k] = x.dim[order[k]];
    }
    gti_strides(d.shape, d.sorted);
    return d;
}

gti_reduced gti_reduction_to(gt_node *n, unsigned axes, int64_t kept)
{
    const gt_tensor *x = n->in[0];
    unsigned reduced;
    gti_reduced r = {.s = {kept, 0, 1, 0}, .x = x->data};
    gti_reduction_dims(n, axes, &reduced);
    if (x->size == 0 || side_by_side(x->shape, reduced, &r.s)) return r;
    const sorted_dims d = reduction_sort_dims(x->shape, reduced);
    gti_copy_strided(d.shape.ndim, d.shape.dim, gt_dtype_size(x->dtype), x->data, d.own, n->scratch,
                     d.sorted, 0);
    return (gti_reduced){.s = {kept, x->size / kept, 1, 0}, .x = n->scratch};
}

gti_reduced gti_reduction_from(gt_node *n, unsigned axes)
{
    return gti_reduction_to(n, axes, n->out[0]->size);
}

void gti_reduction_scatter(gt_node *n, unsigned axes, const void *sorted, void *to)
{
    unsigned reduced;
    gti_reduction_dims(n, axes, &reduced);
    const sorted_dims d = reduction_sort_dims(n->in[0]->shape, reduced);
    gti_copy_strided(d.shape.ndim, d.shape.dim, gt_dtype_size(n->dtype), sorted, d.sorted, to,
                     d.own, 0);
}

int64_t gti_reduction_count(const gt_node *n)
{
    const int64_t kept = n->out[0]->size;
    return kept == 0 ? 0 : n->in[0]->size / kept;
}

gt_tensor *gti_reduction_undo(const gt_node *n, unsigned axes, gt_tensor *t)
{
    unsigned reduced;
    if (!gti_reduction_dims(n, axes, &reduced)) return NULL;
    const gt_shape kept = gti_reduction_shape(n->in[0]->shape, reduced, true);
    return t && t->shape.ndim != kept.ndim ? gt_reshape(t, kept) : t;
}

gt_tensor *gti_reduction_repeat(const gt_node *n, unsigned axes, gt_tensor *t)
{
    return gt_broadcast_to(gti_reduction_undo(n, axes, t), n->in[0]->shape);
}

gt_tensor *gti_reduction_factor_of_square(const gt_tensor *dy, const gt_tensor *y)
{
    const gt_node *made = gt_producer(dy);
    return made && made->op == &gt_op_square_grad && made->in[1] == y ? made->in[0] : NULL;
}

gti_along gti_reduction_along(gt_shape x, int axis)
{
    gti_along s = {1, gti_at_least_1d(x).dim[axis], 1, 0};
    for (int i = 0; i < x.ndim; i++)
        if (x.dim[i] == 0) return (gti_along){0};
    for (int i = 0; i < axis; i++) s.outer *= x.dim[i];
    for (int i = axis + 1; i < x.ndim; i++) s.inner *= x.dim[i];
    return s;
}

/* --- parts --- */

enum { COLUMNS = 128 }; /* a multiple of what the kernels take at a time */

static bool by_columns(const gti_along *s)
{
    return (s->inner + COLUMNS - 1) / COLUMNS > s->outer;
}

void gti_reduction_along_divide(gt_node *n, int stage, const gti_along *s, double cost)
{
    const int64_t items = by_columns(s) ? (s->inner + COLUMNS - 1) / COLUMNS : s->outer;
    const double work = cost * (double)s->outer * (double)s->n * (double)s->inner;
    n->parts[stage] = items > 0 ? gt_parts(n, items, work / (double)items) : 0;
}

gti_along_range gti_reduction_along_range_of(const gt_node *n, const gt_range *r,
                                             const gti_along *s)
{
    gti_along_range part = {.s = *s};
    if (r->end - r->begin == n->parts[r->stage]) return part;
    if (!by_columns(s)) {
        const gti_items outer = gti_items_of(n, r, s->outer);
        part.s.outer = outer.count;
        part.y = outer.first * s->inner;
        part.x = part.y * s->n;
        return part;
    }
    const gti_items blocks = gti_items_of(n, r, (s->inner + COLUMNS - 1) / COLUMNS);
    const int64_t left = s->inner - blocks.first * COLUMNS, columns = blocks.count * COLUMNS;
    part.s.columns = columns < left ? columns : left;
    part.x = part.y = blocks.first * COLUMNS;
    return part;
}

/* How input 0 is reduced; false when it has to be sorted before. */
static bool reduction_of(const gt_node *n, unsigned axes, gti_along *s)
{
    const gt_tensor *x = n->in[0];
    const int64_t kept = gt_shape_size(n->out[0]->shape);
    unsigned reduced;
    *s = (gti_along){kept, 0, 1, 0};
    gti_reduction_dims(n, axes, &reduced);
    if (x->size == 0 || side_by_side(x->shape, reduced, s)) return true;
    *s = (gti_along){kept, x->size / kept, 1, 0};
    return false;
}

void gti_reduction_divide(gt_node *n, unsigned axes, double cost)
{
    gti_along s;
    const bool direct = reduction_of(n, axes, &s);
    if (!direct) n->parts[0] = 1;
    gti_reduction_along_divide(n, direct ? 0 : 1, &s, cost);
}

bool gti_reduction_begin(gt_node *n, const gt_range *r, unsigned axes, gti_reduction *part)
{
    gti_along s;
    const bool direct = reduction_of(n, axes, &s);
    if (!direct && r->stage == 0) {
        gti_reduction_from(n, axes);
        return false;
    }
    const gti_along_range at = gti_reduction_along_range_of(n, r, &s);
    const void *x = direct ? n->in[0]->data : n->scratch;
    *part = (gti_reduction){at.s, gti_const_at(x, at.x, n->dtype), gti_to(n->out[0], at.y)};
    return true;
}

static unsigned back_axes_of(const gt_node *n)
{
    return ((const gti_back_opts *)n->opts)->axes;
}

bool gti_reduction_back_infer(gt_node *n, const char *y)
{
    const gt_shape x = n->in[0]->shape, given = n->in[1]->shape;
    unsigned reduced;
    gti_along s;
    if (!gti_reduction_dims(n, back_axes_of(n), &reduced)) return false;
    const gt_shape kept = gti_reduction_shape(x, reduced, true);
    if (!gt_shape_equal(given, kept))
        return gt_op_fail(n, GT_ERR_SHAPE, "%s is %s, needs %s", y, GTI_SHAPE_TEXT(given),
                          GTI_SHAPE_TEXT(kept));
    if (!gti_reduction_infer(n, back_axes_of(n), true)) return false;
    if (reduction_of(n, back_axes_of(n), &s)) gti_reduction_along_divide(n, 0, &s, 2);
    else n->parts[0] = 1;
    n->scratch_size *= 2; /* as much again for the result in the same order */
    n->out[0]->shape = x;
    return true;
}

void gti_reduction_back(gt_node *n, const gt_range *r, gti_back_kernel *kernel)
{
    const gt_tensor *x = n->in[0], *y = n->in[1];
    if (x->size == 0) return;
    const gti_reduced all = gti_reduction_to(n, back_axes_of(n), y->size);
    if (all.x == x->data) {
        const gti_along_range at = gti_reduction_along_range_of(n, r, &all.s);
        kernel(&at.s, gti_from(x, at.x), gti_from(y, at.y), gti_to(n->out[0], at.x));
        return;
    }
    void *sorted = gti_at(n->scratch, x->size, n->dtype);
    kernel(&all.s, all.x, y->data, sorted);
    gti_reduction_scatter(n, back_axes_of(n), sorted, n->out[0]->data);
}

gti_items gti_reduction_chunks_of(const gt_node *n, const gt_range *r, int64_t size)
{
    const gti_items chunks = gti_items_of(n, r, gti_reduction_chunks(size));
    const int64_t first = chunks.first * GTI_SUM_CHUNK, count = chunks.count * GTI_SUM_CHUNK;
    return (gti_items){first, count < size - first ? count : size - first};
}
