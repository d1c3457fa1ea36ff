/* The order of epochs: as it is, shuffled, or drawn by weights. */
#include "data/sampler.h"

#include <math.h>
#include <string.h>

/* A context for random numbers, whose failures pass_on tells. */
static gt_ctx *open_quietly(gt_mark *start)
{
    gt_ctx *gt = gt_open();
    gt_set_error_handler(gt, gt_ignore_error, NULL);
    *start = gt_mark_tape(gt);
    return gt;
}

bool gti_sampler_open(gti_sampler *s, gt_ctx *gt, int64_t n, uint64_t seed, bool shuffle)
{
    *s = (gti_sampler){.gt = gt, .n = n, .shuffle = shuffle};
    s->dice = open_quietly(&s->dice_start);
    s->seed = (uint64_t)gt_option_int((int64_t)seed, 0);
    if (seed) {
        s->own = open_quietly(&s->own_start);
        gt_manual_seed(s->own, s->seed);
    }
    if (!gt_failed(s->dice) && !(s->own && gt_failed(s->own))) return true;
    gt_fail(gt, GT_ERR_MEMORY, "loader", "out of memory");
    return false;
}

void gti_sampler_close(gti_sampler *s)
{
    gt_close(s->dice);
    gt_close(s->own);
    free(s->up_to);
}

/* --- weights --- */

bool gti_sampler_weigh(gti_sampler *s, const double *weights, gt_data_error *error)
{
    double sum = 0;
    s->up_to = gti_data_malloc((size_t)s->n * sizeof *s->up_to, error);
    if (!s->up_to) return false;
    for (int64_t i = 0; i < s->n; i++) {
        if (!(weights[i] >= 0) || !isfinite(sum + weights[i]))
            return gt_data_fail(error, GT_ERR_ARGUMENT,
                                "weight %lld is %g; they must not be negative, and their sum must "
                                "be finite",
                                (long long)i, weights[i]);
        s->up_to[i] = sum += weights[i];
    }
    if (s->n && !(sum > 0))
        return gt_data_fail(error, GT_ERR_ARGUMENT, "all %lld weights are 0", (long long)s->n);
    for (int64_t i = 0; i < s->n; i++) s->up_to[i] /= sum;
    return true;
}

/* The label of each item, and how many have it. */
static bool count_labels(const gt_dataset *d, int64_t *labels, int64_t *counts,
                         gt_data_error *error)
{
    gti_item item = {.memory = NULL};
    bool ok = gti_item_make(&item, d, error);
    for (int64_t i = 0; ok && i < d->count; i++) {
        ok = gti_item_label(&item, d, i, &labels[i], error);
        if (ok && (labels[i] < 0 || labels[i] >= d->n_classes))
            ok = gt_data_fail(error, GT_ERR_ARGUMENT,
                              "item %lld of %s is of class %lld, and there are %lld", (long long)i,
                              d->type->name, (long long)labels[i], (long long)d->n_classes);
        if (ok) counts[labels[i]]++;
    }
    gti_item_free(&item);
    return ok;
}

double *gti_sampler_balance(const gt_dataset *d, gt_data_error *error)
{
    if (!gti_item_has_label(d) || d->n_classes < 1) {
        gt_data_fail(error, GT_ERR_ARGUMENT,
                     ".balanced needs classes: the last member of the items of %s must be one "
                     "i64, and its n_classes known",
                     d->type->name);
        return NULL;
    }
    double *weights = gti_data_malloc((size_t)d->count * sizeof *weights, error);
    int64_t *labels = gti_data_malloc((size_t)d->count * sizeof *labels, error);
    int64_t *counts = calloc((size_t)d->n_classes, sizeof *counts);
    if (!counts) gt_data_fail(error, GT_ERR_MEMORY, "out of memory");
    const bool ok = weights && labels && counts && count_labels(d, labels, counts, error);
    for (int64_t i = 0; ok && i < d->count; i++) weights[i] = 1 / (double)counts[labels[i]];
    free(labels);
    free(counts);
    if (ok) return weights;
    free(weights);
    return NULL;
}

