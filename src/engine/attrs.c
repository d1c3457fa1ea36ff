/* Completing options: defaults filled in, values held against their bounds. */
#include "engine/attrs.h"

#include <math.h>
#include <string.h>

struct gt_no_options_by_place {
    char nothing;
};
const struct gt_no_options_by_place gt_complete_mark = {0};

/* --- bounds --- */

static bool inside(const gt_attr *a, double v)
{
    const gt_bounds *b = &a->bounds;
    if (b->low == 0 && b->high == 0 && !b->but) return true;
    if (isinf(v)) return (b->but & GT_OR_INFINITE) != 0;
    return v >= b->low && v <= b->high && !(v == b->low && b->but & GT_NOT_LOW) &&
           !(v == b->high && b->but & GT_NOT_HIGH) && !(v == 0 && b->but & GT_NOT_ZERO);
}

/* --- filling in: whether the attribute is complete and within its bounds --- */

/* Where the default comes from: `same`, or `otherwise`. */
static inline double usual(const gt_attr *a, const char *opts, int i)
{
    const int *same = (const int *)(const void *)(opts + a->same);
    return a->same ? same[a->kind == GT_ATTR_PAIR ? i : 0] : a->otherwise;
}

static inline bool fill_int(const gt_attr *a, char *opts, int *v, int i)
{
    if (*v == 0 && !a->argument) {
        *v = (int)usual(a, opts, i);
        return true;
    }
    if (*v == GT_ZERO && !a->argument) *v = 0;
    return inside(a, *v);
}

static bool fill_ints(const gt_attr *a, char *opts)
{
    int *v = (int *)(void *)(opts + a->at);
    bool ok = true;
    for (int i = 0; i < a->count; i++) ok &= fill_int(a, opts, v + i, i);
    return ok;
}

static bool fill_int64(const gt_attr *a, char *opts)
{
    int64_t *v = (int64_t *)(void *)(opts + a->at);
    bool ok = true;
    for (int i = 0; i < a->count; i++) {
        const bool given = v[i] != 0 || a->argument;
        if (v[i] == 0 && !a->argument) v[i] = (int64_t)a->otherwise;
        else if (v[i] == GT_ZERO && !a->argument) v[i] = 0;
        ok &= !given || inside(a, (double)v[i]);
    }
    return ok;
}

static bool fill_reals(const gt_attr *a, char *opts)
{
    double *v = (double *)(void *)(opts + a->at);
    bool ok = true;
    if (a->kind == GT_ATTR_REAL_PAIR && v[1] == 0) v[1] = v[0];
    for (int i = 0; i < a->count; i++) {
        const bool given = v[i] != 0 || a->argument;
        if (!given) v[i] = a->otherwise;
        else if (v[i] == GT_ZERO && !a->argument) v[i] = 0;
        ok &= !given || inside(a, v[i]);
    }
    return ok;
}

/* Whether a pair above row a differs between height and width. */
static bool is_directed(const gt_attr *rows, const gt_attr *a, const char *opts)
{
    for (; rows < a; rows++) {
        const int *v = (const int *)(const void *)(opts + rows->at);
        if (rows->kind == GT_ATTR_PAIR && v[0] != v[1]) return true;
    }
    return false;
}

static bool fill_pair(const gt_attr *rows, const gt_attr *a, char *opts)
{
    int *v = (int *)(void *)(opts + a->at);
    if (v[1] == 0 && v[0] != 0 && (a->kind == GT_ATTR_PAIR || !is_directed(rows, a, opts)))
        v[1] = v[0];
    const bool first = fill_int(a, opts, v, 0), second = fill_int(a, opts, v + 1, 1);
    return first && second;
}

static bool fill_row(const gt_attr *rows, const gt_attr *a, char *opts)
{
    switch (a->kind) {
    case GT_ATTR_PAIR:
    case GT_ATTR_PADDING: return fill_pair(rows, a, opts);
    case GT_ATTR_INT:
    case GT_ATTR_CHOICE: return fill_ints(a, opts);
    case GT_ATTR_INT64: return fill_int64(a, opts);
    case GT_ATTR_REAL:
    case GT_ATTR_REAL_PAIR: return fill_reals(a, opts);
    case GT_ATTR_SWITCH:
    case GT_ATTR_SHAPE:
    case GT_ATTR_AXES:
    case GT_ATTR_TENSOR: break;
    }
    return true;
}

