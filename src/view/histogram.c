/* Histograms in TensorFlow's buckets: limits are 0, +-1e-12 * 1.1^k below 1e20, and +-DBL_MAX. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "view/view.h"

enum { POSITIVE = (GTI_BUCKETS - 1) / 2 }; /* limits above 0; as many lie below */

static void set_limits(double limit[GTI_BUCKETS])
{
    double v = 1e-12;
    limit[POSITIVE] = 0;
    for (int k = 1; k <= POSITIVE; k++, v *= 1.1) {
        limit[POSITIVE + k] = k < POSITIVE ? v : DBL_MAX;
        limit[POSITIVE - k] = -limit[POSITIVE + k];
    }
}

/* The first bucket whose limit is above v; DBL_MAX itself goes to the last. */
static int bucket_of(const double limit[GTI_BUCKETS], double v)
{
    int low = 0, high = GTI_BUCKETS - 1;
    while (low < high) {
        const int middle = (low + high) / 2;
        if (v < limit[middle]) high = middle;
        else low = middle + 1;
    }
    return low;
}

void gti_histogram_fill(gti_histogram *h, const gt_tensor *t)
{
    *h = (gti_histogram){.min = DBL_MAX, .max = -DBL_MAX};
    set_limits(h->limit);
    for (int64_t i = 0; i < t->size; i++) {
        const double v = gt_load_element(t, i);
        if (!isfinite(v)) continue;
        h->n++;
        h->min = fmin(h->min, v);
        h->max = fmax(h->max, v);
        h->sum += v;
        h->sum_squares += v * v;
        h->count[bucket_of(h->limit, v)]++;
    }
    if (!h->n) h->min = h->max = 0;
}

size_t gti_histogram_squeeze(gti_histogram *h)
{
    size_t n = 0;
    for (size_t i = 0; i < GTI_BUCKETS; i++) {
        const bool joins = n && h->count[i] == 0 && h->count[n - 1] == 0;
        if (!joins) n++;
        h->limit[n - 1] = h->limit[i];
        h->count[n - 1] = h->count[i];
    }
    return n;
}
