/* Floats of 16 bits. */
#include <gradtape/io.h>
#include <string.h>

/* Sign, 5 bits of exponent with bias 15, 10 of fraction; exponent 0 holds the subnormals, 31
 * infinity and NaN. */
float gt_f16_to_f32(uint16_t h)
{
    const uint32_t sign = (uint32_t)(h & 0x8000) << 16, exponent = h >> 10 & 31, part = h & 0x3ff;
    if (exponent == 0) {
        const float tiny = (float)part * 0x1p-24f;
        return sign ? -tiny : tiny;
    }
    const uint32_t bits = sign | (exponent == 31 ? 255 : exponent + 112) << 23 | part << 13;
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}

float gt_bf16_to_f32(uint16_t h)
{
    const uint32_t bits = (uint32_t)h << 16;
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}
