/* Headers and data of tensors; making them, keeping them. */
#include <string.h>

#include "base/size.h"
#include "engine/context.h"
#include <gradtape/autograd.h>
#include <gradtape/ops.h>

enum { FREED_QUARANTINE = 64 }; /* freed headers that rest before one is used again */

static gti_tensor *no_memory(gt_ctx *gt, const char *what)
{
    gt_fail(gt, GT_ERR_MEMORY, what, "out of memory for headers");
    return NULL;
}

gti_tensor *gti_tensor_no_header(gt_ctx *gt)
{
    return no_memory(gt, "tensor");
}

bool gti_tensor_no_block(const gti_tensor *t, bool too_large, const char *what)
{
    char shape[128];
    gt_shape_format(t->pub.shape, shape, sizeof shape);
    if (too_large)
        gt_fail(t->pub.ctx, GT_ERR_MEMORY, what, "the size of shape %s overflows", shape);
    else
        gt_fail(t->pub.ctx, GT_ERR_MEMORY, what, "no memory for the %lld elements of shape %s",
                (long long)t->pub.size, shape);
    return false;
}

const char *gt_unusable(const gt_tensor *t)
{
    if (!t) return "is NULL";
    const gti_tensor *p = gti_t(t), *base = p->base;
    if (base->flags & GTI_KEPT && base->flags & GTI_DEAD) return "was freed by gt_free";
    if (base->flags & GTI_KEPT && p->flags & GTI_DEAD)
        return "was kept, but this is its name in the step that gt_rewind has dropped; use what "
               "gt_keep or gt_module_add_parameter returned";
    if (base->flags & GTI_SLAB && p->flags & GTI_DEAD)
        return "belongs to a captured step that is over";
    if (base->flags & GTI_SLAB && p->flags & GTI_RELEASED)
        return "is computed on the way of a captured step, and its memory serves again; return it "
               "from the step, or call gt_capture_output for it there";
    if ((p->flags | base->flags) & GTI_DEAD)
        return "was dropped by gt_rewind; gt_keep it, or make it before gt_mark_tape";
    if (base->flags & GTI_REPLAYED)
        return "was dropped by gt_checkpoint, which keeps only the result of its function";
    if ((base->flags & (GTI_GIVEN | GTI_RELEASED)) == (GTI_GIVEN | GTI_RELEASED))
        return "was released before it was read, by gt_release or by the module that made it for its "
               "own next one; read it before, hook its module (gt_module_add_hook), or record "
               "everything (gt_set_recording_all)";
    if (base->flags & GTI_RELEASED)
        return "was released by gt_backward; use it before, pass .retain = true to keep activations, "
               "or gt_keep it";
    return NULL;
}

bool gti_tensor_usable(const gt_tensor *t, const char *what)
{
    if (!t) {
        gti_error_skip();
        gt_fail(NULL, GT_ERR_ARGUMENT, what, "the tensor is NULL");
        return false;
    }
    if (gt_failed(t->ctx)) return false;
    const char *why = gt_unusable(t);
    if (why) gt_fail(t->ctx, GT_ERR_STATE, what, "the tensor %s", why);
    return !why;
}

/* --- constructors --- */

static bool check_shape(gt_ctx *gt, const char *what, const gt_shape *shape)
{
    if (!gt_has_dims(shape)) {
        if (shape->ndim == -1)
            gt_fail(gt, GT_ERR_SHAPE, what, "the shape has more than %d dimensions", GT_MAX_DIMS);
        else
            gt_fail(gt, GT_ERR_SHAPE, what, "the shape has %d dimensions, can have 0 to %d",
                    shape->ndim, GT_MAX_DIMS);
        return false;
    }
    for (int i = 0; i < shape->ndim; i++) {
        if (shape->dim[i] >= 0) continue;
        char text[128];
        gt_fail(gt, GT_ERR_SHAPE, what, "dimension %d of shape %s is negative", i,
                gt_shape_format(*shape, text, sizeof text));
        return false;
    }
    return true;
}

static bool check_dtype(gt_ctx *gt, const char *what, gt_new_opts opts)
{
    if (!gt_dtype_size(opts.dtype)) {
        gt_fail(gt, GT_ERR_DTYPE, what, "%d is no dtype", (int)opts.dtype);
        return false;
    }
    if (opts.requires_grad && !gt_is_floating(opts.dtype)) {
        gt_fail(gt, GT_ERR_DTYPE, what, "%s has no gradients; only f32 and f64 have",
                gt_dtype_name(opts.dtype));
        return false;
    }
    return true;
}

gt_tensor *gti_tensor_leaf(gt_ctx *gt, const char *what, gt_shape shape, gt_new_opts opts)
{
    if (!gt) {
        gt_fail(NULL, GT_ERR_ARGUMENT, what, "the context is NULL");
        return NULL;
    }
    if (gt_failed(gt)) return NULL;
    if (!check_shape(gt, what, &shape) || !check_dtype(gt, what, opts)) return NULL;
    gti_tensor *t = gti_header(gt);
    if (!t) return NULL;
    t->pub.shape = shape;
    t->pub.dtype = opts.dtype;
    t->pub.requires_grad = opts.requires_grad;
    t->flags = gti_in_sweep(gt) ? GTI_ENGINE : 0;
    if (!gti_allocate(t, what)) {
        t->flags |= GTI_RELEASED;
        return NULL;
    }
    if (gt->prefill)
        gti_pool_fence(&gt->pool, t->pub.data, (size_t)t->pub.size * gt_dtype_size(opts.dtype),
                       t->size_class);
    return &t->pub;
}

