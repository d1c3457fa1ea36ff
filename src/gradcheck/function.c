/* Functions under check: calling them and pulling gradients through them. */
#include <math.h>
#include <string.h>

#include "gradcheck/check.h"
#include <gradtape/autograd.h>
#include <gradtape/ops.h>

/* --- calls --- */

bool gti_check_call_user(const gti_fn *fn, gt_tensor *out[], bool graph)
{
    (void)graph;
    out[0] = fn->f(fn->gt, fn->in, fn->user);
    if (!out[0]) gt_fail(fn->gt, GT_ERR_ARGUMENT, "gt_gradcheck", "the function returned NULL");
    else if (out[0]->ctx != fn->gt)
        gt_fail(fn->gt, GT_ERR_ARGUMENT, "gt_gradcheck", "the result is of another context");
    return !gt_failed(fn->gt) && gti_tensor_usable(out[0], "gt_gradcheck");
}

/* A change in place as a function: of copies. */
static bool call_into(const gti_fn *fn, gt_tensor *out[])
{
    gt_tensor *in[GT_SAMPLE_INPUTS] = {NULL};
    for (int i = 0; i < fn->n_in; i++) in[i] = i < fn->n_out ? gt_clone(fn->in[i]) : fn->in[i];
    for (int i = 0; i < fn->n_out; i++) out[i] = in[i];
    return gt_apply_into(fn->op, fn->opts, fn->n_in, in) == GT_OK;
}

bool gti_check_call_op(const gti_fn *fn, gt_tensor *out[], bool graph)
{
    (void)graph;
    if (fn->op->flags & GT_OP_INTO) return call_into(fn, out);
    return gt_apply_n(fn->op, fn->opts, fn->n_in, fn->in, out) == GT_OK;
}

/* out[i] = gradient of sum over k of upstream[k] . y[k] in var[i], y being inner's outputs. */
bool gti_check_call_gradient(const gti_fn *fn, gt_tensor *out[], bool graph)
{
    const gti_fn *inner = fn->inner;
    gt_tensor *y[GT_OP_OUTPUTS], *upstream[GT_OP_OUTPUTS];
    if (!inner->call(inner, y, true)) return false;
    int n = 0;
    for (int i = 0; i < inner->n_out; i++) {
        if (!fn->upstream[i] || !y[i] || !y[i]->requires_grad) continue;
        y[n] = y[i];
        /* in f32, of a result that is f64 all the same */
        const bool fits = fn->upstream[i]->dtype == y[i]->dtype;
        upstream[n++] = fits ? fn->upstream[i] : gt_cast(fn->upstream[i], y[i]->dtype);
    }
    memset(out, 0, (size_t)fn->n_out * sizeof *out);
    if (!n) return true;
    const gt_grad_opts opts = {.create_graph = graph, .upstream = upstream, .allow_unused = true};
    return gt_grad_(y, n, inner->var, inner->n_var, out, opts) == GT_OK;
}

/* --- values --- */

void *gti_check_room(gti_check *c, int64_t n, size_t element)
{
    const gt_shape shape = GT_SHAPE(n, (int64_t)element);
    gt_tensor *t = gt_empty_(c->gt, shape, (gt_new_opts){.dtype = GT_U8});
    return t ? t->data : NULL;
}

void *gti_check_scratch(gti_check *c, int64_t n, size_t element)
{
    void *scratch = gti_check_room(c, n, element);
    if (scratch) memset(scratch, 0, (size_t)n * element);
    return scratch;
}

void gti_check_read(const gt_tensor *t, double *x)
{
    if (t->dtype == GT_F64) memcpy(x, t->data, (size_t)t->size * sizeof *x);
    else
        for (int64_t i = 0; i < t->size; i++) x[i] = gt_load_element(t, i);
}

const double *gti_check_doubles(gti_check *c, const gt_tensor *t)
{
    const double *given = t->data;
    if (t->dtype == GT_F64) return given;
    double *x = gti_check_room(c, t->size, sizeof *x);
    if (x) gti_check_read(t, x);
    return x;
}

