/* Products of matrices. */
#include "cfile/cfile.h"

/* A product's sides: vectors are matrices of one row, or column. */
typedef struct {
    int64_t m, n, k;
    bool ta, tb;
    gt_shape batch;
} product;

static product product_of(const gti_cfile *c)
{
    const gt_shape *a = &gti_cfile_in(c, 0)->shape, *b = &gti_cfile_in(c, 1)->shape;
    product p = {.m = 1, .n = 1};
    p.ta = a->ndim > 1 && GTI_WHOLE(c, "transpose_a", 0);
    p.tb = b->ndim > 1 && GTI_WHOLE(c, "transpose_b", 0);
    p.k = a->dim[p.ta ? a->ndim - 2 : a->ndim - 1];
    if (a->ndim > 1) p.m = a->dim[p.ta ? a->ndim - 1 : a->ndim - 2];
    if (b->ndim > 1) p.n = b->dim[p.tb ? b->ndim - 2 : b->ndim - 1];
    const gt_shape *y = &gti_reading_result(&c->r, 0)->shape;
    p.batch.ndim = y->ndim - (a->ndim > 1) - (b->ndim > 1);
    for (int d = 0; d < p.batch.ndim; d++) p.batch.dim[d] = y->dim[d];
    return p;
}

/* Adds "+ i * 6 + j * 2" for the batch axes of an input, or of the result, whose matrices have so
 * many elements. */
static void add_offset(gti_text *t, const product *p, const gt_shape *s, int own, int64_t size)
{
    int64_t stride[GT_MAX_DIMS] = {0};
    for (int d = s->ndim - own - 1, to = p->batch.ndim - 1; d >= 0; d--, to--) {
        stride[to] = s->dim[d] == 1 ? 0 : size;
        size *= s->dim[d];
    }
    for (int d = 0; d < p->batch.ndim; d++)
        if (stride[d]) gti_text_add(t, " + %c * %lld", gti_cfile_index[d], (long long)stride[d]);
}

/* A vector b is a column, which is the row of a transposed one. */
static bool write_matmul(gti_cfile *c, const gti_cfile_row *row)
{
    const product p = product_of(c);
    const gt_shape *a = &gti_cfile_in(c, 0)->shape, *b = &gti_cfile_in(c, 1)->shape,
                   *y = &gti_reading_result(&c->r, 0)->shape;
    const bool transposed = p.tb || b->ndim == 1;
    gti_text *t = &c->body;
    (void)row;
    gti_cfile_use(c, transposed ? "product_transposed" : "product");
    const char *pa = gti_cfile_in_pointer(c, 0), *pb = gti_cfile_in_pointer(c, 1),
               *py = gti_cfile_out_pointer(c, 0);
    for (int d = 0; d < p.batch.ndim; d++)
        gti_text_add(t, "%*sfor (int %c = 0; %c < %lld; %c++)\n", 4 + 4 * d, "", gti_cfile_index[d],
                     gti_cfile_index[d], (long long)p.batch.dim[d], gti_cfile_index[d]);
    gti_text_add(t, "%*s%s(%lld, %lld, %lld, %s", 4 + 4 * p.batch.ndim, "",
                 transposed ? "product_transposed" : "product", (long long)p.m, (long long)p.n,
                 (long long)p.k, pa);
    add_offset(t, &p, a, a->ndim > 1 ? 2 : 1, p.m * p.k);
    gti_text_add(t, ", %lld, %lld, %s", (long long)(p.ta ? 1 : p.k), (long long)(p.ta ? p.m : 1),
                 pb);
    add_offset(t, &p, b, b->ndim > 1 ? 2 : 1, p.n * p.k);
    gti_text_add(t, ", %s", py);
    add_offset(t, &p, y, (a->ndim > 1) + (b->ndim > 1), p.m * p.n);
    gti_text_add(t, ");\n");
    return true;
}

const gti_cfile_row gti_cfile_products[] = {
    {"matmul", .write = write_matmul},
    {0},
};

static const char loss[] = "is a loss, which is for training";
const gti_cfile_row gti_cfile_losses[] = {
    {"mse_loss", .reason = loss},
    {"l1_loss", .reason = loss},
    {"smooth_l1_loss", .reason = loss},
    {"huber_loss", .reason = loss},
    {"binary_cross_entropy", .reason = loss},
    {"binary_cross_entropy_with_logits", .reason = loss},
    {"kl_div", .reason = loss},
    {"cross_entropy_classes", .reason = loss},
    {0},
};
