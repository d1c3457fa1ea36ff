/* From a recorded step to a program: what has to run, how, and where its results lie.
 *
 * Every tensor's block has a life, from the first item that uses it to the last; blocks whose lives
 * do not meet may lie in the same place. What the host wrote (constants, numbers) and what may be
 * read afterwards lives throughout. */
#include <stdlib.h>
#include <string.h>

#include "capture/capture.h"
#include "kernels/kernels.h"
#include <gradtape/ops.h>

enum { ALIGN = 64, SMALL = 64 }; /* bytes; elements of constants that are kept */

/* --- lives --- */

static bool owns_block(const gti_taken *k, const gti_tensor *t)
{
    return t->base == t && gti_taken_has(k, t) && !(t->flags & GTI_RELEASED);
}

/* By age, since the list of tensors begins with the youngest. */
static bool make_lives(gti_taken *k)
{
    int64_t n = 0;
    for (const gti_tensor *t = k->tape.last; t; t = t->prev) n += owns_block(k, t);
    k->life = gti_capture_room(k, n, sizeof *k->life);
    if (!k->life) return false;
    k->n_lives = n;
    for (gti_tensor *t = k->tape.last; t; t = t->prev)
        if (owns_block(k, t))
            k->life[--n] = (gti_life){
                .t = t,
                .at = {.first = INT64_MAX,
                       .last = -1,
                       .bytes = ((size_t)t->pub.size * gt_dtype_size(t->pub.dtype) + ALIGN - 1) /
                                ALIGN * ALIGN},
                .leaf = true,
                .readable = t->pub.size == 1,
            };
    return true;
}

static int by_birth(const void *key, const void *element)
{
    const uint64_t a = *(const uint64_t *)key, b = ((const gti_life *)element)->t->id;
    return (a > b) - (a < b);
}

gti_life *gti_program_life(const gti_taken *k, const gt_tensor *t)
{
    if (!t || !gti_taken_has(k, gti_t(t)->base)) return NULL;
    const uint64_t id = gti_t(t)->base->id;
    return bsearch(&id, k->life, (size_t)k->n_lives, sizeof *k->life, by_birth);
}

static void mark_readable(const gti_taken *k, const gt_tensor *t)
{
    gti_life *l = gti_program_life(k, t);
    if (l) l->readable = true;
}

static void mark_all_readable(const gti_taken *k)
{
    mark_readable(k, k->result);
    for (int i = 0; i < k->n_inputs; i++) mark_readable(k, k->input[i]); /* written to if unused */
    for (int64_t i = 0; i < k->n_grads; i++) mark_readable(k, k->grad[i].grad);
    for (const gti_host *h = k->recorder.outputs; h; h = h->next) mark_readable(k, h->t[0]);
}

/* --- items --- */

static int by_time(const void *a, const void *b)
{
    const uint64_t x = ((const gti_item *)a)->id, y = ((const gti_item *)b)->id;
    return (x > y) - (x < y);
}

/* All that ran, in order. Views are made, and stay. */
static bool make_items(gti_taken *k)
{
    int64_t n = (int64_t)k->tape.n_nodes;
    for (const gti_host *h = k->recorder.hosts; h; h = h->next) n++;
    k->item = gti_capture_room(k, n, sizeof *k->item);
    if (!k->item) return false;
    n = 0;
    for (gti_node *at = k->tape.first_node; at; at = at->next)
        if (!(at->pub.op->flags & GT_OP_VIEW))
            k->item[n++] = (gti_item){.node = &at->pub, .id = at->id};
    for (const gti_host *h = k->recorder.hosts; h; h = h->next)
        k->item[n++] = (gti_item){.host = h, .id = h->id};
    k->n_items = n;
    qsort(k->item, (size_t)n, sizeof *k->item, by_time);
    return true;
}

/* What an item names: inputs and outputs of a node, tensors of a call. */
typedef void visit(const gti_taken *k, const gti_item *item, gti_life *l, bool written);

static void each_life(const gti_taken *k, const gti_item *item, visit *see)
{
    const gt_node *n = item->node;
    gti_life *l;
    for (int i = 0; n && i < n->n_out; i++)
        if ((l = gti_program_life(k, n->out[i]))) see(k, item, l, true);
    for (int i = 0; n && i < n->n_in; i++)
        if ((l = gti_program_life(k, n->in[i]))) see(k, item, l, false);
    for (int i = 0; !n && i < item->host->n; i++)
        if ((l = gti_program_life(k, item->host->t[i]))) see(k, item, l, true);
}

