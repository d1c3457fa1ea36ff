/* Hooks in the model. */
#include <string.h>

#include "model.h"

static void expect(hook *h, const tensor *g)
{
    h->expected++;
    h->size = g->size;
    h->error = g->data->error;
    memcpy(h->want, g->data->value, sizeof h->want);
}

/* gt_keep of a gradient: a constant of its own. */
static void keep(model *m, hook *h, const tensor *g, bool create)
{
    tensor *k = new_tensor(m, g->context, g->dtype, g->shape);
    if (!k) return;
    k->kept = true;
    k->lifted = create;
    memcpy(k->own.value, g->data->value, sizeof k->own.value);
    k->own.error = g->data->error;
    h->kept = k;
}

/* The failure of those that a sweep does not survive. */
static void fail_in(model *m, const hook *h)
{
    const int at = h->on->context;
    switch (h->action) {
    case FAIL_IN_IT: fail(m, at, GT_ERR_SHAPE, "in a hook on"); break;
    case FILL_IT: fail(m, at, GT_ERR_STATE, "changed the gradient in place"); break;
    case OTHER_SHAPE: fail(m, at, GT_ERR_STATE, "a gradient of another shape"); break;
    case REWIND_IN_IT: fail(m, at, GT_ERR_STATE, "gt_rewind"); break;
    case FREE_IN_IT: fail(m, at, GT_ERR_STATE, "gt_free"); break;
    default: fail(m, at, GT_ERR_STATE, "gt_backward"); break;
    }
}

static bool give(model *m, const hook *h, tensor *t)
{
    const tensor *g = h->other;
    if (!g) return true;
    if (g->lost || g->data->vague) m->unsure = true;
    const char *why = g->context != t->context              ? "another context"
                      : unusable(g)                         ? unusable(g)
                      : g->dtype != t->dtype                ? "of another dtype"
                      : !gt_shape_equal(g->shape, t->shape) ? "of another shape"
                                                            : NULL;
    if (why) {
        fail(m, t->context, GT_ERR_STATE, why);
        return false;
    }
    t->work = h->other;
    t->work->data->handed = true;
    return !m->unsure;
}

static bool call(model *m, hook *h, tensor *t, bool create)
{
    tensor *g = t->work;
    expect(h, g);
    switch (h->action) {
    case OBSERVE: return true;
    case KEEP_IT: keep(m, h, g, create); return !m->unsure;
    case DOUBLE_IT: t->work = scaled(m, g, 2, create); return t->work != NULL;
    case GIVE_OTHER: return give(m, h, t);
    case FREE_IN_IT:
        if (!t->kept) return true;
        break;
    default: break;
    }
    fail_in(m, h);
    return false;
}

bool run_hooks(model *m, tensor *t, bool create)
{
    for (int i = 0; i < m->n_hooks; i++)
        if (m->hooks[i].on == t && !call(m, &m->hooks[i], t, create)) return false;
    return true;
}
