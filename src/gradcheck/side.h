/* What is asked of a function and of its backward rule beside derivatives. */
#ifndef GTI_GRADCHECK_SIDE_H
#define GTI_GRADCHECK_SIDE_H

#include "gradcheck/check.h"

/* --- side.c --- */
/* The first node on the tape after the first `n`. */
const gt_node *gti_check_node_after(const gt_ctx *gt, uint64_t n);
/* What must hold of forward and of a single backward, before derivatives are compared. */
bool gti_check_runs(gti_check *c);
/* That y0 is. */
bool gti_check_all_finite(gti_check *c);
/* gti_check_begin of a call that no other came before, which may have changed inputs for all. */
bool gti_check_first_call(gti_check *c);
/* What must hold of the backward rule as a function of its upstream. */
bool gti_check_upstream(gti_check *c);
/* f is what it was at first, after all the evaluations in between. */
bool gti_check_keep_first(gti_check *c);
bool gti_check_drift(gti_check *c);

/* --- whole.c: outputs of whole numbers --- */
/* Two runs, which find other bytes in fresh memory, make the same ones. */
bool gti_check_whole(gti_check *c);
/* b makes the same ones as what is prepared; r->entries of them. */
bool gti_check_whole_same(gti_check *c, const gti_fn *b);
/* f32 makes the same ones as f64, which is prepared. */
bool gti_check_whole_f32(gti_check *c, const gti_fn *f32);

/* --- places.c: which inputs ask for gradients, and where they stand --- */
bool gti_check_subsets(gti_check *c);
/* Outputs without upstream are as those whose upstream is zeros. */
bool gti_check_silent_outputs(gti_check *c);
bool gti_check_same_tensor(gti_check *c);
bool gti_check_accumulation(gti_check *c);

/* --- symmetry.c --- */
bool gti_check_symmetric(gti_check *c);
/* g . w of n elements; the sizes of its terms are added to *size. */
double gti_check_along(const double *g, const double *w, int64_t n, double *size);
/* That v' H w and w' H v differ; false. */
bool gti_check_fail_symmetric(gti_check *c, double v_w, double w_v);

#endif
