/* Histories: tables of numbers. */
#define _POSIX_C_SOURCE 200809L
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "view/view.h"

static void free_history(void *object)
{
    gt_history *h = object;
    for (int i = 0; i < h->columns; i++) {
        free(h->column[i].name);
        free(h->column[i].at);
    }
    free(h->column);
    free(h->epoch);
    free(h);
}

gt_history *gt_history_new(gt_ctx *gt)
{
    static const char what[] = "gt_history_new";
    if (!gti_view_ready(gt, what)) return NULL;
    gt_history *h = calloc(1, sizeof *h);
    if (!h) gt_fail(gt, GT_ERR_MEMORY, what, "out of memory");
    if (!h) return NULL;
    h->gt = gt;
    if (gt_at_close(gt, free_history, h) == GT_OK) return h;
    free_history(h);
    return NULL;
}

/* --- growing --- */

static bool grow(void *array, size_t n, size_t size)
{
    void **at = array;
    void *larger = n <= SIZE_MAX / size ? realloc(*at, n * size) : NULL;
    if (larger) *at = larger;
    return larger;
}

/* Makes room for one more row in every column. */
static bool reserve_row(gt_history *h)
{
    if (h->rows < h->room) return true;
    const int64_t room = h->room ? 2 * h->room : 16;
    if (!grow(&h->epoch, (size_t)room, sizeof *h->epoch)) return false;
    for (int i = 0; i < h->columns; i++)
        if (!grow(&h->column[i].at, (size_t)room, sizeof(double))) return false;
    h->room = room;
    return true;
}

/* There is room for it. */
static void add_row(gt_history *h, int64_t epoch)
{
    h->epoch[h->rows] = epoch;
    for (int i = 0; i < h->columns; i++) h->column[i].at[h->rows] = NAN;
    h->rows++;
}

bool gti_history_add_row(gt_history *h, int64_t epoch)
{
    const bool room = reserve_row(h);
    if (room) add_row(h, epoch);
    return room;
}

gti_column *gti_history_add_column(gt_history *h, const char *name)
{
    if (!grow(&h->column, (size_t)h->columns + 1, sizeof *h->column)) return NULL;
    gti_column *c = &h->column[h->columns];
    c->name = strdup(name);
    c->at = malloc((size_t)(h->room ? h->room : 1) * sizeof *c->at);
    if (!c->name || !c->at) {
        free(c->name);
        free(c->at);
        return NULL;
    }
    for (int64_t i = 0; i < h->rows; i++) c->at[i] = NAN;
    h->columns++;
    return c;
}

static gti_column *find(const gt_history *h, const char *name)
{
    for (int i = 0; name && i < h->columns; i++)
        if (!strcmp(h->column[i].name, name)) return &h->column[i];
    return NULL;
}

const gti_column *gti_history_column(const gt_history *h, const char *name)
{
    return find(h, name);
}

gt_status gt_history_set(gt_history *h, int64_t epoch, const char *name, double value)
{
    static const char what[] = "gt_history_set";
    if (!h) return gt_fail(NULL, GT_ERR_ARGUMENT, what, "the history is NULL");
    if (gt_failed(h->gt)) return gt_error_code(h->gt);
    char why[GT_WHY];
    if (!gt_is_name(name, GTI_COLUMN_NAME_MOST, why))
        return gt_fail(h->gt, GT_ERR_ARGUMENT, what, "the name of a column %s", why);
    if (!strcmp(name, "epoch"))
        return gt_fail(h->gt, GT_ERR_ARGUMENT, what,
                       "a column cannot be called 'epoch', which is the rows' own number");
    const int64_t last = h->rows ? h->epoch[h->rows - 1] : epoch;
    if (epoch < last)
        return gt_fail(h->gt, GT_ERR_ARGUMENT, what,
                       "epoch %lld lies before the last row, which is epoch %lld\n"
                       "  hint: rows are set in order; gt_history_new makes an empty history",
                       (long long)epoch, (long long)last);
    const bool new_row = !h->rows || epoch > last;
    if (new_row && !reserve_row(h))
        return gt_fail(h->gt, GT_ERR_MEMORY, what, "out of memory for %lld rows",
                       (long long)h->rows);
    gti_column *c = find(h, name);
    if (!c) c = gti_history_add_column(h, name);
    if (!c) return gt_fail(h->gt, GT_ERR_MEMORY, what, "out of memory for a column");
    if (new_row) add_row(h, epoch);
    c->at[h->rows - 1] = value;
    return GT_OK;
}

/* --- reading --- */

gt_ctx *gt_history_context(const gt_history *h)
{
    return h ? h->gt : NULL;
}

int64_t gt_history_rows(const gt_history *h)
{
    return h ? h->rows : 0;
}

int gt_history_columns(const gt_history *h)
{
    return h ? h->columns : 0;
}

const char *gt_history_name(const gt_history *h, int column)
{
    return h && column >= 0 && column < h->columns ? h->column[column].name : NULL;
}

int64_t gt_history_epoch(const gt_history *h, int64_t row)
{
    if (h && row < 0) row += h->rows;
    return h && row >= 0 && row < h->rows ? h->epoch[row] : -1;
}

double gt_history_get(const gt_history *h, int64_t row, const char *name)
{
    const gti_column *c = h ? find(h, name) : NULL;
    if (c && row < 0) row += h->rows;
    return c && row >= 0 && row < h->rows ? c->at[row] : NAN;
}
