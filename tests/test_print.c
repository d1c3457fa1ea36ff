/* gt_print against what PyTorch prints. */
#include <gradtape.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

typedef struct {
    const char *label;
    gt_dtype dtype;
    gt_shape shape;
    bool requires_grad;
    const double *values;
    const char *text;
} print_case;

#include "print_cases.h"

/* What gt_print writes, in a buffer that the next call overwrites. */
static const char *printed(const gt_tensor *t)
{
    static char text[1 << 16];
    FILE *f = tmpfile();
    assert_non_null(f);
    gt_print(f, t);
    rewind(f);
    text[fread(text, 1, sizeof text - 1, f)] = '\0';
    fclose(f);
    return text;
}

static gt_tensor *tensor_of(gt_ctx *gt, const print_case *c)
{
    gt_tensor *t = gt_empty(gt, c->shape, .dtype = c->dtype, .requires_grad = c->requires_grad);
    assert_non_null(t);
    for (int64_t i = 0; i < t->size; i++) {
        const double made = gt_is_floating(c->dtype) ? (double)i / 8
                            : c->dtype == GT_U8      ? (double)(i % 10)
                                                     : (double)i;
        gt_store_element(t, i, c->values ? c->values[i] : made);
    }
    return t;
}

static void prints_as_pytorch(void **state)
{
    (void)state;
    int wrong = 0;
    gt_ctx *gt = gt_open();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *got = printed(tensor_of(gt, &cases[i]));
        if (strcmp(got, cases[i].text) == 0) continue;
        wrong++;
        print_error("%s: printed\n%sexpected\n%s", cases[i].label, got, cases[i].text);
    }
    assert_false(gt_failed(gt));
    gt_close(gt);
    assert_int_equal(wrong, 0);
}

static void i64_extremes(void **state)
{
    (void)state;
    gt_ctx *gt = gt_open();
    gt_tensor *t = gt_from(gt, GT_SHAPE(2), ((int64_t[]){INT64_MIN, INT64_MAX}), .dtype = GT_I64);
    assert_string_equal(printed(t), "tensor([-9223372036854775808,  9223372036854775807])\n");
    gt_close(gt);
}

static void results_name_their_operation(void **state)
{
    (void)state;
    gt_ctx *gt = gt_open();
    gt_tensor *x = gt_ones(gt, GT_SHAPE(2), .requires_grad = true);
    assert_string_equal(printed(gt_neg(x)), "tensor([-1., -1.], grad_fn=<neg>)\n");
    assert_string_equal(printed(gt_detach(gt_neg(x))), "tensor([-1., -1.])\n");
    gt_close(gt);
}

static void unusable_tensors_print_nothing(void **state)
{
    (void)state;
    gt_ctx *gt = gt_open();
    assert_string_equal(printed(NULL), "");
    assert_non_null(
        strstr(gt_error_message(NULL), "gt_print (test_print.c:28): the tensor is NULL"));
    gt_error_clear(NULL);
    gt_mark start = gt_mark_tape(gt);
    gt_tensor *t = gt_ones(gt, GT_SHAPE(2));
    gt_rewind(gt, start);
    assert_string_equal(printed(t), "");
    assert_int_equal(gt_error_code(gt), GT_ERR_STATE);
    assert_non_null(strstr(gt_error_message(gt), ": the tensor was dropped by gt_rewind"));
    gt_close(gt);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prints_as_pytorch),
        cmocka_unit_test(i64_extremes),
        cmocka_unit_test(results_name_their_operation),
        cmocka_unit_test(unusable_tensors_print_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
