#include "base/size.h"

/* An empty tensor has size 0 even where the product of its other dimensions would overflow. */
bool gti_size_of_shape_slow_(int n, const int64_t *dim, size_t element, int64_t *elements,
                             int64_t *bytes)
{
    bool empty = false;
    for (int i = 0; i < n; i++) {
        if (dim[i] < 0) return false;
        if (dim[i] == 0) empty = true;
    }
    *elements = empty ? 0 : 1;
    for (int i = 0; i < n; i++)
        if (!gti_size_mul(*elements, dim[i], elements)) return false;
    return gti_size_mul(*elements, (int64_t)element, bytes);
}
