/* Makes programs. The model runs along, so that most operands are there and fit. */
#include "program.h"

typedef struct {
    uint64_t state;
    run r;
    program *p;
    int next_id;
} maker;

static uint32_t draw(maker *g)
{
    uint64_t z = g->state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return (uint32_t)(z >> 32);
}

static int below(maker *g, int n)
{
    return (int)(draw(g) % (uint32_t)n);
}

static bool percent(maker *g, int chance)
{
    return below(g, 100) < chance;
}

/* --- operands --- */

typedef struct {
    int context;
    bool floating, requires, single, kept, has_grad, leaf, plain,
        of_sweep;                      /* plain: requires none */
    const tensor *dtype_of, *shape_of; /* NULL: any */
} wish;

static bool fulfils(const tensor *t, const wish *w)
{
    if (t->lost || t->data->vague || unusable(t) || t->context != w->context) return false;
    if ((w->floating && t->dtype > GT_F64) || (w->requires && !t->requires)) return false;
    if ((w->single && t->size != 1) || (w->kept && !t->kept) || (w->has_grad && !t->grad))
        return false;
    if (w->of_sweep && !t->hidden) return false;
    if ((w->leaf && t->made) || (w->plain && t->requires)) return false;
    if (w->dtype_of && t->dtype != w->dtype_of->dtype) return false;
    return !w->shape_of || gt_shape_equal(t->shape, w->shape_of->shape);
}

/* Now and then anything, also what is gone. Of the rest, later ones more often. */
static int pick(maker *g, wish w)
{
    const model *m = g->r.m;
    int found[STATEMENTS * RESULTS], n = 0;
    const bool any = percent(g, 4);
    if (any && percent(g, 15)) return NO_SLOT;
    for (int i = 0; i < g->next_id * RESULTS; i++)
        if (m->slot[i] && (any ? !m->slot[i]->lost : fulfils(m->slot[i], &w))) found[n++] = i;
    if (!n) return NO_SLOT;
    const int recent = n > 6 && percent(g, 50) ? n - 6 : 0;
    return found[recent + below(g, n - recent)];
}

static const tensor *at(const maker *g, int slot)
{
    return slot == NO_SLOT ? NULL : g->r.m->slot[slot];
}

/* --- statements --- */

static void make(maker *g, statement *s)
{
    static const gt_dtype dtypes[] = {GT_F32, GT_F32, GT_F32, GT_F32, GT_F32,
                                      GT_F32, GT_F64, GT_F64, GT_I64, GT_U8};
    s->p[0] = percent(g, 1) ? N_SHAPES : below(g, N_SHAPES);
    s->p[1] = (int)dtypes[below(g, 10)];
    s->p[2] = below(g, 1 << 20);
    s->p[3] = percent(g, s->p[1] > GT_F64 ? 3 : 60);
}

static void second(maker *g, statement *s, wish w)
{
    const tensor *a = at(g, s->slot[0]);
    w.dtype_of = a;
    if (s->kind == CONCAT) w.shape_of = percent(g, 80) ? a : NULL;
    s->slot[1] = pick(g, w);
    for (int i = 0; i < 6 && a && s->kind != CONCAT; i++) {
        const tensor *b = at(g, s->slot[1]);
        gt_shape y;
        const bool product = s->kind == MATMUL;
        if (b && !product && gt_shape_broadcast(a->shape, b->shape, &y)) return;
        if (b && product && a->shape.ndim == 2 && b->shape.ndim == 2 &&
            a->shape.dim[1] == b->shape.dim[0])
            return;
        s->slot[1] = pick(g, w);
    }
}

