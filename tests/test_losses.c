/* Losses and embeddings: values and first gradients against PyTorch's (reference/losses.txt,
 * written by tools/reference_losses.py), derivatives of the composed ones against differences, and
 * what neither shows: nothing to count, certain guesses, refusals. */
#include "reference.h"

/* --- how to call: in are the inputs, o the numbers of the case's line "opts" --- */

static gt_tensor *doubles(const gt_tensor *like, int64_t n, const double *o)
{
    return gt_values_(like->ctx, GT_SHAPE(n), (size_t)n, o, (gt_new_opts){.dtype = like->dtype});
}

/* Written as NDIM d1 .. dNDIM values... */
static gt_tensor *classes(const gt_tensor *like, const double *o)
{
    int64_t dim[GT_MAX_DIMS], size = 1;
    const int ndim = (int)o[0];
    for (int i = 0; i < ndim && i < GT_MAX_DIMS; i++) size *= dim[i] = (int64_t)o[1 + i];
    return gt_values_(like->ctx, gt_shape_of(ndim, dim), (size_t)size, o + 1 + ndim,
                      (gt_new_opts){.dtype = GT_I64});
}

static gt_reduction reduction(const double *o)
{
    return (gt_reduction)(int)o[0];
}

/* As an option, where 0 is the default. */
static int64_t class_of(double number)
{
    return number == 0 ? GT_ZERO : (int64_t)number;
}

/* As the argument of an inner operation. */
static int64_t skip_of(double number)
{
    return number < 0 ? INT64_MIN : (int64_t)number;
}

static gt_cross_entropy_opts ce_opts(const double *o, gt_tensor *weight)
{
    return (gt_cross_entropy_opts){.weight = weight,
                                   .reduction = reduction(o),
                                   .ignore_index = class_of(o[1]),
                                   .label_smoothing = o[2]};
}

static gt_tensor *weighted_probabilities(gt_tensor *const in[], const double *o, int n)
{
    return gt_cross_entropy_(in[0], in[1], ce_opts(o, doubles(in[0], n - 3, o + 3)));
}

static gt_tensor *nll_loss(gt_tensor *x, const double *o, gt_tensor *weight)
{
    return gt_nll_loss(x, classes(x, o + 2), .weight = weight, .reduction = reduction(o),
                       .ignore_index = class_of(o[1]));
}

static gt_tensor *weighted_nll_loss(gt_tensor *x, const double *o)
{
    const int c = (int)o[0];
    return nll_loss(x, o + 1 + c, doubles(x, c, o + 1));
}

static gt_tensor *embedding(gt_tensor *weight, const double *o)
{
    const int64_t padding = o[0] < 0 ? 0 : class_of(o[0]);
    return gt_embedding(classes(weight, o + 1), weight, .padding_idx = padding);
}

/* With targets of 1 and -1, and a gradient of zeros for what they are made of. */
static gt_tensor *hinge(gt_tensor *x, gt_tensor *t, const double *o)
{
    gt_tensor *y =
        gt_hinge_embedding_loss(x, gt_sign(t), .margin = o[1], .reduction = reduction(o));
    return gt_add(y, gt_mul_scalar(gt_sum(t), 0));
}

