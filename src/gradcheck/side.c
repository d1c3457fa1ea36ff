/* Side conditions of forward and backward: nothing is changed that is only to be read, everything
 * is written, two runs agree, and backward is linear in its upstream. */
#include <math.h>
#include <string.h>

#include "gradcheck/side.h"

/* --- fingerprints of data --- */

static uint64_t mixed(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * 0xff51afd7ed558ccdu;
    return hash ^ hash >> 32;
}

/* Any change of a single word changes it: each step is a bijection of the state. Many chains, since
 * each step waits for the one before. */
static uint64_t print_of_bytes(const char *data, size_t bytes)
{
    enum { CHAINS = 8, WORD = sizeof(uint64_t), ROUND = CHAINS * WORD };
    uint64_t hash[CHAINS] = {0x9e3779b97f4a7c15u ^ bytes, 1, 2, 3, 4, 5, 6, 7};
    size_t i = 0;
    for (; i + ROUND <= bytes; i += ROUND)
        for (size_t k = 0; k < CHAINS; k++) {
            uint64_t word;
            memcpy(&word, data + i + WORD * k, sizeof word);
            hash[k] = mixed(hash[k], word);
        }
    for (; i < bytes; i += WORD) {
        uint64_t word = 0;
        memcpy(&word, data + i, bytes - i < WORD ? bytes - i : WORD);
        hash[0] = mixed(hash[0], word);
    }
    for (size_t k = 1; k < CHAINS; k++) hash[0] = mixed(hash[0], hash[k]);
    return hash[0];
}

static uint64_t fingerprint(const gt_tensor *t)
{
    const char *data = t->data;
    return print_of_bytes(data, (size_t)t->size * gt_dtype_size(t->dtype));
}

/* The fingerprints of all arguments into print (compare false), or the first argument that differs
 * from them; -1 if none. */
static int argument_prints(const gti_check *c, uint64_t *print, bool compare)
{
    for (int i = 0; i < c->fn->n_in; i++) {
        const uint64_t now = c->fn->in[i] ? fingerprint(c->fn->in[i]) : 0;
        if (compare && GT_MUTANT(check_no_prints, now != print[i], false)) return i;
        print[i] = now;
    }
    return -1;
}

const gt_node *gti_check_node_after(const gt_ctx *gt, uint64_t n)
{
    const gt_node *node = gt_tape_first(gt);
    while (node && n--) node = gt_tape_next(node);
    return node;
}

typedef struct {
    const gt_node *first;
    int64_t n_nodes;
    uint64_t *print; /* a node: all its inputs and outputs */
} saved_values;

/* Of t, which may be an argument whose fingerprint is known. */
static uint64_t print_of(const gti_check *c, const gt_tensor *t, const uint64_t *known)
{
    for (int i = 0; i < c->fn->n_in; i++)
        if (c->fn->in[i] == t) return known[i];
    return fingerprint(t);
}

/* 0 for a node with data that gt_checkpoint has dropped. `known`: the arguments' fingerprints. */
static uint64_t node_print(const gti_check *c, const gt_node *n, const uint64_t *known)
{
    for (int i = 0; i < n->n_in; i++)
        if (n->in[i] && gt_unusable(n->in[i])) return 0;
    for (int i = 0; i < n->n_out; i++)
        if (gt_unusable(n->out[i])) return 0;
    uint64_t print = 0;
    for (int i = 0; i < n->n_in; i++)
        print = (print ^ (n->in[i] ? print_of(c, n->in[i], known) : 0)) * 0xc4ceb9fe1a85ec53u;
    for (int i = 0; i < n->n_out; i++)
        print = (print ^ fingerprint(n->out[i])) * 0xc4ceb9fe1a85ec53u;
    return print;
}

static bool note_saved(gti_check *c, uint64_t nodes_before, const uint64_t *known, saved_values *s)
{
    s->n_nodes = (int64_t)(gt_get_stats(c->gt).nodes - nodes_before);
    s->first = gti_check_node_after(c->gt, nodes_before);
    s->print = gti_check_scratch(c, s->n_nodes, sizeof *s->print);
    if (!s->print) return gti_check_alive(c);
    const gt_node *n = s->first;
    for (int64_t i = 0; i < s->n_nodes; i++, n = gt_tape_next(n))
        s->print[i] = node_print(c, n, known);
    return true;
}

static bool saved_intact(gti_check *c, const uint64_t *known, const saved_values *s)
{
    const gt_node *n = s->first;
    for (int64_t i = 0; i < s->n_nodes; i++, n = gt_tape_next(n))
        if (s->print[i] && GT_MUTANT(check_no_saved, node_print(c, n, known) != s->print[i], false))
            return gti_check_fail(
                c, GT_GRADCHECK_MUTATED, "backward rules only read what forward left behind",
                "backward changed an input or output of the %s that forward recorded", n->op->name);
    return true;
}

