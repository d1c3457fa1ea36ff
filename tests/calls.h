/* A call of every public function on tensors, with arguments that it takes: for tests that try the
 * same on all of them. Operations also have samples, but those go past the functions themselves. */
#ifndef GT_TESTS_CALLS_H
#define GT_TESTS_CALLS_H

#include "support.h"

#include "calls_list.h"

enum { CALL_INPUTS = 4 };

typedef struct {
    const char *name, *variant;
    gt_tensor *(*call)(gt_tensor *t[]);
    int n;
    gt_sample_input in[CALL_INPUTS];
} tensor_call;

#define CALL(f, variant, expression, ...)                                                          \
    static inline gt_tensor *call_##f##_##variant(gt_tensor *t[])                                  \
    {                                                                                              \
        gt_tensor *unread = NULL, *some[2] = {NULL};                                               \
        const int64_t one_two[2] = {1, 2};                                                         \
        (void)unread, (void)some, (void)one_two;                                                   \
        return expression;                                                                         \
    }
#define GT_OP_UNARY(name, params, meaning) UNARY(CALL, name)
#include <gradtape/ops.def>
CALLS(CALL)
#undef CALL

/* Whether it calls a function of the registry that is no operation. */
static inline bool is_composed(const tensor_call *c)
{
    const gt_op_info *info = gt_op_find(c->name);
    return info && !info->op;
}

#define CALL(f, variant, expression, ...)                                                          \
    {#f,                                                                                           \
     #variant,                                                                                     \
     call_##f##_##variant,                                                                         \
     (int)(sizeof((gt_sample_input[]){__VA_ARGS__}) / sizeof(gt_sample_input)),                    \
     {__VA_ARGS__}},
static const tensor_call tensor_calls[] = {
#define GT_OP_UNARY(name, params, meaning) UNARY(CALL, name)
#include <gradtape/ops.def>
    CALLS(CALL)};
enum { N_CALLS = sizeof tensor_calls / sizeof *tensor_calls };
#undef CALL

/* --- inputs --- */

/* A tensor as a sample describes it; what the sample leaves open is f64. */
static inline gt_tensor *sample_tensor(gt_ctx *gt, const gt_sample_input *s)
{
    const bool open = s->dtype == GT_F32, normal = s->low == 0 && s->high == 0;
    gt_tensor *t = gt_empty(gt, s->shape, .dtype = open ? GT_F64 : s->dtype);
    uint32_t random = 1;
    for (int64_t i = 0; i < t->size; i++) {
        random = random * 1664525 + 1013904223;
        const double u = (random >> 8) * 0x1p-24;
        const double value = s->values ? s->values[i]
                             : normal  ? 4 * u - 2
                                       : s->low + (s->high - s->low) * u;
        if (t->dtype == GT_F64) ((double *)t->data)[i] = value;
        if (t->dtype == GT_I64) ((int64_t *)t->data)[i] = (int64_t)value;
        if (t->dtype == GT_U8) ((uint8_t *)t->data)[i] = (uint8_t)value;
    }
    return t;
}

#endif
