/* Files as wholes: their names, reading one, and beginning to write one. */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "data/data.h"

/* --- names --- */

bool gti_file_fail(const char *path, gt_data_error *error)
{
    return gt_data_fail(error, gt_status_of_errno(errno), "%s: %s", path, strerror(errno));
}

bool gti_file_exists(const char *path, gt_data_error *error)
{
    struct stat st;
    if (stat(path, &st) == 0) return true;
    if (errno != ENOENT && errno != ENOTDIR) gti_file_fail(path, error);
    return false;
}

char *gti_file_path(const char *folder, const char *name, const char *suffix, gt_data_error *error)
{
    const size_t size = strlen(folder) + strlen(name) + strlen(suffix) + 2;
    char *path = gti_data_malloc(size, error);
    if (path) snprintf(path, size, "%s/%s%s", folder, name, suffix);
    return path;
}

/* --- reading --- */

uint8_t *gti_file_read(const char *path, int64_t *size, gt_data_error *error)
{
    gti_source s;
    if (!gti_source_open_plain(&s, path, error)) return NULL;
    *size = s.limit;
    uint8_t *bytes = gti_source_take(&s, s.limit, "its size");
    gti_source_close(&s);
    return bytes;
}

/* --- writing --- */

bool gti_data_live(const gt_tensor *t, const char *what)
{
    if (!t) gt_fail(NULL, GT_ERR_ARGUMENT, what, "the tensor is NULL");
    if (!t || gt_failed(t->ctx)) return false;
    const char *why = gt_unusable(t);
    if (why) gt_fail(t->ctx, GT_ERR_STATE, what, "the tensor %s", why);
    return !why;
}

gt_file *gti_file_begin(const gt_tensor *t, const char *path, const char *what, gt_status *status)
{
    if (gti_data_live(t, what) && !path) gt_fail(t->ctx, GT_ERR_ARGUMENT, what, "the path is NULL");
    gt_file *f = !t || gt_failed(t->ctx) ? NULL : gt_file_create_for(t->ctx, what, path);
    *status = t ? gt_error_code(t->ctx) : GT_ERR_ARGUMENT;
    return f;
}
