/* Attributes of operations: tables that are sound and leave nothing out, defaults that are what
 * they say, bounds that hold, and labels. All are tables over the registry, so an operation that is
 * added is among them. */
#include "samples.h"

#include <float.h>
#include <math.h>

enum { MOST_OPTS = 512 };

/* --- tables --- */

static size_t size_of(const gt_attr *a)
{
    switch (a->kind) {
    case GT_ATTR_INT64: return sizeof(int64_t) * (size_t)a->count;
    case GT_ATTR_REAL:
    case GT_ATTR_REAL_PAIR: return sizeof(double) * (size_t)a->count;
    case GT_ATTR_SWITCH: return sizeof(bool);
    case GT_ATTR_SHAPE: return sizeof(gt_shape);
    case GT_ATTR_TENSOR: return a->at ? sizeof(gt_tensor *) : 0;
    case GT_ATTR_INT:
    case GT_ATTR_PAIR:
    case GT_ATTR_PADDING:
    case GT_ATTR_AXES:
    case GT_ATTR_CHOICE: break;
    }
    return sizeof(int) * (size_t)a->count;
}

static void check_row(const char *name, const gt_attr *a)
{
    if (a->name[0] && (!a->meaning || !a->meaning[0]))
        fail_msg("%s: %s has no meaning", name, a->name);
    for (const char *c = a->name; *c; c++)
        if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789_", *c))
            fail_msg("%s: '%s' is no name as PyTorch has them", name, a->name);
}

static void tables_are_sound(void **state)
{
    (void)state;
    size_t n;
    const gt_op_info *info = gt_ops(&n);
    int rows = 0;
    for (size_t i = 0; i < n; i++) {
        char why[GT_WHY];
        const gt_op *op = info[i].op;
        const gt_attrs *attrs = gt_op_info_attrs(&info[i]);
        if (op && (op->opts_size > 0) != (op->attrs.n > 0))
            fail_msg("%s has options without attributes, or attributes without options", op->name);
        if (op && !gt_attrs_ok(&op->attrs, op->opts_size, why)) fail_msg("%s: %s", op->name, why);
        if (!attrs) continue;
        if (!gt_attrs_ok(attrs, MOST_OPTS, why)) fail_msg("%s: %s", info[i].name, why);
        for (int k = 0; k < attrs->n; k++) check_row(info[i].name, &attrs->row[k]);
        rows += attrs->n;
    }
    assert_true(rows > 150);
}

/* --- running samples with changed options --- */

typedef struct {
    const gt_op *op;
    const gt_sample *sample;
    char opts[MOST_OPTS];
} run;

static void begin_run(run *r, const gt_op *op, const gt_sample *sample)
{
    assert_true(op->opts_size <= MOST_OPTS);
    *r = (run){.op = op, .sample = sample};
    if (sample->opts) memcpy(r->opts, sample->opts, op->opts_size);
}

/* Results of the run in gt, or none and the message. */
static results go(gt_ctx *gt, const run *r, char message[400])
{
    gt_sample sample = *r->sample;
    sample.opts = r->opts;
    const results all = run_sample(gt, r->op, &sample, GT_F64);
    snprintf(message, 400, "%s", gt_error_message(gt));
    gt_error_clear(gt);
    return all;
}

static bool same_bits(const gt_tensor *a, const gt_tensor *b)
{
    if (!a || !b) return a == b;
    return a->dtype == b->dtype && gt_same_shape(a, b) &&
           !memcmp(a->data, b->data, (size_t)a->size * gt_dtype_size(a->dtype));
}

/* Both runs give the same bits, or the same message. */
static void assert_same(const run *a, const run *b, const char *what)
{
    gt_ctx *gt = gt_open();
    char of_a[400], of_b[400];
    const results x = go(gt, a, of_a), y = go(gt, b, of_b);
    bool same = x.n == y.n && !strcmp(of_a, of_b);
    for (int i = 0; same && i < x.n; i++) same = same_bits(x.at[i], y.at[i]);
    if (!same)
        fail_msg("%s, sample \"%s\": %s makes a difference: '%s', '%s'", a->op->name,
                 a->sample->label, what, of_a, of_b);
    gt_close(gt);
}

typedef void check_fn(const gt_op *op, const gt_sample *sample);

static void for_all_samples(check_fn *check)
{
    size_t n;
    const gt_op_info *info = gt_ops(&n);
    for (size_t i = 0; i < n; i++) {
        const gt_op *op = info[i].op;
        for (int s = 0; op && op->opts_size && s < op->n_samples; s++) check(op, &op->samples[s]);
    }
}

