/* gt_predict: a module's outputs for many items. */
#include <stdlib.h>
#include <string.h>

#include "train/train.h"

/* The rows of one output so far. */
typedef struct {
    char *rows;
    size_t size, room; /* bytes */
    gt_shape shape;    /* of all of them */
    gt_dtype dtype;
} gathered;

typedef struct {
    gt_ctx *gt;
    gt_module *m;
    gt_predict_opts opts;
    const char *what;
    gt_progress bar;
    gt_mark start;
    bool recording;
    int64_t done; /* batches */
    gathered out[GT_MODULE_MOST];
} prediction;

/* --- gathering --- */

static bool fits(const prediction *p, const gathered *to, const gt_tensor *y, int64_t items)
{
    char shape[128];
    gt_shape rows = to->shape;
    rows.dim[0] = items;
    if (y->shape.ndim > 0 && y->shape.dim[0] == items &&
        (!p->done || (gt_same_dims(&rows, &y->shape) && to->dtype == y->dtype)))
        return true;
    gt_fail(p->gt, GT_ERR_SHAPE, p->what, "an output is %s %s, where %s for each of %lld items",
            gt_dtype_name(y->dtype), gt_shape_format(y->shape, shape, sizeof shape),
            p->done ? "others had another shape or dtype; it must have a row like theirs"
                    : "it must have a row",
            (long long)items);
    return false;
}

static bool gather(const prediction *p, gathered *to, const gt_tensor *y, int64_t items)
{
    const char *why = gt_unusable(y);
    if (why) gt_fail(p->gt, GT_ERR_STATE, p->what, "an output of the module %s", why);
    if (why || !fits(p, to, y, items)) return false;
    const size_t bytes = (size_t)y->size * gt_dtype_size(y->dtype);
    const void *rows_of_batch = y->data;
    if (!to->rows || to->size + bytes > to->room) {
        const size_t room = 2 * to->room + bytes;
        char *rows = realloc(to->rows, room + 1);
        if (!rows)
            return gt_fail(p->gt, GT_ERR_MEMORY, p->what, "out of memory for the outputs"), false;
        to->rows = rows;
        to->room = room;
    }
    memcpy(to->rows + to->size, rows_of_batch, bytes);
    to->size += bytes;
    const int64_t before = p->done ? to->shape.dim[0] : 0;
    to->shape = y->shape;
    to->shape.dim[0] += before;
    to->dtype = y->dtype;
    return true;
}

/* --- a pass --- */

static void begin(prediction *p, int64_t batches)
{
    p->recording = gt_set_recording(p->gt, false);
    p->bar = gt_progress_begin(p->opts.log, "predict", batches);
    gt_module_push_mode(p->m, false);
    p->start = gt_mark_tape(p->gt);
}

static bool see(prediction *p, int n, gt_tensor *const in[])
{
    const int64_t items = in[0]->shape.dim[0];
    const gt_outputs y = gt_forward_all_(p->m, n, in);
    for (int i = 0; i < y.n; i++)
        if (!y.at[i] || !gather(p, &p->out[i], y.at[i], items)) return false;
    gt_rewind(p->gt, p->start);
    p->done++;
    gt_progress_update(&p->bar, p->done, p->out[0].shape.dim[0], "%s", "");
    return true;
}

static gt_outputs end(prediction *p)
{
    gt_outputs y = {.n = gt_module_n_outputs(p->m), .names = p->m->outputs};
    gt_rewind(p->gt, p->start);
    gt_module_pop_mode(p->m);
    gt_set_recording(p->gt, p->recording);
    gt_progress_end(&p->bar, "%s", "");
    for (int i = 0; i < y.n; i++) {
        const gathered *g = &p->out[i];
        if (!gt_failed(p->gt))
            y.at[i] =
                gt_from_(p->gt, g->shape, g->rows, GT_C_ANY, (gt_new_opts){.dtype = g->dtype});
        free(g->rows);
    }
    if (gt_failed(p->gt)) memset(y.at, 0, sizeof y.at);
    return y;
}

/* Whether there is something to be done; opts are completed. */
static bool can_predict(gt_ctx *gt, gt_module *m, const void *from, gt_predict_opts *opts,
                        const char *what)
{
    if (!m || !from)
        return gt_fail(gt, GT_ERR_ARGUMENT, what, "the %s is NULL",
                       m ? "tensor or loader" : "module"),
               false;
    if (gt_failed(gt) || !gt_module_usable(m)) return false;
    opts->batch = gt_option_int(opts->batch, 64);
    opts->inputs = (int)gt_option_int(opts->inputs, 0);
    if (opts->batch < 1)
        gt_fail(gt, GT_ERR_ARGUMENT, what, "batch is %lld, must be positive",
                (long long)opts->batch);
    return !gt_failed(gt);
}

gt_tensor *gt_predict_(gt_module *m, gt_tensor *x, gt_predict_opts opts)
{
    static const char what[] = "gt_predict";
    gt_ctx *gt = m ? m->ctx : x ? x->ctx : NULL;
    if ((gt && gt_failed(gt)) || !can_predict(gt, m, x, &opts, what) || opts.batch < 1) return NULL;
    const char *why = gt_unusable(x);
    if (why) return gt_fail(gt, GT_ERR_STATE, what, "the tensor %s", why), NULL;
    if (opts.inputs) {
        gt_fail(gt, GT_ERR_ARGUMENT, what, ".inputs is for loaders (gt_predict_loader)");
        return NULL;
    }
    char shape[128];
    const int64_t n = x->shape.ndim ? x->shape.dim[0] : 0;
    if (n < 1 || gt_module_n_outputs(m) > 1) {
        if (n < 1)
            gt_fail(gt, GT_ERR_SHAPE, what, "x has shape %s, which holds no items",
                    gt_shape_format(x->shape, shape, sizeof shape));
        else gt_module_fail(m, GT_ERR_ARGUMENT, "has several outputs; see gt_predict_loader");
        return NULL;
    }
    prediction p = {.gt = gt, .m = m, .opts = opts, .what = what};
    begin(&p, (n + opts.batch - 1) / opts.batch);
    for (int64_t at = 0; at < n; at += opts.batch) {
        gt_tensor *batch = gt_slice(x, 0, at, at + opts.batch < n ? at + opts.batch : n);
        if (!batch || !see(&p, 1, &batch)) break;
    }
    return end(&p).at[0];
}

gt_outputs gt_predict_loader_(gt_module *m, gt_loader *loader, gt_predict_opts opts)
{
    static const char what[] = "gt_predict_loader";
    gt_outputs none = {.n = gt_module_n_outputs(m), .names = m ? m->outputs : ""};
    gt_ctx *gt = m ? m->ctx : NULL;
    if ((gt && gt_failed(gt)) || !can_predict(gt, m, loader, &opts, what)) return none;
    if (!gti_measure_loader(loader, opts.inputs, what)) return none;
    const gti_measure measure = {.gt = gt, .inputs = opts.inputs, .what = what};
    prediction p = {.gt = gt, .m = m, .opts = opts, .what = what};
    gt_batch b;
    begin(&p, gt_loader_batches(loader));
    gt_loader_reset(loader);
    while (gti_measure_next(&measure, loader, &b)) {
        int n = 0;
        while (b.in[n]) n++;
        if (!n || !see(&p, n, b.in)) break;
    }
    return end(&p);
}
