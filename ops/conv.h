/* What the convolutions share: options, shapes, checks. */
#ifndef GTI_OPS_CONV_H
#define GTI_OPS_CONV_H

#include "window.h"

/* Options of the nodes, as written by the user but for the bias. Of one-dimensional ones the second
 * numbers count. */
typedef struct {
    gt_keywords gt_;
    int stride[2], padding[2], dilation[2];
    int groups;
    int trim[2];       /* windows left out at the end of each dimension */
    bool same_padding; /* as much padding as makes y as large as x, an odd rest at the end */
} gti_conv_opts;

/* Options of the gradients conv2d_dx and conv2d_dw. */
typedef struct {
    gti_conv_opts conv;
    gt_shape target; /* the shape of what they are the gradient of */
} gti_conv_grad_opts;

/* Rows for a gti_conv_opts that is, or begins, a struct: path is empty, or "conv.". */
#define GTI_CONV_ATTRS(type, path)                                                                 \
    {GT_OPTION("stride", type, path stride), .otherwise = 1, .bounds = GT_POSITIVE,                \
     .meaning = "steps between windows"},                                                          \
        {GT_OPTION("dilation", type, path dilation), .otherwise = 1, .bounds = GT_POSITIVE,        \
         .meaning = "steps between the elements of a window"},                                     \
        {GT_PADDING("padding", type, path padding), .bounds = GT_NOT_NEGATIVE,                     \
         .meaning = "zeros around x"},                                                             \
        GTI_CONV_GROUPS(type, path)
#define GTI_CONV1D_ATTRS(type, path)                                                               \
    {GT_OPTION("stride", type, path stride[1]), .otherwise = 1, .bounds = GT_POSITIVE,             \
     .meaning = "steps between windows"},                                                          \
        {GT_OPTION("dilation", type, path dilation[1]), .otherwise = 1, .bounds = GT_POSITIVE,     \
         .meaning = "steps between the elements of a window"},                                     \
        {GT_OPTION("padding", type, path padding[1]), .bounds = GT_NOT_NEGATIVE,                   \
         .meaning = "zeros around x"},                                                             \
        {GT_OPTION("", type, path stride[0])}, {GT_OPTION("", type, path dilation[0])},            \
        {GT_OPTION("", type, path padding[0])}, GTI_CONV_GROUPS(type, path)
#define GTI_CONV_GROUPS(type, path)                                                                \
    {GT_OPTION("groups", type, path groups), .otherwise = 1, .bounds = GT_POSITIVE,                \
     .meaning = "that channels are divided into"},                                                 \
    {                                                                                              \
        GT_OPTION("", type, path trim)                                                             \
    }
#define GTI_CONV_SAME(type, path)                                                                  \
    {                                                                                              \
        GT_OPTION("same_padding", type, path same_padding),                                        \
            .meaning = "as much padding as makes y as large as x, at stride 1"                     \
    }
#define GTI_CONV_BIAS                                                                              \
    {                                                                                              \
        GT_BESIDE("bias"), .usual = "none", .meaning = "[k], added along dimension 1"              \
    }

/* The padding on both sides under same_padding; 0 where that is beyond all sizes. */
static inline int64_t gti_same_total(int64_t kernel, int64_t dilation)
{
    int64_t total;
    return kernel > 0 && gti_size_mul(kernel - 1, dilation, &total) ? total : 0;
}

/* Describes the convolution of shapes x and weight into y, which may be NULL while it is not known.
 * Three dimensions are images of height 1. */
static inline void gti_conv_describe(gti_conv2d *s, const gti_conv_opts *o, const gt_shape *x,
                                     const gt_shape *weight, const gt_shape *y)
{
    const bool flat = weight->ndim == 3;
    s->n = x->dim[0], s->c = x->dim[1], s->h = gti_height(x), s->w = gti_width(x);
    s->k = weight->dim[0], s->kh = gti_height(weight), s->kw = gti_width(weight);
    s->sh = flat ? 1 : o->stride[0], s->sw = o->stride[1];
    s->dh = flat ? 1 : o->dilation[0], s->dw = o->dilation[1];
    s->ph = flat ? 0 : o->padding[0], s->pw = o->padding[1];
    if (o->same_padding) {
        s->ph += gti_same_total(s->kh, s->dh) / 2;
        s->pw += gti_same_total(s->kw, s->dw) / 2;
    }
    s->groups = o->groups;
    s->oh = y ? gti_height(y) : 0;
    s->ow = y ? gti_width(y) : 0;
}

