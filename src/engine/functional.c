/* gt_vjp, gt_jvp, gt_jacobian, gt_hessian, gt_hvp: compositions of calls of f and gt_grad. */
#include <gradtape/functional.h>

#include <string.h>

#include "engine/context.h"
#include "kernels/kernels.h"
#include <gradtape/autograd.h>
#include <gradtape/ops.h>

/* One call: f on inputs of its own. */
typedef struct {
    gt_ctx *gt;
    const char *what;
    gt_functional_opts opts;
    bool recording; /* before */
    int n, n_x;
    gt_tensor **in;  /* n: what f is called on */
    gt_tensor **x;   /* n_x: those of in that are differentiated */
    int *place;      /* n_x: x[k] is in[place[k]] */
    gt_tensor **g;   /* n_x gradients of x */
    gt_tensor **out; /* n_x: for lists of outputs of gt_grad, */
    gt_tensor **up;  /* and their upstream */
    gt_tensor *y;    /* f(in) */
} job;

static bool refuse(const job *j, gt_status code, const char *text)
{
    gt_fail(j->gt, code, j->what, "%s", text);
    return false;
}

static gt_status status(const job *j)
{
    if (!j->gt) return GT_ERR_ARGUMENT;
    gt_set_recording(j->gt, j->recording);
    return gt_error_code(j->gt);
}

/* --- beginning: inputs, and f --- */

/* in, with a header of its own that requires gradients. */
static gt_tensor *variable(const job *j, gt_tensor *in)
{
    if (j->opts.create_graph && in->requires_grad) return gt_reshape(in, in->shape);
    gt_tensor *x = gt_detach(in);
    if (x) x->requires_grad = true;
    return x;
}

static bool add_input(job *j, gt_tensor *in, int i)
{
    const char *why = !in ? "is NULL" : gt_unusable(in);
    if (!why && in->ctx != j->gt) why = "belongs to another context";
    if (why) {
        gt_fail(j->gt, GT_ERR_ARGUMENT, j->what, "input %d %s", i, why);
        return false;
    }
    j->in[i] = in;
    if (!gt_is_floating(in->dtype)) return true;
    j->in[i] = variable(j, in);
    j->place[j->n_x] = i;
    j->x[j->n_x++] = j->in[i];
    return j->in[i];
}

static bool add_inputs(job *j, gt_tensor *const in[])
{
    const size_t tensors = (size_t)j->n * 5 * sizeof *j->in;
    j->in = gti_arena_get(&j->gt->step, tensors);
    j->place = gti_arena_get(&j->gt->step, (size_t)j->n * sizeof *j->place);
    if (!j->in || !j->place) return refuse(j, GT_ERR_MEMORY, "out of memory");
    j->x = j->in + j->n;
    j->g = j->x + j->n;
    j->out = j->g + j->n;
    j->up = j->out + j->n;
    for (int i = 0; i < j->n; i++)
        if (!add_input(j, in[i], i)) return false;
    return j->n_x > 0 || refuse(j, GT_ERR_DTYPE, "no input is f32 or f64");
}

static bool check_value(const job *j)
{
    if (gt_failed(j->gt)) return false;
    if (!j->y) return refuse(j, GT_ERR_ARGUMENT, "the function returned NULL");
    if (j->y->ctx != j->gt)
        return refuse(j, GT_ERR_ARGUMENT, "the function's result is of another context");
    if (!gti_tensor_usable(j->y, j->what)) return false;
    return gt_is_floating(j->y->dtype) ||
           refuse(j, GT_ERR_DTYPE, "the function's result is neither f32 nor f64");
}

/* Calls f, recorded whatever the setting. The caller must end with status(). */
static bool begin(job *j, gt_function f, void *user, gt_tensor *const in[])
{
    if (j->opts.value) *j->opts.value = NULL;
    if (!j->gt) return refuse(j, GT_ERR_ARGUMENT, "the context is NULL");
    j->recording = gt_set_recording(j->gt, true);
    if (gt_failed(j->gt)) return false;
    if (!f) return refuse(j, GT_ERR_ARGUMENT, "the function is NULL");
    if (j->n < 1 || !in) return refuse(j, GT_ERR_ARGUMENT, "there are no inputs");
    if (!add_inputs(j, in)) return false;
    j->y = f(j->gt, j->in, user);
    return check_value(j);
}

