/* Threads: ten training steps of whole networks leave the same bits for any number of them. */
#include "networks.h"

#include "engine/context.h"

#include <stdlib.h>

enum { STEPS = 10, BATCH = 4, CLASSES = 3 };

static gt_module *lenet_with_batch_norm(gt_ctx *gt)
{
    return gt_nn_sequential(
        gt, gt_nn_conv2d(gt, 1, 6, .kernel = {5}, .padding = {2}), gt_nn_batch_norm2d(gt, 6),
        gt_nn_sigmoid(gt), gt_nn_avg_pool2d(gt, .kernel = {2}, .stride = {2}),
        gt_nn_conv2d(gt, 6, 16, .kernel = {5}), gt_nn_batch_norm2d(gt, 16), gt_nn_relu(gt),
        gt_nn_max_pool2d(gt, .kernel = {2}, .stride = {2}), gt_nn_dropout2d(gt, 0.2),
        gt_nn_flatten(gt), gt_nn_linear(gt, 64, 40), gt_nn_batch_norm1d(gt, 40), gt_nn_tanh(gt),
        gt_nn_dropout(gt, 0.5), gt_nn_linear(gt, 40, CLASSES));
}

static gt_module *small_resnet(gt_ctx *gt)
{
    return gt_nn_sequential(
        gt, gt_nn_conv2d(gt, 1, 8, .kernel = {3}, .padding = {1}, .no_bias = true),
        gt_nn_batch_norm2d(gt, 8), gt_nn_relu(gt),
        gt_nn_max_pool2d(gt, .kernel = {3}, .stride = {2}, .padding = {1}),
        residual_block(gt, 8, 8, 1), gt_nn_relu(gt), residual_block(gt, 8, 16, 2), gt_nn_relu(gt),
        gt_nn_global_avg_pool2d(gt), gt_nn_flatten(gt), gt_nn_linear(gt, 16, CLASSES));
}

static gt_module *mlp(gt_ctx *gt)
{
    return gt_nn_sequential(gt, gt_nn_flatten(gt), gt_nn_linear(gt, 256, 64),
                            gt_nn_layer_norm(gt, GT_SHAPE(64)), gt_nn_gelu(gt),
                            gt_nn_dropout(gt, 0.3), gt_nn_linear(gt, 64, 32), gt_nn_silu(gt),
                            gt_nn_linear(gt, 32, CLASSES));
}

static gt_module *other_norms(gt_ctx *gt)
{
    return gt_nn_sequential(
        gt, gt_nn_conv2d(gt, 1, 8, .kernel = {3}, .stride = {2}), gt_nn_group_norm(gt, 2, 8),
        gt_nn_leaky_relu(gt), gt_nn_upsample(gt, .scale = {2}, .mode = GT_BILINEAR),
        gt_nn_conv2d(gt, 8, 6, .kernel = {3}, .padding = {1}, .padding_mode = GT_PAD_REFLECT),
        gt_nn_instance_norm2d(gt, 6, .affine = true), gt_nn_elu(gt),
        gt_nn_adaptive_avg_pool2d(gt, 4, 4), gt_nn_flatten(gt), gt_nn_softmax(gt, 1),
        gt_nn_linear(gt, 96, CLASSES));
}

/* The bits of the losses, then of all parameters and buffers. */
typedef struct {
    size_t size;
    char data[1 << 18];
} bits;

static void add_bits(bits *b, const gt_tensor *t)
{
    const size_t size = (size_t)t->size * gt_dtype_size(t->dtype);
    assert_true(b->size + size <= sizeof b->data);
    memcpy(b->data + b->size, t->data, size);
    b->size += size;
}

static gt_tensor *make_target(gt_ctx *gt)
{
    gt_tensor *target = gt_empty(gt, GT_SHAPE(BATCH), .dtype = GT_I64);
    for (int64_t i = 0; i < BATCH; i++) ((int64_t *)target->data)[i] = i % CLASSES;
    return target;
}

static void train(gt_ctx *gt, gt_module *net, gt_optimizer *optimizer, bits *b)
{
    gt_tensor *x = gt_randn(gt, GT_SHAPE(BATCH, 1, 16, 16)), *target = make_target(gt);
    const gt_mark start = gt_mark_tape(gt);
    b->size = 0;
    for (int step = 0; step < STEPS; step++) {
        gt_rewind(gt, start);
        gt_tensor *loss = gt_cross_entropy(gt_forward(net, x), target, .label_smoothing = 0.1);
        gt_backward(loss);
        gt_clip_grad_norm(net, 1);
        gt_optimizer_step(optimizer);
        assert_well(gt);
        add_bits(b, loss);
    }
    gt_state_iter it = gt_module_state(net);
    while (gt_state_next(&it)) add_bits(b, it.tensor);
}

typedef struct {
    const char *name;
    gt_module *(*make)(gt_ctx *gt);
    bool adam;
} network;

static const network networks[] = {
    {"LeNet with batch norm", lenet_with_batch_norm, false},
    {"ResNet", small_resnet, false},
    {"MLP", mlp, true},
    {"the other norms", other_norms, true},
};

/* Operations are cut as finely as they can be. */
static void train_with(const network *n, int threads, bits *b)
{
    gt_ctx *gt = gt_open();
    gt_manual_seed(gt, 7);
    gti_threads_set_part_work(gt, 1);
    gt_set_threads(gt, threads);
    gt_module *net = n->make(gt);
    gt_optimizer *optimizer =
        n->adam ? gt_adam(net, .lr = 1e-2) : gt_sgd(net, .lr = 0.1, .momentum = 0.9);
    train(gt, net, optimizer, b);
    assert_true((gt_get_stats(gt).divided > 0) == (threads > 1));
    gt_close(gt);
}

static void training_leaves_the_same_bits(void **state)
{
    const network *n = *state;
    static const int counts[] = {2, 3, 8};
    static bits alone, together;
    train_with(n, 1, &alone);
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        train_with(n, counts[i], &together);
        assert_int_equal(alone.size, together.size);
        if (memcmp(alone.data, together.data, alone.size) != 0)
            fail_msg("%s: other bits with %d threads", n->name, counts[i]);
    }
}

int main(void)
{
    enum { N = sizeof networks / sizeof *networks };
    struct CMUnitTest tests[N];
    for (size_t i = 0; i < N; i++)
        tests[i] = (struct CMUnitTest){.name = networks[i].name,
                                       .test_func = training_leaves_the_same_bits,
                                       .initial_state = (void *)&networks[i]};
    return _cmocka_run_group_tests("training with threads", tests, N, NULL, NULL);
}
