/* Nodes, attributes and constants of a model that is written. */
#include <stdlib.h>
#include <string.h>

#include "onnx/emit.h"

bool gti_emit_fail(const gti_emit *e, gt_status code, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    gti_reading_vfail(&e->r, code, fmt, args);
    va_end(args);
    return false;
}

/* --- the present operation --- */

const gt_graph_value *gti_emit_value(const gti_emit *e, int i)
{
    return gti_reading_value(&e->r, i);
}

const gt_graph_value *gti_emit_result(const gti_emit *e, int i)
{
    return gti_reading_result(&e->r, i);
}

const char *gti_emit_in(const gti_emit *e, int i)
{
    return i < e->r.n->n_in && e->r.n->in[i] >= 0 ? e->r.name[e->r.n->in[i]] : "";
}

const char *gti_emit_out(const gti_emit *e, int i)
{
    return e->r.name[e->r.n->out[i]];
}

int64_t gti_emit_whole(const gti_emit *e, const char *attr, int i)
{
    return gti_reading_whole(&e->r, attr, i);
}

double gti_emit_real(const gti_emit *e, const char *attr)
{
    return gti_reading_real(&e->r, attr, 0);
}

int gti_emit_axis(const gti_emit *e, int ndim)
{
    return gti_reading_axis(&e->r, ndim);
}

const int64_t *gti_emit_axes_from(int first)
{
    static const int64_t axes[] = {-8, -7, -6, -5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5, 6, 7};
    _Static_assert(sizeof axes / sizeof *axes == 2 * GT_MAX_DIMS, "every axis from both ends");
    return axes + GT_MAX_DIMS + first;
}

int gti_emit_axes(const gti_emit *e, int64_t axes[GT_MAX_DIMS])
{
    return gti_reading_axes(&e->r, axes);
}

int64_t gti_emit_hidden(const gti_emit *e, gt_attr_kind kind, int i)
{
    return gti_reading_hidden(&e->r, kind, i);
}

bool gti_emit_is_read(const gti_emit *e, int i)
{
    return e->r.readers[e->r.n->out[i]] > 0;
}

/* --- nodes --- */

static void add_text(gti_proto *p, int field, const char *text)
{
    gti_proto_bytes(p, field, text ? text : "", text ? strlen(text) : 0);
}

static void add_attr(gti_emit *e, gti_proto *a, const char *name, int type)
{
    add_text(a, 1, name);
    gti_proto_int(a, 20, type);
    gti_proto_message(&e->attrs, 5, a);
}

void gti_emit_attr_int(gti_emit *e, const char *name, int64_t v)
{
    gti_proto a = {0};
    gti_proto_int(&a, 3, v);
    add_attr(e, &a, name, GTI_ATTR_INT);
}

void gti_emit_attr_float(gti_emit *e, const char *name, double v)
{
    gti_proto a = {0};
    gti_proto_float(&a, 2, (float)v);
    add_attr(e, &a, name, GTI_ATTR_FLOAT);
}

void gti_emit_attr_text(gti_emit *e, const char *name, const char *v)
{
    gti_proto a = {0};
    add_text(&a, 4, v);
    add_attr(e, &a, name, GTI_ATTR_STRING);
}

void gti_emit_attr_ints(gti_emit *e, const char *name, int n, const int64_t *v)
{
    gti_proto a = {0};
    for (int i = 0; i < n; i++) gti_proto_int(&a, 8, v[i]);
    add_attr(e, &a, name, GTI_ATTR_INTS);
}

static const char *new_name(gti_emit *e, const char *kind)
{
    char *name = gti_store_get(&e->r.store, strlen(e->r.place) + strlen(kind) + 32, 1);
    if (name) sprintf(name, "%s/%s_%d", e->r.place, kind, e->n_made++);
    return name ? name : "";
}

const char *gti_emit_node(gti_emit *e, const char *type, const char *out, int n,
                          const char *const in[])
{
    gti_proto node = {0};
    if (!out) out = new_name(e, type);
    while (n && !*in[n - 1]) n--; /* absent ones at the end are not written */
    for (int i = 0; i < n; i++) add_text(&node, 1, in[i]);
    add_text(&node, 2, out);
    add_text(&node, 3, new_name(e, "node"));
    add_text(&node, 4, type);
    gti_proto_append(&node, &e->attrs);
    gti_proto_message(&e->graph, 1, &node);
    return out;
}

/* --- constants --- */

int gti_emit_type(gt_dtype dtype)
{
    static const int type[GT_N_DTYPES] = {[GT_F32] = GTI_ONNX_FLOAT,
                                          [GT_F64] = GTI_ONNX_DOUBLE,
                                          [GT_I64] = GTI_ONNX_INT64,
                                          [GT_U8] = GTI_ONNX_UINT8};
    return type[dtype];
}

/* The format is little-endian. */
static void put_elements(gti_proto *p, int64_t n, size_t size, const uint8_t *from)
{
    const uint16_t one = 1;
    const bool little = *(const uint8_t *)&one;
    uint8_t *bytes = little || size == 1 ? NULL : malloc((size_t)n * size + 1);
    if (!bytes && !little && size > 1) p->failed = true;
    for (size_t i = 0; bytes && i < (size_t)n * size; i++)
        bytes[i] = from[i / size * size + (size - 1 - i % size)];
    gti_proto_bytes(p, 9, bytes ? bytes : from, (size_t)n * size);
    free(bytes);
}

