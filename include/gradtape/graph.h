/* Computation graphs: what was computed, as data and as a picture.
 *
 *   gt_module_render(net, "net.svg", GT_SHAPE(1, 1, 28, 28))      what a network is made of
 *   gt_module_render(net, "net.png", shape, .backward = true)     and its backward pass
 *   gt_graph_render(loss, "loss.svg")                             what leads to a tensor
 *   gt_tape_render(gt, "step.pdf")                                all that was recorded
 *
 *   gt_graph *g = gt_module_graph(net, shape);                    the same in two steps: the model,
 *   gt_graph_save(g, "net.html");                                 and one of its outputs
 *   gt_graph_free(g);
 *
 * Pictures show a box for each straight run of layers, with numbers of parameters and operations,
 * and shapes on the arrows; like blocks in a row are drawn once, "x 8". What differentiates a box
 * stands beside it, in violet and dashed, with the bytes that it needs of the forward pass on a
 * dotted arrow, and what updates its parameters behind that, with a double border. Where nothing is
 * made of modules a box is an operation, or the call of a composed function. Parameters, inputs and
 * constants are plain boxes, but for those that belong to a layer which is drawn as a whole; those
 * without a name (gt_set_name) are called by what they are to the operation that uses them first,
 * "constant target", or "state m" of what it changes in place. From such a change an arrow leads to
 * what reads the tensor next. The text is the same, byte for byte, whenever the same program comes
 * by with the same shapes. */
#ifndef GRADTAPE_GRAPH_H
#define GRADTAPE_GRAPH_H

#include <gradtape/capture.h>
#include <gradtape/nn.h>
#include <gradtape/profile.h>

GT_BEGIN_DECLS

/* --- the model ---
 * All that was computed, and a copy: it lives until gt_graph_free, whatever happens to the tape.
 * Numbers of values, nodes and scopes are their places in the arrays, in the order of the program,
 * and the same whenever it comes by. Read the fields, do not write them. */

typedef enum {
    GT_VALUE_RESULT, /* of a node */
    GT_VALUE_INPUT,  /* of the module or the captured step */
    GT_VALUE_PARAMETER,
    GT_VALUE_BUFFER, /* of a module, as running means */
    GT_VALUE_STATE,  /* changed in place by what uses it first, as an optimizer's */
    GT_VALUE_CONSTANT,
} gt_value_kind;

/* Elements of tensors that no node makes are copied up to so many bytes. */
#define GT_GRAPH_DATA 65536

/* A tensor, as it was between two changes in place: a change makes another value of it. */
typedef struct {
    const char *name;  /* "weight", or "" */
    const char *where; /* "train.c:42", or NULL */
    gt_shape shape;
    int64_t growth[GT_MAX_DIMS]; /* of each dimension, for each item more in the batch */
    double bytes;
    gt_dtype dtype;
    gt_value_kind kind;
    int node, output; /* that makes it; node -1: none does */
    int scope;        /* that its name belongs to, or the call that it was made in; -1: none */
    int before;       /* the value that was changed into this one; -1: none */
    int gradient;     /* of a leaf, where that was computed; -1: it was not */
    const void *data; /* its elements, where no node makes it and they are few; else NULL */
    bool needs_grad;
    bool saved; /* a backward rule reads it */
    bool view;  /* shares another value's data */
} gt_graph_value;

typedef struct {
    const gt_op *op;
    const void *opts;  /* complete, as op->attrs describes them; NULL: none */
    const void *grown; /* the same with one item more in the batch, where they differ; or NULL */
    const int *in, *out;
    int n_in, n_out;
    gt_part part;
    int pass;  /* of backward passes, from 1; 0: in none */
    int of;    /* the node that this one differentiates; -1: none */
    int scope; /* innermost; -1: none */
    double flops;
    double bytes;   /* read and written */
    double seconds; /* that a call takes (gt_graph_set_times); 0: not known */
} gt_graph_node;

typedef enum { GT_SCOPE_MODULE, GT_SCOPE_FUNCTION, GT_SCOPE_NAMED } gt_scope_kind;

typedef struct {
    gt_scope_kind kind;
    const char *name;      /* "conv1", or "" of a root; of a function's call the function's */
    const char *type;      /* "Conv2d"; "" where a program has only named a stretch */
    const char *arguments; /* "1, 6, kernel_size=(5, 5), stride=(1, 1)" */
    int parent;            /* a smaller number; -1: none */
    int depth;             /* of modules and named stretches above it */
    int64_t parameters, trainable; /* elements of its own, without those of the scopes in it */
} gt_graph_scope;

