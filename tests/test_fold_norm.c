/* Batch norms folded into convolutions: near what the step gives when it is called, after
 * parameters have changed in any way, too; and left alone where somebody would see. */
#include "support.h"

#include <math.h>

enum { N = 2, C = 6, K = 8, SIDE = 9 };

typedef struct {
    gt_ctx *gt;
    gt_tensor *x, *w, *b, *weight, *bias, *mean, *var, *seen;
    int groups;
    bool sequence, training, changes, no_affine;
} layer;

static gt_tensor *forward(gt_ctx *gt, void *user)
{
    layer *l = user;
    const bool recording = gt_set_recording(gt, false);
    gt_tensor *y = l->sequence
                       ? gt_conv1d(l->x, l->w, .bias = l->b, .groups = l->groups, .padding = 1)
                       : gt_conv2d(l->x, l->w, .bias = l->b, .groups = l->groups, .padding = {1});
    if (l->seen) gt_capture_output(y);
    if (l->changes) gt_copy_into(l->mean, gt_mul_scalar(l->mean, 0.5));
    y = gt_batch_norm(y, l->mean, l->var, .training = l->training,
                      .weight = l->no_affine ? NULL : l->weight,
                      .bias = l->no_affine ? NULL : l->bias);
    y = gt_relu(y);
    gt_set_recording(gt, recording);
    return y;
}

static layer make_layer(gt_ctx *gt, gt_dtype dtype, bool biased, int groups, bool sequence)
{
    const gt_shape image = sequence ? GT_SHAPE(N, C, SIDE) : GT_SHAPE(N, C, SIDE, SIDE);
    const gt_shape kernel = sequence ? GT_SHAPE(K, C / groups, 3) : GT_SHAPE(K, C / groups, 3, 3);
    layer l = {.gt = gt, .groups = groups, .sequence = sequence};
    l.x = gt_randn(gt, image, .dtype = dtype);
    l.w = gt_randn(gt, kernel, .dtype = dtype);
    l.b = biased ? gt_randn(gt, GT_SHAPE(K), .dtype = dtype) : NULL;
    l.weight = gt_randn(gt, GT_SHAPE(K), .dtype = dtype);
    l.bias = gt_randn(gt, GT_SHAPE(K), .dtype = dtype);
    l.mean = gt_randn(gt, GT_SHAPE(K), .dtype = dtype);
    l.var = gt_add_scalar(gt_rand(gt, GT_SHAPE(K), .dtype = dtype), 0.1);
    return l;
}

static void assert_near(const gt_tensor *got, const gt_tensor *want)
{
    const double tolerance = 200 * gt_dtype_epsilon(want->dtype);
    for (int64_t i = 0; i < want->size; i++) {
        const double a = element(got, i), b = element(want, i);
        if (!(fabs(a - b) <= tolerance * (1 + fabs(b))))
            fail_msg("element %d is %.9g, called %.9g", (int)i, a, b);
    }
}

static gt_captured *capture(layer *l)
{
    gt_captured *c = gt_capture(l->gt, forward, l, .inputs = {&l->x}, .fold_batch_norm = true);
    assert_well(l->gt);
    return c;
}

/* --- results --- */

static void assert_replays(gt_captured *c, layer *l)
{
    assert_int_equal(gt_replay(c), GT_OK);
    assert_near(gt_captured_result(c), forward(l->gt, l));
}

static void raw_write(gt_tensor *t)
{
    for (int64_t i = 0; i < t->size; i += 3) gt_store_element(t, i, 0.75);
}

static void folded_is_near(void **state)
{
    gt_ctx *gt = *state;
    for (int i = 0; i < 16; i++) {
        const gt_mark start = gt_mark_tape(gt);
        layer l = make_layer(gt, i & 1 ? GT_F64 : GT_F32, i & 2, i & 4 ? 2 : 1, i & 8);
        l.no_affine = i % 5 == 0;
        gt_captured *c = capture(&l);
        assert_int_equal(gt_captured_get_stats(c).folded, 1);
        assert_replays(c, &l);
        l.x = gt_mul_scalar(l.x, -0.5);
        assert_replays(c, &l);
        gt_tensor *const changing[] = {l.w, l.mean, l.var, l.bias, l.weight, l.b};
        for (int k = 0; k < 6 && changing[k]; k++) {
            gt_copy_into(changing[k], gt_mul_scalar(changing[k], 1.25));
            assert_replays(c, &l);
            raw_write(changing[k]); /* and nobody is told */
            assert_replays(c, &l);
        }
        gt_captured_free(c);
        gt_rewind(gt, start);
    }
}

/* --- where it must not be --- */

static void left_alone(void **state)
{
    gt_ctx *gt = *state;
    for (int i = 0; i < 4; i++) {
        const gt_mark start = gt_mark_tape(gt);
        layer l = make_layer(gt, GT_F32, true, 1, false);
        l.seen = i == 0 ? l.x : NULL;
        l.training = i == 1;
        l.changes = i == 2;
        gt_captured *c =
            i < 3 ? capture(&l) : gt_capture(gt, forward, &l, .inputs = {&l.x}); /* not asked to */
        layer twin = l;
        twin.mean = gt_clone(l.mean);
        twin.var = gt_clone(l.var);
        assert_int_equal(gt_captured_get_stats(c).folded, 0);
        gt_replay(c);
        const gt_tensor *want = forward(gt, &twin);
        assert_memory_equal(gt_captured_result(c)->data, want->data,
                            (size_t)want->size * sizeof(float));
        gt_captured_free(c);
        gt_rewind(gt, start);
    }
}

/* What was folded goes with the capture. */
static void memory_goes_back(void **state)
{
    gt_ctx *gt = *state;
    layer l = make_layer(gt, GT_F32, true, 1, false);
    const gt_mark start = gt_mark_tape(gt);
    uint64_t live = 0;
    for (int i = 0; i < 3; i++) {
        gt_captured *c = capture(&l);
        for (int k = 0; k < 3; k++) gt_replay(c);
        gt_captured_free(c);
        gt_rewind(gt, start);
        const uint64_t now = gt_get_stats(gt).bytes_live;
        if (i) assert_int_equal(now, live);
        live = now;
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, open_context, close_context)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(folded_is_near),
        TEST(left_alone),
        TEST(memory_goes_back),
    };
    return cmocka_run_group_tests_name("fold_norm", tests, NULL, NULL);
}
