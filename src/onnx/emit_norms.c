/* ONNX nodes for normalisations. */
#include <string.h>

#include "onnx/emit.h"

/* Statistics are for backward rules. */
static bool refuse_statistics(const gti_emit *e)
{
    for (int i = 1; i < e->r.n->n_out; i++)
        if (gti_emit_is_read(e, i))
            return gti_emit_fail(e, GT_ERR_UNSUPPORTED, "gives statistics, which are for training");
    return true;
}

static bool emit_batch_norm_eval(gti_emit *e)
{
    if (!refuse_statistics(e)) return false;
    gti_emit_attr_float(e, "epsilon", gti_emit_real(e, "eps"));
    GTI_EMIT(e, "BatchNormalization", gti_emit_out(e, 0), gti_emit_in(e, 0), gti_emit_in(e, 1),
             gti_emit_in(e, 2), gti_emit_in(e, 3), gti_emit_in(e, 4));
    return true;
}

static bool emit_layer_norm(gti_emit *e)
{
    if (!refuse_statistics(e)) return false;
    if (!gt_shape_size(gti_emit_value(e, 0)->shape))
        return gti_emit_fail(e, GT_ERR_UNSUPPORTED, "has an empty input");
    gti_emit_attr_int(e, "axis", -gti_emit_whole(e, "n_dims", 0));
    gti_emit_attr_float(e, "epsilon", gti_emit_real(e, "eps"));
    GTI_EMIT(e, "LayerNormalization", gti_emit_out(e, 0), gti_emit_in(e, 0), gti_emit_in(e, 1),
             gti_emit_in(e, 2));
    return true;
}

/* x / sqrt(mean of x^2 + eps) weight */
static bool emit_rms_norm(gti_emit *e)
{
    if (!refuse_statistics(e)) return false;
    const char *x = gti_emit_in(e, 0);
    const int64_t n = gti_emit_whole(e, "n_dims", 0), *axes = gti_emit_axes_from(-(int)n);
    if (e->opset >= 23) {
        gti_emit_attr_int(e, "axis", -n);
        gti_emit_attr_float(e, "epsilon", gti_emit_real(e, "eps"));
        GTI_EMIT(e, "RMSNormalization", gti_emit_out(e, 0), x, gti_emit_in(e, 1));
        return true;
    }
    const char *mean =
        gti_emit_reduce(e, "ReduceMean", GTI_EMIT(e, "Mul", NULL, x, x), NULL, (int)n, axes, true);
    const char *root =
        GTI_EMIT(e, "Sqrt", NULL,
                 GTI_EMIT(e, "Add", NULL, mean, gti_emit_scalar(e, gti_emit_real(e, "eps"))));
    GTI_EMIT(e, "Mul", gti_emit_out(e, 0), GTI_EMIT(e, "Div", NULL, x, root), gti_emit_in(e, 1));
    return true;
}

/* Groups as channels of an instance normalisation, without factors, and these behind. */
static bool emit_group_norm(gti_emit *e)
{
    if (!refuse_statistics(e)) return false;
    const gt_graph_value *x = gti_emit_value(e, 0);
    const int64_t groups = gti_emit_whole(e, "groups", 0);
    if (!gt_shape_size(x->shape)) return gti_emit_fail(e, GT_ERR_UNSUPPORTED, "has an empty input");
    const double eps = gti_emit_real(e, "eps");
    if (e->opset >= 21 && x->shape.ndim > 2) {
        gti_emit_attr_int(e, "num_groups", groups);
        gti_emit_attr_float(e, "epsilon", eps);
        GTI_EMIT(e, "GroupNormalization", gti_emit_out(e, 0), gti_emit_in(e, 0), gti_emit_in(e, 1),
                 gti_emit_in(e, 2));
        return true;
    }
    const char *none[2];
    for (int i = 0; i < 2; i++)
        none[i] =
            GTI_EMIT(e, "Expand", NULL, gti_emit_scalar(e, i == 0), gti_emit_ints(e, 1, &groups));
    const char *grouped = GTI_EMIT(e, "Reshape", NULL, gti_emit_in(e, 0),
                                   gti_emit_ints(e, 3, (int64_t[]){0, groups, -1}));
    gti_emit_attr_float(e, "epsilon", eps);
    const char *y = GTI_EMIT(e, "InstanceNormalization", NULL, grouped, none[0], none[1]);
    y = gti_emit_reshape(e, y, NULL, &x->shape, x->growth);
    y = GTI_EMIT(e, "Mul", NULL, y, gti_emit_channels(e, 1));
    GTI_EMIT(e, "Add", gti_emit_out(e, 0), y, gti_emit_channels(e, 2));
    return true;
}

/* A product with a band of ones, [c,c] [n,c,rest] */
static bool emit_channel_sum(gti_emit *e)
{
    const gt_graph_value *x = gti_emit_value(e, 0);
    const int64_t c = x->shape.dim[1];
    const double before = (double)gti_emit_whole(e, "before", 0);
    const double after = (double)gti_emit_whole(e, "after", 0);
    if (!gt_shape_size(x->shape)) return gti_emit_fail(e, GT_ERR_UNSUPPORTED, "has an empty input");
    double *v = gti_store_get(&e->r.store, (size_t)(c * c), sizeof *v);
    for (int64_t i = 0; v && i < c * c; i++) {
        const int64_t row = i / c;
        const double off = (double)(i % c - row);
        v[i] = off >= -before && off <= after;
    }
    if (!v) return false;
    const char *band = gti_emit_array(e, x->dtype, GT_SHAPE(c, c), v);
    const char *rows =
        GTI_EMIT(e, "Reshape", NULL, gti_emit_in(e, 0), gti_emit_ints(e, 3, (int64_t[]){0, c, -1}));
    gti_emit_reshape(e, GTI_EMIT(e, "MatMul", NULL, band, rows), gti_emit_out(e, 0), &x->shape,
                     x->growth);
    return true;
}

#define OF_BATCH                                                                                   \
    "normalises by the batch's own statistics, which is for training: export in evaluation mode"

const gti_mapping gti_emit_norms_list[] = {
    {"batch_norm_eval", .emit = emit_batch_norm_eval},
    {"batch_norm", .reason = OF_BATCH},
    {"batch_norm_act", .reason = OF_BATCH},
    {"batch_norm_eval_act", .reason = "is made where nothing is recorded: export from a module"},
    {"layer_norm", .emit = emit_layer_norm},
    {"rms_norm", .emit = emit_rms_norm},
    {"group_norm", .emit = emit_group_norm},
    {"channel_sum", .emit = emit_channel_sum},
    {0},
};