typedef struct gt_graph {
    gt_ctx *ctx;
    const gt_graph_value *value;
    const gt_graph_node *node; /* in the order of their calls, so after what they read */
    const gt_graph_scope *scope;
    int n_values, n_nodes, n_scopes;
    int result;    /* the value that it is about; -1: none */
    int64_t batch; /* the dimension 0 of inputs that `growth` is about; 0: of none */
} gt_graph;
GT_DEFINE_AT(gt_graph)

typedef struct {
    gt_keywords gt_;
    gt_dtype dtype; /* of the input: the parameters' */
    bool backward;  /* and what differentiates the result by all parameters; in training mode */
    bool training;  /* in training mode, otherwise in evaluation mode */
} gt_module_graph_opts;

/* Of a module on an input of this shape: runs it without computing anything (gt_set_shapes_only),
 * frozen or not; lazy modules materialise. It is run again with one item more in the batch, where
 * it can: dimensions that differ then are symbolic (gt_graph_value.growth). NULL after a failure:
 * those of m on such an input; GT_ERR_STATE, GT_ERR_MEMORY. */
gt_graph *gt_module_graph_(gt_module *m, gt_shape input, gt_module_graph_opts opts);
/* gt_module_graph(net, GT_SHAPE(1, 3, 224, 224), .backward = true) */
#define gt_module_graph(m, ...) GT_MODULE_GRAPH_(m, __VA_ARGS__, )
#define GT_MODULE_GRAPH_(m, input, ...)                                                            \
    GT_MADE_AT(gt_graph, gt_module_graph_(m, input, GT_OPTS(gt_module_graph_opts, __VA_ARGS__)))
/* Of the whole tape, of the part of it that leads to `of`, and of a captured step. Tapes hold what
 * was recorded: gt_set_recording_all has everything recorded. NULL after a failure. */
gt_graph *gt_tape_graph(gt_ctx *gt);
#define gt_tape_graph(gt) GT_MADE_AT(gt_graph, gt_tape_graph(gt))
gt_graph *gt_tensor_graph(const gt_tensor *of);
#define gt_tensor_graph(of) GT_MADE_AT(gt_graph, gt_tensor_graph(of))
gt_graph *gt_captured_graph(const gt_captured *c);
#define gt_captured_graph(c) GT_MADE_AT(gt_graph, gt_captured_graph(c))
/* NULL is fine. */
void gt_graph_free(gt_graph *g);

/* Gives each node the mean time of the calls in a profile that has ended which are its like: the
 * same operation on the same shapes in the same module, forward or backward. Others keep what they
 * have: what only shares memory runs nothing, and elementwise neighbours of a replay that run block
 * by block have no times of their own. Returns how many nodes have a time now; -1 after a failure:
 * those of gt_profile_rows. */
int64_t gt_graph_set_times(gt_graph *g, gt_profile *p);

/* --- outputs --- */

typedef enum {
    GT_DETAIL_LAYERS,     /* a box for a layer: a module without modules in it */
    GT_DETAIL_CALLS,      /* layers are opened: a box for a call of an operation or function */
    GT_DETAIL_OPERATIONS, /* functions are opened, too */
} gt_graph_detail;

typedef enum {
    GT_HEAT_NONE,
    GT_HEAT_FLOPS,      /* boxes are filled by their share of all operations, */
    GT_HEAT_BYTES,      /* of the bytes read and written, */
    GT_HEAT_PARAMETERS, /* of the parameters, */
    GT_HEAT_TIME,       /* or of the time, which gt_graph_set_times sets */
} gt_graph_heat;

typedef struct {
    gt_keywords gt_;
    gt_graph_detail detail;
    int depth;     /* levels of modules shown, the last one with what lies below it; 0: all */
    bool sideways; /* from left to right; from top to bottom */
    bool unfolded; /* like blocks are drawn each by itself */
    bool no_legend;
    gt_graph_heat heat;
    int dpi;         /* 96: of .png; at most 1200 */
    int most_pixels; /* 10000: in each direction, of .png */
    double seconds;  /* 20: that dot may take */
    /* Of gt_module_render alone, see gt_module_graph_opts. */
    gt_dtype dtype;
    bool backward, training;
} gt_graph_opts;

