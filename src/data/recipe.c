/* From an item to its place in a batch: converting, and the transforms of each member. */
#include "data/recipe.h"

#include <math.h>
#include <string.h>

/* --- what transforms touch --- */

static bool is_picture(const gt_member *m)
{
    return m->shape.ndim == 3 && (m->dtype == GT_U8 || m->dtype == GT_F32);
}

static bool is_mask(const gt_member *m)
{
    return m->dtype == GT_I64 && (m->shape.ndim == 2 || (m->shape.ndim == 3 && !m->shape.dim[0]) ||
                                  (m->shape.ndim == 3 && m->shape.dim[0] == 1));
}

static bool is_touched(const gt_transform *t, int k)
{
    return t->members >> k & 1;
}

/* By itself a transform touches all that it can; a function of one's own pictures, unless it is
 * told. */
static bool can_touch(const gt_transform *t, const gt_member *m)
{
    if (!gt_shape_size(m->shape)) return false;
    if (t->kind == GT_CUSTOM && t->members) return m->dtype == GT_U8 || m->dtype == GT_F32;
    return is_picture(m) || (gti_transform_is_geometric(t) && is_mask(m));
}

bool gti_recipe_touches(const gt_transform *t, const gt_member *m, int k)
{
    if (gti_transform_is_of_batches(t)) return false;
    return t->members ? is_touched(t, k) : can_touch(t, m);
}

/* What is mixed with another picture has no longer the mask that it had. */
static bool mixes_under_masks(const gti_recipe *r, const gt_transform *t, gt_data_error *error)
{
    for (int k = 0; gti_transform_is_of_batches(t) && k < r->lanes; k++)
        if (is_mask(&r->lane[k].in))
            return !gt_data_fail(error, GT_ERR_SHAPE,
                                 "%s does not mix masks, as member %d is one; .members says what "
                                 "is touched",
                                 gti_transform_name(t), k);
    return false;
}

/* A picture that transforms take for none would stay where it is, and its mask would move. */
static bool moves_masks_alone(const gti_recipe *r, const gt_transform *t, gt_data_error *error)
{
    char shape[128];
    int mask = -1, other = -1;
    for (int k = 0; k < r->lanes; k++) {
        const gt_member *m = &r->lane[k].in;
        if (can_touch(t, m) && !is_mask(m)) return false;
        if (can_touch(t, m)) mask = k;
        else if (m->dtype != GT_I64 && m->shape.ndim >= 2) other = k;
    }
    if (mask < 0 || other < 0) return false;
    const gt_member *m = &r->lane[other].in;
    return !gt_data_fail(error, GT_ERR_SHAPE,
                         "%s would move member %d, a mask, and not member %d, which is %s %s: "
                         "pictures are u8 or f32 [c,h,w]; .members says what is touched",
                         gti_transform_name(t), mask, other, gt_dtype_name(m->dtype),
                         gt_shape_format(m->shape, shape, sizeof shape));
}

/* Pictures as many programs store them, [h,w,c], would be taken for h channels of c columns. */
bool gti_recipe_check_layout(const gt_transform *t, const gt_member *m, gt_data_error *error)
{
    const int64_t *dim = m->shape.dim;
    char shape[128];
    const bool last = dim[2] == 1 || dim[2] == 3 || dim[2] == 4;
    if (t->members || t->kind == GT_CUSTOM || !is_picture(m) || !last || dim[0] <= 4 || dim[1] <= 4)
        return true;
    return gt_data_fail(error, GT_ERR_SHAPE,
                        "%s is done to pictures [c,h,w], and %s looks like [h,w,c]\n"
                        "  hint: gt_permute(x, 2, 0, 1), or (x, 0, 3, 1, 2) of a whole set; "
                        ".members = GT_MEMBER(0) says that member 0 is [c,h,w] indeed",
                        gti_transform_name(t), gt_shape_format(m->shape, shape, sizeof shape));
}

static bool choose_members(gti_recipe *r, gt_transform *t, gt_data_error *error)
{
    char shape[128];
    unsigned chosen = t->members;
    if (!chosen && (moves_masks_alone(r, t, error) || mixes_under_masks(r, t, error))) return false;
    for (int k = 0; k < r->lanes; k++) {
        const gt_member *m = &r->lane[k].in;
        if (!t->members && can_touch(t, m)) {
            if (!gti_recipe_check_layout(t, m, error)) return false;
            chosen |= GT_MEMBER(k);
        }
        if (!is_touched(t, k) || can_touch(t, m)) continue;
        return gt_data_fail(error, GT_ERR_SHAPE, "%s cannot be done to member %d, which is %s %s",
                            gti_transform_name(t), k, gt_dtype_name(m->dtype),
                            gt_shape_format(m->shape, shape, sizeof shape));
    }
    if (t->members >> r->lanes)
        return gt_data_fail(error, GT_ERR_ARGUMENT, "%s: .members names more than %d members",
                            gti_transform_name(t), r->lanes);
    t->members = chosen;
    if (chosen) return true;
    return gt_data_fail(error, GT_ERR_SHAPE,
                        "%s touches nothing: transforms are for images [c,h,w], u8 or f32, and "
                        "masks [h,w], i64; the first member is %s %s",
                        gti_transform_name(t), gt_dtype_name(r->lane[0].in.dtype),
                        gt_shape_format(r->lane[0].in.shape, shape, sizeof shape));
}

