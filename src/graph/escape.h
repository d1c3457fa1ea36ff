/* Names in the text of a picture. */
#ifndef GTI_GRAPH_ESCAPE_H
#define GTI_GRAPH_ESCAPE_H

#include <stdio.h>

/* Writes text so that it shows as it is in Graphviz's HTML-like labels and in its quoted strings:
 * markup as entities, control characters as \n or \x01, and what is not UTF-8, or not allowed in
 * XML, as U+FFFD. */
void gti_escape_write(FILE *f, const char *text);

#endif
