/* Operators that move elements, and those that work out shapes. */
#include <math.h>
#include <string.h>

#include "onnx/op.h"

static gt_tensor *run_identity(gti_onnx_call *c)
{
    return c->in[0];
}

/* --- shapes --- */

/* 0 keeps x's dimension, unless .allowzero; one may be -1. */
static gt_tensor *run_reshape(gti_onnx_call *c)
{
    gt_tensor *x = c->in[0];
    gti_ints to;
    if (!gti_call_ints_of(c, 1, "shape", &to)) return NULL;
    if (to.n < 0) return gti_call_fail(c, GT_ERR_FORMAT, "has no shape");
    const bool zero = gti_call_int(c, "allowzero", 0);
    for (int i = 0; i < to.n; i++)
        if (to.at[i] == 0 && !zero && i < x->shape.ndim) to.at[i] = x->shape.dim[i];
    return gt_reshape(x, gt_shape_of(to.n, to.at));
}

static gt_tensor *run_flatten(gti_onnx_call *c)
{
    gt_tensor *x = c->in[0];
    const int64_t axis = gti_call_int(c, "axis", 1), ndim = x->shape.ndim;
    const int at = (int)(axis < 0 ? axis + ndim : axis);
    if (at < 0 || at > ndim)
        return gti_call_fail(c, GT_ERR_SHAPE, "there is no axis %lld in %lld dimensions",
                             (long long)axis, (long long)ndim);
    return gt_reshape(x, GT_SHAPE(gti_call_product(x, 0, at), gti_call_product(x, at, (int)ndim)));
}

static gt_tensor *run_squeeze(gti_onnx_call *c)
{
    gti_ints list;
    unsigned axes;
    gt_tensor *x = c->in[0];
    if (!gti_call_ints_of(c, 1, "axes", &list) || !gti_call_axes(c, &list, x->shape.ndim, &axes))
        return NULL;
    for (int i = 0; i < list.n; i++)
        if (x->shape.dim[gti_call_axis(c, list.at[i], x->shape.ndim)] != 1)
            return gti_call_fail(c, GT_ERR_SHAPE, "the axis %lld is no 1", (long long)list.at[i]);
    return gt_squeeze_(x, (gt_squeeze_opts){.axes = axes});
}

static gt_tensor *run_unsqueeze(gti_onnx_call *c)
{
    gti_ints list;
    gt_tensor *x = c->in[0];
    if (!gti_call_ints_of(c, 1, "axes", &list)) return NULL;
    const int ndim = x->shape.ndim + (list.n > 0 ? list.n : 0);
    if (ndim > GT_MAX_DIMS)
        return gti_call_fail(c, GT_ERR_UNSUPPORTED, "more than %d dimensions", GT_MAX_DIMS);
    bool is_new[GT_MAX_DIMS] = {false};
    for (int i = 0; i < list.n; i++) {
        const int axis = gti_call_axis(c, list.at[i], ndim);
        if (axis < 0) return NULL;
        if (is_new[axis]) return gti_call_fail(c, GT_ERR_SHAPE, "an axis is named twice");
        is_new[axis] = true;
    }
    gt_shape shape = {.ndim = ndim};
    for (int i = 0, from = 0; i < ndim; i++) shape.dim[i] = is_new[i] ? 1 : x->shape.dim[from++];
    return gt_reshape(x, shape);
}

static gt_tensor *permuted(gt_tensor *x, int n, const int *order)
{
    return gt_permute_(x, n, order);
}

static gt_tensor *run_transpose(gti_onnx_call *c)
{
    gt_tensor *x = c->in[0];
    const int n = x->shape.ndim;
    gti_ints perm;
    int order[GT_MAX_DIMS];
    if (!gti_call_ints_attr(c, "perm", &perm)) return NULL;
    if (perm.n >= 0 && perm.n != n)
        return gti_call_fail(c, GT_ERR_SHAPE, "perm has %d numbers, the input %d dimensions",
                             perm.n, n);
    for (int i = 0; i < n; i++) order[i] = perm.n < 0 ? n - 1 - i : (int)perm.at[i];
    return n ? permuted(x, n, order) : x;
}

