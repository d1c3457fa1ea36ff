#include "kernels/levels.h"

#ifdef GTI_WITH_V4
#define T double
#define SINGLE 0
#define WIDE 64
#define GTI_WIDE_INIT gti_v4_init_f64
#include "kernels/wide.inc"
#endif
