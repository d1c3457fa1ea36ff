/* Operations that change tensors in place: their values against the formulas, the gate of
 * optimizers' steps, and what such a call leaves alone. Threads, messages and f32 against f64 are
 * test_threads.c's, test_samples.c's and test_registry.c's, as for every operation. */
#include "samples.h"

#include <math.h>

static const gt_change_args numbers = {.p = 0.25, .q = 1.5};
enum { N = 67, FOUR = 4 }; /* FOUR: what is counted so far */

/* --- values --- */

static double now_fill(double y, double x, double p, double q)
{
    (void)y, (void)x, (void)q;
    return p;
}

static double now_copy(double y, double x, double p, double q)
{
    (void)y, (void)p, (void)q;
    return x;
}

static double now_accumulate(double y, double x, double p, double q)
{
    (void)p, (void)q;
    return y + x;
}

static double now_axpy(double y, double x, double p, double q)
{
    (void)q;
    return y + p * x;
}

static double now_copy_scaled(double y, double x, double p, double q)
{
    (void)y, (void)q;
    return p * x;
}

static double now_lerp(double y, double x, double p, double q)
{
    (void)q;
    return y + p * (x - y);
}

static double now_blend(double y, double x, double p, double q)
{
    return (1 - p) * y + p * q * x;
}

static double now_average(double y, double x, double p, double q)
{
    (void)p;
    return y + (q * x - y) / FOUR;
}

static double now_limit(double y, double x, double p, double q)
{
    (void)x, (void)q;
    return fmin(fmax(y, -p), p);
}

/* third: what a third input is, the number p in f64 or the count in i64 */
static const struct {
    const char *name;
    double (*now)(double y, double x, double p, double q);
    enum { NOTHING, NUMBER, COUNT } third;
} formulas[] = {
    {"fill", now_fill, NOTHING},
    {"copy", now_copy, NOTHING},
    {"accumulate", now_accumulate, NOTHING},
    {"axpy", now_axpy, NUMBER},
    {"copy_scaled", now_copy_scaled, NUMBER},
    {"lerp", now_lerp, NUMBER},
    {"blend", now_blend, NOTHING},
    {"average", now_average, COUNT},
    {"limit", now_limit, NOTHING},
};
enum { N_FORMULAS = sizeof formulas / sizeof *formulas };

static gt_tensor *third_of(gt_ctx *gt, int k)
{
    const bool count = formulas[k].third == COUNT;
    return gt_scalar(gt, count ? FOUR : numbers.p, .dtype = count ? GT_I64 : GT_F64);
}

/* The operation on y and x, or with x being y. */
static void check_formula(gt_ctx *gt, int k, gt_dtype dtype, bool same)
{
    const gt_op *op = gt_op_find(formulas[k].name)->op;
    gt_tensor *was = gt_randn(gt, GT_SHAPE(N), .dtype = dtype), *y = gt_clone(was);
    gt_tensor *x = same ? y : gt_randn(gt, GT_SHAPE(N), .dtype = dtype);
    gt_tensor *const in[] = {y, x, third_of(gt, k)};
    assert_int_equal(gt_apply_into(op, &numbers, op->n_in, in), GT_OK);
    for (int64_t i = 0; i < N; i++) {
        const double old = element(was, i), by = same ? old : element(x, i);
        const double want = formulas[k].now(old, by, numbers.p, numbers.q);
        if (!(fabs(element(y, i) - want) <= (dtype == GT_F32 ? 1e-6 : 1e-15) * (1 + fabs(want))))
            fail_msg("%s: %.17g instead of %.17g", op->name, element(y, i), want);
    }
}

static void changes_follow_their_formulas(void **state)
{
    for (int k = 0; k < N_FORMULAS; k++)
        for (gt_dtype dtype = GT_F32; dtype <= GT_F64; dtype++) {
            check_formula(*state, k, dtype, false);
            check_formula(*state, k, dtype, true);
        }
}

static void exchange_exchanges(void **state)
{
    gt_tensor *a = gt_randn(*state, GT_SHAPE(N)), *b = gt_randn(*state, GT_SHAPE(N));
    const gt_tensor *a0 = gt_clone(a), *b0 = gt_clone(b);
    assert_int_equal(gt_apply_into(&gt_op_exchange, NULL, 2, (gt_tensor *[]){a, b}), GT_OK);
    assert_memory_equal(a->data, b0->data, N * sizeof(float));
    assert_memory_equal(b->data, a0->data, N * sizeof(float));
}

