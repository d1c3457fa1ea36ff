/* Options of modules, initialisers and clipping. */
#include "options.h"

/* clang-format off */
SUBJECT(nn_conv2d, gt_nn_conv2d_opts, {.kernel = {3}, .padding = {1}}) { return mark_of_module(gt_nn_conv2d_(gt, 2, 2, o), gt_ones(gt, GT_SHAPE(1, 2, 5, 6))); }
SUBJECT(nn_conv1d, gt_nn_conv1d_opts, {.kernel = 3, .padding = 1}) { return mark_of_module(gt_nn_conv1d_(gt, 2, 2, o), gt_ones(gt, GT_SHAPE(1, 2, 7))); }
SUBJECT(nn_transpose, gt_nn_conv_transpose2d_opts, {.kernel = {3}, .stride = {2}, .padding = {1}, .output_padding = {1}}) { return mark_of_module(gt_nn_conv_transpose2d_(gt, 2, 2, o), gt_ones(gt, GT_SHAPE(1, 2, 5, 6))); }
SUBJECT(nn_embedding, gt_nn_embedding_opts, {.gt_ = NULL}) { return mark_of_module(gt_nn_embedding_(gt, 3, 4, o), gt_zeros(gt, GT_SHAPE(2), .dtype = GT_I64)); }
SUBJECT(nn_batch_norm, gt_nn_batch_norm_opts, {.dtype = GT_F64})
{
    gt_module *m = gt_nn_batch_norm2d_(gt, 2, o);
    const double y = mark_of_module(m, numbers(gt, GT_SHAPE(1, 2, 5, 6)));
    return y + mark_of(gt_module_buffer(m, "running_mean"));
}
SUBJECT(nn_layer_norm, gt_nn_norm_opts, {.dtype = GT_F64}) { return mark_of_module(gt_nn_layer_norm_(gt, GT_SHAPE(4), o), numbers(gt, GT_SHAPE(3, 4))); }
SUBJECT(nn_instance_norm, gt_nn_instance_norm_opts, {.running_stats = true, .dtype = GT_F64})
{
    gt_module *m = gt_nn_instance_norm2d_(gt, 2, o);
    const double y = mark_of_module(m, numbers(gt, GT_SHAPE(1, 2, 5, 6)));
    return y + mark_of(gt_module_buffer(m, "running_mean"));
}
SUBJECT(nn_transpose1d, gt_nn_conv_transpose1d_opts, {.kernel = 3, .stride = 2, .padding = 1, .output_padding = 1, .dtype = GT_F64}) { return mark_of_module(gt_nn_conv_transpose1d_(gt, 2, 2, o), numbers(gt, GT_SHAPE(1, 2, 7))); }
SUBJECT(nn_rms_norm, gt_nn_rms_norm_opts, {.eps = 0.5, .dtype = GT_F64}) { return mark_of_module(gt_nn_rms_norm_(gt, GT_SHAPE(4), o), numbers(gt, GT_SHAPE(3, 4))); }
SUBJECT(nn_pad, gt_nn_pad_opts, {.pad = {1, 1, 1, 1}}) { return mark_of_module(gt_nn_pad2d_(gt, o), numbers(gt, GT_SHAPE(1, 2, 5, 6))); }
SUBJECT(nn_prelu, gt_nn_prelu_opts, {.dtype = GT_F64}) { return mark_of_module(gt_nn_prelu_(gt, o), numbers(gt, GT_SHAPE(3, 4))); }
SUBJECT(nn_flatten, gt_nn_flatten_opts, {.gt_ = NULL})
{
    const gt_tensor *y = gt_forward(gt_nn_flatten_(gt, o), numbers(gt, GT_SHAPE(2, 3, 2)));
    return y ? mark_of_text(gt_shape_format(y->shape, (char[128]){0}, 128)) : 0;
}
SUBJECT(nn_flatten_0, gt_nn_flatten_opts, {.start = GT_ZERO})
{
    return value_nn_flatten(gt, o);
}
SUBJECT(nn_upsample, gt_nn_upsample_opts, {.scale = {2}}) { return mark_of_module(gt_nn_upsample_(gt, o), numbers(gt, GT_SHAPE(1, 2, 5, 6))); }
SUBJECT(nn_upsample_to, gt_nn_upsample_opts, {.size = {7}}) { return mark_of_module(gt_nn_upsample_(gt, o), numbers(gt, GT_SHAPE(1, 2, 5, 6))); }

