/* TensorBoard's event files: records of the protocol buffer message Event.
 *
 *   Event     1 double wall_time, 2 int64 step, 3 string file_version, 4 bytes of a GraphDef,
 *             5 Summary
 *   Summary   1 Value (repeated)
 *   Value     1 string tag, 2 float simple_value, 4 Image, 5 HistogramProto
 *   Image     1 height, 2 width, 3 channels (int32), 4 bytes of a PNG file
 *   HistogramProto   1 min, 2 max, 3 num, 4 sum, 5 sum_squares (double), 6 limits, 7 counts (packed
 *                    doubles) */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "view/view.h"

struct gt_board {
    gt_ctx *gt;
    FILE *f; /* NULL: closed */
    char *path;
};

/* An errno, or 0 where it was not asked for in time. */
static gt_status cannot(gt_board *b, const char *what, int why)
{
    return gt_fail(b->gt, gt_status_of_errno(why), what, "'%s' cannot be written: %s", b->path,
                   why ? strerror(why) : "earlier events were lost");
}

/* --- writing events --- */

static bool ready(const gt_board *b, const char *what, gt_status *status)
{
    if (!b) gt_fail(NULL, GT_ERR_ARGUMENT, what, "the board is NULL");
    else if (!gt_failed(b->gt) && !b->f) gt_fail(b->gt, GT_ERR_STATE, what, "the board was closed");
    *status = !b ? GT_ERR_ARGUMENT : gt_error_code(b->gt);
    return *status == GT_OK;
}

