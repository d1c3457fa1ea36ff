/* The table of operators, and running one. */
#include "onnx/op.h"

#include <string.h>

static const gti_onnx_op *const lists[] = {gti_elementwise_ops, gti_shapes_ops, gti_windows_ops,
                                           gti_reductions_ops,  gti_norms_ops,  gti_resizing_ops,
                                           gti_recurrent_ops,   gti_indices_ops};

const gti_onnx_op *gti_op_find(const char *name)
{
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        for (const gti_onnx_op *op = lists[i]; op->name; op++)
            if (!strcmp(op->name, name)) return op;
    return NULL;
}

bool gti_op_takes(const gti_onnx_op *op, const char *attr)
{
    const size_t n = strlen(attr);
    for (const char *at = op->attrs; at && n && (at = strstr(at, attr)); at++)
        if ((at == op->attrs || at[-1] == ' ') && (!at[n] || at[n] == ' ')) return true;
    return false;
}

/* --- one and two inputs --- */

static gt_tensor *run_unary(gti_onnx_call *c)
{
    return gti_call_back(c->node->op->unary(gti_call_real(c->in[0])), c->in[0]);
}

static gt_tensor *run_binary(gti_onnx_call *c)
{
    gt_tensor *a = c->in[0], *b = gti_call_aligned(c, a, c->in[1]);
    if (c->node->op->is_mask) return b ? c->node->op->binary(a, b) : NULL;
    return b ? gti_call_back(c->node->op->binary(gti_call_real(a), gti_call_real(b)), a) : NULL;
}

gt_tensor *gti_op_run(gti_onnx_call *c)
{
    const gti_onnx_op *op = c->node->op;
    for (int i = 0; i < op->least_in; i++)
        if (!gti_call_in(c, i)) return gti_call_fail(c, GT_ERR_FORMAT, "input %d is not there", i);
    return op->unary ? run_unary(c) : op->binary ? run_binary(c) : op->run(c);
}
