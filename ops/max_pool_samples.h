/* Samples and error samples of the max pools: part of max_pool.c, which alone includes this file.
 * In one dimension the first number of each pair belongs to the height of 1. */

#define OPTS(...)                                                                                  \
    .opts = &(const gti_pool_opts)                                                                 \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }
static const double steps[] = {1, 1, 2, 2, 1, 1, 2, 2, 3, 3, 0, 0, 3, 3, 0, 0};
static const double huge[] = {1e30, -1e30, 3e30, 0, 1e-30, -3e30, 2e30, 1, -1, 2e-30, 1e10, -1e10};

static const gt_sample max_pool2d_samples[] = {
    {.label = "2x2", .in = {GT_IN(2, 2, 4, 4)}, OPTS(.kernel = {2})},
    {.label = "2x3", .in = {GT_IN(1, 2, 4, 7)}, OPTS(.kernel = {2, 3})},
    {.label = "3x3, stride 2", .in = {GT_IN(1, 2, 5, 7)}, OPTS(.kernel = {3}, .stride = {2})},
    {.label = "3x3, stride 1", .in = {GT_IN(1, 1, 4, 5)}, OPTS(.kernel = {3}, .stride = {1})},
    {.label = "stride 1x3", .in = {GT_IN(1, 1, 4, 7)}, OPTS(.kernel = {2}, .stride = {1, 3})},
    {.label = "stride beyond the kernel",
     .in = {GT_IN(1, 1, 7, 7)},
     OPTS(.kernel = {2, 1}, .stride = {3, 4})},
    {.label = "padding 1",
     .in = {GT_IN(1, 2, 4, 5)},
     OPTS(.kernel = {3}, .stride = {2}, .padding = {1, 1})},
    {.label = "padding 0x1", .in = {GT_IN(1, 1, 3, 4)}, OPTS(.kernel = {2}, .padding = {0, 1})},
    {.label = "dilation 2x1",
     .in = {GT_IN(1, 1, 5, 6)},
     OPTS(.kernel = {2}, .stride = {1}, .dilation = {2, 1})},
    {.label = "dilation 2, padding 1, stride 2",
     .in = {GT_IN(1, 2, 6, 7)},
     OPTS(.kernel = {3}, .stride = {2}, .padding = {1, 1}, .dilation = {2})},
    {.label = "ceil_mode", .in = {GT_IN(1, 1, 5, 7)}, OPTS(.kernel = {2}, .ceil_mode = true)},
    {.label = "ceil_mode, no window in the end's padding",
     .in = {GT_IN(1, 1, 4, 5)},
     OPTS(.kernel = {2}, .padding = {1, 1}, .ceil_mode = true)},
    {.label = "ceil_mode, kernel larger than x",
     .in = {GT_IN(1, 1, 3, 4)},
     OPTS(.kernel = {4, 3}, .stride = {3}, .ceil_mode = true)},
    {.label = "ties",
     .in = {{.shape = GT_DIMS(1, 1, 4, 4), .values = steps}},
     OPTS(.kernel = {2}),
     .kinks = true},
    {.label = "far apart",
     .in = {{.shape = GT_DIMS(1, 1, 3, 4), .values = huge}},
     OPTS(.kernel = {2}, .stride = {1}),
     .kinks = true},
    {.label = "1x1", .in = {GT_IN(2, 1, 2, 3)}, OPTS(.kernel = {1})},
    {.label = "all of x", .in = {GT_IN(2, 2, 3, 4)}, OPTS(.kernel = {3, 4})},
    {.label = "size one", .in = {GT_IN(1, 1, 1, 1)}, OPTS(.kernel = {1})},
    {.label = "17 wide", .in = {GT_IN(1, 1, 2, 17)}, OPTS(.kernel = {2}, .stride = {1})},
    {.label = "pairs, 81 wide", .in = {GT_IN(1, 1, 3, 81)}, OPTS(.kernel = {2})},
    {.label = "pairs of a row",
     .in = {GT_IN(1, 2, 2, 7)},
     OPTS(.kernel = {1, 2}, .stride = {1, 2})},
    {.label = "no images", .in = {GT_IN(0, 2, 4, 4)}, OPTS(.kernel = {2})},
};

