/* Batch norm in evaluation, folded into the convolution before it: with s = weight / sqrt(variance
 * + eps) of the norm,
 *
 *   norm(conv(x, w, b)) = conv(x, s w, s (b - mean) + bias)
 *
 * where nobody else reads what is in between and the step changes none of the parameters. The
 * folded ones are made before the first replay and anew when one of the parameters has changed. */
#include <math.h>
#include <string.h>

#include "capture/capture.h"
#include "kernels/kernels.h"
#include <gradtape/ops.h>

enum { PARAMETERS = 6 }; /* w, b, and of the norm weight, bias, mean, variance */

struct gti_fold {
    const gt_node *norm;
    const gt_tensor *from[PARAMETERS]; /* b may be NULL */
    gti_tensor w, b;                   /* what they become */
    uint64_t version, fingerprint;     /* of those it was made from */
    bool made;
};

/* --- finding --- */

/* The only item besides item i that names t, which item i makes; -1 where there are others. */
static int64_t only_reader(const gti_taken *k, const gt_tensor *t, int64_t i)
{
    int64_t reader = -1, names = 0;
    for (int64_t j = i; j < k->n_items; j++) {
        const gt_node *n = k->item[j].node;
        const int count = n ? n->n_in : k->item[j].host->n;
        gt_tensor *const *in = n ? n->in : k->item[j].host->t;
        for (int a = 0; a < count; a++)
            if (in[a] && gti_t(in[a])->base == gti_t(t)->base) {
                reader = j;
                names++;
            }
    }
    return names == 1 ? reader : -1;
}

static bool is_changed(const gti_taken *k, const gt_tensor *t)
{
    for (int64_t i = 0; i < k->n_items; i++) {
        const gt_node *n = k->item[i].node;
        const int count = !n ? k->item[i].host->n : n->op->flags & GT_OP_INTO ? n->n_out : 0;
        gt_tensor *const *out = n ? n->out : k->item[i].host->t;
        for (int a = 0; a < count; a++)
            if (gti_t(out[a])->base == gti_t(t)->base) return true;
    }
    return false;
}

/* Whether the step finds it as it is before. */
static bool is_given(const gti_taken *k, const gt_tensor *t)
{
    const gti_life *l = gti_program_life(k, t);
    return !t || ((!l || l->constant) && !is_changed(k, t));
}

static gti_fold *new_fold(gti_taken *k, const gt_node *conv, const gt_node *norm)
{
    gti_fold *f = gti_capture_room(k, 1, sizeof *f);
    if (!f) return NULL;
    *f = (gti_fold){.norm = norm, .from = {conv->in[1], conv->n_in > 2 ? conv->in[2] : NULL}};
    for (int i = 2; i < PARAMETERS; i++) f->from[i] = norm->in[i - 1];
    return f;
}

static bool foldable(const gti_taken *k, int64_t i, int64_t reader)
{
    if (reader < 0 || !k->item[reader].node) return false;
    const gt_node *conv = k->item[i].node, *norm = k->item[reader].node;
    if (norm->op != &gt_op_batch_norm_eval || norm->in[0] != conv->out[0]) return false;
    if (gti_program_life(k, conv->out[0])->readable) return false;
    for (int a = 1; a < conv->n_in; a++)
        if (!is_given(k, conv->in[a])) return false;
    for (int a = 1; a < norm->n_in; a++)
        if (!is_given(k, norm->in[a])) return false;
    return true;
}

/* --- replacing --- */

/* A tensor that outlives replays, as parameters do. */
static bool make_tensor(gt_ctx *gt, gti_tensor *t, const gt_tensor *like, gt_shape shape)
{
    *t = (gti_tensor){.pub = {.ctx = gt, .shape = shape, .dtype = like->dtype},
                      .base = t,
                      .id = ++gt->clock,
                      .flags = GTI_KEPT | GTI_OWN};
    return gti_allocate(t, "gt_capture");
}

/* The convolution with the folded parameters, into the norm's result. */
static gt_node *make_node(gti_taken *k, const gt_node *conv, gti_fold *f)
{
    enum { TENSORS = 4 };
    gti_node *n = gti_capture_room(k, 1, sizeof *n + TENSORS * sizeof(gt_tensor *));
    void *plan = gti_capture_room(k, 1, conv->op->plan_size);
    if (!n || !plan) return NULL;
    *n = (gti_node){.pub = *conv, .scope = gt_node_scope(conv), .id = ((const gti_node *)conv)->id};
    gt_tensor **in = (gt_tensor **)(n + 1);
    n->pub.in = in;
    n->pub.out = in + 3;
    n->pub.n_in = 3;
    n->pub.plan = plan;
    n->pub.scratch_size = n->pub.worker_scratch = 0;
    for (int s = 0; s < GT_OP_STAGES; s++) n->pub.parts[s] = 0;
    in[0] = conv->in[0];
    in[1] = &f->w.pub;
    in[2] = &f->b.pub;
    in[3] = f->norm->out[0];
    return n->pub.op->infer(&n->pub) ? &n->pub : NULL;
}

