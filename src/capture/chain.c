/* Chains: neighbours in a program that compute elements, as many each. Calls of their kernels are
 * bound to their arguments, and where there is more than a block of elements they take turns block
 * by block, so that what one has written is still in the cache when the next one reads it. Element
 * for element the same is computed, by the same kernels. */
#include "capture/capture.h"

enum { BLOCK = 1 << 9 }; /* elements; a multiple of GT_GRAIN */

/* --- finding --- */

static bool is_link(const gti_item *item)
{
    const gt_node *n = item->node;
    return n && n->op->elements[n->dtype] && !n->scratch_size && !(n->op->flags & GT_OP_VALUES);
}

/* The item behind the chain, or behind the item, that begins with item i. */
static int64_t chain_end(const gti_taken *k, int64_t i)
{
    if (!is_link(&k->item[i])) return i + 1;
    const int64_t size = k->item[i].node->out[0]->size;
    int64_t end = i + 1;
    while (!(k->without & GT_CAPTURE_CHAINS) && end < k->n_items && is_link(&k->item[end]) &&
           k->item[end].node->out[0]->size == size)
        end++;
    return end;
}

/* Into how many parts threads cut it, by shapes alone. */
static int64_t parts_of(const gti_item *link, int64_t n)
{
    const int64_t size = link->node->out[0]->size;
    double cost = 0;
    for (int64_t i = 0; i < n; i++) cost += link[i].node->op->cost > 0 ? link[i].node->op->cost : 1;
    return size ? gt_element_parts(link->node, size, cost) : 1;
}

/* Whether calls of a chain take turns. */
static bool is_cut(const gti_item *link, int64_t n)
{
    return n > 1 && (link->node->out[0]->size > BLOCK || parts_of(link, n) > 1);
}

/* --- lives --- */

bool gti_chain_stretch_lives(gti_taken *k)
{
    const int64_t n = k->n_items;
    int64_t *const first = gti_capture_room(k, n + 1, sizeof *first);
    int64_t *const last = gti_capture_room(k, n + 1, sizeof *last);
    if (!first || !last) return false;
    first[n] = last[n] = n;
    for (int64_t i = 0, end; i < n; i = end) {
        end = chain_end(k, i);
        const bool cut = is_cut(&k->item[i], end - i);
        for (int64_t j = i; j < end; j++) {
            first[j] = cut ? i : j;
            last[j] = cut ? end - 1 : j;
        }
    }
    for (int64_t i = 0; i < k->n_lives; i++) {
        gti_place *l = &k->life[i].at;
        if (l->first > l->last) continue;
        l->first = first[l->first];
        l->last = last[l->last];
    }
    return true;
}

/* --- binding --- */

static void run_elements(const gt_bound *b, int64_t begin, int64_t end)
{
    ((void (*)(gt_node *, int64_t, int64_t))b->kernel)(b->out, begin, end);
}

static gt_bound bind(gt_node *n)
{
    gt_bound b = {0};
    if (n->op->bind && n->op->bind(n, &b)) return b;
    return (gt_bound){
        .run = run_elements, .kernel = (void (*)(void))n->op->elements[n->dtype], .out = n};
}

static int64_t changed_by(const gti_taken *k, const gt_node *n, gt_tensor **to)
{
    int64_t count = 0;
    for (int i = 0; n->op->flags & GT_OP_INTO && i < n->n_out; i++)
        if (gti_t(n->out[i])->base != k->slab) {
            if (to) to[count] = n->out[i];
            count++;
        }
    return count;
}

/* What of the outside a chain changes. */
static bool note_changed(gti_taken *k, gti_chain *c, const gti_item *link)
{
    for (int64_t i = 0; i < c->n_calls; i++) c->n_changed += changed_by(k, link[i].node, NULL);
    c->changed = gti_capture_room(k, c->n_changed, sizeof(gt_tensor *));
    if (!c->changed) return false;
    for (int64_t i = 0, n = 0; i < c->n_calls; i++)
        n += changed_by(k, link[i].node, c->changed + n);
    return true;
}

static gti_chain *make_chain(gti_taken *k, int64_t first, int64_t end)
{
    gti_item *const link = &k->item[first];
    gti_chain *c = gti_capture_room(k, 1, sizeof *c);
    if (!c) return NULL;
    *c = (gti_chain){.gt = k->gt, .n_calls = end - first, .size = link->node->out[0]->size};
    c->parts = parts_of(link, c->n_calls);
    c->block = is_cut(link, c->n_calls) ? BLOCK : c->size;
    c->call = gti_capture_room(k, c->n_calls, sizeof *c->call);
    c->node = gti_capture_room(k, c->n_calls, sizeof(gt_node *));
    if (!c->call || !c->node || !note_changed(k, c, link)) return NULL;
    for (int64_t i = 0; i < c->n_calls; i++) c->call[i] = bind(c->node[i] = link[i].node);
    return c;
}

bool gti_chain_join(gti_taken *k)
{
    k->joined = gti_capture_room(k, k->n_items, sizeof *k->joined);
    if (!k->joined) return false;
    for (int64_t i = 0, end; i < k->n_items; i = end) {
        end = chain_end(k, i);
        gti_item *item = &k->joined[k->n_joined++];
        *item = k->item[i];
        if (!is_link(item)) continue;
        const gti_chain *c = item->by.chain = make_chain(k, i, end);
        if (!c) return false;
        gti_replay_choose_chain(item);
        k->n_chains += c->n_calls > 1;
        k->n_chained += c->n_calls > 1 ? c->n_calls : 0;
    }
    return true;
}
