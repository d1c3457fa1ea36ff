/* Operations of a program's own in which something is missing, and calls without options: an error
 * that says so, or a result, but never a crash. */
#include "support.h"

#include <gradtape/gradcheck.h>
#include <gradtape/op.h>

typedef struct {
    gt_keywords gt_;
    double by;
} scale_opts;

static bool scale_infer(gt_node *n)
{
    n->out[0]->shape = n->in[0]->shape;
    return true;
}

static void scale_forward(gt_node *n)
{
    const double by = ((const scale_opts *)n->opts)->by;
    for (int64_t i = 0; i < n->out[0]->size; i++)
        gt_store_element(n->out[0], i, by * gt_load_element(n->in[0], i));
}

static bool scale_backward(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    gin[0] = gt_apply(n->op, n->opts, 1, &gout[0]);
    return gin[0];
}

static bool same_infer(gt_node *n)
{
    (void)n;
    return true;
}

static const gt_sample samples[] = {{.in = GT_INPUTS({.shape = {1, {3}}})}};
static const gt_op scale_op = {.name = "scale",
                               .inputs = "x",
                               .n_in = 1,
                               .n_out = 1,
                               .opts_size = sizeof(scale_opts),
                               .infer = scale_infer,
                               .forward = GT_FOR_FLOATS(scale_forward),
                               .backward = scale_backward,
                               .samples = samples,
                               .n_samples = 1},
                   into_op = {.name = "scale_in_place",
                              .inputs = "x",
                              .n_in = 1,
                              .n_out = 1,
                              .opts_size = sizeof(scale_opts),
                              .flags = GT_OP_INTO,
                              .infer = same_infer,
                              .forward = GT_FOR_FLOATS(scale_forward)};

/* All that takes an operation, with and without options. */
static void call_all(gt_ctx *gt, const gt_op *op)
{
    const scale_opts two = {.by = 2};
    gt_tensor *x = gt_ones(gt, GT_SHAPE(3), .requires_grad = true), *out[GT_OP_OUTPUTS];
    for (int i = 0; i < 2; i++) {
        const void *opts = i ? NULL : &two;
        gt_work work;
        gt_tensor *y = gt_apply(op, opts, 1, &x);
        if (y && y->requires_grad) gt_backward(gt_sum(y));
        gt_error_clear(gt);
        gt_apply_n(op, opts, 1, &x, out);
        gt_error_clear(gt);
        gt_apply_over(op, opts, 1, &x);
        gt_error_clear(gt);
        gt_apply_into(op, opts, 1, &x);
        gt_error_clear(gt);
        gt_op_work(gt, op, opts, 1, &(gt_kind){x->shape, GT_F32}, &work, NULL);
        gt_error_clear(gt);
        gt_gradcheck_samples(gt, op, NULL, NULL);
        assert_false(gt_failed(gt));
    }
}

static void test_missing_fields(void **state)
{
    gt_ctx *gt = *state;
    for (int field = 0; field < 6; field++)
        for (int into = 0; into < 2; into++) {
            gt_op op = into ? into_op : scale_op;
            if (field == 0) op.infer = NULL;
            if (field == 1) op.forward[GT_F32] = NULL;
            if (field == 2) op.backward = NULL;
            if (field == 3) op.inputs = NULL;
            if (field == 4) op.n_out = 0;
            if (field == 5) op.samples = NULL, op.n_samples = 0;
            call_all(gt, &op);
        }
}

static void test_no_infer(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *x = gt_ones(gt, GT_SHAPE(3), .requires_grad = true);
    gt_op op = scale_op, into = into_op;
    op.infer = into.infer = NULL;
    gt_work work;
    assert_null(gt_apply(&op, NULL, 1, &x));
    assert_error(gt, GT_ERR_ARGUMENT, "scale (test_op_fields.c");
    gt_apply(&op, NULL, 1, &x);
    assert_error(gt, GT_ERR_ARGUMENT, "has no infer");
    gt_apply_into(&into, NULL, 1, &x);
    assert_error(gt, GT_ERR_ARGUMENT, "has no infer");
    gt_op_work(gt, &op, NULL, 1, &(gt_kind){x->shape, GT_F32}, &work, NULL);
    assert_error(gt, GT_ERR_ARGUMENT, "has no infer");
}

/* Of every operation with options: none are those that are all zero. */
static void test_no_options(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *x = gt_ones(gt, GT_SHAPE(3), .requires_grad = true);
    ASSERT_VALUES(gt_apply(&scale_op, NULL, 1, &x), 0, 0, 0, 0);
    size_t n;
    const gt_op_info *all = gt_ops(&n);
    for (size_t i = 0; i < n; i++) {
        const gt_op *op = all[i].op;
        if (!op || !op->opts_size || op->n_in < 0) continue;
        gt_tensor *in[8], *square = gt_ones(gt, GT_SHAPE(2, 2), .requires_grad = true);
        for (int k = 0; k < op->n_in; k++) in[k] = square;
        const int64_t none[64] = {0};
        gt_tensor *out[GT_OP_OUTPUTS], *same[GT_OP_OUTPUTS];
        if (op->flags & GT_OP_INTO || op->opts_size > sizeof none) continue;
        const gt_status without = gt_apply_n(op, NULL, op->n_in, in, out);
        gt_error_clear(gt);
        if (gt_apply_n(op, none, op->n_in, in, same) != without) fail_msg("%s", op->name);
        gt_error_clear(gt);
        for (int k = 0; !without && k < op->n_out; k++)
            assert_memory_equal(out[k]->data, same[k]->data,
                                (size_t)same[k]->size * gt_dtype_size(same[k]->dtype));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_missing_fields, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_no_infer, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_no_options, open_context, close_context),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
