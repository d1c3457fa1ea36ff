/* Samples of operations, run with their gradients: inputs are the same numbers every time. */
#ifndef GT_TESTS_SAMPLES_H
#define GT_TESTS_SAMPLES_H

#include "support.h"

enum { MOST_RESULTS = GT_OP_OUTPUTS + GT_SAMPLE_INPUTS };

/* What a sample gives: outputs, then gradients. NULL where there is none. */
typedef struct {
    gt_tensor *at[MOST_RESULTS];
    int n;
} results;

static uint64_t dice;

static inline double draw(double low, double high)
{
    dice = dice * 6364136223846793005u + 1442695040888963407u;
    return low + (high - low) * (double)(dice >> 11) * 0x1p-53;
}

static inline double number_of(const gt_sample_input *s, int64_t i)
{
    if (s->values) return s->values[i];
    const bool open = s->low == 0 && s->high == 0;
    return open ? draw(-2, 2) : draw(s->low, s->high);
}

static inline gt_tensor *input_of(gt_ctx *gt, const gt_sample_input *s, gt_dtype dtype)
{
    const bool open = s->dtype == GT_F32;
    gt_tensor *t = gt_empty(gt, s->shape, .dtype = open ? dtype : s->dtype);
    for (int64_t i = 0; i < t->size; i++) {
        const double value = number_of(s, i);
        if (t->dtype == GT_F32) ((float *)t->data)[i] = (float)value;
        else if (t->dtype == GT_F64) ((double *)t->data)[i] = value;
        else if (t->dtype == GT_I64) ((int64_t *)t->data)[i] = (int64_t)value;
        else ((uint8_t *)t->data)[i] = (uint8_t)value;
    }
    if (open) gt_require_grad(t, true);
    return t;
}

static inline void add_gradients(gt_tensor *y, gt_tensor *in[], int n_in, results *r)
{
    gt_tensor *leaf[GT_SAMPLE_INPUTS], *upstream = gt_empty_like(y);
    int n = 0;
    for (int i = 0; i < n_in; i++)
        if (in[i]->requires_grad) leaf[n++] = in[i];
    if (!n || !y || !y->requires_grad) return;
    for (int64_t i = 0; i < y->size; i++)
        if (y->dtype == GT_F32) ((float *)upstream->data)[i] = (float)draw(-1, 1);
        else ((double *)upstream->data)[i] = draw(-1, 1);
    gt_grad(&y, 1, leaf, n, r->at + r->n, .upstream = &upstream, .retain = true,
            .allow_unused = true);
    r->n += n;
}

static inline int sample_inputs(gt_ctx *gt, const gt_op *op, const gt_sample *sample,
                                gt_dtype dtype, gt_tensor *in[])
{
    const int n_in = sample->n_in ? sample->n_in : gt_op_least(op);
    for (int i = 0; i < n_in; i++) {
        const gt_sample_input *s = &sample->in[i];
        in[i] = s->same > 0 ? in[s->same - 1] : input_of(gt, s, dtype);
    }
    return n_in;
}

/* The operation on inputs, and its gradients for an upstream that is the same every time. */
static inline results run_on(const gt_op *op, const gt_sample *sample, int n_in, gt_tensor *in[])
{
    static const uint64_t no_opts[64];
    results r = {.n = op->n_out};
    const void *opts = sample->opts ? sample->opts : no_opts;
    if (op->flags & GT_OP_INTO) gt_apply_into(op, opts, n_in, in);
    else gt_apply_n(op, opts, n_in, in, r.at);
    for (int i = 0; op->flags & GT_OP_INTO && i < op->n_out; i++) r.at[i] = in[i];
    dice = 43;
    if (op->backward) add_gradients(r.at[0], in, n_in, &r);
    return r;
}

static inline results run_sample(gt_ctx *gt, const gt_op *op, const gt_sample *sample,
                                 gt_dtype dtype)
{
    gt_tensor *in[GT_SAMPLE_INPUTS] = {0};
    dice = 42;
    return run_on(op, sample, sample_inputs(gt, op, sample, dtype, in), in);
}

/* What samples are too small for: blocks of columns, chunks of sums, sums in several stages. */
typedef struct {
    const char *op;
    gt_sample sample;
} large_sample;

