/* Linear and LazyLinear; Embedding. */
#include "nn/layer.h"

typedef struct {
    gt_module base;
    int64_t in, out; /* features; `in` is 0 until a lazy one has seen its first input */
    bool no_bias;
    gt_tensor *weight, *bias; /* [out,in], [out] */
} linear;

static gt_tensor *forward(gt_module *m, gt_tensor *x)
{
    const linear *l = (linear *)m;
    return gt_linear_(x, l->weight, (gt_linear_opts){.bias = l->bias});
}

static bool draw_parameters(linear *l)
{
    return gti_layer_draw_weights(&l->base, &l->weight, GT_SHAPE(l->out, l->in), (double)l->in,
                                  l->no_bias ? NULL : &l->bias, l->out);
}

static void describe(const gt_module *m, char *text, size_t size)
{
    const linear *l = (const linear *)m;
    gti_layer_append(text, size, "in_features=%lld, out_features=%lld", (long long)l->in,
                     (long long)l->out);
    gti_layer_append_bool(text, size, "bias", !l->no_bias);
}

static bool materialise(gt_module *m, gt_tensor *x);

static const gt_module_type linear_type = {.name = "Linear",
                                           .size = sizeof(linear),
                                           .keeps_nothing = true,
                                           .forward = forward,
                                           .describe = describe};
static const gt_module_type lazy_linear_type = {.name = "LazyLinear",
                                                .size = sizeof(linear),
                                                .keeps_nothing = true,
                                                .forward = forward,
                                                .materialise = materialise,
                                                .describe = describe};

static bool materialise(gt_module *m, gt_tensor *x)
{
    linear *l = (linear *)m;
    if (!gti_layer_check_dimensions(m, x, 1, GT_MAX_DIMS, "[..,features]")) return false;
    l->in = x->shape.dim[x->shape.ndim - 1];
    if (!gti_layer_check_positive(m, "input features", l->in) || !draw_parameters(l)) return false;
    m->type = &linear_type;
    return true;
}

static linear *make(gt_ctx *gt, const gt_module_type *type, int64_t out, const gt_nn_linear_opts *o)
{
    linear *l = (linear *)gt_module_new(gt, type);
    if (!l) return NULL;
    l->out = out;
    l->no_bias = o->no_bias;
    return gti_layer_set_dtype(&l->base, o->dtype) &&
                   gti_layer_check_positive(&l->base, "output features", out)
               ? l
               : NULL;
}

gt_module *gt_nn_linear_(gt_ctx *gt, int64_t in, int64_t out, gt_nn_linear_opts opts)
{
    linear *l = make(gt, &linear_type, out, &opts);
    if (!l || !gti_layer_check_positive(&l->base, "input features", in)) return NULL;
    l->in = in;
    return draw_parameters(l) ? &l->base : NULL;
}

gt_module *gt_nn_lazy_linear_(gt_ctx *gt, int64_t out, gt_nn_linear_opts opts)
{
    linear *l = make(gt, &lazy_linear_type, out, &opts);
    return l ? &l->base : NULL;
}

/* --- Embedding --- */

typedef struct {
    gt_module base;
    int64_t rows, width, padding_idx; /* the last as the operation takes it */
    gt_tensor *weight;                /* [rows,width] */
} embedding;

static gt_tensor *look_up(gt_module *m, gt_tensor *index)
{
    const embedding *e = (embedding *)m;
    return gt_embedding_(index, e->weight, (gt_embedding_opts){.padding_idx = e->padding_idx});
}

/* The row that is padding; -1: none. */
static int64_t padding_row(const embedding *e)
{
    const int64_t i = e->padding_idx;
    return i == GT_ZERO ? 0 : i == 0 ? -1 : i < 0 ? e->rows + i : i;
}

static void describe_embedding(const gt_module *m, char *text, size_t size)
{
    const embedding *e = (const embedding *)m;
    const int64_t padding = padding_row(e);
    gti_layer_append(text, size, "%lld, %lld", (long long)e->rows, (long long)e->width);
    if (padding >= 0) gti_layer_append(text, size, ", padding_idx=%lld", (long long)padding);
}

static const gt_module_type embedding_type = {.name = "Embedding",
                                              .size = sizeof(embedding),
                                              .keeps_nothing = true,
                                              .forward = look_up,
                                              .describe = describe_embedding};

static bool draw_rows(embedding *e)
{
    gt_module *m = &e->base;
    gt_tensor *t = gt_randn_(m->ctx, GT_SHAPE(e->rows, e->width), (gt_new_opts){.dtype = m->dtype});
    const int64_t padding = padding_row(e);
    if (!t || (padding >= 0 && gt_fill_slice(t, 0, padding, padding + 1, 0) != GT_OK)) return false;
    e->weight = gt_module_add_parameter(m, "weight", t);
    return e->weight;
}

gt_module *gt_nn_embedding_(gt_ctx *gt, int64_t rows, int64_t width, gt_nn_embedding_opts opts)
{
    gt_module *m = gt_module_new(gt, &embedding_type);
    if (!m) return NULL;
    embedding *e = (embedding *)m;
    e->rows = rows;
    e->width = width;
    e->padding_idx = opts.padding_idx;
    if (!gti_layer_set_dtype(m, opts.dtype) || !gti_layer_check_positive(m, "rows", rows) ||
        !gti_layer_check_positive(m, "columns", width))
        return NULL;
    const int64_t padding = padding_row(e);
    if (padding >= rows || (padding < 0 && opts.padding_idx != 0)) {
        gt_module_fail(m, GT_ERR_ARGUMENT, "padding_idx is %lld, but must lie in %lld..%lld",
                       (long long)opts.padding_idx, -(long long)rows, (long long)rows - 1);
        return NULL;
    }
    return draw_rows(e) ? m : NULL;
}
