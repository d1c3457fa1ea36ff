/* Metrics, against values worked out by hand and those of scikit-learn 1.5. */
#include "support.h"

#include <math.h>

static gt_tensor *labels_of(gt_ctx *gt, gt_shape shape, const int64_t *data)
{
    return gt_from(gt, shape, data, .dtype = GT_I64);
}

/* Rows of five classes; the places of the labels are, from the first: 0, 2, 1, 4, 0. */
static const double rows[25] = {
    9, 1, 2, 3, 4, /* label 0 */
    9, 8, 7, 1, 2, /* label 2 */
    9, 8, 9, 1, 2, /* label 2: behind the 9 that comes first */
    5, 4, 3, 2, 1, /* label 4 */
    0, 0, 0, 0, 0, /* label 0: of equals the first */
};
static const int64_t row_labels[5] = {0, 2, 2, 4, 0};

static void test_top_k(void **state)
{
    gt_ctx *gt = *state;
    static const double want[5] = {0.4, 0.6, 0.8, 0.8, 1};
    gt_tensor *y = labels_of(gt, GT_SHAPE(5), row_labels);
    for (int dtype = GT_F32; dtype <= GT_F64; dtype++) {
        gt_tensor *x =
            gt_values_(gt, GT_SHAPE(5, 5), 25, rows, (gt_new_opts){.dtype = (gt_dtype)dtype});
        assert_true(gt_accuracy(x, y) == want[0]);
        for (int k = 1; k <= 5; k++) assert_true(gt_top_k_accuracy(x, y, k) == want[k - 1]);
        assert_true(gt_top_k_accuracy(x, y, 99) == 1);
    }
    assert_well(gt);
}

static void test_nan_and_ignored(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *x = gt_values(gt, GT_SHAPE(3, 2), 1, NAN, NAN, 1, 2, 1);
    assert_true(gt_accuracy(x, labels_of(gt, GT_SHAPE(3), (int64_t[]){1, 0, 0})) == 1);
    assert_true(gt_accuracy(x, labels_of(gt, GT_SHAPE(3), (int64_t[]){0, 1, 0})) == 1. / 3);
    assert_true(gt_accuracy(x, labels_of(gt, GT_SHAPE(3), (int64_t[]){-100, 1, 0})) == 0.5);
    assert_true(isnan(gt_accuracy(x, labels_of(gt, GT_SHAPE(3), (int64_t[]){-100, -100, -100}))));
    gt_tensor *none = gt_zeros(gt, GT_SHAPE(0, 2));
    assert_true(isnan(gt_accuracy(none, gt_zeros(gt, GT_SHAPE(0), .dtype = GT_I64))));
    assert_well(gt);
}

/* What mixing makes of labels: the largest part counts. */
static void test_parts(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *x = gt_values(gt, GT_SHAPE(2, 3), 1, 3, 2, 5, 4, 0);
    gt_tensor *y = gt_values(gt, GT_SHAPE(2, 3), 0.1, 0.7, 0.2, 0.3, 0.7, 0);
    assert_true(gt_accuracy(x, y) == 0.5 && gt_top_k_accuracy(x, y, 2) == 1);
    assert_true(gt_count_labels(y) == 2);
    assert_true(gt_get(gt_confusion(x, y), 1, 0) == 1);
    assert_well(gt);
    /* Numbers of a regression are no classes, and one column would always be right. */
    assert_true(isnan(gt_accuracy(x, gt_mul_scalar(y, 2))));
    assert_error(gt, GT_ERR_ARGUMENT, "row 0 add up to 2 in 3 columns");
    assert_true(isnan(gt_accuracy(x, gt_add_scalar(gt_mul_scalar(y, 4), -1))));
    assert_error(gt, GT_ERR_ARGUMENT, "hint: a regression has GT_MAE and GT_R2");
    assert_true(isnan(gt_accuracy(gt_ones(gt, GT_SHAPE(2, 1)), gt_ones(gt, GT_SHAPE(2, 1)))));
    assert_error(gt, GT_ERR_ARGUMENT, "add up to 1 in 1 columns");
}

