/* Names to numbers, and in messages. */
#ifndef GTI_BASE_NAMES_H
#define GTI_BASE_NAMES_H

#include "base/store.h"

/* Numbers are 0, 1, ... in the order in which names came. */
typedef struct {
    gti_store *store;
    const char **name; /* by number */
    int32_t *cell;     /* open addressing; number + 1 */
    int n;
    size_t cells, room;
} gti_names;
/* The name's number, -1 when it is new, or out of memory. */
int gti_names_find(const gti_names *names, gti_bytes name);
/* The same, but new ones are added. */
int gti_names_add(gti_names *names, gti_bytes name);

/* A name from a file for a message: at most 80 bytes, without control characters. Returns buf. */
enum { GTI_NAMES_SHOWN = 96 };
char *gti_names_show(const char *name, char buf[GTI_NAMES_SHOWN]);

#endif
