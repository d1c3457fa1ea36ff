/* Modules that move elements: the pads, PixelShuffle, PixelUnshuffle, Unfold, Fold, Permute. */
#include "nn/layer.h"

#undef gt_nn_pixel_shuffle
#undef gt_nn_pixel_unshuffle

/* --- the pads --- */

typedef struct {
    gt_module base;
    gt_nn_pad_opts o;
    int rank;
} pad;

static gt_tensor *forward_pad(gt_module *m, gt_tensor *x)
{
    const pad *p = (pad *)m;
    const int rank = p->rank;
    const char *needs = rank == 1 ? "[n,c,l] or [c,l]" : "[n,c,h,w] or [c,h,w]";
    if (p->o.mode != GT_PAD_CONSTANT &&
        !gti_layer_check_dimensions(m, x, rank + 1, rank + 2, needs))
        return NULL;
    gt_pad_opts o = {.mode = p->o.mode, .value = p->o.value};
    for (int i = 0; i < 2 * rank; i++) o.pad[i] = p->o.pad[i];
    return gt_pad_(x, o);
}

static void describe_pad(const gt_module *m, char *text, size_t size)
{
    const pad *p = (const pad *)m;
    const bool constant = p->o.mode == GT_PAD_CONSTANT;
    for (int i = 0; i < 2 * p->rank; i++)
        gti_layer_append(text, size, "%s%d", i ? ", " : constant ? "padding=(" : "(", p->o.pad[i]);
    gti_layer_append(text, size, ")");
    if (constant) gti_layer_append_real(text, size, "value", p->o.value);
}

#define PAD_TYPE(name_)                                                                            \
    {                                                                                              \
        .name = name_, .size = sizeof(pad), .keeps_nothing = true, .forward = forward_pad,         \
        .describe = describe_pad                                                                   \
    }
static const gt_module_type pad_types[2][4] = {
    {PAD_TYPE("ConstantPad1d"), PAD_TYPE("ReflectionPad1d"), PAD_TYPE("ReplicationPad1d"),
     PAD_TYPE("CircularPad1d")},
    {PAD_TYPE("ConstantPad2d"), PAD_TYPE("ReflectionPad2d"), PAD_TYPE("ReplicationPad2d"),
     PAD_TYPE("CircularPad2d")},
};

static gt_module *make_pad(gt_ctx *gt, int rank, const gt_nn_pad_opts *o)
{
    const bool known = (unsigned)o->mode <= GT_PAD_CIRCULAR;
    gt_module *m = gt_module_new(gt, &pad_types[rank - 1][known ? o->mode : GT_PAD_CONSTANT]);
    if (!m) return NULL;
    pad *p = (pad *)m;
    p->o = *o;
    p->o.value = gt_option(o->value, 0);
    for (int i = 0; i < 4; i++) p->o.pad[i] = (int)gt_option_int(o->pad[i], 0);
    p->rank = rank;
    if (!known) gt_module_fail(m, GT_ERR_ARGUMENT, "%d is no padding mode", (int)o->mode);
    else if (rank == 1 && (p->o.pad[2] || p->o.pad[3]))
        gt_module_fail(m, GT_ERR_ARGUMENT, "pad has numbers for rows, sequences have none");
    else return m;
    return NULL;
}

gt_module *gt_nn_pad1d_(gt_ctx *gt, gt_nn_pad_opts opts)
{
    return make_pad(gt, 1, &opts);
}

gt_module *gt_nn_pad2d_(gt_ctx *gt, gt_nn_pad_opts opts)
{
    return make_pad(gt, 2, &opts);
}

/* --- PixelShuffle, PixelUnshuffle --- */

typedef struct {
    gt_module base;
    int64_t factor;
} shuffle;

static gt_tensor *forward_shuffle(gt_module *m, gt_tensor *x)
{
    return gt_pixel_shuffle(x, ((shuffle *)m)->factor);
}

static gt_tensor *forward_unshuffle(gt_module *m, gt_tensor *x)
{
    return gt_pixel_unshuffle(x, ((shuffle *)m)->factor);
}

static void describe_shuffle(const gt_module *m, char *text, size_t size)
{
    const bool up = m->type->forward == forward_shuffle;
    gti_layer_append(text, size, "%s_factor=%lld", up ? "upscale" : "downscale",
                     (long long)((const shuffle *)m)->factor);
}

static gt_module *make_shuffle(gt_ctx *gt, const gt_module_type *type, int64_t factor)
{
    gt_module *m = gt_module_new(gt, type);
    if (!m || !gti_layer_check_positive(m, "factor", factor)) return NULL;
    ((shuffle *)m)->factor = factor;
    return m;
}

gt_module *gt_nn_pixel_shuffle(gt_ctx *gt, int64_t factor)
{
    static const gt_module_type type = {.name = "PixelShuffle",
                                        .size = sizeof(shuffle),
                                        .keeps_nothing = true,
                                        .forward = forward_shuffle,
                                        .describe = describe_shuffle};
    return make_shuffle(gt, &type, factor);
}

