/* From the first bad value back through what was recorded.
 *
 * Every line is an input: its range, what it is, its shape. Of an operation all inputs have a line,
 * and below the one that is to blame stand those of what made it: the one that holds NaN or Inf;
 * where none does, the one that the table of causes names; else the one with the largest numbers,
 * since that is how numbers come to overflow, or to vanish in a softmax. */
#include <math.h>
#include <string.h>

#include "engine/anomaly.h"

enum { INPUTS = 4, LEVELS = 7 }; /* of an operation; of operations */

/* --- causes --- */

typedef enum { ZERO, NEGATIVE, POSITIVE } sign;

/* What is known of operations whose input i has an element of this sign there. */
static const struct {
    const char *op;
    int i;
    sign sign;
    const char *why;
} causes[] = {
    {"log", 0, ZERO, "the logarithm of 0 is infinite"},
    {"log", 0, NEGATIVE, "a negative number has no logarithm"},
    {"log_grad", 1, ZERO, "the logarithm has an infinite slope at 0"},
    {"log1p", 0, NEGATIVE, "log1p needs numbers above -1"},
    {"div", 1, ZERO, "it divides by 0"},
    {"reciprocal", 0, ZERO, "it divides by 0"},
    {"reciprocal_grad", 1, ZERO, "it divides by 0"},
    {"sqrt", 0, NEGATIVE, "a negative number has no square root"},
    {"sqrt_grad", 1, ZERO, "the square root has an infinite slope at 0"},
    {"rsqrt", 0, ZERO, "it divides by the square root of 0"},
    {"rsqrt", 0, NEGATIVE, "a negative number has no square root"},
    {"pow", 0, ZERO, "a negative power of 0 is infinite"},
    {"pow", 0, NEGATIVE, "a power of a negative number is none, unless whole"},
    {"pow_scalar", 0, ZERO, "a negative power of 0 is infinite"},
    {"pow_scalar", 0, NEGATIVE, "a power of a negative number is none, unless whole"},
    {"pow_scalar_grad", 1, ZERO, "a power below 1 has an infinite slope at 0"},
    {"exp", 0, POSITIVE, "e^x overflows from 88.7 on in f32, from 709.8 on in f64"},
    {"expm1", 0, POSITIVE, "e^x overflows from 88.7 on in f32, from 709.8 on in f64"},
};
enum { N_CAUSES = sizeof causes / sizeof *causes };

static bool is_gone(const gt_tensor *t)
{
    const unsigned flags = gti_t(t)->flags | gti_t(t)->base->flags;
    return flags & (GTI_DEAD | GTI_RELEASED);
}

/* In a replay the memory of what came before serves again, */
static bool is_shared(const gt_tensor *t)
{
    return gti_t(t)->base->flags & GTI_SLAB;
}

/* and so may that of an input. */
static bool is_overwritten(const gt_node *n, int i)
{
    return !(n->op->flags & GT_OP_INTO) && is_shared(n->in[i]) && n->in[i]->data == n->out[0]->data;
}

/* The element of t that element `at` of y is computed from, where each is by itself; -1: it is not
 * one alone. */
static int64_t element_for(const gt_node *n, const gt_tensor *t, const gt_tensor *y, int64_t at)
{
    gt_shape both;
    if (at < 0 || !n->op->elements[n->dtype] || is_gone(t) ||
        !gt_shape_broadcast(t->shape, y->shape, &both) || !gt_shape_equal(both, y->shape))
        return -1;
    int64_t index = 0, stride = 1;
    for (int d = y->shape.ndim - 1, k = t->shape.ndim - 1; k >= 0; d--, k--) {
        const int64_t size = t->shape.dim[k];
        index += size > 1 ? at % y->shape.dim[d] * stride : 0;
        stride *= size;
        at /= y->shape.dim[d];
    }
    return index;
}

static bool has_sign(double x, sign s)
{
    return s == ZERO ? x == 0 : s == NEGATIVE ? x < 0 : x > 0;
}

/* The row that explains element `at` of y; -1: none does. */
static int cause_of(const gt_node *n, const gt_tensor *y, int64_t at)
{
    for (int c = 0; c < N_CAUSES; c++) {
        const int i = causes[c].i;
        if (strcmp(causes[c].op, n->op->name) != 0 || i >= n->n_in || is_overwritten(n, i))
            continue;
        const int64_t e = element_for(n, n->in[i], y, at);
        if (e >= 0 && has_sign(gt_load_element(n->in[i], e), causes[c].sign)) return c;
    }
    return -1;
}

/* --- lines --- */

static size_t write_range(const gt_tensor *t, char *buf, size_t size)
{
    if (is_gone(t)) return (size_t)snprintf(buf, size, "no longer there");
    const gti_range r = gti_anomaly_range(t);
    size_t used;
    if (!t->size) used = (size_t)snprintf(buf, size, "no elements");
    else if (r.low > r.high) used = (size_t)snprintf(buf, size, "nothing finite");
    else used = (size_t)gt_snprintf(buf, size, "from %g to %g", r.low, r.high);
    if (r.first >= 0)
        used += (size_t)snprintf(buf + used, size - used, ", and %lld NaN, %lld Inf",
                                 (long long)r.n_nan, (long long)r.n_inf);
    if (r.n_zero && r.n_zero < t->size)
        used += (size_t)snprintf(buf + used, size - used, ", %lld of %lld are 0",
                                 (long long)r.n_zero, (long long)t->size);
    return used;
}

