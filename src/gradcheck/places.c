/* Side conditions on inputs: gradients do not depend on which inputs ask for them, nor on one
 * tensor standing in two places, and the gradients of leaves accumulate. */
#include <math.h>
#include <string.h>

#include "gradcheck/side.h"
#include <gradtape/autograd.h>

enum { MOST_IN_ALL_SUBSETS = 4 }; /* inputs; with more, each alone and all but each */

/* --- subsets --- */

/* Whether variable i asks for its gradient in the k-th subset. */
static bool in_subset(int n_var, int k, int i)
{
    if (n_var <= MOST_IN_ALL_SUBSETS) return (k + 1) >> i & 1;
    return k < n_var ? i == k : i != k - n_var;
}

/* Subsets that are neither empty nor everything. */
static int number_of_subsets(int n_var)
{
    return n_var <= MOST_IN_ALL_SUBSETS ? (1 << n_var) - 2 : 2 * n_var;
}

/* The first of the columns from..to-1 where gradients are not the same, to a part of the largest;
 * -1 if they are. */
static int64_t first_apart(const double *a, const double *b, int64_t from, int64_t to,
                           double allowed)
{
    for (int64_t k = from; k < to; k++)
        if (!(fabs(a[k] - b[k]) <= allowed)) return k;
    return -1;
}

static bool same_part(gti_check *c, int i, const double *all, const double *some, double largest)
{
    const gti_part *x = &c->x[i];
    const double part = GT_MUTANT(check_no_subsets, c->precision->linear, INFINITY);
    const int64_t k = first_apart(all, some, x->offset, x->offset + x->size, part * largest);
    char place[128];
    return k < 0 ||
           gti_check_fail(c, GT_GRADCHECK_SUBSET,
                          "does the rule make one gradient out of another that is not always made?",
                          "the gradient of %s is %.10g when all inputs require gradients, but "
                          "%.10g when only some do",
                          gti_check_place(c->x, c->fn->n_var, k, place, sizeof place), all[k],
                          some[k]);
}

static bool check_subset(gti_check *c, int subset, const double *v, const double *all, double *some)
{
    const int n = c->fn->n_var;
    const double largest = gti_largest(all, c->n_x);
    for (int i = 0; i < n; i++) gt_require_grad(c->fn->var[i], in_subset(n, subset, i));
    const bool ok = gti_check_pull(c, v, some);
    for (int i = 0; i < n; i++) gt_require_grad(c->fn->var[i], true);
    for (int i = 0; ok && i < n; i++)
        if (in_subset(n, subset, i) && !same_part(c, i, all, some, largest)) return false;
    return ok;
}

bool gti_check_subsets(gti_check *c)
{
    if (number_of_subsets(c->fn->n_var) == 0) return true;
    const gt_mark mark = gt_mark_tape(c->gt);
    double *v = gti_check_room(c, c->n_y, sizeof *v);
    double *all = gti_check_room(c, c->n_x, sizeof *all);
    double *some = gti_check_room(c, c->n_x, sizeof *some);
    if (!gti_check_alive(c)) return false;
    gti_check_weights(c, c->n_y, v);
    if (!gti_check_pull(c, v, all)) return false;
    for (int k = 0; k < number_of_subsets(c->fn->n_var); k++)
        if (!check_subset(c, k, v, all, some)) return false;
    gt_rewind(c->gt, mark);
    return true;
}

/* --- outputs that nobody used --- */

static bool check_silent(gti_check *c, unsigned silent, double *v, double *zeros, double *none)
{
    gti_check_normal(c, c->n_y, v);
    for (int i = 0; i < c->fn->n_out; i++)
        for (int64_t j = 0; silent >> i & 1 && j < c->y[i].size; j++) v[c->y[i].offset + j] = 0;
    c->silent = 0;
    if (!gti_check_pull(c, v, zeros)) return false;
    c->silent = silent;
    const bool ok = gti_check_pull(c, v, none);
    c->silent = 0;
    if (!ok) return false;
    const double part = GT_MUTANT(check_no_silent, c->precision->linear, INFINITY);
    const int64_t k = first_apart(zeros, none, 0, c->n_x, part * gti_largest(zeros, c->n_x));
    char place[128];
    return k < 0 ||
           gti_check_fail(
               c, GT_GRADCHECK_SUBSET, "gout[i] is NULL for an output that nobody used",
               "the gradient of %s is %.10g with an upstream gradient of zeros for some outputs, "
               "but %.10g with none",
               gti_check_place(c->x, c->fn->n_var, k, place, sizeof place), zeros[k], none[k]);
}

/* All subsets: there are at most GT_OP_OUTPUTS. */
bool gti_check_silent_outputs(gti_check *c)
{
    unsigned floating = 0;
    for (int i = 0; i < c->fn->n_out; i++) floating |= (unsigned)!c->y[i].constant << i;
    const gt_mark mark = gt_mark_tape(c->gt);
    double *v = gti_check_scratch(c, c->n_y, sizeof *v);
    double *zeros = gti_check_scratch(c, c->n_x, sizeof *zeros);
    double *none = gti_check_scratch(c, c->n_x, sizeof *none);
    if (!gti_check_alive(c)) return false;
    for (unsigned silent = 1; silent < floating; silent++)
        if (!(silent & ~floating) && !check_silent(c, silent, v, zeros, none)) return false;
    gt_rewind(c->gt, mark);
    return true;
}

/* --- the same tensor in two places of an operation --- */

