#include "base/proto.h"

#include <stdlib.h>
#include <string.h>

enum { VARINT = 0, FIXED64 = 1, LENGTH = 2, FIXED32 = 5 }; /* wire types */

void gti_proto_free(gti_proto *p)
{
    free(p->at);
    *p = (gti_proto){0};
}

static void put(gti_proto *p, const void *data, size_t n)
{
    if (p->failed || !n) return;
    if (p->room - p->length < n) {
        const size_t room = 2 * p->room + n + 64;
        uint8_t *at = room > n ? realloc(p->at, room) : NULL;
        p->failed = !at;
        if (!at) return;
        p->at = at;
        p->room = room;
    }
    memcpy(p->at + p->length, data, n);
    p->length += n;
}

static void put_varint(gti_proto *p, uint64_t v)
{
    uint8_t bytes[10];
    size_t n = 0;
    for (; v >= 128; v >>= 7) bytes[n++] = (uint8_t)(v | 128);
    bytes[n++] = (uint8_t)v;
    put(p, bytes, n);
}

static void put_key(gti_proto *p, int field, int wire)
{
    put_varint(p, (uint64_t)field << 3 | (uint64_t)wire);
}

static void put_fixed(gti_proto *p, uint64_t bits, int n)
{
    uint8_t bytes[8];
    for (int i = 0; i < n; i++) bytes[i] = (uint8_t)(bits >> 8 * i);
    put(p, bytes, (size_t)n);
}

static void put_double(gti_proto *p, double v)
{
    uint64_t bits;
    memcpy(&bits, &v, sizeof bits);
    put_fixed(p, bits, 8);
}

void gti_proto_int(gti_proto *p, int field, int64_t v)
{
    put_key(p, field, VARINT);
    put_varint(p, (uint64_t)v);
}

void gti_proto_float(gti_proto *p, int field, float v)
{
    uint32_t bits;
    memcpy(&bits, &v, sizeof bits);
    put_key(p, field, FIXED32);
    put_fixed(p, bits, 4);
}

void gti_proto_double(gti_proto *p, int field, double v)
{
    put_key(p, field, FIXED64);
    put_double(p, v);
}

void gti_proto_doubles(gti_proto *p, int field, const double *v, size_t n)
{
    put_key(p, field, LENGTH);
    put_varint(p, 8 * n);
    for (size_t i = 0; i < n; i++) put_double(p, v[i]);
}

void gti_proto_bytes(gti_proto *p, int field, const void *data, size_t size)
{
    put_key(p, field, LENGTH);
    put_varint(p, size);
    put(p, data, size);
}

void gti_proto_message(gti_proto *p, int field, gti_proto *part)
{
    put_key(p, field, LENGTH);
    put_varint(p, part->length);
    gti_proto_append(p, part);
}

void gti_proto_append(gti_proto *p, gti_proto *part)
{
    p->failed |= part->failed;
    put(p, part->at, part->length);
    gti_proto_free(part);
}
