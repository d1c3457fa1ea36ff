/* A statement on the library. */
#include <string.h>

#include "program.h"

static gt_tensor *real(const run *r, const statement *s, int i)
{
    const tensor *t = r->outcomes[s->id].operands[i];
    return t ? t->real : NULL;
}

static gt_ctx *context_of(const run *r, const statement *s)
{
    return r->m->context[s->context].real;
}

/* --- making --- */

double made_value(const statement *s, int i)
{
    uint32_t x = (uint32_t)s->p[2] * 2654435761u + (uint32_t)i * 40503u;
    x ^= x >> 15;
    const int value = (int)(x * 2246822519u >> 16) % 7 - 3;
    return s->p[1] == GT_U8 && value < 0 ? -value : value;
}

static gt_tensor *make(const run *r, const statement *s)
{
    double f64[SIZE];
    float f32[SIZE];
    int64_t i64[SIZE];
    uint8_t u8[SIZE];
    const void *const data[GT_N_DTYPES] = {f32, f64, i64, u8};
    for (int i = 0; i < SIZE; i++) {
        f64[i] = made_value(s, i);
        f32[i] = (float)f64[i];
        i64[i] = (int64_t)f64[i];
        u8[i] = (uint8_t)f64[i];
    }
    return gt_from(context_of(r, s), shape_number(s->p[0]), data[s->p[1]],
                   .dtype = (gt_dtype)s->p[1], .requires_grad = s->p[3]);
}

/* --- operations --- */

static gt_tensor *operate(const run *r, const statement *s, gt_tensor **index)
{
    gt_tensor *a = real(r, s, 0), *b = real(r, s, 1);
    const int *p = s->p;
    switch (s->kind) {
    case ADD: return gt_add(a, b);
    case MUL: return gt_mul(a, b);
    case MATMUL: return gt_matmul(a, b);
    case CONCAT: return gt_concat(((gt_tensor *[]){a, b, real(r, s, 2)}), p[1], p[0]);
    case NEG: return gt_neg(a);
    case MUL_SCALAR: return gt_mul_scalar(a, p[0]);
    case SQUARE: return gt_square(a);
    case RELU_OF: return gt_relu(a);
    case EXP_OF: return gt_exp(a);
    case TANH_OF: return gt_tanh(a);
    case SUM: return p[0] ? gt_sum(a, .axes = GT_AXES(p[0] - 1)) : gt_sum(a);
    case RESHAPE: return gt_reshape(a, p[0] < N_SHAPES ? shape_number(p[0]) : GT_SHAPE(-1));
    case SLICE: return gt_slice(a, p[0], p[1], p[2]);
    default: return gt_max(a, p[0], .indices = index);
    }
}

/* --- hooks --- */

static void see(hook *h, const gt_tensor *g)
{
    h->calls++;
    h->seen_size = (int)g->size;
    for (int i = 0; i < g->size && i < SIZE; i++) h->seen[i] = gt_load_element(g, i);
}

static gt_tensor *act(gt_tensor *g, void *user)
{
    hook *h = user;
    gt_ctx *gt = g->ctx;
    see(h, g);
    switch (h->action) {
    case DOUBLE_IT: return gt_mul_scalar(g, 2);
    case KEEP_IT: h->kept_real = gt_keep(g); break;
    case FAIL_IN_IT: gt_reshape(g, GT_SHAPE(SIZE + 1)); break;
    case FILL_IT: gt_fill(g, 5); break;
    case OTHER_SHAPE: return gt_zeros(gt, GT_SHAPE(7), .dtype = g->dtype);
    case REWIND_IN_IT: gt_rewind(gt, h->start); break;
    case BACKWARD_IN_IT: gt_backward(h->on->real); break;
    case FREE_IN_IT: gt_free(h->on->real); break;
    case GIVE_OTHER: return h->other ? h->other->real : NULL;
    default: break;
    }
    return NULL;
}

static gt_status unhook(const run *r, const statement *s)
{
    void *user = NULL;
    for (int i = 0; i < r->m->n_hooks; i++)
        if (r->m->hooks[i].statement == s->p[0]) user = &r->m->hooks[i];
    return gt_unhook(real(r, s, 0), act, user);
}

static gt_status add_hook(const run *r, const statement *s)
{
    model *m = r->m;
    hook *h = m->n_hooks ? &m->hooks[m->n_hooks - 1] : NULL;
    const bool new = h && h->statement == s->id;
    return gt_hook(real(r, s, 0), act, new ? (void *)h : (void *)m);
}

/* --- gradients --- */

static gt_status run_backward(const run *r, const statement *s)
{
    return gt_backward(real(r, s, 0), .create_graph = s->p[0] & 1, .retain = s->p[0] & 2,
                       .upstream = real(r, s, 1));
}

static gt_status run_grad(const run *r, const statement *s, outcome *o)
{
    gt_tensor *out[2] = {real(r, s, 0), real(r, s, 1)};
    gt_tensor *in[3] = {real(r, s, 2), real(r, s, 3), real(r, s, 4)};
    gt_tensor *upstream[2] = {real(r, s, 5), real(r, s, 6)};
    return gt_grad(out, s->p[1], in, s->p[2], o->real, .create_graph = s->p[0] & 1,
                   .retain = s->p[0] & 2, .allow_unused = s->p[0] & 4,
                   .upstream = s->p[0] & 8 ? upstream : NULL);
}

