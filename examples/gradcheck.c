/* A test of your own gradients, to copy: put your function in place of attention, your module in
 * place of the network, and run it with your other tests.
 *
 *   cc my_test.c $(pkg-config --static --cflags --libs gradtape) -lcmocka -o my_test && ./my_test
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <gradtape.h>
#include <gradtape/gradcheck_assert.h> /* for cmocka, Check, Unity, or none of them */

/* --- a function: of q, k [m,d] and v [m,e] --- */

static gt_tensor *attention(gt_ctx *gt, gt_tensor *const in[], void *user)
{
    (void)gt, (void)user;
    gt_tensor *scores = gt_matmul(in[0], in[1], .transpose_b = true);
    return gt_matmul(gt_softmax(gt_mul_scalar(scores, 0.5), 1), in[2]);
}

/* The checker works in f64, and reports in full what is wrong. */
static void attention_is_differentiated_rightly(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *in[] = {
        gt_set_name(gt_randn(gt, GT_SHAPE(3, 4), .dtype = GT_F64, .requires_grad = true), "q"),
        gt_set_name(gt_randn(gt, GT_SHAPE(3, 4), .dtype = GT_F64, .requires_grad = true), "k"),
        gt_set_name(gt_randn(gt, GT_SHAPE(3, 2), .dtype = GT_F64, .requires_grad = true), "v"),
    };
    GT_ASSERT_GRADCHECK(gt, attention, NULL, in, 3, .order = 2, .name = "attention");
}

/* --- a module: its parameters are checked, and its input where that requires gradients --- */

static void the_network_is_differentiated_rightly(void **state)
{
    gt_ctx *gt = *state;
    gt_module *net =
        gt_nn_sequential(gt, gt_nn_conv2d(gt, 1, 2, .kernel = {3}), gt_nn_silu(gt),
                         gt_nn_flatten(gt), gt_nn_dropout(gt, 0.25), gt_nn_lazy_linear(gt, 3));
    gt_module_to(net, GT_F64);
    gt_tensor *x = gt_randn(gt, GT_SHAPE(2, 1, 4, 4), .dtype = GT_F64, .requires_grad = true);
    GT_ASSERT_GRADCHECK_MODULE(gt, net, x);
}

/* --- the tests --- */

static int open_context(void **state)
{
    *state = gt_open();
    gt_manual_seed(*state, 1);
    return 0;
}

static int close_context(void **state)
{
    gt_close(*state);
    return 0;
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, open_context, close_context)
    const struct CMUnitTest tests[] = {
        TEST(attention_is_differentiated_rightly),
        TEST(the_network_is_differentiated_rightly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
