/* calls.h and ops.h, part by part as in ops.def */
#include "cxx.h"

#include "../calls_list.h"

/* That every call of the list is C++, too; tests in C run them. */
#define CALL(f, variant, expression, ...)                                                          \
    [[maybe_unused]] static gt_tensor *call_##f##_##variant(gt_tensor *t[])                        \
    {                                                                                              \
        gt_tensor *unread = NULL, *some[2] = {NULL};                                               \
        const int64_t one_two[2] = {1, 2};                                                         \
        (void)unread, (void)some, (void)one_two;                                                   \
        return expression;                                                                         \
    }
CALLS(CALL)
#undef CALL

static void test_arithmetic(gt_tensor *a, gt_tensor *b)
{
    gt_tensor *all[] = {
        gt_add(a, b),        gt_sub(a, b),         gt_mul(a, b),         gt_div(a, b),
        gt_add_scalar(a, 1), gt_sub_scalar(a, 1),  gt_mul_scalar(a, 2),  gt_div_scalar(a, 2),
        gt_neg(a),           gt_rsub_scalar(a, 1), gt_rdiv_scalar(a, 1), gt_square(a),
        gt_pow(a, b),        gt_maximum(a, b),     gt_minimum(a, b),
    };
    for (gt_tensor *y : all) IS_TRUE(y && gt_same_shape(y, a));
}

static void test_elements(gt_tensor *x)
{
    gt_tensor *all[] = {
#define GT_OP_UNARY(name, params, meaning) gt_##name(x),
#include <gradtape/ops.def>
        gt_pow_scalar(x, 2),
        gt_sign(x),
        gt_floor(x),
        gt_ceil(x),
        gt_round(x),
        gt_clamp(x, 0, 1),
        gt_prelu(x, gt_ones(x->ctx, GT_SHAPE(1))),
        gt_elu(x),
        gt_gelu(x),
        gt_clone(x),
        gt_leaky_relu(x),
        gt_softplus(x),
        gt_isnan(x),
        gt_hardtanh(x),
        gt_isfinite(x),
        gt_square(x),
        gt_gelu(x, .tanh_approximation = true),
        gt_softmax(x, 1),
        gt_neg(x),
        gt_leaky_relu(x, .negative_slope = 0.2),
        gt_cumsum(x, 0),
        gt_tril(x, 0),
        gt_softplus(x, .beta = 2, .threshold = 10),
        gt_triu(x, 0),
        gt_cast(x, GT_F64),
        gt_elu(x, .alpha = 2),
        gt_log_softmax(x, 1),
        gt_flip(x, GT_AXES(0)),
        gt_hardtanh(x, .min_val = -2, .max_val = 2),
    };
    for (gt_tensor *y : all) IS_TRUE(y && gt_same_shape(y, x));
}

static void test_masks(gt_tensor *a, gt_tensor *b)
{
    gt_tensor *p = gt_lt(a, b), *q = gt_ge(a, b);
    gt_tensor *all[] = {
        gt_eq(a, b),          gt_ne(a, b),        gt_le(a, b),          gt_gt(a, b),
        gt_eq_scalar(a, 1),   gt_ne_scalar(a, 1), gt_lt_scalar(a, 1),   gt_le_scalar(a, 1),
        gt_gt_scalar(a, 1),   gt_ge_scalar(a, 1), gt_logical_and(p, q), gt_logical_or(p, q),
        gt_logical_xor(p, q), gt_logical_not(p),
    };
    for (gt_tensor *y : all) IS_TRUE(y && y->dtype == GT_U8);
    IS_TRUE(gt_where(p, a, b)->dtype == GT_F32);
}

static void test_reductions(gt_tensor *x)
{
    gt_tensor *at;
    IS_TRUE(gt_sum(x)->size == 1 && gt_sum(x, .axes = GT_AXES(0, -1), .keepdim = true)->size == 1);
    IS_TRUE(gt_mean(x, .axes = GT_AXES(1))->size == 2 && gt_prod(x)->size == 1);
    IS_TRUE(gt_amax(x)->size == 1 && gt_amin(x, .axes = GT_AXIS(0))->size == 3);
    IS_TRUE(gt_logsumexp(x, .keepdim = true)->size == 1);
    IS_TRUE(gt_var(x, .axes = GT_AXES(0), .correction = GT_ZERO)->size == 3 &&
            gt_std(x)->size == 1);
    IS_TRUE(gt_norm(x, .axes = GT_AXES(1), .p = 1)->size == 2);
    IS_TRUE(gt_max(x, 1, .keepdim = true, .indices = &at)->size == 2 && at->dtype == GT_I64);
    IS_TRUE(gt_min(x, 0)->size == 3 && gt_argmax(x, 1)->size == 2);
    IS_TRUE(gt_argmin(x, 1, .keepdim = true)->size == 2);
}

