/* Memory by lives. */
#include "base/places.h"

#include <stdlib.h>

bool gti_places_take_over(gti_place *x, gti_place *y, int64_t now)
{
    gti_place *at = x->in ? x->in : x;
    if (x->last != now || at->last != now || y->first != now) return false;
    at->last = y->last;
    y->in = at;
    return true;
}

static bool meet(const gti_place *a, const gti_place *b)
{
    return a->first <= b->last && b->first <= a->last;
}

/* The lowest offset for l that is free during its life; `placed` are the n before it, by offset. */
static size_t lowest(const gti_place *l, gti_place *const *placed, int64_t n)
{
    size_t at = 0;
    for (int64_t i = 0; i < n; i++) {
        const gti_place *p = placed[i];
        if (p->offset >= at + l->bytes) break;
        if (meet(l, p) && p->offset + p->bytes > at) at = p->offset + p->bytes;
    }
    return at;
}

static int by_size(const void *a, const void *b)
{
    const gti_place *x = *(gti_place *const *)a, *y = *(gti_place *const *)b;
    if (x->bytes != y->bytes) return x->bytes < y->bytes ? 1 : -1;
    return (x > y) - (x < y);
}

static void insert(gti_place **placed, int64_t n, gti_place *l)
{
    for (; n > 0 && placed[n - 1]->offset > l->offset; n--) placed[n] = placed[n - 1];
    placed[n] = l;
}

size_t gti_places_put(gti_place *const *all, int64_t n, gti_place **room)
{
    gti_place **order = room, **placed = room + n;
    size_t bytes = 0;
    int64_t own = 0;
    for (int64_t i = 0; i < n; i++)
        if (all[i]->first <= all[i]->last && !all[i]->in) order[own++] = all[i];
    if (own) qsort(order, (size_t)own, sizeof *order, by_size);
    for (int64_t i = 0; i < own; i++) {
        gti_place *l = order[i];
        l->offset = lowest(l, placed, i);
        insert(placed, i, l);
        if (l->offset + l->bytes > bytes) bytes = l->offset + l->bytes;
    }
    for (int64_t i = 0; i < n; i++)
        if (all[i]->in) all[i]->offset = all[i]->in->offset;
    return bytes;
}
