/* Transforms: what a loader does to pictures, in this order, when they are f32 [c,h,w], usually in
 * 0..1:
 *
 *   .transforms = GT_TRANSFORMS({.kind = GT_RANDOM_CROP, .size = {28}, .padding = 2},
 *                               {.kind = GT_RANDOM_FLIP},
 *                               {.kind = GT_NORMALISE, .mean = {0.1307}, .std = {0.3081}})
 *
 * They mean what torchvision's do, on tensors; where that has a choice of interpolation, it is
 * bilinear here. A single size means a square, never the shorter side. An option that a kind does
 * not have is an error. Those that move pixels (resize, crops, flips, rotation) move all pictures
 * and masks of an item alike, masks by the nearest pixel; the others touch pictures alone. Their
 * random numbers are gradtape's own, the same for all members of an item, and depend on the epoch's
 * seed and the item's index alone, so neither on the number of threads nor on the order. */
#ifndef GRADTAPE_TRANSFORMS_H
#define GRADTAPE_TRANSFORMS_H

#include <gradtape/data.h>

GT_BEGIN_DECLS

typedef enum {
    GT_NO_TRANSFORM = 0,     /* ends a list */
    GT_NORMALISE,            /* (x - mean) / std by channel; {0.5} is for all */
    GT_RESIZE,               /* to size, bilinear and, when shrinking, antialiased */
    GT_CENTER_CROP,          /* size, from the middle */
    GT_RANDOM_CROP,          /* size, from anywhere after zeros were added on each side: padding */
    GT_RANDOM_FLIP,          /* left and right, with probability p */
    GT_RANDOM_VERTICAL_FLIP, /* top and bottom, with probability p */
    GT_RANDOM_ROTATION,      /* by up to `degrees` either way, bilinear, zeros outside */
    GT_RANDOM_ERASING, /* with probability p zeros in a rectangle of `scale` of the area and of
                          `ratio` height to width */
    GT_COLOUR_JITTER,  /* brightness, contrast, saturation and hue, in random order */
    GT_GAUSSIAN_BLUR,  /* by a kernel of `size`, odd, with a sigma drawn from `sigma` */
    GT_CUSTOM,         /* fn, a function of one's own */
    /* Of whole batches, so last in a list: each item is mixed with the one before it in the batch,
     * and their classes, which come as f32 [n_classes], with them. Of an item as much is kept as is
     * drawn from Beta(alpha, alpha). Masks are not mixed: where there are any, .members is asked
     * for. */
    GT_MIXUP,  /* pixels are blended */
    GT_CUTMIX, /* a box of the other's pixels */
} gt_transform_kind;
/* Changes x f32 in place: a picture of this shape, [c,h,w]; of a member that is none, [1,1,n]. What
 * it draws it draws from the seed, so that it always does the same for the same one. Called by
 * several threads at once. False after gt_data_fail. */
typedef bool (*gt_transform_fn)(float *x, gt_shape shape, uint64_t seed, void *user,
                                gt_data_error *error);
struct gt_transform {
    gt_transform_kind kind;
    double mean[4], std[4]; /* those that are not given are the first; std is required */
    int size[2];            /* height and width; required; {28} is {28, 28} */
    int padding;            /* 0 */
    unsigned members;       /* GT_MEMBER(0) | GT_MEMBER(2); 0: all that it can touch */
    double p;               /* 0.5 */
    double degrees;         /* required by GT_RANDOM_ROTATION */
    double scale[2];        /* 0.02, 0.33 */
    double ratio[2];        /* 0.3, 3.3 */
    /* Factors from 1 - b to 1 + b; hue is turned by up to this part of the circle, at most 0.5. */
    double brightness, contrast, saturation, hue;
    double sigma[2];    /* 0.1, 2; {1.5} is always 1.5 */
    double alpha;       /* 1 */
    gt_transform_fn fn; /* required by GT_CUSTOM */
    void *user;         /* for fn */
};
#define GT_MEMBER(k) (1u << (k))
#define GT_TRANSFORMS(...) GT_ARRAY(const gt_transform, __VA_ARGS__, {.kind = GT_NO_TRANSFORM})

/* What a loader with these transforms makes of x, u8 or f32 [c,h,w], or i64 [h,w] for a mask: f32
 * in 0..1, or i64. So a picture is predicted as it was trained:
 *
 *   gt_tensor *x = gt_transform(gt_image_load(gt, "cat.jpg"), list);
 *   gt_tensor *y = gt_forward(net, gt_reshape(x, GT_SHAPE(1, 3, 224, 224)));
 *
 * Transforms that do not touch such a member, and those of batches, are passed over. No gradient
 * goes through them. Errors: GT_ERR_ARGUMENT, GT_ERR_SHAPE (also for x that is neither picture nor
 * mask, and that nothing touches), GT_ERR_STATE (x was dropped). */
typedef struct {
    gt_keywords gt_;
    int member;    /* which member of the items x is, for transforms with .members */
    uint64_t seed; /* of what is random, the same for each member; 0: the context's generator */
} gt_transform_opts;
gt_tensor *gt_transform_(gt_tensor *x, const gt_transform *list, gt_transform_opts opts);
/* gt_transform(x, list), gt_transform(x, list, .seed = 3) */
#define gt_transform(x, ...) GT_TRANSFORM_(x, __VA_ARGS__, )
#define GT_TRANSFORM_(x, list, ...)                                                                \
    GT_AT(gt_transform_(x, list, GT_OPTS(gt_transform_opts, __VA_ARGS__)))

GT_END_DECLS
#endif
