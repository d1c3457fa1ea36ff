/* The dtypes of the format, and reading them as ours. */
#include <string.h>

#include "io/io.h"

typedef enum { F64, F32, F16, BF16, I64, I32, I16, I8, U32, U16, U8, BOOL, N_READABLE } code;

/* The readable ones in the order of the codes; of the others the sizes must be known. */
static const gti_st_type types[] = {
    [F64] = {"F64", 64, true, GT_F64}, [F32] = {"F32", 32, true, GT_F32},
    [F16] = {"F16", 16, true, GT_F32}, [BF16] = {"BF16", 16, true, GT_F32},
    [I64] = {"I64", 64, true, GT_I64}, [I32] = {"I32", 32, true, GT_I64},
    [I16] = {"I16", 16, true, GT_I64}, [I8] = {"I8", 8, true, GT_I64},
    [U32] = {"U32", 32, true, GT_I64}, [U16] = {"U16", 16, true, GT_I64},
    [U8] = {"U8", 8, true, GT_U8},     [BOOL] = {"BOOL", 8, true, GT_U8},
    {"U64", 64, false, GT_I64},        {"C64", 64, false, GT_F32},
    {"F8_E5M2", 8, false, GT_F32},     {"F8_E4M3", 8, false, GT_F32},
    {"F8_E8M0", 8, false, GT_F32},     {"F8_E5M2FNUZ", 8, false, GT_F32},
    {"F8_E4M3FNUZ", 8, false, GT_F32}, {"F6_E2M3", 6, false, GT_F32},
    {"F6_E3M2", 6, false, GT_F32},     {"F4", 4, false, GT_F32},
};

const gti_st_type *gti_st_type_find(const char *name)
{
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (!strcmp(types[i].name, name)) return &types[i];
    return NULL;
}

const char *gti_st_type_name(gt_dtype dtype)
{
    static const code own[GT_N_DTYPES] = {
        [GT_F32] = F32, [GT_F64] = F64, [GT_I64] = I64, [GT_U8] = U8};
    return types[own[dtype]].name;
}

#define AS(T, p)                                                                                   \
    T v;                                                                                           \
    memcpy(&v, p, sizeof v)

static double real_at(code c, const uint8_t *p)
{
    if (c == F64) {
        AS(double, p);
        return v;
    }
    if (c == F32) {
        AS(float, p);
        return (double)v;
    }
    AS(uint16_t, p);
    return (double)(c == F16 ? gt_f16_to_f32(v) : gt_bf16_to_f32(v));
}

static int64_t whole_at(code c, const uint8_t *p)
{
    switch (c) {
    case I32: {
        AS(int32_t, p);
        return v;
    }
    case I16: {
        AS(int16_t, p);
        return v;
    }
    case U32: {
        AS(uint32_t, p);
        return v;
    }
    case U16: {
        AS(uint16_t, p);
        return v;
    }
    case I8: return *p < 128 ? *p : *p - 256;
    case BOOL: return *p != 0;
    default: break;
    }
    return *p;
}

void gti_st_convert(const gti_st_type *type, int64_t n, const uint8_t *from, gt_dtype dtype,
                    void *to)
{
    const code c = (code)(type - types);
    const int64_t step = type->bits / 8;
    for (int64_t i = 0; i < n; i++, from += step) {
        switch (dtype) {
        case GT_F32: ((float *)to)[i] = (float)real_at(c, from); break;
        case GT_F64: ((double *)to)[i] = real_at(c, from); break;
        case GT_I64: ((int64_t *)to)[i] = whole_at(c, from); break;
        case GT_U8: ((uint8_t *)to)[i] = (uint8_t)whole_at(c, from); break;
        }
    }
}
