/* Tensors of random numbers, from the context's generator. */
#include "base/random.h"

#include <math.h>
#include <string.h>

#include "engine/context.h"
#include "kernels/random.h"
#include <gradtape/ops.h>

/* Keys of the context's seed, from this call on. Needs no memory: there may be no tensor yet. */
static void set_keys(gt_ctx *gt, int64_t call)
{
    gt->first_key = call;
    if (!gt->keys) return;
    int64_t *state = gt->keys->data;
    state[0] = (int64_t)gt->seed;
    state[1] = call;
    gt_touch(gt->keys);
}

void gt_manual_seed(gt_ctx *gt, uint64_t seed)
{
    if (!gt) gt_fail(NULL, GT_ERR_ARGUMENT, "manual_seed", "the context is NULL");
    if (!gt || gt_failed(gt) || gt_host_only(gt, "gt_manual_seed", "seed before the step")) return;
    gti_random_seed(&gt->random, seed);
    gt->seed = seed;
    set_keys(gt, 0);
}

gt_tensor *gti_random_keys(gt_ctx *gt)
{
    if (gt->keys) return gt->keys;
    gt->keys =
        gt_keep(gti_tensor_leaf(gt, "random_keys", GT_SHAPE(2), (gt_new_opts){.dtype = GT_I64}));
    if (gt->keys) set_keys(gt, gt->first_key);
    return gt->keys;
}

gt_tensor *gti_random_key(gt_ctx *gt)
{
    gt_tensor *state = gti_random_keys(gt);
    if (!state) return NULL;
    gt_tensor *key = gti_tensor_leaf(gt, "random_key", GT_SHAPE(2), (gt_new_opts){.dtype = GT_I64});
    return key && gti_into_change(&gt_op_next_key, NULL, 2, (gt_tensor *[]){key, state}) ? key
                                                                                         : NULL;
}

/* --- state --- */

/* As i64: the twister's words, then these. */
enum {
    WORDS = sizeof((gti_random){0}.state) / sizeof *(gti_random){0}.state,
    USED = WORDS,
    HAS_SPARE,
    SPARE, /* its bits */
    SEED,
    CALLS,
    STATE
};

gt_tensor *gt_get_random_state(gt_ctx *gt)
{
    gt_tensor *t =
        gti_tensor_leaf(gt, "random_state", GT_SHAPE(STATE), (gt_new_opts){.dtype = GT_I64});
    if (!t) return NULL;
    int64_t *to = t->data;
    for (int i = 0; i < WORDS; i++) to[i] = (int64_t)gt->random.state[i];
    to[USED] = gt->random.used;
    to[HAS_SPARE] = gt->random.has_spare;
    const double spare = gt->random.has_spare ? gt->random.spare : 0;
    memcpy(&to[SPARE], &spare, sizeof spare);
    to[SEED] = (int64_t)gt->seed;
    to[CALLS] = gt->keys ? ((const int64_t *)gt->keys->data)[1] : gt->first_key;
    return t;
}

static bool is_random_state(const int64_t *from)
{
    for (int i = 0; i < WORDS; i++)
        if (from[i] < 0 || from[i] > UINT32_MAX) return false;
    return from[USED] >= 0 && from[USED] <= WORDS && (from[HAS_SPARE] | 1) == 1;
}