/* --- parameters --- */

static double mark_of_start(gt_tensor *t, gt_status status) { return status == GT_OK ? mark_of(t) : 0; }
SUBJECT(xavier, gt_init_xavier_opts, {.gt_ = NULL}) { gt_tensor *t = gt_zeros(gt, GT_SHAPE(3, 4)); return mark_of_start(t, gt_init_xavier_normal_(t, o)); }
SUBJECT(xavier_uniform, gt_init_xavier_opts, {.gt_ = NULL}) { gt_tensor *t = gt_zeros(gt, GT_SHAPE(3, 4)); return mark_of_start(t, gt_init_xavier_uniform_(t, o)); }
SUBJECT(orthogonal, gt_init_xavier_opts, {.gt_ = NULL}) { gt_tensor *t = gt_zeros(gt, GT_SHAPE(3, 4)); return mark_of_start(t, gt_init_orthogonal_(t, o)); }
SUBJECT(kaiming, gt_init_kaiming_opts, {.gt_ = NULL}) { gt_tensor *t = gt_zeros(gt, GT_SHAPE(3, 4)); return mark_of_start(t, gt_init_kaiming_normal_(t, o)); }
SUBJECT(trunc_normal, gt_init_trunc_normal_opts, {.gt_ = NULL}) { gt_tensor *t = gt_zeros(gt, GT_SHAPE(9, 40)); return mark_of_start(t, gt_init_trunc_normal_(t, o)); }
SUBJECT(clip, gt_clip_grad_norm_opts, {.gt_ = NULL})
{
    gt_module *m = gt_nn_linear(gt, 2, 2);
    gt_backward(gt_sum(gt_forward(m, gt_ones(gt, GT_SHAPE(1, 2)))));
    return gt_clip_grad_norm_(m, 1, o);
}
SUBJECT(summary, gt_summary_opts, {.gt_ = NULL})
{
    FILE *f = tmpfile();
    gt_summary_(f, gt_nn_sequential(gt, gt_nn_relu(gt)), GT_SHAPE(1, 2), o);
    const double size = (double)ftell(f);
    fclose(f);
    return size;
}

SUBJECT(graph, gt_graph_opts, {.gt_ = NULL})
{
    FILE *f = tmpfile();
    const bool ok = gt_graph_write_dot_(gt_sum(gt_ones(gt, GT_SHAPE(2))), f, o) == GT_OK;
    const double size = (double)ftell(f);
    fclose(f);
    return ok ? size : 0;
}

