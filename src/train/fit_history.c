/* The history in the checkpoint of gt_fit, so that a resumed run's curves begin with its first
 * epoch: f64 "history" [rows,1+columns], where epochs come first, and the metadata "history", which
 * are the number of rows and the columns' names, a line each. */
#define _POSIX_C_SOURCE 200809L
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "train/fit.h"

static const char key[] = "history";

void gti_fit_history_free(gti_fit *f)
{
    gt_free(f->table);
    free(f->names);
    f->table = NULL;
    f->names = NULL;
}

/* Puts a table of so many rows and columns, all 0, among what is saved and loaded. */
static bool make_table(gti_fit *f, int64_t rows, int64_t columns)
{
    const gt_shape shape = GT_SHAPE(rows, 1 + columns);
    f->table = gt_keep(gt_full_(f->gt, shape, 0, (gt_new_opts){.dtype = GT_F64}));
    f->memories[1] = (gt_named_tensor){key, f->table};
    return f->table;
}

/* --- saving --- */

static char *join_names(const gt_history *h)
{
    size_t size = 32;
    for (int k = 0; k < gt_history_columns(h); k++) size += 1 + strlen(gt_history_name(h, k));
    char *names = malloc(size);
    if (!names) return NULL;
    size_t n = (size_t)snprintf(names, size, "%lld", (long long)gt_history_rows(h));
    for (int k = 0; k < gt_history_columns(h); k++)
        n += (size_t)snprintf(names + n, size - n, "\n%s", gt_history_name(h, k));
    return names;
}

bool gti_fit_history_pack(gti_fit *f)
{
    const gt_history *h = f->history;
    const int64_t rows = gt_history_rows(h), columns = gt_history_columns(h);
    gti_fit_history_free(f);
    if (!rows) return true;
    if (!make_table(f, rows, columns)) return false;
    double *to = f->table->data;
    for (int64_t i = 0; i < rows; i++, to += 1 + columns) to[0] = (double)gt_history_epoch(h, i);
    for (int k = 0; k < columns; k++) {
        to = f->table->data;
        for (int64_t i = 0; i < rows; i++, to += 1 + columns)
            to[1 + k] = gt_history_get(h, i, gt_history_name(h, k));
    }
    f->names = join_names(h);
    if (!f->names) gt_fail(f->gt, GT_ERR_MEMORY, "gt_fit", "out of memory for the history");
    f->notes[0] = (gt_metadata){key, f->names};
    f->run.metadata = f->notes;
    return f->names;
}

/* --- loading --- */

/* Takes "rows\nname\n..." apart into rows and "name\n..."; the number of names, or -1 for another
 * text. */
static int64_t take_apart(char *note, int64_t *rows, char **names)
{
    *rows = strtoll(note, names, 10);
    if (*rows < 1 || **names != '\n') return -1;
    int64_t columns = 0;
    for (const char *at = *names; at; at = strchr(at + 1, '\n')) columns++;
    ++*names;
    return columns;
}

bool gti_fit_history_expect(gti_fit *f)
{
    gt_tensors *file = gt_load_tensors(f->gt, f->opts.checkpoint, .metadata_only = true);
    const char *note = gt_tensors_metadata(file, key);
    f->names = note ? strdup(note) : NULL;
    gt_tensors_free(file);
    struct stat st;
    if (!f->names || stat(f->opts.checkpoint, &st) != 0) return !gt_failed(f->gt);
    int64_t rows;
    char *names;
    const int64_t columns = take_apart(f->names, &rows, &names);
    const int64_t most = (int64_t)st.st_size / (int64_t)sizeof(double); /* numbers in the file */
    if (columns < 0 || rows > most / (1 + columns)) return true; /* gt_run_load will not like it */
    return make_table(f, rows, columns);
}

static bool unpack_row(const gti_fit *f, char *names, const double *row)
{
    if (!(fabs(*row) <= 0x1p53)) return true; /* no epoch */
    const int64_t epoch = (int64_t)*row++;
    for (char *end; names; names = end ? end + 1 : NULL) {
        end = strchr(names, '\n');
        if (end) *end = '\0';
        const gt_status status = gt_history_set(f->history, epoch, names, *row++);
        if (end) *end = '\n';
        if (status != GT_OK) return false;
    }
    return true;
}

bool gti_fit_history_unpack(gti_fit *f)
{
    if (!f->table || gt_history_rows(f->history)) return true;
    int64_t rows;
    char *names;
    take_apart(f->names, &rows, &names);
    const double *row = f->table->data;
    for (int64_t i = 0; i < rows; i++, row += f->table->shape.dim[1])
        if (!unpack_row(f, names, row)) return false;
    return true;
}
