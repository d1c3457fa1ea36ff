/* Values of the model, and the gradients of its nodes. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "model.h"

enum { LARGEST = 1 << 22 }; /* of an exact value: every sum up to it is exact in f32 */
static const double largest_inexact = 1024, largest_error = 1e-3;

tensor *new_tensor(model *m, int at, gt_dtype dtype, gt_shape shape)
{
    const int64_t size = gt_shape_size(shape);
    if (m->n_tensors == TENSORS || size > SIZE) {
        m->unsure = true;
        return NULL;
    }
    tensor *t = &m->tensors[m->n_tensors++];
    *t = (tensor){.context = at, .dtype = dtype, .shape = shape, .size = (int)size};
    t->data = &t->own;
    t->own.owner = t;
    t->born = ++m->clock;
    return t;
}

/* --- forward --- */

static double epsilon(const tensor *t)
{
    return t->dtype == GT_F32 ? FLT_EPSILON : DBL_EPSILON;
}

/* One term more of y, whose absolute terms are added up in `most`. */
static void add_term(const node *n, const term *k, double *y, double *error, double *most)
{
    const block *x = n->in[k->i]->data;
    double value = k->c * x->value[k->a], wrong = fabs((double)k->c) * x->error;
    if (n->rule == BILINEAR) {
        const block *z = n->in[1]->data;
        wrong = fabs((double)k->c) * (fabs(x->value[k->a]) * z->error +
                                      fabs(z->value[k->b]) * x->error + x->error * z->error);
        value *= z->value[k->b];
    }
    y[k->to] += value;
    error[k->to] += wrong;
    most[k->to] += fabs(value);
}

static void add_terms(const node *n, double *error, double *most)
{
    double *y = n->out->own.value;
    for (int k = 0; k < n->n_terms; k++) add_term(n, &n->terms[k], y, error, most);
    bool exact = true;
    for (int i = 0; i < n->n_in; i++) exact &= n->in[i]->data->error == 0;
    for (int i = 0; i < n->out->size && !exact; i++)
        error[i] += (n->n_terms + 1) * (most[i] * epsilon(n->out) + FLT_MIN);
}

static double function(rule r, double x)
{
    switch (r) {
    case RELU: return x > 0 ? x : 0;
    case EXP: return exp(x);
    case TANH: return tanh(x);
    case STEP: return x > 0;
    default: return 1 - x * x;
    }
}

static void map(model *m, const node *n, double *error, double *most)
{
    const block *x = n->in[0]->data;
    for (int i = 0; i < n->out->size; i++) {
        const double y = function(n->rule, x->value[i]);
        n->out->own.value[i] = y;
        most[i] = fabs(y);
        const bool kinked = n->rule == RELU || n->rule == STEP;
        if (kinked && x->error > 0 && fabs(x->value[i]) <= 2 * x->error) m->unsure = true;
        error[i] = n->rule == STEP ? 0 : x->error * (n->rule == EXP ? 2 * y : 2);
        if (!kinked) error[i] += 8 * epsilon(n->out) * (1 + most[i]);
    }
}

/* Values that are out of bounds leave the statement without a definite outcome. */
static void compute(model *m, const node *n)
{
    double error[SIZE] = {0}, most[SIZE] = {0};
    if (n->rule <= BILINEAR) add_terms(n, error, most);
    else map(m, n, error, most);
    block *y = n->out->data;
    for (int i = 0; i < n->out->size; i++) {
        if (error[i] > y->error) y->error = error[i];
        if (most[i] > LARGEST) m->unsure = true;
    }
    for (int i = 0; i < n->out->size; i++)
        if (y->error > 0 && most[i] > largest_inexact) m->unsure = true;
    if (y->error > largest_error) m->unsure = true;
}

static unsigned needs_of(int n_in, tensor *const in[])
{
    unsigned needs = 0;
    for (int i = 0; i < n_in; i++) needs |= (unsigned)in[i]->requires << i;
    return needs;
}

static void record_node(model *m, node *n)
{
    n->out->requires = true;
    n->out->made = n;
    n->time = ++m->clock;
    n->stretch = m->context[n->context].stretch;
    m->n_nodes++;
}

