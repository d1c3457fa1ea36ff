/* Operations that move elements: loops of copies, each with its own strides. */
#include <string.h>

#include "cfile/cfile.h"

static void copy(gti_cfile *c, gt_shape shape, gti_access y, gti_access x)
{
    gti_cfile_loops(c, shape, y, 1, &x, "$0");
}

static const gt_shape *shape_of(const gti_cfile *c)
{
    return &gti_reading_result(&c->r, 0)->shape;
}

static gti_access access_out(gti_cfile *c)
{
    return gti_cfile_access(c, c->r.n->out[0], shape_of(c));
}

static gti_access access_in(gti_cfile *c, int i)
{
    return gti_cfile_access(c, c->r.n->in[i], &gti_cfile_in(c, i)->shape);
}

static bool write_broadcast(gti_cfile *c, const gti_cfile_row *row)
{
    (void)row;
    copy(c, *shape_of(c), access_out(c), gti_cfile_access(c, c->r.n->in[0], shape_of(c)));
    return true;
}

static bool write_permute(gti_cfile *c, const gti_cfile_row *row)
{
    gti_access from = access_in(c, 0), x = from;
    const int n = shape_of(c)->ndim;
    (void)row;
    for (int i = 0; i < n; i++) {
        const int64_t at = GTI_WHOLE(c, "order", i);
        x.stride[i] = from.stride[at < 0 ? at + n : at];
    }
    copy(c, *shape_of(c), access_out(c), x);
    return true;
}

static bool write_flip(gti_cfile *c, const gti_cfile_row *row)
{
    gti_access x = access_in(c, 0);
    int64_t axes[GT_MAX_DIMS];
    const unsigned none = !GTI_WHOLE(c, "axes", 0);
    const int n = none ? 0 : gti_reading_axes(&c->r, axes);
    (void)row;
    for (int i = 0; i < n; i++) {
        const int a = (int)axes[i];
        x.offset += x.stride[a] * (shape_of(c)->dim[a] - 1);
        x.stride[a] = -x.stride[a];
    }
    copy(c, *shape_of(c), access_out(c), x);
    return true;
}

/* Where Python's x[start:stop:step] begins. */
static int64_t first_of(int64_t start, int64_t step, int64_t size)
{
    const int64_t low = step > 0 ? 0 : -1, high = step > 0 ? size : size - 1;
    if (start < 0) start = start < -size ? low : start + size;
    return start < low ? low : start > high ? high : start;
}

static bool write_slice(gti_cfile *c, const gti_cfile_row *row)
{
    gti_access x = access_in(c, 0);
    const gt_shape *in = &gti_cfile_in(c, 0)->shape;
    const int a = gti_reading_axis(&c->r, in->ndim);
    const int64_t step = GTI_WHOLE(c, "step", 0), start = GTI_WHOLE(c, "start", 0);
    (void)row;
    x.offset = first_of(start, step, in->dim[a]) * x.stride[a];
    x.stride[a] *= shape_of(c)->dim[a] > 1 ? step : 1;
    copy(c, *shape_of(c), access_out(c), x);
    return true;
}

/* --- joining --- */

static bool write_concat(gti_cfile *c, const gti_cfile_row *row)
{
    gti_access y = access_out(c);
    const int a = gti_reading_axis(&c->r, shape_of(c)->ndim);
    (void)row;
    for (int i = 0; i < c->r.n->n_in; i++) {
        const gt_shape part = gti_cfile_in(c, i)->shape;
        copy(c, part, y, access_in(c, i));
        y.offset += y.stride[a] * part.dim[a];
    }
    return true;
}

static bool write_stack(gti_cfile *c, const gti_cfile_row *row)
{
    const int n = shape_of(c)->ndim, a = gti_reading_axis(&c->r, n);
    const gti_access all = access_out(c);
    gti_access y = all;
    (void)row;
    for (int d = a; d + 1 < n; d++) y.stride[d] = all.stride[d + 1];
    for (int i = 0; i < c->r.n->n_in; i++) {
        y.offset = i * all.stride[a];
        copy(c, gti_cfile_in(c, i)->shape, y, access_in(c, i));
    }
    return true;
}

/* --- padding --- */

static int64_t before_of(const gti_cfile *c, int axis)
{
    return GTI_WHOLE(c, "pad", 2 * (shape_of(c)->ndim - 1 - axis));
}

