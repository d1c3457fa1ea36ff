/* What the files of src/train share. */
#ifndef GTI_TRAIN_TRAIN_H
#define GTI_TRAIN_TRAIN_H

#include <gradtape/train.h>

/* --- metrics.c: with the weight of the number, unless that is NULL --- */

double gti_metrics_iou(const gt_tensor *logits, const gt_tensor *labels, int64_t k, double *weight,
                       const char *what);
double gti_metrics_dice(const gt_tensor *logits, const gt_tensor *labels, int64_t k, double *weight,
                        const char *what);

/* --- measure.c --- */

/* What is measured on every batch: number 0 is the loss, 1.. are the metrics. */
typedef struct {
    gt_ctx *gt;
    gt_loss_fn loss;
    void *user;
    gt_metric metric[GT_METRICS_MOST];
    int metrics;
    int inputs;       /* 0: all members but the last, or the only one */
    const char *what; /* the function that measures */
} gti_measure;
/* Of each number its sums, or those of its mean: values times weights, and weights. */
typedef struct {
    double sums[1 + GT_METRICS_MOST][GT_METRIC_SUMS];
    int64_t items;
} gti_means;
double gti_measure_value(const gti_measure *m, const gti_means *means, int i);
bool gti_measure_open(gti_measure *m, gt_ctx *gt, gt_loss_fn loss, void *user,
                      const gt_metric *metrics, const char *what);
/* Whether a loader has batches at all, and members for so many inputs; otherwise fails. */
bool gti_measure_loader(const gt_loader *loader, int inputs, const char *what);
/* Whether a loader has given so many batches of the epoch with this number; otherwise somebody else
 * has used it, and the call fails. */
bool gti_measure_place(const gt_loader *loader, uint64_t epoch, int64_t position, const char *what);
/* The loader's next batch, by inputs and targets. */
bool gti_measure_next(const gti_measure *m, gt_loader *loader, gt_batch *b);
/* Fills in what the module makes of it. False after a failure. */
bool gti_measure_forward(gt_module *module, gt_batch *b);
/* The loss of a batch, which knows its weight, and what was measured added to the means. NULL after
 * a failure. */
gt_tensor *gti_measure_batch(const gti_measure *m, gt_module *module, gt_batch *b,
                             gti_means *means);
/* The two halves of it: the loss of an output, and adding it and the metrics to the means. */
gt_tensor *gti_measure_loss(const gti_measure *m, const gt_batch *b);
bool gti_measure_add(const gti_measure *m, const gt_batch *b, const gt_tensor *loss,
                     gti_means *means);
/* A loader's epoch in evaluation mode. `seen`, if there is one, hears of each batch that is done.
 */
typedef void (*gti_seen_fn)(void *user, int64_t done);
bool gti_measure_epoch(const gti_measure *m, gt_module *module, gt_loader *loader, gti_means *means,
                       gti_seen_fn seen, void *user);

#endif
