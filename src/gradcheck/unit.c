/* What a number near 0 counts as, and how far steps may go. */
#include <math.h>

#include "gradcheck/check.h"

double gti_check_share_moved(const double *y0, const double *y, int64_t n)
{
    double largest = 0, moved = 0;
    for (int64_t j = 0; j < n; j++) {
        largest = gti_larger(gti_larger(fabs(y0[j]), fabs(y[j])), largest);
        moved = gti_larger(fabs(y[j] - y0[j]), moved);
    }
    return largest > 0 ? moved / largest : 0;
}

bool gti_check_is_tiny(double largest)
{
    return largest > 1e-200 && largest < 1e-4;
}

void gti_check_shake(const double *x, int64_t n, double *shaken)
{
    for (int64_t k = 0; k < n; k++) shaken[k] = x[k] * (k % 2 ? 1 - 0x1p-10 : 1 + 0x1p-10);
}

/* Steps leave the place where they are longer than a part (1/64 in f64) of what the elements differ
 * by, or, if these are all tiny, of the largest: of a norm of numbers from 1e5 to 1e5 + 1, say, or
 * among the kinks of a network of lengths in metres. */
static void find_home(gti_check *c, gti_part *part, const double *x, double largest)
{
    double low = INFINITY, high = -INFINITY;
    for (int64_t k = 0; k < part->size; k++) {
        low = x[k] < low ? x[k] : low;
        high = gti_larger(x[k], high);
    }
    const double scale = fmax(part->unit, largest),
                 home = fmin(largest, high - low) * c->precision->home;
    part->home = home > 0 && home < part->terms.step * scale ? home : 0;
    if (part->home > 0 && !(c->home > 0 && c->home <= home / scale)) c->home = home / scale;
}

/* Of an input whose elements are all tiny, such as lengths in metres of what is an atom's size, the
 * largest, if a thousandth of them is seen in the outputs: a step of 6e-6 would leave the place. */
static bool find_unit(gti_check *c, int i)
{
    gti_part *part = &c->x[i];
    const int64_t from = part->offset, to = from + part->size;
    double *x = part->data;
    const double largest = gti_largest(x, part->size);
    part->unit = 1;
    if (!gti_check_is_tiny(largest)) {
        find_home(c, part, x, largest);
        return true;
    }
    gti_check_shake(x, part->size, x);
    gti_check_touch(c, from, to);
    const bool ok = gti_check_evaluate(c, c->near[0]);
    gti_check_restore(c, from, to);
    if (ok && gti_check_share_moved(c->y0, c->near[0], c->n_y) > c->precision->moved)
        part->unit = largest;
    find_home(c, part, x, largest);
    return ok;
}

bool gti_check_find_units(gti_check *c)
{
    c->home = 0;
    for (int i = 0; i < c->fn->n_var; i++)
        if (!find_unit(c, i)) return false;
    return true;
}
