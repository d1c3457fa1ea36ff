/* Functions of one element, y[i] = f(x[i]; p), and their gradients.
 *
 * Each NAME is two operations: NAME, and NAME_grad(dy, v) = dy f'(x), made in one pass from v,
 * which is x or y as kernels/function.def says. With G for the gradient of NAME_grad's result:
 *
 *   NAME       dx = NAME_grad(dy, v)
 *   NAME_grad  d dy = NAME_grad(G, v)    dv = G dy phi'(v), phi being f' as a function of v
 *
 * The last is built of operations, by a row's `bend`; NULL where f' is piecewise constant. */
#ifndef GTI_OPS_FUNCTION_H
#define GTI_OPS_FUNCTION_H

#include "bound.h"

/* The parameters of a function are its attributes, at most two, in their order. */
typedef struct {
    double p[2];
} gti_parameters;

/* gg phi'(v) */
typedef gt_tensor *gti_bend(gt_tensor *gg, gt_tensor *v, const double *p);

bool gti_function_infer(gt_node *n);
bool gti_function_grad_infer(gt_node *n);
gti_parameters gti_function_parameters(const gt_node *n);
static inline bool gti_function_bind_parameters(const gt_node *n, gt_bound *b)
{
    const gti_parameters all = gti_function_parameters(n);
    for (int i = 0; i < 2; i++) b->by.p[i] = all.p[i];
    return true;
}
/* A NAME_grad with these parameters. */
gt_tensor *gti_function_grad(const gt_op *grad, gt_tensor *dy, gt_tensor *v, double p, double q);
/* dx of a NAME that has the gradient operation grad. */
gt_tensor *gti_function_dx(const gt_node *n, const gt_op *grad, gt_tensor *dy, bool of_y);
/* dv of a NAME_grad. */
gt_tensor *gti_function_dv(const gt_node *n, gt_tensor *g, gti_bend *bend);
/* The number s as a constant of x's dtype; NULL after a failure. */
gt_tensor *gti_function_constant(const gt_tensor *x, double s);

/* v as a factor beside e^-|v|, which is 0 beyond 1000: there v stops, for 0 * inf is NaN. */
gt_tensor *gti_function_not_far(gt_tensor *v);

extern const gt_error_sample gti_function_errors[2], gti_function_grad_errors[3];

/* FUNCTION_COST, the cost of an element, is defined by each file of rows. */

/* For a row's `parameters`: the type of its options, and their attributes. */
#define GTI_NO_PARAMETERS .opts_size = 0
#define GTI_PARAMETERS(type, rows) .opts_size = sizeof(type), .attrs = GT_ATTRS(rows)

/* A row: name; formula of the gradient; parameters; shape rule; bend; samples, those of the
 * gradient being samples_grad; error samples. */