#define CLASSES(...)                                                                               \
    {                                                                                              \
        .shape = GT_DIMS(__VA_ARGS__), .dtype = GT_I64, .high = 3                                  \
    }
#define MASK_OF(...)                                                                               \
    {                                                                                              \
        .shape = GT_DIMS(__VA_ARGS__), .dtype = GT_U8, .high = 2                                   \
    }
#define CAST_TO(dtype)                                                                             \
    .opts = &(const gt_dtype)                                                                      \
    {                                                                                              \
        dtype                                                                                      \
    }
static const large_sample large[] = {
    {"lt", {.label = "vectors and a rest", .in = GT_INPUTS(GT_IN(2, 150), GT_IN(2, 150))}},
    {"eq", {.label = "a row", .in = GT_INPUTS(GT_IN(2, 150), GT_IN(150))}},
    {"where", {.label = "vectors", .in = GT_INPUTS(MASK_OF(150), GT_IN(150), GT_IN(150))}},
    {"cast", {.label = "to f32", .in = GT_INPUTS(GT_IN(150)), CAST_TO(GT_F32)}},
    {"cast", {.label = "to f64", .in = GT_INPUTS(GT_IN(150)), CAST_TO(GT_F64)}},
    {"cast", {.label = "to i64", .in = GT_INPUTS(GT_IN_RANGE(-9, 9, 150)), CAST_TO(GT_I64)}},
    {"cast", {.label = "to u8", .in = GT_INPUTS(GT_IN_RANGE(-9, 300, 150)), CAST_TO(GT_U8)}},
    {"conv2d",
     {.label = "Winograd's tiles", .in = GT_INPUTS(GT_IN(5, 16, 7, 8), GT_IN(32, 16, 3, 3))}},
    {"conv2d",
     {.label = "a lot of images and one", .in = GT_INPUTS(GT_IN(6, 3, 8, 9), GT_IN(5, 3, 3, 3))}},
    {"sum", {.label = "chunks", .in = GT_INPUTS(GT_IN(40000))}},
    {"sum", {.label = "whole chunks", .in = GT_INPUTS(GT_IN(5, 8192))}},
    {"mean", {.label = "chunks and one", .in = GT_INPUTS(GT_IN(24577))}},
    {"matmul", {.label = "packed", .in = GT_INPUTS(GT_IN(45, 260), GT_IN(260, 67))}},
    {"matmul", {.label = "few columns", .in = GT_INPUTS(GT_IN(9, 1030), GT_IN(1030, 3))}},
    {"matmul", {.label = "wide", .in = GT_INPUTS(GT_IN(15, 9), GT_IN(9, 261))}},
    {"argmin", {.label = "columns", .in = GT_INPUTS(GT_IN(3, 300))}},
    {"softmax", {.label = "columns", .in = GT_INPUTS(GT_IN(3, 300))}},
    {"prod_dx", {.label = "a long row", .in = GT_INPUTS(GT_IN_RANGE(0.9, 1.1, 20005), GT_IN(1))}},
    {"prod_dx",
     {.label = "many rows of columns",
      .in = GT_INPUTS(GT_IN_RANGE(0.9, 1.1, 280, 140), GT_IN(1, 140)),
      .opts = &(const unsigned){GT_AXIS(0)}}},
    {"mse_loss", {.label = "chunks", .in = GT_INPUTS(GT_IN(40000), GT_IN(40000))}},
    {"l1_loss", {.label = "chunks", .in = GT_INPUTS(GT_IN(3, 8192), GT_IN(3, 8192))}},
    {"cross_entropy_classes", {.label = "rows", .in = GT_INPUTS(GT_IN(300, 3), CLASSES(300))}},
    {"cross_entropy_classes",
     {.label = "columns", .in = GT_INPUTS(GT_IN(1, 3, 300), CLASSES(1, 300))}},
    {"dropout",
     {.label = "words",
      .in = GT_INPUTS(GT_IN(3000), {.shape = GT_DIMS(2), .dtype = GT_I64, .low = 1, .high = 9}),
      .opts = &(const struct {
          gt_keywords gt_;
          double p;
          bool channels;
      }){.p = 0.5}}},
};

#endif