static bool finish(const job *j)
{
    if (gt_failed(j->gt)) return false;
    if (j->opts.value) *j->opts.value = j->opts.create_graph ? j->y : gt_detach(j->y);
    return true;
}

/* Whether v can stand for t; `name` and i say what v is (i < 0: there is only one). */
static bool check_like(const job *j, const gt_tensor *v, const gt_tensor *t, const char *name,
                       int i)
{
    char which[32], a[128], b[128];
    snprintf(which, sizeof which, i < 0 ? "%s" : "%s[%d]", name, i);
    const char *why = v->ctx != j->gt ? "belongs to another context" : gt_unusable(v);
    if (why) gt_fail(j->gt, GT_ERR_ARGUMENT, j->what, "%s %s", which, why);
    else if (v->dtype != t->dtype)
        gt_fail(j->gt, GT_ERR_DTYPE, j->what, "%s is %s, but should be %s", which,
                gt_dtype_name(v->dtype), gt_dtype_name(t->dtype));
    else if (!gt_same_shape(v, t))
        gt_fail(j->gt, GT_ERR_SHAPE, j->what, "%s has shape %s, but should have %s", which,
                gt_shape_format(v->shape, a, sizeof a), gt_shape_format(t->shape, b, sizeof b));
    else return true;
    return false;
}

static bool check_one_element(const job *j, const char *cure)
{
    if (j->y->size == 1) return true;
    char shape[128];
    gt_fail(j->gt, GT_ERR_SHAPE, j->what,
            "the function's result has %lld elements, shape %s, instead of one\n  hint: %s",
            (long long)j->y->size, gt_shape_format(j->y->shape, shape, sizeof shape), cure);
    return false;
}

/* --- pieces --- */

/* g = gradient of u . y in x, with NULL where y does not depend on x. */
static bool pull(const job *j, gt_tensor *y, gt_tensor *u, gt_grad_opts opts)
{
    memset(j->g, 0, (size_t)j->n_x * sizeof *j->g);
    if (!y->requires_grad) return true;
    opts.upstream = u ? &u : NULL;
    opts.allow_unused = true;
    return gt_grad_(&y, 1, j->x, j->n_x, j->g, opts) == GT_OK;
}

/* to[i] for every input: g, or zeros, or NULL for an integer input. */
static bool hand_out(const job *j, gt_tensor *to[])
{
    for (int i = 0; i < j->n; i++) to[i] = NULL;
    for (int k = 0; k < j->n_x; k++) {
        to[j->place[k]] = j->g[k] ? j->g[k] : gt_zeros_like(j->x[k]);
        if (!to[j->place[k]]) return false;
    }
    return true;
}

/* Lists the gradients that v goes with in out and up; -1 after a failure. */
static int pair_up(const job *j, gt_tensor *const v[])
{
    int n = 0;
    for (int k = 0; k < j->n_x; k++) {
        gt_tensor *vk = v[j->place[k]];
        if (vk && !check_like(j, vk, j->x[k], "v", j->place[k])) return -1;
        if (!vk || !j->g[k] || !j->g[k]->requires_grad) continue;
        j->out[n] = j->g[k];
        j->up[n++] = vk;
    }
    return n;
}

/* --- gt_vjp, gt_jvp, gt_hvp --- */

static bool vjp(job *j, gt_tensor *v, gt_tensor *grads[])
{
    if (v && !check_like(j, v, j->y, "v", -1)) return false;
    if (!v && !check_one_element(j, "pass v of its shape")) return false;
    return pull(j, j->y, v, (gt_grad_opts){.create_graph = j->opts.create_graph}) &&
           hand_out(j, grads) && finish(j);
}

gt_status gt_vjp_(gt_ctx *gt, gt_function f, void *user, gt_tensor *const in[], int n, gt_tensor *v,
                  gt_tensor *grads[], gt_functional_opts opts)
{
    job j = {.gt = gt, .what = "gt_vjp", .opts = opts, .n = n};
    for (int i = 0; i < n; i++) grads[i] = NULL;
    if (begin(&j, f, user, in) && vjp(&j, v, grads)) return status(&j);
    for (int i = 0; i < n; i++) grads[i] = NULL;
    return status(&j);
}