static void operation(maker *g, statement *s)
{
    wish w = {.context = s->context};
    w.floating = s->kind != RESHAPE && s->kind != SLICE && s->kind != CONCAT;
    s->slot[0] = pick(g, w);
    if (s->kind <= CONCAT) second(g, s, w);
    const int ndim = at(g, s->slot[0]) ? at(g, s->slot[0])->shape.ndim : 0;
    s->p[0] = ndim ? below(g, ndim) : 0;
    if (s->kind == CONCAT) {
        s->p[1] = 2 + below(g, 2);
        if (s->p[1] == 3) s->slot[2] = percent(g, 30) ? s->slot[0] : s->slot[1];
    } else if (s->kind == SUM) {
        s->p[0] = percent(g, 65) ? 0 : 1 + below(g, ndim + 1);
    } else if (s->kind == MUL_SCALAR) {
        s->p[0] = below(g, 5) - 2;
    } else if (s->kind == RESHAPE) {
        s->p[0] = below(g, N_SHAPES + 1);
    } else if (s->kind == SLICE) {
        s->p[1] = below(g, 3);
        s->p[2] = s->p[1] + below(g, 3);
    }
}

static void change(maker *g, statement *s)
{
    const tensor *t = at(g, s->slot[0]);
    if (s->kind == COPY_INTO)
        s->slot[1] = pick(g, (wish){.context = percent(g, 85) ? s->context : !s->context,
                                    .dtype_of = t,
                                    .shape_of = t});
    s->p[0] = below(g, 7) - 3;
    if (s->kind != FILL_SLICE) return;
    s->p[3] = s->p[0];
    s->p[0] = t && t->shape.ndim ? below(g, t->shape.ndim) : 0;
    s->p[1] = below(g, 3);
    s->p[2] = s->p[1] + below(g, 3);
}

/* A tensor like t for a sweep to take: often one that a sweep has made. */
static int pick_gradient(maker *g, const tensor *t, int of_context)
{
    wish w = {.context = of_context, .dtype_of = t, .shape_of = t, .of_sweep = percent(g, 40)};
    const int slot = pick(g, w);
    w.of_sweep = false;
    return slot == NO_SLOT ? pick(g, w) : slot;
}

static void add_hook(maker *g, statement *s)
{
    s->slot[0] = pick(g, (wish){.context = s->context, .requires = true});
    const int chance = below(g, 100);
    s->p[0] = chance < 20   ? OBSERVE
              : chance < 35 ? DOUBLE_IT
              : chance < 50 ? KEEP_IT
              : chance < 65 ? GIVE_OTHER
                            : FAIL_IN_IT + below(g, N_HOOK_ACTIONS - FAIL_IN_IT);
    const tensor *t = at(g, s->slot[0]);
    if (s->p[0] == GIVE_OTHER) s->slot[1] = pick_gradient(g, t, s->context);
}

static int slot_holding(const maker *g, const tensor *t)
{
    for (int i = 0; i < g->next_id * RESULTS; i++)
        if (t && g->r.m->slot[i] == t) return i;
    return NO_SLOT;
}

static void remove_hook(maker *g, statement *s)
{
    const model *m = g->r.m;
    const hook *h = m->n_hooks ? &m->hooks[below(g, m->n_hooks)] : NULL;
    s->p[0] = h ? h->statement : 0;
    s->slot[0] = h && percent(g, 90) ? slot_holding(g, h->on) : pick(g, (wish){0});
}

/* Mostly a mark that is good. */
static void rewind_to(maker *g, statement *s)
{
    const model *m = g->r.m;
    for (int i = 0; i < 8 && m->n_marks; i++) {
        const int k = below(g, m->n_marks);
        for (int id = 0; id < g->next_id; id++)
            if (m->mark_of[id] == k + 1) s->p[0] = id;
        if (m->marks[k].context == s->context && !m->marks[k].gone) return;
        if (percent(g, 10)) return;
    }
}

static int upstream_for(maker *g, int slot, int chance)
{
    const tensor *y = at(g, slot);
    if (!y || (y->size == 1 && !percent(g, chance))) return NO_SLOT;
    return pick_gradient(g, y, y->context);
}