void test_functions(gt_ctx *gt)
{
    gt_tensor *a = gt_values(gt, GT_SHAPE(2, 3), 1, 2, 3, 4, 5, 6);
    gt_tensor *b = gt_values(gt, GT_SHAPE(3), 2, 1, 3);
    test_arithmetic(a, b);
    test_elements(a);
    test_masks(a, b);
    test_reductions(a);
}

static void test_moves(gt_ctx *gt, gt_tensor *x)
{
    gt_tensor *index = gt_values(gt, GT_SHAPE(2), 1, 0), *out[3];
    index = gt_cast(index, GT_I64);
    IS_TRUE(gt_reshape(x, GT_SHAPE(3, -1))->shape.dim[1] == 2);
    IS_TRUE(gt_flatten(x)->size == 6 && gt_flatten(x, .start = 0, .end = 1)->shape.ndim == 1);
    IS_TRUE(gt_squeeze(gt_unsqueeze(x, 0), .axes = GT_AXES(0))->shape.ndim == 2);
    IS_TRUE(gt_broadcast_to(x, GT_SHAPE(2, 2, 3))->size == 12);
    IS_TRUE(gt_expand(x, GT_SHAPE(4, -1, 3))->size == 24);
    IS_TRUE(gt_sum_to(x, GT_SHAPE(3))->size == 3 && gt_repeat(x, GT_SHAPE(2, 1))->size == 12);
    IS_TRUE(gt_permute(x, 1, 0)->shape.dim[0] == 3 && gt_transpose(x, 0, 1)->shape.dim[0] == 3);
    IS_TRUE(gt_slice(x, 1, 0, GT_END, .step = 2)->size == 4 && gt_slice(x, 0, 0, 1)->size == 3);
    IS_TRUE(gt_select(x, 0, 1)->size == 3 && gt_index_select(x, 1, index)->size == 4);
    IS_TRUE(gt_gather(x, 1, gt_reshape(index, GT_SHAPE(2, 1)))->size == 2);
    IS_TRUE(gt_concat(GT_ARRAY(gt_tensor *, x, x), 2, 0)->size == 12);
    IS_TRUE(gt_stack(GT_ARRAY(gt_tensor *, x, x), 2, 0)->shape.ndim == 3);
    IS_TRUE(gt_concat_of(0, x, x)->size == 12 && gt_stack_of(0, x, x)->shape.ndim == 3);
    IS_TRUE(gt_meshgrid(out, gt_linspace(gt, 0, 1, 2), gt_select(gt_eye(gt, 3, 3), 0, 0)) == GT_OK);
    IS_TRUE(gt_get(out[0], 1, 2) == 1 && out[1]->shape.dim[1] == 3);
    IS_TRUE(gt_get(gt_values_as(gt, GT_SHAPE(2), GT_I64, 1, 2), 1) == 2);
    IS_TRUE(gt_split(x, 1, 1, out, 3) == out[0] && out[2]->size == 2);
    IS_TRUE(gt_chunk(x, 0, 2, out) == out[0] && out[1]->size == 3);
    IS_TRUE(gt_pad(x, .pad = {1, 2}, .mode = GT_PAD_CONSTANT, .value = 7)->size == 12);
    IS_TRUE(gt_one_hot(index, 3)->size == 6 && gt_one_hot(index, 3, .dtype = GT_I64)->size == 6);
    IS_TRUE(gt_embedding(index, x)->size == 6);
    IS_TRUE(gt_embedding(index, x, .padding_idx = GT_ZERO)->size == 6);
    IS_TRUE(gt_class_weights(gt_ones(gt, GT_SHAPE(2)), index, -100)->size == 2);
}

static void test_products(gt_ctx *gt, gt_tensor *x)
{
    gt_tensor *v = gt_ones(gt, GT_SHAPE(3)), *b = gt_ones(gt, GT_SHAPE(2));
    IS_TRUE(gt_get(gt_matmul(x, x, .transpose_b = true), 0, 0) == 14);
    IS_TRUE(gt_matmul(x, v)->size == 2 && gt_linear(x, x)->size == 4);
    IS_TRUE(gt_get(gt_linear(x, x, .bias = b), 0, 0) == 15);
    IS_TRUE(gt_item(gt_dot(v, v)) == 3 && gt_outer(v, b)->size == 6);
    IS_TRUE(gt_get(gt_corr2d(x, gt_ones(gt, GT_SHAPE(2, 2))), 0, 0) == 12);
}

