/* A statement on the model: what must come out, before the library is asked. */
#include "program.h"

static step *const steps[N_KINDS] = {
    [MAKE] = step_make,
    [ADD] = step_operation,
    [MUL] = step_operation,
    [MATMUL] = step_operation,
    [CONCAT] = step_operation,
    [NEG] = step_operation,
    [MUL_SCALAR] = step_operation,
    [SQUARE] = step_operation,
    [RELU_OF] = step_operation,
    [EXP_OF] = step_operation,
    [TANH_OF] = step_operation,
    [SUM] = step_operation,
    [RESHAPE] = step_operation,
    [SLICE] = step_operation,
    [MAX] = step_operation,
    [COMPOSED] = step_composed,
    [KEEP] = step_keep,
    [FREE] = step_free,
    [DETACH] = step_detach,
    [FILL] = step_fill,
    [FILL_SLICE] = step_fill_slice,
    [COPY_INTO] = step_copy_into,
    [SET_NAME] = step_set_name,
    [HOOK] = step_hook,
    [UNHOOK] = step_unhook,
    [MARK] = step_mark,
    [REWIND] = step_rewind,
    [BACKWARD] = step_backward,
    [GRAD] = step_grad,
    [TAKE_GRAD] = step_take_grad,
    [CLEAR_GRAD] = step_clear_grad,
    [SET_RECORDING] = step_set_recording,
    [SET_RECORDING_ALL] = step_set_recording_all,
    [REQUIRE_GRAD] = step_require_grad,
    [CLEAR_ERROR] = step_clear_error,
};

static bool gives_status(kind k)
{
    return k == FILL || k == FILL_SLICE || k == COPY_INTO || k == HOOK || k == UNHOOK ||
           k == BACKWARD || k == GRAD;
}

static void checkpoint(run *r, const statement *s)
{
    if (!checkpoint_begin(r, s)) return;
    for (int i = 0; i < r->p->n; i++)
        if (r->p->statements[i].inside == s->id) step_model(r, &r->p->statements[i]);
    checkpoint_end(r, s);
}

static void expect_nothing_yet(model *m)
{
    m->unsure = false;
    m->homeless = GT_OK;
    for (int i = 0; i < m->n_hooks; i++) {
        m->hooks[i].expected = m->hooks[i].calls = 0;
        m->hooks[i].kept = NULL;
    }
}

static void fill_slots(model *m, const statement *s, const outcome *o, uint64_t begin)
{
    for (int i = 0; i < RESULTS; i++) {
        tensor *t = o->out[i];
        if (!t) continue;
        m->slot[slot_of(s, i)] = t;
        if (t->born > begin && !t->kept && !t->hidden) m->context[t->context].made++;
    }
}

/* Whether s may have taken headers of the step. */
static bool makes(kind k, bool made)
{
    return made || k == MARK || k == HOOK || k == SET_NAME || k == BACKWARD || k == GRAD ||
           k == CHECKPOINT || k <= COMPOSED;
}

/* From here on the headers of dropped tensors may be others'. How long they are recognised depends
 * on the sizes of turns; run.c tests it on turns of one size. */
static void lose(model *m, int at)
{
    for (int i = 0; i < m->n_tensors; i++) {
        tensor *t = &m->tensors[i];
        if (t->context != at || !t->fresh) continue;
        t->fresh = false;
        t->lost = true;
    }
}

bool step_model(run *r, const statement *s)
{
    static model before[3]; /* one in another: checkpoints nest no deeper */
    static int depth;
    model *m = r->m, *saved = &before[depth++];
    outcome *o = &r->outcomes[s->id];
    const uint64_t begin = m->clock;
    model_copy(saved, m);
    *o = (outcome){.has_status = gives_status(s->kind)};
    for (int i = 0; i < OPERANDS; i++) o->operands[i] = operand(m, s, i);
    if (depth == 1) expect_nothing_yet(m);
    if (s->kind == CHECKPOINT) checkpoint(r, s);
    else steps[s->kind](m, s, o);
    depth--;
    if (m->unsure) {
        model_copy(m, saved);
        *o = (outcome){.skipped = true};
        m->unsure = false;
        return false;
    }
    fill_slots(m, s, o, begin);
    if (makes(s->kind, m->n_tensors > saved->n_tensors))
        for (int i = 0; i < CONTEXTS; i++) lose(m, i);
    return true;
}
