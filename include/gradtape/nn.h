/* Modules: layers, and whatever is made of them, with named parameters. This header has what all
 * of them share; layers.h, containers.h and loss.h have the kinds, init.h the initialisers,
 * summary.h the table of a whole network.
 *
 * A module belongs to its context, which frees it on gt_close; who makes many in one context can
 * free them before (gt_module_free).
 * Names are PyTorch's: a parameter's path is the names of the modules above it and its own, joined
 * by dots ("features.0.weight"), so that a PyTorch state dict fits.
 *
 *   gt_module *conv = gt_nn_conv2d(gt, 1, 6, .kernel = {5}, .padding = {2});
 *   gt_tensor *y = gt_forward(conv, x);
 *
 * After a failure constructors return NULL, and every function here takes NULL for a module and
 * then does nothing, so that errors can be checked once, at the end. */
#ifndef GRADTAPE_NN_H
#define GRADTAPE_NN_H

#include <gradtape/ops.h>

GT_BEGIN_DECLS

typedef struct gt_module gt_module;

/* A kind of module; static and constant. Users define their own: a struct that begins with a
 * gt_module, and one of these. */
typedef struct {
    const char *name; /* "Conv2d" */
    size_t size;      /* of the struct that begins with a gt_module */
    gt_tensor *(*forward)(gt_module *m, gt_tensor *x); /* NULL after a failure, of an operation or
                                                        * by gt_module_fail */
    /* or, of several inputs or outputs: fills out, which is all NULL, in the order of `outputs`;
     * false after a failure. Inputs that were not given are NULL in `in`, which has a place for
     * each of `inputs` */
    bool (*forward_many)(gt_module *m, gt_tensor *const in[], gt_tensor *out[]);
    const char *inputs, *outputs; /* their names, "query key value", at most GT_MODULE_MOST; NULL:
                                   * one, "x" and "y" */
    bool (*materialise)(gt_module *m, gt_tensor *x); /* before every forward until it returns true:
                                                      * makes lazy parameters from the first input;
                                                      * NULL: nothing is lazy */
    void (*free)(gt_module *m); /* what the user's struct owns beside parameters,
                                 * buffers and children; may be NULL. Must not
                                 * touch other modules or tensors */
    void (*describe)(const gt_module *m, char *text, size_t size); /* what gt_module_print has in
                                                                    * the parentheses, "1, 6"; may
                                                                    * be NULL */
    bool (*copy)(gt_module *to, const gt_module *from); /* gives `to`, whose struct is a copy of
                                                         * from's, its own of what free frees;
                                                         * without it, what has a free cannot be
                                                         * copied */
    int n_least;        /* inputs that must be there, where the last ones need not; 0: all */
    bool keeps_nothing; /* forward stores neither its input nor what it returns anywhere, and
                         * returns its input, a view of it, or a tensor that nobody else has: then
                         * containers release both when nobody will read them (gt_pass) */
} gt_module_type;

typedef struct gt_module_entry gt_module_entry; /* a named tensor in a module's list */
typedef struct gt_module_index gt_module_index; /* finds things by their names */
typedef struct gt_module_hook gt_module_hook;

/* Modules nest no deeper than this: what walks over a tree may use the stack for each level. Side
 * by side there may be any number. */
#define GT_MODULE_LEVELS 256

/* Read these fields, do not write them. */
struct gt_module {
    const gt_module_type *type;
    gt_ctx *ctx;
    const char *inputs, *outputs; /* names: its kind's; a kind may set others when it makes one */
    gt_module *parent;            /* NULL: a root */
    gt_module *child, *next;      /* its first child; its next sibling */
    gt_scope scope;               /* its name, "" for a root, below its parent's scope */
    gt_module_entry *parameters, *buffers;
    gt_module_index *index;
    gt_module_hook *hooks;
    int users;      /* optimizers and averages of it, and other places (gt_nn_same) */
    int levels;     /* of modules: 1 without children; at most GT_MODULE_LEVELS */
    int holders;    /* hooks, and modules whose kind does not say .keeps_nothing, here and below */
    gt_dtype dtype; /* of parameters that it will make */
    uint64_t version;   /* raised when a parameter, buffer or child is added here or below */
    uint32_t modes;     /* pushed: a bit for each below a leading 1 */
    bool training;      /* true until gt_eval */
    bool ready;         /* nothing lazy is left to materialise */
    bool freed;         /* by gt_module_free: nothing is left but this struct */
    bool spare;         /* during forward: nobody but it will read its input (gt_pass) */
    gt_activation then; /* during forward: what is applied to its result; who does so itself says so
                         * by GT_NO_ACTIVATION */
};

/* Passes the user's call site on to the message when a constructor fails. */
GT_DEFINE_AT(gt_module)
#define GT_MODULE_AT(call) GT_MADE_AT(gt_module, call)

