/* OneCycleLR (Smith and Topin, "Super-Convergence"). */
#include <math.h>

#include "schedule.h"

static const double pi = 3.14159265358979323846;

/* Where on its way a quantity is: from one end of the phase to the other. */
typedef enum { LOW, HIGH, END } place;

typedef struct {
    double end_step;
    place from, to; /* of the rate; the momentum is low where the rate is high */
} phase;

typedef struct {
    gt_schedule base;
    double max_lr, total_steps, final_div_factor, base_momentum, max_momentum;
    bool linear, cycle_momentum;
    phase phases[3];
    int n_phases;
} one_cycle;

static double anneal(const one_cycle *c, double start, double end, double part)
{
    if (c->linear) return (end - start) * part + start;
    return end + (start - end) / 2 * (cos(pi * part) + 1);
}

/* The phase that s is in, and which part of it is over. */
static const phase *phase_of(const gt_schedule *s, double *part)
{
    const one_cycle *c = (const one_cycle *)s;
    const phase *p = c->phases;
    double start = 0;
    for (; p + 1 < c->phases + c->n_phases && s->last_epoch > p->end_step; p++) start = p->end_step;
    *part = p->end_step != start ? (s->last_epoch - start) / (p->end_step - start) : 1;
    return p;
}

static double rate_at(const one_cycle *c, const gti_rate *r, place at)
{
    return at == LOW ? r->initial : at == HIGH ? c->max_lr : r->initial / c->final_div_factor;
}

static double one_cycle_lr(const gt_schedule *s, const gti_rate *r)
{
    const one_cycle *c = (const one_cycle *)s;
    double part;
    const phase *p = phase_of(s, &part);
    return anneal(c, rate_at(c, r, p->from), rate_at(c, r, p->to), part);
}

static double momentum_at(const one_cycle *c, place at)
{
    return at == HIGH ? c->base_momentum : c->max_momentum;
}

static bool schedule_one_cycle_advance(gt_schedule *s)
{
    const one_cycle *c = (const one_cycle *)s;
    if (s->last_epoch > c->total_steps) {
        gt_fail(gti_optimizer_context(s->optimizer), GT_ERR_STATE, s->type->name,
                "step %.0f of a cycle of %.0f steps", s->last_epoch, c->total_steps);
        return false;
    }
    double part;
    const phase *p = phase_of(s, &part);
    if (c->cycle_momentum)
        *s->optimizer->momentum = anneal(c, momentum_at(c, p->from), momentum_at(c, p->to), part);
    return true;
}

static const gti_schedule_type type = {"OneCycleLR", sizeof(one_cycle), .lr = one_cycle_lr,
                                       .advance = schedule_one_cycle_advance};

static void lay_out(one_cycle *c, double pct_start, bool three_phase)
{
    const double n = c->total_steps;
    phase *p = c->phases;
    *p++ = (phase){pct_start * n - 1, LOW, HIGH};
    if (three_phase) *p++ = (phase){2 * pct_start * n - 2, HIGH, LOW};
    *p++ = (phase){n - 1, three_phase ? LOW : HIGH, END};
    c->n_phases = (int)(p - c->phases);
}

static bool schedule_one_cycle_check(const gt_optimizer *o, double max_lr, int64_t total_steps,
                                     const gt_one_cycle_lr_opts *opts)
{
    if (!gti_schedule_check(o, &type, "max_lr", max_lr, 0, INFINITY) ||
        !gti_schedule_check(o, &type, "total_steps", (double)total_steps, 1, INFINITY) ||
        !gti_schedule_check(o, &type, "pct_start", opts->pct_start, 0, 1) ||
        !gti_schedule_check(o, &type, "div_factor", opts->div_factor, 0x1p-1000, INFINITY) ||
        !gti_schedule_check(o, &type, "final_div_factor", opts->final_div_factor, 0x1p-1000,
                            INFINITY) ||
        !gti_schedule_check(o, &type, "base_momentum", opts->base_momentum, 0, 1) ||
        !gti_schedule_check(o, &type, "max_momentum", opts->max_momentum, 0, 1))
        return false;
    if (opts->no_cycle_momentum || o->momentum) return true;
    gt_fail(gti_optimizer_context(o), GT_ERR_ARGUMENT, type.name,
            "%s has no momentum to change\n  hint: .no_cycle_momentum = true", o->rule->name);
    return false;
}

gt_schedule *gt_one_cycle_lr_(gt_optimizer *o, double max_lr, int64_t total_steps,
                              gt_one_cycle_lr_opts opts)
{
    opts.pct_start = gt_option(opts.pct_start, 0.3);
    opts.base_momentum = gt_option(opts.base_momentum, 0.85);
    opts.max_momentum = gt_option(opts.max_momentum, 0.95);
    opts.div_factor = gt_option(opts.div_factor, 25);
    opts.final_div_factor = gt_option(opts.final_div_factor, 1e4);
    if (!schedule_one_cycle_check(o, max_lr, total_steps, &opts)) return NULL;
    one_cycle *c = (one_cycle *)gti_schedule_new(o, &type, NULL, 0);
    if (!c) return NULL;
    c->max_lr = max_lr;
    c->total_steps = (double)total_steps;
    c->final_div_factor = opts.final_div_factor;
    c->base_momentum = opts.base_momentum;
    c->max_momentum = opts.max_momentum;
    c->linear = opts.linear;
    c->cycle_momentum = !opts.no_cycle_momentum;
    lay_out(c, opts.pct_start, opts.three_phase);
    gti_rate *r;
    for (int i = 0; (r = gti_groups_rate(o, i)); i++) r->initial = max_lr / opts.div_factor;
    return gti_schedule_begin(&c->base);
}
