/* What gt_backward releases, sentence by sentence of autograd.h. */
#include "support.h"

#include <gradtape/op.h>

/* One step: tensors of each kind that the header speaks of. */
typedef struct {
    gt_tensor *older, *result, *view, *part, *kept, *other, *leaf, *constant, *unrecorded, *loss;
} step;

static step make(gt_ctx *gt)
{
    step s;
    s.leaf = gt_randn(gt, GT_SHAPE(3), .requires_grad = true);
    s.older = gt_exp(s.leaf);
    gt_mark_tape(gt);
    s.constant = gt_exp(gt_ones(gt, GT_SHAPE(3)));
    gt_set_recording(gt, false);
    s.unrecorded = gt_exp(s.leaf);
    gt_set_recording(gt, true);
    s.other = gt_sin(s.leaf);
    s.result = gt_exp(gt_mul(gt_mul(s.older, s.constant), s.unrecorded));
    s.view = gt_reshape(s.result, GT_SHAPE(3, 1));
    s.kept = gt_keep(gt_exp(s.older));
    s.part = gt_sum(gt_square(s.view));
    s.loss = gt_add(s.part, gt_mean(gt_exp(s.result)));
    assert_well(gt);
    return s;
}

typedef struct {
    const char *name;
    size_t at;
    bool released; /* by a plain gt_backward */
} row;
#define ROW(name, released)                                                                        \
    {                                                                                              \
#name, offsetof(step, name), released                                                      \
    }
static const row rows[] = {
    ROW(result, true),    ROW(view, true),   ROW(loss, false),  ROW(part, false),
    ROW(leaf, false),     ROW(kept, false),  ROW(other, false), ROW(unrecorded, false),
    ROW(constant, false), ROW(older, false),
};
enum { N_ROWS = sizeof rows / sizeof *rows };

static gt_tensor *member(step *s, const row *r)
{
    return *(gt_tensor **)(void *)((char *)s + r->at);
}

/* Which are gone; none, unless `any`. */
static void expect(step *s, bool any)
{
    for (int i = 0; i < N_ROWS; i++)
        if ((gt_unusable(member(s, &rows[i])) != NULL) != (any && rows[i].released))
            fail_msg("%s: %s", rows[i].name, any ? "wrongly released or kept" : "was released");
}

static void test_each_sentence(void **state)
{
    gt_ctx *gt = *state;
    step s = make(gt);
    gt_backward(s.loss);
    expect(&s, true);
    assert_true(gt_item(s.part) > 0 && gt_item(s.part) < gt_item(s.loss));
    assert_well(gt);
    gt_sum(s.view);
    assert_error(gt, GT_ERR_STATE, "was released by gt_backward");
    gt_backward(s.part);
    assert_error(gt, GT_ERR_STATE, "was released by an earlier gt_backward");
}

static void test_what_releases_nothing(void **state)
{
    gt_ctx *gt = *state;
    step s = make(gt);
    gt_backward(s.loss, .retain = true);
    expect(&s, false);
    gt_backward(s.loss, .create_graph = true);
    expect(&s, false);
    gt_set_recording_all(gt, true);
    s = make(gt);
    gt_backward(s.loss);
    expect(&s, false);
    gt_set_recording_all(gt, false);
    assert_well(gt);
}

/* Results that hand the same gradient to two, gather it from two, and are targets. */
static gt_tensor *many_used(gt_tensor *x, gt_tensor **middle)
{
    gt_tensor *a = gt_tanh(gt_sigmoid(x));
    *middle = gt_sigmoid(a);
    return gt_sum(gt_add(gt_exp(gt_add(*middle, gt_tanh(a))), gt_silu(*middle)));
}

