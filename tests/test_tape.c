/* Lifetimes: marks, rewinding, keeping, quarantine, memory. */
#include "support.h"

static void a_rewound_tensor_is_recognised(void **state)
{
    gt_ctx *gt = *state;
    gt_mark start = gt_mark_tape(gt);
    gt_tensor *old[3];
    for (int step = 0; step < 3; step++) {
        gt_rewind(gt, start);
        old[step] = gt_ones(gt, GT_SHAPE(4));
        gt_neg(old[step]);
    }
    gt_rewind(gt, start);
    for (int age = 0; age < 2; age++) { /* the last two steps can be told */
        assert_null(gt_neg(old[2 - age]));
        assert_error(gt, GT_ERR_STATE, "neg (test_tape.c:");
        assert_null(gt_neg(old[2 - age]));
        assert_error(gt, GT_ERR_STATE, "input x, made at test_tape.c:11, was dropped by gt_rewind");
    }
}

static void a_loop_is_bounded_and_without_mallocs(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *w = gt_keep(gt_ones(gt, GT_SHAPE(3, 3), .requires_grad = true));
    gt_stats before = gt_get_stats(gt);
    for (int step = 0; step < 5000; step++) {
        gt_mark top = gt_mark_tape(gt);
        gt_tensor *loss = gt_sum(gt_mul(gt_matmul(w, w), gt_add_scalar(w, 1)));
        assert_int_equal(gt_backward(loss), GT_OK);
        gt_rewind(gt, top);
        if (step == 10) before = gt_get_stats(gt);
    }
    assert_well(gt);
    const gt_stats after = gt_get_stats(gt);
    assert_int_equal(after.mallocs, before.mallocs);
    assert_int_equal(after.bytes_system, before.bytes_system);
    assert_int_equal(after.nodes, 0);
}

/* An inner loop in an outer one, with things recorded between the marks. */
static void nested_loops_are_bounded(void **state)
{
    gt_ctx *gt = *state;
    gt_mark outer = gt_mark_tape(gt);
    gt_stats settled = {0};
    for (int i = 0; i < 300; i++) {
        gt_rewind(gt, outer);
        gt_tensor *x = gt_ones(gt, GT_SHAPE(100), .requires_grad = true);
        gt_mark inner = gt_mark_tape(gt);
        for (int k = 0; k < 20; k++) {
            gt_rewind(gt, inner);
            gt_tensor *y = x;
            for (int j = 0; j < 50; j++) y = gt_neg(y);
            assert_int_equal(gt_backward(gt_sum(y)), GT_OK);
        }
        if (i == 20) settled = gt_get_stats(gt);
    }
    assert_well(gt);
    assert_int_equal(gt_get_stats(gt).mallocs, settled.mallocs);
}

static void a_void_mark_is_refused(void **state)
{
    gt_ctx *gt = *state;
    gt_mark outer = gt_mark_tape(gt);
    gt_ones(gt, GT_SHAPE(1));
    gt_mark inner = gt_mark_tape(gt);
    gt_rewind(gt, outer);
    gt_ones(gt, GT_SHAPE(1));
    gt_rewind(gt, inner);
    assert_error(gt, GT_ERR_STATE, "the mark is void");
    gt_rewind(gt, (gt_mark){{0}});
    assert_error(gt, GT_ERR_STATE, "the mark is void");
    gt_rewind(gt, outer);
    assert_well(gt);
}

static void kept_tensors_outlive_rewinds(void **state)
{
    gt_ctx *gt = *state;
    gt_mark start = gt_mark_tape(gt);
    gt_tensor *step = gt_values(gt, GT_SHAPE(3), 1, 2, 3);
    gt_set_name(step, "three");
    gt_tensor *view = gt_reshape(step, GT_SHAPE(3, 1));
    gt_tensor *kept = gt_keep(step);
    gt_tensor *kept_view = gt_keep(view);
    assert_ptr_equal(kept->data, step->data);
    assert_ptr_not_equal(kept_view->data, kept->data);
    assert_ptr_equal(gt_keep(kept), kept);
    gt_rewind(gt, start);
    for (int i = 0; i < 10; i++) gt_zeros(gt, GT_SHAPE(3));
    ASSERT_VALUES(kept, 0, 1, 2, 3);
    ASSERT_VALUES(kept_view, 0, 1, 2, 3);
    assert_string_equal(gt_name(kept), "three");
    gt_free(kept);
    gt_free(kept_view);
    assert_null(gt_neg(kept));
    assert_error(gt, GT_ERR_STATE, "was freed by gt_free");
    gt_free(kept);
    assert_error(gt, GT_ERR_STATE, "freed before");
    gt_free(NULL);
    gt_free(gt_ones(gt, GT_SHAPE(2))); /* the tape's: left to it */
    assert_well(gt);
}

static void freeing_and_keeping_is_bounded(void **state)
{
    gt_ctx *gt = *state;
    gt_mark start = gt_mark_tape(gt);
    gt_stats settled = {0};
    for (int i = 0; i < 3000; i++) {
        gt_rewind(gt, start);
        gt_free(gt_keep(gt_ones(gt, GT_SHAPE(10))));
        if (i == 100) settled = gt_get_stats(gt);
    }
    assert_well(gt);
    assert_int_equal(gt_get_stats(gt).mallocs, settled.mallocs);
    assert_int_equal(gt_get_stats(gt).bytes_live, settled.bytes_live);
}

