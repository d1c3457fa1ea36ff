#include "kernels/levels.h"

#ifdef GTI_WITH_NEON
#define T double
#define SINGLE 0
#define WIDE 16
#define GTI_WIDE_INIT gti_neon_init_f64
#include "kernels/wide.inc"
#endif
