/* Training comforts: metrics, stopping by signal, and gt_fit, a training loop for those who want
 * one.
 *
 *   gt_history *h = gt_fit(net, sgd, train, .epochs = 10, .valid = test, .log = stdout);
 *   gt_history_write_svg(h, "loss.svg");
 *
 * Each part works in a loop of one's own, too; gt_fit uses nothing else. After a failure functions
 * here take NULL and do nothing. */
#ifndef GRADTAPE_TRAIN_H
#define GRADTAPE_TRAIN_H

#include <gradtape/loss.h>
#include <gradtape/optim.h>
#include <gradtape/view.h>

GT_BEGIN_DECLS

/* --- metrics ---
 * Of logits (or probabilities) f32 or f64 [n,c,...], classes along axis 1, and labels i64 [n,...]
 * in 0..c-1; a label of -100 does not count, as in gt_cross_entropy. Instead of labels, parts of
 * classes of the shape of logits will do, as GT_MIXUP makes them: the largest is the label. The
 * predicted class is that of the largest number, the first one of several, NaN before all, as
 * gt_argmax has it.
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

/* Of one class of pixels: where prediction and labels agree, over where either is it (intersection
 * over union), and twice that over both together (dice, which is f1). The weights with which a mean
 * over batches is that of all their pixels are how many are in the union, and in both. NaN where
 * there are none. */
double gt_iou(const gt_tensor *logits, const gt_tensor *labels, int64_t class_index);
#define gt_iou(logits, labels, class_index) GT_NUMBER_AT(gt_iou(logits, labels, class_index))
double gt_dice(const gt_tensor *logits, const gt_tensor *labels, int64_t class_index);
#define gt_dice(logits, labels, class_index) GT_NUMBER_AT(gt_dice(logits, labels, class_index))

/* Of predictions and targets of one shape, f32 or f64: the mean of |x - y|, which weighs as much as
 * it has elements; and 1 - sum (x - y)^2 / sum (y - mean y)^2, scikit-learn's r2_score, NaN where y
 * is the same everywhere. */
double gt_mean_absolute_error(const gt_tensor *x, const gt_tensor *y);
#define gt_mean_absolute_error(x, y) GT_NUMBER_AT(gt_mean_absolute_error(x, y))
double gt_r2_score(const gt_tensor *x, const gt_tensor *y);
#define gt_r2_score(x, y) GT_NUMBER_AT(gt_r2_score(x, y))

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
 *   precision = hits / predictions,  recall = hits / labels,  f1 = 2 hits / (predictions + labels),
 *   which is dice, too,  iou = hits / (predictions + labels - hits) */
