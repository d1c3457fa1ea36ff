#define T float
#define GTI_BLAS_INIT gti_blas_init_f32
#define GTI_CBLAS_GEMM "cblas_sgemm"
#define GTI_CBLAS_GEMV "cblas_sgemv"
#include "kernels/blas.inc"
