/* A shared object for `gradtape check --load`: an operation that has a kernel for f32 alone. */
#include <gradtape.h>

static bool infer(gt_node *n)
{
    n->out[0]->shape = n->in[0]->shape;
    return true;
}

static void forward(gt_node *n)
{
    const float *x = n->in[0]->data;
    float *y = n->out[0]->data;
    for (int64_t i = 0; i < n->in[0]->size; i++) y[i] = x[i] * x[i] * x[i];
}

/* dx = 3 x^2 dy */
static bool backward(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    gin[0] = gt_mul(gout[0], gt_mul_scalar(gt_square(n->in[0]), 3));
    return true;
}

static const gt_sample samples[] = {{.label = "vector", .in = GT_INPUTS(GT_IN(7))}};
static const gt_op cube = {.name = "float_cube",
                           .inputs = "x",
                           .n_in = 1,
                           .n_out = 1,
                           .infer = infer,
                           .forward = {[GT_F32] = forward},
                           .backward = backward,
                           GT_SAMPLES(samples)};
GT_EXPORT_OPS(&cube);