/* The common case in short: whether nothing was given where one number or pair is expected, and
 * that is the default now. */
static inline bool leave(const gt_attr *a, char *opts)
{
    char *at = opts + a->at;
    int64_t both;
    int one;
    switch (a->kind) {
    case GT_ATTR_PAIR:
    case GT_ATTR_PADDING:
        memcpy(&both, at, sizeof both);
        if (both != 0) return false;
        one = (int)a->otherwise;
        if (a->same) memcpy(at, opts + a->same, sizeof both);
        else memcpy(at, (const int[]){one, one}, sizeof both);
        return true;
    case GT_ATTR_INT:
    case GT_ATTR_CHOICE:
        if (*(int *)(void *)at != 0 || a->count != 1) return false;
        one = (int)usual(a, opts, 0);
        memcpy(at, &one, sizeof one);
        return true;
    case GT_ATTR_REAL:
        if (*(double *)(void *)at != 0 || a->count != 1) return false;
        memcpy(at, &a->otherwise, sizeof a->otherwise);
        return true;
    default: return false;
    }
}

/* The first row that is not right, or NULL; opts are complete up to there. */
static const gt_attr *fill(const gt_attrs *attrs, char *opts, bool *missing)
{
    const gt_attr *end = attrs->row + attrs->n;
    for (const gt_attr *a = attrs->row; a < end; a++) {
        if (a->kind >= GT_ATTR_SWITCH || (!a->argument && !a->required && leave(a, opts))) continue;
        *missing = a->required && gt_attr_real(a, opts, 0) == 0;
        if (*missing || !fill_row(attrs->row, a, opts)) return a;
    }
    const gt_keywords mark = GT_COMPLETE;
    memcpy(opts, &mark, sizeof mark);
    return NULL;
}

/* --- for operations and functions --- */

static inline bool is_complete(const void *opts)
{
    gt_keywords mark;
    memcpy(&mark, opts, sizeof mark);
    return mark == GT_COMPLETE;
}

const void *gti_attrs_none(gt_ctx *gt, const gt_op *op)
{
    static const int64_t none[64];
    if (op->opts_size <= sizeof none) return none;
    void *more = gti_arena_get(&gt->step, op->opts_size);
    if (!more) return gt_fail(gt, GT_ERR_MEMORY, op->name, "out of memory"), NULL;
    return memset(more, 0, op->opts_size);
}

/* A copy of n's options that can be written. */
static void *own_opts(gt_node *n, int64_t *room)
{
    const size_t size = n->op->opts_size;
    void *own = n->out + n->n_out;
    if (n->opts == own) return own;
    own = size <= GTI_FRAME_OPTS ? room : gti_arena_get(&n->in[0]->ctx->step, size);
    if (own) n->opts = memcpy(own, n->opts, size);
    else gt_op_fail(n, GT_ERR_MEMORY, "out of memory");
    return own;
}

bool gti_attrs_complete(gt_node *n, int64_t *room)
{
    if (is_complete(n->opts)) return true;
    void *opts = own_opts(n, room);
    if (!opts) return false;
    bool missing;
    const gt_attr *wrong = fill(&n->op->attrs, opts, &missing);
    if (!wrong) return true;
    char why[GT_WHY];
    return gt_op_fail(n, GT_ERR_ARGUMENT, "%s", gti_attr_wrong(wrong, missing ? NULL : opts, why));
}

bool gt_complete(gt_ctx *gt, const char *what, const gt_attrs *attrs, void *opts)
{
    if (is_complete(opts)) return true;
    bool missing;
    const gt_attr *wrong = fill(attrs, opts, &missing);
    if (!wrong) return true;
    char why[GT_WHY];
    gt_fail(gt, GT_ERR_ARGUMENT, what, "%s", gti_attr_wrong(wrong, missing ? NULL : opts, why));
    return false;
}
