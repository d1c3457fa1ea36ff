/* Failures: sticky in the context, with the place of the user's call. */
#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "engine/context.h"

/* A failure on this thread whose place is still to be noted, and the message of the last failure
 * that had no context. */
static _Thread_local gti_error *pending;
static _Thread_local gti_error homeless;

static void add_tail(gti_error *e, const char *fmt, va_list args)
{
    const size_t used = strlen(e->tail);
    gt_vsnprintf(e->tail + used, sizeof e->tail - used, fmt, args);
}

static void GT_PRINTF(2, 3) append(gti_error *e, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    add_tail(e, fmt, args);
    va_end(args);
}

/* "what (where): text", and the tail. */
static void compose(gti_error *e)
{
    const bool what = e->what[0] != 0;
    snprintf(e->message, sizeof e->message, "%s%s%s%s%s%s%s", e->what, what && e->where ? " " : "",
             e->where ? "(" : "", e->where ? gti_naming_site(e->where) : "", e->where ? ")" : "",
             what || e->where ? ": " : "", e->text);
    const size_t used = strlen(e->message);
    snprintf(e->message + used, sizeof e->message - used, "%s", e->tail);
}

/* The function that the program called, where one runs: in a sweep the rules call them. */
static const char *called(const gt_ctx *gt)
{
    const gt_call *call = gt && !gti_in_sweep(gt) ? gt_scope_call(gt->scope) : NULL;
    return call ? call->scope.name : NULL;
}

/* "conv2d 'net.conv1'": what was called, and the module that is running, if any. */
static void set_what(gti_error *e, const char *what, const gt_scope *scope)
{
    char path[128];
    gt_scope_path(scope, path, sizeof path);
    snprintf(e->what, sizeof e->what, what && path[0] ? "%.48s '%s'" : "%.48s", what ? what : "",
             path);
}

/* What failed within a function comes before the text: "in mul_or_zero: ". */
void gti_error_fail_v(gt_ctx *gt, gt_status code, const char *what, const char *fmt, va_list args)
{
    if (gt && gt->failed) return;
    gti_error *e = gt ? &gt->error : &homeless;
    if (pending && pending != e) gti_tell(pending);
    e->status = code;
    e->ctx = gt;
    e->untold = true;
    e->where = NULL;
    const char *function = called(gt);
    set_what(e, function ? function : what, gt ? gt->scope : NULL);
    e->text[0] = 0;
    if (function && what && strcmp(function, what) != 0)
        snprintf(e->text, sizeof e->text, "in %.48s: ", what);
    const size_t used = strlen(e->text);
    gt_vsnprintf(e->text + used, sizeof e->text - used, fmt, args);
    e->tail[0] = 0;
    compose(e);
    pending = e;
    if (gt) gt->failed = true;
}

gt_status gt_fail(gt_ctx *gt, gt_status code, const char *what, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    gti_error_fail_v(gt, code, what, fmt, args);
    va_end(args);
    return code;
}

void gt_note_site_(const char *where)
{
    gti_error *e = pending;
    if (!e) return;
    if (!e->where) e->where = where;
    compose(e);
    pending = NULL;
    gti_tell(e);
}

void gti_error_note(gt_ctx *gt, const char *fmt, ...)
{
    append(&gt->error, "\n  ");
    va_list args;
    va_start(args, fmt);
    add_tail(&gt->error, fmt, args);
    va_end(args);
    compose(&gt->error);
}

void gti_error_skip(void)
{
    if (pending) gti_tell(pending);
    pending = NULL;
}

void gti_error_forget(gt_ctx *gt)
{
    if (pending == &gt->error) pending = NULL;
    gti_tell(&gt->error);
}

bool gt_failed(const gt_ctx *gt)
{
    if (!gt) return homeless.status != GT_OK;
    return gt->failed;
}

gt_status gt_error_code(const gt_ctx *gt)
{
    return gt ? gt->error.status : homeless.status;
}

