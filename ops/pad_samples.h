/* What pad and pad_dx are checked on; part of pad.c. */
#define REFLECT .mode = GT_PAD_REFLECT
#define REPLICATE .mode = GT_PAD_REPLICATE
#define CIRCULAR .mode = GT_PAD_CIRCULAR

/* (pads), further options */
#define PADS(...)                                                                                  \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }
#define PAD(pads, ...)                                                                             \
    .opts = &(const gt_pad_opts)                                                                   \
    {                                                                                              \
        .pad = PADS pads, __VA_ARGS__                                                              \
    }
static const gt_sample pad_samples[] = {
    {.label = "vector", .in = GT_INPUTS(GT_IN(4)), PAD((1, 2), .gt_ = 0)},
    {.label = "value", .in = GT_INPUTS(GT_IN(3)), PAD((2, 1), .value = -1.5)},
    {.label = "image", .in = GT_INPUTS(GT_IN(1, 2, 2, 3)), PAD((1, 0, 2, 1), .gt_ = 0)},
    {.label = "a place around", .in = GT_INPUTS(GT_IN(2, 3, 2)), PAD((1, 1, 1, 1), .gt_ = 0)},
    {.label = "17 wide, a place around",
     .in = GT_INPUTS(GT_IN(2, 17)),
     PAD((1, 1, 1, 1), .value = 0.5)},
    {.label = "9 places before rows", .in = GT_INPUTS(GT_IN(2, 2)), PAD((9, 0), .gt_ = 0)},
    {.label = "one side", .in = GT_INPUTS(GT_IN(2, 3)), PAD((0, 0, 0, 2), .gt_ = 0)},
    {.label = "all axes", .in = GT_INPUTS(GT_IN(2, 1, 2)), PAD((1, 0, 0, 2, 1, 1), .gt_ = 0)},
    {.label = "eight dimensions",
     .in = GT_INPUTS(GT_IN(2, 1, 1, 2, 1, 1, 1, 2)),
     PAD((0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, -1), .gt_ = 0)},
    {.label = "cut off", .in = GT_INPUTS(GT_IN(4, 5)), PAD((-1, -2, -1, 0), .gt_ = 0)},
    {.label = "cut off and add", .in = GT_INPUTS(GT_IN(3, 4)), PAD((-2, 1, 2, -1), .value = 0.5)},
    {.label = "cut off all", .in = GT_INPUTS(GT_IN(3)), PAD((-1, -2), .gt_ = 0)},
    {.label = "cut off all and add", .in = GT_INPUTS(GT_IN(2, 2)), PAD((-2, 3), .value = 2)},
    {.label = "none", .in = GT_INPUTS(GT_IN(2, 3))},
    {.label = "scalar", .in = GT_INPUTS(GT_IN_SCALAR)},
    {.label = "zero-size", .in = GT_INPUTS(GT_IN(2, 0)), PAD((1, 1), .gt_ = 0)},
    {.label = "17 to 33", .in = GT_INPUTS(GT_IN(17)), PAD((8, 8), .gt_ = 0)},
    {.label = "reflect", .in = GT_INPUTS(GT_IN(4)), PAD((3, 2), REFLECT)},
    {.label = "reflect image", .in = GT_INPUTS(GT_IN(1, 2, 3, 3)), PAD((1, 2, 2, 1), REFLECT)},
    {.label = "reflect rows alone", .in = GT_INPUTS(GT_IN(3, 2)), PAD((0, 0, 2, 2), REFLECT)},
    {.label = "reflect and cut off", .in = GT_INPUTS(GT_IN(3, 4)), PAD((-1, 3, 1, -2), REFLECT)},
    {.label = "reflect what is cut off", .in = GT_INPUTS(GT_IN(4)), PAD((-3, 3), REFLECT)},
    {.label = "reflect nothing", .in = GT_INPUTS(GT_IN(0, 2)), PAD((1, 1), REFLECT)},
    {.label = "replicate", .in = GT_INPUTS(GT_IN(3)), PAD((2, 4), REPLICATE)},
    {.label = "replicate image", .in = GT_INPUTS(GT_IN(2, 1, 2, 3)), PAD((2, 1, 3, 0), REPLICATE)},
    {.label = "replicate and cut off",
     .in = GT_INPUTS(GT_IN(3, 3)),
     PAD((2, -1, -2, 3), REPLICATE)},
    {.label = "replicate one", .in = GT_INPUTS(GT_IN(1, 1)), PAD((2, 1, 1, 2), REPLICATE)},
    {.label = "circular", .in = GT_INPUTS(GT_IN(3)), PAD((3, 2), CIRCULAR)},
    {.label = "circular image", .in = GT_INPUTS(GT_IN(1, 2, 2, 3)), PAD((1, 2, 2, 1), CIRCULAR)},
    {.label = "circular and cut off", .in = GT_INPUTS(GT_IN(4, 3)), PAD((-1, 2, 2, -2), CIRCULAR)},
    {.label = "circular, cut off after", .in = GT_INPUTS(GT_IN(4)), PAD((3, -1), CIRCULAR)},
    {.label = "circular, all but one cut off", .in = GT_INPUTS(GT_IN(4)), PAD((-3, 1), CIRCULAR)},
    {.label = "circular, three axes",
     .in = GT_INPUTS(GT_IN(2, 1, 3)),
     PAD((1, 1, 1, 0, 2, 1), CIRCULAR)},
};