gt_module *gt_nn_pixel_unshuffle(gt_ctx *gt, int64_t factor)
{
    static const gt_module_type type = {.name = "PixelUnshuffle",
                                        .size = sizeof(shuffle),
                                        .keeps_nothing = true,
                                        .forward = forward_unshuffle,
                                        .describe = describe_shuffle};
    return make_shuffle(gt, &type, factor);
}

/* --- Unfold, Fold --- */

typedef struct {
    gt_module base;
    int size[2]; /* Fold: of the result */
    int kernel[2], stride[2], padding[2], dilation[2];
} folding;

#define PAIR(pair)                                                                                 \
    {                                                                                              \
        (pair)[0], (pair)[1]                                                                       \
    }

/* Complete options. */
static gt_fold_opts options(const folding *f)
{
    return (gt_fold_opts){.kernel = PAIR(f->kernel),
                          .stride = PAIR(f->stride),
                          .padding = {GT_EXACTLY(f->padding[0]), GT_EXACTLY(f->padding[1])},
                          .dilation = PAIR(f->dilation)};
}

static gt_tensor *forward_unfold(gt_module *m, gt_tensor *x)
{
    return gt_unfold_(x, options((folding *)m));
}

static gt_tensor *forward_fold(gt_module *m, gt_tensor *x)
{
    const folding *f = (folding *)m;
    return gt_fold_(x, f->size[0], f->size[1], options(f));
}

static void describe_folding(const gt_module *m, char *text, size_t size)
{
    const folding *f = (const folding *)m;
    if (f->size[0]) gti_layer_append_size(text, size, "output_size", f->size);
    gti_layer_append_size(text, size, "kernel_size", f->kernel);
    gti_layer_append_size(text, size, "dilation", f->dilation);
    gti_layer_append_size(text, size, "padding", f->padding);
    gti_layer_append_size(text, size, "stride", f->stride);
}

static gt_module *make_folding(gt_ctx *gt, const gt_module_type *type, int h, int w,
                               const gt_fold_opts *o)
{
    gt_module *m = gt_module_new(gt, type);
    if (!m) return NULL;
    folding *f = (folding *)m;
    for (int i = 0; i < 2; i++) {
        f->size[i] = i ? w : h;
        f->kernel[i] = o->kernel[i], f->stride[i] = o->stride[i];
        f->padding[i] = o->padding[i], f->dilation[i] = o->dilation[i];
    }
    return gti_layer_complete_pair(m, "kernel", f->kernel, 0) &&
                   gti_layer_complete_pair(m, "stride", f->stride, 1) &&
                   gti_layer_complete_pair(m, "dilation", f->dilation, 1) &&
                   gti_layer_complete_padding(
                       m, "padding", f->padding,
                       gti_layer_is_directed(f->kernel, f->stride, f->dilation))
               ? m
               : NULL;
}

gt_module *gt_nn_unfold_(gt_ctx *gt, gt_fold_opts opts)
{
    static const gt_module_type type = {.name = "Unfold",
                                        .size = sizeof(folding),
                                        .keeps_nothing = true,
                                        .forward = forward_unfold,
                                        .describe = describe_folding};
    return make_folding(gt, &type, 0, 0, &opts);
}

gt_module *gt_nn_fold_(gt_ctx *gt, int h, int w, gt_fold_opts opts)
{
    static const gt_module_type type = {.name = "Fold",
                                        .size = sizeof(folding),
                                        .keeps_nothing = true,
                                        .forward = forward_fold,
                                        .describe = describe_folding};
    gt_module *m = make_folding(gt, &type, h, w, &opts);
    return m && gti_layer_check_positive(m, "height", h) && gti_layer_check_positive(m, "width", w)
               ? m
               : NULL;
}

/* --- Permute --- */

typedef struct {
    gt_module base;
    int n, order[GT_MAX_DIMS];
} permutation;

static gt_tensor *forward_permute(gt_module *m, gt_tensor *x)
{
    const permutation *p = (permutation *)m;
    return gt_permute_(x, p->n, p->order);
}

static void describe_permute(const gt_module *m, char *text, size_t size)
{
    const permutation *p = (const permutation *)m;
    for (int i = 0; i < p->n; i++)
        gti_layer_append(text, size, "%s%d", i ? ", " : "dims=(", p->order[i]);
    gti_layer_append(text, size, ")");
}

gt_module *gt_nn_permute_(gt_ctx *gt, int n, const int *order)
{
    static const gt_module_type type = {.name = "Permute",
                                        .size = sizeof(permutation),
                                        .keeps_nothing = true,
                                        .forward = forward_permute,
                                        .describe = describe_permute};
    gt_module *m = gt_module_new(gt, &type);
    if (!m) return NULL;
    permutation *p = (permutation *)m;
    if (n < 1 || n > GT_MAX_DIMS || !order) {
        gt_module_fail(m, GT_ERR_ARGUMENT, "an order of %d dimensions; there are 1 to %d", n,
                       GT_MAX_DIMS);
        return NULL;
    }
    p->n = n;
    for (int i = 0; i < n; i++) p->order[i] = order[i];
    return m;
}
