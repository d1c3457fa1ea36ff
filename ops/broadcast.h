/* Operands that broadcast: out[i] depends on one element of each, where an operand repeats along
 * the dimensions that it lacks or has with size 1. */
#ifndef GTI_OPS_BROADCAST_H
#define GTI_OPS_BROADCAST_H

#include "common.h"

/* Shape rule: output 0 has the shape that all inputs broadcast to; or says where they do not. */
bool gti_broadcast_infer(gt_node *n);

/* Whether x broadcasts to the shape `to`, of which no dimension is negative. */
bool gti_broadcast_stretches(const gt_shape *x, const gt_shape *to);

/* One row of output 0: operand k of it starts at in[k] and has stride[k], 0 or 1. `which` comes
 * from the caller. */
typedef void gti_row(const gt_node *n, int which, int64_t length, const void *const in[],
                     const int64_t stride[], void *out);
/* Calls row for elements begin to end of output 0, in order; for two or three inputs. */
void gti_broadcast_elements(const gt_node *n, int64_t begin, int64_t end, int which, gti_row *row);

/* Strides in elements of x seen under `shape`, which x broadcasts to and which is not empty: 0
 * where x repeats. */
void gti_broadcast_strides(gt_shape x, gt_shape shape, int64_t stride[GT_MAX_DIMS]);

/* A walk over rows: dimensions that all operands pass alike are merged into one, the innermost of
 * what is left is the row (elements: its strides are 0 or 1), the outer ones are stepped through.
 */
typedef struct {
    int ndim;                                 /* of the outer dimensions */
    int64_t dim[GT_MAX_DIMS];                 /* outer dimensions */
    int64_t sa[GT_MAX_DIMS], sb[GT_MAX_DIMS]; /* outer strides of a, b */
    int64_t sc[GT_MAX_DIMS];                  /* and c, all 0 when there are two operands */
    int64_t row, row_sa, row_sb, row_sc;      /* length and strides of the row */
    int64_t rows;                             /* the product of dim */
    int64_t index[GT_MAX_DIMS];               /* of the current row */
    int64_t a, b, c;                          /* offsets of the current row, in elements */
} gti_walk;

/* Strides as from gti_broadcast_strides; shape is not empty. Stands on the first
 * row. */
void gti_broadcast_walk(gti_walk *w, gt_shape shape, const int64_t *sa, const int64_t *sb);
void gti_broadcast_walk_three(gti_walk *w, gt_shape shape, const int64_t *sa, const int64_t *sb,
                              const int64_t *sc);
/* Goes to a row. */
void gti_broadcast_seek(gti_walk *w, int64_t row);
/* Goes to the next row; after the last one, back to the first. */
void gti_broadcast_next(gti_walk *w);

#endif