#define SHAPE_ERROR .code = GT_ERR_SHAPE, .message
static const gt_error_sample pad_error_samples[] = {
    {.label = "too many dimensions",
     .in = GT_INPUTS(GT_IN(2, 3)),
     PAD((1, 1, 1, 1, 0, 1), .gt_ = 0),
     SHAPE_ERROR = "padding for 3 dimensions, but there are 2"},
    {.label = "cut off too much",
     .in = GT_INPUTS(GT_IN(2, 3)),
     PAD((-2, -2), .gt_ = 0),
     SHAPE_ERROR = "padding of axis 1 by -2 and -2 cuts off more than its size 3"},
    {.label = "cut off too much before",
     .in = GT_INPUTS(GT_IN(3)),
     PAD((INT64_MIN, 2), .gt_ = 0),
     SHAPE_ERROR = "and 2 cuts off more than its size 3"},
    {.label = "reflect too much",
     .in = GT_INPUTS(GT_IN(2, 3)),
     PAD((1, 3), REFLECT),
     SHAPE_ERROR = "reflect padding of axis 1 by 1 and 3: at most 2 fit its size 3"},
    {.label = "circular too much",
     .in = GT_INPUTS(GT_IN(2, 3)),
     PAD((0, 0, 3, 0), CIRCULAR),
     SHAPE_ERROR = "circular padding of axis 0 by 3 and 0: at most 2 fit its size 2"},
    {.label = "circular, from what is cut off",
     .in = GT_INPUTS(GT_IN(4)),
     PAD((-3, 2), CIRCULAR),
     SHAPE_ERROR = "circular padding of axis 0 by -3 and 2: at most 1 fit its size 4"},
    {.label = "replicate nothing",
     .in = GT_INPUTS(GT_IN(0)),
     PAD((0, 1), REPLICATE),
     SHAPE_ERROR = "replicate padding of axis 0 by 0 and 1: at most 0 fit its size 0"},
    {.label = "overflow",
     .in = GT_INPUTS(GT_IN(3)),
     PAD((INT64_MAX, 0), .gt_ = 0),
     .code = GT_ERR_MEMORY,
     .message = "the size of axis 0 overflows"},
    {.label = "value of whole numbers",
     .in = GT_INPUTS({.shape = GT_DIMS(3), .dtype = GT_I64, .high = 5}),
     PAD((1, 0), .value = 0.5),
     .code = GT_ERR_ARGUMENT,
     .message = "value is 0.5, which is no i64"},
    {.label = "value of bytes",
     .in = GT_INPUTS({.shape = GT_DIMS(3), .dtype = GT_U8, .high = 5}),
     PAD((1, 0), .value = 256),
     .code = GT_ERR_ARGUMENT,
     .message = "value is 256, which is no u8"},
    {.label = "value of a mirror",
     .in = GT_INPUTS(GT_IN(3)),
     PAD((1, 0), .mode = GT_PAD_REFLECT, .value = 2),
     .code = GT_ERR_ARGUMENT,
     .message = "value is 2, which is for GT_PAD_CONSTANT alone"},
    {.label = "no such mode",
     .in = GT_INPUTS(GT_IN(3)),
     PAD((1, 0), .mode = (gt_pad_mode)4),
     .code = GT_ERR_ARGUMENT,
     .message = "mode is 4, must be GT_PAD_CONSTANT, GT_PAD_REFLECT"},
};

