#include "nn/layer.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* --- checks --- */

bool gti_layer_set_dtype(gt_module *m, gt_dtype dtype)
{
    m->dtype = dtype;
    if (gt_is_floating(dtype)) return true;
    gt_module_fail(m, GT_ERR_DTYPE, "parameters are f32 or f64, not %s", gt_dtype_name(dtype));
    return false;
}

bool gti_layer_check_positive(const gt_module *m, const char *what, int64_t n)
{
    if (n > 0) return true;
    gt_module_fail(m, GT_ERR_ARGUMENT, "%s are %lld, but must be positive", what, (long long)n);
    return false;
}

bool gti_layer_check_divides(const gt_module *m, const char *what, int64_t n, int64_t groups)
{
    if (!gti_layer_check_positive(m, what, n)) return false;
    if (n % groups == 0) return true;
    gt_module_fail(m, GT_ERR_ARGUMENT, "%lld %s do not divide into %lld groups", (long long)n, what,
                   (long long)groups);
    return false;
}

static void complete(int pair[2], int standard)
{
    const int given[2] = {pair[0], pair[1]};
    for (int i = 0; i < 2; i++) pair[i] = gt_option_pair(given, i, standard);
}

bool gti_layer_complete_pair(const gt_module *m, const char *what, int pair[2], int standard)
{
    complete(pair, standard);
    if (pair[0] > 0 && pair[1] > 0) return true;
    gt_module_fail(m, GT_ERR_ARGUMENT, "%s is {%d, %d}, but must be positive%s", what, pair[0],
                   pair[1], standard ? "" : ": .kernel = {height, width} is required");
    return false;
}

bool gti_layer_is_directed(const int kernel[2], const int stride[2], const int dilation[2])
{
    return kernel[0] != kernel[1] || stride[0] != stride[1] || dilation[0] != dilation[1];
}

bool gti_layer_complete_padding(const gt_module *m, const char *what, int pair[2], bool directed)
{
    const int given[2] = {pair[0], pair[1]};
    for (int i = 0; i < 2; i++) pair[i] = gt_option_padding(given, i, directed);
    if (pair[0] >= 0 && pair[1] >= 0) return true;
    gt_module_fail(m, GT_ERR_ARGUMENT, "%s is {%d, %d}, but must not be negative", what, pair[0],
                   pair[1]);
    return false;
}

bool gti_layer_check_dimensions(const gt_module *m, const gt_tensor *x, int low, int high,
                                const char *needs)
{
    if (x->shape.ndim >= low && x->shape.ndim <= high) return true;
    char shape[128];
    gt_module_fail(m, GT_ERR_SHAPE, "the input must be %s, not %s", needs,
                   gt_shape_format(x->shape, shape, sizeof shape));
    return false;
}

bool gti_layer_complete_norm(const gt_module *m, double *eps, double *momentum)
{
    gt_batch_norm_opts all = {.eps = *eps, .momentum = *momentum};
    if (!gt_complete(m->ctx, m->type->name, gt_op_batch_norm.call, &all)) return false;
    *eps = all.eps;
    *momentum = all.momentum;
    return true;
}

/* --- parameters --- */

gt_tensor *gti_layer_filled(gt_module *m, const char *name, gt_shape shape, double value)
{
    gt_tensor *t = gt_full_(m->ctx, shape, value, (gt_new_opts){.dtype = m->dtype});
    return t ? gt_module_add_parameter(m, name, t) : NULL;
}

gt_tensor *gti_layer_statistic(gt_module *m, const char *name, gt_shape shape, double value,
                               gt_dtype dtype)
{
    gt_tensor *t = gt_full_(m->ctx, shape, value, (gt_new_opts){.dtype = dtype});
    return t ? gt_module_add_buffer(m, name, t) : NULL;
}

static gt_tensor *draw(gt_module *m, const char *name, gt_shape shape, double bound)
{
    gt_tensor *t = gt_uniform_(m->ctx, shape, -bound, bound, (gt_new_opts){.dtype = m->dtype});
    return t ? gt_module_add_parameter(m, name, t) : NULL;
}

bool gti_layer_draw_weights(gt_module *m, gt_tensor **weight, gt_shape shape, double fan_in,
                            gt_tensor **bias, int64_t n)
{
    /* PyTorch draws the weight by Kaiming uniform with a = sqrt(5), which is +-1/sqrt(fan_in) but
     * for rounding; so its steps are kept, in its order. */
    const double gain = sqrt(2.0 / (1.0 + sqrt(5.0) * sqrt(5.0)));
    if (!*weight) *weight = draw(m, "weight", shape, sqrt(3.0) * (gain / sqrt(fan_in)));
    if (!*weight) return false;
    if (bias && !*bias) *bias = draw(m, "bias", GT_SHAPE(n), 1.0 / sqrt(fan_in));
    return !bias || *bias;
}

/* --- descriptions --- */

void gti_layer_append(char *text, size_t size, const char *fmt, ...)
{
    const size_t used = strlen(text);
    va_list args;
    va_start(args, fmt);
    gt_vsnprintf(text + used, size - used, fmt, args);
    va_end(args);
}

static const char *separator(const char *text)
{
    return *text ? ", " : "";
}

void gti_layer_append_tuple(char *text, size_t size, const char *name, int rank, const int pair[2])
{
    const char *comma = separator(text);
    if (rank == 1) gti_layer_append(text, size, "%s%s=(%d,)", comma, name, pair[0]);
    else gti_layer_append(text, size, "%s%s=(%d, %d)", comma, name, pair[0], pair[1]);
}

void gti_layer_append_size(char *text, size_t size, const char *name, const int pair[2])
{
    if (pair[0] == pair[1]) gti_layer_append(text, size, "%s%s=%d", separator(text), name, pair[0]);
    else gti_layer_append_tuple(text, size, name, 2, pair);
}

void gti_layer_append_number(char *text, size_t size, double value)
{
    char number[40];
    for (int digits = 6; digits <= 17; digits++) {
        gt_snprintf(number, sizeof number, "%.*g", digits, value);
        if (gt_strtod(number, NULL) == value) break;
    }
    gti_layer_append(text, size, strpbrk(number, ".en") ? "%s" : "%s.0", number);
}

void gti_layer_append_real(char *text, size_t size, const char *name, double value)
{
    gti_layer_append(text, size, "%s%s=", separator(text), name);
    gti_layer_append_number(text, size, value);
}

void gti_layer_append_bool(char *text, size_t size, const char *name, bool value)
{
    gti_layer_append(text, size, "%s%s=%s", separator(text), name, value ? "True" : "False");
}

void gti_layer_append_attrs(char *text, size_t size, const gt_attrs *attrs, const void *opts)
{
    for (int i = 0; i < attrs->n; i++) {
        const gt_attr *a = &attrs->row[i];
        if (a->kind == GT_ATTR_REAL)
            gti_layer_append_real(text, size, a->name, gt_attr_real(a, opts, 0));
        else if (a->kind == GT_ATTR_SWITCH)
            gti_layer_append_bool(text, size, a->name, gt_attr_whole(a, opts, 0));
    }
}
