/* The engine's own structures. The public structs are their first members. */
#ifndef GTI_ENGINE_CONTEXT_H
#define GTI_ENGINE_CONTEXT_H

#include <gradtape/op.h>
#include <stdarg.h>

#include "base/arena.h"
#include "base/pool.h"
#include "base/random.h"
#include "base/size.h"
#include "base/team.h"
#include "engine/probe.h"
#include "engine/session.h"

typedef struct gti_tensor gti_tensor;
typedef struct gti_node gti_node;

enum {
    GTI_KEPT = 1,      /* lives until gt_free */
    GTI_ENGINE = 2,    /* made, or taken over, by a backward sweep, which may release its data */
    GTI_PINNED = 4,    /* a sweep must not release its data: the loss */
    GTI_RELEASED = 8,  /* data has gone back to the pool */
    GTI_DEAD = 16,     /* dropped by gt_rewind or gt_free; the header is in quarantine */
    GTI_TARGET = 32,   /* gt_grad wants its gradient */
    GTI_REPLAYED = 64, /* dropped by gt_checkpoint: data comes back when its node is run again */
    GTI_HOOKED = 128,  /* has a label with hooks */
    GTI_LASTING = 256, /* of the step, but its label, or what hangs on it, lies in kept memory */
    GTI_SLAB = 512,    /* stands for a block that results of a captured step lie in */
    GTI_GIVEN = 1024,  /* released because whoever had it will not read it again */
    GTI_AGAIN = 2048,  /* dropped by gt_release: a sweep that needs it makes it again */
    GTI_OWN = 4096,    /* no program can write to it past its version */
};

typedef struct gti_hook gti_hook;
typedef struct gti_stretch gti_stretch;
typedef struct gti_derived gti_derived;

/* What few tensors have. */
typedef struct gti_label {
    char name[48];
    const gt_scope *owner;
    int users;              /* of gt_share */
    gti_hook *hooks;        /* in the order of gt_hook */
    gti_derived *derived;   /* in kept memory; NULL: nothing was */
    const gti_node *reader; /* of a leaf with hooks: the oldest that gives to it in a sweep */
    uint64_t shown;         /* path of the sweep whose gradient the hooks have seen */
    bool lasting;           /* lies in kept memory */
    bool weighed;           /* mean_weight is known */
    double mean_weight;
    struct gti_label *next; /* in ctx->free_labels */
} gti_label;

/* A place on the tape to rewind to. It lies in the step's arena, just before what comes after it.
 *
 * Quarantine. A rewind does not hand the dropped headers out again at once: the arena goes on
 * behind them, at `resume`, so that a tensor used after its end is still recognised. Once the
 * headers since the mark need as much as three turns, it goes back to `floor`. */
typedef struct gti_mark {
    struct gti_mark *outer;
    gti_tensor *last; /* the youngest of the tensors and nodes before it */
    gti_node *last_node;
    uint64_t clock;
    char *floor, *resume;
    size_t turn, need; /* most bytes of headers of the latest turn, and of the running one */
    gti_tensor *freed; /* kept ones that were made since and freed, linked by prev */
} gti_mark;

struct gti_tensor {
    gt_tensor pub;
    gti_node *node;           /* that made it, if recorded */
    gti_tensor *base;         /* whose block the data is: itself, but for views */
    gti_tensor *prev;         /* the next older tensor of the step */
    gti_tensor *next_graded;  /* in ctx->graded */
    gti_tensor *next_touched; /* in a sweep's list of leaves */
    gt_tensor *work;          /* gradient gathered by the running sweep */
    gt_tensor *twin;          /* with GTI_AGAIN, in a step that is being captured: made again */
    gti_label *label;         /* NULL while there is none */
    uint64_t id;              /* birth, on the context's clock; of a kept one that of its data */
    uint64_t version;         /* of a base: last in-place change, on the same clock */
    uint64_t graded;          /* of a leaf with a grad: when that was set, on the same clock */
    uint32_t hold;            /* of a base: how many work and grad pointers refer to its data */
    uint16_t flags;
    int16_t size_class; /* of a base: in the pool */
};

