/* Options of operations. */
#include "options.h"

#define IMAGE numbers(gt, GT_SHAPE(1, 2, 5, 6))
#define LINE numbers(gt, GT_SHAPE(1, 2, 7))
#define TABLE numbers(gt, GT_SHAPE(3, 4))
#define KERNEL numbers(gt, GT_SHAPE(2, 2, 3, 3))
#define LABELS gt_from(gt, GT_SHAPE(3), ((int[]){0, 2, 1}), .dtype = GT_I64)

/* clang-format off */
SUBJECT(slice, gt_slice_opts, {.gt_ = NULL}) { return mark_of(gt_slice_(TABLE, 1, 0, 3, o)); }
SUBJECT(leaky_relu, gt_leaky_relu_opts, {.gt_ = NULL}) { return mark_of(gt_leaky_relu_(TABLE, o)); }
SUBJECT(elu, gt_elu_opts, {.gt_ = NULL}) { return mark_of(gt_elu_(TABLE, o)); }
SUBJECT(softplus, gt_softplus_opts, {.gt_ = NULL}) { return mark_of(gt_softplus_(TABLE, o)); }
SUBJECT(hardtanh, gt_hardtanh_opts, {.gt_ = NULL}) { return mark_of(gt_hardtanh_(TABLE, o)); }
SUBJECT(conv2d, gt_conv2d_opts, {.padding = {1}}) { return mark_of(gt_conv2d_(IMAGE, KERNEL, o)); }
SUBJECT(conv1d, gt_conv1d_opts, {.padding = 1}) { return mark_of(gt_conv1d_(LINE, numbers(gt, GT_SHAPE(2, 2, 3)), o)); }
SUBJECT(transpose2d, gt_conv_transpose2d_opts, {.stride = {2}, .padding = {1}, .output_padding = {1}}) { return mark_of(gt_conv_transpose2d_(IMAGE, KERNEL, o)); }
SUBJECT(transpose1d, gt_conv_transpose1d_opts, {.stride = 2, .padding = 1, .output_padding = 1}) { return mark_of(gt_conv_transpose1d_(LINE, numbers(gt, GT_SHAPE(2, 2, 3)), o)); }
SUBJECT(unfold, gt_fold_opts, {.kernel = {2}, .padding = {1}}) { return mark_of(gt_unfold_(IMAGE, o)); }
SUBJECT(max_pool2d, gt_max_pool2d_opts, {.kernel = {2}, .padding = {1}}) { return mark_of(gt_max_pool2d_(IMAGE, o)); }
SUBJECT(max_pool1d, gt_max_pool1d_opts, {.kernel = 2, .padding = 1}) { return mark_of(gt_max_pool1d_(LINE, o)); }
SUBJECT(avg_pool2d, gt_avg_pool2d_opts, {.kernel = {2}, .padding = {1}}) { return mark_of(gt_avg_pool2d_(IMAGE, o)); }
SUBJECT(avg_pool1d, gt_avg_pool1d_opts, {.kernel = 2, .padding = 1}) { return mark_of(gt_avg_pool1d_(LINE, o)); }
SUBJECT(interpolate, gt_interpolate_opts, {.mode = GT_BILINEAR}) { return mark_of(gt_interpolate_(IMAGE, 7, 9, o)); }
SUBJECT(flatten, gt_flatten_opts, {.gt_ = NULL}) { return mark_of_text(gt_shape_format(gt_flatten_(IMAGE, o)->shape, (char[128]){0}, 128)); }
SUBJECT(pad, gt_pad_opts, {.pad = {1, 1}}) { return mark_of(gt_pad_(TABLE, o)); }
SUBJECT(layer_norm, gt_normalize_opts, {.eps = 0.5}) { return mark_of(gt_layer_norm_(TABLE, 1, o)); }
SUBJECT(layer_norm_usual, gt_normalize_opts, {.gt_ = NULL}) { return mark_of(gt_layer_norm_(TABLE, 1, o)); }
SUBJECT(rms_norm, gt_rms_norm_opts, {.gt_ = NULL}) { return mark_of(gt_rms_norm_(gt_mul_scalar(TABLE, 1e-8), 1, o)); }
SUBJECT(batch_norm, gt_batch_norm_opts, {.training = true})
{
    gt_tensor *mean = gt_zeros(gt, GT_SHAPE(2), .dtype = GT_F64), *var = gt_ones_like(mean);
    return mark_of(gt_batch_norm_(IMAGE, mean, var, o)) + mark_of(mean) + mark_of(var);
}
SUBJECT(local_response_norm, gt_local_response_norm_opts, {.gt_ = NULL}) { return mark_of(gt_local_response_norm_(IMAGE, 3, o)); }
SUBJECT(sum, gt_reduce_opts, {.gt_ = NULL}) { return mark_of(gt_sum_(TABLE, o)); }
SUBJECT(squeeze, gt_squeeze_opts, {.gt_ = NULL}) { return mark_of(gt_squeeze_(TABLE, o)); }
SUBJECT(var, gt_var_opts, {.gt_ = NULL}) { return mark_of(gt_var_(TABLE, o)); }
SUBJECT(norm, gt_norm_opts, {.gt_ = NULL}) { return mark_of(gt_norm_(TABLE, o)); }
SUBJECT(normalize, gt_length_opts, {.gt_ = NULL}) { return mark_of(gt_normalize_(TABLE, o)); }
SUBJECT(cosine_similarity, gt_cosine_similarity_opts, {.gt_ = NULL}) { return mark_of(gt_cosine_similarity_(gt_mul_scalar(TABLE, 1e-6), TABLE, o)); }
SUBJECT(embedding, gt_embedding_opts, {.gt_ = NULL})
{
    gt_tensor *w = TABLE;
    gt_require_grad(w, true);
    gt_backward(gt_sum(gt_embedding_(LABELS, w, o)));
    return mark_of(w->grad);
}
SUBJECT(cross_entropy, gt_cross_entropy_opts, {.gt_ = NULL}) { return mark_of(gt_cross_entropy_(TABLE, LABELS, o)); }
SUBJECT(nll_loss, gt_nll_loss_opts, {.gt_ = NULL}) { return mark_of(gt_nll_loss_(TABLE, LABELS, o)); }
SUBJECT(smooth_l1, gt_smooth_l1_loss_opts, {.gt_ = NULL}) { return mark_of(gt_smooth_l1_loss_(TABLE, gt_zeros_like(TABLE), o)); }
SUBJECT(huber, gt_huber_loss_opts, {.gt_ = NULL}) { return mark_of(gt_huber_loss_(TABLE, gt_zeros_like(TABLE), o)); }