/* Gradients take over the blocks of those that they are made of, where nobody else has them. */
static void test_gradients_take_over(void **state)
{
    gt_ctx *gt = *state;
    const size_t bytes = 5000 * sizeof(float);
    gt_tensor *x = gt_randn(gt, GT_SHAPE(5000), .requires_grad = true), *middle;
    for (int asked = 1; asked <= 2; asked++) {
        gt_tensor *over[2], *apart[2], *y = many_used(x, &middle), *in[] = {x, middle};
        assert_int_equal(gt_grad(&y, 1, in, asked, apart, .create_graph = true), GT_OK);
        assert_int_equal(gt_grad(&y, 1, in, asked, over, .retain = true), GT_OK);
        for (int i = 0; i < asked; i++) assert_memory_equal(over[i]->data, apart[i]->data, bytes);
    }
    gt_tensor *u = gt_randn(gt, GT_SHAPE(5000)), *same = gt_clone(u), *g, *y = gt_tanh(x);
    assert_int_equal(gt_grad(&y, 1, &x, 1, &g, .upstream = &u), GT_OK);
    assert_memory_equal(u->data, same->data, bytes);
    assert_true(u->data != g->data);
    assert_well(gt);
}

static gt_tensor *norm_of_rows(gt_tensor *x, gt_tensor *w, gt_tensor *b)
{
    return gt_layer_norm(x, 1, .weight = w, .bias = b);
}

static gt_tensor *norm_of_columns(gt_tensor *x, gt_tensor *w, gt_tensor *b)
{
    return gt_batch_norm(x, NULL, NULL, .weight = w, .bias = b);
}

static gt_tensor *norm_of_images(gt_tensor *x, gt_tensor *w, gt_tensor *b)
{
    gt_tensor *y = norm_of_columns(gt_reshape(x, GT_SHAPE(9, 30, 20)), w, b);
    return gt_reshape(y, x->shape);
}

static gt_tensor *norm_and_rectifier(gt_tensor *x, gt_tensor *w, gt_tensor *b)
{
    gt_tensor *images = gt_reshape(x, GT_SHAPE(9, 30, 20));
    gt_tensor *y =
        gt_batch_norm(images, NULL, NULL, .weight = w, .bias = b, .activation = GT_THEN_RELU);
    return gt_reshape(y, x->shape);
}

static gt_tensor *norm_of_groups(gt_tensor *x, gt_tensor *w, gt_tensor *b)
{
    gt_tensor *images = gt_reshape(x, GT_SHAPE(9, 30, 20));
    return gt_reshape(gt_group_norm(images, 3, .weight = w, .bias = b), x->shape);
}

static gt_tensor *rms_of_rows(gt_tensor *x, gt_tensor *w, gt_tensor *b)
{
    return gt_add(gt_rms_norm(x, 1, .weight = w), b);
}

/* Those of norms too, which read them twice: all that they give is the same. */
static void test_gradients_of_norms_take_over(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *(*const norms[])(gt_tensor *, gt_tensor *,
                                gt_tensor *) = {norm_of_rows,       norm_of_columns, norm_of_images,
                                                norm_and_rectifier, norm_of_groups,  rms_of_rows};
    for (size_t k = 0; k < 2 * sizeof norms / sizeof *norms; k++) {
        const gt_mark start = gt_mark_tape(gt);
        const gt_dtype dtype = k % 2 ? GT_F64 : GT_F32;
        gt_tensor *x = gt_randn(gt, GT_SHAPE(180, 30), .dtype = dtype), *apart[3], *over[3];
        gt_tensor *w = gt_randn(gt, GT_SHAPE(30), .dtype = dtype),
                  *b = gt_randn(gt, GT_SHAPE(30), .dtype = dtype);
        gt_tensor *of[] = {x, w, b};
        for (int i = 0; i < 3; i++) gt_require_grad(of[i], true);
        gt_tensor *y = gt_sum(gt_square(norms[k / 2](gt_mul_scalar(x, 2), w, b)));
        assert_int_equal(gt_grad(&y, 1, of, 3, apart, .create_graph = true), GT_OK);
        assert_int_equal(gt_grad(&y, 1, of, 3, over, .retain = true), GT_OK);
        for (int i = 0; i < 3; i++)
            assert_memory_equal(over[i]->data, apart[i]->data,
                                (size_t)of[i]->size * (k % 2 ? 8 : 4));
        gt_rewind(gt, start);
    }
    assert_well(gt);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_each_sentence, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_what_releases_nothing, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_gradients_take_over, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_gradients_of_norms_take_over, open_context,
                                        close_context),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