static void grads_live_as_long_as_the_step(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *a = gt_keep(gt_ones(gt, GT_SHAPE(2), .requires_grad = true));
    gt_tensor *b = gt_keep(gt_ones(gt, GT_SHAPE(2), .requires_grad = true));
    gt_backward(gt_sum(a));
    gt_mark start = gt_mark_tape(gt);
    gt_backward(gt_sum(b));
    assert_non_null(b->grad);
    gt_rewind(gt, start);
    assert_null(b->grad);
    ASSERT_VALUES(a->grad, 0, 1, 1); /* made before the mark */
    gt_clear_grad(a);
    assert_null(a->grad);
    gt_free(a);
    gt_rewind(gt, start);
    assert_well(gt);
}

/* A loop in a function, which sets a mark of its own at each call: the last step of the call before
 * is not rewound, and its gradient must not be added to. */
static void a_grad_of_a_step_that_is_over_is_replaced(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *w = gt_keep(gt_full(gt, GT_SHAPE(1), 8, .requires_grad = true));
    for (int epoch = 0; epoch < 3; epoch++) {
        gt_mark start = gt_mark_tape(gt);
        for (int step = 0; step < 2; step++) {
            gt_rewind(gt, start);
            gt_backward(gt_sum(gt_square(w)));
            assert_true(gt_item(w->grad) == 2 * gt_item(w));
            gt_copy_into(w, gt_sub(w, gt_mul_scalar(w->grad, 0.25)));
        }
    }
    assert_true(gt_item(w) == 0.125);
    gt_backward(gt_sum(gt_square(w))); /* nor without any rewind */
    assert_true(gt_item(w->grad) == 2 * gt_item(w));
    gt_clear_grad(w);
    gt_mark_tape(gt);
    gt_backward(gt_sum(gt_square(w)));
    gt_mark_tape(gt); /* for some other loop in the same step */
    gt_backward(gt_sum(gt_square(w)));
    assert_true(gt_item(w->grad) == 4 * gt_item(w));
    gt_mark start = gt_mark_tape(gt);
    gt_backward(gt_sum(gt_square(w)), .create_graph = true); /* makes a new sum */
    gt_rewind(gt, start);
    assert_null(w->grad);
    assert_well(gt);
}

static void large_and_many_headers(void **state)
{
    gt_ctx *gt = *state;
    gt_mark start = gt_mark_tape(gt);
    gt_tensor *x = gt_ones(gt, GT_SHAPE(1), .requires_grad = true);
    for (int i = 0; i < 20000; i++) x = gt_add_scalar(x, 1);
    assert_int_equal(gt_get_stats(gt).nodes, 20000);
    assert_true(gt_item(x) == 20001);
    assert_int_equal(gt_backward(x), GT_OK);
    gt_rewind(gt, start);
    assert_int_equal(gt_get_stats(gt).nodes, 0);
    assert_well(gt);
}

static void overflow_and_memory_are_errors(void **state)
{
    gt_ctx *gt = *state;
    assert_null(gt_zeros(gt, GT_SHAPE(1LL << 40, 1LL << 40)));
    assert_error(gt, GT_ERR_MEMORY, "[1099511627776,1099511627776] overflows");
    assert_null(gt_zeros(gt, GT_SHAPE(1LL << 62)));
    assert_error(gt, GT_ERR_MEMORY, "overflows");
    assert_null(gt_zeros(gt, GT_SHAPE(1LL << 38)));
    assert_error(gt, GT_ERR_MEMORY, "no memory for the 274877906944 elements");
    gt_tensor *empty = gt_zeros(gt, GT_SHAPE(1LL << 40, 1LL << 40, 0));
    assert_non_null(empty);
    assert_int_equal(empty->size, 0);
    assert_well(gt);
}

static void two_contexts_do_not_touch(void **state)
{
    gt_ctx *gt = *state, *other = gt_open();
    gt_tensor *a = gt_ones(gt, GT_SHAPE(2)), *b = gt_ones(other, GT_SHAPE(2));
    assert_null(gt_add(a, b));
    assert_error(gt, GT_ERR_ARGUMENT, "input b belongs to another context");
    assert_well(other);
    gt_fill(a, 7);
    assert_int_equal(gt_copy_into(b, a), GT_OK);
    ASSERT_VALUES(b, 0, 7, 7);
    gt_close(other);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, open_context, close_context)
    const struct CMUnitTest tests[] = {
        TEST(a_rewound_tensor_is_recognised),
        TEST(a_loop_is_bounded_and_without_mallocs),
        TEST(a_grad_of_a_step_that_is_over_is_replaced),
        TEST(nested_loops_are_bounded),
        TEST(a_void_mark_is_refused),
        TEST(kept_tensors_outlive_rewinds),
        TEST(freeing_and_keeping_is_bounded),
        TEST(grads_live_as_long_as_the_step),
        TEST(large_and_many_headers),
        TEST(overflow_and_memory_are_errors),
        TEST(two_contexts_do_not_touch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
