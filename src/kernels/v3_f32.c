#include "kernels/levels.h"

#ifdef GTI_WITH_V3
#define T float
#define SINGLE 1
#define WIDE 32
#define GTI_WIDE_INIT gti_v3_init_f32
#include "kernels/wide.inc"
#endif
