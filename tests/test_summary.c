/* gt_summary: its tables, that it computes nothing and leaves nothing behind; gt_set_shapes_only.
 */
#include <stdlib.h>

#include "networks.h"

/* What gt_summary prints, to be freed; NULL after a failure. */
static char *text_of(gt_module *m, gt_shape input, gt_summary_opts opts)
{
    FILE *f = tmpfile();
    char *text = NULL;
    if (gt_summary_(f, m, input, opts) == GT_OK) {
        const long size = ftell(f);
        text = calloc(1, (size_t)size + 1);
        rewind(f);
        assert_int_equal(fread(text, 1, (size_t)size, f), size);
    }
    fclose(f);
    return text;
}

static void assert_summary(gt_module *m, gt_shape input, gt_summary_opts opts, const char *want)
{
    char *text = text_of(m, input, opts);
    assert_well(m->ctx);
    assert_string_equal(text, want);
    free(text);
}

static void test_lenet(void **state)
{
    assert_summary(lenet(*state), GT_SHAPE(1, 1, 28, 28), (gt_summary_opts){0},
                   "Layer           Output        Params     MACs  Forward  Backward  Field  Step\n"
                   "Sequential      [1,10]\n"
                   "  0: Conv2d     [1,6,28,28]      156  117,600  18.8 KB   18.8 KB    5x5   1x1\n"
                   "  1: Sigmoid    [1,6,28,28]                    18.8 KB   18.8 KB    5x5   1x1\n"
                   "  2: AvgPool2d  [1,6,14,14]                    4.70 KB   4.70 KB    6x6   2x2\n"
                   "  3: Conv2d     [1,16,10,10]   2,416  240,000  6.40 KB   6.40 KB  14x14   2x2\n"
                   "  4: Sigmoid    [1,16,10,10]                   6.40 KB   6.40 KB  14x14   2x2\n"
                   "  5: AvgPool2d  [1,16,5,5]                     1.60 KB   1.60 KB  16x16   4x4\n"
                   "  6: Flatten    [1,400]\n"
                   "  7: Linear     [1,120]       48,120   48,000    960 B     960 B\n"
                   "  8: Sigmoid    [1,120]                          480 B     480 B\n"
                   "  9: Linear     [1,84]        10,164   10,080    672 B     672 B\n"
                   "  10: Sigmoid   [1,84]                           336 B     336 B\n"
                   "  11: Linear    [1,10]           850      840     80 B      80 B\n"
                   "\n"
                   "Params       61,706 (61,706 trainable, 0 frozen), 247 KB\n"
                   "MACs         416,520\n"
                   "Activations  59.3 KB forward, 59.3 KB backward\n");
}

/* Branches, depth, a frozen part, f64: the input takes the parameters' dtype. */
static void test_branches(void **state)
{
    gt_ctx *gt = *state;
    gt_module *net = residual(gt);
    gt_freeze(net, "0.*");
    gt_module_to(net, GT_F64);
    assert_summary(
        net, GT_SHAPE(1, 3, 32, 32), (gt_summary_opts){.depth = 1},
        "Layer                 Output       Params     MACs  Forward  Backward  Field   Step\n"
        "Sequential            [1,6]\n"
        "  0: Residual         [1,3,32,32]     180  165,888   147 KB    147 KB    5x5    1x1\n"
        "  1: ReLU             [1,3,32,32]                   24.6 KB   24.6 KB    5x5    1x1\n"
        "  2: Residual         [1,6,16,16]     546  129,024  86.0 KB   86.0 KB  11x11    2x2\n"
        "  3: ReLU             [1,6,16,16]                   12.3 KB   12.3 KB  11x11    2x2\n"
        "  4: GlobalAvgPool2d  [1,6,1,1]                        48 B      48 B  41x41  32x32\n"
        "  5: Flatten          [1,6]\n"
        "\n"
        "Params       726 (546 trainable, 180 frozen), 5.81 KB\n"
        "MACs         294,912\n"
        "Activations  270 KB forward, 270 KB backward\n");
}

