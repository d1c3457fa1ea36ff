/* The gradient of a normalisation y = h weight + bias, h = (x - mean) rstd, with mean and rstd
 * made of x, in one operation. With g = dy weight and M the mean over a set of statistics:
 *
 *   dx = rstd (g - M(g) - h M(g h))    dweight = sum of dy h    dbias = sum of dy
 *
 * or dx = rstd g, where mean and rstd are given, not made of x.
 * rms_norm_grad is the same without a mean: M(g) is left out, and dbias. Where an activation of y
 * follows, the activation's result is the last input, and dy counts where that has a slope.
 *
 * As an operation it is a function of dy, x, weight, mean and rstd, each by itself; that the last
 * two depend on x is known to the rule of the normalisation, whose outputs they are. */
#include "engine/release.h"

#include "normalize_grad_samples.h"

/* --- shape rule and forward --- */

static const gt_normalize_layout *normalize_grad_layout_of(const gt_node *n)
{
    return n->opts;
}

static bool is_centred(const gt_node *n)
{
    return n->n_in >= 5;
}

/* The result of the activation that follows, or NULL. */
static gt_tensor *result_of(const gt_node *n)
{
    return n->n_in == 6 ? n->in[5] : NULL;
}

static bool check_activation(const gt_node *n, const gt_normalize_layout *s)
{
    const gt_tensor *y = result_of(n);
    const bool follows = s->activation != GT_NO_ACTIVATION;
    if (follows && ((unsigned)s->activation > GT_THEN_RELU6 || !s->pooled))
        return gt_op_fail(n, GT_ERR_ARGUMENT, "no activation %d follows%s", (int)s->activation,
                          s->pooled ? "" : " what is not pooled");
    if (follows != (y != NULL))
        return gt_op_fail(n, GT_ERR_ARGUMENT, "y is %s", y ? "of no activation" : "missing");
    return !y || gt_same_shape(y, n->in[1]) ||
           gt_op_fail(n, GT_ERR_SHAPE, "y is %s, but x is %s", GTI_SHAPE_TEXT(y->shape),
                      GTI_SHAPE_TEXT(n->in[1]->shape));
}

static bool check_layout(const gt_node *n, const gt_normalize_layout *s, int64_t *sets)
{
    const int64_t dims[] = {s->n, s->groups, s->channels, s->inner};
    int64_t elements, bytes;
    bool good = s->pooled ? s->channels == 1 && is_centred(n) : !s->given;
    for (int i = 0; i < 4; i++) good = good && dims[i] >= 0;
    if (!good || !gti_size_of_shape(4, dims, 1, &elements, &bytes) || elements != n->in[0]->size)
        return gt_op_fail(n, GT_ERR_SHAPE,
                          "the layout n %lld, groups %lld, channels %lld, "
                          "inner %lld%s%s does not fit dy %s",
                          (long long)s->n, (long long)s->groups, (long long)s->channels,
                          (long long)s->inner, s->pooled ? ", pooled" : "",
                          s->given ? ", given" : "", GTI_SHAPE_TEXT(n->in[0]->shape));
    *sets = s->groups;
    return s->pooled || gti_size_mul(s->n, s->groups, sets) ||
           gt_op_fail(n, GT_ERR_MEMORY, "the number of groups overflows");
}

static bool check_size(const gt_node *n, int i, int64_t size)
{
    char name[64];
    return n->in[i]->size == size || gt_op_fail(n, GT_ERR_SHAPE, "%s is %s, needs %lld elements",
                                                gt_op_input_name(n->op, i, name, sizeof name),
                                                GTI_SHAPE_TEXT(n->in[i]->shape), (long long)size);
}

