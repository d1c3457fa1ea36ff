/* ONNX files: models of other frameworks as modules.
 *
 *   gt_module *net = gt_onnx_load(gt, "resnet18.onnx");
 *   gt_tensor *logits = gt_forward(net, images);
 *
 * The module has the model's initialisers as parameters (weights, biases) and buffers (running
 * statistics, other numbers), under their names in the file: "layer1.0.conv1.weight" is a path, as
 * in PyTorch's state dict. It is in evaluation mode; after gt_train(net) its batch normalisations
 * and dropouts train, and it is fine-tuned like any other:
 *
 *   gt_freeze(net, "*");
 *   gt_unfreeze(net, "fc.*");                the last layer alone
 *   gt_fit(net, gt_sgd(net, .lr = 0.01), images, .epochs = 3, .capture = true);
 *
 * A file has what its exporter left in it. PyTorch's folds batch normalisations into convolutions,
 * which then train without them, and the older one (dynamo=False) calls those weights
 * "onnx::Conv_193". To have both, export model.eval() with one of
 *
 *   torch.onnx.export(model, (x,), f, dynamo=False, do_constant_folding=False,
 *                     input_names=["input"], dynamic_axes={"input": {0: "batch"}})
 *   torch.onnx.export(model, (x,), f, dynamo=True, optimize=False,
 *                     dynamic_shapes=({0: torch.export.Dim("batch")},))
 *
 * Nodes that the file itself has in training mode, as TrainingMode.TRAINING writes them, are so in
 * evaluation mode, too.
 *
 * Read are operator sets 6 to 28, IR versions from 3 on, floats of 16 bits as f32, whole numbers as
 * i64, truth values as u8, data in files beside the model ("net.onnx.data"), and the operators
 * that gt_onnx_imports knows. What cannot be
 * imported is refused with the node's name and the reason: control flow, quantised and 3-D
 * operators, strings, functions of the model's own. Nothing of a file is trusted. */
#ifndef GRADTAPE_ONNX_H
#define GRADTAPE_ONNX_H

#include <gradtape/graph.h>

GT_BEGIN_DECLS

typedef struct {
    gt_keywords gt_;
    bool frozen; /* its parameters require no gradients */
} gt_onnx_opts;

/* A module that runs the model of a file, a root. Errors: GT_ERR_IO, GT_ERR_FORMAT (no model, cut
 * off, names from nowhere, cycles), GT_ERR_UNSUPPORTED (what is not imported), GT_ERR_MEMORY. */
gt_module *gt_onnx_load_(gt_ctx *gt, const char *path, gt_onnx_opts opts);
/* gt_onnx_load(gt, "net.onnx"), gt_onnx_load(gt, "net.onnx", .frozen = true) */
#define gt_onnx_load(gt, ...) GT_ONNX_LOAD_(gt, __VA_ARGS__, )
#define GT_ONNX_LOAD_(gt, path, ...)                                                               \
    GT_MODULE_AT(gt_onnx_load_(gt, path, GT_OPTS(gt_onnx_opts, __VA_ARGS__)))

/* Models of several inputs and outputs, in the order of the file; gt_forward is for one input and
 * gives the first output. */
int gt_onnx_n_inputs(const gt_module *m);
int gt_onnx_n_outputs(const gt_module *m);
const char *gt_onnx_input_name(const gt_module *m, int i); /* NULL when there is none */
const char *gt_onnx_output_name(const gt_module *m, int i);
/* What the file says of an input: its shape, dimensions without a number as 0, and the dtype that
 * it is read as. False when it says nothing, or there is no such input. */
bool gt_onnx_input_type(const gt_module *m, int i, gt_shape *shape, gt_dtype *dtype);
/* Fills out with all outputs, NULL after a failure. Errors: GT_ERR_ARGUMENT (m is no such module,
 * another number of inputs, NULL), and those of the operators, which name the node. */
gt_status gt_onnx_forward(gt_module *m, int n_in, gt_tensor *const in[], gt_tensor *out[]);
#define gt_onnx_forward(...) GT_STATUS_AT(gt_onnx_forward(__VA_ARGS__))

/* Prints what is in a file, whether or not it can be loaded: versions, inputs and outputs,
 * operators and how often each is there, initialisers, and what gt_onnx_load refuses, and why.
 * Errors: GT_ERR_IO, GT_ERR_FORMAT (it is no model), GT_ERR_ARGUMENT, GT_ERR_MEMORY. */
gt_status gt_onnx_print(gt_ctx *gt, const char *path, FILE *f);
#define gt_onnx_print(gt, path, f) GT_STATUS_AT(gt_onnx_print(gt, path, f))

/* Whether an operator of the standard's domain can be imported. */
bool gt_onnx_imports(const char *operator_name);

/* A tensor of a file with one TensorProto, as ONNX's test data has them. Errors as above. */
gt_tensor *gt_onnx_load_tensor(gt_ctx *gt, const char *path);
#define gt_onnx_load_tensor(gt, path) GT_AT(gt_onnx_load_tensor(gt, path))

/* --- writing ---
 * What a module computes in evaluation mode, or a graph (graph.h), as a model that onnxruntime,
 * Netron and others read. Names are PyTorch's, the batch is symbolic where the module takes any,
 * and every value has its shape. Convolution and bias are one node, product and bias, too. */
typedef struct {
    gt_keywords gt_;
    int opset;                /* 17; to 24. Later ones have operators that are composed otherwise */
    gt_dtype dtype;           /* of the input: the parameters' */
    const gt_module *weights; /* of gt_onnx_save_graph alone: has the graph's parameters */
} gt_onnx_save_opts;

/* The file appears whole or not at all. Errors: those of the module on such an input;
 * GT_ERR_UNSUPPORTED (an operation that has no counterpart, with the reason; large constants of the
 * program), GT_ERR_ARGUMENT, GT_ERR_IO, GT_ERR_MEMORY. */
GT_MUST_CHECK gt_status gt_onnx_save_(gt_module *m, const char *path, gt_shape input,
                                      gt_onnx_save_opts opts);
/* gt_onnx_save(net, "net.onnx", GT_SHAPE(1, 3, 224, 224)), gt_onnx_save(net, path, shape, .opset =
 * 21) */
#define gt_onnx_save(m, path, ...) GT_ONNX_SAVE_(m, path, __VA_ARGS__, )
#define GT_ONNX_SAVE_(m, path, input, ...)                                                         \
    GT_CHECKED_AT(gt_onnx_save_(m, path, input, GT_OPTS(gt_onnx_save_opts, __VA_ARGS__)))
GT_MUST_CHECK gt_status gt_onnx_save_graph_(const gt_graph *g, const char *path,
                                            gt_onnx_save_opts opts);
/* gt_onnx_save_graph(g, "loss.onnx") */
#define gt_onnx_save_graph(g, ...) GT_ONNX_SAVE_GRAPH_(g, __VA_ARGS__, )
#define GT_ONNX_SAVE_GRAPH_(g, path, ...)                                                          \
    GT_CHECKED_AT(gt_onnx_save_graph_(g, path, GT_OPTS(gt_onnx_save_opts, __VA_ARGS__)))

/* Why an operation cannot be exported; NULL: it can. */
const char *gt_onnx_export_reason(const gt_op *op);

GT_END_DECLS
#endif
