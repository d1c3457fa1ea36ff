/* What the parsers of a model's parts share. */
#ifndef GTI_ONNX_PARSE_H
#define GTI_ONNX_PARSE_H

#include "onnx/model.h"

/* What is being parsed. */
enum { GTI_PARSE_WHY = 512 }; /* bytes of a reason */
typedef struct {
    gt_ctx *gt;
    gti_onnx_model *m;
    char *why; /* where reasons of failures go; NULL: to the context, with the file's name */
} gti_parser;

/* --- parse.c --- */

/* Fails on behalf of the file; false. Out of memory comes first. */
bool gti_parse_fail(const gti_parser *p, gt_status code, const char *fmt, ...) GT_PRINTF(3, 4);
bool gti_parse_malformed(const gti_parser *p, const char *what);
/* How often a field stands in a message, and its first one's bytes, none where there is none. */
int gti_parse_count(gti_bytes message, int number);
gti_bytes gti_parse_bytes(gti_bytes message, int number);
/* As a string of the model's; NULL out of memory, or where a zero byte is in it. */
const char *gti_parse_text(const gti_parser *p, gti_bytes text);

/* --- model.c --- */

/* All of m, of which bytes, path and the store of names are set. False after a failure. */
bool gti_model_parse_all(const gti_parser *p);

/* --- node.c --- */

bool gti_node_is_default_domain(const char *domain);
/* All of a node but its values. False after a failure, as below. */
bool gti_node_parse(const gti_parser *p, gti_bytes message, gti_onnx_node *n);
/* Gives the names of its inputs and outputs their values. */
bool gti_node_resolve(const gti_parser *p, gti_onnx_node *n);

#endif
