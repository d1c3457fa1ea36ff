/* Numbers of CSV files (RFC 4180): a line of names, and lines of as many fields. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data/data.h"

static const char what[] = "gt_csv_load";

/* The file's text, NUL behind it, and where reading is. */
typedef struct {
    const char *path;
    char *at, *end;
    int64_t line; /* from 1 on */
    char separator;
    gt_data_error *error;
} text;

/* Fields of one line, which are cut off in the text. */
typedef struct {
    char **field;
    int64_t n, room;
} fields;

/* --- fields --- */

static bool fail(const text *t, const char *why)
{
    return gt_data_fail(t->error, GT_ERR_FORMAT, "%s: line %lld: %s", t->path, (long long)t->line,
                        why);
}

/* Takes a quoted field, without its quotes, from behind the first of them. */
static char *take_quoted(text *t)
{
    const int64_t line = t->line;
    char *from = t->at, *to = t->at;
    for (; t->at < t->end; *to++ = *t->at++) {
        if (*t->at == '\n') t->line++;
        if (*t->at != '"') continue;
        if (t->at[1] != '"') {
            t->at++;
            *to = '\0';
            return from;
        }
        t->at++;
    }
    t->line = line;
    fail(t, "a quote is not closed");
    return NULL;
}

static char *take_plain(text *t)
{
    char *from = t->at;
    while (t->at < t->end && *t->at != t->separator && *t->at != '\n' && *t->at != '"') t->at++;
    if (*t->at != '"' || t->at == t->end) return from;
    fail(t, "a quote within a field that does not begin with one");
    return NULL;
}

static bool add(fields *f, char *field, gt_data_error *error)
{
    if (f->n == f->room) {
        char **more = realloc(f->field, (size_t)(2 * f->room + 16) * sizeof *more);
        if (!more) return gt_data_fail(error, GT_ERR_MEMORY, "out of memory");
        f->field = more;
        f->room = 2 * f->room + 16;
    }
    f->field[f->n++] = field;
    return true;
}

/* The fields of the next line. */
static bool take_line(text *t, fields *f)
{
    f->n = 0;
    for (;;) {
        const bool quoted = *t->at == '"';
        if (quoted) t->at++;
        char *field = quoted ? take_quoted(t) : take_plain(t);
        if (!field || !add(f, field, t->error)) return false;
        if (quoted && t->at[0] == '\r' && t->at[1] == '\n') t->at++;
        if (t->at == t->end)
            return fail(t, "expected a line break at the end, found none: the file is truncated, "
                           "or lacks its last line break");
        const char mark = *t->at;
        if (mark != t->separator && mark != '\n')
            return fail(t, "expected a separator behind a quote");
        if (!quoted && mark == '\n' && t->at > field && t->at[-1] == '\r') t->at[-1] = '\0';
        *t->at++ = '\0';
        if (mark == '\n') break;
    }
    t->line++;
    return true;
}

/* --- columns --- */

/* No column, or more than one, has the name: says which names there are. */
static void fail_name(const text *t, const fields *names, const char *name, int64_t found)
{
    char list[256] = "";
    for (int64_t i = 0; i < names->n && strlen(list) < 160; i++)
        snprintf(list + strlen(list), sizeof list - strlen(list), "%s'%.80s'", i ? ", " : "",
                 names->field[i]);
    const char *other = names->n == 1 ? strpbrk(names->field[0], ";\t|,") : NULL;
    char hint[64] = "";
    if (other)
        snprintf(hint, sizeof hint, "\n  hint: .separator = '%s'",
                 *other == '\t' ? "\\t" : (char[]){*other, '\0'});
    if (found)
        gt_data_fail(t->error, GT_ERR_ARGUMENT, "%s: %lld columns are called '%.100s'", t->path,
                     (long long)found, name);
    else
        gt_data_fail(t->error, GT_ERR_ARGUMENT, "%s: no column is called '%.100s'; there are %s%s",
                     t->path, name, list, hint);
}

/* The places of the wanted names among those of the first line; all of them where none is wanted.
 * To be freed. */
static int64_t *find_columns(const text *t, const fields *names, const char *const *wanted,
                             int64_t *n)
{
    for (*n = wanted ? 0 : names->n; wanted && wanted[*n];) ++*n;
    int64_t *place = gti_data_malloc((size_t)*n * sizeof *place, t->error);
    for (int64_t k = 0; place && k < *n; k++) {
        int64_t found = 0;
        for (int64_t i = 0; i < names->n; i++) {
            if (wanted && strcmp(names->field[i], wanted[k]) != 0) continue;
            if (!wanted && i != k) continue;
            place[k] = i;
            found++;
        }
        if (found == 1) continue;
        fail_name(t, names, wanted[k], found);
        free(place);
        return NULL;
    }
    return place;
}