/* What is no attribute's is nothing that an operation reads: it may hold anything. */
static void check_rest(const gt_op *op, const gt_sample *sample)
{
    run plain, filled;
    char known[MOST_OPTS] = {0};
    begin_run(&plain, op, sample);
    filled = plain;
    if (op->attrs.fill) memset(known, 1, sizeof(gt_keywords));
    for (int k = 0; k < op->attrs.n; k++)
        memset(known + op->attrs.row[k].at, 1, size_of(&op->attrs.row[k]));
    if (!op->attrs.fill && op->attrs.row[0].at >= sizeof(gt_keywords))
        memset(known, 1, sizeof(gt_keywords)); /* of options that are all taken as they are */
    for (size_t at = 0; at < op->opts_size; at++)
        if (!known[at]) filled.opts[at] = 0x5a;
    assert_same(&plain, &filled, "what no row has");
}

static void rows_leave_nothing_out(void **state)
{
    (void)state;
    for_all_samples(check_rest);
}

/* --- defaults --- */

/* Sets number i of an option; a real one of a whole kind is not asked for. */
static void set(const gt_attr *a, char *opts, int i, double v)
{
    char *at = opts + a->at;
    switch (a->kind) {
    case GT_ATTR_INT:
    case GT_ATTR_PAIR:
    case GT_ATTR_PADDING:
    case GT_ATTR_CHOICE: ((int *)(void *)at)[i] = (int)v; break;
    case GT_ATTR_INT64: ((int64_t *)(void *)at)[i] = (int64_t)v; break;
    case GT_ATTR_REAL:
    case GT_ATTR_REAL_PAIR: ((double *)(void *)at)[i] = v; break;
    case GT_ATTR_SWITCH:
    case GT_ATTR_SHAPE:
    case GT_ATTR_AXES:
    case GT_ATTR_TENSOR: break;
    }
}

static bool has_numbers(const gt_attr *a)
{
    return a->kind != GT_ATTR_SWITCH && a->kind != GT_ATTR_SHAPE && a->kind != GT_ATTR_AXES &&
           a->kind != GT_ATTR_TENSOR;
}

static void check_defaults(const gt_op *op, const gt_sample *sample)
{
    for (int k = 0; op->attrs.fill && k < op->attrs.n; k++) {
        const gt_attr *a = &op->attrs.row[k];
        if (!has_numbers(a) || a->argument || a->required || a->usual || a->same) continue;
        run given, left;
        begin_run(&given, op, sample);
        begin_run(&left, op, sample);
        for (int i = 0; i < a->count; i++) {
            set(a, left.opts, i, 0);
            set(a, given.opts, i, GT_EXACTLY(a->otherwise));
        }
        assert_same(&given, &left, a->name);
    }
}

static void defaults_are_what_the_tables_say(void **state)
{
    (void)state;
    for_all_samples(check_defaults);
}

/* What is complete is completed no second time. */
static void check_complete(const gt_op *op, const gt_sample *sample)
{
    if (!op->attrs.fill) return;
    run given, complete;
    gt_ctx *gt = gt_open();
    begin_run(&given, op, sample);
    begin_run(&complete, op, sample);
    for (int twice = 0; twice < 2; twice++)
        assert_true(gt_complete(gt, op->name, &op->attrs, complete.opts));
    gt_close(gt);
    assert_same(&given, &complete, "completing twice");
}

static void complete_options_stay(void **state)
{
    (void)state;
    for_all_samples(check_complete);
}

/* --- bounds --- */

static bool inside(const gt_attr *a, double v)
{
    const gt_bounds *b = &a->bounds;
    if (isinf(v)) return b->but & GT_OR_INFINITE;
    return v >= b->low && v <= b->high && !(v == b->low && b->but & GT_NOT_LOW) &&
           !(v == b->high && b->but & GT_NOT_HIGH) && !(v == 0 && b->but & GT_NOT_ZERO);
}

static void assert_refused(const run *base, const gt_attr *a, int i, double v)
{
    run r = *base;
    char message[400], named[128];
    set(a, r.opts, i, v == 0 && !a->argument ? GT_ZERO : v);
    gt_ctx *gt = gt_open();
    go(gt, &r, message);
    gt_close(gt);
    snprintf(named, sizeof named, "): %s is ", a->name);
    if (!strstr(message, named) || !strstr(message, ", must "))
        fail_msg("%s: %s = %g is not refused, but '%s'", base->op->name, a->name, v, message);
}