#define OPTIONS_OF_MODULES(ROW)                                                                    \
    ROW(nn_conv2d, gt_nn_conv2d_opts, kernel, REFUSED)                                             \
    ROW(nn_conv2d, gt_nn_conv2d_opts, stride, REFUSED)                                             \
    ROW(nn_conv2d, gt_nn_conv2d_opts, padding, CHANGES)                                            \
    ROW(nn_conv2d, gt_nn_conv2d_opts, dilation, REFUSED)                                           \
    ROW(nn_conv2d, gt_nn_conv2d_opts, groups, REFUSED)                                             \
    ROW(nn_conv1d, gt_nn_conv1d_opts, kernel, REFUSED)                                             \
    ROW(nn_conv1d, gt_nn_conv1d_opts, stride, REFUSED)                                             \
    ROW(nn_conv1d, gt_nn_conv1d_opts, padding, CHANGES)                                            \
    ROW(nn_conv1d, gt_nn_conv1d_opts, dilation, REFUSED)                                           \
    ROW(nn_conv1d, gt_nn_conv1d_opts, groups, REFUSED)                                             \
    ROW(nn_transpose, gt_nn_conv_transpose2d_opts, kernel, REFUSED)                                \
    ROW(nn_transpose, gt_nn_conv_transpose2d_opts, stride, REFUSED)                                \
    ROW(nn_transpose, gt_nn_conv_transpose2d_opts, padding, CHANGES)                               \
    ROW(nn_transpose, gt_nn_conv_transpose2d_opts, output_padding, CHANGES)                        \
    ROW(nn_transpose, gt_nn_conv_transpose2d_opts, dilation, REFUSED)                              \
    ROW(nn_transpose, gt_nn_conv_transpose2d_opts, groups, REFUSED)                                \
    ROW(nn_transpose1d, gt_nn_conv_transpose1d_opts, kernel, REFUSED)                              \
    ROW(nn_transpose1d, gt_nn_conv_transpose1d_opts, stride, REFUSED)                              \
    ROW(nn_transpose1d, gt_nn_conv_transpose1d_opts, padding, CHANGES)                             \
    ROW(nn_transpose1d, gt_nn_conv_transpose1d_opts, output_padding, CHANGES)                      \
    ROW(nn_transpose1d, gt_nn_conv_transpose1d_opts, dilation, REFUSED)                            \
    ROW(nn_transpose1d, gt_nn_conv_transpose1d_opts, groups, REFUSED)                              \
    ROW(nn_rms_norm, gt_nn_rms_norm_opts, eps, CHANGES)                                            \
    ROW(nn_pad, gt_nn_pad_opts, pad, CHANGES)                                                      \
    ROW(nn_pad, gt_nn_pad_opts, value, SAME)                                                       \
    ROW(nn_embedding, gt_nn_embedding_opts, padding_idx, CHANGES)                                  \
    ROW(nn_batch_norm, gt_nn_batch_norm_opts, eps, CHANGES)                                        \
    ROW(nn_batch_norm, gt_nn_batch_norm_opts, momentum, CHANGES)                                   \
    ROW(nn_layer_norm, gt_nn_norm_opts, eps, CHANGES)                                              \
    ROW(nn_instance_norm, gt_nn_instance_norm_opts, eps, CHANGES)                                  \
    ROW(nn_instance_norm, gt_nn_instance_norm_opts, momentum, CHANGES)                             \
    ROW(nn_prelu, gt_nn_prelu_opts, channels, REFUSED)                                             \
    ROW(nn_prelu, gt_nn_prelu_opts, start, CHANGES)                                                \
    ROW(nn_flatten, gt_nn_flatten_opts, start, CHANGES)                                            \
    ROW(nn_flatten_0, gt_nn_flatten_opts, end, CHANGES)                                            \
    ROW(nn_upsample_to, gt_nn_upsample_opts, size, REFUSED)                                        \
    ROW(nn_upsample, gt_nn_upsample_opts, scale, REFUSED)                                          \
    ROW(xavier, gt_init_xavier_opts, gain, CHANGES)                                                \
    ROW(xavier_uniform, gt_init_xavier_opts, gain, CHANGES)                                        \
    ROW(orthogonal, gt_init_xavier_opts, gain, CHANGES)                                            \
    ROW(kaiming, gt_init_kaiming_opts, a, SAME)                                                    \
    ROW(trunc_normal, gt_init_trunc_normal_opts, mean, SAME)                                       \
    ROW(trunc_normal, gt_init_trunc_normal_opts, std, REFUSED)                                     \
    ROW(trunc_normal, gt_init_trunc_normal_opts, low, CHANGES)                                     \
    ROW(trunc_normal, gt_init_trunc_normal_opts, high, CHANGES)                                    \
    ROW(clip, gt_clip_grad_norm_opts, norm_type, REFUSED)                                          \
    ROW(summary, gt_summary_opts, depth, SAME)                                                     \
    ROW(graph, gt_graph_opts, depth, SAME)                                                         \
    ROW(graph, gt_graph_opts, dpi, REFUSED)                                                        \
    ROW(graph, gt_graph_opts, most_pixels, REFUSED)                                                \
    ROW(graph, gt_graph_opts, seconds, REFUSED)
/* clang-format on */
