/* What gt_fit and gt_evaluate make of means that know their weight, of loaders that others use,
 * too, and which learning rate they tell. */
#include "fit_support.h"

/* --- five points, two numbers each, and a Linear(2, 3) without bias --- */

static const float points[] = {1, 2, -1, 0.5f, 3, -2, 0, 1, 2, 2};
static const double start_weights[] = {0.1, 0.2, 0.3, -0.4, -0.5, 0.6};
enum { POINTS = 5, WEIGHTS = 6 };

typedef struct {
    gt_ctx *gt;
    gt_module *m;
    gt_optimizer *o;
    gt_dataset *data;
} lesson;

/* The first n points, with these labels. */
static lesson teach(int n, const int64_t *labels, double momentum)
{
    gt_ctx *gt = gt_open();
    gt_module *m = gt_nn_linear(gt, 2, 3, .no_bias = true);
    gt_copy_into(gt_module_parameter(m, "weight"),
                 gt_values_(gt, GT_SHAPE(3, 2), WEIGHTS, start_weights, (gt_new_opts){.gt_ = 0}));
    gt_tensor *y = gt_from(gt, GT_SHAPE(n), labels, .dtype = GT_I64);
    return (lesson){gt, m, gt_sgd(m, .lr = 1, .momentum = momentum),
                    gt_tensor_dataset(gt_from(gt, GT_SHAPE(n, 2), points), y)};
}

static double weight(const lesson *l, int i)
{
    return element(gt_module_parameter(l->m, "weight"), i);
}

static void end(lesson *l)
{
    assert_well(l->gt);
    gt_close(l->gt);
}

#define ASSERT_NEAR(got, want) assert_true(fabs((got) - (want)) < 1e-5)

/* Rows of labels, and how they are cut into batches. */
static const struct {
    int n, batch;
    int64_t y[POINTS];
    double loss, accuracy; /* of all of them before training; 0: not known beforehand */
} cuts[] = {
    {4, 2, {-100, 1, 1, 2}, 0.906310, 2. / 3},
    {5, 2, {0, 1, 1, 2, 0}, 0, 0},
    {3, 2, {0, 1, 2}, 0, 0},
    {5, 1, {0, -100, -100, 1, 1}, 0, 0},
    {5, 2, {-100, -100, 2, -100, -100}, 0, 0}, /* some batches have nothing to count */
    {5, 3, {-100, -100, -100, 1, 2}, 0, 0},
};
enum { CUTS = sizeof cuts / sizeof *cuts };

static void test_evaluate_in_parts(void **state)
{
    (void)state;
    for (int i = 0; i < CUTS; i++) {
        lesson l = teach(cuts[i].n, cuts[i].y, 0);
        double parts[2], whole[2];
        gt_loader *all = gt_loader_new(l.data, cuts[i].n);
        assert_int_equal(gt_evaluate(l.m, gt_loader_new(l.data, cuts[i].batch), parts), GT_OK);
        assert_int_equal(gt_evaluate(l.m, all, whole), GT_OK);
        for (int k = 0; k < 2; k++) ASSERT_NEAR(parts[k], whole[k]);
        if (cuts[i].loss > 0) ASSERT_NEAR(parts[0], cuts[i].loss);
        if (cuts[i].loss > 0) ASSERT_NEAR(parts[1], cuts[i].accuracy);
        end(&l);
    }
}

/* The step of accumulated parts, and the epoch's numbers, are those of one batch. */
static void test_accumulated_in_parts(void **state)
{
    (void)state;
    for (int i = 0; i < CUTS; i++) {
        lesson a = teach(cuts[i].n, cuts[i].y, 0), b = teach(cuts[i].n, cuts[i].y, 0);
        const gt_history *whole = gt_fit(a.m, a.o, gt_loader_new(a.data, cuts[i].n)),
                         *parts = gt_fit(b.m, b.o, gt_loader_new(b.data, cuts[i].batch),
                                         .accumulate = 9);
        for (int k = 0; k < WEIGHTS; k++) ASSERT_NEAR(weight(&b, k), weight(&a, k));
        static const char *const columns[] = {"loss", "accuracy"};
        for (int k = 0; k < 2; k++)
            ASSERT_NEAR(gt_history_get(parts, 0, columns[k]), gt_history_get(whole, 0, columns[k]));
        if (cuts[i].n == 3) ASSERT_NEAR(weight(&b, 0), 0.2512106);
        end(&a);
        end(&b);
    }
}

