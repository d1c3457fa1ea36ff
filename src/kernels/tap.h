/* One tap of a convolution's window along one dimension. For output o it reads input
 * o * stride + start, start = tap * dilation - padding; lo <= o < hi are the outputs for which that
 * lies inside the input. 0 <= lo <= hi <= number of outputs. */
#ifndef GTI_KERNELS_TAP_H
#define GTI_KERNELS_TAP_H

#include <stdint.h>

#include "kernels/kernels.h"

typedef struct {
    int64_t start, lo, hi;
} gti_tap;

/* The tap that starts at `start` of a dimension with `size` inputs and `out` outputs. Divides only
 * where a strided window hangs over a border. */
static inline gti_tap gti_tap_at(int64_t start, int64_t stride, int64_t size, int64_t out)
{
    gti_tap t = {start, 0, out};
    if (start < 0) t.lo = stride == 1 ? -start : (stride - 1 - start) / stride;
    if (start + (out - 1) * stride >= size) {
        const int64_t room = size - start; /* inputs from the first one read on */
        t.hi = room <= 0 ? 0 : stride == 1 ? room : (room - 1) / stride + 1;
    }
    t.lo = t.lo < out ? t.lo : out;
    t.hi = t.hi > t.lo ? t.hi : t.lo;
    return t;
}

static inline gti_tap gti_tap_row(const gti_conv2d *s, int64_t p)
{
    return gti_tap_at(p * s->dh - s->ph, s->sh, s->h, s->oh);
}

static inline gti_tap gti_tap_column(const gti_conv2d *s, int64_t q)
{
    return gti_tap_at(q * s->dw - s->pw, s->sw, s->w, s->ow);
}

#endif