static bool broadcast(gt_shape *a, const gti_ints *b)
{
    gt_shape y = {.ndim = a->ndim > b->n ? a->ndim : b->n};
    if (y.ndim > GT_MAX_DIMS) return false;
    for (int i = 1; i <= y.ndim; i++) {
        const int64_t p = i <= a->ndim ? a->dim[a->ndim - i] : 1,
                      q = i <= b->n ? b->at[b->n - i] : 1;
        y.dim[y.ndim - i] = p == 1 ? q : p;
    }
    *a = y;
    return true;
}

static gt_tensor *run_expand(gti_onnx_call *c)
{
    gti_ints to;
    gt_shape shape = c->in[0]->shape;
    if (!gti_call_ints(c, 1, &to)) return NULL;
    if (!broadcast(&shape, &to))
        return gti_call_fail(c, GT_ERR_UNSUPPORTED, "more than %d dimensions", GT_MAX_DIMS);
    return gt_broadcast_to(c->in[0], shape);
}

static gt_tensor *run_tile(gti_onnx_call *c)
{
    gti_ints repeats;
    if (!gti_call_ints(c, 1, &repeats)) return NULL;
    return gt_repeat(c->in[0], gt_shape_of(repeats.n, repeats.at));
}

/* --- parts --- */

static gt_tensor *run_concat(gti_onnx_call *c)
{
    const int axis = gti_call_axis(c, gti_call_int(c, "axis", 1), c->in[0]->shape.ndim);
    return axis < 0 ? NULL : gt_concat(c->in, c->n_in, axis);
}

/* Sizes as given, or as equal as can be, the last the smaller. */
static bool split_sizes(const gti_onnx_call *c, int64_t size, gti_ints *sizes)
{
    if (!gti_call_ints_of(c, 1, "split", sizes)) return false;
    if (sizes->n >= 0) return true;
    sizes->n = (int)gti_call_int(c, "num_outputs", c->n_out);
    if (sizes->n < 1 || sizes->n > GTI_LIST) {
        gti_call_fail(c, GT_ERR_UNSUPPORTED, "splits into %d parts", sizes->n);
        return false;
    }
    const int64_t part = (size + sizes->n - 1) / sizes->n;
    for (int i = 0; i < sizes->n; i++) {
        const int64_t left = size - part * i;
        sizes->at[i] = left < 0 ? 0 : left < part ? left : part;
    }
    return true;
}

static gt_tensor *run_split(gti_onnx_call *c)
{
    gt_tensor *x = c->in[0];
    gti_ints sizes;
    const int axis = gti_call_axis(c, gti_call_int(c, "axis", 0), x->shape.ndim);
    if (axis < 0 || !split_sizes(c, x->shape.dim[axis], &sizes)) return NULL;
    int64_t from = 0;
    for (int i = 0; i < c->n_out && i < sizes.n; from += sizes.at[i], i++)
        c->out[i] = gt_slice_(x, axis, from, from + sizes.at[i], (gt_slice_opts){0});
    return c->out[0];
}

/* Ends beyond the axis count as its ends, as in gt_slice; a start of a backward step, too. */
static gt_tensor *slice(gt_tensor *x, int axis, int64_t start, int64_t end, int64_t step)
{
    const int64_t size = x->shape.dim[axis];
    if (step < 0 && end < -size) end = GT_END;
    if (step > 0 && end > size) end = size;
    if (start < -size) start = step > 0 ? 0 : -size;
    if (start >= size) start = step > 0 ? size : size - 1;
    return gt_slice_(x, axis, start, end, (gt_slice_opts){.step = step});
}

static gt_tensor *run_slice(gti_onnx_call *c)
{
    gt_tensor *x = c->in[0];
    gti_ints starts, ends, axes, steps;
    if (!gti_call_ints_of(c, 1, "starts", &starts) || !gti_call_ints_of(c, 2, "ends", &ends) ||
        !gti_call_ints_of(c, 3, "axes", &axes) || !gti_call_ints_of(c, 4, "steps", &steps))
        return NULL;
    if (starts.n < 0 || ends.n != starts.n)
        return gti_call_fail(c, GT_ERR_FORMAT, "has %d starts and %d ends", starts.n, ends.n);
    for (int i = 0; i < starts.n && x; i++) {
        const int axis = gti_call_axis(c, i < axes.n ? axes.at[i] : i, x->shape.ndim);
        const int64_t step = i < steps.n ? steps.at[i] : 1;
        if (axis < 0 || step == 0)
            return axis < 0 ? NULL : gti_call_fail(c, GT_ERR_ARGUMENT, "a step is 0");
        x = slice(x, axis, starts.at[i], ends.at[i], step);
    }
    return x;
}

