/* huber_loss_dx: y = dy d, d = x - target moved into [-delta, delta], in one pass: the gradient of
 * huber_loss, and with factors in dy that of smooth_l1_loss and, delta being infinite, of mse_loss.
 * dy is of x's shape, or a number.
 *
 *   d dy = g d, summed for a number    dx = g dy where |x - target| <= delta, else 0
 *   dtarget = -dx */
#include <math.h>

#include "broadcast.h"

typedef struct {
    double delta;
} huber_opts;

static double huber_loss_dx_delta(const gt_node *n)
{
    return ((const huber_opts *)n->opts)->delta;
}

static bool huber_loss_dx_infer(gt_node *n)
{
    const gt_tensor *dy = n->in[0], *x = n->in[1], *target = n->in[2];
    if (!gt_same_shape(x, target))
        return gt_op_fail(n, GT_ERR_SHAPE, "x is %s, but target %s", GTI_SHAPE_TEXT(x->shape),
                          GTI_SHAPE_TEXT(target->shape));
    if (dy->shape.ndim > 0 && !gt_same_shape(dy, x))
        return gt_op_fail(n, GT_ERR_SHAPE, "dy is %s, but x is %s", GTI_SHAPE_TEXT(dy->shape),
                          GTI_SHAPE_TEXT(x->shape));
    if (!(huber_loss_dx_delta(n) > 0))
        return gt_op_fail(n, GT_ERR_ARGUMENT, "delta is %g, must be positive",
                          huber_loss_dx_delta(n));
    n->out[0]->shape = x->shape;
    return true;
}

static void huber_loss_dx_elements(gt_node *n, int64_t begin, int64_t end)
{
    const bool each = n->in[0]->shape.ndim > 0;
    gti_kernels_for(n)->loss.huber_dx(end - begin, gti_from(n->in[0], each ? begin : 0), each,
                                      gti_from(n->in[1], begin), gti_from(n->in[2], begin),
                                      huber_loss_dx_delta(n), gti_to(n->out[0], begin));
}

static bool huber_loss_dx_backward(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    gt_tensor *dy = n->in[0], *x = n->in[1], *t = n->in[2], *g = gout[0];
    const double delta = huber_loss_dx_delta(n);
    if (gt_needs_grad(n, 0))
        gin[0] = gti_sum_like(GT_MUTANT(huber_loss_dx_bend, gt_huber_loss_dx(g, x, t, delta),
                                        gt_mul(g, gt_sub(x, t))),
                              dy);
    if (!gt_needs_grad(n, 1) && !gt_needs_grad(n, 2)) return true;
    gt_tensor *dx = gt_clamp_grad(gt_mul(g, dy), gt_sub(x, t), -delta, delta);
    if (gt_needs_grad(n, 1)) gin[1] = dx;
    if (gt_needs_grad(n, 2)) gin[2] = GT_MUTANT(huber_loss_dx_target, gt_neg(dx), dx);
    return true;
}

#define DELTA(number)                                                                              \
    .opts = &(const huber_opts)                                                                    \
    {                                                                                              \
        number                                                                                     \
    }
#define THREE(...) GT_INPUTS(GT_IN(__VA_ARGS__), GT_IN(__VA_ARGS__), GT_IN(__VA_ARGS__))
static const gt_sample samples[] = {
    {.label = "ordinary", .in = THREE(3, 5), DELTA(0.75)},
    {.label = "a number", .in = GT_INPUTS(GT_IN_SCALAR, GT_IN(3, 5), GT_IN(3, 5)), DELTA(0.75)},
    {.label = "numbers", .in = GT_INPUTS(GT_IN_SCALAR, GT_IN_SCALAR, GT_IN_SCALAR), DELTA(8)},
    {.label = "no bend", .in = GT_INPUTS(GT_IN_SCALAR, GT_IN(7), GT_IN(7)), DELTA(INFINITY)},
    {.label = "bent everywhere",
     .in = GT_INPUTS(GT_IN(4), GT_IN_RANGE(4, 5, 4), GT_IN(4)),
     DELTA(0.5)},
    {.label = "zero-size", .in = GT_INPUTS(GT_IN_SCALAR, GT_IN(0, 3), GT_IN(0, 3)), DELTA(1)},
    {.label = "17 wide", .in = THREE(17), DELTA(0.5)},
    {.label = "a number, 33 wide", .in = GT_INPUTS(GT_IN_SCALAR, GT_IN(33), GT_IN(33)), DELTA(0.5)},
};

static const gt_error_sample error_samples[] = {
    {.label = "target",
     .in = GT_INPUTS(GT_IN(2, 3), GT_IN(2, 3), GT_IN(3)),
     DELTA(1),
     .code = GT_ERR_SHAPE,
     .message = "x is [2,3], but target [3]"},
    {.label = "dy",
     .in = GT_INPUTS(GT_IN(3), GT_IN(2, 3), GT_IN(2, 3)),
     DELTA(1),
     .code = GT_ERR_SHAPE,
     .message = "dy is [3], but x is [2,3]"},
    {.label = "delta",
     .in = THREE(3),
     DELTA(-1),
     .code = GT_ERR_ARGUMENT,
     .message = "delta is -1, must be positive"},
};

static const gt_attr huber_loss_dx_attrs[] = {
    {GT_ARGUMENT("delta", huber_opts, delta), .meaning = "where the bend is; INFINITY: nowhere"},
};

const gt_op gt_op_huber_loss_dx = {
    .name = "huber_loss_dx",
    .inputs = "dy x target",
    .n_in = 3,
    .n_out = 1,
    .opts_size = sizeof(huber_opts),
    .attrs = GT_PLAIN_ATTRS(huber_loss_dx_attrs),
    .infer = huber_loss_dx_infer,
    .elements = GT_FOR_FLOATS(huber_loss_dx_elements),
    .cost = 1,
    .backward = huber_loss_dx_backward,
    .gradient = "d dy = g d, dx = g dy where |x - target| <= delta, dtarget = -dx; "
                "d = x - target, moved into [-delta, delta]",
    GT_SAMPLES(samples),
    GT_ERROR_SAMPLES(error_samples),
};

gt_tensor *gt_huber_loss_dx(gt_tensor *dy, gt_tensor *x, gt_tensor *target, double delta)
{
    return gt_apply(&gt_op_huber_loss_dx, &(huber_opts){delta}, 3, (gt_tensor *[]){dy, x, target});
}
