/* Everything that writes tensor data is an operation: ten training steps, recorded whole, and each
 * step's nodes run again in order, from the state before it and with all results spoilt, leave the
 * same bits everywhere. */
#include "training.h"

enum { STEPS = 10 };

/* --- running again --- */

static bool holds(const snapshot *s, const gt_tensor *t)
{
    for (int i = 0; i < s->n; i++)
        if (s->at[i].t->data == t->data) return true;
    return false;
}

static void restore(const snapshot *s)
{
    for (int i = 0; i < s->n; i++) memcpy(s->at[i].t->data, s->at[i].bits, bytes_of(s->at[i].t));
}

/* Nothing that a node writes may be there already, but for the state before the step. */
static void spoil_results(const training *t, const snapshot *before)
{
    for (const gt_node *n = gt_tape_first(t->gt); n; n = gt_tape_next(n))
        for (int i = 0; i < n->n_out; i++)
            if (!(n->op->flags & GT_OP_VIEW) && !holds(before, n->out[i]))
                memset(n->out[i]->data, 0xa5, bytes_of(n->out[i]));
}

static void run_again(const training *t)
{
    for (const gt_node *n = gt_tape_first(t->gt); n; n = gt_tape_next(n))
        assert_true(gti_apply_run((gt_node *)n));
}

static void assert_bits(const snapshot *s, const char *name, int at)
{
    for (int i = 0; i < s->n; i++)
        if (memcmp(s->at[i].t->data, s->at[i].bits, bytes_of(s->at[i].t)) != 0)
            fail_msg("%s, step %d: tensor %d of %d, '%s', differs", name, at, i, s->n,
                     gt_name(s->at[i].t));
}

static void steps_run_again_leave_the_same_bits(void **state)
{
    const rule *r = *state;
    static snapshot before, after, plain;
    training t, unrecorded;
    make_training(&t, r);
    make_training(&unrecorded, r);
    const gt_mark start = gt_mark_tape(t.gt), other = gt_mark_tape(unrecorded.gt);
    for (int i = 0; i < STEPS; i++) {
        gt_rewind(t.gt, start);
        gt_set_recording_all(t.gt, true);
        save_all(&t, &before);
        step(&t);
        gt_set_recording_all(t.gt, false);
        save_all(&t, &after);
        restore(&before);
        spoil_results(&t, &before);
        run_again(&t);
        assert_bits(&after, r->name, i);
        gt_rewind(unrecorded.gt, other);
        step(&unrecorded);
        save_all(&unrecorded, &plain);
        assert_int_equal(plain.n, after.n);
        for (int k = 0; k < plain.n; k++)
            assert_memory_equal(plain.at[k].bits, after.at[k].bits, bytes_of(plain.at[k].t));
        forget(&before);
        forget(&after);
        forget(&plain);
    }
    gt_close(t.gt);
    gt_close(unrecorded.gt);
}

/* The step above is one that writes in every way there is. */
static void every_kind_of_change_is_recorded(void **state)
{
    (void)state;
    static const char *const names[] = {
        "fill",      "copy",  "count",       "next_key",   "accumulate",
        "slice_add", "axpy",  "copy_scaled", "lerp",       "blend",
        "average",   "limit", "clip_norm",   "add_powers", "sgd_momentum_step"};
    training t;
    make_training(&t, &rules[0]);
    gt_set_recording_all(t.gt, true);
    step(&t);
    step(&t);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const gt_node *n = gt_tape_first(t.gt);
        while (n && strcmp(n->op->name, names[i]) != 0) n = gt_tape_next(n);
        if (!n) fail_msg("no %s on the tape", names[i]);
    }
    gt_close(t.gt);
}

/* --- a step with other numbers --- */

static gt_node *node_behind(const gt_ctx *gt, const gti_node *last)
{
    const gt_node *n = last ? gt_tape_next(&last->pub) : gt_tape_first(gt);
    return (gt_node *)n;
}

/* A number that the host works out for a step: no operation makes or changes it. */
static bool is_number(const gt_ctx *gt, const gt_tensor *t)
{
    if (t->dtype != GT_F64 || gti_t(t)->flags & GTI_KEPT) return false;
    for (const gt_node *n = gt_tape_first(gt); n; n = gt_tape_next(n))
        for (int i = 0; i < n->n_out; i++)
            if (n->out[i]->data == t->data) return false;
    return true;
}

/* The numbers of the nodes from b on become those of the nodes from a to b. */
static int take_numbers(const gt_ctx *gt, const gt_node *a, const gt_node *b)
{
    int taken = 0;
    for (; b; a = gt_tape_next(a), b = gt_tape_next(b)) {
        assert_ptr_equal(a->op, b->op);
        for (int i = 0; i < a->n_in; i++) {
            if (!is_number(gt, b->in[i])) continue;
            memcpy(a->in[i]->data, b->in[i]->data, bytes_of(a->in[i]));
            taken++;
        }
    }
    return taken;
}

/* The nodes of one step, run again with the numbers of the next, are the next. */
static void a_step_runs_again_with_other_numbers(void **state)
{
    const rule *r = *state;
    static snapshot before, after;
    training t;
    make_training(&t, r);
    step(&t);
    gt_set_recording_all(t.gt, true);
    const gti_node *last = t.gt->last_node;
    step(&t);
    gt_node *first = node_behind(t.gt, last);
    last = t.gt->last_node;
    save_state(&t, &before);
    step(&t);
    save_state(&t, &after);
    gt_node *second = node_behind(t.gt, last);
    assert_true(take_numbers(t.gt, first, second) > 10);
    restore(&before);
    for (gt_node *n = first; n != second; n = (gt_node *)gt_tape_next(n))
        assert_true(gti_apply_run(n));
    assert_bits(&after, r->name, 2);
    forget(&before);
    forget(&after);
    gt_close(t.gt);
}

int main(void)
{
    enum { TESTS = 2 * RULES + 1 };
    struct CMUnitTest tests[TESTS] = {cmocka_unit_test(every_kind_of_change_is_recorded)};
    for (size_t i = 0; i < RULES; i++) {
        tests[2 * i + 1] = (struct CMUnitTest){.name = rules[i].name,
                                               .test_func = steps_run_again_leave_the_same_bits,
                                               .initial_state = (void *)&rules[i]};
        tests[2 * i + 2] = (struct CMUnitTest){.name = "with other numbers",
                                               .test_func = a_step_runs_again_with_other_numbers,
                                               .initial_state = (void *)&rules[i]};
    }
    return _cmocka_run_group_tests("recorded steps", tests, TESTS, NULL, NULL);
}
