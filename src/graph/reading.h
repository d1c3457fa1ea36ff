/* A graph that is written in another language, as ONNX or C: names of values, who reads them,
 * attributes of nodes. */
#ifndef GTI_GRAPH_READING_H
#define GTI_GRAPH_READING_H

#include <gradtape/graph.h>

#include "base/store.h"

typedef struct {
    const gt_graph *g;
    const gt_graph_node *n;   /* the present one */
    const char *what;         /* the function, for messages */
    const char *place;        /* path of the present node's module, or its operation */
    const gt_module *weights; /* has the elements of leaves; NULL: the graph has them */
    gti_store store;
    const char **name; /* of each value, of leaves from `weights` on; no name comes twice */
    int *readers;      /* of each value: how many read it, the graph's result one more */
    int *reader;       /* and the last node that does */
} gti_reading;

/* False after a failure: a graph without a result, no memory. To be ended in any case. */
bool gti_reading_begin(gti_reading *r, const gt_graph *g, const gt_module *weights,
                       const char *what);
void gti_reading_end(gti_reading *r);
bool gti_reading_short_of_memory(const gti_reading *r); /* fails; false */

/* Whether the node belongs to what leads to the result. */
bool gti_reading_is_read(const gti_reading *r, const gt_graph_node *n);
/* Whether value i is an input, or a leaf that is read. */
bool gti_reading_is_leaf(const gti_reading *r, int i);
void gti_reading_go_to(gti_reading *r, const gt_graph_node *n);
/* "layer1.0.conv1": names of the scopes from the outermost on, but for functions. */
const char *gti_reading_path(gti_reading *r, int scope, const char *name);
/* The elements of a leaf. NULL after a failure. */
const void *gti_reading_data(gti_reading *r, int i);

/* --- the present node --- */

/* Fails on its behalf; false. */
bool gti_reading_fail(const gti_reading *r, gt_status code, const char *fmt, ...) GT_PRINTF(3, 4);
bool gti_reading_vfail(const gti_reading *r, gt_status code, const char *fmt, va_list args);
const gt_graph_value *gti_reading_value(const gti_reading *r, int i); /* input i */
const gt_graph_value *gti_reading_result(const gti_reading *r, int i);
/* Attributes by name; numbers of pairs by place. */
int64_t gti_reading_whole(const gti_reading *r, const char *attr, int i);
double gti_reading_real(const gti_reading *r, const char *attr, int i);
/* Its attribute "axis", counted from 0 in ndim dimensions; 0 of a number. */
int gti_reading_axis(const gti_reading *r, int ndim);
/* The dimensions of input 0 that its attribute "axes" names, all for none; how many. */
int gti_reading_axes(const gti_reading *r, int64_t axes[GT_MAX_DIMS]);
/* Of the first attribute of this kind that has no name: it is the operation's own. */
int64_t gti_reading_hidden(const gti_reading *r, gt_attr_kind kind, int i);

#endif