/* Two pictures of four pixels: the weights of batches are those of all their pixels. */
static void test_areas(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *x = gt_values(gt, GT_SHAPE(2, 2, 4), 1, 0, 0, 1, 0, 1, 1, 0, 1, 1, 1, 1, 0, 0, 0, 0);
    gt_tensor *y = labels_of(gt, GT_SHAPE(2, 4), (int64_t[]){0, 1, 0, 1, 0, 0, -100, 0});
    /* predicted 0 1 1 0 and 0 0 0 0 */
    assert_true(gt_iou(x, y, 0) == 4. / 6 && gt_dice(x, y, 0) == 8. / 10);
    assert_true(gt_iou(x, y, 1) == 1. / 3 && gt_dice(x, y, 1) == 2. / 4);
    int64_t zero = 0;
    gt_running_mean iou = {0, 0}, dice = {0, 0};
    for (int i = 0; i < 2; i++) {
        const gt_batch b = {.target = {gt_slice(y, 0, i, i + 1)},
                            .out = {gt_slice(x, 0, i, i + 1)}};
        gt_running_add(&iou, gt_metric_iou(&b, &zero), gt_metric_union(&b, &zero));
        gt_running_add(&dice, gt_metric_dice(&b, &zero), gt_metric_both(&b, &zero));
    }
    assert_true(fabs(gt_running_value(&iou) - 4. / 6) < 1e-15);
    assert_true(fabs(gt_running_value(&dice) - 8. / 10) < 1e-15);
    const gt_scores s = gt_class_scores(gt_confusion(x, y), 0);
    assert_true(s.iou == 4. / 6 && s.f1 == 8. / 10);
    assert_true(fabs(gt_average_scores(gt_confusion(x, y), GT_MACRO).iou - 0.5) < 1e-15);
    assert_well(gt);
    assert_true(isnan(gt_iou(x, y, 2)));
    assert_error(gt, GT_ERR_ARGUMENT, "there is no class 2 of 2");
}

/* Those of scikit-learn's page on r2_score. */
static void test_regression(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *x = gt_values(gt, GT_SHAPE(4), 2.5, 0.0, 2, 8),
              *y = gt_values(gt, GT_SHAPE(4), 3, -0.5, 2, 7);
    assert_true(fabs(gt_r2_score(x, y) - 0.9486081370449679) < 1e-12);
    assert_true(gt_mean_absolute_error(x, y) == 0.5);
    assert_true(isnan(gt_r2_score(x, gt_ones(gt, GT_SHAPE(4)))));
    gt_tensor *tenths = gt_full(gt, GT_SHAPE(3), 0.1, .dtype = GT_F64); /* whose mean is another */
    assert_true(isnan(gt_r2_score(gt_zeros(gt, GT_SHAPE(3)), tenths)));
    assert_well(gt);
    double sums[GT_METRIC_SUMS] = {0};
    for (int i = 0; i < 4; i += 3) { /* three, then one */
        const gt_batch b = {.target = {gt_slice(y, 0, i, i + 3)},
                            .out = {gt_slice(x, 0, i, i + 3)}};
        gt_metric_gather_r2(&b, NULL, sums);
    }
    assert_true(fabs(gt_metric_value_r2(sums) - 0.9486081370449679) < 1e-12);
    assert_true(isnan(gt_r2_score(x, gt_ones(gt, GT_SHAPE(4, 1)))));
    assert_error(gt, GT_ERR_SHAPE, "predictions [4] and targets [4,1] must be of one shape");
    assert_true(isnan(gt_mean_absolute_error(x, gt_ones(gt, GT_SHAPE(4), .dtype = GT_I64))));
    assert_error(gt, GT_ERR_DTYPE, "targets are i64");
}

/* Agrees with gt_argmax, also for images of classes. */
static void test_images(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *x = gt_randn(gt, GT_SHAPE(3, 4, 5, 2));
    gt_tensor *y = gt_randint(gt, 0, 4, GT_SHAPE(3, 5, 2)), *best = gt_argmax(x, 1);
    int hits = 0;
    for (int64_t i = 0; i < y->size; i++)
        hits += ((int64_t *)y->data)[i] == ((int64_t *)best->data)[i];
    assert_true(gt_accuracy(x, y) == hits / 30.0);
    assert_true(gt_accuracy(x, best) == 1);
    gt_tensor *m = gt_confusion(x, y);
    assert_true(gt_average_scores(m, GT_MICRO).f1 == hits / 30.0);
    assert_well(gt);
}

