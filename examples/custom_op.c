/* An operation of your own: soft thresholding, with a threshold t that is learned for each channel.
 *
 *   y[i,c] = sign(x[i,c]) max(|x[i,c]| - t[c], 0)
 *   dx = dy where y is not 0, else 0    dt[c] = - sum over i of dy[i,c] sign(y[i,c]) */
#include <gradtape.h>
#include <math.h>

static bool infer(gt_node *n)
{
    const gt_shape x = n->in[0]->shape, t = n->in[1]->shape;
    n->out[0]->shape = x;
    return (x.ndim == 2 && gt_shape_equal(t, GT_SHAPE(x.dim[1]))) ||
           gt_op_fail(n, GT_ERR_SHAPE, "x must be [n,c], and t [c]");
}

#define FORWARD(name, T)                                                                           \
    static void name(gt_node *n)                                                                   \
    {                                                                                              \
        const T *x = n->in[0]->data, *t = n->in[1]->data;                                          \
        T *y = n->out[0]->data;                                                                    \
        for (int64_t i = 0; i < n->in[0]->size; i++)                                               \
            y[i] = (T)copysign(fmax(fabs(x[i]) - t[i % n->in[1]->size], 0), x[i]);                 \
    }
FORWARD(forward_f32, float)
FORWARD(forward_f64, double)

static bool backward(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    gt_tensor *t = n->in[1], *dy = gout[0], *sign = gt_sign(n->out[0]);
    if (gt_needs_grad(n, 0)) gin[0] = gt_mul(dy, gt_abs(sign));
    if (gt_needs_grad(n, 1)) gin[1] = gt_neg(gt_sum_to(gt_mul(dy, sign), t->shape));
    return true;
}

static const gt_sample samples[] = {{.in = GT_INPUTS(GT_IN(0, 3), GT_IN(3))},
                                    {.in = GT_INPUTS(GT_IN(17, 1), GT_IN_RANGE(0.1, 0.5, 1))},
                                    {.in = GT_INPUTS(GT_IN(4, 3), GT_IN_RANGE(0.1, 0.5, 3))}};
static const gt_op soft_threshold = {.name = "soft_threshold",
                                     .inputs = "x t",
                                     .n_in = 2,
                                     .n_out = 1,
                                     .infer = infer,
                                     .forward = {forward_f32, forward_f64},
                                     .backward = backward,
                                     GT_SAMPLES(samples)};

/* For `gradtape check --load`, as a shared object: cc -shared -fPIC custom_op.c -o custom_op.so */
GT_EXPORT_OPS(&soft_threshold);

int main(void)
{
    static const char *const what[] = {"first and second derivatives", "f32"};
    gt_ctx *gt = gt_open();
    gt_verdict verdict = GT_PASS;
    for (int i = 0; i < 2 && verdict == GT_PASS; i++) {
        const gt_gradcheck_opts opts = {.order = 2, .f32 = i == 1};
        gt_gradcheck_report report;
        verdict = gt_gradcheck_samples(gt, &soft_threshold, &opts, &report);
        printf("%s: ", what[i]), gt_gradcheck_print(&report, stdout);
    }
    gt_close(gt);
    return verdict != GT_PASS;
}
