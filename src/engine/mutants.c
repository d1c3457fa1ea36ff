#include "engine/mutants.h"

#ifdef GT_MUTANTS

static gti_mutant active;

void gti_mutant_activate(gti_mutant mutant)
{
    active = mutant;
}

bool gti_mutant_is(gti_mutant mutant)
{
    return active == mutant;
}

#else
/* ISO C wants something in every translation unit. */
typedef int gti_no_mutants;
#endif