struct gti_node {
    gt_node pub;
    gti_node *prev, *next; /* on the tape */
    const gt_scope *scope;
    gti_stretch *stretch; /* innermost gt_checkpoint that it was recorded in */
    uint64_t id;
    uint64_t index;        /* on the tape, from 0 */
    uint64_t path;         /* clock of the gt_grad call that wants this node */
    const gti_node *swept; /* gt_ctx.swept, when it was recorded */
    uint32_t awaited;      /* by how many nodes that may run again and were not passed */
    bool again;            /* results of it may be made again */
    bool spent;            /* its activations were released */
};

/* The parts of a message; composed when asked for, since the place may come late. */
typedef struct {
    gt_status status;
    gt_ctx *ctx;       /* NULL: the thread's */
    bool untold;       /* neither handler nor stderr had it yet */
    const char *where; /* static string */
    char what[192];    /* "conv2d 'net.conv1'" */
    char text[768];
    char tail[3072]; /* lines of shapes, of where values come from, and hints */
    char message[4096];
} gti_error;

/* A call of the host within a captured step. */
typedef struct gti_host {
    gt_host_fn fn;
    gt_tensor **t;
    int n;
    const void *user;
    uint64_t id;           /* its time, on the context's clock */
    struct gti_host *next; /* the one before */
} gti_host;

/* What is noted of a step that is being captured (src/capture/) beside its nodes. */
typedef struct {
    uint64_t since; /* clock: what is younger is the step's */
    uint64_t kept;  /* tensors that were kept within it */
    gti_host *hosts;
    gti_host *outputs;          /* of gt_capture_output: t[0] */
    struct gti_grad_use *grads; /* sweep.h */
} gti_recorder;

/* The headers of a captured step that is over. Nodes on the tape may refer to them until it is
 * rewound to before it. Lies in the arena. */
typedef struct gti_retired {
    gti_arena arena;
    uint64_t id;
    struct gti_retired *next;
} gti_retired;

typedef struct gti_closer {
    void (*free_fn)(void *object);
    void *object;
    struct gti_closer *next;
} gti_closer;

/* What GRADTAPE_ERRORS says, for contexts without a handler. */
typedef enum { GTI_ERRORS_AUTO, GTI_ERRORS_PRINT, GTI_ERRORS_ABORT, GTI_ERRORS_QUIET } gti_errors;

struct gt_ctx {
    bool failed, recording, abort_on_error;
    gti_errors errors;
    gt_error_handler handler;
    gti_prefill prefill;
    bool record_all;    /* also what requires no gradient: a whole backward pass */
    bool recording_all; /* everything, whatever `recording` says; nothing is given back then */
    bool watched;       /* prefill, anomaly, shapes_only, over or a probe */
    bool over;          /* the call's output 0 takes the block of its input 0 */
    bool anomaly;       /* NaN and Inf are errors */
    bool shapes_only;   /* forward is skipped */
    bool special;       /* there has been a hook, a checkpoint, or something to recompute */
    bool recomputing;   /* sweeps make cheap results again, which forward passes drop */
    gti_system system;
    gti_arena step, kept; /* headers by lifetime */
    gti_pool pool;
    gti_tensor *last; /* youngest tensor of the step */
    gti_node *first_node, *last_node;
    uint64_t n_nodes;
    uint64_t clock;     /* one tick for every tensor, node and change */
    gti_mark *marks;    /* the innermost; those that can be rewound to */
    gt_tensor *one[2];  /* kept: the number 1 in f32 and f64, once it was needed */
    gti_tensor *graded; /* leaves whose grad is set */
    const gt_scope *scope;
    const gti_node *swept;  /* whose rule runs; gti_swept_none: none, but a sweep does; or NULL */
    gti_stretch *stretch;   /* being recorded */
    gti_recorder *recorder; /* of the step that is being captured, or NULL */
    gti_retired *retired;
    gti_hook *free_hooks; /* in kept memory, to be used again */
    gti_label *free_labels;
    gti_derived *free_derived;
    uint64_t derived_bytes; /* of the pool's */
    gti_closer *closers, *free_closers;
    gti_closer *resting[GT_RESTING]; /* let go, not yet freed: a ring */
    unsigned n_resting;              /* that ever were */
    gti_team *team;                  /* NULL until it was needed */
    int threads;
    uint64_t divided;         /* operations that ran on several threads */
    int64_t part_work, few;   /* additions that are worth a part; elements that are not */
    int64_t few_changes;      /* the same of changes in place; -1 where they are to be watched */
    gti_probe *probe;         /* sees what runs; or NULL */
    int64_t recomputed_least; /* elements of a result that is not simply kept; tests lower it */
    gti_random random;
    uint64_t seed;
    gt_tensor *keys;                /* kept: i64 {seed, keys drawn}, of gti_random_keys */
    int64_t first_key;              /* how many were drawn before it was made */
    uint64_t freed;                 /* clock of the latest gt_free */
    gti_tensor *spare, *spare_last; /* kept headers that nothing refers to, linked by prev */
    int n_spare;
    gti_error error;
};

