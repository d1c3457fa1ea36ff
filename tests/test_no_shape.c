/* A shape that is none, written by hand with a number of dimensions outside 0..GT_MAX_DIMS, is
 * refused by every public function that takes one. The headers say which do. */
#include "support.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct {
    gt_ctx *gt;
    gt_tensor *x, *image, *index; /* [2,3], [1,1,4,4], i64 [2] */
} bench;

static const double number;
static char text[128];

/* name, call: something that is false where the shape is refused */
#define CALLS(ROW)                                                                                 \
    ROW(empty, gt_empty(b->gt, s))                                                                 \
    ROW(full, gt_full(b->gt, s, 1))                                                                \
    ROW(from, gt_from(b->gt, s, &number, .dtype = GT_F64))                                         \
    ROW(values, gt_values_(b->gt, s, 1, &number, (gt_new_opts){.dtype = GT_F64}))                  \
    ROW(rand, gt_rand(b->gt, s))                                                                   \
    ROW(randn, gt_randn(b->gt, s))                                                                 \
    ROW(uniform, gt_uniform(b->gt, s, 0, 1))                                                       \
    ROW(randint, gt_randint(b->gt, 0, 2, s))                                                       \
    ROW(reshape, gt_reshape(b->x, s))                                                              \
    ROW(broadcast_to, gt_broadcast_to(b->x, s))                                                    \
    ROW(expand, gt_expand(b->x, s))                                                                \
    ROW(sum_to, gt_sum_to(b->x, s))                                                                \
    ROW(repeat, gt_repeat(b->x, s))                                                                \
    ROW(slice_dx, gt_slice_dx(b->x, s, 0, 0, 1))                                                   \
    ROW(index_select_dx, gt_index_select_dx(b->x, b->index, s, 0))                                 \
    ROW(gather_dx, gt_gather_dx(b->x, b->index, s, 0))                                             \
    ROW(pad_dx, gt_pad_dx(b->x, s, (gt_pad_opts){.pad = {1}}))                                     \
    ROW(conv2d_dx, gt_conv2d_dx(b->image, b->image, s, (gt_conv2d_opts){.gt_ = NULL}))             \
    ROW(conv2d_dw, gt_conv2d_dw(b->image, b->image, s, (gt_conv2d_opts){.gt_ = NULL}))             \
    ROW(max_pool2d_dx, gt_max_pool2d_dx(b->image, b->index, s))                                    \
    ROW(avg_pool2d_dx, gt_avg_pool2d_dx(b->image, s, (gt_avg_pool2d_opts){.kernel = {2}}))         \
    ROW(adaptive_avg_pool2d_dx, gt_adaptive_avg_pool2d_dx(b->image, s))                            \
    ROW(interpolate_dx, gt_interpolate_dx(b->image, s, (gt_interpolate_opts){.gt_ = NULL}))        \
    ROW(nn_rms_norm, gt_nn_rms_norm(b->gt, s))                                                     \
    ROW(nn_layer_norm, gt_nn_layer_norm(b->gt, s))                                                 \
    ROW(summary, gt_summary(stdout, gt_nn_relu(b->gt), s) == GT_OK)

#define ROW(name, call)                                                                            \
    static bool accepts_##name(bench *b, gt_shape s)                                               \
    {                                                                                              \
        return call;                                                                               \
    }
CALLS(ROW)
#undef ROW

static const struct {
    const char *name;
    bool (*accepts)(bench *b, gt_shape s);
} calls[] = {
#define ROW(name, call) {#name, accepts_##name},
    CALLS(ROW)
#undef ROW
};
enum { N_CALLS = sizeof calls / sizeof *calls };

static const int numbers[] = {-1, -2, INT_MIN, GT_MAX_DIMS + 1, 100, INT_MAX};
enum { N_NUMBERS = sizeof numbers / sizeof *numbers };