const char *gt_error_message(const gt_ctx *gt)
{
    gti_error *e = gt ? (gti_error *)&gt->error : &homeless;
    if (e->status == GT_OK) return "";
    gti_tell_read(e);
    gti_tell(e);
    return e->message;
}

void gt_error_clear(gt_ctx *gt)
{
    if (gt == gti_context_dead()) return;
    gti_error *e = gt ? &gt->error : &homeless;
    if (pending == e) pending = NULL;
    gti_tell(e);
    e->status = GT_OK;
    e->message[0] = 0;
    if (gt) gt->failed = false;
}

void gt_set_abort_on_error(gt_ctx *gt, bool on)
{
    if (gt && gt != gti_context_dead()) gt->abort_on_error = on;
}

const char *gt_status_name(gt_status status)
{
    static const char *const name[] = {"ok",     "argument", "shape",  "dtype",   "state",
                                       "memory", "io",       "format", "numeric", "unsupported"};
    const size_t i = (size_t)status;
    return i < sizeof name / sizeof *name ? name[i] : "?";
}

gt_status gt_status_of_errno(int why)
{
    return why == ENOMEM ? GT_ERR_MEMORY : GT_ERR_IO;
}

bool gt_is_name(const char *name, size_t most, char *why)
{
    const size_t size = name ? strlen(name) : 0;
    size_t good = 0;
    while (good < size && (unsigned char)name[good] >= 0x20 && name[good] != 0x7f) good++;
    *why = 0;
    if (!size) snprintf(why, GT_WHY, "is %s", name ? "empty" : "NULL");
    else if (good < size)
        snprintf(why, GT_WHY, "holds the control character 0x%02x behind '%.*s'",
                 (unsigned)(unsigned char)name[good], good < 64 ? (int)good : 64, name);
    else if (size > most)
        snprintf(why, GT_WHY, "has %zu bytes, can have %zu: '%.64s...'", size, most, name);
    return !*why;
}

/* --- failures of operations --- */

const char *gt_op_input_name(const gt_op *op, int i, char *buf, size_t size)
{
    const char *p = op->inputs ? op->inputs : "input";
    int word = 0;
    const char *space;
    while (word < i && (space = strchr(p, ' '))) {
        p = space + 1;
        word++;
    }
    const int length = (int)strcspn(p, " ");
    const bool numbered = word < i || op->n_in < 0 || !op->inputs;
    if (numbered) snprintf(buf, size, "%.*s%d", length, p, i - word);
    else snprintf(buf, size, "%.*s", length, p);
    return buf;
}

enum { NAMED_INPUTS = 8 }; /* in a message */

static void append_inputs(gt_ctx *gt, const gt_node *n)
{
    for (int i = 0; i < n->n_in && i < NAMED_INPUTS; i++) {
        char name[64], shape[128];
        gt_op_input_name(n->op, i, name, sizeof name);
        gt_shape_format(n->in[i]->shape, shape, sizeof shape);
        append(&gt->error, "%s  %s %s", i ? "" : "\n", name, shape);
    }
    if (n->n_in > NAMED_INPUTS) append(&gt->error, "  ... %d inputs in all", n->n_in);
}

bool gt_op_fail(const gt_node *n, gt_status code, const char *fmt, ...)
{
    gt_ctx *gt = n->in[0]->ctx;
    if (gt->failed) return false;
    va_list args;
    va_start(args, fmt);
    gti_error_fail_v(gt, code, n->op->name, fmt, args);
    va_end(args);
    append_inputs(gt, n);
    compose(&gt->error);
    return false;
}

bool gt_op_hint(const gt_node *n, const char *fmt, ...)
{
    gt_ctx *gt = n->in[0]->ctx;
    append(&gt->error, "\n  hint: ");
    va_list args;
    va_start(args, fmt);
    add_tail(&gt->error, fmt, args);
    va_end(args);
    compose(&gt->error);
    return false;
}
