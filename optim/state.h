/* Walking over the state of optimizers, averages and schedules, and setting it. */
#ifndef GTI_OPTIM_STATE_H
#define GTI_OPTIM_STATE_H

#include <gradtape/schedule.h>

/* Writes the path of a schedule below root, each name with a dot behind it, and returns its length,
 * as snprintf does. */
size_t gti_schedule_path(const gt_schedule *root, const gt_schedule *s, char *buf, size_t size);

/* Fails: there is nothing called `name`. */
gt_status gti_state_none(gt_ctx *gt, const char *what, const char *name);
/* The key behind the last dot of `name`, or NULL. */
const char *gti_state_key(const char *name);

/* What a number may be. */
typedef enum { GTI_RATE, GTI_COUNT, GTI_EPOCH, GTI_FINITE, GTI_ANY } gti_range;
/* Sets *to if value is finite and not negative, a count, a count or -1, finite, or (any) not NaN;
 * otherwise fails. */
gt_status gti_state_set_number(gt_ctx *gt, const char *what, const char *name, gti_range range,
                               double *to, double value);

#endif