static double wall_time(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* Takes the message, and leaves it empty. */
static gt_status write_event(gt_board *b, gti_proto *event, const char *what)
{
    const bool full = event->failed;
    errno = 0;
    const bool written = !full && gti_record_write(b->f, event->at, event->length);
    const int why = errno;
    gti_proto_free(event);
    if (full) return gt_fail(b->gt, GT_ERR_MEMORY, what, "out of memory for an event");
    return written ? GT_OK : cannot(b, what, why);
}

/* Writes an event of one value, whose fields but for the tag are given. */
static gt_status write_value(gt_board *b, const char *tag, int64_t step, gti_proto *fields,
                             const char *what)
{
    gti_proto value = {0}, summary = {0}, event = {0};
    gti_proto_bytes(&value, 1, tag, strlen(tag));
    gti_proto_append(&value, fields);
    gti_proto_message(&summary, 1, &value);
    gti_proto_double(&event, 1, wall_time());
    gti_proto_int(&event, 2, step);
    gti_proto_message(&event, 5, &summary);
    return write_event(b, &event, what);
}

static bool has_tag(const gt_board *b, const char *tag, const char *what, gt_status *status)
{
    if (!ready(b, what, status)) return false;
    if (tag && *tag) return true;
    *status = gt_fail(b->gt, GT_ERR_ARGUMENT, what, "the tag is NULL or empty");
    return false;
}

/* --- making --- */

static bool make_folders(const char *folder)
{
    char *path = strdup(folder);
    if (!path) return false;
    for (char *p = path + 1; *p; p++) {
        if (*p != '/') continue;
        *p = '\0';
        mkdir(path, 0777);
        *p = '/';
    }
    struct stat st;
    mkdir(path, 0777);
    const bool there = stat(path, &st) == 0, made = there && S_ISDIR(st.st_mode);
    const int why = there ? ENOTDIR : errno;
    free(path);
    errno = why;
    return made;
}

/* A new file, by a name that TensorBoard looks for. */
static FILE *create(gt_board *b, const char *folder)
{
    char host[128] = "localhost";
    gethostname(host, sizeof host - 1);
    const size_t size = strlen(folder) + strlen(host) + 128;
    b->path = malloc(size);
    if (!b->path) return NULL;
    FILE *f = NULL;
    for (int k = 0; !f && k < 1000; k++) {
        snprintf(b->path, size, "%s/events.out.tfevents.%lld.%s.%ld.%d", folder,
                 (long long)time(NULL), host, (long)getpid(), k);
        f = fopen(b->path, "wbx");
        if (!f && errno != EEXIST) break;
    }
    return f;
}

static void free_board(void *object)
{
    gt_board *b = object;
    if (b->f) fclose(b->f);
    free(b->path);
    free(b);
}

static gt_status write_version(gt_board *b, const char *what)
{
    static const char version[] = "brain.Event:2";
    gti_proto event = {0};
    gti_proto_double(&event, 1, wall_time());
    gti_proto_bytes(&event, 3, version, sizeof version - 1);
    return write_event(b, &event, what);
}

gt_board *gt_board_open(gt_ctx *gt, const char *folder)
{
    static const char what[] = "gt_board_open";
    if (!gti_view_ready(gt, what)) return NULL;
    if (!folder || !*folder) {
        gt_fail(gt, GT_ERR_ARGUMENT, what, "the folder is NULL or empty");
        return NULL;
    }
    gt_board *b = calloc(1, sizeof *b);
    if (!b) gt_fail(gt, GT_ERR_MEMORY, what, "out of memory");
    if (!b) return NULL;
    b->gt = gt;
    if (gt_at_close(gt, free_board, b) != GT_OK) {
        free_board(b);
        return NULL;
    }
    if (make_folders(folder)) b->f = create(b, folder);
    if (!b->f)
        gt_fail(gt, gt_status_of_errno(errno), what, "no file can be made in '%s': %s", folder,
                strerror(errno));
    return b->f && write_version(b, what) == GT_OK ? b : NULL;
}

/* --- values --- */

gt_status gt_board_scalar(gt_board *b, const char *tag, double value, int64_t step)
{
    static const char what[] = "gt_board_scalar";
    gt_status status;
    if (!has_tag(b, tag, what, &status)) return status;
    gti_proto fields = {0};
    gti_proto_float(&fields, 2, (float)value);
    return write_value(b, tag, step, &fields, what);
}

gt_status gt_board_image(gt_board *b, const char *tag, const gt_tensor *t, int64_t step)
{
    static const char what[] = "gt_board_image";
    gt_status status;
    if (!has_tag(b, tag, what, &status)) return status;
    uint8_t *png;
    size_t size;
    status = gt_image_encode(t, &png, &size);
    if (status != GT_OK) return status;
    const int64_t *dim = t->shape.dim + t->shape.ndim - 2;
    gti_proto image = {0}, fields = {0};
    gti_proto_int(&image, 1, dim[0]);
    gti_proto_int(&image, 2, dim[1]);
    gti_proto_int(&image, 3, t->size / (dim[0] * dim[1]));
    gti_proto_bytes(&image, 4, png, size);
    free(png);
    gti_proto_message(&fields, 4, &image);
    return write_value(b, tag, step, &fields, what);
}

static bool is_live(const gt_tensor *t, const char *what)
{
    if (!t) gt_fail(NULL, GT_ERR_ARGUMENT, what, "the tensor is NULL");
    if (!t || gt_failed(t->ctx)) return false;
    const char *why = gt_unusable(t);
    if (why) gt_fail(t->ctx, GT_ERR_STATE, what, "the tensor %s", why);
    return !why;
}

gt_status gt_board_histogram(gt_board *b, const char *tag, const gt_tensor *t, int64_t step)
{
    static const char what[] = "gt_board_histogram";
    gt_status status;
    if (!has_tag(b, tag, what, &status)) return status;
    if (!is_live(t, what)) return t ? gt_error_code(t->ctx) : GT_ERR_ARGUMENT;
    gti_histogram h;
    gti_histogram_fill(&h, t);
    const size_t n = gti_histogram_squeeze(&h);
    const double numbers[] = {h.min, h.max, (double)h.n, h.sum, h.sum_squares};
    gti_proto histogram = {0}, fields = {0};
    for (int i = 0; i < 5; i++) gti_proto_double(&histogram, i + 1, numbers[i]);
    gti_proto_doubles(&histogram, 6, h.limit, n);
    gti_proto_doubles(&histogram, 7, h.count, n);
    gti_proto_message(&fields, 5, &histogram);
    return write_value(b, tag, step, &fields, what);
}

gt_status gt_board_graph(gt_board *b, const gt_graph *g)
{
    static const char what[] = "gt_board_graph";
    gt_status status;
    if (!g) return gt_fail(b ? b->gt : NULL, GT_ERR_ARGUMENT, what, "the graph is NULL");
    if (!ready(b, what, &status)) return status;
    gti_proto def = {0}, event = {0};
    status = gti_board_graph(g, &def, what);
    gti_proto_double(&event, 1, wall_time());
    gti_proto_message(&event, 4, &def);
    if (status == GT_OK) return write_event(b, &event, what);
    gti_proto_free(&event);
    return status;
}

gt_status gt_board_flush(gt_board *b)
{
    static const char what[] = "gt_board_flush";
    gt_status status;
    if (!ready(b, what, &status)) return status;
    if (fflush(b->f)) return cannot(b, what, errno);
    return ferror(b->f) ? cannot(b, what, 0) : GT_OK;
}

gt_status gt_board_close(gt_board *b)
{
    static const char what[] = "gt_board_close";
    gt_status status;
    if (b && !b->f) return gt_error_code(b->gt);
    const bool well = ready(b, what, &status);
    FILE *f = b ? b->f : NULL;
    if (b) b->f = NULL;
    const bool lost = f && ferror(f);
    if (f && fclose(f) && well) return cannot(b, what, errno);
    return lost && well ? cannot(b, what, 0) : status;
}
