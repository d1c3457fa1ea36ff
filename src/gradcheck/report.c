/* What the checker says. */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "gradcheck/check.h"

const char *gt_verdict_name(gt_verdict verdict)
{
    static const char *const name[] = {"PASS", "FAIL", "INCONCLUSIVE"};
    return (unsigned)verdict < sizeof name / sizeof *name ? name[verdict] : "?";
}

const char *gt_gradcheck_kind_name(gt_gradcheck_kind kind)
{
    static const char *const name[] = {
        [GT_GRADCHECK_NOTHING] = "none",
        [GT_GRADCHECK_DERIVATIVE] = "derivative",
        [GT_GRADCHECK_KINK] = "kink",
        [GT_GRADCHECK_VACUOUS] = "vacuous",
        [GT_GRADCHECK_UNSURE] = "unsure",
        [GT_GRADCHECK_NAN] = "nan",
        [GT_GRADCHECK_UNWRITTEN] = "unwritten",
        [GT_GRADCHECK_UPSTREAM] = "upstream",
        [GT_GRADCHECK_MUTATED] = "mutated",
        [GT_GRADCHECK_RANDOM] = "random",
        [GT_GRADCHECK_SUBSET] = "subset",
        [GT_GRADCHECK_SAME] = "same",
        [GT_GRADCHECK_ACCUMULATE] = "accumulate",
        [GT_GRADCHECK_SHAPE] = "shape",
        [GT_GRADCHECK_PRECISION] = "precision",
        [GT_GRADCHECK_SYMMETRY] = "symmetry",
        [GT_GRADCHECK_DIFFERENT] = "different",
        [GT_GRADCHECK_ERROR] = "error",
    };
    return (unsigned)kind < sizeof name / sizeof *name ? name[kind] : "?";
}

void gt_gradcheck_print(const gt_gradcheck_report *report, FILE *file)
{
    fputs(report->message, file);
}

/* "nan" for each number "-nan": that sign is the processor's, and says nothing. */
static void unsign_nans(char *text)
{
    for (char *s = text; (s = strstr(s, "-nan")); s++) {
        const bool whole = s == text || strchr(" (,", s[-1]);
        if (whole && !isalnum((unsigned char)s[4])) memmove(s, s + 1, strlen(s));
    }
}

static void append_v(gti_check *c, const char *fmt, va_list args)
{
    char *end = c->r->message + c->text;
    if (gt_vsnprintf(end, sizeof c->r->message - c->text, fmt, args) < 0) return;
    unsign_nans(end);
    c->text += strlen(end);
}

void gti_check_append(gti_check *c, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    append_v(c, fmt, args);
    va_end(args);
}

static const char *subject(const gti_check *c)
{
    return c->o.name ? c->o.name : c->op ? c->op->name : "function";
}

/* In a line of text, which a long name leaves room for. */
static void append_name(gti_check *c, const char *name)
{
    char line[256];
    snprintf(line, sizeof line, "%s", name);
    for (char *s = line; *s; s++)
        if ((unsigned char)*s < ' ') *s = ' ';
    gti_check_append(c, "%s", line);
}

void gti_check_head(gti_check *c, gt_verdict verdict, gt_gradcheck_kind kind)
{
    c->r->verdict = verdict;
    c->r->kind = kind;
    c->r->hint[0] = '\0';
    c->text = 0;
    gti_check_append(c, "gradcheck %s  ", gt_verdict_name(verdict));
    append_name(c, subject(c));
    if (c->r->sample >= 0) gti_check_append(c, "  sample %d", c->r->sample);
    if (c->label) gti_check_append(c, " (%s)", c->label);
    const bool differences = c->precision == &gti_precision_f32;
    if (c->o.f32 || differences) gti_check_append(c, "  f32");
    if (!c->o.f32 || differences) gti_check_append(c, "  order %d", c->r->order);
}

void gti_check_line_of_text(gti_check *c, const char *fmt, ...)
{
    va_list args;
    gti_check_append(c, "\n  ");
    va_start(args, fmt);
    append_v(c, fmt, args);
    va_end(args);
}

static void set_hint_v(gti_check *c, const char *fmt, va_list args)
{
    gt_vsnprintf(c->r->hint, sizeof c->r->hint, fmt, args);
    unsign_nans(c->r->hint);
}

void gti_check_hint(gti_check *c, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    set_hint_v(c, fmt, args);
    va_end(args);
}

