/* Checks of plain C functions. */
#include "gradcheck/plain.h"

#include <math.h>
#include <string.h>

static const char *const form_name[GTI_N_FORMS] = {"jacobian", "vjp", "jvp"};

static bool has_form(const gt_c_map *map, gti_form form)
{
    const bool has[GTI_N_FORMS] = {map->jacobian, map->vjp, map->jvp};
    return has[form];
}

static bool map_is_fit(gti_check *c, const gt_c_map *map, const double *x)
{
    if (!map || !map->f || !x)
        return gti_check_refuse(c, "", "%s",
                                !map ? "the map is NULL"
                                : !x ? "x is NULL"
                                     : "the function is NULL");
    if (map->n < 1 || map->m < 1)
        return gti_check_refuse(c, "", "n is %lld, m is %lld; both must be at least 1",
                                (long long)map->n, (long long)map->m);
    if (!map->jacobian && !map->vjp && !map->jvp)
        return gti_check_refuse(c, "set .jacobian, .vjp or .jvp",
                                "there is no derivative to be checked");
    if (map->symmetric && map->n != map->m)
        return gti_check_refuse(c, "", "a symmetric map has n = m, not %lld, %lld",
                                (long long)map->n, (long long)map->m);
    return c->o.order != 2 ||
           gti_check_refuse(
               c, "give the gradient as .f and the Hessian as its .jacobian",
               ".order = 2 is not for functions in C, which have no derivative of theirs");
}

static bool is_of_doubles(gti_check *c)
{
    return !c->o.f32 || gti_check_refuse(c, "those of floats are checked by gt_gradcheck_map_f32",
                                         ".f32 is not for functions in C that are of doubles");
}

double *gti_plain_room(gti_check *c, int64_t n)
{
    double *room = gti_check_scratch(c, n + 2 * (int64_t)GTI_FENCE, sizeof *room);
    return room ? room + GTI_FENCE : NULL;
}

/* --- directions, for J v of many inputs --- */

static bool is_large(const gti_check *c, const gt_c_map *map)
{
    if (c->o.mode != GT_GRADCHECK_AUTO) return c->o.mode == GT_GRADCHECK_FAST;
    return map->n > GTI_FULL_ENTRIES / map->m;
}

/* What a number near 0 counts as: 1, or the largest where all are small and matter (unit.c). */
static bool find_unit(gti_check *c, const gti_plain *p, double *unit)
{
    const gt_c_map *map = p->map;
    const double largest = gti_largest(p->x0, map->n);
    *unit = 1;
    if (!gti_check_is_tiny(largest)) return true;
    double *x = gti_plain_room(c, map->n);
    double *y0 = gti_plain_room(c, map->m), *y = gti_plain_room(c, map->m);
    if (!gti_check_alive(c)) return false;
    memcpy(x, p->x0, (size_t)map->n * sizeof *x);
    map->f(x, y0, map->user);
    gti_check_shake(p->x0, map->n, x);
    map->f(x, y, map->user);
    if (gti_check_share_moved(y0, y, map->m) > c->precision->moved) *unit = largest;
    return true;
}

/* Elements that a mask leaves out have no part in directions, which are asked all the rest. */
static bool mask_directions(gti_check *c, const gti_plain *p, double *d)
{
    const int64_t n = p->map->n;
    if (c->o.n_inputs != 1) return true; /* is refused later on */
    gt_gradcheck_input_opts *row = gti_check_scratch(c, 1, sizeof *row);
    if (!row) return gti_check_alive(c);
    *row = c->o.inputs[0];
    if (!gti_check_mask_is_fit(c, row, "x", n)) return false;
    for (int64_t k = 0; row->mask && k < n; k++) {
        c->masked_before += !row->mask[k];
        for (int64_t i = 0; !row->mask[k] && i < p->n_t; i++) d[i * n + k] = 0;
    }
    row->skip |= c->masked_before == n;
    row->mask = NULL;
    row->n_mask = 0;
    if (row->name && !strcmp(row->name, "x")) row->name = NULL;
    c->o.inputs = row;
    return true;
}

/* Random ones, of x's own size. */
static bool draw_directions(gti_check *c, gti_plain *p)
{
    double unit;
    p->n_t = c->o.probes;
    double *d = gti_check_scratch(c, p->n_t * p->map->n, sizeof *d);
    if (!d) return gti_check_alive(c);
    gti_check_weights(c, p->n_t * p->map->n, d);
    if (!find_unit(c, p, &unit)) return false;
    for (int64_t i = 0; i < p->n_t * p->map->n; i++) d[i] *= fmax(unit, fabs(p->x0[i % p->map->n]));
    if (!mask_directions(c, p, d)) return false;
    p->direction = d;
    c->o.mode = GT_GRADCHECK_AUTO;
    return true;
}

/* --- one form --- */

static gt_tensor *make_variable(gti_check *c, const gti_plain *p)
{
    const gt_new_opts leaf = {.dtype = GT_F64, .requires_grad = true};
    gt_tensor *t = gt_empty_(c->gt, GT_SHAPE(p->n_t), leaf);
    if (!t) return NULL;
    double *to = t->data;
    for (int64_t i = 0; i < p->n_t; i++) to[i] = p->direction ? 1 : p->x0[i];
    return gt_set_name(t, p->direction ? "direction" : "x");
}

static gti_fn function_of(gti_check *c, gti_plain *p, gt_tensor **t)
{
    return (gti_fn){.call = gti_plain_call,
                    .gt = c->gt,
                    .in = t,
                    .var = t,
                    .n_in = 1,
                    .n_var = 1,
                    .n_out = 1,
                    .user = p};
}

