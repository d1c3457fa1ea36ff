/* Results that are made again instead of kept (gt_set_recomputing).
 *
 * What gt_release is given and rules read goes where its node is cheap and can be run again with
 * what stays: leaves, what other rules read, and what can be made again itself. A sweep runs the
 * node before the first rule that reads the result, and releases it as ever when it has passed the
 * node; by then nothing older has been released. What such a node reads stays until the node has
 * been passed (awaited), if another loss passes its maker first. What is made again on the way to
 * another result is dropped again. The bits are the same, and in a second order, too.
 *
 * A step that is being captured keeps everything. There the node's operation is applied once more
 * within the sweep, and rules are shown the new results in the place of the old ones (twins), whose
 * lives then end with the forward pass. */
#include "engine/release.h"
#include "engine/sweep.h"

/* At most so many nodes are run to make one result again: a chain of sums that leads through a
 * whole network is kept at some places. */
enum { MOST_NODES = 8, MOST_INPUTS = 8 };

/* --- dropping --- */

static bool is_cheap(const gti_node *n)
{
    const gt_op *op = n->pub.op;
    const bool fresh = !(op->flags & (GT_OP_VIEW | GT_OP_INTO)) && !n->stretch && !n->spent;
    return fresh && n->pub.n_in <= MOST_INPUTS &&
           (op->elements[n->pub.dtype] || op->flags & GT_OP_CHEAP);
}

/* Not there, or about to go. */
static bool is_absent(const gti_tensor *t)
{
    return t->flags & (GTI_RELEASED | GTI_AGAIN);
}

/* The others are written once more. */
static bool outputs_stay(const gti_node *n, const gti_tensor *t)
{
    for (int i = 0; i < n->pub.n_out; i++) {
        const gti_tensor *y = gti_t(n->pub.out[i]);
        const bool there = y->base == y && !(y->flags & GTI_KEPT) && !is_absent(y);
        if (y->version > n->id || (y != t && !there)) return false;
    }
    return true;
}

static bool input_stays(const gti_tensor *base)
{
    return base->flags & GTI_KEPT || !base->node || gti_release_is_read(base);
}

/* How many nodes have to run for t; 0: it cannot be made again, or by more than that. */
static int nodes_for(const gti_tensor *t, int most)
{
    const gti_node *n = t->node;
    if (!n || most < 1 || !is_cheap(n) || !outputs_stay(n, t)) return 0;
    int all = 1;
    for (int i = 0; i < n->pub.n_in; i++) {
        const gti_tensor *x = gti_t(n->pub.in[i]), *base = x->base;
        if (base->version > n->id || base->flags & GTI_DEAD) return 0;
        if (!is_absent(base)) {
            if (!input_stays(base)) return 0;
            continue;
        }
        const int more = x == base ? nodes_for(x, most - all) : 0;
        if (!more) return 0;
        all += more;
    }
    return all;
}

/* From here on nobody else gives back what n reads. */
static void claim(gti_node *n)
{
    if (n->again) return;
    n->again = true;
    for (int i = 0; i < n->pub.n_in; i++) {
        const gti_tensor *x = gti_t(n->pub.in[i]);
        if (x->base->node) x->base->node->awaited++;
        if (is_absent(x)) claim(x->node);
    }
}

void gti_recompute_over(const gti_node *n)
{
    for (int i = 0; i < n->pub.n_in; i++) {
        gti_node *maker = gti_t(n->pub.in[i])->base->node;
        if (maker && maker->awaited) maker->awaited--;
    }
}

/* The block comes back at another place, so nothing may refer to it. */
static bool has_views(const gti_tensor *t)
{
    for (const gti_tensor *v = t->pub.ctx->last; v && v->id > t->id; v = v->prev)
        if (v->base == t) return true;
    return false;
}

void gti_recompute_drop(gti_tensor *t)
{
    gt_ctx *gt = t->pub.ctx;
    if (t->pub.size < gt->recomputed_least) return;
    if (t->flags & GTI_AGAIN || has_views(t) || !nodes_for(t, MOST_NODES)) return;
    claim(t->node);
    t->flags |= GTI_AGAIN;
    t->twin = NULL;
    gt->special = true;
    if (gt->recorder) return;
    t->flags |= GTI_GIVEN;
    gti_release(t);
}

bool gt_set_recomputing(gt_ctx *gt, bool on)
{
    if (!gt || gt == gti_context_dead()) return false;
    const bool old = gt->recomputing;
    gt->recomputing = on;
    return old;
}

/* --- making again --- */

bool gti_recompute_ready(const gti_sweep *s, const gti_node *n)
{
    for (int i = 0; i < n->pub.n_in; i++) {
        char name[64], what[128];
        const gt_tensor *x = n->pub.in[i];
        gt_op_input_name(n->pub.op, i, name, sizeof name);
        if (gti_sweep_stale(s, n, x, name)) return false;
        const char *why = gti_t(x)->base->flags & GTI_REPLAYED ? NULL : gt_unusable(x);
        if (!why) continue;
        gt_fail(s->gt, GT_ERR_STATE, s->what, "input %s of %s, to be recomputed, %s", name,
                gti_naming_tensor(n->pub.out[0], what, sizeof what), why);
        return false;
    }
    return true;
}

static bool refuse_outputs(const gti_sweep *s, const gti_tensor *t)
{
    char what[128];
    gt_fail(
        s->gt, GT_ERR_STATE, s->what,
        "%s is to be recomputed, but another result of the same operation was changed in place, "
        "kept or freed",
        gti_naming_tensor(&t->pub, what, sizeof what));
    return false;
}

