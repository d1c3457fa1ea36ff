/* Options of nodes, completed. */
#ifndef GTI_ENGINE_ATTRS_H
#define GTI_ENGINE_ATTRS_H

#include <gradtape/attr.h>

#include "engine/context.h"

/* Bytes of room for options beside a node that lives on the stack. */
enum { GTI_FRAME_OPTS = 192 };

/* Completes n->opts: in place where they are n's own, behind its outputs, else a copy in room. To
 * be called for operations with op->attrs.fill. */
bool gti_attrs_complete(gt_node *n, int64_t *room);

/* Options of a call that gives none: all zero. NULL after a failure. */
const void *gti_attrs_none(gt_ctx *gt, const gt_op *op);

/* "alpha is inf, must be finite": what is wrong with a value that was filled in; opts NULL: with
 * one that was not given. */
char *gti_attr_wrong(const gt_attr *a, const void *opts, char why[GT_WHY]);

#endif
