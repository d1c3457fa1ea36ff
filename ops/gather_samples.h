/* Samples of gather, gather_dx and gather_add: part of gather.c, which alone includes this file. */

#define AXIS(i)                                                                                    \
    .opts = &(const gather_opts)                                                                   \
    {                                                                                              \
        (i)                                                                                        \
    }
#define NUMBER_INDEX(value)                                                                        \
    {                                                                                              \
        .shape = {0, {0}}, .dtype = GT_I64, .values = (const double[])                             \
        {                                                                                          \
            (value)                                                                                \
        }                                                                                          \
    }
#define NO_INDEX(...)                                                                              \
    {                                                                                              \
        .shape = GT_DIMS(__VA_ARGS__), .dtype = GT_I64                                             \
    }
static const gt_sample gather_samples[] = {
    {.label = "last axis",
     .in = GT_INPUTS(GT_IN(2, 4), GTI_INDEX((2, 3), 3, 0, 1, 2, 2, 0)),
     AXIS(1)},
    {.label = "first axis",
     .in = GT_INPUTS(GT_IN(4, 3), GTI_INDEX((2, 3), 3, 0, 1, 0, 2, 1)),
     AXIS(0)},
    {.label = "middle axis",
     .in = GT_INPUTS(GT_IN(2, 3, 2), GTI_INDEX((2, 2, 2), 2, 0, 1, 1, 0, 0, 2, 2)),
     AXIS(-2)},
    {.label = "eight dimensions",
     .in =
         GT_INPUTS(GT_IN(2, 1, 1, 3, 1, 1, 1, 2), GTI_INDEX((2, 1, 1, 1, 1, 1, 1, 2), 2, 0, 1, 2)),
     AXIS(3)},
    {.label = "a label each", .in = GT_INPUTS(GT_IN(3, 5), GTI_INDEX((3, 1), 4, 0, 4)), AXIS(1)},
    {.label = "fewer rows",
     .in = GT_INPUTS(GT_IN(3, 3), GTI_INDEX((2, 3), 2, 2, 1, 0, 0, 0)),
     AXIS(1)},
    {.label = "fewer columns",
     .in = GT_INPUTS(GT_IN(3, 4), GTI_INDEX((3, 2), 2, 2, 1, 0, 0, 0)),
     AXIS(0)},
    {.label = "fewer of both",
     .in = GT_INPUTS(GT_IN(2, 3, 3), GTI_INDEX((1, 4, 2), 2, 2, 1, 0, 0, 0, 1, 2)),
     AXIS(1)},
    {.label = "one column", .in = GT_INPUTS(GT_IN(3, 4), GTI_INDEX((3, 1), 2, 0, 0)), AXIS(0)},
    {.label = "more than there are",
     .in = GT_INPUTS(GT_IN(2), GTI_INDEX((5), 1, 0, 0, 1, 1)),
     AXIS(0)},
    {.label = "9 of 17",
     .in = GT_INPUTS(GT_IN(17), GTI_INDEX((9), 16, 0, 8, 7, 7, 16, 3, 1, 15)),
     AXIS(-1)},
    {.label = "3 of 40", .in = GT_INPUTS(GT_IN(40), GTI_INDEX((3), 39, 3, 39)), AXIS(0)},
    {.label = "size one", .in = GT_INPUTS(GT_IN(1, 1), GTI_INDEX((1, 1), 0)), AXIS(0)},
    {.label = "number", .in = GT_INPUTS(GT_IN_SCALAR, NUMBER_INDEX(0)), AXIS(-1)},
    {.label = "number, twice", .in = GT_INPUTS(GT_IN_SCALAR, GTI_INDEX((2), 0, 0)), AXIS(0)},
    {.label = "a number for an index", .in = GT_INPUTS(GT_IN(3), NUMBER_INDEX(2)), AXIS(0)},
    {.label = "no index", .in = GT_INPUTS(GT_IN(3, 2), NO_INDEX(0, 2)), AXIS(0)},
    {.label = "zero-size", .in = GT_INPUTS(GT_IN(3, 0), NO_INDEX(2, 0)), AXIS(0)},
    {.label = "two axes behind, fewer columns",
     .in = GT_INPUTS(GT_IN(3, 2, 3), GTI_INDEX((2, 2, 2), 2, 0, 1, 1, 0, 0, 2, 2)),
     AXIS(0)},
};

#define FIT_ERROR .code = GT_ERR_SHAPE, .message
static const gt_error_sample gather_error_samples[] = {
    {.label = "index beyond the end",
     .in = GT_INPUTS(GT_IN(2, 1), GTI_INDEX((1, 1), 1)),
     AXIS(1),
     .code = GT_ERR_ARGUMENT,
     .message = "index 1 at [0,0] is out of range for axis 1 of size 1"},
    {.label = "floating index",
     .in = GT_INPUTS(GT_IN(2, 3), GT_IN(2, 3)),
     AXIS(0),
     .code = GT_ERR_DTYPE,
     .message = "index is f32, must be i64"},
    {.label = "other number of dimensions",
     .in = GT_INPUTS(GT_IN(2, 3), GTI_INDEX((2), 0, 0)),
     AXIS(0),
     FIT_ERROR = "index [2] does not fit [2,3]"},
    {.label = "index larger elsewhere",
     .in = GT_INPUTS(GT_IN(2, 3), GTI_INDEX((3, 1), 0, 0, 0)),
     AXIS(1),
     FIT_ERROR = "index [3,1] does not fit [2,3]: as many dimensions and, but for axis 1, no"},
    {.label = "index into a number",
     .in = GT_INPUTS(GT_IN_SCALAR, NUMBER_INDEX(1)),
     AXIS(0),
     .code = GT_ERR_ARGUMENT,
     .message = "is out of range for axis 0 of size 1"},
    {.label = "no such axis",
     .in = GT_INPUTS(GT_IN(2, 3), GTI_INDEX((1, 1), 0)),
     AXIS(-3),
     .code = GT_ERR_SHAPE,
     .message = "there is no axis -3"},
};