/* Whether t is there for the sake of a result that is being made again, and not of another one that
 * waits for t. */
static bool is_between(const gti_tensor *t)
{
    return (t->flags & (GTI_GIVEN | GTI_RELEASED)) == GTI_GIVEN && !t->hold;
}

/* A block for t, that of input 0 if it serves no other purpose. */
static bool give_block(gti_tensor *t, const gt_node *n)
{
    gti_tensor *x = gti_t(n->in[0]);
    bool over = n->op->flags & GT_OP_OVER && is_between(x);
    for (int i = 0; i < n->n_in; i++) over = over && gt_same_shape(n->in[i], &t->pub);
    if (!over) return gti_allocate(t, n->op->name);
    t->pub.data = x->pub.data;
    t->size_class = x->size_class;
    x->flags |= GTI_RELEASED;
    return true;
}

static bool bring(const gti_sweep *s, gti_tensor *t);

/* Those that are not there are for n alone; one may serve to make the next. */
static bool bring_inputs(const gti_sweep *s, const gti_node *n)
{
    bool ok = true;
    int held = 0;
    for (; ok && held < n->pub.n_in; held++) {
        gti_tensor *x = gti_t(n->pub.in[held]);
        ok = !(x->flags & GTI_RELEASED) || !x->node || !x->node->again || bring(s, x);
        x->hold++;
    }
    while (held > 0) gti_t(n->pub.in[--held])->hold--;
    return ok && gti_recompute_ready(s, n);
}

static bool bring(const gti_sweep *s, gti_tensor *t)
{
    gti_node *n = t->node;
    if (!outputs_stay(n, t)) return refuse_outputs(s, t);
    if (n->spent && !n->awaited) return gti_refuse_spent(s, n);
    if (!bring_inputs(s, n) || !give_block(t, &n->pub)) return false;
    t->flags &= (uint16_t)~GTI_RELEASED;
    const bool ok = gti_apply_run(&n->pub);
    for (int i = 0; i < n->pub.n_in; i++)
        if (is_between(gti_t(n->pub.in[i]))) gti_release(gti_t(n->pub.in[i]));
    if (!ok) gti_release(t);
    return ok;
}

/* For a rule: from here on t stays. */
static bool bring_dropped(const gti_sweep *s, gt_tensor *t)
{
    const unsigned dropped = GTI_AGAIN | GTI_RELEASED;
    if ((gti_t(t)->flags & dropped) != dropped) return true;
    if (!bring(s, gti_t(t))) return false;
    gti_t(t)->flags &= (uint16_t) ~(GTI_AGAIN | GTI_GIVEN);
    return true;
}

bool gti_recompute_for(const gti_sweep *s, const gti_node *n)
{
    for (int i = 0; i < n->pub.n_in; i++)
        if (gti_reads_input(n->pub.op, i) && !bring_dropped(s, n->pub.in[i])) return false;
    for (int i = 0; i < n->pub.n_out; i++)
        if (gti_reads_output(n->pub.op, i) && !bring_dropped(s, n->pub.out[i])) return false;
    return true;
}

/* --- twins --- */

/* Whether n reads today what it read then. */
static bool is_intact(const gti_node *n)
{
    for (int i = 0; i < n->pub.n_in; i++)
        if (gti_t(n->pub.in[i])->base->version > n->id) return false;
    return true;
}

/* x again, or x itself where it stays; NULL after a failure. */
static gt_tensor *made_again(gt_tensor *x)
{
    const gti_tensor *t = gti_t(x);
    const gti_node *n = t->node;
    if (!(t->flags & GTI_AGAIN) || (!t->twin && !is_intact(n))) return x;
    if (t->twin) return t->twin;
    gt_tensor *in[MOST_INPUTS], *out[GT_OP_OUTPUTS], *y = NULL;
    for (int i = 0; i < n->pub.n_in; i++)
        if (!(in[i] = made_again(n->pub.in[i]))) return NULL;
    const gt_scope *scope = gt_set_scope(x->ctx, n->scope);
    gt_apply_n(n->pub.op, n->pub.opts, n->pub.n_in, in, out);
    gt_set_scope(x->ctx, scope);
    for (int i = 0; i < n->pub.n_out; i++)
        if (n->pub.out[i] == x) y = out[i];
    return y;
}

/* For a rule: from here on the twin stays. */
static gt_tensor *twin_of(gt_tensor *x)
{
    gt_tensor *y = made_again(x);
    if (y != x) gti_t(x)->twin = y;
    return y;
}

bool gti_recompute_rule(const gti_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    gti_node shown = *n;
    const int all = n->pub.n_in + n->pub.n_out;
    gt_tensor **t = gti_arena_get(&n->pub.out[0]->ctx->step, (size_t)all * sizeof *t);
    if (!t) return gt_op_fail(&n->pub, GT_ERR_MEMORY, "out of memory");
    shown.pub.in = t;
    shown.pub.out = t + n->pub.n_in;
    for (int i = 0; i < n->pub.n_in; i++) {
        t[i] = gti_reads_input(n->pub.op, i) ? twin_of(n->pub.in[i]) : n->pub.in[i];
        if (!t[i]) return false;
    }
    for (int i = 0; i < n->pub.n_out; i++) {
        gt_tensor *y = n->pub.out[i];
        shown.pub.out[i] = gti_reads_output(n->pub.op, i) ? twin_of(y) : y;
        if (!shown.pub.out[i]) return false;
    }
    return n->pub.op->backward(&shown.pub, gout, gin);
}
