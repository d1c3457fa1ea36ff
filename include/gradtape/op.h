/* Writing operations: the contract between an operation and the engine.
 *
 * The library's own operations (ops/) use exactly this header, and so can yours: fill in a gt_op,
 * call gt_apply. docs/adding-an-operation.md is a worked example. */
#ifndef GRADTAPE_OP_H
#define GRADTAPE_OP_H

#include <gradtape/attr.h>
#include <gradtape/tensor.h>

GT_BEGIN_DECLS

typedef struct gt_op gt_op;

#define GT_OP_STAGES 3

/* One recorded call. */
typedef struct gt_node {
    const gt_op *op;
    const void *opts; /* op->opts_size bytes, the engine's copy, complete (gt_attrs) */
    gt_tensor **in, **out;
    int n_in, n_out;
    gt_dtype dtype; /* whose forward runs: the first input's, unless infer sets another */
    uint64_t needs; /* see gt_needs_grad */
    void *plan;     /* op->plan_size bytes, 8-byte aligned: what infer works out for the rest */
    /* Set by infer, where wanted; 0 before. */
    size_t scratch_size;         /* bytes that forward wants */
    size_t worker_scratch;       /* of operations that run in parts: bytes for each worker, */
    int64_t parts[GT_OP_STAGES]; /* and parts of each stage, 0 of those that are not there */
    void *scratch;               /* 64-byte aligned, undefined content, only during forward */
} gt_node;

/* Bits of gt_op.unread, for the first 16 of either. */
#define GT_UNREAD_IN(i) (1u << (i))
#define GT_UNREAD_OUT(i) (0x10000u << (i))

/* Neighbouring parts of a stage, for one worker. */
typedef struct {
    int stage;
    int64_t begin, end;
    void *scratch; /* the worker's own, 64-byte aligned, undefined content; NULL: none */
    void *derived; /* the bytes of gt_derived, 64-byte aligned; NULL: none */
} gt_range;

/* A call of one kernel, with its arguments: what a replay (capture.h) runs in place of `elements`.
 */
typedef struct gt_bound gt_bound;
struct gt_bound {
    void (*run)(const gt_bound *b, int64_t begin, int64_t end); /* elements begin to end */
    void (*kernel)(void);                                       /* what `run` calls, cast to it */
    const void *in[2];
    void *out;
    int64_t bytes; /* of an element of the output, and of inputs where they have as many */
    union {
        double p[2];
        int64_t stride[2];
    } by;
};

/* What stage 0 makes of one input alone, such as weights in the order in which a kernel reads them.
 * It depends on that input's values and on the key, which says for what it is made. Beside a tensor
 * that outlives the step the engine keeps it from the second call with unchanged values on, and
 * leaves stage 0 out. */
enum { GT_DERIVED_KEY = 64 };
typedef struct {
    size_t bytes; /* 0: nothing */
    int input;
    const void *key; /* of at most GT_DERIVED_KEY bytes */
    size_t key_size;
    bool passing; /* little work beside the rest of the call: never kept */
} gt_derived;

enum {
    GT_OP_VIEW = 1,     /* output 0 shares input 0's data: same dtype and size, forward unused */
    GT_OP_MIXED = 2,    /* inputs may differ in dtype; infer checks them */
    GT_OP_NO_SAVED = 4, /* backward reads no values of inputs or outputs, only shapes */
    GT_OP_INTO = 8,     /* output i is input i, changed in place, for all outputs: infer checks, and
                         * sets no shapes; called by gt_apply_into alone; not differentiable */
    GT_OP_PRODUCT = 16, /* sums of products, half of .flops are multiplications; without .window its
                         * result is no image */
    GT_OP_FRAME = 32,   /* puts something around an image, or cuts it off, and moves nothing */
    GT_OP_VALUES = 64,  /* infer or forward checks values that inputs hold, such as indices: a
                         * replay (capture.h) calls infer again */
    GT_OP_OVER = 128,   /* output 0 may be input 0's block (gt_apply_over): `elements` reads no
                         * others of inputs that have output 0's shape, each before it writes it; a
                         * part of `parts`, where input 0 has output 0's shape, reads of input 0
                         * what it writes, all of it before */
    GT_OP_CHEAP = 256,  /* takes little longer than reading its inputs does, as what has `elements`:
                         * may be computed again rather than kept (gt_set_recomputing) */
    GT_OP_MOVE = 512,   /* moves or fills elements, without arithmetic */
    GT_OP_PICK = 1024,  /* reads of an input no more elements than output 0 has; with GT_OP_INTO, of
                         * output 0 no more than input 1 has */
};

