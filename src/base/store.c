/* Memory that is given back together. */
#include <stdlib.h>
#include <string.h>

#include "base/store.h"

struct gti_block {
    gti_block *next;
    max_align_t room[];
};

void *gti_store_get(gti_store *s, size_t n, size_t size)
{
    gti_block *b = NULL;
    if (!s->failed && (!size || n <= (SIZE_MAX - sizeof *b - 1) / size))
        b = calloc(1, sizeof *b + n * size + 1);
    if (!b) return s->failed = true, NULL;
    b->next = s->blocks;
    s->blocks = b;
    return b->room;
}

char *gti_store_text(gti_store *s, gti_bytes text)
{
    char *copy = gti_store_get(s, text.size + 1, 1);
    if (copy && text.size) memcpy(copy, text.at, text.size);
    return copy;
}

void gti_store_clear(gti_store *s)
{
    for (gti_block *b = s->blocks, *next; b; b = next) {
        next = b->next;
        free(b);
    }
    *s = (gti_store){0};
}
