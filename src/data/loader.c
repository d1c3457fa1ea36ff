/* Loaders: epochs, and the tensors that batches are given in. */
#include <stdlib.h>
#include <string.h>

#include "data/batch.h"
#include "data/sampler.h"

struct gt_loader {
    gt_ctx *gt;
    gt_dataset *data;
    gti_sampler sampler;
    gti_batches batches;
    gti_place place;        /* without threads */
    gti_prefetch *prefetch; /* NULL: no threads */
    /* Kept: full batches, and the last one where it is smaller. */
    gt_tensor *member[2][GT_MEMBERS_MOST];
    gt_loader_state at;
    bool open; /* within an epoch: order and seeds are set */
    bool freed;
};

/* --- making --- */

static void release(gt_loader *l)
{
    if (l->freed) return;
    gti_prefetch_free(l->prefetch);
    gti_batch_place_free(&l->place);
    gti_sampler_close(&l->sampler);
    gti_recipe_free(&l->batches.recipe);
    free(l->batches.order);
    l->freed = true;
}

static void free_loader(void *object)
{
    release(object);
    free(object);
}

/* The tensors of batches of n items. */
static bool make_tensors(gt_loader *l, int which, int64_t n)
{
    for (int k = 0; k < l->data->members; k++) {
        const gt_member *m = &l->batches.recipe.lane[k].out;
        gt_shape shape = m->shape;
        memmove(shape.dim + 1, shape.dim, (GT_MAX_DIMS - 1) * sizeof *shape.dim);
        shape.dim[0] = n;
        shape.ndim++;
        l->member[which][k] = gt_keep(gt_empty_(l->gt, shape, (gt_new_opts){.dtype = m->dtype}));
        if (!l->member[which][k]) return false;
    }
    return true;
}

static bool set_batches(gt_loader *l, int64_t batch, const gt_loader_opts *o)
{
    gti_batches *b = &l->batches;
    const int64_t count = o->samples ? o->samples : l->data->count;
    b->data = l->data;
    b->count = o->drop_last ? count - count % batch : count;
    b->batch = batch < count ? batch : count ? count : 1; /* no more room than there are items */
    b->n = b->count / b->batch + (b->count % b->batch ? 1 : 0);
    const int64_t rest = b->count % b->batch;
    return (!b->n || make_tensors(l, 0, b->batch)) && (!rest || make_tensors(l, 1, rest));
}

static bool check_weights(const gt_dataset *d, const gt_loader_opts *o, gt_data_error *error)
{
    const char *why = NULL;
    if (o->weights && o->balanced) why = ".weights and .balanced exclude each other";
    else if ((o->weights || o->balanced) && o->shuffle)
        why = ".shuffle is for items that come once each; .weights and .balanced draw them";
    else if (o->samples && !o->weights && !o->balanced)
        why = ".samples needs .weights or .balanced";
    else if (o->samples < 0 || o->samples > INT64_MAX / 8) why = ".samples must be positive";
    else if (o->samples && !d->count) why = "there is no item to draw .samples from";
    return !why || gt_data_fail(error, GT_ERR_ARGUMENT, "%s", why);
}

static bool check(const gt_dataset *d, int64_t batch, const gt_loader_opts *o, gt_data_error *error)
{
    if (batch <= 0)
        return gt_data_fail(error, GT_ERR_ARGUMENT, "batch is %lld, must be positive",
                            (long long)batch);
    if (o->threads < 0 || o->threads > 1024)
        return gt_data_fail(error, GT_ERR_ARGUMENT, "threads are %d, must be 0 to 1024",
                            o->threads);
    if (!gt_is_floating(o->dtype))
        return gt_data_fail(error, GT_ERR_DTYPE, "members can be f32 or f64, not %s",
                            gt_dtype_name(o->dtype));
    return gti_item_check(d, error) && check_weights(d, o, error);
}