typedef struct {
    double precision, recall, f1;
    int64_t support; /* labels */
    double iou;
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
    GT_MICRO,     /* of all decisions together: the first three are the accuracy */
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

/* --- stopping ---
 * A wish to stop, one for the whole process. gt_request_stop may be called by signal handlers and
 * by any thread; after gt_stop_on_interrupt Ctrl-C is such a wish, and a second one ends the
 * program at once. gt_fit then finishes its step, writes its checkpoint and returns; loops of one's
 * own look at gt_stop_requested. The wish stays until gt_stop_reset. What a program does
 * afterwards, such as exiting with 130, is its own business. */
void gt_request_stop(void);
void gt_stop_on_interrupt(void);
bool gt_stop_requested(void);
void gt_stop_reset(void);
/* Whether a loop of one's own goes on: nothing has failed, and nobody wishes to stop. */
bool gt_goes_on(const gt_ctx *gt);

/* --- gt_fit --- */

/* A batch of a loader, and what a module makes of it: the members of the items are inputs and
 * targets. Behind the last of each stands NULL. */
typedef struct {
    gt_tensor *in[GT_MEMBERS_MOST + 1], *target[GT_MEMBERS_MOST + 1];
    gt_tensor *out[GT_MODULE_MOST + 1];
} gt_batch;

/* The loss of a batch: one element, such as gt_mean makes.
 *
 *   static gt_tensor *squares(const gt_batch *b, void *user)
 *   {
 *       return gt_mse_loss(b->out[0], b->target[0]);
 *   }
 *
 * or, shorter, .loss = gt_batch_loss, .user = gt_nn_mse_loss(gt).
 *
 * It counts for as much as it averaged over (gt_mean_weight), and where that is unknown for the
 * items of the batch: in the means that are reported, and in the gradients of .accumulate. */
typedef gt_tensor *(*gt_loss_fn)(const gt_batch *b, void *user);
/* The loss of the first output and target that user, a gt_loss *, is. */
gt_tensor *gt_batch_loss(const gt_batch *b, void *user);
/* A number for each batch, whose mean over all batches is reported, each weighing as much as
 * `weight` says of it; a batch that fn gives NaN for does not count. What no such mean tells has
 * instead of fn a `gather`, which adds a batch to sums that begin with zeros, and a `value` of
 * these. Lists end with an entry without a name: GT_METRICS(GT_ACCURACY, GT_TOP_K("top5", &five))
 */
typedef double (*gt_metric_fn)(const gt_batch *b, void *user);
#define GT_METRIC_SUMS 4
typedef void (*gt_metric_gather_fn)(const gt_batch *b, void *user, double sums[GT_METRIC_SUMS]);
typedef double (*gt_metric_value_fn)(const double sums[GT_METRIC_SUMS]);
typedef struct {
    const char *name;
    gt_metric_fn fn;
    void *user;
    gt_metric_fn weight; /* NULL: the items of the batch */
    bool more_is_better; /* where it is monitored */
    gt_metric_gather_fn gather;
    gt_metric_value_fn value;
} gt_metric;
#define GT_METRICS(...)                                                                            \
    GT_ARRAY(const gt_metric, __VA_ARGS__, GT_METRIC_OF_(NULL, NULL, NULL, NULL, false))
#define GT_METRIC_OF_(name, fn, user, weight, more_is_better)                                      \
    {                                                                                              \
        name, fn, user, weight, more_is_better, NULL, NULL                                         \
    }
#define GT_METRICS_MOST 16 /* with names of their own: not "loss", "lr", "seconds", "epoch" */
/* Of the first output and target. */
double gt_metric_accuracy(const gt_batch *b, void *user);
double gt_metric_top_k(const gt_batch *b, void *user);  /* int64_t *k */
double gt_metric_labels(const gt_batch *b, void *user); /* for .weight */
double gt_metric_iou(const gt_batch *b, void *user);    /* int64_t *class_index */
double gt_metric_dice(const gt_batch *b, void *user);   /* the same */
double gt_metric_absolute_error(const gt_batch *b, void *user);
void gt_metric_gather_r2(const gt_batch *b, void *user, double sums[GT_METRIC_SUMS]);
double gt_metric_value_r2(const double sums[GT_METRIC_SUMS]);
/* Their weights. */
double gt_metric_union(const gt_batch *b, void *user);
double gt_metric_both(const gt_batch *b, void *user);
double gt_metric_elements(const gt_batch *b, void *user);
#define GT_IOU(name, class_index)                                                                  \
    GT_METRIC_OF_(name, gt_metric_iou, class_index, gt_metric_union, true)
#define GT_DICE(name, class_index)                                                                 \
    GT_METRIC_OF_(name, gt_metric_dice, class_index, gt_metric_both, true)
#define GT_MAE GT_METRIC_OF_("mae", gt_metric_absolute_error, NULL, gt_metric_elements, false)
#define GT_R2                                                                                      \
    {                                                                                              \
        "r2", NULL, NULL, NULL, true, gt_metric_gather_r2, gt_metric_value_r2                      \
    }
#define GT_ACCURACY GT_METRIC_OF_("accuracy", gt_metric_accuracy, NULL, gt_metric_labels, true)
#define GT_TOP_K(name, k) GT_METRIC_OF_(name, gt_metric_top_k, k, gt_metric_labels, true)

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
    gt_fit_fn begin;     /* before each epoch */
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
    gt_loss_fn loss;          /* NULL: gt_cross_entropy(out[0], target[0]) */
    void *user;               /* for loss */
    const gt_metric *metrics; /* NULL: accuracy if loss is NULL, too, otherwise none */
    gt_schedule *schedule;    /* stepped after each epoch, if need be with the monitored number */
    int inputs;               /* members of the items that go into the module; the others are
                               * targets; 0: all but the last, or the only one */
    bool schedule_each_step;  /* stepped after each step of the optimizer instead */
    gt_ema *ema;              /* updated after each step; validated and saved as .best in place of
                               * the weights */
    int64_t accumulate;       /* 1: batches to each step of the optimizer, which is that of one
                               * batch of them all */
    double clip_grad_norm;    /* 0: no clipping */
    bool capture;             /* forward and backward of full batches are captured once an epoch and
                               * replayed (capture.h): the same bits, faster. Not where the module
                               * or the loss looks at values or differs from batch to batch, which
                               * the library cannot know: hence not by itself. Callbacks, metrics,
                               * updates and a smaller last batch are as ever; what a capture
                               * cannot do is an error of gt_capture or gt_replay */
    const char *monitor;      /* "val_loss", without .valid "loss": the column that says which
                               * epoch is best and whether to stop early; more is better for
                               * gt_metric_accuracy and gt_metric_top_k, less for all others, */
    bool more_is_better;      /* unless this, or the metric, says otherwise */
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
 * Modes: m is trained in the modes that it has, so that parts which gt_eval has put to evaluation
 * stay so: a frozen part whose batch normalisations keep their statistics. Only where m itself is
 * in evaluation mode, all of it is put to training mode first, as by gt_train(m). Epochs of .valid
 * are in evaluation mode and give each part its mode back.
 *
 * Rewinds the tape to where it was. Ends early, with a well context, when patience is at its end, a
 * callback returns false, or gt_stop_requested(); an epoch broken off has no row. A run that was
 * broken off and resumed goes on to the same bits, if its optimizer, schedule, loaders and module
 * are made by the same calls; its .epochs counts those before.
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
    gt_loss_fn loss; /* these four as above */
    void *user;
    const gt_metric *metrics;
    int inputs;
} gt_evaluate_opts;
gt_status gt_evaluate_(gt_module *m, gt_loader *loader, double *to, gt_evaluate_opts opts);
/* double test[2]; gt_evaluate(net, test_set, test): loss and accuracy */
#define gt_evaluate(m, loader, ...) GT_EVALUATE_(m, loader, __VA_ARGS__, )
#define GT_EVALUATE_(m, loader, to, ...)                                                           \
    GT_STATUS_AT(gt_evaluate_(m, loader, to, GT_OPTS(gt_evaluate_opts, __VA_ARGS__)))

