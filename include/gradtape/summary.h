/* What a network is made of, layer by layer. */
#ifndef GRADTAPE_SUMMARY_H
#define GRADTAPE_SUMMARY_H

#include <gradtape/nn.h>

GT_BEGIN_DECLS

typedef struct {
    gt_keywords gt_;
    gt_dtype dtype; /* of the input: the parameters' */
    int depth;      /* levels of modules shown, the last one with what lies below it; 0: all */
} gt_summary_opts;

/* Prints a row for m and every module below it:
 *
 *   Layer     path and type, indented
 *   Output    shape of its latest output
 *   Params    elements of its own parameters; shared ones in their first row only
 *   MACs      multiply-accumulates of its own products and convolutions, for the whole batch
 *   Forward   bytes of the activations that it computes itself
 *   Backward  bytes of their gradients
 *   Field     receptive field: rows x columns of the input that an output pixel sees, as far as the
 *             input reaches without limits; of branches the largest, without those that go
 *             through other shapes than images (as squeeze-and-excitation does)
 *   Step      by how many input pixels neighbouring output pixels are apart
 *
 * and totals. Runs m in evaluation mode, twice if it makes modules then, without computing anything
 * (gt_set_shapes_only); lazy modules materialise. Errors: those of m on an input of this shape;
 * GT_ERR_IO, GT_ERR_MEMORY. */
gt_status gt_summary_(FILE *f, gt_module *m, gt_shape input, gt_summary_opts opts);
/* gt_summary(stdout, net, GT_SHAPE(1, 3, 224, 224)) */
#define gt_summary(f, m, ...) GT_SUMMARY_(f, m, __VA_ARGS__, )
#define GT_SUMMARY_(f, m, input, ...)                                                              \
    GT_STATUS_AT(gt_summary_(f, m, input, GT_OPTS(gt_summary_opts, __VA_ARGS__)))

GT_END_DECLS
#endif