static bool weigh(gt_loader *l, const gt_loader_opts *o, gt_data_error *error)
{
    if (o->weights) return gti_sampler_weigh(&l->sampler, o->weights, error);
    if (!o->balanced) return true;
    double *weights = gti_sampler_balance(l->data, error);
    const bool ok = weights && gti_sampler_weigh(&l->sampler, weights, error);
    free(weights);
    return ok;
}

static bool make_memory(gt_loader *l, int threads, gt_data_error *error)
{
    gti_batches *b = &l->batches;
    b->order = gti_data_malloc((size_t)b->count * sizeof *b->order, error);
    if (!b->order) return false;
    if (!threads) return gti_batch_place_make(&l->place, b, error);
    const int most = b->n < threads ? (int)b->n + !b->n : threads;
    l->prefetch = gti_prefetch_new(b, most, error);
    return l->prefetch;
}

static gt_loader *allocate(gt_dataset *d, const gt_loader_opts *o)
{
    gt_loader *l = calloc(1, sizeof *l);
    if (!l) gt_fail(d->ctx, GT_ERR_MEMORY, "loader", "out of memory");
    if (!l) return NULL;
    l->gt = d->ctx;
    l->data = d;
    gti_sampler_open(&l->sampler, d->ctx, d->count, o->seed, o->shuffle);
    if (gt_at_close(d->ctx, free_loader, l) == GT_OK) return l;
    free_loader(l);
    return NULL;
}

gt_loader *gt_loader_new_(gt_dataset *d, int64_t batch, gt_loader_opts opts)
{
    static const char what[] = "loader";
    gt_data_error error = {.code = GT_OK};
    if (!d) gt_fail(NULL, GT_ERR_ARGUMENT, what, "the dataset is NULL");
    if (!d || gt_failed(d->ctx)) return NULL;
    opts.threads = (int)gt_option_int(opts.threads, 0);
    opts.samples = gt_option_int(opts.samples, 0);
    if (!check(d, batch, &opts, &error)) {
        gti_data_report(d->ctx, what, &error);
        return NULL;
    }
    gt_loader *l = allocate(d, &opts);
    if (!l) return NULL;
    if (gti_recipe_make(&l->batches.recipe, d->members, d->member, d->n_classes, opts.transforms,
                        opts.dtype, &error) &&
        weigh(l, &opts, &error) && set_batches(l, batch, &opts) &&
        make_memory(l, opts.threads, &error))
        return l;
    if (!gt_failed(l->gt)) gti_data_report(l->gt, what, &error);
    return NULL;
}

/* --- epochs --- */

static bool begin_epoch(gt_loader *l)
{
    gti_batches *b = &l->batches;
    if (l->at.position == 0 && !gti_sampler_draw(&l->sampler, &l->at)) return false;
    if (!gti_sampler_order(&l->sampler, l->at.order_seed, b->order, b->count)) return false;
    b->item_seed = l->at.item_seed;
    if (l->prefetch) gti_prefetch_begin(l->prefetch, (int64_t)l->at.position);
    l->open = true;
    return true;
}

static void halt(gt_loader *l)
{
    if (l->open && l->prefetch) gti_prefetch_halt(l->prefetch);
    l->open = false;
}

static void end_epoch(gt_loader *l)
{
    halt(l);
    l->at.epoch++;
    l->at.position = 0;
}

/* The line of a thread in profiles. */
static void tell_making(const gt_loader *l, const gti_making *m)
{
    char line[64];
    if (!m->thread) return;
    snprintf(line, sizeof line, "loader of %.32s, thread %d", gt_loader_dataset(l)->type->name,
             m->thread);
    gt_span_add(l->gt, line, "batch made", m->began, m->ended);
}

static bool fill(gt_loader *l, gt_tensor *const *member, gt_data_error *error)
{
    const int64_t i = (int64_t)l->at.position;
    void *to[GT_MEMBERS_MOST];
    for (int k = 0; k < l->data->members; k++) to[k] = member[k]->data;
    if (!l->prefetch) return gti_batch_make(&l->batches, i, &l->place, to, error);
    gti_making making;
    void *const *from = gti_prefetch_take(l->prefetch, &making, error);
    tell_making(l, &making);
    if (!from) return false;
    for (int k = 0; k < l->data->members; k++)
        memcpy(to[k], from[k], (size_t)member[k]->size * gt_dtype_size(member[k]->dtype));
    gti_prefetch_release(l->prefetch);
    return true;
}

