/* Reading messages in the encoding of protocol buffers, strictly: what is malformed is told, and
 * nothing is copied. */
#ifndef GTI_ONNX_WIRE_H
#define GTI_ONNX_WIRE_H

#include "base/store.h"

typedef enum { GTI_VARINT = 0, GTI_FIXED64 = 1, GTI_LENGTH = 2, GTI_FIXED32 = 5 } gti_wire_type;

typedef struct {
    int number;
    gti_wire_type type;
    uint64_t value;  /* of all but GTI_LENGTH; bits of fixed ones */
    gti_bytes bytes; /* of GTI_LENGTH */
} gti_field;

/* Takes the next field off a message. False at its end, and where it is malformed: then *rest has
 * bytes left. */
bool gti_wire_next(gti_bytes *rest, gti_field *f);
/* The numbers of a repeated field, one by one or packed: takes the next off `rest`, which begins as
 * f->bytes of a packed field. */
bool gti_wire_varint(gti_bytes *rest, uint64_t *value);
bool gti_wire_fixed(gti_bytes *rest, int size, uint64_t *bits);
float gti_wire_float(uint64_t bits);
double gti_wire_double(uint64_t bits);

#endif
