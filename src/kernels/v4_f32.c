#include "kernels/levels.h"

#ifdef GTI_WITH_V4
#define T float
#define SINGLE 1
#define WIDE 64
#define GTI_WIDE_INIT gti_v4_init_f32
#include "kernels/wide.inc"
#endif
