/* Compares the model with the library. */
#include <math.h>
#include <stdarg.h>
#include <string.h>

#include "program.h"

void differ(run *r, const char *format, ...)
{
    if (r->different) return;
    r->different = true;
    va_list args;
    va_start(args, format);
    vsnprintf(r->difference, sizeof r->difference, format, args);
    va_end(args);
}

/* --- errors --- */

static void compare_context(run *r, int i)
{
    const context *c = &r->m->context[i];
    const gt_status code = gt_error_code(c->real), right = c->failed ? c->code : GT_OK;
    const char *message = gt_error_message(c->real);
    if (code != right && !(c->failed && code == c->other_code))
        differ(r, "context %d: error %s instead of %s: %s", i, gt_status_name(code),
               gt_status_name(right), message);
    else if (c->failed && c->message && !strstr(message, c->message))
        differ(r, "context %d: no \"%s\" in: %s", i, c->message, message);
    if (gt_is_recording_all(c->real) != c->recording_all)
        differ(r, "context %d: recording of all is wrong", i);
    if (gt_is_recording(c->real) != c->recording) differ(r, "context %d: recording is wrong", i);
}

static void compare_status(run *r, const outcome *o)
{
    if (!o->has_status || o->status == o->real_status) return;
    if ((o->status == GT_OK) == (o->real_status == GT_OK)) return; /* compare_context sees to it */
    differ(r, "status %s instead of %s", gt_status_name(o->real_status), gt_status_name(o->status));
}

static void compare_homeless(run *r)
{
    if (gt_error_code(NULL) != r->m->homeless)
        differ(r, "without a context: %s instead of %s: %s", gt_status_name(gt_error_code(NULL)),
               gt_status_name(r->m->homeless), gt_error_message(NULL));
    gt_error_clear(NULL);
}

/* --- values --- */

static bool near(double a, double b, double error)
{
    return fabs(a - b) <= 8 * error;
}

static void compare_values(run *r, const tensor *t, const gt_tensor *got)
{
    if (!gt_shape_equal(got->shape, t->shape) || got->dtype != t->dtype) {
        differ(r, "shape or dtype is wrong");
        return;
    }
    for (int i = 0; i < t->size; i++)
        if (!near(gt_load_element(got, i), t->data->value[i], t->data->error))
            differ(r, "element %d is %.17g instead of %.17g", i, gt_load_element(got, i),
                   t->data->value[i]);
}

/* --- tensors --- */

/* Whether both can be used; if neither can, both must say so for the same reason. */
static bool compare_use(run *r, const tensor *t, const gt_tensor *got)
{
    const char *why = gt_unusable(got), *right = unusable(t);
    if (right ? !why || !strstr(why, right) : why != NULL)
        differ(r, "%s; it should be: %s", why ? why : "can be used", right ? right : "usable");
    return !why && !right;
}

static void compare_grad(run *r, const tensor *t)
{
    const gt_tensor *got = t->real->grad;
    if (!t->grad != !got) differ(r, "its grad is %s", got ? "not NULL" : "NULL");
    if (!t->grad || !got || t->grad->data->vague) return;
    if (compare_use(r, t->grad, got)) compare_values(r, t->grad, got);
    if (t->grad->real && t->grad->real != got) differ(r, "is another tensor");
}

static void compare_live(run *r, const tensor *t)
{
    const gt_tensor *got = t->real;
    compare_values(r, t, got);
    if (got->requires_grad != t->requires) differ(r, "requires_grad is wrong");
    if (strcmp(gt_name(got), t->name) != 0) differ(r, "its name is not '%s'", t->name);
}

/* Puts the name of t, as programs are printed, before the difference. */
static void name_difference(run *r, const tensor *t, const char *field)
{
    char text[sizeof r->difference];
    int slot = 0;
    for (int i = 0; i < STATEMENTS * RESULTS; i++)
        if (r->m->slot[i] == t) slot = i;
    memcpy(text, r->difference, sizeof text);
    snprintf(r->difference, sizeof r->difference, "t%d_%d%s: %.480s", slot / RESULTS,
             slot % RESULTS, field, text);
}

static void compare_tensor(run *r, const tensor *t)
{
    if (t->data->vague) {
        if (!gt_unusable(t->real) && !unusable(t)) compare_live(r, t);
    } else if (compare_use(r, t, t->real)) {
        compare_live(r, t);
    }
    if (r->different) {
        name_difference(r, t, "");
        return;
    }
    if (!t->dead) compare_grad(r, t);
    if (r->different) name_difference(r, t, "->grad");
}

static void compare_hook(run *r, const hook *h)
{
    if (h->calls != h->expected) {
        differ(r, "the hook of statement %d was called %d times instead of %d", h->statement,
               h->calls, h->expected);
        return;
    }
    if (!h->calls) return;
    if (h->seen_size != h->size) differ(r, "the hook of statement %d: wrong size", h->statement);
    for (int i = 0; i < h->size; i++)
        if (!near(h->seen[i], h->want[i], h->error))
            differ(r, "the hook of statement %d saw %.17g instead of %.17g at %d", h->statement,
                   h->seen[i], h->want[i], i);
}

void compare(run *r, const statement *s)
{
    const model *m = r->m;
    compare_homeless(r);
    for (int i = 0; i < CONTEXTS; i++) compare_context(r, i);
    compare_status(r, &r->outcomes[s->id]);
    for (int i = 0; i < m->n_hooks && !r->different; i++) compare_hook(r, &m->hooks[i]);
    for (int i = 0; i < m->n_tensors && !r->different; i++)
        if (m->tensors[i].real && !m->tensors[i].lost) compare_tensor(r, &m->tensors[i]);
}
