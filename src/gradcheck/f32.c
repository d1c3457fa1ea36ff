/* f32 against f64: the kernels that programs really run.
 *
 * Both start from the same values, representable in f32. An f32 result may be off by
 * c n u (sum_i |J_ji x_i| + |y_j|), u = 2^-24: for a sum of n products the bracket is the sum of
 * the terms' sizes, and for any function it is what rounding its inputs and its result does. What
 * cancels inside of it shows in the results z of the operations between x and y, each of which may
 * be off by c u |z|, and that changes y by |dy/dz| as much; inside of a single operation as noise
 * in f64, which is that much larger in f32. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "gradcheck/side.h"
#include <gradtape/autograd.h>

enum {
    ROUNDINGS = 6,   /* c */
    LEAST_ROWS = 12, /* that get a bound of their own, of each output; the others, where the */
    BOUND_ENTRIES = 1 << 16, /* Jacobian has more entries, have the largest of those */
};

/* A result between x and y, and where |dy/dz z| is added up for the row that is pulled. */
typedef struct {
    const gt_tensor *z;
    double *sum;
} result_between;

static gt_tensor *add_between(gt_tensor *grad, void *user)
{
    const result_between *b = user;
    const double *dz = grad->data, *z = b->z->data;
    for (int64_t k = 0; k < grad->size; k++) {
        const double change = fabs(dz[k] * z[k]);
        if (isfinite(change)) *b->sum += change;
    }
    return NULL;
}

static bool rounds(const gt_node *n, const gt_tensor *z)
{
    return z->requires_grad && z->dtype == GT_F64 && !(n->op->flags & GT_OP_VIEW) &&
           !gt_unusable(z);
}

/* Of everything on the tape behind the first `before` nodes. */
static bool watch_between(gti_check *c, uint64_t before, double *sum)
{
    for (const gt_node *n = gti_check_node_after(c->gt, before); n; n = gt_tape_next(n))
        for (int i = 0; i < n->n_out; i++) {
            if (!rounds(n, n->out[i])) continue;
            result_between *b = gti_check_scratch(c, 1, sizeof *b);
            if (!b) return gti_check_alive(c);
            *b = (result_between){n->out[i], sum};
            if (gt_hook(n->out[i], add_between, b) != GT_OK) return gti_check_alive(c);
        }
    return true;
}

/* gti_check_begin, with nothing given back. */
static bool begin_watched(gti_check *c, double *sum)
{
    const uint64_t before = gt_get_stats(c->gt).nodes;
    gt_set_recording_all(c->gt, true);
    const bool begun = gti_check_begin(c);
    gt_set_recording_all(c->gt, false);
    return begun && watch_between(c, before, sum);
}

/* sum_i |J_ji x_i| times the number of its terms. */
static double size_of_terms(const gti_check *c, const double *row)
{
    double sum = 0, terms = 1;
    for (int i = 0; i < c->fn->n_var; i++) {
        const double *x = c->x[i].data, *g = row + c->x[i].offset;
        for (int64_t k = 0; k < c->x[i].size; k++) {
            sum += fabs(g[k] * x[k]);
            terms += g[k] != 0;
        }
    }
    return terms * sum;
}

static double bound_of(const gti_check *c, const double *terms, int64_t j)
{
    const double noise = c->noise[j] / (DBL_EPSILON / 2); /* |y| twice, at least */
    return ROUNDINGS * ((FLT_EPSILON / 2) * (terms[j] + noise) + FLT_MIN);
}

/* Of one output: rows evenly spread, and the largest of theirs for those between. */
static bool part_terms(gti_check *c, const gti_part *part, double *v, double *g, double *between,
                       double *terms)
{
    const int64_t fit = BOUND_ENTRIES / (c->n_x + 1), rows = fit > LEAST_ROWS ? fit : LEAST_ROWS;
    const int64_t step = (part->size + rows - 1) / rows;
    double largest = 0;
    for (int64_t k = 0; k < part->size; k += step) {
        const int64_t j = part->offset + k;
        v[j] = 1;
        *between = 0;
        if (!gti_check_vjp(c, v, g)) return false;
        v[j] = 0;
        terms[j] = size_of_terms(c, g) + *between;
        largest = fmax(largest, terms[j]);
    }
    for (int64_t k = 0; k < part->size; k++)
        if (k % step) terms[part->offset + k] = largest;
    return true;
}

/* terms [n_y], of the function in f64 that is prepared. */
static bool make_terms(gti_check *c, double *terms)
{
    double *v = gti_check_scratch(c, c->n_y, sizeof *v),
           *g = gti_check_scratch(c, c->n_x, sizeof *g);
    double between;
    if (!v || !g) return gti_check_alive(c);
    if (!begin_watched(c, &between)) return false;
    for (int i = 0; i < c->fn->n_out; i++)
        if (!part_terms(c, &c->y[i], v, g, &between, terms)) return false;
    gti_check_end(c);
    return true;
}

