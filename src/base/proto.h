/* Messages in the encoding of protocol buffers: a field is a number and a wire type in a varint,
 * and then its value. */
#ifndef GTI_BASE_PROTO_H
#define GTI_BASE_PROTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A message that grows; all zero is empty. Out of memory shows in `failed`, and later additions do
 * nothing. */
typedef struct {
    uint8_t *at;
    size_t length, room;
    bool failed;
} gti_proto;
void gti_proto_free(gti_proto *p);
void gti_proto_int(gti_proto *p, int field, int64_t v);
void gti_proto_float(gti_proto *p, int field, float v);
void gti_proto_double(gti_proto *p, int field, double v);
void gti_proto_doubles(gti_proto *p, int field, const double *v, size_t n); /* packed */
void gti_proto_bytes(gti_proto *p, int field, const void *data, size_t size);
/* Take the fields of `part`, which becomes empty: as a message within p, or as p's own. */
void gti_proto_message(gti_proto *p, int field, gti_proto *part);
void gti_proto_append(gti_proto *p, gti_proto *part);

#endif
