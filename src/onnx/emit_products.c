/* ONNX nodes for products of matrices. */
#include <string.h>

#include "onnx/emit.h"

/* x with its last two dimensions exchanged. */
static const char *transposed(gti_emit *e, int i)
{
    const int n = gti_emit_value(e, i)->shape.ndim;
    int64_t perm[GT_MAX_DIMS];
    for (int k = 0; k < n; k++) perm[k] = k < n - 2 ? k : 2 * n - 3 - k;
    gti_emit_attr_ints(e, "perm", n, perm);
    return GTI_EMIT(e, "Transpose", NULL, gti_emit_in(e, i));
}

static bool is_transposed(const gti_emit *e, const gt_graph_node *n, const char *which)
{
    (void)e;
    return gt_attr_whole(gt_attr_find(&n->op->attrs, which), n->opts, 0) != 0;
}

/* Two matrices, of which one is transposed, and a row or number that is added by the one reader. */
bool gti_emit_products_folded(const gti_emit *e, const gt_graph_node *n)
{
    const gt_graph_value *value = e->r.g->value;
    if (strcmp(n->op->name, "matmul") != 0 || e->r.readers[n->out[0]] != 1 ||
        n->out[0] == e->r.g->result)
        return false;
    const gt_graph_node *add = &e->r.g->node[e->r.reader[n->out[0]]];
    const bool flat = value[n->in[0]].shape.ndim == 2 && value[n->in[1]].shape.ndim == 2;
    return flat && !strcmp(add->op->name, "add") && add->in[0] == n->out[0] &&
           value[add->in[1]].shape.ndim <= 1 &&
           (is_transposed(e, n, "transpose_a") || is_transposed(e, n, "transpose_b"));
}

/* a b, and c added where it is not "". */
static void gemm(gti_emit *e, const gt_graph_node *n, const char *c)
{
    if (is_transposed(e, n, "transpose_a")) gti_emit_attr_int(e, "transA", 1);
    if (is_transposed(e, n, "transpose_b")) gti_emit_attr_int(e, "transB", 1);
    GTI_EMIT(e, "Gemm", gti_emit_out(e, 0), e->r.name[n->in[0]], e->r.name[n->in[1]], c);
}

static bool emit_matmul(gti_emit *e)
{
    const gt_graph_value *a = gti_emit_value(e, 0), *b = gti_emit_value(e, 1);
    const bool ta = is_transposed(e, e->r.n, "transpose_a"),
               tb = is_transposed(e, e->r.n, "transpose_b");
    if (gti_emit_products_folded(e, e->r.n)) return true;
    if ((ta || tb) && a->shape.ndim == 2 && b->shape.ndim == 2) {
        gemm(e, e->r.n, "");
        return true;
    }
    const char *left = ta && a->shape.ndim > 1 ? transposed(e, 0) : gti_emit_in(e, 0);
    const char *right = tb && b->shape.ndim > 1 ? transposed(e, 1) : gti_emit_in(e, 1);
    GTI_EMIT(e, "MatMul", gti_emit_out(e, 0), left, right);
    return true;
}

/* A product and its bias are one node. */
static bool emit_add(gti_emit *e)
{
    const int from = gti_emit_value(e, 0)->node;
    const gt_graph_node *n = from >= 0 ? &e->r.g->node[from] : NULL;
    if (n && gti_emit_products_folded(e, n)) gemm(e, n, gti_emit_in(e, 1));
    else GTI_EMIT(e, "Add", gti_emit_out(e, 0), gti_emit_in(e, 0), gti_emit_in(e, 1));
    return true;
}

const gti_mapping gti_emit_products_list[] = {
    {"matmul", .emit = emit_matmul},
    {"add", .emit = emit_add},
    {0},
};
