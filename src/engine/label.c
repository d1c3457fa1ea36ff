/* What few tensors have: names, owners, and what hangs on them: hooks, what was derived from them.
 * A label lives as long as its tensor: in kept memory, unless the tensor was made since the
 * innermost mark and so is dropped whenever the arena goes back to before the label. */
#include <string.h>

#include "engine/context.h"

static gti_label *new_label(gt_ctx *gt, bool lasting)
{
    gti_label *l = lasting ? gt->free_labels : NULL;
    if (l) gt->free_labels = l->next;
    else l = gti_arena_get(lasting ? &gt->kept : &gt->step, sizeof *l);
    if (l) *l = (gti_label){.lasting = lasting};
    return l;
}

gti_label *gti_label_try(gt_tensor *t)
{
    gti_tensor *p = gti_t(t);
    if (p->label) return p->label;
    p->label = new_label(t->ctx, gti_outlives_step(p));
    if (p->label && p->label->lasting) p->flags |= GTI_LASTING;
    return p->label;
}

gti_label *gti_label_of(gt_tensor *t, const char *what)
{
    gti_label *l = gti_label_try(t);
    if (!l) gt_fail(t->ctx, GT_ERR_MEMORY, what, "out of memory for a name, hook or weight");
    return l;
}

void gti_label_clear(gti_tensor *t)
{
    gti_label *l = t->label;
    if (!l) return;
    gti_hooks_clear(t);
    gti_derived_drop(t);
    t->label = NULL;
    if (!l->lasting) return;
    l->next = t->pub.ctx->free_labels;
    t->pub.ctx->free_labels = l;
}

gt_tensor *gt_set_name(gt_tensor *t, const char *name)
{
    if (!gti_tensor_usable(t, "gt_set_name")) return NULL;
    gti_label *l = gti_label_of(t, "gt_set_name");
    if (!l) return NULL;
    snprintf(l->name, sizeof l->name, "%s", name ? name : "");
    return t;
}

const char *gt_name(const gt_tensor *t)
{
    return t && gti_t(t)->label ? gti_t(t)->label->name : "";
}

void gt_set_owner(gt_tensor *t, const gt_scope *owner)
{
    if (!gti_tensor_usable(t, "gt_set_owner")) return;
    gti_label *l = gti_label_of(t, "gt_set_owner");
    if (l) l->owner = owner;
}

int gt_share(gt_tensor *t, int more)
{
    gti_label *l = t && !gt_unusable(t) ? gti_label_of(t, "gt_share") : NULL;
    return l ? l->users += more : 0;
}

const gt_scope *gt_owner(const gt_tensor *t)
{
    return t && gti_t(t)->label ? gti_t(t)->label->owner : NULL;
}