static const gt_sample max_pool1d_samples[] = {
    {.label = "2", .in = {GT_IN(2, 2, 6)}, OPTS(.kernel = {1, 2})},
    {.label = "3, stride 2, padding 1",
     .in = {GT_IN(1, 2, 8)},
     OPTS(.kernel = {1, 3}, .stride = {1, 2}, .padding = {0, 1})},
    {.label = "dilation 3", .in = {GT_IN(1, 2, 9)}, OPTS(.kernel = {1, 2}, .dilation = {1, 3})},
    {.label = "ceil_mode", .in = {GT_IN(1, 1, 7)}, OPTS(.kernel = {1, 2}, .ceil_mode = true)},
    {.label = "17 long", .in = {GT_IN(1, 1, 17)}, OPTS(.kernel = {1, 3}, .stride = {1, 1})},
    {.label = "size one", .in = {GT_IN(1, 1, 1)}, OPTS(.kernel = {1, 1})},
    {.label = "no images", .in = {GT_IN(0, 2, 4)}, OPTS(.kernel = {1, 2})},
};

static const double places[] = {0, 3, 5, 5, 2, 1, 4, 3}, none[] = {-1, 2, 3, 9},
                    forwards[] = {4, 0, 2}, zero[] = {0};
#define INDICES(array, ...)                                                                        \
    {                                                                                              \
        .shape = GT_DIMS(__VA_ARGS__), .values = (array), .dtype = GT_I64                          \
    }
#define TO(...) .opts = &(const gt_shape)GT_DIMS(__VA_ARGS__)
static const gt_sample max_pool2d_dx_samples[] = {
    {.label = "images", .in = {GT_IN(1, 2, 2, 2), INDICES(places, 1, 2, 2, 2)}, TO(1, 2, 2, 3)},
    {.label = "batches", .in = {GT_IN(2, 1, 2, 2), INDICES(places, 2, 1, 2, 2)}, TO(2, 1, 3, 2)},
    {.label = "sequences", .in = {GT_IN(1, 1, 3), INDICES(forwards, 1, 1, 3)}, TO(1, 1, 5)},
    {.label = "nowhere", .in = {GT_IN(1, 1, 2, 2), INDICES(none, 1, 1, 2, 2)}, TO(1, 1, 2, 2)},
    {.label = "size one", .in = {GT_IN(1, 1, 1, 1), INDICES(zero, 1, 1, 1, 1)}, TO(1, 1, 1, 1)},
    {.label = "no images", .in = {GT_IN(0, 1, 2, 2), INDICES(zero, 0, 1, 2, 2)}, TO(0, 1, 3, 3)},
};
static const gt_sample max_pool2d_at_samples[] = {
    {.label = "images", .in = {GT_IN(1, 2, 2, 3), INDICES(places, 1, 2, 2, 2)}},
    {.label = "batches", .in = {GT_IN(2, 1, 3, 2), INDICES(places, 2, 1, 2, 2)}},
    {.label = "sequences", .in = {GT_IN(1, 1, 5), INDICES(forwards, 1, 1, 3)}},
    {.label = "nowhere", .in = {GT_IN(1, 1, 2, 2), INDICES(none, 1, 1, 2, 2)}},
    {.label = "size one", .in = {GT_IN(1, 1, 1, 1), INDICES(zero, 1, 1, 1, 1)}},
    {.label = "no images", .in = {GT_IN(0, 1, 3, 3), INDICES(zero, 0, 1, 2, 2)}},
};

