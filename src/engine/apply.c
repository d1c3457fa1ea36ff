/* Running an operation and recording it. */
#include <string.h>

#include "engine/attrs.h"
#include "engine/context.h"
#include "kernels/kernels.h"
#include <gradtape/ops.h>

#undef gt_apply
#undef gt_apply_n

/* Of a node that lives on the stack: inputs and outputs, bytes of the plan. */
enum { FRAME_TENSORS = 12, FRAME_PLAN = 384 };

#define LIKELY(x) __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)
#define ALWAYS __attribute__((always_inline))

/* --- the straight way --- */

static inline void *copy_words(void *to, const void *from, size_t size)
{
    size_t i = 0;
    for (; i + 16 <= size; i += 16) memcpy((char *)to + i, (const char *)from + i, 16);
    for (; i + 8 <= size; i += 8) memcpy((char *)to + i, (const char *)from + i, 8);
    for (; i < size; i++) ((char *)to)[i] = ((const char *)from)[i];
    return to;
}

/* All inputs are there, alive, of one context and dtype: the common case, in one pass. */
static inline bool inputs_ok(const gt_op *op, int n_in, gt_tensor *const in[], uint64_t *needs)
{
    if (UNLIKELY(!in[0])) return false;
    const gt_ctx *gt = in[0]->ctx;
    const gt_dtype dtype = in[0]->dtype;
    bool other_ctx = false, other_dtype = false;
    unsigned flags = 0;
    *needs = 0;
    for (int i = 0; i < n_in; i++) {
        if (UNLIKELY(!in[i])) return false;
        const gti_tensor *t = gti_t(in[i]);
        flags |= t->flags | t->base->flags;
        other_ctx |= t->pub.ctx != gt;
        other_dtype |= t->pub.dtype != dtype;
        *needs |= (uint64_t)t->pub.requires_grad << (i < 63 ? i : 63);
    }
    if (UNLIKELY(gt->failed | other_ctx | ((flags & (GTI_DEAD | GTI_RELEASED)) != 0))) return false;
    return LIKELY(!other_dtype) || op->flags & GT_OP_MIXED;
}

static bool share_data(gt_node *n)
{
    if (n->op->flags & GT_OP_INTO) return gti_refuse_change(n);
    gti_tensor *y = gti_t(n->out[0]);
    const gti_tensor *x = gti_t(n->in[0]);
    y->pub.size = x->pub.size;
    y->pub.data = x->pub.data;
    y->base = x->base;
    return true;
}

static void prefill(const gt_node *n, gti_prefill how)
{
    for (int i = 0; i < n->n_out; i++) {
        const gt_tensor *t = n->out[i];
        const uint32_t nan32 = GTI_PREFILL_F32;
        const uint64_t nan64 = GTI_PREFILL_F64;
        const size_t element = gt_dtype_size(t->dtype), n_bytes = (size_t)t->size * element;
        char *data = t->data;
        gti_pool_fence(&t->ctx->pool, data, n_bytes, gti_t(t)->size_class);
        if (!gt_is_floating(t->dtype)) memset(data, gti_prefill_byte(how), n_bytes);
        else if (element == sizeof nan64)
            for (size_t k = 0; k < n_bytes; k += sizeof nan64) memcpy(data + k, &nan64, 8);
        else
            for (size_t k = 0; k < n_bytes; k += sizeof nan32) memcpy(data + k, &nan32, 4);
    }
}

static bool keeps_to_outputs(const gt_node *n)
{
    for (int i = 0; i < n->n_out; i++) {
        const gt_tensor *t = n->out[i];
        const void *const data = t->data;
        const size_t n_bytes = (size_t)t->size * gt_dtype_size(t->dtype);
        if (!gti_pool_is_whole(&t->ctx->pool, data, n_bytes, gti_t(t)->size_class))
            return gti_refuse_beyond(n, "an output");
    }
    return true;
}