/* --- building modules --- */

/* A module of this type: type->size bytes, all zero behind the gt_module; a root, in training mode.
 * Errors: GT_ERR_ARGUMENT (a type without a name, or smaller than a gt_module), GT_ERR_MEMORY. */
gt_module *gt_module_new(gt_ctx *gt, const gt_module_type *type);
#define gt_module_new(gt, type) GT_MODULE_AT(gt_module_new(gt, type))

/* Names must not be empty, hold a dot or a control character, have more than GT_NAME_MOST bytes, or
 * be taken by another parameter, buffer or child of m. */

/* Keeps t as a parameter: lifts it out of the tape, asks for its gradient, names it. t is f32 or
 * f64 and a leaf. Returns the tensor to use from now on (see gt_keep); adding that one to another
 * module shares it, under the name that it got first. NULL after a failure, or when t is NULL. */
gt_tensor *gt_module_add_parameter(gt_module *m, const char *name, gt_tensor *t);
#define gt_module_add_parameter(m, name, t) GT_AT(gt_module_add_parameter(m, name, t))

/* The same for a tensor that is part of the state but not learned, of any dtype and without
 * gradients: running means, counters, masks. */
gt_tensor *gt_module_add_buffer(gt_module *m, const char *name, gt_tensor *t);
#define gt_module_add_buffer(m, name, t) GT_AT(gt_module_add_buffer(m, name, t))

/* Puts child, a root, behind m's other children, and returns it. Errors: GT_ERR_ARGUMENT (it is no
 * root, or the tree would have more than GT_MODULE_LEVELS levels), GT_ERR_MEMORY. */
gt_module *gt_module_add_child(gt_module *m, const char *name, gt_module *child);
#define gt_module_add_child(m, name, child) GT_MODULE_AT(gt_module_add_child(m, name, child))

/* Frees m, which is a root, and all below it: structs, and tensors that no other module has, with
 * their gradients. NULL is fine. Using one of them afterwards is an error that says so until
 * GT_RESTING others were freed. A captured step of it is over, too: gt_captured_free it before.
 * Errors: GT_ERR_STATE (freed before; it is part of another; it is running; operations that it has
 * recorded are on the tape, which gt_rewind drops; an optimizer or average of it is left, which
 * gt_optimizer_free and gt_ema_free free, or a place of it elsewhere, gt_nn_same). */
void gt_module_free(gt_module *m);
#define gt_module_free(m) GT_VOID_AT(gt_module_free(m))

/* Whether m is there and was not freed. False also for NULL; fails only for what was freed. */
bool gt_module_usable(const gt_module *m);

/* Fails on behalf of a module, for use in forward and materialise: "Conv2d 'net.conv1': " and the
 * message. Does nothing when the context has failed already. Returns code. */
gt_status gt_module_fail(const gt_module *m, gt_status code, const char *fmt, ...) GT_PRINTF(3, 4);

/* For objects that hold on to a module, as optimizers do: m is not freed meanwhile. */
void gt_module_use(gt_module *m, int more);

/* --- using modules --- */

/* The module's output for its inputs, gt_forward(net, x), gt_forward(net, image, text), recorded
 * under the module's path; in the order in which its kind names them, the last ones may be left out
 * (or be NULL) where the kind says so. Lazy modules make their parameters at the first call; these
 * outlive rewinds like all parameters. NULL after a failure, or when an input that must be there is
 * NULL. Errors: those of the operations, GT_ERR_ARGUMENT for another number of inputs, and for a
 * module of several outputs, which gt_forward_all returns. */
gt_tensor *gt_forward_(gt_module *m, int n, gt_tensor *const in[]);
#define gt_forward(m, ...) GT_AT(gt_forward_(m, GT_COUNTED(gt_tensor *, __VA_ARGS__)))

/* All outputs of a module, in the order in which its kind names them:
 *   gt_outputs y = gt_forward_all(rnn, x, h);
 *   y.at[0], y.at[1], gt_output(&y, "state")
 * After a failure at[..] are NULL, so what is done with them does nothing. */
#define GT_MODULE_MOST 16 /* inputs, and outputs */
typedef struct {
    gt_tensor *at[GT_MODULE_MOST]; /* NULL behind the last */
    int n;
    const char *names;
} gt_outputs;
gt_outputs gt_forward_all_(gt_module *m, int n, gt_tensor *const in[]);
#define gt_forward_all(m, ...)                                                                     \
    GT_OUTPUTS_AT_(gt_forward_all_(m, GT_COUNTED(gt_tensor *, __VA_ARGS__)))
