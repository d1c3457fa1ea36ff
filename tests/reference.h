/* Files of reference values (tests/reference/), and operations compared with them. tools/
 * reference.py says what stands in a file and writes them. */
#ifndef GT_TESTS_REFERENCE_H
#define GT_TESTS_REFERENCE_H

#include <math.h>
#include <stdlib.h>

#include "support.h"

/* A pair of numbers as an option, where 0 is 0. */
#define EXACTLY(a, b)                                                                              \
    {                                                                                              \
        GT_EXACTLY(a), GT_EXACTLY(b)                                                               \
    }

enum { REFERENCE_OPTS = 48, REFERENCE_INPUTS = 6 };

typedef struct {
    gt_shape shape;
    size_t size;
    double *value;
} reference_array;

typedef struct {
    char op[48], label[64];
    double opts[REFERENCE_OPTS];
    int n_opts, n_in;
    reference_array in[REFERENCE_INPUTS], grad[REFERENCE_INPUTS], dy, y;
} reference;

/* How to call an operation: in are its inputs, o the n numbers of the case's line "opts". */
typedef struct {
    const char *name;
    gt_tensor *(*call)(gt_tensor *const in[], const double *o, int n);
    bool moves; /* only moves elements, so on any dtype */
} reference_caller;

/* A row of a table of such: the name in the file and an expression of in, o and n. */
#define REFERENCE_CALL(name, expression)                                                           \
    static gt_tensor *call_##name(gt_tensor *const in[], const double *o, int n)                   \
    {                                                                                              \
        (void)o, (void)n;                                                                          \
        return expression;                                                                         \
    }
#define REFERENCE_ROW(name, expression) {#name, call_##name, false},
#define REFERENCE_MOVE(name, expression) {#name, call_##name, true},

static inline double read_number(FILE *f)
{
    double value;
    assert_int_equal(fscanf(f, "%lf", &value), 1);
    return value;
}

static inline reference_array read_array(FILE *f)
{
    reference_array a = {.size = 1};
    a.shape.ndim = (int)read_number(f);
    assert_in_range(a.shape.ndim, 0, GT_MAX_DIMS);
    for (int i = 0; i < a.shape.ndim; i++) {
        a.shape.dim[i] = (int64_t)read_number(f);
        a.size *= (size_t)a.shape.dim[i];
    }
    a.value = calloc(a.size + 1, sizeof *a.value);
    assert_non_null(a.value);
    for (size_t i = 0; i < a.size; i++) a.value[i] = read_number(f);
    return a;
}

/* Reads the case whose line has just been begun; `word` gets the first word after it. False when
 * there is none. */
static inline bool read_case(FILE *f, reference *r, char word[32])
{
    *r = (reference){0};
    if (fscanf(f, "%47s", r->op) != 1) return false;
    assert_int_equal(fscanf(f, "%63s opts", r->label), 1);
    r->n_opts = (int)read_number(f);
    assert_in_range(r->n_opts, 0, REFERENCE_OPTS);
    for (int i = 0; i < r->n_opts; i++) r->opts[i] = read_number(f);
    while (fscanf(f, "%31s", word) == 1 && strcmp(word, "case") != 0) {
        const int digit = word[strlen(word) - 1] - '0';
        reference_array *to = !strcmp(word, "dy") ? &r->dy : &r->y;
        if (!strncmp(word, "in", 2)) to = &r->in[digit], r->n_in = digit + 1;
        if (word[0] == 'g') to = &r->grad[digit];
        *to = read_array(f);
    }
    return true;
}

static inline void free_case(reference *r)
{
    for (int i = 0; i < r->n_in; i++) {
        free(r->in[i].value);
        free(r->grad[i].value);
    }
    free(r->y.value);
    free(r->dy.value);
}

static inline const reference_caller *caller_of(const reference_caller *callers, const char *op)
{
    for (; callers->name; callers++)
        if (!strcmp(callers->name, op)) return callers;
    fail_msg("the reference file has %s, which no caller knows", op);
    return NULL;
}

/* Calls check on every case of tests/reference/NAME with its caller, one of a list that an empty
 * row ends; returns the number of cases. */
static inline int for_each_case(const char *name, const reference_caller *callers,
                                void (*check)(const reference *r, const reference_caller *c))
{
    char path[512], word[32] = "";
    snprintf(path, sizeof path, GT_SOURCE_DIR "/tests/reference/%s", name);
    FILE *f = fopen(path, "r");
    if (!f) {
        fail_msg("no %s; tools/reference.py and its kin write it", path);
        return 0;
    }
    while (fscanf(f, "%31s", word) == 1 && strcmp(word, "case") != 0) continue;
    reference r;
    int count = 0;
    for (; !strcmp(word, "case"); count++) {
        word[0] = 0;
        if (!read_case(f, &r, word)) break;
        check(&r, caller_of(callers, r.op));
        free_case(&r);
    }
    fclose(f);
    return count;
}

