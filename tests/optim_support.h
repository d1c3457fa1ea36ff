/* What the tests of optimizers and schedules share: three weights, and the cases that
 * tools/reference_optim.py recorded. */
#ifndef GT_TESTS_OPTIM_SUPPORT_H
#define GT_TESTS_OPTIM_SUPPORT_H

#include <math.h>

#include "support.h"

/* A module of nothing but parameters. */
static const gt_module_type bag_type = {.name = "Bag", .size = sizeof(gt_module)};

static const double start_w[3] = {0.5, -2.5, 2.0}, slope[3] = {-0.5, 0.1, -0.125};

static inline gt_tensor *vector(gt_ctx *gt, gt_dtype dtype, const double v[3])
{
    return gt_values_(gt, GT_SHAPE(3), 3, v, (gt_new_opts){.dtype = dtype});
}

static inline gt_tensor *add_vector(gt_module *m, const char *name, gt_dtype dtype)
{
    return gt_module_add_parameter(m, name, vector(m->ctx, dtype, start_w));
}

/* loss = sum(slope * w^2), its gradient added to w's. */
static inline void backward(gt_tensor *w)
{
    gt_tensor *c = vector(w->ctx, w->dtype, slope);
    assert_int_equal(gt_backward(gt_sum(gt_mul(c, gt_square(w)))), GT_OK);
}

/* --- the file --- */

enum { RECORDED = 96, OPTIONS = 8 };

typedef struct {
    char name[32], label[32];
    int n_opts, n;
    double o[OPTIONS], values[RECORDED];
} recorded;

static inline int read_numbers(FILE *f, const char *name, int most, double *to)
{
    char word[32];
    int n;
    assert_int_equal(fscanf(f, "%31s %d", word, &n), 2);
    assert_string_equal(word, name);
    assert_in_range(n, 0, most);
    for (int i = 0; i < n; i++) assert_int_equal(fscanf(f, "%lf", &to[i]), 1);
    return n;
}

static inline FILE *open_recorded(void)
{
    FILE *f = fopen(GT_SOURCE_DIR "/tests/reference/optim.txt", "r");
    assert_non_null(f);
    assert_int_equal(fscanf(f, "%*[^\n]"), 0);
    return f;
}

/* The next case of an optimizer ("w") or a schedule ("lr"); false at the end of the file. */
static inline bool read_case(FILE *f, recorded *r)
{
    memset(r, 0, sizeof *r);
    if (fscanf(f, " case %31s %31s", r->name, r->label) != 2) return false;
    r->n_opts = read_numbers(f, "opts", OPTIONS, r->o);
    for (int i = 0; i < r->n_opts; i++)
        if (r->o[i] == 0 && signbit(r->o[i])) r->o[i] = GT_ZERO;
    r->n = read_numbers(f, strcmp(r->label, "schedule") ? "w" : "lr", RECORDED, r->values);
    return true;
}

#endif