/* The last two columns of a line that begins like this. */
static void test_fields(void **state)
{
    static const struct {
        const char *network;
        gt_shape input;
        const char *line, *field, *step;
    } rows[] = {
        {"sequences", {3, {1, 3, 12}}, "\n  0: ", "5", "1"},
        {"sequences", {3, {1, 3, 12}}, "\n  3: ", "6", "2"},
        {"sequences", {3, {1, 3, 12}}, "\n  4: ", "12", "2"},
        {"sequences", {3, {1, 3, 12}}, "\n  6: ", "14", "2"},
        {"decoder", {4, {1, 4, 3, 3}}, "\n  0: ", "2x2", "0.5x0.5"},
        {"decoder", {4, {1, 4, 3, 3}}, "\n  2: ", "2x2", "0.25x0.25"},
        {"decoder", {4, {1, 4, 3, 3}}, "\n  3: ", "2.5x2.5", "0.25x0.25"},
        {"inception", {4, {2, 2, 5, 4}}, "\n    1: Sequential        [2,4,5,4]", "3x1", "1x1"},
        {"inception", {4, {2, 2, 5, 4}}, "\n  1: Concat", "5x5", "1x1"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *text =
            text_of(build_network(*state, rows[i].network), rows[i].input, (gt_summary_opts){0});
        assert_well(*state);
        char *line = strstr(text, rows[i].line);
        assert_non_null(line);
        line[1 + strcspn(line + 1, "\n")] = 0;
        const char *step = strrchr(line, ' ') + 1, *field = step - 1;
        while (*field == ' ') field--;
        while (field[-1] != ' ') field--;
        assert_string_equal(step, rows[i].step);
        assert_memory_equal(field, rows[i].field, strlen(rows[i].field));
        free(text);
    }
}

/* A kind that makes its children at its first forward: they have rows as well. */
static bool make_child(gt_module *m, gt_tensor *x)
{
    return gt_module_add_child(m, "fc", gt_nn_linear(m->ctx, x->shape.dim[1], 2));
}

static gt_tensor *forward_child(gt_module *m, gt_tensor *x)
{
    return gt_forward(m->child, x);
}

static void test_late_children(void **state)
{
    static const gt_module_type type = {.name = "Late",
                                        .size = sizeof(gt_module),
                                        .forward = forward_child,
                                        .materialise = make_child};
    gt_module *net = gt_nn_sequential(*state, gt_module_new(*state, &type), gt_nn_relu(*state));
    assert_summary(net, GT_SHAPE(5, 3), (gt_summary_opts){0},
                   "Layer           Output  Params  MACs  Forward  Backward  Field  Step\n"
                   "Sequential      [5,2]\n"
                   "  0: Late       [5,2]\n"
                   "    fc: Linear  [5,2]        8    30     80 B      80 B\n"
                   "  1: ReLU       [5,2]                    40 B      40 B\n"
                   "\n"
                   "Params       8 (8 trainable, 0 frozen), 32 B\n"
                   "MACs         30\n"
                   "Activations  120 B forward, 120 B backward\n");
    assert_true(net->training && net->child->child->training);
}

/* Nothing is computed or changed, but lazy modules materialise; and a shape far beyond any
 * machine's patience takes no time. */
static void test_leaves_nothing(void **state)
{
    gt_ctx *gt = *state;
    gt_module *net = batch_norms(gt), *big = gt_nn_lazy_conv2d(gt, 8, .kernel = {3});
    net->child->training = false;
    gt_tensor *x = gt_ones(gt, GT_SHAPE(3, 2, 9, 8));
    const gt_stats before = gt_get_stats(gt);
    free(text_of(net, GT_SHAPE(3, 2, 9, 8), (gt_summary_opts){0}));
    free(text_of(big, GT_SHAPE(16, 8, 700, 700), (gt_summary_opts){0}));
    assert_well(gt);
    const gt_stats after = gt_get_stats(gt);
    assert_int_equal(after.nodes, before.nodes);
    assert_string_equal(big->type->name, "Conv2d");
    assert_true(element(gt_module_buffer(net, "1.num_batches_tracked"), 0) == 0);
    assert_true(element(gt_module_buffer(net, "1.running_mean"), 0) == 0);
    assert_true(net->training && !net->child->training && net->child->next->training);
    assert_true(gt_is_recording(gt));
    gt_tensor *y = gt_relu(gt_neg(x));
    for (int64_t i = 0; i < y->size; i++) assert_true(element(y, i) == 0);
}

static void test_shapes_only(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *x = gt_ones(gt, GT_SHAPE(4), .requires_grad = true), *where = NULL;
    assert_false(gt_set_shapes_only(gt, true));
    gt_tensor *top = gt_max(gt_mul_scalar(x, 3), 0, .indices = &where);
    assert_well(gt);
    assert_int_equal(top->shape.ndim, 0);
    assert_int_equal(gt_item(where), 0);
    assert_true(gt_set_shapes_only(gt, false));
    assert_true(gt_item(gt_sum(gt_mul_scalar(x, 3))) == 12);
    gt_set_anomaly_check(gt, true);
    gt_set_shapes_only(gt, true);
    gt_set_anomaly_check(gt, false);
    gt_tensor *y = gt_full(gt, GT_SHAPE(1), 7);
    assert_int_equal(((const uint8_t *)gt_gt(y, gt_zeros(gt, GT_SHAPE(1)))->data)[0], 0);
    gt_set_shapes_only(gt, false);
    assert_int_equal(((const uint8_t *)gt_gt(y, gt_zeros(gt, GT_SHAPE(1)))->data)[0], 1);
}

/* What is changed in place keeps its values, but for what is written by hand. */
static void test_shapes_change_nothing(void **state)
{
    gt_ctx *gt = *state;
    gt_module *net = gt_nn_batch_norm2d(gt, 2);
    gt_optimizer *adam = gt_adam(net, .lr = 0.1);
    gt_tensor *x = gt_randn(gt, GT_SHAPE(3, 2, 4, 4)), *t = gt_zeros(gt, GT_SHAPE(2));
    for (int all = 0; all < 2; all++) {
        gt_set_recording_all(gt, all);
        gt_set_shapes_only(gt, true);
        gt_backward(gt_sum(gt_forward(net, x)));
        gt_optimizer_step(adam);
        gt_fill(t, 3);
        gt_set_shapes_only(gt, false);
    }
    assert_well(gt);
    static const struct {
        const char *name;
        double value;
    } rows[] = {{"weight", 1}, {"bias", 0}, {"running_mean", 0}, {"running_var", 1}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        gt_tensor *p =
            i < 2 ? gt_module_parameter(net, rows[i].name) : gt_module_buffer(net, rows[i].name);
        for (int k = 0; k < 2; k++) assert_true(element(p, k) == rows[i].value);
    }
    assert_true(element(gt_module_buffer(net, "num_batches_tracked"), 0) == 0);
    assert_true(element(t, 1) == 3);
    gt_set_shapes_only(gt, true);
    assert_int_equal(gt_gradcheck_samples(gt, &gt_op_exp, NULL, NULL), GT_PASS);
    assert_true(gt_set_shapes_only(gt, false));
}

static void test_misuse(void **state)
{
    gt_ctx *gt = *state;
    gt_module *net = lenet(gt);
    assert_null(text_of(net, GT_SHAPE(1, 3, 28, 28), (gt_summary_opts){0}));
    assert_error(gt, GT_ERR_SHAPE, "conv2d '0'");
    assert_true(net->training && gt_is_recording(gt));
    assert_false(gt_set_shapes_only(gt, false));
    gt_summary(NULL, net, GT_SHAPE(1, 1, 28, 28));
    assert_error(gt, GT_ERR_ARGUMENT, "the file is NULL");
    FILE *f = fopen("/dev/full", "w");
    if (f) {
        setbuf(f, NULL);
        assert_int_equal(gt_summary(f, net, GT_SHAPE(1, 1, 28, 28)), GT_ERR_IO);
        assert_error(gt, GT_ERR_IO, "could not be written");
        fclose(f);
    }
}

#define IN_CONTEXT(f) cmocka_unit_test_setup_teardown(f, open_context, close_context)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_CONTEXT(test_lenet),
        IN_CONTEXT(test_branches),
        IN_CONTEXT(test_fields),
        IN_CONTEXT(test_late_children),
        IN_CONTEXT(test_leaves_nothing),
        IN_CONTEXT(test_shapes_only),
        IN_CONTEXT(test_shapes_change_nothing),
        IN_CONTEXT(test_misuse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