static void check_form(gti_check *c, gti_plain *p)
{
    if (p->form == GTI_JVP && is_large(c, p->map) && !draw_directions(c, p)) return;
    gt_tensor *t = make_variable(c, p);
    if (!gti_check_alive(c)) return;
    const gti_fn fn = function_of(c, p, &t);
    c->symmetric = p->map->symmetric && !p->direction;
    gti_check_all(c, &fn);
    if (p->fault.who && c->r->verdict == GT_FAIL) c->r->kind = p->fault.kind;
    if (p->form == GTI_JVP && c->r->verdict == GT_PASS) gti_plain_check_jvp(c, p);
}

static gt_verdict check_forms(gti_check *c, const gt_c_map *map, const double *x, int point)
{
    const gt_gradcheck_opts opts = c->o;
    gt_gradcheck_report *r = c->r;
    for (gti_form form = 0; form < GTI_N_FORMS; form++) {
        if (!has_form(map, form)) continue;
        gti_plain p = {.map = map, .form = form, .n_t = map->n, .x0 = x};
        gti_check_init(c, c->gt, &opts, r);
        if (opts.f32) gti_check_set_precision(c, &gti_precision_f32);
        if (!gti_check_open(c)) return GT_FAIL;
        gti_check_label_point(c, point);
        if (!c->label) c->label = form_name[form];
        check_form(c, &p);
        gti_check_close(c);
        if (r->verdict != GT_PASS) break;
    }
    return r->verdict;
}

static gt_verdict check_map(gti_check *c, const gt_c_map *map, const double *x)
{
    const gt_gradcheck_opts opts = c->o;
    gt_gradcheck_report *kept = c->r, now;
    check_forms(c, map, x, 0);
    for (int point = 1; point < opts.points && kept->verdict != GT_FAIL; point++) {
        gti_check_init(c, c->gt, &opts, &now);
        check_forms(c, map, x + point * map->n, point);
        gti_check_keep_report(kept, &now);
    }
    return kept->verdict;
}

static bool open_context(gti_check *c)
{
    c->gt = gt_open();
    return c->gt || gti_check_refuse(c, "", "out of memory");
}

gt_verdict gti_plain_check(gti_check *c, const gt_c_map *map, const double *x)
{
    if (!map_is_fit(c, map, x) || !open_context(c)) return GT_FAIL;
    gt_ctx *gt = c->gt;
    const gt_verdict verdict = check_map(c, map, x);
    gt_close(gt);
    return verdict;
}

gt_verdict gt_gradcheck_map(const gt_c_map *map, const double *x, const gt_gradcheck_opts *opts,
                            gt_gradcheck_report *report)
{
    gt_gradcheck_report unread;
    gti_check c;
    gti_check_init(&c, NULL, opts, report ? report : &unread);
    return is_of_doubles(&c) ? gti_plain_check(&c, map, x) : GT_FAIL;
}

/* --- two of them --- */

static gti_plain any_form_of(const gt_c_map *map, const double *x)
{
    gti_form form = 0;
    while (form < GTI_JVP && !has_form(map, form)) form++;
    return (gti_plain){.map = map, .form = form, .n_t = map->n, .x0 = x};
}

static const gti_two two = {"first", "second", "", "",
                            "values agree: one of the derivatives is wrong"};

static void check_same(gti_check *c, const gt_c_map *a, const gt_c_map *b, const double *x)
{
    gti_plain first = any_form_of(a, x), second = any_form_of(b, x);
    gt_tensor *t = make_variable(c, &first);
    if (!gti_check_alive(c)) return;
    const gti_fn f = function_of(c, &first, &t), g = function_of(c, &second, &t);
    gti_check_same(c, &f, &g, &two);
}

gt_verdict gt_gradcheck_map_same(const gt_c_map *a, const gt_c_map *b, const double *x,
                                 const gt_gradcheck_opts *opts, gt_gradcheck_report *report)
{
    gt_gradcheck_report unread;
    gti_check c;
    gti_check_init(&c, NULL, opts, report ? report : &unread);
    if (!is_of_doubles(&c) || !map_is_fit(&c, a, x) || !map_is_fit(&c, b, x) ||
        !gti_check_knows(&c, GTI_ASKS_TOLERANCES | GTI_ASKS_PROBES))
        return GT_FAIL;
    if (a->n != b->n || a->m != b->m) {
        gti_check_refuse(&c, "",
                         "the first map is of n %lld, m %lld, the second "
                         "of n %lld, m %lld",
                         (long long)a->n, (long long)a->m, (long long)b->n, (long long)b->m);
        return GT_FAIL;
    }
    if (!open_context(&c)) return GT_FAIL;
    if (gti_check_open(&c)) {
        check_same(&c, a, b, x);
        gti_check_close(&c);
    }
    gt_close(c.gt);
    return c.r->verdict;
}

/* --- a scalar function --- */

typedef struct {
    gt_c_scalar f;
    gt_c_gradient gradient;
    void *user;
    int64_t n;
} scalar;

static void scalar_value(const double *x, double *y, void *user)
{
    const scalar *s = user;
    y[0] = s->f(x, s->n, s->user);
}

static void scalar_gradient(const double *x, double *g, void *user)
{
    const scalar *s = user;
    s->gradient(x, s->n, g, s->user);
}

gt_verdict gt_gradcheck_c(gt_c_scalar f, gt_c_gradient gradient, void *user, const double *x,
                          int64_t n, const gt_gradcheck_opts *opts, gt_gradcheck_report *report)
{
    scalar s = {f, gradient, user, n};
    const gt_c_map map = {.n = n,
                          .m = 1,
                          .f = f ? scalar_value : NULL,
                          .jacobian = gradient ? scalar_gradient : NULL,
                          .user = &s};
    return gt_gradcheck_map(&map, x, opts, report);
}
