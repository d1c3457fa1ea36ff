/* Writing a graph as an ONNX model: what operations share. */
#ifndef GTI_ONNX_EMIT_H
#define GTI_ONNX_EMIT_H

#include <gradtape/graph.h>
#include <gradtape/ops.h>

#include "base/proto.h"
#include "graph/reading.h"
#include "onnx/model.h"

typedef struct gti_mapping gti_mapping;

typedef struct {
    gti_reading r;
    const char *as; /* of its mapping */
    int opset;
    gti_proto graph; /* so far */
    gti_proto attrs; /* of the next node */
    int n_made;      /* names and nodes of our own */
} gti_emit;

/* One operation: writes n's outputs (gti_emit_out); false after a failure. */
struct gti_mapping {
    const char *op;
    bool (*emit)(gti_emit *e);
    const char *as;     /* their operator, where `emit` serves several (e->as) */
    const char *reason; /* instead: why there is none */
};
const gti_mapping *gti_export_mapping(const char *op);
extern const gti_mapping gti_emit_elementwise_list[], gti_emit_shapes_list[],
    gti_emit_windows_list[], gti_emit_products_list[], gti_emit_reductions_list[],
    gti_emit_norms_list[];

/* Fails on behalf of the present operation; false. */
bool gti_emit_fail(const gti_emit *e, gt_status code, const char *fmt, ...) GT_PRINTF(3, 4);

/* --- the present operation --- */

const gt_graph_value *gti_emit_value(const gti_emit *e, int i); /* input i */
const gt_graph_value *gti_emit_result(const gti_emit *e, int i);
const char *gti_emit_in(const gti_emit *e, int i); /* its name, "" where it is not there */
const char *gti_emit_out(const gti_emit *e, int i);
/* Attributes by name; numbers of pairs by place. */
int64_t gti_emit_whole(const gti_emit *e, const char *attr, int i);
double gti_emit_real(const gti_emit *e, const char *attr);
/* Its attribute "axis", counted from 0 in ndim dimensions. */
int gti_emit_axis(const gti_emit *e, int ndim);
/* The dimensions of input 0 that its attribute "axes" names, all for none; how many. */
int gti_emit_axes(const gti_emit *e, int64_t axes[GT_MAX_DIMS]);
/* Axes that follow each other, from one that may count from the end. */
const int64_t *gti_emit_axes_from(int first);
/* Of the first attribute of this kind that has no name: it is the operation's own. */
int64_t gti_emit_hidden(const gti_emit *e, gt_attr_kind kind, int i);
/* Whether the present node, a product of matrices, is written together with the sum behind it. */
bool gti_emit_products_folded(const gti_emit *e, const gt_graph_node *n);
/* Whether output i is read, or the graph's result. */
bool gti_emit_is_read(const gti_emit *e, int i);

/* --- nodes --- */

/* Attributes of the node that is written next. */
void gti_emit_attr_int(gti_emit *e, const char *name, int64_t v);
void gti_emit_attr_float(gti_emit *e, const char *name, double v);
void gti_emit_attr_text(gti_emit *e, const char *name, const char *v);
void gti_emit_attr_ints(gti_emit *e, const char *name, int n, const int64_t *v);

/* Writes a node with one output: `out`, or a new name where it is NULL. Returns that. */
const char *gti_emit_node(gti_emit *e, const char *type, const char *out, int n,
                          const char *const in[]);
#define GTI_EMIT(e, type, out, ...)                                                                \
    gti_emit_node(e, type, out, (int)(sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *)),     \
                  (const char *const[]){__VA_ARGS__})

/* --- constants: names of new initializers --- */
const char *gti_emit_ints(gti_emit *e, int n, const int64_t *v);
const char *gti_emit_number(gti_emit *e, gt_dtype dtype, double v); /* [] */
const char *gti_emit_scalar(gti_emit *e, double v);                 /* [], of input 0's dtype */
const char *gti_emit_array(gti_emit *e, gt_dtype dtype, gt_shape shape, const double *v);
/* x in another shape, of which dimensions may grow with the batch: a node's name, as below. */
const char *gti_emit_reshape(gti_emit *e, const char *x, const char *out, const gt_shape *shape,
                             const int64_t *more);
/* A shape of which dimensions may grow with the batch: `more` of each for each item more. */
const char *gti_emit_shape(gti_emit *e, const gt_shape *shape, const int64_t *more);

/* Of x a value of another dtype, and a mask as the truth values that ONNX wants, or back. */
const char *gti_emit_cast(gti_emit *e, const char *x, const char *out, int type);
int gti_emit_type(gt_dtype dtype);

/* Input i, [c], as [c,1,..] beside x [n,c,..]. */
const char *gti_emit_channels(gti_emit *e, int i);
/* Where reductions have their axes differs by operator set. */
const char *gti_emit_reduce(gti_emit *e, const char *type, const char *x, const char *out, int n,
                            const int64_t *axes, bool keepdims);

/* A TensorProto into a message's field. */
void gti_emit_tensor(gti_proto *p, int field, const char *name, gt_dtype dtype,
                     const gt_shape *shape, const void *data);

#endif
