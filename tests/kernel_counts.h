/* Counts the calls of every entry of the kernel tables, of what OpenBLAS does for them, and of
 * every way that convolutions are planned to go: what was not run was not checked.
 *
 * An entry's signature is not known here, so a few instructions stand before each: they count, and
 * jump on to the kernel. Where nobody has written them for the processor, nothing is counted. */
#ifndef GT_TESTS_KERNEL_COUNTS_H
#define GT_TESTS_KERNEL_COUNTS_H

#include "support.h"

#include <stdio.h>

#include "kernels/levels.h"

#if defined(__ELF__) && (defined(__x86_64__) || defined(__aarch64__))
#define COUNTS_KERNELS
#endif

typedef void kernel(void);
enum {
    N_ENTRIES = sizeof(gti_kernels) / sizeof(kernel *),
    N_BLAS = 2, /* functions for a dtype */
    N_COUNTED = GTI_N_FLOATING * (N_ENTRIES + N_BLAS),
    MOST_COUNTED = 1024,
    GATE = 32, /* bytes of the instructions before a kernel */
};
_Static_assert(N_COUNTED <= MOST_COUNTED, "instructions for every kernel");

/* Of f32's entries, f64's, and OpenBLAS's sgemm, sgemv, dgemm, dgemv. Named in assembly. */
extern uint64_t kernel_calls[MOST_COUNTED];
extern kernel *kernel_behind[MOST_COUNTED];
uint64_t kernel_calls[MOST_COUNTED];
kernel *kernel_behind[MOST_COUNTED];

#ifdef COUNTS_KERNELS
extern const char kernel_gates[];
#if defined(__x86_64__)
#define COUNT_AND_JUMP                                                                             \
    "lock incq kernel_calls+8*gate(%rip)\n"                                                        \
    "jmp *kernel_behind+8*gate(%rip)\n"
#else /* x16 and x17 are free between a call and the function called */
#define COUNT_AND_JUMP                                                                             \
    "adrp x16, kernel_calls+8*gate\n"                                                              \
    "add x16, x16, :lo12:kernel_calls+8*gate\n"                                                    \
    "ldr x17, [x16]\n"                                                                             \
    "add x17, x17, 1\n"                                                                            \
    "str x17, [x16]\n"                                                                             \
    "adrp x16, kernel_behind+8*gate\n"                                                             \
    "ldr x16, [x16, :lo12:kernel_behind+8*gate]\n"                                                 \
    "br x16\n"
#endif
__asm__(".text\n"
        ".balign 32\n"
        "kernel_gates:\n"
        ".set gate, 0\n"
        ".rept 1024\n" COUNT_AND_JUMP ".balign 32\n"
        ".set gate, gate + 1\n"
        ".endr\n");
#endif

/* The function that counts a call of `to` as number i, and jumps there. */
static kernel *counted(size_t i, kernel *to)
{
    kernel_behind[i] = to;
#ifdef COUNTS_KERNELS
    const char *const gate = kernel_gates + i * GATE;
    memcpy(&to, &gate, sizeof to);
#endif
    return to;
}

/* --- OpenBLAS --- */

/* Its functions are asked for when a level is chosen; linked with --wrap. */
#ifdef GT_WITH_BLAS
void __real_gti_blas_find(const char *function, void *pointer);
void __wrap_gti_blas_find(const char *function, void *pointer);
void __wrap_gti_blas_find(const char *function, void *pointer)
{
    static const char *const name[] = {"cblas_sgemm", "cblas_sgemv", "cblas_dgemm", "cblas_dgemv"};
    kernel *found;
    __real_gti_blas_find(function, pointer);
    memcpy(&found, pointer, sizeof found);
    for (size_t i = 0; i < GTI_N_FLOATING * N_BLAS; i++)
        if (!strcmp(function, name[i])) found = counted(GTI_N_FLOATING * N_ENTRIES + i, found);
    memcpy(pointer, &found, sizeof found);
}
#endif

/* --- convolutions --- */

static void (*plan_conv2d[GTI_N_FLOATING])(gti_conv2d_plan *p);
static uint64_t ways[GTI_N_FLOATING][GTI_CONV2D_DW + 1][GTI_N_CONV2D_WAYS];

static void count_way(int dtype, gti_conv2d_plan *p)
{
    plan_conv2d[dtype](p);
    ways[dtype][p->pass][p->way]++;
}

static void count_way_f32(gti_conv2d_plan *p)
{
    count_way(0, p);
}

static void count_way_f64(gti_conv2d_plan *p)
{
    count_way(1, p);
}

/* --- counting --- */

/* Begins to count, at the level that has just been chosen. */
static inline void count_kernels(void)
{
    static void (*const count[])(gti_conv2d_plan * p) = {count_way_f32, count_way_f64};
    memset(kernel_calls, 0, sizeof kernel_calls);
    memset(ways, 0, sizeof ways);
    for (int dtype = 0; dtype < GTI_N_FLOATING; dtype++) {
        gti_kernels *const table = (gti_kernels *)gti_kernels_of(dtype);
        plan_conv2d[dtype] = table->conv2d;
        table->conv2d = count[dtype];
        for (size_t i = 0; i < N_ENTRIES; i++) {
            kernel *k;
            char *const entry = (char *)table + i * sizeof k;
            memcpy(&k, entry, sizeof k);
            k = counted((size_t)dtype * N_ENTRIES + i, k);
            memcpy(entry, &k, sizeof k);
        }
    }
}

