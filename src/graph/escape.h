/* Names in the text of a picture. */
#ifndef GTI_GRAPH_ESCAPE_H
#define GTI_GRAPH_ESCAPE_H

#include <stdio.h>

/* Where text stands says how many backslashes one takes: graphviz looks for \N and the like more
 * than once, behind entities, too. */
typedef enum {
    GTI_IN_MARKUP = 1,
    GTI_IN_LABEL = 2,   /* of Graphviz, HTML-like */
    GTI_IN_TOOLTIP = 4, /* of Graphviz, between quotes */
    GTI_IN_MERMAID,     /* whose entities have no & */
    GTI_IN_JSON,        /* which has escapes of its own */
} gti_escape_in;

/* Writes text so that it shows as it is: markup as entities, control characters as \n or \x01,
 * and what is not UTF-8, or not allowed in XML, as U+FFFD. */
void gti_escape_write(FILE *f, const char *text, gti_escape_in in);

#endif
