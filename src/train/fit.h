/* What the files of gt_fit share. */
#ifndef GTI_TRAIN_FIT_H
#define GTI_TRAIN_FIT_H

#include "train/train.h"
#include <gradtape/capture.h>

enum { GTI_NAME = 4 + GT_NAME_MOST + 1 }; /* "val_" and a metric's */

typedef struct {
    gt_ctx *gt;
    gt_module *m;
    gt_optimizer *o;
    gt_loader *train;
    gt_fit_opts opts; /* defaults filled in */
    gti_measure measure;
    const char *monitor;
    gt_history *history;
    gt_run run;        /* run.epoch: epochs that are over */
    gt_tensor *memory; /* what else is saved with the run (fit_run.c); kept */
    gt_tensor *table;  /* the history in the checkpoint (fit_history.c); kept */
    char *names;       /* its columns; owned */
    gt_named_tensor memories[3];
    gt_metadata notes[2];
    gt_fit_state state;
    gti_means means, valid; /* of the present epoch */
    gt_captured *captured;  /* forward and backward of a batch of shape `full`; or NULL */
    gt_shape full;
    gt_batch batch, learnt; /* that it runs on, and its outputs as they were captured */
    gt_mark start;
    uint64_t loader_epoch; /* the loader's number of the present epoch */
    int64_t pending;       /* batches since the optimizer's last step, */
    double weight;         /* and what they averaged over */
    double lr;             /* of the optimizer's last step */
    bool halted;           /* to be ended, without a failure */
    bool improved;         /* the last epoch was the best so far */
    gt_progress bar, valid_bar;
    char label[64], valid_label[80];
} gti_fit;

/* --- fit_run.c --- */

/* Checks and completes the options, and goes to where the run is to begin. */
bool gti_fit_open(gti_fit *f, const char *what);
/* The monitored number was not better for .patience epochs. */
bool gti_fit_is_exhausted(const gti_fit *f);
/* Writes the checkpoint, if there is to be one. */
bool gti_fit_save(gti_fit *f);
/* The column of what is measured as number i. Returns buf. */
const char *gti_fit_name(const gti_fit *f, int i, const char *prefix, char buf[GTI_NAME]);

/* --- fit_history.c --- */

/* Puts the history among what the checkpoint takes. */
bool gti_fit_history_pack(gti_fit *f);
/* Before loading: makes room for the history in the checkpoint, if it has one; behind it: gives the
 * rows to the run's history, if that is empty. */
bool gti_fit_history_expect(gti_fit *f);
bool gti_fit_history_unpack(gti_fit *f);
void gti_fit_history_free(gti_fit *f);

/* --- fit_show.c --- */

void gti_fit_show_begin(gti_fit *f);
void gti_fit_show_batch(gti_fit *f);
/* The validation's bar takes the place of the epoch's. */
void gti_fit_show_validation(gti_fit *f);
void gti_fit_show_valid(void *fit, int64_t batch);
void gti_fit_show_epoch(gti_fit *f);
/* Where a run goes on that was loaded. */
void gti_fit_show_resumed(const gti_fit *f);
/* Why training ends early. */
void gti_fit_show_exhausted(const gti_fit *f);
/* Ends a bar that is still there. */
void gti_fit_show_stop(gti_fit *f);

#endif