/* --- batches with nothing to count --- */

static bool count_steps(const gt_fit_state *s, void *user)
{
    assert_int_equal(s->step, ++*(int *)user);
    return true;
}

/* Makes no step, not even one of the momentum; what comes behind goes on as if it were not there.
 */
static void test_nothing_to_count(void **state)
{
    (void)state;
    static const int64_t with[] = {0, -100, 1, -100, -100}, without[] = {0, -100, 1};
    lesson a = teach(5, with, 0.9), b = teach(3, without, 0.9);
    int steps = 0;
    gt_history *h = gt_fit(a.m, a.o, gt_loader_new(a.data, 1),
                           .callbacks = GT_CALLBACKS({.step = count_steps, .user = &steps}));
    assert_int_equal(steps, 2);
    const gt_history *g = gt_fit(b.m, b.o, gt_loader_new(b.data, 1));
    assert_true(gt_history_get(h, 0, "loss") == gt_history_get(g, 0, "loss"));
    for (int k = 0; k < WEIGHTS; k++) assert_true(weight(&a, k) == weight(&b, k));
    end(&a);
    end(&b);
}

static bool stop(const gt_fit_state *s, void *user)
{
    (void)s;
    (void)user;
    gt_request_stop();
    return true;
}

static void test_nothing_at_all(void **state)
{
    (void)state;
    static const int64_t none[] = {-100, -100, -100, -100, -100};
    for (int accumulate = 1; accumulate <= 2; accumulate++) {
        lesson l = teach(5, none, 0.9);
        gt_loader *loader = gt_loader_new(l.data, 2);
        double means[2];
        assert_int_equal(gt_evaluate(l.m, loader, means), GT_OK);
        assert_true(isnan(means[0]) && isnan(means[1]));
        const gt_history *h = gt_fit(l.m, l.o, loader, .epochs = 2, .accumulate = accumulate);
        assert_int_equal(gt_history_rows(h), 2);
        assert_true(isnan(gt_history_get(h, -1, "loss")));
        assert_true(gt_history_get(h, -1, "lr") == 1);
        for (int k = 0; k < WEIGHTS; k++) ASSERT_NEAR(weight(&l, k), start_weights[k]);
        h = gt_fit(l.m, l.o, loader, .callbacks = GT_CALLBACKS({.begin = stop}));
        assert_int_equal(gt_history_rows(h), 0); /* a stop is heard there as well */
        gt_stop_reset();
        end(&l);
    }
}

/* --- losses and metrics of one's own --- */

/* Of one's own, and without anything to count 0 / 0, with a gradient of NaN. */
static gt_tensor *own_loss(const gt_batch *b, void *user)
{
    (void)user;
    gt_tensor *losses = gt_cross_entropy(b->out[0], b->target[0], .reduction = GT_SUM);
    gt_tensor *n = gt_scalar(b->out[0]->ctx, gt_count_labels(b->target[0]));
    return gt_set_mean_weight(gt_div(losses, n), gt_item(n));
}

/* Does not know: items of the batch count. */
static gt_tensor *plain_loss(const gt_batch *b, void *user)
{
    (void)user;
    return gt_mul_scalar(gt_mean(gt_square(b->out[0])), 2);
}

static void test_own_losses(void **state)
{
    (void)state;
    static const gt_loss_fn own[] = {own_loss, plain_loss};
    for (int i = 0; i < CUTS; i++)
        for (int k = 0; k < 2; k++) {
            lesson a = teach(cuts[i].n, cuts[i].y, 0), b = teach(cuts[i].n, cuts[i].y, 0);
            double parts[1], whole[1];
            gt_loader *all = gt_loader_new(a.data, cuts[i].n),
                      *cut = gt_loader_new(b.data, cuts[i].batch);
            assert_int_equal(gt_evaluate(a.m, all, whole, .loss = own[k]), GT_OK);
            assert_int_equal(gt_evaluate(b.m, cut, parts, .loss = own[k]), GT_OK);
            ASSERT_NEAR(parts[0], whole[0]);
            gt_fit(a.m, a.o, all, .loss = own[k]);
            gt_fit(b.m, b.o, cut, .loss = own[k], .accumulate = 9);
            for (int j = 0; j < WEIGHTS; j++) ASSERT_NEAR(weight(&b, j), weight(&a, j));
            end(&a);
            end(&b);
        }
}

