/* Plain C functions and their derivatives, for tests of the gradient checker. */
#ifndef GT_TESTS_PLAIN_FUNCTIONS_H
#define GT_TESTS_PLAIN_FUNCTIONS_H

#include <gradtape/gradcheck_c.h>
#include <math.h>
#include <string.h>

/* --- a scalar: sum of x_i^3 x_(i+1), around a ring --- */

static inline double ring(const double *x, int64_t n, void *user)
{
    (void)user;
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += x[i] * x[i] * x[i] * x[(i + 1) % n];
    return sum;
}

/* user: the factor of the last element's first term, or NULL. */
static inline void ring_gradient(const double *x, int64_t n, double *g, void *user)
{
    for (int64_t i = 0; i < n; i++) {
        const double before = x[(i + n - 1) % n], factor = user && i == n - 1 ? *(double *)user : 1;
        g[i] = factor * 3 * x[i] * x[i] * x[(i + 1) % n] + before * before * before;
    }
}

/* --- a vector: y_j = sin(x_j) x_(j+1), of n = m + 1 --- */

typedef struct {
    int64_t m;
    double factor; /* of the part by x_(j+1), in row 2 */
} shape;

static inline void wave(const double *x, double *y, void *user)
{
    const shape *s = user;
    for (int64_t j = 0; j < s->m; j++) y[j] = sin(x[j]) * x[j + 1];
}

static inline double by_next(const shape *s, const double *x, int64_t j)
{
    return (j == 2 ? s->factor : 1) * sin(x[j]);
}

static inline void wave_jacobian(const double *x, double *jacobian, void *user)
{
    const shape *s = user;
    memset(jacobian, 0, (size_t)(s->m * (s->m + 1)) * sizeof *jacobian);
    for (int64_t j = 0; j < s->m; j++) {
        jacobian[j * (s->m + 1) + j] = cos(x[j]) * x[j + 1];
        jacobian[j * (s->m + 1) + j + 1] = by_next(s, x, j);
    }
}

static inline void wave_jvp(const double *x, const double *v, double *jv, void *user)
{
    const shape *s = user;
    for (int64_t j = 0; j < s->m; j++)
        jv[j] = cos(x[j]) * x[j + 1] * v[j] + by_next(s, x, j) * v[j + 1];
}

static inline void wave_vjp(const double *x, const double *w, double *wj, void *user)
{
    const shape *s = user;
    memset(wj, 0, (size_t)(s->m + 1) * sizeof *wj);
    for (int64_t j = 0; j < s->m; j++) {
        wj[j] += cos(x[j]) * x[j + 1] * w[j];
        wj[j + 1] += by_next(s, x, j) * w[j];
    }
}

static inline gt_c_map wave_map(shape *s, int form)
{
    return (gt_c_map){.n = s->m + 1,
                      .m = s->m,
                      .f = wave,
                      .jacobian = form == 0 ? wave_jacobian : NULL,
                      .vjp = form == 1 ? wave_vjp : NULL,
                      .jvp = form == 2 ? wave_jvp : NULL,
                      .user = s};
}

/* y = A x, A by rows in *user: no entry of a Jacobian that is A is wrong. */
static inline void times(const double *x, double *y, void *user)
{
    const double *a = user;
    for (int j = 0; j < 2; j++) y[j] = a[2 * j] * x[0] + a[2 * j + 1] * x[1];
}

static inline void matrix(const double *x, double *jacobian, void *user)
{
    (void)x;
    memcpy(jacobian, user, 4 * sizeof *jacobian);
}

#endif
