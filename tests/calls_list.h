/* Calls of the public functions on tensors, with inputs that they take: for tests that try the same
 * on all of them, and in C++ (cxx/ops.cpp). */
#ifndef GT_TESTS_CALLS_LIST_H
#define GT_TESTS_CALLS_LIST_H

#define ANY GT_IN(2, 3)
#define POSITIVE GT_IN_RANGE(0.3, 0.7, 2, 3)
#define I64(high_, ...)                                                                            \
    {                                                                                              \
        .shape = GT_DIMS(__VA_ARGS__), .high = (high_), .dtype = GT_I64                            \
    }
#define MASK(...)                                                                                  \
    {                                                                                              \
        .shape = GT_DIMS(__VA_ARGS__), .high = 2, .dtype = GT_U8                                   \
    }
#define IMAGE GT_IN(2, 3, 5, 5)
#define SEQUENCE GT_IN(2, 3, 6)
#define CHANNELS GT_IN(3)
#define VARIANCES GT_IN_RANGE(0.5, 2, 3)

#define BINARY(C, f) C(f, , gt_##f(t[0], t[1]), POSITIVE, POSITIVE)
#define UNARY(C, f) C(f, , gt_##f(t[0]), POSITIVE)
#define SCALAR(C, f) C(f, , gt_##f(t[0], 2), POSITIVE)
#define LOGICAL(C, f) C(f, , gt_##f(t[0], t[1]), MASK(2, 3), MASK(3))
#define LOSS(C, f) C(f, , gt_##f(t[0], t[1]), POSITIVE, POSITIVE)

/* C(function, variant, call on t[..], inputs). clang-format does not come to an end with it. */
/* clang-format off */
#define CALLS_BY_ELEMENT(C)                                                                        \
    BINARY(C, add) BINARY(C, sub) BINARY(C, mul) BINARY(C, div) BINARY(C, pow) BINARY(C, maximum)  \
    BINARY(C, minimum) BINARY(C, eq) BINARY(C, ne) BINARY(C, lt) BINARY(C, le) BINARY(C, gt)       \
    BINARY(C, ge) SCALAR(C, add_scalar) SCALAR(C, mul_scalar) SCALAR(C, sub_scalar)                \
    SCALAR(C, div_scalar) SCALAR(C, rsub_scalar) SCALAR(C, rdiv_scalar) SCALAR(C, pow_scalar)      \
    SCALAR(C, eq_scalar) SCALAR(C, ne_scalar) SCALAR(C, lt_scalar) SCALAR(C, le_scalar)            \
    SCALAR(C, gt_scalar) SCALAR(C, ge_scalar) UNARY(C, neg) UNARY(C, square) UNARY(C, sign)        \
    UNARY(C, floor) UNARY(C, ceil) UNARY(C, round) UNARY(C, leaky_relu) UNARY(C, elu) UNARY(C, gelu)              \
    UNARY(C, softplus) UNARY(C, hardtanh) UNARY(C, isnan) UNARY(C, isfinite) UNARY(C, clone)       \
    LOGICAL(C, logical_and) LOGICAL(C, logical_or) LOGICAL(C, logical_xor)                         \
    C(logical_not, , gt_logical_not(t[0]), MASK(2, 3))                                             \
    C(clamp, , gt_clamp(t[0], 0.4, 0.6), POSITIVE)                                                 \
    C(prelu, , gt_prelu(t[0], t[1]), ANY, GT_IN(1))                                                \
    C(prelu, channels, gt_prelu(t[0], t[1]), ANY, CHANNELS)                                        \
    C(where, , gt_where(t[0], t[1], t[2]), MASK(2, 3), ANY, CHANNELS)                              \
    C(masked_fill, , gt_masked_fill(t[0], t[1], 7), ANY, MASK(2, 3))                               \
    C(cast, , gt_cast(t[0], GT_F32), ANY) C(dropout, , gt_dropout(t[0], 0.5), ANY)                 \
    C(dropout2d, , gt_dropout2d(t[0], 0.5), IMAGE)                                                 \
    C(stochastic_depth, , gt_stochastic_depth(t[0], 0.5), IMAGE)                                   \
    C(stochastic_depth, batch, gt_stochastic_depth(t[0], 0.5, .batch = true), IMAGE)

