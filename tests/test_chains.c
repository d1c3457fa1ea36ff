/* Random steps of elementwise operations leave the same bits in replays, whose chains run block by
 * block, as when they are called: shapes below and above a block, operands that broadcast, changes
 * in place, gradients, other dtypes, threads. */
#include "engine/context.h"
#include "samples.h"

enum { LENGTH = 24, POOL = LENGTH + 2, OUTPUTS = 3, SEEDS = 30 };

typedef struct {
    uint64_t seed;
    bool backward; /* else with changes in place */
    gt_tensor *x, *y, *channel, *row, *number;
    gt_tensor *out[OUTPUTS + 2];
} program;

static int pick(int n)
{
    return (int)draw(0, n);
}

/* An operand that y broadcasts with. */
static gt_tensor *any_operand(const program *p, gt_tensor *const pool[], int n)
{
    gt_tensor *const other[] = {p->channel, p->row, p->number};
    const int which = pick(9);
    return which < 3 ? other[which] : pool[pick(n)];
}

static gt_tensor *of_one(gt_tensor *x)
{
    switch (pick(7)) {
    case 0: return gt_relu(x);
    case 1: return gt_tanh(x);
    case 2: return gt_sigmoid(x);
    case 3: return gt_mul_scalar(x, draw(-1, 1));
    case 4: return gt_add_scalar(x, draw(-1, 1));
    case 5: return gt_clamp(x, -1.5, 1.5);
    default: return gt_neg(x);
    }
}

static gt_tensor *of_two(gt_tensor *a, gt_tensor *b)
{
    switch (pick(5)) {
    case 0: return gt_add(a, b);
    case 1: return gt_sub(a, b);
    case 2: return gt_maximum(b, a);
    case 3: return gt_where(gt_gt(a, b), a, b);
    default: return gt_tanh(gt_mul(a, b));
    }
}

/* Leaves are left alone: what replays add to them would add up. */
static gt_tensor *in_place(gt_tensor *const pool[], int n)
{
    gt_tensor *y = n > 2 ? pool[2 + pick(n - 2)] : gt_clone(pool[0]), *x = pool[pick(n)];
    if (pick(2)) gt_apply_into(&gt_op_accumulate, NULL, 2, (gt_tensor *[]){y, x});
    else gt_copy_into(y, gt_mul(x, x));
    return gt_neg(y);
}

static gt_tensor *next(const program *p, gt_tensor *const pool[], int n)
{
    switch (pick(8)) {
    case 0: return gt_cast(gt_cast(pool[pick(n)], GT_F64), GT_F32);
    case 1: return gt_sum(pool[pick(n)], .axes = GT_AXIS(0), .keepdim = true); /* ends a chain */
    case 2: return p->backward ? of_one(pool[pick(n)]) : in_place(pool, n);
    case 3:
    case 4: return of_one(pool[pick(n)]);
    default: return of_two(pool[pick(n)], any_operand(p, pool, n));
    }
}

static gt_tensor *run(gt_ctx *gt, void *user)
{
    program *p = user;
    const bool recording = gt_set_recording(gt, p->backward);
    gt_tensor *pool[POOL] = {p->x, p->y};
    dice = p->seed;
    int n = 2;
    for (int i = 0; i < LENGTH; i++) {
        gt_tensor *t = next(p, pool, n);
        if (gt_same_shape(t, p->x)) pool[n++] = t;
    }
    for (int i = 0; i < OUTPUTS; i++) p->out[i] = gt_capture_output(pool[n - 1 - i]);
    if (p->backward) {
        gt_tensor *leaf[] = {p->x, p->y};
        gt_tensor *loss = gt_sum(gt_mul(pool[n - 1], pool[n - 2]));
        gt_grad(&loss, 1, leaf, 2, p->out + OUTPUTS, .retain = true, .allow_unused = true);
        for (int i = OUTPUTS; i < OUTPUTS + 2; i++) gt_capture_output(p->out[i]);
    }
    gt_set_recording(gt, recording);
    return NULL;
}

static void draw_leaves(gt_ctx *gt, program *p, gt_shape shape)
{
    const int64_t c = shape.dim[1], w = shape.dim[3];
    p->x = gt_randn_(gt, shape, (gt_new_opts){.requires_grad = p->backward});
    p->y = gt_randn_(gt, shape, (gt_new_opts){.requires_grad = p->backward});
    p->channel = gt_randn(gt, GT_SHAPE(c, 1, 1));
    p->row = gt_randn(gt, GT_SHAPE(w));
    p->number = gt_randn(gt, GT_SHAPE(1));
}

static void assert_alike(const program *a, const program *b, unsigned without)
{
    for (int i = 0; i < OUTPUTS + (a->backward ? 2 : 0); i++) {
        const gt_tensor *x = a->out[i], *y = b->out[i];
        assert_int_equal(x == NULL, y == NULL);
        const size_t bytes = y ? (size_t)y->size * gt_dtype_size(y->dtype) : 0;
        if (y && memcmp(x->data, y->data, bytes) != 0)
            fail_msg("seed %d, %s, without %u, shape [%d,..,%d], result %d: other bits in a replay",
                     (int)a->seed, a->backward ? "backward" : "in place", without,
                     (int)a->x->shape.dim[0], (int)a->x->shape.dim[3], i);
    }
}

static gt_captured *capture(gt_ctx *gt, program *p, unsigned without)
{
    gt_captured *c = gt_capture(
        gt, run, p, .inputs = {&p->x, &p->y, &p->channel, &p->row, &p->number}, .without = without);
    assert_well(gt);
    return c;
}