void gti_emit_tensor(gti_proto *p, int field, const char *name, gt_dtype dtype,
                     const gt_shape *shape, const void *data)
{
    gti_proto t = {0};
    int64_t n = 1;
    for (int i = 0; i < shape->ndim; i++) {
        gti_proto_int(&t, 1, shape->dim[i]);
        n *= shape->dim[i];
    }
    gti_proto_int(&t, 2, gti_emit_type(dtype));
    add_text(&t, 8, name);
    put_elements(&t, n, gt_dtype_size(dtype), data);
    gti_proto_message(p, field, &t);
}

const char *gti_emit_ints(gti_emit *e, int n, const int64_t *v)
{
    const gt_shape shape = {.ndim = 1, .dim = {n}};
    const char *name = new_name(e, "ints");
    gti_emit_tensor(&e->graph, 5, name, GT_I64, &shape, v);
    return name;
}

const char *gti_emit_array(gti_emit *e, gt_dtype dtype, gt_shape shape, const double *v)
{
    const char *name = new_name(e, "constant");
    const int64_t n = gt_shape_size(shape);
    union {
        float *f;
        double *d;
        int64_t *i;
        uint8_t *u;
        void *any;
    } to = {.any = gti_store_get(&e->r.store, (size_t)n, gt_dtype_size(dtype))};
    for (int64_t k = 0; to.any && k < n; k++) {
        switch (dtype) {
        case GT_F32: to.f[k] = (float)v[k]; break;
        case GT_F64: to.d[k] = v[k]; break;
        case GT_I64: to.i[k] = (int64_t)v[k]; break;
        case GT_U8: to.u[k] = (uint8_t)v[k]; break;
        }
    }
    if (to.any) gti_emit_tensor(&e->graph, 5, name, dtype, &shape, to.any);
    return name;
}

const char *gti_emit_number(gti_emit *e, gt_dtype dtype, double v)
{
    return gti_emit_array(e, dtype, GT_SCALAR, &v);
}

const char *gti_emit_scalar(gti_emit *e, double v)
{
    return gti_emit_number(e, gti_emit_value(e, 0)->dtype, v);
}

/* The present batch: dimension 0 of the first input of the graph. */
static const char *batch_of(gti_emit *e)
{
    int at = 0;
    while (at < e->r.g->n_values - 1 && e->r.g->value[at].kind != GT_VALUE_INPUT) at++;
    const char *shape = GTI_EMIT(e, "Shape", NULL, e->r.name[at]);
    return GTI_EMIT(e, "Gather", NULL, shape, gti_emit_ints(e, 1, (int64_t[]){0}));
}

const char *gti_emit_shape(gti_emit *e, const gt_shape *shape, const int64_t *more)
{
    int growing = 0;
    for (int i = 0; i < shape->ndim; i++) growing += more[i] != 0;
    if (!growing) return gti_emit_ints(e, shape->ndim, shape->dim);
    const char *part[GT_MAX_DIMS], *batch = batch_of(e);
    for (int i = 0; i < shape->ndim; i++) {
        const int64_t rest = shape->dim[i] - more[i] * e->r.g->batch;
        if (more[i] == 1) part[i] = batch;
        else part[i] = gti_emit_ints(e, 1, more[i] ? &more[i] : &shape->dim[i]);
        if (more[i] && more[i] != 1) part[i] = GTI_EMIT(e, "Mul", NULL, batch, part[i]);
        if (more[i] && rest)
            part[i] = GTI_EMIT(e, "Add", NULL, part[i], gti_emit_ints(e, 1, &rest));
    }
    gti_emit_attr_int(e, "axis", 0);
    return gti_emit_node(e, "Concat", NULL, shape->ndim, part);
}

const char *gti_emit_reshape(gti_emit *e, const char *x, const char *out, const gt_shape *shape,
                             const int64_t *more)
{
    int64_t dim[GT_MAX_DIMS];
    int growing = 0;
    for (int i = 0; i < shape->ndim; i++) {
        growing += more[i] != 0;
        dim[i] = more[i] ? -1 : shape->dim[i]; /* what the number of elements leaves */
    }
    const bool fixed = growing < 2 && gt_shape_size(*shape);
    const char *to = fixed ? gti_emit_ints(e, shape->ndim, dim) : gti_emit_shape(e, shape, more);
    if (!gt_shape_size(*shape)) gti_emit_attr_int(e, "allowzero", 1);
    return GTI_EMIT(e, "Reshape", out, x, to);
}

/* --- what several operations need --- */

const char *gti_emit_cast(gti_emit *e, const char *x, const char *out, int type)
{
    gti_emit_attr_int(e, "to", type);
    return GTI_EMIT(e, "Cast", out, x);
}

const char *gti_emit_channels(gti_emit *e, int i)
{
    const int n = gti_emit_value(e, 0)->shape.ndim - 2;
    if (n <= 0) return gti_emit_in(e, i);
    return GTI_EMIT(e, "Unsqueeze", NULL, gti_emit_in(e, i),
                    gti_emit_ints(e, n, gti_emit_axes_from(1)));
}

const char *gti_emit_reduce(gti_emit *e, const char *type, const char *x, const char *out, int n,
                            const int64_t *axes, bool keepdims)
{
    const bool input = e->opset >= 18 || !strcmp(type, "ReduceSum");
    const bool length = !strcmp(type, "ReduceL1") || !strcmp(type, "ReduceL2");
    if (!n) return GTI_EMIT(e, length ? "Abs" : "Identity", out, x); /* of a number */
    if (!keepdims) gti_emit_attr_int(e, "keepdims", 0);
    if (!input) gti_emit_attr_ints(e, "axes", n, axes);
    return GTI_EMIT(e, type, out, x, input ? gti_emit_ints(e, n, axes) : "");
}
