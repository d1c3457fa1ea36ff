/* ReduceLROnPlateau. */
#include <math.h>
#include <stddef.h>

#include "schedule.h"

typedef struct {
    gt_schedule base;
    gt_plateau_opts opts; /* with defaults put in */
    double best, num_bad_epochs, cooldown_counter;
} plateau;

static bool is_better(const plateau *p, double metric)
{
    const double threshold = p->opts.threshold;
    if (p->opts.max)
        return metric > (p->opts.abs ? p->best + threshold : p->best * (1 + threshold));
    return metric < (p->opts.abs ? p->best - threshold : p->best * (1 - threshold));
}

static void schedule_plateau_reduce(const plateau *p)
{
    gti_rate *r;
    for (int i = 0; (r = gti_groups_rate(p->base.optimizer, i)); i++) {
        const double lr = fmax(r->lr * p->opts.factor, p->opts.min_lr);
        if (r->lr - lr > p->opts.eps) r->lr = lr;
    }
}

static bool schedule_plateau_step(gt_schedule *s, double metric)
{
    plateau *p = (plateau *)s;
    if (is_better(p, metric)) {
        p->best = metric;
        p->num_bad_epochs = 0;
    } else {
        p->num_bad_epochs++;
    }
    if (p->cooldown_counter > 0) {
        p->cooldown_counter--;
        p->num_bad_epochs = 0;
    }
    if (p->num_bad_epochs <= (double)p->opts.patience) return true;
    schedule_plateau_reduce(p);
    p->cooldown_counter = (double)p->opts.cooldown;
    p->num_bad_epochs = 0;
    return true;
}

static const gti_schedule_type type = {
    "ReduceLROnPlateau",
    sizeof(plateau),
    .step = schedule_plateau_step,
    .needs_metric = true,
    .state = {{"best", offsetof(plateau, best), GTI_ANY},
              {"num_bad_epochs", offsetof(plateau, num_bad_epochs), GTI_COUNT},
              {"cooldown_counter", offsetof(plateau, cooldown_counter), GTI_COUNT}},
};

gt_schedule *gt_reduce_lr_on_plateau_(gt_optimizer *o, gt_plateau_opts opts)
{
    opts.factor = gt_option(opts.factor, 0.1);
    opts.patience = gt_option_int(opts.patience, 10);
    opts.cooldown = gt_option_int(opts.cooldown, 0);
    opts.min_lr = gt_option(opts.min_lr, 0);
    opts.threshold = gt_option(opts.threshold, 1e-4);
    opts.eps = gt_option(opts.eps, 1e-8);
    if (!gti_schedule_check(o, &type, "factor", opts.factor, 0, 1 - 0x1p-53) ||
        !gti_schedule_check(o, &type, "patience", (double)opts.patience, 0, INFINITY) ||
        !gti_schedule_check(o, &type, "threshold", opts.threshold, 0, INFINITY) ||
        !gti_schedule_check(o, &type, "cooldown", (double)opts.cooldown, 0, INFINITY) ||
        !gti_schedule_check(o, &type, "min_lr", opts.min_lr, 0, INFINITY) ||
        !gti_schedule_check(o, &type, "eps", opts.eps, 0, INFINITY))
        return NULL;
    plateau *p = (plateau *)gti_schedule_new(o, &type, NULL, 0);
    if (!p) return NULL;
    p->opts = opts;
    p->best = opts.max ? -INFINITY : INFINITY;
    return gti_schedule_begin(&p->base);
}
