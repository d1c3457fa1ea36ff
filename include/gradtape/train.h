/* Training comforts: metrics, histories and their curves, TensorBoard files, a progress bar,
 * stopping by signal, and gt_fit, a training loop for those who want one.
 *
 *   gt_history *h = gt_fit(net, sgd, train, .epochs = 10, .valid = test, .log = stdout);
 *   gt_history_write_svg(h, "loss.svg");
 *
 * Each part works in a loop of one's own, too; gt_fit uses nothing else. What prints does so to the
 * FILE that it is given. Histories and boards belong to their context, which frees them on
 * gt_close. After a failure constructors return NULL, and functions here take NULL and do nothing.
 */
#ifndef GRADTAPE_TRAIN_H
#define GRADTAPE_TRAIN_H

#include <gradtape/io.h>
#include <gradtape/optim.h>

GT_BEGIN_DECLS

/* --- metrics ---
 * Of logits (or probabilities) f32 or f64 [n,c,...], classes along axis 1, and labels i64 [n,...]
 * in 0..c-1; a label of -100 does not count, as in gt_cross_entropy. The predicted class is that of
 * the largest number, the first one of several, NaN before all, as gt_argmax has it.
 *
 * gt_backward releases logits: compute metrics between the loss and gt_backward, or let it .retain.
 * Errors: GT_ERR_ARGUMENT (NULL, labels out of range), GT_ERR_SHAPE, GT_ERR_DTYPE, GT_ERR_STATE (a
 * tensor that was released or dropped); then the result is NaN. */

/* How many of the labels i64 [..] count, which is the weight of the two below in a mean over
 * batches. */
double gt_count_labels(const gt_tensor *labels);
#define gt_count_labels(labels) GT_NUMBER_AT(gt_count_labels(labels))
/* The part of the labels that is predicted; NaN where there are none. */
double gt_accuracy(const gt_tensor *logits, const gt_tensor *labels);
#define gt_accuracy(logits, labels) GT_NUMBER_AT(gt_accuracy(logits, labels))
/* The part of the labels that are among the k predicted first. k is at least 1. */
double gt_top_k_accuracy(const gt_tensor *logits, const gt_tensor *labels, int64_t k);
#define gt_top_k_accuracy(logits, labels, k) GT_NUMBER_AT(gt_top_k_accuracy(logits, labels, k))

/* The counts i64 [c,c] of labels (rows) predicted as classes (columns), a tensor of the step; and
 * the same, added to such a matrix in place, for more than one batch:
 *
 *   gt_tensor *m = gt_keep(gt_zeros(gt, GT_SHAPE(10, 10), .dtype = GT_I64));
 *   const gt_mark start = gt_mark_tape(gt);
 *   const bool recording = gt_set_recording(gt, false);     nothing is kept for gt_backward
 *   gt_eval(net);
 *   while (gt_loader_next(test, &x, &y)) {
 *       gt_rewind(gt, start);                               drops the batch before
 *       gt_confusion_add(m, gt_forward(net, x), y);
 *   }
 *   gt_set_recording(gt, recording); */
gt_tensor *gt_confusion(const gt_tensor *logits, const gt_tensor *labels);
#define gt_confusion(logits, labels) GT_AT(gt_confusion(logits, labels))
gt_status gt_confusion_add(gt_tensor *matrix, const gt_tensor *logits, const gt_tensor *labels);
#define gt_confusion_add(matrix, logits, labels)                                                   \
    GT_STATUS_AT(gt_confusion_add(matrix, logits, labels))

/* Of a confusion matrix. What would divide by 0 is 0, as in scikit-learn.
 *   precision = hits / predictions,  recall = hits / labels,  f1 = 2 hits / (predictions + labels)
 */
typedef struct {
    double precision, recall, f1;
    int64_t support; /* labels */
} gt_scores;
static inline gt_scores gt_scores_at_(gt_scores scores, const char *where)
{
    gt_number_at_(scores.precision, where);
    return scores;
}
#ifdef GT_NO_SITES
#define GT_SCORES_AT(call) (call)
#else
#define GT_SCORES_AT(call) gt_scores_at_((call), GT_HERE)
#endif
gt_scores gt_class_scores(const gt_tensor *confusion, int64_t class_index);
#define gt_class_scores(confusion, class_index)                                                    \
    GT_SCORES_AT(gt_class_scores(confusion, class_index))
typedef enum {
    GT_MACRO = 0, /* the mean over all classes, also those that do not occur */
    GT_MICRO,     /* of all decisions together: all three are the accuracy */
    GT_WEIGHTED,  /* the mean over classes, weighted by their support */
} gt_average;
gt_scores gt_average_scores(const gt_tensor *confusion, gt_average average);
#define gt_average_scores(confusion, average) GT_SCORES_AT(gt_average_scores(confusion, average))

