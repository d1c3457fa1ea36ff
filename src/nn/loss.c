/* Losses as objects: an operation and its options. */
#include <gradtape/loss.h>
#include <stdlib.h>

#undef gt_loss_apply

struct gt_loss {
    gt_ctx *ctx;
    const char *name;
    gt_tensor *(*run)(const gt_loss *l, gt_tensor *x, gt_tensor *target);
    union {
        gt_cross_entropy_opts cross_entropy;
        gt_nll_loss_opts nll_loss;
        gt_loss_opts mse_loss, l1_loss;
        gt_smooth_l1_loss_opts smooth_l1_loss;
        gt_huber_loss_opts huber_loss;
        gt_binary_cross_entropy_opts binary_cross_entropy;
        gt_binary_cross_entropy_with_logits_opts binary_cross_entropy_with_logits;
        gt_kl_div_opts kl_div;
    } opts;
};

gt_tensor *gt_loss_apply(const gt_loss *l, gt_tensor *x, gt_tensor *target)
{
    gt_ctx *gt = l ? l->ctx : x ? x->ctx : NULL;
    if (gt && gt_failed(gt)) return NULL;
    if (l) return l->run(l, x, target);
    gt_fail(gt, GT_ERR_ARGUMENT, "gt_loss_apply", "the loss is NULL");
    return NULL;
}

const char *gt_loss_name(const gt_loss *l)
{
    return l ? l->name : "";
}

static gt_loss *make(gt_ctx *gt, const gt_loss *wanted)
{
    if (!gt) gt_fail(NULL, GT_ERR_ARGUMENT, wanted->name, "the context is NULL");
    if (!gt || gt_failed(gt)) return NULL;
    gt_loss *l = malloc(sizeof *l);
    if (!l) {
        gt_fail(gt, GT_ERR_MEMORY, wanted->name, "out of memory");
        return NULL;
    }
    *l = *wanted;
    l->ctx = gt;
    if (gt_at_close(gt, free, l) == GT_OK) return l;
    free(l);
    return NULL;
}

/* Lifts a weight among the options, which may be NULL, out of the tape. */
static bool keep(gt_ctx *gt, const char *name, gt_tensor **weight)
{
    if (!*weight || !gt || gt_failed(gt)) return true;
    if ((*weight)->ctx != gt) {
        gt_fail(gt, GT_ERR_ARGUMENT, name, "a weight belongs to another context");
        return false;
    }
    *weight = gt_keep(*weight);
    return *weight;
}

/* constructor, operation (whose options have this name, too), PyTorch's name, weights */
#define LOSS(id, op, opts_type, name_, weights)                                                    \
    static gt_tensor *run_##op(const gt_loss *l, gt_tensor *x, gt_tensor *target)                  \
    {                                                                                              \
        return gt_##op##_(x, target, l->opts.op);                                                  \
    }                                                                                              \
    gt_loss *gt_nn_##id##_(gt_ctx *gt, opts_type opts)                                             \
    {                                                                                              \
        if (!(weights)) return NULL;                                                               \
        return make(gt, &(gt_loss){.name = name_, .run = run_##op, .opts.op = opts});              \
    }
#define KEEP(name_, member) keep(gt, name_, &opts.member)
LOSS(cross_entropy_loss, cross_entropy, gt_cross_entropy_opts, "CrossEntropyLoss",
     KEEP("CrossEntropyLoss", weight))
LOSS(nll_loss, nll_loss, gt_nll_loss_opts, "NLLLoss", KEEP("NLLLoss", weight))
LOSS(mse_loss, mse_loss, gt_loss_opts, "MSELoss", true)
LOSS(l1_loss, l1_loss, gt_loss_opts, "L1Loss", true)
LOSS(smooth_l1_loss, smooth_l1_loss, gt_smooth_l1_loss_opts, "SmoothL1Loss", true)
LOSS(huber_loss, huber_loss, gt_huber_loss_opts, "HuberLoss", true)
LOSS(bce_loss, binary_cross_entropy, gt_binary_cross_entropy_opts, "BCELoss",
     KEEP("BCELoss", weight))
LOSS(bce_with_logits_loss, binary_cross_entropy_with_logits,
     gt_binary_cross_entropy_with_logits_opts, "BCEWithLogitsLoss",
     KEEP("BCEWithLogitsLoss", weight) && KEEP("BCEWithLogitsLoss", pos_weight))
LOSS(kl_div_loss, kl_div, gt_kl_div_opts, "KLDivLoss", true)
