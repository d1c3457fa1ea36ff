/* Where time goes: every operation of a stretch, timed.
 *
 *   gt_profile *p = gt_profile_begin(gt);
 *   for (int i = 0; i < 20; i++) train_step(...);                    eager, or gt_replay
 *   gt_profile_end(p);
 *   gt_profile_print(p, stdout);                                     by operation
 *   gt_profile_print(p, stdout, .by = GT_BY_MODULE, .depth = 1);
 *   gt_profile_save_trace(p, "trace.json");                          for https://ui.perfetto.dev
 *
 * Noted of each operation that runs (in the forward and the backward pass, in updates, in replays,
 * in what gt_checkpoint computes again): its time, its work (gt_node_work), shapes and dtype, the
 * path of the module that it stands in, of updates that of the module whose parameter is changed,
 * the part of the step, and how it was divided among threads. Views run nothing and are left out.
 * Besides spans: waits for loaders and files, and what the program adds (gt_span_begin).
 *
 * The first steps are slower than those that follow (memory is asked for, lazy modules are made):
 * leave them out. While no profile runs an operation costs what it does without profiles; while one
 * does, some 0.2 us more, of which its own time has 30 ns (docs/profiling.md).
 *
 * A profile belongs to its context, which frees it on gt_close. Rewinding the tape does nothing to
 * it: what it tells, it has copied. */
#ifndef GRADTAPE_PROFILE_H
#define GRADTAPE_PROFILE_H

#include <gradtape/op.h>
#include <stdio.h>

GT_BEGIN_DECLS

typedef struct gt_profile gt_profile;

typedef struct {
    gt_keywords gt_;
    int64_t most_events; /* for the trace (1,000,000, of 48 bytes each): what comes then counts in
                          * tables alone, and they say how much it was. GT_ZERO: none */
} gt_profile_opts;

/* Begins to note. NULL after a failure: GT_ERR_STATE while another profile of the context runs,
 * GT_ERR_ARGUMENT, GT_ERR_MEMORY. Not to be called from an operation. */
gt_profile *gt_profile_begin_(gt_ctx *gt, gt_profile_opts opts);
GT_DEFINE_AT(gt_profile)
/* gt_profile_begin(gt), gt_profile_begin(gt, .most_events = GT_ZERO) */
#define gt_profile_begin(...) GT_PROFILE_BEGIN_(__VA_ARGS__, )
#define GT_PROFILE_BEGIN_(gt, ...)                                                                 \
    GT_MADE_AT(gt_profile, gt_profile_begin_(gt, GT_OPTS(gt_profile_opts, __VA_ARGS__)))

/* Ends it, also when the context has failed. Errors: GT_ERR_STATE when it has ended; GT_ERR_MEMORY
 * when there was none for something to be noted: the work was done all the same, and what was noted
 * can be read after gt_error_clear. */
gt_status gt_profile_end(gt_profile *p);
#define gt_profile_end(p) GT_STATUS_AT(gt_profile_end(p))

/* Ends it, and gives back its memory; it cannot be used any more. NULL is fine. */
void gt_profile_free(gt_profile *p);

/* --- tables --- */

/* Of the parts of a step (gt_part) an update is here what changes tensors in place outside of
 * scopes and of backward passes. */

typedef enum {
    GT_BY_OPERATION, /* "conv2d" */
    GT_BY_SHAPE,     /* "conv2d [64,1,28,28] [6,1,5,5] f32" */
    GT_BY_MODULE,    /* "net.conv1" */
    GT_BY_PART,      /* "backward" */
    GT_BY_CALL,      /* "backward net.conv1 conv2d_dw [64,1,28,28] [6,1,5,5] f32" */
    GT_BY_SPAN,      /* spans instead of operations: "gt_loader_next" */
} gt_profile_by;

typedef enum { GT_SORT_TIME, GT_SORT_CALLS, GT_SORT_MEAN, GT_SORT_NAME } gt_profile_sort;

typedef struct {
    gt_keywords gt_;
    gt_profile_by by;
    gt_profile_sort sort; /* the most first */
    int depth;            /* GT_BY_MODULE: names of a path that count; 0: all */
    int most;             /* rows that are printed (30); the others are one */
} gt_profile_print_opts;

