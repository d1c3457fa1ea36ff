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
 * Errors: GT_ERR_ARGUMENT (NULL), GT_ERR_IO, GT_ERR_MEMORY. */
GT_MUST_CHECK gt_status gt_graph_write_dot(const gt_tensor *of, FILE *f);
GT_MUST_CHECK gt_status gt_tape_write_dot(gt_ctx *gt, FILE *f);

/* The same as a picture, drawn by Graphviz's program `dot`; path ends in .svg, .png or .pdf. The
 * file appears whole or not at all. Errors: those above, and GT_ERR_IO when dot is missing or
 * fails. */
GT_MUST_CHECK gt_status gt_graph_render(const gt_tensor *of, const char *path);
GT_MUST_CHECK gt_status gt_tape_render(gt_ctx *gt, const char *path);

/* As GT_STATUS_AT, for calls whose status must be looked at. */
GT_MUST_CHECK static inline gt_status gt_graph_at_(gt_status status, const char *where)
{
    if (status != GT_OK) gt_note_site_(where);
    return status;
}
#ifndef GT_NO_SITES
#define gt_graph_write_dot(of, f) gt_graph_at_(gt_graph_write_dot(of, f), GT_HERE)
#define gt_tape_write_dot(gt, f) gt_graph_at_(gt_tape_write_dot(gt, f), GT_HERE)
#define gt_graph_render(of, path) gt_graph_at_(gt_graph_render(of, path), GT_HERE)
#define gt_tape_render(gt, path) gt_graph_at_(gt_tape_render(gt, path), GT_HERE)
#endif

GT_END_DECLS
#endif
