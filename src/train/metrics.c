/* Metrics of classes: accuracy and confusion. */
#include <math.h>
#include <string.h>

#include "train/train.h"

enum { IGNORED = -100 }; /* gt_cross_entropy's default */

/* Logits x [n,c,inner] and labels y [n,inner], or parts of classes y like x, whose largest counts.
 */
typedef struct {
    const gt_tensor *x, *y;
    int64_t n, c, inner;
} votes;

static bool is_readable(const gt_tensor *t, const char *subject, const char *what)
{
    if (!t) gt_fail(NULL, GT_ERR_ARGUMENT, what, "the tensor is NULL");
    if (!t || gt_failed(t->ctx)) return false;
    const char *why = gt_unusable(t);
    if (why) gt_fail(t->ctx, GT_ERR_STATE, what, "%s %s", subject, why);
    return !why;
}

/* Whether y's shape is x's without axis 1. */
static bool shapes_fit(const gt_shape *x, const gt_shape *y)
{
    if (x->ndim < 2 || y->ndim != x->ndim - 1 || x->dim[0] != y->dim[0]) return false;
    for (int i = 2; i < x->ndim; i++)
        if (x->dim[i] != y->dim[i - 1]) return false;
    return true;
}

/* Whether y [n,c,inner] has parts of classes: they add up to 1. Of one class all is predicted
 * rightly, so one number each is a regression, too. */
static bool check_parts(const gt_tensor *x, const gt_tensor *y, const char *what)
{
    const int64_t c = y->shape.dim[1], inner = y->size / (y->shape.dim[0] * c);
    for (int64_t i = 0; i < y->size / c; i++) {
        double sum = 0, least = 0;
        for (int64_t k = 0; k < c; k++) {
            const double part = gt_load_element(y, (i / inner * c + k) * inner + i % inner);
            sum += part;
            least = fmin(least, part);
        }
        if (c > 1 && least >= 0 && fabs(sum - 1) < 1e-3) continue;
        gt_fail(x->ctx, GT_ERR_ARGUMENT, what,
                "targets are numbers, not labels: those of row %lld add up to %g in %lld columns; "
                "parts of classes add up to 1\n"
                "  hint: a regression has GT_MAE and GT_R2, labels are i64",
                (long long)i, sum, (long long)c);
        return false;
    }
    return true;
}

static bool check_kinds(const gt_tensor *x, const gt_tensor *y, const char *what)
{
    char a[128], b[128];
    if (!gt_is_floating(x->dtype))
        return !gt_fail(x->ctx, GT_ERR_DTYPE, what, "logits are %s, must be f32 or f64",
                        gt_dtype_name(x->dtype));
    if (gt_is_floating(y->dtype) && gt_same_shape(x, y) && x->shape.ndim >= 2 &&
        x->shape.dim[1] > 0)
        return y->size == 0 || check_parts(x, y, what);
    if (y->dtype != GT_I64)
        return !gt_fail(x->ctx, GT_ERR_DTYPE, what,
                        "labels are %s, must be i64, or parts of classes of the shape of logits",
                        gt_dtype_name(y->dtype));
    if (shapes_fit(&x->shape, &y->shape) && x->shape.dim[1] > 0) return true;
    gt_fail(x->ctx, GT_ERR_SHAPE, what,
            "logits %s and labels %s do not fit; expected [n,c,...] and [n,...]",
            gt_shape_format(x->shape, a, sizeof a), gt_shape_format(y->shape, b, sizeof b));
    return false;
}

/* The number of class k for label i, in logits or parts. */
static double vote(const votes *v, const gt_tensor *x, int64_t i, int64_t k)
{
    return gt_load_element(x, (i / v->inner * v->c + k) * v->inner + i % v->inner);
}

static bool beats(double a, double b)
{
    return a > b || (isnan(a) && !isnan(b));
}

static int64_t largest(const votes *v, const gt_tensor *x, int64_t i)
{
    int64_t best = 0;
    for (int64_t k = 1; k < v->c; k++)
        if (beats(vote(v, x, i, k), vote(v, x, i, best))) best = k;
    return best;
}

static int64_t predicted(const votes *v, int64_t i)
{
    return largest(v, v->x, i);
}

static int64_t label_of(const votes *v, int64_t i)
{
    return v->y->dtype == GT_I64 ? ((const int64_t *)v->y->data)[i] : largest(v, v->y, i);
}

static bool check_labels(const votes *v, const char *what)
{
    for (int64_t i = 0; i < v->n * v->inner; i++) {
        const int64_t label = label_of(v, i);
        if ((label >= 0 && label < v->c) || label == IGNORED) continue;
        gt_fail(v->x->ctx, GT_ERR_ARGUMENT, what, "label %lld is %lld, but there are %lld classes",
                (long long)i, (long long)label, (long long)v->c);
        return false;
    }
    return true;
}

