/* RNN, GRU and LSTM: their cells step by step. */
#include <string.h>

#include "onnx/op.h"

typedef gt_tensor *(*activation)(gt_tensor *x);

enum { ACTIVATIONS = 3 };

/* One direction. Shapes of one cell: x [b,in], h [b,H], w [G H,in], r [G H,H], biases [G H]. */
typedef struct {
    const gti_onnx_call *c;
    int64_t hidden;
    gt_tensor *w, *r, *wb, *rb; /* biases may be NULL */
    gt_tensor *p;               /* peepholes [3 H]; NULL: none */
    gt_tensor *h, *cell;
    activation act[ACTIVATIONS];
    double clip; /* 0: none */
    bool linear_before_reset, input_forget;
} direction;

/* --- cells --- */

static gt_tensor *affine(gt_tensor *x, gt_tensor *w, gt_tensor *b)
{
    return gt_linear_(x, w, (gt_linear_opts){.bias = b});
}

/* Gate k of [b,G H]. */
static gt_tensor *gate(const direction *d, gt_tensor *all, int k)
{
    return gt_slice_(all, 1, k * d->hidden, (k + 1) * d->hidden, (gt_slice_opts){0});
}

/* Gate k of weights [G H,..] or biases. */
static gt_tensor *rows(const direction *d, gt_tensor *all, int k)
{
    return all ? gt_slice_(all, 0, k * d->hidden, (k + 1) * d->hidden, (gt_slice_opts){0}) : NULL;
}

static gt_tensor *activate(const direction *d, int k, gt_tensor *x)
{
    return d->act[k](d->clip > 0 ? gt_clamp(x, -d->clip, d->clip) : x);
}

/* h = f(W x + R h + b) */
static void step_rnn(direction *d, gt_tensor *x)
{
    d->h = activate(d, 0, gt_add(affine(x, d->w, d->wb), affine(d->h, d->r, d->rb)));
}

/* z, r = f(..), n = g(W x + b + r (R h + b)) or g(W x + b + R (r h) + b), h = (1 - z) n + z h */
static void step_gru(direction *d, gt_tensor *x)
{
    gt_tensor *h = d->h, *a = affine(x, d->w, d->wb);
    gt_tensor *z =
        activate(d, 0, gt_add(gate(d, a, 0), affine(h, rows(d, d->r, 0), rows(d, d->rb, 0))));
    gt_tensor *r =
        activate(d, 0, gt_add(gate(d, a, 1), affine(h, rows(d, d->r, 1), rows(d, d->rb, 1))));
    gt_tensor *rn = rows(d, d->r, 2), *bn = rows(d, d->rb, 2);
    gt_tensor *from_h =
        d->linear_before_reset ? gt_mul(r, affine(h, rn, bn)) : affine(gt_mul(r, h), rn, bn);
    gt_tensor *n = activate(d, 1, gt_add(gate(d, a, 2), from_h));
    d->h = gt_add(n, gt_mul(z, gt_sub(h, n)));
}

static gt_tensor *peep(const direction *d, gt_tensor *a, int k, gt_tensor *cell)
{
    return d->p ? gt_add(a, gt_mul(rows(d, d->p, k), cell)) : a;
}

/* Gates i, o, f, c; c = f c + i g(..), h = o h(c); peepholes of i, o, f */
static void step_lstm(direction *d, gt_tensor *x)
{
    gt_tensor *a = gt_add(affine(x, d->w, d->wb), affine(d->h, d->r, d->rb));
    gt_tensor *i = activate(d, 0, peep(d, gate(d, a, 0), 0, d->cell));
    gt_tensor *f = d->input_forget ? gt_add_scalar(gt_neg(i), 1)
                                   : activate(d, 0, peep(d, gate(d, a, 2), 2, d->cell));
    d->cell = gt_add(gt_mul(f, d->cell), gt_mul(i, activate(d, 1, gate(d, a, 3))));
    gt_tensor *o = activate(d, 0, peep(d, gate(d, a, 1), 1, d->cell));
    d->h = gt_mul(o, d->act[2](d->cell));
}

