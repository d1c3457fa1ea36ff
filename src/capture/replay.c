/* Running a program. */
#include "capture/capture.h"

/* --- one item --- */

static bool run_host(const gti_item *item)
{
    return item->host->fn(item->host->t, item->host->user);
}

/* As the engine does: with scratch, divided, changing tensors in place. */
static bool run_node(const gti_item *item)
{
    gt_node *n = item->node;
    n->in[0]->ctx->scope = gt_node_scope(n);
    if (n->op->flags & GT_OP_VALUES && !n->op->infer(n)) return false;
    return gti_apply_run(n);
}

static bool run_forward(const gti_item *item)
{
    item->by.forward(item->node);
    return true;
}

static bool run_part(const gti_item *item)
{
    item->by.part(item->node, &(gt_range){.end = 1});
    return true;
}

void gti_replay_choose(gti_item *item)
{
    const gt_node *n = item->node;
    item->run = n ? run_node : run_host;
    if (!n || n->scratch_size || n->op->flags & (GT_OP_INTO | GT_OP_VALUES)) return;
    if (n->op->elements[n->dtype]) return;
    if (n->op->forward[n->dtype]) {
        item->by.forward = n->op->forward[n->dtype];
        item->run = run_forward;
    } else if (gti_apply_one_part(n)) {
        item->by.part = n->op->parts[n->dtype];
        item->run = run_part;
    }
}

/* --- chains --- */

static void run_calls(const gti_chain *c, int64_t begin, int64_t end)
{
    for (const gt_bound *b = c->call, *last = b + c->n_calls; b < last; b++) b->run(b, begin, end);
}

static bool run_chain(const gti_item *item)
{
    run_calls(item->by.chain, 0, item->by.chain->size);
    return true;
}

/* Parts of a chain, block by block. */
static void run_blocks(void *arg, int worker, int64_t begin, int64_t end)
{
    const gti_chain *c = arg;
    (void)worker;
    const int64_t last = gt_element_begin(c->size, c->parts, end);
    for (int64_t at = gt_element_begin(c->size, c->parts, begin), next; at < last; at = next) {
        next = last - at > c->block ? at + c->block : last;
        run_calls(c, at, next);
    }
}

static bool run_cut_chain(const gti_item *item)
{
    const gti_chain *c = item->by.chain;
    gti_threads_run(c->gt, c->parts, run_blocks, (void *)c);
    for (int64_t i = 0; i < c->n_changed; i++) gti_touch(c->changed[i]);
    return true;
}

void gti_replay_choose_chain(gti_item *item)
{
    const gti_chain *c = item->by.chain;
    const bool whole = c->parts <= 1 && c->block >= c->size && c->n_changed == 0;
    item->run = whole ? run_chain : run_cut_chain;
}

/* --- all of them --- */

static bool is_chain(const gti_item *item)
{
    return item->run == run_chain || item->run == run_cut_chain;
}

/* As if the program called it. */
static bool run_item_watched(gt_ctx *gt, const gti_item *item)
{
    if (!item->node) return item->run(item);
    const gti_chain *c = is_chain(item) ? item->by.chain : NULL;
    gt->scope = gt_node_scope(item->node);
    gt->swept = ((const gti_node *)item->node)->swept;
    if (gt->probe) gt->probe->begin(gt->probe);
    const bool ok = item->run(item);
    if (gt->probe) gt->probe->end(gt->probe, c ? c->node : &item->node, c ? c->n_calls : 1);
    gt->swept = NULL;
    return ok && (!gt->anomaly || gti_anomaly_outputs_finite(item->node));
}

/* Anomaly checks see the results of each item before the next one takes their place. */
static bool run_watched(const gti_taken *k)
{
    const gti_item *items = k->gt->anomaly ? k->item : k->joined;
    const int64_t n = k->gt->anomaly ? k->n_items : k->n_joined;
    for (int64_t i = 0; i < n; i++)
        if (!run_item_watched(k->gt, &items[i])) return false;
    return true;
}

static bool run_items(const gti_taken *k)
{
    if (k->gt->watched) return run_watched(k);
    for (const gti_item *item = k->joined, *end = item + k->n_joined; item < end; item++)
        if (!item->run(item)) return false;
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
    gti_fold_update(k);
    const bool ok = run_items(k);
    gt->scope = scope;
    if (ok) give_grads(k, then);
    return ok;
}