gt_tensor *gt_empty_(gt_ctx *gt, gt_shape shape, gt_new_opts opts)
{
    return gti_tensor_leaf(gt, "empty", shape, opts);
}

gt_tensor *gt_empty_like(gt_tensor *t)
{
    if (!gti_tensor_usable(t, "empty_like")) return NULL;
    return gti_tensor_leaf(t->ctx, "empty_like", t->shape, (gt_new_opts){.dtype = t->dtype});
}

/* --- keeping --- */

static gti_tensor *kept_header(gt_ctx *gt)
{
    if (gt->n_spare <= FREED_QUARANTINE) {
        gti_tensor *t = gti_arena_get(&gt->kept, sizeof *t);
        return t ? t : no_memory(gt, "gt_keep");
    }
    gti_tensor *t = gt->spare;
    gt->spare = t->prev;
    gt->n_spare--;
    gti_label_clear(t);
    return t;
}

void gti_tensor_spare(gt_ctx *gt, gti_tensor *list)
{
    for (gti_tensor *t = list, *next; t; t = next) {
        next = t->prev;
        t->prev = NULL;
        if (gt->n_spare++) gt->spare_last->prev = t;
        else gt->spare = t;
        gt->spare_last = t;
    }
}

/* Views of `from`, and it itself, become views of `to`, which has taken over the block. They are
 * not older than `from`. */
static void move_views(gt_ctx *gt, gti_tensor *from, gti_tensor *to)
{
    for (gti_tensor *t = gt->last; t != from->prev; t = t->prev)
        if (t->base == from) t->base = to;
}

static bool copy_label(gti_tensor *k, const gti_label *from)
{
    if (!from) return true;
    gti_label *l = gti_label_of(&k->pub, "gt_keep");
    if (!l) return false;
    memcpy(l->name, from->name, sizeof l->name);
    l->owner = from->owner;
    l->weighed = from->weighed;
    l->mean_weight = from->mean_weight;
    return true;
}

static bool copy_data(gti_tensor *k, const gt_tensor *from)
{
    if (!gti_allocate(k, "gt_keep")) return false;
    k->hold = 0;
    if (gti_into_change(&gt_op_copy, NULL, 2, (gt_tensor *[]){&k->pub, (gt_tensor *)from}))
        return true;
    gti_release(k);
    return false;
}

static void init_kept(gti_tensor *k, const gti_tensor *old)
{
    *k = *old;
    k->base = k;
    k->node = NULL;
    k->prev = NULL;
    k->next_graded = NULL;
    k->work = NULL;
    k->flags = GTI_KEPT;
    k->pub.grad = NULL;
    k->pub.requires_grad = old->pub.requires_grad && !old->node;
    k->label = NULL;
}

gt_tensor *gt_keep(gt_tensor *t)
{
    if (!gti_tensor_usable(t, "gt_keep")) return NULL;
    gt_ctx *gt = t->ctx;
    gti_tensor *old = gti_t(t);
    if (old->flags & GTI_KEPT) return t;
    gti_tensor *k = kept_header(gt);
    if (!k) return NULL;
    init_kept(k, old);
    const bool shared = old->base != old || old->flags & GTI_SLAB;
    if (!copy_label(k, old->label) || (shared && !copy_data(k, t))) {
        k->flags |= GTI_DEAD | GTI_RELEASED;
        gti_tensor_spare(gt, k);
        return NULL;
    }
    gti_derived_drop(old);
    if (!shared) move_views(gt, old, k);
    if (gt->recorder) gt->recorder->kept++;
    return &k->pub;
}

/* Nodes and views that refer to k were made since k was; so its header can serve again after a
 * rewind to before. Where no mark was set then, it never can. */
static void retire(gt_ctx *gt, gti_tensor *k)
{
    gti_mark *m = gt->marks;
    while (m && m->clock >= k->id) m = m->outer;
    if (!m) return;
    k->prev = m->freed;
    m->freed = k;
}

void gt_free(gt_tensor *t)
{
    static const char what[] = "gt_free";
    if (!t) return;
    gt_ctx *gt = t->ctx;
    gti_tensor *k = gti_t(t);
    if (!(k->flags & GTI_KEPT)) return;
    if (k->flags & GTI_DEAD) {
        gt_fail(gt, GT_ERR_STATE, what, "the tensor was freed before");
        return;
    }
    if (k->work) {
        gt_fail(gt, GT_ERR_STATE, what, "called while gt_backward gathers the tensor's gradient");
        return;
    }
    gt_clear_grad(t);
    if (k->flags & GTI_HOOKED) gti_hooks_clear(k);
    gti_derived_drop(k);
    gti_release(k);
    k->flags |= GTI_DEAD;
    gt->freed = ++gt->clock;
    retire(gt, k);
}