/* --- reading a node --- */

typedef struct {
    const char *name;
    int gates;
    void (*step)(direction *d, gt_tensor *x);
    const char *acts[ACTIVATIONS];
    int n_acts;
} kind;
static const kind kinds[] = {
    {"RNN", 1, step_rnn, {"Tanh"}, 1},
    {"GRU", 3, step_gru, {"Sigmoid", "Tanh"}, 2},
    {"LSTM", 4, step_lstm, {"Sigmoid", "Tanh", "Tanh"}, 3},
};

static gt_tensor *tanh_of(gt_tensor *x)
{
    return gt_tanh(x);
}
static gt_tensor *sigmoid_of(gt_tensor *x)
{
    return gt_sigmoid(x);
}
static gt_tensor *relu_of(gt_tensor *x)
{
    return gt_relu(x);
}

static activation activation_of(const char *name)
{
    if (!strcmp(name, "Tanh")) return tanh_of;
    if (!strcmp(name, "Sigmoid")) return sigmoid_of;
    return strcmp(name, "Relu") ? NULL : relu_of;
}

static bool read_activations(const gti_onnx_call *c, const kind *k, int at, direction *d)
{
    const gti_onnx_attr *a = gti_call_attr(c, "activations");
    for (int i = 0; i < k->n_acts; i++) {
        const int place = at * k->n_acts + i;
        const char *name = a && place < a->n ? a->strings[place] : k->acts[i];
        d->act[i] = activation_of(name);
        if (!d->act[i])
            return gti_call_fail(c, GT_ERR_UNSUPPORTED, "the activation '%s' is not known", name);
    }
    return true;
}

/* Part `at` of the first axis, without it; NULL of what is absent. */
static gt_tensor *part(gt_tensor *t, int at)
{
    return t ? gt_select(t, 0, at) : NULL;
}

static gt_tensor *state(const gti_onnx_call *c, gt_tensor *given, int at, int64_t b, int64_t hidden)
{
    return given ? part(given, at)
                 : gt_full_(c->gt, GT_SHAPE(b, hidden), 0, (gt_new_opts){.dtype = c->in[0]->dtype});
}

/* x as [l,b,in] */
static gt_tensor *by_time(const gti_onnx_call *c, gt_tensor *x)
{
    return x && gti_call_int(c, "layout", 0) ? gt_transpose(x, 0, 1) : x;
}

static bool read_direction(const gti_onnx_call *c, const kind *k, int at, int64_t b, direction *d)
{
    const gt_tensor *r = c->in[2];
    *d = (direction){.c = c, .hidden = r->shape.dim[2]};
    d->w = part(c->in[1], at);
    d->r = part(c->in[2], at);
    gt_tensor *bias = part(gti_call_in(c, 3), at);
    const int64_t wide = k->gates * d->hidden;
    if (bias) {
        d->wb = gt_slice_(bias, 0, 0, wide, (gt_slice_opts){0});
        d->rb = gt_slice_(bias, 0, wide, 2 * wide, (gt_slice_opts){0});
    }
    d->p = part(gti_call_in(c, 7), at);
    d->h = state(c, by_time(c, gti_call_in(c, 5)), at, b, d->hidden);
    d->cell = state(c, by_time(c, gti_call_in(c, 6)), at, b, d->hidden);
    d->clip = gti_call_float(c, "clip", 0);
    d->linear_before_reset = gti_call_int(c, "linear_before_reset", 0);
    d->input_forget = gti_call_int(c, "input_forget", 0);
    return d->h && d->cell && d->w && d->r && read_activations(c, k, at, d);
}

