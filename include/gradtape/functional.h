/* Derivatives of functions, as torch.autograd.functional has them, and checkpoints.
 *
 *   gt_tensor *f(gt_ctx *gt, gt_tensor *const in[], void *user);
 *   gt_tensor *jacobian[2];
 *   gt_jacobian(gt, f, NULL, in, 2, jacobian);
 *
 * f is called on copies of the inputs' headers that share their data, so the inputs need not
 * require gradients and nothing of the caller's tape is walked; f must therefore use `in`, not the
 * tensors by other ways. Inputs that are not f32 or f64 (labels, masks) are passed on, and nothing
 * is differentiated in them. What does not depend on an input has a derivative of zeros there. */
#ifndef GRADTAPE_FUNCTIONAL_H
#define GRADTAPE_FUNCTIONAL_H

#include <gradtape/tensor.h>

GT_BEGIN_DECLS

/* Any function of its inputs, built of operations; NULL after a failure. It may reach other tensors
 * than `in` (a module reads its parameters), but must be the same function each time. */
typedef gt_tensor *(*gt_function)(gt_ctx *gt, gt_tensor *const in[], void *user);

typedef struct {
    gt_keywords gt_;
    bool create_graph; /* record what is computed, so that results can be differentiated: in
                        * parameters, and in those inputs that require gradients */
    bool flat;         /* gt_jacobian, gt_hessian: matrices, with a row for each element of the
                        * function's result (or gradient) and a column for each of the input */
    gt_tensor **value; /* takes f's result; NULL: nothing does */
} gt_functional_opts;

/* All fill their results with NULL after a failure, and return its code.
 * Errors: GT_ERR_ARGUMENT (NULL, another context), GT_ERR_DTYPE (a result without derivatives),
 * GT_ERR_SHAPE, and those of f and of the rules. */

/* grads[i] = v' J_i: gradient of sum(v . f) in in[i], of its shape; NULL for an integer input.
 * v: of the result's shape; NULL: ones, for a result of one element. */
gt_status gt_vjp_(gt_ctx *gt, gt_function f, void *user, gt_tensor *const in[], int n, gt_tensor *v,
                  gt_tensor *grads[], gt_functional_opts opts);
/* gt_vjp(gt, f, user, in, n, v, grads, .value = &y) */
#define gt_vjp(gt, f, user, in, n, v, ...) GT_VJP_(gt, f, user, in, n, v, __VA_ARGS__, )
#define GT_VJP_(gt, f, user, in, n, v, grads, ...)                                                 \
    GT_STATUS_AT(gt_vjp_(gt, f, user, in, n, v, grads, GT_OPTS(gt_functional_opts, __VA_ARGS__)))

/* *jv = sum over i of J_i v[i], of the result's shape: the derivative along v. v[i] has the shape
 * of in[i]; NULL stands for zeros. Exact, as the derivative in u of the gradient u' J, which is
 * linear in u; so the rules of second derivatives are used. */
gt_status gt_jvp_(gt_ctx *gt, gt_function f, void *user, gt_tensor *const in[], int n,
                  gt_tensor *const v[], gt_tensor **jv, gt_functional_opts opts);
/* gt_jvp(gt, f, user, in, n, v, &jv, .value = &y) */
#define gt_jvp(gt, f, user, in, n, v, ...) GT_JVP_(gt, f, user, in, n, v, __VA_ARGS__, )
#define GT_JVP_(gt, f, user, in, n, v, jv, ...)                                                    \
    GT_STATUS_AT(gt_jvp_(gt, f, user, in, n, v, jv, GT_OPTS(gt_functional_opts, __VA_ARGS__)))

/* jac[i][result's index..., input's index...] = d f[result's index] / d in[i][input's index]: the
 * shape is the result's and then in[i]'s, or with .flat their sizes. One backward pass for each
 * element of the result. GT_ERR_SHAPE when that shape has more than GT_MAX_DIMS dimensions. */
gt_status gt_jacobian_(gt_ctx *gt, gt_function f, void *user, gt_tensor *const in[], int n,
                       gt_tensor *jac[], gt_functional_opts opts);
/* gt_jacobian(gt, f, user, in, n, jac, .flat = true) */
#define gt_jacobian(gt, f, user, in, n, ...) GT_JACOBIAN_(gt, f, user, in, n, __VA_ARGS__, )
#define GT_JACOBIAN_(gt, f, user, in, n, jac, ...)                                                 \
    GT_STATUS_AT(gt_jacobian_(gt, f, user, in, n, jac, GT_OPTS(gt_functional_opts, __VA_ARGS__)))

/* Of a function whose result has one element: hess[i * n + j] holds the second derivatives in in[i]
 * and in[j], under in[i]'s shape and then in[j]'s, or with .flat their sizes. */
gt_status gt_hessian_(gt_ctx *gt, gt_function f, void *user, gt_tensor *const in[], int n,
                      gt_tensor *hess[], gt_functional_opts opts);
/* gt_hessian(gt, f, user, in, n, hess, .flat = true) */
#define gt_hessian(gt, f, user, in, n, ...) GT_HESSIAN_(gt, f, user, in, n, __VA_ARGS__, )
#define GT_HESSIAN_(gt, f, user, in, n, hess, ...)                                                 \
    GT_STATUS_AT(gt_hessian_(gt, f, user, in, n, hess, GT_OPTS(gt_functional_opts, __VA_ARGS__)))

/* hv[i] = sum over j of H_ij v[j], of in[i]'s shape, H being that Hessian; v[j] has the shape of
 * in[j], NULL stands for zeros. Two backward passes, whatever the sizes. */
gt_status gt_hvp_(gt_ctx *gt, gt_function f, void *user, gt_tensor *const in[], int n,
                  gt_tensor *const v[], gt_tensor *hv[], gt_functional_opts opts);
/* gt_hvp(gt, f, user, in, n, v, hv, .value = &y) */
#define gt_hvp(gt, f, user, in, n, v, ...) GT_HVP_(gt, f, user, in, n, v, __VA_ARGS__, )
#define GT_HVP_(gt, f, user, in, n, v, hv, ...)                                                    \
    GT_STATUS_AT(gt_hvp_(gt, f, user, in, n, v, hv, GT_OPTS(gt_functional_opts, __VA_ARGS__)))

/* f(in), but of what f computes only the result stays in memory; the rest is computed again, once,
 * when a backward pass reaches it: memory for the time of a second forward pass. Gradients are the
 * same to the bit, random numbers included, in first and higher order, for parameters too, and
 * whatever f is: it is not called again, its recorded operations are. Constants that f makes stay
 * in memory. Nests. Tensors of the inside cannot be used after gt_checkpoint, until a backward pass
 * with .retain or .create_graph has been there, which leaves the recomputed data in memory. What
 * the operations read (parameters, inputs) must not be changed in place before. With recording off
 * it is simply f(in). n: number of inputs, which may be 0. NULL after a failure. */
gt_tensor *gt_checkpoint(gt_ctx *gt, gt_function f, void *user, gt_tensor *const in[], int n);
#define gt_checkpoint(gt, f, user, in, n) GT_AT(gt_checkpoint(gt, f, user, in, n))

GT_END_DECLS
#endif
