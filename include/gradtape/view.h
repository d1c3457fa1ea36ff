/* What a training shows to people: histories of numbers and their curves, sheets of pictures,
 * TensorBoard files, a progress bar.
 *
 *   gt_history_set(h, epoch, "loss", loss);
 *   gt_history_write_svg(h, "loss.svg");
 *
 * What prints does so to the FILE that it is given. Histories and boards belong to their context,
 * which frees them on gt_close. After a failure constructors return NULL, and functions here take
 * NULL and do nothing. */
#ifndef GRADTAPE_VIEW_H
#define GRADTAPE_VIEW_H

#include <gradtape/graph.h>
#include <gradtape/io.h>

GT_BEGIN_DECLS

/* --- histories ---
 * A table of numbers with a row for each epoch (or step) and named columns:
 *
 *   gt_history *h = gt_history_new(gt);
 *   gt_history_set(h, epoch, "loss", loss);
 *   gt_history_set(h, epoch, "val_loss", val_loss); */
typedef struct gt_history gt_history;

GT_DEFINE_AT(gt_history)
#define GT_HISTORY_AT(call) GT_MADE_AT(gt_history, call)

gt_history *gt_history_new(gt_ctx *gt);
#define gt_history_new(gt) GT_HISTORY_AT(gt_history_new(gt))
/* Sets one number of the row `epoch`, which is the last one or comes behind it. A new name makes a
 * new column. Errors: GT_ERR_ARGUMENT (a row before the last, no name or one with control
 * characters), GT_ERR_MEMORY. */
gt_status gt_history_set(gt_history *h, int64_t epoch, const char *name, double value);
#define gt_history_set(h, epoch, name, value) GT_STATUS_AT(gt_history_set(h, epoch, name, value))
gt_ctx *gt_history_context(const gt_history *h);
int64_t gt_history_rows(const gt_history *h);
int gt_history_columns(const gt_history *h);
const char *gt_history_name(const gt_history *h, int column); /* NULL: no such column */
int64_t gt_history_epoch(const gt_history *h, int64_t row);   /* -1: no such row */
/* NaN where nothing was set; a negative row counts from the end. */
double gt_history_get(const gt_history *h, int64_t row, const char *name);

/* Numbers are written so that reading gives the same bits. CSV has a
 * line of names and leaves fields empty that were not set. JSON lines have an object for each row,
 * {"epoch": 1, "loss": 0.25}, without what was not set, and null for what is not finite. */
GT_MUST_CHECK gt_status gt_history_write_csv(const gt_history *h, const char *path);
#define gt_history_write_csv(h, path) GT_CHECKED_AT(gt_history_write_csv(h, path))
/* Reads such CSV, to the bit; a loop of one's own keeps its history with it over a resume. Written
 * before gt_run_save, the file may be an epoch ahead of the run, never behind; the last row is set
 * again then:
 *
 *   gt_history *h = resume ? gt_history_read_csv(gt, "history.csv") : gt_history_new(gt);
 *   if (resume) gt_run_load(&run, "run.safetensors");
 *   while (run.epoch < epochs) {
 *       ...
 *       gt_history_set(h, ++run.epoch, "loss", loss);
 *       if (gt_history_write_csv(h, "history.csv") != GT_OK) ...
 *       if (gt_run_save(&run, "run.safetensors") != GT_OK) ...
 *   }
 *
 * NULL after a failure: GT_ERR_ARGUMENT, GT_ERR_IO, GT_ERR_MEMORY, and GT_ERR_FORMAT, which names
 * the line, for anything else than gt_history_write_csv writes, such as a file that was cut off in
 * a line, for more than 4096 columns and names of more than 4095 bytes. */
gt_history *gt_history_read_csv(gt_ctx *gt, const char *path);
#define gt_history_read_csv(gt, path) GT_HISTORY_AT(gt_history_read_csv(gt, path))
GT_MUST_CHECK gt_status gt_history_write_jsonl(const gt_history *h, const char *path);
#define gt_history_write_jsonl(h, path) GT_CHECKED_AT(gt_history_write_jsonl(h, path))

/* Curves of some columns over the epochs. Numbers that are not finite leave gaps. A list of names
 * ends with NULL: GT_NAMES("accuracy", "val_accuracy") */
#define GT_NAMES(...) GT_ARRAY(const char *const, __VA_ARGS__, NULL)
typedef struct {
    gt_keywords gt_;
    const char *const *columns; /* NULL: "loss" and "val_loss", or the first column */
    const char *title;          /* the first column's name */
    bool log;                   /* a logarithmic axis; what is not positive leaves a gap */
    bool ascii;                 /* on a terminal: no characters but ASCII, also if it has others */
    int width, height;          /* SVG: 720 by 400 pixels; terminal: its width and 16 lines */
} gt_curve_opts;
/* Errors: GT_ERR_ARGUMENT (a column that is not there, silly sizes), GT_ERR_IO, GT_ERR_MEMORY. */
GT_MUST_CHECK gt_status gt_history_write_svg_(const gt_history *h, const char *path,
                                              gt_curve_opts opts);
/* gt_history_write_svg(h, "loss.svg"), gt_history_write_svg(h, "loss.svg", .log = true) */
#define gt_history_write_svg(h, ...) GT_HISTORY_WRITE_SVG_(h, __VA_ARGS__, )
#define GT_HISTORY_WRITE_SVG_(h, path, ...)                                                        \
    GT_CHECKED_AT(gt_history_write_svg_(h, path, GT_OPTS(gt_curve_opts, __VA_ARGS__)))
