/* Comparing files; see diff.c. */
#ifndef GTI_GRAPH_DIFF_H
#define GTI_GRAPH_DIFF_H

#include <gradtape/diff.h>

#include "graph/model.h"

typedef struct gti_diff_block gti_diff_block;

/* What can be said of an item: "padding" "[2,2]". */
typedef struct {
    const char *name, *text;
} gti_fact;
/* A scope, a leaf or a node, under a name that no other has. */
typedef struct {
    const char *key;
    int first, n; /* facts */
} gti_item;

typedef struct {
    gt_ctx *gt;
    const char *what, *path;
    gti_diff_block *block;
    gti_item *item;
    gti_fact *fact;
    const gti_item **sorted; /* by key */
    int n_items, n_facts, items_room, facts_room;
} gti_items;

/* --- diff_items.c --- */
/* Zeroed memory, or text, that lives as long as the items; NULL after a failure. */
void *gti_diff_room(gti_items *all, size_t size);
char *gti_diff_text(gti_items *all, const char *fmt, ...) GT_PRINTF(2, 3);
/* At least n + 1 elements of an array that grows; false after a failure. */
bool gti_diff_grow(gti_items *all, void *array, int n, int *room, size_t size);
bool gti_diff_add(gti_items *all, const char *key);
bool gti_diff_add_fact(gti_items *all, const char *name, const char *text); /* of the last */
/* Gives "#1" and so on to names that came before, and sorts. */
bool gti_diff_sort(gti_items *all);
const gti_item *gti_diff_find(const gti_items *all, const char *key);
void gti_diff_clear(gti_items *all);

/* --- diff_read.c --- */
/* The items of a graph as JSON. False after a failure, which names file and line. */
bool gti_diff_read(gti_items *all, FILE *f);

/* --- diff.c --- */
typedef struct {
    gt_ctx *gt;
    FILE *f;
    gt_diff_opts opts;
    int64_t n; /* differences so far */
} gti_diff;
/* Tells of one: '-' only in the first file, '+' only in the second, '~' in both, where `name`
 * differs. */
void gti_diff_tell(gti_diff *d, char sign, const char *key, const char *name, const char *a,
                   const char *b);

/* --- diff_weights.c --- */
bool gti_diff_has_weights(const char *path);
/* False after a failure. */
bool gti_diff_weights(gti_diff *d, const char *a, const char *b);

#endif