/* --- padding --- */

static bool pad_mode(const gti_onnx_call *c, gt_pad_mode *mode)
{
    static const struct {
        const char *name;
        gt_pad_mode mode;
    } modes[] = {{"constant", GT_PAD_CONSTANT},
                 {"reflect", GT_PAD_REFLECT},
                 {"edge", GT_PAD_REPLICATE},
                 {"wrap", GT_PAD_CIRCULAR}};
    const char *wanted = gti_call_text(c, "mode", "constant");
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
        if (!strcmp(modes[i].name, wanted)) return *mode = modes[i].mode, true;
    gti_call_fail(c, GT_ERR_UNSUPPORTED, "there is no mode '%s'", wanted);
    return false;
}

static gt_tensor *run_pad(gti_onnx_call *c)
{
    gt_tensor *x = c->in[0];
    const int ndim = x->shape.ndim;
    gti_ints pads, axes;
    gt_pad_opts opts = {0};
    if (!gti_call_ints_of(c, 1, "pads", &pads) || !gti_call_ints(c, 3, &axes) ||
        !pad_mode(c, &opts.mode))
        return NULL;
    const int n = axes.n >= 0 ? axes.n : ndim;
    if (pads.n != 2 * n)
        return gti_call_fail(c, GT_ERR_SHAPE, "has %d pads for %d axes", pads.n, n);
    for (int i = 0; i < n; i++) {
        const int axis = gti_call_axis(c, axes.n >= 0 ? axes.at[i] : i, ndim);
        if (axis < 0) return NULL;
        opts.pad[2 * (ndim - 1 - axis)] = pads.at[i];
        opts.pad[2 * (ndim - 1 - axis) + 1] = pads.at[i + n];
    }
    if (!gti_call_known(c, 2)) return NULL;
    const gt_tensor *value = gti_call_in(c, 2);
    opts.value =
        value && value->size == 1 ? gt_load_element(value, 0) : gti_call_float(c, "value", 0);
    return gt_pad_(x, opts);
}

/* --- blocks of pixels --- */

/* [n,c,h,w] seen in six dimensions, these exchanged, and seen in four again. */
static gt_tensor *regrouped(gt_tensor *x, const int64_t six[6], const int order[6],
                            const int64_t four[4])
{
    return gt_reshape(permuted(gt_reshape(x, gt_shape_of(6, six)), 6, order), gt_shape_of(4, four));
}

static gt_tensor *run_depth_to_space(gti_onnx_call *c)
{
    gt_tensor *x = c->in[0];
    const int64_t b = gti_call_int(c, "blocksize", 0), *d = x->shape.dim;
    if (x->shape.ndim != 4 || b < 1 || d[1] % (b * b))
        return gti_call_fail(c, GT_ERR_SHAPE, "cannot make blocks of %lld of its input",
                             (long long)b);
    const int64_t k = d[1] / (b * b), four[] = {d[0], k, d[2] * b, d[3] * b};
    if (!strcmp(gti_call_text(c, "mode", "DCR"), "CRD"))
        return regrouped(x, (int64_t[]){d[0], k, b, b, d[2], d[3]}, (int[]){0, 1, 4, 2, 5, 3},
                         four);
    return regrouped(x, (int64_t[]){d[0], b, b, k, d[2], d[3]}, (int[]){0, 3, 4, 1, 5, 2}, four);
}

static gt_tensor *run_space_to_depth(gti_onnx_call *c)
{
    gt_tensor *x = c->in[0];
    const int64_t b = gti_call_int(c, "blocksize", 0), *d = x->shape.dim;
    if (x->shape.ndim != 4 || b < 1 || d[2] % b || d[3] % b)
        return gti_call_fail(c, GT_ERR_SHAPE, "cannot make blocks of %lld of its input",
                             (long long)b);
    const int64_t four[] = {d[0], d[1] * b * b, d[2] / b, d[3] / b};
    return regrouped(x, (int64_t[]){d[0], d[1], d[2] / b, b, d[3] / b, b},
                     (int[]){0, 3, 5, 1, 2, 4}, four);
}

