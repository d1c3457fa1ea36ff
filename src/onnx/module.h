/* The module that runs a model. */
#ifndef GTI_ONNX_MODULE_H
#define GTI_ONNX_MODULE_H

#include <gradtape/onnx.h>

#include "onnx/op.h"

typedef struct {
    gt_module base;
    gti_onnx_model *model; /* shared with copies */
    gt_scope *scope;       /* of each node, for messages and pictures; then of modules */
    char *names;           /* of these */
    int *last;             /* of each value the last node that reads it; n_nodes: it is an output */
} gti_onnx;

/* --- scopes.c --- */
/* False when memory is short. */
bool gti_scopes_make(gti_onnx *o);

/* --- run.c --- */

gt_tensor *gti_run_forward(gt_module *m, gt_tensor *x);
/* The module, or NULL where it is of another kind: module.c. */
gti_onnx *gti_module_onnx(const gt_module *m);

#endif
