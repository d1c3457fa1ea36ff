/* Steps of optimizers (src/kernels/step.def): weights and states change in place by a gradient.
 *
 * Inputs are the weights, their states in the order of the rule, the gradient, and numbers, of
 * which a row is this step's: an input, since they differ from step to step. */
#include "common.h"

/* The kernels, which know no public header, read a row as it is. */
_Static_assert(sizeof(gti_step) == sizeof(gt_step_numbers), "one layout");
#define SAME_PLACE(theirs, ours)                                                                   \
    _Static_assert(offsetof(gti_step, theirs) == offsetof(gt_step_numbers, ours), "one layout")
SAME_PLACE(lr, lr);
SAME_PLACE(sign, sign);
SAME_PLACE(decay, decay);
SAME_PLACE(shrink, shrink);
SAME_PLACE(beta1, betas[0]);
SAME_PLACE(beta2, betas[1]);
SAME_PLACE(take, take);
SAME_PLACE(eps, eps);
SAME_PLACE(root, root);
SAME_PLACE(of_g, of_g);
SAME_PLACE(nesterov, nesterov);
SAME_PLACE(adaptive, adaptive);

static bool refuse_shape(const gt_node *n, int i)
{
    char name[64];
    return gt_op_fail(n, GT_ERR_SHAPE, "%s is %s, but w %s",
                      gt_op_input_name(n->op, i, name, sizeof name),
                      GTI_SHAPE_TEXT(n->in[i]->shape), GTI_SHAPE_TEXT(n->in[0]->shape));
}

static bool refuse_shared(const gt_node *n, int i, int k)
{
    char a[64], b[64];
    return gt_op_fail(n, GT_ERR_ARGUMENT, "%s and %s share their data",
                      gt_op_input_name(n->op, i, a, sizeof a),
                      gt_op_input_name(n->op, k, b, sizeof b));
}

static __attribute__((noinline, cold)) bool refuse_numbers(const gt_node *n, int64_t row)
{
    const gt_tensor *numbers = n->in[n->n_in - 1];
    const gt_shape s = numbers->shape;
    if (numbers->dtype == GT_F64 && s.ndim == 2 && s.dim[1] == GT_STEP_NUMBERS)
        return gt_op_fail(n, GT_ERR_ARGUMENT, "there is no row %lld of numbers %s", (long long)row,
                          GTI_SHAPE_TEXT(s));
    return gt_op_fail(n, GT_ERR_SHAPE, "numbers are %s %s, need rows of %d f64",
                      gt_dtype_name(numbers->dtype), GTI_SHAPE_TEXT(s), (int)GT_STEP_NUMBERS);
}

static inline bool check_numbers(const gt_node *n)
{
    const int64_t row = ((const gt_step_args *)n->opts)->row;
    const gt_tensor *numbers = n->in[n->n_in - 1];
    const bool fits = numbers->dtype == GT_F64 && numbers->shape.ndim == 2 && row >= 0 &&
                      row < numbers->shape.dim[0] && numbers->shape.dim[1] == GT_STEP_NUMBERS;
    return fits || refuse_numbers(n, row);
}

static bool refuse_dtype(const gt_node *n, int i)
{
    char name[64];
    return gt_op_fail(n, GT_ERR_DTYPE, "%s is %s, but w %s",
                      gt_op_input_name(n->op, i, name, sizeof name), gt_dtype_name(n->in[i]->dtype),
                      gt_dtype_name(n->in[0]->dtype));
}

/* All but the numbers are of the weights' shape, and no two are one. */
static bool step_infer(gt_node *n)
{
    const gt_tensor *w = n->in[0];
    for (int i = 1; i < n->n_in - 1; i++) {
        if (n->in[i]->dtype != w->dtype) return refuse_dtype(n, i);
        if (!gt_same_shape(n->in[i], w)) return refuse_shape(n, i);
        for (int k = 0; k < i && w->size > 0; k++)
            if (n->in[k]->data == n->in[i]->data) return refuse_shared(n, k, i);
    }
    return check_numbers(n);
}

static void step_run(gt_node *n, gti_step_rule rule, int64_t begin, int64_t end)
{
    void *at[GT_OP_OUTPUTS + 1];
    for (int i = 0; i < n->n_in - 1; i++) at[i] = gti_to(n->in[i], begin);
    const gti_step *numbers = n->in[n->n_in - 1]->data;
    numbers += ((const gt_step_args *)n->opts)->row;
    gti_kernels_for(n)->into.step[rule](end - begin, numbers, at[n->n_out], at);
}

/* --- samples --- */

/* lr, sign, decay, shrink, betas, take, eps, root, of_g, nesterov, adaptive */
static const double numbers[2 * GT_STEP_NUMBERS] = {
    0.1,  1,  0.01, 0.99, 0.9, 0.99, 0.7, 0.1,  1.5, 0.2, 0, 0, /* */
    0.02, -1, 0,    1,    0.5, 0.75, 1,   0.01, 2,   0.1, 1, 1,
};
#define NUMBERS                                                                                    \
    {                                                                                              \
        .shape = GT_DIMS(2, GT_STEP_NUMBERS), .values = numbers, .dtype = GT_F64                   \
    }
#define ROW(i)                                                                                     \
    .opts = &(const gt_step_args)                                                                  \
    {                                                                                              \
        .row = (i)                                                                                 \
    }

/* Second moments are positive, and so may be the other states; the first is larger than the square
 * of the second, which rmsprop takes from it. */