/* The labels of a batch added up; its weight is their square. */
static double label_sum(const gt_batch *b, void *user)
{
    (void)user;
    return gt_item(gt_sum(gt_cast(b->target[0], GT_F64)));
}

static double label_square(const gt_batch *b, void *user)
{
    const double sum = label_sum(b, user);
    return sum * sum;
}

static void test_weights_of_metrics(void **state)
{
    (void)state;
    static const int64_t y[] = {0, 1, 1, 2, 2}, ignored[] = {-100, 1, 1, 2, 2};
    static int64_t one = 1;
    lesson l = teach(5, y, 0), m = teach(5, ignored, 0);
    double to[4];
    assert_int_equal(gt_evaluate(l.m, gt_loader_new(l.data, 2), to,
                                 .metrics = GT_METRICS(
                                     {.name = "items", .fn = label_sum},
                                     {.name = "own", .fn = label_sum, .weight = label_square})),
                     GT_OK);
    ASSERT_NEAR(to[1], (2 * 1 + 2 * 3 + 1 * 2) / 5.);
    ASSERT_NEAR(to[2], (1 + 27 + 8) / 14.);
    assert_int_equal(gt_evaluate(m.m, gt_loader_new(m.data, 2), to,
                                 .metrics = GT_METRICS(GT_ACCURACY, GT_TOP_K("top1", &one))),
                     GT_OK);
    gt_tensor *all = gt_forward(m.m, gt_from(m.gt, GT_SHAPE(5, 2), points));
    ASSERT_NEAR(to[1], gt_accuracy(all, gt_from(m.gt, GT_SHAPE(5), ignored, .dtype = GT_I64)));
    assert_true(to[2] == to[1]);
    end(&l);
    end(&m);
}

/* --- the loader of the training belongs to gt_fit until the epoch's end --- */

typedef enum { RESET, EVALUATE, NEXT } use;
typedef struct {
    gt_module *m;
    gt_loader *loader;
    use how;
    int64_t at; /* batch of the epoch */
    bool busy;
} intruder;

static void intrude(intruder *i)
{
    double means[2];
    gt_tensor *x, *y;
    if (i->how == RESET) gt_loader_reset(i->loader);
    else if (i->how == EVALUATE) gt_evaluate(i->m, i->loader, means);
    else gt_loader_next(i->loader, &x, &y);
}

static bool intrude_callback(const gt_fit_state *s, void *user)
{
    intruder *i = user;
    if (s->batch == i->at) intrude(i);
    return true;
}

static gt_tensor *intrude_loss(const gt_batch *b, void *user)
{
    gt_tensor *loss = gt_cross_entropy(b->out[0], b->target[0]);
    if (!((intruder *)user)->busy) {
        ((intruder *)user)->busy = true;
        intrude(user);
    }
    return loss;
}

static double intrude_metric(const gt_batch *b, void *user)
{
    intrude_loss(b, user);
    return 1;
}