/* Gives batch l->at.position. */
static bool give(gt_loader *l, gt_tensor **const *to)
{
    const int which = gti_batch_items(&l->batches, (int64_t)l->at.position) < l->batches.batch;
    gt_tensor *const *member = l->member[which];
    gt_data_error error = {.code = GT_OK};
    if (!fill(l, member, &error)) {
        gti_data_report(l->gt, "loader", &error);
        halt(l);
        return false;
    }
    l->at.position++;
    for (int k = 0; k < l->data->members; k++) {
        gt_touch(member[k]);
        if (to[k]) *to[k] = member[k];
    }
    return true;
}

static bool usable(const gt_loader *l, const char *what)
{
    if (!l) gt_fail(NULL, GT_ERR_ARGUMENT, what, "the loader is NULL");
    if (!l || gt_failed(l->gt)) return false;
    if (l->freed) gt_fail(l->gt, GT_ERR_STATE, what, "the loader was freed");
    return !l->freed;
}

static bool counts(const gt_loader *l, int n, const char *what)
{
    gt_data_error error = {.code = GT_OK};
    if (gti_item_count(l->data, n, &error)) return true;
    gti_data_report(l->gt, what, &error);
    return false;
}

/* Whether there is a batch, which then is given; the epoch's end, too, is none. */
static bool next(gt_loader *l, int n, gt_tensor **const *to)
{
    static const char what[] = "gt_loader_next";
    if (!usable(l, what) || !counts(l, n, what)) return false;
    const bool ok = l->open || begin_epoch(l);
    if (ok && (int64_t)l->at.position >= l->batches.n) end_epoch(l);
    else if (ok && give(l, to)) return true;
    gti_sampler_pass_on(&l->sampler, what);
    return false;
}

bool gt_loader_next_(gt_loader *l, int n, gt_tensor **const *to)
{
    gt_ctx *gt = l ? l->gt : NULL;
    const gt_span span = gt_span_begin(gt, "gt_loader_next");
    const bool more = next(l, n, to);
    gt_span_end(gt, span);
    for (int k = 0; k < n && !more && (!gt || gt_failed(gt)); k++)
        if (to[k]) *to[k] = NULL;
    return more;
}

void gt_loader_reset(gt_loader *l)
{
    if (l && !l->freed && (l->open || l->at.position)) end_epoch(l);
}

int64_t gt_loader_batches(const gt_loader *l)
{
    return l ? l->batches.n : 0;
}

gt_dataset *gt_loader_dataset(const gt_loader *l)
{
    return l ? l->data : NULL;
}

void gt_loader_free(gt_loader *l)
{
    if (!l || l->freed) return;
    for (int i = 0; i < 2 * GT_MEMBERS_MOST; i++)
        gt_free(l->member[i / GT_MEMBERS_MOST][i % GT_MEMBERS_MOST]);
    release(l);
}

/* --- state --- */

gt_loader_state gt_loader_get_state(const gt_loader *l)
{
    return l ? l->at : (gt_loader_state){0};
}

gt_status gt_loader_set_state(gt_loader *l, gt_loader_state state)
{
    static const char what[] = "gt_loader_set_state";
    if (!usable(l, what)) return l ? gt_error_code(l->gt) : GT_ERR_ARGUMENT;
    if (state.position > (uint64_t)l->batches.n || state.epoch > UINT32_MAX)
        return gt_fail(l->gt, GT_ERR_ARGUMENT, what,
                       "epoch %llu, batch %llu, but an epoch has %lld batches",
                       (unsigned long long)state.epoch, (unsigned long long)state.position,
                       (long long)l->batches.n);
    halt(l);
    l->at = state;
    return GT_OK;
}