#define X in[0]
#define T in[1]
#define HOW .reduction = reduction(o)
#define CALLS(ROW)                                                                                 \
    ROW(cross_entropy, gt_cross_entropy_(in[0], classes(in[0], o + 3), ce_opts(o, NULL)))          \
    ROW(weighted, gt_cross_entropy_(in[0], classes(in[0], o + 3), ce_opts(o, in[1])))              \
    ROW(probabilities, gt_cross_entropy_(in[0], in[1], ce_opts(o, NULL)))                          \
    ROW(weighted_probabilities, weighted_probabilities(in, o, n))                                  \
    ROW(nll_loss, nll_loss(in[0], o, NULL))                                                        \
    ROW(weighted_nll_loss, weighted_nll_loss(in[0], o))                                            \
    ROW(mse_loss, gt_mse_loss(X, T, HOW))                                                          \
    ROW(l1_loss, gt_l1_loss(X, T, HOW))                                                            \
    ROW(smooth_l1_loss, gt_smooth_l1_loss(X, T, HOW, .beta = o[1]))                                \
    ROW(huber_loss, gt_huber_loss(X, T, HOW, .delta = o[1]))                                       \
    ROW(huber_loss_dx, gt_huber_loss_dx(in[0], in[1], in[2], o[0]))                                \
    ROW(binary_cross_entropy, gt_binary_cross_entropy(X, T, HOW))                                  \
    ROW(binary_cross_entropy_with_logits, gt_binary_cross_entropy_with_logits(X, T, HOW))          \
    ROW(weighted_bce, gt_binary_cross_entropy(X, T, HOW, .weight = in[2]))                         \
    ROW(weighted_logits, gt_binary_cross_entropy_with_logits(X, T, HOW, .weight = in[2]))          \
    ROW(pos_weight, gt_binary_cross_entropy_with_logits(X, T, HOW, .pos_weight = in[2]))           \
    ROW(both_weights,                                                                              \
        gt_binary_cross_entropy_with_logits(X, T, HOW, .weight = in[2], .pos_weight = in[3]))      \
    ROW(kl_div, gt_kl_div(X, T, HOW, .log_target = o[1] != 0))                                     \
    ROW(triplet_margin_loss,                                                                       \
        gt_triplet_margin_loss(X, T, in[2], HOW, .margin = o[1], .p = o[2], .swap = o[3] != 0))    \
    ROW(hinge_embedding_loss, hinge(X, T, o))                                                      \
    ROW(sigmoid_focal_loss, gt_sigmoid_focal_loss(X, T, HOW, .alpha = o[1], .gamma = o[2]))        \
    ROW(dice_loss, gt_dice_loss(X, T, HOW, .smooth = o[1]))                                        \
    ROW(embedding, embedding(in[0], o))                                                            \
    ROW(embedding_dw, gt_embedding_dw(in[0], classes(in[0], o + 2), (int64_t)o[1], skip_of(o[0]))) \
    ROW(pick, gt_pick(in[0], classes(in[0], o + 2), (int)o[0], skip_of(o[1])))                     \
    ROW(place, gt_place(in[0], classes(in[0], o + 3), (int)o[0], (int64_t)o[1], skip_of(o[2])))    \
    ROW(class_weights, gt_class_weights(in[0], classes(in[0], o + 1), (int64_t)o[0]))

CALLS(REFERENCE_CALL)

static const reference_caller callers[] = {CALLS(REFERENCE_ROW){NULL, NULL, false}};

static void test_references(void **state)
{
    (void)state;
    check_references("losses.txt", callers, 300);
}

/* --- the composed ones against differences, in both orders --- */

static gt_tensor *rows_of(const gt_tensor *x)
{
    static const double target[] = {2, 0, 1, 2};
    return gt_values_(x->ctx, GT_SHAPE(4), 4, target, (gt_new_opts){.dtype = GT_I64});
}

static gt_tensor *weighted_ce(gt_ctx *gt, gt_tensor *const in[], void *user)
{
    (void)gt, (void)user;
    return gt_cross_entropy(in[0], rows_of(in[0]), .weight = in[1], .label_smoothing = 0.25,
                            .ignore_index = 1);
}

static gt_tensor *soft_ce(gt_ctx *gt, gt_tensor *const in[], void *user)
{
    (void)gt, (void)user;
    return gt_cross_entropy(in[0], gt_softmax(in[2], 1), .weight = in[1], .label_smoothing = 0.25);
}

static gt_tensor *nll(gt_ctx *gt, gt_tensor *const in[], void *user)
{
    (void)gt, (void)user;
    return gt_nll_loss(in[0], rows_of(in[0]), .weight = in[1], .ignore_index = GT_ZERO);
}

static gt_tensor *logits(gt_ctx *gt, gt_tensor *const in[], void *user)
{
    (void)gt, (void)user;
    return gt_binary_cross_entropy_with_logits(in[0], in[2], .weight = in[1], .pos_weight = in[1]);
}

static void test_composed_derivatives(void **state)
{
    static const struct {
        const char *name;
        gt_function f;
    } rows[] = {
        {"weighted_ce", weighted_ce}, {"soft_ce", soft_ce}, {"nll", nll}, {"logits", logits}};
    gt_ctx *gt = *state;
    const gt_new_opts leaf = {.dtype = GT_F64, .requires_grad = true};
    gt_tensor *in[] = {gt_randn_(gt, GT_SHAPE(4, 3), leaf),
                       gt_uniform_(gt, GT_SHAPE(3), 0.5, 2, leaf),
                       gt_uniform_(gt, GT_SHAPE(4, 3), 0.1, 0.9, leaf)};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (int order = 1; order <= 2; order++) {
            gt_gradcheck_report r;
            const gt_gradcheck_opts opts = {.order = order, .name = rows[i].name};
            if (gt_gradcheck(gt, rows[i].f, NULL, in, 3, &opts, &r) != GT_PASS)
                fail_msg("%s", r.message);
        }
}

/* --- nothing to count --- */

