#include "broadcast.h"

/* --- shapes --- */

/* Says at which dimension of the result the shapes disagree. */
static bool fail_broadcast(gt_node *n, gt_shape a, gt_shape b)
{
    const int ndim = a.ndim > b.ndim ? a.ndim : b.ndim;
    for (int i = ndim - 1; i >= 0; i--) {
        const int ia = i - (ndim - a.ndim), ib = i - (ndim - b.ndim);
        if (ia < 0 || ib < 0 || a.dim[ia] == b.dim[ib] || a.dim[ia] == 1 || b.dim[ib] == 1)
            continue;
        return gt_op_fail(
            n, GT_ERR_SHAPE, "shapes %s and %s do not broadcast: dimension %d is %lld against %lld",
            GTI_SHAPE_TEXT(a), GTI_SHAPE_TEXT(b), i, (long long)a.dim[ia], (long long)b.dim[ib]);
    }
    return gt_op_fail(n, GT_ERR_SHAPE, "shapes %s and %s do not broadcast", GTI_SHAPE_TEXT(a),
                      GTI_SHAPE_TEXT(b));
}

bool gti_broadcast_infer(gt_node *n)
{
    gt_tensor *y = n->out[0];
    y->shape = n->in[0]->shape;
    for (int i = 1; i < n->n_in; i++) {
        const gt_shape all = y->shape;
        if (gt_same_shape(y, n->in[i])) continue;
        if (!gt_shape_broadcast(all, n->in[i]->shape, &y->shape))
            return fail_broadcast(n, all, n->in[i]->shape);
    }
    return true;
}

bool gti_broadcast_stretches(const gt_shape *x, const gt_shape *to)
{
    const int missing = to->ndim - x->ndim;
    for (int i = 0; i < x->ndim && missing >= 0; i++)
        if (x->dim[i] != to->dim[missing + i] && x->dim[i] != 1) return false;
    return missing >= 0;
}

void gti_broadcast_strides(gt_shape x, gt_shape shape, int64_t stride[GT_MAX_DIMS])
{
    int64_t own[GT_MAX_DIMS];
    gti_strides(x, own);
    const int missing = shape.ndim - x.ndim;
    for (int i = 0; i < shape.ndim; i++) {
        const int j = i - missing;
        stride[i] = j < 0 || x.dim[j] == 1 ? 0 : own[j];
    }
}

/* --- rows --- */

/* Merges the outermost kept dimension of w with the next one inward, (dim, sa, sb, sc), if all
 * operands go through the two as through one; otherwise appends it. */
static void push_dim(gti_walk *w, int64_t dim, int64_t sa, int64_t sb, int64_t sc)
{
    int last = w->ndim - 1;
    const bool alike =
        last >= 0 && w->sa[last] == sa * dim && w->sb[last] == sb * dim && w->sc[last] == sc * dim;
    if (!alike) {
        last = w->ndim++;
        w->dim[last] = 1;
    }
    w->dim[last] *= dim;
    w->sa[last] = sa;
    w->sb[last] = sb;
    w->sc[last] = sc;
}

static const int64_t no_strides[GT_MAX_DIMS];

void gti_broadcast_walk_three(gti_walk *w, gt_shape shape, const int64_t *sa, const int64_t *sb,
                              const int64_t *sc)
{
    /* Field by field: most of the arrays is never read. */
    w->ndim = 0;
    w->row = w->rows = 1;
    w->row_sa = w->row_sb = w->row_sc = 0;
    w->a = w->b = w->c = 0;
    for (int i = 0; i < shape.ndim; i++)
        if (shape.dim[i] != 1) push_dim(w, shape.dim[i], sa[i], sb[i], sc[i]);
    if (w->ndim > 0) {
        w->ndim--;
        w->row = w->dim[w->ndim];
        w->row_sa = w->sa[w->ndim];
        w->row_sb = w->sb[w->ndim];
        w->row_sc = w->sc[w->ndim];
    }
    for (int i = 0; i < w->ndim; i++) {
        w->rows *= w->dim[i];
        w->index[i] = 0;
    }
}

void gti_broadcast_walk(gti_walk *w, gt_shape shape, const int64_t *sa, const int64_t *sb)
{
    gti_broadcast_walk_three(w, shape, sa, sb, no_strides);
}

void gti_broadcast_seek(gti_walk *w, int64_t row)
{
    w->a = w->b = w->c = 0;
    for (int i = w->ndim - 1; i >= 0; i--) {
        w->index[i] = row % w->dim[i];
        row /= w->dim[i];
        w->a += w->index[i] * w->sa[i];
        w->b += w->index[i] * w->sb[i];
        w->c += w->index[i] * w->sc[i];
    }
}

void gti_broadcast_next(gti_walk *w)
{
    for (int i = w->ndim - 1; i >= 0; i--) {
        w->a += w->sa[i];
        w->b += w->sb[i];
        w->c += w->sc[i];
        if (++w->index[i] < w->dim[i]) return;
        w->index[i] = 0;
        w->a -= w->sa[i] * w->dim[i];
        w->b -= w->sb[i] * w->dim[i];
        w->c -= w->sc[i] * w->dim[i];
    }
}

enum { OPERANDS = 3 };

static void walk_inputs(const gt_node *n, gti_walk *w)
{
    const gt_tensor *a = n->in[0], *b = n->in[1], *c = n->n_in > 2 ? n->in[2] : NULL,
                    *y = n->out[0];
    int64_t sa[GT_MAX_DIMS], sb[GT_MAX_DIMS], sc[GT_MAX_DIMS];
    gti_broadcast_strides(a->shape, y->shape, sa);
    gti_broadcast_strides(b->shape, y->shape, sb);
    if (c) gti_broadcast_strides(c->shape, y->shape, sc);
    gti_broadcast_walk_three(w, y->shape, sa, sb, c ? sc : no_strides);
}

void gti_broadcast_elements(const gt_node *n, int64_t begin, int64_t end, int which, gti_row *row)
{
    if (begin == end) return;
    gti_walk w;
    walk_inputs(n, &w);
    gti_broadcast_seek(&w, begin / w.row);
    const int64_t stride[] = {w.row_sa, w.row_sb, w.row_sc};
    const gt_tensor *const *in = (const gt_tensor *const *)n->in;
    for (int64_t at = begin % w.row; begin < end; at = 0, gti_broadcast_next(&w)) {
        const int64_t length = w.row - at < end - begin ? w.row - at : end - begin;
        const int64_t offset[] = {w.a + at * w.row_sa, w.b + at * w.row_sb, w.c + at * w.row_sc};
        const void *operand[OPERANDS] = {NULL};
        for (int k = 0; k < n->n_in && k < OPERANDS; k++)
            operand[k] = gti_const_at(in[k]->data, offset[k], in[k]->dtype);
        row(n, which, length, operand, stride, gti_to(n->out[0], begin));
        begin += length;
    }
}