#define CALLS_ALONG_AXES(C)                                                                        \
    C(sum, , gt_sum(t[0], .axes = GT_AXIS(1)), ANY)                                                \
    C(mean, , gt_mean(t[0]), ANY)                                                                  \
    C(prod, , gt_prod(t[0], .axes = GT_AXIS(0)),                                                   \
      ANY) C(var, , gt_var(t[0]), ANY) C(std, , gt_std(t[0], .axes = GT_AXIS(1)), ANY)             \
        C(norm, , gt_norm(t[0]), ANY) C(norm, any, gt_norm(t[0], .p = 3), ANY) C(normalize, , gt_normalize(t[0]), ANY) C(cosine_similarity, , gt_cosine_similarity(t[0], t[1]), ANY, CHANNELS) C(logsumexp, , gt_logsumexp(t[0], .axes = GT_AXIS(1)), ANY)  \
            C(amax, , gt_amax(t[0]), ANY) C(amin, , gt_amin(t[0], .axes = GT_AXIS(1)), ANY)        \
                C(max, , gt_max(t[0], 1), ANY) C(min, , gt_min(t[0], 1, .indices = &unread), ANY)  \
                    C(argmax, , gt_argmax(t[0], 1), ANY) C(argmin, , gt_argmin(t[0], 0), ANY)      \
                        C(cumsum, , gt_cumsum(t[0], 1), ANY)                                       \
                            C(softmax, , gt_softmax(t[0], 1), ANY)                                 \
                                C(log_softmax, , gt_log_softmax(t[0], 1), ANY)

#define CALLS_OF_CLASSES(C)                                                                        \
    C(embedding, , gt_embedding(t[0], t[1]), I64(4, 2, 3), GT_IN(4, 2))                            \
    C(one_hot, , gt_one_hot(t[0], 4), I64(4, 2, 3))                                                \
    C(one_hot, counted, gt_one_hot(t[0], -1), I64(4, 2, 3))                                        \
    C(class_weights, , gt_class_weights(t[0], t[1], 1), GT_IN(4), I64(4, 5))                       \
    C(cross_entropy, , gt_cross_entropy(t[0], t[1]), ANY, I64(3, 2))                               \
    C(cross_entropy, vector, gt_cross_entropy(t[0], t[1]), CHANNELS, {.high = 3, .dtype = GT_I64}) \
    C(cross_entropy, soft, gt_cross_entropy(t[0], t[1]), ANY, POSITIVE)                            \
    C(cross_entropy, smooth, gt_cross_entropy(t[0], t[1], .label_smoothing = 0.1), ANY, I64(3, 2)) \
    C(cross_entropy, soft_smooth, gt_cross_entropy(t[0], t[1], .label_smoothing = 0.1), ANY,       \
      POSITIVE)                                                                                    \
    C(cross_entropy, weighted,                                                                     \
      gt_cross_entropy(t[0], t[1], .weight = t[2], .label_smoothing = 0.1), ANY, I64(3, 2),        \
      VARIANCES)                                                                                   \
    C(cross_entropy, weighted_soft, gt_cross_entropy(t[0], t[1], .weight = t[2]), ANY, POSITIVE,   \
      VARIANCES)                                                                                   \
    C(nll_loss, , gt_nll_loss(t[0], t[1]), ANY, I64(3, 2))                                         \
    C(nll_loss, weighted, gt_nll_loss(t[0], t[1], .weight = t[2]), ANY, I64(3, 2), VARIANCES)      \
    LOSS(C, mse_loss)                                                                              \
    LOSS(C, l1_loss)                                                                               \
    LOSS(C, smooth_l1_loss) LOSS(C, huber_loss) LOSS(C, binary_cross_entropy)                      \
        LOSS(C, binary_cross_entropy_with_logits) LOSS(C, kl_div) C(                               \
            binary_cross_entropy, weighted, gt_binary_cross_entropy(t[0], t[1], .weight = t[2]),   \
            POSITIVE, POSITIVE, VARIANCES)                                                         \
            C(binary_cross_entropy_with_logits, weighted,                                          \
              gt_binary_cross_entropy_with_logits(t[0], t[1], .weight = t[2], .pos_weight = t[3]), \
              ANY, POSITIVE, VARIANCES, VARIANCES)                                                 \
                C(triplet_margin_loss, , gt_triplet_margin_loss(t[0], t[1], t[2], .swap = true), ANY, ANY, ANY) C(hinge_embedding_loss, near, gt_hinge_embedding_loss(t[0], t[1]), POSITIVE, GT_IN_RANGE(1, 1, 2, 3)) C(hinge_embedding_loss, apart, gt_hinge_embedding_loss(t[0], t[1]), POSITIVE, GT_IN_RANGE(-1, -1, 2, 3)) C(sigmoid_focal_loss, , gt_sigmoid_focal_loss(t[0], t[1]), POSITIVE, POSITIVE) C(dice_loss, , gt_dice_loss(t[0], t[1]), POSITIVE, POSITIVE) C(kl_div, batchmean,                                                               \
                  gt_kl_div(t[0], t[1], .log_target = true, .reduction = GT_BATCHMEAN), ANY, ANY)

