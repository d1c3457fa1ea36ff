/* Making and combining tensors, in the model. */
#include <math.h>
#include <string.h>

#include "program.h"

gt_shape shape_number(int i)
{
    static const gt_shape shapes[N_SHAPES] = {
        {0, {0}},    {1, {1}},    {1, {2}},    {1, {3}},       {2, {2, 2}},
        {2, {2, 3}}, {2, {3, 2}}, {2, {1, 3}}, {3, {2, 1, 2}}, {1, {6}},
    };
    return i < N_SHAPES ? shapes[i] : (gt_shape){1, {-1}};
}

void step_make(model *m, const statement *s, outcome *o)
{
    const gt_dtype dtype = (gt_dtype)s->p[1];
    context *c = &m->context[s->context];
    if (c->failed) return;
    if (s->p[0] >= N_SHAPES) fail(m, s->context, GT_ERR_SHAPE, "negative");
    else if (s->p[3] && dtype > GT_F64) fail(m, s->context, GT_ERR_DTYPE, "has no gradients");
    if (c->failed) return;
    tensor *t = new_tensor(m, s->context, dtype, shape_number(s->p[0]));
    if (!t) return;
    t->requires = s->p[3];
    for (int i = 0; i < t->size; i++) t->own.value[i] = made_value(s, i);
    o->out[0] = t;
}

/* --- inputs --- */

static int context_of(int n, tensor *const in[])
{
    for (int i = 0; i < n; i++)
        if (in[i]) return in[i]->context;
    return -1;
}

static bool check_input(model *m, int at, const tensor *x, const tensor *first)
{
    if (!x) {
        fail(m, at, GT_ERR_ARGUMENT, "is NULL");
        return false;
    }
    if (x->lost || x->data->vague) m->unsure = true;
    const char *why = unusable(x);
    if (why) fail(m, at, GT_ERR_STATE, why);
    else if (x->context != at) fail(m, at, GT_ERR_ARGUMENT, "another context");
    else if (x->dtype != first->dtype) fail(m, at, GT_ERR_DTYPE, "make them the same");
    return !m->context[at].failed;
}

static bool check_inputs(model *m, int n, tensor *const in[])
{
    const int at = context_of(n, in);
    if (at < 0) m->homeless = GT_ERR_ARGUMENT;
    if (at < 0 || m->context[at].failed) return false;
    for (int i = 0; i < n; i++)
        if (!check_input(m, at, in[i], in[0])) return false;
    return !m->unsure;
}

/* --- terms --- */

/* What an operation makes of its inputs. */
typedef struct {
    rule rule;
    gt_shape shape;
    int n_terms;
    term terms[TERMS];
} formula;

static void add(formula *f, int i, int a, int b, int to, int c)
{
    if (f->n_terms < TERMS)
        f->terms[f->n_terms] = (term){(uint8_t)i, (uint8_t)a, (uint8_t)b, (uint8_t)to, (int8_t)c};
    f->n_terms++;
}

/* The element of x that element j of y, which x broadcasts to, comes from. */
static int source(const gt_shape *x, const gt_shape *y, int64_t j)
{
    int64_t at = 0, stride = 1;
    for (int i = 1; i <= x->ndim; i++) {
        const int64_t dim = x->dim[x->ndim - i], of_y = y->dim[y->ndim - i];
        if (dim != 1) at += stride * (j % of_y);
        stride *= dim;
        j /= of_y;
    }
    return (int)at;
}

static int64_t size_of(const gt_shape *x)
{
    int64_t size = 1;
    for (int i = 0; i < x->ndim; i++) size *= x->dim[i];
    return size;
}

static bool broadcast(const gt_shape *a, const gt_shape *b, gt_shape *y)
{
    *y = a->ndim > b->ndim ? *a : *b;
    for (int i = 1; i <= y->ndim; i++) {
        const int64_t da = i <= a->ndim ? a->dim[a->ndim - i] : 1;
        const int64_t db = i <= b->ndim ? b->dim[b->ndim - i] : 1;
        if (da != db && da != 1 && db != 1) return false;
        y->dim[y->ndim - i] = da == 1 ? db : da;
    }
    return true;
}

static bool binary(formula *f, const statement *s, tensor *const in[])
{
    const gt_shape *a = &in[0]->shape, *b = &in[1]->shape;
    if (!broadcast(a, b, &f->shape)) return false;
    f->rule = s->kind == MUL ? BILINEAR : LINEAR;
    for (int j = 0; j < size_of(&f->shape); j++) {
        const int ia = source(a, &f->shape, j), ib = source(b, &f->shape, j);
        if (f->rule == BILINEAR) add(f, 0, ia, ib, j, 1);
        else add(f, 0, ia, 0, j, 1), add(f, 1, ib, 0, j, 1);
    }
    return true;
}

