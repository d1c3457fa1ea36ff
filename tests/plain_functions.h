/* Plain C functions and their derivatives, right and wrong, for tests of the gradient checker: of
 * doubles, or where REAL and REAL_MAP are defined before, of floats. */
#ifndef GT_TESTS_PLAIN_FUNCTIONS_H
#define GT_TESTS_PLAIN_FUNCTIONS_H

#include <gradtape/gradcheck_c.h>
#include <string.h>
#include <tgmath.h>

#ifndef REAL
#define REAL double
#define REAL_MAP gt_c_map
#endif

/* --- a scalar: sum of x_i^3 x_(i+1), around a ring --- */

static inline REAL ring(const REAL *x, int64_t n, void *user)
{
    (void)user;
    REAL sum = 0;
    for (int64_t i = 0; i < n; i++) sum += x[i] * x[i] * x[i] * x[(i + 1) % n];
    return sum;
}

/* user: the factor of the last element's first term, or NULL. */
static inline void ring_gradient(const REAL *x, int64_t n, REAL *g, void *user)
{
    for (int64_t i = 0; i < n; i++) {
        const REAL before = x[(i + n - 1) % n], factor = user && i == n - 1 ? *(REAL *)user : 1;
        g[i] = factor * 3 * x[i] * x[i] * x[(i + 1) % n] + before * before * before;
    }
}

static inline void unwritten(const REAL *x, int64_t n, REAL *g, void *user)
{
    ring_gradient(x, n - 1, g, user);
}

static inline void accumulating(const REAL *x, int64_t n, REAL *g, void *user)
{
    (void)user;
    for (int64_t i = 0; i < n; i++) g[i] += x[i];
}

static inline REAL changing(const REAL *x, int64_t n, void *user)
{
    const REAL y = ring(x, n, user);
    ((REAL *)(uintptr_t)x)[0] += 1;
    return y;
}

static inline void greedy_gradient(const REAL *x, int64_t n, REAL *g, void *user)
{
    ring_gradient(x, n, g, user);
    ((REAL *)(uintptr_t)x)[n - 1] = 0;
}

static inline REAL first_and_last(const REAL *x, int64_t n, void *user)
{
    (void)user;
    return 1 + x[0] + x[n - 1];
}

static inline void first_and_last_gradient(const REAL *x, int64_t n, REAL *g, void *user)
{
    (void)x, (void)user;
    for (int64_t i = 0; i < n; i++) g[i] = i == 0 || i == n - 1;
}

/* --- a vector: y_j = sin(x_j) x_(j+1), of n = m + 1 --- */

typedef struct {
    int64_t m;
    REAL factor; /* of the part by x_(j+1), in row 2 */
} shape;

static inline void wave(const REAL *x, REAL *y, void *user)
{
    const shape *s = user;
    for (int64_t j = 0; j < s->m; j++) y[j] = sin(x[j]) * x[j + 1];
}

static inline REAL by_next(const shape *s, const REAL *x, int64_t j)
{
    return (j == 2 ? s->factor : 1) * sin(x[j]);
}

static inline void wave_jacobian(const REAL *x, REAL *jacobian, void *user)
{
    const shape *s = user;
    memset(jacobian, 0, (size_t)(s->m * (s->m + 1)) * sizeof *jacobian);
    for (int64_t j = 0; j < s->m; j++) {
        jacobian[j * (s->m + 1) + j] = cos(x[j]) * x[j + 1];
        jacobian[j * (s->m + 1) + j + 1] = by_next(s, x, j);
    }
}

static inline void wave_jvp(const REAL *x, const REAL *v, REAL *jv, void *user)
{
    const shape *s = user;
    for (int64_t j = 0; j < s->m; j++)
        jv[j] = cos(x[j]) * x[j + 1] * v[j] + by_next(s, x, j) * v[j + 1];
}

static inline void wave_vjp(const REAL *x, const REAL *w, REAL *wj, void *user)
{
    const shape *s = user;
    memset(wj, 0, (size_t)(s->m + 1) * sizeof *wj);
    for (int64_t j = 0; j < s->m; j++) {
        wj[j] += cos(x[j]) * x[j + 1] * w[j];
        wj[j + 1] += by_next(s, x, j) * w[j];
    }
}

static inline void greedy_vjp(const REAL *x, const REAL *w, REAL *wj, void *user)
{
    wave_vjp(x, w, wj, user);
    ((REAL *)(uintptr_t)w)[1] = 0;
}

/* Right for unit vectors. */
static inline void squared_jvp(const REAL *x, const REAL *v, REAL *jv, void *user)
{
    const shape *s = user;
    for (int64_t j = 0; j < s->m; j++)
        jv[j] = cos(x[j]) * x[j + 1] * v[j] * v[j] + by_next(s, x, j) * v[j + 1];
}

static inline REAL_MAP wave_map(shape *s, int form)
{
    return (REAL_MAP){.n = s->m + 1,
                      .m = s->m,
                      .f = wave,
                      .jacobian = form == 0 ? wave_jacobian : NULL,
                      .vjp = form == 1 ? wave_vjp : NULL,
                      .jvp = form == 2 ? wave_jvp : NULL,
                      .user = s};
}

/* y = A x, A by rows in *user: no entry of a Jacobian that is A is wrong. */
static inline void times(const REAL *x, REAL *y, void *user)
{
    const REAL *a = user;
    for (int j = 0; j < 2; j++) y[j] = a[2 * j] * x[0] + a[2 * j + 1] * x[1];
}

static inline void matrix(const REAL *x, REAL *jacobian, void *user)
{
    (void)x;
    memcpy(jacobian, user, 4 * sizeof *jacobian);
}

#endif
