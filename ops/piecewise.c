/* Functions that are linear (hardswish: quadratic) between kinks: the rows are at the end, the
 * formulas and derivatives in kernels/function.def. At a kink the derivative is PyTorch's choice:
 * the left one of relu and leaky_relu, 0 of the others but hardswish. */
#include <math.h>

#include "function.h"

enum { FUNCTION_COST = 1 };

static gt_tensor *bend_hardswish(gt_tensor *gg, gt_tensor *v, const double *p)
{
    /* phi = x / 3 + 1/2 between -3 and 3, phi' = 1/3 there: twice the slope of hardsigmoid */
    return gt_mul_scalar(gt_hardsigmoid_grad(gg, v, p[0], p[1]), 2);
}

/* --- attributes --- */

typedef struct {
    gt_keywords gt_;
    double low, high;
} clamp_opts;

static const gt_attr leaky_relu_attrs[] = {
    {GT_OPTION("negative_slope", gt_leaky_relu_opts, negative_slope), .otherwise = 0.01,
     .bounds = GT_FINITE, .meaning = "the slope below 0"},
};

/* Infinities are no bounds; a NaN is none that makes sense. */
static const gt_attr hardtanh_attrs[] = {
    {GT_OPTION("min_val", gt_hardtanh_opts, min_val), .otherwise = -1, .bounds = GT_NO_NAN,
     .meaning = "the least result"},
    {GT_OPTION("max_val", gt_hardtanh_opts, max_val), .otherwise = 1, .bounds = GT_NO_NAN,
     .meaning = "the largest result"},
};
static const gt_attr clamp_attrs[] = {
    {GT_ARGUMENT("low", clamp_opts, low), .bounds = GT_NO_NAN,
     .meaning = "the least result; -INFINITY: any"},
    {GT_ARGUMENT("high", clamp_opts, high), .bounds = GT_NO_NAN,
     .meaning = "the largest result; INFINITY: any"},
};

static bool bounds_infer(gt_node *n)
{
    const gti_parameters bounds = gti_function_parameters(n);
    if (bounds.p[0] > bounds.p[1])
        return gt_op_fail(n, GT_ERR_ARGUMENT, "%s %g is above %s %g", n->op->attrs.row[0].name,
                          bounds.p[0], n->op->attrs.row[1].name, bounds.p[1]);
    return gti_function_infer(n);
}

/* --- samples: none of the values of `between` is near a kink of any of them --- */

#define LEAKY(slope) (&(const gt_leaky_relu_opts){.negative_slope = (slope)})
#define BETWEEN(a, b) (&(const gt_hardtanh_opts){.min_val = (a), .max_val = (b)})
#define CLAMP(a, b) (&(const clamp_opts){.low = (a), .high = (b)})
static const double between[] = {-1e3, -7, -3.5, -2.5, -0.5, 1e-3, 0.5, 2.5, 3.5, 5.5, 7, 1e3};
static const double at_0[] = {-1, 0, 1};
static const double at_0_and_6[] = {-1, 0, 3, 6, 7};
static const double at_3[] = {-4, -3, 0, 3, 4};
static const double at_bounds[] = {-2, -1, 0.5, 2, 3};

static const gt_sample kink_at_0[] = {
    GTI_FUNCTION_SAMPLES(-2, 2, NULL),
    GTI_FUNCTION_AT("large values", between, NULL),
    GTI_FUNCTION_KINKS(at_0, NULL),
};
static const gt_sample kink_at_0_grad[] = {GTI_FUNCTION_GRAD_SAMPLES(-2, 2, NULL)};

static const gt_sample kinks_at_0_and_6[] = {
    GTI_FUNCTION_SAMPLES(-2, 8, NULL),
    GTI_FUNCTION_AT("large values", between, NULL),
    GTI_FUNCTION_KINKS(at_0_and_6, NULL),
};
static const gt_sample kinks_at_0_and_6_grad[] = {GTI_FUNCTION_GRAD_SAMPLES(-2, 8, NULL)};

static const gt_sample kinks_at_3[] = {
    GTI_FUNCTION_SAMPLES(-5, 5, NULL),
    GTI_FUNCTION_AT("large values", between, NULL),
    GTI_FUNCTION_KINKS(at_3, NULL),
};
static const gt_sample kinks_at_3_grad[] = {GTI_FUNCTION_GRAD_SAMPLES(-5, 5, NULL)};

static const gt_sample leaks[] = {
    GTI_FUNCTION_SAMPLES(-2, 2, LEAKY(0.01)),
    GTI_FUNCTION_AT("slope = 0.2", between, LEAKY(0.2)),
    GTI_FUNCTION_AT("slope = 0", between, LEAKY(GT_ZERO)),
    GTI_FUNCTION_AT("slope = -1.5", between, LEAKY(-1.5)),
    GTI_FUNCTION_KINKS(at_0, LEAKY(0.2)),
};
static const gt_sample leaks_grad[] = {
    GTI_FUNCTION_GRAD_SAMPLES(-2, 2, LEAKY(0.01)),
    {.label = "slope = -1.5", .in = GT_INPUTS(GT_IN(5), GT_IN(5)), .opts = LEAKY(-1.5)},
};