static inline bool run_unscratched(gt_node *n)
{
    const gt_op *op = n->op;
    if (op->elements[n->dtype]) {
        const int64_t size = n->out[0]->size;
        if (LIKELY(size <= n->in[0]->ctx->few)) op->elements[n->dtype](n, 0, size);
        else gti_threads_run_elements(n);
    } else if (op->forward[n->dtype]) {
        op->forward[n->dtype](n);
        return LIKELY(!n->in[0]->ctx->failed); /* over a value that it looked at */
    } else if (UNLIKELY(!op->parts[n->dtype])) {
        return gti_refuse_dtype(n);
    } else if (LIKELY(gti_apply_one_part(n))) {
        op->parts[n->dtype](n, &(gt_range){.end = 1});
    } else {
        return gti_threads_run_stages(n);
    }
    return true;
}

static bool run_with_scratch(gt_node *n)
{
    gt_ctx *gt = n->in[0]->ctx;
    int size_class;
    n->scratch = gti_pool_get(&gt->pool, n->scratch_size, &size_class);
    if (!n->scratch)
        return gt_op_fail(n, GT_ERR_MEMORY, "no memory for %zu bytes of scratch", n->scratch_size);
    if (gt->prefill) gti_pool_fence(&gt->pool, n->scratch, n->scratch_size, size_class);
    const bool ok = run_unscratched(n);
    const bool whole =
        !gt->prefill || gti_pool_is_whole(&gt->pool, n->scratch, n->scratch_size, size_class);
    gti_pool_put(&gt->pool, n->scratch, size_class);
    n->scratch = NULL;
    return ok && (whole || gti_refuse_beyond(n, "its scratch"));
}

static inline bool run(gt_node *n)
{
    return n->scratch_size ? run_with_scratch(n) : run_unscratched(n);
}

static bool can_run(const gt_node *n)
{
    const gt_op *op = n->op;
    return op->elements[n->dtype] || op->forward[n->dtype] || op->parts[n->dtype];
}

/* Whole numbers are 0, which is an index that is likely to be valid. */
static bool skip_forward(const gt_node *n)
{
    for (int i = 0; i < n->n_out; i++) {
        const gt_tensor *t = n->out[i];
        if (!gt_is_floating(t->dtype))
            memset(t->data, 0, (size_t)t->size * gt_dtype_size(t->dtype));
    }
    return true;
}

static void take_over(gti_tensor *y, gti_tensor *x)
{
    y->pub.size = x->pub.size;
    y->pub.data = x->pub.data;
    y->size_class = x->size_class;
    x->flags |= GTI_RELEASED | GTI_GIVEN;
}

static bool run_probed(gt_node *n)
{
    gti_probe *p = n->in[0]->ctx->probe;
    if (!p) return run(n);
    p->begin(p);
    const bool ok = run(n);
    p->end(p, &n, 1);
    return ok;
}

static GTI_COLD bool compute_watched(gt_node *n)
{
    const gt_ctx *gt = n->in[0]->ctx;
    if (gt->over) take_over(gti_t(n->out[0]), gti_t(n->in[0]));
    for (int i = gt->over; i < n->n_out; i++)
        if (!gti_allocate(gti_t(n->out[i]), n->op->name)) return false;
    if (gt->shapes_only) return can_run(n) ? skip_forward(n) : gti_refuse_dtype(n);
    if (gt->prefill) prefill(n, gt->prefill);
    if (!run_probed(n)) return false;
    if (gt->prefill && !keeps_to_outputs(n)) return false;
    return !gt->anomaly || gti_anomaly_outputs_finite(n);
}

static inline ALWAYS bool compute(gt_node *n, const int n_out)
{
    if (n->op->flags & (GT_OP_VIEW | GT_OP_INTO)) return share_data(n);
    if (UNLIKELY(n->in[0]->ctx->watched)) return compute_watched(n);
    for (int i = 0; i < n_out; i++)
        if (UNLIKELY(!gti_allocate(gti_t(n->out[i]), n->op->name))) return false;
    return run(n);
}

static inline void link_node(gt_ctx *gt, gti_node *n)
{
    n->scope = gt->scope;
    n->stretch = gt->stretch;
    n->id = ++gt->clock;
    n->path = 0;
    n->swept = gt->swept;
    n->awaited = 0;
    n->again = false;
    n->spent = false;
    n->index = gt->n_nodes++;
    n->next = NULL;
    n->prev = gt->last_node;
    if (n->prev) n->prev->next = n;
    else gt->first_node = n;
    gt->last_node = n;
}