/* One-hot logits that predict these classes. */
static gt_tensor *predicting(gt_ctx *gt, int n, int classes, const int64_t *predicted)
{
    gt_tensor *x = gt_zeros(gt, GT_SHAPE(n, classes));
    for (int i = 0; i < n; i++) ((float *)x->data)[i * classes + predicted[i]] = 1;
    return x;
}

static const int64_t truth[8] = {0, 1, 2, 0, 1, 2, 2, 2}, guess[8] = {0, 2, 1, 0, 0, 2, 2, 1};

static void test_confusion(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *x = predicting(gt, 8, 4, guess), *y = labels_of(gt, GT_SHAPE(8), truth);
    gt_tensor *m = gt_confusion(x, y);
    ASSERT_VALUES(m, 0, 2, 0, 0, 0, 1, 0, 1, 0, 0, 2, 2, 0, 0, 0, 0, 0);
    assert_int_equal(gt_confusion_add(m, x, y), GT_OK);
    ASSERT_VALUES(m, 0, 4, 0, 0, 0, 2, 0, 2, 0, 0, 4, 4, 0, 0, 0, 0, 0);
}

/* precision_recall_fscore_support(truth, guess, labels=range(4), average=..., zero_division=0) */
static void test_scores(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *m = gt_confusion(predicting(gt, 8, 4, guess), labels_of(gt, GT_SHAPE(8), truth));
    const struct {
        gt_scores got, want;
    } cases[] = {
        {gt_class_scores(m, 0), {2. / 3, 1, 0.8, 2, 2. / 3}},
        {gt_class_scores(m, 1), {0, 0, 0, 2, 0}},
        {gt_class_scores(m, 2), {2. / 3, 0.5, 4. / 7, 4, 0.4}},
        {gt_class_scores(m, 3), {0, 0, 0, 0, 0}},
        {gt_average_scores(m, GT_MACRO), {1. / 3, 0.375, (0.8 + 4. / 7) / 4, 8, 0.8 / 3}},
        {gt_average_scores(m, GT_WEIGHTED), {0.5, 0.5, 0.2 + 2. / 7, 8, 11. / 30}},
        {gt_average_scores(m, GT_MICRO), {0.5, 0.5, 0.5, 8, 1. / 3}},
        {gt_average_scores(gt_zeros(gt, GT_SHAPE(2, 2), .dtype = GT_I64), GT_WEIGHTED),
         {0, 0, 0, 0, 0}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const gt_scores a = cases[i].got, b = cases[i].want;
        assert_true(fabs(a.precision - b.precision) < 1e-15 && fabs(a.recall - b.recall) < 1e-15);
        assert_true(fabs(a.f1 - b.f1) < 1e-15 && a.support == b.support);
        assert_true(fabs(a.iou - b.iou) < 1e-15);
    }
    assert_well(gt);
}

static void test_running_mean(void **state)
{
    (void)state;
    gt_running_mean mean = {0};
    assert_true(isnan(gt_running_value(&mean)));
    gt_running_add(&mean, 1, 3);
    gt_running_add(&mean, 5, 1);
    assert_true(gt_running_value(&mean) == 2);
}

static void test_errors(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *x = gt_zeros(gt, GT_SHAPE(2, 3)), *y = gt_zeros(gt, GT_SHAPE(2), .dtype = GT_I64);
    const struct {
        gt_tensor *x, *y;
        gt_status code;
        const char *part;
    } cases[] = {
        {x, NULL, GT_ERR_ARGUMENT, "labels are NULL"},
        {y, y, GT_ERR_DTYPE, "logits are i64, must be f32 or f64"},
        {x, gt_ones(gt, GT_SHAPE(2)), GT_ERR_DTYPE, "labels are f32, must be i64"},
        {x, gt_zeros(gt, GT_SHAPE(3), .dtype = GT_I64), GT_ERR_SHAPE, "[2,3] and labels [3]"},
        {gt_zeros(gt, GT_SHAPE(2)), y, GT_ERR_SHAPE, "[n,c,...]"},
        {x, labels_of(gt, GT_SHAPE(2), (int64_t[]){0, 3}), GT_ERR_ARGUMENT, "label 1 is 3"},
        {x, labels_of(gt, GT_SHAPE(2), (int64_t[]){-1, 0}), GT_ERR_ARGUMENT, "label 0 is -1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_true(isnan(gt_accuracy(cases[i].x, cases[i].y)));
        assert_error(gt, cases[i].code, cases[i].part);
        assert_null(gt_confusion(cases[i].x, cases[i].y));
        assert_error(gt, cases[i].code, "test_metrics.c:");
    }
    assert_true(isnan(gt_top_k_accuracy(x, y, 0)));
    assert_error(gt, GT_ERR_ARGUMENT, "k is 0");
    assert_int_equal(gt_confusion_add(x, x, y), GT_ERR_SHAPE);
    assert_error(gt, GT_ERR_SHAPE, "i64 [c,c]");
    gt_tensor *m = gt_zeros(gt, GT_SHAPE(2, 2), .dtype = GT_I64);
    assert_int_equal(gt_confusion_add(m, x, y), GT_ERR_SHAPE);
    assert_error(gt, GT_ERR_SHAPE, "2 classes");
    gt_class_scores(m, 2);
    assert_error(gt, GT_ERR_ARGUMENT, "no class 2 of 2");
    assert_true(isnan(gt_accuracy(NULL, y)));
    assert_error(NULL, GT_ERR_ARGUMENT, "NULL");
}

/* Logits are gone after gt_backward; every message names the call, its place, and what to do. */
static void test_released(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *w = gt_ones(gt, GT_SHAPE(2, 3), .requires_grad = true);
    gt_tensor *y = gt_zeros(gt, GT_SHAPE(2), .dtype = GT_I64);
    for (int retain = 0; retain < 2; retain++) {
        gt_tensor *x = gt_mul(w, w);
        gt_backward(gt_cross_entropy(x, y), .retain = retain);
        if (retain) {
            assert_true(gt_accuracy(x, y) == 1);
            continue;
        }
        gt_tensor *m = gt_zeros(gt, GT_SHAPE(3, 3), .dtype = GT_I64);
        static const char hint[] =
            "): the tensor of logits was released by gt_backward; use it before";
        for (int i = 0; i < 4; i++) {
            static const char *const names[] = {
                "gt_accuracy (test_metrics.c:", "gt_top_k_accuracy (test_metrics.c:",
                "gt_confusion (test_metrics.c:", "gt_confusion_add (test_metrics.c:"};
            if (i == 0) gt_accuracy(x, y);
            if (i == 1) gt_top_k_accuracy(x, y, 2);
            if (i == 2) gt_confusion(x, y);
            if (i == 3) gt_confusion_add(m, x, y);
            assert_int_equal(strncmp(gt_error_message(gt), names[i], strlen(names[i])), 0);
            assert_error(gt, GT_ERR_STATE, hint);
        }
    }
}

static void test_dropped(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *x = gt_zeros(gt, GT_SHAPE(2, 3));
    const gt_mark mark = gt_mark_tape(gt);
    gt_tensor *y = gt_zeros(gt, GT_SHAPE(2), .dtype = GT_I64), *m = gt_confusion(x, y);
    gt_rewind(gt, mark);
    gt_accuracy(x, y);
    assert_error(gt, GT_ERR_STATE, "the tensor of labels was dropped by gt_rewind; gt_keep it");
    gt_average_scores(m, GT_MACRO);
    assert_error(gt, GT_ERR_STATE, "gt_average_scores (test_metrics.c:");
    gt_class_scores(m, 0);
    assert_error(gt, GT_ERR_STATE, "): the matrix was dropped by gt_rewind");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_top_k, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_nan_and_ignored, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_parts, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_areas, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_regression, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_images, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_confusion, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_scores, open_context, close_context),
        cmocka_unit_test(test_running_mean),
        cmocka_unit_test_setup_teardown(test_errors, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_released, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_dropped, open_context, close_context),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
