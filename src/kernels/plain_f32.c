#define T float
#define GTI_PLAIN_TABLE gti_plain_f32
#include "kernels/plain.inc"