static void check_bounds(const gt_op *op, const gt_sample *sample)
{
    static const double values[] = {-1e9, -3, -1, -0.5, 0, 0.5, 1, 1.5, 3, 4, 1e9, INFINITY, NAN};
    run base;
    begin_run(&base, op, sample);
    for (int k = 0; op->attrs.fill && k < op->attrs.n; k++) {
        const gt_attr *a = &op->attrs.row[k];
        const bool real = a->kind == GT_ATTR_REAL || a->kind == GT_ATTR_REAL_PAIR;
        if (!has_numbers(a) || !a->name[0] ||
            (a->bounds.low == 0 && a->bounds.high == 0 && !a->bounds.but))
            continue;
        for (size_t v = 0; v < sizeof values / sizeof *values; v++) {
            if ((real || values[v] == trunc(values[v])) && !inside(a, values[v]) &&
                (real || isfinite(values[v])))
                for (int i = 0; i < a->count; i++) assert_refused(&base, a, i, values[v]);
        }
    }
}

/* The first sample of each: what is refused is refused before anything else is looked at. */
static void what_is_out_of_bounds_is_refused(void **state)
{
    (void)state;
    size_t n;
    const gt_op_info *info = gt_ops(&n);
    for (size_t i = 0; i < n; i++)
        if (info[i].op && info[i].op->opts_size) check_bounds(info[i].op, info[i].op->samples);
}

/* --- values and labels --- */