#define CALLS_OF_SHAPES(C)                                                                         \
    C(reshape, , gt_reshape(t[0], GT_SHAPE(3, -1)), ANY)                                           \
    C(flatten, , gt_flatten(t[0]), ANY)                                                            \
    C(squeeze, , gt_squeeze(t[0]), GT_IN(2, 1, 3)) C(unsqueeze, , gt_unsqueeze(t[0], 1), ANY) C(   \
        broadcast_to, , gt_broadcast_to(t[0], GT_SHAPE(2, 2, 3)),                                  \
        ANY) C(expand, , gt_expand(t[0], GT_SHAPE(2, -1, 3)),                                      \
               GT_IN(2, 1)) C(sum_to, , gt_sum_to(t[0], GT_SHAPE(1, 3)),                           \
                              ANY) C(repeat, , gt_repeat(t[0], GT_SHAPE(2, 2, 2)), ANY)            \
        C(permute, , gt_permute(t[0], 1, 0), ANY) C(transpose, , gt_transpose(t[0], 0, 1), ANY)    \
            C(flip, , gt_flip(t[0], GT_AXIS(0)), ANY) C(slice, , gt_slice(t[0], 1, 0, 2), ANY) C(  \
                select, , gt_select(t[0], 1, -1),                                                  \
                ANY) C(index_select, , gt_index_select(t[0], 1, t[1]),                             \
                       ANY, I64(3, 4)) C(gather, , gt_gather(t[0], 1, t[1]), ANY, I64(3, 2, 2))    \
                C(concat, , gt_concat(t, 2, 1), ANY, ANY) C(stack, , gt_stack(t, 2, 1), ANY, ANY)  \
                    C(split, , gt_split(t[0], 1, 2, some, 2),                                      \
                      ANY) C(chunk, , gt_chunk(t[0], 1, 2, some),                                  \
                             ANY) C(scatter, , gt_scatter(t[0], 1, t[1], t[2]), ANY, I64(3, 2, 2), GT_IN(2, 2)) C(scatter_add, , gt_scatter_add(t[0], 1, t[1], t[2]), ANY, I64(3, 2, 2), GT_IN(2, 3)) C(sort, , gt_sort(t[0], 1, .indices = &unread), ANY) C(argsort, , gt_argsort(t[0], 0, .descending = true), ANY) C(topk, , gt_topk(t[0], 2, 1, .smallest = true), ANY) C(split_sizes, , gt_split_sizes(t[0], 1, 2, one_two, some), ANY) C(roll, , gt_roll(t[0], 1, -1), ANY) C(pad, , gt_pad(t[0], .pad = {1, 2}), ANY)                       \
                        C(pad, reflect, gt_pad(t[0], .pad = {1, 1}, .mode = GT_PAD_REFLECT), ANY)  \
                            C(tril, , gt_tril(t[0], 0), ANY) C(triu, , gt_triu(t[0], 0), ANY)      \
                                C(matmul, , gt_matmul(t[0], t[1]), GT_IN(2, 2, 3), GT_IN(3, 2))    \
                                    C(linear, , gt_linear(t[0], t[1], .bias = t[2]), ANY,          \
                                      GT_IN(2, 3), GT_IN(2))                                       \
                                        C(dot, , gt_dot(t[0], t[1]), CHANNELS, CHANNELS)           \
                                            C(outer, , gt_outer(t[0], t[1]), CHANNELS, GT_IN(2))