static void options(maker *g, statement *s)
{
    s->p[0] = (percent(g, 20) ? 1 : 0) | (percent(g, 25) ? 2 : 0);
}

static void backward_from(maker *g, statement *s)
{
    options(g, s);
    s->slot[0] = pick(g, (wish){.context = s->context, .requires = true, .single = percent(g, 75)});
    s->slot[1] = upstream_for(g, s->slot[0], 25);
}

static void grad_of(maker *g, statement *s)
{
    options(g, s);
    s->p[0] |= percent(g, 60) ? 4 : 0;
    s->p[1] = 1 + percent(g, 30);
    s->p[2] = 1 + below(g, 3);
    for (int i = 0; i < s->p[1]; i++) {
        s->slot[i] =
            pick(g, (wish){.context = s->context, .requires = true, .single = percent(g, 75)});
        if (i && percent(g, 20)) s->slot[1] = s->slot[0];
        s->slot[5 + i] = upstream_for(g, s->slot[i], 25);
        if (s->slot[5 + i] != NO_SLOT) s->p[0] |= 8;
    }
    for (int i = 2; i < 2 + s->p[2]; i++)
        s->slot[i] =
            pick(g, (wish){.context = s->context, .requires = true, .leaf = percent(g, 50)});
}

static void settings(maker *g, statement *s)
{
    const model *m = g->r.m;
    const context *c = &m->context[s->context];
    const bool on = s->kind == SET_RECORDING ? c->recording : c->recording_all;
    s->p[0] = s->kind == CLEAR_ERROR ? 0 : percent(g, on ? 40 : 80);
}

static void of_one(maker *g, statement *s)
{
    wish w = {.context = s->context};
    w.kept = s->kind == FREE && percent(g, 95);
    w.floating = s->kind == REQUIRE_GRAD || s->kind == KEEP ? percent(g, 90) : false;
    w.has_grad = s->kind == TAKE_GRAD || s->kind == CLEAR_GRAD;
    if (s->kind == REQUIRE_GRAD) {
        s->p[0] = percent(g, 75);
        w.leaf = percent(g, 95);
        w.plain = s->p[0] && percent(g, 90);
    }
    s->slot[0] = pick(g, w);
}

static void choose_inputs(maker *g, statement *s)
{
    s->p[0] = below(g, 4);
    for (int i = 0; i < s->p[0]; i++) s->slot[i] = pick(g, (wish){.context = s->context});
}

/* One that is there, and mostly one that is not. */
static void choose_gone(maker *g, statement *s)
{
    const model *m = g->r.m;
    s->p[0] = below(g, 1 << 10);
    const int good = below(g, 2);
    s->slot[good] = pick(g, (wish){.context = s->context, .floating = true});
    for (int i = 0; i < 20; i++) {
        const int slot = below(g, g->next_id * RESULTS + 1);
        const tensor *t = m->slot[slot];
        if (!t || t->lost || (!unusable(t) && t->context == s->context)) continue;
        const tensor *like = at(g, s->slot[good]);
        const bool alike = like && like->dtype == t->dtype && gt_shape_equal(like->shape, t->shape);
        if (!alike && i < 12) continue;
        s->slot[!good] = slot;
        return;
    }
}

static void complete(maker *g, statement *s)
{
    if (s->kind == MAKE) make(g, s);
    else if (s->kind == COMPOSED) choose_gone(g, s);
    else if (s->kind <= MAX) operation(g, s);
    else if (s->kind == HOOK) add_hook(g, s);
    else if (s->kind == UNHOOK) remove_hook(g, s);
    else if (s->kind == REWIND) rewind_to(g, s);
    else if (s->kind == BACKWARD) backward_from(g, s);
    else if (s->kind == GRAD) grad_of(g, s);
    else if (s->kind == SET_RECORDING || s->kind == SET_RECORDING_ALL || s->kind == CLEAR_ERROR)
        settings(g, s);
    else if (s->kind == CHECKPOINT) choose_inputs(g, s);
    else if (s->kind != MARK) of_one(g, s);
    if (s->kind == FILL || s->kind == FILL_SLICE || s->kind == COPY_INTO) change(g, s);
}

