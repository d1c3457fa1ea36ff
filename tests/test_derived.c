/* What operations derive from weights is kept beside them while they are the same, and never
 * longer. */
#include "support.h"

#include <string.h>

#include "engine/context.h"

/* y = x + 2 w, where stage 0 makes 2 w; the option is all that its key is made of. */
typedef struct {
    int kind;
} double_opts;
static int derivings;

static bool add_double_infer(gt_node *n)
{
    n->out[0]->shape = n->in[0]->shape;
    n->parts[0] = n->parts[1] = 1;
    return true;
}

static void add_double_parts(gt_node *n, const gt_range *r)
{
    const gt_tensor *x = n->in[0], *w = n->in[1];
    float *twice = r->derived, *y = n->out[0]->data;
    derivings += r->stage == 0;
    for (int64_t i = 0; i < w->size; i++)
        if (r->stage == 0) twice[i] = 2 * ((const float *)w->data)[i];
        else y[i] = ((const float *)x->data)[i] + twice[i];
}

static gt_derived add_double_derived(const gt_node *n)
{
    return (gt_derived){.bytes = (size_t)n->in[1]->size * sizeof(float),
                        .input = 1,
                        .key = n->opts,
                        .key_size = sizeof(double_opts)};
}

static const gt_op add_double = {
    .name = "add_double",
    .inputs = "x w",
    .n_in = 2,
    .n_out = 1,
    .opts_size = sizeof(double_opts),
    .infer = add_double_infer,
    .parts = {add_double_parts},
    .derived = add_double_derived,
};

/* Calls it, checks the value, and says whether stage 0 ran. */
static bool derives_of(gt_tensor *w, int kind)
{
    gt_ctx *gt = w->ctx;
    const int before = derivings;
    gt_tensor *x = gt_ones(gt, w->shape);
    gt_tensor *y = gt_apply(&add_double, &(double_opts){kind}, 2, (gt_tensor *[]){x, w});
    assert_well(gt);
    for (int64_t i = 0; i < w->size; i++)
        assert_true(gt_load_element(y, i) == 1 + 2 * gt_load_element(w, i));
    return derivings > before;
}

static bool derives(gt_tensor *w)
{
    return derives_of(w, 0);
}

/* Until it is kept. */
static void settle(gt_tensor *w)
{
    derives(w);
    derives(w);
    assert_false(derives(w));
}

enum { N = 48 }; /* as large as its block of the pool */

static gt_tensor *new_weight(gt_ctx *gt)
{
    return gt_keep(gt_full(gt, GT_SHAPE(N), 3));
}

static uint64_t bytes(const gt_ctx *gt)
{
    return gt_get_stats(gt).bytes_derived;
}

static void kept_from_the_second_call_on(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *w = new_weight(gt);
    assert_true(derives(w));
    assert_int_equal(bytes(gt), 0);
    assert_true(derives(w));
    assert_int_equal(bytes(gt), N * sizeof(float));
    for (int i = 0; i < 3; i++) assert_false(derives(w));
    assert_false(derives(gt_reshape(w, GT_SHAPE(8, 6)))); /* a view */
    gt_free(w);
    assert_int_equal(bytes(gt), 0);
}

static void change(gt_tensor *w)
{
    gt_fill(w, 5);
}

static void change_slice(gt_tensor *w)
{
    gt_fill_slice(w, 0, 7, 8, 2);
}

static void change_view(gt_tensor *w)
{
    gt_fill(gt_reshape(w, GT_SHAPE(8, 6)), 4);
}

static void write_one(gt_tensor *w)
{
    ((float *)w->data)[N - 1] += 1e-3F;
}

static void exchange_two(gt_tensor *w)
{
    ((float *)w->data)[0] = 1;
    ((float *)w->data)[1] = 2;
    derives(w);
    ((float *)w->data)[0] = 2;
    ((float *)w->data)[1] = 1;
}

/* Signs are the highest bits of words: what two of them change must not cancel. */
static void negate_two(gt_tensor *w)
{
    float *data = w->data;
    data[1] = -data[1];
    data[17] = -data[17];
}

static void negate_all(gt_tensor *w)
{
    for (int i = 0; i < N; i++) ((float *)w->data)[i] *= -1;
}

