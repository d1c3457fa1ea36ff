/* What is compared: items with facts. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "graph/diff.h"

struct gti_diff_block {
    gti_diff_block *next;
    _Alignas(16) char at[];
};

static void *no_memory(const gti_items *all)
{
    gt_fail(all->gt, GT_ERR_MEMORY, all->what, "%s: out of memory", all->path);
    return NULL;
}

void *gti_diff_room(gti_items *all, size_t size)
{
    gti_diff_block *b = calloc(1, sizeof *b + size);
    if (!b) return no_memory(all);
    b->next = all->block;
    all->block = b;
    return b->at;
}

char *gti_diff_text(gti_items *all, const char *fmt, ...)
{
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    const int n = gt_vsnprintf(NULL, 0, fmt, args);
    char *text = n < 0 ? NULL : gti_diff_room(all, (size_t)n + 1);
    if (text) gt_vsnprintf(text, (size_t)n + 1, fmt, again);
    va_end(again);
    va_end(args);
    return text;
}

bool gti_diff_grow(gti_items *all, void *array, int n, int *room, size_t size)
{
    if (n < *room) return true;
    const int more = *room < 1 << 28 ? 2 * *room + 16 : 0;
    void *old, *at;
    memcpy(&old, array, sizeof old);
    at = more ? realloc(old, (size_t)more * size) : NULL;
    if (!at) return no_memory(all);
    memcpy(array, &at, sizeof at);
    *room = more;
    return true;
}

bool gti_diff_add(gti_items *all, const char *key)
{
    if (!key || !gti_diff_grow(all, &all->item, all->n_items, &all->items_room, sizeof(gti_item)))
        return false;
    all->item[all->n_items++] = (gti_item){key, all->n_facts, 0};
    return true;
}

bool gti_diff_add_fact(gti_items *all, const char *name, const char *text)
{
    if (!name || !text ||
        !gti_diff_grow(all, &all->fact, all->n_facts, &all->facts_room, sizeof(gti_fact)))
        return false;
    all->fact[all->n_facts++] = (gti_fact){name, text};
    all->item[all->n_items - 1].n++;
    return true;
}

static int by_key(const void *a, const void *b)
{
    const gti_item *x = *(const gti_item *const *)a, *y = *(const gti_item *const *)b;
    const int order = strcmp(x->key, y->key);
    return order ? order : x < y ? -1 : x > y;
}

bool gti_diff_sort(gti_items *all)
{
    const size_t n = (size_t)all->n_items;
    all->sorted = gti_diff_room(all, (n + 1) * sizeof *all->sorted);
    if (!all->sorted) return false;
    for (size_t i = 0; i < n; i++) all->sorted[i] = &all->item[i];
    qsort(all->sorted, n, sizeof *all->sorted, by_key);
    return true;
}

const gti_item *gti_diff_find(const gti_items *all, const char *key)
{
    int low = 0, high = all->n_items;
    while (low < high) {
        const int middle = low + (high - low) / 2, order = strcmp(all->sorted[middle]->key, key);
        if (!order) return all->sorted[middle];
        if (order < 0) low = middle + 1;
        else high = middle;
    }
    return NULL;
}

void gti_diff_clear(gti_items *all)
{
    for (gti_diff_block *b = all->block; b;) {
        gti_diff_block *next = b->next;
        free(b);
        b = next;
    }
    free(all->item);
    free(all->fact);
}
