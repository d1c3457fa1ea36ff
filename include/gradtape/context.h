/* The context: memory, tape, random state and error of one thread of work. */
#ifndef GRADTAPE_CONTEXT_H
#define GRADTAPE_CONTEXT_H

#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#ifdef __cplusplus
#define GT_BEGIN_DECLS                                                                             \
    extern "C" {                                                                                   \
    _Pragma("GCC visibility push(default)")
#define GT_END_DECLS                                                                               \
    _Pragma("GCC visibility pop")                                                                  \
    }
#else
#define GT_BEGIN_DECLS _Pragma("GCC visibility push(default)")
#define GT_END_DECLS _Pragma("GCC visibility pop")
#endif
#if defined(__GNUC__)
#define GT_MUST_CHECK __attribute__((warn_unused_result))
#define GT_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#else
#define GT_MUST_CHECK
#define GT_PRINTF(fmt, args)
#endif

/* --- C and C++ ---
 * GT_OPTS(type, .name = value, ) is a struct of options; the comma at the end is the caller's, so
 * that there may be no option at all. GT_ARRAY(type, a, b) is an array made in the call, as a
 * pointer, and GT_ARRAY_COUNT its length, which evaluates nothing. In C the array lives as long as
 * the block around it, in C++ only until the end of the full expression: pass it on there, and keep
 * no pointer to it. In C++ options are given in the order of the struct, as C++20 demands, and g++
 * -Wextra needs -Wno-missing-field-initializers. */
#ifdef __cplusplus
extern "C++" {
template <class T, size_t n> constexpr const T *gt_array_(const T (&array)[n])
{
    return array;
}
template <class T, size_t n> char (&gt_array_count_(const T (&array)[n]))[n];
}
#define GT_OPTS(type, ...)                                                                         \
    type                                                                                           \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }
#define GT_ARRAY(type, ...) gt_array_<type>({__VA_ARGS__})
#define GT_ARRAY_COUNT(type, ...) ((int)sizeof(gt_array_count_<type>({__VA_ARGS__})))
#else
#define GT_OPTS(type, ...) ((type){__VA_ARGS__.gt_ = 0})
#define GT_ARRAY(type, ...) ((type[]){__VA_ARGS__})
#define GT_ARRAY_COUNT(type, ...) ((int)(sizeof((type[]){__VA_ARGS__}) / sizeof(type)))
#endif
/* Two arguments in one: the length, then the array. */
#define GT_COUNTED(type, ...) GT_ARRAY_COUNT(type, __VA_ARGS__), GT_ARRAY(type, __VA_ARGS__)

#define GT_VERSION_MAJOR 0
#define GT_VERSION_MINOR 1
#define GT_VERSION_PATCH 0
#define GT_VERSION "0.1.0"

GT_BEGIN_DECLS

typedef struct gt_ctx gt_ctx;

/* First in every struct of options, and left to GT_OPTS. Options have names; one that is
 * given by its place, as in gt_sum(x, 1), would be a pointer made from an integer, and compilers
 * say so. gt_loader_opts alone has an int instead, at its end: gt_loader_new(d, 64, true). */
typedef const struct gt_no_options_by_place *gt_keywords;

/* Zero always means an option's default. GT_ZERO asks for 0 itself, in whole and real numbers
 * alike: gt_adamw(net, .weight_decay = GT_ZERO). Where 0 makes no sense it is an error, as 0 itself
 * would be; where 0 is the default, it is that. GT_EXACTLY(x) asks for a number that may be 0, such
 * as one of the command line. (No option has a use for the number that GT_ZERO is.) */
