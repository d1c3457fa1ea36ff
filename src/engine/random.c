/* Tensors of random numbers, from the context's generator. */
#include "base/random.h"

#include <math.h>

#include "engine/context.h"

void gt_manual_seed(gt_ctx *gt, uint64_t seed)
{
    if (!gt) gt_fail(NULL, GT_ERR_ARGUMENT, "manual_seed", "the context is NULL");
    else if (!gt_failed(gt)) gti_random_seed(&gt->random, seed);
}

/* An uninitialised leaf for real numbers. */
static gt_tensor *real_leaf(gt_ctx *gt, const char *what, gt_shape shape, gt_new_opts opts)
{
    if (gt && opts.dtype != GT_F32 && opts.dtype != GT_F64) {
        if (!gt_failed(gt))
            gt_fail(gt, GT_ERR_DTYPE, what,
                    "makes f32 and f64, not %s; for whole numbers there is gt_randint",
                    gt_dtype_name(opts.dtype));
        return NULL;
    }
    return gti_leaf(gt, what, shape, opts);
}

static gt_tensor *uniform(gt_ctx *gt, const char *what, gt_shape shape, double low, double high,
                          gt_new_opts opts)
{
    gt_tensor *t = real_leaf(gt, what, shape, opts);
    if (!t) return NULL;
    if (t->dtype == GT_F32) gti_random_uniform_f32(&gt->random, t->data, t->size, low, high);
    else gti_random_uniform_f64(&gt->random, t->data, t->size, low, high);
    return t;
}

gt_tensor *gt_rand_(gt_ctx *gt, gt_shape shape, gt_new_opts opts)
{
    return uniform(gt, "rand", shape, 0.0, 1.0, opts);
}

gt_tensor *gt_uniform_(gt_ctx *gt, gt_shape shape, double low, double high, gt_new_opts opts)
{
    const double range = opts.dtype == GT_F32 ? (double)((float)high - (float)low) : high - low;
    if (gt && !gt_failed(gt) && !(range >= 0 && isfinite(range))) {
        gt_fail(gt, GT_ERR_ARGUMENT, "uniform", "[%g, %g) is no interval of finite %s numbers", low,
                high, gt_dtype_name(opts.dtype));
        return NULL;
    }
    return uniform(gt, "uniform", shape, low, high, opts);
}

gt_tensor *gt_randn_(gt_ctx *gt, gt_shape shape, gt_new_opts opts)
{
    gt_tensor *t = real_leaf(gt, "randn", shape, opts);
    if (!t) return NULL;
    if (t->dtype == GT_F32) gti_random_normal_f32(&gt->random, t->data, t->size);
    else gti_random_normal_f64(&gt->random, t->data, t->size);
    return t;
}

gt_tensor *gt_randint(gt_ctx *gt, int64_t low, int64_t high, gt_shape shape)
{
    if (gt && !gt_failed(gt) && low >= high) {
        gt_fail(gt, GT_ERR_ARGUMENT, "randint",
                "there are no numbers from %lld up to, not including, %lld", (long long)low,
                (long long)high);
        return NULL;
    }
    gt_tensor *t = gti_leaf(gt, "randint", shape, (gt_new_opts){.dtype = GT_I64});
    if (t) gti_random_integers(&gt->random, t->data, t->size, low, high);
    return t;
}

gt_tensor *gt_randperm(gt_ctx *gt, int64_t n)
{
    if (gt && !gt_failed(gt) && n < 0) {
        gt_fail(gt, GT_ERR_ARGUMENT, "randperm", "n is %lld, but must not be negative",
                (long long)n);
        return NULL;
    }
    gt_tensor *t = gti_leaf(gt, "randperm", GT_SHAPE(n), (gt_new_opts){.dtype = GT_I64});
    if (t) gti_random_permutation(&gt->random, t->data, n);
    return t;
}