static void no_shape_is_refused(void **state)
{
    bench b = {.gt = *state};
    b.x = gt_ones(b.gt, GT_SHAPE(2, 3));
    b.image = gt_ones(b.gt, GT_SHAPE(1, 1, 4, 4));
    b.index = gt_zeros(b.gt, GT_SHAPE(2), .dtype = GT_I64);
    for (int k = 0; k < N_CALLS; k++)
        for (int i = 0; i < N_NUMBERS; i++) {
            const gt_shape s = {numbers[i], {1, 1, 1, 1, 1, 1}};
            if (calls[k].accepts(&b, s))
                fail_msg("%s takes %d dimensions", calls[k].name, numbers[i]);
            if (gt_error_code(b.gt) != GT_ERR_SHAPE)
                fail_msg("%s, %d dimensions: %s: %s", calls[k].name, numbers[i],
                         gt_status_name(gt_error_code(b.gt)), gt_error_message(b.gt));
            assert_error(b.gt, GT_ERR_SHAPE, "dimensions");
        }
}

static void functions_of_shapes(void **state)
{
    (void)state;
    const gt_shape one = GT_SHAPE(1);
    for (int i = 0; i < N_NUMBERS; i++) {
        const gt_shape s = {numbers[i], {1, 1, 1, 1, 1, 1}};
        gt_shape out;
        assert_int_equal(gt_shape_size(s), -1);
        assert_false(gt_shape_equal(s, s) || gt_shape_equal(s, one) || gt_shape_equal(one, s));
        assert_false(gt_shape_broadcast(s, one, &out) || gt_shape_broadcast(one, s, &out));
        assert_non_null(strstr(gt_shape_format(s, text, sizeof text), "dimensions]"));
    }
    assert_int_equal(gt_shape_of(GT_MAX_DIMS + 1, NULL).ndim, -1);
}

/* --- all of them --- */

static bool is_tested(const char *name, size_t length)
{
    static const char *const others[] = {"shape_equal", "shape_format", "shape_broadcast",
                                         "shape_size"};
    for (int k = 0; k < N_CALLS; k++)
        if (strlen(calls[k].name) == length && !strncmp(calls[k].name, name, length)) return true;
    for (size_t k = 0; k < sizeof others / sizeof *others; k++)
        if (strlen(others[k]) == length && !strncmp(others[k], name, length)) return true;
    return false;
}

/* The name before the parenthesis at `open`, without gt_ and the underscore of a macro's function;
 * in ops.def the name behind it. */
static void check_function(const char *line, const char *open)
{
    const bool row = !strncmp(line, "GT_OP", 5) || !strncmp(line, "GT_FUN", 6);
    const char *name = row ? open + 1 : open;
    if (!row)
        while (name > line && (name[-1] == '_' || (name[-1] >= 'a' && name[-1] <= 'z') ||
                               (name[-1] >= '0' && name[-1] <= '9')))
            name--;
    size_t length = row ? strcspn(name, ",") : (size_t)(open - name);
    if (!row && length && name[length - 1] == '_') length--;
    if (!row && !strncmp(name, "gt_", 3)) name += 3, length -= 3;
    if (!is_tested(name, length)) fail_msg("no test for %.*s: %s", (int)length, name, line);
}

static void check_header(const char *name)
{
    char path[512], line[4096];
    snprintf(path, sizeof path, GT_SOURCE_DIR "/include/gradtape/%s", name);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    while (fgets(line, sizeof line, f)) {
        const char *open = strchr(line, '('), *shape = open ? strstr(open, "gt_shape ") : NULL;
        if (!shape || line[0] == '#' || line[0] == ' ' || !strncmp(line, "static", 6) ||
            !strncmp(line, "typedef", 7))
            continue;
        if (shape[-1] == '(' || shape[-1] == ' ') check_function(line, open);
    }
    fclose(f);
}

static void every_function_is_tested(void **state)
{
    (void)state;
    static const char *const headers[] = {"tensor.h", "op.h",   "ops.def",   "layers.h",
                                          "init.h",   "data.h", "summary.h", "nn.h"};
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) check_header(headers[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(no_shape_is_refused, open_context, close_context),
        cmocka_unit_test(functions_of_shapes),
        cmocka_unit_test(every_function_is_tested),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
