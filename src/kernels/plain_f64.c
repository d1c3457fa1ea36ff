#define T double
#define VECTOR 16
#define EACH_LANE(x) x, x
#define GTI_TABLE gti_plain_f64
#include "kernels/plain.inc"
