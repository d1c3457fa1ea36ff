/* The gradient checker for derivatives that are not gradtape's: plain C functions of doubles and
 * the derivatives that somebody wrote for them by hand, with no tensor and no context in sight.
 *
 *   double energy(const double *x, int64_t n, void *user);
 *   void gradient(const double *x, int64_t n, double *g, void *user);
 *   gt_gradcheck_report r;
 *   if (gt_gradcheck_c(energy, gradient, &world, x, n, NULL, &r) != GT_PASS)
 *       gt_gradcheck_print(&r, stderr);
 *
 * What is checked, and how, is what gradcheck.h says: measured noise, steps of several lengths,
 * kinks, values that are not finite, elements that are not written, inputs that are changed, two
 * runs that differ. Nothing is kept: callbacks are called during the call alone, on copies of x,
 * one call at a time, and own none of their arguments. A callback that has to give up writes NaN;
 * one that writes next to its array is found. Of the options .order = 2 and .f32 are refused:
 * second derivatives are the first ones of your gradient, so give it as `f` and the Hessian as its
 * Jacobian; functions of floats have functions of their own below. */
#ifndef GRADTAPE_GRADCHECK_C_H
#define GRADTAPE_GRADCHECK_C_H

#include <gradtape/gradcheck.h>

GT_BEGIN_DECLS

/* f(x), x [n]; and g [n] = its gradient, every element of which is to be written. */
typedef double (*gt_c_scalar)(const double *x, int64_t n, void *user);
typedef void (*gt_c_gradient)(const double *x, int64_t n, double *g, void *user);

gt_verdict gt_gradcheck_c(gt_c_scalar f, gt_c_gradient gradient, void *user, const double *x,
                          int64_t n, const gt_gradcheck_opts *opts, gt_gradcheck_report *report);

/* y [m] = f(x), x [n], and its derivative J [m,n] in one form or in several: all that are not NULL
 * are checked, in this order, up to the first that does not pass. Matrices are row-major:
 * J[j * n + i] = d y[j] / d x[i]. Every element of the last array but `user` is to be written. */
typedef struct {
    int64_t n, m;
    void (*f)(const double *x, double *y, void *user);
    void (*jacobian)(const double *x, double *J, void *user);
    void (*vjp)(const double *x, const double *w, double *wJ, void *user); /* w [m], wJ [n] */
    void (*jvp)(const double *x, const double *v, double *Jv, void *user); /* v [n], Jv [m] */
    void *user;
    bool symmetric; /* J is, as the Hessian of an f that is a gradient; that is checked, too */
} gt_c_map;

/* Large ones are checked by random projections, .jvp along random directions. J v must be linear in
 * v, which is left alone. Errors, as a FAIL of
 * the kind GT_GRADCHECK_ERROR: NULL, n or m below 1, no derivative, options that are refused. */
gt_verdict gt_gradcheck_map(const gt_c_map *map, const double *x, const gt_gradcheck_opts *opts,
                            gt_gradcheck_report *report);

/* Whether a and b are two implementations of the same map: values, and derivatives in the first
 * form that each has, as gt_gradcheck_same (gradcheck_ways.h) compares functions of tensors. */
gt_verdict gt_gradcheck_map_same(const gt_c_map *a, const gt_c_map *b, const double *x,
                                 const gt_gradcheck_opts *opts, gt_gradcheck_report *report);

/* The same of functions of floats, against differences in f32, whose rounding is measured: with
 * steps of 2^-6, rtol 1e-3 and atol 1e-4. Where there is a version of doubles check that, too. */
typedef float (*gt_c_scalar_f32)(const float *x, int64_t n, void *user);
typedef void (*gt_c_gradient_f32)(const float *x, int64_t n, float *g, void *user);

gt_verdict gt_gradcheck_c_f32(gt_c_scalar_f32 f, gt_c_gradient_f32 gradient, void *user,
                              const float *x, int64_t n, const gt_gradcheck_opts *opts,
                              gt_gradcheck_report *report);

typedef struct {
    int64_t n, m;
    void (*f)(const float *x, float *y, void *user);
    void (*jacobian)(const float *x, float *J, void *user);
    void (*vjp)(const float *x, const float *w, float *wJ, void *user);
    void (*jvp)(const float *x, const float *v, float *Jv, void *user);
    void *user;
    bool symmetric;
} gt_c_map_f32;

gt_verdict gt_gradcheck_map_f32(const gt_c_map_f32 *map, const float *x,
                                const gt_gradcheck_opts *opts, gt_gradcheck_report *report);

GT_END_DECLS
#endif
