#include "onnx/wire.h"

#include <string.h>

bool gti_wire_varint(gti_bytes *rest, uint64_t *value)
{
    uint64_t v = 0;
    for (size_t i = 0; i < rest->size && i < 10; i++) {
        const uint64_t byte = rest->at[i];
        if (i == 9 && byte > 1) return false; /* past 64 bits */
        v |= (byte & 127) << 7 * i;
        if (byte & 128) continue;
        *value = v;
        rest->at += i + 1;
        rest->size -= i + 1;
        return true;
    }
    return false;
}

bool gti_wire_fixed(gti_bytes *rest, int size, uint64_t *bits)
{
    if (rest->size < (size_t)size) return false;
    uint64_t v = 0;
    for (int i = 0; i < size; i++) v |= (uint64_t)rest->at[i] << 8 * i;
    *bits = v;
    rest->at += size;
    rest->size -= (size_t)size;
    return true;
}

static bool take_bytes(gti_bytes *rest, gti_bytes *bytes)
{
    uint64_t size;
    if (!gti_wire_varint(rest, &size) || size > rest->size) return false;
    *bytes = (gti_bytes){rest->at, (size_t)size};
    rest->at += size;
    rest->size -= (size_t)size;
    return true;
}

bool gti_wire_next(gti_bytes *rest, gti_field *f)
{
    gti_bytes here = *rest;
    uint64_t key;
    if (!gti_wire_varint(&here, &key) || key >> 3 == 0 || key >> 3 > 0x1fffffff) return false;
    *f = (gti_field){.number = (int)(key >> 3), .type = (gti_wire_type)(key & 7)};
    bool ok = false;
    switch (f->type) {
    case GTI_VARINT: ok = gti_wire_varint(&here, &f->value); break;
    case GTI_FIXED64: ok = gti_wire_fixed(&here, 8, &f->value); break;
    case GTI_FIXED32: ok = gti_wire_fixed(&here, 4, &f->value); break;
    case GTI_LENGTH: ok = take_bytes(&here, &f->bytes); break;
    }
    if (ok) *rest = here;
    return ok;
}

float gti_wire_float(uint64_t bits)
{
    const uint32_t low = (uint32_t)bits;
    float v;
    memcpy(&v, &low, sizeof v);
    return v;
}

double gti_wire_double(uint64_t bits)
{
    double v;
    memcpy(&v, &bits, sizeof v);
    return v;
}