/* dimensions of the shape, (pads), further options */
#define DX(dims, pads, ...)                                                                        \
    .opts = &(const dx_opts)                                                                       \
    {                                                                                              \
        {.pad = PADS pads, __VA_ARGS__}, GT_DIMS dims                                              \
    }
static const gt_sample dx_samples[] = {
    {.label = "constant", .in = GT_INPUTS(GT_IN(4, 3)), DX((2, 3), (-1, 1, 1, 1), .value = 3)},
    {.label = "reflect", .in = GT_INPUTS(GT_IN(9)), DX((4), (3, 2), REFLECT)},
    {.label = "reflect image",
     .in = GT_INPUTS(GT_IN(2, 5, 4)),
     DX((2, 3, 2), (1, 1, 2, 0), REFLECT)},
    {.label = "reflect and cut off",
     .in = GT_INPUTS(GT_IN(2, 6)),
     DX((3, 4), (-1, 3, 1, -2), REFLECT)},
    {.label = "replicate", .in = GT_INPUTS(GT_IN(5, 6)), DX((2, 3), (2, 1, 3, 0), REPLICATE)},
    {.label = "replicate much", .in = GT_INPUTS(GT_IN(33)), DX((1), (17, 15), REPLICATE)},
    {.label = "circular", .in = GT_INPUTS(GT_IN(5, 3)), DX((2, 3), (1, -1, 1, 2), CIRCULAR)},
    {.label = "circular, cut off before",
     .in = GT_INPUTS(GT_IN(2, 5)),
     DX((2, 4), (-1, 2), CIRCULAR)},
    {.label = "rows alone", .in = GT_INPUTS(GT_IN(4, 9)), DX((3, 9), (0, 0, 1, 0), CIRCULAR)},
    {.label = "none", .in = GT_INPUTS(GT_IN(2, 3)), DX((2, 3), (0), REFLECT)},
    {.label = "all cut off", .in = GT_INPUTS(GT_IN(0)), DX((3), (-3, 0), REPLICATE)},
    {.label = "zero-size", .in = GT_INPUTS(GT_IN(0, 4)), DX((0, 2), (1, 1), REFLECT)},
};

static const gt_error_sample dx_error_samples[] = {
    {.label = "other shape",
     .in = GT_INPUTS(GT_IN(4)),
     DX((3), (1, 1), REFLECT),
     SHAPE_ERROR = "dy is [4], must be [5]"},
    {.label = "no shape",
     .in = GT_INPUTS(GT_IN(1)),
     DX((-1), (1, 1), REFLECT),
     SHAPE_ERROR = "is no shape"},
    {.label = "reflect too much",
     .in = GT_INPUTS(GT_IN(5)),
     DX((2), (1, 2), REFLECT),
     SHAPE_ERROR = "reflect padding of axis 0 by 1 and 2: at most 1 fit its size 2"},
};