/* --- samples: what the gradient checker runs an operation on ---
 * Their inputs lie apart: most have no pointers, so that a program which checks nothing never reads
 * them, nor has its loader fill them in. */
#define GT_SAMPLE_INPUTS 6
typedef struct {
    gt_shape shape;
    double low, high;     /* uniform in [low, high); both 0: standard normal */
    const double *values; /* instead: these, row-major */
    gt_dtype dtype;       /* GT_F32, the default: the dtype being checked. Otherwise this dtype,
                           * filled with whole numbers in [low, high) */
    bool null;            /* error samples: this input is NULL */
    int same;             /* k > 0: the very tensor of input k - 1 again */
} gt_sample_input;

typedef struct {
    const char *label;         /* "groups=2, stride=2" */
    const gt_sample_input *in; /* GT_INPUTS(...) */
    const void *opts;          /* NULL: all zero */
    int n_in;                  /* for operations with any number of inputs */
    bool kinks;                /* lies on a declared kink: may end inconclusive */
} gt_sample;

typedef struct {
    const char *label;
    const gt_sample_input *in;
    const void *opts;
    int n_in;
    gt_status code;
    const char *message; /* must be part of gt_error_message() */
} gt_error_sample;

/* Inputs of samples, in static tables outside of functions:
 * .in = GT_INPUTS(GT_IN(2, 3), GT_IN_RANGE(0.5, 2, 2, 3)). What is not given is GT_IN_SCALAR. */
#ifdef __cplusplus
#define GT_INPUTS(...)                                                                             \
    []() -> const gt_sample_input * {                                                              \
        static const gt_sample_input in[GT_SAMPLE_INPUTS] = {__VA_ARGS__};                         \
        return in;                                                                                 \
    }()
