/* What operations share: comparing shapes, finding kernels, walking layouts. */
#ifndef GTI_OPS_COMMON_H
#define GTI_OPS_COMMON_H

#include <gradtape/ops.h>

#include "base/size.h"
#include "engine/functions.h"
#include "engine/mutants.h"
#include "kernels/any.h"
#include "kernels/kernels.h"

/* The kernels of a node that runs in a floating dtype. */
static inline const gti_kernels *gti_kernels_for(const gt_node *n)
{
    return gti_kernels_of((int)n->dtype);
}

/* [c,1,..], with x's channels along dimension 1 of x, which it broadcasts to. */
static inline gt_shape gti_channels_beside(gt_shape x)
{
    gt_shape shape = GT_SCALAR;
    for (int i = 1; i < x.ndim; i++) shape.dim[shape.ndim++] = i == 1 ? x.dim[1] : 1;
    return shape;
}

/* Element i of data. */
static inline void *gti_at(void *data, int64_t i, gt_dtype dtype)
{
    return (char *)data + i * (int64_t)gt_dtype_size(dtype);
}

static inline const void *gti_const_at(const void *data, int64_t i, gt_dtype dtype)
{
    return (const char *)data + i * (int64_t)gt_dtype_size(dtype);
}

/* Element `begin` of an input, of an output. */
static inline const void *gti_from(const gt_tensor *x, int64_t begin)
{
    return begin ? gti_const_at(x->data, begin, x->dtype) : x->data;
}

static inline void *gti_to(const gt_tensor *y, int64_t begin)
{
    return begin ? gti_at(y->data, begin, y->dtype) : y->data;
}

/* What many parts of stages count in. */
enum { GTI_FLOPS_PER_ADDITION = 8 }; /* of a product, as fast as one addition of two arrays */

/* The items that a range's parts consist of, of all items of its stage. */
typedef struct {
    int64_t first, count;
} gti_items;

static inline gti_items gti_items_of(const gt_node *n, const gt_range *r, int64_t all)
{
    const int64_t parts = n->parts[r->stage], first = gt_part_begin(all, parts, r->begin);
    return (gti_items){first, gt_part_begin(all, parts, r->end) - first};
}

/* A number as a vector of one element; other shapes as they are. */
static inline gt_shape gti_at_least_1d(gt_shape shape)
{
    return shape.ndim > 0 ? shape : GT_SHAPE(1);
}

/* As gt_op_axis, but a number has the axes 0 and -1, as in PyTorch: along them it is a vector of
 * one element, so sizes are those of gti_at_least_1d. */
static inline int gti_op_axis(const gt_node *n, int axis, int ndim)
{
    return ndim == 0 && (axis == 0 || axis == -1) ? 0 : gt_op_axis(n, axis, ndim);
}

/* Row-major strides in elements, of a tensor that is not empty. (Of an empty one they may overflow:
 * its other dimensions can be anything.) */
static inline void gti_strides(gt_shape shape, int64_t stride[GT_MAX_DIMS])
{
    int64_t step = 1;
    for (int i = shape.ndim - 1; i >= 0; i--) {
        stride[i] = step;
        step *= shape.dim[i];
    }
}

/* The gradient g of something that x was broadcast to, summed back to x's shape. */
static inline gt_tensor *gti_sum_like(gt_tensor *g, const gt_tensor *x)
{
    return !g || gt_same_shape(g, x) ? g : gt_sum_to(g, x->shape);
}

/* For composed functions that must look into x before the first operation does. */
static inline bool gti_is_given(const gt_tensor *x, const char *function)
{
    if (!x) gt_fail(NULL, GT_ERR_ARGUMENT, function, "x is NULL");
    return x != NULL;
}

/* The same where either may be looked into. */
static inline bool gti_are_given(const gt_tensor *a, const char *a_name, const gt_tensor *b,
                                 const char *b_name, const char *function)
{
    const gt_tensor *given = a ? a : b;
    if (!a || !b)
        gt_fail(given ? given->ctx : NULL, GT_ERR_ARGUMENT, function, "%s is NULL",
                a ? b_name : a_name);
    return a && b;
}

/* Whether t, called `name`, can stand beside x, which is given, in a composed function. */
static inline bool gti_goes_with(const gt_tensor *x, const gt_tensor *t, const char *function,
                                 const char *name)
{
    if (!t) return gt_fail(x->ctx, GT_ERR_ARGUMENT, function, "%s is NULL", name), false;
    const char *gone = gt_unusable(t);
    const char *why = t->ctx != x->ctx ? "belongs to another context" : gone;
    if (why) gt_fail(x->ctx, gone ? GT_ERR_STATE : GT_ERR_ARGUMENT, function, "%s %s", name, why);
    return !why && !gt_failed(x->ctx);
}

/* Rows of attributes that many have. */
#define GTI_AXIS_ATTR(type)                                                                        \
    {                                                                                              \
        GT_ARGUMENT("axis", type, axis), .meaning = "negative ones are counted from the end"       \
    }
/* Of options that are a shape. */
#define GTI_SHAPE_ATTR(is)                                                                         \
    {                                                                                              \
        .name = (is), .kind = GT_ATTR_SHAPE, .count = 1, .argument = true,                         \
        .meaning = "the shape of the result"                                                       \
    }

#define GTI_DTYPE_NAMES "GT_F32 GT_F64 GT_I64 GT_U8"

/* Of gt_change_args; what the numbers are is the operation's to say. */
#define GTI_CHANGE_ATTRS                                                                           \
    {GT_ARGUMENT("p", gt_change_args, p), .meaning = "a number"},                                  \
    {                                                                                              \
        GT_ARGUMENT("q", gt_change_args, q), .meaning = "a second one"                             \
    }

/* Buffers of gt_shape_format, on the spot. */
#define GTI_SHAPE_TEXT(shape) gt_shape_format(shape, (char[128]){0}, 128)

/* Tables of functions with a number s beside x. */
#define GTI_SCALAR_ATTRS(name)                                                                     \
    static const gt_attr name##_attrs[] = {                                                        \
        {GT_ARGUMENT("s", gti_##name##_args, s), .meaning = "the number"}};                        \
    const gt_attrs gt_attrs_##name = GT_PLAIN_ATTRS(name##_attrs);

#endif
