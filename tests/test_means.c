/* Means that know their weight: a mean over parts, however uneven, is the mean over the whole. Each
 * loss is computed on all items at once and on parts of them, some of which have nothing to count;
 * value, weight and gradient must agree. */
#include <math.h>

#include "support.h"

enum { ITEMS = 8, FEATURES = 2, CLASSES = 3, PARTS = 5 };
static const int64_t part_end[PARTS] = {1, 3, 4, 6, ITEMS}; /* the first and fourth count nothing */
static const int64_t labels[ITEMS] = {-100, 1, 1, 2, -100, -100, 0, 2};
static const double class_weight[CLASSES] = {0.5, 2, 3};

/* --- losses of logits z [n,c], labels y [n], targets t [n,c] in 0..1 --- */

static gt_tensor *weights(const gt_tensor *z)
{
    return gt_values_(z->ctx, GT_SHAPE(CLASSES), CLASSES, class_weight,
                      (gt_new_opts){.dtype = GT_F64});
}

/* 1 where the label counts, as f64 [n]. */
static gt_tensor *mask_of(gt_tensor *y)
{
    return gt_cast(gt_ne(y, gt_full(y->ctx, GT_SCALAR, -100, .dtype = GT_I64)), GT_F64);
}

/* Of one's own: without anything to count it is 0 / 0, and so are its gradients. */
static gt_tensor *masked(gt_tensor *z, gt_tensor *y)
{
    gt_tensor *mask = mask_of(y), *n = gt_sum(mask);
    gt_tensor *rows = gt_sum(gt_square(z), .axes = GT_AXES(1));
    return gt_set_mean_weight(gt_div(gt_sum(gt_mul(rows, mask)), n), gt_item(n));
}

#define LOSSES(X)                                                                                  \
    X(cross_entropy, gt_cross_entropy(z, y), 5)                                                    \
    X(cross_entropy_smooth, gt_cross_entropy(z, y, .label_smoothing = 0.1), 5)                     \
    X(cross_entropy_weight, gt_cross_entropy(z, y, .weight = weights(z)), 10.5)                    \
    X(cross_entropy_both, gt_cross_entropy(z, y, .weight = weights(z), .label_smoothing = 0.1),    \
      10.5)                                                                                        \
    X(cross_entropy_soft, gt_cross_entropy(z, t), 8)                                               \
    X(nll, gt_nll_loss(gt_log_softmax(z, 1), y), 5)                                                \
    X(nll_weight, gt_nll_loss(gt_log_softmax(z, 1), y, .weight = weights(z)), 10.5)                \
    X(mse, gt_mse_loss(z, t), 24)                                                                  \
    X(l1, gt_l1_loss(z, t), 24)                                                                    \
    X(smooth_l1, gt_smooth_l1_loss(z, t), 24)                                                      \
    X(huber, gt_huber_loss(z, t, .delta = 0.5), 24)                                                \
    X(bce, gt_binary_cross_entropy(gt_sigmoid(z), t), 24)                                          \
    X(bce_weight, gt_binary_cross_entropy(gt_sigmoid(z), t, .weight = weights(z)), 24)             \
    X(bce_logits, gt_binary_cross_entropy_with_logits(z, t), 24)                                   \
    X(bce_logits_weight, gt_binary_cross_entropy_with_logits(z, t, .weight = weights(z)), 24)      \
    X(bce_logits_positive, gt_binary_cross_entropy_with_logits(z, t, .pos_weight = weights(z)),    \
      24)                                                                                          \
    X(kl_div, gt_kl_div(gt_log_softmax(z, 1), t), 24)                                              \
    X(kl_div_rows, gt_kl_div(gt_log_softmax(z, 1), t, .reduction = GT_BATCHMEAN), 8)               \
    X(mean, gt_mean(gt_square(z)), 24)                                                             \
    X(mean_of_means, gt_mean(gt_mean(gt_square(z), .axes = GT_AXES(1))), 8)                        \
    X(masked, masked(z, y), 5)

#define DEFINE(id, formula, all)                                                                   \
    static gt_tensor *id##_loss(gt_tensor *z, gt_tensor *y, gt_tensor *t)                          \
    {                                                                                              \
        (void)y;                                                                                   \
        (void)t;                                                                                   \
        return formula;                                                                            \
    }
LOSSES(DEFINE)

#define ROW(id, formula, all) {#id, id##_loss, all},
static const struct row {
    const char *name;
    gt_tensor *(*loss)(gt_tensor *z, gt_tensor *y, gt_tensor *t);
    double weight; /* of all items */
} rows[] = {LOSSES(ROW)};
enum { ROWS = sizeof rows / sizeof *rows };

