#include "base/arena.h"

enum { CHUNK_BYTES = 1 << 18 };

/* Chunks follow each other in the order in which they are used; those after current are spare. */
struct gti_chunk {
    gti_chunk *prev, *next;
    size_t size;   /* of data */
    size_t before; /* data bytes of all chunks before this one */
    char *data;
};

static gti_chunk *new_chunk(gti_arena *a, size_t bytes)
{
    const size_t size = bytes > CHUNK_BYTES ? bytes : CHUNK_BYTES;
    gti_chunk *c = gti_system_get(a->system, sizeof *c + 16 + size);
    if (!c) return NULL;
    *c = (gti_chunk){.size = size, .data = (char *)c + ((sizeof *c + 15) & ~(size_t)15)};
    return c;
}

static void use(gti_arena *a, gti_chunk *c, char *pos)
{
    a->current = c;
    a->pos = pos;
    a->end = c->data + c->size;
}

bool gti_arena_open(gti_arena *a, gti_system *system)
{
    *a = (gti_arena){.system = system};
    a->first = new_chunk(a, 0);
    if (!a->first) return false;
    use(a, a->first, a->first->data);
    return true;
}

void gti_arena_close(gti_arena *a)
{
    for (gti_chunk *c = a->first, *next; c; c = next) {
        next = c->next;
        gti_system_put(a->system, c, sizeof *c + 16 + c->size);
    }
    *a = (gti_arena){.system = a->system};
}

/* Puts a new chunk between current and its spare successor. */
static gti_chunk *insert_chunk(gti_arena *a, size_t bytes)
{
    gti_chunk *c = new_chunk(a, bytes);
    if (!c) return NULL;
    c->prev = a->current;
    c->next = a->current->next;
    if (c->next) c->next->prev = c;
    a->current->next = c;
    for (gti_chunk *k = c; k; k = k->next) k->before = k->prev->before + k->prev->size;
    return c;
}

void *gti_arena_next_chunk_(gti_arena *a, size_t bytes)
{
    gti_chunk *c = a->current->next;
    if (!c || c->size < bytes) c = insert_chunk(a, bytes);
    if (!c) return NULL;
    use(a, c, c->data + bytes);
    return c->data;
}

static bool holds(const gti_chunk *c, const char *pos)
{
    return (uintptr_t)pos >= (uintptr_t)c->data && (uintptr_t)pos <= (uintptr_t)c->data + c->size;
}

void gti_arena_rewind(gti_arena *a, char *pos)
{
    gti_chunk *c = a->current;
    while (c->prev && !holds(c, pos)) c = c->prev;
    use(a, c, pos);
}

size_t gti_arena_since(const gti_arena *a, const char *pos)
{
    const gti_chunk *c = a->current;
    while (c->prev && !holds(c, pos)) c = c->prev;
    const size_t then = c->before + (size_t)(pos - c->data);
    return a->current->before + (size_t)(a->pos - a->current->data) - then;
}