SUBJECT(triplet, gt_triplet_margin_loss_opts, {.margin = 7}) { return mark_of(gt_triplet_margin_loss_(TABLE, gt_mul_scalar(TABLE, 2), gt_mul_scalar(TABLE, 3), o)); }
SUBJECT(hinge, gt_hinge_embedding_loss_opts, {.gt_ = NULL}) { return mark_of(gt_hinge_embedding_loss_(TABLE, gt_mul_scalar(gt_ones_like(TABLE), -1), o)); }
SUBJECT(focal, gt_sigmoid_focal_loss_opts, {.gt_ = NULL}) { return mark_of(gt_sigmoid_focal_loss_(TABLE, gt_ones_like(TABLE), o)); }
SUBJECT(dice, gt_dice_loss_opts, {.gt_ = NULL}) { return mark_of(gt_dice_loss_(TABLE, gt_ones_like(TABLE), o)); }

#define OPTIONS_OF_OPS(ROW)                                                                        \
    ROW(slice, gt_slice_opts, step, REFUSED)                                                       \
    ROW(leaky_relu, gt_leaky_relu_opts, negative_slope, CHANGES)                                            \
    ROW(elu, gt_elu_opts, alpha, CHANGES)                                                          \
    ROW(softplus, gt_softplus_opts, beta, REFUSED)                                                 \
    ROW(softplus, gt_softplus_opts, threshold, CHANGES)                                            \
    ROW(hardtanh, gt_hardtanh_opts, min_val, CHANGES)                                                  \
    ROW(hardtanh, gt_hardtanh_opts, max_val, CHANGES)                                                 \
    ROW(conv2d, gt_conv2d_opts, stride, REFUSED)                                                   \
    ROW(conv2d, gt_conv2d_opts, padding, CHANGES)                                                  \
    ROW(conv2d, gt_conv2d_opts, dilation, REFUSED)                                                 \
    ROW(conv2d, gt_conv2d_opts, groups, REFUSED)                                                   \
    ROW(conv1d, gt_conv1d_opts, stride, REFUSED)                                                   \
    ROW(conv1d, gt_conv1d_opts, padding, CHANGES)                                                  \
    ROW(conv1d, gt_conv1d_opts, dilation, REFUSED)                                                 \
    ROW(conv1d, gt_conv1d_opts, groups, REFUSED)                                                   \
    ROW(transpose2d, gt_conv_transpose2d_opts, stride, REFUSED)                                    \
    ROW(transpose2d, gt_conv_transpose2d_opts, padding, CHANGES)                                   \
    ROW(transpose2d, gt_conv_transpose2d_opts, output_padding, CHANGES)                            \
    ROW(transpose2d, gt_conv_transpose2d_opts, dilation, REFUSED)                                  \
    ROW(transpose2d, gt_conv_transpose2d_opts, groups, REFUSED)                                    \
    ROW(transpose1d, gt_conv_transpose1d_opts, stride, REFUSED)                                    \
    ROW(transpose1d, gt_conv_transpose1d_opts, padding, CHANGES)                                   \
    ROW(transpose1d, gt_conv_transpose1d_opts, output_padding, CHANGES)                            \
    ROW(transpose1d, gt_conv_transpose1d_opts, dilation, REFUSED)                                  \
    ROW(transpose1d, gt_conv_transpose1d_opts, groups, REFUSED)                                    \
    ROW(unfold, gt_fold_opts, kernel, REFUSED)                                                     \
    ROW(unfold, gt_fold_opts, stride, REFUSED)                                                     \
    ROW(unfold, gt_fold_opts, padding, CHANGES)                                                    \
    ROW(unfold, gt_fold_opts, dilation, REFUSED)                                                   \
    ROW(max_pool2d, gt_max_pool2d_opts, kernel, REFUSED)                                           \
    ROW(max_pool2d, gt_max_pool2d_opts, stride, REFUSED)                                           \
    ROW(max_pool2d, gt_max_pool2d_opts, padding, CHANGES)                                          \
    ROW(max_pool2d, gt_max_pool2d_opts, dilation, REFUSED)                                         \
    ROW(max_pool1d, gt_max_pool1d_opts, kernel, REFUSED)                                           \
    ROW(max_pool1d, gt_max_pool1d_opts, stride, REFUSED)                                           \
    ROW(max_pool1d, gt_max_pool1d_opts, padding, CHANGES)                                          \
    ROW(max_pool1d, gt_max_pool1d_opts, dilation, REFUSED)                                         \
    ROW(avg_pool2d, gt_avg_pool2d_opts, kernel, REFUSED)                                           \
    ROW(avg_pool2d, gt_avg_pool2d_opts, stride, REFUSED)                                           \
    ROW(avg_pool2d, gt_avg_pool2d_opts, padding, CHANGES)                                          \
    ROW(avg_pool2d, gt_avg_pool2d_opts, divisor_override, REFUSED)                                 \
    ROW(avg_pool1d, gt_avg_pool1d_opts, kernel, REFUSED)                                           \
    ROW(avg_pool1d, gt_avg_pool1d_opts, stride, REFUSED)                                           \
    ROW(avg_pool1d, gt_avg_pool1d_opts, padding, CHANGES)                                          \
    ROW(interpolate, gt_interpolate_opts, scale, REFUSED)                                          \
    ROW(triplet, gt_triplet_margin_loss_opts, margin, REFUSED)                                     \
    ROW(triplet, gt_triplet_margin_loss_opts, p, CHANGES)                                          \
    ROW(triplet, gt_triplet_margin_loss_opts, eps, CHANGES)                                        \
    ROW(hinge, gt_hinge_embedding_loss_opts, margin, CHANGES)                                      \
    ROW(focal, gt_sigmoid_focal_loss_opts, alpha, CHANGES)                                         \
    ROW(focal, gt_sigmoid_focal_loss_opts, gamma, CHANGES)                                         \
    ROW(dice, gt_dice_loss_opts, smooth, CHANGES)                                                  \
    ROW(flatten, gt_flatten_opts, start, SAME)                                                     \
    ROW(flatten, gt_flatten_opts, end, CHANGES)                                                    \
    ROW(pad, gt_pad_opts, pad, CHANGES)                                                            \
    ROW(pad, gt_pad_opts, value, SAME)                                                             \
    ROW(layer_norm, gt_normalize_opts, eps, CHANGES)                                               \
    ROW(layer_norm_usual, gt_normalize_opts, eps, CHANGES)                                         \
    ROW(rms_norm, gt_rms_norm_opts, eps, CHANGES)                                                  \
    ROW(batch_norm, gt_batch_norm_opts, momentum, CHANGES)                                         \
    ROW(batch_norm, gt_batch_norm_opts, eps, CHANGES)                                              \
    ROW(local_response_norm, gt_local_response_norm_opts, alpha, CHANGES)                          \
    ROW(local_response_norm, gt_local_response_norm_opts, beta, CHANGES)                           \
    ROW(local_response_norm, gt_local_response_norm_opts, k, CHANGES)                              \
    ROW(sum, gt_reduce_opts, axes, REFUSED)                                                        \
    ROW(squeeze, gt_squeeze_opts, axes, REFUSED)                                                   \
    ROW(var, gt_var_opts, axes, REFUSED)                                                           \
    ROW(var, gt_var_opts, correction, CHANGES)                                                     \
    ROW(normalize, gt_length_opts, p, CHANGES)                                                     \
    ROW(normalize, gt_length_opts, axis, CHANGES)                                                  \
    ROW(normalize, gt_length_opts, eps, SAME)                                                      \
    ROW(cosine_similarity, gt_cosine_similarity_opts, axis, CHANGES)                               \
    ROW(cosine_similarity, gt_cosine_similarity_opts, eps, SAME)                                   \
    ROW(norm, gt_norm_opts, axes, REFUSED)                                                         \
    ROW(norm, gt_norm_opts, p, CHANGES)                                                            \
    ROW(embedding, gt_embedding_opts, padding_idx, CHANGES)                                        \
    ROW(cross_entropy, gt_cross_entropy_opts, ignore_index, CHANGES)                               \
    ROW(cross_entropy, gt_cross_entropy_opts, label_smoothing, SAME)                               \
    ROW(nll_loss, gt_nll_loss_opts, ignore_index, CHANGES)                                         \
    ROW(smooth_l1, gt_smooth_l1_loss_opts, beta, CHANGES)                                          \
    ROW(huber, gt_huber_loss_opts, delta, REFUSED)
/* clang-format on */
