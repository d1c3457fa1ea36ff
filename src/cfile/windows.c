/* Convolutions, pools and resizing. */
#include <math.h>
#include <string.h>

#include "cfile/cfile.h"

/* --- sizes --- */

/* Operations for sequences work on images of one row. */
static bool is_flat(const gti_cfile *c)
{
    return strstr(c->r.n->op->name, "1d") != NULL;
}

static int64_t height(const gt_shape *s)
{
    return s->ndim == 3 ? 1 : s->dim[2];
}

static long long planes_of(const gt_shape *s)
{
    return s->dim[0] * s->dim[1];
}

/* Of an attribute in pairs, height first; `otherwise` of sequences. */
static int64_t pair(const gti_cfile *c, const char *attr, int i, int64_t otherwise)
{
    if (!is_flat(c)) return GTI_WHOLE(c, attr, i);
    return i ? GTI_WHOLE(c, attr, 0) : otherwise;
}

typedef struct {
    const gt_shape *x, *y;
    int64_t k[2], stride[2], pad[2], dilation[2];
} windows;

static windows windows_of(const gti_cfile *c, const char *dilation)
{
    windows w = {&gti_cfile_in(c, 0)->shape,
                 &gti_reading_result(&c->r, 0)->shape,
                 {1, 1},
                 {1, 1},
                 {0, 0},
                 {1, 1}};
    for (int i = 0; i < 2; i++) {
        w.stride[i] = pair(c, "stride", i, 1);
        w.pad[i] = pair(c, "padding", i, 0);
        if (dilation) w.dilation[i] = pair(c, dilation, i, 1);
    }
    return w;
}

/* --- convolutions --- */

static void add_conv(gti_cfile *c, const windows *w, int64_t k, int64_t groups)
{
    const gt_shape *x = w->x, *y = w->y;
    const gti_cfile_node *node = &c->node[c->at];
    int64_t in[2] = {height(x), x->dim[x->ndim - 1]}, out[2] = {height(y), y->dim[y->ndim - 1]};
    const bool point = w->k[0] == 1 && w->k[1] == 1 && w->stride[0] == 1 && w->stride[1] == 1 &&
                       !w->pad[0] && !w->pad[1] && in[0] == out[0] && in[1] == out[1];
    for (int i = 0; i < 2 && point; i++) { /* planes are rows */
        int64_t *size = i ? out : in;
        size[1] *= size[0];
        size[0] = 1;
    }
    char low[GTI_CFILE_NUMBER], high[GTI_CFILE_NUMBER];
    gti_cfile_use(c, "conv inside fill");
    gti_text_add(&c->body,
                 "    {\n        static const struct conv s = {\n"
                 "            .n = %lld, .c = %lld, .h = %lld, .w = %lld,"
                 " .k = %lld, .oh = %lld, .ow = %lld, .groups = %lld,\n"
                 "            .kh = %lld, .kw = %lld, .sh = %lld, .sw = %lld,"
                 " .ph = %lld, .pw = %lld, .dh = %lld, .dw = %lld,\n"
                 "            .low = %s, .high = %s};\n",
                 (long long)x->dim[0], (long long)x->dim[1], (long long)in[0], (long long)in[1],
                 (long long)k, (long long)out[0], (long long)out[1], (long long)groups,
                 (long long)w->k[0], (long long)w->k[1], (long long)w->stride[0],
                 (long long)w->stride[1], (long long)w->pad[0], (long long)w->pad[1],
                 (long long)w->dilation[0], (long long)w->dilation[1],
                 gti_cfile_number(node->low, low), gti_cfile_number(node->high, high));
}

/* Weights and bias with the batch norm behind them in them: weight g, (bias - mean) g + its bias,
 * g = its weight / sqrt(variance + eps). */
