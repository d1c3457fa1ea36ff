/* Operations that are wrong in one way each, for tests of the gradient checker: rules and forwards
 * of y = x^2, |x| and c x. wrong_shapes.h has those of several inputs, outputs and shapes. */
#ifndef GT_TESTS_WRONG_OPS_H
#define GT_TESTS_WRONG_OPS_H

#include <math.h>
#include <string.h>

#include <gradtape.h>

/* --- forwards --- */

static bool same_shape_infer(gt_node *n)
{
    n->out[0]->shape = n->in[0]->shape;
    return true;
}

#define F64(t) ((double *)(t)->data)

static void square_forward(gt_node *n)
{
    for (int64_t i = 0; i < n->in[0]->size; i++) {
        if (n->dtype == GT_F64) F64(n->out[0])[i] = F64(n->in[0])[i] * F64(n->in[0])[i];
        else {
            const float x = ((float *)n->in[0]->data)[i];
            ((float *)n->out[0]->data)[i] = x * x;
        }
    }
}

/* x masked: what a backward rule that forgets places would hand on. */
typedef struct {
    double (*mask)(gt_shape shape, const int64_t *index);
} mask_opts;

static void mask_forward(gt_node *n)
{
    const mask_opts *o = n->opts;
    const gt_shape s = n->in[0]->shape;
    for (int64_t i = 0; i < n->in[0]->size; i++) {
        int64_t index[GT_MAX_DIMS] = {0}, at = i;
        for (int d = s.ndim - 1; d >= 0; d--) {
            index[d] = at % s.dim[d];
            at /= s.dim[d];
        }
        F64(n->out[0])[i] = F64(n->in[0])[i] * o->mask(s, index);
    }
}

static bool mask_backward(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    gin[0] = gt_apply(n->op, n->opts, 1, gout);
    return true;
}

static const gt_op mask_op = {.name = "mask",
                              .inputs = "x",
                              .n_in = 1,
                              .n_out = 1,
                              .opts_size = sizeof(mask_opts),
                              .infer = same_shape_infer,
                              .forward = {NULL, mask_forward},
                              .backward = mask_backward};

static gt_tensor *masked(gt_tensor *x, double (*mask)(gt_shape shape, const int64_t *index))
{
    return gt_apply(&mask_op, &(const mask_opts){mask}, 1, &x);
}

/* --- wrong rules for y = x^2 --- */

static gt_tensor *right_dx(const gt_node *n, gt_tensor *dy)
{
    return gt_mul_scalar(gt_mul(dy, n->in[0]), 2);
}

#define RULE(name, dx)                                                                             \
    static bool name##_rule(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])                 \
    {                                                                                              \
        gt_tensor *x = n->in[0], *dy = gout[0];                                                    \
        (void)x, (void)dy;                                                                         \
        gin[0] = (dx);                                                                             \
        return true;                                                                               \
    }

static double border(gt_shape s, const int64_t *i)
{
    const bool inside = i[s.ndim - 2] > 0 && i[s.ndim - 2] < s.dim[s.ndim - 2] - 1 &&
                        i[s.ndim - 1] > 0 && i[s.ndim - 1] < s.dim[s.ndim - 1] - 1;
    return inside ? 1 : 0.25;
}

static double last_channel(gt_shape s, const int64_t *i)
{
    return i[1] == s.dim[1] - 1 ? 0 : 1;
}

static double last_element(gt_shape s, const int64_t *i)
{
    return i[0] == s.dim[0] - 1 ? 0 : 1;
}

static double one_element(gt_shape s, const int64_t *i)
{
    (void)s;
    return i[0] == 54321 ? 1.001 : 1;
}

static double one_half(gt_shape s, const int64_t *i)
{
    (void)s;
    return i[0] == 1 ? 0.5 : 1;
}

static gt_tensor *changed(gt_tensor *t, gt_tensor *result)
{
    F64(t)[0] += 1;
    return result;
}

/* Different at every call. */
static double step_of_noise(void)
{
    static double calls;
    return calls += 1e-9;
}

