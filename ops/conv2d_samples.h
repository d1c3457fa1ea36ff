/* Samples and error samples of the three convolutions: the end of conv2d.c, which alone includes
 * this file. A row gives label, x, weight, y and options, and makes a sample of all three. */

// clang-format off
#define GEOMETRIES(ROW)                                                                            \
    ROW("ordinary", (2, 2, 4, 5), (3, 2, 2, 3), (2, 3, 3, 3), .groups = 1)                         \
    ROW("one row", (1, 1, 6, 8), (1, 1, 1, 2), (1, 1, 6, 7), .groups = 0)                          \
    ROW("one column", (1, 2, 5, 4), (2, 2, 3, 1), (1, 2, 3, 4), .groups = 1)                       \
    ROW("stride 2", (1, 2, 5, 6), (2, 2, 3, 2), (1, 2, 2, 3), .stride = {2})                       \
    ROW("stride 1x2", (1, 1, 4, 7), (2, 1, 2, 3), (1, 2, 3, 3), .stride = {1, 2})                  \
    ROW("stride with a rest", (1, 1, 6, 5), (1, 1, 3, 2), (1, 1, 2, 2), .stride = {2, 2})          \
    ROW("stride 0x2", (1, 1, 3, 5), (1, 1, 2, 2), (1, 1, 2, 2), .stride = {0, 2})                  \
    ROW("stride beyond the kernel", (1, 1, 7, 7), (1, 1, 2, 1), (1, 1, 2, 2), .stride = {3, 4})    \
    ROW("padding 1", (1, 2, 3, 4), (2, 2, 3, 3), (1, 2, 3, 4), .padding = {1, 1})                  \
    ROW("padding 0x2", (1, 1, 3, 3), (1, 1, 2, 3), (1, 1, 2, 5), .padding = {0, 2})                \
    ROW("padding beyond the kernel", (1, 1, 2, 3), (1, 1, 1, 2), (1, 1, 6, 8), .padding = {2, 3})  \
    ROW("padding makes room", (1, 1, 2, 2), (1, 1, 3, 4), (1, 1, 2, 1), .padding = {1, 1})         \
    ROW("dilation 2", (1, 1, 5, 6), (2, 1, 2, 3), (1, 2, 3, 2), .dilation = {2})                   \
    ROW("dilation 1x3", (1, 1, 3, 7), (1, 1, 2, 2), (1, 1, 2, 4), .dilation = {1, 3})              \
    ROW("stride, padding, dilation", (1, 2, 5, 6), (2, 2, 2, 3), (1, 2, 3, 8),                     \
        .stride = {2, 1}, .padding = {1, 2}, .dilation = {2, 1})                                   \
    ROW("groups 2", (1, 4, 3, 3), (2, 2, 2, 2), (1, 2, 2, 2), .groups = 2)                         \
    ROW("groups 2, stride 2", (2, 2, 5, 4), (4, 1, 2, 2), (2, 4, 2, 2),                            \
        .groups = 2, .stride = {2})                                                                \
    ROW("groups 3, everything else", (1, 3, 4, 5), (6, 1, 2, 3), (1, 6, 4, 2),                     \
        .groups = 3, .stride = {1, 2}, .padding = {1, GT_ZERO}, .dilation = {2, 1})                      \
    ROW("depthwise", (1, 3, 4, 3), (3, 1, 2, 2), (1, 3, 3, 2), .groups = 3)                        \
    ROW("depthwise, vectors of a row", (1, 4, 4, 9), (4, 1, 3, 3), (1, 4, 4, 9),                   \
        .groups = 4, .padding = {1, 1})                                                            \
    ROW("depthwise, vectors of rows", (1, 8, 4, 4), (8, 1, 3, 3), (1, 8, 4, 4),                    \
        .groups = 8, .padding = {1, 1})                                                            \
    ROW("depthwise, stride 2", (1, 8, 7, 8), (8, 1, 3, 3), (1, 8, 4, 4),                           \
        .groups = 8, .stride = {2}, .padding = {1, 1})                                             \
    ROW("1x1", (2, 3, 2, 3), (2, 3, 1, 1), (2, 2, 2, 3), .groups = 1)                              \
    ROW("1x1, stride 2", (1, 2, 4, 3), (2, 2, 1, 1), (1, 2, 2, 2), .stride = {2})                  \
    ROW("kernel as large as x", (2, 2, 3, 4), (2, 2, 3, 4), (2, 2, 1, 1), .groups = 1)             \
    ROW("size one", (1, 1, 1, 1), (1, 1, 1, 1), (1, 1, 1, 1), .groups = 1)                         \
    ROW("9 channels", (1, 9, 2, 2), (9, 9, 1, 2), (1, 9, 2, 1), .groups = 1)                       \
    ROW("17 wide", (1, 1, 3, 17), (1, 1, 3, 3), (1, 1, 3, 17), .padding = {1, 1})                  \
    ROW("same padding", (1, 2, 3, 4), (2, 2, 3, 2), (1, 2, 3, 4), .same_padding = true)            \
    ROW("same padding, even, dilated", (2, 2, 4, 5), (2, 1, 2, 4), (2, 2, 4, 5),                   \
        .same_padding = true, .dilation = {1, 3}, .groups = 2)                                     \
    ROW("same padding, an odd one", (1, 1, 3, 9), (1, 1, 1, 2), (1, 1, 3, 9),                      \
        .same_padding = true)                                                                      \
    ROW("trimmed", (1, 2, 6, 9), (2, 2, 2, 3), (1, 2, 4, 5), .trim = {1, 2})                       \
    ROW("trimmed, 1x1", (1, 2, 3, 4), (3, 2, 1, 1), (1, 3, 2, 2), .trim = {1, 2})                  \
    ROW("no images", (0, 2, 3, 3), (2, 2, 2, 2), (0, 2, 2, 2), .groups = 1)                        \
    ROW("no input channels", (1, 0, 3, 3), (2, 0, 2, 2), (1, 2, 2, 2), .groups = 1)                \
    ROW("no output channels", (1, 2, 3, 3), (0, 2, 2, 2), (1, 0, 2, 2), .groups = 1)
