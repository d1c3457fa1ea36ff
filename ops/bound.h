/* Operations whose `elements` are one call of a kernel: how it is bound to its arguments, for
 * replays (gt_op.bind). A row's `elements` bind and run in one, so what is called and what is
 * replayed is the same. */
#ifndef GTI_OPS_BOUND_H
#define GTI_OPS_BOUND_H

#include <string.h>

#include "common.h"

/* The kernels' types, as they stand in the table. */
typedef void gti_kernel_unary(int64_t n, const void *x, double s, void *y);
typedef void gti_kernel_binary(int64_t n, const void *a, int64_t sa, const void *b, int64_t sb,
                               void *y);
typedef void gti_kernel_value(int64_t n, const void *x, const double p[2], void *y);
typedef void gti_kernel_slope(int64_t n, const void *g, const void *v, const double p[2], void *dx);
typedef void gti_kernel_change(int64_t n, const double pq[2], const void *x, void *y);
typedef void gti_kernel_accumulate(int64_t n, const void *x, void *y);

/* Most calls begin with element 0. */
static inline const void *gti_bound_in(const gt_bound *b, int i, int64_t begin)
{
    return begin ? (const char *)b->in[i] + begin * b->bytes : b->in[i];
}

static inline void *gti_bound_out(const gt_bound *b, int64_t begin)
{
    return begin ? (char *)b->out + begin * b->bytes : b->out;
}

#define GTI_BOUND_RUN static inline __attribute__((always_inline)) void

GTI_BOUND_RUN gti_run_unary(const gt_bound *b, int64_t begin, int64_t end)
{
    ((gti_kernel_unary *)b->kernel)(end - begin, gti_bound_in(b, 0, begin), b->by.p[0],
                                    gti_bound_out(b, begin));
}

GTI_BOUND_RUN gti_run_binary(const gt_bound *b, int64_t begin, int64_t end)
{
    const int64_t sa = b->by.stride[0], sb = b->by.stride[1];
    ((gti_kernel_binary *)b->kernel)(end - begin, gti_bound_in(b, 0, sa ? begin : 0), sa,
                                     gti_bound_in(b, 1, sb ? begin : 0), sb,
                                     gti_bound_out(b, begin));
}

GTI_BOUND_RUN gti_run_value(const gt_bound *b, int64_t begin, int64_t end)
{
    ((gti_kernel_value *)b->kernel)(end - begin, gti_bound_in(b, 0, begin), b->by.p,
                                    gti_bound_out(b, begin));
}

GTI_BOUND_RUN gti_run_slope(const gt_bound *b, int64_t begin, int64_t end)
{
    ((gti_kernel_slope *)b->kernel)(end - begin, gti_bound_in(b, 0, begin),
                                    gti_bound_in(b, 1, begin), b->by.p, gti_bound_out(b, begin));
}

GTI_BOUND_RUN gti_run_change(const gt_bound *b, int64_t begin, int64_t end)
{
    ((gti_kernel_change *)b->kernel)(end - begin, b->by.p, gti_bound_in(b, 0, begin),
                                     gti_bound_out(b, begin));
}

GTI_BOUND_RUN gti_run_accumulate(const gt_bound *b, int64_t begin, int64_t end)
{
    ((gti_kernel_accumulate *)b->kernel)(end - begin, gti_bound_in(b, 0, begin),
                                         gti_bound_out(b, begin));
}

GTI_BOUND_RUN gti_run_copy(const gt_bound *b, int64_t begin, int64_t end)
{
    memmove(gti_bound_out(b, begin), gti_bound_in(b, 0, begin),
            (size_t)(end - begin) * (size_t)b->bytes);
}

/* b's beginning: a kernel of the table, called by `run`, from two inputs to output 0. */
#define GTI_BIND(b, n, runs, entry, x0, x1)                                                        \
    ((b)->run = (runs), (b)->kernel = (void (*)(void))(entry), (b)->in[0] = (x0)->data,            \
     (b)->in[1] = (x1)->data, (b)->out = (n)->out[0]->data,                                        \
     (b)->bytes = (int64_t)gt_dtype_size((n)->out[0]->dtype))

/* `elements` of a row whose `bind` never refuses and sets b->run to `runs`, which is named so that
 * compilers see what is called: then nothing of b is written to memory. */
#define GTI_BOUND_ELEMENTS(id, runs)                                                               \
    static void id##_elements(gt_node *n, int64_t begin, int64_t end)                              \
    {                                                                                              \
        gt_bound b;                                                                                \
        id##_bind(n, &b);                                                                          \
        runs(&b, begin, end);                                                                      \
    }

#endif