static bool product(formula *f, tensor *const in[])
{
    const gt_shape *a = &in[0]->shape, *b = &in[1]->shape;
    const int m = (int)a->dim[0], k = (int)a->dim[1], n = (int)b->dim[1];
    f->rule = BILINEAR;
    f->shape = GT_SHAPE(m, n);
    for (int i = 0; i < m * n * k; i++) {
        const int row = i / (n * k), column = i / k % n, at = i % k;
        add(f, 0, row * k + at, at * n + column, row * n + column, 1);
    }
    return k == b->dim[0];
}

/* Elements of a tensor as [outer, dim, inner] around an axis. */
typedef struct {
    int outer, dim, inner;
} around;

static around around_axis(const gt_shape *x, int axis)
{
    around r = {1, (int)x->dim[axis], 1};
    for (int i = 0; i < axis; i++) r.outer *= (int)x->dim[i];
    for (int i = axis + 1; i < x->ndim; i++) r.inner *= (int)x->dim[i];
    return r;
}

static gt_shape without(gt_shape x, int axis)
{
    for (int i = axis; i + 1 < x.ndim; i++) x.dim[i] = x.dim[i + 1];
    x.dim[--x.ndim] = 0;
    return x;
}

/* Places start..stop of an axis of input i, to places from `to` on of y's. */
static void move(formula *f, int i, const gt_shape *x, int axis, int start, int stop, int to)
{
    const around from = around_axis(x, axis), into = around_axis(&f->shape, axis);
    for (int o = 0; o < from.outer; o++)
        for (int k = start; k < stop; k++)
            for (int r = 0; r < from.inner; r++)
                add(f, i, (o * from.dim + k) * from.inner + r, 0,
                    (o * into.dim + to + k - start) * into.inner + r, 1);
}

static bool concat(formula *f, const statement *s, int n, tensor *const in[])
{
    const int axis = s->p[0];
    f->shape = in[0]->shape;
    if (axis >= f->shape.ndim) return false;
    for (int i = 1; i < n; i++) {
        if (in[i]->shape.ndim != f->shape.ndim) return false;
        for (int k = 0; k < f->shape.ndim; k++)
            if (k != axis && in[i]->shape.dim[k] != f->shape.dim[k]) return false;
        f->shape.dim[axis] += in[i]->shape.dim[axis];
    }
    int to = 0;
    for (int i = 0; i < n; i++) {
        const int dim = (int)in[i]->shape.dim[axis];
        move(f, i, &in[i]->shape, axis, 0, dim, to);
        to += dim;
    }
    return true;
}

static bool slice(formula *f, const statement *s, const tensor *x)
{
    const int axis = s->p[0];
    f->shape = x->shape;
    if (axis >= x->shape.ndim) return false;
    const int dim = (int)x->shape.dim[axis];
    const int start = s->p[1] < dim ? s->p[1] : dim, stop = s->p[2] < dim ? s->p[2] : dim;
    f->shape.dim[axis] = stop > start ? stop - start : 0;
    move(f, 0, &x->shape, axis, start, stop, 0);
    return true;
}

/* p[0] is 0 for all axes, else 1 more than the axis. */
static bool sum(formula *f, const statement *s, const tensor *x)
{
    const int axis = s->p[0] - 1;
    if (axis >= x->shape.ndim) return false;
    if (axis < 0) {
        for (int i = 0; i < x->size; i++) add(f, 0, i, 0, 0, 1);
        return true;
    }
    const around r = around_axis(&x->shape, axis);
    f->shape = without(x->shape, axis);
    for (int i = 0; i < x->size; i++)
        add(f, 0, i, 0, i / (r.dim * r.inner) * r.inner + i % r.inner, 1);
    return true;
}

static bool reshape(formula *f, const statement *s, const tensor *x)
{
    f->shape = s->p[0] < N_SHAPES ? shape_number(s->p[0]) : GT_SHAPE(x->size);
    for (int i = 0; i < x->size; i++) add(f, 0, i, 0, i, 1);
    return size_of(&f->shape) == x->size;
}