#define GT_ZERO INT_MIN
#define GT_EXACTLY(x) ((x) == 0 ? GT_ZERO : (x))
/* What an option means: itself, 0, or its default. */
static inline double gt_option(double value, double otherwise)
{
    return value == 0 ? otherwise : value == GT_ZERO ? 0 : value;
}
static inline int64_t gt_option_int(int64_t value, int64_t otherwise)
{
    return value == 0 ? otherwise : value == GT_ZERO ? 0 : value;
}
/* Number i of a pair, height and width: {3} is {3, 3}, and {3, GT_ZERO} has a 0. */
static inline int gt_option_pair(const int pair[2], int i, int otherwise)
{
    return (int)gt_option_int(pair[i] == 0 && i == 1 ? pair[0] : pair[i], otherwise);
}
/* The same of padding, but taken as written, {1, 0} as 1 and 0, where kernel, stride or dilation
 * tell height from width (`directed`). C cannot tell {1} from {1, 0}. */
static inline int gt_option_padding(const int pair[2], int i, bool directed)
{
    return directed ? (int)gt_option_int(pair[i], 0) : gt_option_pair(pair, i, 0);
}
static inline double gt_option_pair_real(const double pair[2], int i, double otherwise)
{
    return gt_option(pair[i] == 0 && i == 1 ? pair[0] : pair[i], otherwise);
}

typedef struct gt_tensor gt_tensor;

/* What went wrong, by kind; gt_error_message() says what exactly. */
typedef enum {
    GT_OK = 0,
    GT_ERR_ARGUMENT,    /* a value that makes no sense: NULL, a negative stride */
    GT_ERR_SHAPE,       /* shapes that do not fit each other or the operation */
    GT_ERR_DTYPE,       /* a dtype that the operation does not take, or a mixture */
    GT_ERR_STATE,       /* right call, wrong time: a dropped tensor, a released tape */
    GT_ERR_MEMORY,      /* no memory, or a size that overflows */
    GT_ERR_IO,          /* a file or a program could not be opened, read, written or run */
    GT_ERR_FORMAT,      /* a file's content is not what its format demands */
    GT_ERR_NUMERIC,     /* NaN or Inf where anomaly checks are on */
    GT_ERR_UNSUPPORTED, /* right in principle, but this build or operation cannot do it */
} gt_status;

/* Opens a context. Never NULL: when there is no memory, the context that comes back has already
 * failed, and every call on it is a no-op. One context belongs to one thread at a time; different
 * threads may each have one. Such a thread needs a stack of 1 MB: products put half of that on it.
 */
gt_ctx *gt_open(void);

/* Frees the context and everything in it: tensors, modules, optimizers. NULL is fine. */
void gt_close(gt_ctx *gt);

/* --- errors ---
 * Sticky: the first failing call stores its message and returns NULL (or a status); from then on
 * calls on this context do nothing, until gt_error_clear. So a program checks once, at the end or
 * where it can act on it. */
bool gt_failed(const gt_ctx *gt);
gt_status gt_error_code(const gt_ctx *gt);
/* The message, "" when there is none. Valid until the next call on the context. With NULL: the
 * message of this thread's last failure that had no context, such as an operation whose inputs were
 * all NULL. */
const char *gt_error_message(const gt_ctx *gt);
/* Forgets the error; the context works on. With NULL: forgets this thread's message without a
 * context. */
void gt_error_clear(gt_ctx *gt);
/* "shape", "dtype", ...; "ok" for GT_OK. */
const char *gt_status_name(gt_status status);
/* What a failure of the system with this errno is: GT_ERR_MEMORY for ENOMEM, otherwise GT_ERR_IO.
 */
gt_status gt_status_of_errno(int why);
/* snprintf, vsnprintf, fprintf and strtod as in the "C" locale: numbers have a point, whatever
 * locale the program or the thread has set. All text that the library makes, and all that takes a
 * format (gt_fail, gt_file_printf, ...), is made so. */
int gt_snprintf(char *buf, size_t size, const char *fmt, ...) GT_PRINTF(3, 4);
int gt_vsnprintf(char *buf, size_t size, const char *fmt, va_list args) GT_PRINTF(3, 0);
int gt_fprintf(FILE *file, const char *fmt, ...) GT_PRINTF(2, 3);
double gt_strtod(const char *text, char **end);