static void a_slice_is_filled(void **state)
{
    for (int64_t start = 0; start < 3; start++)
        for (int64_t stop = start; stop <= 3; stop++) {
            const gt_fill_slice_args o = {.value = 7, .axis = 1, .start = start, .stop = stop};
            gt_tensor *y = gt_zeros(*state, GT_SHAPE(2, 3, 4), .dtype = GT_F64);
            gt_apply_into(&gt_op_fill_slice, &o, 1, (gt_tensor *[]){y});
            for (int64_t i = 0; i < y->size; i++)
                assert_true(element(y, i) == (i / 4 % 3 >= start && i / 4 % 3 < stop ? 7 : 0));
        }
    assert_well(*state);
}

static void whole_numbers_are_counted(void **state)
{
    gt_tensor *n = gt_arange(*state, 0, N, 1, .dtype = GT_I64);
    gt_apply_into(&gt_op_count, NULL, 1, &n);
    for (int64_t i = 0; i < N; i++) assert_true(element(n, i) == (double)i + 1);
    gt_tensor *key = gt_zeros(*state, GT_SHAPE(2), .dtype = GT_I64), *from = gt_clone(n);
    gt_tensor *keys = gt_slice(from, 0, 0, 2);
    gt_apply_into(&gt_op_next_key, NULL, 2, (gt_tensor *[]){key, keys});
    assert_true(element(key, 0) == 1 && element(key, 1) == 2);
    assert_true(element(keys, 0) == 1 && element(keys, 1) == 3);
    assert_well(*state);
}

/* What backward_into adds to what there is, is what backward gives. */
static void check_piece(gt_ctx *gt, const gt_op *op, const gt_sample *sample, gt_dtype dtype)
{
    gt_tensor *in[GT_SAMPLE_INPUTS], *dx, *into[GT_SAMPLE_INPUTS];
    const int n_in = sample_inputs(gt, op, sample, dtype, in);
    gt_tensor *y = gt_apply(op, sample->opts, n_in, in),
              *dy = gt_randn(gt, y->shape, .dtype = dtype);
    gt_grad(&y, 1, in, 1, &dx, .upstream = &dy, .retain = true);
    gt_tensor *sum = gt_randn(gt, in[0]->shape, .dtype = dtype), *was = gt_clone(sum);
    memcpy(into, (gt_tensor *[]){sum, dy}, 2 * sizeof *into);
    memcpy(into + 2, in + 1, (size_t)(n_in - 1) * sizeof *into);
    gt_apply_into(op->backward_into, gt_producer(y)->opts, n_in + 1, into);
    assert_well(gt);
    const gt_tensor *want = gt_add(was, dx);
    for (int64_t i = 0; i < sum->size; i++)
        if (element(sum, i) != element(want, i))
            fail_msg("%s, sample \"%s\", element %d: %g instead of %g", op->backward_into->name,
                     sample->label, (int)i, element(sum, i), element(want, i));
}

/* Or n pieces of x would cost n times as much as x. */
static void gradients_of_pieces_are_added(void **state)
{
    size_t n;
    const gt_op_info *info = gt_ops(&n);
    for (size_t i = 0; i < n; i++) {
        const gt_op *op = info[i].op;
        if (!op || !op->backward || !(op->flags & GT_OP_PICK)) continue;
        if (!op->backward_into) fail_msg("%s picks, but has no .backward_into", op->name);
        for (int k = 0; k < op->n_samples; k++)
            for (gt_dtype dtype = GT_F32; dtype <= GT_F64; dtype++)
                check_piece(*state, op, &op->samples[k], dtype);
    }
}

