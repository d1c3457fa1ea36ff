/* Jacobians that are symmetric: Hessians. */
#include <math.h>

#include "gradcheck/side.h"

double gti_check_along(const double *g, const double *w, int64_t n, double *size)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++) {
        sum += g[i] * w[i];
        *size += fabs(g[i] * w[i]);
    }
    return sum;
}

bool gti_check_fail_symmetric(gti_check *c, double v_w, double w_v)
{
    return gti_check_fail(c, GT_GRADCHECK_SYMMETRY, "second derivatives do not depend on the order",
                          "the Hessian is not symmetric: v' H w is %.10g, w' H v is %.10g", v_w,
                          w_v);
}

/* Whether rounding inside of backward may make this difference. */
static bool is_rounding(gti_check *c, const double *v, const double *w, double apart, bool *is)
{
    double *noise = gti_check_room(c, c->n_x, sizeof *noise), may = 0;
    if (!noise) return gti_check_alive(c);
    if (!gti_check_backward_noise(c, v, true, noise)) return false;
    gti_check_along(noise, w, c->n_y, &may);
    if (!gti_check_backward_noise(c, w, true, noise)) return false;
    gti_check_along(noise, v, c->n_y, &may);
    *is = fabs(apart) <= may;
    return true;
}

/* v' H w = w' H v, to what rounding of second derivatives leaves. H are the first n_y columns: of a
 * gradient's Jacobian those behind are the projections'. */
bool gti_check_symmetric(gti_check *c)
{
    const gt_mark mark = gt_mark_tape(c->gt);
    double *v = gti_check_room(c, c->n_y, sizeof *v), *w = gti_check_room(c, c->n_y, sizeof *w);
    double *gv = gti_check_room(c, c->n_x, sizeof *gv), *gw = gti_check_room(c, c->n_x, sizeof *gw);
    if (!gti_check_alive(c)) return false;
    gti_check_draw_upstream(c, v);
    gti_check_draw_upstream(c, w);
    if (!gti_check_pull(c, v, gv) || !gti_check_pull(c, w, gw)) return false;
    double size = 0;
    const double one = gti_check_along(gv, w, c->n_y, &size);
    const double two = gti_check_along(gw, v, c->n_y, &size);
    bool fine = !(fabs(one - two) > c->precision->symmetric * size + 1e-12);
    if (!fine && !is_rounding(c, v, w, one - two, &fine)) return false;
    if (!fine) return gti_check_fail_symmetric(c, one, two);
    gt_rewind(c->gt, mark);
    return true;
}