extern const gti_node gti_swept_none; /* sweep.c */
static inline bool gti_in_sweep(const gt_ctx *gt)
{
    return gt->swept != NULL;
}

/* Keeps what is rarely done out of the callers' code. */
#define GTI_COLD __attribute__((noinline, cold))

static inline gti_tensor *gti_t(const gt_tensor *t)
{
    return (gti_tensor *)t;
}

/* t's data has changed in place. */
static inline void gti_touch(const gt_tensor *t)
{
    gti_t(t)->base->version = ++t->ctx->clock;
}

/* What is older is never released by a sweep, and outlives the step. */
static inline uint64_t gti_mark_clock(const gt_ctx *gt)
{
    return gt->marks ? gt->marks->clock : 0;
}

/* --- error.c --- */
/* Records a failure; `what` and `where` may be NULL. gt NULL: for the thread. */
void gti_error_fail_v(gt_ctx *gt, gt_status code, const char *what, const char *fmt, va_list args);
/* To be called when a call does nothing because of an earlier failure, so that the place of this
 * call is not taken for the place of that one. */
void gti_error_skip(void);
/* Tells of a failure of gt that was not told of, and forgets it: gt is about to go. */
void gti_error_forget(gt_ctx *gt);
/* Adds a line to the failure of gt. */
void gti_error_note(gt_ctx *gt, const char *fmt, ...) GT_PRINTF(2, 3);
/* What gt_open returns when there is no memory. */
gt_ctx *gti_context_dead(void);

/* --- tell.c --- */
/* Sets gt->errors from the environment; fails gt for a word that means nothing. */
void gti_tell_read_setting(gt_ctx *gt);
/* Handler, stderr, abort: what is set for e's context. Nothing when e was told of before. */
void gti_tell(gti_error *e);
/* The program reads e's message by itself. */
void gti_tell_read(const gti_error *e);

/* --- tensor.c --- */
gti_tensor *gti_tensor_no_header(gt_ctx *gt);

/* A header of the step, linked, without data: shape scalar, dtype f32. NULL after a failure. Field
 * by field, since compilers clear a struct of this size with a slow string instruction; next_graded
 * and next_touched mean nothing until they are linked. */
