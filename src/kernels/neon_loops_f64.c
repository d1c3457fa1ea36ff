#include "kernels/levels.h"

#ifdef GTI_WITH_NEON
#define T double
#define VECTOR 16
#define EACH_LANE(x) x, x
#define GTI_TABLE gti_neon_loops_f64
#define GTI_VECTOR_MATH
#include "kernels/plain.inc"
#endif