static bool open_votes(votes *v, const gt_tensor *x, const gt_tensor *y, const char *what)
{
    if (!is_readable(x, "the tensor of logits", what)) return false;
    if (!y) gt_fail(x->ctx, GT_ERR_ARGUMENT, what, "the labels are NULL");
    if (!y || !is_readable(y, "the tensor of labels", what) || !check_kinds(x, y, what))
        return false;
    *v = (votes){.x = x, .y = y, .n = x->shape.dim[0], .c = x->shape.dim[1]};
    v->inner = 1;
    for (int i = 2; i < x->shape.ndim; i++) v->inner *= x->shape.dim[i];
    return check_labels(v, what);
}

/* How many classes are predicted before class k. */
static int64_t rank(const votes *v, int64_t i, int64_t k)
{
    const double own = vote(v, v->x, i, k);
    int64_t before = 0;
    for (int64_t j = 0; j < v->c; j++) {
        const double other = vote(v, v->x, i, j);
        before += beats(other, own) || (j < k && !beats(own, other));
    }
    return before;
}

static double top_k(const gt_tensor *logits, const gt_tensor *labels, int64_t k, const char *what)
{
    votes v;
    if (!open_votes(&v, logits, labels, what)) return NAN;
    if (k < 1)
        gt_fail(logits->ctx, GT_ERR_ARGUMENT, what, "k is %lld, must be positive", (long long)k);
    if (k < 1) return NAN;
    int64_t hits = 0, all = 0;
    for (int64_t i = 0; i < v.n * v.inner; i++) {
        const int64_t label = label_of(&v, i);
        if (label == IGNORED) continue;
        all++;
        hits += rank(&v, i, label) < k;
    }
    return all ? (double)hits / (double)all : NAN;
}

double gt_count_labels(const gt_tensor *labels)
{
    static const char what[] = "gt_count_labels";
    if (!is_readable(labels, "the tensor of labels", what)) return NAN;
    if (gt_is_floating(labels->dtype) && labels->shape.ndim >= 2 && labels->shape.dim[1] > 0) {
        const int64_t rows = labels->size / labels->shape.dim[1];
        return (double)rows;
    }
    if (labels->dtype != GT_I64) {
        gt_fail(labels->ctx, GT_ERR_DTYPE, what, "labels are %s, must be i64",
                gt_dtype_name(labels->dtype));
        return NAN;
    }
    int64_t n = 0;
    for (int64_t i = 0; i < labels->size; i++) n += ((const int64_t *)labels->data)[i] != IGNORED;
    return (double)n;
}

double gt_accuracy(const gt_tensor *logits, const gt_tensor *labels)
{
    return top_k(logits, labels, 1, "gt_accuracy");
}

double gt_top_k_accuracy(const gt_tensor *logits, const gt_tensor *labels, int64_t k)
{
    return top_k(logits, labels, k, "gt_top_k_accuracy");
}

/* --- areas --- */

/* Of one class. */
typedef struct {
    int64_t hits, predictions, labels;
} areas;

static bool find_areas(const gt_tensor *logits, const gt_tensor *labels, int64_t k, areas *a,
                       const char *what)
{
    votes v;
    *a = (areas){0};
    if (!open_votes(&v, logits, labels, what)) return false;
    if (k < 0 || k >= v.c) {
        gt_fail(logits->ctx, GT_ERR_ARGUMENT, what, "there is no class %lld of %lld", (long long)k,
                (long long)v.c);
        return false;
    }
    for (int64_t i = 0; i < v.n * v.inner; i++) {
        const int64_t label = label_of(&v, i);
        if (label == IGNORED) continue;
        const bool chosen = predicted(&v, i) == k, is = label == k;
        a->hits += chosen && is;
        a->predictions += chosen;
        a->labels += is;
    }
    return true;
}

/* a / b, and b where that is asked for. */
static double part_of(int64_t a, int64_t b, double *weight)
{
    if (weight) *weight = (double)b;
    return b ? (double)a / (double)b : NAN;
}

double gti_metrics_iou(const gt_tensor *logits, const gt_tensor *labels, int64_t k, double *weight,
                       const char *what)
{
    areas a;
    if (!find_areas(logits, labels, k, &a, what)) return NAN;
    return part_of(a.hits, a.predictions + a.labels - a.hits, weight);
}

double gti_metrics_dice(const gt_tensor *logits, const gt_tensor *labels, int64_t k, double *weight,
                        const char *what)
{
    areas a;
    if (!find_areas(logits, labels, k, &a, what)) return NAN;
    return part_of(2 * a.hits, a.predictions + a.labels, weight);
}

double gt_iou(const gt_tensor *logits, const gt_tensor *labels, int64_t class_index)
{
    return gti_metrics_iou(logits, labels, class_index, NULL, "gt_iou");
}

double gt_dice(const gt_tensor *logits, const gt_tensor *labels, int64_t class_index)
{
    return gti_metrics_dice(logits, labels, class_index, NULL, "gt_dice");
}