gt_status gt_set_random_state(gt_ctx *gt, const gt_tensor *state)
{
    static const char what[] = "gt_set_random_state";
    if (!gt) return gt_fail(NULL, GT_ERR_ARGUMENT, what, "the context is NULL");
    if (!state && !gt_failed(gt)) gt_fail(gt, GT_ERR_ARGUMENT, what, "the state is NULL");
    if (gt_failed(gt) || !state || gt_host_only(gt, what, "set it before the step"))
        return gt_error_code(gt);
    const char *why = gt_unusable(state);
    if (why) return gt_fail(gt, GT_ERR_STATE, what, "the state %s", why);
    if (state->dtype != GT_I64 || !gt_shape_equal(state->shape, GT_SHAPE(STATE))) {
        char shape[128];
        return gt_fail(gt, state->dtype != GT_I64 ? GT_ERR_DTYPE : GT_ERR_SHAPE, what,
                       "the state is %s %s, but must be i64 [%d], as gt_get_random_state makes it",
                       gt_dtype_name(state->dtype),
                       gt_shape_format(state->shape, shape, sizeof shape), STATE);
    }
    const int64_t *from = state->data;
    if (!is_random_state(from))
        return gt_fail(gt, GT_ERR_ARGUMENT, what, "these numbers are no state of a generator");
    for (int i = 0; i < WORDS; i++) gt->random.state[i] = (uint32_t)from[i];
    gt->random.used = (int)from[USED];
    gt->random.has_spare = from[HAS_SPARE];
    memcpy(&gt->random.spare, &from[SPARE], sizeof gt->random.spare);
    gt->seed = (uint64_t)from[SEED];
    set_keys(gt, from[CALLS]);
    return GT_OK;
}

/* --- tensors --- */

/* An uninitialised leaf for real numbers. */
static gt_tensor *real_leaf(gt_ctx *gt, const char *what, gt_shape shape, gt_new_opts opts)
{
    if (gt && !gt_is_floating(opts.dtype)) {
        if (!gt_failed(gt))
            gt_fail(gt, GT_ERR_DTYPE, what,
                    "makes f32 and f64, not %s; for whole numbers there is gt_randint",
                    gt_dtype_name(opts.dtype));
        return NULL;
    }
    return gti_tensor_leaf(gt, what, shape, opts);
}

/* How a tensor is filled, again in each replay of a captured step. */
typedef struct {
    enum { UNIFORM, NORMAL, INTEGERS, PERMUTATION } what;
    double low, high;
    int64_t from, to;
} drawing;

static bool draw(gt_tensor *const t[], const void *data)
{
    const drawing *d = data;
    gti_random *r = &t[0]->ctx->random;
    void *to = t[0]->data;
    const int64_t n = t[0]->size;
    const int dtype = (int)t[0]->dtype;
    if (d->what == INTEGERS) gti_random_integers(r, to, n, d->from, d->to);
    else if (d->what == PERMUTATION) gti_random_permutation(r, to, n);
    else if (d->what == NORMAL) gti_random_normal(r, dtype, n, to);
    else gti_random_uniform(r, dtype, n, d->low, d->high, to);
    return true;
}

static gt_tensor *drawn(gt_tensor *t, drawing d)
{
    return t && gt_host_call(t->ctx, draw, 1, &t, &d, sizeof d) ? t : NULL;
}

static gt_tensor *uniform(gt_ctx *gt, const char *what, gt_shape shape, double low, double high,
                          gt_new_opts opts)
{
    return drawn(real_leaf(gt, what, shape, opts),
                 (drawing){.what = UNIFORM, .low = low, .high = high});
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
    return drawn(real_leaf(gt, "randn", shape, opts), (drawing){.what = NORMAL});
}

gt_tensor *gt_randint(gt_ctx *gt, int64_t low, int64_t high, gt_shape shape)
{
    if (gt && !gt_failed(gt) && low >= high) {
        gt_fail(gt, GT_ERR_ARGUMENT, "randint",
                "there are no numbers from %lld up to, not including, %lld", (long long)low,
                (long long)high);
        return NULL;
    }
    return drawn(gti_tensor_leaf(gt, "randint", shape, (gt_new_opts){.dtype = GT_I64}),
                 (drawing){.what = INTEGERS, .from = low, .to = high});
}

gt_tensor *gt_randperm(gt_ctx *gt, int64_t n)
{
    if (gt && !gt_failed(gt) && n < 0) {
        gt_fail(gt, GT_ERR_ARGUMENT, "randperm", "n is %lld, but must not be negative",
                (long long)n);
        return NULL;
    }
    return drawn(gti_tensor_leaf(gt, "randperm", GT_SHAPE(n), (gt_new_opts){.dtype = GT_I64}),
                 (drawing){.what = PERMUTATION});
}