/* A mean that grows, such as the loss of an epoch; all zero is empty. What is a mean itself has the
 * weight of what it averaged over, and a weight of 0 adds nothing, be the value NaN:
 *
 *   gt_running_add(&mean, gt_item(loss), gt_mean_weight(loss));
 *   gt_running_add(&right, gt_accuracy(logits, y), gt_count_labels(y)); */
typedef struct {
    double sum, weight;
} gt_running_mean;
static inline void gt_running_add(gt_running_mean *mean, double value, double weight)
{
    if (weight == 0) return;
    mean->sum += value * weight;
    mean->weight += weight;
}
/* NaN when empty. */
static inline double gt_running_value(const gt_running_mean *mean)
{
    return mean->sum / mean->weight;
}

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

/* --- stopping ---
 * A wish to stop, one for the whole process. gt_request_stop may be called by signal handlers and
 * by any thread:
 *
 *   static void on_interrupt(int number)
 *   {
 *       gt_request_stop();
 *       signal(number, SIG_DFL);      a second Ctrl-C ends the program at once
 *   }
 *
 * gt_fit then finishes its step, writes its checkpoint and returns; loops of one's own look at
 * gt_stop_requested. The wish stays until gt_stop_reset. What a program does afterwards, such as
 * exiting with 130, is its own business. */
void gt_request_stop(void);
bool gt_stop_requested(void);
void gt_stop_reset(void);

/* --- gt_fit --- */

/* The loss of a module's output for a batch x, y: one element, such as gt_mean makes. It counts for
 * as much as it averaged over (gt_mean_weight), and where that is unknown for the items of the
 * batch: in the means that are reported, and in the gradients of .accumulate. */
typedef gt_tensor *(*gt_loss_fn)(gt_tensor *out, gt_tensor *x, gt_tensor *y, void *user);
/* A number for each batch, whose mean over all batches is reported, each weighing as much as
 * `weight` says of it; a batch that fn gives NaN for does not count. Lists end with an entry
 * without a name: GT_METRICS(GT_ACCURACY, {.name = "top5", .fn = gt_metric_top_k, .user = &five})
 */
typedef double (*gt_metric_fn)(gt_tensor *out, gt_tensor *x, gt_tensor *y, void *user);
typedef struct {
    const char *name;
    gt_metric_fn fn;
    void *user;
    gt_metric_fn weight; /* NULL: the labels that count for gt_metric_accuracy and gt_metric_top_k,
                          * the items of the batch for all others */
} gt_metric;
#define GT_METRICS(...) GT_ARRAY(const gt_metric, __VA_ARGS__, {NULL, NULL, NULL, NULL})
#define GT_METRICS_MOST 16 /* with names of their own: not "loss", "lr", "seconds", "epoch" */
double gt_metric_accuracy(gt_tensor *out, gt_tensor *x, gt_tensor *y, void *user);
double gt_metric_top_k(gt_tensor *out, gt_tensor *x, gt_tensor *y, void *user);  /* int64_t *k */
double gt_metric_labels(gt_tensor *out, gt_tensor *x, gt_tensor *y, void *user); /* for .weight */
#define GT_ACCURACY                                                                                \
    {                                                                                              \
        "accuracy", gt_metric_accuracy, NULL, gt_metric_labels                                     \
    }

/* What callbacks see. */
typedef struct {
    gt_module *module;
    gt_optimizer *optimizer;
    gt_history *history;
    int64_t epoch, epochs;  /* the present one, from 1 on, and how many there will be */
    int64_t batch, batches; /* of the present epoch, those that are done */
    int64_t step;           /* steps of the optimizer since the beginning */
    double loss;            /* of this batch; after an epoch, its mean */
    double best;            /* of the monitored numbers; NaN before the first */
    int64_t best_epoch;     /* 0: none yet */
} gt_fit_state;
/* Returns false to end training after this step or epoch, which is no failure. */
typedef bool (*gt_fit_fn)(const gt_fit_state *s, void *user);
/* Any of them may be NULL. Lists end with an entry of nothing but NULL. */
typedef struct {
    gt_fit_fn begin;     /* before each epoch, behind gt_train(module) */
    gt_fit_fn gradients; /* between gt_backward and the optimizer's step, for instance to clip */
    gt_fit_fn step;      /* after each step */
    gt_fit_fn best;      /* after an epoch that is the best so far */
    gt_fit_fn epoch;     /* after each epoch; its numbers stand in the history's last row */
    void *user;
} gt_callbacks;
#define GT_CALLBACKS(...)                                                                          \
    GT_ARRAY(const gt_callbacks, __VA_ARGS__, {NULL, NULL, NULL, NULL, NULL, NULL})