/* With g(u) = u' J, linear in u:  J v = d (g(u) . v) / du. */
static bool jvp(job *j, gt_tensor *const v[], gt_tensor **jv)
{
    gt_tensor *u = gt_zeros_like(j->y);
    if (!v) return refuse(j, GT_ERR_ARGUMENT, "v is NULL");
    if (!u) return false;
    u->requires_grad = true;
    if (!pull(j, j->y, u, (gt_grad_opts){.create_graph = true})) return false;
    const int n = pair_up(j, v);
    if (n < 0) return false;
    const gt_grad_opts opts = {
        .create_graph = j->opts.create_graph, .upstream = j->up, .allow_unused = true};
    if (n > 0 && gt_grad_(j->out, n, &u, 1, jv, opts) != GT_OK) return false;
    if (!*jv) *jv = gt_zeros_like(j->y);
    return finish(j);
}

gt_status gt_jvp_(gt_ctx *gt, gt_function f, void *user, gt_tensor *const in[], int n,
                  gt_tensor *const v[], gt_tensor **jv, gt_functional_opts opts)
{
    job j = {.gt = gt, .what = "gt_jvp", .opts = opts, .n = n};
    *jv = NULL;
    if (!begin(&j, f, user, in) || !jvp(&j, v, jv)) *jv = NULL;
    return status(&j);
}

/* H v = d (g . v) / dx, where g is the gradient. */
static bool hvp(job *j, gt_tensor *const v[], gt_tensor *hv[])
{
    if (!v) return refuse(j, GT_ERR_ARGUMENT, "v is NULL");
    if (!check_one_element(j, "reduce it: gt_sum, gt_mean")) return false;
    if (!pull(j, j->y, NULL, (gt_grad_opts){.create_graph = true})) return false;
    const int n = pair_up(j, v);
    if (n < 0) return false;
    const gt_grad_opts opts = {
        .create_graph = j->opts.create_graph, .upstream = j->up, .allow_unused = true};
    memset(j->g, 0, (size_t)j->n_x * sizeof *j->g);
    if (n > 0 && gt_grad_(j->out, n, j->x, j->n_x, j->g, opts) != GT_OK) return false;
    return hand_out(j, hv) && finish(j);
}

gt_status gt_hvp_(gt_ctx *gt, gt_function f, void *user, gt_tensor *const in[], int n,
                  gt_tensor *const v[], gt_tensor *hv[], gt_functional_opts opts)
{
    job j = {.gt = gt, .what = "gt_hvp", .opts = opts, .n = n};
    for (int i = 0; i < n; i++) hv[i] = NULL;
    if (begin(&j, f, user, in) && hvp(&j, v, hv)) return status(&j);
    for (int i = 0; i < n; i++) hv[i] = NULL;
    return status(&j);
}

/* --- gt_jacobian, gt_hessian --- */

static bool shape_of(const job *j, const gt_tensor *y, const gt_tensor *x, gt_shape *shape)
{
    if (j->opts.flat) {
        *shape = GT_SHAPE(y->size, x->size);
        return true;
    }
    *shape = y->shape;
    shape->ndim += x->shape.ndim;
    if (shape->ndim <= GT_MAX_DIMS) {
        memcpy(shape->dim + y->shape.ndim, x->shape.dim,
               (size_t)x->shape.ndim * sizeof *shape->dim);
        return true;
    }
    char a[128], b[128];
    gt_fail(
        j->gt, GT_ERR_SHAPE, j->what,
        "shapes %s and %s make %d dimensions, more than %d\n  hint: .flat = true gives a matrix",
        gt_shape_format(y->shape, a, sizeof a), gt_shape_format(x->shape, b, sizeof b), shape->ndim,
        GT_MAX_DIMS);
    return false;
}

static bool make_zeros(const job *j, const gt_tensor *y, gt_tensor *jac[])
{
    for (int k = 0; k < j->n_x; k++) {
        gt_shape shape;
        if (!shape_of(j, y, j->x[k], &shape)) return false;
        jac[j->place[k]] = gt_full_(j->gt, shape, 0.0, (gt_new_opts){.dtype = j->x[k]->dtype});
        if (!jac[j->place[k]]) return false;
    }
    return true;
}

/* The gradients of element `row` of y in x. */
static bool pull_row(const job *j, gt_tensor *y, int64_t row)
{
    gt_tensor *v = gt_full_(j->gt, GT_SHAPE(y->size), 0, (gt_new_opts){.dtype = y->dtype});
    if (!v || gt_fill_slice(v, 0, row, row + 1, 1) != GT_OK) return false;
    v = gt_reshape(v, y->shape);
    const bool create = j->opts.create_graph;
    return pull(j, y, v, (gt_grad_opts){.create_graph = create, .retain = true});
}

