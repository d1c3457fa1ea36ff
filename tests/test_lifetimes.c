/* What belongs to a tensor lives as long as the tensor; what is gone is known to be gone. */
#include "support.h"

/* Overwrites what a rewind has given back: the arena goes round within a few turns. */
static void turn_over(gt_ctx *gt, gt_mark start)
{
    for (int turn = 0; turn < 8; turn++) {
        gt_rewind(gt, start);
        gt_tensor *x = gt_ones(gt, GT_SHAPE(2), .requires_grad = true);
        for (int i = 0; i < 20; i++) x = gt_set_name(gt_neg(x), "garbage");
    }
    gt_rewind(gt, start);
    assert_well(gt);
}

static void names_outlive_marks_set_behind_them(void **state)
{
    gt_ctx *gt = *state;
    const gt_scope scope = {.name = "net"};
    gt_tensor *x = gt_ones(gt, GT_SHAPE(2)), *y = gt_ones(gt, GT_SHAPE(2));
    const gt_mark start = gt_mark_tape(gt);
    gt_set_name(x, "weight");
    gt_set_owner(y, &scope);
    turn_over(gt, start);
    assert_string_equal(gt_name(x), "weight");
    assert_ptr_equal(gt_owner(y), &scope);
}

static gt_tensor *count(gt_tensor *grad, void *user)
{
    (void)grad;
    ++*(int *)user;
    return NULL;
}

static void hooks_outlive_marks_set_behind_them(void **state)
{
    gt_ctx *gt = *state;
    int calls = 0, named_calls = 0;
    gt_tensor *x = gt_ones(gt, GT_SHAPE(2), .requires_grad = true);
    gt_tensor *named = gt_set_name(gt_ones(gt, GT_SHAPE(2), .requires_grad = true), "named");
    const gt_mark start = gt_mark_tape(gt);
    gt_hook(x, count, &calls);
    gt_hook(named, count, &named_calls);
    turn_over(gt, start);
    gt_backward(gt_sum(gt_mul(x, named)));
    assert_well(gt);
    assert_int_equal(calls, 1);
    assert_int_equal(named_calls, 1);
}

/* Labels and hooks in kept memory come back when their tensors go. */
static void labels_are_given_back(void **state)
{
    gt_ctx *gt = *state;
    int calls = 0;
    const gt_mark outer = gt_mark_tape(gt);
    uint64_t settled = 0;
    for (int turn = 0; turn < 20000; turn++) {
        gt_rewind(gt, outer);
        gt_tensor *x = gt_ones(gt, GT_SHAPE(1), .requires_grad = true);
        gt_tensor *k = gt_set_name(gt_keep(gt_ones(gt, GT_SHAPE(1), .requires_grad = true)), "k");
        gt_mark_tape(gt);
        gt_hook(gt_set_name(x, "x"), count, &calls);
        gt_hook(k, count, &calls);
        gt_free(k);
        if (turn == 200) settled = gt_get_stats(gt).mallocs;
    }
    assert_well(gt);
    assert_int_equal(gt_get_stats(gt).mallocs, settled);
}

/* --- gradients --- */

static void gt_grad_leaves_no_gradient_behind(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *a = gt_ones(gt, GT_SHAPE(2), .requires_grad = true);
    gt_tensor *b = gt_ones(gt, GT_SHAPE(2), .requires_grad = true);
    const gt_mark start = gt_mark_tape(gt);
    for (int turn = 0; turn < 4; turn++) {
        gt_rewind(gt, start);
        gt_tensor *g, *up = gt_full(gt, GT_SHAPE(2), 7);
        assert_int_equal(gt_grad(&a, 1, &b, 1, &g, .upstream = &up, .allow_unused = true), GT_OK);
        assert_null(g);
        assert_int_equal(gt_backward(gt_sum(gt_mul_scalar(a, 3))), GT_OK);
        assert_non_null(a->grad);
        assert_float_equal(gt_get(a->grad, 1), 3, 0);
    }
}

