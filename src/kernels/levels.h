/* The ladder of kernel levels, and what stands on top of it.
 *
 * Two questions make a table: the level of the CPU, and who multiplies matrices. A rung of the
 * ladder starts as a copy of the one below and overwrites the entries where it is faster; the
 * first, plain, is complete and defines what all others compute. A rung is handed the tables below
 * it, for what it leaves alone: too small a product, say. The BLAS stands on top of whatever level
 * there is. */
#ifndef GTI_KERNELS_LEVELS_H
#define GTI_KERNELS_LEVELS_H

#include "kernels/kernels.h"

enum { GTI_N_FLOATING = 2 }; /* a table each */

extern const gti_kernels gti_plain_f32, gti_plain_f64;

/* Levels that are compiled for a family of processors; fewer where a build is to be quick. */
#ifndef GT_LEVELS
#define GT_LEVELS 4
#endif
#if defined(__x86_64__) && defined(__GNUC__) && GT_LEVELS >= 3
#define GTI_WITH_V3 /* x86-64-v3: AVX2 and FMA */
#if GT_LEVELS >= 4
#define GTI_WITH_V4 /* x86-64-v4: AVX-512 */
#endif
/* The plain source compiled for the level, with functions that become vectors. */
extern const gti_kernels gti_v3_loops_f32, gti_v3_loops_f64, gti_v4_loops_f32, gti_v4_loops_f64;
/* Products and convolutions on top. */
void gti_v3_init_f32(gti_kernels *table, const gti_kernels *below);
void gti_v3_init_f64(gti_kernels *table, const gti_kernels *below);
void gti_v4_init_f32(gti_kernels *table, const gti_kernels *below);
void gti_v4_init_f64(gti_kernels *table, const gti_kernels *below);
#elif defined(__aarch64__) && defined(__GNUC__) && GT_LEVELS
#define GTI_WITH_NEON /* vectors of 16 bytes, which every such processor has */
extern const gti_kernels gti_neon_loops_f32, gti_neon_loops_f64;
void gti_neon_init_f32(gti_kernels *table, const gti_kernels *below);
void gti_neon_init_f64(gti_kernels *table, const gti_kernels *below);
#endif

#ifdef GT_WITH_BLAS
/* OpenBLAS does large products and, through im2col, the convolutions that no level claims. Use
 * after gti_blas_name. */
void gti_blas_init_f32(gti_kernels *table, const gti_kernels *below);
void gti_blas_init_f64(gti_kernels *table, const gti_kernels *below);
/* Loads OpenBLAS at the first call, and sets it to one thread: "OpenBLAS 0.3.21", or NULL where
 * there is none. */
const char *gti_blas_name(void);
/* Writes the address of one of its functions to what pointer points to. */
void gti_blas_find(const char *function, void *pointer);
#endif

/* The words of GRADTAPE_CPU and GRADTAPE_BLAS that this machine understands, the lowest first; NULL
 * from the last on. */
const char *gti_kernels_cpu_word(int i);
const char *gti_kernels_blas_word(int i);

/* Whether products have the same bits in however many calls their lines (rows, or columns) are
 * multiplied, each but the last of a multiple of 32 and the last of no fewer: our own kernels' sums
 * run in the order of k, or they are dots by what such calls have in common; those of a BLAS may
 * depend on sizes. */
bool gti_kernels_join_lines(void);

/* Makes the process compute at these levels from now on, NULL for the best. False, and nothing
 * happens, for a word that is none. For tests, while nothing else runs: what a node has planned at
 * one level must not run at another. */
bool gti_kernels_choose(const char *cpu, const char *blas);

#endif