/* Row by row into memory; nothing of a row stays but its numbers. The caller's marks are left as
 * they were. */
static bool fill_rows(const job *j, gt_tensor *y, gt_tensor *jac[])
{
    gti_mark *marks = j->gt->marks;
    bool ok = true;
    for (int64_t row = 0; row < y->size && ok; row++) {
        const gt_mark mark = gt_mark_tape(j->gt);
        ok = pull_row(j, y, row);
        for (int k = 0; k < j->n_x && ok; k++) {
            if (!j->g[k]) continue;
            const size_t bytes = (size_t)j->g[k]->size * gt_dtype_size(j->g[k]->dtype);
            memcpy((char *)jac[j->place[k]]->data + (size_t)row * bytes, j->g[k]->data, bytes);
        }
        gt_rewind(j->gt, mark);
    }
    j->gt->marks = marks;
    return ok;
}

/* The same, recorded: rows [n_x][m] are stacked, and take the place of the zeros in jac. */
static bool stack_rows(const job *j, gt_tensor *y, gt_tensor *jac[])
{
    const int64_t m = y->size;
    if (!m) return true;
    if (m > INT32_MAX / j->n_x) return refuse(j, GT_ERR_SHAPE, "the result is too large");
    gt_tensor **rows = gti_arena_get(&j->gt->step, (size_t)(m * j->n_x) * sizeof *rows);
    if (!rows) return refuse(j, GT_ERR_MEMORY, "out of memory");
    for (int64_t row = 0; row < m; row++) {
        if (!pull_row(j, y, row)) return false;
        for (int k = 0; k < j->n_x; k++) {
            gt_tensor *g = j->g[k] ? j->g[k] : gt_zeros_like(j->x[k]);
            rows[k * m + row] = gt_reshape(g, GT_SHAPE(j->x[k]->size));
        }
    }
    for (int k = 0; k < j->n_x; k++) {
        gt_tensor **at = &jac[j->place[k]];
        *at = gt_reshape(gt_stack(rows + k * m, (int)m, 0), (*at)->shape);
        if (!*at) return false;
    }
    return true;
}

/* jac[i] = d y / d in[i]; y depends on x or, as `constant`, does not. */
static bool jacobian(const job *j, gt_tensor *y, bool constant, gt_tensor *jac[])
{
    if (!make_zeros(j, y, jac)) return false;
    if (constant || !y->requires_grad) return true;
    const bool recorded = j->opts.create_graph || j->gt->recording_all;
    return recorded ? stack_rows(j, y, jac) : fill_rows(j, y, jac);
}

gt_status gt_jacobian_(gt_ctx *gt, gt_function f, void *user, gt_tensor *const in[], int n,
                       gt_tensor *jac[], gt_functional_opts opts)
{
    job j = {.gt = gt, .what = "gt_jacobian", .opts = opts, .n = n};
    for (int i = 0; i < n; i++) jac[i] = NULL;
    if (begin(&j, f, user, in) && jacobian(&j, j.y, false, jac) && finish(&j)) return status(&j);
    for (int i = 0; i < n; i++) jac[i] = NULL;
    return status(&j);
}

/* hess[i * n + j] is row block i of the Jacobian of the gradient. */
static bool hessian(job *j, gt_tensor *hess[])
{
    if (!check_one_element(j, "reduce it: gt_sum, gt_mean")) return false;
    if (!pull(j, j->y, NULL, (gt_grad_opts){.create_graph = true})) return false;
    memcpy(j->out, j->g, (size_t)j->n_x * sizeof *j->g);
    for (int k = 0; k < j->n_x; k++) {
        gt_tensor *g = j->out[k];
        if (!jacobian(j, g ? g : j->x[k], !g, hess + (int64_t)j->place[k] * j->n)) return false;
    }
    return finish(j);
}

gt_status gt_hessian_(gt_ctx *gt, gt_function f, void *user, gt_tensor *const in[], int n,
                      gt_tensor *hess[], gt_functional_opts opts)
{
    job j = {.gt = gt, .what = "gt_hessian", .opts = opts, .n = n};
    const int64_t cells = n > 0 ? (int64_t)n * n : 0;
    for (int64_t i = 0; i < cells; i++) hess[i] = NULL;
    if (begin(&j, f, user, in) && hessian(&j, hess)) return status(&j);
    for (int64_t i = 0; i < cells; i++) hess[i] = NULL;
    return status(&j);
}
