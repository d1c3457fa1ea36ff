#include "kernels/sort.h"

#include <math.h>
#include <string.h>

/* --- keys --- */

/* Of floating numbers the bits, as sign and size: with all bits turned of those below 0, and the
 * sign's of the others, they are in order. */
static uint64_t key_of_f64(double x)
{
    uint64_t bits;
    if (isnan(x)) return UINT64_MAX;
    x += 0.0; /* -0 as 0 */
    memcpy(&bits, &x, sizeof bits);
    return bits >> 63 ? ~bits : bits | UINT64_C(1) << 63;
}

static uint64_t key_of_f32(float x)
{
    uint32_t bits;
    if (isnan(x)) return UINT32_MAX;
    x += 0.0F;
    memcpy(&bits, &x, sizeof bits);
    return bits >> 31 ? ~bits : bits | UINT32_C(1) << 31;
}

static uint64_t key_of(int dtype, const void *x, int64_t i)
{
    switch (dtype) {
    case 0: return key_of_f32(((const float *)x)[i]);
    case 1: return key_of_f64(((const double *)x)[i]);
    case 2: return (uint64_t)((const int64_t *)x)[i] ^ UINT64_C(1) << 63;
    default: return ((const uint8_t *)x)[i];
    }
}

void gti_sort_keys(int dtype, int64_t n, const void *x, int64_t step, bool descending,
                   gti_sorting *s)
{
    for (int64_t i = 0; i < n; i++) {
        const uint64_t key = key_of(dtype, x, i * step);
        s[i] = (gti_sorting){descending ? ~key : key, i};
    }
}

/* --- all of them --- */

static void sort_few(int64_t n, gti_sorting *s)
{
    for (int64_t i = 1; i < n; i++) {
        const gti_sorting at = s[i];
        int64_t j = i;
        for (; j > 0 && s[j - 1].key > at.key; j--) s[j] = s[j - 1];
        s[j] = at;
    }
}

/* In the order of one byte of the keys, whose values stand so often in s. */
static void sort_by_byte(int64_t n, int shift, const int64_t count[256], const gti_sorting *s,
                         gti_sorting *to)
{
    int64_t at[256], sum = 0;
    for (int v = 0; v < 256; v++) {
        at[v] = sum;
        sum += count[v];
    }
    for (int64_t i = 0; i < n; i++) to[at[s[i].key >> shift & 255]++] = s[i];
}

/* Byte by byte from the last on, leaving out those that are the same in all keys. */
gti_sorting *gti_sort(int64_t n, gti_sorting *s, gti_sorting *spare)
{
    enum { FEW = 64, BYTES = 8 };
    int64_t count[BYTES][256];
    if (n <= FEW) {
        sort_few(n, s);
        return s;
    }
    memset(count, 0, sizeof count);
    for (int64_t i = 0; i < n; i++)
        for (int b = 0; b < BYTES; b++) count[b][s[i].key >> 8 * b & 255]++;
    for (int b = 0; b < BYTES; b++) {
        if (count[b][s[0].key >> 8 * b & 255] == n) continue;
        sort_by_byte(n, 8 * b, count[b], s, spare);
        gti_sorting *to = spare;
        spare = s;
        s = to;
    }
    return s;
}

/* --- the first k: the last of them stands at the top of a heap --- */

static bool is_before(gti_sorting a, gti_sorting b)
{
    return a.key != b.key ? a.key < b.key : a.place < b.place;
}

static void sink(gti_sorting *heap, int64_t i, int64_t k)
{
    const gti_sorting at = heap[i];
    for (int64_t child; (child = 2 * i + 1) < k; i = child) {
        if (child + 1 < k && is_before(heap[child], heap[child + 1])) child++;
        if (!is_before(at, heap[child])) break;
        heap[i] = heap[child];
    }
    heap[i] = at;
}

void gti_sort_first(int64_t n, int64_t k, gti_sorting *s)
{
    if (k == 0) return;
    for (int64_t i = k / 2; i-- > 0;) sink(s, i, k);
    for (int64_t i = k; i < n; i++)
        if (is_before(s[i], s[0])) {
            s[0] = s[i];
            sink(s, 0, k);
        }
    for (int64_t left = k - 1; left > 0; left--) {
        const gti_sorting last = s[0];
        s[0] = s[left];
        s[left] = last;
        sink(s, 0, left);
    }
}

/* Inlined with a constant size. */
static inline void write_elements(size_t element, int64_t k, int64_t step, const gti_sorting *s,
                                  const char *x, char *y)
{
    const int64_t bytes = step * (int64_t)element;
    for (int64_t j = 0; j < k; j++) memcpy(y + j * bytes, x + s[j].place * bytes, element);
}

void gti_sort_write(size_t element, int64_t k, int64_t step, const gti_sorting *s, const void *x,
                    void *y, int64_t *index)
{
    if (element == 4) write_elements(4, k, step, s, x, y);
    else if (element == 8) write_elements(8, k, step, s, x, y);
    else write_elements(1, k, step, s, x, y);
    for (int64_t j = 0; j < k; j++) index[j * step] = s[j].place;
}
