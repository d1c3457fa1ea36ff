#include "kernels/levels.h"

#ifdef GTI_WITH_NEON
#define T float
#define SINGLE 1
#define VECTOR 16
#define EACH_LANE(x) x, x, x, x
#define GTI_TABLE gti_neon_loops_f32
#define GTI_VECTOR_MATH
#include "kernels/plain.inc"
#endif