/* Failures are told of as they happen, once their message is complete: after the call that failed
 * has noted its place, or where it notes none at the next chance, at the latest on gt_close. By
 * default the first failure of a context is printed to stderr, so that a crash over an unchecked
 * NULL is preceded by its cause; but only until the program has read a message itself, with
 * gt_error_message: from then on it is taken to show its errors, and the library is silent.
 * In the environment GRADTAPE_ERRORS, which gt_open reads, says otherwise:
 *   print   every failure is printed
 *   abort   it is printed, and abort() called: for debuggers
 *   quiet   none is
 * A handler of the program's own gets every failure, and nothing is printed then but before an
 * abort. The process counts as one program: once it reads messages, it does so in all contexts. */
typedef void (*gt_error_fn)(gt_status status, const char *message, void *user);
typedef struct {
    gt_error_fn fn;
    void *user;
} gt_error_handler;
/* fn NULL: no handler. With gt NULL: for this thread's failures without a context. fn is called by
 * the thread that failed, must not use the context, and copies the message if it wants to keep it.
 * Returns the handler before, to be set again. */
gt_error_handler gt_set_error_handler(gt_ctx *gt, gt_error_fn fn, void *user);
/* A handler that does nothing: the context is quiet, and does not abort either. */
void gt_ignore_error(gt_status status, const char *message, void *user);
/* With `on`, the first failure of this context is printed and abort() called, as with
 * GRADTAPE_ERRORS=abort. Off by default. */
void gt_set_abort_on_error(gt_ctx *gt, bool on);
/* With `on`, the first NaN or Inf that an operation computes (forward, backward, in place) is an
 * error, GT_ERR_NUMERIC: which operation, element and cause, ranges of the inputs and of what those
 * were made from, as a tree, and in the backward pass the forward call. It reads all results once
 * more. What gt_fill writes is taken as meant. Off by default. Returns the old setting. */
bool gt_set_anomaly_check(gt_ctx *gt, bool on);
bool gt_is_checking_anomalies(const gt_ctx *gt);
/* With `on`, results that are cheap to compute (of elementwise operations and norms) and that only
 * backward passes will read again are dropped as soon as modules have passed them on (gt_pass), or
 * gt_release says so, and computed again when a backward pass needs them: activation checkpointing
 * of what costs least, with the same bits; captured steps do so, too. Takes 3 to 15 % of the time
 * of a step of a convolutional network with batch norm, and half to two thirds of its activations'
 * memory. What such results are computed from must not be changed in place before the backward
 * pass, nor released by that of another loss, which takes .retain then: both are errors that say
 * so. Off by default. Returns the old setting. */
bool gt_set_recomputing(gt_ctx *gt, bool on);
/* With `on`, operations work out shapes and are recorded, but compute nothing: floating results
 * have undefined contents, whole numbers are 0, and parameters, running statistics and states of
 * optimizers stay as they are. For looking at a network's shapes, as gt_summary does. Off by
 * default. Returns the old setting. */
bool gt_set_shapes_only(gt_ctx *gt, bool on);

/* --- tape ---
 * A tensor lives until the tape is rewound past its birth, or its context closes. gt_rewind drops
 * every tensor and node recorded since the mark, and the gradients of leaves made since; rewinding
 * at the top of a loop forgets the step before. Marks nest; a mark that lies behind a rewind is
 * void and refused, and so is another context's. What was recorded before a mark stays until an
 * earlier one is rewound to: a function that sets a mark and loops leaves its last step behind,
 * unless it rewinds at its end. Neither call may come from a hook or a backward rule.
 *
 * Using a dropped tensor is an error that says so during the two turns of the loop behind its own,
 * as long as none is larger (in tensors and nodes) than both of the two before it; later its header
 * may have become another tensor's. A freed one is recognised until at least 64 more were freed. */