static int64_t behind_of(const gti_cfile *c, int axis)
{
    return GTI_WHOLE(c, "pad", 2 * (shape_of(c)->ndim - 1 - axis) + 1);
}

/* All of y is the constant, and then the part of x that is not cut off is put in. */
static bool pad_with_constant(gti_cfile *c)
{
    gti_access y = access_out(c), number = {.number = true};
    gt_shape inside = gti_cfile_in(c, 0)->shape;
    char text[GTI_CFILE_NUMBER];
    const double value = GTI_REAL(c, "value");
    number.pointer = y.dtype == GT_F32 ? gti_cfile_number((float)value, text)
                                       : gti_cfile_format(c, "%lld", (long long)value);
    copy(c, *shape_of(c), y, number);
    for (int d = 0; d < inside.ndim; d++) {
        const int64_t before = before_of(c, d), behind = behind_of(c, d);
        inside.dim[d] += (before < 0 ? before : 0) + (behind < 0 ? behind : 0);
        if (inside.dim[d] <= 0) return true;
    }
    gti_access x = access_in(c, 0);
    for (int d = 0; d < inside.ndim; d++) {
        const int64_t before = before_of(c, d);
        if (before > 0) y.offset += before * y.stride[d];
        else x.offset -= before * x.stride[d];
    }
    copy(c, inside, y, x);
    return true;
}

/* The element of x's axis, of n, that is at j in y's. */
static int64_t source(int mode, int64_t n, int64_t before, int64_t kept, int64_t j)
{
    const int64_t i = j - before;
    if (i >= 0 && i < n) return i;
    if (mode == GT_PAD_REFLECT) return i < 0 ? -i : 2 * (n - 1) - i;
    if (mode == GT_PAD_REPLICATE) return i < 0 ? 0 : n - 1;
    return i < 0 ? i + kept : i - kept;
}

/* Where the elements of an axis come from, as a table in the file's text. */
static const char *table_of(gti_cfile *c, int axis, int mode)
{
    const int64_t n = gti_cfile_in(c, 0)->shape.dim[axis], before = before_of(c, axis),
                  behind = behind_of(c, axis),
                  kept = n + (before < 0 ? before : 0) + (behind < 0 ? behind : 0);
    const char *name = gti_cfile_new_name(c, "from");
    gti_text_add(&c->body, "    static const int %s[] = {", name);
    for (int64_t j = 0; j < shape_of(c)->dim[axis]; j++)
        gti_text_add(&c->body, "%s%lld", j ? ", " : "",
                     (long long)source(mode, n, before, kept, j));
    gti_text_add(&c->body, "};\n");
    return name;
}

static bool write_pad(gti_cfile *c, const gti_cfile_row *row)
{
    const int mode = (int)GTI_WHOLE(c, "mode", 0);
    (void)row;
    if (mode == GT_PAD_CONSTANT) return pad_with_constant(c);
    gti_access x = access_in(c, 0);
    for (int d = 0; d < shape_of(c)->ndim; d++) {
        if (x.number || (!before_of(c, d) && !behind_of(c, d))) continue;
        x.table[d] = table_of(c, d, mode);
        if (!x.stride[d]) x.stride[d] = 1; /* of size 1: all indices are 0 */
    }
    copy(c, *shape_of(c), access_out(c), x);
    return true;
}

/* --- by index --- */

/* y[..,index,..] along an axis: x is [outer,n,inner]. */
static bool take(gti_cfile *c, int axis)
{
    const gt_shape *x = &gti_cfile_in(c, 0)->shape;
    int64_t outer = 1, inner = 1;
    if (gti_cfile_in(c, 0)->dtype != GT_F32)
        return gti_reading_fail(&c->r, GT_ERR_UNSUPPORTED, "takes elements that are not f32");
    for (int d = 0; d < axis; d++) outer *= x->dim[d];
    for (int d = axis + 1; d < x->ndim; d++) inner *= x->dim[d];
    gti_cfile_use(c, "take");
    gti_text_add(&c->body, "    take(%lld, %lld, %lld, %lld, %s, %s, %s);\n", (long long)outer,
                 (long long)(x->ndim ? x->dim[axis] : 1), (long long)inner,
                 (long long)gt_shape_size(gti_cfile_in(c, 1)->shape), gti_cfile_in_pointer(c, 0),
                 gti_cfile_in_pointer(c, 1), gti_cfile_out_pointer(c, 0));
    return true;
}

