/* Receptive fields: what part of a network's input an element of a tensor sees. */
#ifndef GTI_NN_FIELD_H
#define GTI_NN_FIELD_H

#include <gradtape/op.h>

#include "nn/table.h"

/* Along the last two dimensions of images [n,c,h,w], or of sequences [n,c,l], of height 1. */
typedef struct {
    bool known;     /* it is an image or a sequence that comes from the input */
    double size[2]; /* pixels of the input, without its limits, from the first to the last */
    double step[2]; /* between neighbouring elements */
} gti_field;

typedef struct gti_seen {
    struct gti_seen *next;
    gti_field field;
} gti_seen;

typedef struct {
    gti_seen *seen;
    gti_table of; /* by the tensor */
} gti_fields;

/* All return false when there is no memory. The input sees itself. */
bool gti_fields_open(gti_fields *f, const gt_tensor *input);
/* Adds the outputs of a node, after all nodes before it. */
bool gti_fields_add(gti_fields *f, const gt_node *n);
gti_field gti_fields_find(const gti_fields *f, const gt_tensor *t);
void gti_fields_close(gti_fields *f);

#endif