/* --- forward --- */

/* Of a double, which is not read as one: a signalling NaN would turn quiet. */
static uint64_t bits_of(const void *x)
{
    uint64_t bits;
    memcpy(&bits, x, sizeof bits);
    return bits;
}

/* The pattern that the engine fills fresh outputs with, in the outputs of a session. */
static bool is_prefilled(const gt_tensor *y, int64_t j)
{
    if (y->dtype == GT_F64) return bits_of((const double *)y->data + j) == GTI_PREFILL_F64;
    uint32_t bits;
    memcpy(&bits, (const float *)y->data + j, sizeof bits);
    return bits == GTI_PREFILL_F32;
}

static bool all_written(gti_check *c)
{
    for (int i = 0; i < c->fn->n_out; i++) {
        const gt_tensor *y = c->out[i];
        if (!y || !gt_is_floating(y->dtype)) continue;
        for (int64_t j = 0; j < y->size; j++) {
            if (GT_MUTANT(check_unwritten, !is_prefilled(y, j), true)) continue;
            char place[128];
            return gti_check_fail(
                c, GT_GRADCHECK_UNWRITTEN, "forward must write every element of every output",
                "%s was never written",
                gti_check_place(c->y, c->fn->n_out, c->y[i].offset + j, place, sizeof place));
        }
    }
    return true;
}

bool gti_check_all_finite(gti_check *c)
{
    for (int64_t j = 0; j < c->n_y; j++) {
        if (isfinite(c->y0[j])) continue;
        char place[128];
        return gti_check_fail(
            c, GT_GRADCHECK_NAN, "check at a point where the function is finite", "%s is %g",
            gti_check_place(c->y, c->fn->n_out, j, place, sizeof place), c->y0[j]);
    }
    return true;
}

static bool fail_mutated_argument(gti_check *c, const char *who, int i)
{
    char name[64];
    snprintf(name, sizeof name, "input %d", i);
    for (int k = 0; k < c->fn->n_var; k++)
        if (c->fn->var[k] == c->fn->in[i]) snprintf(name, sizeof name, "%s", c->x[k].name);
    return gti_check_fail(c, GT_GRADCHECK_MUTATED,
                          "an operation writes nothing but its outputs and its scratch",
                          "%s changed the values of %s", who, name);
}

bool gti_check_first_call(gti_check *c)
{
    uint64_t *print = gti_check_scratch(c, c->fn->n_in, sizeof *print);
    if (!print) return gti_check_alive(c);
    argument_prints(c, print, false);
    if (!gti_check_begin_first(c)) return false;
    const int changed = argument_prints(c, print, true);
    return changed < 0 || fail_mutated_argument(c, "forward", changed);
}

/* --- two runs --- */

/* One run of both directions: y into y0's like, g. A gradient that is not recorded may be another
 * one by its bits than one that is; others need no call of their own for y. */
static bool run_once(gti_check *c, const double *v, double *y, double *g)
{
    if (c->fn->inner) return gti_check_evaluate(c, y) && gti_check_pull(c, v, g);
    if (!gti_check_begin(c)) return false;
    gti_check_read_outputs(c, y);
    if (!gti_check_vjp(c, v, g)) return false;
    gti_check_end(c);
    return true;
}

/* The first element whose bits differ; n if none. */
static int64_t first_difference(const double *a, const double *b, int64_t n)
{
    int64_t i = 0;
    if (memcmp(a, b, (size_t)n * sizeof *a) == 0) return n;
    while (i < n && bits_of(&a[i]) == bits_of(&b[i])) i++;
    return i;
}

static bool same_bits(gti_check *c, const char *what, const gti_part *part, int n_parts,
                      const double *a, const double *b, int64_t n)
{
    char place[128];
    const int64_t i = GT_MUTANT(check_one_run, first_difference(a, b, n), n);
    return i == n ||
           gti_check_fail(c, GT_GRADCHECK_RANDOM,
                          "random numbers, time or unset memory in the function? Seed inside it, "
                          "write before it reads",
                          "two runs on the same inputs differ: %s%s is %.17g, then %.17g", what,
                          gti_check_place(part, n_parts, i, place, sizeof place), a[i], b[i]);
}

