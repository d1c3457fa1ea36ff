/* What layers share: checks of their options, parameters drawn as PyTorch draws them, and the text
 * that describes them. Checks return true, or fail on behalf of the module. */
#ifndef GTI_NN_LAYER_H
#define GTI_NN_LAYER_H

#include <gradtape/layers.h>

/* f32 or f64; becomes m's. */
bool gti_layer_set_dtype(gt_module *m, gt_dtype dtype);
/* `what` is "input channels", "kernel": a number that must be positive. */
bool gti_layer_check_positive(const gt_module *m, const char *what, int64_t n);
bool gti_layer_check_divides(const gt_module *m, const char *what, int64_t n, int64_t groups);
/* Complete a pair of options: what is not given becomes `standard`, a second number the first. Fail
 * where a number is not positive, or for padding negative. */
bool gti_layer_complete_pair(const gt_module *m, const char *what, int pair[2], int standard);
bool gti_layer_complete_padding(const gt_module *m, const char *what, int pair[2], bool directed);
/* Whether complete pairs tell height from width, so that padding is taken as written. */
bool gti_layer_is_directed(const int kernel[2], const int stride[2], const int dilation[2]);
/* x has low to high dimensions, as `needs` has them, "[n,c,h,w]". */
bool gti_layer_check_dimensions(const gt_module *m, const gt_tensor *x, int low, int high,
                                const char *needs);

/* The options that normalisations share, completed as gt_batch_norm completes them. */
bool gti_layer_complete_norm(const gt_module *m, double *eps, double *momentum);

/* Parameters of m's dtype, and buffers; NULL after a failure. */
gt_tensor *gti_layer_filled(gt_module *m, const char *name, gt_shape shape, double value);
gt_tensor *gti_layer_statistic(gt_module *m, const char *name, gt_shape shape, double value,
                               gt_dtype dtype);
/* A weight and, unless `bias` is NULL, a bias of size n, as PyTorch's linear and convolutional
 * layers start: uniform in +-1/sqrt(fan_in). What an earlier, failed try has made stays. */
bool gti_layer_draw_weights(gt_module *m, gt_tensor **weight, gt_shape shape, double fan_in,
                            gt_tensor **bias, int64_t n);

/* Appends to text, which has room for `size` bytes with the end. */
void gti_layer_append(char *text, size_t size, const char *fmt, ...) GT_PRINTF(3, 4);
/* ", name=(1, 2)", or ", name=(1,)" for rank 1. */
void gti_layer_append_tuple(char *text, size_t size, const char *name, int rank, const int pair[2]);
/* ", name=2" for equal numbers, else a tuple. The separator is left out at the beginning. */
void gti_layer_append_size(char *text, size_t size, const char *name, const int pair[2]);
/* "1e-05", "2.0", as Python writes a float; and ", name=1e-05". */
void gti_layer_append_number(char *text, size_t size, double value);
void gti_layer_append_real(char *text, size_t size, const char *name, double value);
/* ", name=True" */
void gti_layer_append_bool(char *text, size_t size, const char *name, bool value);
/* All numbers and switches among complete options, by name. */
void gti_layer_append_attrs(char *text, size_t size, const gt_attrs *attrs, const void *opts);

#endif
