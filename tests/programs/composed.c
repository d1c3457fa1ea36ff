/* Functions composed of operations, given a tensor that is NULL, gone or of another context: each
 * must fail with an error, whatever it does first. */
#include "program.h"

/* Whether b is read and may be NULL, name, and the call on a and b. */
typedef enum { ONE, TWO, OPTIONAL } reads;
#define COMPOSED_LIST(X)                                                                           \
    X(ONE, div_scalar, gt_div_scalar(a, 2))                                                        \
    X(ONE, rdiv_scalar, gt_rdiv_scalar(a, 2))                                                      \
    X(ONE, eq_scalar, gt_eq_scalar(a, 0))                                                          \
    X(TWO, prelu, gt_prelu(a, b))                                                                  \
    X(TWO, cross_entropy, gt_cross_entropy(a, b))                                                  \
    X(OPTIONAL, cross_entropy_weight, gt_cross_entropy(a, a, .weight = b))                         \
    X(TWO, cross_entropy_smooth, gt_cross_entropy(a, b, .label_smoothing = 0.1))                   \
    X(TWO, nll_loss, gt_nll_loss(a, b))                                                            \
    X(ONE, flatten, gt_flatten(a))                                                                 \
    X(ONE, squeeze, gt_squeeze(a))                                                                 \
    X(ONE, unsqueeze, gt_unsqueeze(a, 0))                                                          \
    X(ONE, expand, gt_expand(a, GT_SHAPE(2, 2)))                                                   \
    X(ONE, sum_to, gt_sum_to(a, GT_SHAPE(1)))                                                      \
    X(ONE, repeat, gt_repeat(a, GT_SHAPE(2, 2)))                                                   \
    X(ONE, transpose, gt_transpose(a, 0, 1))                                                       \
    X(ONE, select, gt_select(a, 0, 0))                                                             \
    X(ONE, split, gt_split(a, 0, 1, pieces, 3))                                                    \
    X(ONE, chunk, gt_chunk(a, 0, 2, pieces))                                                       \
    X(TWO, linear, gt_linear(a, b))                                                                \
    X(OPTIONAL, linear_bias, gt_linear(a, a, .bias = b))                                           \
    X(TWO, dot, gt_dot(a, b))                                                                      \
    X(TWO, outer, gt_outer(a, b))                                                                  \
    X(ONE, adaptive_avg_pool1d, gt_adaptive_avg_pool1d(a, 1))                                      \
    X(ONE, global_avg_pool2d, gt_global_avg_pool2d(a))                                             \
    X(OPTIONAL, instance_norm, gt_instance_norm(a, .weight = b))                                   \
    X(ONE, local_response_norm, gt_local_response_norm(a, 2))                                      \
    X(ONE, dropout2d, gt_dropout2d(a, 0.5))                                                        \
    X(OPTIONAL, batch_norm, gt_batch_norm(a, NULL, NULL, .training = true, .weight = b))           \
    X(OPTIONAL, layer_norm, gt_layer_norm(a, 1, .bias = b))

#define X(reads, name, call)                                                                       \
    static gt_tensor *name(gt_tensor *a, gt_tensor *b)                                             \
    {                                                                                              \
        gt_tensor *pieces[3];                                                                      \
        (void)b, (void)pieces;                                                                     \
        return call;                                                                               \
    }
COMPOSED_LIST(X)
#undef X

static const struct {
    reads reads;
    const char *name;
    gt_tensor *(*f)(gt_tensor *a, gt_tensor *b);
} functions[] = {
#define X(reads, name, call) {reads, #name, name},
    COMPOSED_LIST(X)
#undef X
};

enum { N_FUNCTIONS = sizeof functions / sizeof *functions };

/* A call that must fail is definite: its error is cleared at once. Others are left out. */
void step_composed(model *m, const statement *s, outcome *o)
{
    (void)o;
    const reads k = functions[s->p[0] % N_FUNCTIONS].reads;
    const tensor *in[2] = {operand(m, s, 0), operand(m, s, 1)};
    bool bad = !in[0] || (k == TWO && !in[1]);
    for (int i = 0; i <= (k != ONE); i++) {
        m->unsure |= in[i] && (in[i]->lost || in[i]->data->vague);
        bad |= in[i] && (unusable(in[i]) || (in[0] && in[i]->context != in[0]->context));
    }
    m->unsure |= !bad || m->context[0].failed || m->context[1].failed;
}

void call_composed(run *r, const statement *s, gt_tensor *a, gt_tensor *b)
{
    const int k = s->p[0] % N_FUNCTIONS;
    const gt_tensor *y = functions[k].f(a, b);
    bool failed = gt_failed(NULL);
    for (int i = 0; i < CONTEXTS; i++) {
        failed |= gt_failed(r->m->context[i].real);
        gt_error_clear(r->m->context[i].real);
    }
    gt_error_clear(NULL);
    if (y || !failed) differ(r, "%s took a tensor that is not there", functions[k].name);
}