static bool fold_norm(gti_cfile *c, const char **weight, const char **bias)
{
    const gt_graph_node *conv = c->r.n, *norm = &c->r.g->node[c->node[c->at].norm];
    const gt_shape shape = gti_cfile_in(c, 1)->shape;
    const int64_t k = shape.dim[0], each = gt_shape_size(shape) / k;
    const float *w = gti_cfile_data(c, conv->in[1]),
                *b = conv->n_in > 2 ? gti_cfile_data(c, conv->in[2]) : NULL, *from[4];
    for (int i = 0; i < 4; i++)
        if (!(from[i] = gti_cfile_data(c, norm->in[1 + i]))) return false;
    float *to = gti_store_get(&c->r.store, (size_t)(k * each), sizeof *to),
          *add = gti_store_get(&c->r.store, (size_t)k, sizeof *add);
    if (!w || !to || !add) return false;
    const double eps = gt_attr_real(gt_attr_find(&norm->op->attrs, "eps"), norm->opts, 0);
    for (int64_t i = 0; i < k; i++) {
        const double g = (double)from[0][i] / sqrt((double)from[3][i] + eps);
        for (int64_t j = 0; j < each; j++) to[i * each + j] = (float)(g * (double)w[i * each + j]);
        add[i] = (float)(((b ? (double)b[i] : 0) - (double)from[2][i]) * g + (double)from[1][i]);
    }
    const char *name = c->r.name[conv->in[1]], *place = c->r.place;
    *weight = gti_cfile_new_array(c, gti_cfile_format(c, "%s", name), GT_F32, shape, to);
    *bias = gti_cfile_new_array(c, gti_cfile_format(c, "%s.bias", place), GT_F32, GT_SHAPE(k), add);
    return true;
}

static bool write_conv(gti_cfile *c, const gti_cfile_row *row)
{
    windows w = windows_of(c, "dilation");
    const gt_shape *weight = &gti_cfile_in(c, 1)->shape;
    const char *pw, *pb;
    w.k[0] = height(weight);
    w.k[1] = weight->dim[weight->ndim - 1];
    if (GTI_WHOLE(c, "same_padding", 0)) /* an odd rest is at the end */
        for (int i = 0; i < 2; i++) w.pad[i] = w.dilation[i] * (w.k[i] - 1) / 2;
    if (c->node[c->at].norm < 0) {
        pw = gti_cfile_in_pointer(c, 1);
        pb = gti_cfile_in_pointer(c, 2);
    } else if (!fold_norm(c, &pw, &pb)) return false;
    gti_cfile_use(c, row->as);
    add_conv(c, &w, weight->dim[0], GTI_WHOLE(c, "groups", 0));
    gti_text_add(&c->body, "        %s(&s, %s, %s, %s, %s);\n    }\n", row->as,
                 gti_cfile_in_pointer(c, 0), pw, pb, gti_cfile_out_pointer(c, 0));
    return true;
}

static bool write_conv_transpose(gti_cfile *c, const gti_cfile_row *row)
{
    windows w = windows_of(c, "dilation");
    const gt_shape *weight = &gti_cfile_in(c, 1)->shape;
    w.k[0] = height(weight);
    w.k[1] = weight->dim[weight->ndim - 1];
    gti_cfile_use(c, row->as);
    add_conv(c, &w, w.y->dim[1], GTI_WHOLE(c, "groups", 0));
    gti_text_add(&c->body, "        %s(&s, %s, %s, %s, %s);\n    }\n", row->as,
                 gti_cfile_in_pointer(c, 0), gti_cfile_in_pointer(c, 1), gti_cfile_in_pointer(c, 2),
                 gti_cfile_out_pointer(c, 0));
    return true;
}

/* x [h,w] and k [kh,kw] as one image and one channel. */
static bool write_corr2d(gti_cfile *c, const gti_cfile_row *row)
{
    const gt_shape *x = &gti_cfile_in(c, 0)->shape, *k = &gti_cfile_in(c, 1)->shape,
                   *y = &gti_reading_result(&c->r, 0)->shape;
    const gt_shape image = GT_SHAPE(1, 1, x->dim[0], x->dim[1]),
                   out = GT_SHAPE(1, 1, y->dim[0], y->dim[1]);
    const windows w = {&image, &out, {k->dim[0], k->dim[1]}, {1, 1}, {0, 0}, {1, 1}};
    (void)row;
    gti_cfile_use(c, "conv2d");
    add_conv(c, &w, 1, 1);
    gti_text_add(&c->body, "        conv2d(&s, %s, %s, NULL, %s);\n    }\n",
                 gti_cfile_in_pointer(c, 0), gti_cfile_in_pointer(c, 1),
                 gti_cfile_out_pointer(c, 0));
    return true;
}

/* How many windows lie along an axis of an image. */
static int64_t count(const windows *w, int i, int64_t size)
{
    return (size + 2 * w->pad[i] - w->dilation[i] * (w->k[i] - 1) - 1) / w->stride[i] + 1;
}