/* Changed in place, as by clipping, one must not change the other. */
static void leaves_share_no_gradient(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *p = gt_ones(gt, GT_SHAPE(1), .requires_grad = true);
    gt_tensor *q = gt_ones(gt, GT_SHAPE(1), .requires_grad = true);
    for (int graph = 0; graph < 2; graph++) {
        gt_tensor *up = gt_ones(gt, GT_SHAPE(1));
        gt_clear_grad(p);
        gt_clear_grad(q);
        gt_backward(gt_add(p, q), .create_graph = graph, .upstream = up);
        gt_fill(p->grad, 5);
        assert_float_equal(gt_item(q->grad), 1, 0);
        assert_float_equal(gt_item(up), 1, 0);
        gt_tensor *s = gt_add(p, q), *g[3];
        gt_tensor *in[] = {p, q, s};
        gt_grad(&s, 1, in, 3, g, .create_graph = graph);
        gt_fill(g[0], 5);
        gt_fill(g[2], 6);
        assert_float_equal(gt_item(g[1]), 1, 0);
    }
    gt_tensor *loss = gt_sum(gt_mul(p, q)), *g;
    gt_grad(&loss, 1, &loss, 1, &g);
    gt_fill(g, 100); /* must not be the number that every sweep starts from */
    gt_clear_grad(p);
    gt_backward(gt_sum(gt_mul(p, q)));
    assert_float_equal(gt_item(p->grad), 1, 0);
    assert_well(gt);
}

static void a_shared_gradient_is_still_differentiable(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *p = gt_full(gt, GT_SHAPE(1), 2, .requires_grad = true);
    gt_tensor *q = gt_full(gt, GT_SHAPE(1), 3, .requires_grad = true);
    gt_backward(gt_sum(gt_square(gt_add(p, q))), .create_graph = true);
    gt_tensor *g, *dp = p->grad, *dq = q->grad;
    gt_grad(&dq, 1, &p, 1, &g, .retain = true);
    assert_float_equal(gt_item(g), 2, 0);
    gt_grad(&dp, 1, &p, 1, &g);
    assert_float_equal(gt_item(g), 2, 0);
    assert_well(gt);
}

/* --- freed tensors --- */

static void a_freed_leaf_is_refused_by_backward(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *w = gt_set_name(gt_keep(gt_ones(gt, GT_SHAPE(2), .requires_grad = true)), "w");
    gt_tensor *x = gt_ones(gt, GT_SHAPE(2), .requires_grad = true);
    gt_backward(gt_sum(w));
    gt_tensor *loss = gt_sum(gt_add(w, x));
    gt_free(w);
    gt_tensor *others[100];
    for (int i = 0; i < 100; i++) others[i] = gt_keep(gt_ones(gt, GT_SHAPE(2)));
    for (int i = 0; i < 100; i++) gt_free(others[i]);
    for (int i = 0; i < 100; i++)
        others[i] = gt_keep(gt_ones(gt, GT_SHAPE(2), .requires_grad = true));
    for (int part = 0; part < 2; part++) {
        assert_int_equal(gt_backward(loss, .retain = true), GT_ERR_STATE);
        assert_error(gt, GT_ERR_STATE,
                     part ? "'w', was freed by gt_free after it was recorded"
                          : "input a of add (test_lifetimes.c");
    }
    for (int i = 0; i < 100; i++) assert_null(others[i]->grad);
}

/* Headers of freed tensors serve again once nothing can refer to them. */
static void freed_headers_serve_again(void **state)
{
    gt_ctx *gt = *state;
    const gt_mark start = gt_mark_tape(gt);
    uint64_t settled = 0;
    for (int turn = 0; turn < 20000; turn++) {
        gt_rewind(gt, start);
        gt_tensor *k = gt_keep(gt_ones(gt, GT_SHAPE(1)));
        gt_neg(k);
        gt_free(k);
        if (turn == 200) settled = gt_get_stats(gt).bytes_system;
    }
    assert_well(gt);
    assert_int_equal(gt_get_stats(gt).bytes_system, settled);
}

/* --- marks --- */

