/* Histories as CSV and JSON lines. */
#include <math.h>
#include <string.h>

#include "view/view.h"

/* Begins the file; NULL after a failure, which *status tells. */
static gt_file *begin(const gt_history *h, const char *path, const char *what, gt_status *status)
{
    if (!h) *status = gt_fail(NULL, GT_ERR_ARGUMENT, what, "the history is NULL");
    if (!h) return NULL;
    gt_file *f = gt_failed(h->gt) ? NULL : gt_file_create_for(h->gt, what, path);
    *status = gt_error_code(h->gt);
    return f;
}

/* --- CSV (RFC 4180) --- */

static void write_field(gt_file *f, const char *name)
{
    if (!strpbrk(name, ",\"\r\n")) {
        gt_file_printf(f, ",%s", name);
        return;
    }
    gt_file_write(f, ",\"", 2);
    for (; *name; name++) {
        if (*name == '"') gt_file_write(f, "\"", 1);
        gt_file_write(f, name, 1);
    }
    gt_file_write(f, "\"", 1);
}

gt_status gt_history_write_csv(const gt_history *h, const char *path)
{
    gt_status status;
    gt_file *f = begin(h, path, "gt_history_write_csv", &status);
    if (!f) return status;
    char number[GTI_NUMBER];
    gt_file_printf(f, "epoch");
    for (int k = 0; k < h->columns; k++) write_field(f, h->column[k].name);
    gt_file_printf(f, "\n");
    for (int64_t i = 0; i < h->rows; i++) {
        gt_file_printf(f, "%lld", (long long)h->epoch[i]);
        for (int k = 0; k < h->columns; k++) {
            const double v = h->column[k].at[i];
            gt_file_printf(f, ",%s", isnan(v) ? "" : gti_number(number, v));
        }
        gt_file_printf(f, "\n");
    }
    return gt_file_commit(f);
}

/* --- JSON lines --- */

static void write_string(gt_file *f, const char *s)
{
    gt_file_write(f, "\"", 1);
    for (; *s; s++) {
        if ((unsigned char)*s < 0x20) {
            gt_file_printf(f, "\\u%04x", (unsigned)*s);
            continue;
        }
        if (*s == '"' || *s == '\\') gt_file_write(f, "\\", 1);
        gt_file_write(f, s, 1);
    }
    gt_file_write(f, "\"", 1);
}

gt_status gt_history_write_jsonl(const gt_history *h, const char *path)
{
    gt_status status;
    gt_file *f = begin(h, path, "gt_history_write_jsonl", &status);
    if (!f) return status;
    char number[GTI_NUMBER];
    for (int64_t i = 0; i < h->rows; i++) {
        gt_file_printf(f, "{\"epoch\": %lld", (long long)h->epoch[i]);
        for (int k = 0; k < h->columns; k++) {
            const double v = h->column[k].at[i];
            if (isnan(v)) continue;
            gt_file_printf(f, ", ");
            write_string(f, h->column[k].name);
            gt_file_printf(f, ": %s", isinf(v) ? "null" : gti_number(number, v));
        }
        gt_file_printf(f, "}\n");
    }
    return gt_file_commit(f);
}