/* "the result of conv2d (net.c:12) in 'net.conv1'" */
static void write_origin(const gt_tensor *t, char *buf, size_t size)
{
    char module[64];
    gti_naming_tensor(t, buf, size);
    const gt_node *n = gt_producer(t);
    const size_t used = strlen(buf);
    if (n && gt_scope_path(gt_node_scope(n), module, sizeof module))
        snprintf(buf + used, size - used, " in '%s'", module);
}

void gti_anomaly_tell(gt_ctx *gt, int depth, const char *role, const gt_tensor *t, const char *more)
{
    char range[160], origin[192], shape[128];
    write_range(t, range, sizeof range);
    write_origin(t, origin, sizeof origin);
    gti_error_note(gt, "%*s%s: %s%s; %s, %s", 2 * depth, "", role, range, more ? more : "", origin,
                   gt_shape_format(t->shape, shape, sizeof shape));
}

static void tell_input(const gt_node *n, int i, int depth, const gt_tensor *y, int64_t at)
{
    char role[64], there[48] = "";
    const int64_t e = element_for(n, n->in[i], y, at);
    if (e >= 0 && n->in[i]->size > 1)
        gt_snprintf(there, sizeof there, ", there %g", gt_load_element(n->in[i], e));
    gt_op_input_name(n->op, i, role, sizeof role);
    const bool changed = n->op->flags & GT_OP_INTO && i < n->n_out;
    if (changed) snprintf(role + strlen(role), sizeof role - strlen(role), " afterwards");
    gti_anomaly_tell(n->in[0]->ctx, depth, role, n->in[i], there);
}

/* --- the walk --- */

/* Rows of numbers of an optimizer's step, of which an operation reads one, and others may never
 * have been written. */
static bool is_table(const gt_node *n, int i)
{
    char name[64];
    return n->op->flags & GT_OP_INTO &&
           strcmp(gt_op_input_name(n->op, i, name, sizeof name), "numbers") == 0;
}

static double size_of(const gt_node *n, int i)
{
    const gt_tensor *t = n->in[i];
    if (!gt_is_floating(t->dtype) || is_gone(t) || !t->size || is_table(n, i) ||
        is_overwritten(n, i))
        return -1;
    const gti_range r = gti_anomaly_range(t);
    return r.first >= 0 ? INFINITY : fmax(fabs(r.low), fabs(r.high));
}

/* Inputs that an operation in place has not changed. */
static int first_input(const gt_node *n)
{
    return n->op->flags & GT_OP_INTO && n->n_in > n->n_out ? n->n_out : 0;
}

static int to_blame(const gt_node *n, const gt_tensor *y, int64_t at)
{
    int most = first_input(n);
    for (int i = most + 1; i < n->n_in && i < INPUTS; i++)
        if (size_of(n, i) > size_of(n, most)) most = i;
    const int cause = cause_of(n, y, at);
    return isinf(size_of(n, most)) || cause < 0 ? most : causes[cause].i;
}

/* The inputs of n, and below the one to blame what that was made from. */
static void walk(const gt_node *n, int depth, const gt_tensor *y, int64_t at)
{
    if (depth == LEVELS) return;
    const int blame = to_blame(n, y, at);
    for (int i = 0; i < n->n_in && i < INPUTS; i++) {
        if (!is_table(n, i) && !is_overwritten(n, i)) tell_input(n, i, depth, y, at);
        const gt_node *maker = i == blame ? gt_producer(n->in[i]) : NULL;
        if (!maker || is_gone(n->in[i]) || is_shared(n->in[i])) continue;
        const int64_t e = element_for(n, n->in[i], y, at);
        walk(maker, depth + 1, n->in[i],
             e >= 0                 ? e
             : isinf(size_of(n, i)) ? gti_anomaly_range(n->in[i]).first
                                    : -1);
    }
}

void gti_anomaly_tell_causes(const gt_node *n, const gt_tensor *y, int64_t at)
{
    gt_ctx *gt = n->in[0]->ctx;
    bool inherited = false, seen = true;
    for (int i = first_input(n); i < n->n_in; i++) {
        inherited |= isinf(size_of(n, i));
        seen &= !is_overwritten(n, i);
    }
    const int cause = inherited ? -1 : cause_of(n, y, at);
    if (cause >= 0) gti_error_note(gt, "because %s", causes[cause].why);
    else if (!inherited && seen) gti_error_note(gt, "because numbers of these sizes overflow");
    walk(n, 0, y, at);
    if (inherited)
        gt_op_hint(n, "an input came with it: it was made before gt_set_anomaly_check, or not by "
                      "an operation");
}

void gti_anomaly_tell_origin(gt_ctx *gt, const char *role, const gt_tensor *t)
{
    gti_anomaly_tell(gt, 0, role, t, NULL);
    if (gt_producer(t) && !is_gone(t)) walk(gt_producer(t), 1, t, -1);
}
