/* Initialisers against PyTorch's numbers (tools/reference_nn.py), and misuse. */
#include <math.h>
#include <stdlib.h>

#include "support.h"

static void normal(gt_tensor *w)
{
    gt_init_normal(w, 1, 0.5);
}
static void uniform(gt_tensor *w)
{
    gt_init_uniform(w, -2, 1);
}
static void constant(gt_tensor *w)
{
    gt_init_constant(w, 0.3);
}
static void xavier_uniform(gt_tensor *w)
{
    gt_init_xavier_uniform(w, .gain = 1.5);
}
static void xavier_normal(gt_tensor *w)
{
    gt_init_xavier_normal(w);
}
static void kaiming_uniform(gt_tensor *w)
{
    gt_init_kaiming_uniform(w);
}
static void kaiming_normal(gt_tensor *w)
{
    gt_init_kaiming_normal(w, .mode = GT_FAN_OUT, .nonlinearity = GT_RELU);
}
static void kaiming_leaky(gt_tensor *w)
{
    gt_init_kaiming_uniform(w, .a = 0.2);
}
static void kaiming_tanh(gt_tensor *w)
{
    gt_init_kaiming_uniform(w, .nonlinearity = GT_TANH);
}
static void orthogonal(gt_tensor *w)
{
    gt_init_orthogonal(w);
}
static void orthogonal_tall(gt_tensor *w)
{
    gt_init_orthogonal(w, .gain = 2);
}
static void trunc_normal(gt_tensor *w)
{
    gt_init_trunc_normal(w, .std = 0.02);
}
static void trunc_normal_near(gt_tensor *w)
{
    gt_init_trunc_normal(w, .mean = 1, .std = 2, .low = -1, .high = 1.5);
}
static void trunc_normal_far(gt_tensor *w)
{
    gt_init_trunc_normal(w, .low = 2.5, .high = 4);
}

static const struct {
    const char *name;
    void (*fill)(gt_tensor *w);
    double tolerance; /* absolute; 0: the same to the bit */
} inits[] = {
    {"uniform", uniform, 0},
    {"normal", normal, 0},
    {"normal_few", normal, 0},
    {"constant", constant, 0},
    {"xavier_uniform", xavier_uniform, 0},
    {"xavier_normal", xavier_normal, 0},
    {"kaiming_uniform", kaiming_uniform, 0},
    {"kaiming_normal", kaiming_normal, 0},
    {"kaiming_leaky", kaiming_leaky, 0},
    {"kaiming_tanh", kaiming_tanh, 0},
    {"orthogonal", orthogonal, 1e-5},
    {"orthogonal_tall", orthogonal_tall, 1e-5},
    {"orthogonal_kernel", orthogonal, 1e-5},
    {"orthogonal_square", orthogonal, 1e-5},
    {"trunc_normal", trunc_normal, 0},
    {"trunc_normal_near", trunc_normal_near, 0},
    {"trunc_normal_far", trunc_normal_far, 0},
};

static void check_init(size_t k, gt_shape shape, const char *values)
{
    gt_ctx *gt = gt_open();
    gt_tensor *w = gt_keep(gt_zeros(gt, shape));
    gt_manual_seed(gt, 3);
    inits[k].fill(w);
    assert_well(gt);
    char *at = (char *)values;
    assert_int_equal(strtoll(at, &at, 10), w->size);
    for (int64_t i = 0; i < w->size; i++) {
        const double want = (double)strtof(at, &at), got = element(w, i);
        if (!(fabs(got - want) <= inits[k].tolerance))
            fail_msg("%s: element %d is %.9g, not %.9g", inits[k].name, (int)i, got, want);
    }
    gt_close(gt);
}

static void test_against_torch(void **state)
{
    (void)state;
    static char line[1 << 16];
    FILE *f = fopen(GT_SOURCE_DIR "/tests/reference/nn.txt", "r");
    assert_non_null(f);
    size_t n = 0;
    while (fgets(line, sizeof line, f)) {
        char name[32];
        if (sscanf(line, "init %31s", name) != 1) continue;
        assert_string_equal(name, inits[n].name);
        gt_shape shape = {0, {0}};
        assert_non_null(fgets(line, sizeof line, f));
        for (char *at = line + 5; *at && *at != '\n';)
            shape.dim[shape.ndim++] = strtoll(at, &at, 10);
        assert_non_null(fgets(line, sizeof line, f));
        check_init(n++, shape, line + 1);
    }
    assert_int_equal(n, sizeof inits / sizeof *inits);
    fclose(f);
}

/* Q has orthonormal columns, in f64 to the last digits. */
static void test_orthogonal_in_f64(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *w = gt_zeros(gt, GT_SHAPE(40, 12), .dtype = GT_F64);
    assert_int_equal(gt_init_orthogonal(w), GT_OK);
    gt_tensor *gram = gt_matmul(w, w, .transpose_a = true);
    for (int i = 0; i < 144; i++) assert_true(fabs(element(gram, i) - (i % 13 == 0)) < 1e-14);
}

static void test_steady(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *w = gt_keep(gt_zeros(gt, GT_SHAPE(30, 40)));
    gt_init_normal(w, 0, 1);
    gt_init_trunc_normal(w, .std = 2);
    const uint64_t live = gt_get_stats(gt).bytes_live;
    for (int i = 0; i < 5; i++) gt_init_trunc_normal(w, .std = 2);
    gt_init_orthogonal(w);
    gt_init_trunc_normal(w, .low = 3, .high = 4);
    assert_int_equal(gt_get_stats(gt).bytes_live, live);
}

static void test_misuse(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *vector = gt_zeros(gt, GT_SHAPE(3)), *matrix = gt_zeros(gt, GT_SHAPE(2, 3));
    gt_tensor *whole = gt_zeros(gt, GT_SHAPE(2, 3), .dtype = GT_I64);
    gt_init_xavier_uniform(vector);
    assert_error(gt, GT_ERR_SHAPE, "at least 2 dimensions, not [3]");
    gt_init_orthogonal(vector);
    assert_error(gt, GT_ERR_SHAPE, "at least 2 dimensions");
    gt_init_normal(whole, 0, 1);
    assert_error(gt, GT_ERR_DTYPE, "not i64");
    gt_init_normal(matrix, 0, -1);
    assert_error(gt, GT_ERR_ARGUMENT, "std is -1");
    gt_init_trunc_normal(matrix, .low = 2, .high = 1);
    assert_error(gt, GT_ERR_ARGUMENT, "[2, 1] is no interval");
    gt_init_kaiming_normal(matrix, .nonlinearity = (gt_nonlinearity)9);
    assert_error(gt, GT_ERR_ARGUMENT, "nonlinearity 9");
    gt_tensor *w = gt_zeros(gt, GT_SHAPE(2, 3), .requires_grad = true);
    gt_init_uniform(gt_square(w), 0, 1);
    assert_error(gt, GT_ERR_STATE, "not a leaf");
    assert_int_equal(gt_init_uniform(NULL, 0, 1), GT_ERR_ARGUMENT);
    gt_error_clear(NULL);
    assert_int_equal(gt_init_kaiming_uniform(gt_zeros(gt, GT_SHAPE(0, 0))), GT_OK);
    assert_int_equal(gt_init_orthogonal(gt_zeros(gt, GT_SHAPE(0, 3))), GT_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_torch),
        cmocka_unit_test_setup_teardown(test_orthogonal_in_f64, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_steady, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_misuse, open_context, close_context),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