#define S(...) GT_IN_RANGE(0.5, 2, __VA_ARGS__)
#define STATES_1(...) GT_IN(__VA_ARGS__)
#define STATES_2(...) STATES_1(__VA_ARGS__), GT_IN_RANGE(8, 9, __VA_ARGS__)
#define STATES_3(...) STATES_2(__VA_ARGS__), S(__VA_ARGS__)
#define STATES_4(...) STATES_3(__VA_ARGS__), S(__VA_ARGS__)
#define STEP_SAMPLES(count)                                                                        \
    static const gt_sample samples_of_##count[] = {                                                \
        {.label = "matrix", .in = GT_INPUTS(STATES_##count(2, 3), GT_IN(2, 3), NUMBERS), ROW(0)},  \
        {.label = "other numbers",                                                                 \
         .in = GT_INPUTS(STATES_##count(2, 3), GT_IN(2, 3), NUMBERS),                              \
         ROW(1)},                                                                                  \
        {.label = "size one", .in = GT_INPUTS(STATES_##count(1), GT_IN(1), NUMBERS), ROW(0)},      \
        {.label = "zero-size",                                                                     \
         .in = GT_INPUTS(STATES_##count(0, 3), GT_IN(0, 3), NUMBERS),                              \
         ROW(0)},                                                                                  \
        {.label = "67 elements", .in = GT_INPUTS(STATES_##count(67), GT_IN(67), NUMBERS), ROW(0)}, \
        {.label = "67 others", .in = GT_INPUTS(STATES_##count(67), GT_IN(67), NUMBERS), ROW(1)},   \
    };                                                                                             \
    static const gt_error_sample errors_of_##count[] = {                                           \
        {.label = "shapes",                                                                        \
         .in = GT_INPUTS(STATES_##count(3), GT_IN(2), NUMBERS),                                    \
         ROW(0),                                                                                   \
         .code = GT_ERR_SHAPE,                                                                     \
         .message = "grad is [2], but w [3]"},                                                     \
        {.label = "one for two",                                                                   \
         .in = GT_INPUTS(STATES_##count(3), {.same = 1}, NUMBERS),                                 \
         ROW(0),                                                                                   \
         .code = GT_ERR_ARGUMENT,                                                                  \
         .message = "w and grad share their data"},                                                \
        {.label = "dtypes",                                                                        \
         .in = GT_INPUTS(STATES_##count(3), {.shape = GT_DIMS(3), .dtype = GT_I64}, NUMBERS),      \
         ROW(0),                                                                                   \
         .code = GT_ERR_DTYPE,                                                                     \
         .message = "grad is i64, but w f32"},                                                     \
        {.label = "numbers",                                                                       \
         .in = GT_INPUTS(STATES_##count(3), GT_IN(3), GT_IN(2)),                                   \
         ROW(0),                                                                                   \
         .code = GT_ERR_SHAPE,                                                                     \
         .message = "numbers are f32 [2], need rows of 12 f64"},                                   \
        {.label = "row",                                                                           \
         .in = GT_INPUTS(STATES_##count(3), GT_IN(3), NUMBERS),                                    \
         ROW(2),                                                                                   \
         .code = GT_ERR_ARGUMENT,                                                                  \
         .message = "there is no row 2 of numbers [2,12]"},                                        \
    };
STEP_SAMPLES(1)
STEP_SAMPLES(2)
STEP_SAMPLES(3)
STEP_SAMPLES(4)

static const gt_attr step_attrs[] = {
    {GT_ARGUMENT("row", gt_step_args, row), .meaning = "of the numbers"}};

/* input_names: "w m v grad"; work of an element in additions */
/* Of an element: 4, and 5 for each state, about. */
static double step_flops(const gt_node *n)
{
    return (double)n->in[0]->size * (5 * n->n_out - 1);
}

#define STEP(id, number, input_names, work)                                                        \
    static void id##_elements(gt_node *n, int64_t begin, int64_t end)                              \
    {                                                                                              \
        step_run(n, GTI_STEP_##id, begin, end);                                                    \
    }                                                                                              \
    const gt_op gt_op_##id##_step = {                                                              \
        .name = #id "_step",                                                                       \
        .inputs = input_names " numbers",                                                          \
        .n_in = (number) + 2,                                                                      \
        .n_out = (number),                                                                         \
        .opts_size = sizeof(gt_step_args),                                                         \
        .attrs = GT_PLAIN_ATTRS(step_attrs),                                                       \
        .flags = GT_OP_INTO | GT_OP_MIXED,                                                         \
        .infer = step_infer,                                                                       \
        .elements = GT_FOR_FLOATS(id##_elements),                                                  \
        .cost = (work),                                                                            \
        .flops = step_flops,                                                                       \
        GT_SAMPLES(samples_of_##number),                                                           \
        GT_ERROR_SAMPLES(errors_of_##number),                                                      \
    };

STEP(sgd, 1, "w grad", 2)
STEP(sgd_momentum, 2, "w m grad", 3)
STEP(adam, 3, "w m v grad", 8)
STEP(adam_amsgrad, 4, "w m v top grad", 9)
STEP(nadam, 3, "w m v grad", 8)
STEP(radam, 3, "w m v grad", 8)
STEP(rmsprop, 2, "w s grad", 7)
STEP(rmsprop_centered, 3, "w s a grad", 8)
STEP(rmsprop_momentum, 3, "w s b grad", 8)
STEP(rmsprop_centered_momentum, 4, "w s a b grad", 9)
STEP(adagrad, 2, "w s grad", 7)
STEP(adadelta, 3, "w s x grad", 14)
STEP(lion, 2, "w m grad", 4)