#define CALLS_OF_WINDOWS(C)                                                                        \
    C(corr2d, , gt_corr2d(t[0], t[1]), GT_IN(4, 4), GT_IN(2, 2))                                   \
    C(conv2d, , gt_conv2d(t[0], t[1], .bias = t[2]), IMAGE, GT_IN(2, 3, 2, 2), GT_IN(2))           \
    C(conv2d, same, gt_conv2d(t[0], t[1], .same_padding = true), IMAGE, GT_IN(2, 3, 2, 2))         \
    C(conv1d, , gt_conv1d(t[0], t[1], .bias = t[2]), SEQUENCE, GT_IN(2, 3, 2), GT_IN(2))           \
    C(conv_transpose2d, , gt_conv_transpose2d(t[0], t[1], .bias = t[2]), IMAGE, GT_IN(3, 2, 2, 2), \
      GT_IN(2))                                                                                    \
    C(conv_transpose1d, , gt_conv_transpose1d(t[0], t[1], .bias = t[2]), SEQUENCE, GT_IN(3, 2, 2), \
      GT_IN(2))                                                                                    \
    C(unfold, , gt_unfold(t[0], .kernel = {2, 2}), IMAGE)                                          \
    C(fold, , gt_fold(t[0], 3, 3, .kernel = {2, 2}), GT_IN(2, 8, 4))                               \
    C(add_bias, , gt_add_bias(t[0], t[1]), IMAGE, CHANNELS)                                        \
    C(max_pool2d, , gt_max_pool2d(t[0], .kernel = {2, 2}, .indices = &unread), IMAGE)              \
    C(max_pool1d, , gt_max_pool1d(t[0], .kernel = 2), SEQUENCE)                                    \
    C(avg_pool2d, , gt_avg_pool2d(t[0], .kernel = {2, 2}), IMAGE)                                  \
    C(avg_pool1d, , gt_avg_pool1d(t[0], .kernel = 2), SEQUENCE)                                    \
    C(adaptive_avg_pool2d, , gt_adaptive_avg_pool2d(t[0], 2, 2), IMAGE)                            \
    C(adaptive_avg_pool1d, , gt_adaptive_avg_pool1d(t[0], 2), SEQUENCE)                            \
    C(adaptive_max_pool2d, , gt_adaptive_max_pool2d(t[0], 2, 2), IMAGE)                            \
    C(adaptive_max_pool1d, , gt_adaptive_max_pool1d(t[0], 2, .indices = &unread), SEQUENCE)        \
    C(global_avg_pool2d, , gt_global_avg_pool2d(t[0]), IMAGE)                                      \
    C(global_max_pool2d, , gt_global_max_pool2d(t[0]), IMAGE)                                      \
    C(pixel_shuffle, , gt_pixel_shuffle(t[0], 2), GT_IN(1, 4, 2, 3))                               \
    C(pixel_unshuffle, , gt_pixel_unshuffle(t[0], 2), GT_IN(1, 1, 2, 4))                           \
    C(interpolate, , gt_interpolate(t[0], 3, 7, .mode = GT_BILINEAR), IMAGE)                       \
    C(make_grid, , gt_make_grid(t[0], .nrow = 1, .normalize = true), IMAGE)

#define CALLS_OF_NORMALISATION(C)                                                                  \
    C(batch_norm, , gt_batch_norm(t[0], NULL, NULL, .weight = t[1], .bias = t[2]), IMAGE,          \
      CHANNELS, CHANNELS)                                                                          \
    C(batch_norm, training,                                                                        \
      gt_batch_norm(t[0], t[1], t[2], .training = true, .num_batches = t[3]), IMAGE, CHANNELS,     \
      VARIANCES, I64(3, 1))                                                                        \
    C(batch_norm, plain, gt_batch_norm(t[0], NULL, NULL), IMAGE)                                   \
    C(batch_norm, eval, gt_batch_norm(t[0], t[1], t[2]), IMAGE, CHANNELS, VARIANCES)               \
    C(batch_norm, activation,                                                                      \
      gt_batch_norm(t[0], t[1], t[2], .training = true, .activation = GT_THEN_RELU), IMAGE,        \
      CHANNELS, VARIANCES)                                                                         \
    C(layer_norm, , gt_layer_norm(t[0], 1, .weight = t[1], .bias = t[2]), ANY, CHANNELS, CHANNELS) \
    C(layer_norm, plain, gt_layer_norm(t[0], 1), ANY)                                              \
    C(group_norm, , gt_group_norm(t[0], 3, .weight = t[1], .bias = t[2]), IMAGE, CHANNELS,         \
      CHANNELS)                                                                                    \
    C(instance_norm, , gt_instance_norm(t[0], .weight = t[1], .bias = t[2]), IMAGE, CHANNELS,      \
      CHANNELS)                                                                                    \
    C(rms_norm, , gt_rms_norm(t[0], 1, .weight = t[1]), ANY, CHANNELS)                             \
    C(rms_norm, plain, gt_rms_norm(t[0], 1), ANY)                                                  \
    C(local_response_norm, , gt_local_response_norm(t[0], 2), IMAGE)

/* clang-format on */

#define CALLS(C)                                                                                   \
    CALLS_BY_ELEMENT(C)                                                                            \
    CALLS_ALONG_AXES(C)                                                                            \
    CALLS_OF_CLASSES(C) CALLS_OF_SHAPES(C) CALLS_OF_WINDOWS(C) CALLS_OF_NORMALISATION(C)

#endif
