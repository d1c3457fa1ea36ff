/* Samples and error samples of the transposed convolutions: part of conv_transpose.c, which alone
 * includes this file. In one dimension the first number of each pair belongs to the height of 1. */

#define CONV(...) PADDED(0, 0, __VA_ARGS__)
#define PADDED(a, b, ...)                                                                          \
    .opts = &(const transpose_opts)                                                                \
    {                                                                                              \
        .conv = {__VA_ARGS__}, .output_padding = { a, b }                                          \
    }

static const gt_sample conv_transpose2d_samples[] = {
    {.label = "ordinary", .in = {GT_IN(2, 2, 3, 2), GT_IN(2, 3, 2, 3)}},
    {.label = "stride 2", .in = {GT_IN(1, 2, 2, 3), GT_IN(2, 2, 3, 2)}, CONV(.stride = {2})},
    {.label = "stride beyond the kernel",
     .in = {GT_IN(1, 1, 2, 2), GT_IN(1, 1, 2, 1)},
     CONV(.stride = {3, 4})},
    {.label = "padding 1x2", .in = {GT_IN(1, 2, 3, 4), GT_IN(2, 1, 3, 3)}, CONV(.padding = {1, 2})},
    {.label = "dilation 2", .in = {GT_IN(1, 1, 2, 3), GT_IN(1, 2, 2, 3)}, CONV(.dilation = {2})},
    {.label = "output padding 1, stride 2",
     .in = {GT_IN(1, 2, 2, 3), GT_IN(2, 1, 3, 3)},
     PADDED(1, 1, .stride = {2}, .padding = {1, 1})},
    {.label = "output padding beyond the stride",
     .in = {GT_IN(1, 1, 2, 3), GT_IN(1, 1, 2, 2)},
     PADDED(1, 3, .stride = {1, 2}, .dilation = {3, 4}, .padding = {0, 1})},
    {.label = "groups 2, everything",
     .in = {GT_IN(1, 4, 2, 3), GT_IN(4, 1, 2, 3)},
     PADDED(1, 0, .stride = {2, 1}, .padding = {0, 2}, .dilation = {1, 2}, .groups = 2)},
    {.label = "depthwise", .in = {GT_IN(1, 3, 2, 2), GT_IN(3, 1, 2, 2)}, CONV(.groups = 3)},
    {.label = "1x1", .in = {GT_IN(2, 3, 2, 2), GT_IN(3, 2, 1, 1)}},
    {.label = "1x1, output padding",
     .in = {GT_IN(1, 2, 2, 3), GT_IN(2, 3, 1, 1)},
     PADDED(1, 2, .dilation = {3})},
    {.label = "size one", .in = {GT_IN(1, 1, 1, 1), GT_IN(1, 1, 1, 1)}},
    {.label = "9 wide", .in = {GT_IN(1, 1, 2, 9), GT_IN(1, 1, 2, 3)}},
    {.label = "no images", .in = {GT_IN(0, 2, 2, 2), GT_IN(2, 2, 2, 2)}},
    {.label = "no output channels", .in = {GT_IN(1, 2, 2, 2), GT_IN(2, 0, 2, 2)}},
    {.label = "same tensor", .in = {GT_IN(2, 2, 3, 2), {.same = 1}}},
    {.label = "bias", .n_in = 3, .in = {GT_IN(2, 2, 3, 2), GT_IN(2, 3, 2, 3), GT_IN(3)}},
};

static const gt_sample conv_transpose1d_samples[] = {
    {.label = "ordinary", .in = {GT_IN(2, 2, 4), GT_IN(2, 3, 3)}},
    {.label = "stride 2, padding 1, output padding 1",
     .in = {GT_IN(1, 2, 4), GT_IN(2, 2, 3)},
     PADDED(0, 1, .stride = {1, 2}, .padding = {0, 1})},
    {.label = "output padding beyond the stride",
     .in = {GT_IN(1, 1, 3), GT_IN(1, 2, 2)},
     PADDED(0, 2, .dilation = {1, 3})},
    {.label = "groups 2, dilation 2",
     .in = {GT_IN(1, 4, 3), GT_IN(4, 2, 2)},
     CONV(.dilation = {1, 2}, .groups = 2)},
    {.label = "size one", .in = {GT_IN(1, 1, 1), GT_IN(1, 1, 1)}},
    {.label = "17 long", .in = {GT_IN(1, 1, 17), GT_IN(1, 1, 3)}},
    {.label = "bias", .n_in = 3, .in = {GT_IN(2, 2, 4), GT_IN(2, 3, 3), GT_IN(3)}},
    {.label = "no images", .in = {GT_IN(0, 2, 2), GT_IN(2, 2, 2)}},
};