static bool normalize_grad_infer(gt_node *n)
{
    const gt_normalize_layout *s = normalize_grad_layout_of(n);
    int64_t sets = 0, channels = 0;
    if (!check_layout(n, s, &sets)) return false;
    if (!gti_size_mul(s->groups, s->channels, &channels))
        return gt_op_fail(n, GT_ERR_MEMORY, "the number of channels overflows");
    if (!gt_same_shape(n->in[0], n->in[1]))
        return gt_op_fail(n, GT_ERR_SHAPE, "dy is %s, but x is %s", GTI_SHAPE_TEXT(n->in[0]->shape),
                          GTI_SHAPE_TEXT(n->in[1]->shape));
    if (!check_size(n, 2, channels)) return false;
    for (int i = 3; i < n->n_in && i < 5; i++)
        if (!check_size(n, i, sets)) return false;
    if (!check_activation(n, s)) return false;
    if (!gti_normalize_set_outputs(n, s, n->in[2]->shape)) return false;
    /* A channel's sums are one part's when pooled; otherwise each part's are added up after. */
    n->scratch_size = 2 * (size_t)channels * sizeof(double) * (size_t)(s->pooled ? 1 : n->parts[0]);
    if (!s->pooled && n->parts[0] > 1) n->parts[1] = 1;
    return true;
}

/* dx of parts begin to end; their sums of dweight and dbias. */
static void make_dx(gt_node *n, const gti_normalize_range *at, double *sums, void *scratch)
{
    const bool centred = is_centred(n);
    const gt_tensor *y = result_of(n);
    gti_kernels_for(n)->normalize.grad(
        &at->s, gti_from(n->in[0], at->x), y ? gti_from(y, at->x) : NULL, gti_from(n->in[1], at->x),
        gti_from(n->in[2], at->channel), centred ? gti_from(n->in[3], at->set) : NULL,
        gti_from(n->in[centred ? 4 : 3], at->set), gti_to(n->out[0], at->x), sums, scratch);
}

static void add_sums(gt_node *n, int64_t count, const double *sums, int64_t channel,
                     int64_t channels)
{
    gti_kernels_for(n)->normalize.add(count, channels, sums, gti_to(n->out[1], channel),
                                      is_centred(n) ? gti_to(n->out[2], channel) : NULL);
}

static void normalize_grad_run_parts(gt_node *n, const gt_range *r)
{
    const gt_normalize_layout *s = normalize_grad_layout_of(n);
    const int64_t channels = s->groups * s->channels;
    double *sums = n->scratch;
    if (r->stage == 1) {
        add_sums(n, n->parts[0], sums, 0, channels);
        return;
    }
    for (int64_t p = r->begin, end; p < r->end; p = end) {
        end = s->pooled ? r->end : p + 1;
        const gti_normalize_range at = gti_normalize_range_of(n, s, p, end);
        double *own = sums + 2 * (s->pooled ? at.channel : p * channels);
        make_dx(n, &at, own, r->scratch);
        if (s->pooled || n->parts[0] == 1)
            add_sums(n, 1, own, at.channel, s->pooled ? at.s.groups : channels);
    }
}

/* --- rule --- */

/* Everything under the layout's four dimensions, [n,groups,channels,inner] or less. */
typedef struct {
    gt_tensor *dy, *d, *w, *r; /* d = x - mean */
    gt_tensor *h, *g;
    unsigned set; /* axes */
    bool centred, given;
} views;

static views views_of(const gt_node *n)
{
    const gt_normalize_layout *s = normalize_grad_layout_of(n);
    views v = {.centred = is_centred(n), .given = s->given, .set = gti_normalize_set_axes(s)};
    v.dy = gti_normalize_view(gti_normalize_before(s->activation, n->in[0], result_of(n)), s);
    v.d = gti_normalize_view(n->in[1], s);
    v.w = gti_normalize_view_parameter(n->in[2], s);
    if (v.centred) v.d = gt_sub(v.d, gti_normalize_view_statistic(n->in[3], s));
    v.r = gti_normalize_view_statistic(n->in[v.centred ? 4 : 3], s);
    v.h = gt_mul(v.d, v.r);
    v.g = gt_mul(v.dy, v.w);
    return v;
}

static gt_tensor *set_mean(const views *v, gt_tensor *t)
{
    return gt_mean(t, .axes = v->set, .keepdim = true);
}