/* --- names --- */

#define GTI_UNARY(name, ...) #name,
#define GTI_BINARY GTI_UNARY
#define GTI_FUNCTION GTI_UNARY
#define GTI_INTO GTI_UNARY
#define GTI_PAIR GTI_UNARY
#define GTI_STEP(name) #name,
static const char *const unary_names[] = {
#include "kernels/unary.def"
};
static const char *const binary_names[] = {
#include "kernels/binary.def"
};
static const char *const function_names[] = {
#include "kernels/function.def"
};
static const char *const change_names[] = {
#include "kernels/into.def"
};
static const char *const pair_names[] = {
#include "kernels/loss.def"
};
static const char *const step_names[] = {
#include "kernels/step.def"
};
#define GTI_COMPARE GTI_UNARY
static const char *const compare_names[] = {
#include "kernels/compare.def"
};
static const char *const dtype_names[] = {"to f32", "to f64", "to i64", "to u8"};
#undef GTI_COMPARE
#undef GTI_UNARY
#undef GTI_BINARY
#undef GTI_FUNCTION
#undef GTI_INTO
#undef GTI_PAIR
#undef GTI_STEP

#define ARRAY(entries, names)                                                                      \
    {                                                                                              \
        offsetof(gti_kernels, entries), sizeof(((gti_kernels *)0)->entries), #entries, names       \
    }
#define ENTRY(entry) ARRAY(entry, NULL)
static const struct {
    size_t offset, size;
    const char *name;
    const char *const *of; /* the entries of an array */
} entry_names[] = {
    ARRAY(unary, unary_names),
    ARRAY(binary, binary_names),
    ARRAY(any.compare, compare_names),
    ENTRY(any.select),
    ARRAY(any.convert, dtype_names),
    ARRAY(function.value, function_names),
    ARRAY(function.slope, function_names),
    ENTRY(fill),
    ENTRY(accumulate),
    ENTRY(sum),
    ENTRY(sum_chunks),
    ENTRY(sum_of_chunks),
    ENTRY(gemm),
    ENTRY(conv2d),
    ENTRY(index.add),
    ENTRY(index.scatter_row),
    ENTRY(index.round),
    ENTRY(pad.fold),
    ENTRY(pool.max_pool.run),
    ENTRY(pool.max_pool.scratch),
    ENTRY(pool.max_pairs),
    ENTRY(pool.max_windows),
    ENTRY(pool.gather),
    ENTRY(pool.gather_dx),
    ENTRY(pool.mean_windows),
    ENTRY(pool.mean_windows_dx),
    ENTRY(fold.unfold),
    ENTRY(fold.fold),
    ENTRY(resample.resize),
    ENTRY(resample.resize_dx),
    ENTRY(reduce.prod),
    ENTRY(reduce.var),
    ENTRY(reduce.norm),
    ENTRY(reduce.extreme),
    ENTRY(reduce.share),
    ENTRY(reduce.cumsum),
    ENTRY(softmax.logsumexp),
    ENTRY(softmax.softmax),
    ENTRY(softmax.log_softmax),
    ENTRY(softmax.softmax_dx),
    ENTRY(softmax.log_softmax_dx),
    ENTRY(softmax.cross_entropy),
    ARRAY(loss.pair, pair_names),
    ENTRY(loss.huber_dx),
    ENTRY(loss.pick),
    ENTRY(loss.place),
    ARRAY(into.change, change_names),
    ENTRY(into.powers),
    ENTRY(into.exchange),
    ARRAY(into.step, step_names),
    ENTRY(dropout.elements),
    ENTRY(dropout.runs),
    ENTRY(random.uniform),
    ENTRY(random.normal),
    ENTRY(normalize.scratch),
    ENTRY(normalize.forward),
    ENTRY(normalize.apply),
    ENTRY(normalize.grad),
    ENTRY(normalize.add),
};
#undef ENTRY
#undef ARRAY

/* Returns buf. */
static inline char *name_of_entry(size_t i, char buf[64])
{
    const size_t at = i * sizeof(kernel *);
    snprintf(buf, 64, "(give it a name in kernel_counts.h; byte %zu)", at);
    for (size_t k = 0; k < sizeof entry_names / sizeof *entry_names; k++) {
        const size_t before = entry_names[k].offset;
        if (at < before || at >= before + entry_names[k].size) continue;
        const char *const one =
            entry_names[k].of ? entry_names[k].of[(at - before) / sizeof(kernel *)] : "";
        snprintf(buf, 64, "%s%s%s", entry_names[k].name, *one ? " " : "", one);
    }
    return buf;
}

#endif
