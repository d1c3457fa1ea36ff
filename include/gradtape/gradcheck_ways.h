/* More ways to look at a function of tensors than gt_gradcheck's. Each returns its verdict and
 * fills a report, as that does; inputs are what it asks for, and are left as found. Options without
 * a meaning are refused: .points; and but by gt_gradcheck_outputs .order = 2, .f32, .inputs, .step
 * and .mode (by gt_gradcheck_taylor tolerances and .probes, too). */
#ifndef GRADTAPE_GRADCHECK_WAYS_H
#define GRADTAPE_GRADCHECK_WAYS_H

#include <gradtape/gradcheck.h>

GT_BEGIN_DECLS

/* gt_gradcheck of a function with n_out results, at most GT_OP_OUTPUTS: f fills out[0..n_out). */
typedef void (*gt_functions)(gt_ctx *gt, gt_tensor *const in[], gt_tensor *out[], void *user);
gt_verdict gt_gradcheck_outputs(gt_ctx *gt, gt_functions f, void *user, gt_tensor *const in[],
                                int n_in, int n_out, const gt_gradcheck_opts *opts,
                                gt_gradcheck_report *report);

/* Whether f and g are two implementations of the same function: their values agree within the
 * tolerances (and what rounding does to f), and so do their gradients, for .probes random upstream
 * gradients. No differences are taken, so this is exact and quick: a fast kernel against a plain
 * formula. Whole numbers are the same ones. GT_GRADCHECK_DIFFERENT names the first value, or the
 * worst gradient. */
gt_verdict gt_gradcheck_same(gt_ctx *gt, gt_function f, void *user_f, gt_function g, void *user_g,
                             gt_tensor *const in[], int n_in, const gt_gradcheck_opts *opts,
                             gt_gradcheck_report *report);

/* The remainders of Taylor's series along a random line, at lengths h that halve from the first on:
 * |f(x + h d) - f(x)| falls like h, |f(x + h d) - f(x) - h J d| like h^2 if J is right, and like h
 * if it is wrong by whatever little. There is no tolerance to choose: the slope of the second in a
 * picture with logarithmic scales is 2.00. (A function of several elements is projected on a random
 * vector.) */
enum { GT_TAYLOR_POINTS = 16 };
typedef struct {
    int n; /* points that rounding leaves, the longest first */
    double h[GT_TAYLOR_POINTS], zeroth[GT_TAYLOR_POINTS], first[GT_TAYLOR_POINTS];
    double slope; /* of first; NAN where fewer than three points are left */
} gt_taylor;
/* PASS for a slope from 1.9 on, or where the function is linear, so that rounding alone is left;
 * FAIL below; INCONCLUSIVE where there is no slope to be seen, since the function does not change,
 * or too fast for any of the lengths. *taylor may be NULL. */
gt_verdict gt_gradcheck_taylor(gt_ctx *gt, gt_function f, void *user, gt_tensor *const in[],
                               int n_in, const gt_gradcheck_opts *opts, gt_taylor *taylor,
                               gt_gradcheck_report *report);
/* Both with logarithmic scales. */
void gt_taylor_print(const gt_taylor *taylor, FILE *file);
void gt_taylor_svg(const gt_taylor *taylor, FILE *file);

/* Whether f treats the items of a batch alike and apart: the first n_batched inputs, and the
 * result, have a batch as their first dimension; f of the batch equals f of its items one by one,
 * its gradients in batched inputs are those of the items, and in the others their sum. Batch
 * normalization in training is not of this kind, nor is a loss that is a mean over the batch. */
gt_verdict gt_gradcheck_batch(gt_ctx *gt, gt_function f, void *user, gt_tensor *const in[],
                              int n_in, int n_batched, const gt_gradcheck_opts *opts,
                              gt_gradcheck_report *report);

GT_END_DECLS
#endif