/* --- parts and the whole --- */

typedef struct {
    gt_module *linear;
    gt_tensor *x, *y, *t;
} problem;

static problem make(gt_ctx *gt)
{
    gt_manual_seed(gt, 5);
    return (problem){
        .linear = gt_nn_linear(gt, FEATURES, CLASSES, .dtype = GT_F64),
        .x = gt_keep(gt_randn(gt, GT_SHAPE(ITEMS, FEATURES), .dtype = GT_F64)),
        .y = gt_keep(gt_from(gt, GT_SHAPE(ITEMS), labels, .dtype = GT_I64)),
        .t = gt_keep(gt_rand(gt, GT_SHAPE(ITEMS, CLASSES), .dtype = GT_F64)),
    };
}

/* The loss of items [from, to), after its backward pass. */
static gt_tensor *loss_of(const problem *p, const struct row *r, int64_t from, int64_t to)
{
    gt_tensor *z = gt_forward(p->linear, gt_slice(p->x, 0, from, to));
    gt_tensor *loss = r->loss(z, gt_slice(p->y, 0, from, to), gt_slice(p->t, 0, from, to));
    gt_backward(loss);
    return loss;
}

static void assert_close(double got, double want, const char *name)
{
    if (fabs(got - want) <= 1e-12 * (1 + fabs(want))) return;
    fail_msg("%s: %.17g, expected %.17g", name, got, want);
}

/* What the first items together give, up to the end of each part. */
typedef struct {
    double value, weight;
    gt_tensor *grad; /* kept */
} together;

static void compute_together(const problem *p, const struct row *r, gt_mark start, together *all)
{
    const gt_tensor *w = gt_module_parameter(p->linear, "weight");
    for (int i = 0; i < PARTS; i++) {
        gt_rewind(w->ctx, start);
        const gt_tensor *loss = loss_of(p, r, 0, part_end[i]);
        all[i] = (together){gt_item(loss), gt_mean_weight(loss), gt_keep(gt_clone(w->grad))};
    }
}

/* Where nothing has counted yet there is no gradient. */
static void assert_gradient(const gt_tensor *grad, const together *want, const char *name)
{
    assert_true((grad != NULL) == (want->weight > 0));
    for (int64_t k = 0; grad && k < grad->size; k++)
        assert_close(element(grad, k), element(want->grad, k), name);
}

static void test_parts_make_the_whole(void **state)
{
    gt_ctx *gt = *state;
    const problem p = make(gt);
    const gt_tensor *w = gt_module_parameter(p.linear, "weight");
    gt_optimizer *o = gt_sgd(p.linear, .lr = 1);
    const gt_mark start = gt_mark_tape(gt);
    for (const struct row *r = rows; r < rows + ROWS; r++) {
        together all[PARTS];
        compute_together(&p, r, start, all);
        gt_running_mean mean = {0};
        for (int i = 0; i < PARTS; i++) {
            gt_rewind(gt, start);
            const gt_tensor *loss = loss_of(&p, r, i ? part_end[i - 1] : 0, part_end[i]);
            gt_running_add(&mean, gt_item(loss), gt_mean_weight(loss));
            assert_int_equal(gt_optimizer_accumulate(o, .loss = loss), GT_OK);
            assert_close(mean.weight, all[i].weight, r->name);
            if (mean.weight > 0) assert_close(gt_running_value(&mean), all[i].value, r->name);
            assert_gradient(w->grad, &all[i], r->name);
            gt_free(all[i].grad);
        }
        assert_close(mean.weight, r->weight, r->name);
        gt_optimizer_zero_grad(o);
    }
    assert_well(gt);
}

/* Nothing counted, nothing moved: neither by NaN nor by the momentum of a gradient of 0. */
static void test_nothing_to_count(void **state)
{
    gt_ctx *gt = *state;
    const problem p = make(gt);
    gt_tensor *w = gt_module_parameter(p.linear, "weight");
    gt_optimizer *o = gt_sgd(p.linear, .lr = 1, .momentum = 0.9);
    const gt_mark start = gt_mark_tape(gt);
    for (const struct row *r = rows; r < rows + ROWS; r++) {
        const bool counts = r->weight != 5 && r->weight != 10.5; /* also what has no label */
        gt_rewind(gt, start);
        gt_tensor *loss = loss_of(&p, r, 0, 1);
        assert_true((gt_mean_weight(loss) > 0) == counts);
        assert_int_equal(gt_optimizer_accumulate(o, .loss = loss), GT_OK);
        assert_true((w->grad != NULL) == counts);
        gt_optimizer_zero_grad(o);
    }
    assert_well(gt);
}

/* --- what knows its weight --- */

