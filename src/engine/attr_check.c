/* Whether a table of attributes can be worked with. */
#include <stdio.h>
#include <string.h>

#include "engine/attrs.h"

static size_t element_size(const gt_attr *a)
{
    switch (a->kind) {
    case GT_ATTR_INT:
    case GT_ATTR_PAIR:
    case GT_ATTR_PADDING:
    case GT_ATTR_AXES:
    case GT_ATTR_CHOICE: return sizeof(int);
    case GT_ATTR_INT64: return sizeof(int64_t);
    case GT_ATTR_REAL:
    case GT_ATTR_REAL_PAIR: return sizeof(double);
    case GT_ATTR_SWITCH: return sizeof(bool);
    case GT_ATTR_SHAPE: return sizeof(gt_shape);
    case GT_ATTR_TENSOR: return a->at ? sizeof(gt_tensor *) : 0;
    }
    return 0;
}

static size_t bytes_of(const gt_attr *a)
{
    return element_size(a) * (size_t)a->count;
}

static bool is_aligned(const gt_attr *a)
{
    const size_t size = element_size(a);
    return !size || a->at % (size < sizeof(int64_t) ? size : sizeof(int64_t)) == 0;
}

static int words_in(const char *names)
{
    int n = *names != 0;
    for (; *names; names++) n += *names == ' ';
    return n;
}

static bool is_pair(const gt_attr *a)
{
    return a->kind == GT_ATTR_PAIR || a->kind == GT_ATTR_PADDING || a->kind == GT_ATTR_REAL_PAIR;
}

/* Whether the kind has room for the default. */
static bool holds_default(const gt_attr *a)
{
    const double v = a->otherwise;
    if (a->kind == GT_ATTR_REAL || a->kind == GT_ATTR_REAL_PAIR) return true;
    if (a->kind == GT_ATTR_INT64) return v >= -0x1p63 && v < 0x1p63;
    return v >= INT_MIN && v <= INT_MAX;
}

/* Whether the default is another row's value: of a row above, of one kind, if not of pairs. */
static bool has_source(const gt_attr *rows, const gt_attr *a)
{
    if (!a->same) return true;
    for (const gt_attr *b = rows; b < a; b++)
        if (b->at == a->same && is_pair(b) == is_pair(a)) return element_size(b) == sizeof(int);
    return false;
}

static const char *wrong_kind(const gt_attr *a)
{
    if ((unsigned)a->kind > GT_ATTR_TENSOR) return "is of no kind";
    if (a->count < 1) return "has a count below 1";
    if (is_pair(a) && a->count != 2) return "is no pair";
    if (a->kind >= GT_ATTR_SWITCH && a->count != 1) return "is of a kind that has one value";
    if (!holds_default(a)) return "has a default that is none of its kind";
    if (a->kind == GT_ATTR_CHOICE && !a->choices) return "has no choices";
    if (a->choices && words_in(a->choices) != (int)a->bounds.high + 1)
        return "has another number of choices than its bounds";
    return NULL;
}

static const char *wrong_place(const gt_attrs *attrs, const gt_attr *a, size_t size)
{
    const size_t first = attrs->fill ? sizeof(gt_keywords) : 0, bytes = bytes_of(a);
    if (bytes && (a->at < first || a->at > size || bytes > size - a->at))
        return attrs->fill ? "lies outside of the struct, or where the gt_keywords are"
                           : "lies outside of the struct";
    if (!is_aligned(a)) return "lies where its kind cannot: use GT_OPTION";
    if (a->length % sizeof(int) ||
        (a->length && (size < sizeof(int) || a->length > size - sizeof(int))))
        return "has its length outside of the struct";
    return has_source(attrs->row, a) ? NULL : "has its default from no row above it";
}

static const char *what_is_wrong(const gt_attrs *attrs, const gt_attr *a, size_t size)
{
    if (!a->name) return "has no name";
    const char *kind = wrong_kind(a);
    return kind ? kind : wrong_place(attrs, a, size);
}

bool gt_attrs_ok(const gt_attrs *attrs, size_t opts_size, char *why)
{
    if (attrs->n < 0 || (attrs->n > 0 && !attrs->row))
        return snprintf(why, GT_WHY, "there are %d rows, but none is given", attrs->n), false;
    for (int i = 0; i < attrs->n; i++) {
        const gt_attr *a = &attrs->row[i];
        const char *wrong = what_is_wrong(attrs, a, opts_size);
        for (int k = 0; k < i && !wrong; k++) {
            const gt_attr *b = &attrs->row[k];
            if (a->at < b->at + bytes_of(b) && b->at < a->at + bytes_of(a))
                wrong = "overlaps another";
            if (a->name[0] && b->name && !strcmp(a->name, b->name)) wrong = "has another's name";
        }
        if (!wrong) continue;
        snprintf(why, GT_WHY, "row %d, '%.40s', %s", i, a->name ? a->name : "", wrong);
        return false;
    }
    if (attrs->fill && opts_size < sizeof(gt_keywords))
        return snprintf(why, GT_WHY, "the struct has no room for its gt_keywords"), false;
    return true;
}