/* --- predicting ---
 * What m makes of many items, batch by batch, in evaluation mode and without recording, so that
 * memory holds one batch's activations and the results. Leaves each module in the mode it was in.
 * The results have a row for each item, and belong to the step. */
typedef struct {
    gt_keywords gt_;
    int64_t batch; /* 64: items at a time; a loader's are its own */
    int inputs;    /* of a loader's members, the first so many go to m: all but the last one, or the
                    * only one */
    FILE *log;     /* progress, for instance stderr; NULL: silent */
} gt_predict_opts;
/* m has one input and one output; x [n,...] is cut along its first dimension. Errors: those of m,
 * GT_ERR_ARGUMENT (NULL), GT_ERR_SHAPE (x has no items; an output without a row for each),
 * GT_ERR_MEMORY. */
gt_tensor *gt_predict_(gt_module *m, gt_tensor *x, gt_predict_opts opts);
/* gt_predict(net, x), gt_predict(net, x, .batch = 256, .log = stderr) */
#define gt_predict(m, ...) GT_PREDICT_(m, __VA_ARGS__, )
#define GT_PREDICT_(m, x, ...) GT_AT(gt_predict_(m, x, GT_OPTS(gt_predict_opts, __VA_ARGS__)))
/* All outputs of m for a whole epoch of a loader, in its order: one that shuffles gives them
 * shuffled. The rest of an epoch that has begun is given up. */
gt_outputs gt_predict_loader_(gt_module *m, gt_loader *loader, gt_predict_opts opts);
#define gt_predict_loader(m, ...) GT_PREDICT_LOADER_(m, __VA_ARGS__, )
#define GT_PREDICT_LOADER_(m, loader, ...)                                                         \
    GT_OUTPUTS_AT_(gt_predict_loader_(m, loader, GT_OPTS(gt_predict_opts, __VA_ARGS__)))

GT_END_DECLS
#endif