static gt_tensor *run_trilu(gti_onnx_call *c)
{
    gti_ints k;
    if (!gti_call_ints(c, 1, &k)) return NULL;
    const int64_t diagonal = k.n > 0 ? k.at[0] : 0;
    return gti_call_int(c, "upper", 1) ? gt_triu(c->in[0], diagonal) : gt_tril(c->in[0], diagonal);
}

/* --- shapes as numbers --- */

static int64_t into(int64_t at, int64_t most)
{
    if (at < 0) at += most;
    return at < 0 ? 0 : at > most ? most : at;
}

static gt_tensor *run_shape(gti_onnx_call *c)
{
    const gt_shape *s = &c->in[0]->shape;
    const int64_t start = into(gti_call_int(c, "start", 0), s->ndim);
    const int64_t end = into(gti_call_int(c, "end", s->ndim), s->ndim);
    return gti_call_new_ints(c->gt, end > start ? (int)(end - start) : 0, s->dim + start);
}

static gt_tensor *run_size(gti_onnx_call *c)
{
    return gt_reshape(gti_call_new_ints(c->gt, 1, &c->in[0]->size), GT_SCALAR);
}

static gt_tensor *run_range(gti_onnx_call *c)
{
    for (int i = 0; i < 3; i++)
        if (!gti_call_known(c, i)) return NULL;
        else if (c->in[i]->size != 1)
            return gti_call_fail(c, GT_ERR_SHAPE, "input %d is not one number", i);
    const double start = gt_load_element(c->in[0], 0), end = gt_load_element(c->in[1], 0),
                 step = gt_load_element(c->in[2], 0);
    const double n = ceil((end - start) / step);
    if (!(n > 0)) return gt_empty_(c->gt, GT_SHAPE(0), (gt_new_opts){.dtype = c->in[0]->dtype});
    return gt_arange_(c->gt, start, end, step, (gt_new_opts){.dtype = c->in[0]->dtype});
}

/* The tensor of an attribute, or NULL after a failure. */
static gt_tensor *attr_tensor(const gti_onnx_call *c, const gti_onnx_attr *a)
{
    gti_onnx_tensor t;
    const char *why = NULL;
    gt_tensor *y =
        gti_tensor_parse(a->tensor, &t, &why) ? gti_tensor_read(c->gt, &t, c->path, &why) : NULL;
    if (why) gti_call_fail(c, GT_ERR_FORMAT, "its tensor %s", why);
    return y;
}

static gt_tensor *run_constant_of_shape(gti_onnx_call *c)
{
    gti_ints shape;
    const gti_onnx_attr *a = gti_call_attr(c, "value");
    gt_tensor *value = a ? attr_tensor(c, a) : gt_full_(c->gt, GT_SHAPE(1), 0, (gt_new_opts){0});
    if (!value || !gti_call_ints(c, 0, &shape)) return NULL;
    if (value->size != 1) return gti_call_fail(c, GT_ERR_FORMAT, "its value is not one number");
    return gt_full_(c->gt, gt_shape_of(shape.n, shape.at), gt_load_element(value, 0),
                    (gt_new_opts){.dtype = value->dtype});
}

/* One that is not a tensor: those are initializers already. */
static gt_tensor *run_constant(gti_onnx_call *c)
{
    const gti_onnx_attr *a = c->node->n_attrs == 1 ? c->node->attr : NULL;
    if (!a) return gti_call_fail(c, GT_ERR_FORMAT, "has %d values", c->node->n_attrs);
    switch (a->type) {
    case GTI_ATTR_FLOAT: return gt_full_(c->gt, GT_SCALAR, a->f, (gt_new_opts){0});
    case GTI_ATTR_INT: return gt_reshape(gti_call_new_ints(c->gt, 1, &a->i), GT_SCALAR);
    case GTI_ATTR_INTS: return gti_call_new_ints(c->gt, a->n, a->ints);
    case GTI_ATTR_FLOATS:
        return gt_from_(c->gt, GT_SHAPE(a->n), a->floats, GT_C_DOUBLE, (gt_new_opts){0});
    default: return gti_call_fail(c, GT_ERR_UNSUPPORTED, "is of strings");
    }
}

