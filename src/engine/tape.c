/* The tape as a whole: marks, rewinding, walking. */

#include "engine/context.h"

enum { QUARANTINED_TURNS = 3 };

static bool callable(gt_ctx *gt, const char *what)
{
    if (!gti_in_sweep(gt)) return true;
    gt_fail(gt, GT_ERR_STATE, what, "called while gt_backward or gt_grad runs");
    return false;
}

/* Whether nothing was made since the mark was set or rewound to, so that it can serve again. */
static bool is_here(const gti_mark *m, const gt_ctx *gt)
{
    return m && m->last == gt->last && m->last_node == gt->last_node && m->resume == gt->step.pos;
}

static gti_mark *new_mark(gt_ctx *gt)
{
    gti_mark *m = gti_arena_get(&gt->step, sizeof *m);
    if (!m) {
        gt_fail(gt, GT_ERR_MEMORY, "gt_mark_tape", "out of memory");
        return NULL;
    }
    *m = (gti_mark){.outer = gt->marks,
                    .last = gt->last,
                    .last_node = gt->last_node,
                    .clock = ++gt->clock,
                    .floor = gt->step.pos,
                    .resume = gt->step.pos};
    return m;
}

gt_mark gt_mark_tape(gt_ctx *gt)
{
    static const gt_mark none = {{0}};
    if (!gt || gt_failed(gt) || !callable(gt, "gt_mark_tape")) return none;
    gti_mark *m = is_here(gt->marks, gt) ? gt->marks : new_mark(gt);
    if (!m) return none;
    gt->marks = m;
    return (gt_mark){{(uint64_t)(uintptr_t)m, m->clock, (uint64_t)(uintptr_t)gt}};
}

/* NULL for a void mark. No two marks have the same clock. */
static gti_mark *find_mark(const gt_ctx *gt, const gt_mark *mark)
{
    gti_mark *m = gt->marks;
    while (m && m->clock > mark->where[1]) m = m->outer;
    return m && m->clock == mark->where[1] ? m : NULL;
}

static void drop_tensors(gt_ctx *gt, const gti_mark *m)
{
    for (gti_tensor *t = gt->last; t != m->last; t = t->prev) {
        gti_release(t);
        if (t->flags & GTI_LASTING) gti_label_clear(t);
        t->flags |= GTI_DEAD;
    }
    gt->last = m->last;
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

/* Drops the marks within m; what was freed of m's turn has no users left. */
static void drop_marks(gt_ctx *gt, gti_mark *m)
{
    for (gti_mark *k = gt->marks;; k = k->outer) {
        gti_tensor_spare(gt, k->freed);
        k->freed = NULL;
        if (k == m) break;
    }
    gt->marks = m;
}

/* Bytes that the running turn of m has needed; the arena may have gone back within it. */
static void note_need(const gt_ctx *gt, gti_mark *m)
{
    const size_t now = gti_arena_since(&gt->step, m->resume);
    if (now > m->need) m->need = now;
}

/* The latest turn and the one before it stay in quarantine while the next two are no larger. */
static void reuse_headers(gt_ctx *gt, gti_mark *m)
{
    note_need(gt, m);
    const size_t turn = m->need, larger = turn > m->turn ? turn : m->turn;
    if (turn && gti_arena_since(&gt->step, m->floor) >= QUARANTINED_TURNS * larger) {
        for (gti_mark *k = m->outer; k; k = k->outer) note_need(gt, k);
        gti_arena_rewind(&gt->step, m->floor);
    }
    if (turn) m->turn = turn;
    m->need = 0;
    m->resume = gt->step.pos;
}

/* Nothing on the tape is younger than them any more. */
static void free_retired(gt_ctx *gt, uint64_t clock)
{
    for (gti_retired **p = &gt->retired; *p;) {
        gti_retired *r = *p;
        if (r->id <= clock) {
            p = &r->next;
            continue;
        }
        *p = r->next;
        gti_arena arena = r->arena;
        gti_arena_close(&arena);
    }
}

void gt_rewind(gt_ctx *gt, gt_mark to)
{
    static const char what[] = "gt_rewind";
    if (!gt || gt == gti_context_dead() || !callable(gt, what)) return;
    if (gt_host_only(gt, what, "rewind outside of the step; it is kept as a whole")) return;
    gti_mark *m = find_mark(gt, &to);
    if (to.where[0] && to.where[2] != (uint64_t)(uintptr_t)gt) {
        gt_fail(gt, GT_ERR_ARGUMENT, what, "the mark belongs to another context");
    } else if (!m) {
        gt_fail(gt, GT_ERR_STATE, what,
                "the mark is void: it was never set, or the tape was rewound to an earlier mark");
    } else {
        drop_grads(gt, m->clock);
        drop_tensors(gt, m);
        drop_nodes(gt, m->last_node);
        drop_marks(gt, m);
        if (gt->retired) free_retired(gt, m->clock);
        reuse_headers(gt, m);
    }
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
    return n && ((const gti_node *)n)->swept;
}

const gt_node *gt_node_swept(const gt_node *n)
{
    const gti_node *swept = n ? ((const gti_node *)n)->swept : NULL;
    return swept == &gti_swept_none ? NULL : public_node(swept);
}