typedef struct {
    gt_keywords gt_;
    int64_t epochs;           /* 1 */
    gt_loader *valid;         /* looked at after each epoch; NULL: none */
    gt_loss_fn loss;          /* NULL: gt_cross_entropy(out, y) */
    void *user;               /* for loss */
    const gt_metric *metrics; /* NULL: accuracy if loss is NULL, too, otherwise none */
    gt_schedule *schedule;    /* stepped after each epoch, if need be with the monitored number */
    bool schedule_each_step;  /* stepped after each step of the optimizer instead */
    gt_ema *ema;              /* updated after each step; validated and saved as .best in place of
                               * the weights */
    int64_t accumulate;       /* 1: batches to each step of the optimizer, which is that of one
                               * batch of them all */
    double clip_grad_norm;    /* 0: no clipping */
    const char *monitor;      /* "val_loss", without .valid "loss": the column that says which
                               * epoch is best and whether to stop early; more is better for
                               * gt_metric_accuracy and gt_metric_top_k, less for all others, */
    bool more_is_better;      /* unless this says otherwise */
    int64_t patience;         /* stop after so many epochs without improvement; 0: never */
    double min_delta;         /* 0: what counts as improvement is more than this */
    const char *best;         /* a file for the weights of the best epoch so far (gt_save) */
    const char *checkpoint;   /* a file for the run (gt_run_save) and its history, written after
                               * each epoch and before returning early, if there was a step. That
                               * both files can be written is tried before the first */
    bool resume; /* go on from .checkpoint, if there is such a file; its rows come first
                  * in a history that is empty, and .log says where it goes on */
    const gt_callbacks *callbacks;
    gt_history *history; /* takes the rows, behind those that it has; NULL: a new one */
    gt_board *board;     /* gets the same numbers; NULL: none */
    FILE *log;           /* progress and a line for each epoch, with a * where it is the best
                          * so far; for instance stdout; NULL: silent */
} gt_fit_opts;

/* Trains m on the batches of `train` with o, whose module is m, lies below it (a head that is
 * trained alone) or has m below it, and returns the history: columns "loss", one for each
 * metric, the same of .valid with "val_" before them, "lr" (of the epoch's last step) and
 * "seconds". Training numbers are means over the epoch as it went, in training mode, computed
 * before each gt_backward. Batches whose loss averaged over nothing, such as ignored labels, count
 * for nothing and, where there are no others, make no step.
 *
 * Epochs are whole: the rest of one that `train` was left in is given up, and until an epoch's end
 * `train` is gt_fit's alone.
 *
 * Sets training and evaluation mode, and leaves training mode behind; rewinds the tape to where it
 * was. Ends early, with a well context, when patience is at its end, a callback returns false, or
 * gt_stop_requested(); an epoch broken off has no row. A run that was broken off and resumed goes
 * on to the same bits, if its optimizer, schedule, loaders and module are made by the same calls;
 * its .epochs counts those before.
 *
 * NULL after a failure: that of any part, of a file, GT_ERR_ARGUMENT for a loader without batches
 * or objects that do not belong together, GT_ERR_STATE for a callback (or a loss, or a metric) that
 * uses the loader of the training within an epoch, or GT_ERR_NUMERIC for a loss that is not finite.
 * Rows so far are in .history. */
gt_history *gt_fit_(gt_module *m, gt_optimizer *o, gt_loader *train, gt_fit_opts opts);
/* gt_fit(net, sgd, train), gt_fit(net, sgd, train, .epochs = 10, .valid = test) */
#define gt_fit(m, o, ...) GT_FIT_(m, o, __VA_ARGS__, )
#define GT_FIT_(m, o, train, ...)                                                                  \
    GT_HISTORY_AT(gt_fit_(m, o, train, GT_OPTS(gt_fit_opts, __VA_ARGS__)))

/* The means over a whole epoch of a loader (the rest of one that has begun is given up), in
 * evaluation mode and without recording: to[0] is the loss, to[1..] the metrics; NaN where nothing
 * counts. Leaves m in the mode it was in. Errors: those of the parts, GT_ERR_ARGUMENT for NULL and
 * for a loader without batches, GT_ERR_STATE for a loss or metric that uses the loader. */
typedef struct {
    gt_keywords gt_;
    gt_loss_fn loss; /* these three as above */
    void *user;
    const gt_metric *metrics;
} gt_evaluate_opts;
gt_status gt_evaluate_(gt_module *m, gt_loader *loader, double *to, gt_evaluate_opts opts);
/* double test[2]; gt_evaluate(net, test_set, test): loss and accuracy */
#define gt_evaluate(m, loader, ...) GT_EVALUATE_(m, loader, __VA_ARGS__, )
#define GT_EVALUATE_(m, loader, to, ...)                                                           \
    GT_STATUS_AT(gt_evaluate_(m, loader, to, GT_OPTS(gt_evaluate_opts, __VA_ARGS__)))

GT_END_DECLS
#endif
