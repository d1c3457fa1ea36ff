/* Modules for the tests of saving; include behind support.h. */
#ifndef GT_TESTS_IO_DENSE_H
#define GT_TESTS_IO_DENSE_H

#include "support.h"

/* y = tanh(x weight + bias), where a buffer counts the calls; lazy until `in` is known. */
typedef struct {
    gt_module base;
    int64_t in, out;
    gt_dtype dtype;
    gt_tensor *weight, *bias, *calls;
} dense;

static inline bool dense_make(gt_module *m, gt_tensor *x)
{
    dense *d = (dense *)m;
    const gt_new_opts of = {.dtype = d->dtype};
    if (x) d->in = x->shape.dim[1];
    d->weight =
        gt_module_add_parameter(m, "weight", gt_randn_(m->ctx, GT_SHAPE(d->in, d->out), of));
    d->bias = gt_module_add_parameter(m, "bias", gt_randn_(m->ctx, GT_SHAPE(d->out), of));
    d->calls = gt_module_add_buffer(m, "calls", gt_zeros(m->ctx, GT_SCALAR, .dtype = GT_I64));
    return d->calls;
}

static inline gt_tensor *dense_forward(gt_module *m, gt_tensor *x)
{
    dense *d = (dense *)m;
    ++*(int64_t *)d->calls->data;
    return gt_tanh(gt_add(gt_matmul(x, d->weight), d->bias));
}

static inline gt_module *dense_new(gt_ctx *gt, int64_t in, int64_t out, gt_dtype dtype)
{
    static const gt_module_type lazy = {.name = "LazyDense",
                                        .size = sizeof(dense),
                                        .forward = dense_forward,
                                        .materialise = dense_make};
    static const gt_module_type type = {
        .name = "Dense", .size = sizeof(dense), .forward = dense_forward};
    dense *d = (dense *)gt_module_new(gt, in ? &type : &lazy);
    if (!d) return NULL;
    d->in = in;
    d->out = out;
    d->dtype = dtype;
    return !in || dense_make(&d->base, NULL) ? &d->base : NULL;
}

static inline gt_tensor *chain_forward(gt_module *m, gt_tensor *x)
{
    for (gt_module *c = m->child; c; c = c->next) x = gt_forward(c, x);
    return x;
}

/* Two of them, "0" and "1": [n,in] to [n,out]. */
static inline gt_module *chain_new(gt_ctx *gt, int64_t in, int64_t inner, int64_t out)
{
    static const gt_module_type type = {
        .name = "Chain", .size = sizeof(gt_module), .forward = chain_forward};
    gt_module *m = gt_module_new(gt, &type);
    gt_module_add_child(m, "0", dense_new(gt, in, inner, GT_F32));
    gt_module_add_child(m, "1", dense_new(gt, in ? inner : 0, out, GT_F32));
    return m;
}

/* Both have the same state, bit by bit. */
static inline void assert_same_state(const gt_module *a, const gt_module *b)
{
    gt_state_iter x = gt_module_state(a), y = gt_module_state(b);
    while (gt_state_next(&x)) {
        char path[64];
        gt_state_path(&x, path, sizeof path);
        assert_true(gt_state_next(&y));
        const size_t n = (size_t)x.tensor->size * gt_dtype_size(x.tensor->dtype);
        if (memcmp(x.tensor->data, y.tensor->data, n)) fail_msg("%s differs", path);
    }
    assert_false(gt_state_next(&y));
}

#endif
