/* A shared object for `gradtape check --load`: a wrong operation with a name and labels that every
 * format has to escape, and one without derivatives. */
#include <gradtape.h>

static bool infer(gt_node *n)
{
    n->out[0]->shape = n->in[0]->shape;
    return true;
}

static void forward(gt_node *n)
{
    const double *x = n->in[0]->data;
    double *y = n->out[0]->data;
    for (int64_t i = 0; i < n->in[0]->size; i++) y[i] = 2 * x[i];
}

static bool backward(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    (void)n;
    gin[0] = gt_neg(gout[0]);
    return true;
}

static const gt_sample samples[] = {
    {.label = "<a & \"b\"> # SKIP \\ \001 \xff \xc3\xa9 \xc2\x85 \xef\xbf\xbf ]]>\nnot ok 99 - x",
     .in = GT_INPUTS(GT_IN(3))},
};
static const gt_op wrong = {.name = "w\"r<o>n&g # \\",
                            .inputs = "x\"<&",
                            .n_in = 1,
                            .n_out = 1,
                            .infer = infer,
                            .forward = {NULL, forward},
                            .backward = backward,
                            GT_SAMPLES(samples)};
static const gt_op flat = {.name = "flat",
                           .inputs = "x",
                           .n_in = 1,
                           .n_out = 1,
                           .infer = infer,
                           .forward = {NULL, forward},
                           GT_SAMPLES(samples)};
static const gt_op bare = {.name = "bare",
                           .inputs = "x",
                           .n_in = 1,
                           .n_out = 1,
                           .infer = infer,
                           .forward = {NULL, forward},
                           .backward = backward};
#ifdef LOPSIDED
static const gt_op lopsided = {.name = "lopsided",
                               .inputs = "x",
                               .n_in = 1,
                               .n_out = 1,
                               .infer = infer,
                               .forward = {NULL, forward},
                               .n_samples = 1};
GT_EXPORT_OPS(&wrong, &flat, &bare, &lopsided);
#else
GT_EXPORT_OPS(&wrong, &flat, &bare);
#endif