/* A step with a mark and rewinds of its own, as of an accuracy check, at its end or amid it. */
static void steps_with_marks_of_their_own_are_bounded(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *w = gt_keep(gt_ones(gt, GT_SHAPE(3), .requires_grad = true));
    for (int after = 0; after < 2; after++) {
        const gt_mark start = gt_mark_tape(gt);
        uint64_t settled = 0;
        for (int step = 0; step < 20000; step++) {
            gt_rewind(gt, start);
            gt_tensor *loss = gt_sum(gt_square(w));
            gt_backward(loss);
            const gt_mark check = gt_mark_tape(gt);
            for (int i = 0; i < 3; i++) {
                gt_sum(gt_neg(w));
                gt_rewind(gt, check);
            }
            if (after) gt_neg(loss);
            if (step == 200) settled = gt_get_stats(gt).bytes_system;
        }
        assert_well(gt);
        assert_int_equal(gt_get_stats(gt).bytes_system, settled);
    }
}

static void marks_of_other_contexts_are_refused(void **state)
{
    gt_ctx *gt = *state, *other = gt_open();
    gt_ones(other, GT_SHAPE(1));
    const gt_mark theirs = gt_mark_tape(other), ours = gt_mark_tape(gt);
    gt_tensor *x = gt_ones(gt, GT_SHAPE(1));
    gt_rewind(gt, theirs);
    assert_error(gt, GT_ERR_ARGUMENT, "gt_rewind (test_lifetimes.c");
    gt_rewind(gt, theirs);
    assert_error(gt, GT_ERR_ARGUMENT, "the mark belongs to another context");
    assert_non_null(gt_neg(x));
    gt_rewind(gt, ours);
    assert_well(gt);
    gt_close(other);
}

enum { MARK, REWIND, FREE };

typedef struct {
    gt_ctx *gt;
    gt_mark mark;
    gt_tensor *leaf;
    int what; /* MARK, REWIND or FREE */
} meddler;

static gt_tensor *meddle(gt_tensor *grad, void *user)
{
    (void)grad;
    const meddler *m = user;
    if (m->what == MARK) gt_mark_tape(m->gt);
    else if (m->what == REWIND) gt_rewind(m->gt, m->mark);
    else gt_free(m->leaf);
    return NULL;
}

static void a_hook_must_not_move_the_tape(void **state)
{
    static const char *const message[] = {
        "called while gt_backward or gt_grad runs\n  in a hook on the result of neg",
        "called while gt_backward or gt_grad runs\n  in a hook on the result of neg",
        "gt_free (test_lifetimes.c:",
    };
    gt_ctx *gt = *state;
    gt_tensor *w = gt_keep(gt_ones(gt, GT_SHAPE(1), .requires_grad = true));
    for (int i = 0; i < 3; i++) {
        meddler m = {.gt = gt, .mark = gt_mark_tape(gt), .leaf = w, .what = i};
        gt_tensor *y = gt_neg(w);
        gt_hook(y, meddle, &m);
        gt_tensor *loss = gt_sum(gt_mul(gt_square(y), w));
        assert_int_equal(gt_backward(loss), GT_ERR_STATE);
        assert_error(gt, GT_ERR_STATE, message[i]);
        assert_null(w->grad);
        gt_rewind(gt, m.mark);
    }
    assert_int_equal(gt_backward(gt_sum(w)), GT_OK);
    assert_float_equal(gt_item(w->grad), 1, 0);
}

/* The promise of context.h: a dropped tensor is known for the two turns behind its own, as long as
 * none is larger than both of the two before it. */
