/* The search for what the wrong entries of a Jacobian have in common. */
#ifndef GTI_GRADCHECK_HINTS_H
#define GTI_GRADCHECK_HINTS_H

#include "gradcheck/check.h"

/* The entries of the input that the worst entry belongs to. */
typedef struct {
    gti_check *c;
    const gti_table *t;
    const gti_part *x, *y;            /* of the worst entry */
    int64_t from, to;                 /* places in t->col */
    int64_t wrong;                    /* Jacobian entries */
    int64_t x_wrong;                  /* elements of x with at least one of them */
    double zero;                      /* numeric entries up to this count as 0 */
    double low, high;                 /* analytic/numeric over them, where numeric is not 0 */
    double least, most;               /* analytic - numeric */
    bool nan;                         /* one of them is not finite */
    bool analytic_zero, numeric_zero; /* all of them are */
    bool all;                         /* no entry that is not zero is right */
    bool bent;                        /* all are at kinks */
} gti_findings;

typedef struct {
    double a, n;
    bool wrong, bent;
} gti_entry;

static inline gti_entry gti_entry_at(const gti_findings *f, int64_t r, int64_t k)
{
    const int64_t at = r * f->t->n_cols + k;
    return (gti_entry){f->t->analytic[at], f->t->numeric[at], f->t->state[at] == GTI_WRONG,
                       f->t->bent[at] != 0};
}

/* What is at fault: of plain C functions nothing is a backward rule. */
const char *gti_hints_rule(const gti_findings *f);

/* Hints: each returns whether it has one. */
/* hints_factors.c: a constant ratio, or else a term; and "; analytic/numeric is ..." */
bool gti_hints_ratio(const gti_findings *f);
void gti_hints_term(const gti_findings *f);
void gti_hints_say_ratio(const gti_findings *f, char *text, size_t size);
/* hints_transposed.c */
bool gti_hints_transposed(const gti_findings *f);
/* hints_places.c: of the places of y that an element of x goes to only one counts, as with = for
 * +=; */
bool gti_hints_set(const gti_findings *f);
/* the wrong entries lie at the border, or at the end of a dimension, of x or y; or x is broadcast
 * along y, and not all repetitions count. */
bool gti_hints_places(const gti_findings *f);

#endif
