/* What capture.c, program.c, outside.c and replay.c share. */
#ifndef GTI_CAPTURE_CAPTURE_H
#define GTI_CAPTURE_CAPTURE_H

#include <gradtape/capture.h>

#include "base/places.h"
#include "engine/context.h"
#include "engine/sweep.h"
#include <gradtape/autograd.h>

/* Neighbours in a program that compute elements, as many each: one after the other, in blocks where
 * there are many. */
typedef struct {
    gt_ctx *gt;
    gt_bound *call;
    gt_node **node; /* of each call */
    int64_t n_calls, size, block, parts;
    gt_tensor **changed; /* of what lies outside */
    int64_t n_changed;
} gti_chain;

/* One thing that a program does. */
typedef struct gti_item {
    bool (*run)(const struct gti_item *item); /* false after a failure */
    union {
        const gti_chain *chain;
        void (*forward)(gt_node *n);
        void (*part)(gt_node *n, const gt_range *r);
    } by;
    gt_node *node; /* NULL: of a host's call */
    const gti_host *host;
    uint64_t id; /* its time, on the context's clock */
} gti_item;

/* The block of a tensor of the step. Times of its place are items. */
typedef struct gti_life {
    gti_tensor *t;
    gti_place at;
    bool used;     /* by an item, so far */
    bool leaf;     /* no item makes its values, */
    bool changed;  /* but one changes them */
    bool needed;   /* somebody reads it */
    bool readable; /* the program may read it afterwards */
    bool constant; /* the same in every replay */
} gti_life;

/* A tensor from outside that the step uses, as it was. */
typedef struct {
    const gti_tensor *t;
    uint64_t id;
    const void *data;
    gt_shape shape;
    int hooks;
    bool requires_grad;
} gti_outside;

/* A batch norm that was folded into a convolution. */
typedef struct gti_fold gti_fold;

/* A module that the step ran. */
typedef struct {
    const gt_scope *scope;
    uint32_t state;
} gti_ran;

typedef struct {
    gti_tensor *leaf;
    gt_tensor *grad;
} gti_leaf_grad;

/* What a context has of a tape. */
typedef struct {
    gti_arena step;
    gti_tensor *last;
    gti_node *first_node, *last_node;
    uint64_t n_nodes;
    gti_mark *marks;
} gti_tape;

/* A step that has run, in an arena of its own, in which all that is named here lies, too. */
typedef struct {
    gt_ctx *gt;
    gti_tape tape;
    uint64_t until; /* clock at its end */
    gti_recorder recorder;
    gt_tensor *input[GT_CAPTURE_INPUTS]; /* of its own, which the variables' values go into */
    int n_inputs;
    gt_tensor *result;
    gti_tensor *slab; /* stands for the block that all tensors lie in */
    int slab_class;
    size_t bytes, unshared;
    gti_item *item;
    gti_item *joined; /* the same with chains as one item each: what replays run */
    gti_life *life;   /* by the tensors' age */
    gti_outside *outside;
    gti_ran *ran;
    gti_leaf_grad *grad;
    gti_leaf_grad *start; /* leaves that it gave gradients to, and what it added them to, or NULL */
    int64_t n_items, n_joined, n_lives, n_outside, n_ran, n_grads, n_starts;
    int64_t n_chains, n_chained; /* chains of several items, and those */
    gti_fold **fold;
    int64_t n_folds;
    unsigned without; /* gt_capture_opts */
    bool folds;
} gti_taken;

/* Whether t was made within the step. */
static inline bool gti_taken_has(const gti_taken *k, const gti_tensor *t)
{
    return t->id > k->recorder.since && t->id <= k->until && !(t->flags & GTI_KEPT);
}

/* n elements of `size` in the arena; NULL after a failure. */
void *gti_capture_room(gti_taken *k, int64_t n, size_t size);

/* --- program.c --- */
/* Makes the program: what a replay runs, and where results lie, which moves them there. False after
 * a failure. */
bool gti_program_make(gti_taken *k);
/* The life of t's block. NULL of what lies outside, and of an input that is not given. */
gti_life *gti_program_life(const gti_taken *k, const gt_tensor *t);
/* Only gives back what nobody may read afterwards. */
bool gti_program_skip(gti_taken *k);

/* --- chain.c --- */
/* Lets what chains use live as long as they run, since their blocks take turns. */
bool gti_chain_stretch_lives(gti_taken *k);
/* Makes k->joined, once everything lies in its place. */
bool gti_chain_join(gti_taken *k);

/* --- fold.c --- */
/* Folds batch norms into convolutions, before anything has its place. */
bool gti_fold_batch_norms(gti_taken *k);
/* Makes the parameters where those they come from have changed. */
void gti_fold_update(const gti_taken *k);
void gti_fold_release(gti_taken *k);

/* --- outside.c --- */
/* Notes what the step uses from outside, and the gradients that it leaves. */
bool gti_outside_note(gti_taken *k);
/* Whether that is as it was; otherwise fails. */
bool gti_outside_check(const gti_taken *k);
/* Whether leaves have the gradients, or none, that the step added to. */
bool gti_outside_check_grads(const gti_taken *k);

/* --- replay.c --- */
/* Chooses how a node's item runs. */
void gti_replay_choose(gti_item *item);
void gti_replay_choose_chain(gti_item *item);
bool gti_replay_run(gti_taken *k);

#endif
