/* What the initialisers share. */
#ifndef GTI_NN_FILL_H
#define GTI_NN_FILL_H

#include <gradtape/init.h>

/* Whether t can be filled; otherwise fails. */
gt_status gti_init_ready(const gt_tensor *t, const char *what);
/* The same, and that an option is good; the message names it and its value. */
gt_status gti_init_check(const gt_tensor *t, const char *what, bool good, const char *name,
                         double value);

/* Random numbers of t's dtype and shape, kept, to be freed by gti_init_take or gt_free; NULL after
 * a failure. */
gt_tensor *gti_init_draw_normal(const gt_tensor *t, double mean, double std);
gt_tensor *gti_init_draw_uniform(const gt_tensor *t, double low, double high);

/* Copies `from`, which may be NULL after a failure, into t and frees it. */
gt_status gti_init_take(gt_tensor *t, gt_tensor *from);

#endif