static bool check(const gti_onnx_call *c, const kind *k, int dirs)
{
    const gt_tensor *x = c->in[0], *r = c->in[2], *lengths = gti_call_in(c, 4);
    if (x->shape.ndim != 3 || r->shape.ndim != 3 || c->in[1]->shape.ndim != 3 ||
        r->shape.dim[0] != dirs || r->shape.dim[1] != k->gates * r->shape.dim[2])
        return gti_call_fail(c, GT_ERR_SHAPE, "its weights do not fit %d directions of %d gates",
                             dirs, k->gates);
    if (!gti_call_known(c, 4)) return false;
    const int64_t steps = x->shape.dim[gti_call_int(c, "layout", 0) ? 1 : 0];
    for (int64_t i = 0; lengths && i < lengths->size; i++)
        if ((int64_t)gt_load_element(lengths, i) != steps)
            return gti_call_fail(c, GT_ERR_UNSUPPORTED,
                                 "sequences of different lengths are not read");
    if (gti_call_attr(c, "activation_alpha") || gti_call_attr(c, "activation_beta"))
        return gti_call_fail(c, GT_ERR_UNSUPPORTED, "activations with numbers are not known");
    return true;
}

/* --- running --- */

/* All h of one direction, [l,b,H], in the order of x; d has the last states. */
static gt_tensor *run_direction(direction *d, const kind *k, gt_tensor *x, bool backward,
                                gt_tensor **all)
{
    const int steps = (int)x->shape.dim[0];
    for (int i = 0; i < steps; i++) {
        const int at = backward ? steps - 1 - i : i;
        k->step(d, gt_select(x, 0, at));
        all[at] = d->h;
    }
    return gt_stack(all, steps, 0);
}

/* Results of the directions, stacked at an axis, and turned for .layout. */
static gt_tensor *together(const gti_onnx_call *c, gt_tensor **each, int dirs, int axis)
{
    gt_tensor *y = gt_stack(each, dirs, axis);
    if (!gti_call_int(c, "layout", 0) || !y) return y;
    if (axis == 0) return gt_transpose(y, 0, 1);         /* [dirs,b,H] to [b,dirs,H] */
    return gt_permute_(y, 4, (const int[]){2, 0, 1, 3}); /* [l,dirs,b,H] to [b,l,dirs,H] */
}

static gt_tensor *run(gti_onnx_call *c)
{
    const kind *k = kinds;
    while (strcmp(k->name, c->node->type) != 0) k++;
    const char *name = gti_call_text(c, "direction", "forward");
    const int dirs = strcmp(name, "bidirectional") ? 1 : 2;
    gt_tensor *x, *all[2], *h[2], *cell[2];
    if (!check(c, k, dirs) || !(x = by_time(c, c->in[0]))) return NULL;
    gt_tensor **steps = gti_call_scratch(c, (size_t)x->shape.dim[0] * sizeof(gt_tensor *));
    if (!steps) return NULL;
    for (int i = 0; i < dirs; i++) {
        direction d;
        if (!read_direction(c, k, i, x->shape.dim[1], &d)) return NULL;
        all[i] = run_direction(&d, k, x, i == 1 || !strcmp(name, "reverse"), steps);
        h[i] = d.h;
        cell[i] = d.cell;
    }
    c->out[0] = together(c, all, dirs, 1);
    if (c->n_out > 1) c->out[1] = together(c, h, dirs, 0);
    if (c->n_out > 2) c->out[2] = together(c, cell, dirs, 0);
    return c->out[0];
}

#define RECURRENT(name, n_in, n_out)                                                               \
    {                                                                                              \
        name, 3, n_in, n_out,                                                                      \
            " activations activation_alpha activation_beta clip direction hidden_size layout "     \
            "linear_before_reset input_forget output_sequence ",                                   \
            0x8e, .run = run                                                                       \
    }
const gti_onnx_op gti_recurrent_ops[] = {
    RECURRENT("RNN", 6, 2),
    RECURRENT("GRU", 6, 2),
    RECURRENT("LSTM", 8, 3),
    {0},
};