static inline void record(gt_ctx *gt, gti_node *n, const int n_out)
{
    link_node(gt, n);
    for (int i = 0; i < n_out; i++) {
        gti_tensor *y = gti_t(n->pub.out[i]);
        y->pub.requires_grad = n->pub.needs && gt_is_floating(y->pub.dtype);
        y->node = n;
    }
}

bool gt_set_shapes_only(gt_ctx *gt, bool on)
{
    if (!gt) return false;
    const bool old = gt->shapes_only;
    if (gt == gti_context_dead()) return old;
    gt->shapes_only = on;
    gti_update_watched(gt);
    return old;
}

static GTI_COLD bool run_again_watched(gt_node *n)
{
    if (!run_probed(n)) return false;
    if (!(n->op->flags & GT_OP_INTO)) return true;
    for (int i = 0; i < n->n_out; i++) gti_touch(n->out[i]);
    const gt_ctx *gt = n->in[0]->ctx;
    const bool gathers =
        gti_in_sweep(gt) && n->op == &gt_op_accumulate; /* looked at once complete */
    return !gt->anomaly || gathers || gti_anomaly_outputs_finite(n);
}

bool gti_apply_run(gt_node *n)
{
    if (n->op->flags & GT_OP_VIEW) return true;
    if (UNLIKELY(n->in[0]->ctx->watched)) return run_again_watched(n);
    if (!run(n)) return false;
    if (!(n->op->flags & GT_OP_INTO)) return true;
    for (int i = 0; i < n->n_out; i++) gti_touch(n->out[i]);
    return true;
}

void gti_apply_record_change(gti_node *n)
{
    link_node(n->pub.in[0]->ctx, n);
}

/* Headers that belong to a call that failed are dead from birth. */
static void bury(const gt_node *n)
{
    for (int i = 0; i < n->n_out; i++) {
        gti_tensor *t = gti_t(n->out[i]);
        if (!t->pub.data) t->flags |= GTI_RELEASED;
        t->flags |= GTI_DEAD;
        gti_release(t);
    }
}

/* They mean nothing for other operations. */
static inline void clear_parts(gt_node *n)
{
    n->worker_scratch = 0;
    for (int s = 0; s < GT_OP_STAGES; s++) n->parts[s] = 0;
}

/* A node on the stack, of a call that is not recorded. */
typedef struct {
    gti_node node;
    gt_tensor *tensors[FRAME_TENSORS];
    int64_t plan[FRAME_PLAN / sizeof(int64_t)];
    int64_t opts[GTI_FRAME_OPTS / sizeof(int64_t)];
} frame;

/* A node in the arena, with room behind it for its tensors, options and plan. */
static inline ALWAYS gti_node *node_in_arena(gt_ctx *gt, const gt_op *op, const void *opts,
                                             const int tensors)
{
    const size_t pointers = (size_t)tensors * sizeof(gt_tensor *);
    const size_t opts_size = (op->opts_size + 7) & ~(size_t)7;
    gti_node *n = gti_arena_get(&gt->step, sizeof *n + pointers + opts_size + op->plan_size);
    if (UNLIKELY(!n)) return gt_fail(gt, GT_ERR_MEMORY, op->name, "out of memory"), NULL;
    n->pub.in = (gt_tensor **)(n + 1);
    n->pub.opts = copy_words((char *)(n + 1) + pointers, opts, op->opts_size);
    n->pub.plan = (char *)(n + 1) + pointers + opts_size;
    return n;
}

static inline ALWAYS gti_node *node_on_stack(frame *f, const void *opts)
{
    f->node.pub.in = f->tensors;
    f->node.pub.opts = opts;
    f->node.pub.plan = f->plan;
    return &f->node;
}

