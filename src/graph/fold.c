/* Which nodes make a box: each its own, but those of a call of a function one, in the forward pass
 * and in the backward pass. A call's nodes are neighbours on the tape, so joining them makes no
 * circles. */
#include <stdlib.h>

#include "graph/picture.h"

uint32_t gti_fold_maker(const gti_picture *p, const gt_tensor *t)
{
    const gt_node *n = gt_producer(t);
    const uint32_t i = n ? gti_map_find(&p->nodes, n) : GTI_NOT_IN_MAP;
    return i == GTI_NOT_IN_MAP ? i : p->number[i];
}

const gt_call *gti_fold_inner_leaf(const gt_node *n, const gt_tensor *t)
{
    for (const gt_scope *s = gt_node_scope(n); s && s->call; s = s->parent)
        if (gt_call_made(s->call, t)) return s->call;
    return NULL;
}

static const gt_call *call_of(const gti_picture *p, const gt_node *n)
{
    return p->open ? NULL : gt_scope_call(gt_node_scope(n));
}

static bool joins(const gti_picture *p, const gti_box *b, const gt_node *n)
{
    return b->call && b->call == call_of(p, n) &&
           gt_node_in_backward(n) == gt_node_in_backward(gti_node_at(p, b->first));
}

static void join(gti_picture *p)
{
    for (uint32_t i = 0; i < p->nodes.count; i++) {
        const gt_node *n = gti_node_at(p, i);
        if (p->number[i] == GTI_NOT_IN_MAP) continue;
        if (!p->n_boxes || !joins(p, &p->box[p->n_boxes - 1], n))
            p->box[p->n_boxes++] = (gti_box){.call = call_of(p, n), .first = i};
        p->number[i] = p->n_boxes - 1;
        p->box[p->number[i]].last = i;
    }
}

/* t shows, unless it is read by `reader`, the call that has made it. */
static bool add_output(gti_picture *p, const gt_tensor *t, const gt_call *reader)
{
    const uint32_t from = t ? gti_fold_maker(p, t) : GTI_NOT_IN_MAP, before = p->outputs.count;
    if (from == GTI_NOT_IN_MAP || !p->box[from].call || p->box[from].call == reader) return true;
    if (!gti_map_add(&p->outputs, t)) return false;
    p->box[from].n_out += p->outputs.count > before;
    return true;
}

static bool add_outputs(gti_picture *p)
{
    if (p->of && !add_output(p, p->of, NULL)) return false;
    for (uint32_t i = 0; i < p->nodes.count; i++) {
        const gt_node *n = gti_node_at(p, i);
        const gt_call *call = call_of(p, n);
        if (p->number[i] == GTI_NOT_IN_MAP) continue;
        if (call && !add_output(p, call->result, NULL)) return false;
        for (int k = 0; k < n->n_in; k++)
            if (!add_output(p, n->in[k], call) || !add_output(p, n->in[k]->grad, NULL))
                return false;
    }
    return true;
}

bool gti_fold_nodes(gti_picture *p)
{
    p->box = calloc(p->nodes.count + (size_t)1, sizeof *p->box);
    if (!p->box) return false;
    join(p);
    return add_outputs(p);
}