static void turns_of_like_size_are_recognised(void **state)
{
    static const int ops[] = {100, 10, 100, 3, 100, 100, 50, 90, 1, 60, 60, 2, 2, 60};
    enum { N = sizeof ops / sizeof *ops };
    gt_ctx *gt = *state;
    const gt_mark start = gt_mark_tape(gt);
    gt_tensor *made[N][101];
    for (int turn = 0; turn < 30 * N; turn++) {
        gt_rewind(gt, start);
        const int at = turn % N, n = ops[at];
        made[at][0] = gt_ones(gt, GT_SHAPE(1));
        for (int i = 1; i <= n; i++) {
            made[at][i] = gt_neg(made[at][i - 1]);
            assert_non_null(made[at][i]);
        }
        for (int age = 1; age <= 2 && age <= turn; age++) {
            const int old = (turn - age) % N;
            if (n > ops[(turn - 1) % N] && n > ops[(turn + N - 2) % N]) break;
            for (int i = 0; i <= ops[old]; i++) {
                assert_null(gt_neg(made[old][i]));
                assert_error(gt, GT_ERR_STATE, "dropped by gt_rewind");
            }
        }
    }
}

/* --- order of hooks --- */

/* What a turn needs is more than what is there at its end, where loops within go back. */
static void turns_with_loops_of_their_own_are_recognised(void **state)
{
    gt_ctx *gt = *state;
    const gt_mark start = gt_mark_tape(gt);
    gt_tensor *made[30];
    for (int turn = 0; turn < 30; turn++) {
        gt_rewind(gt, start);
        made[turn] = gt_ones(gt, GT_SHAPE(1));
        const gt_mark inner = gt_mark_tape(gt);
        for (int i = 0; i < 12; i++) {
            for (int k = 0; k < 12 - i; k++) gt_ones(gt, GT_SHAPE(1));
            gt_rewind(gt, inner);
        }
        for (int age = 1; age <= 2 && age <= turn; age++) {
            assert_null(gt_neg(made[turn - age]));
            assert_error(gt, GT_ERR_STATE, "dropped by gt_rewind");
        }
    }
}

typedef struct {
    char order[8];
    int n;
} log;
typedef struct {
    log *to;
    char name;
} entry;

static gt_tensor *note(gt_tensor *grad, void *user)
{
    (void)grad;
    const entry *e = user;
    e->to->order[e->to->n++] = e->name;
    return NULL;
}

/* PyTorch's order: a leaf's hook runs when the last node that gives to it has been passed. */
static void hooks_of_leaves_run_when_complete(void **state)
{
    gt_ctx *gt = *state;
    log l = {.n = 0};
    entry a = {&l, 'a'}, b = {&l, 'b'}, c = {&l, 'c'}, y = {&l, 'y'};
    gt_tensor *first = gt_ones(gt, GT_SHAPE(1), .requires_grad = true);
    gt_tensor *both = gt_ones(gt, GT_SHAPE(1), .requires_grad = true);
    gt_tensor *last = gt_ones(gt, GT_SHAPE(1), .requires_grad = true);
    gt_hook(first, note, &a);
    gt_hook(both, note, &b);
    gt_hook(last, note, &c);
    gt_neg(last); /* read earlier, but not on the way */
    gt_tensor *x = gt_mul(first, both);
    gt_tensor *middle = gt_exp(x);
    gt_hook(middle, note, &y);
    gt_tensor *loss = gt_sum(gt_mul(gt_mul(middle, both), last));
    for (int grad = 0; grad < 2; grad++) {
        l = (log){.n = 0};
        gt_tensor *in[] = {first, both, last}, *g[3];
        if (grad) gt_grad(&loss, 1, in, 3, g, .retain = true);
        else gt_backward(loss, .retain = true);
        assert_well(gt);
        assert_string_equal(l.order, "cyab");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, open_context, close_context)
        TEST(names_outlive_marks_set_behind_them),
        TEST(hooks_outlive_marks_set_behind_them),
        TEST(labels_are_given_back),
        TEST(gt_grad_leaves_no_gradient_behind),
        TEST(leaves_share_no_gradient),
        TEST(a_shared_gradient_is_still_differentiable),
        TEST(a_freed_leaf_is_refused_by_backward),
        TEST(freed_headers_serve_again),
        TEST(steps_with_marks_of_their_own_are_bounded),
        TEST(marks_of_other_contexts_are_refused),
        TEST(a_hook_must_not_move_the_tape),
        TEST(turns_of_like_size_are_recognised),
        TEST(turns_with_loops_of_their_own_are_recognised),
        TEST(hooks_of_leaves_run_when_complete),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