static bool write_index_select(gti_cfile *c, const gti_cfile_row *row)
{
    (void)row;
    return take(c, gti_reading_axis(&c->r, gti_cfile_in(c, 0)->shape.ndim));
}

/* Rows of the padding are 0, where they are to be. */
static bool write_embedding(gti_cfile *c, const gti_cfile_row *row)
{
    const gt_shape shape = *shape_of(c);
    (void)row;
    if (!take(c, 0)) return false;
    if (!gti_reading_hidden(&c->r, GT_ATTR_SWITCH, 0)) return true;
    gti_access in[] = {access_out(c), access_in(c, 1)};
    gti_cfile_loops(
        c, shape, in[0], 2, in,
        gti_cfile_format(c, "$1 == %lld ? 0 : $0", (long long)GTI_WHOLE(c, "padding_idx", 0)));
    return true;
}

/* y[i,j,..] = x[i,..,index[i,j,..],..] */
static bool write_gather(gti_cfile *c, const gti_cfile_row *row)
{
    const gt_shape shape = *shape_of(c), *from_shape = &gti_cfile_in(c, 0)->shape;
    const int a = gti_reading_axis(&c->r, from_shape->ndim);
    gti_access x = access_in(c, 0), in[] = {access_in(c, 1)};
    const int64_t step = x.stride[a], n = from_shape->ndim ? from_shape->dim[a] : 1;
    (void)row;
    if (x.dtype != GT_F32)
        return gti_reading_fail(&c->r, GT_ERR_UNSUPPORTED, "takes elements that are not f32");
    const char *from = gti_cfile_new_name(c, "x"), *at = "";
    for (int d = 0; d < shape.ndim; d++)
        if (d != a && x.stride[d])
            at = gti_cfile_format(c, "%s$%c * %lld + ", at, gti_cfile_index[d],
                                  (long long)x.stride[d]);
    gti_text_add(&c->body, "    const float *%s = %s;\n", from,
                 x.number ? gti_cfile_in_pointer(c, 0) : x.pointer);
    gti_cfile_loops(c, shape, access_out(c), 1, in,
                    gti_cfile_format(c, "$0 >= 0 && $0 < %lld ? %s[%s(int)$0 * %lld] : NAN",
                                     (long long)n, from, at, (long long)step));
    return true;
}

static bool write_one_hot(gti_cfile *c, const gti_cfile_row *row)
{
    const gt_shape shape = *shape_of(c);
    gti_access index = access_in(c, 0);
    (void)row;
    gti_cfile_loops(c, shape, access_out(c), 1, &index,
                    gti_cfile_format(c, "$0 == $%c", gti_cfile_index[shape.ndim - 1]));
    return true;
}

static bool write_triangle(gti_cfile *c, const gti_cfile_row *row)
{
    const gt_shape shape = *shape_of(c);
    gti_access x = access_in(c, 0);
    const int n = shape.ndim;
    const int64_t most = shape.dim[n - 1] + shape.dim[n - 2];
    int64_t k = GTI_WHOLE(c, "diagonal", 0);
    k = k > most ? most : k < -most ? -most : k; /* all that lie beyond are alike */
    gti_cfile_loops(c, shape, access_out(c), 1, &x,
                    gti_cfile_format(c, "$%c - $%c %s %lld ? $0 : 0", gti_cfile_index[n - 1],
                                     gti_cfile_index[n - 2], row->as, (long long)k));
    return true;
}

const gti_cfile_row gti_cfile_moves[] = {
    {"broadcast_to", .write = write_broadcast},
    {"permute", .write = write_permute},
    {"flip", .write = write_flip},
    {"slice", .write = write_slice},
    {"concat", .write = write_concat},
    {"stack", .write = write_stack},
    {"pad", .write = write_pad},
    {"index_select", .write = write_index_select},
    {"embedding", .write = write_embedding},
    {"gather", .write = write_gather},
    {"one_hot", .write = write_one_hot},
    {"tril", .write = write_triangle, .as = "<="},
    {"triu", .write = write_triangle, .as = ">="},
    {"scatter", .reason = "puts elements at an index, which is not written yet"},
    {"sort", .reason = "puts elements in order, which is not written yet"},
    {"topk", .reason = "puts elements in order, which is not written yet"},
    {"pick", .reason = "serves losses, which are for training"},
    {"place", .reason = "belongs to backward passes"},
    {0},
};
