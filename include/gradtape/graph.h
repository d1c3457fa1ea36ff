/* The computation graph as a picture.
 *
 * Operations are rounded boxes, in clusters by module; parameters, inputs and constants are plain
 * boxes; a leaf's gradient comes back to it as a dashed arrow. What backward recorded (with
 * .create_graph = true) stands beside the forward pass and runs upwards. The text is the same, byte
 * for byte, whenever the same program comes by with the same shapes. */
#ifndef GRADTAPE_GRAPH_H
#define GRADTAPE_GRAPH_H

#include <gradtape/op.h>

GT_BEGIN_DECLS

/* Writes the part of the tape that leads to `of`, or the whole tape, in Graphviz's language.
 * Errors: GT_ERR_ARGUMENT (NULL), GT_ERR_UNSUPPORTED (scopes that nest more than 1,000 levels
 * deep), GT_ERR_IO, GT_ERR_MEMORY. */
GT_MUST_CHECK gt_status gt_graph_write_dot(const gt_tensor *of, FILE *f);
#define gt_graph_write_dot(of, f) GT_CHECKED_AT(gt_graph_write_dot(of, f))
GT_MUST_CHECK gt_status gt_tape_write_dot(gt_ctx *gt, FILE *f);
#define gt_tape_write_dot(gt, f) GT_CHECKED_AT(gt_tape_write_dot(gt, f))

/* The same as a picture, drawn by Graphviz's program `dot`; path ends in .svg, .png or .pdf. The
 * file appears whole or not at all. Errors: those above, and GT_ERR_IO when dot is missing or
 * fails. */
GT_MUST_CHECK gt_status gt_graph_render(const gt_tensor *of, const char *path);
#define gt_graph_render(of, path) GT_CHECKED_AT(gt_graph_render(of, path))
GT_MUST_CHECK gt_status gt_tape_render(gt_ctx *gt, const char *path);
#define gt_tape_render(gt, path) GT_CHECKED_AT(gt_tape_render(gt, path))

GT_END_DECLS
#endif