/* Captured on other numbers than those it is replayed on. Returns the operations in chains. */
static int64_t check(gt_ctx *gt, uint64_t seed, gt_shape shape, bool backward)
{
    static const unsigned without[] = {0, GT_CAPTURE_CHAINS, GT_CAPTURE_SHARING, GT_CAPTURE_ALL};
    int64_t chained = 0;
    for (size_t i = 0; i < sizeof without / sizeof *without; i++) {
        const gt_mark start = gt_mark_tape(gt);
        program p = {.seed = seed, .backward = backward}, eager = p;
        draw_leaves(gt, &p, shape);
        gt_captured *c = capture(gt, &p, without[i]);
        draw_leaves(gt, &p, shape);
        eager = p;
        gt_replay(c);
        run(gt, &eager);
        assert_well(gt);
        assert_alike(&p, &eager, without[i]);
        const gt_captured_stats stats = gt_captured_get_stats(c);
        if (without[i] & GT_CAPTURE_CHAINS) assert_int_equal(stats.chained, 0);
        if (without[i] & GT_CAPTURE_SHARING) assert_int_equal(stats.bytes, stats.unshared);
        chained += stats.chained;
        gt_captured_free(c);
        gt_rewind(gt, start);
    }
    return chained;
}

static const gt_shape shapes[] = {
    {4, {1, 1, 1, 1}},   {4, {1, 3, 1, 5}},   {4, {2, 3, 4, 7}},
    {4, {1, 7, 1, 293}}, {4, {3, 2, 16, 37}},
};
enum { SHAPES = sizeof shapes / sizeof *shapes };

static void random_steps_replay(void **state)
{
    gt_ctx *gt = *state;
    int64_t chained = 0;
    for (uint64_t seed = 0; seed < SEEDS; seed++)
        for (int s = 0; s < SHAPES; s++)
            for (int backward = 0; backward < 2; backward++)
                chained += check(gt, seed, shapes[s], backward);
    print_message("%lld operations in chains\n", (long long)chained);
    assert_true(chained > 1000);
}

static void divided_among_threads(void **state)
{
    gt_ctx *gt = *state;
    gt_set_threads(gt, 3);
    gti_threads_set_part_work(gt, 1);
    random_steps_replay(state);
    assert_true(gt->divided > 0);
}

/* --- behind a convolution --- */

typedef struct {
    int n, c, side, k, kernel, stride, groups;
} convolution;

typedef struct {
    convolution by;
    gt_tensor *x, *w, *mean, *var;
} tailed;

static gt_tensor *run_tailed(gt_ctx *gt, void *user)
{
    tailed *t = user;
    const bool recording = gt_set_recording(gt, false);
    gt_tensor *y = gt_conv2d(t->x, t->w, .padding = {t->by.kernel / 2}, .stride = {t->by.stride},
                             .groups = t->by.groups);
    y = gt_relu(gt_batch_norm(y, t->mean, t->var));
    if (gt_same_shape(y, t->x)) y = gt_tanh(gt_add(y, t->x)); /* takes the place of x */
    gt_set_recording(gt, recording);
    return y;
}

static void check_tail(gt_ctx *gt, const convolution *by)
{
    const gt_mark start = gt_mark_tape(gt);
    tailed t = {.by = *by};
    t.x = gt_randn(gt, GT_SHAPE(by->n, by->c, by->side, by->side));
    t.w = gt_randn(gt, GT_SHAPE(by->k, by->c / by->groups, by->kernel, by->kernel));
    t.mean = gt_randn(gt, GT_SHAPE(by->k));
    t.var = gt_rand(gt, GT_SHAPE(by->k));
    gt_captured *c = gt_capture(gt, run_tailed, &t, .inputs = {&t.x});
    t.x = gt_mul_scalar(t.x, 0.75);
    const gt_tensor *want = run_tailed(gt, &t);
    for (int i = 0; i < 2; i++) gt_replay(c);
    assert_well(gt);
    if (memcmp(gt_captured_result(c)->data, want->data, (size_t)want->size * sizeof(float)) != 0)
        fail_msg("%d images of %d x %d, %d to %d channels: other bits behind a convolution", by->n,
                 by->side, by->side, by->c, by->k);
    assert_int_equal(gt_captured_get_stats(c).chains, 1);
    gt_captured_free(c);
    gt_rewind(gt, start);
}

/* Which may read memory that the chain's results take; ends off the grain. */
static void behind_convolutions(void **state)
{
    static const convolution table[] = {
        {5, 32, 7, 32, 3, 1, 1},  {3, 16, 33, 32, 3, 1, 1}, {7, 32, 9, 32, 3, 2, 1},
        {9, 3, 13, 3, 3, 1, 1},   {6, 8, 11, 8, 3, 1, 8},   {5, 24, 7, 10, 1, 1, 1},
        {1, 32, 16, 32, 3, 1, 1},
    };
    gt_ctx *gt = *state;
    for (int i = 0; i < 4; i++)
        for (size_t k = 0; k < sizeof table / sizeof *table; k++) {
            gt_set_threads(gt, i & 1 ? 3 : 1);
            gti_threads_set_part_work(gt, i & 2 ? 1 : 1 << 12);
            check_tail(gt, &table[k]);
        }
}

static void unknown_parts_are_refused(void **state)
{
    gt_ctx *gt = *state;
    program p = {0};
    gt_set_error_handler(gt, gt_ignore_error, NULL);
    assert_null(gt_capture(gt, run, &p, .without = 1u << 20));
    assert_error(gt, GT_ERR_ARGUMENT, "without");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, open_context, close_context)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(random_steps_replay),
        TEST(divided_among_threads),
        TEST(behind_convolutions),
        TEST(unknown_parts_are_refused),
    };
    return cmocka_run_group_tests_name("chains", tests, NULL, NULL);
}
