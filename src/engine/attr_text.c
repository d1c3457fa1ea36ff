/* Attributes in words: values, defaults, labels, and what is wrong. */
#include <math.h>
#include <stdarg.h>
#include <string.h>

#include "engine/attrs.h"

/* Text that is written behind itself. */
typedef struct {
    char *at;
    size_t left;
} text;

static GT_PRINTF(2, 3) void add(text *t, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    const int n = gt_vsnprintf(t->at, t->left, fmt, args);
    va_end(args);
    const size_t step = n < 0 ? 0 : (size_t)n < t->left ? (size_t)n : t->left - (t->left > 0);
    t->at += step;
    t->left -= step;
}

/* --- reading --- */

const gt_attr *gt_attr_find(const gt_attrs *attrs, const char *name)
{
    for (int i = 0; name && name[0] && i < attrs->n; i++)
        if (!strcmp(attrs->row[i].name, name)) return &attrs->row[i];
    return NULL;
}

static int64_t whole_of(double v)
{
    return v >= -0x1p63 && v < 0x1p63 ? (int64_t)v : 0;
}

int64_t gt_attr_whole(const gt_attr *a, const void *opts, int i)
{
    const char *at = (const char *)opts + a->at;
    if (i < 0 || i >= a->count) return 0;
    switch (a->kind) {
    case GT_ATTR_INT:
    case GT_ATTR_PAIR:
    case GT_ATTR_PADDING:
    case GT_ATTR_CHOICE: return ((const int *)(const void *)at)[i];
    case GT_ATTR_INT64: return ((const int64_t *)(const void *)at)[i];
    case GT_ATTR_REAL:
    case GT_ATTR_REAL_PAIR: return whole_of(((const double *)(const void *)at)[i]);
    case GT_ATTR_SWITCH: return *(const bool *)(const void *)at;
    case GT_ATTR_AXES: return *(const unsigned *)(const void *)at;
    case GT_ATTR_SHAPE:
    case GT_ATTR_TENSOR: break;
    }
    return 0;
}

static bool is_real(const gt_attr *a)
{
    return a->kind == GT_ATTR_REAL || a->kind == GT_ATTR_REAL_PAIR;
}

double gt_attr_real(const gt_attr *a, const void *opts, int i)
{
    if (!is_real(a) || i < 0 || i >= a->count) return (double)gt_attr_whole(a, opts, i);
    const char *at = (const char *)opts + a->at;
    return ((const double *)(const void *)at)[i];
}

/* --- values --- */

/* Word i of names, or its number where there is none. */
static void add_name(text *t, const char *names, int64_t i)
{
    int64_t left = i;
    for (const char *at = names; i >= 0 && *at; left--) {
        const size_t n = strcspn(at, " ");
        if (left == 0) {
            add(t, "%.*s", (int)n, at);
            return;
        }
        at += n + (at[n] == ' ');
    }
    add(t, "%lld", (long long)i);
}

static void add_axes(text *t, unsigned axes)
{
    const char *before = "GT_AXES(";
    if (axes == 0) add(t, "all");
    for (int i = 0; axes && i < 30; i++) {
        const int axis = i < 15 ? i : i - 30; /* 0 to 14, -15 to -1 */
        if (!(axes >> ((unsigned)axis & 31u) & 1)) continue;
        add(t, "%s%d", before, axis);
        before = ", ";
    }
    if (axes) add(t, "%s", before[0] == 'G' ? "no axes" : ")");
}

static void add_number(text *t, const gt_attr *a, const void *opts, int i)
{
    if (a->choices) add_name(t, a->choices, gt_attr_whole(a, opts, i));
    else if (is_real(a)) add(t, "%g", gt_attr_real(a, opts, i));
    else if (a->kind == GT_ATTR_SWITCH) add(t, gt_attr_whole(a, opts, i) ? "true" : "false");
    else if (gt_attr_whole(a, opts, i) == INT64_MAX) add(t, "GT_END");
    else add(t, "%lld", (long long)gt_attr_whole(a, opts, i));
}

/* How many numbers there are to show: zeros at the end of a list go without saying. */
static int shown(const gt_attr *a, const void *opts)
{
    int n = a->count;
    if (a->length) return *(const int *)(const void *)((const char *)opts + a->length);
    while (n > 2 && gt_attr_real(a, opts, n - 1) == 0) n--;
    return n;
}

static void add_value(text *t, const gt_attr *a, const void *opts)
{
    if (a->kind == GT_ATTR_AXES) {
        add_axes(t, (unsigned)gt_attr_whole(a, opts, 0));
    } else if (a->kind == GT_ATTR_SHAPE) {
        gt_shape shape;
        char buf[128];
        memcpy(&shape, (const char *)opts + a->at, sizeof shape);
        add(t, "%s", gt_shape_format(shape, buf, sizeof buf));
    } else {
        if (a->count > 1) add(t, "{");
        for (int i = 0; i < shown(a, opts); i++) {
            if (i) add(t, ", ");
            add_number(t, a, opts, i);
        }
        if (a->count > 1) add(t, "}");
    }
}