static bool is_fill(const gti_item *item)
{
    return item->node && item->node->op == &gt_op_fill;
}

static void note_maker(const gti_taken *k, const gti_item *item, gti_life *l, bool written)
{
    (void)k;
    const bool changes = !item->node || item->node->op->flags & GT_OP_INTO;
    if (written && (!changes || (is_fill(item) && !l->used))) l->leaf = false;
    else if (written && changes) l->changed = true;
    l->used = true;
}

/* Inputs are written to before each replay. */
static void note_makers(gti_taken *k)
{
    for (int64_t i = 0; i < k->n_items; i++) each_life(k, &k->item[i], note_maker);
    for (int i = 0; i < k->n_inputs; i++) gti_program_life(k, k->input[i])->changed = true;
}

/* --- what does not change, what nobody reads --- */

static bool is_constant(const gti_taken *k, const gt_tensor *t)
{
    const gti_life *l = gti_program_life(k, t);
    return l && l->constant;
}

/* Whether the node's results are the same each time, and small enough to be kept. */
static bool gives_constants(const gti_taken *k, const gti_item *item)
{
    const gt_node *n = item->node;
    if (!n || (n->op->flags & GT_OP_INTO && !is_fill(item))) return false;
    for (int i = 0; i < n->n_out; i++) {
        const gti_life *l = gti_program_life(k, n->out[i]);
        if (!l || l->changed || l->t->pub.size > SMALL) return false;
    }
    for (int i = 0; i < n->n_in && !is_fill(item); i++)
        if (n->in[i] && !is_constant(k, n->in[i])) return false;
    return true;
}

/* Takes out what would be worked out to the same each time. */
static void fold_constants(gti_taken *k)
{
    int64_t n = 0;
    for (int64_t i = 0; i < k->n_lives; i++)
        k->life[i].constant = k->life[i].leaf && !k->life[i].changed;
    for (int64_t i = 0; i < k->n_items; i++) {
        const gti_item *item = &k->item[i];
        if (!gives_constants(k, item)) {
            k->item[n++] = *item;
            continue;
        }
        for (int j = 0; j < item->node->n_out; j++)
            gti_program_life(k, item->node->out[j])->constant = true;
    }
    k->n_items = n;
}

static void need(const gti_taken *k, const gti_item *item, gti_life *l, bool written)
{
    (void)k;
    (void)item;
    (void)written;
    l->needed = true;
}

/* Whether somebody sees what the item does. */
static bool is_seen(const gti_taken *k, const gti_item *item)
{
    const gt_node *n = item->node;
    if (!n) return true;
    for (int i = 0; i < n->n_out; i++) {
        const gti_life *l = gti_program_life(k, n->out[i]);
        if (!l || l->needed || l->readable) return true;
    }
    return false;
}

/* From the last one back. */
static void drop_unseen(gti_taken *k)
{
    int64_t to = k->n_items;
    for (int64_t i = k->n_items - 1; i >= 0; i--) {
        if (!is_seen(k, &k->item[i])) continue;
        each_life(k, &k->item[i], need);
        k->item[--to] = k->item[i];
    }
    k->item += to;
    k->n_items -= to;
}

/* --- places --- */

static void live(const gti_taken *k, const gti_item *item, gti_life *l, bool written)
{
    (void)written;
    const int64_t now = item - k->item;
    if (now < l->at.first) l->at.first = now;
    if (now > l->at.last) l->at.last = now;
}

static void find_lives(gti_taken *k)
{
    const bool shared = !(k->without & GT_CAPTURE_SHARING);
    for (int64_t i = 0; i < k->n_items; i++) each_life(k, &k->item[i], live);
    for (int64_t i = 0; i < k->n_lives; i++) {
        gti_life *l = &k->life[i];
        const bool used = l->at.first <= l->at.last, stays = l->leaf || l->constant || !shared;
        if ((used && stays) || (l->readable && !used)) l->at.first = 0;
        if ((used && stays) || l->readable) l->at.last = k->n_items;
    }
}

/* Whether elements of y lie as those of `in`, which is all of its block x. */
static bool lie_alike(const gti_life *x, const gt_tensor *in, const gti_life *y)
{
    return in->data == x->t->pub.data && in->dtype == y->t->pub.dtype &&
           gt_same_shape(in, &y->t->pub);
}

