/* WGAN-GP (Gulrajani et al., 2017): a generator learns to draw points around eight centres on a
 * circle. The critic's slope is held near 1 by a penalty on its gradient, which is differentiated
 * in its turn: second derivatives.
 *
 *   wgan_gp      some seconds */
#include <gradtape.h>
#include <math.h>

enum { BATCH = 128, CENTRES = 8 };

static gt_module *network(gt_ctx *gt, int in, int out)
{
    return gt_nn_sequential(gt, gt_nn_linear(gt, in, 64), gt_nn_relu(gt), gt_nn_linear(gt, 64, 64),
                            gt_nn_relu(gt), gt_nn_linear(gt, 64, out));
}

/* The centres [CENTRES,2], on a circle of radius 1. */
static gt_tensor *centres(gt_ctx *gt)
{
    gt_tensor *angle = gt_mul_scalar(gt_arange(gt, 0, CENTRES, 1), 2 * 3.14159265358979 / CENTRES);
    return gt_stack_of(1, gt_cos(angle), gt_sin(angle));
}

/* BATCH real points [BATCH,2]. */
static gt_tensor *draw(gt_ctx *gt)
{
    gt_tensor *at = gt_index_select(centres(gt), 0, gt_randint(gt, 0, CENTRES, GT_SHAPE(BATCH)));
    return gt_add(at, gt_mul_scalar(gt_randn(gt, GT_SHAPE(BATCH, 2)), 0.05));
}

static gt_tensor *draw_fake(gt_module *generator)
{
    return gt_forward(generator, gt_randn(generator->ctx, GT_SHAPE(BATCH, 2)));
}

/* (|slope| - 1)^2 of the critic, on average, between real points and others. */
static gt_tensor *penalty(gt_module *critic, gt_tensor *real, gt_tensor *fake)
{
    gt_tensor *t = gt_rand(critic->ctx, GT_SHAPE(BATCH, 1)), *dx;
    gt_tensor *x = gt_detach(gt_add(gt_mul(t, real), gt_mul(gt_rsub_scalar(t, 1), fake)));
    gt_require_grad(x, true);
    gt_tensor *sum = gt_sum(gt_forward(critic, x));
    gt_grad(&sum, 1, &x, 1, &dx, .create_graph = true);
    return gt_mean(gt_square(gt_sub_scalar(gt_norm(dx, .axes = GT_AXES(1)), 1)));
}

/* One step; returns how far apart the critic thinks real points and others are. */
static double step_critic(gt_module *critic, gt_optimizer *adam, gt_tensor *real, gt_tensor *fake)
{
    gt_tensor *apart = gt_sub(gt_mean(gt_forward(critic, real)), gt_mean(gt_forward(critic, fake)));
    gt_backward(gt_sub(penalty(critic, real, fake), apart));
    gt_optimizer_step(adam);
    return gt_item(apart);
}

static double part_near(gt_tensor *x)
{
    return gt_item(gt_mean(gt_cast(gt_lt_scalar(x, 0.2), GT_F32)));
}

/* How many points lie near a centre, and how many centres have points near them. */
static void look(gt_module *generator)
{
    gt_tensor *off = gt_sub(gt_unsqueeze(draw_fake(generator), 1), centres(generator->ctx));
    off = gt_norm(off, .axes = GT_AXES(2)); /* [BATCH,CENTRES] */
    const double points = part_near(gt_amin(off, .axes = GT_AXES(1)));
    const double found = CENTRES * part_near(gt_amin(off, .axes = GT_AXES(0)));
    printf("near a centre %.2f, centres found %.0f of 8\n", points, found);
}

static void run(gt_ctx *gt, void *user)
{
    const long *epochs = user;
    gt_manual_seed(gt, 1);
    gt_module *generator = network(gt, 2, 2), *critic = network(gt, 2, 1);
    gt_optimizer *of_generator = gt_adam(generator, .lr = 1e-3, .betas = {0.5, 0.9});
    gt_optimizer *of_critic = gt_adam(critic, .lr = 1e-3, .betas = {0.5, 0.9});
    gt_mark top = gt_mark_tape(gt);
    for (long epoch = 1; epoch <= *epochs && gt_goes_on(gt); epoch++) {
        gt_running_mean apart = {0};
        for (int i = 0; i < 1250; i++) {
            gt_rewind(gt, top); /* forgets the step before, with its gradients */
            gt_tensor *fake = draw_fake(generator);
            gt_running_add(&apart, step_critic(critic, of_critic, draw(gt), gt_detach(fake)), 1);
            if (i % 5 != 4) continue; /* the critic should be ahead */
            gt_backward(gt_neg(gt_mean(gt_forward(critic, fake))));
            gt_optimizer_step(of_generator);
        }
        printf("epoch %ld  apart %.3f  ", epoch, gt_running_value(&apart));
        look(generator);
    }
}

int main(int argc, char **argv)
{
    long epochs = 8;
    return gt_program_main(argc, argv, "Trains a generator of points and a critic.", run, &epochs,
                           GT_PROGRAM_OPTIONS({"--epochs", "N", "of 1250 steps of the critic (8)",
                                               .count = &epochs, .least = 1}));
}