static bool call(gti_check *c, bool graph)
{
    if (!c->fn->call(c->fn, c->out, graph)) return gti_check_alive(c);
    for (int i = 0; i < c->fn->n_out; i++)
        if (c->out[i] && !gt_shape_equal(c->out[i]->shape, c->y[i].shape))
            return gti_check_fail(c, GT_GRADCHECK_RANDOM, "the function must be the same each time",
                                  "the shape of %s is not the same in two runs", c->y[i].name);
    return true;
}

bool gti_check_call(gti_check *c)
{
    if (!call(c, false)) return false;
    gti_check_hide_outputs(c);
    return true;
}

void gti_check_read_outputs(const gti_check *c, double *y)
{
    for (int i = 0; i < c->fn->n_out; i++) {
        const gti_part *part = &c->y[i];
        if (part->constant) continue;
        if (c->out[i]) gti_check_read(c->out[i], y + part->offset);
        else memset(y + part->offset, 0, (size_t)part->size * sizeof *y);
    }
}

bool gti_check_evaluate(gti_check *c, double *y)
{
    const gt_mark mark = gt_mark_tape(c->gt);
    if (!gti_check_call(c)) return false;
    gti_check_read_outputs(c, y);
    gt_rewind(c->gt, mark);
    return true;
}

/* --- gradients --- */

bool gti_check_begin(gti_check *c)
{
    c->session = gt_mark_tape(c->gt);
    return call(c, true);
}

bool gti_check_begin_first(gti_check *c)
{
    c->session = gt_mark_tape(c->gt);
    return c->fn->call(c->fn, c->out, true) || gti_check_alive(c);
}

void gti_check_end(gti_check *c)
{
    gt_rewind(c->gt, c->session);
}

static bool has_upstream(const gti_check *c, int i)
{
    const gt_tensor *y = c->out[i];
    return !c->y[i].constant && y && y->requires_grad && !(c->silent >> i & 1);
}

/* Upstreams for the outputs that can be differentiated; their number, -1 after a failure. */
static int make_upstreams(gti_check *c, const double *v)
{
    int n = 0;
    for (int i = 0; i < c->fn->n_out; i++) {
        gt_tensor *y = c->out[i];
        if (!has_upstream(c, i)) continue;
        gt_tensor *u = gt_from_(c->gt, y->shape, v + c->y[i].offset, GT_C_DOUBLE,
                                (gt_new_opts){.dtype = y->dtype});
        if (!u) return -1;
        c->pulled[n] = y;
        c->upstream[n++] = u;
    }
    return n;
}

static bool holds(const gt_tensor *u, const double *v)
{
    if (u->dtype == GT_F64) return memcmp(u->data, v, (size_t)u->size * sizeof *v) == 0;
    int64_t j = 0;
    while (j < u->size && gt_load_element(u, j) == (double)(float)v[j]) j++;
    return j == u->size;
}

static bool upstreams_intact(gti_check *c, const double *v)
{
    for (int i = 0, k = 0; i < c->fn->n_out; i++) {
        if (!has_upstream(c, i)) continue;
        const gt_tensor *u = c->upstream[k++];
        const bool same = holds(u, v + c->y[i].offset);
        if (!GT_MUTANT(check_no_upstream, same, true))
            return gti_check_fail(c, GT_GRADCHECK_MUTATED, "backward rules only read gout",
                                  "backward changed the upstream gradient of %s", c->y[i].name);
    }
    return true;
}

static bool read_gradient(gti_check *c, int i, const gt_tensor *grad, double *g)
{
    const gt_tensor *x = c->fn->var[i];
    if (!grad) {
        memset(g + c->x[i].offset, 0, (size_t)c->x[i].size * sizeof *g);
        return true;
    }
    if (grad->dtype == x->dtype && gt_shape_equal(grad->shape, x->shape)) {
        gti_check_read(grad, g + c->x[i].offset);
        return true;
    }
    char want[128], got[128];
    return gti_check_fail(
        c, GT_GRADCHECK_SHAPE,
        "where an input was broadcast, sum its gradient back: gt_sum_to(g, x->shape)",
        "the gradient of %s is %s %s, the input is %s %s", c->x[i].name, gt_dtype_name(grad->dtype),
        gt_shape_format(grad->shape, got, sizeof got), gt_dtype_name(x->dtype),
        gt_shape_format(x->shape, want, sizeof want));
}

