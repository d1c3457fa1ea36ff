/* What the operators share: attributes, lists of numbers, axes. */
#include <string.h>

#include <gradtape/capture.h>

#include "onnx/op.h"

gt_tensor *gti_call_fail(const gti_onnx_call *c, gt_status code, const char *fmt, ...)
{
    char text[512], name[GTI_NAMES_SHOWN];
    va_list args;
    va_start(args, fmt);
    gt_vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    gt_fail(c->gt, code, c->node->type, "node '%s': %s", gti_names_show(c->node->name, name), text);
    return NULL;
}

void *gti_call_scratch(gti_onnx_call *c, size_t size)
{
    void *bytes = gti_store_get(c->store, size, 1);
    if (!bytes) gti_call_fail(c, GT_ERR_MEMORY, "out of memory");
    return bytes;
}

/* --- attributes --- */

const gti_onnx_attr *gti_call_attr(const gti_onnx_call *c, const char *name)
{
    for (int i = 0; i < c->node->n_attrs; i++)
        if (!strcmp(c->node->attr[i].name, name)) return &c->node->attr[i];
    return NULL;
}

int64_t gti_call_int(const gti_onnx_call *c, const char *name, int64_t otherwise)
{
    const gti_onnx_attr *a = gti_call_attr(c, name);
    return a ? a->i : otherwise;
}

double gti_call_float(const gti_onnx_call *c, const char *name, double otherwise)
{
    const gti_onnx_attr *a = gti_call_attr(c, name);
    return a ? a->f : otherwise;
}

const char *gti_call_text(const gti_onnx_call *c, const char *name, const char *otherwise)
{
    const gti_onnx_attr *a = gti_call_attr(c, name);
    return a ? a->s : otherwise;
}

/* --- lists --- */

bool gti_call_ints_attr(const gti_onnx_call *c, const char *name, gti_ints *list)
{
    const gti_onnx_attr *a = gti_call_attr(c, name);
    list->n = a ? a->n : -1;
    if (list->n > GTI_LIST) {
        gti_call_fail(c, GT_ERR_UNSUPPORTED, "%s has %d numbers, more than %d", name, a->n,
                      GTI_LIST);
        return false;
    }
    for (int i = 0; i < list->n; i++) list->at[i] = a->ints ? a->ints[i] : 0;
    return true;
}

bool gti_call_known(const gti_onnx_call *c, int i)
{
    if (!gti_call_in(c, i) || c->known[i] || !gt_is_capturing(c->gt)) return true;
    gti_call_fail(c, GT_ERR_UNSUPPORTED,
                  "cannot be captured: what it does depends on the values of input %d", i);
    return false;
}

bool gti_call_ints(const gti_onnx_call *c, int i, gti_ints *list)
{
    const gt_tensor *t = gti_call_in(c, i);
    list->n = -1;
    if (!t) return true;
    if (!gti_call_known(c, i)) return false;
    if (t->size > GTI_LIST) {
        gti_call_fail(c, GT_ERR_UNSUPPORTED, "input %d has %lld numbers, more than %d", i,
                      (long long)t->size, GTI_LIST);
        return false;
    }
    list->n = (int)t->size;
    for (int k = 0; k < list->n; k++)
        list->at[k] =
            t->dtype == GT_I64 ? ((const int64_t *)t->data)[k] : (int64_t)gt_load_element(t, k);
    return true;
}

bool gti_call_ints_of(const gti_onnx_call *c, int i, const char *attr, gti_ints *list)
{
    return gti_call_in(c, i) ? gti_call_ints(c, i, list) : gti_call_ints_attr(c, attr, list);
}

/* --- axes --- */

int gti_call_axis(const gti_onnx_call *c, int64_t axis, int ndim)
{
    const int64_t at = axis < 0 ? axis + ndim : axis;
    if (at >= 0 && (at < ndim || (ndim == 0 && at == 0))) return (int)at;
    gti_call_fail(c, GT_ERR_SHAPE, "there is no axis %lld in %d dimensions", (long long)axis, ndim);
    return -1;
}

bool gti_call_axes(const gti_onnx_call *c, const gti_ints *list, int ndim, unsigned *axes)
{
    *axes = 0;
    for (int i = 0; i < list->n; i++) {
        const int axis = gti_call_axis(c, list->at[i], ndim);
        if (axis < 0) return false;
        *axes |= GT_AXIS(axis);
    }
    return true;
}

/* --- tensors --- */

gt_tensor *gti_call_real(gt_tensor *x)
{
    return !x || gt_is_floating(x->dtype) ? x : gt_cast(x, GT_F64);
}

gt_tensor *gti_call_back(gt_tensor *y, const gt_tensor *like)
{
    return !y || y->dtype == like->dtype ? y : gt_cast(y, like->dtype);
}

gt_tensor *gti_call_new_ints(gt_ctx *gt, int n, const int64_t *v)
{
    gt_tensor *y = gt_empty_(gt, gt_shape_of(1, (int64_t[]){n}), (gt_new_opts){.dtype = GT_I64});
    if (y && n) memcpy(y->data, v, (size_t)n * sizeof *v);
    return y;
}

gt_tensor *gti_call_with_axis(gt_tensor *x, int axis)
{
    return x ? gt_unsqueeze(x, axis) : NULL;
}

gt_tensor *gti_call_without_axis(gt_tensor *x, int axis)
{
    return x ? gt_squeeze_(x, (gt_squeeze_opts){.axes = GT_AXIS(axis)}) : NULL;
}

int64_t gti_call_product(const gt_tensor *x, int from, int to)
{
    int64_t n = 1;
    for (int i = from; i < to; i++) n *= x->shape.dim[i];
    return n;
}

gt_tensor *gti_call_aligned(const gti_onnx_call *c, const gt_tensor *a, gt_tensor *b)
{
    const gti_onnx_attr *at = gti_call_attr(c, "axis");
    if (c->opset > 6 || !at || !gti_call_int(c, "broadcast", 0)) return b;
    const int axis = gti_call_axis(c, at->i, a->shape.ndim);
    if (axis < 0) return NULL;
    gt_shape shape = b->shape;
    while (shape.ndim + axis < a->shape.ndim) shape.dim[shape.ndim++] = 1;
    return gt_reshape(b, shape);
}
