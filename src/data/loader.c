/* Loaders: epochs, their order, and the tensors that batches are given in.
 *
 * At its start an epoch draws from the generator, as PyTorch's DataLoader does, 64 bits that its
 * workers' seeds come from (here the seed of its transforms) and, when it shuffles, 64 bits that
 * seed the generator of the permutation. */
#include <stdlib.h>
#include <string.h>

#include "data/batch.h"

struct gt_loader {
    gt_ctx *gt;
    gt_ctx *dice;   /* for the permutation of each epoch; tensors in it are dropped at once */
    gt_ctx *own;    /* whose generator has the loader's seed; NULL: without one */
    uint64_t drawn; /* numbers from that since it was seeded */
    gt_mark dice_start, own_start;
    gt_dataset *data;
    gti_batches batches;
    gti_bench bench;        /* without threads */
    gti_prefetch *prefetch; /* NULL: no threads */
    bool shuffle;
    uint64_t seed;
    gt_dtype dtype;
    gt_tensor *x[2], *y[2]; /* kept: full batches, and the last one where it is smaller */
    float *row;             /* f32 to be widened, where x is f64 and there are no threads */
    gt_loader_state at;
    bool open; /* within an epoch: order and seeds are set */
    bool freed;
};

/* --- order --- */

/* Numbers that an epoch draws: for its transforms and, when it shuffles, for its order. */
static uint64_t per_epoch(const gt_loader *l)
{
    return l->shuffle ? 2 : 1;
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

static bool draw_own(gt_loader *l, uint64_t n, uint64_t *to)
{
    const bool ok = draw(l->own, n, to);
    gt_rewind(l->own, l->own_start);
    l->drawn += n;
    return ok;
}

/* Draws what earlier epochs have drawn from the loader's own generator, if that is still to do. */
static bool catch_up(gt_loader *l)
{
    enum { AT_ONCE = 4096 };
    const uint64_t before = l->at.epoch * per_epoch(l);
    if (l->drawn > before) {
        gt_manual_seed(l->own, l->seed);
        l->drawn = 0;
    }
    while (l->drawn < before) {
        const uint64_t rest = before - l->drawn;
        if (!draw_own(l, rest < AT_ONCE ? rest : AT_ONCE, NULL)) return false;
    }
    return true;
}

static bool draw_seeds(gt_loader *l)
{
    uint64_t seeds[2] = {0, 0};
    const bool ok =
        l->own ? catch_up(l) && draw_own(l, per_epoch(l), seeds) : draw(l->gt, per_epoch(l), seeds);
    l->at.item_seed = seeds[0];
    l->at.order_seed = seeds[1];
    return ok;
}

static bool set_order(gt_loader *l)
{
    const int64_t n = l->data->count;
    l->batches.item_seed = l->at.item_seed;
    if (!l->shuffle) return true;
    gt_manual_seed(l->dice, l->at.order_seed);
    const gt_tensor *order = gt_randperm(l->dice, n);
    if (!order) return false;
    if (n) memcpy(l->batches.order, order->data, (size_t)n * sizeof *l->batches.order);
    gt_rewind(l->dice, l->dice_start);
    return true;
}

/* --- making --- */

static void release(gt_loader *l)
{
    if (l->freed) return;
    gti_prefetch_free(l->prefetch);
    gti_batch_bench_free(&l->bench);
    gt_close(l->dice);
    gt_close(l->own);
    free(l->batches.recipe.list);
    free(l->batches.order);
    free(l->row);
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
    gt_shape shape = l->batches.recipe.shape;
    memmove(shape.dim + 1, shape.dim, (GT_MAX_DIMS - 1) * sizeof *shape.dim);
    shape.dim[0] = n;
    shape.ndim++;
    l->x[which] = gt_keep(gt_empty_(l->gt, shape, (gt_new_opts){.dtype = l->dtype}));
    l->y[which] = gt_keep(gt_empty_(l->gt, GT_SHAPE(n), (gt_new_opts){.dtype = GT_I64}));
    return l->x[which] && l->y[which];
}

static bool set_batches(gt_loader *l, int64_t batch, bool drop_last)
{
    gti_batches *b = &l->batches;
    const int64_t count = l->data->count;
    b->count = drop_last ? count - count % batch : count;
    b->batch = batch < count ? batch : count ? count : 1; /* no more room than there are items */
    b->n = b->count / b->batch + (b->count % b->batch ? 1 : 0);
    const int64_t rest = b->count % b->batch;
    return (!b->n || make_tensors(l, 0, b->batch)) && (!rest || make_tensors(l, 1, rest));
}

static bool check(const gt_dataset *d, int64_t batch, const gt_loader_opts *o, gt_data_error *error)
{
    char shape[128];
    if (batch <= 0)
        return gt_data_fail(error, GT_ERR_ARGUMENT, "batch is %lld, must be positive",
                            (long long)batch);
    if (o->threads < 0 || o->threads > 1024)
        return gt_data_fail(error, GT_ERR_ARGUMENT, "threads are %d, must be 0 to 1024",
                            o->threads);
    if (!gt_is_floating(o->dtype))
        return gt_data_fail(error, GT_ERR_DTYPE, "x can be f32 or f64, not %s",
                            gt_dtype_name(o->dtype));
    if (d->count < 0 || (d->dtype != GT_U8 && d->dtype != GT_F32) || gt_shape_size(d->shape) < 0 ||
        d->shape.ndim >= GT_MAX_DIMS || d->count > INT64_MAX / 8)
        return gt_data_fail(error, GT_ERR_ARGUMENT,
                            "the dataset %s has %lld items of %s %s, but "
                            "must have u8 or f32 ones of at most %d dimensions",
                            d->type->name, (long long)d->count, gt_dtype_name(d->dtype),
                            gt_shape_format(d->shape, shape, sizeof shape), GT_MAX_DIMS - 1);
    return true;
}

static bool make_memory(gt_loader *l, int threads, gt_data_error *error)
{
    gti_batches *b = &l->batches;
    b->order = gti_data_malloc((size_t)l->data->count * sizeof *b->order, error);
    for (int64_t i = 0; b->order && i < l->data->count; i++) b->order[i] = i;
    if (error->code != GT_OK) return false;
    if (threads) {
        const int most = b->n < threads ? (int)b->n + !b->n : threads;
        l->prefetch = gti_prefetch_new(b, most, error);
        return l->prefetch;
    }
    if (l->dtype == GT_F64)
        l->row = gti_data_malloc((size_t)(b->batch * b->recipe.size) * sizeof *l->row, error);
    return error->code == GT_OK && gti_batch_bench_make(&l->bench, &b->recipe, error);
}

/* A context for random numbers, whose failures pass_on tells. */
static gt_ctx *open_quietly(gt_mark *start)
{
    gt_ctx *gt = gt_open();
    gt_set_error_handler(gt, gt_ignore_error, NULL);
    *start = gt_mark_tape(gt);
    return gt;
}

/* A seed of 0 is the context's generator; GT_ZERO is the seed 0. */
static gt_loader *allocate(gt_dataset *d, uint64_t seed)
{
    gt_loader *l = calloc(1, sizeof *l);
    if (!l) gt_fail(d->ctx, GT_ERR_MEMORY, "loader", "out of memory");
    if (!l) return NULL;
    l->gt = d->ctx;
    l->data = d;
    l->dice = open_quietly(&l->dice_start);
    l->seed = (uint64_t)gt_option_int((int64_t)seed, 0);
    if (seed) {
        l->own = open_quietly(&l->own_start);
        gt_manual_seed(l->own, l->seed);
    }
    if (gt_failed(l->dice) || (l->own && gt_failed(l->own)))
        gt_fail(d->ctx, GT_ERR_MEMORY, "loader", "out of memory");
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
    if (!check(d, batch, &opts, &error)) {
        gti_data_report(d->ctx, what, &error);
        return NULL;
    }
    gt_loader *l = allocate(d, opts.seed);
    if (!l) return NULL;
    l->shuffle = opts.shuffle;
    l->dtype = opts.dtype;
    if (gti_batch_recipe_make(&l->batches.recipe, d, opts.transforms, &error) &&
        set_batches(l, batch, opts.drop_last) && make_memory(l, opts.threads, &error))
        return l;
    if (!gt_failed(l->gt)) gti_data_report(l->gt, what, &error);
    return NULL;
}

/* --- epochs --- */

static bool begin_epoch(gt_loader *l)
{
    if (l->at.position == 0 && !draw_seeds(l)) return false;
    if (!set_order(l)) return false;
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

static void copy_out(gt_tensor *x, const float *from)
{
    if (x->dtype == GT_F32) {
        memcpy(x->data, from, (size_t)x->size * sizeof *from);
        return;
    }
    double *to = x->data;
    for (int64_t i = 0; i < x->size; i++) to[i] = (double)from[i];
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

static bool fill(gt_loader *l, gt_tensor *x, gt_tensor *y, gt_data_error *error)
{
    const int64_t i = (int64_t)l->at.position;
    if (!l->prefetch) {
        float *to = l->row ? l->row : x->data;
        if (!gti_batch_make(&l->batches, i, &l->bench, to, y->data, error)) return false;
        if (l->row) copy_out(x, l->row);
        return true;
    }
    const int64_t *labels;
    gti_making making;
    const float *from = gti_prefetch_take(l->prefetch, &labels, &making, error);
    tell_making(l, &making);
    if (!from) return false;
    copy_out(x, from);
    memcpy(y->data, labels, (size_t)y->size * sizeof *labels);
    gti_prefetch_release(l->prefetch);
    return true;
}

/* Gives batch l->at.position. */
static bool give(gt_loader *l, gt_tensor **x, gt_tensor **y)
{
    const int which = gti_batch_items(&l->batches, (int64_t)l->at.position) < l->batches.batch;
    gt_data_error error = {.code = GT_OK};
    if (!fill(l, l->x[which], l->y[which], &error)) {
        gti_data_report(l->gt, "loader", &error);
        halt(l);
        return false;
    }
    l->at.position++;
    gt_touch(*x = l->x[which]);
    gt_touch(l->y[which]);
    if (y) *y = l->y[which];
    return true;
}

static bool usable(const gt_loader *l, const char *what)
{
    if (!l) gt_fail(NULL, GT_ERR_ARGUMENT, what, "the loader is NULL");
    if (!l || gt_failed(l->gt)) return false;
    if (l->freed) gt_fail(l->gt, GT_ERR_STATE, what, "the loader was freed");
    return !l->freed;
}

/* What failed in a context of the loader's failed here. */
static void pass_on(gt_loader *l, gt_ctx *from, const char *what)
{
    if (!from || !gt_failed(from)) return;
    gt_fail(l->gt, gt_error_code(from), what, "%s", gt_error_message(from));
    gt_error_clear(from);
}

static bool next(gt_loader *l, gt_tensor **x, gt_tensor **y)
{
    static const char what[] = "gt_loader_next";
    bool ok = usable(l, what);
    if (ok && !x) gt_fail(l->gt, GT_ERR_ARGUMENT, what, "x is NULL");
    ok = ok && x && (l->open || begin_epoch(l));
    if (ok && (int64_t)l->at.position >= l->batches.n) {
        end_epoch(l);
        return false;
    }
    if (ok && give(l, x, y)) return true;
    if (l && !l->freed) {
        pass_on(l, l->dice, what);
        pass_on(l, l->own, what);
    }
    if (x) *x = NULL;
    if (y) *y = NULL;
    return false;
}

bool gt_loader_next(gt_loader *l, gt_tensor **x, gt_tensor **y)
{
    gt_ctx *gt = l ? l->gt : NULL;
    const gt_span span = gt_span_begin(gt, "gt_loader_next");
    const bool more = next(l, x, y);
    gt_span_end(gt, span);
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
    for (int i = 0; i < 2; i++) {
        gt_free(l->x[i]);
        gt_free(l->y[i]);
    }
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
