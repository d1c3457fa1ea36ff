/* Between the schedules' common part (schedule.c) and their types (schedule_*.c).
 *
 * A type is a descriptor: the struct that begins with a gt_schedule and holds options and counters,
 * and the next learning rate from the present one, as PyTorch's get_lr, so that schedules can work
 * upon each other's. */
#ifndef GTI_OPTIM_SCHEDULE_H
#define GTI_OPTIM_SCHEDULE_H

#include "rule.h"
#include "state.h"

enum { GTI_FIELDS = 3 };

typedef struct {
    const char *name; /* "StepLR" */
    size_t size;
    /* r's rate at s->last_epoch. NULL: the type has a step of its own */
    double (*lr)(const gt_schedule *s, const gti_rate *r);
    bool (*advance)(gt_schedule *s); /* before lr at each epoch: own counters; may be NULL */
    bool (*step)(gt_schedule *s, double metric);
    void (*begin)(gt_schedule *s); /* a composite's: goes to epoch 0 */
    bool needs_metric;
    struct {
        const char *name;
        size_t offset; /* of a double */
        gti_range range;
    } state[GTI_FIELDS]; /* beside last_epoch */
} gti_schedule_type;

struct gt_schedule {
    const gti_schedule_type *type;
    gt_ctx *ctx;
    gt_optimizer *optimizer; /* NULL: freed with it */
    gt_schedule *next;       /* of the optimizer's */
    double last_epoch; /* a whole number; -1 while another part of the sequence has its turn */
    bool initial;      /* the epoch is one that a schedule begins with */
    gt_schedule *parent;
    gt_schedule **parts; /* n of a composite; owned */
    int n, index;        /* index: in parent's parts */
    int64_t *milestones; /* owned */
    int n_milestones;
};

/* A schedule of type->size bytes, zero behind the gt_schedule, with the n milestones copied, tied
 * to the context; the rates' initial values are set if they were not. NULL after a failure. */
gt_schedule *gti_schedule_new(gt_optimizer *o, const gti_schedule_type *type,
                              const int64_t *milestones, int n);
/* The schedule's first epoch: sets the rates of epoch 0, and returns s. */
gt_schedule *gti_schedule_begin(gt_schedule *s);
/* Goes to epoch 0 anew: the rates begin from their initial values. */
void gti_schedule_restart(gt_schedule *s);
/* To the next epoch; false after a failure. */
bool gti_schedule_advance(gt_schedule *s, double metric);
/* Whether o is there and an option is within [low, high]; otherwise fails. */
bool gti_schedule_check(const gt_optimizer *o, const gti_schedule_type *type, const char *option,
                        double value, double low, double high);

#endif