static inline gt_outputs gt_outputs_at_(gt_outputs made, const char *where)
{
    for (int i = 0; i < made.n; i++) gt_at_(made.at[i], where);
    return made;
}
#ifdef GT_NO_SITES
#define GT_OUTPUTS_AT_(call) (call)
#else
#define GT_OUTPUTS_AT_(call) gt_outputs_at_((call), GT_HERE)
#endif
/* The output of this name; NULL when the kind has none, which is no failure. */
gt_tensor *gt_output(const gt_outputs *y, const char *name);

/* How many inputs and outputs a module has, those that may be left out among them, and the name of
 * one, "key": writes into buf (always terminated) and returns it; "" when there is no such one. */
int gt_module_n_inputs(const gt_module *m);
int gt_module_n_outputs(const gt_module *m);
char *gt_module_input_name(const gt_module *m, int i, char *buf, size_t size);
char *gt_module_output_name(const gt_module *m, int i, char *buf, size_t size);

/* gt_forward of one input, for forward functions that hand x on from module to module, as
 * containers do: bool spare = m->spare; x = gt_pass(b->conv, x, &spare); return gt_pass(b->relu, x,
 * &spare); *spare says that nobody else will read x: then its data goes back to the pool, or the
 * result takes it over, as soon as neither m nor a backward rule needs it (gt_release). Afterwards
 * it says the same of the result. Where a module may hold on to tensors (`holders`), its input and
 * result are left alone. */
gt_tensor *gt_pass(gt_module *m, gt_tensor *x, bool *spare);
#define gt_pass(m, x, spare) GT_AT(gt_pass(m, x, spare))

/* Sets `training` in m and everything below it. */
void gt_train(gt_module *m);
void gt_eval(gt_module *m);

/* The same for a while: gt_module_pop_mode gives each module the mode back that it had of its own
 * (frozen parts may be in evaluation mode when the whole is not). May be nested 31 times. */
void gt_module_push_mode(gt_module *m, bool training);
void gt_module_pop_mode(gt_module *m);

/* Calls fn on m and everything below it, children before their parents, as torch does: for
 * initialisers, which look at m->type->name or try gt_module_parameter(m, "weight"). */
void gt_module_apply(gt_module *m, void (*fn)(gt_module *m, void *user), void *user);

/* Calls fn after every gt_forward of m that succeeds, with its inputs and outputs, a place for each
 * that its kind names: for looking at feature maps. Several are called in the order in which they
 * were added. Errors: GT_ERR_ARGUMENT, GT_ERR_MEMORY. */
typedef void (*gt_module_hook_fn)(gt_module *m, gt_tensor *const in[], gt_tensor *const out[],
                                  void *user);
gt_status gt_module_add_hook(gt_module *m, gt_module_hook_fn fn, void *user);
#define gt_module_add_hook(m, fn, user) GT_STATUS_AT(gt_module_add_hook(m, fn, user))
/* Removes the first hook with this function and user pointer, if there is one. */
void gt_module_remove_hook(gt_module *m, gt_module_hook_fn fn, void *user);

/* Takes away the gradients of all parameters: grad becomes NULL, as after a rewind. */
void gt_zero_grad(gt_module *m);

/* --- clipping ---
 * Between gt_backward and gt_optimizer_step: change the gradients of all parameters in place, as
 * torch.nn.utils does. */
typedef struct {
    gt_keywords gt_;
    double norm_type;        /* 2; any p > 0, INFINITY for the largest absolute value */
    bool error_if_nonfinite; /* GT_ERR_NUMERIC when the norm is NaN or infinite, instead of
                              * gradients scaled by it */
} gt_clip_grad_norm_opts;
/* Scales all gradients by max_norm / (norm + 1e-6) if that is below 1, where norm is that of all
 * their elements together. Returns the norm before, NaN after a failure. */
double gt_clip_grad_norm_(gt_module *m, double max_norm, gt_clip_grad_norm_opts opts);
/* gt_clip_grad_norm(net, 1.0), gt_clip_grad_norm(net, 1.0, .norm_type = INFINITY) */
#define gt_clip_grad_norm(m, ...) GT_CLIP_GRAD_NORM_(m, __VA_ARGS__, )
#define GT_CLIP_GRAD_NORM_(m, max_norm, ...)                                                       \
    GT_NUMBER_AT(gt_clip_grad_norm_(m, max_norm, GT_OPTS(gt_clip_grad_norm_opts, __VA_ARGS__)))
/* Brings every element into [-bound, bound]; NaN stays. */
gt_status gt_clip_grad_value(gt_module *m, double bound);
#define gt_clip_grad_value(m, bound) GT_STATUS_AT(gt_clip_grad_value(m, bound))

/* --- finding things ---
 * Paths are relative to m: "conv.weight", "0.weight". NULL when there is no such thing, which is no
 * failure. */
gt_tensor *gt_module_parameter(const gt_module *m, const char *path);
gt_tensor *gt_module_buffer(const gt_module *m, const char *path);
gt_module *gt_module_child(gt_module *m, const char *path);

