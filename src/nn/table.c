#include "nn/table.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* FNV-1a, of an address over its bytes. */
static size_t hash(const char *key, size_t n)
{
    const unsigned char *byte = (const unsigned char *)(n ? key : (const char *)&key);
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < (n ? n : sizeof key); i++) h = (h ^ byte[i]) * UINT64_C(0x100000001b3);
    return (size_t)(h ^ h >> 32);
}

/* The slot of key: its own, or the free one where it would go. */
static struct gti_slot *slot_of(const gti_table *t, const char *key, size_t n)
{
    const size_t mask = t->slots - 1;
    for (size_t i = hash(key, n) & mask;; i = (i + 1) & mask) {
        struct gti_slot *s = &t->slot[i];
        if (!s->key) return s;
        if (s->n == n && (n ? memcmp(s->key, key, n) == 0 : s->key == key)) return s;
    }
}

void *gti_table_find(const gti_table *t, const void *key, size_t n)
{
    return t->slots ? slot_of(t, key, n)->value : NULL;
}

bool gti_table_reserve(gti_table *t, size_t more)
{
    gti_table grown = {.slots = t->slots ? t->slots : 8, .count = t->count};
    while (grown.slots / 2 < t->count + more) grown.slots *= 2;
    if (grown.slots == t->slots) return true;
    grown.slot = calloc(grown.slots, sizeof *grown.slot);
    if (!grown.slot) return false;
    for (size_t i = 0; i < t->slots; i++)
        if (t->slot[i].key) *slot_of(&grown, t->slot[i].key, t->slot[i].n) = t->slot[i];
    free(t->slot);
    *t = grown;
    return true;
}

void gti_table_put(gti_table *t, const void *key, size_t n, void *value)
{
    struct gti_slot *s = slot_of(t, key, n);
    if (!s->key) {
        *s = (struct gti_slot){.key = key, .n = n};
        t->count++;
    }
    s->value = value;
}

void gti_table_free(gti_table *t)
{
    free(t->slot);
    *t = (gti_table){0};
}
