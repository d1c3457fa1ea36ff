/* Modules made of modules.
 *
 *   gt_module *net = gt_nn_sequential(gt, gt_nn_conv2d(gt, 1, 6, .kernel = {5}), gt_nn_relu(gt),
 *                                     gt_nn_flatten(gt), gt_nn_lazy_linear(gt, 10));
 *
 * Children are roots, and belong to one parent. With a child that is NULL, because making it
 * failed, constructors return NULL, and the first error stays. */
#ifndef GRADTAPE_CONTAINERS_H
#define GRADTAPE_CONTAINERS_H

#include <gradtape/nn.h>

GT_BEGIN_DECLS

/* A child and its name: {"conv1", gt_nn_conv2d(...)}. */
typedef struct {
    const char *name;
    gt_module *module;
} gt_named_module;

/* Sequential: its children one after another, named "0", "1", ... Arguments are made in the order
 * in which they are written, on the compilers that gradtape is tested with, so that their
 * parameters are drawn as in PyTorch. */
gt_module *gt_nn_sequential_(gt_ctx *gt, int n, gt_module *const child[]);
#define gt_nn_sequential(gt, ...)                                                                  \
    GT_MODULE_AT(gt_nn_sequential_(gt, GT_COUNTED(gt_module *, __VA_ARGS__)))
/* The same with names: gt_nn_sequential_named(gt, {"conv", conv}, {"relu", relu}). */
gt_module *gt_nn_sequential_named_(gt_ctx *gt, int n, const gt_named_module child[]);
#define gt_nn_sequential_named(gt, ...)                                                            \
    GT_MODULE_AT(gt_nn_sequential_named_(gt, GT_COUNTED(gt_named_module, __VA_ARGS__)))
/* Empty ones, to be appended to. */
#define gt_nn_sequential_empty(gt) GT_MODULE_AT(gt_nn_sequential_(gt, 0, NULL))

/* ModuleList: children named "0", "1", ... for a module of your own, which runs them as it likes;
 * has no forward itself. */
gt_module *gt_nn_module_list_(gt_ctx *gt, int n, gt_module *const child[]);
#define gt_nn_module_list(gt, ...)                                                                 \
    GT_MODULE_AT(gt_nn_module_list_(gt, GT_COUNTED(gt_module *, __VA_ARGS__)))
#define gt_nn_module_list_empty(gt) GT_MODULE_AT(gt_nn_module_list_(gt, 0, NULL))

/* Same: another place of a module that is part of a network, for a Sequential or a module of one's
 * own: gt_nn_sequential(gt, conv, gt_nn_relu(gt), gt_nn_same(gt, conv)). Its weights are counted,
 * saved, stepped and initialised once, where the module itself is; calls are recorded under its
 * path. Both must be below whatever is asked for parameters, copied, set to a mode, freed: where
 * the module itself is not, that is an error, GT_ERR_STATE. */
gt_module *gt_nn_same(gt_ctx *gt, gt_module *of);
#define gt_nn_same(gt, of) GT_MODULE_AT(gt_nn_same(gt, of))

/* ParameterList: leaves as parameters named "0", "1", ..., so that an optimizer, clipping or a file
 * takes tensors that are no module's: gt_adam(gt_nn_parameter_list(gt, image)). They are kept (see
 * gt_module_add_parameter): the tensors to use from then on are gt_module_parameter(list, "0"),
 * which are those that were given if these were kept before. Has no forward. */
gt_module *gt_nn_parameter_list_(gt_ctx *gt, int n, gt_tensor *const t[]);
#define gt_nn_parameter_list(gt, ...)                                                              \
    GT_MODULE_AT(gt_nn_parameter_list_(gt, GT_COUNTED(gt_tensor *, __VA_ARGS__)))

typedef struct {
    gt_keywords gt_;
    gt_module *shortcut; /* NULL: x itself */
} gt_nn_residual_opts;
/* Residual: body(x) + shortcut(x). Children "body" and "shortcut". */
gt_module *gt_nn_residual_(gt_ctx *gt, gt_module *body, gt_nn_residual_opts opts);
/* gt_nn_residual(gt, body), gt_nn_residual(gt, body, .shortcut = gt_nn_conv2d(...)) */
#define gt_nn_residual(gt, ...) GT_NN_RESIDUAL_(gt, __VA_ARGS__, )
#define GT_NN_RESIDUAL_(gt, body, ...)                                                             \
    GT_MODULE_AT(gt_nn_residual_(gt, body, GT_OPTS(gt_nn_residual_opts, __VA_ARGS__)))

/* Concat: what its children, "0", "1", ..., make of the same x, one after another along axis 1. A
 * dense block's step is gt_nn_concat(gt, gt_nn_identity(gt), f). */
gt_module *gt_nn_concat_(gt_ctx *gt, int n, gt_module *const child[]);
#define gt_nn_concat(gt, ...) GT_MODULE_AT(gt_nn_concat_(gt, GT_COUNTED(gt_module *, __VA_ARGS__)))

/* Of a container whose children are numbered: puts child at the end, or before the one at `index`,
 * which may be negative, counted from the end; the ones behind are renumbered. Returns child, or
 * NULL after a failure. */
gt_module *gt_module_append(gt_module *m, gt_module *child);
#define gt_module_append(m, child) GT_MODULE_AT(gt_module_append(m, child))
gt_module *gt_module_insert(gt_module *m, int index, gt_module *child);
#define gt_module_insert(m, index, child) GT_MODULE_AT(gt_module_insert(m, index, child))
/* The child at `index`, likewise; NULL when there is none, which is no failure. */
gt_module *gt_module_nth(gt_module *m, int index);

GT_END_DECLS
#endif
