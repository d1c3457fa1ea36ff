/* Operations along axes: functions on rows of [outer,n,inner]. */
#include <string.h>

#include "cfile/cfile.h"

typedef struct {
    int64_t outer, n, inner;
    const char *x;
} rows;

/* Along one axis; a number has the axes 0 and -1. */
static rows along(gti_cfile *c)
{
    const gt_shape *x = &gti_cfile_in(c, 0)->shape;
    rows r = {1, 1, 1, gti_cfile_in_pointer(c, 0)};
    if (!x->ndim) return r;
    const int axis = gti_reading_axis(&c->r, x->ndim);
    for (int d = 0; d < x->ndim; d++)
        *(d < axis ? &r.outer : d == axis ? &r.n : &r.inner) *= x->dim[d];
    return r;
}

/* x with the axes of the set last, in scratch memory. */
static rows gathered(gti_cfile *c, const bool *in)
{
    const gt_shape x = gti_cfile_in(c, 0)->shape;
    gti_access from = gti_cfile_access(c, c->r.n->in[0], &x), to = {.dtype = GT_F32};
    rows r = {1, 1, 1, gti_cfile_scratch_pointer(c)};
    int64_t step = 1;
    for (int last = 1; last >= 0; last--)
        for (int d = x.ndim - 1; d >= 0; d--) {
            if (in[d] != (last == 1)) continue;
            to.stride[d] = step;
            step *= x.dim[d];
            *(last ? &r.n : &r.outer) *= x.dim[d];
        }
    to.pointer = r.x;
    gti_cfile_loops(c, x, to, 1, &from, "$0");
    return r;
}

/* Along a set of axes: where they lie side by side, x is as it should be. */
static rows along_set(gti_cfile *c)
{
    const gt_shape *x = &gti_cfile_in(c, 0)->shape;
    int64_t axes[GT_MAX_DIMS];
    bool in[GT_MAX_DIMS] = {false};
    const int n = gti_reading_axes(&c->r, axes);
    for (int i = 0; i < n; i++) in[axes[i]] = true;
    if (c->node[c->at].scratch.bytes) return gathered(c, in);
    rows r = {1, 1, 1, gti_cfile_in_pointer(c, 0)};
    bool begun = false;
    for (int d = 0; d < x->ndim; d++) {
        if (x->dim[d] == 1) continue;
        begun |= in[d];
        *(in[d] ? &r.n : begun ? &r.inner : &r.outer) *= x->dim[d];
    }
    return r;
}

static void call(gti_cfile *c, const char *name, const rows *r, const char *more, const char *y)
{
    gti_text_add(&c->body, "    %s(%lld, %lld, %lld, %s%s, %s);\n", name, (long long)r->outer,
                 (long long)r->n, (long long)r->inner, more, r->x, y);
}

static bool write_reduction(gti_cfile *c, const gti_cfile_row *row)
{
    const rows r = along_set(c);
    gti_cfile_use(c, row->uses);
    gti_cfile_use(c, row->as);
    call(c, row->as, &r, "", gti_cfile_out_pointer(c, 0));
    return true;
}

static bool write_norm(gti_cfile *c, const gti_cfile_row *row)
{
    const rows r = along_set(c);
    const char *name = GTI_REAL(c, "p") == 1 ? "norm1" : "norm2";
    (void)row;
    gti_cfile_use(c, name);
    call(c, name, &r, "", gti_cfile_out_pointer(c, 0));
    return true;
}

static bool write_var(gti_cfile *c, const gti_cfile_row *row)
{
    const rows r = along_set(c);
    const int64_t divisor = r.n - GTI_WHOLE(c, "correction", 0);
    const gt_shape shape = gti_reading_result(&c->r, 0)->shape;
    gti_cfile_use(c, "variance var");
    call(c, "var", &r, gti_cfile_format(c, "%lld, ", (long long)(divisor > 0 ? divisor : 0)),
         gti_cfile_out_pointer(c, 0));
    gti_access y = gti_cfile_access(c, c->r.n->out[0], &shape);
    if (row->as) gti_cfile_loops(c, shape, y, 1, &y, row->as);
    return true;
}

static bool write_along(gti_cfile *c, const gti_cfile_row *row)
{
    const rows r = along(c);
    gti_cfile_use(c, row->uses);
    gti_cfile_use(c, row->as);
    call(c, row->as, &r, "", gti_cfile_out_pointer(c, 0));
    return true;
}

/* The greatest, or smallest, and where it is if anybody asks. */
static bool write_extreme(gti_cfile *c, const gti_cfile_row *row)
{
    const rows r = along(c);
    const bool max = !strcmp(row->op, "max");
    const int *readers = c->r.readers, *out = c->r.n->out;
    gti_cfile_use(c, row->uses);
    gti_cfile_use(c, max ? "amax" : "amin");
    call(c, max ? "amax" : "amin", &r, "", gti_cfile_out_pointer(c, 0));
    if (c->r.n->n_out < 2 || !readers[out[1]]) return true;
    gti_cfile_use(c, max ? "argmax" : "argmin");
    call(c, max ? "argmax" : "argmin", &r, "", gti_cfile_out_pointer(c, 1));
    return true;
}

static bool write_cumsum(gti_cfile *c, const gti_cfile_row *row)
{
    const rows r = along(c);
    (void)row;
    gti_cfile_use(c, "cumsum");
    call(c, "cumsum", &r, GTI_WHOLE(c, "reverse", 0) ? "1, " : "0, ", gti_cfile_out_pointer(c, 0));
    return true;
}

/* --- normalisations --- */

