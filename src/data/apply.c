/* Transforms of one tensor, as a loader would do them to one member of an item. */
#include "data/recipe.h"

static int64_t length(const gt_transform *list)
{
    int64_t n = 0;
    while (list && list[n].kind != GT_NO_TRANSFORM) n++;
    return n;
}

/* The transforms that touch x, not completed, to `own`, and all of them, completed, to `all`, where
 * the others touch nothing. Both have room for n and an end. */
static bool choose(const gt_member *m, int member, const gt_transform *list, int64_t n,
                   gt_transform *own, gt_transform *all, gt_data_error *error)
{
    for (int64_t i = 0; i < n; i++) {
        all[i] = list[i];
        if (!gti_transform_complete(&all[i], error)) return false;
        const bool touched = gti_recipe_touches(&list[i], m, member);
        all[i].members = touched ? GT_MEMBER(0) : 0;
        if (!touched) continue;
        if (!gti_recipe_check_layout(&list[i], m, error)) return false;
        *own = list[i];
        own++->members = GT_MEMBER(0);
    }
    *own = all[n] = (gt_transform){.kind = GT_NO_TRANSFORM};
    return true;
}

/* Passing over all of a list is right for a picture or a mask that it does without, which a flip
 * would touch; what is neither is no input. */
static bool check_passed_over(const gt_member *m, int member, const gt_transform *list,
                              const gt_transform *own, gt_data_error *error)
{
    char shape[128];
    const gt_transform flip = {.kind = GT_RANDOM_FLIP};
    if (!length(list) || length(own) || gti_recipe_touches(&flip, m, member)) return true;
    return gt_data_fail(error, GT_ERR_SHAPE,
                        "touches nothing of %s %s: transforms are for images [c,h,w], u8 or f32, "
                        "and masks [h,w] or [1,h,w], i64",
                        gt_dtype_name(m->dtype), gt_shape_format(m->shape, shape, sizeof shape));
}

/* The recipe is checked for those that touch x, and followed for all: each draws its own number, so
 * that the same seed does the same to each member of an item. */
static bool make_recipe(gti_recipe *r, const gt_tensor *x, const gt_transform *list, int member,
                        gt_data_error *error)
{
    const gt_member m = {.shape = x->shape, .dtype = x->dtype};
    const int64_t n = length(list);
    gt_transform *own = gti_data_malloc((size_t)(n + 1) * sizeof *own, error);
    gt_transform *all = gti_data_malloc((size_t)(n + 1) * sizeof *all, error);
    const bool ok = own && all && choose(&m, member, list, n, own, all, error) &&
                    check_passed_over(&m, member, list, own, error) &&
                    gti_recipe_make(r, 1, &m, 0, own, GT_F32, error);
    free(own);
    free(r->list);
    r->list = all;
    return ok;
}

static gti_noise draw_noise(gt_ctx *gt, const gti_recipe *r, uint64_t seed)
{
    bool random = false;
    for (const gt_transform *t = r->list; t && t->kind != GT_NO_TRANSFORM; t++)
        random |= t->members && gti_transform_is_random(t);
    if (!seed && random) {
        const gt_tensor *drawn = gt_randint(gt, INT64_MIN, 0, GT_SCALAR);
        return gti_noise_start(drawn ? *(const uint64_t *)drawn->data : 0, 0);
    }
    return gti_noise_start((uint64_t)gt_option_int((int64_t)seed, 0), 0);
}

gt_tensor *gt_transform_(gt_tensor *x, const gt_transform *list, gt_transform_opts opts)
{
    static const char what[] = "gt_transform";
    if (!gti_data_live(x, what)) return NULL;
    gt_data_error error = {.code = GT_OK};
    gti_recipe r = {.list = NULL};
    gti_bench bench = {.a = NULL};
    gt_tensor *y = NULL;
    opts.member = (int)gt_option_int(opts.member, 0);
    if (opts.member < 0 || opts.member >= GT_MEMBERS_MOST)
        gt_data_fail(&error, GT_ERR_ARGUMENT, ".member is %d, must be 0 to %d", opts.member,
                     GT_MEMBERS_MOST - 1);
    else if (make_recipe(&r, x, list, opts.member, &error) &&
             gti_recipe_bench_make(&bench, &r, &error))
        y = gt_empty_(x->ctx, r.lane[0].out.shape, (gt_new_opts){.dtype = r.lane[0].out.dtype});
    if (y && !gti_recipe_follow(&r, 0, x->data, draw_noise(x->ctx, &r, opts.seed), &bench, y->data,
                                &error))
        y = NULL;
    if (error.code != GT_OK) gti_data_report(x->ctx, what, &error);
    gti_recipe_bench_free(&bench);
    gti_recipe_free(&r);
    return gt_failed(x->ctx) ? NULL : y;
}
