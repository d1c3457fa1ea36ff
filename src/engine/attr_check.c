/* Whether a table of attributes can be worked with. */
#include <stdio.h>
#include <string.h>

#include "engine/attrs.h"

static size_t bytes_of(const gt_attr *a)
{
    switch (a->kind) {
    case GT_ATTR_INT:
    case GT_ATTR_PAIR:
    case GT_ATTR_PADDING:
    case GT_ATTR_AXES:
    case GT_ATTR_CHOICE: return sizeof(int) * (size_t)a->count;
    case GT_ATTR_INT64: return sizeof(int64_t) * (size_t)a->count;
    case GT_ATTR_REAL:
    case GT_ATTR_REAL_PAIR: return sizeof(double) * (size_t)a->count;
    case GT_ATTR_SWITCH: return sizeof(bool);
    case GT_ATTR_SHAPE: return sizeof(gt_shape);
    case GT_ATTR_TENSOR: return a->at ? sizeof(gt_tensor *) : 0;
    }
    return 0;
}

static int words_in(const char *names)
{
    int n = *names != 0;
    for (; *names; names++) n += *names == ' ';
    return n;
}

static const char *what_is_wrong(const gt_attrs *attrs, const gt_attr *a, size_t size)
{
    const size_t first = attrs->fill ? sizeof(gt_keywords) : 0, bytes = bytes_of(a);
    if (!a->name) return "has no name";
    if (a->count < 1) return "has a count below 1";
    if (bytes && (a->at < first || a->at > size || bytes > size - a->at))
        return attrs->fill ? "lies outside of the struct, or where the gt_keywords are"
                           : "lies outside of the struct";
    const bool pair = a->kind == GT_ATTR_PAIR || a->kind == GT_ATTR_PADDING;
    if (pair && a->count != 2) return "is no pair";
    if (a->kind == GT_ATTR_CHOICE && !a->choices) return "has no choices";
    if (a->choices && words_in(a->choices) != (int)a->bounds.high + 1)
        return "has another number of choices than its bounds";
    return NULL;
}

bool gt_attrs_ok(const gt_attrs *attrs, size_t opts_size, char *why)
{
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
    return true;
}