#define GTI_FUNCTION_OP(id, formula, parameters, shape_rule, bend, table, error_table)             \
    static bool id##_bind(const gt_node *n, gt_bound *b)                                           \
    {                                                                                              \
        const gti_kernels *k = gti_kernels_for(n);                                                 \
        GTI_BIND(b, n, gti_run_value, k->function.value[GTI_FUNCTION_##id], n->in[0], n->in[0]);   \
        return gti_function_bind_parameters(n, b);                                                 \
    }                                                                                              \
    static bool id##_grad_bind(const gt_node *n, gt_bound *b)                                      \
    {                                                                                              \
        const gti_kernels *k = gti_kernels_for(n);                                                 \
        GTI_BIND(b, n, gti_run_slope, k->function.slope[GTI_FUNCTION_##id], n->in[0], n->in[1]);   \
        return gti_function_bind_parameters(n, b);                                                 \
    }                                                                                              \
    GTI_BOUND_ELEMENTS(id, gti_run_value)                                                          \
    GTI_BOUND_ELEMENTS(id##_grad, gti_run_slope)                                                   \
    static bool id##_backward(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])               \
    {                                                                                              \
        gt_tensor *dy = GT_MUTANT(id##_upstream, gout[0], gt_square(gout[0]));                     \
        gt_tensor *dx = gti_function_dx(n, &gt_op_##id##_grad, dy, GTI_SLOPE_##id);                \
        gin[0] = GT_MUTANT(id##_sign, dx, gt_neg(dx));                                             \
        return true;                                                                               \
    }                                                                                              \
    static bool id##_grad_backward(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])          \
    {                                                                                              \
        gt_tensor *g = GT_MUTANT(id##_grad_upstream, gout[0], n->in[0]);                           \
        if (gt_needs_grad(n, 0))                                                                   \
            gin[0] = gt_apply(n->op, n->opts, 2, (gt_tensor *[]){g, n->in[1]});                    \
        if (!gt_needs_grad(n, 1)) return true;                                                     \
        gt_tensor *dv = gti_function_dv(n, gout[0], (bend));                                       \
        gin[1] = GT_MUTANT(id##_grad_term, dv, gt_add(dv, gt_mul(gout[0], n->in[0])));             \
        return true;                                                                               \
    }                                                                                              \
    const gt_op gt_op_##id = {                                                                     \
        .name = #id,                                                                               \
        .inputs = "x",                                                                             \
        .n_in = 1,                                                                                 \
        .n_out = 1,                                                                                \
        parameters,                                                                                \
        .flags = GT_OP_OVER,                                                                       \
        .unread = GTI_SLOPE_##id ? GT_UNREAD_IN(0) : GT_UNREAD_OUT(0),                             \
        .infer = (shape_rule),                                                                     \
        .elements = GT_FOR_FLOATS(id##_elements),                                                  \
        .bind = id##_bind,                                                                         \
        .cost = FUNCTION_COST,                                                                     \
        .backward = id##_backward,                                                                 \
        .gradient = (formula),                                                                     \
        GT_SAMPLES(table),                                                                         \
        GT_ERROR_SAMPLES(error_table),                                                             \
    };                                                                                             \
    const gt_op gt_op_##id##_grad = {                                                              \
        .name = #id "_grad",                                                                       \
        .inputs = "dy v",                                                                          \
        .n_in = 2,                                                                                 \
        .n_out = 1,                                                                                \
        parameters,                                                                                \
        .flags = GT_OP_OVER,                                                                       \
        .infer = gti_function_grad_infer,                                                          \
        .elements = GT_FOR_FLOATS(id##_grad_elements),                                             \
        .bind = id##_grad_bind,                                                                    \
        .cost = FUNCTION_COST,                                                                     \
        .backward = id##_grad_backward,                                                            \
        .gradient = "d dy = g f'(x), dv = g dy times the derivative of f'(x) in v",                \
        GT_SAMPLES(table##_grad),                                                                  \
        GT_ERROR_SAMPLES(gti_function_grad_errors),                                                \
    };                                                                                             \
    gt_tensor *gt_##id##_grad(gt_tensor *dy, gt_tensor *v, double p, double q)                     \
    {                                                                                              \
        return gti_function_grad(&gt_op_##id##_grad, dy, v, p, q);                                 \
    }

/* A row without parameters, and its public function: name; formula of the gradient; bend; samples.
 */
#define GTI_FUNCTION_PLAIN(id, formula, bend, table)                                               \
    GTI_FUNCTION_OP(id, formula, GTI_NO_PARAMETERS, gti_function_infer, bend, table,               \
                    gti_function_errors)                                                           \
    gt_tensor *gt_##id(gt_tensor *x)                                                               \
    {                                                                                              \
        return gt_apply(&gt_op_##id, NULL, 1, (gt_tensor *[]){x});                                 \
    }

/* A row with options of gt_id_opts, id_attrs, and its public function: name; formula of the
 * gradient; shape rule; bend; samples; error samples. */
#define GTI_FUNCTION_WITH(id, formula, shape_rule, bend, table, error_table)                       \
    GTI_FUNCTION_OP(id, formula, GTI_PARAMETERS(gt_##id##_opts, id##_attrs), shape_rule, bend,     \
                    table, error_table)                                                            \
    gt_tensor *gt_##id##_(gt_tensor *x, gt_##id##_opts opts)                                       \
    {                                                                                              \
        return gt_apply(&gt_op_##id, &opts, 1, (gt_tensor *[]){x});                                \
    }

/* --- samples: x in [lo, hi), with options or NULL, and for the gradient v in it --- */
#define GTI_FUNCTION_SAMPLES(lo, hi, o)                                                            \
    {.label = "ordinary", .in = GT_INPUTS(GT_IN_RANGE(lo, hi, 3, 5)), .opts = (o)},                \
        {.label = "scalar", .in = GT_INPUTS({.low = (lo), .high = (hi)}), .opts = (o)},            \
        {.label = "size one", .in = GT_INPUTS(GT_IN_RANGE(lo, hi, 1, 1)), .opts = (o)},            \
        {.label = "zero-size", .in = GT_INPUTS(GT_IN(2, 0, 3)), .opts = (o)},                      \
        {.label = "7 wide", .in = GT_INPUTS(GT_IN_RANGE(lo, hi, 7)), .opts = (o)},                 \
        {.label = "17 wide", .in = GT_INPUTS(GT_IN_RANGE(lo, hi, 17)), .opts = (o)},               \
    {                                                                                              \
        .label = "33 elements", .in = GT_INPUTS(GT_IN_RANGE(lo, hi, 3, 11)), .opts = (o)           \
    }
#define GTI_FUNCTION_GRAD_SAMPLES(lo, hi, o)                                                       \
    {.label = "ordinary", .in = GT_INPUTS(GT_IN(3, 5), GT_IN_RANGE(lo, hi, 3, 5)), .opts = (o)},   \
        {.label = "scalars",                                                                       \
         .in = GT_INPUTS(GT_IN_SCALAR, {.low = (lo), .high = (hi)}),                               \
         .opts = (o)},                                                                             \
        {.label = "zero-size", .in = GT_INPUTS(GT_IN(0, 3), GT_IN(0, 3)), .opts = (o)},            \
        {.label = "8 wide", .in = GT_INPUTS(GT_IN(8), GT_IN_RANGE(lo, hi, 8)), .opts = (o)},       \
    {                                                                                              \
        .label = "17 wide", .in = GT_INPUTS(GT_IN(17), GT_IN_RANGE(lo, hi, 17)), .opts = (o)       \
    }
/* x of these values */
#define GTI_FUNCTION_AT(name, array, o)                                                            \
    {                                                                                              \
        .label = (name),                                                                           \
        .in = GT_INPUTS(                                                                           \
            {.shape = GT_DIMS((int64_t)(sizeof(array) / sizeof *(array))), .values = (array)}),    \
        .opts = (o)                                                                                \
    }
#define GTI_FUNCTION_KINKS(array, o)                                                               \
    {                                                                                              \
        .label = "at its kinks",                                                                   \
        .in = GT_INPUTS(                                                                           \
            {.shape = GT_DIMS((int64_t)(sizeof(array) / sizeof *(array))), .values = (array)}),    \
        .opts = (o), .kinks = true                                                                 \
    }

#endif