static text begin(char *buf, size_t size)
{
    if (size > 0) buf[0] = 0;
    return (text){buf, size};
}

char *gt_attr_format(const gt_attr *a, const void *opts, char *buf, size_t size)
{
    text t = begin(buf, size);
    add_value(&t, a, opts);
    return buf;
}

/* --- defaults --- */

char *gt_attr_default(const gt_attrs *attrs, const gt_attr *a, char *buf, size_t size)
{
    text t = begin(buf, size);
    const char *same = NULL;
    for (int i = 0; a->same && i < attrs->n; i++)
        if (attrs->row[i].at == a->same) same = attrs->row[i].name;
    if (a->usual || same) add(&t, "%s", a->usual ? a->usual : same);
    else if (a->argument || a->required) add(&t, "required");
    else if (a->kind == GT_ATTR_TENSOR) add(&t, "none");
    else if (a->kind == GT_ATTR_AXES) add(&t, "all");
    else if (a->kind == GT_ATTR_SWITCH) add(&t, "false");
    else if (a->choices) add_name(&t, a->choices, (int64_t)a->otherwise);
    else add(&t, a->count > 1 ? "{%g}" : "%g", a->otherwise);
    return buf;
}

/* Whether number i of an option is what it is where nothing is given. */
static bool is_usual(const gt_attrs *attrs, const gt_attr *a, const void *opts, int i)
{
    const double v = gt_attr_real(a, opts, i);
    for (int k = 0; a->same && k < attrs->n; k++)
        if (attrs->row[k].at == a->same) return v == gt_attr_real(&attrs->row[k], opts, i);
    return v == a->otherwise || (isnan(v) && isnan(a->otherwise));
}

/* Arguments go without saying only where they are a switch that is off. */
static bool is_worth_saying(const gt_attrs *attrs, const gt_attr *a, const void *opts)
{
    if (a->kind == GT_ATTR_TENSOR || !a->name[0]) return false;
    if (a->kind == GT_ATTR_SWITCH) return gt_attr_whole(a, opts, 0) != 0;
    if (a->argument || a->required || a->kind == GT_ATTR_SHAPE) return true;
    for (int i = 0; i < a->count; i++)
        if (!is_usual(attrs, a, opts, i)) return true;
    return false;
}

char *gt_attrs_format(const gt_attrs *attrs, const void *opts, char *buf, size_t size)
{
    text t = begin(buf, size);
    const char *between = "";
    for (int i = 0; i < attrs->n; i++) {
        if (!is_worth_saying(attrs, &attrs->row[i], opts)) continue;
        add(&t, "%s%s=", between, attrs->row[i].name);
        add_value(&t, &attrs->row[i], opts);
        between = ", ";
    }
    return buf;
}

/* --- what is wrong --- */

/* "GT_MEAN, GT_SUM or GT_NONE" */
static void add_choices(text *t, const gt_attr *a)
{
    const int last = (int)a->bounds.high;
    for (int i = 0; i <= last; i++) {
        if (i) add(t, i == last ? " or " : ", ");
        add_name(t, a->choices, i);
    }
}

static void add_interval(text *t, const gt_bounds *b)
{
    const bool above = b->but & GT_NOT_LOW, below = b->but & GT_NOT_HIGH;
    const bool has_low = b->low > -DBL_MAX, has_high = b->high < DBL_MAX;
    if (has_low && has_high && !above && !below) add(t, "in %g..%g", b->low, b->high);
    else if (has_low && has_high)
        add(t, "%s %g and %s %g", above ? "above" : "at least", b->low, below ? "below" : "at most",
            b->high);
    else if (has_low && b->low == 0) add(t, above ? "positive" : "not negative");
    else if (has_low) add(t, "%s %g", above ? "above" : "at least", b->low);
    else if (has_high) add(t, "%s %g", below ? "below" : "at most", b->high);
    else add(t, b->but & GT_OR_INFINITE ? "a number" : "finite");
}

static void add_bounds(text *t, const gt_attr *a)
{
    const gt_bounds *b = &a->bounds;
    const bool whole = !is_real(a), above = b->low > -DBL_MAX;
    if (a->choices) {
        add(t, ", must be ");
        add_choices(t, a);
    } else if (whole && b->low == 0 && b->high == DBL_MAX && !b->but) {
        add(t, ", must not be negative");
    } else {
        add(t, ", must be ");
        if (!whole && b->high == DBL_MAX && above) add(t, "finite and ");
        if (!whole || above || b->high < DBL_MAX) add_interval(t, b);
        if (b->but & GT_NOT_ZERO) add(t, whole && !above ? "another number" : " and not 0");
    }
}

char *gti_attr_wrong(const gt_attr *a, const void *opts, char why[GT_WHY])
{
    text t = begin(why, GT_WHY);
    if (!opts) {
        add(&t, "no %s is given: .%s = %s", a->name, a->name,
            a->kind == GT_ATTR_PAIR ? "{2}, or {height, width}" : "2");
        return why;
    }
    add(&t, "%s is ", a->name);
    add_value(&t, a, opts);
    add_bounds(&t, a);
    return why;
}
