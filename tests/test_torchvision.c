/* Transforms against what torchvision makes of the same (tools/reference_data.py). */
#include "reference.h"

#include "data/mix.h"
#include <math.h>

/* The image in x after a transform. */
typedef void (*change)(gti_image *m, const double *o);

static gt_tensor *changed(gt_tensor *x, const double *o, change apply)
{
    enum { ROOM = 512 };
    static float at[ROOM], spare[ROOM];
    const int64_t *dim = x->shape.dim;
    assert_in_range(x->size, 1, ROOM);
    memcpy(at, x->data, (size_t)x->size * sizeof *at);
    gti_image m = {.at = at, .spare = spare, .c = dim[0], .h = dim[1], .w = dim[2]};
    apply(&m, o);
    return gt_from(x->ctx, GT_SHAPE(m.c, m.h, m.w), m.at);
}

static void resize(gti_image *m, const double *o)
{
    gti_resize(m, (int64_t)o[0], (int64_t)o[1]);
}

static void rotate(gti_image *m, const double *o)
{
    gti_rotate(m, o[0] * acos(-1.0) / 180);
}

static void turn_hue(gti_image *m, const double *o)
{
    gti_colour_turn_hue(m, (float)o[0]);
}

static gt_tensor *call_resize(gt_tensor *const in[], const double *o, int n)
{
    (void)n;
    return changed(in[0], o, resize);
}

static gt_tensor *call_rotate(gt_tensor *const in[], const double *o, int n)
{
    (void)n;
    return changed(in[0], o, rotate);
}

static gt_tensor *call_hue(gt_tensor *const in[], const double *o, int n)
{
    (void)n;
    return changed(in[0], o, turn_hue);
}

/* --- by gt_transform --- */

static int whole(double x)
{
    return (int)x;
}

static gt_tensor *one(gt_tensor *x, gt_transform t)
{
    return gt_transform(x, GT_TRANSFORMS(t));
}

static gt_tensor *call_center_crop(gt_tensor *const in[], const double *o, int n)
{
    (void)n;
    return one(in[0], (gt_transform){.kind = GT_CENTER_CROP, .size = {whole(o[0]), whole(o[1])}});
}

static gt_tensor *call_normalise(gt_tensor *const in[], const double *o, int n)
{
    (void)n;
    return one(in[0], (gt_transform){.kind = GT_NORMALISE,
                                     .mean = {o[0], o[1], o[2]},
                                     .std = {o[3], o[4], o[5]}});
}

static gt_tensor *call_flip(gt_tensor *const in[], const double *o, int n)
{
    (void)o, (void)n;
    return one(in[0], (gt_transform){.kind = GT_RANDOM_FLIP, .p = 1});
}

static gt_tensor *call_vertical_flip(gt_tensor *const in[], const double *o, int n)
{
    (void)o, (void)n;
    return one(in[0], (gt_transform){.kind = GT_RANDOM_VERTICAL_FLIP, .p = 1});
}

static gt_tensor *call_blur(gt_tensor *const in[], const double *o, int n)
{
    (void)n;
    return one(in[0], (gt_transform){.kind = GT_GAUSSIAN_BLUR,
                                     .size = {whole(o[0]), whole(o[1])},
                                     .sigma = {o[2]}});
}

static gt_tensor *call_resize_mask(gt_tensor *const in[], const double *o, int n)
{
    (void)n;
    return gt_cast(one(gt_cast(in[0], GT_I64),
                       (gt_transform){.kind = GT_RESIZE, .size = {whole(o[0]), whole(o[1])}}),
                   GT_F32);
}

static void rotate_mask(gti_image *m, const double *o)
{
    m->nearest = true;
    rotate(m, o);
}

static gt_tensor *call_rotate_mask(gt_tensor *const in[], const double *o, int n)
{
    (void)n;
    return changed(in[0], o, rotate_mask);
}

/* --- of batches --- */

/* A batch of four pictures [2,5,6] and labels, what is kept of each, and a pixel; the pictures when
 * mixed, or the labels. */
static gt_tensor *mixed(gt_transform_kind kind, gt_tensor *x, const double *o)
{
    static const gt_member members[] = {{.shape = {3, {2, 5, 6}}, .dtype = GT_F32},
                                        {.shape = {0, {0}}, .dtype = GT_I64}};
    const bool labels = x->shape.ndim == 2;
    const gt_transform list[] = {{.kind = kind}, {.kind = GT_NO_TRANSFORM}};
    gt_data_error error = {.code = GT_OK};
    gti_recipe r;
    gti_bench bench;
    assert_true(gti_recipe_make(&r, 2, members, 3, list, GT_F32, &error));
    assert_true(gti_recipe_bench_make(&bench, &r, &error));
    float pictures[4 * 60], parts[4 * 3];
    memset(pictures, 0, sizeof pictures);
    for (int i = 0; i < 4; i++) {
        const int64_t label = labels ? (int64_t)element(x, i) : 0;
        const gti_noise none = {0};
        assert_true(
            gti_recipe_follow(&r, 1, &label, none, &bench, parts + 3 * (ptrdiff_t)i, &error));
    }
    if (!labels) memcpy(pictures, x->data, sizeof pictures);
    double part = o[0];
    gti_mix_box b = {0};
    if (kind == GT_CUTMIX) b = gti_mix_box_at(5, 6, (int64_t)o[1], (int64_t)o[2], &part);
    gti_mix_by(&r, part, kind == GT_CUTMIX ? &b : NULL, 4, (void *[]){pictures, parts}, bench.kept);
    gti_recipe_bench_free(&bench);
    gti_recipe_free(&r);
    return labels ? gt_from(x->ctx, GT_SHAPE(4, 3), parts)
                  : gt_from(x->ctx, GT_SHAPE(4, 2, 5, 6), pictures);
}

static gt_tensor *call_mixup(gt_tensor *const in[], const double *o, int n)
{
    (void)n;
    return mixed(GT_MIXUP, in[0], o);
}

static gt_tensor *call_cutmix(gt_tensor *const in[], const double *o, int n)
{
    (void)n;
    return mixed(GT_CUTMIX, in[0], o);
}

static void check_case(const reference *r, const reference_caller *c)
{
    gt_ctx *gt = gt_open();
    gt_tensor *x = tensor_of(gt, &r->in[0], GT_F32, false);
    compare(r, "y", c->call(&x, r->opts, r->n_opts), &r->y);
    gt_close(gt);
}

static void test_torchvision(void **state)
{
    (void)state;
    static const reference_caller callers[] = {
        {.name = "resize", .call = call_resize},
        {.name = "rotate", .call = call_rotate},
        {.name = "hue", .call = call_hue},
        {.name = "center_crop", .call = call_center_crop},
        {.name = "normalise", .call = call_normalise},
        {.name = "flip", .call = call_flip},
        {.name = "vertical_flip", .call = call_vertical_flip},
        {.name = "blur", .call = call_blur},
        {.name = "resize_mask", .call = call_resize_mask},
        {.name = "rotate_mask", .call = call_rotate_mask},
        {.name = "mixup", .call = call_mixup},
        {.name = "mixup_labels", .call = call_mixup},
        {.name = "cutmix", .call = call_cutmix},
        {.name = "cutmix_labels", .call = call_cutmix},
        {.name = NULL}};
    assert_int_equal(for_each_case("transforms.txt", callers, check_case), 40);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_torchvision)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