/* y = y weight + bias, where there are any, read under these strides. */
static void scale(gti_cfile *c, const int64_t *stride)
{
    static const char *const expressions[] = {NULL, "$0 * $1", "$0 * $1 + $2"};
    const gt_shape shape = gti_reading_result(&c->r, 0)->shape;
    const int n = c->r.n->n_in - 1;
    gti_access y = gti_cfile_access(c, c->r.n->out[0], &shape), in[3] = {y};
    for (int i = 1; i <= n && i < 3; i++) {
        in[i] = gti_cfile_access(c, c->r.n->in[i], &gti_cfile_in(c, i)->shape);
        memcpy(in[i].stride, stride, sizeof in[i].stride);
    }
    if (n > 0) gti_cfile_loops(c, shape, y, n + 1, in, expressions[n]);
}

static bool refuse_statistics(const gti_cfile *c)
{
    for (int i = 1; i < c->r.n->n_out; i++)
        if (c->r.readers[c->r.n->out[i]])
            return gti_reading_fail(&c->r, GT_ERR_UNSUPPORTED,
                                    "gives statistics, which are for training");
    return true;
}

/* The last n_dims dimensions, or groups of channels, are rows of n. */
static bool standardize(gti_cfile *c, const gti_cfile_row *row, int64_t n, const int64_t *stride)
{
    char eps[40];
    const int64_t all = gt_shape_size(gti_cfile_in(c, 0)->shape);
    if (!refuse_statistics(c)) return false;
    gti_cfile_use(c, row->uses);
    gt_snprintf(eps, sizeof eps, "%.17g", GTI_REAL(c, "eps"));
    gti_text_add(&c->body, "    %s(%lld, %lld, %s, %s, %s);\n", row->as, (long long)(all / n),
                 (long long)n, eps, gti_cfile_in_pointer(c, 0), gti_cfile_out_pointer(c, 0));
    scale(c, stride);
    return true;
}

static bool write_layer_norm(gti_cfile *c, const gti_cfile_row *row)
{
    const gt_shape *x = &gti_cfile_in(c, 0)->shape;
    int64_t n = 1, stride[GT_MAX_DIMS] = {0};
    for (int d = x->ndim - 1; d >= x->ndim - GTI_WHOLE(c, "n_dims", 0); d--) {
        stride[d] = n;
        n *= x->dim[d];
    }
    return standardize(c, row, n, stride);
}

static bool write_group_norm(gti_cfile *c, const gti_cfile_row *row)
{
    const gt_shape *x = &gti_cfile_in(c, 0)->shape;
    const int64_t stride[GT_MAX_DIMS] = {0, 1};
    return standardize(c, row, gt_shape_size(*x) / (x->dim[0] * GTI_WHOLE(c, "groups", 0)), stride);
}

static bool write_channel_sum(gti_cfile *c, const gti_cfile_row *row)
{
    const gt_shape *x = &gti_cfile_in(c, 0)->shape;
    int64_t inner = 1, before = GTI_WHOLE(c, "before", 0), after = GTI_WHOLE(c, "after", 0);
    (void)row;
    for (int d = 2; d < x->ndim; d++) inner *= x->dim[d];
    if (before > x->dim[1]) before = x->dim[1];
    if (after > x->dim[1]) after = x->dim[1];
    gti_cfile_use(c, "channel_sum");
    gti_text_add(&c->body, "    channel_sum(%lld, %lld, %lld, %lld, %lld, %s, %s);\n",
                 (long long)x->dim[0], (long long)x->dim[1], (long long)inner, (long long)before,
                 (long long)after, gti_cfile_in_pointer(c, 0), gti_cfile_out_pointer(c, 0));
    return true;
}

#define OF_BATCH                                                                                   \
    "normalises by the batch's own statistics, which is for training: export in evaluation mode"

const gti_cfile_row gti_cfile_rows[] = {
    {"sum", .write = write_reduction, .as = "sum"},
    {"mean", .write = write_reduction, .as = "mean"},
    {"prod", .write = write_reduction, .as = "prod"},
    {"amax", .write = write_reduction, .as = "amax", .uses = "place_of_max"},
    {"amin", .write = write_reduction, .as = "amin", .uses = "place_of_min"},
    {"logsumexp", .write = write_reduction, .as = "logsumexp", .uses = "exponentials"},
    {"norm", .write = write_norm},
    {"var", .write = write_var},
    {"std", .write = write_var, .as = "sqrtf($0)"},
    {"max", .write = write_extreme, .uses = "place_of_max"},
    {"min", .write = write_extreme, .uses = "place_of_min"},
    {"argmax", .write = write_along, .as = "argmax", .uses = "place_of_max"},
    {"argmin", .write = write_along, .as = "argmin", .uses = "place_of_min"},
    {"cumsum", .write = write_cumsum},
    {"softmax", .write = write_along, .as = "softmax", .uses = "exponentials"},
    {"log_softmax", .write = write_along, .as = "log_softmax", .uses = "exponentials"},
    {"layer_norm", .write = write_layer_norm, .as = "standardize", .uses = "variance standardize"},
    {"group_norm", .write = write_group_norm, .as = "standardize", .uses = "variance standardize"},
    {"rms_norm", .write = write_layer_norm, .as = "rms_norm", .uses = "rms_norm"},
    {"channel_sum", .write = write_channel_sum},
    {"batch_norm", .reason = OF_BATCH},
    {"batch_norm_act", .reason = OF_BATCH},
    {"batch_norm_eval_act", .reason = "is made where nothing is recorded: export from a module"},
    {0},
};
