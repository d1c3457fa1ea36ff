/* Elementwise operations and losses far from ordinary numbers: values, first and second derivatives
 * from 0 and subnormals to the largest numbers and infinity, against their formulas in mpmath
 * (reference/extremes.txt, written by tools/reference_extremes.py), with upstream gradients of 1,
 * tiny and huge.
 *
 * What is right: no NaN; within ROUNDINGS of the value, or of what the smallest normal number adds
 * to an upstream; and where a derivative is made of a result near 1, within roundings of that
 * result. */
#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "support.h"

enum { ROUNDINGS = 512, SHOWN = 20, MAX_IN = 2, MAX_VALUES = 6 };

typedef struct {
    char op[48];
    gt_dtype dtype;
    int n_in, n_opts, n;
    double opts[2];
    double *in[MAX_IN], *want[MAX_VALUES]; /* [n] each */
} group;

static int values_of(int n_in)
{
    return 1 + n_in + n_in * (n_in + 1) / 2;
}

/* --- how to call --- */

typedef gt_tensor *loss_fn(gt_tensor *x, gt_tensor *t, double s);

#define LOSS(name, function, type, ...)                                                            \
    static gt_tensor *name(gt_tensor *x, gt_tensor *t, double s)                                   \
    {                                                                                              \
        (void)s;                                                                                   \
        return function(x, t, (type){.reduction = GT_NONE, __VA_ARGS__});                          \
    }
LOSS(mse_loss, gt_mse_loss_, gt_loss_opts, .gt_ = 0)
LOSS(l1_loss, gt_l1_loss_, gt_loss_opts, .gt_ = 0)
LOSS(smooth_l1_loss, gt_smooth_l1_loss_, gt_smooth_l1_loss_opts, .beta = s)
LOSS(huber_loss, gt_huber_loss_, gt_huber_loss_opts, .delta = s)
LOSS(bce, gt_binary_cross_entropy_, gt_binary_cross_entropy_opts, .gt_ = 0)
LOSS(bce_logits, gt_binary_cross_entropy_with_logits_, gt_binary_cross_entropy_with_logits_opts,
     .gt_ = 0)
LOSS(kl_div, gt_kl_div_, gt_kl_div_opts, .gt_ = 0)
LOSS(kl_div_log, gt_kl_div_, gt_kl_div_opts, .log_target = true)

static const struct {
    const char *name;
    loss_fn *call;
} losses[] = {
    {"mse_loss", mse_loss},
    {"l1_loss", l1_loss},
    {"smooth_l1_loss", smooth_l1_loss},
    {"huber_loss", huber_loss},
    {"binary_cross_entropy", bce},
    {"binary_cross_entropy_with_logits", bce_logits},
    {"kl_div", kl_div},
    {"kl_div_log", kl_div_log},
};

/* The group's numbers where the operation has them. */
static void place_options(const group *g, const gt_attrs *attrs, void *opts)
{
    const gt_keywords mark = GT_COMPLETE;
    if (attrs->fill) memcpy(opts, &mark, sizeof mark);
    for (int i = 0; i < g->n_opts && i < attrs->n; i++) {
        const gt_attr *a = &attrs->row[i];
        const bool on = g->opts[i] != 0;
        if (a->kind == GT_ATTR_SWITCH) memcpy((char *)opts + a->at, &on, sizeof on);
        else memcpy((char *)opts + a->at, &g->opts[i], sizeof g->opts[i]);
    }
}

static gt_tensor *call(const group *g, gt_tensor *const in[])
{
    for (size_t i = 0; i < sizeof losses / sizeof *losses; i++)
        if (!strcmp(losses[i].name, g->op)) return losses[i].call(in[0], in[1], g->opts[0]);
    const gt_op_info *info = gt_op_find(g->op);
    if (!info) fail_msg("there is no operation %s", g->op);
    double opts[8] = {0};
    assert_true(info->op->opts_size <= sizeof opts);
    place_options(g, &info->op->attrs, opts);
    return gt_apply(info->op, opts, g->n_in, in);
}

