/* ONNX nodes for operations that move elements. */
#include <limits.h>
#include <string.h>

#include "onnx/emit.h"

/* Growth of a result's dimensions with the batch. */
static const int64_t *growth_of(const gti_emit *e)
{
    return gti_emit_result(e, 0)->growth;
}

/* Elements of dimensions from..to-1, of a batch with `more` items more. */
static int64_t product(const gt_graph_value *v, int from, int to, int more)
{
    int64_t n = 1;
    for (int i = from; i < to; i++) n *= v->shape.dim[i] + more * v->growth[i];
    return n;
}

/* The axis at which x falls into the two dimensions of y, whatever the batch; -1: there is none. */
static int flattened_at(const gt_graph_value *x, const gt_graph_value *y)
{
    if (y->shape.ndim != 2 || x->shape.ndim < 2 || !gt_shape_size(y->shape)) return -1;
    for (int axis = 1; axis < x->shape.ndim; axis++) {
        bool falls = true;
        for (int more = 0; more < 2; more++)
            falls &= product(x, 0, axis, more) == y->shape.dim[0] + more * y->growth[0] &&
                     product(x, axis, x->shape.ndim, more) == y->shape.dim[1] + more * y->growth[1];
        if (falls) return axis;
    }
    return -1;
}

static bool emit_reshape(gti_emit *e)
{
    const gt_graph_value *x = gti_emit_value(e, 0), *y = gti_emit_result(e, 0);
    const int axis = flattened_at(x, y);
    if (axis < 0) {
        gti_emit_reshape(e, gti_emit_in(e, 0), gti_emit_out(e, 0), &y->shape, y->growth);
        return true;
    }
    gti_emit_attr_int(e, "axis", axis);
    GTI_EMIT(e, "Flatten", gti_emit_out(e, 0), gti_emit_in(e, 0));
    return true;
}

static bool emit_broadcast_to(gti_emit *e)
{
    const gt_shape *to = &gti_emit_result(e, 0)->shape;
    GTI_EMIT(e, "Expand", gti_emit_out(e, 0), gti_emit_in(e, 0),
             gti_emit_shape(e, to, growth_of(e)));
    return true;
}

static bool emit_permute(gti_emit *e)
{
    const int n = gti_emit_value(e, 0)->shape.ndim;
    int64_t perm[GT_MAX_DIMS];
    for (int i = 0; i < n; i++) {
        perm[i] = gti_emit_whole(e, "order", i);
        if (perm[i] < 0) perm[i] += n;
    }
    gti_emit_attr_ints(e, "perm", n, perm);
    GTI_EMIT(e, "Transpose", gti_emit_out(e, 0), gti_emit_in(e, 0));
    return true;
}

/* --- parts --- */

static void slice(gti_emit *e, int n, const int64_t *axis, const int64_t *start, const int64_t *end,
                  const int64_t *step)
{
    GTI_EMIT(e, "Slice", gti_emit_out(e, 0), gti_emit_in(e, 0), gti_emit_ints(e, n, start),
             gti_emit_ints(e, n, end), gti_emit_ints(e, n, axis), gti_emit_ints(e, n, step));
}

static bool emit_flip(gti_emit *e)
{
    int64_t axes[GT_MAX_DIMS], start[GT_MAX_DIMS], end[GT_MAX_DIMS], step[GT_MAX_DIMS];
    const int n = gti_emit_axes(e, axes);
    if (!n) return GTI_EMIT(e, "Identity", gti_emit_out(e, 0), gti_emit_in(e, 0));
    for (int i = 0; i < n; i++) {
        start[i] = step[i] = -1;
        end[i] = INT64_MIN + 1;
    }
    slice(e, n, axes, start, end, step);
    return true;
}

static bool emit_slice(gti_emit *e)
{
    const int64_t axis = gti_emit_axis(e, gti_emit_value(e, 0)->shape.ndim);
    const int64_t start = gti_emit_whole(e, "start", 0), step = gti_emit_whole(e, "step", 0);
    int64_t stop = gti_emit_whole(e, "stop", 0);
    if (stop == GT_END && step < 0) stop = INT64_MIN + 1;
    slice(e, 1, &axis, &start, &stop, &step);
    return true;
}