static bool fold(gti_taken *k, gti_item *item, const gt_node *norm)
{
    gti_fold *f = new_fold(k, item->node, norm);
    if (!f) return false;
    k->fold[k->n_folds++] = f;
    if (!make_tensor(k->gt, &f->w, f->from[0], f->from[0]->shape) ||
        !make_tensor(k->gt, &f->b, f->from[2], f->from[2]->shape))
        return false;
    for (int i = 0; i < PARAMETERS; i++) {
        gti_life *l = gti_program_life(k, f->from[i]);
        if (l) l->readable = true; /* stays */
    }
    item->node = make_node(k, item->node, f);
    return item->node != NULL;
}

bool gti_fold_batch_norms(gti_taken *k)
{
    k->fold = gti_capture_room(k, k->n_items, sizeof *k->fold);
    if (!k->fold) return false;
    for (int64_t i = 0; i < k->n_items; i++) {
        const gt_node *conv = k->item[i].node;
        if (!conv || (conv->op != &gt_op_conv2d && conv->op != &gt_op_conv1d)) continue;
        const int64_t reader = only_reader(k, conv->out[0], i);
        if (!foldable(k, i, reader)) continue;
        if (!fold(k, &k->item[i], k->item[reader].node)) return false;
        k->n_items--;
        for (int64_t j = reader; j < k->n_items; j++) k->item[j] = k->item[j + 1];
    }
    return true;
}

void gti_fold_release(gti_taken *k)
{
    for (int64_t i = 0; i < k->n_folds; i++) {
        gti_tensor *const made[] = {&k->fold[i]->w, &k->fold[i]->b};
        for (int a = 0; a < 2; a++) {
            gti_label_clear(made[a]);
            if (made[a]->pub.data) gti_release(made[a]);
        }
    }
    k->n_folds = 0;
}

/* --- making --- */

static double eps_of(const gt_node *norm)
{
    const gt_attrs *a = &norm->op->attrs;
    int i = 0;
    while (i < a->n && strcmp(a->row[i].name, "eps") != 0) i++;
    return gt_attr_real(&a->row[i], norm->opts, 0);
}

static void make(gti_fold *f)
{
    const gt_tensor *w = f->from[0], *b = f->from[1];
    const double eps = eps_of(f->norm);
    const int64_t k = w->shape.dim[0], each = k ? w->size / k : 0;
    const size_t bytes = (size_t)each * gt_dtype_size(w->dtype);
    for (int64_t i = 0; i < k; i++) {
        const double scale =
            gt_load_element(f->from[2], i) / sqrt(gt_load_element(f->from[5], i) + eps);
        const double from_0 = (b ? gt_load_element(b, i) : 0) - gt_load_element(f->from[4], i);
        gt_store_element(&f->b.pub, i, scale); /* for the kernel, in its dtype */
        gti_kernels_of((int)w->dtype)
            ->binary[GTI_BINARY_mul](each, (const char *)w->data + (size_t)i * bytes, 1,
                                     (const char *)f->b.pub.data +
                                         (size_t)i * gt_dtype_size(w->dtype),
                                     0, (char *)f->w.pub.data + (size_t)i * bytes);
        gt_store_element(&f->b.pub, i, scale * from_0 + gt_load_element(f->from[3], i));
    }
    gti_touch(&f->w.pub);
    gti_derived_drop(gti_t(w)->base); /* what is packed for the convolution is of f->w now */
}

/* A program may write through gt_tensor.data and forget gt_touch. */
void gti_fold_update(const gti_taken *k)
{
    for (int64_t i = 0; i < k->n_folds; i++) {
        gti_fold *f = k->fold[i];
        uint64_t version = 0, fingerprint = 0;
        for (int a = 0; a < PARAMETERS; a++) {
            if (!f->from[a]) continue;
            const uint64_t changed = gti_t(f->from[a])->base->version;
            version = changed > version && gti_t(f->from[a])->base != k->slab ? changed : version;
            fingerprint = fingerprint * 31 + gti_derived_fingerprint(f->from[a]);
        }
        if (f->made && version == f->version && fingerprint == f->fingerprint) continue;
        make(f);
        f->made = true;
        f->version = version;
        f->fingerprint = fingerprint;
    }
}