/* What is wrong would go on for ever, or train on a part of the epoch. */
static void test_intruders(void **state)
{
    (void)state;
    static const struct {
        gt_callbacks callbacks;
        gt_loss_fn loss;
        gt_metric_fn metric;
        int64_t at;
        bool fine[3]; /* RESET, EVALUATE, NEXT */
    } rows[] = {
        {{.begin = intrude_callback}, .at = 0, .fine = {true, true, false}},
        {{.gradients = intrude_callback}, .at = 1},
        {{.step = intrude_callback}, .at = 1},
        {{.step = intrude_callback}, .at = BATCHES},
        {{.epoch = intrude_callback}, .at = BATCHES, .fine = {true, true, false}},
        {.loss = intrude_loss},
        {.metric = intrude_metric},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (int how = RESET; how <= NEXT; how++) {
            setting s = make(false);
            intruder in = {s.net, s.train, (use)how, rows[i].at, false};
            gt_callbacks list[2] = {rows[i].callbacks};
            list[0].user = &in;
            const gt_metric metrics[] = {{.name = "m", .fn = rows[i].metric, .user = &in},
                                         {.name = NULL}};
            gt_fit(s.net, s.sgd, s.train, .epochs = 2, .callbacks = list, .loss = rows[i].loss,
                   .user = &in, .metrics = rows[i].metric ? metrics : NULL);
            if (!rows[i].fine[how])
                assert_error(s.gt, GT_ERR_STATE, "its loader was used within an epoch");
            free_setting(&s);
        }
}

static void test_evaluation_is_whole(void **state)
{
    (void)state;
    setting s = make(false);
    double whole[2], means[3];
    gt_tensor *x, *y;
    assert_int_equal(gt_evaluate(s.net, s.valid, whole), GT_OK);
    for (int taken = 1; taken <= VALID_BATCHES; taken++) {
        for (int i = 0; i < taken; i++) assert_true(gt_loader_next(s.valid, &x, &y));
        assert_int_equal(gt_evaluate(s.net, s.valid, means), GT_OK);
        assert_true(means[0] == whole[0] && means[1] == whole[1]);
    }
    for (int how = RESET; how <= NEXT; how++) {
        intruder in = {s.net, s.valid, (use)how, 0, false};
        gt_evaluate(s.net, s.valid, means,
                    .metrics = GT_METRICS({.name = "m", .fn = intrude_metric, .user = &in}));
        assert_error(s.gt, GT_ERR_STATE, "gt_evaluate");
    }
    free_setting(&s);
}

/* The first epoch is whole, too, wherever the loader was left. */
static void test_first_epoch_is_whole(void **state)
{
    (void)state;
    setting s = make(false);
    calls c = {.every_batch = true};
    gt_tensor *x, *y;
    for (int i = 0; i < 3; i++) gt_loader_next(s.train, &x, &y);
    gt_fit(s.net, s.sgd, s.train, .callbacks = GT_CALLBACKS({.step = on_step, .user = &c}));
    assert_int_equal(c.step, BATCHES);
    free_setting(&s);
}

/* --- the learning rate --- */

typedef struct {
    gt_optimizer *o;
    double used, by_hand;
} rates;

static bool note_rate(const gt_fit_state *s, void *user)
{
    (void)s;
    ((rates *)user)->used = gt_optimizer_lr(((rates *)user)->o);
    return true;
}

static bool set_rate(const gt_fit_state *s, void *user)
{
    (void)s;
    rates *r = user;
    if (r->by_hand > 0) gt_optimizer_set_lr(r->o, r->by_hand *= 0.9);
    return true;
}

static bool compare_rate(const gt_fit_state *s, void *user)
{
    assert_true(gt_history_get(s->history, -1, "lr") == ((rates *)user)->used);
    return true;
}

/* Told is the rate of the epoch's last step, not of the next one. */
static void test_rate_of_the_last_step(void **state)
{
    (void)state;
    enum { EPOCHS = 3 };
    for (int i = 0; i < 3; i++) { /* a schedule in each step, in each epoch, and by hand */
        setting s = make(false);
        rates r = {s.sgd, NAN, i == 2 ? 0.1 : 0};
        gt_schedule *each[] = {gt_one_cycle_lr(s.sgd, 0.1, EPOCHS * BATCHES),
                               gt_exponential_lr(s.sgd, 0.5), NULL};
        gt_fit(s.net, s.sgd, s.train, .epochs = EPOCHS, .schedule = each[i],
               .schedule_each_step = i == 0,
               .callbacks = GT_CALLBACKS(
                   {.gradients = note_rate, .step = set_rate, .epoch = compare_rate, .user = &r}));
        free_setting(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_evaluate_in_parts),
        cmocka_unit_test(test_accumulated_in_parts),
        cmocka_unit_test(test_nothing_to_count),
        cmocka_unit_test(test_nothing_at_all),
        cmocka_unit_test(test_own_losses),
        cmocka_unit_test(test_weights_of_metrics),
        cmocka_unit_test(test_intruders),
        cmocka_unit_test(test_evaluation_is_whole),
        cmocka_unit_test(test_first_epoch_is_whole),
        cmocka_unit_test(test_rate_of_the_last_step),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