/* What a wrong shape in a backward rule may come from. */
static const char *hint_for_shapes(const gti_check *c)
{
    for (int i = 0; i < c->fn->n_var; i++)
        for (int k = 0; k < c->fn->n_out; k++) {
            gt_shape all;
            const gt_shape x = c->x[i].shape, y = c->y[k].shape;
            if (gt_shape_equal(x, y) || !gt_shape_broadcast(x, y, &all) || !gt_shape_equal(all, y))
                continue;
            return "where an input was broadcast, a reduction is missing: gt_sum_to(g, x->shape)";
        }
    return NULL;
}

static bool gradients(gti_check *c, int n, int n_wanted)
{
    const gt_grad_opts opts = {.retain = true, .upstream = c->upstream, .allow_unused = true};
    c->error_hint = hint_for_shapes(c);
    const bool ok =
        gt_grad_(c->pulled, n, c->wanted, n_wanted, c->grad, opts) == GT_OK || gti_check_alive(c);
    c->error_hint = NULL;
    return ok;
}

static bool pull(gti_check *c, const double *v, double *g)
{
    const int n = make_upstreams(c, v);
    int n_wanted = 0;
    for (int i = 0; i < c->fn->n_var; i++)
        if (c->fn->var[i]->requires_grad) c->wanted[n_wanted++] = c->fn->var[i];
    if (n < 0) return gti_check_alive(c);
    if (n && !gradients(c, n, n_wanted)) return false;
    for (int i = 0, k = 0; i < c->fn->n_var; i++) {
        const bool wanted = n && c->fn->var[i]->requires_grad;
        if (!read_gradient(c, i, wanted ? c->grad[k++] : NULL, g)) return false;
    }
    return upstreams_intact(c, v);
}

bool gti_check_vjp(gti_check *c, const double *v, double *g)
{
    const gt_mark mark = gt_mark_tape(c->gt);
    const bool ok = pull(c, v, g);
    gti_check_hide_columns(c, g);
    if (ok) gt_rewind(c->gt, mark);
    return ok;
}

bool gti_check_pull(gti_check *c, const double *v, double *g)
{
    if (!gti_check_begin(c)) return false;
    const bool ok = gti_check_vjp(c, v, g);
    if (ok) gti_check_end(c);
    return ok;
}

/* --- random numbers: SplitMix64, so that the context's own stream is left alone --- */

uint64_t gti_check_bits(gti_check *c)
{
    uint64_t z = c->random += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

/* Uniform in (0, 1]. */
static double uniform(gti_check *c)
{
    return (double)((gti_check_bits(c) >> 11) + 1) * 0x1p-53;
}

void gti_check_normal(gti_check *c, int64_t n, double *x)
{
    const double pi = 3.14159265358979323846;
    for (int64_t i = 0; i < n; i++) {
        const double radius = sqrt(-2 * log(uniform(c)));
        x[i] = radius * cos(2 * pi * uniform(c));
    }
}

/* Sums of two uniform numbers, of mean 0 and variance 1; no sum is the mean. */
static double weight(uint32_t bits)
{
    const double mean = 65535 - 0.5, one_over_deviation = 2.449489742783178 / 65536; /* sqrt(6) */
    return ((double)(int32_t)((bits & 65535) + (bits >> 16)) - mean) * one_over_deviation;
}

void gti_check_weights(gti_check *c, int64_t n, double *x)
{
    enum { BLOCK = 256 };
    uint32_t half[BLOCK]; /* each of 64 bits, the lower one first */
    for (int64_t at = 0; at < n; at += BLOCK) {
        const int64_t size = n - at < BLOCK ? n - at : BLOCK;
        for (int64_t i = 0; i < size; i += 2) {
            const uint64_t bits = gti_check_bits(c);
            half[i] = (uint32_t)bits;
            half[i + 1] = (uint32_t)(bits >> 32);
        }
        for (int64_t i = 0; i < size; i++) x[at + i] = weight(half[i]);
    }
}

void gti_check_draw_upstream(gti_check *c, double *v)
{
    gti_check_weights(c, c->n_y, v);
    gti_check_hide_rows(c, v);
}