/* Number of elements of all parameters, shared ones counted once. Lazy parameters count from the
 * first forward on. */
int64_t gt_module_n_parameters(const gt_module *m);

/* Walks the tensors of m and all below it, in PyTorch's order: a module's parameters, its buffers,
 * then its children in the order they were added.
 *
 *   gt_state_iter it = gt_module_parameters(net);
 *   while (gt_state_next(&it)) printf("%lld\n", (long long)it.tensor->size);
 *
 * Nothing may be added below m meanwhile. */
typedef struct {
    gt_tensor *tensor;       /* the present one */
    const gt_module *module; /* that has it */
    bool is_buffer;
    /* The rest is the walk's own. */
    const gt_module *root;
    const gt_module_entry *entry;
    const char *pattern;
    unsigned kinds;
    uint64_t again[4]; /* where bits of tensors that were met again are set */
} gt_state_iter;
gt_state_iter gt_module_parameters(const gt_module *m); /* every tensor once, by its first name */
gt_state_iter gt_module_buffers(const gt_module *m);    /* likewise */
gt_state_iter gt_module_state(const gt_module *m); /* parameters and buffers, under all names */
/* The parameters whose path fits a pattern, "*.bias": each once, by its first name that fits. The
 * pattern is not copied. */
gt_state_iter gt_module_parameters_like(const gt_module *m, const char *pattern);
/* Goes to the next tensor, at first to the first; false when there is none. */
bool gt_state_next(gt_state_iter *it);
/* Writes the present tensor's path into buf (always terminated) and returns its full length, as
 * snprintf does. */
size_t gt_state_path(const gt_state_iter *it, char *buf, size_t size);

/* Whether a whole name fits a pattern, in which * stands for any characters, dots included, and ?
 * for any one. */
bool gt_name_fits(const char *pattern, const char *name);

/* --- changing a module's tensors --- */

/* Has the parameters whose paths fit the pattern require no gradients, or require them again:
 * gt_freeze(net, "features.*"). Returns how many tensors fit; none is an error, GT_ERR_ARGUMENT.
 * Lazy parameters are there only from the first forward on. Frozen batch normalisation goes on
 * changing its running statistics in training, as in PyTorch; gt_eval of the part stops that. */
int gt_freeze(gt_module *m, const char *pattern);
int gt_unfreeze(gt_module *m, const char *pattern);
#define gt_freeze(m, pattern) GT_COUNT_AT(gt_freeze(m, pattern))
#define gt_unfreeze(m, pattern) GT_COUNT_AT(gt_unfreeze(m, pattern))

/* In what follows tensors are replaced: pointers to them that modules' structs hold are exchanged,
 * other pointers to the old ones stay valid until the module is freed, but mean nothing to it.
 * Optimizers take the new ones up with fresh state. */

/* Shares a parameter: the one at `path` becomes the very tensor at `source`, of the same shape and
 * dtype: gt_module_tie(net, "decoder.weight", "embedding.weight"). It is counted and stepped once,
 * and saved under both names, as in PyTorch's state_dict. Lazy modules have no parameters to share
 * before their first forward. Errors: GT_ERR_ARGUMENT, GT_ERR_STATE, GT_ERR_SHAPE,
 * GT_ERR_DTYPE. */
gt_status gt_module_tie(gt_module *m, const char *path, const char *source);
#define gt_module_tie(m, path, source) GT_STATUS_AT(gt_module_tie(m, path, source))

/* Converts all floating parameters and buffers, and those that lazy modules will make, to f32 or
 * f64. Errors: GT_ERR_DTYPE, GT_ERR_MEMORY. */
gt_status gt_module_to(gt_module *m, gt_dtype dtype);
#define gt_module_to(m, dtype) GT_STATUS_AT(gt_module_to(m, dtype))

/* A copy of m and all below it, a root, with tensors of its own; what is shared or frozen in m is
 * so in the copy. Structs of modules are copied byte for byte, and in them pointers to m's modules
 * and tensors exchanged for the copy's. Hooks are not copied. Errors: GT_ERR_UNSUPPORTED (a kind
 * with a free, but no copy), GT_ERR_MEMORY. */
gt_module *gt_module_copy(const gt_module *m);
#define gt_module_copy(m) GT_MODULE_AT(gt_module_copy(m))

/* --- printing --- */

/* Writes "Conv2d(1, 6, kernel_size=(5, 5), stride=(1, 1))", as PyTorch prints it, into buf (always
 * terminated) and returns buf. */
char *gt_module_describe(const gt_module *m, char *buf, size_t size);
/* The same for m and all below it, a line each, indented: PyTorch's print(net). */
void gt_module_print(FILE *f, const gt_module *m);

GT_END_DECLS
#endif