static inline gti_tensor *gti_header(gt_ctx *gt)
{
    gti_tensor *t = gti_arena_get(&gt->step, sizeof *t);
    if (!t) return gti_tensor_no_header(gt);
    t->pub.ctx = gt;
    t->pub.data = NULL;
    t->pub.grad = NULL;
    t->pub.size = 0;
    t->pub.shape.ndim = 0;
    t->pub.dtype = GT_F32;
    t->pub.requires_grad = false;
    t->pub.where = NULL;
    t->node = NULL;
    t->base = t;
    t->prev = gt->last;
    t->work = NULL;
    t->label = NULL;
    t->id = ++gt->clock;
    t->version = 0;
    t->hold = 0;
    t->flags = 0;
    t->size_class = 0;
    gt->last = t;
    return t;
}

GTI_COLD bool gti_tensor_no_block(const gti_tensor *t, bool too_large, const char *what);

/* Gives t, whose shape and dtype are set, its size and a block. */
static inline bool gti_allocate(gti_tensor *t, const char *what)
{
    int64_t bytes;
    if (!gti_size_of_shape(t->pub.shape.ndim, t->pub.shape.dim, gt_dtype_size(t->pub.dtype),
                           &t->pub.size, &bytes))
        return gti_tensor_no_block(t, true, what);
    int size_class;
    t->pub.data = gti_pool_get(&t->pub.ctx->pool, (size_t)bytes, &size_class);
    if (!t->pub.data) return gti_tensor_no_block(t, false, what);
    t->size_class = (int16_t)size_class;
    return true;
}

/* Gives the block back to the pool and marks it so. */
static inline void gti_release(gti_tensor *base)
{
    if (base->base != base || base->flags & GTI_RELEASED) return;
    base->flags |= GTI_RELEASED;
    if (base->pub.data) gti_pool_put(&base->pub.ctx->pool, base->pub.data, base->size_class);
}

/* An uninitialised leaf; fails by name. */
gt_tensor *gti_tensor_leaf(gt_ctx *gt, const char *what, gt_shape shape, gt_new_opts opts);
/* Sets ctx->watched from the settings that make it. */
static inline void gti_update_watched(gt_ctx *gt)
{
    gt->watched = gt->prefill || gt->anomaly || gt->shapes_only || gt->over || gt->probe;
    gt->few_changes = gt->anomaly || gt->probe ? -1 : gt->few;
}

/* Makes p, or with NULL nobody, look on. */
static inline void gti_set_probe(gt_ctx *gt, gti_probe *p)
{
    gt->probe = p;
    gti_update_watched(gt);
}

/* --- values.c --- */
/* Whether a dtype can hold the number; otherwise fails by name (unless gt is NULL). */
bool gti_values_fit(gt_ctx *gt, const char *what, gt_dtype dtype, double value);

/* Lets gt_keep use the freed kept headers of a list again, to which nothing refers any more. */
void gti_tensor_spare(gt_ctx *gt, gti_tensor *list);

/* --- label.c --- */
/* Whether what belongs to t must lie in kept memory to live as long as t. */
static inline bool gti_outlives_step(const gti_tensor *t)
{
    return t->flags & GTI_KEPT || t->id <= gti_mark_clock(t->pub.ctx);
}
/* t's label, made if need be; NULL where there is no memory. */
gti_label *gti_label_try(gt_tensor *t);
/* The same; NULL after a failure, which names `what`. */
gti_label *gti_label_of(gt_tensor *t, const char *what);
/* Takes t's label and hooks away, and gives back what lies in kept memory of them. */
void gti_label_clear(gti_tensor *t);

/* --- naming.c --- */
/* "train.c:42" of a place's whole path, or "unknown place" of NULL. */
const char *gti_naming_site(const char *where);
/* "'net.conv1.weight'", "the result of conv2d (train.c:42)" or "a leaf". Returns buf. */
char *gti_naming_tensor(const gt_tensor *t, char *buf, size_t size);

/* --- apply.c --- */
/* Whether a node with parts is a single call of them. */
static inline bool gti_apply_one_part(const gt_node *n)
{
    return n->parts[0] == 1 && !n->parts[1] && !n->worker_scratch;
}
/* Runs a node that lies ready, into its outputs' blocks; fails by name. What has run before runs
 * again, and gives the same bits where its inputs hold what they did then. */