typedef struct {
    uint64_t where[4];
} gt_mark;
gt_mark gt_mark_tape(gt_ctx *gt);
void gt_rewind(gt_ctx *gt, gt_mark to);
#define gt_rewind(gt, to) GT_VOID_AT(gt_rewind(gt, to))

/* Recording on (the default): operations on tensors that require gradients go onto the tape. Off:
 * they only compute. Returns the old setting. */
bool gt_set_recording(gt_ctx *gt, bool on);
bool gt_is_recording(const gt_ctx *gt);
/* All of it: every operation goes onto the tape in the order of the calls, also of what requires no
 * gradient, with recording off, within sweeps, and changes in place. What is recorded so has no
 * gradients that it would not have otherwise. Nothing that was computed is given back before the
 * rewind: neither gt_backward nor gt_checkpoint releases activations. So the nodes of a whole step
 * (gt_tape_first) can be shown, written down, or run again. Not turned on in a context that has
 * failed. Returns the old setting. */
bool gt_set_recording_all(gt_ctx *gt, bool on);
bool gt_is_recording_all(const gt_ctx *gt);

/* Seeds the context's generator as torch.manual_seed does (MT19937): the same seed gives PyTorch's
 * CPU numbers. A new context is seeded with 5489, the generator's own default. */
void gt_manual_seed(gt_ctx *gt, uint64_t seed);
#define gt_manual_seed(gt, seed) GT_VOID_AT(gt_manual_seed(gt, seed))

/* --- threads ---
 * Large operations are divided among n threads, 1 to 256; results are the same bits for any number.
 * As many as the process may use processors, unless GRADTAPE_THREADS in the environment says
 * otherwise. The threads are started when they are first needed. A child of fork goes on without
 * them. Errors: GT_ERR_ARGUMENT. */
gt_status gt_set_threads(gt_ctx *gt, int n);
#define gt_set_threads(gt, n) GT_STATUS_AT(gt_set_threads(gt, n))
int gt_threads(const gt_ctx *gt);

/* --- statistics --- */
typedef struct {
    uint64_t mallocs;    /* calls to the system's allocator since gt_open; constant in a steady
                            training loop */
    uint64_t divided;    /* operations that ran on several threads since gt_open */
    uint64_t nodes;      /* nodes on the tape now */
    uint64_t bytes_live; /* tensor data in use now, in bytes as rounded by the pool */
    uint64_t
        bytes_peak; /* the most that bytes_live has been since gt_open or gt_stats_reset_peak */
    uint64_t bytes_derived; /* of bytes_live: what is kept beside weights, packed for kernels */
    uint64_t bytes_system;  /* all that the context holds from the system */
} gt_stats;
gt_stats gt_get_stats(const gt_ctx *gt);
void gt_stats_reset_peak(gt_ctx *gt);

/* --- scopes ---
 * A name for a stretch of the tape, in one tree of two kinds: of modules, which use them to name
 * themselves in messages and graphs, or of the program's own; and of calls of functions composed of
 * operations (gt_call in op.h). The path of a scope is the names of its ancestors of the first kind
 * and its own, joined by dots; empty names are left out. The caller owns the struct, which must
 * outlive the nodes recorded in it. */
typedef struct gt_scope {
    const char *name;
    const struct gt_scope *parent;
    const struct gt_call *call; /* of a function; NULL in scopes of modules and of the program */
    uint32_t state;             /* of a module: another number in another mode or with other hooks,
                                 * which captured steps look at */
    const struct gt_module *module; /* of a module; NULL in other scopes */
    const char
        *type; /* of a stretch that pictures draw as a whole: what it is, "Conv"; else NULL */
} gt_scope;
/* Makes `scope` the current one (NULL: none) and returns the one before, to be restored the same
 * way. */
