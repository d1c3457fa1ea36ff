#include "conv.h"

static bool check_dims(const gt_node *n, int rank, const gt_shape *x, const gt_shape *weight)
{
    if (x->ndim == rank + 2 && weight->ndim == rank + 2) return true;
    if (!gti_conv_check_weight(n, rank, weight,
                               rank == 1 ? "[k,c/groups,kl]" : "[k,c/groups,kh,kw]"))
        return false;
    gti_window_check_images(n, rank, "x", x);
    if (rank == 2 && x->ndim == 2)
        gt_op_hint(n, "gt_corr2d takes planes; or gt_reshape(x, GT_SHAPE(1, 1, %lld, %lld))",
                   (long long)x->dim[0], (long long)x->dim[1]);
    return false;
}

bool gti_conv_check_weight(const gt_node *n, int rank, const gt_shape *weight, const char *needs)
{
    return weight->ndim == rank + 2 ||
           gt_op_fail(n, GT_ERR_SHAPE, "weight %s has %d dimensions, needs %d: %s",
                      GTI_SHAPE_TEXT(*weight), weight->ndim, rank + 2, needs);
}

static bool check_same(const gt_node *n, int rank, const gti_conv2d *s)
{
    const gti_conv_opts *o = n->opts;
    if (!o->same_padding) return true;
    if (s->sh != 1 || s->sw != 1)
        return gt_op_fail(n, GT_ERR_ARGUMENT, "same_padding is made for stride 1, not %s",
                          GTI_PAIR_TEXT(rank, s->sh, s->sw));
    return (o->padding[0] == 0 && o->padding[1] == 0) ||
           gt_op_fail(n, GT_ERR_ARGUMENT, "both padding %s and same_padding are given",
                      GTI_PAIR_TEXT(rank, o->padding[0], o->padding[1]));
}

/* group_channels: the weight's second dimension, which has to be c / groups. */
static bool conv_check_channels(const gt_node *n, int rank, const gti_conv2d *s,
                                int64_t group_channels)
{
    int64_t needed;
    if (s->groups == 1 && s->c == group_channels) return true;
    if (s->k % s->groups != 0)
        return gt_op_fail(n, GT_ERR_SHAPE,
                          "weight's %lld output channels do not divide into %lld groups",
                          (long long)s->k, (long long)s->groups);
    if (!gti_size_mul(group_channels, s->groups, &needed)) needed = INT64_MAX;
    if (s->c == needed) return true;
    if (s->c % s->groups != 0)
        gt_op_fail(n, GT_ERR_SHAPE, "x's %lld channels do not divide into %lld groups",
                   (long long)s->c, (long long)s->groups);
    else
        gt_op_fail(n, GT_ERR_SHAPE, "x has %lld channels, weight needs %lld (groups = %lld)",
                   (long long)s->c, (long long)needed, (long long)s->groups);
    if (s->w == needed)
        gt_op_hint(n, "the last dimension is %lld; this looks like %s", (long long)s->w,
                   rank == 1 ? "[n,l,c]: gt_permute(x, 0, 2, 1)"
                             : "NHWC: gt_permute(x, 0, 3, 1, 2)");
    return false;
}

static int64_t padding_of(bool same, int64_t start, int64_t kernel, int64_t dilation)
{
    return same ? gti_same_total(kernel, dilation) : 2 * start;
}

/* Sets oh and ow. */
static bool check_window(const gt_node *n, int rank, gti_conv2d *s)
{
    const gti_conv_opts *o = n->opts;
    const bool same = o->same_padding;
    gti_side h, w;
    if (s->kh == 0 || s->kw == 0)
        return gt_op_fail(n, GT_ERR_SHAPE, "kernel %s has no elements",
                          GTI_SIZE_TEXT(rank, s->kh, s->kw));
    if (!gti_side_of(s->h, padding_of(same, s->ph, s->kh, s->dh), s->kh, s->dh, &h) ||
        !gti_side_of(s->w, padding_of(same, s->pw, s->kw, s->dw), s->kw, s->dw, &w))
        return gti_window_fail_side(n);
    if (!gti_window_check_fits(n, rank, h, w, s->dh > 1 || s->dw > 1)) return false;
    s->oh = gti_windows_in(h, s->sh) - o->trim[0];
    s->ow = gti_windows_in(w, s->sw) - o->trim[1];
    return true;
}

bool gti_conv_check_large(const gt_node *n, const gti_conv2d *s, const gt_shape *y)
{
    const int64_t windows[] = {s->c, s->kh, s->kw, s->oh, s->ow};
    int64_t elements, bytes;
    return gti_size_of_shape(5, windows, sizeof(double), &elements, &bytes) ||
           gt_op_fail(n, GT_ERR_MEMORY, "the size of the output %s overflows", GTI_SHAPE_TEXT(*y));
}

