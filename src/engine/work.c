/* What calls cost: operations on numbers, bytes read and written. */
#include <stdlib.h>
#include <string.h>

#include "engine/attrs.h"
#include "engine/context.h"

static double bytes_of(const gt_tensor *t, int64_t most)
{
    const int64_t size = most >= 0 && t->size > most ? most : t->size;
    return (double)size * (double)gt_dtype_size(t->dtype);
}

/* Of what is filled or copied in place nothing is read. */
static int first_read(const gt_node *n)
{
    const unsigned both = GT_OP_INTO | GT_OP_MOVE;
    return (n->op->flags & both) == both && n->n_out == 1;
}

static double flops_of(const gt_node *n)
{
    if (n->op->flops) return n->op->flops(n);
    return n->op->flags & GT_OP_MOVE ? 0 : (double)n->out[0]->size;
}

gt_work gt_node_work(const gt_node *n)
{
    if (!n || n->op->flags & GT_OP_VIEW) return (gt_work){0};
    const bool picks = n->op->flags & GT_OP_PICK, into = n->op->flags & GT_OP_INTO;
    const int64_t most = !picks ? -1 : into ? n->in[1]->size : n->out[0]->size;
    gt_work w = {.flops = flops_of(n)};
    for (int i = first_read(n); i < n->n_in; i++)
        if (n->in[i]) w.read += bytes_of(n->in[i], most);
    for (int i = 0; i < n->n_out; i++) w.written += bytes_of(n->out[i], into ? most : -1);
    return w;
}

/* --- from shapes alone --- */

enum { MOST_TENSORS = 4096 };

/* A call that will not run: a node, with room behind it for its tensors, options and plan. */
typedef struct {
    gt_node node;
    gti_tensor *tensor; /* inputs, outputs */
} trial;

static void free_trial(trial *t)
{
    for (int i = 0; t && i < t->node.n_in; i++)
        if (!gt_is_floating(t->tensor[i].pub.dtype)) free(t->tensor[i].pub.data);
    free(t);
}

static trial *make_trial(const gt_op *op, const void *opts, int n_in)
{
    const size_t all = (size_t)n_in + (size_t)op->n_out,
                 opts_size = (op->opts_size + 7) & ~(size_t)7;
    const size_t heads = all * sizeof(gti_tensor), pointers = all * sizeof(gt_tensor *);
    trial *t = calloc(1, sizeof *t + heads + pointers + opts_size + op->plan_size);
    if (!t) return NULL;
    char *at = (char *)(t + 1);
    t->tensor = (gti_tensor *)(void *)at;
    gt_tensor **tensors = (gt_tensor **)(void *)(at + heads);
    t->node = (gt_node){.op = op, .n_in = n_in, .n_out = op->n_out, .in = tensors};
    t->node.out = tensors + n_in;
    for (size_t i = 0; i < all; i++) tensors[i] = &t->tensor[i].pub;
    at += heads + pointers;
    t->node.opts = op->opts_size && opts ? memcpy(at, opts, op->opts_size) : at;
    t->node.plan = at + opts_size;
    return t;
}

/* Floating inputs have an address, which infer may compare, and no values; others are 0. */
static bool set_tensor(gt_ctx *gt, gti_tensor *t, gt_kind kind)
{
    int64_t bytes;
    t->pub.ctx = gt;
    t->pub.shape = kind.shape;
    t->pub.dtype = kind.dtype;
    t->base = t;
    t->pub.data = t;
    if (!gti_size_of_shape(kind.shape.ndim, kind.shape.dim, gt_dtype_size(kind.dtype), &t->pub.size,
                           &bytes))
        return false;
    if (!gt_is_floating(kind.dtype)) t->pub.data = calloc(bytes > 0 ? (size_t)bytes : 1, 1);
    return t->pub.data;
}

static bool set_inputs(gt_ctx *gt, trial *t, const gt_kind in[])
{
    bool ok = true;
    for (int i = 0; i < t->node.n_in; i++) ok = set_tensor(gt, &t->tensor[i], in[i]) && ok;
    for (int i = 0; i < t->node.n_out; i++) {
        t->node.out[i]->ctx = gt;
        t->node.out[i]->dtype = in[0].dtype;
    }
    t->node.dtype = in[0].dtype;
    if (!ok) gt_fail(gt, GT_ERR_MEMORY, t->node.op->name, "out of memory, or shapes too large");
    return ok;
}

/* Of an operation in place the outputs are the first inputs. */
static bool infer(trial *t)
{
    gt_node *n = &t->node;
    if (n->op->attrs.fill && !gti_attrs_complete(n, NULL /* they have room of their own */))
        return false;
    if (n->op->flags & GT_OP_INTO) n->out = n->in;
    if (!n->op->infer || !n->op->infer(n)) return false;
    for (int i = 0; i < n->n_out; i++) n->out[i]->size = gt_shape_size(n->out[i]->shape);
    return true;
}

static bool check(gt_ctx *gt, const gt_op *op, int n_in, const gt_kind in[])
{
    const bool counts = op->n_in >= 0 ? n_in >= gt_op_least(op) && n_in <= op->n_in
                                      : n_in >= 1 && n_in <= MOST_TENSORS;
    if (!counts)
        gt_fail(gt, GT_ERR_ARGUMENT, op->name, "%d inputs are not what the operation takes", n_in);
    if (op->n_out < 1 || op->n_out > GT_OP_OUTPUTS)
        return gt_fail(gt, GT_ERR_ARGUMENT, op->name,
                       "the operation has %d outputs, can have 1 to %d", op->n_out, GT_OP_OUTPUTS),
               false;
    for (int i = 0; counts && i < n_in; i++)
        if (!gt_is_shape(&in[i].shape) || !gt_dtype_size(in[i].dtype))
            return gt_fail(gt, GT_ERR_ARGUMENT, op->name, "input %d has no shape or dtype", i),
                   false;
        else if (in[i].dtype != in[0].dtype && !(op->flags & GT_OP_MIXED))
            return gt_fail(gt, GT_ERR_DTYPE, op->name, "input %d is %s, the first %s", i,
                           gt_dtype_name(in[i].dtype), gt_dtype_name(in[0].dtype)),
                   false;
    return counts;
}

#undef gt_op_work
gt_status gt_op_work(gt_ctx *gt, const gt_op *op, const void *opts, int n_in, const gt_kind in[],
                     gt_work *work, gt_kind out[])
{
    static const char what[] = "gt_op_work";
    if (!gt || !op || !in || !work)
        return gt_fail(gt, GT_ERR_ARGUMENT, what, "the context, op, in or work is NULL");
    if (gt_failed(gt) || !check(gt, op, n_in, in)) return gt_error_code(gt);
    trial *t = make_trial(op, opts, n_in);
    if (!t) return gt_fail(gt, GT_ERR_MEMORY, what, "out of memory");
    if (set_inputs(gt, t, in) && infer(t)) {
        *work = gt_node_work(&t->node);
        for (int i = 0; out && i < op->n_out; i++)
            out[i] = (gt_kind){t->node.out[i]->shape, t->node.out[i]->dtype};
    } else {
        gti_refuse_silent(&t->node);
    }
    free_trial(t);
    return gt_error_code(gt);
}
