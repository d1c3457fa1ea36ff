/* What the host does within a step, so that a captured step can do it again. */
#include <string.h>

#include "engine/context.h"

static bool no_memory(gt_ctx *gt)
{
    gt_fail(gt, GT_ERR_MEMORY, "gt_capture", "out of memory");
    return false;
}

/* A call in the list, at time `id`. */
static bool note(gt_ctx *gt, gti_host call, size_t size)
{
    const size_t pointers = (size_t)call.n * sizeof *call.t;
    gti_host *h = gti_arena_get(&gt->step, sizeof *h + pointers + size);
    if (!h) return no_memory(gt);
    gt_tensor **t = (gt_tensor **)(h + 1);
    for (int i = 0; i < call.n; i++) t[i] = call.t[i];
    if (size) memcpy(t + call.n, call.user, size);
    *h = call;
    h->t = t;
    h->user = t + call.n;
    h->next = gt->recorder->hosts;
    gt->recorder->hosts = h;
    return true;
}

bool gt_host_call(gt_ctx *gt, gt_host_fn fn, int n, gt_tensor *const t[], const void *data,
                  size_t size)
{
    if (!fn(t, data)) return false;
    if (!gt->recorder) return true;
    const gti_host call = {.fn = fn, .t = (gt_tensor **)t, .n = n, .user = data, .id = ++gt->clock};
    return note(gt, call, size);
}

bool gt_host_only(gt_ctx *gt, const char *what, const char *hint)
{
    if (!gt->recorder) return false;
    gt_fail(gt, GT_ERR_STATE, what,
            "called within a step that is being captured, which a replay could not do again\n"
            "  hint: %s",
            hint);
    return true;
}

/* t's values, as `data` has them. */
static bool host_restore(gt_tensor *const t[], const void *data)
{
    memcpy(t[0]->data, data, (size_t)t[0]->size * gt_dtype_size(t[0]->dtype));
    return true;
}

bool gti_host_keep_values(gt_tensor *t)
{
    gt_ctx *gt = t->ctx;
    gti_tensor *base = gti_t(t)->base;
    const bool from_host = base->id > gt->recorder->since && !(base->flags & GTI_KEPT) &&
                           !base->node && !base->version;
    if (!from_host) return true;
    gt_tensor *whole = &base->pub;
    const void *values = whole->data;
    const gti_host call = {.fn = host_restore, .t = &whole, .n = 1, .user = values, .id = base->id};
    return note(gt, call, (size_t)whole->size * gt_dtype_size(whole->dtype));
}