/* What gt_checkpoint calls: the statements inside. */
typedef struct {
    run *r;
    const statement *s;
} inside;

static gt_tensor *function(gt_ctx *gt, gt_tensor *const in[], void *user)
{
    (void)gt;
    (void)in;
    const inside *f = user;
    const program *p = f->r->p;
    for (int i = 0; i < p->n; i++)
        if (p->statements[i].inside == f->s->id) step_library(f->r, &p->statements[i]);
    const tensor *y = checkpoint_result(f->r, f->s);
    return y ? y->real : NULL;
}

static gt_tensor *run_checkpoint(run *r, const statement *s)
{
    gt_tensor *in[3] = {real(r, s, 0), real(r, s, 1), real(r, s, 2)};
    inside f = {r, s};
    return gt_checkpoint(context_of(r, s), function, &f, in, s->p[0]);
}

/* --- marks --- */

static void set_mark(const run *r, const statement *s)
{
    mark *k = &r->m->marks[r->m->mark_of[s->id] - 1];
    k->real = gt_mark_tape(context_of(r, s));
    k->nodes = gt_get_stats(context_of(r, s)).nodes;
}

static void rewind_to(run *r, const statement *s)
{
    const mark *k = &r->m->marks[r->m->mark_of[s->p[0]] - 1];
    gt_ctx *gt = context_of(r, s);
    const bool valid = !k->gone && !k->zero && k->context == s->context;
    gt_rewind(gt, k->real);
    const uint64_t nodes = gt_get_stats(gt).nodes;
    if (valid && nodes != k->nodes)
        differ(r, "%d nodes after the rewind, %d at the mark", (int)nodes, (int)k->nodes);
}

/* --- the step --- */

static bool change(const run *r, const statement *s, outcome *o)
{
    gt_tensor *a = real(r, s, 0);
    const int *p = s->p;
    switch (s->kind) {
    case FILL: o->real_status = gt_fill(a, p[0]); break;
    case FILL_SLICE: o->real_status = gt_fill_slice(a, p[0], p[1], p[2], p[3]); break;
    case COPY_INTO: o->real_status = gt_copy_into(a, real(r, s, 1)); break;
    case HOOK: o->real_status = add_hook(r, s); break;
    case UNHOOK: o->real_status = unhook(r, s); break;
    case BACKWARD: o->real_status = run_backward(r, s); break;
    case GRAD: o->real_status = run_grad(r, s, o); break;
    default: return false;
    }
    return true;
}

static void set_name(const run *r, const statement *s, outcome *o)
{
    char name[8];
    snprintf(name, sizeof name, "n%d", s->id);
    o->real[0] = gt_set_name(real(r, s, 0), name);
}

static void live(run *r, const statement *s, outcome *o)
{
    gt_tensor *a = real(r, s, 0);
    switch (s->kind) {
    case MAKE: o->real[0] = make(r, s); break;
    case COMPOSED: call_composed(r, s, a, real(r, s, 1)); break;
    case KEEP: o->real[0] = gt_keep(a); break;
    case FREE: gt_free(a); break;
    case DETACH: o->real[0] = gt_detach(a); break;
    case SET_NAME: set_name(r, s, o); break;
    case MARK: set_mark(r, s); break;
    case REWIND: rewind_to(r, s); break;
    case TAKE_GRAD: o->real[0] = a->grad; break;
    case CLEAR_GRAD: gt_clear_grad(a); break;
    case CHECKPOINT: o->real[0] = run_checkpoint(r, s); break;
    case SET_RECORDING: gt_set_recording(context_of(r, s), s->p[0]); break;
    case SET_RECORDING_ALL: gt_set_recording_all(context_of(r, s), s->p[0]); break;
    case REQUIRE_GRAD: gt_require_grad(a, s->p[0]); break;
    case CLEAR_ERROR: gt_error_clear(context_of(r, s)); break;
    default: o->real[0] = operate(r, s, &o->real[1]); break;
    }
}

/* Tells the model where its tensors are. */
static void attach(run *r, const outcome *o)
{
    for (int i = 0; i < RESULTS; i++) {
        tensor *t = o->out[i];
        if (!t != !o->real[i]) differ(r, "result %d is %s", i, t ? "NULL" : "not NULL");
        if (!t || !o->real[i]) continue;
        if (t->real && t->real != o->real[i]) differ(r, "result %d is another tensor", i);
        t->real = o->real[i];
    }
    for (int i = 0; i < r->m->n_hooks; i++)
        if (r->m->hooks[i].kept) r->m->hooks[i].kept->real = r->m->hooks[i].kept_real;
}

void step_library(run *r, const statement *s)
{
    outcome *o = &r->outcomes[s->id];
    if (o->skipped) return;
    if (!change(r, s, o)) live(r, s, o);
    attach(r, o);
}
