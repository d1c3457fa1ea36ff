/* The parameters of a module (or its buffers, too), each once, and what an optimizer or an average
 * keeps beside them. */
#ifndef GTI_OPTIM_SLOTS_H
#define GTI_OPTIM_SLOTS_H

#include <gradtape/nn.h>

enum { GTI_STATES = 3 }; /* most tensors that a rule keeps for each parameter */

typedef struct {
    gt_tensor *tensor; /* the parameter */
    char *name;        /* its path below the module; owned */
    gt_tensor
        *state[GTI_STATES]; /* kept, in shape and dtype as the parameter; NULL: not made yet */
    unsigned fresh;         /* states made for the change in progress, a bit for each */
    gt_tensor *sum;         /* kept; accumulated gradients, or NULL */
    bool brought;           /* the gradient is only there to take the sum */
    int64_t summed;         /* the accumulation in which sum was begun; 0: none */
    int64_t step;           /* steps done */
    const gt_op *op;        /* of the latest step */
    double product;         /* a number for the rule, 1 before the first step */
    int group;              /* index of its group, -1: none */
} gti_slot;

typedef struct {
    gt_ctx *ctx;
    gt_module *module; /* NULL: freed */
    bool buffers;      /* floating buffers, too */
    gti_slot *at;      /* n of them, in the order in which they were met */
    int n, capacity;
    gti_slot *
        *by_name; /* sorted; of those with one name, which gt_module_to leaves, the newest last */
    uint64_t version; /* of the module, when the list was last complete */
} gti_slots;

void gti_slots_init(gti_slots *s, gt_module *m);
/* Frees the list; the kept tensors go with their context. */
void gti_slots_clear(gti_slots *s);
/* Frees both, and lets the module go. */
void gti_slots_free(gti_slots *s);
/* Whether they were not freed; otherwise fails: "AdamW was freed". */
bool gti_slots_there(const gti_slots *s, const char *what, const char *name);
/* Adds what the module has got since; it never loses any. False after a failure, in
 * the name of `what`. */
bool gti_slots_collect(gti_slots *s, const char *what);
/* The slot whose name is the first n bytes of `name`, or NULL. */
gti_slot *gti_slots_find(const gti_slots *s, const char *name, size_t n);
/* Makes the states in `uses`, a bit for each, that are missing, full of value, and marks them as
 * fresh until the change is done or given up, which frees them. A change makes all that it needs
 * first, so that it is done for all parameters or for none. */
bool gti_slot_make_states(gti_slot *slot, unsigned uses, double value);
void gti_slots_give_up(const gti_slots *s);
/* Makes *t, if it is NULL, a kept tensor like the slot's parameter, full of value, and returns
 * it. */
gt_tensor *gti_slot_make(const gti_slot *slot, gt_tensor **t, double value);
/* Makes `tensor`, of the shape and dtype of the slot's parameter, the slot's state *t: itself,
 * being kept for that, or a copy. Otherwise fails, naming both. */
gt_status gti_slot_take(const gti_slot *slot, gt_tensor **t, gt_tensor *tensor, const char *what,
                        const char *name);
gt_status gti_slot_copy(const gti_slot *slot, gt_tensor **t, const gt_tensor *tensor,
                        const char *what, const char *name);

#endif
