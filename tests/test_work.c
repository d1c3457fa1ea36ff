/* What calls cost: operations on numbers and bytes, from shapes alone. */
#include "samples.h"

/* A node's work from shapes alone is that of the node, and so are the kinds of results. */
static int same_work(gt_ctx *gt, const gt_node *n)
{
    gt_kind in[64], out[GT_OP_OUTPUTS];
    gt_work w;
    const gt_work of = gt_node_work(n);
    assert_true(of.flops >= 0 && of.read >= 0 && of.written >= 0);
    for (int i = 0; i < n->n_in; i++) in[i] = (gt_kind){n->in[i]->shape, n->in[i]->dtype};
    const bool ok = gt_op_work(gt, n->op, n->opts, n->n_in, in, &w, out) == GT_OK;
    if (!ok && n->op->flags & GT_OP_VALUES) return gt_error_clear(gt), 0;
    if (!ok) fail_msg("%s: %s", n->op->name, gt_error_message(gt));
    for (int i = 0; i < n->n_out; i++) {
        if (n->op->flags & GT_OP_VALUES &&
            !gt_same_shape(n->out[i], &(gt_tensor){.shape = out[i].shape}))
            return 0;
        assert_int_equal(out[i].dtype, n->out[i]->dtype);
        assert_int_equal(gt_shape_size(out[i].shape), n->out[i]->size);
    }
    if (w.flops != of.flops || w.read != of.read || w.written != of.written)
        fail_msg("%s: %g, %g, %g from shapes, but %g, %g, %g", n->op->name, w.flops, w.read,
                 w.written, of.flops, of.read, of.written);
    return 1;
}

static void work_follows_from_shapes(void **state)
{
    gt_ctx *gt = *state;
    size_t n_ops;
    const gt_op_info *ops = gt_ops(&n_ops);
    int same = 0, all = 0;
    for (size_t i = 0; i < n_ops; i++)
        for (int k = 0; ops[i].op && k < ops[i].op->n_samples; k++) {
            const gt_mark start = gt_mark_tape(gt);
            gt_set_recording_all(gt, true);
            run_sample(gt, ops[i].op, &ops[i].op->samples[k], GT_F64);
            gt_set_recording_all(gt, false);
            for (const gt_node *n = gt_tape_first(gt); n; n = gt_tape_next(n), all++)
                same += same_work(gt, n);
            gt_rewind(gt, start);
        }
    assert_well(gt);
    assert_true(all > 4000 && same > all * 9 / 10);
}

static const gt_conv2d_opts stride_2 = {.stride = {2}};

/* Counted by hand. */
static const struct {
    const gt_op *op;
    const void *opts;
    int n_in;
    gt_kind in[3];
    gt_work work;
} known[] = {
    {&gt_op_add, NULL, 2, {{{2, {3, 4}}, 0}, {{1, {4}}, 0}}, {12, 64, 48}},
    {&gt_op_exp, NULL, 1, {{{1, {10}}, GT_F64}}, {10, 80, 80}},
    {&gt_op_matmul, &(gt_matmul_opts){0}, 2, {{{2, {3, 4}}, 0}, {{2, {4, 5}}, 0}}, {120, 128, 60}},
    /* [2,3,8,8] with [4,3,2,2], stride 2: [2,4,4,4], each of 12 multiply-adds */
    {&gt_op_conv2d,
     &stride_2,
     2,
     {{{4, {2, 3, 8, 8}}, 0}, {{4, {4, 3, 2, 2}}, 0}},
     {2 * 128 * 12, 4 * (384 + 48), 4 * 128}},
    {&gt_op_clone, NULL, 1, {{{1, {10}}, 0}}, {0, 40, 40}},
    {&gt_op_accumulate, NULL, 2, {{{1, {10}}, 0}, {{1, {10}}, 0}}, {10, 80, 40}},
    {&gt_op_copy, NULL, 2, {{{1, {10}}, 0}, {{1, {10}}, 0}}, {0, 40, 40}},
};

static void work_by_hand(void **state)
{
    gt_ctx *gt = *state;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        gt_work w;
        assert_int_equal(
            gt_op_work(gt, known[i].op, known[i].opts, known[i].n_in, known[i].in, &w, NULL),
            GT_OK);
        if (memcmp(&w, &known[i].work, sizeof w) != 0)
            fail_msg("%s: %g, %g, %g", known[i].op->name, w.flops, w.read, w.written);
    }
    const gt_kind two[] = {{{2, {3, 4}}, 0}, {{1, {5}}, 0}}, mixed[] = {{{0}, 0}, {{0}, GT_F64}};
    gt_work w;
    gt_op_work(gt, &gt_op_add, NULL, 2, two, &w, NULL);
    assert_error(gt, GT_ERR_SHAPE, "add");
    gt_op_work(gt, &gt_op_add, NULL, 1, two, &w, NULL);
    assert_error(gt, GT_ERR_ARGUMENT, "1 input");
    gt_op_work(gt, &gt_op_add, NULL, 2, mixed, &w, NULL);
    assert_error(gt, GT_ERR_DTYPE, "input 1 is f64");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_context, close_context)
        TEST(work_follows_from_shapes),
        TEST(work_by_hand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