/* dimensions of the shape, axis */
#define DX(dims, axis)                                                                             \
    .opts = &(const dx_opts)                                                                       \
    {                                                                                              \
        GT_DIMS dims, (axis)                                                                       \
    }
static const gt_sample dx_samples[] = {
    {.label = "last axis",
     .in = GT_INPUTS(GT_IN(2, 3), GTI_INDEX((2, 3), 3, 0, 1, 2, 2, 0)),
     DX((2, 4), 1)},
    {.label = "first axis",
     .in = GT_INPUTS(GT_IN(2, 3), GTI_INDEX((2, 3), 3, 0, 1, 0, 2, 1)),
     DX((4, 3), 0)},
    {.label = "middle axis",
     .in = GT_INPUTS(GT_IN(2, 2, 2), GTI_INDEX((2, 2, 2), 2, 0, 1, 1, 0, 0, 2, 2)),
     DX((2, 3, 2), -2)},
    {.label = "fewer of both",
     .in = GT_INPUTS(GT_IN(1, 4, 2), GTI_INDEX((1, 4, 2), 2, 2, 1, 0, 0, 0, 1, 2)),
     DX((2, 3, 3), 1)},
    {.label = "twice", .in = GT_INPUTS(GT_IN(5), GTI_INDEX((5), 1, 0, 0, 1, 1)), DX((2), 0)},
    {.label = "number",
     .in = GT_INPUTS(GT_IN(2), GTI_INDEX((2), 0, 0)),
     .opts = &(const dx_opts){{0, {0}}, -1}},
    {.label = "a number for an index", .in = GT_INPUTS(GT_IN_SCALAR, NUMBER_INDEX(1)), DX((3), 0)},
    {.label = "no index", .in = GT_INPUTS(GT_IN(0, 2), NO_INDEX(0, 2)), DX((3, 2), 0)},
    {.label = "zero-size", .in = GT_INPUTS(GT_IN(2, 0), NO_INDEX(2, 0)), DX((3, 0), 0)},
    {.label = "two axes behind, fewer columns",
     .in = GT_INPUTS(GT_IN(2, 2, 2), GTI_INDEX((2, 2, 2), 2, 0, 1, 1, 0, 0, 2, 2)),
     DX((3, 2, 3), 0)},
};

static const gt_error_sample dx_error_samples[] = {
    {.label = "other shape",
     .in = GT_INPUTS(GT_IN(3, 3), GTI_INDEX((2, 3), 0, 0, 0, 0, 0, 0)),
     DX((4, 3), 0),
     .code = GT_ERR_SHAPE,
     .message = "dy is [3,3], must be of index's shape [2,3]"},
    {.label = "index does not fit",
     .in = GT_INPUTS(GT_IN(2, 3), GTI_INDEX((2, 3), 0, 0, 0, 0, 0, 0)),
     DX((4, 2), 0),
     FIT_ERROR = "index [2,3] does not fit [4,2]"},
    {.label = "no shape",
     .in = GT_INPUTS(GT_IN(1), GTI_INDEX((1), 0)),
     DX((-1), 0),
     .code = GT_ERR_SHAPE,
     .message = "[-1] is no shape"},
};

static const gt_sample gather_add_samples[] = {
    {.label = "last axis",
     .in = GT_INPUTS(GT_IN(2, 4), GT_IN(2, 3), GTI_INDEX((2, 3), 3, 0, 1, 2, 2, 0)),
     AXIS(1)},
    {.label = "middle axis",
     .in = GT_INPUTS(GT_IN(2, 3, 2), GT_IN(2, 2, 2), GTI_INDEX((2, 2, 2), 2, 0, 1, 1, 0, 0, 2, 2)),
     AXIS(-2)},
    {.label = "fewer of both",
     .in = GT_INPUTS(GT_IN(2, 3, 3), GT_IN(1, 4, 2), GTI_INDEX((1, 4, 2), 2, 2, 1, 0, 0, 0, 1, 2)),
     AXIS(1)},
    {.label = "3 of 40", .in = GT_INPUTS(GT_IN(40), GT_IN(3), GTI_INDEX((3), 39, 3, 39)), AXIS(0)},
    {.label = "number", .in = GT_INPUTS(GT_IN_SCALAR, GT_IN(2), GTI_INDEX((2), 0, 0)), AXIS(-1)},
    {.label = "no index", .in = GT_INPUTS(GT_IN(3, 2), GT_IN(0, 2), NO_INDEX(0, 2)), AXIS(0)},
    {.label = "two axes behind, fewer columns",
     .in = GT_INPUTS(GT_IN(3, 2, 3), GT_IN(2, 2, 2), GTI_INDEX((2, 2, 2), 2, 0, 1, 1, 0, 0, 2, 2)),
     AXIS(0)},
};

static const gt_error_sample gather_add_error_samples[] = {
    {.label = "other shape",
     .in = GT_INPUTS(GT_IN(4, 3), GT_IN(3, 3), GTI_INDEX((2, 3), 0, 0, 0, 0, 0, 0)),
     AXIS(0),
     .code = GT_ERR_SHAPE,
     .message = "dy is [3,3], must be of index's shape [2,3]"},
    {.label = "index does not fit",
     .in = GT_INPUTS(GT_IN(4, 2), GT_IN(2, 3), GTI_INDEX((2, 3), 0, 0, 0, 0, 0, 0)),
     AXIS(0),
     FIT_ERROR = "index [2,3] does not fit [4,2]"},
};
