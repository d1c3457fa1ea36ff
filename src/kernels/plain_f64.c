#define T double
#define GTI_PLAIN_TABLE gti_plain_f64
#include "kernels/plain.inc"