/* What program knows the operation; NULL: none. */
static const char *command_for(const gti_check *c)
{
    const gt_op_info *info = c->op ? gt_op_find(c->op->name) : NULL;
    if (!c->op || c->r->sample < 0) return NULL;
    if (c->o.command) return c->o.command;
    return info && info->op == c->op ? "gradtape check" : NULL;
}

/* The command, or the option, that repeats the check. */
static void append_again(gti_check *c)
{
    const char *command = command_for(c);
    const unsigned long long seed = c->r->seed;
    if (!command) {
        gti_check_append(c, "\n  again: with .seed = %llu", seed);
        return;
    }
    gti_check_append(c, "\n  again: %s --sample %d --seed %llu", command, c->r->sample, seed);
    if (c->o.f32) gti_check_append(c, " --dtype f32");
    else if (c->r->order == 2) gti_check_append(c, " --order 2");
    gti_check_append(c, " %s", c->op->name);
}

bool gti_check_finish(gti_check *c)
{
    if (c->tally) gti_check_report_inputs(c);
    if (c->r->hint[0]) gti_check_append(c, "\n  hint: %s", c->r->hint);
    if (c->r->verdict != GT_PASS) append_again(c);
    gti_check_append(c, "\n");
    return false;
}

static bool fail_v(gti_check *c, gt_gradcheck_kind kind, const char *hint, const char *fmt,
                   va_list args)
{
    gti_check_head(c, GT_FAIL, kind);
    gti_check_append(c, "\n  ");
    append_v(c, fmt, args);
    gti_check_hint(c, "%s", hint);
    return gti_check_finish(c);
}

bool gti_check_fail(gti_check *c, gt_gradcheck_kind kind, const char *hint, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    fail_v(c, kind, hint, fmt, args);
    va_end(args);
    return false;
}

bool gti_check_refuse(gti_check *c, const char *hint, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    fail_v(c, GT_GRADCHECK_ERROR, hint, fmt, args);
    va_end(args);
    return false;
}

/* Lines of a message, indented. */
static void append_message(gti_check *c, const char *message)
{
    for (const char *line = message; *line;) {
        const size_t length = strcspn(line, "\n");
        gti_check_append(c, "\n  %.*s", (int)length, line);
        line += length;
        while (*line == '\n') line++;
    }
}

static const char *hint_for_error(const gti_check *c)
{
    if (gt_error_code(c->gt) == GT_ERR_SHAPE && c->error_hint) return c->error_hint;
    if (gt_error_code(c->gt) != GT_ERR_DTYPE || !c->fn) return "";
    for (int i = 0; i < c->fn->n_in; i++)
        if (c->fn->in[i] && c->fn->in[i]->dtype == GT_F32)
            return "an input is f32; the checker works in f64: make it with .dtype = GT_F64";
    return "";
}

bool gti_check_alive(gti_check *c)
{
    if (!gt_failed(c->gt)) return true;
    gti_check_head(c, GT_FAIL, GT_GRADCHECK_ERROR);
    append_message(c, gt_error_message(c->gt));
    gti_check_hint(c, "%s", hint_for_error(c));
    gt_error_clear(c->gt);
    return gti_check_finish(c);
}

/* --- naming elements --- */

void gti_check_unravel(gt_shape shape, int64_t at, int64_t index[GT_MAX_DIMS])
{
    for (int d = 0; d < GT_MAX_DIMS; d++) index[d] = 0;
    for (int d = shape.ndim - 1; d >= 0; d--) {
        index[d] = at % shape.dim[d];
        at /= shape.dim[d];
    }
}

int gti_check_part(const gti_part *part, int n, int64_t at)
{
    int low = 0, high = n;
    while (low < high) {
        const int middle = low + (high - low) / 2;
        if (part[middle].offset + part[middle].size <= at) low = middle + 1;
        else high = middle;
    }
    return low;
}

char *gti_check_element(const gti_part *part, int64_t k, char *buf, size_t size)
{
    int64_t index[GT_MAX_DIMS];
    gti_check_unravel(part->shape, k, index);
    size_t used = (size_t)snprintf(buf, size, "%s", part->name);
    for (int d = 0; d < part->shape.ndim && used < size; d++)
        used += (size_t)snprintf(buf + used, size - used, "%s%lld%s", d ? "," : "[",
                                 (long long)index[d], d + 1 < part->shape.ndim ? "" : "]");
    return buf;
}

char *gti_check_place(const gti_part *part, int n, int64_t at, char *buf, size_t size)
{
    const gti_part *p = &part[gti_check_part(part, n, at)];
    return gti_check_element(p, at - p->offset, buf, size);
}
