/* What the files of this directory share. */
#ifndef GTI_NN_MODULE_H
#define GTI_NN_MODULE_H

#include <gradtape/nn.h>

#include "nn/table.h"

/* One parameter or buffer; a module's lists of them are in the order of adding. */
struct gt_module_entry {
    gt_module_entry *next;
    gt_tensor *tensor;
    bool again; /* another entry had the tensor before; of those that share one all but one */
    char name[];
};

/* Of each kind of thing in a module: what is there by name, and the last one. */
struct gt_module_index {
    gti_table parameters, buffers, children;
    gt_module_entry *last_parameter, *last_buffer;
    gt_module *last_child;
    gt_module_entry *former; /* what gt_module_tie and gt_module_to have replaced */
    int n_children;
    bool numbered; /* the children are "0", "1", ... in this order */
};

/* m's entry or child with the name that is the first n bytes of `name`, or NULL. */
gt_module_entry *gti_module_parameter_find(const gt_module *m, const char *name, size_t n);
gt_module_entry *gti_module_buffer_find(const gt_module *m, const char *name, size_t n);
gt_module *gti_module_child_find(const gt_module *m, const char *name, size_t n);
/* Goes down from m along all names of a path but the last, which *path is left at; NULL when there
 * is no such child. */
const gt_module *gti_state_descend(const gt_module *m, const char **path);

/* gt_module_usable; fails in the context `gt`, if there is one, also for NULL. */
bool gti_module_present(const gt_module *m, const char *what, gt_ctx *gt);
/* Frees a module that is over, with what it owns beside tensors and children, on gt_close. */
void gti_free_object(void *module);
/* The entry, one of m's, holds t from now on. */
void gti_free_exchange(gt_module *m, gt_module_entry *e, gt_tensor *t);

/* m and those above have `more` holders. */
void gti_module_hold(gt_module *m, int more);

/* The module behind m, parents before children, within root; NULL after the last. */
gt_module *gti_module_after(const gt_module *root, const gt_module *m);

/* --- forward.c --- */
/* How many names there are, parted by single spaces. */
int gti_forward_names(const char *names);

/* gt_pass; m may apply the activation *then to its result itself, and then has set that to
 * GT_NO_ACTIVATION. */
gt_tensor *gti_forward_before(gt_module *m, gt_tensor *x, bool *spare, gt_activation *then);

/* --- activation.c --- */
/* What m does to its input, where a batch norm could do that. */
gt_activation gti_activation_of(const gt_module *m);

/* --- same.c --- */
/* The module that m is another place of, or NULL. */
gt_module *gti_same_of(const gt_module *m);
/* Whether that is below root, too, if m is a place; otherwise fails. */
bool gti_same_check(const gt_module *m, const gt_module *root);
/* How many places of a module are within root. */
int gti_same_count(const gt_module *of, const gt_module *root);

/* --- hook.c --- */
/* `in` has n inputs; hooks see all that the kind names. */
void gti_hooks_call(gt_module *m, int n, gt_tensor *const in[], gt_tensor *const out[]);
void gti_hooks_free(gt_module *m);

#endif
