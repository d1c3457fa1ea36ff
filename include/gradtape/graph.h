/* The computation graph as a picture.
 *
 * Operations and calls of composed functions (gt_call) are rounded boxes, in clusters by module,
 * with the options that are not the default, and the shape of each result; dashed where they share
 * data. Parameters, inputs and constants are plain boxes, those without a name (gt_set_name) called
 * by what they are to the operation that uses them first: "constant target", or "state m" of what
 * it changes in place. No arrow leads from such a change to what reads the tensor afterwards. What
 * backward recorded (with .create_graph = true) stands in violet beside the forward pass and runs
 * upwards: the box of a composed function there is all that its backward pass did, pale arrows
 * bring what it reads of the forward pass, and dashed ones a leaf's gradient back to it. `of` has a
 * red border. The text is the same, byte for byte, whenever the same program comes by with the same
 * shapes. */
#ifndef GRADTAPE_GRAPH_H
#define GRADTAPE_GRAPH_H

#include <gradtape/op.h>

GT_BEGIN_DECLS

typedef struct {
    gt_keywords gt_;
    bool open_functions; /* a cluster of operations for each call of a composed function, instead of
                          * one box with its name */
} gt_graph_opts;

/* Writes the part of the tape that leads to `of`, or the whole tape, in Graphviz's language.
 * Errors: GT_ERR_ARGUMENT (NULL), GT_ERR_UNSUPPORTED (scopes that nest more than 1,000 levels
 * deep), GT_ERR_IO, GT_ERR_MEMORY. */
GT_MUST_CHECK gt_status gt_graph_write_dot_(const gt_tensor *of, FILE *f, gt_graph_opts opts);
GT_MUST_CHECK gt_status gt_tape_write_dot_(gt_ctx *gt, FILE *f, gt_graph_opts opts);
/* gt_graph_write_dot(loss, stdout), gt_graph_write_dot(loss, stdout, .open_functions = true) */
#define gt_graph_write_dot(of, ...) GT_GRAPH_WRITE_DOT_(of, __VA_ARGS__, )
#define GT_GRAPH_WRITE_DOT_(of, f, ...)                                                            \
    GT_CHECKED_AT(gt_graph_write_dot_(of, f, GT_OPTS(gt_graph_opts, __VA_ARGS__)))
#define gt_tape_write_dot(gt, ...) GT_TAPE_WRITE_DOT_(gt, __VA_ARGS__, )
#define GT_TAPE_WRITE_DOT_(gt, f, ...)                                                             \
    GT_CHECKED_AT(gt_tape_write_dot_(gt, f, GT_OPTS(gt_graph_opts, __VA_ARGS__)))

/* The same as a picture, drawn by Graphviz's program `dot`; path ends in .svg, .png or .pdf. The
 * file appears whole or not at all. Errors: those above, and GT_ERR_IO when dot is missing or
 * fails. */
GT_MUST_CHECK gt_status gt_graph_render_(const gt_tensor *of, const char *path, gt_graph_opts opts);
GT_MUST_CHECK gt_status gt_tape_render_(gt_ctx *gt, const char *path, gt_graph_opts opts);
/* gt_graph_render(loss, "loss.svg"), gt_tape_render(gt, "step.png", .open_functions = true) */
#define gt_graph_render(of, ...) GT_GRAPH_RENDER_(of, __VA_ARGS__, )
#define GT_GRAPH_RENDER_(of, path, ...)                                                            \
    GT_CHECKED_AT(gt_graph_render_(of, path, GT_OPTS(gt_graph_opts, __VA_ARGS__)))
#define gt_tape_render(gt, ...) GT_TAPE_RENDER_(gt, __VA_ARGS__, )
#define GT_TAPE_RENDER_(gt, path, ...)                                                             \
    GT_CHECKED_AT(gt_tape_render_(gt, path, GT_OPTS(gt_graph_opts, __VA_ARGS__)))

GT_END_DECLS
#endif