#else
#define GT_INPUTS(...) ((const gt_sample_input[GT_SAMPLE_INPUTS]){__VA_ARGS__})
#endif
#define GT_DIMS(...)                                                                               \
    {                                                                                              \
        GT_ARRAY_COUNT(int64_t, __VA_ARGS__),                                                      \
        {                                                                                          \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }
#define GT_IN(...)                                                                                 \
    {                                                                                              \
        .shape = GT_DIMS(__VA_ARGS__)                                                              \
    }
#define GT_IN_RANGE(lo, hi, ...)                                                                   \
    {                                                                                              \
        .shape = GT_DIMS(__VA_ARGS__), .low = (lo), .high = (hi)                                   \
    }
#define GT_IN_SCALAR                                                                               \
    {                                                                                              \
        .shape = { 0, {0} }                                                                        \
    }
#define GT_SAMPLES(array) .samples = (array), .n_samples = (int)(sizeof(array) / sizeof *(array))
#define GT_ERROR_SAMPLES(array)                                                                    \
    .error_samples = (array), .n_error_samples = (int)(sizeof(array) / sizeof *(array))

/* Windows along the last two dimensions; a sequence has height 1. */
typedef struct {
    int64_t kernel[2], stride[2]; /* a dilated kernel from its first to its last element */
    bool transposed;              /* input and output exchanged */
} gt_window;

/* An operation. Static and constant. */
struct gt_op {
    const char *name;   /* "conv2d" */
    const char *inputs; /* names of the inputs for messages and graphs: "x weight"; with fewer names
                         * than inputs the last one is numbered: "x" for x0, x1, ... */
    int n_in, n_out;    /* n_in -1: any number, at least one; n_out at most GT_OP_OUTPUTS */
    int n_least;        /* inputs that must be there, where the last ones need not; 0: all */
    size_t opts_size;
    gt_attrs attrs;       /* what the options are: GT_ATTRS(rows), completed before infer, or
                           * GT_PLAIN_ATTRS(rows); {0}: known to the operation alone */
    const gt_attrs *call; /* those of the function that calls it, where they are others; or NULL */
    unsigned flags;
    unsigned unread; /* inputs and outputs whose values backward does not read, though it reads
                      * some; their data may be gone by then, and no operation takes them */
    /* Checks inputs and options; sets shape and dtype (preset to the first input's) of every output
     * and, if wanted, dtype and scratch_size of the node. Or fails: return gt_op_fail(n, ...). */
    bool (*infer)(gt_node *n);
    /* Computes out from in, by n->dtype. Pure: reads nothing but the node, writes nothing but out
     * and scratch, allocates nothing. Must write every element of every output. Of an operation
     * with GT_OP_VALUES and without GT_OP_INTO it may fail, too: with gt_op_fail(n, ...). NULL
     * where the dtype is not supported. */
    void (*forward[GT_N_DTYPES])(gt_node *n);
    /* Instead of forward, one of the two, where work is worth dividing among threads; with results
     * that are the same bits for any number of them.
     * elements: computes elements begin to end of output 0 (all outputs have as many), each by
     * itself: of inputs with as many elements it reads only the one in the same place, before it
     * writes there, so that replays (capture.h) may put the result into an input's memory and run
     * neighbours block by block. Ranges begin at multiples of 16. */
    void (*elements[GT_N_DTYPES])(gt_node *n, int64_t begin, int64_t end);
    double cost; /* of an element, in additions; 0: 1 */
    /* Sets b to the call that `elements` would make for n, whose tensors stay where they are.
     * False: it makes several, or looks at values first. NULL: always so. */
    bool (*bind)(const gt_node *n, gt_bound *b);
    /* parts: computes parts of a stage, whose numbers infer sets from shapes alone (gt_parts). A
     * stage begins when the one before has ended; its parts run in any order, several at a time,
     * must not write where another part reads or writes, and must not depend on how they are joined
     * to ranges. */
    void (*parts[GT_N_DTYPES])(gt_node *n, const gt_range *r);
    gt_derived (*derived)(const gt_node *n); /* NULL: nothing */
    size_t plan_size;                        /* of gt_node.plan */
    /* Sets gin[i], the gradient of input i, by calling operations on gout (gradients of the
     * outputs; NULL for an output that nobody used, at least one is not NULL). gin comes zeroed;
     * leave NULL where !gt_needs_grad(n, i). Returns false after a failure of its own; failures of
     * operations are seen by themselves. NULL: not differentiable. */
    bool (*backward)(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[]);
    /* Of an operation whose input 0, x, has a gradient that is 0 but in a few places, and no other
     * input has one; or NULL: the operation with GT_OP_INTO and the same options that adds to dx,
     * of x's shape and dtype, what backward would give for dy; inputs "dx dy" and those behind x,
     * if any. Called in place of backward where x has gathered
     * a gradient that nobody else sees and no graph is made, so that n pieces of x cost as much as
     * x, not n times as much. */
    const gt_op *backward_into;
    /* What backward computes, for documentation: "dx = dy cos x", dy being the gradient of the
     * result and dx that of an input x; sums over what was broadcast go without saying. NULL: there
     * is no rule, or nothing to say. */
    const char *gradient;
    const gt_sample *samples;
    int n_samples;
    const gt_error_sample *error_samples;
    int n_error_samples;
    /* Arithmetic of one call, from shapes, options and plan alone (gt_node_work); NULL: one
     * operation for an element of output 0, or none of what is a view or has GT_OP_MOVE. */
    double (*flops)(const gt_node *n);
    /* For summaries, of operations on images and sequences: the windows of input 0 that the
     * elements of output 0 see; NULL: an element sees its own place, and all of it where sizes
     * shrink. */
    gt_window (*window)(const gt_node *n);
};
#define GT_OP_OUTPUTS 4

/* What `gradtape check --load my_ops.so` finds in a shared object: the operations that a file in it
 * hands over, once, outside of its functions:
 *
 *   GT_EXPORT_OPS(&my_op, &another_op);
 */
typedef struct {
    const char *version; /* of the header that it was built with */
    size_t op_size;
    int n;
    const gt_op *const *op; /* [n] */
} gt_op_exports;
#define GT_EXPORT_OPS(...)                                                                         \
    static const gt_op *const gt_exported_ops_[] = {__VA_ARGS__};                                  \
    GT_BEGIN_DECLS                                                                                 \
    extern const gt_op_exports gradtape_ops;                                                       \
    const gt_op_exports gradtape_ops = {GT_VERSION, sizeof(gt_op),                                 \
                                        (int)(sizeof gt_exported_ops_ / sizeof *gt_exported_ops_), \
                                        gt_exported_ops_};                                         \
    GT_END_DECLS                                                                                   \
    extern const gt_op_exports gradtape_ops

/* Inputs that must be there; with n_in -1, -1. */
static inline int gt_op_least(const gt_op *op)
{
    return op->n_least ? op->n_least : op->n_in;
}

/* For .forward: one function for both floating dtypes, or for all four. */
#define GT_FOR_FLOATS(f)                                                                           \
    {                                                                                              \
        (f), (f), NULL, NULL                                                                       \
    }
#define GT_FOR_ALL(f)                                                                              \
    {                                                                                              \
        (f), (f), (f), (f)                                                                         \
    }

/* Runs op on in[0..n_in) and records it where an input requires gradients. opts is
 * copied; NULL: all are zero, which mostly is the default. Returns output 0, or NULL after a
 * failure. Inputs must be live, of one context and (without GT_OP_MIXED) of one dtype. */
gt_tensor *gt_apply(const gt_op *op, const void *opts, int n_in, gt_tensor *const in[]);
/* The same for several outputs: fills out[0..op->n_out), with NULL after a failure. */
gt_status gt_apply_n(const gt_op *op, const void *opts, int n_in, gt_tensor *const in[],
                     gt_tensor *out[]);
/* gt_apply of an operation with GT_OP_OVER on an in[0] that nobody else will read: where no
 * backward rule will either, the result takes its block, and in[0] is released as by gt_release.
 * Otherwise the same as gt_apply. */
gt_tensor *gt_apply_over(const gt_op *op, const void *opts, int n_in, gt_tensor *const in[]);
/* For operations with GT_OP_INTO. No gradient goes through, so inputs may require gradients, and
 * the call is recorded only where everything is (gt_set_recording_all). The versions of what is
 * changed rise. GT_OK, or the error, and then nothing has changed (but by an anomaly). */
gt_status gt_apply_into(const gt_op *op, const void *opts, int n_in, gt_tensor *const in[]);
#define gt_apply_into(...) GT_STATUS_AT(gt_apply_into(__VA_ARGS__))
#define gt_apply(...) GT_AT(gt_apply(__VA_ARGS__))
#define gt_apply_over(...) GT_AT(gt_apply_over(__VA_ARGS__))
#define gt_apply_n(...) GT_STATUS_AT(gt_apply_n(__VA_ARGS__))

/* Whether backward is to make gin[i]. */
static inline bool gt_needs_grad(const gt_node *n, int i)
{
    return n->needs >> (i < 63 ? i : 63) & 1;
}

/* Fails an operation from infer, backward or, over values, forward: "conv2d 'net.conv1'
 * (train.c:42): " and the message, then a line of the inputs' names and shapes. Returns false. */
bool gt_op_fail(const gt_node *n, gt_status code, const char *fmt, ...) GT_PRINTF(3, 4);
/* Adds the line "  hint: ..." to the failure just made. Returns false. */
bool gt_op_hint(const gt_node *n, const char *fmt, ...) GT_PRINTF(2, 3);
/* Fails a call that is no operation; `what` names it. Does nothing when gt has failed already.
 * Returns code. With gt NULL the message goes to the thread. */
gt_status gt_fail(gt_ctx *gt, gt_status code, const char *what, const char *fmt, ...)
    GT_PRINTF(4, 5);

/* Into how many parts to divide `items` pieces of work of `cost` elementary operations each; 0 only
 * for none. Part p has those from gt_part_begin(items, parts, p) to that of p + 1. */
int64_t gt_parts(const gt_node *n, int64_t items, double cost);
static inline int64_t gt_part_begin(int64_t items, int64_t parts, int64_t p)
{
    const int64_t each = items / parts, rest = items % parts;
    return p * each + (p < rest ? p : rest);
}
/* The same for elements. GT_GRAIN of them stay together, so that vectors are whole and every
 * element is computed alike wherever the cuts are. */
enum { GT_GRAIN = 16 };
static inline int64_t gt_element_parts(const gt_node *n, int64_t size, double cost)
{
    return gt_parts(n, (size + GT_GRAIN - 1) / GT_GRAIN, cost * (int)GT_GRAIN);
}
static inline int64_t gt_element_begin(int64_t size, int64_t parts, int64_t p)
{
    const int64_t first = GT_GRAIN * gt_part_begin((size + GT_GRAIN - 1) / GT_GRAIN, parts, p);
    return first < size ? first : size;
}

/* Whether a name of the user's can stand in paths, messages and files of lines: not empty, of at
 * most `most` bytes, without control characters. Otherwise `why`, of GT_WHY bytes, gets the reason,
 * "holds the control character 0x0a behind 'top'". */
#define GT_NAME_MOST 255 /* of modules, parameters, buffers and metrics */
#define GT_WHY 160
bool gt_is_name(const char *name, size_t most, char *why);

/* Name of input i for messages, "weight" or "x3". Writes into buf and returns it. */
const char *gt_op_input_name(const gt_op *op, int i, char *buf, size_t size);

/* An axis in 0..ndim-1, negative ones counted from the end; -1 and a failure of the node when there
 * is no such axis. */
int gt_op_axis(const gt_node *n, int axis, int ndim);
/* The dimensions among ndim that a set of axes (GT_AXES, ops.h) names: bit i of *dims for dimension
 * i. A number has the axes 0 and -1, which are none. False when it is no set, or there is no such
 * axis; `why`, of 96 bytes, then gets the reason. */
bool gt_axes_dims(unsigned axes, int ndim, unsigned *dims, char *why);
/* The same, with a failure of the node. */
bool gt_op_axes(const gt_node *n, unsigned axes, int ndim, unsigned *dims);
/* The shape that a and b broadcast to as in NumPy; false when they do not. */
bool gt_shape_broadcast(gt_shape a, gt_shape b, gt_shape *out);
/* Number of elements, or -1 on overflow or a negative dimension. */
int64_t gt_shape_size(gt_shape shape);

/* --- what a call costs --- */
/* Of the definition, whatever way a kernel takes: a multiply-add is two operations, so is each
 * product of a convolution that Winograd's transforms save; exp or a comparison is one. Every input
 * is read once and every output written once; an intermediate result that stays within the
 * operation is free, and so are views. Comparable with PyTorch's and other profilers' numbers for
 * products and convolutions, and rough for the rest. */
typedef struct {
    double flops;         /* operations on numbers */
    double read, written; /* bytes */
} gt_work;
gt_work gt_node_work(const gt_node *n);
/* What a tensor is, without its values. */
typedef struct {
    gt_shape shape;
    gt_dtype dtype;
} gt_kind;
/* The work of op on inputs of these kinds, without computing or allocating any; values that are
 * checked (GT_OP_VALUES) are taken as 0. opts as in gt_apply. Where `out` is not NULL, out[0] to
 * out[op->n_out - 1] get the results' kinds. Errors: those of op on such inputs, GT_ERR_MEMORY. */
gt_status gt_op_work(gt_ctx *gt, const gt_op *op, const void *opts, int n_in, const gt_kind in[],
                     gt_work *work, gt_kind out[]);
#define gt_op_work(...) GT_STATUS_AT(gt_op_work(__VA_ARGS__))

/* --- the host's part in a step --- */
/* Calls fn(t, data), which works out numbers on the host (a learning rate, a weight) and may write
 * them to some of the n tensors and read others; and again in each replay of a step that is being
 * captured (capture.h), at this place among the operations. The size bytes at data are copied for
 * that; what they point to must live as long as the context. What fn returns: false after a failure
 * of the context. */
typedef bool (*gt_host_fn)(gt_tensor *const t[], const void *data);
bool gt_host_call(gt_ctx *gt, gt_host_fn fn, int n, gt_tensor *const t[], const void *data,
                  size_t size);
/* Fails, naming `what`, where a step is being captured that cannot be run again with this in it.
 * Returns whether it failed. */
bool gt_host_only(gt_ctx *gt, const char *what, const char *hint);

/* --- the registry --- */
typedef struct {
    const char *name;      /* "conv2d" */
    const char *signature; /* "gt_conv2d(gt_tensor *x, gt_tensor *weight, gt_conv2d_opts opts)"; of
                            * operations with GT_OP_INTO their inputs, "axpy(y, x, p)" */
    const char *meaning;   /* "1 / x"; not of its options, see gt_op_info_attrs */
    const gt_op *op;       /* NULL: a function composed of operations */
    const gt_attrs *attrs; /* of a function; see gt_op_info_attrs */
    bool inner;            /* made by backward rules, rarely called by hand */
} gt_op_info;
/* What the options and arguments of a call are; NULL: none are known. */
const gt_attrs *gt_op_info_attrs(const gt_op_info *info);
/* All built-in operations in the order of ops.def; *n gets their number. */
const gt_op_info *gt_ops(size_t *n);
/* The built-in operation of this name, or NULL. */
const gt_op_info *gt_op_find(const char *name);

typedef struct {
    const char *title; /* "Convolutions" */
    const char *note;  /* what holds for all of them, or "" */
} gt_op_section;
/* The heading of ops.def that an element of gt_ops() stands under. */
const gt_op_section *gt_op_section_of(const gt_op_info *info);

/* --- functions composed of operations ---
 * A call of one opens a scope, so that messages, graphs and readers of the tape see the function
 * that the program called, and not only what it is made of. Every function of ops.def does so, and
 * one of your own can:
 *
 *     gt_tensor *scaled_relu(gt_tensor *x, double s)
 *     {
 *         static const gt_op_info info = {.name = "scaled_relu"};
 *         gt_call *call = gt_call_begin(x, &info, NULL, 0);
 *         return gt_call_end(call, gt_mul_scalar(gt_relu(x), s));
 *     }
 *
 * Calls nest. They live as long as the tensors of the step that are made after them. */
typedef struct gt_call {
    gt_scope scope; /* with the function's name, below the scope that was current */
    const gt_op_info *function;
    const void *opts; /* its options and arguments, complete, as function->attrs describes them;
                       * NULL: none */
    size_t opts_size;
    const gt_tensor *result; /* what gt_call_end got; NULL while the function runs */
    uint64_t began, ended;   /* see gt_call_made; `ended` is 0 while it runs */
    gt_ctx *ctx;
} gt_call;
/* Opens the call's scope in x's context; opts, of opts_size bytes, are copied, NULL standing for
 * zeros. NULL, and nothing is opened, after a failure, when x is NULL, and in backward passes that
 * record nothing. */
gt_call *gt_call_begin(const gt_tensor *x, const gt_op_info *function, const void *opts,
                       size_t opts_size);
/* Every call that has begun must end, on every way out of the function. Returns result. */
gt_tensor *gt_call_end(gt_call *c, gt_tensor *result);
/* Whether t was made while the call ran. */
bool gt_call_made(const gt_call *c, const gt_tensor *t);
/* The call that the program made: the outermost of those that the scope stands in up to the next
 * module. NULL in none. */
const gt_call *gt_scope_call(const gt_scope *scope);

/* --- reading the tape --- */
/* Of a step; an update: clipping, optimizers' steps, averages of weights. */
typedef enum { GT_PART_FORWARD, GT_PART_BACKWARD, GT_PART_UPDATE } gt_part;
enum { GT_PARTS = GT_PART_UPDATE + 1 };
/* Nodes from the oldest on; NULL at the end. Valid until the next rewind. */
const gt_node *gt_tape_first(const gt_ctx *gt);
const gt_node *gt_tape_next(const gt_node *n);
/* The node that made t, NULL for leaves and for results that were not recorded. */
const gt_node *gt_producer(const gt_tensor *t);
/* The scope that was current when n was recorded, of the innermost function or module; NULL if
 * none. */
const gt_scope *gt_node_scope(const gt_node *n);
/* Whether n was recorded while gt_backward or gt_grad ran. */
bool gt_node_in_backward(const gt_node *n);
/* The node whose backward rule recorded n; NULL: none did. */
const gt_node *gt_node_swept(const gt_node *n);
/* Sets and gets the scope whose path stands before t's name, as modules do for parameters. */
void gt_set_owner(gt_tensor *t, const gt_scope *owner);
const gt_scope *gt_owner(const gt_tensor *t);
/* Counts those who hold on to a kept tensor, such as modules that share it: adds `more`, and
 * returns how many there are now. Whoever brings it to 0 frees the tensor. */
int gt_share(gt_tensor *t, int more);
/* Ties something to the context's lifetime: on gt_close, free_fn(object) is called, last tied
 * first, before tensors go. GT_OK, or GT_ERR_MEMORY. */
gt_status gt_at_close(gt_ctx *gt, void (*free_fn)(void *object), void *object);
/* Unties an object whose time is over: free_fn(object) is called once GT_RESTING others have been
 * let go after it, or on gt_close. Until then it can tell whoever still uses it that it is gone. */
#define GT_RESTING 64
void gt_let_go(gt_ctx *gt, const void *object);

GT_END_DECLS
#endif
