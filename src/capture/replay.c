/* Running a program. */
#include "capture/capture.h"

static bool run_node(gt_node *n)
{
    gt_ctx *gt = n->in[0]->ctx;
    gt->scope = gt_node_scope(n);
    if (n->op->flags & GT_OP_VALUES && !n->op->infer(n)) return false;
    return gti_apply_run(n) && (!gt->anomaly || gti_anomaly_outputs_finite(n));
}

static inline bool run_item(const gti_item *item)
{
    gt_node *n = item->node;
    switch (item->run) {
    case GTI_RUN_ELEMENTS: return item->by.elements(n, 0, n->out[0]->size), true;
    case GTI_RUN_FORWARD: return item->by.forward(n), true;
    case GTI_RUN_PART: return item->by.part(n, &(gt_range){.end = 1}), true;
    case GTI_RUN_NODE: return run_node(item->node);
    case GTI_RUN_HOST: return item->host->fn(item->host->t, item->host->user);
    }
    return false;
}

/* With anomaly checks every result is looked at. */
static bool run_items(const gti_taken *k)
{
    for (int64_t i = 0; i < k->n_items; i++) {
        const gti_item *item = &k->item[i];
        if (k->gt->anomaly && item->node ? !run_node(item->node) : !run_item(item)) return false;
    }
    return true;
}

/* Leaves have the gradients that the step gave them, from before what it changed. */
static void give_grads(const gti_taken *k, uint64_t then)
{
    gt_ctx *gt = k->gt;
    for (int64_t i = 0; i < k->n_grads; i++) {
        gti_tensor *leaf = k->grad[i].leaf;
        leaf->graded = then;
        if (leaf->pub.grad == k->grad[i].grad) continue;
        gt_clear_grad(&leaf->pub);
        leaf->pub.grad = k->grad[i].grad;
        leaf->next_graded = gt->graded;
        gt->graded = leaf;
        k->slab->hold++;
    }
}

bool gti_replay_run(gti_taken *k)
{
    gt_ctx *gt = k->gt;
    const gt_scope *scope = gt->scope;
    const uint64_t then = ++gt->clock;
    k->slab->version = then;
    const bool ok = run_items(k);
    gt->scope = scope;
    if (ok) give_grads(k, then);
    return ok;
}