static bool elementwise(formula *f, const statement *s, const tensor *x)
{
    static const rule rules[N_KINDS] = {
        [SQUARE] = BILINEAR, [RELU_OF] = RELU, [EXP_OF] = EXP, [TANH_OF] = TANH};
    const int c = s->kind == NEG ? -1 : s->kind == MUL_SCALAR ? s->p[0] : 1;
    f->shape = x->shape;
    f->rule = rules[s->kind];
    for (int i = 0; i < x->size && f->rule <= BILINEAR; i++) add(f, 0, i, i, i, c);
    return true;
}

/* Where the largest elements are; ties within the error leave no definite outcome. */
static bool largest(model *m, formula *f, const statement *s, const tensor *x, double *index)
{
    const int axis = s->p[0];
    if (axis >= x->shape.ndim || x->shape.dim[axis] == 0) return false;
    const around r = around_axis(&x->shape, axis);
    const double *v = x->data->value, error = x->data->error;
    f->shape = without(x->shape, axis);
    for (int i = 0; i < r.outer * r.inner; i++) {
        const int first = i / r.inner * r.dim * r.inner + i % r.inner;
        int best = 0;
        for (int k = 1; k < r.dim; k++) {
            const double ahead = v[first + k * r.inner] - v[first + best * r.inner];
            if (error != 0 && fabs(ahead) <= 2 * error) m->unsure = true;
            if (ahead > 0) best = k;
        }
        index[i] = best;
        add(f, 0, first + best * r.inner, 0, i, 1);
    }
    return true;
}

/* --- the step --- */

static bool write_formula(model *m, formula *f, const statement *s, int n, tensor *const in[],
                          double *index)
{
    switch (s->kind) {
    case ADD:
    case MUL: return binary(f, s, in);
    case MATMUL:
        m->unsure |= in[0]->shape.ndim != 2 || in[1]->shape.ndim != 2;
        return m->unsure || product(f, in);
    case CONCAT: return concat(f, s, n, in);
    case SUM: return sum(f, s, in[0]);
    case RESHAPE: return reshape(f, s, in[0]);
    case SLICE: return slice(f, s, in[0]);
    case MAX: return largest(m, f, s, in[0], index);
    default: return elementwise(f, s, in[0]);
    }
}

static bool saves_nothing(kind k)
{
    return k == ADD || k == CONCAT || k == NEG || k == MUL_SCALAR || k == SUM || k == RESHAPE ||
           k == SLICE;
}

static void add_index(model *m, outcome *o, const double *index)
{
    tensor *y = o->out[0], *i = new_tensor(m, y->context, GT_I64, y->shape);
    if (!i) return;
    memcpy(i->own.value, index, sizeof i->own.value);
    o->out[1] = i;
    if (y->made) y->made->index = i;
}

static void run_formula(model *m, const statement *s, const formula *f, int n, tensor *const in[],
                        outcome *o)
{
    const bool record = m->context[in[0]->context].recording;
    const bool twice = s->kind == SQUARE;
    o->out[0] = apply(m, f->rule, twice ? 2 : n, (tensor *[]){in[0], twice ? in[0] : in[1], in[2]},
                      f->shape, f->n_terms, f->terms, record);
    if (!o->out[0] || m->unsure) return;
    tensor *y = o->out[0];
    if (y->made) y->made->saved = !saves_nothing(s->kind);
    if (s->kind == RESHAPE) y->data = in[0]->data;
}

void step_operation(model *m, const statement *s, outcome *o)
{
    tensor *in[INPUTS] = {operand(m, s, 0), operand(m, s, 1), operand(m, s, 2)};
    const int n = s->kind == CONCAT ? s->p[1] : s->kind <= MATMUL ? 2 : 1;
    double index[SIZE] = {0};
    formula f = {.rule = LINEAR};
    const bool along = s->kind == CONCAT || s->kind == SLICE || s->kind == SUM || s->kind == MAX;
    if (!check_inputs(m, n, in)) return;
    const int at = in[0]->context;
    if (along && in[0]->shape.ndim == 0 && (s->kind != SUM || s->p[0])) m->unsure = true;
    const bool moves = s->kind == CONCAT || s->kind == RESHAPE || s->kind == SLICE;
    if (!write_formula(m, &f, s, n, in, index)) fail(m, at, GT_ERR_SHAPE, NULL);
    else if (in[0]->dtype > GT_F64 && !moves) fail(m, at, GT_ERR_DTYPE, "not made for");
    else if (!m->unsure) run_formula(m, s, &f, n, in, o);
    if (s->kind == MAX && o->out[0] && !m->unsure) add_index(m, o, index);
}
