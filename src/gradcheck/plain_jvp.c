/* Of a derivative that is J v: that it is linear in v, which unit vectors do not tell, leaves v
 * alone, and, along random directions, whether a Hessian is symmetric. */
#include <math.h>
#include <string.h>

#include "gradcheck/plain.h"
#include "gradcheck/side.h"

typedef struct {
    const gti_plain *p;
    double *x, *v, *kept, *total; /* [n]; total: of the directions */
    double *y, *sum, *size;       /* [m]; sum: of their J v, size: of its terms */
} product;

static bool make_room(gti_check *c, product *q)
{
    const int64_t n = q->p->map->n, m = q->p->map->m;
    double **of_n[] = {&q->x, &q->v, &q->kept, &q->total}, **of_m[] = {&q->y, &q->sum, &q->size};
    for (int i = 0; i < 4; i++) *of_n[i] = gti_plain_room(c, n);
    for (int i = 0; i < 3; i++) *of_m[i] = gti_plain_room(c, m);
    return gti_check_alive(c);
}

/* y = J v, of a copy of x0 and a v that is looked at afterwards. */
static bool multiply(gti_check *c, const product *q)
{
    const gt_c_map *map = q->p->map;
    const size_t bytes = (size_t)map->n * sizeof *q->x;
    memcpy(q->x, q->p->x0, bytes);
    memcpy(q->kept, q->v, bytes);
    map->jvp(q->x, q->v, q->y, map->user);
    return memcmp(q->kept, q->v, bytes) == 0 ||
           gti_check_fail(c, GT_GRADCHECK_MUTATED, "it writes nothing but Jv",
                          "jvp changed its argument v");
}

/* The sum of a_i d_i, and of a_i J d_i. */
static bool sum_up(gti_check *c, const product *q)
{
    for (int64_t i = 0; i < q->p->n_t; i++) {
        double a;
        gti_check_weights(c, 1, &a);
        gti_plain_direction(q->p, i, q->v);
        for (int64_t k = 0; k < q->p->map->n; k++) q->total[k] += a * q->v[k];
        if (!multiply(c, q)) return false;
        for (int64_t j = 0; j < q->p->map->m; j++) {
            q->sum[j] += a * q->y[j];
            q->size[j] += fabs(a * q->y[j]);
        }
    }
    return true;
}

static bool is_linear(gti_check *c, const product *q)
{
    const int64_t m = q->p->map->m;
    double largest = 0;
    if (!sum_up(c, q)) return false;
    memcpy(q->v, q->total, (size_t)q->p->map->n * sizeof *q->v);
    if (!multiply(c, q)) return false;
    for (int64_t j = 0; j < m; j++) largest = gti_larger(q->size[j], largest);
    for (int64_t j = 0; j < m; j++)
        if (!(fabs(q->y[j] - q->sum[j]) <= (c->precision->linear + c->o.rtol) * largest))
            return gti_check_fail(c, GT_GRADCHECK_UPSTREAM, "is every term a multiple of v?",
                                  "J v is not linear in v: of y[%lld] it is %.10g for a sum of "
                                  "directions, and the sum over them is %.10g",
                                  (long long)j, q->y[j], q->sum[j]);
    return true;
}

/* d' H e = e' H d of the first two directions. */
static bool is_symmetric(gti_check *c, const product *q)
{
    const int64_t n = q->p->map->n;
    double product_of[2] = {0, 0}, size = 0;
    for (int i = 0; i < 2; i++) {
        gti_plain_direction(q->p, i, q->v);
        if (!multiply(c, q)) return false;
        gti_plain_direction(q->p, 1 - i, q->v);
        product_of[i] = gti_check_along(q->y, q->v, n, &size);
    }
    return fabs(product_of[0] - product_of[1]) <= c->precision->symmetric * size ||
           gti_check_fail_symmetric(c, product_of[1], product_of[0]);
}

bool gti_plain_check_jvp(gti_check *c, const gti_plain *p)
{
    product q = {.p = p};
    if (!make_room(c, &q)) return false;
    memcpy(q.x, p->x0, (size_t)p->map->n * sizeof *q.x);
    p->map->f(q.x, q.y, p->map->user); /* a jvp may build on what f has kept */
    if (!is_linear(c, &q)) return false;
    return !p->map->symmetric || !p->direction || p->n_t < 2 || is_symmetric(c, &q);
}