/* --- seeds --- */

/* Numbers that an epoch draws: for its transforms and, where it is random, for its order. */
static uint64_t per_epoch(const gti_sampler *s)
{
    return s->shuffle || s->up_to ? 2 : 1;
}

/* n numbers from gt's generator, as torch's random_() gives them for int64: 64 bits, modulo 2^63;
 * `to` may be NULL. */
static bool draw(gt_ctx *gt, uint64_t n, uint64_t *to)
{
    gt_tensor *t = gt_keep(gt_randint(gt, INT64_MIN, 0, GT_SHAPE((int64_t)n)));
    if (!t) return false;
    for (uint64_t i = 0; to && i < n; i++)
        to[i] = (uint64_t)((const int64_t *)t->data)[i] + (UINT64_C(1) << 63);
    gt_free(t);
    return true;
}

static bool draw_own(gti_sampler *s, uint64_t n, uint64_t *to)
{
    const bool ok = draw(s->own, n, to);
    gt_rewind(s->own, s->own_start);
    s->drawn += n;
    return ok;
}

/* Draws what earlier epochs have drawn from the sampler's own generator, if that is still to do. */
static bool catch_up(gti_sampler *s, uint64_t epoch)
{
    enum { AT_ONCE = 4096 };
    const uint64_t before = epoch * per_epoch(s);
    if (s->drawn > before) {
        gt_manual_seed(s->own, s->seed);
        s->drawn = 0;
    }
    while (s->drawn < before) {
        const uint64_t rest = before - s->drawn;
        if (!draw_own(s, rest < AT_ONCE ? rest : AT_ONCE, NULL)) return false;
    }
    return true;
}

bool gti_sampler_draw(gti_sampler *s, gt_loader_state *at)
{
    uint64_t seeds[2] = {0, 0};
    const bool ok = s->own ? catch_up(s, at->epoch) && draw_own(s, per_epoch(s), seeds)
                           : draw(s->gt, per_epoch(s), seeds);
    at->item_seed = seeds[0];
    at->order_seed = seeds[1];
    return ok;
}

/* --- order --- */

/* The first item whose sum of weights is not below x: torch.multinomial's, with replacement. */
static int64_t find(const gti_sampler *s, double x)
{
    int64_t low = 0, high = s->n - 1;
    while (low < high) {
        const int64_t middle = low + (high - low) / 2;
        if (s->up_to[middle] < x) low = middle + 1;
        else high = middle;
    }
    return low;
}

static bool draw_items(gti_sampler *s, int64_t *order, int64_t count)
{
    const gt_tensor *x = gt_rand(s->dice, GT_SHAPE(count), .dtype = GT_F64);
    for (int64_t i = 0; x && i < count; i++) order[i] = find(s, ((const double *)x->data)[i]);
    return x;
}

static bool permute(gti_sampler *s, int64_t *order, int64_t count)
{
    const gt_tensor *all = gt_randperm(s->dice, s->n);
    const int64_t *from = all ? all->data : NULL;
    if (from && count) memcpy(order, from, (size_t)count * sizeof *order);
    return all;
}

bool gti_sampler_order(gti_sampler *s, uint64_t seed, int64_t *order, int64_t count)
{
    if (per_epoch(s) == 1) {
        for (int64_t i = 0; i < count; i++) order[i] = i;
        return true;
    }
    gt_manual_seed(s->dice, seed);
    const bool ok = s->up_to ? draw_items(s, order, count) : permute(s, order, count);
    gt_rewind(s->dice, s->dice_start);
    return ok;
}

void gti_sampler_pass_on(gti_sampler *s, const char *what)
{
    gt_ctx *const from[] = {s->dice, s->own};
    for (int i = 0; i < 2; i++) {
        if (!from[i] || !gt_failed(from[i])) continue;
        gt_fail(s->gt, gt_error_code(from[i]), what, "%s", gt_error_message(from[i]));
        gt_error_clear(from[i]);
    }
}
