/* Losses as things to hand over: which one, and its options.
 *
 *   gt_loss *loss = gt_nn_cross_entropy_loss(gt, .label_smoothing = 0.1);
 *   gt_backward(gt_loss_apply(loss, gt_forward(net, x), target));
 *
 * Means know what they averaged over: gt_mean_weight(loss), for gt_running_add and
 * gt_optimizer_accumulate.
 *
 * Where it is written on the spot, the operation does as well: gt_cross_entropy(y, target). */
#ifndef GRADTAPE_LOSS_H
#define GRADTAPE_LOSS_H

#include <gradtape/ops.h>

GT_BEGIN_DECLS

typedef struct gt_loss gt_loss;

/* The loss of predictions x and targets, as the operation defines it. */
gt_tensor *gt_loss_apply(const gt_loss *l, gt_tensor *x, gt_tensor *target);
#define gt_loss_apply(l, x, target) GT_AT(gt_loss_apply(l, x, target))
/* "CrossEntropyLoss"; "" for NULL. */
const char *gt_loss_name(const gt_loss *l);

GT_DEFINE_AT(gt_loss)
#define GT_LOSS_AT(call) GT_MADE_AT(gt_loss, call)

/* Options are those of the operation. Weights among them are lifted out of the tape (gt_keep). A
 * loss belongs to its context. Errors: GT_ERR_ARGUMENT (a weight of another context),
 * GT_ERR_MEMORY. */
gt_loss *gt_nn_cross_entropy_loss_(gt_ctx *gt, gt_cross_entropy_opts opts);
#define gt_nn_cross_entropy_loss(...) GT_NN_CROSS_ENTROPY_LOSS_(__VA_ARGS__, )
#define GT_NN_CROSS_ENTROPY_LOSS_(gt, ...)                                                         \
    GT_LOSS_AT(gt_nn_cross_entropy_loss_(gt, GT_OPTS(gt_cross_entropy_opts, __VA_ARGS__)))
gt_loss *gt_nn_nll_loss_(gt_ctx *gt, gt_nll_loss_opts opts);
#define gt_nn_nll_loss(...) GT_NN_NLL_LOSS_(__VA_ARGS__, )
#define GT_NN_NLL_LOSS_(gt, ...)                                                                   \
    GT_LOSS_AT(gt_nn_nll_loss_(gt, GT_OPTS(gt_nll_loss_opts, __VA_ARGS__)))
gt_loss *gt_nn_mse_loss_(gt_ctx *gt, gt_loss_opts opts);
#define gt_nn_mse_loss(...) GT_NN_MSE_LOSS_(__VA_ARGS__, )
#define GT_NN_MSE_LOSS_(gt, ...) GT_LOSS_AT(gt_nn_mse_loss_(gt, GT_OPTS(gt_loss_opts, __VA_ARGS__)))
gt_loss *gt_nn_l1_loss_(gt_ctx *gt, gt_loss_opts opts);
#define gt_nn_l1_loss(...) GT_NN_L1_LOSS_(__VA_ARGS__, )
#define GT_NN_L1_LOSS_(gt, ...) GT_LOSS_AT(gt_nn_l1_loss_(gt, GT_OPTS(gt_loss_opts, __VA_ARGS__)))
gt_loss *gt_nn_smooth_l1_loss_(gt_ctx *gt, gt_smooth_l1_loss_opts opts);
#define gt_nn_smooth_l1_loss(...) GT_NN_SMOOTH_L1_LOSS_(__VA_ARGS__, )
#define GT_NN_SMOOTH_L1_LOSS_(gt, ...)                                                             \
    GT_LOSS_AT(gt_nn_smooth_l1_loss_(gt, GT_OPTS(gt_smooth_l1_loss_opts, __VA_ARGS__)))
gt_loss *gt_nn_huber_loss_(gt_ctx *gt, gt_huber_loss_opts opts);
#define gt_nn_huber_loss(...) GT_NN_HUBER_LOSS_(__VA_ARGS__, )
#define GT_NN_HUBER_LOSS_(gt, ...)                                                                 \
    GT_LOSS_AT(gt_nn_huber_loss_(gt, GT_OPTS(gt_huber_loss_opts, __VA_ARGS__)))
gt_loss *gt_nn_bce_loss_(gt_ctx *gt, gt_binary_cross_entropy_opts opts);
#define gt_nn_bce_loss(...) GT_NN_BCE_LOSS_(__VA_ARGS__, )
#define GT_NN_BCE_LOSS_(gt, ...)                                                                   \
    GT_LOSS_AT(gt_nn_bce_loss_(gt, GT_OPTS(gt_binary_cross_entropy_opts, __VA_ARGS__)))
gt_loss *gt_nn_bce_with_logits_loss_(gt_ctx *gt, gt_binary_cross_entropy_with_logits_opts opts);
#define gt_nn_bce_with_logits_loss(...) GT_NN_BCE_WITH_LOGITS_LOSS_(__VA_ARGS__, )
#define GT_NN_BCE_WITH_LOGITS_LOSS_(gt, ...)                                                       \
    GT_LOSS_AT(gt_nn_bce_with_logits_loss_(                                                        \
        gt, GT_OPTS(gt_binary_cross_entropy_with_logits_opts, __VA_ARGS__)))
gt_loss *gt_nn_kl_div_loss_(gt_ctx *gt, gt_kl_div_opts opts);
#define gt_nn_kl_div_loss(...) GT_NN_KL_DIV_LOSS_(__VA_ARGS__, )
#define GT_NN_KL_DIV_LOSS_(gt, ...)                                                                \
    GT_LOSS_AT(gt_nn_kl_div_loss_(gt, GT_OPTS(gt_kl_div_opts, __VA_ARGS__)))

GT_END_DECLS
#endif
