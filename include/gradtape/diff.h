/* Comparing two files: graphs, and weights.
 *
 *   int64_t n = gt_diff(gt, "before.json", "after.json", stdout);
 *   n = gt_diff(gt, "a.safetensors", "b.npz", stdout, .tolerance = 1e-6);
 *
 * Graphs are those that gt_graph_save has written as .json, and models of ONNX as they are
 * imported; weights are .safetensors, .npz, .npy and the initialisers of .onnx. What both files
 * have is compared: of two models of ONNX graph and weights. */
#ifndef GRADTAPE_DIFF_H
#define GRADTAPE_DIFF_H

#include <gradtape/graph.h>

GT_BEGIN_DECLS

typedef struct {
    gt_keywords gt_;
    double tolerance; /* a and b count as the same where |a - b| <= tolerance (1 + |b|) */
    bool json;        /* a line of JSON for each difference */
} gt_diff_opts;

/* Prints a line for each difference: "-" what only the first file has, "+" what only the second
 * has, "~" what differs: of a graph's module, leaf or operation type, options, shapes, dtypes and
 * inputs, of a tensor shape, dtype, and how many elements differ, with the largest absolute and
 * relative difference and their places. Names are paths; modules that are called otherwise are
 * others. Symbolic batches are the same, whatever their size. Returns how many differences there
 * are, -1 after a failure: GT_ERR_IO, GT_ERR_FORMAT, GT_ERR_UNSUPPORTED (scopes with paths of more
 * than 4096 bytes), GT_ERR_ARGUMENT (nothing to compare), GT_ERR_MEMORY. */
int64_t gt_diff_(gt_ctx *gt, const char *path, const char *other, FILE *f, gt_diff_opts opts);
/* gt_diff(gt, "a.onnx", "b.onnx", stdout), gt_diff(gt, a, b, f, .tolerance = 1e-5) */
#define gt_diff(gt, path, other, ...) GT_DIFF_(gt, path, other, __VA_ARGS__, )
#define GT_DIFF_(gt, path, other, f, ...)                                                          \
    gt_diff_(gt, path, other, f, GT_OPTS(gt_diff_opts, __VA_ARGS__))

GT_END_DECLS
#endif
