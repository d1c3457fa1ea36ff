/* Outputs of graphs; opts are complete. */
#ifndef GTI_GRAPH_RENDER_H
#define GTI_GRAPH_RENDER_H

#include "graph/picture.h"

/* --- mermaid.c, json.c, page.c --- */
gt_status gti_mermaid_write(const gt_graph *g, const gt_graph_opts *opts, const char *what,
                            FILE *f);
gt_status gti_json_write(const gt_graph *g, const gt_graph_opts *opts, const char *what, FILE *f);
gt_status gti_page_write(const gt_graph *g, const gt_graph_opts *opts, const char *what, FILE *f);
/* The page in three parts: what it begins with, state, graph, stand between them. Made by CMake. */
extern const unsigned char *const gti_page_text[];

/* --- save.c --- */
/* The context's error after all is written, also where the stream has one. */
gt_status gti_save_end(gt_ctx *gt, const char *what, FILE *f);

/* --- render.c --- */
/* type is dot's option, "-Tsvg". */
gt_status gti_render(const gt_graph *g, const char *path, const char *type,
                     const gt_graph_opts *opts, const char *what);

#endif