/* The second run finds other bytes in fresh memory. */
static bool two_runs_agree(gti_check *c, const double *v, const double *g)
{
    double *y2 = gti_check_room(c, c->n_y, sizeof *y2);
    double *g2 = gti_check_room(c, c->n_x, sizeof *g2);
    if (!y2 || !g2) return gti_check_alive(c);
    gti_session_prefill(c->gt, GTI_PREFILL_OFF);
    const bool ran = run_once(c, v, y2, g2);
    gti_session_prefill(c->gt, GTI_PREFILL_ON);
    return ran && same_bits(c, "", c->y, c->fn->n_out, c->y0, y2, c->n_y) &&
           same_bits(c, "the gradient of ", c->x, c->fn->n_var, g, g2, c->n_x);
}

static bool watch_backward(gti_check *c, const double *v, double *g, uint64_t *print)
{
    saved_values saved;
    const uint64_t before = gt_get_stats(c->gt).nodes;
    if (!gti_check_begin(c) || !all_written(c)) return false;
    int changed = argument_prints(c, print, true);
    if (changed >= 0) return fail_mutated_argument(c, "forward", changed);
    if (!note_saved(c, before, print, &saved) || !gti_check_vjp(c, v, g)) return false;
    changed = argument_prints(c, print, true);
    if (changed >= 0) return fail_mutated_argument(c, "backward", changed);
    if (!saved_intact(c, print, &saved)) return false;
    gti_check_end(c);
    return true;
}

bool gti_check_runs(gti_check *c)
{
    const gt_mark mark = gt_mark_tape(c->gt);
    double *v = c->pull[0].v, *g = c->pull[0].g;
    uint64_t *print = gti_check_scratch(c, c->fn->n_in, sizeof *print);
    if (!print) return gti_check_alive(c);
    gti_check_draw_upstream(c, v);
    argument_prints(c, print, false);
    if (!watch_backward(c, v, g, print) || !gti_check_all_finite(c) || !two_runs_agree(c, v, g))
        return false;
    c->finite = true;
    for (int64_t i = 0; i < c->n_x; i++) c->finite &= isfinite(g[i]) != 0;
    c->n_pulls = c->finite;
    gt_rewind(c->gt, mark);
    return true;
}

/* Of the outputs as doubles, one after the other. */
static uint64_t print_of_values(const double *y, int64_t n, uint64_t before)
{
    return mixed(before, print_of_bytes((const char *)y, (size_t)n * sizeof *y));
}

bool gti_check_keep_first(gti_check *c)
{
    c->first_print = 0;
    for (int i = 0; !c->fn->inner && i < c->fn->n_out; i++) {
        if (c->y[i].constant) continue;
        const double *y = gti_check_doubles(c, c->out[i]);
        if (!y) return gti_check_alive(c);
        c->first_print = print_of_values(y, c->y[i].size, c->first_print);
    }
    return true;
}

static bool is_as_first(const gti_check *c, const double *y)
{
    uint64_t print = 0;
    for (int i = 0; i < c->fn->n_out; i++)
        if (!c->y[i].constant) print = print_of_values(y + c->y[i].offset, c->y[i].size, print);
    return c->fn->inner || print == c->first_print;
}

static const char drift_hint[] =
    "the function must be the same each time: does it count its calls, or keep a mean?";

bool gti_check_drift(gti_check *c)
{
    double *y = gti_check_room(c, c->n_y, sizeof *y);
    if (!y) return gti_check_alive(c);
    if (!gti_check_evaluate(c, y)) return false;
    char place[128];
    const int64_t j = GT_MUTANT(check_no_drift, first_difference(y, c->y0, c->n_y), c->n_y);
    if (j < c->n_y)
        return gti_check_fail(
            c, GT_GRADCHECK_RANDOM, drift_hint,
            "the function drifts: %s was %.17g at first, and is %.17g after the check, at the "
            "same inputs",
            gti_check_place(c->y, c->fn->n_out, j, place, sizeof place), c->y0[j], y[j]);
    return GT_MUTANT(check_no_drift, is_as_first(c, y), true) ||
           gti_check_fail(c, GT_GRADCHECK_RANDOM, drift_hint,
                          "the function drifts: its very first call gave other values than all "
                          "after it, at the same inputs");
}

/* --- the upstream --- */

static bool zero_gives_zero(gti_check *c, double *v, double *g)
{
    for (int64_t j = 0; j < c->n_y; j++) v[j] = 0;
    if (!gti_check_vjp(c, v, g)) return false;
    for (int64_t i = 0; i < c->n_x; i++) {
        if (GT_MUTANT(check_no_zero, g[i] == 0, true)) continue;
        char place[128];
        return gti_check_fail(c, GT_GRADCHECK_UPSTREAM, "does every term of the rule contain gout?",
                              "an upstream gradient of zeros gives a gradient of %g for %s", g[i],
                              gti_check_place(c->x, c->fn->n_var, i, place, sizeof place));
    }
    return true;
}

