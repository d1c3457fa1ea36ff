/* Initialisers: PyTorch's torch.nn.init, with its numbers for the same seed: to the bit, but for
 * orthogonal matrices, whose decomposition is rounded otherwise.
 *
 * They change t, a leaf of f32 or f64, in place, and draw from its context's generator. Errors of
 * all: GT_ERR_ARGUMENT, GT_ERR_DTYPE, GT_ERR_SHAPE (fans need two dimensions), GT_ERR_MEMORY. */
#ifndef GRADTAPE_INIT_H
#define GRADTAPE_INIT_H

#include <gradtape/nn.h>

GT_BEGIN_DECLS

gt_status gt_init_uniform(gt_tensor *t, double low, double high);
#define gt_init_uniform(t, low, high) GT_STATUS_AT(gt_init_uniform(t, low, high))
gt_status gt_init_normal(gt_tensor *t, double mean, double std);
#define gt_init_normal(t, mean, std) GT_STATUS_AT(gt_init_normal(t, mean, std))
gt_status gt_init_constant(gt_tensor *t, double value);
#define gt_init_constant(t, value) GT_STATUS_AT(gt_init_constant(t, value))
#define gt_init_zeros(t) gt_init_constant(t, 0.0)
#define gt_init_ones(t) gt_init_constant(t, 1.0)

/* fan_in is the number of inputs that an output of the layer with this weight [out,in,...] sums up,
 * fan_out the number of outputs that an input goes into: in or out times the kernel's size. */
typedef enum { GT_FAN_IN = 0, GT_FAN_OUT } gt_fan;
typedef enum {
    GT_LEAKY_RELU = 0, /* sqrt(2 / (1 + a^2)) */
    GT_RELU,           /* sqrt(2) */
    GT_LINEAR,         /* 1: linear maps, convolutions, sigmoid */
    GT_TANH,           /* 5 / 3 */
    GT_SELU,           /* 3 / 4 */
} gt_nonlinearity;
/* The standard deviation that keeps signals their size through this function; a is leaky_relu's
 * slope. */
double gt_init_gain(gt_nonlinearity nonlinearity, double a);

typedef struct {
    gt_keywords gt_;
    double gain; /* 1 */
} gt_init_xavier_opts;
/* Standard deviation gain sqrt(2 / (fan_in + fan_out)). */
gt_status gt_init_xavier_uniform_(gt_tensor *t, gt_init_xavier_opts opts);
gt_status gt_init_xavier_normal_(gt_tensor *t, gt_init_xavier_opts opts);
#define gt_init_xavier_uniform(...) GT_INIT_XAVIER_UNIFORM_(__VA_ARGS__, )
#define GT_INIT_XAVIER_UNIFORM_(t, ...)                                                            \
    GT_STATUS_AT(gt_init_xavier_uniform_(t, GT_OPTS(gt_init_xavier_opts, __VA_ARGS__)))
#define gt_init_xavier_normal(...) GT_INIT_XAVIER_NORMAL_(__VA_ARGS__, )
#define GT_INIT_XAVIER_NORMAL_(t, ...)                                                             \
    GT_STATUS_AT(gt_init_xavier_normal_(t, GT_OPTS(gt_init_xavier_opts, __VA_ARGS__)))

typedef struct {
    gt_keywords gt_;
    gt_nonlinearity nonlinearity; /* GT_LEAKY_RELU */
    double a;                     /* its slope: 0 */
    gt_fan mode;                  /* GT_FAN_IN */
} gt_init_kaiming_opts;
/* Standard deviation gain / sqrt(fan). */
gt_status gt_init_kaiming_uniform_(gt_tensor *t, gt_init_kaiming_opts opts);
gt_status gt_init_kaiming_normal_(gt_tensor *t, gt_init_kaiming_opts opts);
/* gt_init_kaiming_normal(w, .mode = GT_FAN_OUT, .nonlinearity = GT_RELU) */
#define gt_init_kaiming_uniform(...) GT_INIT_KAIMING_UNIFORM_(__VA_ARGS__, )
#define GT_INIT_KAIMING_UNIFORM_(t, ...)                                                           \
    GT_STATUS_AT(gt_init_kaiming_uniform_(t, GT_OPTS(gt_init_kaiming_opts, __VA_ARGS__)))
#define gt_init_kaiming_normal(...) GT_INIT_KAIMING_NORMAL_(__VA_ARGS__, )
#define GT_INIT_KAIMING_NORMAL_(t, ...)                                                            \
    GT_STATUS_AT(gt_init_kaiming_normal_(t, GT_OPTS(gt_init_kaiming_opts, __VA_ARGS__)))

/* As a matrix [dim 0, all others]: orthonormal rows or, where there are more rows than columns,
 * columns, times gain. */
gt_status gt_init_orthogonal_(gt_tensor *t, gt_init_xavier_opts opts);
#define gt_init_orthogonal(...) GT_INIT_ORTHOGONAL_(__VA_ARGS__, )
#define GT_INIT_ORTHOGONAL_(t, ...)                                                                \
    GT_STATUS_AT(gt_init_orthogonal_(t, GT_OPTS(gt_init_xavier_opts, __VA_ARGS__)))

typedef struct {
    gt_keywords gt_;
    double mean;      /* 0 */
    double std;       /* 1 */
    double low, high; /* -2 and 2, PyTorch's a and b */
} gt_init_trunc_normal_opts;
/* Normal, drawn again where outside [low, high]. */
gt_status gt_init_trunc_normal_(gt_tensor *t, gt_init_trunc_normal_opts opts);
/* gt_init_trunc_normal(w, .std = 0.02) */
#define gt_init_trunc_normal(...) GT_INIT_TRUNC_NORMAL_(__VA_ARGS__, )
#define GT_INIT_TRUNC_NORMAL_(t, ...)                                                              \
    GT_STATUS_AT(gt_init_trunc_normal_(t, GT_OPTS(gt_init_trunc_normal_opts, __VA_ARGS__)))

GT_END_DECLS
#endif
