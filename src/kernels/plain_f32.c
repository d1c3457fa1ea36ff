#define T float
#define SINGLE
#define VECTOR 16
#define EACH_LANE(x) x, x, x, x
#define GTI_TABLE gti_plain_f32
#include "kernels/plain.inc"
