#include "kernels/levels.h"

#ifdef GTI_WITH_V3
#define T double
#define SINGLE 0
#define WIDE 32
#define GTI_WIDE_INIT gti_v3_init_f64
#include "kernels/wide.inc"
#endif
