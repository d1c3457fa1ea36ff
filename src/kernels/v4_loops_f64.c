#include "kernels/levels.h"

#ifdef GTI_WITH_V4
#define T double
#define VECTOR 64
#define EACH_LANE(x) x, x, x, x, x, x, x, x
#define GTI_TABLE gti_v4_loops_f64
#define GTI_VECTOR_MATH
#include "kernels/plain.inc"
#endif
