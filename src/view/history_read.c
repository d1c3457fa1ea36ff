/* Histories from CSV, as gt_history_write_csv writes it. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "view/view.h"

enum { FIELD = GTI_COLUMN_NAME_MOST + 1, COLUMNS_MOST = 4096 };

typedef struct {
    gt_ctx *gt;
    FILE *f;
    const char *path;
    int64_t line;      /* from 1 on */
    char field[FIELD]; /* the last one, without its quotes */
    bool quoted;       /* it had them */
    int end;           /* what came behind it: a comma, the line's end, or EOF */
} reader;

static const char what[] = "gt_history_read_csv";

static bool fail(const reader *r, const char *why)
{
    if (ferror(r->f))
        gt_fail(r->gt, gt_status_of_errno(errno), what, "'%s' cannot be read: %s", r->path,
                strerror(errno));
    else
        gt_fail(r->gt, GT_ERR_FORMAT, what, "'%s', line %lld: %s", r->path, (long long)r->line,
                why);
    return false;
}

/* --- fields --- */

/* Reads up to the closing quote; two of them stand for one. Returns what follows. */
static int read_quoted(reader *r, size_t *n)
{
    for (int c; (c = getc(r->f)) > 0; r->field[(*n)++] = (char)c) {
        if (c == '"' && (c = getc(r->f)) != '"') return c;
        if (*n == FIELD - 1) break;
    }
    return '\0';
}

static int read_plain(reader *r, int c, size_t *n)
{
    for (; c > 0 && !strchr(",\"\r\n", c) && *n < FIELD - 1; c = getc(r->f))
        r->field[(*n)++] = (char)c;
    return c;
}

static bool read_field(reader *r)
{
    size_t n = 0;
    int c = getc(r->f);
    r->quoted = c == '"';
    r->end = r->quoted ? read_quoted(r, &n) : read_plain(r, c, &n);
    r->field[n] = '\0';
    if (r->end == ',' || r->end == '\n') return true;
    return fail(r, r->end == EOF ? "the file ends in the middle of a line"
                                 : "a field is too long, or has characters that do not belong");
}

/* --- lines --- */

static bool read_names(reader *r, gt_history *h)
{
    if (!read_field(r)) return false;
    if (strcmp(r->field, "epoch") != 0) return fail(r, "the first column is not 'epoch'");
    while (r->end == ',') {
        if (!read_field(r)) return false;
        char why[GT_WHY];
        if (!gt_is_name(r->field, GTI_COLUMN_NAME_MOST, why))
            return fail(r, "a column's name is empty, or holds a control character");
        if (!strcmp(r->field, "epoch") || gti_history_column(h, r->field))
            return fail(r, "a column's name occurs twice");
        if (h->columns == COLUMNS_MOST) return fail(r, "there are too many columns");
        if (gti_history_add_column(h, r->field)) continue;
        gt_fail(r->gt, GT_ERR_MEMORY, what, "out of memory for a column");
        return false;
    }
    return true;
}

static bool read_epoch(reader *r, int64_t *epoch)
{
    if (!read_field(r)) return false;
    const size_t sign = *r->field == '-', digits = strspn(r->field + sign, "0123456789");
    errno = 0;
    *epoch = strtoll(r->field, NULL, 10);
    if (r->quoted || !digits || r->field[sign + digits] || errno)
        return fail(r, "the epoch is no whole number");
    return true;
}

static bool read_row(reader *r, gt_history *h)
{
    int64_t epoch;
    if (!read_epoch(r, &epoch)) return false;
    if (h->rows && epoch <= h->epoch[h->rows - 1])
        return fail(r, "its epoch is not behind that of the row before");
    if (!gti_history_add_row(h, epoch)) {
        gt_fail(r->gt, GT_ERR_MEMORY, what, "out of memory for a row");
        return false;
    }
    for (int k = 0; k < h->columns; k++) {
        if (r->end != ',') return fail(r, "there are fewer fields than columns");
        double *v = &h->column[k].at[h->rows - 1];
        if (!read_field(r)) return false;
        if ((*r->field || r->quoted) && (r->quoted || !gti_number_read(r->field, v)))
            return fail(r, "a field is neither a number nor empty");
    }
    return r->end == '\n' || fail(r, "there are more fields than columns");
}

static bool read_all(reader *r, gt_history *h)
{
    if (!read_names(r, h)) return false;
    for (int c; (c = getc(r->f)) != EOF;) {
        ungetc(c, r->f);
        r->line++;
        if (!read_row(r, h)) return false;
    }
    return !ferror(r->f) || fail(r, "");
}

gt_history *gt_history_read_csv(gt_ctx *gt, const char *path)
{
    if (!gti_view_ready(gt, what)) return NULL;
    if (!path) gt_fail(gt, GT_ERR_ARGUMENT, what, "the path is NULL");
    reader r = {.gt = gt, .path = path, .line = 1, .f = path ? fopen(path, "rb") : NULL};
    if (path && !r.f)
        gt_fail(gt, gt_status_of_errno(errno), what, "'%s' cannot be read: %s", path,
                strerror(errno));
    if (!r.f) return NULL;
    gt_history *h = gt_history_new(gt);
    const bool well = h && read_all(&r, h);
    fclose(r.f);
    return well ? h : NULL;
}