/* Gradients of op's outputs, weighted by v, in var; the inputs are `in`. */
static bool op_gradients(gti_check *c, gt_tensor *const in[], const double *v,
                         gt_tensor *const var[], int n_var, gt_tensor *grad[])
{
    gt_tensor *out[GT_OP_OUTPUTS], *u[GT_OP_OUTPUTS];
    int n = 0;
    if (gt_apply_n(c->op, c->fn->opts, c->fn->n_in, in, out) != GT_OK) return false;
    for (int i = 0; i < c->fn->n_out; i++) {
        if (c->y[i].constant || !out[i]->requires_grad) continue;
        const gt_new_opts like = {.dtype = out[i]->dtype};
        u[n] = gt_from_(c->gt, out[i]->shape, v + c->y[i].offset, GT_C_DOUBLE, like);
        if (!u[n]) return false;
        out[n++] = out[i];
    }
    const gt_grad_opts opts = {.upstream = u, .allow_unused = true};
    for (int i = 0; i < n_var; i++) grad[i] = NULL;
    return !n || gt_grad_(out, n, var, n_var, grad, opts) == GT_OK;
}

static double at(const gt_tensor *t, int64_t i)
{
    return t ? gt_load_element(t, i) : 0;
}

/* With x in both places its gradient is the sum of those of x and of a copy of x. */
static bool check_pair(gti_check *c, int a, int b, const double *v)
{
    gt_tensor *in[GT_SAMPLE_INPUTS], *x = c->fn->in[b], *sum, *grad[2];
    memcpy(in, c->fn->in, (size_t)c->fn->n_in * sizeof *in);
    in[a] = x;
    if (!op_gradients(c, in, v, (gt_tensor *[]){x}, 1, &sum)) return gti_check_alive(c);
    in[a] = gt_from_(c->gt, x->shape, x->data, GT_C_ANY,
                     (gt_new_opts){.dtype = x->dtype, .requires_grad = true});
    if (!in[a] || !op_gradients(c, in, v, (gt_tensor *[]){in[a], x}, 2, grad))
        return gti_check_alive(c);
    double largest = 0;
    for (int64_t i = 0; i < x->size; i++)
        largest = fmax(largest, fabs(at(grad[0], i)) + fabs(at(grad[1], i)));
    for (int64_t i = 0; i < x->size; i++) {
        const double one = at(sum, i), two = at(grad[0], i) + at(grad[1], i);
        const bool same =
            fabs(one - two) <= GT_MUTANT(check_no_same, c->precision->linear, INFINITY) * largest;
        if (same || !isfinite(two)) continue;
        return gti_check_fail(c, GT_GRADCHECK_SAME,
                              "does the rule tell inputs apart by their pointers?",
                              "with one tensor as inputs %d and %d its gradient is %.10g, but the "
                              "gradients of two equal tensors sum to %.10g",
                              a, b, one, two);
    }
    return true;
}

static bool can_stand_for(const gt_tensor *a, const gt_tensor *b)
{
    return a && b && a != b && a->requires_grad && b->requires_grad &&
           gt_shape_equal(a->shape, b->shape);
}

bool gti_check_same_tensor(gti_check *c)
{
    const gt_mark mark = gt_mark_tape(c->gt);
    double *v = gti_check_room(c, c->n_y, sizeof *v);
    if (!v) return gti_check_alive(c);
    gti_check_weights(c, c->n_y, v);
    for (int b = 1; b < c->fn->n_in; b++)
        for (int a = 0; a < b; a++)
            if (can_stand_for(c->fn->in[a], c->fn->in[b]) && !check_pair(c, a, b, v)) return false;
    gt_rewind(c->gt, mark);
    return true;
}

/* --- leaf gradients --- */

/* The leaves' grads into g, or, on the second run, a comparison with twice of it. */
static bool take_grads(gti_check *c, int run, double *g)
{
    for (int i = 0; i < c->fn->n_var; i++)
        for (int64_t k = 0; k < c->x[i].size; k++) {
            const double now = at(c->fn->var[i]->grad, k);
            double *first = &g[c->x[i].offset + k];
            if (!gti_check_has_column(c, c->x[i].offset + k)) continue;
            if (run == 1) *first = now;
            if (GT_MUTANT(check_no_accumulation, now == run * *first, true)) continue;
            return gti_check_fail(
                c, GT_GRADCHECK_ACCUMULATE, "",
                "the gradient of %s is %.10g after one gt_backward and %.10g after "
                "two, where it should have doubled",
                c->x[i].name, *first, now);
        }
    return true;
}

/* A second backward over the same nodes doubles every gradient, exactly. */
static bool backward_twice(gti_check *c, const double *v, double *once)
{
    if (!gti_check_begin(c)) return false;
    gt_tensor *y = c->out[0];
    if (c->y[0].constant || !y->requires_grad) return true;
    gt_tensor *u = gt_from_(c->gt, y->shape, v, GT_C_DOUBLE, (gt_new_opts){.dtype = y->dtype});
    for (int run = 1; run <= 2; run++) {
        const gt_backward_opts opts = {.retain = true, .upstream = u};
        if (!u || gt_backward_(y, opts) != GT_OK) return gti_check_alive(c);
        if (!take_grads(c, run, once)) return false;
    }
    return true;
}

bool gti_check_accumulation(gti_check *c)
{
    const gt_mark mark = gt_mark_tape(c->gt);
    double *v = gti_check_room(c, c->n_y, sizeof *v);
    double *once = gti_check_scratch(c, c->n_x, sizeof *once);
    if (!v || !once) return gti_check_alive(c);
    gti_check_weights(c, c->n_y, v);
    if (!backward_twice(c, v, once)) return false;
    gt_rewind(c->gt, mark);
    return true;
}