/* t - M(t) - h m, without the second term where nothing is centred */
static gt_tensor *project(const views *v, gt_tensor *t, gt_tensor *m)
{
    gt_tensor *rest = v->centred ? gt_sub(t, set_mean(v, t)) : t;
    return gt_sub(rest, gt_mul(v->h, m));
}

/* Gradients of <u, dx> + <uw, dweight> + <ub, dbias>. */
typedef struct {
    gt_tensor *g;     /* in g, with mean, rstd and h held */
    gt_tensor *dy;    /* in dy, beside what comes through g */
    gt_tensor *h;     /* in h */
    gt_tensor *scale; /* in rstd, element by element, with h held */
} parts;

/* Of <u, dx> = sum of rstd u (g - M(g) - h M(g h)), which is symmetric in u and g; or rstd u g. */
static parts parts_of_dx(const views *v, gt_tensor *u)
{
    if (v->given) return (parts){.g = gt_mul(v->r, u), .scale = gt_mul(u, v->g)};
    gt_tensor *mu = set_mean(v, gt_mul(u, v->h)), *mg = set_mean(v, gt_mul(v->g, v->h));
    gt_tensor *both = gt_add(gt_mul(u, mg), gt_mul(v->g, mu));
    return (parts){
        .g = gt_mul(v->r, project(v, u, mu)),
        .h = gt_mul(gt_neg(v->r), GT_MUTANT(normalize_grad_half, both, gt_mul(u, mg))),
        .scale = gt_mul(u, project(v, v->g, GT_MUTANT(rms_norm_grad_operands, mg, mu))),
    };
}

static void add_parts_of_dweight(parts *p, const views *v, gt_tensor *u)
{
    p->dy = gt_mul(u, v->h);
    p->h = gti_normalize_plus(p->h, gt_mul(u, v->dy));
}

static gt_tensor *shaped(gt_tensor *t, gt_tensor *like)
{
    return t ? gt_reshape(t, like->shape) : gt_zeros_like(like);
}

/* From h and rstd to x, mean and rstd: h = (x - mean) rstd. */
static void through_h(const gt_node *n, const views *v, const parts *p, gt_tensor *gin[])
{
    const int mean = v->centred ? 3 : 0, rstd = v->centred ? 4 : 3;
    gt_tensor *dx = p->h ? gt_mul(p->h, v->r) : NULL, *dr = p->h ? gt_mul(p->h, v->d) : NULL;
    if (p->scale) dr = gti_normalize_plus(dr, GT_MUTANT(normalize_grad_rstd, p->scale, NULL));
    if (gt_needs_grad(n, 1)) gin[1] = shaped(dx, n->in[1]);
    if (mean && gt_needs_grad(n, mean))
        gin[mean] = shaped(dx ? gt_neg(gt_sum(dx, .axes = v->set)) : NULL, n->in[mean]);
    if (gt_needs_grad(n, rstd))
        gin[rstd] = shaped(dr ? gt_sum(dr, .axes = v->set) : NULL, n->in[rstd]);
}

static bool normalize_grad_backward(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    /* g = dy weight: d dy = weight dg + its own part, dweight = sum of dy dg */
    const gt_normalize_layout *s = normalize_grad_layout_of(n);
    const views v = views_of(n);
    if (!v.h || !v.g) return false;
    parts p = {0};
    if (gout[0]) p = parts_of_dx(&v, gti_normalize_view(gout[0], s));
    if (gout[1]) add_parts_of_dweight(&p, &v, gti_normalize_view_parameter(gout[1], s));
    if (gt_needs_grad(n, 0)) {
        gt_tensor *ddy = gti_normalize_plus(p.g ? gt_mul(v.w, p.g) : NULL,
                                            GT_MUTANT(rms_norm_grad_dweight, p.dy, NULL));
        if (v.centred && gout[2]) {
            gt_tensor *ub = gti_normalize_view_parameter(gout[2], s);
            ddy = ddy ? gt_add(ddy, ub) : gt_broadcast_to(ub, v.dy->shape);
        }
        gin[0] = gti_normalize_before(s->activation, shaped(ddy, n->in[0]), result_of(n));
    }
    if (gt_needs_grad(n, 2))
        gin[2] = shaped(p.g ? gt_sum(gt_mul(v.dy, p.g), .axes = GTI_NORMALIZE_CHANNEL_AXES) : NULL,
                        n->in[2]);
    through_h(n, &v, &p, gin);
    return true;
}

