/* Conditions on elements: u8 masks of 1 where they hold and 0 elsewhere. Comparisons take any dtype
 * but the same for both, logical operations take u8, where any number but 0 is true. Masks have no
 * gradient. The formulas are in kernels/compare.def, the rows at the end. */
#include <math.h>

#include "broadcast.h"

static bool comparison(gt_node *n)
{
    n->out[0]->dtype = GT_U8;
    return gti_broadcast_infer(n);
}

static bool of_masks(gt_node *n)
{
    for (int i = 0; i < n->n_in; i++) {
        char name[16];
        if (n->in[i]->dtype == GT_U8) continue;
        gt_op_fail(n, GT_ERR_DTYPE, "%s is %s, needs u8",
                   gt_op_input_name(n->op, i, name, sizeof name), gt_dtype_name(n->in[i]->dtype));
        return gt_op_hint(n, "gt_ne_scalar(x, 0) makes a mask of x");
    }
    return comparison(n);
}

static bool of_floats(gt_node *n)
{
    const gt_dtype dtype = n->dtype;
    if (!gt_is_floating(dtype))
        return gt_op_fail(n, GT_ERR_DTYPE, "x is %s, needs f32 or f64", gt_dtype_name(dtype));
    return comparison(n);
}

static void compare_row(const gt_node *n, int which, int64_t length, const void *const in[],
                        const int64_t stride[], void *y)
{
    gti_any_kernels_of((int)n->dtype)
        ->compare[which](length, in[0], stride[0], in[1], stride[1], y);
}

static void with_itself(const gt_node *n, int64_t begin, int64_t end, gti_compare which)
{
    const gt_tensor *x = n->in[0];
    gti_any_kernels_of((int)n->dtype)
        ->compare[which](end - begin, gti_from(x, begin), 1, gti_from(x, begin), 1,
                         gti_to(n->out[0], begin));
}

/* For u8. */
static void with_zero(const gt_node *n, int64_t begin, int64_t end, gti_compare which)
{
    static const uint8_t zero;
    const gt_tensor *x = n->in[0];
    gti_any_kernels_of((int)n->dtype)
        ->compare[which](end - begin, gti_from(x, begin), 1, &zero, 0, gti_to(n->out[0], begin));
}

#define I64(...)                                                                                   \
    {                                                                                              \
        .shape = GT_DIMS(__VA_ARGS__), .dtype = GT_I64, .low = -2, .high = 3                       \
    }
#define U8(...)                                                                                    \
    {                                                                                              \
        .shape = GT_DIMS(__VA_ARGS__), .dtype = GT_U8, .high = 3                                   \
    }
#define U8_SCALAR                                                                                  \
    {                                                                                              \
        .dtype = GT_U8, .high = 3                                                                  \
    }
static const gt_sample comparison_samples[] = {
    {.label = "ordinary", .in = GT_INPUTS(GT_IN(3, 4), GT_IN(3, 4))},
    {.label = "scalars", .in = GT_INPUTS(GT_IN_SCALAR, GT_IN_SCALAR)},
    {.label = "zero-size", .in = GT_INPUTS(GT_IN(0, 3), GT_IN(3))},
    {.label = "broadcast", .in = GT_INPUTS(GT_IN(4, 1), GT_IN(3))},
    {.label = "17 wide", .in = GT_INPUTS(GT_IN(2, 17), GT_IN(17))},
    {.label = "with itself", .in = GT_INPUTS(GT_IN(5), {.same = 1})},
    {.label = "i64", .in = GT_INPUTS(I64(3, 5), I64(5))},
    {.label = "u8", .in = GT_INPUTS(U8(3, 5), U8(3, 1))},
};
static const gt_sample mask_samples[] = {
    {.label = "ordinary", .in = GT_INPUTS(U8(3, 4), U8(3, 4))},
    {.label = "scalars", .in = GT_INPUTS(U8_SCALAR, U8_SCALAR)},
    {.label = "zero-size", .in = GT_INPUTS(U8(0, 3), U8(3))},
    {.label = "broadcast", .in = GT_INPUTS(U8(4, 1), U8(3))},
    {.label = "17 wide", .in = GT_INPUTS(U8(2, 17), U8(17))},
};
static const gt_sample float_samples[] = {
    {.label = "ordinary", .in = GT_INPUTS(GT_IN(3, 4))},
    {.label = "scalar", .in = GT_INPUTS(GT_IN_SCALAR)},
    {.label = "size one", .in = GT_INPUTS(GT_IN(1, 1))},
    {.label = "zero-size", .in = GT_INPUTS(GT_IN(0, 3))},
    {.label = "17 wide", .in = GT_INPUTS(GT_IN(17))},
};

