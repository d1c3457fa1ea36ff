/* What the programs of this folder assert: a right function, and one whose gradient lacks a half.
 */
#ifndef GT_TESTS_ASSERTS_SUBJECT_H
#define GT_TESTS_ASSERTS_SUBJECT_H

#include <gradtape.h>
#include <gradtape/gradcheck_assert.h>
#include <string.h>

enum { INPUTS = 12 }; /* whose report is longer than some frameworks' buffers */

static gt_tensor *right(gt_ctx *gt, gt_tensor *const in[], void *user)
{
    (void)gt, (void)user;
    return gt_square(in[0]);
}

static gt_tensor *half(gt_ctx *gt, gt_tensor *const in[], void *user)
{
    (void)gt, (void)user;
    gt_tensor *y = gt_mul(in[0], gt_detach(in[0]));
    for (int i = 1; i < INPUTS; i++) y = gt_add(y, gt_mul(in[i], gt_detach(in[i])));
    return y;
}

/* The assertions, on lines that test_asserts.c knows; with "wrong" one of them fails. */
static void assert_all(bool wrong)
{
    gt_ctx *gt = gt_open();
    gt_tensor *x =
        gt_from(gt, GT_SHAPE(3), ((double[]){1, -2, 3}), .dtype = GT_F64, .requires_grad = true);
    gt_module *net = gt_nn_linear(gt, 3, 2, .dtype = GT_F64);
    gt_tensor *in[INPUTS];
    for (int i = 0; i < INPUTS; i++)
        in[i] = gt_full(gt, GT_SHAPE(3), 1 + 0.5 * i, .dtype = GT_F64, .requires_grad = true);
    GT_ASSERT_GRADCHECK(gt, right, NULL, &x, 1);
    GT_ASSERT_GRADCHECK_MODULE(gt, net, gt_reshape(gt_detach(x), GT_SHAPE(1, 3)), .order = 2);
    GT_ASSERT_GRADCHECK_SAMPLES(gt, &gt_op_exp);
    if (wrong) GT_ASSERT_GRADCHECK(gt, half, NULL, in, INPUTS, .order = 2, .name = "my 100% loss");
    gt_close(gt);
}

#endif