RULE(right, right_dx(n, dy))
RULE(sign, gt_neg(right_dx(n, dy)))
RULE(factor, gt_mul(dy, x))
RULE(half_wrong_sign, masked(right_dx(n, dy), one_half))
RULE(no_upstream, gt_mul_scalar(x, 2))
RULE(sum_upstream, gt_mul_scalar(gt_mul(gt_sum(dy), x), 2))
RULE(inexact, gt_mul_scalar(right_dx(n, dy), 1.0001))
RULE(flipped, gt_mul_scalar(gt_mul(gt_flip(dy, GT_AXIS(0)), x), 2))
RULE(plus_dy, gt_add(right_dx(n, dy), dy))
RULE(a_little, gt_add(right_dx(n, dy), gt_mul_scalar(dy, 1e-5)))
RULE(nan, gt_mul_scalar(dy, (double)-NAN))
RULE(infinite, gt_mul_scalar(right_dx(n, dy), (double)INFINITY))
RULE(border, masked(right_dx(n, dy), border))
RULE(last_channel, masked(right_dx(n, dy), last_channel))
RULE(last_element, masked(right_dx(n, dy), last_element))
RULE(one_element, masked(right_dx(n, dy), one_element))
RULE(nothing, NULL)
RULE(not_linear, right_dx(n, gt_mul(dy, gt_square(dy))))
RULE(clipping, right_dx(n, gt_clamp(dy, -10, 10)))
RULE(sparing, right_dx(n, gt_mul(dy, gt_cast(gt_gt_scalar(gt_abs(dy), 1e-6), dy->dtype))))
RULE(offset, gt_add_scalar(right_dx(n, dy), 1e-12))
RULE(changed_upstream, changed(dy, right_dx(n, dy)))
RULE(changed_input, changed(x, right_dx(n, dy)))
RULE(changed_output, changed(n->out[0], right_dx(n, dy)))
RULE(random_gradient, gt_add_scalar(right_dx(n, dy), step_of_noise()))
/* As if x's gradient were set, not added to. */
RULE(overwriting, x->grad ? gt_sub(right_dx(n, dy), x->grad) : right_dx(n, dy))

#define SQUARE(id, rule_)                                                                          \
    static const gt_op id##_op = {.name = #id,                                                     \
                                  .inputs = "x",                                                   \
                                  .n_in = 1,                                                       \
                                  .n_out = 1,                                                      \
                                  .infer = same_shape_infer,                                       \
                                  .forward = GT_FOR_FLOATS(square_forward),                        \
                                  .backward = rule_}

SQUARE(right, right_rule);
SQUARE(sign, sign_rule);
SQUARE(factor, factor_rule);
SQUARE(half_wrong_sign, half_wrong_sign_rule);
SQUARE(no_upstream, no_upstream_rule);
SQUARE(sum_upstream, sum_upstream_rule);
SQUARE(inexact, inexact_rule);
SQUARE(flipped, flipped_rule);
SQUARE(plus_dy, plus_dy_rule);
SQUARE(a_little, a_little_rule);
SQUARE(nan, nan_rule);
SQUARE(infinite, infinite_rule);
SQUARE(border, border_rule);
SQUARE(last_channel, last_channel_rule);
SQUARE(last_element, last_element_rule);
SQUARE(one_element, one_element_rule);
SQUARE(nothing, nothing_rule);
SQUARE(not_linear, not_linear_rule);
SQUARE(clipping, clipping_rule);
SQUARE(sparing, sparing_rule);
SQUARE(offset, offset_rule);
SQUARE(changed_upstream, changed_upstream_rule);
SQUARE(changed_input, changed_input_rule);
SQUARE(changed_output, changed_output_rule);
SQUARE(random_gradient, random_gradient_rule);
SQUARE(overwriting, overwriting_rule);

/* Right in first order; the rule is made of an operation whose own rule is wrong. */
RULE(twice_wrong, gt_mul_scalar(dy, 3))
static void twice_forward(gt_node *n)
{
    for (int64_t i = 0; i < n->in[0]->size; i++) F64(n->out[0])[i] = 2 * F64(n->in[0])[i];
}
static const gt_op twice_op = {.name = "twice",
                               .inputs = "x",
                               .n_in = 1,
                               .n_out = 1,
                               .infer = same_shape_infer,
                               .forward = {NULL, twice_forward},
                               .backward = twice_wrong_rule};
RULE(second_order, gt_apply(&twice_op, NULL, 1, ((gt_tensor *[]){gt_mul(dy, x)})))
SQUARE(second_order, second_order_rule);

/* --- wrong forwards for y = x^2 --- */

static void unwritten_forward(gt_node *n)
{
    for (int64_t i = 1; i < n->in[0]->size; i++)
        F64(n->out[0])[i] = F64(n->in[0])[i] * F64(n->in[0])[i];
}

static void changing_forward(gt_node *n)
{
    square_forward(n);
    F64(n->in[0])[0] += 1;
}

static void random_forward(gt_node *n)
{
    square_forward(n);
    F64(n->out[0])[0] += step_of_noise();
}

static void nan_forward(gt_node *n)
{
    square_forward(n);
    F64(n->out[0])[1] = (double)NAN;
}