/* Without a backward rule the inputs' sizes must do. */
static void make_plain_terms(gti_check *c, double *terms)
{
    double largest = 0;
    for (int i = 0; i < c->fn->n_in; i++) {
        const gt_tensor *x = c->fn->in[i];
        for (int64_t k = 0; x && x->dtype == GT_F64 && k < x->size; k++)
            largest = fmax(largest, fabs(((const double *)x->data)[k]));
    }
    for (int64_t j = 0; j < c->n_y; j++) terms[j] = largest;
}

static bool is_close(double y32, double y64, double bound)
{
    if (!isfinite(y64)) return true;
    if (isinf(y32)) return fabs(y64) + bound > FLT_MAX;
    return fabs(y32 - y64) <= bound;
}

/* The first element that is not; n_y if all are. */
static int64_t first_apart(const gti_check *c, const double *y32, const double *terms)
{
    int64_t j = 0;
    while (j < c->n_y &&
           (!gti_check_has_row(c, j) ||
            GT_MUTANT(check_no_f32, is_close(y32[j], c->y0[j], bound_of(c, terms, j)), true)))
        j++;
    return j;
}

/* The noise is measured where the last places of y do not explain what is found, and again, along
 * other lines, where it does not either: a few points may all lie near what is exact. */
static bool compare(gti_check *c, const gti_fn *f32, const double *terms)
{
    const gti_fn *f64 = c->fn;
    double *y = gti_check_scratch(c, c->n_y, sizeof *y);
    if (!y) return gti_check_alive(c);
    c->fn = f32;
    if (!gti_check_evaluate(c, y)) return false;
    c->fn = f64;
    c->r->entries += gti_check_rows(c);
    int64_t j = first_apart(c, y, terms);
    for (int time = 0; j < c->n_y && time < 4; time++) {
        c->noise_measured = false;
        if (!gti_check_measure_noise(c)) return false;
        j = first_apart(c, y, terms);
    }
    if (j == c->n_y) return true;
    char place[128];
    return gti_check_fail(
        c, GT_GRADCHECK_PRECISION,
        "an element left out or read twice by a kernel for f32, or a sum that loses precision",
        "%s   f32 %.9g   f64 %.9g   error %.2g, where rounding explains %.2g",
        gti_check_place(c->y, c->fn->n_out, j, place, sizeof place), y[j], c->y0[j],
        fabs(y[j] - c->y0[j]), bound_of(c, terms, j));
}

static bool compare_function(gti_check *c, const gti_fn *f64, const gti_fn *f32,
                             bool differentiable)
{
    if (!gti_check_prepare(c, f64) || !gti_check_whole(c)) return false;
    double *terms = gti_check_scratch(c, c->n_y, sizeof *terms);
    if (!terms) return gti_check_alive(c);
    uint8_t *mask = c->mask;
    c->mask = NULL; /* what is left out has rounding, too */
    if (!differentiable) make_plain_terms(c, terms);
    else if (!make_terms(c, terms)) return false;
    c->mask = mask;
    return compare(c, f32, terms) && gti_check_whole_f32(c, f32);
}

/* The gradient of f32 with the upstreams of `gradient`, which is made representable for it. */
static bool gradient_in_f32(gti_check *c, const gti_fn *f32, gti_fn *gradient, gti_fn *gradient32)
{
    *gradient32 = *gradient;
    gradient32->in = f32->in;
    gradient32->inner = f32;
    gradient32->upstream = gti_check_scratch(c, f32->n_out, sizeof *gradient32->upstream);
    if (!gradient32->upstream) return gti_check_alive(c);
    for (int i = 0; i < f32->n_out; i++) {
        const gt_tensor *u = gradient->upstream[i];
        if (!u) continue;
        gt_tensor *t = gt_empty_(c->gt, u->shape, (gt_new_opts){.dtype = GT_F32});
        if (!t) return gti_check_alive(c);
        for (int64_t k = 0; k < u->size; k++) {
            const float rounded = (float)((const double *)u->data)[k];
            ((float *)t->data)[k] = rounded;
            ((double *)u->data)[k] = (double)rounded;
        }
        gradient32->upstream[i] = t;
    }
    return true;
}

static const char all_masked[] = "values agree; masks leave out every gradient";

void gti_check_f32(gti_check *c, const gti_fn *f64, const gti_fn *f32)
{
    const bool differentiable = f64->n_var > 0;
    gti_fn gradient, gradient32;
    c->r->mode = GT_GRADCHECK_FULL;
    if (!compare_function(c, f64, f32, differentiable)) return;
    const int64_t values = c->r->entries;
    if (differentiable) {
        c->r->order = 2; /* names the gradients in messages */
        if (!gti_check_gradient(c, f64, &gradient) ||
            !gradient_in_f32(c, f32, &gradient, &gradient32) ||
            !compare_function(c, &gradient, &gradient32, true))
            return;
    }
    c->tally = NULL;
    const bool masked = c->mask && c->r->entries == values;
    if (masked || !c->r->entries) {
        gti_check_say_vacuous(c, masked ? all_masked : "0 values: there is nothing to compare");
        return;
    }
    gti_check_head(c, GT_PASS, GT_GRADCHECK_NOTHING);
    gti_check_line_of_text(c, "%lld values and gradients in f32 agree with f64",
                           (long long)c->r->entries);
    gti_check_finish(c);
}