/* --- sizes --- */

/* Sets h and w of a lane to what the transform makes of them. */
static bool pass(gti_lane *l, const gt_transform *t, gt_data_error *error)
{
    const int64_t before = l->h;
    if (!gti_transform_fit(t, l->c, &l->h, &l->w, error)) return false;
    /* Resizing goes by way of the old height and the new width. */
    const int64_t size = gt_shape_size(GT_SHAPE(l->c, l->h > before ? l->h : before, l->w));
    if (size < 0) return gt_data_fail(error, GT_ERR_MEMORY, "the image's size overflows");
    if (size > l->room) l->room = size;
    l->moved = true;
    return true;
}

/* What is cropped at a random place must be of one size, or the places would differ. */
static bool pass_all(gti_recipe *r, const gt_transform *t, gt_data_error *error)
{
    const gti_lane *first = NULL;
    int64_t h = 0, w = 0;
    for (int k = 0; k < r->lanes; k++) {
        gti_lane *l = &r->lane[k];
        if (!is_touched(t, k)) continue;
        if (first && (t->kind == GT_RANDOM_CROP || t->kind == GT_CUTMIX) &&
            (l->h != h || l->w != w))
            return gt_data_fail(error, GT_ERR_SHAPE,
                                "%s: members are %lld x %lld and %lld x %lld pixels; .members "
                                "says which are touched",
                                gti_transform_name(t), (long long)h, (long long)w, (long long)l->h,
                                (long long)l->w);
        first = l;
        h = l->h;
        w = l->w;
        if (!pass(l, t, error)) return false;
    }
    return true;
}

static void open_lane(gti_lane *l, const gt_member *m, gt_dtype dtype)
{
    const int64_t *dim = m->shape.dim;
    const int n = m->shape.ndim;
    *l = (gti_lane){.in = *m, .out = *m, .size = gt_shape_size(m->shape), .c = 1, .h = 1};
    l->room = l->w = l->size;
    if (m->dtype == GT_U8 || m->dtype == GT_F32) l->out.dtype = dtype;
    if (!is_picture(m) && !is_mask(m)) return;
    l->c = n == 3 ? dim[0] : 1;
    l->h = dim[n - 2];
    l->w = dim[n - 1];
}

static void close_lane(gti_lane *l)
{
    if (!l->moved || !(is_picture(&l->in) || is_mask(&l->in))) return;
    l->out.shape.dim[l->out.shape.ndim - 2] = l->h;
    l->out.shape.dim[l->out.shape.ndim - 1] = l->w;
    l->size = gt_shape_size(l->out.shape);
    l->h = l->in.shape.dim[l->in.shape.ndim - 2];
    l->w = l->in.shape.dim[l->in.shape.ndim - 1];
}

static int64_t length(const gt_transform *list)
{
    int64_t n = 0;
    while (list && list[n].kind != GT_NO_TRANSFORM) n++;
    return n;
}

/* Labels are mixed as parts of classes. */
static bool open_mix(gti_recipe *r, const gt_transform *t, int64_t n_classes, gt_dtype dtype,
                     gt_data_error *error)
{
    gti_lane *label = &r->lane[r->lanes - 1];
    if (t[1].kind != GT_NO_TRANSFORM)
        return gt_data_fail(error, GT_ERR_ARGUMENT, "%s is done to whole batches: it stands last",
                            gti_transform_name(t));
    if (label->in.dtype != GT_I64 || label->in.shape.ndim || n_classes < 1)
        return gt_data_fail(error, GT_ERR_SHAPE,
                            "%s needs classes: the last member of items must be one i64, and the "
                            "n_classes of the dataset known",
                            gti_transform_name(t));
    label->out = (gt_member){.shape = GT_SHAPE(n_classes), .dtype = dtype, .name = label->in.name};
    label->size = label->classes = n_classes;
    r->mix = t;
    return true;
}

/* Follows the members through transform t. */
static bool add(gti_recipe *r, gt_transform *t, int64_t n_classes, gt_dtype dtype,
                gt_data_error *error)
{
    if (!gti_transform_complete(t, error) || !choose_members(r, t, error) || !pass_all(r, t, error))
        return false;
    if (!gti_transform_is_of_batches(t)) return true;
    if (!open_mix(r, t, n_classes, dtype, error)) return false;
    t->members |= GT_MEMBER(r->lanes - 1);
    return true;
}

bool gti_recipe_make(gti_recipe *r, int members, const gt_member *member, int64_t n_classes,
                     const gt_transform *list, gt_dtype dtype, gt_data_error *error)
{
    const int64_t n = length(list);
    *r = (gti_recipe){.lanes = members};
    for (int k = 0; k < members; k++) open_lane(&r->lane[k], &member[k], dtype);
    if (!n) return true;
    r->list = gti_data_malloc((size_t)(n + 1) * sizeof *list, error);
    if (!r->list) return false;
    memcpy(r->list, list, (size_t)(n + 1) * sizeof *list);
    for (gt_transform *t = r->list; t->kind != GT_NO_TRANSFORM; t++)
        if (!add(r, t, n_classes, dtype, error)) return false;
    for (int k = 0; k < members; k++) close_lane(&r->lane[k]);
    return true;
}