/* derives() compares the values; so these also hold where the program does not call gt_touch. */
static void made_again_when_values_change(void **state)
{
    gt_ctx *gt = *state;
    static void (*const changes[])(gt_tensor *) = {
        change, change_slice, change_view, write_one, exchange_two, negate_two, negate_all};
    gt_tensor *w = new_weight(gt);
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        settle(w);
        changes[i](w);
        assert_true(derives(w));
    }
    settle(w);
    gt_touch(w);
    assert_true(derives(w));
    assert_int_equal(bytes(gt), 0);
}

static void keys_are_told_apart(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *w = new_weight(gt);
    for (int turn = 0; turn < 3; turn++)
        for (int kind = 0; kind < 6; kind++)
            assert_true(derives_of(w, kind) == (turn < 2 || kind > 3));
    assert_int_equal(bytes(gt), 4 * N * sizeof(float));
    gt_fill(w, 1);
    assert_true(derives(w));
    assert_int_equal(bytes(gt), 0);
}

/* Only of tensors that outlive the step; and what hangs on one of those goes with it. */
static void dropped_by_a_rewind(void **state)
{
    gt_ctx *gt = *state;
    const gt_mark outer = gt_mark_tape(gt);
    for (int turn = 0; turn < 20; turn++) {
        gt_rewind(gt, outer);
        gt_tensor *early = gt_set_name(gt_full(gt, GT_SHAPE(N), 3), "early");
        gt_mark_tape(gt);
        settle(early);
        gt_tensor *late = gt_full(gt, GT_SHAPE(N), 3);
        for (int i = 0; i < 3; i++) assert_true(derives(late));
        assert_int_equal(bytes(gt), N * sizeof(float));
    }
    gt_rewind(gt, outer);
    assert_int_equal(bytes(gt), 0);
}

static void dropped_when_kept_anew(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *early = gt_full(gt, GT_SHAPE(N), 3);
    gt_mark_tape(gt);
    settle(early);
    gt_tensor *w = gt_keep(early);
    assert_int_equal(bytes(gt), 0);
    settle(w);
    assert_false(derives(early)); /* another name of it */
}

/* A convolution on blocks, where images come one by one: values are those of the first call. */
static void convolutions_keep_packed_weights(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *w = gt_keep(gt_randn(gt, GT_SHAPE(32, 32, 3, 3)));
    gt_tensor *x = gt_randn(gt, GT_SHAPE(1, 32, 8, 8)), *first = gt_conv2d(x, w, .padding = {1});
    for (int i = 0; i < 3; i++) {
        gt_tensor *again = gt_conv2d(x, w, .padding = {1});
        assert_memory_equal(again->data, first->data, (size_t)first->size * sizeof(float));
    }
    gt_tensor *other = gt_conv_transpose2d(x, w, .padding = {1});
    assert_well(gt);
    ((float *)w->data)[100] = 7; /* no gt_touch */
    gt_tensor *after = gt_conv2d(x, w, .padding = {1});
    gt_tensor *copy = gt_conv2d(x, gt_clone(w), .padding = {1});
    assert_memory_equal(after->data, copy->data, (size_t)copy->size * sizeof(float));
    assert_true(other && memcmp(after->data, first->data, (size_t)copy->size * sizeof(float)) != 0);
    gt_free(w);
    assert_int_equal(bytes(gt), 0);
}

/* Packing is little work where weights meet many pixels, and not done where they meet few; small
 * ones are kept for all that. */
static void large_weights_of_many_pixels_are_not_kept(void **state)
{
    gt_ctx *gt = *state;
    static const struct {
        int channels, images;
        bool kept;
    } cases[] = {{256, 1, false}, {256, 8, true}, {256, 32, false}, {32, 32, true}};
    gt_set_recording(gt, false);
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        const int c = cases[k].channels;
        gt_tensor *w = gt_keep(gt_randn(gt, GT_SHAPE(c, c, 3, 3)));
        gt_tensor *x = gt_randn(gt, GT_SHAPE(cases[k].images, c, 4, 4));
        gt_conv2d(x, w, .padding = {1});
        gt_conv2d(x, w, .padding = {1});
        const uint64_t kept = bytes(gt);
        const bool packs = strcmp(gt_cpu_level(), "plain") != 0;
        assert_int_equal(kept > 0, cases[k].kept && packs);
        gt_free(w);
    }
    assert_well(gt);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, open_context, close_context)
        TEST(kept_from_the_second_call_on),
        TEST(made_again_when_values_change),
        TEST(keys_are_told_apart),
        TEST(dropped_by_a_rewind),
        TEST(dropped_when_kept_anew),
        TEST(convolutions_keep_packed_weights),
        TEST(large_weights_of_many_pixels_are_not_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
