/* Several points in one call: around the one that was given, each element between half and twice
 * its value, so that signs and zeros stay, and mostly the domain. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "gradcheck/check.h"

static bool moves(const gt_tensor *x)
{
    return x && x->requires_grad && gt_is_floating(x->dtype);
}

static int64_t size_of(gt_tensor *const in[], int n_in)
{
    int64_t size = 0;
    for (int i = 0; i < n_in; i++)
        if (moves(in[i])) size += in[i]->size;
    return size;
}

static double *save(gt_tensor *const in[], int n_in)
{
    double *saved = malloc(((size_t)size_of(in, n_in) + 1) * sizeof *saved), *to = saved;
    for (int i = 0; saved && i < n_in; i++) {
        if (!moves(in[i])) continue;
        gti_check_read(in[i], to);
        to += in[i]->size;
    }
    return saved;
}

/* x = saved, times factors drawn by c where that is given. */
static void set(gt_tensor *const in[], int n_in, const double *saved, gti_check *c)
{
    for (int i = 0; i < n_in; i++) {
        if (!moves(in[i])) continue;
        for (int64_t k = 0; k < in[i]->size; k++) {
            const double share = (double)(int64_t)(c ? gti_check_bits(c) >> 11 : 0) * 0x1p-53;
            gt_store_element(in[i], k, *saved++ * (c ? exp2(2 * share - 1) : 1));
        }
        gt_touch(in[i]);
    }
}

void gti_check_label_point(gti_check *c, int point)
{
    if (c->o.points < 2) return;
    snprintf(c->point, sizeof c->point, "point %d of %d", point + 1, c->o.points);
    c->label = c->point;
    c->random += (uint64_t)point * 0x2545f4914f6cdd1du;
}

void gti_check_keep_report(gt_gradcheck_report *kept, const gt_gradcheck_report *now)
{
    if (now->verdict != GT_INCONCLUSIVE || kept->verdict == GT_INCONCLUSIVE) *kept = *now;
}

gt_verdict gti_check_points(gti_check *first, gti_point_check *check, void *work,
                            gt_tensor *const in[], int n_in)
{
    gt_gradcheck_report *kept = first->r, now;
    const int points = first->o.points;
    check(work, kept, 0);
    if (points < 2 || kept->verdict == GT_FAIL) return kept->verdict;
    double *saved = save(in, n_in);
    if (!saved) {
        gti_check_refuse(first, "", "out of memory");
        return GT_FAIL;
    }
    for (int point = 1; point < points && kept->verdict != GT_FAIL; point++) {
        set(in, n_in, saved, first);
        check(work, &now, point);
        gti_check_keep_report(kept, &now);
    }
    set(in, n_in, saved, NULL);
    free(saved);
    return kept->verdict;
}