// clang-format on

#define OPTS(...)                                                                                  \
    .opts = &(const gti_conv_opts)                                                                 \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }
#define GRAD_OPTS(shape, ...)                                                                      \
    .opts = &(const gti_conv_grad_opts)                                                            \
    {                                                                                              \
        .target = GT_DIMS shape, .conv = { __VA_ARGS__ }                                           \
    }
#define CONV2D(name, x, weight, y, ...)                                                            \
    {.label = (name), .in = GT_INPUTS(GT_IN x, GT_IN weight), OPTS(__VA_ARGS__)},
#define CONV2D_DX(name, x, weight, y, ...)                                                         \
    {.label = (name), .in = GT_INPUTS(GT_IN y, GT_IN weight), GRAD_OPTS(x, __VA_ARGS__)},
#define CONV2D_DW(name, x, weight, y, ...)                                                         \
    {.label = (name), .in = GT_INPUTS(GT_IN x, GT_IN y), GRAD_OPTS(weight, __VA_ARGS__)},

static const gt_sample conv2d_samples[] = {
    GEOMETRIES(CONV2D){.label = "same tensor", .in = GT_INPUTS(GT_IN(2, 2, 3, 2), {.same = 1})},
    {.label = "bias", .n_in = 3, .in = GT_INPUTS(GT_IN(2, 2, 4, 5), GT_IN(3, 2, 2, 3), GT_IN(3))},
    {.label = "bias, one input channel",
     .n_in = 3,
     .in = GT_INPUTS(GT_IN(2, 1, 3, 18), GT_IN(2, 1, 2, 3), GT_IN(2))},
    {.label = "bias, 1x1",
     .n_in = 3,
     .in = GT_INPUTS(GT_IN(2, 9, 2, 3), GT_IN(9, 9, 1, 1), GT_IN(9))},
    {.label = "bias, padding",
     .n_in = 3,
     .in = GT_INPUTS(GT_IN(2, 3, 4, 4), GT_IN(4, 3, 3, 3), GT_IN(4)),
     OPTS(.padding = {1, 1})},
    {.label = "bias, depthwise",
     .n_in = 3,
     .in = GT_INPUTS(GT_IN(1, 8, 4, 4), GT_IN(8, 1, 3, 3), GT_IN(8)),
     OPTS(.groups = 8, .padding = {1, 1})},
    {.label = "bias, blocks",
     .n_in = 3,
     .in = GT_INPUTS(GT_IN(1, 16, 3, 2), GT_IN(17, 16, 2, 2), GT_IN(17))},
    {.label = "Winograd with rests",
     .n_in = 3,
     .in = GT_INPUTS(GT_IN(1, 26, 4, 5), GT_IN(31, 26, 3, 3), GT_IN(31)),
     OPTS(.padding = {1, 1})},
    {.label = "blocks with rests",
     .n_in = 3,
     .in = GT_INPUTS(GT_IN(2, 26, 3, 20), GT_IN(31, 26, 1, 2), GT_IN(31))},
    {.label = "blocks, classes",
     .in = GT_INPUTS(GT_IN(2, 16, 4, 5), GT_IN(17, 16, 2, 3)),
     OPTS(.stride = {2})},
    {.label = "few pixels of many weights",
     .n_in = 3,
     .in = GT_INPUTS(GT_IN(1, 32, 1, 1), GT_IN(36, 32, 3, 3), GT_IN(36)),
     OPTS(.padding = {1, 1})},
    {.label = "1x1 on blocks", .in = GT_INPUTS(GT_IN(4, 128, 2, 2), GT_IN(16, 128, 1, 1))},
    {.label = "1x1 as a product", .in = GT_INPUTS(GT_IN(2, 9, 5, 5), GT_IN(8, 9, 1, 1))},
    {.label = "columns",
     .in = GT_INPUTS(GT_IN(1, 3, 13, 13), GT_IN(10, 3, 3, 3)),
     OPTS(.stride = {5})},
    {.label = "columns of groups",
     .in = GT_INPUTS(GT_IN(1, 6, 7, 13), GT_IN(8, 3, 2, 3)),
     OPTS(.stride = {3, 6}, .groups = 2, .padding = {1, 2})},
    {.label = "planes, wide",
     .in = GT_INPUTS(GT_IN(1, 3, 4, 21), GT_IN(9, 3, 3, 3)),
     OPTS(.padding = {1, 1})},
    {.label = "planes, 11 wide", .in = GT_INPUTS(GT_IN(2, 3, 4, 11), GT_IN(6, 3, 2, 3))},
    {.label = "planes, classes",
     .in = GT_INPUTS(GT_IN(1, 2, 7, 21), GT_IN(7, 2, 3, 3)),
     OPTS(.stride = {2}, .padding = {1, 1})},
    {.label = "planes, nine classes",
     .in = GT_INPUTS(GT_IN(1, 2, 7, 23), GT_IN(8, 2, 4, 3)),
     OPTS(.stride = {3})},
    {.label = "lanes with rests",
     .n_in = 3,
     .in = GT_INPUTS(GT_IN(29, 3, 3, 4), GT_IN(5, 3, 3, 3), GT_IN(5)),
     OPTS(.padding = {1, 1})},
    {.label = "depthwise, stride 2, wide",
     .in = GT_INPUTS(GT_IN(1, 3, 7, 37), GT_IN(3, 1, 3, 3)),
     OPTS(.groups = 3, .stride = {2}, .padding = {1, 1})},
    {.label = "depthwise, wide",
     .in = GT_INPUTS(GT_IN(1, 2, 5, 37), GT_IN(2, 1, 3, 3)),
     OPTS(.groups = 2, .padding = {1, 1})},
    {.label = "depthwise, 5x5",
     .in = GT_INPUTS(GT_IN(1, 3, 6, 21), GT_IN(3, 1, 5, 5)),
     OPTS(.groups = 3, .padding = {2, 2})},
    {.label = "bias, no input channels",
     .n_in = 3,
     .in = GT_INPUTS(GT_IN(1, 0, 3, 3), GT_IN(2, 0, 2, 2), GT_IN(2))},
};
static const gt_sample conv2d_dx_samples[] = {
    GEOMETRIES(CONV2D_DX){.label = "same tensor",
                          .in = GT_INPUTS(GT_IN(2, 2, 2, 2), {.same = 1}),
                          GRAD_OPTS((2, 2, 3, 3), .groups = 0)},
};
static const gt_sample conv2d_dw_samples[] = {
    GEOMETRIES(CONV2D_DW){.label = "same tensor",
                          .in = GT_INPUTS(GT_IN(2, 2, 2, 3), {.same = 1}),
                          GRAD_OPTS((2, 2, 1, 1), .groups = 0)},
};

