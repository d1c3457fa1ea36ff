/* Memory of one lifetime, given back together. */
#ifndef GTI_BASE_STORE_H
#define GTI_BASE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    const uint8_t *at;
    size_t size;
} gti_bytes;

typedef struct gti_block gti_block;
typedef struct {
    gti_block *blocks;
    bool failed; /* out of memory, once */
} gti_store;
/* n zeroed elements, or NULL, which is remembered. */
void *gti_store_get(gti_store *s, size_t n, size_t size);
/* The bytes as a string; NULL when out of memory. */
char *gti_store_text(gti_store *s, gti_bytes text);
void gti_store_clear(gti_store *s);

#endif