/* Writes the graph into a file by its ending: a picture drawn by Graphviz's program `dot` as .svg,
 * .png or .pdf, its text as .dot; the same picture in Mermaid's language as .mmd; all of the model
 * as .json (docs/graph-json.md), or as .html, a page for any browser in which modules open and
 * close, with search, details and heat; .detail, .depth and .heat say how it begins. The file
 * appears whole or not at all. An option that is of no use for an ending is an error. Errors:
 * GT_ERR_ARGUMENT, GT_ERR_UNSUPPORTED (scopes that nest more than 1,000 levels deep; more pixels,
 * or more of dot's time, than there may be), GT_ERR_IO (dot is missing or fails, too),
 * GT_ERR_MEMORY. */
/* A path that ends in "/" is a folder, into which a file for TensorBoard goes (gt_board_graph). */
GT_MUST_CHECK gt_status gt_graph_save_(const gt_graph *g, const char *path, gt_graph_opts opts);
/* gt_graph_save(g, "net.svg"), gt_graph_save(g, "net.png", .depth = 1, .sideways = true) */
#define gt_graph_save(g, ...) GT_GRAPH_SAVE_(g, __VA_ARGS__, )
#define GT_GRAPH_SAVE_(g, path, ...)                                                               \
    GT_CHECKED_AT(gt_graph_save_(g, path, GT_OPTS(gt_graph_opts, __VA_ARGS__)))

/* The model and its picture in one. What leads to `of` has a red border around `of`. */
GT_MUST_CHECK gt_status gt_graph_render_(const gt_tensor *of, const char *path, gt_graph_opts opts);
GT_MUST_CHECK gt_status gt_tape_render_(gt_ctx *gt, const char *path, gt_graph_opts opts);
/* gt_graph_render(loss, "loss.svg"), gt_tape_render(gt, "step.png", .heat = GT_HEAT_FLOPS) */
#define gt_graph_render(of, ...) GT_GRAPH_RENDER_(of, __VA_ARGS__, )
#define GT_GRAPH_RENDER_(of, path, ...)                                                            \
    GT_CHECKED_AT(gt_graph_render_(of, path, GT_OPTS(gt_graph_opts, __VA_ARGS__)))
#define gt_tape_render(gt, ...) GT_TAPE_RENDER_(gt, __VA_ARGS__, )
#define GT_TAPE_RENDER_(gt, path, ...)                                                             \
    GT_CHECKED_AT(gt_tape_render_(gt, path, GT_OPTS(gt_graph_opts, __VA_ARGS__)))

GT_MUST_CHECK gt_status gt_module_render_(gt_module *m, const char *path, gt_shape input,
                                          gt_graph_opts opts);
/* gt_module_render(net, "net.svg", GT_SHAPE(1, 1, 28, 28), .backward = true, .depth = 1) */
#define gt_module_render(m, path, ...) GT_MODULE_RENDER_(m, path, __VA_ARGS__, )
#define GT_MODULE_RENDER_(m, path, input, ...)                                                     \
    GT_CHECKED_AT(gt_module_render_(m, path, input, GT_OPTS(gt_graph_opts, __VA_ARGS__)))

/* Graphviz's text into an open file. */
GT_MUST_CHECK gt_status gt_graph_write_dot_(const gt_tensor *of, FILE *f, gt_graph_opts opts);
GT_MUST_CHECK gt_status gt_tape_write_dot_(gt_ctx *gt, FILE *f, gt_graph_opts opts);
#define gt_graph_write_dot(of, ...) GT_GRAPH_WRITE_DOT_(of, __VA_ARGS__, )
#define GT_GRAPH_WRITE_DOT_(of, f, ...)                                                            \
    GT_CHECKED_AT(gt_graph_write_dot_(of, f, GT_OPTS(gt_graph_opts, __VA_ARGS__)))
#define gt_tape_write_dot(gt, ...) GT_TAPE_WRITE_DOT_(gt, __VA_ARGS__, )
#define GT_TAPE_WRITE_DOT_(gt, f, ...)                                                             \
    GT_CHECKED_AT(gt_tape_write_dot_(gt, f, GT_OPTS(gt_graph_opts, __VA_ARGS__)))

GT_END_DECLS
#endif
