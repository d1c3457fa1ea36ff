/* Things by their keys: names, or addresses. */
#ifndef GTI_NN_TABLE_H
#define GTI_NN_TABLE_H

#include <stdbool.h>
#include <stddef.h>

/* An open hash table, all zero when empty; at least half of its slots are free. Keys are the
 * caller's, and stay where they are. */
typedef struct {
    struct gti_slot {
        const char *key; /* NULL: free */
        size_t n;        /* bytes of a name; 0: the key is the address itself */
        void *value;
    } * slot;
    size_t slots, count; /* slots is 0 or a power of two */
} gti_table;

/* NULL when there is none. */
void *gti_table_find(const gti_table *t, const void *key, size_t n);
/* Makes room for `more` further keys; false when memory is short. */
bool gti_table_reserve(gti_table *t, size_t more);
/* Sets what a key stands for; for a new one there must be room. */
void gti_table_put(gti_table *t, const void *key, size_t n, void *value);
void gti_table_free(gti_table *t);

#endif
