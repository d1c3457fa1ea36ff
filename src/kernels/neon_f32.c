#include "kernels/levels.h"

#ifdef GTI_WITH_NEON
#define T float
#define SINGLE 1
#define WIDE 16
#define GTI_WIDE_INIT gti_neon_init_f32
#include "kernels/wide.inc"
#endif