/* --- numbers --- */

typedef struct {
    double *number;
    int64_t rows, room;
} table;

static bool parse(const text *t, const char *field, const char *name, bool may_miss, double *number)
{
    char *end;
    while (*field == ' ' || *field == '\t') field++;
    *number = *field ? gt_strtod(field, &end) : NAN;
    if (!*field)
        return may_miss ||
               gt_data_fail(t->error, GT_ERR_FORMAT,
                            "%s: line %lld: '%.100s' is missing; .allow_missing lets it be NaN",
                            t->path, (long long)t->line - 1, name);
    const char *rest = end + strspn(end, " \t");
    if (end > field && !*rest && !strpbrk(field, "xX")) return true;
    return gt_data_fail(t->error, GT_ERR_FORMAT, "%s: line %lld: '%.100s' is '%.60s', no number",
                        t->path, (long long)t->line - 1, name, field);
}

static double *add_row(table *to, int64_t n, gt_data_error *error)
{
    if (to->rows == to->room) {
        const size_t rows = 2 * (size_t)to->room + 64;
        double *more = realloc(to->number, rows * (size_t)(n ? n : 1) * sizeof *more);
        if (!more) gt_data_fail(error, GT_ERR_MEMORY, "out of memory");
        if (!more) return NULL;
        memset(more + to->room * n, 0, (rows - (size_t)to->room) * (size_t)n * sizeof *more);
        to->number = more;
        to->room = (int64_t)rows;
    }
    return to->number + to->rows++ * n;
}

static bool take_rows(text *t, fields *f, int64_t all, const char *const *names,
                      const int64_t *place, int64_t n, bool may_miss, table *to)
{
    while (t->at < t->end) {
        if (!take_line(t, f)) return false;
        if (f->n != all)
            return gt_data_fail(t->error, GT_ERR_FORMAT,
                                "%s: line %lld: expected %lld fields, found %lld", t->path,
                                (long long)t->line - 1, (long long)all, (long long)f->n);
        double *row = add_row(to, n, t->error);
        for (int64_t k = 0; row && k < n; k++)
            if (!parse(t, f->field[place[k]], names[place[k]], may_miss, &row[k])) return false;
        if (!row) return false;
    }
    return true;
}

static bool read_table(text *t, const char *const *columns, bool may_miss, table *to, int64_t *n)
{
    fields names = {.field = NULL}, f = {.field = NULL};
    bool ok = take_line(t, &names);
    int64_t *place = ok ? find_columns(t, &names, columns, n) : NULL;
    ok = place && names.field &&
         take_rows(t, &f, names.n, (const char *const *)names.field, place, *n, may_miss, to);
    free(place);
    free(names.field);
    free(f.field);
    return ok;
}

static gt_tensor *to_tensor(gt_ctx *gt, const table *from, int64_t n, gt_dtype dtype)
{
    gt_tensor *y = gt_empty_(gt, GT_SHAPE(from->rows, n), (gt_new_opts){.dtype = GT_F64});
    if (y && from->number) memcpy(y->data, from->number, (size_t)y->size * sizeof *from->number);
    return gt_cast(y, dtype);
}

gt_tensor *gt_csv_load_(gt_ctx *gt, const char *path, const char *const *columns, gt_csv_opts opts)
{
    gt_data_error error = {.code = GT_OK};
    if (!gti_data_ready(gt, what)) return NULL;
    if (!path) gt_data_fail(&error, GT_ERR_ARGUMENT, "the path is NULL");
    if (!gt_is_floating(opts.dtype))
        gt_data_fail(&error, GT_ERR_DTYPE, "numbers can be f32 or f64, not %s",
                     gt_dtype_name(opts.dtype));
    int64_t size = 0, n = 0;
    table numbers = {.number = NULL};
    char *bytes = error.code == GT_OK ? (char *)gti_file_read(path, &size, &error) : NULL;
    if (bytes && memchr(bytes, '\0', (size_t)size))
        gt_data_fail(&error, GT_ERR_FORMAT, "%s: expected text, found a byte of 0", path);
    text t = {.path = path, .at = bytes, .line = 1, .separator = ',', .error = &error};
    if (opts.separator) t.separator = opts.separator;
    if (bytes) t.end = bytes + size;
    if (bytes) *t.end = '\0';
    if (bytes && size >= 3 && !memcmp(bytes, "\xef\xbb\xbf", 3)) t.at += 3;
    gt_tensor *y =
        bytes && error.code == GT_OK && read_table(&t, columns, opts.allow_missing, &numbers, &n)
            ? to_tensor(gt, &numbers, n, opts.dtype)
            : NULL;
    free(numbers.number);
    free(bytes);
    if (error.code != GT_OK) gti_data_report(gt, what, &error);
    return y;
}