/* --- memory --- */

bool gti_recipe_bench_make(gti_bench *b, const gti_recipe *r, gt_data_error *error)
{
    int64_t room = 0;
    size_t most = 0;
    for (int k = 0; k < r->lanes; k++) {
        const gti_lane *l = &r->lane[k];
        const size_t bytes = (size_t)l->size * gt_dtype_size(l->out.dtype);
        if (l->moved && l->room > room) room = l->room;
        if (r->mix && bytes > most) most = bytes;
    }
    *b = (gti_bench){.a = gti_data_malloc((size_t)room * sizeof(float), error),
                     .b = gti_data_malloc((size_t)room * sizeof(float), error),
                     .kept = gti_data_malloc(most, error)};
    return b->a && b->b && b->kept;
}

void gti_recipe_bench_free(gti_bench *b)
{
    free(b->a);
    free(b->b);
    free(b->kept);
}

/* --- numbers --- */

/* Floats tell whole numbers apart up to here. */
enum { MASK_MOST = 1 << 24 };

/* Bytes 0..255 become 0..1 by division, as torchvision's ToTensor does it. */
static void bytes_to_floats(const uint8_t *from, int64_t n, float *to)
{
    for (int64_t i = 0; i < n; i++) to[i] = (float)from[i] / 255.0f;
}

static bool mask_to_floats(const int64_t *from, int64_t n, float *to, gt_data_error *error)
{
    for (int64_t i = 0; i < n; i++) {
        if (from[i] < -MASK_MOST || from[i] > MASK_MOST)
            return gt_data_fail(error, GT_ERR_ARGUMENT,
                                "a mask has the class %lld; transforms take those up to %d",
                                (long long)from[i], MASK_MOST);
        to[i] = (float)from[i];
    }
    return true;
}

static bool to_floats(const gt_member *m, const void *from, float *to, gt_data_error *error)
{
    const int64_t n = gt_shape_size(m->shape);
    if (m->dtype == GT_I64) return mask_to_floats(from, n, to, error);
    if (m->dtype == GT_U8) bytes_to_floats(from, n, to);
    else memcpy(to, from, (size_t)n * sizeof *to);
    return true;
}

static void from_floats(const float *from, int64_t n, gt_dtype dtype, void *to)
{
    if (dtype == GT_F32) memcpy(to, from, (size_t)n * sizeof *from);
    else if (dtype == GT_F64)
        for (int64_t i = 0; i < n; i++) ((double *)to)[i] = (double)from[i];
    else
        for (int64_t i = 0; i < n; i++) ((int64_t *)to)[i] = (int64_t)from[i];
}

/* All of one class. */
static bool spread_label(const gti_lane *l, int64_t label, void *to, gt_data_error *error)
{
    if (label < 0 || label >= l->classes)
        return gt_data_fail(error, GT_ERR_ARGUMENT, "a label is %lld, and there are %lld classes",
                            (long long)label, (long long)l->classes);
    memset(to, 0, (size_t)l->classes * gt_dtype_size(l->out.dtype));
    if (l->out.dtype == GT_F64) ((double *)to)[label] = 1;
    else ((float *)to)[label] = 1;
    return true;
}

/* What no transform touches. */
static void convert(const gti_lane *l, const void *from, void *to)
{
    if (l->in.dtype == l->out.dtype) memcpy(to, from, (size_t)l->size * gt_dtype_size(l->in.dtype));
    else if (l->in.dtype == GT_F32) from_floats(from, l->size, l->out.dtype, to);
    else if (l->out.dtype == GT_F32) bytes_to_floats(from, l->size, to);
    else
        for (int64_t i = 0; i < l->size; i++)
            ((double *)to)[i] = (double)((float)((const uint8_t *)from)[i] / 255.0f);
}

/* --- following it --- */

bool gti_recipe_follow(const gti_recipe *r, int k, const void *from, gti_noise noise,
                       const gti_bench *bench, void *to, gt_data_error *error)
{
    const gti_lane *l = &r->lane[k];
    if (l->classes) return spread_label(l, *(const int64_t *)from, to, error);
    if (!l->moved) {
        convert(l, from, to);
        return true;
    }
    gti_image m = {.at = bench->a, .spare = bench->b, .c = l->c, .h = l->h, .w = l->w};
    m.nearest = l->in.dtype == GT_I64;
    if (!to_floats(&l->in, from, m.at, error)) return false;
    for (const gt_transform *t = r->list; t->kind != GT_NO_TRANSFORM; t++) {
        gti_noise own = {gti_noise_u64(&noise)}; /* whether it is touched or not */
        if (is_touched(t, k) && !gti_transform_apply(t, &m, &own, error)) return false;
    }
    from_floats(m.at, l->size, l->out.dtype, to);
    return true;
}