/* Images are x of unfold and y of fold; the struct tells of them and of windows. */
static bool write_fold(gti_cfile *c, const gti_cfile_row *row)
{
    windows w = windows_of(c, "dilation");
    const gt_shape image = !strcmp(row->op, "fold") ? *w.y : *w.x;
    for (int i = 0; i < 2; i++) w.k[i] = GTI_WHOLE(c, "kernel", i);
    const gt_shape out = GT_SHAPE(image.dim[0], image.dim[1], count(&w, 0, image.dim[2]),
                                  count(&w, 1, image.dim[3]));
    w.x = &image;
    w.y = &out;
    gti_cfile_use(c, row->as);
    gti_cfile_use(c, "conv fill");
    gti_text_add(&c->body,
                 "    {\n        static const struct conv s = {\n"
                 "            .n = %lld, .c = %lld, .h = %lld, .w = %lld, .oh = %lld,"
                 " .ow = %lld,\n            .kh = %lld, .kw = %lld, .sh = %lld, .sw = %lld,"
                 " .ph = %lld, .pw = %lld, .dh = %lld, .dw = %lld};\n"
                 "        %s(&s, %s, %s);\n    }\n",
                 (long long)image.dim[0], (long long)image.dim[1], (long long)image.dim[2],
                 (long long)image.dim[3], (long long)out.dim[2], (long long)out.dim[3],
                 (long long)w.k[0], (long long)w.k[1], (long long)w.stride[0],
                 (long long)w.stride[1], (long long)w.pad[0], (long long)w.pad[1],
                 (long long)w.dilation[0], (long long)w.dilation[1], row->as,
                 gti_cfile_in_pointer(c, 0), gti_cfile_out_pointer(c, 0));
    return true;
}

/* --- pools --- */

static bool refuse_indices(const gti_cfile *c)
{
    if (c->r.n->n_out < 2 || !c->r.readers[c->r.n->out[1]]) return true;
    return gti_reading_fail(&c->r, GT_ERR_UNSUPPORTED, "gives indices, which C files do not have");
}

static bool write_pool(gti_cfile *c, const gti_cfile_row *row)
{
    const bool max = !strncmp(row->op, "max", 3);
    const windows w = windows_of(c, max ? "dilation" : NULL);
    const gt_shape *x = w.x, *y = w.y;
    if (!refuse_indices(c)) return false;
    gti_cfile_use(c, row->as);
    gti_cfile_use(c, max ? "pool" : "pool sum_window");
    gti_text_add(&c->body,
                 "    {\n        static const struct pool s = {\n"
                 "            .planes = %lld, .h = %lld, .w = %lld, .oh = %lld, .ow = %lld,\n"
                 "            .kh = %lld, .kw = %lld, .sh = %lld, .sw = %lld,"
                 " .ph = %lld, .pw = %lld, .dh = %lld, .dw = %lld",
                 planes_of(x), (long long)height(x), (long long)x->dim[x->ndim - 1],
                 (long long)height(y), (long long)y->dim[y->ndim - 1],
                 (long long)pair(c, "kernel", 0, 1), (long long)pair(c, "kernel", 1, 1),
                 (long long)w.stride[0], (long long)w.stride[1], (long long)w.pad[0],
                 (long long)w.pad[1], (long long)w.dilation[0], (long long)w.dilation[1]);
    if (!max)
        gti_text_add(&c->body, ",\n            .divisor = %lld, .counts_padding = %d",
                     (long long)(is_flat(c) ? 0 : GTI_WHOLE(c, "divisor_override", 0)),
                     !GTI_WHOLE(c, "exclude_pad", 0));
    gti_text_add(&c->body, "};\n        %s(&s, %s, %s);\n    }\n", row->as,
                 gti_cfile_in_pointer(c, 0), gti_cfile_out_pointer(c, 0));
    return true;
}

static void add_planes(gti_cfile *c, const char *name)
{
    const gt_shape *x = &gti_cfile_in(c, 0)->shape, *y = &gti_reading_result(&c->r, 0)->shape;
    gti_text_add(&c->body, "%s(%lld, %lld, %lld, %lld, %lld, ", name, planes_of(x),
                 (long long)x->dim[2], (long long)x->dim[3], (long long)y->dim[2],
                 (long long)y->dim[3]);
}

