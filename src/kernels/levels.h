/* The ladder of kernel levels. Each level starts as a copy of the one below and overwrites the
 * entries where it is faster; the first, plain, is complete and defines what all others compute. */
#ifndef GTI_KERNELS_LEVELS_H
#define GTI_KERNELS_LEVELS_H

#include "kernels/kernels.h"

/* The plain level, also called by higher ones where a problem is too small for them. */
extern const gti_kernels gti_plain_f32, gti_plain_f64;

#ifdef GT_WITH_BLAS
/* Overwrite the entries that a BLAS computes faster: the product and the convolutions. */
void gti_blas_init_f32(gti_kernels *table);
void gti_blas_init_f64(gti_kernels *table);
/* Makes the BLAS run on one thread where it offers that, and returns its name and version. */
const char *gti_blas_setup(void);
#endif

/* The table of a level by name, whatever was chosen; NULL if this build has no such level. */
const gti_kernels *gti_kernels_level_of(const char *level, int dtype);

#endif
