/* What the importer does for each operator of ONNX. */
#ifndef GTI_ONNX_OP_H
#define GTI_ONNX_OP_H

#include <gradtape/ops.h>

#include "onnx/model.h"

/* One node being run. */
typedef struct {
    gt_ctx *gt;
    const gti_onnx_node *node;
    const char *path; /* of the model */
    int64_t opset;
    bool training;   /* of the module */
    int n_in, n_out; /* those written in the file; absent ones are NULL */
    gt_tensor **in;
    gt_tensor **out;   /* to be filled in; `wanted` says which are read */
    const bool *owned; /* which inputs are tensors of the module */
    const bool *known; /* which follow from the model and from shapes alone */
    gti_store *store;
} gti_onnx_call;

enum { GTI_ONNX_ANY = 1 << 20 };

/* An operator. Its result is output 0, or with `outputs` the function fills them in itself and
 * returns the first. NULL after a failure. */
struct gti_onnx_op {
    const char *name;
    int least_in, most_in, most_out;
    const char *attrs; /* names of those it has in any version, between spaces: " axis keepdims " */
    unsigned learned;  /* bit i: a floating initializer at input i is a parameter */
    bool shapes_alone; /* looks at shapes, not at values */
    bool is_mask;      /* of binary: its result is a mask, of any dtypes */
    gt_tensor *(*run)(gti_onnx_call *c);
    gt_tensor *(*unary)(gt_tensor *x); /* instead of run: a function of the elements, */
    gt_tensor *(*binary)(gt_tensor *a, gt_tensor *b); /* of those of two that broadcast */
};
const gti_onnx_op *gti_op_find(const char *name);
bool gti_op_takes(const gti_onnx_op *op, const char *attr);

/* Runs the node: its result, or NULL after a failure. */
gt_tensor *gti_op_run(gti_onnx_call *c);

/* Lists by kind, ended by a row without a name. */
extern const gti_onnx_op gti_elementwise_ops[], gti_shapes_ops[], gti_windows_ops[],
    gti_reductions_ops[], gti_norms_ops[], gti_resizing_ops[], gti_recurrent_ops[],
    gti_indices_ops[];

/* --- call.c: what operators share --- */

/* Fails on behalf of the node; NULL. */
gt_tensor *gti_call_fail(const gti_onnx_call *c, gt_status code, const char *fmt, ...)
    GT_PRINTF(3, 4);

/* Input i, NULL where it is absent. */
static inline gt_tensor *gti_call_in(const gti_onnx_call *c, int i)
{
    return i < c->n_in ? c->in[i] : NULL;
}

/* Zeroed bytes that live as long as the call; NULL after a failure. */
void *gti_call_scratch(gti_onnx_call *c, size_t size);

/* Attributes; NULL and `otherwise` where one is not written. */
const gti_onnx_attr *gti_call_attr(const gti_onnx_call *c, const char *name);
int64_t gti_call_int(const gti_onnx_call *c, const char *name, int64_t otherwise);
double gti_call_float(const gti_onnx_call *c, const char *name, double otherwise);
const char *gti_call_text(const gti_onnx_call *c, const char *name, const char *otherwise);

/* Whether values of input i, if it is there, may be looked at: a replay would not look again, so
 * within a captured step (capture.h) they must be known. False after a failure. */
bool gti_call_known(const gti_onnx_call *c, int i);

/* Whole numbers of an attribute or an input: at most GTI_LIST of them. */
enum { GTI_LIST = 64 };
typedef struct {
    int n; /* -1: not there */
    int64_t at[GTI_LIST];
} gti_ints;
/* False after a failure. */
bool gti_call_ints_attr(const gti_onnx_call *c, const char *name, gti_ints *list);
bool gti_call_ints(const gti_onnx_call *c, int i, gti_ints *list);
/* Of input i or, where the version has it so, of the attribute. */
bool gti_call_ints_of(const gti_onnx_call *c, int i, const char *attr, gti_ints *list);

/* An axis of x counted from 0; -1 after a failure. */
int gti_call_axis(const gti_onnx_call *c, int64_t axis, int ndim);
/* b, which up to operator set 6 could be told to begin at an axis of a. NULL after a failure. */
gt_tensor *gti_call_aligned(const gti_onnx_call *c, const gt_tensor *a, gt_tensor *b);
/* A set of axes as a mask, all for an empty or absent list; false after a failure. */
bool gti_call_axes(const gti_onnx_call *c, const gti_ints *list, int ndim, unsigned *axes);

/* x in f64 if it is no floating tensor, and y back in the dtype of the first. */
gt_tensor *gti_call_real(gt_tensor *x);
gt_tensor *gti_call_back(gt_tensor *y, const gt_tensor *like);
/* A tensor of the step with these numbers. */
gt_tensor *gti_call_new_ints(gt_ctx *gt, int n, const int64_t *v);
/* x with one more axis at, or without one of size 1. */
gt_tensor *gti_call_with_axis(gt_tensor *x, int axis);
gt_tensor *gti_call_without_axis(gt_tensor *x, int axis);
/* The product of dimensions from..to-1. */
int64_t gti_call_product(const gt_tensor *x, int from, int to);

#endif
