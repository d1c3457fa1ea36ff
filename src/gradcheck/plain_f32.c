/* Plain C functions of floats. What such a callback does to its arrays is done to those of doubles
 * that it stands for: they are left as they are where it writes nothing, changed where it changes
 * what it should read, written beside where it does so. So nothing else of the checker knows of
 * floats, but for their precision. */
#include <stdlib.h>
#include <string.h>

#include "gradcheck/plain.h"

typedef struct {
    const gt_c_map_f32 *map;
    float *x, *v, *result; /* each between fences */
} floats;

/* --- arrays --- */

static const uint32_t blank =
    0x7fa5c3e1u; /* a signalling NaN, in fences and what is to be filled */

static uint32_t bits_of(const float *a)
{
    uint32_t bits;
    memcpy(&bits, a, sizeof bits);
    return bits;
}

/* NULL without memory, or where n is no size. */
static float *make_array(int64_t n)
{
    if (n < 0 || n > INT64_MAX / 16) return NULL;
    float *room = malloc((size_t)(n + 2 * (int64_t)GTI_FENCE) * sizeof *room);
    if (room) room += GTI_FENCE;
    return room;
}

static void free_array(float *a)
{
    if (a) free(a - GTI_FENCE);
}

static float *blank_array(float *a, int64_t n)
{
    for (int64_t i = -GTI_FENCE; i < n + GTI_FENCE; i++) memcpy(&a[i], &blank, sizeof blank);
    return a;
}

static const float *lend(float *a, const double *from, int64_t n)
{
    blank_array(a, n);
    for (int64_t i = 0; i < n; i++) a[i] = (float)from[i];
    return a;
}

/* What was lent is looked at afterwards, by whoever owns it: a change is handed on. */
static void give_back(const float *a, const double *from, int64_t n)
{
    double *owned = (double *)(uintptr_t)from;
    for (int64_t i = 0; i < n; i++) {
        const float before = (float)from[i];
        if (bits_of(&a[i]) != bits_of(&before)) owned[i] = (double)a[i];
    }
}

/* All that was written, beside the array, too: there are fences. */
static void take(const float *a, double *to, int64_t n)
{
    for (int64_t i = -GTI_FENCE; i < n + GTI_FENCE; i++)
        if (bits_of(&a[i]) != blank) to[i] = (double)a[i];
}

/* --- callbacks --- */

static void value(const double *x, double *y, void *user)
{
    const floats *f = user;
    const gt_c_map_f32 *map = f->map;
    map->f(lend(f->x, x, map->n), blank_array(f->result, map->m), map->user);
    take(f->result, y, map->m);
    give_back(f->x, x, map->n);
}

static void jacobian(const double *x, double *J, void *user)
{
    const floats *f = user;
    const gt_c_map_f32 *map = f->map;
    map->jacobian(lend(f->x, x, map->n), blank_array(f->result, map->m * map->n), map->user);
    take(f->result, J, map->m * map->n);
    give_back(f->x, x, map->n);
}

static void vjp(const double *x, const double *w, double *wJ, void *user)
{
    const floats *f = user;
    const gt_c_map_f32 *map = f->map;
    map->vjp(lend(f->x, x, map->n), lend(f->v, w, map->m), blank_array(f->result, map->n),
             map->user);
    take(f->result, wJ, map->n);
    give_back(f->x, x, map->n);
    give_back(f->v, w, map->m);
}

static void jvp(const double *x, const double *v, double *Jv, void *user)
{
    const floats *f = user;
    const gt_c_map_f32 *map = f->map;
    map->jvp(lend(f->x, x, map->n), lend(f->v, v, map->n), blank_array(f->result, map->m),
             map->user);
    take(f->result, Jv, map->m);
    give_back(f->x, x, map->n);
    give_back(f->v, v, map->n);
}

/* --- the check --- */

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static gt_verdict fail(gti_check *c)
{
    gti_check_refuse(c, "", "out of memory");
    return GT_FAIL;
}

/* Of a map with sizes. */
static gt_verdict check_floats(gti_check *c, const gt_c_map *map, floats *f, const double *x)
{
    const int64_t n = map->n, m = map->m;
    f->x = make_array(n);
    f->v = make_array(larger(n, m));
    f->result = make_array(!map->jacobian ? larger(n, m) : n > INT64_MAX / m ? -1 : n * m);
    const bool made = f->x && f->v && f->result;
    const gt_verdict verdict = made ? gti_plain_check(c, map, x) : fail(c);
    free_array(f->x);
    free_array(f->v);
    free_array(f->result);
    return verdict;
}

/* The rows of x, one for each point, as doubles. */
static double *rows_of(const gti_check *c, const gt_c_map *map, const float *x)
{
    const int64_t points = larger(c->o.points, 1);
    if (map->n > INT64_MAX / 8 / points) return NULL;
    double *rows = malloc((size_t)(points * map->n) * sizeof *rows);
    for (int64_t i = 0; rows && i < points * map->n; i++) rows[i] = (double)x[i];
    return rows;
}

gt_verdict gt_gradcheck_map_f32(const gt_c_map_f32 *map, const float *x,
                                const gt_gradcheck_opts *opts, gt_gradcheck_report *report)
{
    gt_gradcheck_report unread;
    gti_check c;
    gti_check_init(&c, NULL, opts, report ? report : &unread);
    c.o.f32 = true;
    gti_check_set_precision(&c, &gti_precision_f32);
    if (!map) return gti_plain_check(&c, NULL, NULL);
    floats f = {.map = map};
    const gt_c_map of_doubles = {.n = map->n,
                                 .m = map->m,
                                 .f = map->f ? value : NULL,
                                 .jacobian = map->jacobian ? jacobian : NULL,
                                 .vjp = map->vjp ? vjp : NULL,
                                 .jvp = map->jvp ? jvp : NULL,
                                 .user = &f,
                                 .symmetric = map->symmetric};
    const double there = 0;
    if (!x || map->n < 1 || map->m < 1) return gti_plain_check(&c, &of_doubles, x ? &there : NULL);
    double *rows = rows_of(&c, &of_doubles, x);
    const gt_verdict verdict = rows ? check_floats(&c, &of_doubles, &f, rows) : fail(&c);
    free(rows);
    return verdict;
}

/* --- a scalar function --- */

typedef struct {
    gt_c_scalar_f32 f;
    gt_c_gradient_f32 gradient;
    void *user;
    int64_t n;
} scalar;

static void scalar_value(const float *x, float *y, void *user)
{
    const scalar *s = user;
    y[0] = s->f(x, s->n, s->user);
}

static void scalar_gradient(const float *x, float *g, void *user)
{
    const scalar *s = user;
    s->gradient(x, s->n, g, s->user);
}

gt_verdict gt_gradcheck_c_f32(gt_c_scalar_f32 f, gt_c_gradient_f32 gradient, void *user,
                              const float *x, int64_t n, const gt_gradcheck_opts *opts,
                              gt_gradcheck_report *report)
{
    scalar s = {f, gradient, user, n};
    const gt_c_map_f32 map = {.n = n,
                              .m = 1,
                              .f = f ? scalar_value : NULL,
                              .jacobian = gradient ? scalar_gradient : NULL,
                              .user = &s};
    return gt_gradcheck_map_f32(&map, x, opts, report);
}
