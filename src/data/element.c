/* Elements of arrays in files. */
#include <string.h>

#include "data/data.h"

bool gti_element_dtype(const gti_element *e, gt_dtype *dtype)
{
    const int s = e->size;
    const bool number = strchr("iu", e->kind) && (s == 1 || s == 2 || s == 4 || s == 8);
    if (e->kind == 'f' && (s == 2 || s == 4)) *dtype = GT_F32;
    else if (e->kind == 'f' && s == 8) *dtype = GT_F64;
    else if (s == 1 && (e->kind == 'u' || e->kind == 'b')) *dtype = GT_U8;
    else if (number && !(e->kind == 'u' && s == 8)) *dtype = GT_I64;
    else return false;
    return true;
}

/* The bits of an element, as a number that the sign has been spread over. */
static uint64_t load(const gti_element *e, const uint8_t *at)
{
    uint64_t x = 0;
    for (int i = 0; i < e->size; i++) x = x << 8 | at[e->big ? i : e->size - 1 - i];
    const int spare = 64 - 8 * e->size;
    if (e->kind == 'i' && x >> (63 - spare)) x |= spare ? ~UINT64_C(0) << (64 - spare) : 0;
    return x;
}

void gti_element_convert(const gti_element *e, const uint8_t *from, gt_tensor *t, int64_t i)
{
    const uint64_t bits = load(e, from);
    char *to = (char *)t->data + (size_t)i * gt_dtype_size(t->dtype);
    const uint32_t low = (uint32_t)bits;
    const float half = gt_f16_to_f32((uint16_t)bits);
    switch (t->dtype) {
    case GT_F32: memcpy(to, e->size == 2 ? (const void *)&half : &low, 4); break;
    case GT_F64:
    case GT_I64: memcpy(to, &bits, 8); break;
    case GT_U8: *to = (char)low; break;
    }
}
