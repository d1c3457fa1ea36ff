/* Samples and error samples of cross_entropy_classes; part of cross_entropy.c. */

#define CLASSES(...)                                                                               \
    {                                                                                              \
        .shape = GT_DIMS(__VA_ARGS__), .dtype = GT_I64, .values = chosen                           \
    }
#define OPTS(...)                                                                                  \
    .opts = &(const classes_opts)                                                                  \
    {                                                                                              \
        .ignore = __VA_ARGS__                                                                      \
    }
static const double chosen[] = {2, 0, 1, 2, 2, 1, 0, 1, 0, 0, 1, 2, 1, 2, 0, 0, 2};
// clang-format off
static const gt_sample samples[] = {
    {.label = "mean", .in = GT_INPUTS(GT_IN(4, 3), CLASSES(4)), OPTS(-100)},
    {.label = "sum", .in = GT_INPUTS(GT_IN(4, 3), CLASSES(4)), OPTS(-100, 0, GT_SUM)},
    {.label = "none", .in = GT_INPUTS(GT_IN(4, 3), CLASSES(4)), OPTS(-100, 0, GT_NONE)},
    {.label = "ignore, mean", .in = GT_INPUTS(GT_IN(5, 3), CLASSES(5)), OPTS(2)},
    {.label = "ignore 0, sum", .in = GT_INPUTS(GT_IN(5, 3), CLASSES(5)), OPTS(0, 0, GT_SUM)},
    {.label = "ignore, none", .in = GT_INPUTS(GT_IN(5, 3), CLASSES(5)), OPTS(1, 0, GT_NONE)},
    {.label = "smoothing", .in = GT_INPUTS(GT_IN(4, 3), CLASSES(4)), OPTS(-100, 0.25)},
    {.label = "smoothing, ignore", .in = GT_INPUTS(GT_IN(4, 4), CLASSES(4)), OPTS(2, 0.5)},
    {.label = "smoothing, ignore, none", .in = GT_INPUTS(GT_IN(3, 4), CLASSES(3)), OPTS(0, 0.1, GT_NONE)},
    {.label = "all smooth", .in = GT_INPUTS(GT_IN(2, 3), CLASSES(2)), OPTS(-100, 1)},
    {.label = "planes", .in = GT_INPUTS(GT_IN(2, 3, 2, 1), CLASSES(2, 2, 1)), OPTS(-100)},
    {.label = "planes, everything", .in = GT_INPUTS(GT_IN(2, 3, 2), CLASSES(2, 2)), OPTS(1, 0.25, GT_NONE)},
    {.label = "one row", .in = GT_INPUTS(GT_IN(3), {.dtype = GT_I64, .high = 3}), OPTS(-100)},
    {.label = "one class", .in = GT_INPUTS(GT_IN(3, 1), {.shape = GT_DIMS(3), .dtype = GT_I64, .high = 1}), OPTS(-100)},
    {.label = "no row, sum", .in = GT_INPUTS(GT_IN(0, 3), CLASSES(0)), OPTS(-100, 0, GT_SUM)},
    {.label = "17 rows", .in = GT_INPUTS(GT_IN(17, 3), CLASSES(17)), OPTS(-100)},
    {.label = "large values", .in = GT_INPUTS(GT_IN_RANGE(1e3, 1.002e3, 2, 3), CLASSES(2)), OPTS(-100)},
};

#define ONES(...) {.shape = GT_DIMS(__VA_ARGS__), .dtype = GT_I64, .low = 1, .high = 2}
#define ERROR(status) .code = status, .message
static const gt_error_sample error_samples[] = {
    {.label = "out of range", .in = GT_INPUTS(GT_IN(3, 1), ONES(3)), OPTS(-100), ERROR(GT_ERR_ARGUMENT) = "target[0] is 1, must be in 0..0"},
    {.label = "number of rows", .in = GT_INPUTS(GT_IN(3, 2), ONES(2)), OPTS(-100), ERROR(GT_ERR_SHAPE) = "target is [2], but x [3,2] has rows [3]"},
    {.label = "whole probabilities", .in = GT_INPUTS(GT_IN(3, 2), ONES(3, 2)), OPTS(-100), ERROR(GT_ERR_SHAPE) = "hint: a target of probabilities has x's dtype; this one is i64"},
    {.label = "classes last", .in = GT_INPUTS(GT_IN(2, 4, 5, 3), ONES(2, 4, 5)), OPTS(-100), ERROR(GT_ERR_SHAPE) = "hint: classes lie along axis 1 of x: [n,c,..]"},
    {.label = "floats", .in = GT_INPUTS(GT_IN(3, 2), GT_IN(3)), OPTS(-100), ERROR(GT_ERR_DTYPE) = "must be i64"},
    {.label = "no dimension", .in = GT_INPUTS(GT_IN_SCALAR, ONES(1)), OPTS(-100), ERROR(GT_ERR_SHAPE) = "x is a number, needs a dimension of classes"},
    {.label = "smoothing", .in = GT_INPUTS(GT_IN(3, 2), ONES(3)), OPTS(-100, 1.5), ERROR(GT_ERR_ARGUMENT) = "label_smoothing is 1.5, must be in 0..1"},
    {.label = "reduction", .in = GT_INPUTS(GT_IN(3, 2), ONES(3)), OPTS(-100, 0, GT_BATCHMEAN), ERROR(GT_ERR_ARGUMENT) = "must be GT_MEAN, GT_SUM or GT_NONE"},
};
// clang-format on