static gt_tensor *run_eye_like(gti_onnx_call *c)
{
    const gt_tensor *x = c->in[0];
    gt_dtype dtype = x->dtype;
    const gti_onnx_attr *a = gti_call_attr(c, "dtype");
    if (x->shape.ndim != 2 || (a && !gti_tensor_dtype(a->i, &dtype)))
        return gti_call_fail(c, GT_ERR_UNSUPPORTED, "is of another shape or type than can be made");
    gt_tensor *y = gt_full_(c->gt, x->shape, 0, (gt_new_opts){.dtype = dtype});
    const int64_t k = gti_call_int(c, "k", 0), rows = x->shape.dim[0], columns = x->shape.dim[1];
    for (int64_t i = 0; y && i < rows; i++)
        if (i + k >= 0 && i + k < columns) gt_store_element(y, i * columns + i + k, 1);
    return y;
}

/* Drops in training alone. */
static gt_tensor *run_dropout(gti_onnx_call *c)
{
    if (!gti_call_known(c, 1) || !gti_call_known(c, 2)) return NULL;
    gt_tensor *x = c->in[0], *ratio = gti_call_in(c, 1);
    const double p =
        ratio && ratio->size == 1 ? gt_load_element(ratio, 0) : gti_call_float(c, "ratio", 0.5);
    const gt_tensor *mode = gti_call_in(c, 2);
    const bool drop = c->training || (mode && mode->size == 1 && gt_load_element(mode, 0) != 0);
    c->out[0] = drop && p > 0 ? gt_dropout(x, p) : x;
    if (c->n_out > 1) c->out[1] = gt_eq(c->out[0], c->out[0]);
    return c->out[0];
}

const gti_onnx_op gti_shapes_ops[] = {
    {"Identity", 1, 1, 1, "", 0, .run = run_identity},
    {"Reshape", 1, 2, 1, " shape allowzero consumed_inputs ", 0, .run = run_reshape},
    {"Flatten", 1, 1, 1, " axis ", 0, .run = run_flatten},
    {"Squeeze", 1, 2, 1, " axes ", 0, .run = run_squeeze},
    {"Unsqueeze", 1, 2, 1, " axes ", 0, .run = run_unsqueeze},
    {"Transpose", 1, 1, 1, " perm ", 0, .run = run_transpose},
    {"Expand", 2, 2, 1, "", 0, .run = run_expand},
    {"Tile", 2, 2, 1, "", 0, .run = run_tile},
    {"Concat", 1, GTI_ONNX_ANY, 1, " axis ", 0, .run = run_concat},
    {"Split", 1, 2, GTI_ONNX_ANY, " axis split num_outputs ", 0, .run = run_split},
    {"Slice", 1, 5, 1, " starts ends axes ", 0, .run = run_slice},
    {"Pad", 1, 4, 1, " mode pads value ", 0, .run = run_pad},
    {"DepthToSpace", 1, 1, 1, " blocksize mode ", 0, .run = run_depth_to_space},
    {"SpaceToDepth", 1, 1, 1, " blocksize ", 0, .run = run_space_to_depth},
    {"Trilu", 1, 2, 1, " upper ", 0, .run = run_trilu},
    {"Shape", 1, 1, 1, " start end ", 0, .run = run_shape, .shapes_alone = true},
    {"Size", 1, 1, 1, "", 0, .run = run_size, .shapes_alone = true},
    {"Range", 3, 3, 1, "", 0, .run = run_range},
    {"Constant", 0, 0, 1, " value value_float value_floats value_int value_ints ", 0,
     .run = run_constant},
    {"ConstantOfShape", 1, 1, 1, " value ", 0, .run = run_constant_of_shape},
    {"EyeLike", 1, 1, 1, " dtype k ", 0, .run = run_eye_like},
    {"Dropout", 1, 3, 2, " ratio is_test seed consumed_inputs ", 0, .run = run_dropout},
    {0},
};
