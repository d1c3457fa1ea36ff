/* A model of contexts, tensors and the tape, for programs made at random: it knows each tensor's
 * value, gradient and lifetime, and computes them in double precision by itself.
 *
 * All it can compute is linear or bilinear in its inputs, as a list of terms, or a function of one
 * element, so the transpose of a list is all there is to a backward rule. Values are small whole
 * numbers, for which every sum is exact and must agree to the bit, until an exponential comes in;
 * from there on a bound of the rounding error goes along. */
#ifndef GT_TESTS_PROGRAMS_MODEL_H
#define GT_TESTS_PROGRAMS_MODEL_H

#include <gradtape.h>

enum {
    SIZE = 16,        /* most elements of a tensor */
    TERMS = 64,       /* most terms of a node */
    INPUTS = 3,       /* most inputs of a node, outputs and inputs of a gt_grad */
    CONTEXTS = 2,     /* side by side */
    STATEMENTS = 160, /* of a program */
    RESULTS = 4,      /* slots of a statement */
    TENSORS = 3000,   /* of a model, with those of its sweeps */
    NODES = 3000,
    HOOKS = 24,
    MARKS = 24,
    STRETCHES = 16,
};

typedef struct tensor tensor;
typedef struct node node;

/* The data of a tensor and of its views. */
typedef struct {
    double value[SIZE];
    double error;     /* bound of the rounding error; 0: exact */
    tensor *owner;    /* releasing or dropping it ends the data */
    uint64_t changed; /* in place, last */
    bool released;    /* by a backward pass */
    bool replayed;    /* dropped by gt_checkpoint, until a sweep opens it */
    bool pinned;      /* of a loss: never released */
    bool handed;      /* the program gave it to a sweep, which never changes it */
    bool vague;       /* whether it is still there is nobody's promise */
} block;

struct tensor {
    block own, *data;
    node *made; /* NULL: a leaf */
    tensor *grad, *work;
    gt_tensor *real; /* NULL where the program never saw it */
    gt_shape shape;
    gt_dtype dtype;
    int context, size;
    uint64_t born, graded;
    bool requires, kept, dead, target;
    bool lost;     /* its header may be another's by now: not to be touched */
    bool hidden;   /* made by a sweep */
    bool recorded; /* by a sweep with .create_graph, whose nodes may read it */
    bool lifted;   /* kept, the data from a sweep: nodes that it recorded may read it */
    bool fresh;    /* dropped, and nothing was made since: its header is still there */
    char name[8];
};

typedef enum { LINEAR, BILINEAR, RELU, EXP, TANH, STEP, SLOPE_OF_TANH } rule;

/* Adds c * in[i].value[a] to element `to`, or c * in[0].value[a] * in[1].value[b]. */
typedef struct {
    uint8_t i, a, b, to;
    int8_t c;
} term;

typedef struct stretch {
    struct stretch *parent;
    block *result;
    uint64_t begin;
    int context;
    bool closed;
} stretch;

struct node {
    rule rule;
    int context, n_in, n_terms;
    tensor *in[INPUTS], *out, *index; /* index: the second output of max */
    term terms[TERMS];
    uint64_t time;
    stretch *stretch;
    unsigned needs; /* a bit for each input */
    bool saved;     /* the rule reads values: in-place changes make it stale */
    bool hidden;    /* recorded by a sweep */
    bool spent, gone, path, vague;
};

/* What a hook does when it is called. */
typedef enum {
    OBSERVE,
    DOUBLE_IT,
    KEEP_IT,
    FAIL_IN_IT, /* from here on the sweep fails */
    FILL_IT,
    OTHER_SHAPE,
    REWIND_IN_IT,
    BACKWARD_IN_IT,
    FREE_IN_IT,
    GIVE_OTHER, /* returns a tensor of the program's */
    N_HOOK_ACTIONS
} hook_action;

typedef struct {
    tensor *on; /* NULL: removed */
    hook_action action;
    int statement;
    int expected, calls; /* in the running statement */
    double want[SIZE], error, seen[SIZE];
    int size, seen_size;
    tensor *kept;
    gt_tensor *kept_real;
    tensor *other; /* for GIVE_OTHER; may be NULL */
    gt_mark start; /* for REWIND_IN_IT */
} hook;

typedef struct {
    int context;
    uint64_t time;
    int made; /* tensors that the program had made in the context */
    bool zero, gone, vague;
    gt_mark real;
    uint64_t nodes; /* as the library counts them */
} mark;

typedef struct {
    gt_ctx *real;
    gt_mark start; /* set before the program began */
    bool failed, recording, recording_all;
    gt_status code, other_code; /* either is right */
    const char *message;        /* must be part of the library's; NULL: anything */
    uint64_t mark_time;
    bool disturbed; /* a gradient with a history was freed or changed, or what was kept of one */
    int made;
    stretch *stretch; /* being recorded */
} context;

typedef struct {
    uint64_t clock;
    context context[CONTEXTS];
    gt_status homeless;
    bool unsure; /* the statement has no definite outcome: it is left out */
    int n_tensors, n_nodes, n_hooks, n_marks, n_stretches;
    tensor *slot[STATEMENTS * RESULTS];
    int mark_of[STATEMENTS]; /* index + 1 of the mark that a statement set */
    hook hooks[HOOKS];
    mark marks[MARKS];
    stretch stretches[STRETCHES];
    tensor tensors[TENSORS];
    node nodes[NODES];
} model;

void model_reset(model *m);
/* Copies what is in use. Pointers stay right when it comes back to where it was. */
void model_copy(model *to, const model *from);

/* --- values --- */
/* A tensor without values; NULL, and unsure, when there are too many. */
tensor *new_tensor(model *m, int at, gt_dtype dtype, gt_shape shape);
/* Computes and, where `record`, records. */
tensor *apply(model *m, rule r, int n_in, tensor *const in[], gt_shape shape, int n_terms,
              const term *terms, bool record);
/* The gradient of input i of n, given that of its result. NULL after a failure of the context. */
tensor *pull_back(model *m, const node *n, int i, tensor *dy, bool record);
tensor *scaled(model *m, tensor *x, int c, bool record);
tensor *sum_of(model *m, tensor *a, tensor *b, bool record);

/* --- lifetimes --- */
void fail(model *m, int at, gt_status code, const char *message);
/* Part of the reason why t cannot be used, as gt_unusable has it; NULL when it can. */
const char *unusable(const tensor *t);
/* Fails unless t is there, and its context well and, where it is not -1, this one. */
bool usable(model *m, const tensor *t, int of_context);
void drop_since(model *m, int at, const mark *to);

/* --- stretches of gt_checkpoint --- */
void close_stretch(model *m, stretch *s);
bool open_stretch(model *m, stretch *s);

/* --- sweeps --- */
typedef struct {
    int n_out, n_in;
    tensor *out[INPUTS], *upstream[INPUTS], *in[INPUTS], *grads[INPUTS];
    bool create, retain, allow_unused;
} sweep;
gt_status backward(model *m, sweep *s);
gt_status grad(model *m, sweep *s);
/* Calls the hooks of t on its work; false after a failure. */
bool run_hooks(model *m, tensor *t, bool create);

#endif