static void test_all_ignored(void **state)
{
    gt_ctx *gt = *state;
    const double none[] = {-100, -100};
    gt_tensor *target = gt_values_(gt, GT_SHAPE(2), 2, none, (gt_new_opts){.dtype = GT_I64});
    gt_tensor *w = gt_ones(gt, GT_SHAPE(3)), *x[3];
    for (int i = 0; i < 3; i++) x[i] = gt_ones(gt, GT_SHAPE(2, 3), .requires_grad = true);
    gt_tensor *const losses[] = {
        gt_cross_entropy(x[0], target),
        gt_cross_entropy(x[1], target, .weight = w, .label_smoothing = 0.25),
        gt_nll_loss(x[2], target)};
    for (int i = 0; i < 3; i++) {
        assert_true(isnan(gt_item(losses[i])));
        gt_backward(losses[i]);
        for (int k = 0; k < 6; k++) assert_true(element(x[i]->grad, k) == 0);
    }
    assert_true(gt_item(gt_cross_entropy(x[0], target, .reduction = GT_SUM)) == 0);
    assert_well(gt);
}

static void test_empty_means(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *x = gt_ones(gt, GT_SHAPE(0, 3));
    gt_tensor *target = gt_zeros(gt, GT_SHAPE(0), .dtype = GT_I64);
    assert_true(isnan(gt_item(gt_mse_loss(x, x))));
    assert_true(isnan(gt_item(gt_kl_div(x, x, .reduction = GT_BATCHMEAN))));
    assert_true(isnan(gt_item(gt_cross_entropy(x, target))));
    assert_true(gt_item(gt_cross_entropy(x, target, .reduction = GT_SUM)) == 0);
    assert_well(gt);
}

/* --- the ends of the range --- */

static void test_extreme_logits(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *x = gt_values(gt, GT_SHAPE(2, 2), 1e30, -1e30, -1e30, 1e30);
    gt_tensor *target = gt_zeros(gt, GT_SHAPE(2), .dtype = GT_I64);
    gt_require_grad(x, true);
    gt_tensor *y = gt_cross_entropy(x, target, .reduction = GT_NONE);
    assert_true(element(y, 0) == 0 && element(y, 1) == (double)2e30f);
    gt_backward(gt_sum(y));
    assert_values(x->grad, 4, (const double[]){0, 0, -1, 1}, 0);
    gt_tensor *p = gt_values(gt, GT_SHAPE(2), 0, 1), *t = gt_values(gt, GT_SHAPE(2), 1, 0);
    assert_values(gt_binary_cross_entropy(p, t), 1, (const double[]){100}, 0);
    gt_tensor *zero = gt_zeros(gt, GT_SHAPE(2));
    assert_values(gt_kl_div(p, zero), 1, (const double[]){0}, 0);
    assert_well(gt);
}

/* Probabilities that come to 0 in the softmax of what is learned pass 0 on, in the second order,
 * too. */
static void vanished_probabilities_have_gradients(void **state)
{
    gt_ctx *gt = *state;
    for (int i = 0; i < 4; i++) {
        const bool log_target = i / 2;
        const double far = i % 2 ? -800 : -110;
        gt_tensor *z = gt_values_as(gt, GT_SHAPE(3), i % 2 ? GT_F64 : GT_F32, far, 0, -2);
        gt_tensor *x = gt_log_softmax(gt_detach(z), 0), *dz, *ddz;
        gt_require_grad(z, true);
        gt_tensor *t = log_target ? gt_log_softmax(z, 0) : gt_softmax(z, 0);
        gt_tensor *y = gt_kl_div(x, t, .log_target = log_target);
        gt_grad(&y, 1, &z, 1, &dz, .create_graph = true);
        gt_tensor *square = gt_sum(gt_square(dz));
        gt_grad(&square, 1, &z, 1, &ddz, .retain = true);
        for (int k = 0; k < 3; k++)
            assert_true(fabs(element(dz, k)) < 1e-6 && isfinite(element(ddz, k)));
    }
    assert_well(gt);
}

/* --- refusals --- */

static void assert_refused(gt_ctx *gt, const gt_tensor *made, gt_status code, const char *message)
{
    assert_null(made);
    assert_error(gt, code, message);
}