bool gti_apply_run(gt_node *n);
/* Puts n, which changes its inputs in place, onto the tape. */
void gti_apply_record_change(gti_node *n);

/* --- refuse.c --- */
/* Say what is wrong with a call: with the inputs, of which at least one cannot be used; with their
 * number; with that of the outputs; with the dtype; with calling what changes tensors in place. */
GTI_COLD void gti_refuse_inputs(const gt_op *op, int n_in, gt_tensor *const in[]);
GTI_COLD void gti_refuse_count(const gt_op *op, int n_in, gt_tensor *const in[]);
GTI_COLD void gti_refuse_outputs(const gt_op *op, int n_in, gt_tensor *const in[]);
/* After infer: with what went wrong, if that has not said so. */
GTI_COLD void gti_refuse_silent(const gt_node *n);
GTI_COLD bool gti_refuse_dtype(const gt_node *n);
GTI_COLD bool gti_refuse_beyond(const gt_node *n, const char *what);
GTI_COLD bool gti_refuse_change(const gt_node *n);
/* The context of the first input that is there, or NULL. */
gt_ctx *gti_refuse_context(int n_in, gt_tensor *const in[]);

/* --- into.c --- */
/* gt_apply_into for the engine: nothing but infer looks at op and inputs. */
bool gti_into_change(const gt_op *op, const void *opts, int n_in, gt_tensor *const in[]);
/* y += x, of one shape and dtype. */
bool gti_into_accumulate(gt_tensor *y, gt_tensor *x);

/* --- host.c --- */
/* Before t, which an operation is to change in place, is changed: notes what it held where that was
 * written by the host within a captured step, so that a replay begins with it. */
bool gti_host_keep_values(gt_tensor *t);

/* --- threads.c --- */
void gti_threads_init(gt_ctx *gt);
/* How many additions are worth a part: 2^15, some 10 us. Tests lower it. */
void gti_threads_set_part_work(gt_ctx *gt, int64_t additions);
/* Calls work for all parts, on the threads that there are. */
void gti_threads_run(gt_ctx *gt, int64_t parts, gti_team_work *work, void *arg);
/* Runs op->elements. */
void gti_threads_run_elements(gt_node *n);
/* Runs op->parts of all stages; fails by name when there is no scratch. */
bool gti_threads_run_stages(gt_node *n);

/* --- derived.c --- */
/* Memory for what a node derives (gt_op.derived), during the call. */
typedef struct {
    void *block;
    bool made; /* holds it already */
    bool kept;
    int size_class;
} gti_derived_room;
/* False, and no failure, when there is no memory. Once it is there stage 0 has to run, unless it
 * was made. */
bool gti_derived_get(const gt_node *n, const gt_derived *d, gti_derived_room *room);
void gti_derived_put(gt_ctx *gt, const gti_derived_room *room);
/* Another number for other values, nearly always. */
uint64_t gti_derived_fingerprint(const gt_tensor *t);
/* Gives back what was derived from base. */
void gti_derived_drop(gti_tensor *base);

/* --- hook.c --- */
/* Removes all hooks of t. */
void gti_hooks_clear(gti_tensor *t);
int gti_hooks_count(const gti_tensor *t);

/* --- anomaly.c --- */
/* Fails n, just computed, if an output holds NaN or Inf. */
bool gti_anomaly_outputs_finite(const gt_node *n);

/* --- random.c --- */
/* The state that keys are drawn from, kept; made when first needed. NULL after a failure. */
gt_tensor *gti_random_keys(gt_ctx *gt);
/* A key that no call got since gt_manual_seed, for an operation that makes its random numbers by
 * itself (base/philox.h): i64 {seed, call}. It is an input of that operation, so whatever runs it
 * again finds the same numbers. NULL after a failure. */
gt_tensor *gti_random_key(gt_ctx *gt);

#endif