static void coarse_forward(gt_node *n)
{
    square_forward(n);
    ((float *)n->out[0]->data)[n->in[0]->size - 1] *= 1.0001f;
}

static void abs_forward(gt_node *n)
{
    for (int64_t i = 0; i < n->in[0]->size; i++) F64(n->out[0])[i] = fabs(F64(n->in[0])[i]);
}

static double sign_of(double x)
{
    return x > 0 ? 1 : x < 0 ? -1 : 0;
}

static void sign_forward(gt_node *n)
{
    for (int64_t i = 0; i < n->in[0]->size; i++)
        F64(n->out[0])[i] = sign_of(F64(n->in[0])[i]) * F64(n->in[1])[i];
}

/* dy sign(x) as an operation of x and dy, so that abs has second derivatives. */
static bool sign_backward(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    if (gt_needs_grad(n, 0)) gin[0] = gt_zeros_like(n->in[0]);
    if (gt_needs_grad(n, 1))
        gin[1] = gt_apply(n->op, NULL, 2, ((gt_tensor *[]){n->in[0], gout[0]}));
    return true;
}
static const gt_op sign_times_op = {.name = "sign_times",
                                    .inputs = "x dy",
                                    .n_in = 2,
                                    .n_out = 1,
                                    .infer = same_shape_infer,
                                    .forward = {NULL, sign_forward},
                                    .backward = sign_backward};
RULE(abs, gt_apply(&sign_times_op, NULL, 2, ((gt_tensor *[]){x, dy})))

#define FORWARD(id, f32, f64, rule_)                                                               \
    static const gt_op id##_op = {.name = #id,                                                     \
                                  .inputs = "x",                                                   \
                                  .n_in = 1,                                                       \
                                  .n_out = 1,                                                      \
                                  .infer = same_shape_infer,                                       \
                                  .forward = {f32, f64},                                           \
                                  .backward = rule_}

/* y = c x, where c is next to nothing */
#define SCALE(id, c)                                                                               \
    static void id##_forward(gt_node *n)                                                           \
    {                                                                                              \
        for (int64_t i = 0; i < n->in[0]->size; i++) F64(n->out[0])[i] = (c)*F64(n->in[0])[i];     \
    }
SCALE(zero, 0)
SCALE(tiny, 1e-15)
SCALE(small, 1e-10)
RULE(zero, gt_zeros_like(dy))
RULE(tiny, gt_mul_scalar(dy, -1e-15))
RULE(small, gt_mul_scalar(dy, -1e-10))

/* Another function as soon as x was moved. */
static void drifting_forward(gt_node *n)
{
    static double first;
    static bool moved;
    square_forward(n);
    if (first == 0) first = F64(n->in[0])[0];
    moved = moved || fabs(F64(n->in[0])[0] - first) > 1e-6;
    if (moved) F64(n->out[0])[0] += 1e-13;
}

/* Unlike itself at its very first call. */
static void settling_forward(gt_node *n)
{
    static bool called;
    square_forward(n);
    if (!called) F64(n->out[0])[0] += 1e-13;
    called = true;
}

FORWARD(zero, NULL, zero_forward, zero_rule);
FORWARD(tiny, NULL, tiny_forward, tiny_rule);
FORWARD(small, NULL, small_forward, small_rule);
FORWARD(drifting, NULL, drifting_forward, right_rule);
FORWARD(settling, NULL, settling_forward, right_rule);
FORWARD(unwritten, NULL, unwritten_forward, right_rule);
FORWARD(changing, NULL, changing_forward, right_rule);
FORWARD(random, NULL, random_forward, right_rule);
FORWARD(nan_value, NULL, nan_forward, right_rule);
FORWARD(coarse, coarse_forward, square_forward, right_rule);
FORWARD(abs, NULL, abs_forward, abs_rule);
/* 5 at 0 */
RULE(steep, gt_mul(dy, gt_add(gt_sign(x), gt_mul_scalar(gt_cast(gt_eq_scalar(x, 0), GT_F64), 5))))
FORWARD(steep, NULL, abs_forward, steep_rule);

/* Every y is the largest x, each of which is given all of the gradient. */
static void largest_forward(gt_node *n)
{
    double largest = F64(n->in[0])[0];
    for (int64_t i = 1; i < n->in[0]->size; i++) largest = fmax(largest, F64(n->in[0])[i]);
    for (int64_t i = 0; i < n->in[0]->size; i++) F64(n->out[0])[i] = largest;
}
RULE(largest, gt_mul(gt_sum(dy), gt_cast(gt_eq(x, n->out[0]), GT_F64)))
FORWARD(largest, NULL, largest_forward, largest_rule);

#endif