static void test_refusals(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *x = gt_ones(gt, GT_SHAPE(2, 3)), *w = gt_ones(gt, GT_SHAPE(2));
    gt_tensor *t = gt_full(gt, GT_SHAPE(2), 3, .dtype = GT_I64);
    gt_tensor *good = gt_zeros(gt, GT_SHAPE(2), .dtype = GT_I64);
    gt_tensor *three = gt_ones(gt, GT_SHAPE(3));
    assert_refused(gt, gt_cross_entropy(x, t), GT_ERR_ARGUMENT, "target[0] is 3, must be in 0..2");
    assert_refused(gt, gt_cross_entropy(x, t, .weight = three), GT_ERR_ARGUMENT,
                   "): target[0] is 3, must be in 0..2");
    assert_refused(gt, gt_nll_loss(x, t), GT_ERR_ARGUMENT, "nll_loss (test_losses.c:");
    gt_tensor *mask = gt_full(gt, GT_SHAPE(2), 255, .dtype = GT_I64);
    assert_refused(gt, gt_cross_entropy(x, mask), GT_ERR_ARGUMENT, ".ignore_index = 255");
    assert_refused(gt, gt_nll_loss(x, w), GT_ERR_DTYPE, "target is f32, must be i64");
    assert_refused(gt, gt_nll_loss(x, gt_zeros(gt, GT_SHAPE(3), .dtype = GT_I64)), GT_ERR_SHAPE,
                   "target is [3], but the input [2,3] has rows [2]");
    assert_refused(gt, gt_nll_loss(x, good, .weight = w), GT_ERR_SHAPE,
                   "weight is [2], but there are 3 classes");
    assert_refused(gt, gt_nll_loss(x, good, .reduction = GT_BATCHMEAN), GT_ERR_ARGUMENT,
                   "must be GT_MEAN, GT_SUM or GT_NONE");
    assert_refused(gt, gt_nll_loss(gt_scalar(gt, 1), good), GT_ERR_SHAPE, "the input is a number");
    assert_refused(gt, gt_cross_entropy(x, x, .label_smoothing = -1), GT_ERR_ARGUMENT,
                   "label_smoothing is -1, must be in 0..1");
    assert_refused(gt, gt_binary_cross_entropy(x, x, .weight = gt_ones(gt, GT_SHAPE(4, 2, 3))),
                   GT_ERR_SHAPE, "weight [4,2,3] does not broadcast to x [2,3]");
    assert_refused(gt, gt_binary_cross_entropy_with_logits(x, x, .pos_weight = w), GT_ERR_SHAPE,
                   "pos_weight [2] does not broadcast to x [2,3]");
    gt_tensor *logits = gt_values(gt, GT_SHAPE(2, 2), 0, 1, 0.5, 1.5), *one = gt_ones_like(logits);
    assert_refused(gt, gt_binary_cross_entropy(logits, one), GT_ERR_ARGUMENT,
                   "x[1,1] is 1.5, must be in 0..1\n  hint: gt_sigmoid");
    assert_refused(gt, gt_binary_cross_entropy(gt_neg(logits), one, .weight = one), GT_ERR_ARGUMENT,
                   "x[0,1] is -1, must be in 0..1");
    assert_true(isnan(element(gt_binary_cross_entropy(logits, one, .reduction = GT_NONE), 3)));
    assert_refused(gt, gt_embedding(good, x, .padding_idx = 2), GT_ERR_ARGUMENT,
                   "padding_idx is 2, must be in -2..1");
    assert_refused(gt, gt_embedding(good, gt_ones(gt, GT_SHAPE(3)), .padding_idx = 0), GT_ERR_SHAPE,
                   "weight [3] has 1 dimensions, needs 2");
}

static void test_null(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *x = gt_ones(gt, GT_SHAPE(2, 3));
    assert_refused(gt, gt_cross_entropy(x, NULL), GT_ERR_ARGUMENT, "target is NULL");
    assert_refused(gt, gt_nll_loss(x, NULL), GT_ERR_ARGUMENT, "target is NULL");
    assert_refused(gt, gt_embedding(NULL, x), GT_ERR_ARGUMENT, "index is NULL");
    assert_null(gt_nll_loss(NULL, NULL));
    assert_error(NULL, GT_ERR_ARGUMENT, "nll_loss");
    assert_null(gt_cross_entropy(NULL, NULL));
    assert_error(NULL, GT_ERR_ARGUMENT, "cross_entropy");
    assert_null(gt_class_weights(NULL, NULL, 0));
    assert_well(gt);
}

/* A negative padding_idx counts from the end. */
static void test_padding_from_the_end(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *w = gt_ones(gt, GT_SHAPE(2, 1), .requires_grad = true);
    const double rows[] = {1, 0, 1};
    gt_tensor *index = gt_values_(gt, GT_SHAPE(3), 3, rows, (gt_new_opts){.dtype = GT_I64});
    gt_backward(gt_sum(gt_embedding(index, w, .padding_idx = -1)));
    assert_values(w->grad, 2, (const double[]){1, 0}, 0);
}

static int all_tests(void)
{
#define FRESH(test) cmocka_unit_test_setup_teardown(test, open_context, close_context)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_references),
        FRESH(test_composed_derivatives),
        FRESH(test_all_ignored),
        FRESH(test_empty_means),
        FRESH(test_extreme_logits),
        FRESH(vanished_probabilities_have_gradients),
        FRESH(test_refusals),
        FRESH(test_null),
        FRESH(test_padding_from_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(void)
{
    return at_every_level(all_tests);
}
