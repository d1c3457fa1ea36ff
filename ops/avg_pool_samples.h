/* Samples and error samples of the average pools: part of avg_pool.c, which alone includes this
 * file. A row gives label, x, y and options, and makes a sample of a pool and of its gradient. In
 * one dimension the first number of each pair belongs to the height of 1. */

// clang-format off
#define IMAGES(ROW)                                                                                \
    ROW("2x2", (2, 2, 4, 4), (2, 2, 2, 2), .kernel = {2})                                          \
    ROW("2x2 of 6x4", (1, 2, 6, 4), (1, 2, 3, 2), .kernel = {2})                                   \
    ROW("2x2, 36 rows of 32", (3, 3, 8, 64), (3, 3, 4, 32), .kernel = {2})                         \
    ROW("2x3", (1, 2, 4, 7), (1, 2, 2, 2), .kernel = {2, 3})                                       \
    ROW("3x3, stride 2", (1, 2, 5, 7), (1, 2, 2, 3), .kernel = {3}, .stride = {2})                 \
    ROW("stride 1x3", (1, 1, 4, 7), (1, 1, 3, 2), .kernel = {2}, .stride = {1, 3})                 \
    ROW("stride beyond the kernel", (1, 1, 7, 7), (1, 1, 2, 2), .kernel = {2, 1}, .stride = {3, 4})\
    ROW("padding 1", (1, 2, 4, 5), (1, 2, 2, 3), .kernel = {3}, .stride = {2}, .padding = {1, 1})  \
    ROW("padding 1, exclude_pad", (1, 2, 4, 5), (1, 2, 2, 3),                                      \
        .kernel = {3}, .stride = {2}, .padding = {1, 1}, .exclude_pad = true)                      \
    ROW("ceil_mode", (1, 1, 5, 7), (1, 1, 3, 4), .kernel = {2}, .ceil_mode = true)                 \
    ROW("ceil_mode, padding", (1, 1, 6, 5), (1, 1, 4, 3),                                          \
        .kernel = {3, 4}, .stride = {2}, .padding = {1, 1}, .ceil_mode = true)                     \
    ROW("ceil_mode, padding, exclude_pad", (1, 1, 6, 5), (1, 1, 4, 3),                             \
        .kernel = {3, 4}, .stride = {2}, .padding = {1, 1}, .ceil_mode = true, .exclude_pad = true)\
    ROW("divisor 5", (1, 1, 4, 5), (1, 1, 2, 3),                                                   \
        .kernel = {3}, .stride = {2}, .padding = {1, 1}, .divisor = 5)                             \
    ROW("1x1", (2, 1, 2, 3), (2, 1, 2, 3), .kernel = {1})                                          \
    ROW("all of x", (2, 2, 3, 4), (2, 2, 1, 1), .kernel = {3, 4})                                  \
    ROW("size one", (1, 1, 1, 1), (1, 1, 1, 1), .kernel = {1})                                     \
    ROW("17 wide", (1, 1, 2, 17), (1, 1, 1, 16), .kernel = {2}, .stride = {1})                     \
    ROW("pairs, 81 wide", (1, 1, 3, 81), (1, 1, 1, 40), .kernel = {2})                             \
    ROW("overlapping, 41 wide", (1, 1, 5, 41), (1, 1, 3, 21), .kernel = {3}, .stride = {2}, .padding = {1}) \
    ROW("no images", (0, 2, 4, 4), (0, 2, 2, 2), .kernel = {2})
#define SEQUENCES(ROW)                                                                             \
    ROW("sequences, 2", (2, 2, 6), (2, 2, 3), .kernel = {1, 2}, .stride = {1, 2})                  \
    ROW("sequences, 3, stride 2, padding 1", (1, 2, 8), (1, 2, 4),                                 \
        .kernel = {1, 3}, .stride = {1, 2}, .padding = {0, 1})                                     \
    ROW("sequences, exclude_pad", (1, 2, 8), (1, 2, 4),                                            \
        .kernel = {1, 3}, .stride = {1, 2}, .padding = {0, 1}, .exclude_pad = true)                \
    ROW("sequences, ceil_mode", (1, 1, 7), (1, 1, 4),                                              \
        .kernel = {1, 2}, .stride = {1, 2}, .ceil_mode = true)                                     \
    ROW("sequences, 17 long", (1, 1, 17), (1, 1, 15), .kernel = {1, 3}, .stride = {1, 1})          \
    ROW("sequences, size one", (1, 1, 1), (1, 1, 1), .kernel = {1, 1})                             \
    ROW("no sequences", (0, 2, 4), (0, 2, 2), .kernel = {1, 2}, .stride = {1, 2})
