/* Uses an installed gradtape as a stranger would: computes, differentiates, and compares. */
#include <gradtape.h>
#include <stdio.h>
#include <string.h>

int main(void)
{
    gt_ctx *gt = gt_open();
    gt_tensor *x = gt_values(gt, GT_SHAPE(2, 2), 1, 2, 3, 4);
    gt_require_grad(x, true);
    gt_tensor *loss = gt_sum(gt_square(x));
    gt_status status = gt_backward(loss);
    double slope = status == GT_OK ? gt_get(x->grad, 1, 1) : 0;
    printf("gradtape %s: loss %g, slope %g %s\n", gt_version(), gt_item(loss), slope,
           gt_error_message(gt));
    bool right = gt_item(loss) == 30 && slope == 8 && strcmp(gt_version(), GT_VERSION) == 0;
    gt_close(gt);
    return right ? 0 : 1;
}