#define SHAPE_ERROR .code = GT_ERR_SHAPE, .message
#define ARGUMENT_ERROR .code = GT_ERR_ARGUMENT, .message
#define X GT_IN(1, 4, 5, 5)
#define W GT_IN(2, 4, 3, 3)
static const gt_error_sample conv2d_error_samples[] = {
    {.label = "channels",
     .in = GT_INPUTS(GT_IN(1, 3, 5, 5), W),
     SHAPE_ERROR = "x has 3 channels, weight needs 4 (groups = 1)"},
    {.label = "NHWC",
     .in = GT_INPUTS(GT_IN(1, 24, 32, 3), GT_IN(8, 3, 3, 3)),
     SHAPE_ERROR =
         "x has 24 channels, weight needs 3 (groups = 1)\n"
         "  x [1,24,32,3]  weight [8,3,3,3]\n"
         "  hint: the last dimension is 3; this looks like NHWC: gt_permute(x, 0, 3, 1, 2)"},
    {.label = "bias",
     .n_in = 3,
     .in = GT_INPUTS(X, W, GT_IN(4)),
     SHAPE_ERROR = "bias is [4], must be [2]"},
    {.label = "bias of two dimensions",
     .n_in = 3,
     .in = GT_INPUTS(X, W, GT_IN(1, 2)),
     SHAPE_ERROR = "bias is [1,2], must be [2]"},
    {.label = "no batch dimension",
     .in = GT_INPUTS(GT_IN(4, 5, 6), W),
     SHAPE_ERROR = "hint: add a batch dimension: gt_reshape(x, GT_SHAPE(1, 4, 5, 6))"},
    {.label = "plane",
     .in = GT_INPUTS(GT_IN(5, 6), W),
     SHAPE_ERROR = "x [5,6] has 2 dimensions, needs 4"},
    {.label = "weight of two dimensions",
     .in = GT_INPUTS(X, GT_IN(3, 3)),
     SHAPE_ERROR = "weight [3,3] has 2 dimensions, needs 4"},
    {.label = "kernel larger",
     .in = GT_INPUTS(GT_IN(1, 4, 3, 2), GT_IN(2, 4, 4, 3)),
     SHAPE_ERROR = "kernel 4x3 is larger than the padded input 3x2"},
    {.label = "dilated kernel larger",
     .in = GT_INPUTS(GT_IN(1, 4, 2, 2), W),
     OPTS(.dilation = {3}, .padding = {1, 2}),
     SHAPE_ERROR = "kernel 7x7 (dilated) is larger than the padded input 4x6"},
    {.label = "kernel without elements",
     .in = GT_INPUTS(X, GT_IN(2, 4, 0, 3)),
     SHAPE_ERROR = "kernel 0x3 has no elements"},
    {.label = "groups, input channels",
     .in = GT_INPUTS(X, GT_IN(3, 1, 2, 2)),
     OPTS(.groups = 3),
     SHAPE_ERROR = "x's 4 channels do not divide into 3 groups"},
    {.label = "groups, output channels",
     .in = GT_INPUTS(X, GT_IN(3, 2, 2, 2)),
     OPTS(.groups = 2),
     SHAPE_ERROR = "weight's 3 output channels do not divide into 2 groups"},
    {.label = "groups, weight",
     .in = GT_INPUTS(X, GT_IN(2, 4, 2, 2)),
     OPTS(.groups = 2),
     SHAPE_ERROR = "x has 4 channels, weight needs 8 (groups = 2)"},
    {.label = "negative groups",
     .in = GT_INPUTS(X, W),
     OPTS(.groups = -2),
     ARGUMENT_ERROR = "groups is -2"},
    {.label = "negative stride",
     .in = GT_INPUTS(X, W),
     OPTS(.stride = {2, -1}),
     ARGUMENT_ERROR = "stride is {2, -1}, must be positive"},
    {.label = "negative dilation",
     .in = GT_INPUTS(X, W),
     OPTS(.dilation = {-2}),
     ARGUMENT_ERROR = "dilation is {-2, -2}, must be positive"},
    {.label = "negative padding",
     .in = GT_INPUTS(X, W),
     OPTS(.padding = {0, -3}),
     ARGUMENT_ERROR = "padding is {0, -3}, must not be negative"},
    {.label = "same padding, stride",
     .in = GT_INPUTS(X, W),
     OPTS(.same_padding = true, .stride = {2}),
     ARGUMENT_ERROR = "same_padding is made for stride 1, not {2, 2}"},
    {.label = "same padding, padding",
     .in = GT_INPUTS(X, W),
     OPTS(.same_padding = true, .padding = {0, 1}),
     ARGUMENT_ERROR = "both padding {0, 1} and same_padding are given"},
    {.label = "output overflows",
     .in = GT_INPUTS(GT_IN(1, 1, 1, 1), GT_IN(8, 1, 1, 1)),
     OPTS(.padding = {INT_MAX, INT_MAX}),
     .code = GT_ERR_MEMORY,
     .message = "the output [1,8,4294967295,4294967295] overflow"},
};

