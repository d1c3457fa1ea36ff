/* Every numeric option of every call under GT_ZERO: the rows of test_options.c, which the files
 * options_*.h make. A subject is a call with base options and a number that tells its results
 * apart; a row is one option of it. */
#ifndef GT_TESTS_OPTIONS_H
#define GT_TESTS_OPTIONS_H

#include <math.h>
#include <stddef.h>
#include <stdlib.h>

#include "support.h"

/* What GT_ZERO in an option does. */
typedef enum {
    CHANGES, /* another result than the default */
    REFUSED, /* an error that names the option */
    SAME,    /* the default is 0, or the option is an array or has a first number to repeat */
} effect;

typedef struct {
    const char *type, *name;
    double (*run)(gt_ctx *gt, const void *opts);
    const void *base;
    size_t size, at, count; /* of the struct; of the option: its place and numbers */
    char kind;              /* of a number: int, long (64 bits), double or unsigned (64 bits) */
    effect effect;
} option_row;

#define KIND(type, field)                                                                          \
    _Generic(((type *)NULL)->field, int: 'i', int *: 'i', int64_t: 'l', int64_t *: 'l',            \
             double: 'd', double *: 'd', unsigned: 'i', uint64_t: 'u')
#define BYTES(type, field) sizeof(((type *)NULL)->field)
#define OPTION_ROW(subject, opts, field, effect_)                                                  \
    {.type = #opts,                                                                                \
     .name = #field,                                                                               \
     .run = run_##subject,                                                                         \
     .base = &base_##subject,                                                                      \
     .size = sizeof(opts),                                                                         \
     .at = offsetof(opts, field),                                                                  \
     .count = BYTES(opts, field) / (KIND(opts, field) == 'i' ? sizeof(int) : sizeof(int64_t)),     \
     .kind = KIND(opts, field),                                                                    \
     .effect = (effect_)},

/* SUBJECT(conv2d, gt_conv2d_opts, {.groups = 1}) { return ...o...; } */
#define SUBJECT(id, opts, ...)                                                                     \
    static const opts base_##id = __VA_ARGS__;                                                     \
    static double value_##id(gt_ctx *gt, opts o);                                                  \
    static double run_##id(gt_ctx *gt, const void *o)                                              \
    {                                                                                              \
        return value_##id(gt, *(const opts *)o);                                                   \
    }                                                                                              \
    static double value_##id(gt_ctx *gt, opts o)

/* A number made of t's elements and size, which few other tensors have. */
static inline double mark_of(const gt_tensor *t)
{
    double sum = t ? 0.001 * (double)t->size : 0;
    for (int64_t i = 0; t && i < t->size; i++) {
        const double x = element(t, i);
        sum += (isfinite(x) ? x : isnan(x) ? 77 : 99) * (1 + 0.37 * (double)(i % 11));
    }
    return sum;
}

/* f64, from -1 on in steps of an eighth, never 0. */
static inline gt_tensor *numbers(gt_ctx *gt, gt_shape shape)
{
    gt_tensor *t = gt_empty(gt, shape, .dtype = GT_F64);
    for (int64_t i = 0; t && i < t->size; i++)
        ((double *)t->data)[i] = -1.0625 + 0.125 * (double)(i % 23);
    return t;
}

static inline double mark_of_text(const char *text)
{
    double sum = 0;
    for (int i = 0; text[i]; i++) sum += text[i] * (1 + 0.37 * (i % 13));
    return sum;
}

/* A module by its description and its result for x. */
static inline double mark_of_module(gt_module *m, gt_tensor *x)
{
    char text[512] = "";
    const double before = m ? mark_of_text(gt_module_describe(m, text, sizeof text)) : 0;
    return before + mark_of(gt_forward(m, x));
}

#endif
