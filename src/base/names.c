/* Names by number, and in messages. */
#include <string.h>

#include "base/names.h"

static size_t hash(gti_bytes name)
{
    uint64_t h = 14695981039346656037u; /* FNV-1a */
    for (size_t i = 0; i < name.size; i++) h = (h ^ name.at[i]) * 1099511628211u;
    return (size_t)(h ^ h >> 32);
}

static bool is(const char *have, gti_bytes name)
{
    return strlen(have) == name.size && (!name.size || !memcmp(have, name.at, name.size));
}

/* The cell that the name is in, or would be. */
static size_t cell_of(const gti_names *names, gti_bytes name)
{
    size_t at = hash(name) & (names->cells - 1);
    while (names->cell[at] && !is(names->name[names->cell[at] - 1], name))
        at = (at + 1) & (names->cells - 1);
    return at;
}

int gti_names_find(const gti_names *names, gti_bytes name)
{
    return names->cells ? names->cell[cell_of(names, name)] - 1 : -1;
}

/* At most half of the cells are taken. */
static bool make_room(gti_names *names)
{
    if ((size_t)names->n < names->room) return true;
    const size_t room = names->room ? 2 * names->room : 64;
    const char **name = gti_store_get(names->store, room, sizeof *name);
    int32_t *cell = gti_store_get(names->store, 2 * room, sizeof *cell);
    if (!name || !cell) return false;
    if (names->n) memcpy(name, names->name, (size_t)names->n * sizeof *name);
    names->name = name;
    names->cell = cell;
    names->room = room;
    names->cells = 2 * room;
    for (int i = 0; i < names->n; i++) {
        const gti_bytes text = {(const uint8_t *)name[i], strlen(name[i])};
        cell[cell_of(names, text)] = i + 1;
    }
    return true;
}

int gti_names_add(gti_names *names, gti_bytes name)
{
    const int found = gti_names_find(names, name);
    if (found >= 0) return found;
    char *copy = gti_store_text(names->store, name);
    if (!copy || !make_room(names)) return -1;
    names->name[names->n] = copy;
    names->cell[cell_of(names, name)] = names->n + 1;
    return names->n++;
}

char *gti_names_show(const char *name, char buf[GTI_NAMES_SHOWN])
{
    size_t n = 0;
    for (; name && name[n] && n < 80; n++) {
        const unsigned char c = (unsigned char)name[n];
        buf[n] = '?';
        if (c >= ' ' && c != 127) buf[n] = name[n];
    }
    if (name && name[n]) buf[n++] = '.', buf[n++] = '.', buf[n++] = '.';
    buf[n] = 0;
    return buf;
}
