/* The tape as a whole: marks, rewinding, walking.
 *
 * Quarantine. A rewind does not hand the dropped headers out again at once: the arena goes on
 * behind them, so that a tensor used after its end is still recognised. Once as much as three of
 * the latest step lies between the mark and the present, the arena goes back to the mark; so at
 * least the last two steps of a loop whose steps are alike can be recognised, and memory stays
 * bounded. */

#include "engine/context.h"

enum { QUARANTINED_STEPS = 3 };

/* While nothing was made since a rewind, the place to come back to is still that rewind's. */
static char *mark_position(const gt_ctx *gt)
{
    return gt->step.pos == gt->resume ? gt->floor : gt->step.pos;
}

gt_mark gt_mark_tape(gt_ctx *gt)
{
    if (!gt || gt_failed(gt)) return (gt_mark){{0, 0, 0, 0}};
    gt->mark_clock = gt->clock;
    gt->valid_mark = (gt_mark){{(uint64_t)(uintptr_t)gt->last, (uint64_t)(uintptr_t)gt->last_node,
                                (uint64_t)(uintptr_t)mark_position(gt), gt->clock}};
    return gt->valid_mark;
}

/* Whether the tensor that was the youngest at the mark still is there. */
static bool mark_is_valid(const gt_ctx *gt, const gt_mark *m)
{
    if (!m->where[2]) return false;
    const uint64_t *w = m->where, *valid = gt->valid_mark.where;
    if (w[0] == valid[0] && w[1] == valid[1] && w[2] == valid[2] && w[3] == valid[3]) return true;
    const gti_tensor *t = gt->last;
    while (t && t->id > m->where[3]) t = t->prev;
    return (uint64_t)(uintptr_t)t == m->where[0];
}

static void drop_tensors(gt_ctx *gt, uint64_t clock)
{
    gti_tensor *t = gt->last;
    for (; t && t->id > clock; t = t->prev) {
        gti_release(t);
        t->flags |= GTI_DEAD;
    }
    gt->last = t;
}

static void drop_nodes(gt_ctx *gt, gti_node *last)
{
    gt->last_node = last;
    gt->n_nodes = last ? last->index + 1 : 0;
    if (last) last->next = NULL;
    else gt->first_node = NULL;
}

/* Leaves lose the grads that were made after the mark; kept leaves live on without. */
static void drop_grads(gt_ctx *gt, uint64_t clock)
{
    for (gti_tensor **p = &gt->graded; *p;) {
        gti_tensor *leaf = *p;
        if (leaf->graded > clock) {
            leaf->pub.grad = NULL;
            *p = leaf->next_graded;
        } else {
            p = &leaf->next_graded;
        }
    }
}

static void reuse_headers(gt_ctx *gt, char *floor)
{
    const size_t step = gti_arena_since(&gt->step, gt->resume);
    if (step && gti_arena_since(&gt->step, floor) >= QUARANTINED_STEPS * step)
        gti_arena_rewind(&gt->step, floor);
    gt->floor = floor;
    gt->resume = gt->step.pos;
}

void gt_rewind(gt_ctx *gt, gt_mark to)
{
    if (!gt || gt == gti_dead_context()) return;
    if (!mark_is_valid(gt, &to)) {
        gt_fail(gt, GT_ERR_STATE, "gt_rewind",
                "the mark is void: it was never set, or the tape was rewound to an earlier mark");
        return;
    }
    drop_grads(gt, to.where[3]);
    drop_tensors(gt, to.where[3]);
    drop_nodes(gt, (gti_node *)(uintptr_t)to.where[1]);
    gt->mark_clock = to.where[3];
    gt->valid_mark = to;
    reuse_headers(gt, (char *)(uintptr_t)to.where[2]);
}

static const gt_node *public_node(const gti_node *n)
{
    return n ? &n->pub : NULL;
}

const gt_node *gt_tape_first(const gt_ctx *gt)
{
    return gt ? public_node(gt->first_node) : NULL;
}

const gt_node *gt_tape_next(const gt_node *n)
{
    return n ? public_node(((const gti_node *)n)->next) : NULL;
}

const gt_node *gt_producer(const gt_tensor *t)
{
    return t ? public_node(gti_t(t)->node) : NULL;
}

const gt_scope *gt_node_scope(const gt_node *n)
{
    return n ? ((const gti_node *)n)->scope : NULL;
}

bool gt_node_in_backward(const gt_node *n)
{
    return n && ((const gti_node *)n)->in_backward;
}
