/* Plain C functions as functions under check. */
#ifndef GTI_GRADCHECK_PLAIN_H
#define GTI_GRADCHECK_PLAIN_H

#include "gradcheck/check.h"
#include <gradtape/gradcheck_c.h>

typedef enum { GTI_JACOBIAN, GTI_VJP, GTI_JVP, GTI_N_FORMS } gti_form;

/* A map with one form of its derivative, restricted to directions through x0 where these are
 * given: then the variables are t [n_t], all ones at x0, and x = x0 + sum of (t_i - 1) d_i. */
typedef struct {
    const gt_c_map *map;
    gti_form form;
    int64_t n_t;                  /* variables: map->n, or the number of directions */
    const double *x0, *direction; /* [n], [n_t, n]; NULL: t is x */
    struct {
        const char *who, *what; /* a callback; NULL: none */
        gt_gradcheck_kind kind;
        int64_t at; /* of what was never written */
    } fault;        /* the first one */
} gti_plain;

/* --- plain.c --- */
/* Everything that is asked of map, with the verdict; c is not open. */
gt_verdict gti_plain_check(gti_check *c, const gt_c_map *map, const double *x);
/* n zeros between fences, so that whoever writes beside them hurts nothing. */
double *gti_plain_room(gti_check *c, int64_t n);

/* --- plain_op.c --- */
enum { GTI_FENCE = 4 }; /* elements on either side of what a callback fills, looked at afterwards */
/* gti_fn.call of a function whose `user` is a gti_plain and whose argument is t. */
bool gti_plain_call(const gti_fn *fn, gt_tensor *out[], bool graph);
/* v [n] = the direction of variable i: a unit vector where t is x. */
void gti_plain_direction(const gti_plain *p, int64_t i, double *v);

/* --- plain_jvp.c --- */
/* What is asked of J v alone. */
bool gti_plain_check_jvp(gti_check *c, const gti_plain *p);

#endif