/* Where the derivative is made of a result that nears 1. */
static bool is_made_of_y(const char *op)
{
    static const char *const ops[] = {"tanh", "sigmoid", "binary_cross_entropy_with_logits"};
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++)
        if (!strcmp(op, ops[i])) return true;
    return false;
}

/* --- comparing --- */

static double eps_of(gt_dtype dtype)
{
    return dtype == GT_F32 ? (double)FLT_EPSILON : DBL_EPSILON;
}

static double largest_of(gt_dtype dtype)
{
    return dtype == GT_F32 ? (double)FLT_MAX : DBL_MAX;
}

/* `unit` is the derivative for an upstream of 1: what leaves the range there may stay outside. */
static bool is_right(const group *g, double got, double unit, double scale)
{
    const double eps = eps_of(g->dtype), largest = largest_of(g->dtype), want = unit * scale;
    const double smallest = g->dtype == GT_F32 ? (double)FLT_MIN : DBL_MIN;
    if (isnan(unit)) return true;
    if (isnan(got)) return false;
    const double sign = unit < 0 ? -INFINITY : INFINITY;
    if (isinf(unit) && scale < 1) return got * sign > 0;
    if (fabs(want) > largest) return got == sign;
    if (fabs(unit) > largest && got == sign) return true;
    double bound = ROUNDINGS * eps * fabs(want) + 4 * smallest * fmax(1, scale);
    if (is_made_of_y(g->op)) bound += 8 * eps * scale;
    return fabs(got - want) <= bound;
}

static int wrong;

static void compare(const group *g, const char *what, const gt_tensor *t, const double *unit,
                    double scale)
{
    for (int i = 0; i < g->n; i++) {
        const double got = t ? element(t, i) : 0;
        if (is_right(g, got, unit[i], scale)) continue;
        if (++wrong > SHOWN) return;
        print_error("%s(%g, %g) %s at %g", g->op, g->opts[0], g->opts[1], gt_dtype_name(g->dtype),
                    g->in[0][i]);
        if (g->n_in > 1) print_error(", %g", g->in[1][i]);
        print_error(", upstream %g: %s is %g, right is %g\n", scale, what, got, unit[i] * scale);
    }
}

/* --- one group --- */

static void second_derivatives(const group *g, gt_tensor *const in[], gt_tensor *const slope[],
                               double scale)
{
    static const char *const name[] = {"d2/da2", "d2/dadb", "d2/db2"};
    gt_tensor *ones = gt_ones_like(in[0]);
    int k = 1 + g->n_in;
    for (int i = 0; i < g->n_in; i++) {
        gt_tensor *h[MAX_IN] = {0};
        if (slope[i]->requires_grad)
            gt_grad(&slope[i], 1, in, g->n_in, h, .upstream = &ones, .allow_unused = true,
                    .retain = true);
        assert_well(in[0]->ctx);
        for (int j = i; j < g->n_in; j++, k++)
            compare(g, g->n_in == 1 ? "d2/dx2" : name[i + j], h[j], g->want[k], scale);
    }
}

static void check_with(const group *g, double scale)
{
    gt_ctx *gt = gt_open();
    gt_tensor *in[MAX_IN] = {0}, *slope[MAX_IN] = {0};
    const gt_shape shape = GT_SHAPE(g->n);
    const gt_new_opts leaf = {.dtype = g->dtype, .requires_grad = true};
    for (int i = 0; i < g->n_in; i++) in[i] = gt_values_(gt, shape, (size_t)g->n, g->in[i], leaf);
    gt_tensor *y = call(g, in), *dy = gt_full(gt, shape, scale, .dtype = g->dtype);
    if (!y) fail_msg("%s: %s", g->op, gt_error_message(gt));
    compare(g, "the value", y, g->want[0], 1);
    gt_grad(&y, 1, in, g->n_in, slope, .upstream = &dy, .create_graph = true);
    assert_well(gt);
    for (int i = 0; i < g->n_in; i++)
        compare(g, i ? "d/db" : "d/da", slope[i], g->want[1 + i], scale);
    second_derivatives(g, in, slope, scale);
    gt_close(gt);
}