/* What infer works out for the rest, and the convolution in it. */
static inline gti_conv2d_plan *gti_conv_plan(const gt_node *n)
{
    return n->plan;
}

static inline gti_conv2d *gti_conv_shape(const gt_node *n)
{
    return &gti_conv_plan(n)->s;
}

/* Checks x and weight of a convolution of rank 1 or 2 whose options are n's (gti_conv_opts), and
 * sets y and the plan. */
bool gti_conv_infer(gt_node *n, int rank, const gt_shape *x, const gt_shape *weight, gt_shape *y);

/* Parts of it. weight has as many dimensions as `needs` names, "[k,c/groups,kh,kw]". */
bool gti_conv_check_weight(const gt_node *n, int rank, const gt_shape *weight, const char *needs);
/* The kernels may count in windows, of which each pixel of y has one. (The engine checks y.) */
bool gti_conv_check_large(const gt_node *n, const gti_conv2d *s, const gt_shape *y);
static inline bool gti_conv_check_size(const gt_node *n, const gti_conv2d *s, const gt_shape *y)
{
    return (s->c | s->kh | s->kw | s->oh | s->ow) < 1 << 10 || gti_conv_check_large(n, s, y);
}

/* The bias, if there is one: a number for each of y's k channels. */
bool gti_conv_check_bias(const gt_node *n, int64_t k);
/* Its gradient: dy added up over all but the channels. */
gt_tensor *gti_conv_bias_gradient(gt_tensor *dy);

/* Multiplications and additions of the convolution. */
double gti_conv_flops(const gt_node *n);

/* Plans a pass of the convolution that is described, and divides it. */
void gti_conv_divide(gt_node *n, gti_conv2d_pass pass);
/* For gt_op.parts and gt_op.derived. */
void gti_conv_parts(gt_node *n, const gt_range *r);
gt_derived gti_conv_derived(const gt_node *n);

/* The shape of a weight that may be NULL, of which the engine tells. */
static inline const gt_shape *gti_conv_shape_of(const gt_tensor *weight)
{
    static const gt_shape none = {0};
    return weight ? &weight->shape : &none;
}

/* The second number of a padding. {1} is {1, 1} unless height and width are told apart: the engine
 * sees strides and dilations, and this the weight. */
static inline int gti_conv_padding(gt_keywords gt, const int padding[2], const gt_shape *weight)
{
    const bool told = weight->ndim == 4 && weight->dim[2] != weight->dim[3];
    return told && padding[1] == 0 && gt != GT_COMPLETE ? GT_ZERO : padding[1];
}

/* For gt_op.window; n's options begin with gti_conv_opts. */
gt_window gti_conv_window(const gt_node *n);

/* [n,c,l] as the image [n,c,1,l]; also for weights. */
gt_tensor *gti_conv_image(gt_tensor *x);
static inline gt_shape gti_conv_image_shape(gt_shape s)
{
    return (gt_shape){4, {s.dim[0], s.dim[1], 1, s.dim[2]}};
}

/* Options of n, of rank 1 or 2, for images. */
static inline gti_conv_opts gti_conv_image_opts(const gt_node *n, const gti_conv_opts *opts)
{
    gti_conv_opts o = *opts;
    if (n->in[1]->shape.ndim == 3) o.stride[0] = o.dilation[0] = 1, o.padding[0] = 0;
    return o;
}

/* A convolution of x, weight and, unless it is NULL, bias. */
static inline gt_tensor *gti_conv_apply(const gt_op *op, const void *opts, gt_tensor *x,
                                        gt_tensor *weight, gt_tensor *bias)
{
    return gt_apply(op, opts, bias ? 3 : 2, (gt_tensor *[]){x, weight, bias});
}

/* The same of an x that may have no batch. */
gt_tensor *gti_conv_call(const gt_op *op, int rank, const void *opts, gt_tensor *x,
                         gt_tensor *weight, gt_tensor *bias);

/* op, conv2d_dx or conv2d_dw, with the shape of its result. */
static inline gt_tensor *gti_conv_gradient(const gt_op *op, const gti_conv_opts *opts,
                                           gt_shape target, gt_tensor *a, gt_tensor *b)
{
    const gti_conv_grad_opts o = {.conv = *opts, .target = target};
    return gt_apply(op, &o, 2, (gt_tensor *[]){a, b});
}

#endif