/* Inputs, and outputs without data. */
static inline ALWAYS bool fill_node(gt_ctx *gt, gt_node *n, const gt_op *op, const int n_in,
                                    gt_tensor *const in[], const int n_out)
{
    n->op = op;
    n->out = n->in + n_in;
    n->n_in = n_in;
    n->n_out = n_out;
    n->dtype = in[0]->dtype;
    n->scratch_size = 0;
    if (!op->elements[in[0]->dtype] && !op->forward[in[0]->dtype]) clear_parts(n);
    n->scratch = NULL;
    for (int i = 0; i < n_in; i++) n->in[i] = in[i];
    const unsigned born = gti_in_sweep(gt) ? GTI_ENGINE : 0;
    for (int i = 0; i < n_out; i++) {
        gti_tensor *y = gti_header(gt);
        if (UNLIKELY(!y)) return false;
        y->flags = (uint16_t)born;
        y->pub.dtype = in[0]->dtype;
        n->out[i] = &y->pub;
    }
    return true;
}

static GTI_COLD bool fail_call(const gt_node *n)
{
    gti_refuse_silent(n);
    bury(n);
    return false;
}

/* gt_apply with counts known to the compiler where they are worth it. Outputs go to `out`. */
static inline ALWAYS bool apply(const gt_op *op, const void *opts, const int n_in,
                                gt_tensor *const in[], const int n_out, gt_tensor *out[])
{
    uint64_t needs;
    if (UNLIKELY(!inputs_ok(op, n_in, in, &needs))) {
        gti_refuse_inputs(op, n_in, in);
        return false;
    }
    gt_ctx *gt = in[0]->ctx;
    if (UNLIKELY(!opts & (op->opts_size != 0)) && !(opts = gti_attrs_none(gt, op))) return false;
    bool recorded = gt->recording && (needs || gt->record_all);
    if (UNLIKELY(gt->recording_all)) {
        recorded = true;
        if (!gt->recording) needs = 0;
    }
    frame f;
    const bool large = n_in + n_out > FRAME_TENSORS || op->plan_size > FRAME_PLAN;
    gti_node *n =
        recorded || large ? node_in_arena(gt, op, opts, n_in + n_out) : node_on_stack(&f, opts);
    if (UNLIKELY(!n)) return false;
    n->pub.needs = needs;
    if (UNLIKELY(!fill_node(gt, &n->pub, op, n_in, in, n_out))) return false;
    if (UNLIKELY((op->attrs.fill && !gti_attrs_complete(&n->pub, f.opts)) || !op->infer ||
                 !op->infer(&n->pub) || !compute(&n->pub, n_out)))
        return fail_call(&n->pub);
    if (recorded) record(gt, n, n_out);
    for (int i = 0; i < n_out; i++) out[i] = n->pub.out[i];
    return true;
}

static bool apply_any(const gt_op *op, const void *opts, int n_in, gt_tensor *const in[],
                      gt_tensor *out[])
{
    if (op->n_in >= 0 ? n_in > op->n_in || n_in < gt_op_least(op) : n_in < 1)
        gti_refuse_count(op, n_in, in);
    else if (op->n_out < 1 || op->n_out > GT_OP_OUTPUTS) gti_refuse_outputs(op, n_in, in);
    else return apply(op, opts, n_in, in, op->n_out, out);
    return false;
}

gt_tensor *gt_apply(const gt_op *op, const void *opts, int n_in, gt_tensor *const in[])
{
    gt_tensor *out[GT_OP_OUTPUTS];
    bool ok;
    if (LIKELY(op->n_out == 1 && op->n_in == n_in && n_in == 1))
        ok = apply(op, opts, 1, in, 1, out);
    else if (LIKELY(op->n_out == 1 && n_in == 2 && (op->n_in == 2 || op->n_least == 2)))
        ok = apply(op, opts, 2, in, 1, out);
    else ok = apply_any(op, opts, n_in, in, out);
    return ok ? out[0] : NULL;
}

gt_status gt_apply_n(const gt_op *op, const void *opts, int n_in, gt_tensor *const in[],
                     gt_tensor *out[])
{
    if (apply_any(op, opts, n_in, in, out)) return GT_OK;
    for (int i = 0; i < op->n_out; i++) out[i] = NULL;
    const gt_ctx *gt = gti_refuse_context(n_in, in);
    return gt ? gt_error_code(gt) : GT_ERR_ARGUMENT;
}