bool gti_conv_infer(gt_node *n, int rank, const gt_shape *x, const gt_shape *weight, gt_shape *y)
{
    if (!check_dims(n, rank, x, weight)) return false;
    gti_conv2d *s = gti_conv_shape(n);
    gti_conv_describe(s, n->opts, x, weight, NULL);
    if (!check_same(n, rank, s) || !conv_check_channels(n, rank, s, weight->dim[1]) ||
        !check_window(n, rank, s))
        return false;
    gti_set_image_shape(y, rank, s->n, s->k, s->oh, s->ow);
    return gti_conv_check_size(n, s, y);
}

bool gti_conv_check_bias(const gt_node *n, int64_t k)
{
    if (n->n_in < 3) return true;
    const gt_shape *bias = &n->in[2]->shape;
    return (bias->ndim == 1 && bias->dim[0] == k) ||
           gt_op_fail(n, GT_ERR_SHAPE, "bias is %s, must be [%lld]", GTI_SHAPE_TEXT(*bias),
                      (long long)k);
}

gt_tensor *gti_conv_bias_gradient(gt_tensor *dy)
{
    unsigned axes = GT_MUTANT(conv_bias_batch, GT_AXIS(0), GT_AXIS(1));
    for (int i = 2; i < dy->shape.ndim; i++) axes |= GT_AXIS(i);
    return gt_sum(dy, .axes = axes);
}

double gti_conv_flops(const gt_node *n)
{
    const gti_conv2d *s = gti_conv_shape(n);
    return 2 * (double)s->n * gti_conv2d_work(s);
}

/* Multiplications as fast as one addition of two arrays. */
enum { PER_ADDITION = GTI_FLOPS_PER_ADDITION / 2 };

void gti_conv_divide(gt_node *n, gti_conv2d_pass pass)
{
    gti_conv2d_plan *p = gti_conv_plan(n);
    if (!gt_is_floating(n->dtype)) return;
    p->pass = pass;
    p->chunks = 1;
    if (pass == GTI_CONV2D_DW && p->s.n > 1)
        p->chunks = gt_parts(n, p->s.n, gti_conv2d_work(&p->s) / PER_ADDITION);
    p->shared = p->scratch = p->derived = 0;
    for (int s = 0; s < GTI_CONV2D_STAGES; s++) p->stage[s].items = 0;
    gti_kernels_for(n)->conv2d(p);
    n->scratch_size = p->shared;
    n->worker_scratch = p->scratch;
    for (int s = 0; s < GTI_CONV2D_STAGES; s++)
        if (p->stage[s].items > 0)
            n->parts[s] = p->stage[s].items == 1
                              ? 1
                              : gt_parts(n, p->stage[s].items, p->stage[s].cost / PER_ADDITION);
}

/* Where weights are large and meet pixels enough, packing them takes little beside multiplying:
 * they are packed anew each time, rather than held twice or three times. */
enum { SMALL_WEIGHTS = 1 << 19, MANY_PIXELS = 512 };

gt_derived gti_conv_derived(const gt_node *n)
{
    const gti_conv2d_plan *p = gti_conv_plan(n);
    return (gt_derived){
        .bytes = p->derived,
        .input = 1,
        .key = &p->key,
        .key_size = sizeof p->key,
        .passing = p->derived > SMALL_WEIGHTS && p->s.n * p->s.oh * p->s.ow >= MANY_PIXELS,
    };
}

void gti_conv_parts(gt_node *n, const gt_range *r)
{
    const gti_conv2d_plan *p = gti_conv_plan(n);
    const gti_items items = gti_items_of(n, r, p->stage[r->stage].items);
    const gti_conv2d_io io = {.a = n->in[0]->data,
                              .b = n->in[1]->data,
                              .bias = n->n_in > 2 ? n->in[2]->data : NULL,
                              .out = n->out[0]->data,
                              .shared = n->scratch,
                              .scratch = r->scratch,
                              .derived = r->derived};
    p->stage[r->stage].run(p, &io, items.first, items.first + items.count);
}

gt_window gti_conv_window(const gt_node *n)
{
    const gti_conv2d *s = gti_conv_shape(n);
    return (gt_window){.kernel = {(s->kh - 1) * s->dh + 1, (s->kw - 1) * s->dw + 1},
                       .stride = {s->sh, s->sw}};
}

gt_tensor *gti_conv_image(gt_tensor *x)
{
    return x ? gt_reshape(x, gti_conv_image_shape(x->shape)) : NULL;
}

gt_tensor *gti_conv_call(const gt_op *op, int rank, const void *opts, gt_tensor *x,
                         gt_tensor *weight, gt_tensor *bias)
{
    if (!gti_window_is_single(x, rank)) return gti_conv_apply(op, opts, x, weight, bias);
    gt_tensor *batch = gti_window_add_batch(x);
    return batch ? gti_window_drop_batch(gti_conv_apply(op, opts, batch, weight, bias)) : NULL;
}