#define SHAPE_ERROR .code = GT_ERR_SHAPE, .message
#define ARGUMENT_ERROR .code = GT_ERR_ARGUMENT, .message
static const gt_error_sample max_pool2d_error_samples[] = {
    {.label = "no kernel",
     .in = {GT_IN(1, 1, 4, 4)},
     ARGUMENT_ERROR = "no kernel is given: .kernel = {2}, or {height, width}"},
    {.label = "no batch dimension",
     .in = {GT_IN(2, 4, 4)},
     OPTS(.kernel = {2}),
     SHAPE_ERROR = "x [2,4,4] has 3 dimensions, needs 4: [n,c,h,w]\n  x [2,4,4]\n"
                   "  hint: add a batch dimension: gt_reshape(x, GT_SHAPE(1, 2, 4, 4))"},
    {.label = "kernel larger",
     .in = {GT_IN(1, 1, 4, 2)},
     OPTS(.kernel = {3}),
     SHAPE_ERROR = "kernel 3x3 is larger than the padded input 4x2"},
    {.label = "dilated kernel larger",
     .in = {GT_IN(1, 1, 4, 4)},
     OPTS(.kernel = {2, 3}, .dilation = {2}),
     SHAPE_ERROR = "kernel 3x5 (dilated) is larger than the padded input 4x4"},
    {.label = "kernel larger, ceil_mode",
     .in = {GT_IN(1, 1, 2, 5)},
     OPTS(.kernel = {4}, .stride = {2}, .ceil_mode = true),
     SHAPE_ERROR = "kernel 4x4 is larger than the padded input 2x5"},
    {.label = "too much padding",
     .in = {GT_IN(1, 1, 4, 4)},
     OPTS(.kernel = {3, 2}, .padding = {1, 2}),
     ARGUMENT_ERROR = "padding is {1, 2}, must be at most half the kernel 3x2"},
    {.label = "negative padding",
     .in = {GT_IN(1, 1, 4, 4)},
     OPTS(.kernel = {3}, .padding = {-1, GT_ZERO}),
     ARGUMENT_ERROR = "padding is {-1, 0}, must not be negative"},
    {.label = "negative kernel",
     .in = {GT_IN(1, 1, 4, 4)},
     OPTS(.kernel = {2, -3}),
     ARGUMENT_ERROR = "kernel is {2, -3}, must be positive"},
    {.label = "negative stride",
     .in = {GT_IN(1, 1, 4, 4)},
     OPTS(.kernel = {2}, .stride = {-2}),
     ARGUMENT_ERROR = "stride is {-2, -2}, must be positive"},
    {.label = "negative dilation",
     .in = {GT_IN(1, 1, 4, 4)},
     OPTS(.kernel = {2}, .dilation = {1, -1}),
     ARGUMENT_ERROR = "dilation is {1, -1}, must be positive"},
    {.label = "no pixels",
     .in = {GT_IN(1, 1, 0, 4)},
     OPTS(.kernel = {2}),
     SHAPE_ERROR = "x [1,1,0,4] has no pixels"},
    {.label = "too many pixels",
     .in = {GT_IN(0, 1, 65536, 65536)},
     OPTS(.kernel = {2}),
     SHAPE_ERROR = "planes of more than 2^30 pixels"},
    {.label = "whole numbers",
     .in = {{.shape = GT_DIMS(1, 1, 2, 2), .dtype = GT_I64, .high = 5}},
     OPTS(.kernel = {2}),
     .code = GT_ERR_DTYPE,
     .message = "i64"},
};
static const gt_error_sample max_pool1d_error_samples[] = {
    {.label = "no kernel",
     .in = {GT_IN(1, 1, 4)},
     ARGUMENT_ERROR = "no kernel is given: .kernel = 2"},
    {.label = "no batch dimension",
     .in = {GT_IN(2, 4)},
     OPTS(.kernel = {1, 2}),
     SHAPE_ERROR = "hint: add a batch dimension: gt_reshape(x, GT_SHAPE(1, 2, 4))"},
    {.label = "kernel larger",
     .in = {GT_IN(1, 1, 4)},
     OPTS(.kernel = {1, 5}),
     SHAPE_ERROR = "kernel 5 is larger than the padded input 4"},
    {.label = "too much padding",
     .in = {GT_IN(1, 1, 4)},
     OPTS(.kernel = {1, 3}, .padding = {0, 2}),
     ARGUMENT_ERROR = "padding is 2, must be at most half the kernel 3"},
};

static const gt_error_sample max_pool2d_dx_error_samples[] = {
    {.label = "other shapes",
     .in = {GT_IN(1, 1, 2, 3), INDICES(places, 1, 1, 2, 2)},
     TO(1, 1, 4, 4),
     SHAPE_ERROR = "dy is [1,1,2,3], but indices are [1,1,2,2]"},
    {.label = "other planes",
     .in = {GT_IN(1, 1, 2, 2), INDICES(places, 1, 1, 2, 2)},
     TO(1, 2, 4, 4),
     SHAPE_ERROR = "indices [1,1,2,2] do not belong to planes [1,2,4,4]"},
    {.label = "no shape",
     .in = {GT_IN(1, 1, 2, 2), INDICES(places, 1, 1, 2, 2)},
     TO(1, 1, -4, 4),
     SHAPE_ERROR = "x is [1,1,-4,4], needs [n,c,h,w] or [n,c,l]"},
    {.label = "indices of another dtype",
     .in = {GT_IN(1, 1, 2, 2), GT_IN(1, 1, 2, 2)},
     TO(1, 1, 4, 4),
     .code = GT_ERR_DTYPE,
     .message = "indices are f32, must be i64"},
};
static const gt_error_sample max_pool2d_at_error_samples[] = {
    {.label = "two dimensions",
     .in = {GT_IN(2, 2), INDICES(places, 2, 2)},
     SHAPE_ERROR = "x is [2,2], needs [n,c,h,w] or [n,c,l]"},
    {.label = "other planes",
     .in = {GT_IN(1, 1, 2, 2), INDICES(places, 2, 1, 2)},
     SHAPE_ERROR = "indices [2,1,2] do not belong to planes [1,1,2,2]"},
};