/* Where elements are computed each by itself, y may lie in the place of an input. */
static void share_places(gti_taken *k)
{
    for (int64_t i = 0; i < k->n_items; i++) {
        const gt_node *n = k->item[i].node;
        if (!n || !n->op->elements[n->dtype] || n->op->flags & GT_OP_INTO) continue;
        gti_life *y = gti_program_life(k, n->out[0]);
        for (int j = 0; y && j < n->n_in; j++) {
            gti_life *x = gti_program_life(k, n->in[j]);
            if (x && lie_alike(x, n->in[j], y) && gti_places_take_over(&x->at, &y->at, i)) break;
        }
    }
}

static bool place(gti_taken *k)
{
    gti_place **all = gti_capture_room(k, k->n_lives, sizeof(gti_place *));
    gti_place **room = gti_capture_room(k, 2 * k->n_lives, sizeof(gti_place *));
    if (!all || !room) return false;
    for (int64_t i = 0; i < k->n_lives; i++) all[i] = &k->life[i].at;
    k->bytes = gti_places_put(all, k->n_lives, room);
    for (int64_t i = 0; i < k->n_lives; i++)
        if (all[i]->first <= all[i]->last) k->unshared += all[i]->bytes;
    return true;
}

/* --- moving --- */

static bool make_slab(gti_taken *k)
{
    gti_tensor *slab = gti_capture_room(k, 1, sizeof *slab);
    if (!slab) return false;
    *slab = (gti_tensor){.pub.ctx = k->gt, .id = k->until, .flags = GTI_SLAB};
    slab->base = slab;
    slab->pub.data = gti_pool_get(&k->gt->pool, k->bytes ? k->bytes : 1, &k->slab_class);
    if (!slab->pub.data)
        return gt_fail(k->gt, GT_ERR_MEMORY, "gt_capture", "no memory for the %zu bytes of a step",
                       k->bytes),
               false;
    k->slab = slab;
    return true;
}

/* t has its data in the slab, `from` being the block that it had. */
static void attach(const gti_taken *k, gti_tensor *t, const gti_life *l, const char *from)
{
    const bool placed = l->at.first <= l->at.last;
    const bool stays = placed && (l->readable || l->leaf || l->constant);
    char *to = (char *)k->slab->pub.data + l->at.offset;
    t->pub.data = to + ((const char *)t->pub.data - from);
    t->base = k->slab;
    if (!stays) t->flags |= GTI_RELEASED;
    t->node = NULL;
    t->pub.requires_grad = false;
}

/* Views first, which find their block by its tensor. */
static void move(gti_taken *k)
{
    for (gti_tensor *t = k->tape.last; t; t = t->prev) {
        if (t->base == t || !gti_taken_has(k, t->base)) continue;
        const gti_life *l = gti_program_life(k, &t->pub);
        attach(k, t, l, l->t->pub.data);
    }
    for (int64_t i = 0; i < k->n_lives; i++) {
        const gti_life *l = &k->life[i];
        gti_tensor *t = l->t;
        void *from = t->pub.data;
        const int size_class = t->size_class;
        attach(k, t, l, from);
        if (!(t->flags & GTI_RELEASED))
            memcpy(t->pub.data, from, (size_t)t->pub.size * gt_dtype_size(t->pub.dtype));
        gti_pool_put(&k->gt->pool, from, size_class);
    }
    for (int64_t i = 0; i < k->n_grads; i++) k->slab->hold++;
}

bool gti_program_make(gti_taken *k)
{
    if (!make_lives(k) || !make_items(k)) return false;
    mark_all_readable(k);
    note_makers(k);
    if (!(k->without & GT_CAPTURE_CONSTANTS)) fold_constants(k);
    if (!(k->without & GT_CAPTURE_UNREAD)) drop_unseen(k);
    if (k->folds && !gti_fold_batch_norms(k)) return false;
    find_lives(k);
    if (!(k->without & GT_CAPTURE_SHARING)) share_places(k);
    if (!gti_chain_stretch_lives(k) || !place(k) || !make_slab(k)) return false;
    move(k);
    for (int64_t i = 0; i < k->n_items; i++) gti_replay_choose(&k->item[i]);
    return gti_chain_join(k);
}

bool gti_program_skip(gti_taken *k)
{
    if (!make_lives(k)) return false;
    mark_all_readable(k);
    for (int64_t i = 0; i < k->n_lives; i++)
        if (k->life[i].readable) k->life[i].t->flags |= GTI_SLAB;
        else gti_release(k->life[i].t);
    for (gti_tensor *t = k->tape.last; t; t = t->prev) {
        t->node = NULL;
        t->pub.requires_grad = false;
    }
    return true;
}
