/* Initialisers, by PyTorch's steps, so that the same seed gives the same numbers. */
#include <gradtape/init.h>
#include <math.h>

#include "nn/fill.h"

#undef gt_init_uniform
#undef gt_init_normal
#undef gt_init_constant

gt_status gti_init_ready(const gt_tensor *t, const char *what)
{
    if (!t) return gt_fail(NULL, GT_ERR_ARGUMENT, what, "the tensor is NULL");
    if (gt_failed(t->ctx)) return gt_error_code(t->ctx);
    if (!gt_is_floating(t->dtype))
        return gt_fail(t->ctx, GT_ERR_DTYPE, what, "makes f32 and f64, not %s",
                       gt_dtype_name(t->dtype));
    if (gt_producer(t))
        return gt_fail(t->ctx, GT_ERR_STATE, what,
                       "the tensor is a result on the tape, not a leaf");
    return GT_OK;
}

gt_status gti_init_check(const gt_tensor *t, const char *what, bool good, const char *name,
                         double value)
{
    const gt_status status = gti_init_ready(t, what);
    if (status != GT_OK || good) return status;
    return gt_fail(t->ctx, GT_ERR_ARGUMENT, what, "%s is %g", name, value);
}

/* By a fused multiply-add as in PyTorch: below 16 numbers in f64 for both dtypes, from there on in
 * t's own, as its two ways to draw normal numbers are. */
gt_tensor *gti_init_draw_normal(const gt_tensor *t, double mean, double std)
{
    const bool single = t->dtype == GT_F32 && t->size >= 16;
    gt_tensor *y = gt_keep(gt_empty_(t->ctx, t->shape, (gt_new_opts){.dtype = t->dtype}));
    gt_tensor *z =
        gt_keep(gt_randn_(t->ctx, t->shape, (gt_new_opts){.dtype = single ? GT_F32 : GT_F64}));
    for (int64_t i = 0; z && i < z->size; i++) {
        const double v = gt_load_element(z, i);
        gt_store_element(y, i,
                         single ? fmaf((float)v, (float)std, (float)mean) : fma(v, std, mean));
    }
    gt_free(z);
    if (z) return y;
    gt_free(y);
    return NULL;
}

gt_tensor *gti_init_draw_uniform(const gt_tensor *t, double low, double high)
{
    gt_tensor *u = gt_uniform_(t->ctx, t->shape, low, high, (gt_new_opts){.dtype = t->dtype});
    return u ? gt_keep(u) : NULL;
}

gt_status gti_init_take(gt_tensor *t, gt_tensor *from)
{
    if (!from) return gt_error_code(t->ctx);
    const gt_status status = gt_copy_into(t, from);
    gt_free(from);
    return status;
}

gt_status gt_init_uniform(gt_tensor *t, double low, double high)
{
    const gt_status status = gti_init_ready(t, "gt_init_uniform");
    return status == GT_OK ? gti_init_take(t, gti_init_draw_uniform(t, low, high)) : status;
}

gt_status gt_init_normal(gt_tensor *t, double mean, double std)
{
    const gt_status status = gti_init_check(t, "gt_init_normal", std >= 0, "std", std);
    if (status != GT_OK) return status;
    return gti_init_take(t, gti_init_draw_normal(t, mean, std));
}

gt_status gt_init_constant(gt_tensor *t, double value)
{
    const gt_status status = gti_init_ready(t, "gt_init_constant");
    return status == GT_OK ? gt_fill(t, value) : status;
}

/* --- by fans --- */

/* Inputs summed up in an output, and outputs that an input goes into, of weight [out,in,...]. */
typedef struct {
    double in, out;
} fans;

static gt_status fans_of(const gt_tensor *t, const char *what, fans *f)
{
    const gt_status status = gti_init_ready(t, what);
    if (status != GT_OK) return status;
    char shape[128];
    if (t->shape.ndim < 2)
        return gt_fail(t->ctx, GT_ERR_SHAPE, what,
                       "fan in and fan out need at least 2 dimensions, not %s",
                       gt_shape_format(t->shape, shape, sizeof shape));
    double kernel = 1;
    for (int i = 2; i < t->shape.ndim; i++) kernel *= (double)t->shape.dim[i];
    f->in = (double)t->shape.dim[1] * kernel;
    f->out = (double)t->shape.dim[0] * kernel;
    return GT_OK;
}

double gt_init_gain(gt_nonlinearity nonlinearity, double a)
{
    switch (nonlinearity) {
    case GT_LEAKY_RELU: return sqrt(2.0 / (1 + a * a));
    case GT_RELU: return sqrt(2.0);
    case GT_LINEAR: return 1;
    case GT_TANH: return 5.0 / 3;
    case GT_SELU: return 3.0 / 4;
    }
    return NAN;
}

static gt_status xavier_std(const gt_tensor *t, const char *what, double gain, double *std)
{
    fans f = {0, 0};
    const gt_status status = fans_of(t, what, &f);
    if (status == GT_OK) *std = gt_option(gain, 1) * sqrt(2.0 / (f.in + f.out));
    return status;
}

static gt_status kaiming_std(const gt_tensor *t, const char *what, const gt_init_kaiming_opts *o,
                             double *std)
{
    fans f = {0, 0};
    const gt_status status = fans_of(t, what, &f);
    if (status != GT_OK) return status;
    const double a = gt_option(o->a, 0), gain = gt_init_gain(o->nonlinearity, a);
    if (isnan(gain) || (unsigned)o->mode > GT_FAN_OUT)
        return gt_fail(t->ctx, GT_ERR_ARGUMENT, what, "nonlinearity %d, a %g, mode %d make no gain",
                       (int)o->nonlinearity, a, (int)o->mode);
    *std = gain / sqrt(o->mode == GT_FAN_IN ? f.in : f.out);
    return GT_OK;
}

/* Fans of a tensor without elements may be 0; there is nothing to draw then. */
static gt_status uniform_of_std(gt_tensor *t, double std)
{
    const double bound = sqrt(3.0) * std;
    return t->size ? gt_init_uniform(t, -bound, bound) : GT_OK;
}

gt_status gt_init_xavier_uniform_(gt_tensor *t, gt_init_xavier_opts opts)
{
    double std = 0;
    const gt_status status = xavier_std(t, "gt_init_xavier_uniform", opts.gain, &std);
    return status == GT_OK ? uniform_of_std(t, std) : status;
}

gt_status gt_init_xavier_normal_(gt_tensor *t, gt_init_xavier_opts opts)
{
    double std = 0;
    const gt_status status = xavier_std(t, "gt_init_xavier_normal", opts.gain, &std);
    return status == GT_OK ? gt_init_normal(t, 0, std) : status;
}

gt_status gt_init_kaiming_uniform_(gt_tensor *t, gt_init_kaiming_opts opts)
{
    double std = 0;
    const gt_status status = kaiming_std(t, "gt_init_kaiming_uniform", &opts, &std);
    return status == GT_OK ? uniform_of_std(t, std) : status;
}

gt_status gt_init_kaiming_normal_(gt_tensor *t, gt_init_kaiming_opts opts)
{
    double std = 0;
    const gt_status status = kaiming_std(t, "gt_init_kaiming_normal", &opts, &std);
    return status == GT_OK ? gt_init_normal(t, 0, std) : status;
}
