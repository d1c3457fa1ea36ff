/* CosineAnnealingLR and CosineAnnealingWarmRestarts. */
#include <math.h>
#include <stddef.h>

#include "schedule.h"

static const double pi = 3.14159265358979323846;

typedef struct {
    gt_schedule base;
    double eta_min, period; /* T_max, or T_0 */
    double t_mult, t_cur, t_i;
} cosine;

/* The rate at epoch e is eta_min + (initial - eta_min) * c(e), c(e) = (1 + cos(pi * e / T)) / 2;
 * this is eta_min + (lr - eta_min) * c(e) / c(e - 1), but where c(e - 1) is 0. */
static double cosine_lr(const gt_schedule *s, const gti_rate *r)
{
    const cosine *c = (const cosine *)s;
    const double e = s->last_epoch, t = c->period;
    if (s->initial) return r->lr;
    if (fmod(e - 1 - t, 2 * t) == 0)
        return r->lr + (r->initial - c->eta_min) * (1 - cos(pi / t)) / 2;
    return (1 + cos(pi * e / t)) / (1 + cos(pi * (e - 1) / t)) * (r->lr - c->eta_min) + c->eta_min;
}

static bool schedule_cosine_advance(gt_schedule *s)
{
    cosine *c = (cosine *)s;
    if (s->initial) {
        c->t_cur = 0;
        c->t_i = c->period;
    } else if (++c->t_cur >= c->t_i) {
        c->t_cur -= c->t_i;
        c->t_i *= c->t_mult;
    }
    return true;
}

static double restarts_lr(const gt_schedule *s, const gti_rate *r)
{
    const cosine *c = (const cosine *)s;
    return c->eta_min + (r->initial - c->eta_min) * (1 + cos(pi * c->t_cur / c->t_i)) / 2;
}

static const gti_schedule_type cosine_type = {"CosineAnnealingLR", sizeof(cosine), .lr = cosine_lr};
static const gti_schedule_type restarts_type = {
    "CosineAnnealingWarmRestarts",
    sizeof(cosine),
    .lr = restarts_lr,
    .advance = schedule_cosine_advance,
    .state = {{"T_cur", offsetof(cosine, t_cur), GTI_COUNT},
              {"T_i", offsetof(cosine, t_i), GTI_COUNT}},
};

static gt_schedule *schedule_cosine_make(gt_optimizer *o, const gti_schedule_type *type,
                                         const char *period_name, int64_t period,
                                         gt_cosine_lr_opts opts)
{
    const double t_mult = (double)gt_option_int(opts.t_mult, 1);
    const double eta_min = gt_option(opts.eta_min, 0);
    if (!gti_schedule_check(o, type, period_name, (double)period, 1, INFINITY) ||
        !gti_schedule_check(o, type, "eta_min", eta_min, 0, INFINITY) ||
        !gti_schedule_check(o, type, "t_mult", t_mult, 1, INFINITY))
        return NULL;
    cosine *c = (cosine *)gti_schedule_new(o, type, NULL, 0);
    if (!c) return NULL;
    c->eta_min = eta_min;
    c->period = (double)period;
    c->t_mult = t_mult;
    return gti_schedule_begin(&c->base);
}

gt_schedule *gt_cosine_annealing_lr_(gt_optimizer *o, int64_t t_max, gt_cosine_lr_opts opts)
{
    return schedule_cosine_make(o, &cosine_type, "t_max", t_max, opts);
}

gt_schedule *gt_cosine_annealing_warm_restarts_(gt_optimizer *o, int64_t t_0,
                                                gt_cosine_lr_opts opts)
{
    return schedule_cosine_make(o, &restarts_type, "t_0", t_0, opts);
}