static double normalize_grad_flops(const gt_node *n)
{
    return 12 * (double)n->in[0]->size;
}

static const char normalize_grad_gradient[] = "of all outputs, in all five inputs: see its rule";
static const char rms_norm_grad_gradient[] = "of all outputs, in all four inputs: see its rule";
static const gt_attr layout_attrs[] = {
    {GT_ARGUMENT("n", gt_normalize_layout, n), .meaning = "x is [n,groups,channels,inner]"},
    {GT_ARGUMENT("groups", gt_normalize_layout, groups), .meaning = "of channels"},
    {GT_ARGUMENT("channels", gt_normalize_layout, channels), .meaning = "of a group"},
    {GT_ARGUMENT("inner", gt_normalize_layout, inner), .meaning = "elements of a channel"},
    {GT_ARGUMENT("pooled", gt_normalize_layout, pooled),
     .meaning = "statistics of each [n,inner], else [channels,inner]"},
    {GTI_ACTIVATION_ATTR(gt_normalize_layout), .argument = true},
    {GT_ARGUMENT("given", gt_normalize_layout, given),
     .meaning = "mean and rstd are no results of x"},
};

#define NORMALIZE_GRAD(id, input_names, inputs_n, least_n, outputs_n)                              \
    const gt_op gt_op_##id = {                                                                     \
        .name = #id,                                                                               \
        .inputs = (input_names),                                                                   \
        .n_in = (inputs_n),                                                                        \
        .n_least = (least_n),                                                                      \
        .n_out = (outputs_n),                                                                      \
        .opts_size = sizeof(gt_normalize_layout),                                                  \
        .attrs = GT_PLAIN_ATTRS(layout_attrs),                                                     \
        .infer = normalize_grad_infer,                                                             \
        .flags = GT_OP_OVER,                                                                       \
        .parts = GT_FOR_FLOATS(normalize_grad_run_parts),                                          \
        .backward = normalize_grad_backward,                                                       \
        .gradient = id##_gradient,                                                                 \
        GT_SAMPLES(id##_samples),                                                                  \
        GT_ERROR_SAMPLES(id##_error_samples),                                                      \
        .flops = normalize_grad_flops,                                                             \
    };

NORMALIZE_GRAD(normalize_grad, "dy x weight mean rstd y", 6, 5, 3)
NORMALIZE_GRAD(rms_norm_grad, "dy x weight rstd", 4, 4, 2)

gt_tensor *gt_normalize_grad(gt_tensor *dy, gt_tensor *x, gt_tensor *weight, gt_tensor *mean,
                             gt_tensor *rstd, gt_tensor *y, gt_normalize_layout layout,
                             gt_tensor **dweight, gt_tensor **dbias)
{
    gt_tensor *out[3];
    gti_release_over_gradient(&gt_op_normalize_grad, &layout, y ? 6 : 5,
                              (gt_tensor *[]){dy, x, weight, mean, rstd, y}, out);
    *dweight = out[1];
    *dbias = out[2];
    return out[0];
}

gt_tensor *gt_rms_norm_grad(gt_tensor *dy, gt_tensor *x, gt_tensor *weight, gt_tensor *rstd,
                            gt_normalize_layout layout, gt_tensor **dweight)
{
    gt_tensor *out[2];
    gti_release_over_gradient(&gt_op_rms_norm_grad, &layout, 4,
                              (gt_tensor *[]){dy, x, weight, rstd}, out);
    *dweight = out[1];
    return out[0];
}