static bool emit_index_select(gti_emit *e)
{
    gti_emit_attr_int(e, "axis", gti_emit_axis(e, gti_emit_value(e, 0)->shape.ndim));
    GTI_EMIT(e, "Gather", gti_emit_out(e, 0), gti_emit_in(e, 0), gti_emit_in(e, 1));
    return true;
}

static bool emit_gather(gti_emit *e)
{
    gti_emit_attr_int(e, "axis", gti_emit_axis(e, gti_emit_value(e, 0)->shape.ndim));
    const bool one = gti_emit_value(e, 1)->shape.ndim == 0; /* of a vector */
    GTI_EMIT(e, one ? "Gather" : "GatherElements", gti_emit_out(e, 0), gti_emit_in(e, 0),
             gti_emit_in(e, 1));
    return true;
}

static bool emit_embedding(gti_emit *e)
{
    if (gti_emit_hidden(e, GT_ATTR_SWITCH, 0))
        return gti_emit_fail(e, GT_ERR_UNSUPPORTED, "leaves rows out, as backward passes do");
    GTI_EMIT(e, "Gather", gti_emit_out(e, 0), gti_emit_in(e, 0), gti_emit_in(e, 1));
    return true;
}

/* Names of all inputs, with an axis more where they are stacked. */
static void join(gti_emit *e, int axis, bool stacked)
{
    const char **in = gti_store_get(&e->r.store, (size_t)e->r.n->n_in, sizeof *in);
    const char *where = stacked ? gti_emit_ints(e, 1, (int64_t[]){axis}) : "";
    for (int i = 0; in && i < e->r.n->n_in; i++)
        in[i] =
            stacked ? GTI_EMIT(e, "Unsqueeze", NULL, gti_emit_in(e, i), where) : gti_emit_in(e, i);
    gti_emit_attr_int(e, "axis", axis);
    if (in) gti_emit_node(e, "Concat", gti_emit_out(e, 0), e->r.n->n_in, in);
}

static bool emit_concat(gti_emit *e)
{
    join(e, gti_emit_axis(e, gti_emit_value(e, 0)->shape.ndim), false);
    return true;
}

static bool emit_stack(gti_emit *e)
{
    join(e, gti_emit_axis(e, gti_emit_value(e, 0)->shape.ndim + 1), true);
    return true;
}

static bool emit_pad(gti_emit *e)
{
    static const char *const modes[] = {"constant", "reflect", "edge", "wrap"};
    const int mode = (int)gti_emit_whole(e, "mode", 0), n = gti_emit_value(e, 0)->shape.ndim;
    if (mode == GT_PAD_CIRCULAR && e->opset < 19)
        return gti_emit_fail(
            e, GT_ERR_UNSUPPORTED,
            "pads circularly, which operator set 19 and later have: ask for .opset = 19");
    int64_t pads[2 * GT_MAX_DIMS];
    for (int i = 0; i < n; i++) {
        pads[i] = gti_emit_whole(e, "pad", 2 * (n - 1 - i));
        pads[n + i] = gti_emit_whole(e, "pad", 2 * (n - 1 - i) + 1);
    }
    const char *value = gti_emit_scalar(e, gti_emit_real(e, "value"));
    gti_emit_attr_text(e, "mode", modes[mode]);
    GTI_EMIT(e, "Pad", gti_emit_out(e, 0), gti_emit_in(e, 0), gti_emit_ints(e, 2 * n, pads), value);
    return true;
}

static bool emit_triangle(gti_emit *e)
{
    const int64_t most = gt_shape_size(gti_emit_value(e, 0)->shape);
    int64_t k = gti_emit_whole(e, "diagonal", 0);
    k = k > most ? most : k < -most ? -most : k; /* all that lie beyond are alike */
    const char *diagonal = gti_emit_number(e, GT_I64, (double)k);
    gti_emit_attr_int(e, "upper", !strcmp(e->r.n->op->name, "triu"));
    GTI_EMIT(e, "Trilu", gti_emit_out(e, 0), gti_emit_in(e, 0), diagonal);
    return true;
}

/* --- classes --- */