static const gt_error_sample conv2d_dx_error_samples[] = {
    {.label = "dy",
     .in = GT_INPUTS(GT_IN(1, 2, 3, 4), W),
     GRAD_OPTS((1, 4, 5, 5), .groups = 0),
     SHAPE_ERROR = "dy is [1,2,3,4], but x [1,4,5,5] and weight [2,4,3,3] make [1,2,3,3]"},
    {.label = "target of three dimensions",
     .in = GT_INPUTS(GT_IN(1, 2, 3, 3), W),
     GRAD_OPTS((4, 5, 5), .groups = 0),
     SHAPE_ERROR = "x [4,5,5] has 3 dimensions, needs 4"},
    {.label = "negative target",
     .in = GT_INPUTS(GT_IN(1, 2, 3, 3), W),
     GRAD_OPTS((1, 4, -5, 5), .groups = 0),
     SHAPE_ERROR = "[1,4,-5,5] is no shape"},
};

static const gt_error_sample conv2d_dw_error_samples[] = {
    {.label = "dy",
     .in = GT_INPUTS(X, GT_IN(1, 2, 3, 3)),
     GRAD_OPTS((2, 4, 3, 3), .stride = {2}),
     SHAPE_ERROR = "dy is [1,2,3,3], but x [1,4,5,5] and weight [2,4,3,3] make [1,2,2,2]"},
    {.label = "target of two dimensions",
     .in = GT_INPUTS(X, GT_IN(1, 2, 3, 3)),
     GRAD_OPTS((3, 3), .groups = 0),
     SHAPE_ERROR = "weight [3,3] has 2 dimensions, needs 4"},
    {.label = "target too large to dilate",
     .in = GT_INPUTS(X, GT_IN(1, 2, 3, 3)),
     GRAD_OPTS((2, 4, INT64_MAX, 3), .dilation = {4}),
     .code = GT_ERR_MEMORY,
     .message = "overflows"},
};