/* Draws with braille dots where LC_ALL, LC_CTYPE or LANG say UTF-8, otherwise with ASCII. */
gt_status gt_history_plot_(const gt_history *h, FILE *f, gt_curve_opts opts);
/* gt_history_plot(h, stdout), gt_history_plot(h, stdout, .height = 10) */
#define gt_history_plot(h, ...) GT_HISTORY_PLOT_(h, __VA_ARGS__, )
#define GT_HISTORY_PLOT_(h, f, ...)                                                                \
    GT_STATUS_AT(gt_history_plot_(h, f, GT_OPTS(gt_curve_opts, __VA_ARGS__)))

/* --- sheets of pictures ---
 * Pictures x [n,c,h,w] as one, [c,..,..], as torchvision's make_grid lays them out: rows of nrow,
 * with padding around each. (That repeats grey ones to three channels; here c stays.)
 *
 *   if (gt_image_save(gt_make_grid(fakes, .normalize = true), "fakes.png") != GT_OK) ...
 *
 * Errors: GT_ERR_SHAPE, GT_ERR_DTYPE, GT_ERR_ARGUMENT. */
typedef struct {
    gt_keywords gt_;
    int64_t nrow, padding; /* 8 pictures in a row; 2 pixels */
    double pad_value;      /* 0 */
    bool normalize;        /* move values to 0..1: from */
    double value_range[2]; /* these bounds, {-1, 1}; not given: x's smallest and largest, */
    bool scale_each;       /* of each picture */
} gt_make_grid_opts;
gt_tensor *gt_make_grid_(gt_tensor *x, gt_make_grid_opts opts);
/* gt_make_grid(x), gt_make_grid(x, .nrow = 4, .pad_value = 1) */
#define gt_make_grid(...) GT_MAKE_GRID_(__VA_ARGS__, )
#define GT_MAKE_GRID_(x, ...) GT_AT(gt_make_grid_(x, GT_OPTS(gt_make_grid_opts, __VA_ARGS__)))

/* --- TensorBoard ---
 * A board writes an event file into a folder, which is made; `tensorboard --logdir` shows it. Steps
 * may come in any order. Errors: GT_ERR_ARGUMENT, GT_ERR_SHAPE, GT_ERR_DTYPE, GT_ERR_IO,
 * GT_ERR_MEMORY, GT_ERR_STATE (after gt_board_close). */
typedef struct gt_board gt_board;
GT_DEFINE_AT(gt_board)
#define GT_BOARD_AT(call) GT_MADE_AT(gt_board, call)
gt_board *gt_board_open(gt_ctx *gt, const char *folder);
#define gt_board_open(gt, folder) GT_BOARD_AT(gt_board_open(gt, folder))
/* Stored as f32, as the format has it. */
gt_status gt_board_scalar(gt_board *b, const char *tag, double value, int64_t step);
#define gt_board_scalar(b, tag, value, step) GT_STATUS_AT(gt_board_scalar(b, tag, value, step))
/* t: [h,w], [1,h,w] or [3,h,w], u8, or f32 or f64 in 0..1 (what lies outside is clamped). */
gt_status gt_board_image(gt_board *b, const char *tag, const gt_tensor *t, int64_t step);
#define gt_board_image(b, tag, t, step) GT_STATUS_AT(gt_board_image(b, tag, t, step))
/* The elements of any tensor in TensorFlow's buckets, whose limits grow by a tenth each; what is
 * not finite is left out. */
gt_status gt_board_histogram(gt_board *b, const char *tag, const gt_tensor *t, int64_t step);
#define gt_board_histogram(b, tag, t, step) GT_STATUS_AT(gt_board_histogram(b, tag, t, step))
/* The graph of the run, which the tab "Graphs" shows: modules that open and close, with options,
 * shapes and bytes; backward passes and updates stand apart. The last one counts. */
gt_status gt_board_graph(gt_board *b, const gt_graph *g);
#define gt_board_graph(b, g) GT_STATUS_AT(gt_board_graph(b, g))
/* Hands what was written to the system, so that TensorBoard sees it. */
gt_status gt_board_flush(gt_board *b);
#define gt_board_flush(b) GT_STATUS_AT(gt_board_flush(b))
/* Ends the file now rather than on gt_close, and says whether all was written. */
gt_status gt_board_close(gt_board *b);
#define gt_board_close(b) GT_STATUS_AT(gt_board_close(b))

/* --- progress ---
 * A bar with rate, remaining time and a text of the program's, on a terminal; a plain line now and
 * then, and one at the end, on anything else.
 *
 *   gt_progress p = gt_progress_begin(stdout, "epoch 1/10", n_batches);
 *   for (...) gt_progress_update(&p, batch, batch * 64, "loss %.3f", loss);
 *   gt_progress_end(&p, "loss %.3f", epoch_loss);
 *
 * A terminal is redrawn at most ten times a second, on one line as wide as it is. The struct holds
 * no memory; its fields are private. */
typedef struct {
    FILE *f;
    const char *label; /* the caller's, until the end */
    int64_t total;
    double start, drawn; /* seconds */
    bool terminal, ascii, shown;
} gt_progress;
/* total: steps to the end; 0: unknown. f NULL: nothing is shown. */
gt_progress gt_progress_begin(FILE *f, const char *label, int64_t total);
/* After `done` steps and `items` items (for the rate; 0: the rate is that of steps). */
void gt_progress_update(gt_progress *p, int64_t done, int64_t items, const char *fmt, ...)
    GT_PRINTF(4, 5);
/* Puts a last line in the bar's place: label, time taken, text. */
void gt_progress_end(gt_progress *p, const char *fmt, ...) GT_PRINTF(2, 3);
double gt_progress_seconds(const gt_progress *p); /* since the beginning */

GT_END_DECLS
#endif
