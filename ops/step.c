/* Steps of optimizers (src/kernels/step.def): weights and states change in place by a gradient.
 *
 * Inputs are the weights, their states in the order of the rule, the gradient. */
#include "common.h"

/* The kernels, which know no public header, read the options as they are. */
_Static_assert(sizeof(gti_step) == sizeof(gt_step_args), "one layout");
#define SAME_PLACE(theirs, ours)                                                                   \
    _Static_assert(offsetof(gti_step, theirs) == offsetof(gt_step_args, ours), "one layout")
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

/* All are of the weights' shape, and no two are one. */
static bool step_infer(gt_node *n)
{
    const gt_tensor *w = n->in[0];
    for (int i = 1; i < n->n_in; i++) {
        if (!gt_same_shape(n->in[i], w)) return refuse_shape(n, i);
        for (int k = 0; k < i && w->size > 0; k++)
            if (n->in[k]->data == n->in[i]->data) return refuse_shared(n, k, i);
    }
    return true;
}

static void step_run(gt_node *n, gti_step_rule rule, int64_t begin, int64_t end)
{
    void *at[GT_OP_OUTPUTS + 1];
    for (int i = 0; i < n->n_in; i++) at[i] = gti_to(n->in[i], begin);
    gti_kernels_for(n)->into.step[rule](end - begin, n->opts, at[n->n_out], at);
}

/* --- samples --- */

static const gt_step_args numbers = {.lr = 0.1,
                                     .sign = 1,
                                     .decay = 0.01,
                                     .shrink = 0.99,
                                     .betas = {0.9, 0.99},
                                     .take = 0.7,
                                     .eps = 0.1,
                                     .root = 1.5,
                                     .of_g = 0.2};
static const gt_step_args others = {.lr = 0.02,
                                    .sign = -1,
                                    .shrink = 1,
                                    .betas = {0.5, 0.75},
                                    .take = 1,
                                    .eps = 1e-2,
                                    .root = 2,
                                    .of_g = 0.1,
                                    .nesterov = true,
                                    .adaptive = true};

/* Second moments are positive, and so may be the other states; the first is larger than the square
 * of the second, which rmsprop takes from it. */
#define S(...) GT_IN_RANGE(0.5, 2, __VA_ARGS__)
#define LARGE(...) GT_IN_RANGE(8, 9, __VA_ARGS__)
#define ALL(...)                                                                                   \
    .in = {GT_IN(__VA_ARGS__), LARGE(__VA_ARGS__), S(__VA_ARGS__), S(__VA_ARGS__),                 \
           GT_IN(__VA_ARGS__)}
static const gt_sample samples[] = {
    {.label = "matrix", ALL(2, 3), .opts = &numbers},
    {.label = "other numbers", ALL(2, 3), .opts = &others},
    {.label = "size one", ALL(1), .opts = &numbers},
    {.label = "zero-size", ALL(0, 3), .opts = &numbers},
    {.label = "67 elements", ALL(67), .opts = &numbers},
    {.label = "67 elements, other numbers", ALL(67), .opts = &others},
};

static const gt_error_sample error_samples[] = {
    {.label = "shapes",
     .in = {GT_IN(3), GT_IN(2), GT_IN(3), GT_IN(3), GT_IN(3)},
     .opts = &numbers,
     .code = GT_ERR_SHAPE,
     .message = " is [2], but w [3]"},
    {.label = "one for two",
     .in = {GT_IN(3), {.same = 1}, GT_IN(3), GT_IN(3), GT_IN(3)},
     .opts = &numbers,
     .code = GT_ERR_ARGUMENT,
     .message = "w and "},
};

/* input_names: "w m v grad"; work of an element in additions */
#define STEP(id, number, input_names, work)                                                        \
    static void id##_elements(gt_node *n, int64_t begin, int64_t end)                              \
    {                                                                                              \
        step_run(n, GTI_STEP_##id, begin, end);                                                    \
    }                                                                                              \
    const gt_op gt_op_##id##_step = {                                                              \
        .name = #id "_step",                                                                       \
        .inputs = (input_names),                                                                   \
        .n_in = (number) + 1,                                                                      \
        .n_out = (number),                                                                         \
        .opts_size = sizeof(gt_step_args),                                                         \
        .flags = GT_OP_INTO,                                                                       \
        .infer = step_infer,                                                                       \
        .elements = GT_FOR_FLOATS(id##_elements),                                                  \
        .cost = (work),                                                                            \
        GT_SAMPLES(samples),                                                                       \
        GT_ERROR_SAMPLES(error_samples),                                                           \
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
