/* What the normalisations share: y = (x - mean) * rstd * weight + bias over the layouts of
 * kernels/normalize.h, with mean and rstd as further outputs, which the gradient reads. */
#ifndef GTI_OPS_NORMALIZE_H
#define GTI_OPS_NORMALIZE_H

#include "common.h"

/* Options of the operations: `count` is layer_norm's and rms_norm's number of dimensions,
 * group_norm's number of groups; eps as it is. */
typedef struct {
    gt_keywords gt_;
    int64_t count;
    double eps;
} gti_normalize_opts;

/* Those with an activation of y behind them. */
typedef struct {
    gti_normalize_opts norm; /* first: who reads it need not tell */
    gt_activation activation;
} gti_normalize_act_opts;

/* Rows of attributes. */
#define GTI_EPS 1e-5
#define GTI_EPS_MEANING "added to the variance"
#define GTI_EPS_ATTR                                                                               \
    {                                                                                              \
        GT_OPTION("eps", gti_normalize_opts, eps),                                                 \
            .otherwise = GTI_EPS, .bounds = GT_NOT_NEGATIVE, .meaning = GTI_EPS_MEANING            \
    }
#define GTI_WEIGHT_ATTR(of)                                                                        \
    {                                                                                              \
        GT_BESIDE("weight"), .usual = "1", .meaning = "factors, " of                               \
    }
#define GTI_BIAS_ATTR(of)                                                                          \
    {                                                                                              \
        GT_BESIDE("bias"), .usual = "0", .meaning = "what is added, " of                           \
    }
#define GTI_ACTIVATION_ATTR(type)                                                                  \
    GT_CHOICE("activation", type, activation, 3, "GT_NO_ACTIVATION GT_THEN_RELU GT_THEN_RELU6"),   \
        .meaning = "of the result, in the same pass"
#define GTI_DIMS_ATTR                                                                              \
    {                                                                                              \
        GT_ARGUMENT("n_dims", gti_normalize_opts, count),                                          \
            .meaning = "how many of the last dimensions are normalised together"                   \
    }

/* --- for infer; they return true, or fail the node --- */

/* The last `count` dimensions of x, which have to be there. */
bool gti_normalize_check_dims(const gt_node *n, int64_t count, gt_shape *last);
/* Whether x is [n,c,...]. */
bool gti_normalize_check_image(const gt_node *n);
/* Whether input i has the shape `needed` of parameters. */
bool gti_normalize_check_parameter(const gt_node *n, int i, gt_shape needed);
/* Shapes of the outputs, y and statistics, and parts, with the workers' scratch. */
bool gti_normalize_set_outputs(gt_node *n, const gt_normalize_layout *layout, gt_shape statistics);

/* --- layouts, of shapes that have been checked --- */

/* x as rows, which are its last `count` dimensions. */
gt_normalize_layout gti_normalize_rows(gt_shape x, int64_t count);
/* x [n,c,...] in groups of channels. */
gt_normalize_layout gti_normalize_groups(gt_shape x, int64_t groups);

/* Parts of a layout: ranges of its images, or of its groups when pooled. */
typedef struct {
    gti_normalize s;
    int64_t x, set, channel; /* where its elements, sets and channels begin */
} gti_normalize_range;
gti_normalize_range gti_normalize_range_of(const gt_node *n, const gt_normalize_layout *layout,
                                           int64_t begin, int64_t end);

/* An activation of `count` elements, in place. */
void gti_normalize_activate(const gt_node *n, gt_activation activation, int64_t count, void *y);
/* dy where the activation of y has a slope, else 0. */
gt_tensor *gti_normalize_before(gt_activation activation, gt_tensor *dy, gt_tensor *y);

/* The gradient of those with a mean: an operation's `gradient`. */
#define GTI_NORMALIZE_GRADIENT                                                                     \
    "dx = rstd (g - M(g) - h M(g h)), dweight = sum of dy h, dbias = sum of dy; "                  \
    "g = dy weight, h = (x - mean) rstd, M the mean over what is normalised together"

/* --- forward and backward of (x, weight, bias) to (y, mean, rstd), and also the variance, or of
 * (x, weight) to (y, rstd) --- */

void gti_normalize_parts(gt_node *n, const gt_range *r, const gt_normalize_layout *layout,
                         double eps);
bool gti_normalize_backward(gt_node *n, const gt_normalize_layout *layout, gt_tensor *const gout[],
                            gt_tensor *gin[]);
double gti_normalize_flops(const gt_node *n);
/* y of n outputs, the statistics given back where nothing was recorded that reads them. */
gt_tensor *gti_normalize_result(int n, gt_tensor *const out[]);

/* --- tensors under a layout's four dimensions, and sums along them --- */

gt_tensor *gti_normalize_view(gt_tensor *x, const gt_normalize_layout *layout);
gt_tensor *gti_normalize_view_parameter(gt_tensor *weight, const gt_normalize_layout *layout);
gt_tensor *gti_normalize_view_statistic(gt_tensor *mean, const gt_normalize_layout *layout);
/* Dimensions over which a set, and over which a channel's sums, extend. */
unsigned gti_normalize_set_axes(const gt_normalize_layout *layout);
#define GTI_NORMALIZE_CHANNEL_AXES (GT_AXIS(0) | GT_AXIS(3))
/* a + b, either may be NULL */
gt_tensor *gti_normalize_plus(gt_tensor *a, gt_tensor *b);

/* The parameter given, or a constant in its place. */
gt_tensor *gti_normalize_parameter(gt_tensor *given, const gt_tensor *x, gt_shape shape,
                                   double value);

#endif
