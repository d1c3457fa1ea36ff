/* What saving and loading runs share. */
#ifndef GTI_IO_RUN_H
#define GTI_IO_RUN_H

#include "io/io.h"

/* The metadata that marks a run's file. */
extern const char gti_run_key[], gti_run_version[];

enum { GTI_LOADER_WORDS = 4, GTI_WALKERS = 3 };

/* A part of a run that walks over its state, and how its entries begin. */
typedef struct {
    const char *name; /* "optimizer" */
    const char *tensor, *number;
    const char *metadata;                   /* "gradtape.optimizer": the kind, in the file */
    const char *(*kind)(const gt_run *run); /* "SGD"; NULL: the run has no such part */
    bool (*has)(const gt_run *run, const char *name, const gt_tensor **like);
    gt_optim_iter (*walk)(const gt_run *run);
    void (*clear)(const gt_run *run);
    gt_status (*take)(const gt_run *run, const char *name, gt_tensor *tensor, double number);
} gti_walker;
extern const gti_walker gti_walkers[GTI_WALKERS];

/* Whether a call may begin; otherwise *status says why. */
bool gti_run_ready(const gt_run *run, const char *what, const char *path, gt_status *status);
/* "tensor." and the name, in text; NULL when out of memory. */
const char *gti_run_own_name(gti_text *text, const char *name);

#endif
