/* Orthogonal matrices: Q of the QR decomposition of a matrix a [m,n], m >= n, of normal numbers,
 * with signs such that R's diagonal is positive. This Q is unique, so it is PyTorch's.
 *
 * Householder: step k reflects column k's part from row k on to a multiple of the unit vector, by
 * H = I - 2 v v' / (v' v); the v stay below the diagonal. Q is H_0 .. H_{n-1} applied to the first
 * n columns of the identity. */
#include <gradtape/init.h>
#include <math.h>
#include <stdlib.h>

#include "nn/fill.h"

typedef struct {
    int64_t m, n;
    double *a;      /* [n,m]: columns one after another; becomes the v */
    double *q;      /* [n,m] */
    bool *negative; /* [n]: whether R's diagonal element is */
} qr;

/* x[k..m) -= 2 v (v' x) / (v' v) */
static void reflect(int64_t k, int64_t m, const double *v, double *x)
{
    double vv = 0, vx = 0;
    for (int64_t i = k; i < m; i++) {
        vv += v[i] * v[i];
        vx += v[i] * x[i];
    }
    if (vv == 0) return;
    const double scale = 2 * vx / vv;
    for (int64_t i = k; i < m; i++) x[i] -= scale * v[i];
}

static void decompose(qr *d)
{
    for (int64_t k = 0; k < d->n; k++) {
        double *v = d->a + k * d->m, norm = 0;
        for (int64_t i = k; i < d->m; i++) norm = hypot(norm, v[i]);
        /* v becomes column - r e_k; of the two signs of r the one that adds. */
        d->negative[k] = v[k] > 0;
        v[k] += v[k] > 0 ? norm : -norm;
        for (int64_t j = k + 1; j < d->n; j++) reflect(k, d->m, v, d->a + j * d->m);
    }
}

static void build(qr *d)
{
    for (int64_t j = 0; j < d->n; j++) {
        double *column = d->q + j * d->m;
        for (int64_t i = 0; i < d->m; i++) column[i] = i == j ? 1 : 0;
        for (int64_t k = j; k >= 0; k--) reflect(k, d->m, d->a + k * d->m, column);
        for (int64_t i = 0; i < d->m && d->negative[j]; i++) column[i] = -column[i];
    }
}

/* t is [rows,columns]; m and n are the larger and the smaller of them. */
static bool open_qr(qr *d, const gt_tensor *t)
{
    const int64_t rows = t->shape.dim[0], columns = t->size / rows;
    d->m = rows > columns ? rows : columns;
    d->n = rows > columns ? columns : rows;
    d->a = calloc((size_t)t->size, sizeof *d->a);
    d->q = calloc((size_t)t->size, sizeof *d->q);
    d->negative = calloc((size_t)d->n, sizeof *d->negative);
    return d->a && d->q && d->negative;
}

static void close_qr(qr *d)
{
    free(d->a);
    free(d->q);
    free(d->negative);
}

/* Element i of t, row-major, in a and q: t's rows are their columns if there are fewer of them. */
static int64_t place(const qr *d, const gt_tensor *t, int64_t i)
{
    const int64_t rows = t->shape.dim[0], columns = t->size / rows;
    return rows < columns ? i : i % columns * d->m + i / columns;
}

static gt_status fill(gt_tensor *t, double gain, qr *d)
{
    gt_tensor *z = gti_init_draw_normal(t, 0, 1);
    for (int64_t i = 0; z && i < t->size; i++) d->a[place(d, t, i)] = gt_load_element(z, i);
    if (!z) return gt_error_code(t->ctx);
    decompose(d);
    build(d);
    for (int64_t i = 0; i < t->size; i++) gt_store_element(z, i, d->q[place(d, t, i)] * gain);
    return gti_init_take(t, z);
}

gt_status gt_init_orthogonal_(gt_tensor *t, gt_init_xavier_opts opts)
{
    static const char what[] = "gt_init_orthogonal";
    gt_status status = gti_init_ready(t, what);
    if (status != GT_OK) return status;
    if (t->shape.ndim < 2) {
        char shape[128];
        return gt_fail(t->ctx, GT_ERR_SHAPE, what, "needs at least 2 dimensions, not %s",
                       gt_shape_format(t->shape, shape, sizeof shape));
    }
    if (t->size == 0) return GT_OK;
    qr d;
    status = open_qr(&d, t) ? fill(t, gt_option(opts.gain, 1), &d)
                            : gt_fail(t->ctx, GT_ERR_MEMORY, what, "out of memory");
    close_qr(&d);
    return status;
}