/* |x|^p of 2 and -3, which the sum's 5 may exceed, and what a norm of 8 allows of 6. */
static void powers_are_added_and_norms_clipped(void **state)
{
    static const double rows[][2] = {{1, 10}, {2, 18}, {3, 40}, {INFINITY, 5}};
    for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
        gt_tensor *sum = gt_scalar(*state, 5, .dtype = GT_F64);
        gt_tensor *x = gt_values(*state, GT_SHAPE(2), 2, -3);
        gt_apply_into(&gt_op_add_powers, &(gt_change_args){.p = rows[k][0]}, 2,
                      (gt_tensor *[]){sum, x});
        assert_true(fabs(gt_item(sum) - rows[k][1]) < 1e-12);
    }
    gt_tensor *norm = gt_scalar(*state, 8, .dtype = GT_F64), *y = gt_values(*state, GT_SHAPE(1), 6);
    gt_apply_into(&gt_op_clip_norm, &(gt_change_args){.p = 9}, 2, (gt_tensor *[]){y, norm});
    assert_true(gt_item(y) == 6);
    gt_apply_into(&gt_op_clip_norm, &(gt_change_args){.p = 4}, 2, (gt_tensor *[]){y, norm});
    assert_true(fabs(gt_item(y) - 3) < 1e-6);
    assert_well(*state);
}

/* Averages of gradients that are 0 end at 0, not among the numbers below the normal ones, which
 * slow processors down. Others stay: Adagrad's sum, Adam's largest average. */
static void averages_end_at_zero(void **state)
{
    static const struct {
        const gt_op *op;
        int states, ending;
    } rows[] = {{&gt_op_sgd_momentum_step, 1, 1},
                {&gt_op_adam_step, 2, 2},
                {&gt_op_adam_amsgrad_step, 3, 2},
                {&gt_op_nadam_step, 2, 2},
                {&gt_op_radam_step, 2, 2},
                {&gt_op_rmsprop_step, 1, 1},
                {&gt_op_rmsprop_centered_step, 2, 2},
                {&gt_op_rmsprop_momentum_step, 2, 2},
                {&gt_op_rmsprop_centered_momentum_step, 3, 3},
                {&gt_op_adagrad_step, 1, 0},
                {&gt_op_adadelta_step, 2, 2},
                {&gt_op_lion_step, 1, 1}};
    const gt_step_numbers by = {
        .lr = 0.1, .sign = 1, .shrink = 1, .betas = {0.5, 0.5}, .take = 1, .eps = 1, .root = 1};
    for (gt_dtype dtype = GT_F32; dtype <= GT_F64; dtype++)
        for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
            const double least = dtype == GT_F32 ? 0x1p-126 : 0x1p-1022;
            gt_tensor *in[6],
                *row = gt_zeros(*state, GT_SHAPE(1, GT_STEP_NUMBERS), .dtype = GT_F64);
            const int n = rows[k].states + 1;
            in[0] = gt_ones(*state, GT_SHAPE(N), .dtype = dtype);
            for (int i = 1; i < n; i++) in[i] = gt_full(*state, GT_SHAPE(N), least, .dtype = dtype);
            in[n] = gt_zeros(*state, GT_SHAPE(N), .dtype = dtype);
            in[n + 1] = row;
            memcpy(row->data, &by, sizeof by);
            gt_apply_into(rows[k].op, &(gt_step_args){.row = 0}, n + 2, in);
            for (int i = 1; i < n; i++)
                for (int64_t j = 0; j < N; j++)
                    assert_true(element(in[i], j) == (i <= rows[k].ending ? 0 : least));
        }
    assert_well(*state);
}

/* --- the gate --- */

/* Whether tests/reference/optim.txt has steps of the optimizer "adam" for "adam_amsgrad_step". */
static bool is_recorded(const char *step)
{
    char word[64];
    bool found = false;
    FILE *f = fopen(GT_SOURCE_DIR "/tests/reference/optim.txt", "r");
    assert_non_null(f);
    while (!found && fscanf(f, "%63s", word) == 1)
        if (!strcmp(word, "case") && fscanf(f, "%63s", word) == 1)
            found = !strncmp(word, step, strcspn(step, "_")) && !word[strcspn(step, "_")];
    fclose(f);
    return found;
}

static bool has_formula(const char *name)
{
    for (int k = 0; k < N_FORMULAS; k++)
        if (!strcmp(formulas[k].name, name)) return true;
    static const char *const apart[] = {
        "exchange",   "fill_slice",    "count",    "next_key",   "slice_add", "index_select_add",
        "gather_add", "embedding_add", "pick_add", "add_powers", "clip_norm"};
    for (size_t k = 0; k < sizeof apart / sizeof *apart; k++)
        if (!strcmp(apart[k], name)) return true; /* above */
    return false;
}

