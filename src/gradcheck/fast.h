/* Projections of a large Jacobian, between those who compare them and who search them. */
#ifndef GTI_GRADCHECK_FAST_H
#define GTI_GRADCHECK_FAST_H

#include "gradcheck/check.h"

enum { GTI_MOST_KINKS = 16 /* that are looked at and passed over before the check gives up */ };

typedef struct {
    double *v, *g; /* [n_y]; [n_x] = v' J, analytic */
    double scale;  /* of g . d */
    double noise;  /* of v . y */
} gti_upstream;

/* Every direction is projected on every upstream, in the columns from..to-1: all, or those of an
 * input where each has terms of its own. */
typedef struct {
    gti_upstream all[GTI_MOST_UPSTREAMS];
    int n;
    int64_t from, to;
    double *d;    /* [n_x]; 0 in the columns passed over */
    double *part; /* [MOST_UPSTREAMS, n_var]: g . d of an input */
    double *masked, *pulled;
    gti_slope *slope;                      /* [n_y], of one column */
    bool *passed_over, some_passed_over;   /* [n_x] */
    int64_t kink[GTI_MOST_KINKS], n_kinks; /* of these, columns with kinks that are no jumps, */
    uint8_t *bends;                        /* [n_y], and what kinds of them a row has */
    int examined;                          /* columns that were looked at */
} gti_probe;

/* Both sides of a projection. */
typedef struct {
    double analytic;
    gti_slope numeric;
    gti_state state;
    double apart; /* how far they are, counting what is uncertain */
} gti_comparison;

/* --- fast.c --- */
/* u of the range of columns from..to-1. */
bool gti_fast_compare(gti_check *c, const gti_probe *p, const gti_upstream *u, int64_t from,
                      int64_t to, gti_comparison *r);
/* Whether the projection would be wrong without `part` of it, that of an input whose entries have
 * this scale. */
bool gti_fast_tells(const gti_check *c, const gti_comparison *r, double part, double scale);

/* --- fast_search.c --- */
/* A probe that differs. Only rough projections may differ without a single entry to show for it. */
bool gti_fast_search(gti_check *c, gti_probe *p, const gti_upstream *u, gti_comparison *r);

#endif