const gt_scope *gt_set_scope(gt_ctx *gt, const gt_scope *scope);
/* Writes the path into buf (always terminated) and returns its full length, as snprintf does. */
size_t gt_scope_path(const gt_scope *scope, char *buf, size_t size);

/* --- call sites ---
 * The macros of operations pass results through GT_AT, which costs a test and a store, so that
 * messages name the line of the user's program. Inside the library, GT_NO_SITES leaves it out. */
#define GT_STRINGIFY_(x) #x
#define GT_STRINGIFY(x) GT_STRINGIFY_(x)
#define GT_HERE __FILE__ ":" GT_STRINGIFY(__LINE__)
#ifdef GT_NO_SITES
#define GT_AT(call) (call)
#define GT_STATUS_AT(call) (call)
#define GT_CHECKED_AT(call) (call)
#else
#define GT_AT(call) gt_at_((call), GT_HERE)
#define GT_STATUS_AT(call) gt_status_at_((call), GT_HERE)
#define GT_CHECKED_AT(call) gt_checked_at_((call), GT_HERE)
#endif
/* Completes the message of a failure that has just happened on this thread with the place of the
 * call. */
void gt_note_site_(const char *where);
#ifdef GT_NO_SITES
#define GT_NUMBER_AT(call) (call)
#define GT_COUNT_AT(call) (call)
#define GT_VOID_AT(call) (call)
#else
#define GT_NUMBER_AT(call) gt_number_at_((call), GT_HERE)
#define GT_COUNT_AT(call) gt_count_at_((call), GT_HERE)
#define GT_VOID_AT(call) ((call), gt_note_site_(GT_HERE))
#endif
static inline double gt_number_at_(double number, const char *where)
{
    if (number != number) gt_note_site_(where);
    return number;
}
static inline int gt_count_at_(int n, const char *where)
{
    if (n == 0) gt_note_site_(where);
    return n;
}
static inline gt_status gt_status_at_(gt_status status, const char *where)
{
    if (status != GT_OK) gt_note_site_(where);
    return status;
}
/* For calls whose status must be looked at. */
GT_MUST_CHECK static inline gt_status gt_checked_at_(gt_status status, const char *where)
{
    return gt_status_at_(status, where);
}

/* For constructors of things other than tensors: after GT_DEFINE_AT(gt_loader),
 * GT_MADE_AT(gt_loader, call) notes the place when the call gives NULL. */
#define GT_DEFINE_AT(type)                                                                         \
    static inline type *type##_at_(type *made, const char *where)                                  \
    {                                                                                              \
        if (!made) gt_note_site_(where);                                                           \
        return made;                                                                               \
    }
#ifdef GT_NO_SITES
#define GT_MADE_AT(type, call) (call)
#else
#define GT_MADE_AT(type, call) type##_at_((call), GT_HERE)
#endif

/* --- versions --- */
const char *gt_version(void); /* "0.1.0" */
/* The level of the kernels, "plain", "v3" (x86-64 with AVX2), "v4" (with AVX-512) or "neon"
 * (AArch64): the best that the machine can, or what GRADTAPE_CPU says in the environment. Chosen at
 * the first computation of the process; gt_open fails for a level that there is not. */
const char *gt_cpu_level(void);
/* Who multiplies matrices: "native", the library itself, or "OpenBLAS 0.3.21". OpenBLAS is loaded
 * where GRADTAPE_BLAS=openblas is in the environment, and where the kernels are "plain", if it is
 * installed (libopenblas.so.0); a level above multiplies as fast by itself. The library sets it to
 * one thread, for the whole process. What it does inside is its own: the memory that it takes is
 * not in gt_get_stats, and when it gets none, it may crash or end the process (0.3.21 does not look
 * at what malloc gives it for small products). A program that must outlive that builds with
 * -DGRADTAPE_BLAS=OFF, or runs with GRADTAPE_BLAS=native. */
const char *gt_blas_name(void);

GT_END_DECLS
#endif
