/* next_key: the key for an operation that makes its random numbers by itself, as dropout does, and
 * the state that keys are drawn from, one call further: key = state, then the state's call + 1.
 *
 * Both are i64 {seed, call} (base/philox.h). */
#include <string.h>

#include "common.h"

static bool next_key_infer(gt_node *n)
{
    for (int i = 0; i < 2; i++)
        if (n->in[i]->size != 2) {
            char name[64];
            return gt_op_fail(n, GT_ERR_SHAPE, "%s is %s, needs [2]: a seed and a call",
                              gt_op_input_name(n->op, i, name, sizeof name),
                              GTI_SHAPE_TEXT(n->in[i]->shape));
        }
    return n->in[0]->data != n->in[1]->data ||
           gt_op_fail(n, GT_ERR_ARGUMENT, "key and state share their data");
}

static void next_key_forward(gt_node *n)
{
    int64_t *state = n->out[1]->data;
    memcpy(n->out[0]->data, state, 2 * sizeof *state);
    gti_index_count(1, state + 1);
}

static const double state_values[] = {42, 7}, first_values[] = {0, 0},
                    large_values[] = {-3, 0x1p40};
#define KEY                                                                                        \
    {                                                                                              \
        .shape = GT_DIMS(2), .dtype = GT_I64                                                       \
    }
#define KEYS(n, of)                                                                                \
    {                                                                                              \
        .shape = GT_DIMS(n), .values = (of), .dtype = GT_I64                                       \
    }
static const gt_sample samples[] = {
    {.label = "a key", .in = GT_INPUTS(KEY, KEYS(2, state_values))},
    {.label = "the first", .in = GT_INPUTS(KEY, KEYS(2, first_values))},
    {.label = "large", .in = GT_INPUTS(KEY, KEYS(2, large_values))},
    {.label = "over another", .in = GT_INPUTS(KEYS(2, state_values), KEYS(2, large_values))},
    {.label = "over itself", .in = GT_INPUTS(KEYS(2, state_values), KEYS(2, state_values))},
};
static const gt_error_sample error_samples[] = {
    {.label = "a seed alone",
     .in = GT_INPUTS(KEY, KEYS(1, state_values)),
     .code = GT_ERR_SHAPE,
     .message = "state is [1], needs [2]: a seed and a call"},
    {.label = "itself",
     .in = GT_INPUTS(KEY, {.same = 1}),
     .code = GT_ERR_ARGUMENT,
     .message = "key and state share their data"},
    {.label = "real numbers",
     .in = GT_INPUTS(GT_IN(2), GT_IN(2)),
     .code = GT_ERR_DTYPE,
     .message = "not made for f32"},
};

const gt_op gt_op_next_key = {
    .name = "next_key",
    .inputs = "key state",
    .n_in = 2,
    .n_out = 2,
    .flags = GT_OP_INTO | GT_OP_MOVE,
    .infer = next_key_infer,
    .forward = {NULL, NULL, next_key_forward, NULL},
    GT_SAMPLES(samples),
    GT_ERROR_SAMPLES(error_samples),
};
