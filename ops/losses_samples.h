/* Samples and error samples of losses.c. */

#define OPTS(...)                                                                                  \
    .opts = &(const loss_opts)                                                                     \
    {                                                                                              \
        .s = __VA_ARGS__                                                                           \
    }
#define P(...) GT_IN_RANGE(0.05, 0.95, __VA_ARGS__)
// clang-format off
/* With what every loss has in common, x and t made by X and T. */
#define COMMON_SAMPLES(X, T)                                                                       \
    {.label = "mean", .in = GT_INPUTS(X(3, 4), T(3, 4))},                                                   \
    {.label = "sum", .in = GT_INPUTS(X(3, 4), T(3, 4)), OPTS(0, GT_SUM)},                                   \
    {.label = "none", .in = GT_INPUTS(X(3, 4), T(3, 4)), OPTS(0, GT_NONE)},                                 \
    {.label = "size one", .in = GT_INPUTS(X(1, 1), T(1, 1))},                                               \
    {.label = "nothing, sum", .in = GT_INPUTS(X(0, 3), T(0, 3)), OPTS(0, GT_SUM)},                          \
    {.label = "nothing, none", .in = GT_INPUTS(X(2, 0), T(2, 0)), OPTS(0, GT_NONE)},                        \
    {.label = "17 wide", .in = GT_INPUTS(X(17), T(17))},                                                    \
    {.label = "7 wide, none", .in = GT_INPUTS(X(7), T(7)), OPTS(0, GT_NONE)}

static const gt_sample samples[] = {
    COMMON_SAMPLES(GT_IN, GT_IN),
    {.label = "numbers", .in = GT_INPUTS(GT_IN_SCALAR, GT_IN_SCALAR)},
    {.label = "eight dimensions", .in = GT_INPUTS(GT_IN(1, 2, 1, 1, 2, 1, 2, 1), GT_IN(1, 2, 1, 1, 2, 1, 2, 1))},
    {.label = "large values", .in = GT_INPUTS(GT_IN_RANGE(1e3, 1e4, 5), GT_IN_RANGE(-1e4, -1e3, 5))},
};

static const gt_sample bent_samples[] = {
    COMMON_SAMPLES(GT_IN, GT_IN),
    {.label = "small bend", .in = GT_INPUTS(GT_IN(9), GT_IN(9)), OPTS(0.125)},
    {.label = "large bend, sum", .in = GT_INPUTS(GT_IN(5), GT_IN(5)), OPTS(8, GT_SUM)},
    {.label = "none, bend", .in = GT_INPUTS(GT_IN(2, 3), GT_IN(2, 3)), OPTS(0.5, GT_NONE)},
};

static const gt_sample probability_samples[] = {
    COMMON_SAMPLES(P, P),
    {.label = "classes", .in = GT_INPUTS(P(6), {.shape = GT_DIMS(6), .values = (const double[]){0, 1, 1, 0, 1, 0}})},
};

static const gt_sample logit_samples[] = {
    COMMON_SAMPLES(GT_IN, P),
    {.label = "classes", .in = GT_INPUTS(GT_IN(6), {.shape = GT_DIMS(6), .values = (const double[]){0, 1, 1, 0, 1, 0}})},
    {.label = "far from 0", .in = GT_INPUTS({.shape = GT_DIMS(4), .values = (const double[]){-40, -30, 30, 40}},
                                   {.shape = GT_DIMS(4), .values = (const double[]){0, 1, 0, 1}})},
};

static const gt_sample kl_samples[] = {
    COMMON_SAMPLES(GT_IN, P),
    {.label = "batchmean", .in = GT_INPUTS(GT_IN(3, 4), P(3, 4)), OPTS(0, GT_BATCHMEAN)},
    {.label = "log target", .in = GT_INPUTS(GT_IN(3, 4), GT_IN(3, 4)), OPTS(0, GT_MEAN, true)},
    {.label = "log target, batchmean", .in = GT_INPUTS(GT_IN(2, 3), GT_IN(2, 3)), OPTS(0, GT_BATCHMEAN, true)},
    {.label = "log target, none", .in = GT_INPUTS(GT_IN(2, 3), GT_IN(2, 3)), OPTS(0, GT_NONE, true)},
};

#define I64(...) {.shape = GT_DIMS(__VA_ARGS__), .dtype = GT_I64, .high = 2}
#define COMMON_ERRORS                                                                              \
    {.label = "shapes", .in = GT_INPUTS(GT_IN(2, 3), GT_IN(3)), .code = GT_ERR_SHAPE, .message = "x is [2,3], but target [3]"}, \
    {.label = "a column", .in = GT_INPUTS(GT_IN(4, 1), GT_IN(4)), .code = GT_ERR_SHAPE, .message = "hint: gt_reshape(target, x->shape)"}, \
    {.label = "whole numbers", .in = GT_INPUTS(GT_IN(3), I64(3)), .code = GT_ERR_DTYPE, .message = "i64"}, \
    {.label = "no target", .in = GT_INPUTS(GT_IN(3), {.null = true}), .code = GT_ERR_ARGUMENT, .message = "target is NULL"}, \
    {.label = "reduction", .in = GT_INPUTS(GT_IN(3), GT_IN(3)), OPTS(0, (gt_reduction)7), .code = GT_ERR_ARGUMENT, .message = "reduction is 7"}
static const gt_error_sample error_samples[] = {COMMON_ERRORS};
static const gt_error_sample bent_error_samples[] = {
    COMMON_ERRORS,
    {.label = "negative bend", .in = GT_INPUTS(GT_IN(3), GT_IN(3)), OPTS(-1), .code = GT_ERR_ARGUMENT, .message = "is -1, must be finite and positive"},
};
// clang-format on
