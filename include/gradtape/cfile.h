/* C files: a network as one C99 file without dependencies, for where gradtape is not.
 *
 *   gt_export_c(net, "net.c", GT_SHAPE(1, 1, 28, 28))       net.c and net.h: void net_forward(
 *                                                           const float *input, float *output);
 *   gt_export_c(net, "net.c", shape, .weights_file = "net.bin")      parameters apart
 *   gt_export_c(net, "net.c", shape, .caller_memory = true)          the caller has the memory
 *
 * What the module computes in evaluation mode, in floats, for inputs of this shape; names begin
 * with that of the file, "net". The file includes <math.h> and what every C99 compiler brings, and
 * needs no memory but arrays of a fixed size, in which results lie by their lives: no malloc, no
 * state that outlives a call. Batch norms are folded into the convolutions before them, and relu
 * and its like are done where a convolution stores; dropout is gone. net.h says shapes and sizes.
 * An index that is in no table gives NaN. docs/c-file.md tells more. */
#ifndef GRADTAPE_CFILE_H
#define GRADTAPE_CFILE_H

#include <gradtape/graph.h>

GT_BEGIN_DECLS

typedef struct {
    gt_keywords gt_;
    const char *prefix;       /* of all names; that of the file, "net" of "dir/net.c" */
    const char *weights_file; /* parameters go there, not into arrays; net_weights() checks them */
    bool big_endian;          /* of the weights file; little-endian */
    bool caller_memory;       /* net_forward takes a struct net_memory * */
    bool unfolded;            /* batch norms stay as they are */
    gt_dtype dtype;           /* of the input: the parameters' */
    const gt_module *weights; /* of gt_export_c_graph alone: has the graph's parameters */
} gt_export_c_opts;

/* Writes the file, its header beside it ("net.h"), and the weights file: each appears whole or not
 * at all, the C file last. Errors: those of the module on such an input; GT_ERR_UNSUPPORTED (an
 * operation without a counterpart, values that are not f32, with more than 2^31 elements or with
 * none, large constants of the program), GT_ERR_ARGUMENT, GT_ERR_IO, GT_ERR_MEMORY. */
GT_MUST_CHECK gt_status gt_export_c_(gt_module *m, const char *path, gt_shape input,
                                     gt_export_c_opts opts);
/* gt_export_c(net, "net.c", GT_SHAPE(1, 3, 224, 224), .prefix = "resnet") */
#define gt_export_c(m, path, ...) GT_EXPORT_C_(m, path, __VA_ARGS__, )
#define GT_EXPORT_C_(m, path, input, ...)                                                          \
    GT_CHECKED_AT(gt_export_c_(m, path, input, GT_OPTS(gt_export_c_opts, __VA_ARGS__)))
GT_MUST_CHECK gt_status gt_export_c_graph_(const gt_graph *g, const char *path,
                                           gt_export_c_opts opts);
/* gt_export_c_graph(g, "step.c"): of a tensor, or of a captured step with several inputs */
#define gt_export_c_graph(g, ...) GT_EXPORT_C_GRAPH_(g, __VA_ARGS__, )
#define GT_EXPORT_C_GRAPH_(g, path, ...)                                                           \
    GT_CHECKED_AT(gt_export_c_graph_(g, path, GT_OPTS(gt_export_c_opts, __VA_ARGS__)))

/* Why an operation cannot be written in C; NULL: it can. */
const char *gt_export_c_reason(const gt_op *op);

GT_END_DECLS
#endif