static const gt_error_sample comparison_errors[] = {
    {.label = "shapes",
     .in = GT_INPUTS(GT_IN(2, 3), GT_IN(4)),
     .code = GT_ERR_SHAPE,
     .message = "shapes [2,3] and [4] do not broadcast: dimension 1 is 3 against 4"},
    {.label = "mixed dtypes",
     .in = GT_INPUTS(GT_IN(3), I64(3)),
     .code = GT_ERR_DTYPE,
     .message = "a is f32, but input b is i64"},
};
static const gt_error_sample mask_errors[] = {
    {.label = "shapes",
     .in = GT_INPUTS(U8(2, 3), U8(4)),
     .code = GT_ERR_SHAPE,
     .message = "do not broadcast"},
    {.label = "f32",
     .in = GT_INPUTS(GT_IN(3), GT_IN(3)),
     .code = GT_ERR_DTYPE,
     .message = "a is f32, needs u8"},
};
static const gt_error_sample not_errors[] = {
    {.label = "f32",
     .in = GT_INPUTS(GT_IN(3)),
     .code = GT_ERR_DTYPE,
     .message = "x is f32, needs u8"},
};
static const gt_error_sample float_errors[] = {
    {.label = "i64",
     .in = GT_INPUTS(I64(3)),
     .code = GT_ERR_DTYPE,
     .message = "x is i64, needs f32 or f64"},
};

/* A row: name; names and number of the inputs; shape rule; what it runs on elements begin to end;
 * samples; error samples. */
#define CONDITION(id, names, count, shape_rule, run, table, error_table)                           \
    static void id##_elements(gt_node *n, int64_t begin, int64_t end)                              \
    {                                                                                              \
        run;                                                                                       \
    }                                                                                              \
    const gt_op gt_op_##id = {                                                                     \
        .name = #id,                                                                               \
        .inputs = (names),                                                                         \
        .n_in = (count),                                                                           \
        .n_out = 1,                                                                                \
        .infer = (shape_rule),                                                                     \
        .elements = GT_FOR_ALL(id##_elements),                                                     \
        GT_SAMPLES(table),                                                                         \
        GT_ERROR_SAMPLES(error_table),                                                             \
    };
#define OF_TWO(id, shape_rule, table, error_table)                                                 \
    CONDITION(id, "a b", 2, shape_rule,                                                            \
              gti_broadcast_elements(n, begin, end, GTI_COMPARE_##id, compare_row), table,         \
              error_table)                                                                         \
    gt_tensor *gt_##id(gt_tensor *a, gt_tensor *b)                                                 \
    {                                                                                              \
        return gt_apply(&gt_op_##id, NULL, 2, (gt_tensor *[]){a, b});                              \
    }
#define OF_ONE(id, shape_rule, run, table, error_table)                                            \
    CONDITION(id, "x", 1, shape_rule, run, table, error_table)                                     \
    gt_tensor *gt_##id(gt_tensor *x)                                                               \
    {                                                                                              \
        return gt_apply(&gt_op_##id, NULL, 1, (gt_tensor *[]){x});                                 \
    }

// clang-format off
OF_TWO(eq, comparison, comparison_samples, comparison_errors)
OF_TWO(ne, comparison, comparison_samples, comparison_errors)
OF_TWO(lt, comparison, comparison_samples, comparison_errors)
OF_TWO(le, comparison, comparison_samples, comparison_errors)
OF_TWO(gt, comparison, comparison_samples, comparison_errors)
OF_TWO(ge, comparison, comparison_samples, comparison_errors)
OF_TWO(logical_and, of_masks, mask_samples, mask_errors)
OF_TWO(logical_or, of_masks, mask_samples, mask_errors)
OF_TWO(logical_xor, of_masks, mask_samples, mask_errors)
OF_ONE(logical_not, of_masks, with_zero(n, begin, end, GTI_COMPARE_eq), mask_samples, not_errors)
OF_ONE(isnan, of_floats, with_itself(n, begin, end, GTI_COMPARE_ne), float_samples, float_errors)
OF_ONE(isfinite, of_floats, with_itself(n, begin, end, GTI_COMPARE_finite), float_samples, float_errors)
// clang-format on

/* --- comparisons with a number --- */

/* The number s as a constant of x's dtype; a whole dtype must have it. */
static gt_tensor *number(const gt_tensor *x, double s, const char *function)
{
    if (!gti_is_given(x, function)) return NULL;
    const double low = x->dtype == GT_U8 ? 0 : -0x1p63, high = x->dtype == GT_U8 ? 256 : 0x1p63;
    if (!gt_is_floating(x->dtype) && !(s >= low && s < high && floor(s) == s)) {
        gt_fail(x->ctx, GT_ERR_ARGUMENT, function, "x is %s, which has no %g",
                gt_dtype_name(x->dtype), s);
        return NULL;
    }
    return gt_scalar(x->ctx, s, .dtype = x->dtype);
}

#define WITH_NUMBER(id)                                                                            \
    GTI_SCALAR_ATTRS(id##_scalar)                                                                  \
    gt_tensor *gti_compose_##id##_scalar(gt_tensor *x, double s)                                   \
    {                                                                                              \
        gt_tensor *b = number(x, s, #id "_scalar");                                                \
        return b ? gt_##id(x, b) : NULL;                                                           \
    }

// clang-format off
WITH_NUMBER(eq)
WITH_NUMBER(ne)
WITH_NUMBER(lt)
WITH_NUMBER(le)
WITH_NUMBER(gt)
WITH_NUMBER(ge)
// clang-format on