static const gt_sample bounds[] = {
    GTI_FUNCTION_SAMPLES(-3, 4, BETWEEN(-1, 2)),
    GTI_FUNCTION_AT("large values", between, BETWEEN(-1, 2)),
    GTI_FUNCTION_AT("low = 0", between, BETWEEN(GT_ZERO, 3)),
    GTI_FUNCTION_KINKS(at_bounds, BETWEEN(-1, 2)),
};
static const gt_sample bounds_grad[] = {GTI_FUNCTION_GRAD_SAMPLES(-3, 4, BETWEEN(-1, 2))};

static const gt_sample clamps[] = {
    GTI_FUNCTION_SAMPLES(-3, 4, CLAMP(-1, 2)),
    GTI_FUNCTION_AT("no low", between, CLAMP(-INFINITY, 2)),
    GTI_FUNCTION_AT("no high", between, CLAMP(-1, INFINITY)),
    GTI_FUNCTION_AT("no bounds", between, CLAMP(-INFINITY, INFINITY)),
    GTI_FUNCTION_AT("low = 0", between, CLAMP(0, 3)),
    GTI_FUNCTION_KINKS(at_bounds, CLAMP(-1, 2)),
};
static const gt_sample clamps_grad[] = {
    GTI_FUNCTION_GRAD_SAMPLES(-3, 4, CLAMP(-1, 2)),
    {.label = "no bounds", .in = GT_INPUTS(GT_IN(5), GT_IN(5)), .opts = CLAMP(-INFINITY, INFINITY)},
};

static const gt_error_sample hardtanh_errors[] = {
    {.label = "NULL",
     .in = GT_INPUTS({.null = true}),
     .opts = BETWEEN(GT_ZERO, 1),
     .code = GT_ERR_ARGUMENT,
     .message = "x is NULL"},
    {.label = "low is NaN",
     .in = GT_INPUTS(GT_IN(3)),
     .opts = BETWEEN(NAN, 1),
     .code = GT_ERR_ARGUMENT,
     .message = "min_val is nan, must be a number"},
    {.label = "low above high",
     .in = GT_INPUTS(GT_IN(3)),
     .opts = BETWEEN(2, -1),
     .code = GT_ERR_ARGUMENT,
     .message = "min_val 2 is above max_val -1"},
    {.label = "whole numbers",
     .in = GT_INPUTS({.shape = GT_DIMS(3), .dtype = GT_I64, .high = 5}),
     .opts = BETWEEN(GT_ZERO, 1),
     .code = GT_ERR_DTYPE,
     .message = "not made for i64"},
};

static const gt_error_sample clamp_errors[] = {
    {.label = "NULL",
     .in = GT_INPUTS({.null = true}),
     .opts = CLAMP(0, 1),
     .code = GT_ERR_ARGUMENT,
     .message = "x is NULL"},
    {.label = "low is NaN",
     .in = GT_INPUTS(GT_IN(3)),
     .opts = CLAMP(NAN, 1),
     .code = GT_ERR_ARGUMENT,
     .message = "low is nan, must be a number"},
    {.label = "low above high",
     .in = GT_INPUTS(GT_IN(3)),
     .opts = CLAMP(2, -1),
     .code = GT_ERR_ARGUMENT,
     .message = "low 2 is above high -1"},
    {.label = "whole numbers",
     .in = GT_INPUTS({.shape = GT_DIMS(3), .dtype = GT_I64, .high = 5}),
     .opts = CLAMP(0, 1),
     .code = GT_ERR_DTYPE,
     .message = "not made for i64"},
};

// clang-format off
GTI_FUNCTION_PLAIN(abs, "dx = dy sign x", NULL, kink_at_0)
GTI_FUNCTION_PLAIN(relu, "dx = dy where x > 0, else 0", NULL, kink_at_0)
GTI_FUNCTION_PLAIN(relu6, "dx = dy where 0 < x < 6, else 0", NULL, kinks_at_0_and_6)
GTI_FUNCTION_PLAIN(hardsigmoid, "dx = dy / 6 where -3 < x < 3, else 0", NULL, kinks_at_3)
GTI_FUNCTION_PLAIN(hardswish, "dx = dy (x / 3 + 1/2) where -3 < x < 3, 0 below, dy above", bend_hardswish, kinks_at_3)
GTI_FUNCTION_WITH(leaky_relu, "dx = dy where x > 0, else dy negative_slope", gti_function_infer, NULL, leaks, gti_function_errors)
GTI_FUNCTION_WITH(hardtanh, "dx = dy where min_val < x < max_val, else 0", bounds_infer, NULL, bounds, hardtanh_errors)
GTI_FUNCTION_OP(clamp, "dx = dy where low < x < high, else 0", GTI_PARAMETERS(clamp_opts, clamp_attrs), bounds_infer, NULL, clamps, clamp_errors)
// clang-format on

gt_tensor *gt_clamp(gt_tensor *x, double low, double high)
{
    return gt_apply(&gt_op_clamp, &(clamp_opts){.low = low, .high = high}, 1, (gt_tensor *[]){x});
}
