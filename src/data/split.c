/* Datasets in parts drawn at random, by the rules of torch.utils.data.random_split. */
#include <math.h>
#include <string.h>

#include "data/sampler.h"

static const char what[] = "gt_random_split";

/* Lengths in items: those that are given, or the fractions of count, rounded down, whose rest goes
 * to the first ones. */
static bool count_items(int64_t count, int n, const double *lengths, int64_t *items,
                        gt_data_error *error)
{
    double sum = 0;
    int64_t all = 0;
    for (int i = 0; i < n; i++) {
        if (!(lengths[i] >= 0 && lengths[i] <= (double)INT64_MAX / 16))
            return gt_data_fail(error, GT_ERR_ARGUMENT, "length %d is %g, must not be negative", i,
                                lengths[i]);
        sum += lengths[i];
    }
    const bool fractions = fabs(sum - 1) < 1e-9;
    for (int i = 0; i < n; i++) {
        if (!fractions && lengths[i] != floor(lengths[i]))
            return gt_data_fail(error, GT_ERR_ARGUMENT,
                                "length %d is %g, no number of items; fractions must add up to 1, "
                                "not to %g",
                                i, lengths[i], sum);
        items[i] = (int64_t)floor(fractions ? (double)count * lengths[i] : lengths[i]);
        all += items[i];
    }
    for (int i = 0; fractions && all < count; i = (i + 1) % n, all++) items[i]++;
    return all == count || gt_data_fail(error, GT_ERR_ARGUMENT,
                                        "lengths are %lld items together, the dataset has %lld\n"
                                        "  hint: fractions that add up to 1 do, too",
                                        (long long)all, (long long)count);
}

/* A permutation by the context's generator, or by one with this seed. */
static bool draw(gt_dataset *d, uint64_t seed, int64_t *order)
{
    gti_sampler s;
    if (!seed) {
        gt_tensor *drawn = gt_keep(gt_randperm(d->ctx, d->count));
        const int64_t *from = drawn ? drawn->data : NULL;
        if (from && d->count) memcpy(order, from, (size_t)d->count * sizeof *order);
        gt_free(drawn);
        return drawn;
    }
    seed = (uint64_t)gt_option_int((int64_t)seed, 0);
    const bool ok = gti_sampler_open(&s, d->ctx, d->count, 0, true) &&
                    gti_sampler_order(&s, seed, order, d->count);
    gti_sampler_pass_on(&s, what);
    gti_sampler_close(&s);
    return ok;
}

static bool split(gt_dataset *d, int n, const int64_t *items, uint64_t seed, gt_dataset **parts,
                  gt_data_error *error)
{
    int64_t *order = gti_data_malloc((size_t)d->count * sizeof *order, error), at = 0;
    bool ok = order && draw(d, seed, order);
    for (int i = 0; i < n && ok; i++) {
        parts[i] = gt_subset_at(d, items[i], order + at);
        ok = parts[i];
        at += items[i];
    }
    free(order);
    return ok;
}

gt_status gt_random_split_(gt_dataset *d, int n, const double *lengths, gt_dataset **parts,
                           gt_split_opts opts)
{
    gt_data_error error = {.code = GT_OK};
    for (int i = 0; i < n && parts; i++) parts[i] = NULL;
    if (!gti_data_present(d, what)) return d ? gt_error_code(d->ctx) : GT_ERR_ARGUMENT;
    int64_t *items = parts && n > 0 ? gti_data_malloc((size_t)n * sizeof *items, &error) : NULL;
    if (!parts || n < 1) gt_data_fail(&error, GT_ERR_ARGUMENT, "there are no parts to split into");
    const bool ok = items && count_items(d->count, n, lengths, items, &error) &&
                    split(d, n, items, opts.seed, parts, &error);
    free(items);
    if (ok) return GT_OK;
    for (int i = 0; i < n && parts; i++) parts[i] = NULL;
    if (!gt_failed(d->ctx)) gti_data_report(d->ctx, what, &error);
    return gt_error_code(d->ctx);
}
