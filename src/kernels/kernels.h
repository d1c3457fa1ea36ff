/* The kernel table: all arithmetic of the library, on raw pointers and sizes.
 *
 * One table a floating dtype, both of the same type: pointers are void because the table is chosen
 * by dtype, so an operation's forward is written once. A table starts as the plain C level, which
 * is the definition; further levels overwrite single entries where a measured gain admits them. It
 * is chosen once, at the first use in the process, and constant after. It holds nothing but
 * pointers to functions: tests walk it as an array of them.
 *
 * Every kernel is a pure function of its arguments; outputs never overlap inputs unless the comment
 * says so. Sizes are in elements. Results depend neither on alignment nor on the number of
 * threads. */
#ifndef GTI_KERNELS_H
#define GTI_KERNELS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernels/any.h"
#include "kernels/conv2d.h"
#include "kernels/dropout.h"
#include "kernels/fold.h"
#include "kernels/function.h"
#include "kernels/index.h"
#include "kernels/into.h"
#include "kernels/loss.h"
#include "kernels/normalize.h"
#include "kernels/pad.h"
#include "kernels/pool.h"
#include "kernels/random.h"
#include "kernels/reduce.h"
#include "kernels/resample.h"
#include "kernels/softmax.h"

/* Elementwise kernels by name; the formulas are in unary.def and binary.def. */
typedef enum {
#define GTI_UNARY(name, formula) GTI_UNARY_##name,
#include "kernels/unary.def"
#undef GTI_UNARY
    GTI_N_UNARY
} gti_unary;

typedef enum {
#define GTI_BINARY(name, formula) GTI_BINARY_##name,
#include "kernels/binary.def"
#undef GTI_BINARY
    GTI_N_BINARY
} gti_binary;

enum { GTI_SUM_CHUNK = 1 << 13 };

typedef struct {
    /* y[i] = f(x[i], s), i < n. y may be x. */
    void (*unary[GTI_N_UNARY])(int64_t n, const void *x, double s, void *y);

    /* y[i] = f(a[i * sa], b[i * sb]), i < n; strides are 0 or 1. y may be a or b where its stride
     * is 1. */
    void (*binary[GTI_N_BINARY])(int64_t n, const void *a, int64_t sa, const void *b, int64_t sb,
                                 void *y);

    gti_any_kernels any;
    gti_function_kernels function;

    /* y[i] = value */
    void (*fill)(int64_t n, double value, void *y);

    /* y[i] += x[i] */
    void (*accumulate)(int64_t n, const void *x, void *y);

    /* y[o,i] = sum over r of x[o,r,i], in double precision (blocked for f64), rounded once.
     * outer, n or inner may be 0; an empty sum is 0. */
    void (*sum)(const gti_along *s, const void *x, void *y);
    /* The same of x [n] to a number, in two steps: sums of chunks of GTI_SUM_CHUNK elements, the
     * last one shorter, and what they add up to, chunks > 0. The same bits as in one. */
    void (*sum_chunks)(int64_t n, const void *x, double *sums);
    void (*sum_of_chunks)(int64_t chunks, const double *sums, void *y);

    /* c (m x n, row stride ldc) = op(a) op(b), or += when accumulate; op(a) is m x k: a row-major
     * with row stride lda, transposed in memory when ta; likewise b. m, n, k may be 0. */
    void (*gemm)(bool ta, bool tb, int64_t m, int64_t n, int64_t k, const void *a, int64_t lda,
                 const void *b, int64_t ldb, bool accumulate, void *c, int64_t ldc);

    /* Plans a pass of a convolution: fills in p's answer. */
    void (*conv2d)(gti_conv2d_plan *p);

    gti_index_kernels index;
    gti_pad_kernels pad;
    gti_pool_kernels pool;
    gti_fold_kernels fold;
    gti_resample_kernels resample;
    gti_reduce_kernels reduce;
    gti_softmax_kernels softmax;
    gti_loss_kernels loss;
    gti_into_kernels into;

    gti_dropout_kernels dropout;
    gti_random_kernels random;
    gti_normalize_kernels normalize;
} gti_kernels;

/* The tables in use, one behind the other; NULL until they are chosen. */
extern _Atomic(const gti_kernels *) gti_kernels_chosen;
/* Chooses them, once. */
const gti_kernels *gti_kernels_choose_now(void);

/* The table of a floating dtype: 0 f32, 1 f64 (the order of gt_dtype). */
static inline const gti_kernels *gti_kernels_of(int dtype)
{
    const gti_kernels *table = atomic_load_explicit(&gti_kernels_chosen, memory_order_acquire);
    return (table ? table : gti_kernels_choose_now()) + dtype;
}

/* The CPU level in use, and "OpenBLAS 0.3.21" or "native": as GRADTAPE_CPU and GRADTAPE_BLAS say,
 * or the best that there are. */
const char *gti_kernels_cpu(void);
const char *gti_kernels_blas(void);

/* Copies an array of ndim dimensions (at most 8) between two strided layouts; strides in elements,
 * possibly 0 (x only) or negative; element is 1, 4 or 8 bytes. x and y point at
 * element [0,..,0]; what is written is of an array of `whole` bytes. */
void gti_copy_strided(int ndim, const int64_t *dim, size_t element, const void *x,
                      const int64_t *xstride, void *y, const int64_t *ystride, int64_t whole);

#endif