/* Whether that is less than what rounding inside of backward may do to B(v) and two others; only
 * what seems wrong is worth the measurement. */
static bool is_rounding(gti_check *c, const double *v, double apart, bool *is)
{
    gti_check_end(c);
    double *noise = gti_check_room(c, c->n_x, sizeof *noise);
    if (!noise) return gti_check_alive(c);
    if (!gti_check_backward_noise(c, v, true, noise)) return false;
    *is = apart <= 4 * gti_largest(noise, c->n_x);
    return gti_check_begin(c);
}

static const double a = 0.75, b = -1.5; /* of a sum */

static bool fail_sum(gti_check *c, int64_t i, double together, double sum)
{
    char place[128];
    return gti_check_fail(c, GT_GRADCHECK_UPSTREAM, "does the rule use gout, and only once?",
                          "backward is not linear in the upstream gradient: for %s B(%g u %+g w) "
                          "is %.10g, %g B(u) %+g B(w) is %.10g",
                          gti_check_place(c->x, c->fn->n_var, i, place, sizeof place), a, b,
                          together, a, b, sum);
}

/* B(a u + b w) = a B(u) + b B(w), to rounding: of terms as large as the largest gradient, and of
 * upstreams that cancel. B(u) is known from the first run. */
static bool is_linear(gti_check *c, double *sum_v, double *sum_g)
{
    double *v[] = {c->pull[0].v, c->pull[1].v, sum_v}, *g[] = {c->pull[0].g, c->pull[1].g, sum_g};
    gti_check_draw_upstream(c, v[1]);
    double largest = 0;
    for (int64_t j = 0; j < c->n_y; j++) v[2][j] = a * v[0][j] + b * v[1][j];
    const double rounding = 64 * c->precision->epsilon * gti_largest(v[2], c->n_y);
    for (int k = 0; k < 3; k++) {
        if (k && !gti_check_vjp(c, v[k], g[k])) return false;
        largest = gti_larger(gti_largest(g[k], c->n_x), largest);
    }
    const double allowed =
        GT_MUTANT(check_not_linear, c->precision->linear, INFINITY) * largest + rounding;
    double most = 0;
    int64_t worst = -1;
    for (int64_t i = 0; i < c->n_x; i++) {
        const double apart = fabs(g[2][i] - (a * g[0][i] + b * g[1][i]));
        if (apart <= gti_larger(allowed, most)) continue;
        most = isfinite(apart) ? apart : INFINITY;
        worst = i;
    }
    bool fine = worst < 0;
    if (!fine && !is_rounding(c, v[2], most, &fine)) return false;
    if (!fine) return fail_sum(c, worst, g[2][worst], a * g[0][worst] + b * g[1][worst]);
    if (c->finite) c->n_pulls = 2;
    return true;
}

/* B(2^k u) = 2^k B(u), with u and B(u) of the first run: nothing is clipped, or left out as small.
 */
static bool is_homogeneous(gti_check *c, double *v, double *g, int k)
{
    const double up = ldexp(1, k), down = ldexp(1, -k), *u = c->pull[0].v, *B = c->pull[0].g;
    const double linear = GT_MUTANT(check_not_linear, c->precision->linear, INFINITY);
    const double allowed = GT_MUTANT(check_no_zero, linear, INFINITY);
    const double largest = gti_largest(B, c->n_x);
    if (!(largest > 1 / c->precision->huge && largest < c->precision->huge)) return true;
    for (int64_t j = 0; j < c->n_y; j++) v[j] = u[j] * up;
    if (!gti_check_vjp(c, v, g)) return false;
    for (int64_t i = 0; i < c->n_x; i++) {
        const double back = g[i] * down;
        if (!(fabs(back - B[i]) > allowed * largest)) continue;
        char place[128];
        return gti_check_fail(
            c, GT_GRADCHECK_UPSTREAM, "does the rule clip gout, or leave out what is small?",
            "backward is not linear in the upstream gradient: for %s B(2^%d u) / 2^%d is %.10g, "
            "B(u) is %.10g",
            gti_check_place(c->x, c->fn->n_var, i, place, sizeof place), k, k, back, B[i]);
    }
    return true;
}

bool gti_check_upstream(gti_check *c)
{
    const gt_mark mark = gt_mark_tape(c->gt);
    double *v = gti_check_room(c, c->n_y, sizeof *v);
    double *g = gti_check_room(c, c->n_x, sizeof *g);
    if (!v || !g) return gti_check_alive(c);
    if (!gti_check_begin(c) || !zero_gives_zero(c, v, g) || !is_linear(c, v, g) ||
        !is_homogeneous(c, v, g, 30) || !is_homogeneous(c, v, g, -30))
        return false;
    gt_rewind(c->gt, mark);
    return true;
}