static bool emit_one_hot(gti_emit *e)
{
    const gt_graph_value *y = gti_emit_result(e, 0);
    const int64_t classes = y->shape.dim[y->shape.ndim - 1];
    const bool one = y->shape.ndim == 1; /* of a number, which cannot be an index there */
    const char *depth = gti_emit_ints(e, 1, &classes), *index = gti_emit_in(e, 0);
    const char *values = gti_emit_array(e, y->dtype, GT_SHAPE(2), (double[]){0, 1});
    if (one) index = GTI_EMIT(e, "Reshape", NULL, index, gti_emit_ints(e, 1, (int64_t[]){1}));
    const char *rows = GTI_EMIT(e, "OneHot", one ? NULL : gti_emit_out(e, 0), index, depth, values);
    if (one) GTI_EMIT(e, "Reshape", gti_emit_out(e, 0), rows, depth);
    return true;
}

/* x[..,index,..], 0 where index is `skip` */
static bool emit_pick(gti_emit *e)
{
    const gt_graph_value *x = gti_emit_value(e, 0);
    const int axis = gti_emit_axis(e, x->shape.ndim);
    const char *where = gti_emit_ints(e, 1, (int64_t[]){axis}), *index = gti_emit_in(e, 1);
    const char *skip = gti_emit_number(e, GT_I64, (double)gti_emit_whole(e, "skip", 0));
    const char *left = GTI_EMIT(e, "Equal", NULL, index, skip);
    index = GTI_EMIT(e, "Where", NULL, left, gti_emit_number(e, GT_I64, 0), index);
    const char *rows = GTI_EMIT(e, "Unsqueeze", NULL, index, where);
    gti_emit_attr_int(e, "axis", axis);
    const char *y = GTI_EMIT(e, "GatherElements", NULL, gti_emit_in(e, 0), rows);
    y = GTI_EMIT(e, "Squeeze", NULL, y, where);
    GTI_EMIT(e, "Where", gti_emit_out(e, 0), left, gti_emit_number(e, x->dtype, 0), y);
    return true;
}

/* y in the places of a new axis that index names */
static bool emit_place(gti_emit *e)
{
    const gt_graph_value *y = gti_emit_value(e, 0);
    const int axis = gti_emit_axis(e, y->shape.ndim + 1);
    const char *depth = gti_emit_ints(e, 1, (int64_t[]){gti_emit_whole(e, "size", 0)});
    const char *values = gti_emit_array(e, y->dtype, GT_SHAPE(2), (double[]){0, 1});
    const char *skip = gti_emit_number(e, GT_I64, (double)gti_emit_whole(e, "skip", 0));
    const char *left = GTI_EMIT(e, "Equal", NULL, gti_emit_in(e, 1), skip);
    gti_emit_attr_int(e, "axis", axis);
    const char *ones = GTI_EMIT(e, "OneHot", NULL, gti_emit_in(e, 1), depth, values);
    const char *kept =
        GTI_EMIT(e, "Where", NULL, left, gti_emit_number(e, y->dtype, 0), gti_emit_in(e, 0));
    const char *wide = GTI_EMIT(e, "Unsqueeze", NULL, kept, gti_emit_ints(e, 1, (int64_t[]){axis}));
    GTI_EMIT(e, "Mul", gti_emit_out(e, 0), ones, wide);
    return true;
}

const gti_mapping gti_emit_shapes_list[] = {
    {"reshape", .emit = emit_reshape},
    {"broadcast_to", .emit = emit_broadcast_to},
    {"permute", .emit = emit_permute},
    {"flip", .emit = emit_flip},
    {"slice", .emit = emit_slice},
    {"index_select", .emit = emit_index_select},
    {"gather", .emit = emit_gather},
    {"embedding", .emit = emit_embedding},
    {"scatter", .reason = "puts elements at an index: ScatterElements is not written yet"},
    {"gather_dx", .reason = "adds elements at an index: ScatterElements is not written yet"},
    {"sort", .reason = "gives values and their places: nodes with two results are not written yet"},
    {"topk", .reason = "gives values and their places: nodes with two results are not written yet"},
    {"concat", .emit = emit_concat},
    {"stack", .emit = emit_stack},
    {"pad", .emit = emit_pad},
    {"tril", .emit = emit_triangle},
    {"triu", .emit = emit_triangle},
    {"one_hot", .emit = emit_one_hot},
    {"pick", .emit = emit_pick},
    {"place", .emit = emit_place},
    {0},
};