static void labels_say_what_is_not_usual(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *x = gt_rand(gt, GT_SHAPE(2, 4, 8, 8), .requires_grad = true);
    gt_tensor *square = gt_ones(gt, GT_SHAPE(4, 4, 3, 3)), *target = gt_zeros_like(x);
    const struct {
        gt_tensor *y;
        const char *label;
    } rows[] = {
        {gt_conv2d(x, square), ""},
        {gt_conv2d(x, square, .stride = {2}, .padding = {1}), "stride={2, 2}, padding={1, 1}"},
        {gt_max_pool2d(x, .kernel = {2}), "kernel={2, 2}"},
        {gt_max_pool2d(x, .kernel = {2}, .stride = {2, 1}), "kernel={2, 2}, stride={2, 1}"},
        {gt_elu(x), ""},
        {gt_elu(x, .alpha = 0.5), "alpha=0.5"},
        {gt_elu(x, .alpha = GT_ZERO), "alpha=0"},
        {gt_gelu(x, .tanh_approximation = true), "tanh_approximation=true"},
        {gt_sum(x), ""},
        {gt_sum(x, .axes = GT_AXES(0, -1), .keepdim = true), "axes=GT_AXES(0, -1), keepdim=true"},
        {gt_softmax(x, 1), "axis=1"},
        {gt_mse_loss(x, target, .reduction = GT_SUM), "reduction=GT_SUM"},
        {gt_permute(x, 3, 2, 1, 0), "order={3, 2, 1, 0}"},
        {gt_reshape(x, GT_SHAPE(8, -1)), "shape=[8,-1]"},
        {gt_pad(x, .pad = {1, 2, 3}, .mode = GT_PAD_REFLECT), "pad={1, 2, 3}, mode=GT_PAD_REFLECT"},
        {gt_slice(x, 1, 0, GT_END, .step = 2), "axis=1, start=0, stop=GT_END, step=2"},
        {gt_mul_scalar(x, 0.1), "s=0.1"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char label[200], cut[4];
        assert_well(gt);
        const gt_node *n = gt_producer(rows[i].y);
        gt_attrs_format(&n->op->attrs, n->opts, label, sizeof label);
        assert_string_equal(label, rows[i].label);
        gt_attrs_format(&n->op->attrs, n->opts, cut, sizeof cut);
        assert_int_equal(strncmp(cut, label, 3), 0);
        assert_true(strlen(cut) <= 3);
    }
}

static void values_are_read_by_name(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *x = gt_rand(gt, GT_SHAPE(1, 1, 4, 4), .requires_grad = true);
    const gt_node *n = gt_producer(gt_max_pool2d(x, .kernel = {2, 3}));
    const gt_attr *stride = gt_attr_find(&n->op->attrs, "stride");
    assert_int_equal(stride->kind, GT_ATTR_PAIR);
    assert_int_equal(gt_attr_whole(stride, n->opts, 0), 2);
    assert_int_equal(gt_attr_whole(stride, n->opts, 1), 3);
    assert_int_equal(gt_attr_whole(stride, n->opts, 2), 0);
    assert_null(gt_attr_find(&n->op->attrs, "alpha"));
    assert_null(gt_attr_find(&n->op->attrs, ""));
    assert_null(gt_attr_find(&n->op->attrs, NULL));
    n = gt_producer(gt_elu(x, .alpha = 0.25));
    const gt_attr *alpha = gt_attr_find(&n->op->attrs, "alpha");
    assert_true(gt_attr_real(alpha, n->opts, 0) == 0.25);
    assert_int_equal(gt_attr_whole(alpha, n->opts, 0), 0);
    n = gt_producer(gt_mul_scalar(x, NAN));
    assert_int_equal(gt_attr_whole(&n->op->attrs.row[0], n->opts, 0), 0);
}

/* --- tables that are wrong --- */

typedef struct {
    gt_keywords gt_;
    int a, b;
} two;

static void wrong_tables_are_told(void **state)
{
    (void)state;
    static const gt_attr far[] = {{.name = "a", .kind = GT_ATTR_REAL, .at = 12, .count = 1}};
    static const gt_attr early[] = {{.name = "a", .kind = GT_ATTR_INT, .count = 1}};
    static const gt_attr over[] = {{GT_OPTION("a", two, a)}, {GT_OPTION("b", two, a)}};
    static const gt_attr twice[] = {{GT_OPTION("a", two, a)}, {GT_OPTION("a", two, b)}};
    static const gt_attr nameless[] = {{.kind = GT_ATTR_INT, .at = 8, .count = 1}};
    static const gt_attr single[] = {{.name = "a", .kind = GT_ATTR_PAIR, .at = 8, .count = 1}};
    static const gt_attr few[] = {{GT_CHOICE("a", two, a, 3, "one two")}};
    static const gt_attr none[] = {{.name = "a", .kind = GT_ATTR_INT, .at = 8}};
    static const gt_attr odd[] = {{.name = "a", .kind = GT_ATTR_INT, .at = 9, .count = 1}};
    static const gt_attr half[] = {{.name = "a", .kind = GT_ATTR_REAL_PAIR, .at = 8, .count = 1}};
    static const gt_attr strange[] = {{.name = "a", .kind = (gt_attr_kind)99, .at = 8, .count = 1}};
    static const gt_attr many[] = {{.name = "a", .kind = GT_ATTR_SWITCH, .at = 8, .count = 7}};
    static const gt_attr huge[] = {{GT_OPTION("a", two, a), .otherwise = 1e30}};
    static const gt_attr no_number[] = {{GT_OPTION("a", two, a), .otherwise = NAN}};
    static const gt_attr sourceless[] = {{GT_OPTION("a", two, a), .same = 5000}};
    static const gt_attr below[] = {{GT_OPTION("a", two, a), .same = offsetof(two, b)},
                                    {GT_OPTION("b", two, b)}};
    static const gt_attr endless[] = {{GT_OPTION("a", two, a), .length = 5000}};
    static const struct {
        gt_attrs attrs;
        const char *why;
    } rows[] = {
        {{NULL, 2, true}, "there are 2 rows, but none is given"},
        {{far, -1, true}, "there are -1 rows"},
        {GT_ATTRS(odd), "row 0, 'a', lies where its kind cannot: use GT_OPTION"},
        {GT_ATTRS(half), "row 0, 'a', is no pair"},
        {GT_ATTRS(strange), "row 0, 'a', is of no kind"},
        {GT_ATTRS(many), "row 0, 'a', is of a kind that has one value"},
        {GT_ATTRS(huge), "row 0, 'a', has a default that is none of its kind"},
        {GT_ATTRS(no_number), "row 0, 'a', has a default that is none of its kind"},
        {GT_ATTRS(sourceless), "row 0, 'a', has its default from no row above it"},
        {GT_ATTRS(below), "row 0, 'a', has its default from no row above it"},
        {GT_ATTRS(endless), "row 0, 'a', has its length outside of the struct"},
        {GT_ATTRS(far), "row 0, 'a', lies outside of the struct"},
        {GT_ATTRS(early), "row 0, 'a', lies outside of the struct, or where the gt_keywords are"},
        {GT_ATTRS(over), "row 1, 'b', overlaps another"},
        {GT_ATTRS(twice), "row 1, 'a', has another's name"},
        {GT_ATTRS(nameless), "row 0, '', has no name"},
        {GT_ATTRS(single), "row 0, 'a', is no pair"},
        {GT_ATTRS(few), "row 0, 'a', has another number of choices than its bounds"},
        {GT_ATTRS(none), "row 0, 'a', has a count below 1"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char why[GT_WHY];
        assert_false(gt_attrs_ok(&rows[i].attrs, sizeof(two), why));
        assert_non_null(strstr(why, rows[i].why));
    }
    char why[GT_WHY];
    assert_false(gt_attrs_ok(&(const gt_attrs){.fill = true}, 4, why));
    assert_string_equal(why, "the struct has no room for its gt_keywords");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_are_sound),
        cmocka_unit_test(rows_leave_nothing_out),
        cmocka_unit_test(defaults_are_what_the_tables_say),
        cmocka_unit_test(complete_options_stay),
        cmocka_unit_test(what_is_out_of_bounds_is_refused),
        cmocka_unit_test_setup_teardown(labels_say_what_is_not_usual, open_context, close_context),
        cmocka_unit_test_setup_teardown(values_are_read_by_name, open_context, close_context),
        cmocka_unit_test(wrong_tables_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