static void check(const group *g)
{
    check_with(g, 1);
    if (g->n_in > 1) return;
    check_with(g, g->dtype == GT_F32 ? 1e-30 : 1e-250);
    check_with(g, g->dtype == GT_F32 ? 1e30 : 1e250);
}

/* --- the file --- */

static double *column(int n)
{
    double *values = calloc((size_t)n + 1, sizeof *values);
    assert_non_null(values);
    return values;
}

static bool read_group(FILE *f, group *g)
{
    char dtype[8];
    *g = (group){.n = 0};
    if (fscanf(f, " case %47s %7s %d %d", g->op, dtype, &g->n_in, &g->n_opts) != 4) return false;
    assert_in_range(g->n_in, 1, MAX_IN);
    assert_in_range(g->n_opts, 0, 2);
    g->dtype = strcmp(dtype, "f32") ? GT_F64 : GT_F32;
    for (int i = 0; i < g->n_opts; i++) assert_int_equal(fscanf(f, "%lf", &g->opts[i]), 1);
    assert_int_equal(fscanf(f, "%d", &g->n), 1);
    const int values = values_of(g->n_in);
    for (int i = 0; i < g->n_in; i++) g->in[i] = column(g->n);
    for (int i = 0; i < values; i++) g->want[i] = column(g->n);
    for (int r = 0; r < g->n; r++) {
        for (int i = 0; i < g->n_in; i++) assert_int_equal(fscanf(f, "%lf", &g->in[i][r]), 1);
        for (int i = 0; i < values; i++) assert_int_equal(fscanf(f, "%lf", &g->want[i][r]), 1);
    }
    return true;
}

static void free_group(group *g)
{
    for (int i = 0; i < MAX_IN; i++) free(g->in[i]);
    for (int i = 0; i < MAX_VALUES; i++) free(g->want[i]);
}

enum { MOST_OPS = 512 };
static bool seen[MOST_OPS]; /* by the place in gt_ops() */

static void test_extremes(void **state)
{
    (void)state;
    FILE *f = fopen(GT_SOURCE_DIR "/tests/reference/extremes.txt", "r");
    if (!f) fail_msg("tools/reference_extremes.py writes tests/reference/extremes.txt");
    assert_int_equal(fscanf(f, "#%*[^\n]"), 0);
    size_t n_ops;
    const gt_op_info *ops = gt_ops(&n_ops);
    assert_true(n_ops <= MOST_OPS);
    for (group g; read_group(f, &g); free_group(&g)) {
        const gt_op_info *info = gt_op_find(g.op);
        if (info) seen[info - ops] = true;
        check(&g);
    }
    fclose(f);
    if (wrong) fail_msg("%d values are wrong", wrong);
}

/* Elementwise is what stands under these headings and has a derivative. */
static void test_none_is_left_out(void **state)
{
    (void)state;
    static const char *const titles[] = {"Arithmetic", "Functions of one element", "Activations",
                                         "Losses"};
    size_t n_ops;
    const gt_op_info *ops = gt_ops(&n_ops);
    for (size_t i = 0; i < n_ops; i++)
        for (size_t t = 0; t < sizeof titles / sizeof *titles; t++)
            if (!strcmp(gt_op_section_of(&ops[i])->title, titles[t]) && ops[i].op &&
                ops[i].op->backward && !ops[i].inner && !seen[i])
                fail_msg("tests/reference/extremes.txt has nothing of %s: give its value and "
                         "derivatives a row in tools/reference_extremes.py, and run that",
                         ops[i].name);
}

static int all_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_extremes),
        cmocka_unit_test(test_none_is_left_out),
    };
    return cmocka_run_group_tests_name("extremes", tests, NULL, NULL);
}

int main(void)
{
    return at_every_level(all_tests);
}