static void every_change_has_a_reference(void **state)
{
    (void)state;
    size_t n;
    int steps = 0;
    const gt_op_info *info = gt_ops(&n);
    assert_false(is_recorded("unknown_step"));
    for (size_t i = 0; i < n; i++) {
        if (!info[i].op || !(info[i].op->flags & GT_OP_INTO)) continue;
        const bool step = strstr(info[i].name, "_step");
        steps += step;
        if (step ? !is_recorded(info[i].name) : !has_formula(info[i].name))
            fail_msg("%s has neither a formula here nor steps in reference/optim.txt (%s)",
                     info[i].name, "tools/reference_optim.py");
    }
    assert_true(steps >= 13);
}

/* --- what a call does not do --- */

static void nothing_is_made(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *w = gt_ones(gt, GT_SHAPE(N), .requires_grad = true), *x = gt_ones(gt, GT_SHAPE(N));
    const gt_stats before = gt_get_stats(gt);
    const void *data = w->data;
    for (int i = 0; i < 1000; i++) {
        gt_tensor *const in[] = {w, x};
        assert_int_equal(gt_apply_into(&gt_op_accumulate, NULL, 2, in), GT_OK);
    }
    const gt_stats after = gt_get_stats(gt);
    assert_ptr_equal(w->data, data);
    assert_true(w->requires_grad && !gt_producer(w) && element(w, N - 1) == 1001);
    assert_true(gt_is_recording(gt));
    assert_int_equal(after.nodes, before.nodes);
    assert_int_equal(after.bytes_system, before.bytes_system);
    assert_int_equal(after.bytes_live, before.bytes_live);
    assert_int_equal(after.mallocs, before.mallocs);
}

static void old_values_are_known_to_be_gone(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *w = gt_ones(gt, GT_SHAPE(3), .requires_grad = true), *y = gt_sum(gt_square(w));
    gt_apply_into(&gt_op_limit, &numbers, 1, (gt_tensor *[]){w});
    gt_backward(y);
    assert_error(gt, GT_ERR_STATE, "was changed in place after it was recorded");
}

static void only_what_can_be_changed_is(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *x = gt_ones(gt, GT_SHAPE(3)), *i64 = gt_zeros(gt, GT_SHAPE(2), .dtype = GT_I64);
    assert_null(gt_apply(&gt_op_blend, &numbers, 2, (gt_tensor *[]){x, x}));
    assert_error(gt, GT_ERR_STATE, "blend (test_in_place.c");
    assert_null(gt_apply(&gt_op_limit, &numbers, 1, (gt_tensor *[]){x}));
    assert_error(gt, GT_ERR_STATE, "hint: gt_apply_into");
    assert_true(element(x, 0) == 1 && !gt_unusable(x));
    gt_apply_into(&gt_op_neg, NULL, 1, (gt_tensor *[]){x});
    assert_error(gt, GT_ERR_ARGUMENT, "neg (test_in_place.c");
    gt_apply_into(&gt_op_blend, &numbers, 1, (gt_tensor *[]){x});
    assert_error(gt, GT_ERR_ARGUMENT, "1 inputs, but the operation takes 2");
    gt_apply_into(&gt_op_limit, &numbers, 1, (gt_tensor *[]){i64});
    assert_error(gt, GT_ERR_DTYPE, "not made for i64");
    assert_int_equal(gt_apply_into(&gt_op_limit, &numbers, 1, (gt_tensor *[]){NULL}),
                     GT_ERR_ARGUMENT);
    gt_error_clear(NULL);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, open_context, close_context)
    const struct CMUnitTest tests[] = {
        TEST(changes_follow_their_formulas),
        TEST(exchange_exchanges),
        TEST(a_slice_is_filled),
        TEST(whole_numbers_are_counted),
        TEST(gradients_of_pieces_are_added),
        TEST(powers_are_added_and_norms_clipped),
        TEST(averages_end_at_zero),
        cmocka_unit_test(every_change_has_a_reference),
        TEST(nothing_is_made),
        TEST(old_values_are_known_to_be_gone),
        TEST(only_what_can_be_changed_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