static bool write_adaptive(gti_cfile *c, const gti_cfile_row *row)
{
    if (!refuse_indices(c)) return false;
    gti_cfile_use(c, row->uses);
    gti_cfile_use(c, row->as);
    gti_text_add(&c->body, "    ");
    add_planes(c, row->as);
    gti_text_add(&c->body, "%s, %s);\n", gti_cfile_in_pointer(c, 0), gti_cfile_out_pointer(c, 0));
    return true;
}

/* --- resizing --- */

/* Where an element lies in the input, as ops/interpolate.c has it. */
static double place_of(const gti_cfile *c, int axis, int64_t i, double in, double out)
{
    const double scale = gti_reading_real(&c->r, "scale", axis);
    if (in == out) return (double)i;
    if (GTI_WHOLE(c, "align_corners", 0)) return out > 1 ? (double)i * ((in - 1) / (out - 1)) : 0;
    const double r = scale > 0 ? 1 / scale : in / out;
    const float nearest = scale > 0 ? (float)r : (float)in / (float)out;
    if (GTI_WHOLE(c, "mode", 0) == GT_NEAREST) return (double)floorf((float)i * nearest);
    return ((double)i + 0.5) * r - 0.5;
}

static const char *add_blends(gti_cfile *c, int axis)
{
    const int64_t in = gti_cfile_in(c, 0)->shape.dim[2 + axis],
                  out = gti_reading_result(&c->r, 0)->shape.dim[2 + axis];
    const char *name = gti_cfile_new_name(c, axis ? "columns" : "rows");
    char number[2][GTI_CFILE_NUMBER];
    gti_text_add(&c->body, "        static const struct blend %s[] = {\n", name);
    for (int64_t i = 0; i < out; i++) {
        double s = place_of(c, axis, i, (double)in, (double)out);
        s = s > 0 ? s : 0;
        const int64_t at = s < (double)in ? (int64_t)s : in - 1;
        const double t = s - (double)at < 1 ? s - (double)at : 1;
        gti_text_add(&c->body, "            {{%lld, %lld}, {%s, %s}},\n", (long long)at,
                     (long long)(at + 1 < in ? at + 1 : at),
                     gti_cfile_number((float)(1 - t), number[0]),
                     gti_cfile_number((float)t, number[1]));
    }
    gti_text_add(&c->body, "        };\n");
    return name;
}

static bool write_interpolate(gti_cfile *c, const gti_cfile_row *row)
{
    const char *name = GTI_WHOLE(c, "mode", 0) == GT_NEAREST ? "resize_nearest" : "resize_linear";
    (void)row;
    gti_cfile_use(c, "blend");
    gti_cfile_use(c, name);
    gti_text_add(&c->body, "    {\n");
    const char *rows = add_blends(c, 0), *columns = add_blends(c, 1);
    gti_text_add(&c->body, "        ");
    add_planes(c, name);
    gti_text_add(&c->body, "%s, %s, %s, %s);\n    }\n", rows, columns, gti_cfile_in_pointer(c, 0),
                 gti_cfile_out_pointer(c, 0));
    return true;
}

const gti_cfile_row gti_cfile_windows[] = {
    {"conv2d", .write = write_conv, .as = "conv2d"},
    {"conv1d", .write = write_conv, .as = "conv2d"},
    {"conv_transpose2d", .write = write_conv_transpose, .as = "conv_transpose2d"},
    {"conv_transpose1d", .write = write_conv_transpose, .as = "conv_transpose2d"},
    {"corr2d", .write = write_corr2d},
    {"unfold", .write = write_fold, .as = "unfold"},
    {"fold", .write = write_fold, .as = "fold"},
    {"max_pool2d", .write = write_pool, .as = "max_pool2d"},
    {"max_pool1d", .write = write_pool, .as = "max_pool2d"},
    {"avg_pool2d", .write = write_pool, .as = "avg_pool2d"},
    {"avg_pool1d", .write = write_pool, .as = "avg_pool2d"},
    {"adaptive_avg_pool2d", .write = write_adaptive, .as = "adaptive_avg_pool2d",
     .uses = "sum_window"},
    {"adaptive_max_pool2d", .write = write_adaptive, .as = "adaptive_max_pool2d"},
    {"interpolate", .write = write_interpolate},
    {0},
};