// clang-format on

#define OPTS(...)                                                                                  \
    .opts = &(const gti_pool_opts)                                                                 \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }
#define POOL(name, x, y, ...) {.label = (name), .in = GT_INPUTS(GT_IN x), OPTS(__VA_ARGS__)},
#define POOL_DX(name, x, y, ...)                                                                   \
    {.label = (name), .in = GT_INPUTS(GT_IN y), OPTS(__VA_ARGS__, .target = GT_DIMS x)},

static const gt_sample avg_pool2d_samples[] = {IMAGES(POOL)};
static const gt_sample avg_pool1d_samples[] = {SEQUENCES(POOL)};
static const gt_sample avg_pool2d_dx_samples[] = {IMAGES(POOL_DX) SEQUENCES(POOL_DX)};

#define SHAPE_ERROR .code = GT_ERR_SHAPE, .message
#define ARGUMENT_ERROR .code = GT_ERR_ARGUMENT, .message
static const gt_error_sample avg_pool2d_error_samples[] = {
    {.label = "no kernel",
     .in = GT_INPUTS(GT_IN(1, 1, 4, 4)),
     ARGUMENT_ERROR = "no kernel is given: .kernel = {2}"},
    {.label = "no batch dimension",
     .in = GT_INPUTS(GT_IN(2, 4, 4)),
     OPTS(.kernel = {2}),
     SHAPE_ERROR = "hint: add a batch dimension: gt_reshape(x, GT_SHAPE(1, 2, 4, 4))"},
    {.label = "kernel larger",
     .in = GT_INPUTS(GT_IN(1, 1, 4, 2)),
     OPTS(.kernel = {3}),
     SHAPE_ERROR = "kernel 3x3 is larger than the padded input 4x2"},
    {.label = "too much padding",
     .in = GT_INPUTS(GT_IN(1, 1, 4, 4)),
     OPTS(.kernel = {3, 2}, .padding = {1, 2}),
     ARGUMENT_ERROR = "padding is {1, 2}, must be at most half the kernel 3x2"},
    {.label = "no pixels",
     .in = GT_INPUTS(GT_IN(1, 1, 4, 0)),
     OPTS(.kernel = {2}),
     SHAPE_ERROR = "x [1,1,4,0] has no pixels"},
    {.label = "padding overflows",
     .in = GT_INPUTS(GT_IN(0, 1, INT64_MAX, 4)),
     OPTS(.kernel = {4}, .padding = {2, GT_ZERO}),
     .code = GT_ERR_MEMORY,
     .message = "the size of the padded input or the dilated kernel overflows"},
};
static const gt_error_sample avg_pool1d_error_samples[] = {
    {.label = "no kernel", .in = GT_INPUTS(GT_IN(1, 1, 4)), ARGUMENT_ERROR = "no kernel is given"},
    {.label = "images",
     .in = GT_INPUTS(GT_IN(1, 1, 4, 4)),
     OPTS(.kernel = {1, 2}),
     SHAPE_ERROR = "x [1,1,4,4] has 4 dimensions, needs 3: [n,c,l]"},
    {.label = "kernel larger",
     .in = GT_INPUTS(GT_IN(1, 1, 4)),
     OPTS(.kernel = {1, 5}),
     SHAPE_ERROR = "kernel 5 is larger than the padded input 4"},
};
static const gt_error_sample avg_pool2d_dx_error_samples[] = {
    {.label = "dy",
     .in = GT_INPUTS(GT_IN(1, 1, 2, 3)),
     OPTS(.kernel = {2}, .target = GT_DIMS(1, 1, 4, 4)),
     SHAPE_ERROR = "dy is [1,1,2,3], but x [1,1,4,4] makes [1,1,2,2]"},
    {.label = "negative target",
     .in = GT_INPUTS(GT_IN(1, 1, 2, 2)),
     OPTS(.kernel = {2}, .target = GT_DIMS(1, 1, -4, 4)),
     SHAPE_ERROR = "[1,1,-4,4] is no shape"},
};
