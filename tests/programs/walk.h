/* A backward pass of the model on its way. */
#ifndef GT_TESTS_PROGRAMS_WALK_H
#define GT_TESTS_PROGRAMS_WALK_H

#include "model.h"

typedef struct {
    model *m;
    context *c;
    int context;
    bool create, freeing, selective, deep; /* deep: goes through nodes that a sweep recorded */
    tensor *leaves[TENSORS];
    int n_leaves;
    bool reached[NODES]; /* from the outputs, through all inputs */
} walk;

/* Sweeps through sweeps: what operations the library's rules are made of is its own affair. So
 * where a sweep goes through nodes that a sweep recorded, the gradients are definite, but not
 * always what was visited for them: hooks that may have been called, and what may have been
 * released, are vague.
 */
/* Finds what the walk may reach. Unsure when that leaves no definite outcome. */
void look_ahead(walk *w, const sweep *s);
/* Makes vague what may have been released. */
void blur_reached(const walk *w);
bool is_grad(const model *m, const tensor *t);

#endif