/* --- the program --- */

static kind choose_kind(maker *g, bool inside)
{
    static const int weights[N_KINDS] = {
#define X(name, weight, operands) weight,
        STATEMENT_LIST(X)
#undef X
    };
    int total = 0, k = 0;
    for (int i = 0; i < N_KINDS; i++) total += weights[i];
    for (int at = below(g, total); at >= weights[k]; k++) at -= weights[k];
    const bool allowed = k <= MAX || k == KEEP || k == DETACH || k == CHECKPOINT || k == FILL;
    return inside && !allowed ? choose_kind(g, inside) : (kind)k;
}

static bool failed(const model *m)
{
    return m->context[0].failed || m->context[1].failed;
}

static void emit(maker *g, int inside, int depth);

/* The statements inside are first tried outside, to find operands that fit. */
static bool step_checkpoint(maker *g, statement *s, int depth)
{
    static model before[2];
    model *saved = &before[depth];
    model_copy(saved, g->r.m);
    const int id = s->id, position = (int)(s - g->p->statements);
    for (int i = 2 + below(g, 6); i > 0; i--) emit(g, id, depth + 1);
    model_copy(g->r.m, saved);
    return step_model(&g->r, &g->p->statements[position]);
}

static bool try_statement(maker *g, int inside, int depth)
{
    static model before[3];
    program *p = g->p;
    statement *s = &p->statements[p->n];
    *s = (statement){.id = g->next_id, .inside = inside, .context = percent(g, 80) ? 0 : 1};
    for (int i = 0; i < OPERANDS; i++) s->slot[i] = NO_SLOT;
    s->kind = choose_kind(g, inside >= 0);
    if (s->kind == CHECKPOINT && depth == 2) return false;
    complete(g, s);
    model_copy(&before[depth], g->r.m);
    const int n = p->n++;
    g->next_id++;
    const bool was_well = !failed(g->r.m);
    bool ok = s->kind == CHECKPOINT ? step_checkpoint(g, s, depth) : step_model(&g->r, s);
    const bool sweeps = s->kind == BACKWARD || s->kind == GRAD;
    if (ok && was_well && failed(g->r.m)) ok = percent(g, sweeps ? 40 : 12);
    if (ok) return true;
    model_copy(g->r.m, &before[depth]);
    p->n = n;
    g->next_id = s->id;
    return false;
}

static void clear_error(maker *g, int of_context)
{
    statement *s = &g->p->statements[g->p->n++];
    *s = (statement){.kind = CLEAR_ERROR, .id = g->next_id++, .inside = -1, .context = of_context};
    step_model(&g->r, s);
}

static void emit(maker *g, int inside, int depth)
{
    for (int i = 0; i < 8 && g->p->n + 8 < STATEMENTS; i++)
        if (try_statement(g, inside, depth)) break;
    for (int i = 0; i < CONTEXTS && depth == 0 && g->p->n < STATEMENTS; i++)
        if (g->r.m->context[i].failed && percent(g, 60)) clear_error(g, i);
}

void make_program(program *p, uint64_t seed, model *m)
{
    static maker g;
    g = (maker){.state = seed * 0x2545f4914f6cdd1du + 1, .p = p, .r = {.m = m, .p = p}};
    *p = (program){.seed = seed};
    model_reset(m);
    const int length = 15 + below(&g, 70);
    for (int i = 0; i < 4; i++) emit(&g, -1, 0);
    while (p->n < length) {
        const int n = p->n;
        emit(&g, -1, 0);
        if (p->n == n && p->n + 8 >= STATEMENTS) break;
    }
}