#define SHAPE_ERROR .code = GT_ERR_SHAPE, .message
#define ARGUMENT_ERROR .code = GT_ERR_ARGUMENT, .message
#define X GT_IN(1, 4, 3, 3)
#define W GT_IN(4, 2, 2, 2)
static const gt_error_sample conv_transpose2d_error_samples[] = {
    {.label = "channels",
     .in = {GT_IN(1, 3, 3, 3), W},
     SHAPE_ERROR = "x has 3 channels, weight takes 4"},
    {.label = "bias", .n_in = 3, .in = {X, W, GT_IN(4)}, SHAPE_ERROR = "bias is [4], must be [2]"},
    {.label = "groups",
     .in = {X, W},
     CONV(.groups = 3),
     SHAPE_ERROR = "x's 4 channels do not divide into 3 groups"},
    {.label = "no batch dimension",
     .in = {GT_IN(4, 3, 3), W},
     SHAPE_ERROR = "hint: add a batch dimension: gt_reshape(x, GT_SHAPE(1, 4, 3, 3))"},
    {.label = "weight of three dimensions",
     .in = {X, GT_IN(4, 2, 2)},
     SHAPE_ERROR = "weight [4,2,2] has 3 dimensions, needs 4: [c,k/groups,kh,kw]"},
    {.label = "output padding",
     .in = {X, W},
     PADDED(1, 2, .stride = {2}),
     ARGUMENT_ERROR =
         "output_padding is {1, 2}, must be smaller than stride {2, 2} or dilation {1, 1}"},
    {.label = "negative output padding",
     .in = {X, W},
     PADDED(0, -1, .stride = {2}),
     ARGUMENT_ERROR = "output_padding is {0, -1}, must not be negative"},
    {.label = "too much padding",
     .in = {GT_IN(1, 4, 1, 3), W},
     CONV(.padding = {1, 1}),
     SHAPE_ERROR = "padding {1, 1} leaves an output of 0x2"},
    {.label = "no pixels", .in = {GT_IN(1, 4, 0, 3), W}, SHAPE_ERROR = "x [1,4,0,3] has no pixels"},
    {.label = "kernel without elements",
     .in = {X, GT_IN(4, 2, 2, 0)},
     SHAPE_ERROR = "kernel 2x0 has no elements"},
    {.label = "negative stride",
     .in = {X, W},
     CONV(.stride = {-1}),
     ARGUMENT_ERROR = "stride is {-1, -1}, must be positive"},
    {.label = "output overflows",
     .in = {GT_IN(1, 1, 4, 4), GT_IN(1, 8, 2, 2)},
     CONV(.stride = {INT_MAX, INT_MAX}),
     .code = GT_ERR_MEMORY,
     .message = "overflow"},
    {.label = "a side of the output overflows",
     .in = {GT_IN(0, 4, INT64_C(1) << 33, 1), W},
     CONV(.stride = {INT_MAX, 1}),
     .code = GT_ERR_MEMORY,
     .message = "the size of the output overflows"},
    {.label = "channels overflow",
     .in = {GT_IN(1, 0, 3, 3), GT_IN(0, INT64_C(1) << 62, 1, 1)},
     CONV(.groups = 4),
     .code = GT_ERR_MEMORY,
     .message = "the number of output channels overflows"},
};

static const gt_error_sample conv_transpose1d_error_samples[] = {
    {.label = "images",
     .in = {X, GT_IN(4, 2, 2)},
     SHAPE_ERROR = "x [1,4,3,3] has 4 dimensions, needs 3: [n,c,l]"},
    {.label = "output padding",
     .in = {GT_IN(1, 4, 3), GT_IN(4, 2, 2)},
     PADDED(0, 2, .stride = {1, 2}),
     ARGUMENT_ERROR = "output_padding is 2, must be smaller than stride 2 or dilation 1"},
    {.label = "too much padding",
     .in = {GT_IN(1, 4, 2), GT_IN(4, 2, 2)},
     CONV(.padding = {0, 2}),
     SHAPE_ERROR = "padding 2 leaves an output of -1"},
};
