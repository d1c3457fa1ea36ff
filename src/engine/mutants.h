/* Planted mistakes, to test the tests: in builds with GT_MUTANTS the expression
 *
 *     GT_MUTANT(conv2d_dx_sign, gt_neg(dy), dy)
 *
 * is its second argument until that mutant is switched on, and then its third; in every other build
 * it is its second argument and nothing else. mutants.def lists them all. */
#ifndef GTI_ENGINE_MUTANTS_H
#define GTI_ENGINE_MUTANTS_H

#ifdef GT_MUTANTS

#include <stdbool.h>

typedef enum {
    GTI_NO_MUTANT,
#define GTI_MUTANT(name, op, mistake) GTI_MUTANT_##name,
#include "engine/mutants.def"
#undef GTI_MUTANT
    GTI_N_MUTANTS
} gti_mutant;

/* At most one is active in the process; none at first. */
void gti_mutant_activate(gti_mutant mutant);
bool gti_mutant_is(gti_mutant mutant);

#define GT_MUTANT(name, correct, wrong) (gti_mutant_is(GTI_MUTANT_##name) ? (wrong) : (correct))

#else
#define GT_MUTANT(name, correct, wrong) (correct)
#endif

#endif