tensor *apply(model *m, rule r, int n_in, tensor *const in[], gt_shape shape, int n_terms,
              const term *terms, bool record)
{
    if (m->n_nodes == NODES || n_terms > TERMS) {
        m->unsure = true;
        return NULL;
    }
    node *n = &m->nodes[m->n_nodes];
    *n = (node){.rule = r, .context = in[0]->context, .n_in = n_in, .n_terms = n_terms};
    n->saved = r != LINEAR;
    memcpy(n->in, in, (size_t)n_in * sizeof *in);
    for (int k = 0; k < n_terms; k++) n->terms[k] = terms[k];
    n->out = new_tensor(m, n->context, in[0]->dtype, shape);
    if (!n->out) return NULL;
    compute(m, n);
    n->needs = needs_of(n_in, in);
    if (record && n->needs && n->out->dtype <= GT_F64) record_node(m, n);
    return n->out;
}

/* --- backward --- */

static tensor *elementwise(model *m, tensor *a, tensor *b, int c, bool record)
{
    term terms[TERMS];
    for (int k = 0; k < a->size; k++)
        terms[k] = (term){0, (uint8_t)k, (uint8_t)k, (uint8_t)k, (int8_t)c};
    return apply(m, b ? BILINEAR : LINEAR, b ? 2 : 1, (tensor *[]){a, b}, a->shape, a->size, terms,
                 record);
}

tensor *scaled(model *m, tensor *x, int c, bool record)
{
    return elementwise(m, x, NULL, c, record);
}

tensor *sum_of(model *m, tensor *a, tensor *b, bool record)
{
    term terms[2 * SIZE];
    for (int k = 0; k < 2 * a->size; k++) {
        const uint8_t at = (uint8_t)(k / 2);
        terms[k] = (term){(uint8_t)(k % 2), at, 0, at, 1};
    }
    return apply(m, LINEAR, 2, (tensor *[]){a, b}, a->shape, 2 * a->size, terms, record);
}

/* The terms of n that read input i, read backwards: each brings dy back to where it came from. */
static int transposed(const node *n, int i, term *terms)
{
    int count = 0;
    for (int k = 0; k < n->n_terms; k++) {
        const term *t = &n->terms[k];
        if (n->rule == LINEAR && t->i != i) continue;
        const uint8_t mine = i && n->rule == BILINEAR ? t->b : t->a;
        const uint8_t other = i && n->rule == BILINEAR ? t->a : t->b;
        terms[count++] = (term){0, t->to, other, mine, t->c};
    }
    return count;
}

static tensor *pull_terms(model *m, const node *n, int i, tensor *dy, bool record)
{
    term terms[TERMS];
    const int count = transposed(n, i, terms);
    const gt_shape shape = n->in[i]->shape;
    if (n->rule == LINEAR) return apply(m, LINEAR, 1, &dy, shape, count, terms, record);
    tensor *other = n->in[!i];
    if (!usable(m, other, -1)) return NULL;
    return apply(m, BILINEAR, 2, (tensor *[]){dy, other}, shape, count, terms, record);
}

/* A function of one element whose slope, as one of its result y, is another such function. */
static tensor *pull_function(model *m, const node *n, tensor *dy, bool record)
{
    if (n->rule == SLOPE_OF_TANH) return elementwise(m, dy, n->in[0], -2, record);
    if (n->rule == STEP) return scaled(m, dy, 0, record);
    tensor *y = n->out;
    if (!usable(m, y, -1)) return NULL;
    if (n->rule == EXP) return elementwise(m, dy, y, 1, record);
    const rule slope = n->rule == RELU ? STEP : SLOPE_OF_TANH;
    tensor *s = apply(m, slope, 1, &y, y->shape, 0, NULL, record);
    return s ? elementwise(m, dy, s, 1, record) : NULL;
}

tensor *pull_back(model *m, const node *n, int i, tensor *dy, bool record)
{
    if (n->index && !usable(m, n->index, -1)) return NULL;
    return n->rule <= BILINEAR ? pull_terms(m, n, i, dy, record) : pull_function(m, n, dy, record);
}
