#include "function.h"

#include <string.h>

#include "engine/release.h"

bool gti_function_infer(gt_node *n)
{
    n->out[0]->shape = n->in[0]->shape;
    return true;
}

bool gti_function_grad_infer(gt_node *n)
{
    const gt_tensor *dy = n->in[0], *v = n->in[1];
    n->out[0]->shape = v->shape;
    return gt_same_shape(dy, v) || gt_op_fail(n, GT_ERR_SHAPE, "shapes %s and %s differ",
                                              GTI_SHAPE_TEXT(dy->shape), GTI_SHAPE_TEXT(v->shape));
}

gti_parameters gti_function_parameters(const gt_node *n)
{
    gti_parameters all = {{0, 0}};
    for (int i = 0; i < n->op->attrs.n; i++)
        all.p[i] = gt_attr_real(&n->op->attrs.row[i], n->opts, 0);
    return all;
}

gt_tensor *gti_function_grad(const gt_op *grad, gt_tensor *dy, gt_tensor *v, double p, double q)
{
    struct {
        gt_keywords mark;
        double p[2];
    } opts = {GT_COMPLETE, {p, q}};
    if (grad->attrs.n == 1 && grad->attrs.row[0].kind == GT_ATTR_SWITCH)
        memcpy(opts.p, &(const bool){p != 0}, sizeof(bool));
    return gt_apply(grad, &opts, 2, (gt_tensor *[]){dy, v});
}

gt_tensor *gti_function_dx(const gt_node *n, const gt_op *grad, gt_tensor *dy, bool of_y)
{
    gt_tensor *v = of_y ? n->out[0] : n->in[0];
    gt_tensor *dx;
    gti_release_over_gradient(grad, n->opts, 2, (gt_tensor *[]){dy, v}, &dx);
    return dx;
}

gt_tensor *gti_function_dv(const gt_node *n, gt_tensor *g, gti_bend *bend)
{
    gt_tensor *dy = n->in[0], *v = n->in[1];
    return bend ? bend(gt_mul(g, dy), v, gti_function_parameters(n).p) : gt_zeros_like(v);
}

gt_tensor *gti_function_constant(const gt_tensor *x, double s)
{
    return x ? gt_scalar(x->ctx, s, .dtype = x->dtype) : NULL;
}

gt_tensor *gti_function_not_far(gt_tensor *v)
{
    return gt_clamp(v, -1000, 1000);
}

#define I64                                                                                        \
    {                                                                                              \
        .shape = GT_DIMS(3), .dtype = GT_I64, .high = 5                                            \
    }
const gt_error_sample gti_function_errors[] = {
    {.label = "NULL",
     .in = GT_INPUTS({.null = true}),
     .code = GT_ERR_ARGUMENT,
     .message = "x is NULL"},
    {.label = "whole numbers",
     .in = GT_INPUTS(I64),
     .code = GT_ERR_DTYPE,
     .message = "not made for i64"},
};

const gt_error_sample gti_function_grad_errors[] = {
    {.label = "shapes differ",
     .in = GT_INPUTS(GT_IN(2, 3), GT_IN(3)),
     .code = GT_ERR_SHAPE,
     .message = "shapes [2,3] and [3] differ"},
    {.label = "v NULL",
     .in = GT_INPUTS(GT_IN(3), {.null = true}),
     .code = GT_ERR_ARGUMENT,
     .message = "v is NULL"},
    {.label = "mixed dtypes",
     .in = GT_INPUTS(GT_IN(3), I64),
     .code = GT_ERR_DTYPE,
     .message = "i64"},
};