static inline gt_tensor *tensor_of(gt_ctx *gt, const reference_array *a, gt_dtype dtype, bool leaf)
{
    return gt_values_(gt, a->shape, a->size, a->value,
                      (gt_new_opts){.dtype = dtype, .requires_grad = leaf});
}

static inline void compare(const reference *r, const char *what, const gt_tensor *got,
                           const reference_array *want)
{
    char got_shape[128], want_shape[128];
    if (!got) {
        fail_msg("%s %s: no %s", r->op, r->label, what);
        return;
    }
    if (!gt_shape_equal(got->shape, want->shape))
        fail_msg("%s %s: %s is %s, not %s", r->op, r->label, what,
                 gt_shape_format(got->shape, got_shape, sizeof got_shape),
                 gt_shape_format(want->shape, want_shape, sizeof want_shape));
    const double tolerance = got->dtype == GT_F64 ? 1e-12 : 1e-5;
    for (size_t i = 0; i < want->size; i++) {
        const double a = element(got, (int64_t)i), b = want->value[i];
        const bool same =
            isnan(b) ? isnan(a) : a == b || fabs(a - b) <= tolerance * fmax(1, fabs(b));
        if (!same)
            fail_msg("%s %s %s: %s element %zu is %.17g, not %.17g", r->op, r->label,
                     gt_dtype_name(got->dtype), what, i, a, b);
    }
}

/* The value and the gradients, computed in dtype. */
static inline void check_against_reference(const reference *r, const reference_caller *c,
                                           gt_dtype dtype)
{
    gt_ctx *gt = gt_open();
    gt_tensor *in[REFERENCE_INPUTS] = {0};
    for (int i = 0; i < r->n_in; i++) in[i] = tensor_of(gt, &r->in[i], dtype, true);
    gt_tensor *y = c->call(in, r->opts, r->n_opts);
    if (gt_failed(gt)) fail_msg("%s %s: %s", r->op, r->label, gt_error_message(gt));
    compare(r, "y", y, &r->y);
    if (gt_backward(y, .upstream = tensor_of(gt, &r->dy, dtype, false)) != GT_OK)
        fail_msg("%s %s: %s", r->op, r->label, gt_error_message(gt));
    for (int i = 0; i < r->n_in; i++) compare(r, "a gradient", in[i]->grad, &r->grad[i]);
    gt_close(gt);
}

enum { MOST_CALLERS = 256 };
static const reference_caller *first_caller;
static int cases_of[MOST_CALLERS];

/* In both dtypes, but where the label begins with the only one. */
static inline void check_counted(const reference *r, const reference_caller *c)
{
    assert_in_range(c - first_caller, 0, MOST_CALLERS - 1);
    cases_of[c - first_caller]++;
    if (strncmp(r->label, "f64:", 4) != 0) check_against_reference(r, c, GT_F32);
    if (strncmp(r->label, "f32:", 4) != 0) check_against_reference(r, c, GT_F64);
}

/* All cases of a file, of which there are more than `few`, and some for every caller. */
static inline void check_references(const char *file, const reference_caller *callers, int few)
{
    first_caller = callers;
    memset(cases_of, 0, sizeof cases_of);
    assert_true(for_each_case(file, callers, check_counted) > few);
    for (int i = 0; callers[i].name; i++)
        if (!cases_of[i])
            fail_msg("no reference for %s in %s, which tools/reference.py or its kin writes",
                     callers[i].name, file);
}

/* The value, computed in a dtype of whole numbers, of operations that only move elements. |v| * 4
 * is whole, and moving commutes with it. */
static inline void check_moving(const reference *r, const reference_caller *c, gt_dtype dtype)
{
    if (!c->moves) return;
    gt_ctx *gt = gt_open();
    gt_tensor *in[REFERENCE_INPUTS] = {0};
    for (int i = 0; i < r->n_in; i++) {
        in[i] = gt_empty(gt, r->in[i].shape, .dtype = dtype);
        for (size_t k = 0; k < r->in[i].size; k++) {
            const double value = fabs(r->in[i].value[k]) * 4;
            if (dtype == GT_U8) ((uint8_t *)in[i]->data)[k] = (uint8_t)value;
            else ((int64_t *)in[i]->data)[k] = (int64_t)value;
        }
    }
    gt_tensor *y = c->call(in, r->opts, r->n_opts);
    if (!y) fail_msg("%s %s: %s", r->op, r->label, gt_error_message(gt));
    assert_int_equal(y->dtype, dtype);
    assert_true(gt_shape_equal(y->shape, r->y.shape));
    for (size_t i = 0; i < r->y.size; i++)
        if (element(y, (int64_t)i) != fabs(r->y.value[i]) * 4)
            fail_msg("%s %s %s: element %zu differs", r->op, r->label, gt_dtype_name(dtype), i);
    gt_close(gt);
}

#endif