/* --- confusion --- */

static void count(const votes *v, gt_tensor *matrix)
{
    int64_t *to = matrix->data;
    for (int64_t i = 0; i < v->n * v->inner; i++)
        if (label_of(v, i) != IGNORED) to[label_of(v, i) * v->c + predicted(v, i)]++;
    gt_touch(matrix);
}

gt_tensor *gt_confusion(const gt_tensor *logits, const gt_tensor *labels)
{
    votes v;
    if (!open_votes(&v, logits, labels, "gt_confusion")) return NULL;
    gt_tensor *matrix =
        gt_full_(logits->ctx, GT_SHAPE(v.c, v.c), 0, (gt_new_opts){.dtype = GT_I64});
    if (matrix) count(&v, matrix);
    return matrix;
}

/* Whether m can be a confusion matrix. */
static bool is_confusion(const gt_tensor *m, const char *what)
{
    if (!is_readable(m, "the matrix", what)) return false;
    const int64_t *dim = m->shape.dim;
    if (m->dtype == GT_I64 && m->shape.ndim == 2 && dim[0] == dim[1] && dim[0]) return true;
    char shape[128];
    gt_fail(m->ctx, GT_ERR_SHAPE, what, "the matrix is %s %s, but must be i64 [c,c]",
            gt_dtype_name(m->dtype), gt_shape_format(m->shape, shape, sizeof shape));
    return false;
}

gt_status gt_confusion_add(gt_tensor *matrix, const gt_tensor *logits, const gt_tensor *labels)
{
    static const char what[] = "gt_confusion_add";
    votes v;
    if (!is_confusion(matrix, what)) return matrix ? gt_error_code(matrix->ctx) : GT_ERR_ARGUMENT;
    if (!open_votes(&v, logits, labels, what))
        return logits ? gt_error_code(logits->ctx) : GT_ERR_ARGUMENT;
    if (v.c != matrix->shape.dim[0])
        return gt_fail(matrix->ctx, GT_ERR_SHAPE, what,
                       "the matrix has %lld classes, the logits have %lld",
                       (long long)matrix->shape.dim[0], (long long)v.c);
    count(&v, matrix);
    return GT_OK;
}

/* --- scores --- */

static double ratio(int64_t a, int64_t b)
{
    return b ? (double)a / (double)b : 0;
}

static gt_scores scores_of(int64_t hits, int64_t predictions, int64_t labels)
{
    return (gt_scores){.precision = ratio(hits, predictions),
                       .recall = ratio(hits, labels),
                       .f1 = ratio(2 * hits, predictions + labels),
                       .iou = ratio(hits, predictions + labels - hits),
                       .support = labels};
}

static gt_scores class_scores(const gt_tensor *m, int64_t k)
{
    const int64_t c = m->shape.dim[0], *at = m->data;
    int64_t predictions = 0, labels = 0;
    for (int64_t i = 0; i < c; i++) {
        predictions += at[i * c + k];
        labels += at[k * c + i];
    }
    return scores_of(at[k * c + k], predictions, labels);
}

static const gt_scores no_scores = {NAN, NAN, NAN, 0, NAN};

gt_scores gt_class_scores(const gt_tensor *confusion, int64_t class_index)
{
    static const char what[] = "gt_class_scores";
    if (!is_confusion(confusion, what)) return no_scores;
    if (class_index >= 0 && class_index < confusion->shape.dim[0])
        return class_scores(confusion, class_index);
    gt_fail(confusion->ctx, GT_ERR_ARGUMENT, what, "there is no class %lld of %lld",
            (long long)class_index, (long long)confusion->shape.dim[0]);
    return no_scores;
}

gt_scores gt_average_scores(const gt_tensor *confusion, gt_average average)
{
    if (!is_confusion(confusion, "gt_average_scores")) return no_scores;
    const int64_t c = confusion->shape.dim[0], *at = confusion->data;
    int64_t all = 0, hits = 0;
    for (int64_t i = 0; i < c * c; i++) all += at[i];
    for (int64_t k = 0; k < c; k++) hits += at[k * c + k];
    if (average == GT_MICRO) return scores_of(hits, all, all);
    gt_running_mean mean[4] = {{0, 0}};
    for (int64_t k = 0; k < c; k++) {
        const gt_scores s = class_scores(confusion, k);
        const double weight = average == GT_WEIGHTED ? (double)s.support : 1;
        gt_running_add(&mean[0], s.precision, weight);
        gt_running_add(&mean[1], s.recall, weight);
        gt_running_add(&mean[2], s.f1, weight);
        gt_running_add(&mean[3], s.iou, weight);
    }
    if (mean[0].weight == 0) return scores_of(0, 0, 0);
    return (gt_scores){gt_running_value(&mean[0]), gt_running_value(&mean[1]),
                       gt_running_value(&mean[2]), all, gt_running_value(&mean[3])};
}
