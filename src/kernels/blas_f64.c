#define T double
#define GTI_BLAS_INIT gti_blas_init_f64
#define GTI_CBLAS_GEMM "cblas_dgemm"
#define GTI_CBLAS_GEMV "cblas_dgemv"
#include "kernels/blas.inc"