static void test_reductions_without_mean(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *x = gt_rand(gt, GT_SHAPE(2, 3)), *one = gt_rand(gt, GT_SHAPE(1, 3));
    gt_tensor *y = gt_zeros(gt, GT_SHAPE(2), .dtype = GT_I64);
    gt_tensor *const unknown[] = {
        gt_mse_loss(x, x, .reduction = GT_SUM),
        gt_mse_loss(one, one, .reduction = GT_NONE),
        gt_cross_entropy(x, y, .reduction = GT_SUM),
        gt_cross_entropy(x, y, .reduction = GT_NONE),
        gt_nll_loss(x, y, .reduction = GT_SUM),
        gt_mean(x, .axes = GT_AXES(0)),
        gt_mul_scalar(gt_mean(x), 2),
        gt_sum(x),
        gt_nll_loss(x, y, .weight = gt_values(gt, GT_SHAPE(3), -1, 1, 1)),
        gt_nll_loss(x, y, .weight = gt_values(gt, GT_SHAPE(3), INFINITY, 1, 1)),
    };
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++)
        assert_true(isnan(gt_mean_weight(unknown[i])));
    gt_tensor *kept = gt_keep(gt_mean(x));
    assert_true(gt_mean_weight(kept) == 6);
    assert_true(gt_mean_weight(gt_loss_apply(gt_nn_mse_loss(gt), x, x)) == 6);
    assert_well(gt);
}

static void test_weight_refused(void **state)
{
    gt_ctx *gt = *state;
    static const struct {
        double weight;
        int64_t size;
        gt_status code;
        const char *message;
    } bad[] = {
        {-1, 1, GT_ERR_ARGUMENT, "gt_set_mean_weight: the weight is -1, must be finite and not"},
        {NAN, 1, GT_ERR_ARGUMENT, "must be finite"},
        {INFINITY, 1, GT_ERR_ARGUMENT, "the weight is inf"},
        {1, 2, GT_ERR_SHAPE, "the mean has 2 elements, not one: shape [2]"},
    };
    const gt_mark start = gt_mark_tape(gt);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_null((gt_set_mean_weight)(gt_ones(gt, GT_SHAPE(bad[i].size)), bad[i].weight));
        assert_error(gt, bad[i].code, bad[i].message);
    }
    gt_tensor *gone = gt_mean(gt_ones(gt, GT_SHAPE(2)));
    gt_rewind(gt, start);
    assert_true(isnan((gt_mean_weight)(gone)));
    assert_error(gt, GT_ERR_STATE, "gt_mean_weight: the tensor was dropped by gt_rewind");
    assert_true(isnan((gt_mean_weight)(NULL)));
    assert_error(NULL, GT_ERR_ARGUMENT, "gt_mean_weight: the tensor is NULL");
}

static void test_accumulate_refused(void **state)
{
    gt_ctx *gt = *state, *other = gt_open();
    const problem p = make(gt);
    gt_optimizer *o = gt_sgd(p.linear, .lr = 1);
    gt_tensor *mean = gt_mean(p.x), *unknown = gt_mul_scalar(mean, 2);
    gt_tensor *foreign = gt_mean(gt_ones(other, GT_SHAPE(2)));
    assert_int_equal(gt_optimizer_accumulate(o, .loss = unknown), GT_ERR_ARGUMENT);
    assert_error(gt, GT_ERR_ARGUMENT, "hint: gt_set_mean_weight(loss, items)");
    assert_int_equal(gt_optimizer_accumulate(o, .loss = mean, .sum = true), GT_ERR_ARGUMENT);
    assert_error(gt, GT_ERR_ARGUMENT, "a .sum takes no weights");
    assert_int_equal(gt_optimizer_accumulate(o, .loss = foreign), GT_ERR_ARGUMENT);
    assert_error(gt, GT_ERR_ARGUMENT, "the loss belongs to another context");
    assert_int_equal(gt_optimizer_accumulated(o), 0);
    gt_close(other);
}

static void test_running_mean(void **state)
{
    (void)state;
    gt_running_mean mean = {0};
    gt_running_add(&mean, NAN, 0);
    gt_running_add(&mean, 3, 2);
    gt_running_add(&mean, INFINITY, 0);
    assert_true(gt_running_value(&mean) == 3 && mean.weight == 2);
}

#define FRESH(test) cmocka_unit_test_setup_teardown(test, open_context, close_context)
int main(void)
{
    const struct CMUnitTest tests[] = {
        FRESH(test_parts_make_the_whole),    FRESH(test_nothing_to_count),
        FRESH(test_reductions_without_mean), FRESH(test_weight_refused),
        FRESH(test_accumulate_refused),      cmocka_unit_test(test_running_mean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
