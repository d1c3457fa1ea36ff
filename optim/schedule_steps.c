/* StepLR, MultiStepLR, ExponentialLR, LambdaLR. */
#include <math.h>

#include "schedule.h"

typedef struct {
    gt_schedule base;
    double step_size, gamma;
} steps;

static double step_lr(const gt_schedule *s, const gti_rate *r)
{
    const steps *t = (const steps *)s;
    if (s->last_epoch == 0 || fmod(s->last_epoch, t->step_size) != 0) return r->lr;
    return r->lr * t->gamma;
}

static double multi_step_lr(const gt_schedule *s, const gti_rate *r)
{
    int times = 0;
    for (int i = 0; i < s->n_milestones; i++) times += (double)s->milestones[i] == s->last_epoch;
    return times ? r->lr * pow(((const steps *)s)->gamma, times) : r->lr;
}

static double exponential_lr(const gt_schedule *s, const gti_rate *r)
{
    return s->initial ? r->lr : r->lr * ((const steps *)s)->gamma;
}

static const gti_schedule_type step_type = {"StepLR", sizeof(steps), .lr = step_lr};
static const gti_schedule_type multi_step_type = {"MultiStepLR", sizeof(steps),
                                                  .lr = multi_step_lr};
static const gti_schedule_type exponential_type = {"ExponentialLR", sizeof(steps),
                                                   .lr = exponential_lr};

static gt_schedule *schedule_steps_make(gt_optimizer *o, const gti_schedule_type *type,
                                        int64_t step_size, double gamma, const int64_t *milestones,
                                        int n)
{
    if (!gti_schedule_check(o, type, "gamma", gamma, 0, INFINITY)) return NULL;
    steps *t = (steps *)gti_schedule_new(o, type, milestones, n);
    if (!t) return NULL;
    t->step_size = (double)step_size;
    t->gamma = gamma;
    return gti_schedule_begin(&t->base);
}

gt_schedule *gt_step_lr_(gt_optimizer *o, int64_t step_size, gt_step_lr_opts opts)
{
    if (!gti_schedule_check(o, &step_type, "step_size", (double)step_size, 1, INFINITY))
        return NULL;
    return schedule_steps_make(o, &step_type, step_size, gt_option(opts.gamma, 0.1), NULL, 0);
}

gt_schedule *gt_multi_step_lr_(gt_optimizer *o, const int64_t *milestones, int n,
                               gt_step_lr_opts opts)
{
    if (!gti_schedule_check(o, &multi_step_type, "the number of milestones", milestones ? n : 0, 1,
                            INFINITY))
        return NULL;
    return schedule_steps_make(o, &multi_step_type, 1, gt_option(opts.gamma, 0.1), milestones, n);
}

gt_schedule *gt_exponential_lr(gt_optimizer *o, double gamma)
{
    return schedule_steps_make(o, &exponential_type, 1, gamma, NULL, 0);
}

/* --- LambdaLR --- */

typedef struct {
    gt_schedule base;
    gt_lr_fn f;
    void *user;
} lambda;

static double lambda_lr(const gt_schedule *s, const gti_rate *r)
{
    const lambda *l = (const lambda *)s;
    return r->initial * l->f((int64_t)s->last_epoch, l->user);
}

static const gti_schedule_type lambda_type = {"LambdaLR", sizeof(lambda), .lr = lambda_lr};

gt_schedule *gt_lambda_lr(gt_optimizer *o, gt_lr_fn f, void *user)
{
    gt_status status;
    if (!gti_optimizer_ready(o, lambda_type.name, &status)) return NULL;
    if (!f) {
        gt_fail(gti_optimizer_context(o), GT_ERR_ARGUMENT, lambda_type.name,
                "the function is NULL");
        return NULL;
    }
    lambda *l = (lambda *)gti_schedule_new(o, &lambda_type, NULL, 0);
    if (!l) return NULL;
    l->f = f;
    l->user = user;
    return gti_schedule_begin(&l->base);
}