static void test_convolutions(gt_ctx *gt)
{
    gt_tensor *x = gt_rand(gt, GT_SHAPE(1, 2, 6, 6)), *w = gt_rand(gt, GT_SHAPE(2, 2, 3, 3));
    gt_tensor *row = gt_rand(gt, GT_SHAPE(1, 2, 6)), *k = gt_rand(gt, GT_SHAPE(2, 2, 3));
    gt_tensor *b = gt_zeros(gt, GT_SHAPE(2)), *columns = gt_unfold(x, .kernel = {2}, .stride = {2});
    IS_TRUE(gt_conv2d(x, w)->size == 32 && gt_add_bias(x, b)->size == 72);
    IS_TRUE(gt_conv2d(x, w, .stride = {2, 2}, .padding = {1, 1}, .bias = b)->size == 18);
    IS_TRUE(gt_conv1d(row, k, .padding = 1)->size == 12);
    IS_TRUE(gt_conv_transpose2d(x, w, .stride = {2}, .output_padding = {1, 1})->size == 392);
    IS_TRUE(gt_conv_transpose1d(row, k, .groups = 1, .bias = b)->size == 16);
    IS_TRUE(gt_fold(columns, 6, 6, .kernel = {2}, .stride = {2})->size == 72);
}

static void test_pools(gt_ctx *gt)
{
    gt_tensor *x = gt_rand(gt, GT_SHAPE(1, 2, 6, 6)), *row = gt_rand(gt, GT_SHAPE(1, 2, 6)), *at;
    IS_TRUE(gt_max_pool2d(x, .kernel = {2}, .stride = {2}, .indices = &at)->size == 18);
    IS_TRUE(gt_max_pool1d(row, .kernel = 2)->size == 6 && at->size == 18);
    IS_TRUE(gt_avg_pool2d(x, .kernel = {3}, .padding = {1, 1}, .exclude_pad = true)->size == 8);
    IS_TRUE(gt_avg_pool1d(row, .kernel = 2, .stride = 2)->size == 6);
    IS_TRUE(gt_adaptive_avg_pool2d(x, 2, 2)->size == 8);
    IS_TRUE(gt_adaptive_avg_pool1d(row, 3)->size == 6);
    IS_TRUE(gt_adaptive_max_pool2d(x, 2, 2, .indices = &at)->size == 8);
    IS_TRUE(gt_adaptive_max_pool1d(row, 3)->size == 6);
    IS_TRUE(gt_global_avg_pool2d(x)->size == 2 && gt_global_max_pool2d(x)->size == 2);
    IS_TRUE(gt_interpolate(x, 8, 8, .mode = GT_BILINEAR, .align_corners = true)->size == 128);
    IS_TRUE(gt_dropout(x, 0.5)->size == 72 && gt_dropout2d(x, 0.5)->size == 72);
}

static void test_normalisations(gt_ctx *gt)
{
    gt_tensor *x = gt_rand(gt, GT_SHAPE(2, 4, 3, 3)), *w = gt_ones(gt, GT_SHAPE(4));
    gt_tensor *mean = gt_zeros(gt, GT_SHAPE(4)), *var = gt_ones(gt, GT_SHAPE(4));
    IS_TRUE(gt_batch_norm(x, mean, var, .weight = w, .training = true, .momentum = 0.5));
    IS_TRUE(gt_layer_norm(x, 1) && gt_group_norm(x, 2, .weight = w, .eps = 1e-3));
    IS_TRUE(gt_instance_norm(x) && gt_rms_norm(x, 1, .eps = 1e-4));
    IS_TRUE(gt_local_response_norm(x, 3, .alpha = 1e-3, .beta = 0.5));
}

void test_shapes(gt_ctx *gt)
{
    gt_tensor *x = gt_values(gt, GT_SHAPE(2, 3), 1, 2, 3, 4, 5, 6);
    test_moves(gt, x);
    test_products(gt, x);
    test_convolutions(gt);
    test_pools(gt);
    test_normalisations(gt);
}

void test_losses(gt_ctx *gt)
{
    gt_tensor *x = gt_uniform(gt, GT_SHAPE(2, 3), 0.1, 0.9), *target = gt_full_like(x, 0.5);
    gt_tensor *classes = gt_cast(gt_values(gt, GT_SHAPE(2), 0, 2), GT_I64);
    gt_tensor *all[] = {
        gt_cross_entropy(x, classes, .ignore_index = -1, .label_smoothing = 0.1),
        gt_nll_loss(x, classes),
        gt_mse_loss(x, target, .reduction = GT_SUM),
        gt_l1_loss(x, target),
        gt_smooth_l1_loss(x, target, .beta = 0.5),
        gt_huber_loss(x, target, .delta = 2),
        gt_binary_cross_entropy(x, target),
        gt_binary_cross_entropy_with_logits(x, target, .pos_weight = target),
        gt_kl_div(x, target, .log_target = true, .reduction = GT_BATCHMEAN),
    };
    for (gt_tensor *y : all) IS_TRUE(y && y->size == 1);
}
