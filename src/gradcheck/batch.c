/* A batch against its items, one by one. */
#include <stdlib.h>
#include <string.h>

#include "gradcheck/check.h"
#include <gradtape/gradcheck_ways.h>
#include <gradtape/ops.h>

typedef struct {
    gt_function f;
    void *user;
    int n_in, n_batched;
} batched;

static gt_tensor *at_once(gt_ctx *gt, gt_tensor *const in[], void *user)
{
    const batched *b = user;
    return b->f(gt, in, b->user);
}

/* f of an item, as a batch of one; NULL after a failure. */
static gt_tensor *of_item(const batched *b, gt_ctx *gt, gt_tensor *const item[])
{
    gt_tensor *y = b->f(gt, item, b->user);
    if (!y || y->shape.ndim > 0) return y;
    gt_fail(
        gt, GT_ERR_SHAPE, "gt_gradcheck_batch",
        "the result has the items along dimension 0, but it has no dimensions; a mean or sum over "
        "the batch is none of its items");
    return NULL;
}

/* f of each item, joined. */
static gt_tensor *one_by_one(gt_ctx *gt, gt_tensor *const in[], void *user)
{
    const batched *b = user;
    const int64_t n = in[0]->shape.dim[0];
    gt_tensor **item = malloc((size_t)b->n_in * sizeof *item);
    gt_tensor **y = malloc((size_t)n * sizeof *y), *all = NULL;
    if (!item || !y) gt_fail(gt, GT_ERR_MEMORY, "gt_gradcheck_batch", "out of memory");
    for (int64_t k = 0; item && y && k < n; k++) {
        for (int i = 0; i < b->n_in; i++)
            item[i] = i < b->n_batched ? gt_slice(in[i], 0, k, k + 1) : in[i];
        y[k] = of_item(b, gt, item);
    }
    if (!gt_failed(gt)) all = gt_concat(y, (int)n, 0);
    free(item);
    free(y);
    return all;
}

static const gti_two two = {
    .first = "batch",
    .second = "items",
    .shapes = "the result has the items along dimension 0, one for each",
    .values =
        "items of a batch must not know each other: is there a mean, a norm or a statistic over "
        "dimension 0, or a number of items?",
    .gradients =
        "values agree: does backward mix items, or, of what they share, give other than the "
        "sum over them?",
};

static bool fit(gti_check *c, gt_tensor *const in[], int n_in, int n_batched)
{
    if (n_batched < 1 || n_batched > n_in)
        return gti_check_refuse(c, "", "n_batched is %d, of %d inputs", n_batched, n_in);
    for (int i = 0; i < n_batched; i++) {
        char shape[128];
        const bool same = in[i]->shape.ndim > 0 && in[0]->shape.dim[0] > 0 &&
                          in[i]->shape.dim[0] == in[0]->shape.dim[0];
        if (same) continue;
        return gti_check_refuse(
            c, "batched inputs come first, and have the items along dimension 0",
            "input %d has the shape %s", i, gt_shape_format(in[i]->shape, shape, sizeof shape));
    }
    return true;
}

gt_verdict gt_gradcheck_batch(gt_ctx *gt, gt_function f, void *user, gt_tensor *const in[],
                              int n_in, int n_batched, const gt_gradcheck_opts *opts,
                              gt_gradcheck_report *report)
{
    gt_gradcheck_report unread;
    batched b = {f, user, n_in, n_batched};
    gti_check c;
    gti_fn whole;
    gti_check_init(&c, gt, opts, report ? report : &unread);
    if (!gti_check_knows(&c, GTI_ASKS_TOLERANCES | GTI_ASKS_PROBES) ||
        !gti_check_open_function(&c, f ? at_once : NULL, &b, in, n_in, &whole))
        return GT_FAIL;
    gti_fn items = whole;
    items.f = one_by_one;
    if (fit(&c, in, n_in, n_batched)) gti_check_same(&c, &whole, &items, &two);
    gti_check_close(&c);
    return c.r->verdict;
}
