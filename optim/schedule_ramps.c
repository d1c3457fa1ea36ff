/* ConstantLR, LinearLR, PolynomialLR: for the first total_iters epochs. */
#include <math.h>

#include "schedule.h"

typedef struct {
    gt_schedule base;
    double total_iters;
    double from, to; /* factors; ConstantLR has only the first */
    double power;
} ramp;

static double constant_lr(const gt_schedule *s, const gti_rate *r)
{
    const ramp *c = (const ramp *)s;
    if (s->last_epoch == 0) return r->lr * c->from;
    return s->last_epoch == c->total_iters ? r->lr * (1 / c->from) : r->lr;
}

/* The factor at epoch e is f(e) = from + (to - from) * e / total; this is lr * f(e) / f(e - 1). */
static double linear_lr(const gt_schedule *s, const gti_rate *r)
{
    const ramp *l = (const ramp *)s;
    const double e = s->last_epoch, rise = l->to - l->from;
    if (e == 0) return r->lr * l->from;
    if (e > l->total_iters) return r->lr;
    return r->lr * (1 + rise / (l->total_iters * l->from + (e - 1) * rise));
}

static double polynomial_lr(const gt_schedule *s, const gti_rate *r)
{
    const ramp *p = (const ramp *)s;
    const double e = s->last_epoch;
    if (s->initial || e > p->total_iters) return r->lr;
    const double left = (1 - e / p->total_iters) / (1 - (e - 1) / p->total_iters);
    return r->lr * pow(left, p->power);
}

static const gti_schedule_type constant_type = {"ConstantLR", sizeof(ramp), .lr = constant_lr};
static const gti_schedule_type linear_type = {"LinearLR", sizeof(ramp), .lr = linear_lr};
static const gti_schedule_type polynomial_type = {"PolynomialLR", sizeof(ramp),
                                                  .lr = polynomial_lr};

static gt_schedule *schedule_ramps_make(gt_optimizer *o, const gti_schedule_type *type,
                                        int64_t total_iters, ramp options)
{
    options.total_iters = (double)gt_option_int(total_iters, 5);
    if (!gti_schedule_check(o, type, "total_iters", options.total_iters, 1, INFINITY)) return NULL;
    ramp *r = (ramp *)gti_schedule_new(o, type, NULL, 0);
    if (!r) return NULL;
    options.base = r->base;
    *r = options;
    return gti_schedule_begin(&r->base);
}

/* The least factor that a schedule can multiply with and divide by again. */
static const double least = 0x1p-1000;

gt_schedule *gt_constant_lr_(gt_optimizer *o, gt_constant_lr_opts opts)
{
    const double factor = gt_option(opts.factor, 1.0 / 3);
    if (!gti_schedule_check(o, &constant_type, "factor", factor, least, 1)) return NULL;
    return schedule_ramps_make(o, &constant_type, opts.total_iters, (ramp){.from = factor});
}

gt_schedule *gt_linear_lr_(gt_optimizer *o, gt_linear_lr_opts opts)
{
    const double from = gt_option(opts.start_factor, 1.0 / 3), to = gt_option(opts.end_factor, 1);
    if (!gti_schedule_check(o, &linear_type, "start_factor", from, least, 1) ||
        !gti_schedule_check(o, &linear_type, "end_factor", to, 0, 1))
        return NULL;
    return schedule_ramps_make(o, &linear_type, opts.total_iters, (ramp){.from = from, .to = to});
}

gt_schedule *gt_polynomial_lr_(gt_optimizer *o, gt_polynomial_lr_opts opts)
{
    const double power = gt_option(opts.power, 1);
    if (!gti_schedule_check(o, &polynomial_type, "power", power, 0, INFINITY)) return NULL;
    return schedule_ramps_make(o, &polynomial_type, opts.total_iters, (ramp){.power = power});
}