/* Prints how long the stretch took and what of that operations took, the machine's ceilings, and a
 * row for each operation (or what .by says):
 *
 *   Part      of the step
 *   Calls     how often it ran
 *   Time      of all calls, in milliseconds
 *   Share     of the time of all operations
 *   Mean      time of a call, in microseconds
 *   GFLOP/s   arithmetic by gt_node_work, a second
 *   Peak      that as a share of what this machine can do at most, with these threads and the
 *             vectors of these kernels (gt_measure_flops); convolutions with Winograd's transforms
 *             may pass 100 %
 *   GB/s      bytes that are read and written at least, a second; above what memcpy does for arrays
 *             beyond the caches (in the head) data came from a cache
 *   Threads   that were at work, on average
 *
 * and below them spans; or spans alone. The first call measures the ceilings, which takes a tenth
 * of a second. Errors: GT_ERR_STATE while it runs, GT_ERR_ARGUMENT, GT_ERR_IO, GT_ERR_MEMORY. */
gt_status gt_profile_print_(gt_profile *p, FILE *f, gt_profile_print_opts opts);
/* gt_profile_print(p, stdout), gt_profile_print(p, f, .by = GT_BY_SHAPE, .sort = GT_SORT_MEAN) */
#define gt_profile_print(p, ...) GT_PROFILE_PRINT_(p, __VA_ARGS__, )
#define GT_PROFILE_PRINT_(p, f, ...)                                                               \
    GT_STATUS_AT(gt_profile_print_(p, f, GT_OPTS(gt_profile_print_opts, __VA_ARGS__)))

/* A row, for programs. */
typedef struct {
    const char *name;      /* lives as long as the profile */
    unsigned parts;        /* bit i: gt_part i */
    int64_t calls;         /* */
    double seconds;        /* of all calls */
    double least, longest; /* of one */
    double flops, bytes;   /* of all calls */
    double busy;           /* seconds of all threads together */
    double flops_of[2];    /* of flops those of f32 and f64 */
} gt_profile_row;
/* The rows that gt_profile_print prints, all of them. Writes the first n, and returns how many
 * there are; -1 after a failure. */
int64_t gt_profile_rows_(gt_profile *p, gt_profile_row *to, int64_t n, gt_profile_print_opts opts);
#define gt_profile_rows(p, to, ...) GT_PROFILE_ROWS_(p, to, __VA_ARGS__, )
#define GT_PROFILE_ROWS_(p, to, n, ...)                                                            \
    gt_profile_rows_(p, to, n, GT_OPTS(gt_profile_print_opts, __VA_ARGS__))

/* Seconds from the beginning to the end, or to now. */
double gt_profile_seconds(const gt_profile *p);

/* --- traces --- */

/* Writes every event in Chrome's Trace Event format (JSON), which https://ui.perfetto.dev and
 * chrome://tracing open: a line for the context's thread, on which operations lie in their modules
 * and parts of the step; one for each other thread that took part, with the stages that it worked
 * at; one for each thread of loaders; and memory of tensors as a curve. The file appears whole or
 * not at all. Errors: as gt_profile_print. */
GT_MUST_CHECK gt_status gt_profile_save_trace(gt_profile *p, const char *path);
#define gt_profile_save_trace(p, path) GT_CHECKED_AT(gt_profile_save_trace(p, path))

/* --- spans --- */

/* A stretch of the program with a name, in the running profile of gt, if there is one; otherwise
 * these do nothing. Spans nest. A span belongs to the profile that ran when it began.
 *
 *   const gt_span augment = gt_span_begin(gt, "augment");
 *   ...
 *   gt_span_end(gt, augment); */
typedef struct {
    const gt_profile *profile; /* NULL: none ran */
    const char *name;          /* as given; to live until the span ends */
    uint64_t began;            /* by gt_clock */
} gt_span;
gt_span gt_span_begin(gt_ctx *gt, const char *name);
void gt_span_end(gt_ctx *gt, gt_span span);
/* A span of another thread, told afterwards by the context's: it lies on the line of this name. */
void gt_span_add(gt_ctx *gt, const char *line, const char *name, uint64_t began, uint64_t ended);
/* Nanoseconds of a clock that never goes back. */
uint64_t gt_clock(void);

/* --- ceilings --- */

/* What the machine can do at most with the threads of gt: multiply-adds in registers, two
 * operations each, with the vectors of the kernels' level; and memcpy of arrays of so many bytes,
 * read and written. Measured for so many seconds, a second. 0 after a failure (GT_ERR_ARGUMENT for
 * a dtype that is not floating, GT_ERR_MEMORY). */
double gt_measure_flops(gt_ctx *gt, gt_dtype dtype, double seconds);
double gt_measure_copy(gt_ctx *gt, size_t bytes, double seconds);

GT_END_DECLS
#endif
