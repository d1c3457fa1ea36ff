/* Whole runs: what was interrupted goes on to the same bits. */
#define _POSIX_C_SOURCE 200809L
#include "io_dense.h"
#include "io_support.h"

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_folder, remove_folder)

/* --- a training --- */

typedef enum { MOMENTUM, ADAM_COSINE, PLATEAU_EMA, N_KINDS } kind;

typedef struct {
    gt_ctx *gt;
    gt_run run;
    gt_tensor *table; /* of the program's own */
    gt_named_tensor own[2];
    gt_mark start;
} training;

/* Points on a curve, 22 of them: 6 batches, the last one smaller. */
static gt_dataset *points(gt_ctx *gt)
{
    gt_tensor *x = gt_empty(gt, GT_SHAPE(22, 3)), *y = gt_zeros(gt, GT_SHAPE(22), .dtype = GT_I64);
    for (int64_t i = 0; i < x->size; i++) ((float *)x->data)[i] = (float)(i * 7 % 13) / 13;
    for (int64_t i = 0; i < y->size; i++) ((int64_t *)y->data)[i] = i % 2;
    return gt_tensor_dataset(x, y);
}

static void begin(training *t, kind k, uint64_t seed, bool own_seed)
{
    gt_ctx *gt = t->gt = gt_open();
    gt_manual_seed(gt, seed);
    t->table = gt_keep(gt_zeros(gt, GT_SHAPE(4), .dtype = GT_F64));
    t->own[0] = (gt_named_tensor){"table", t->table};
    t->own[1] = (gt_named_tensor){NULL, NULL};
    gt_module *net = chain_new(gt, 3, 5, 2);
    gt_loader *l = gt_loader_new(points(gt), 4, .shuffle = true, .seed = own_seed ? 5 : 0,
                                 .threads = own_seed ? 3 : 0);
    t->run = (gt_run){.module = net, .loader = l, .tensors = t->own};
    gt_run *r = &t->run;
    if (k == MOMENTUM) r->optimizer = gt_sgd(net, .lr = 0.1, .momentum = 0.9, .nesterov = true);
    else r->optimizer = gt_adam(net, .lr = 0.01, .amsgrad = true);
    if (k == MOMENTUM) gt_optimizer_add_group(r->optimizer, "*.bias", .lr = 0.05);
    if (k == ADAM_COSINE) r->schedule = gt_cosine_annealing_lr(r->optimizer, 20);
    if (k == PLATEAU_EMA) r->schedule = gt_reduce_lr_on_plateau(r->optimizer, .patience = GT_ZERO);
    if (k == PLATEAU_EMA) r->ema = gt_ema_new(net, .warm_up = true);
    t->start = gt_mark_tape(gt);
    assert_well(gt);
}

static double step(training *t, gt_tensor *x, const gt_tensor *y)
{
    gt_ctx *gt = t->gt;
    gt_rewind(gt, t->start);
    gt_tensor *noise = gt_mul_scalar(gt_randn(gt, x->shape), 0.01);
    gt_tensor *out = gt_forward(t->run.module, gt_dropout(gt_add(x, noise), 0.2));
    gt_tensor *want = gt_full(gt, out->shape, (double)element(y, 0));
    gt_tensor *loss = gt_mean(gt_square(gt_sub(out, want)));
    gt_backward(loss);
    gt_optimizer_step(t->run.optimizer);
    if (t->run.schedule) gt_schedule_step_metric(t->run.schedule, gt_item(loss));
    if (t->run.ema) gt_ema_update(t->run.ema);
    assert_well(gt);
    return gt_item(loss);
}

/* Runs until `steps` are done, over the ends of epochs; records in the table. */
static void train(training *t, int64_t steps)
{
    while (t->run.step < steps) {
        gt_tensor *x, *y;
        if (!gt_loader_next(t->run.loader, &x, &y)) {
            assert_well(t->gt);
            t->run.epoch++;
            continue;
        }
        t->run.best = step(t, x, y);
        ((double *)t->table->data)[t->run.step++ % 4] = t->run.best;
    }
}

static void assert_same_numbers(gt_optim_iter a, gt_optim_iter b)
{
    char name[64], other[64];
    while (gt_optim_next(&a)) {
        assert_true(gt_optim_next(&b));
        gt_optim_name(&a, name, sizeof name);
        gt_optim_name(&b, other, sizeof other);
        assert_string_equal(name, other);
        if (!a.tensor != !b.tensor) fail_msg("%s", name);
        if (memcmp(&a.number, &b.number, sizeof a.number)) fail_msg("%s differs", name);
        if (a.tensor && memcmp(a.tensor->data, b.tensor->data, (size_t)a.tensor->size * 4))
            fail_msg("%s differs", name);
    }
    assert_false(gt_optim_next(&b));
}

static void assert_same(const training *a, const training *b)
{
    assert_same_state(a->run.module, b->run.module);
    assert_same_numbers(gt_optimizer_state(a->run.optimizer), gt_optimizer_state(b->run.optimizer));
    assert_same_numbers(gt_schedule_state(a->run.schedule), gt_schedule_state(b->run.schedule));
    assert_same_numbers(gt_ema_state(a->run.ema), gt_ema_state(b->run.ema));
    const gt_loader_state m = gt_loader_get_state(a->run.loader);
    const gt_loader_state n = gt_loader_get_state(b->run.loader);
    assert_memory_equal(&m, &n, sizeof m);
    assert_memory_equal(a->table->data, b->table->data, 4 * sizeof(double));
    assert_true(a->run.epoch == b->run.epoch && a->run.step == b->run.step);
    assert_true(a->run.best == b->run.best);
    const gt_tensor *r = gt_get_random_state(a->gt), *s = gt_get_random_state(b->gt);
    assert_memory_equal(r->data, s->data, (size_t)r->size * sizeof(int64_t));
}

/* 17 steps at once, and cut after each of 1 to 16, the rest in another context. */
static void test_resume(void **state)
{
    (void)state;
    for (int k = 0; k < 2 * N_KINDS; k++) {
        const kind what = (kind)(k / 2);
        training whole;
        begin(&whole, what, 1, k % 2);
        train(&whole, 17);
        for (int64_t cut = 1; cut < 17; cut += k % 2 ? 5 : 1) {
            training first, second;
            begin(&first, what, 1, k % 2);
            begin(&second, what, 99, k % 2);
            train(&first, cut);
            assert_int_equal(gt_run_save(&first.run, file), GT_OK);
            assert_int_equal(gt_run_load(&second.run, file), GT_OK);
            assert_same(&first, &second);
            gt_close(first.gt);
            train(&second, 17);
            assert_same(&whole, &second);
            gt_close(second.gt);
        }
        gt_close(whole.gt);
    }
}

/* Loading replaces what a run has come to in the meantime. */
static void test_go_back(void **state)
{
    (void)state;
    training a, b;
    begin(&a, MOMENTUM, 1, false);
    begin(&b, MOMENTUM, 1, false);
    assert_int_equal(gt_run_save(&a.run, file), GT_OK);
    train(&a, 9);
    assert_int_equal(gt_run_load(&a.run, file), GT_OK);
    assert_same(&a, &b);
    train(&a, 7);
    train(&b, 7);
    assert_same(&a, &b);
    gt_close(a.gt);
    gt_close(b.gt);
}

/* The weights alone, and the caller's metadata. */
static void test_parts(void **state)
{
    (void)state;
    training a;
    begin(&a, MOMENTUM, 1, false);
    train(&a, 3);
    a.run.metadata = GT_METADATA({"commit", "abc"});
    assert_int_equal(gt_run_save(&a.run, file), GT_OK);
    gt_module *net = chain_new(a.gt, 3, 5, 2);
    assert_int_equal(gt_load(net, file, .prefix = "module."), GT_OK);
    assert_same_state(net, a.run.module);
    gt_tensors *list = gt_load_tensors(a.gt, file, .metadata_only = true);
    assert_string_equal(gt_tensors_metadata(list, "commit"), "abc");
    assert_int_equal(gt_load(net, file), GT_ERR_ARGUMENT);
    assert_error(a.gt, GT_ERR_ARGUMENT, "hint: .prefix = \"module.\"");
    gt_close(a.gt);
}

/* --- what does not fit --- */

/* Loading fails, and changes nothing. */
static void check(const gt_run *run, gt_status code, const char *message)
{
    char before[400], after[400];
    snprintf(before, sizeof before, "%s/before", folder);
    snprintf(after, sizeof after, "%s/after", folder);
    gt_run copy = *run;
    gt_ctx *gt = run->module->ctx;
    copy.step = 77;
    assert_int_equal(gt_run_save(&copy, before), GT_OK);
    const gt_status status = gt_run_load(&copy, file);
    assert_int_equal(status, code);
    assert_error(gt, code, message);
    assert_int_equal(gt_run_save(&copy, after), GT_OK);
    size_t n, m;
    unsigned char *was = read_bytes(before, &n), *is = read_bytes(after, &m);
    assert_int_equal(n, m);
    assert_memory_equal(was, is, n);
    free(was);
    free(is);
}

static void test_misfits(void **state)
{
    (void)state;
    training a, b;
    begin(&a, PLATEAU_EMA, 1, false);
    begin(&b, PLATEAU_EMA, 2, false);
    train(&a, 3);
    assert_int_equal(gt_run_save(&a.run, file), GT_OK);
    gt_run r = b.run;
    r.optimizer = NULL;
    check(&r, GT_ERR_ARGUMENT, "has a state for 'optimizer', which the run has not");
    r = b.run, r.ema = NULL;
    check(&r, GT_ERR_ARGUMENT, "hint: .ema = ...");
    r = b.run, r.loader = NULL;
    check(&r, GT_ERR_ARGUMENT, "has a state for 'loader'");
    r = b.run, r.tensors = NULL;
    check(&r, GT_ERR_ARGUMENT, "has 'tensor.table', which the run has not");
    r = b.run, r.tensors = GT_TENSORS({"table", gt_zeros(b.gt, GT_SCALAR)});
    check(&r, GT_ERR_ARGUMENT, "has 'tensor.table' as F64 [4], but the run needs f32 []");
    r = b.run, r.tensors = GT_TENSORS({"chair", b.table});
    check(&r, GT_ERR_ARGUMENT, "has 'tensor.chair' as nothing");
    r = b.run, r.module = chain_new(b.gt, 3, 6, 2);
    check(&r, GT_ERR_SHAPE, "misshaped: module.0.weight is F32 [3,5], not f32 [3,6]");
    r = b.run, r.schedule = gt_step_lr(b.run.optimizer, 3);
    check(&r, GT_ERR_ARGUMENT,
          "has the state of 'ReduceLROnPlateau', but the run's schedule is 'StepLR'");
    r = b.run, r.optimizer = gt_adam(gt_module_child(b.run.module, "0"));
    check(&r, GT_ERR_ARGUMENT, "has 'optimizer.number.0.weight.step', which the run's optimizer");
    r = b.run, r.ema = gt_ema_new(gt_module_child(b.run.module, "0"));
    check(&r, GT_ERR_ARGUMENT, "has 'ema.tensor.0.weight.shadow', which the run's ema has not");
    r = b.run, r.loader = gt_loader_new(points(b.gt), 22, .shuffle = true);
    check(&r, GT_ERR_ARGUMENT, "gt_loader_set_state");
    r = b.run, r.module = chain_new(b.gt, 3, 5, 2);
    assert_int_equal(gt_module_to(r.module, GT_F64), GT_OK);
    r.optimizer = gt_adam(r.module), r.schedule = gt_reduce_lr_on_plateau(r.optimizer);
    r.ema = gt_ema_new(r.module);
    check(&r, GT_ERR_ARGUMENT, "as F32 [3,5], but its parameter is f64");

    training c;
    begin(&c, MOMENTUM, 1, false);
    assert_int_equal(gt_run_save(&c.run, file), GT_OK);
    r = b.run, r.schedule = NULL, r.ema = NULL;
    check(&r, GT_ERR_ARGUMENT, "has the state of 'SGD', but the run's optimizer is 'Adam'");
    r = b.run, r.optimizer = c.run.optimizer;
    check(&r, GT_ERR_ARGUMENT, "has no state for 'schedule', which the run has");
    assert_int_equal(gt_save(b.run.module, file), GT_OK);
    check(&b.run, GT_ERR_FORMAT, "hint: gt_load reads weights alone");
    const gt_metadata later[] = {{"gradtape.run", "2"}, {NULL, NULL}};
    assert_int_equal(gt_save(b.run.module, file, .metadata = later), GT_OK);
    check(&b.run, GT_ERR_UNSUPPORTED, "has layout 2, not 1");
    gt_close(a.gt);
    gt_close(b.gt);
    gt_close(c.gt);
}

static void test_bad_calls(void **state)
{
    (void)state;
    training a;
    begin(&a, PLATEAU_EMA, 1, false);
    gt_run none = {.module = NULL};
    assert_int_equal(gt_run_save(NULL, file), GT_ERR_ARGUMENT);
    assert_error(NULL, GT_ERR_ARGUMENT, "gt_run_save (test_run.c:");
    assert_int_equal(gt_run_load(&none, file), GT_ERR_ARGUMENT);
    assert_error(NULL, GT_ERR_ARGUMENT, "the module is NULL");
    assert_int_equal(gt_run_load(&a.run, file), GT_ERR_IO);
    assert_error(a.gt, GT_ERR_IO, "cannot be read: No such file");
    train(&a, 2);
    gt_ema_swap(a.run.ema);
    assert_int_equal(gt_run_save(&a.run, file), GT_ERR_STATE);
    assert_error(a.gt, GT_ERR_STATE, "hint: gt_ema_swap");
    gt_ema_swap(a.run.ema);
    gt_run r = a.run;
    r.module = chain_new(a.gt, 0, 2, 2);
    assert_int_equal(gt_run_save(&r, file), GT_ERR_STATE);
    assert_error(a.gt, GT_ERR_STATE, "LazyDense '0'");
    r = a.run, r.tensors = GT_TENSORS({"x", NULL});
    assert_int_equal(gt_run_save(&r, file), GT_ERR_ARGUMENT);
    assert_error(a.gt, GT_ERR_ARGUMENT, "the tensor 'x' is NULL");
    assert_int_equal(count_files(false), 0);
    gt_close(a.gt);
}

/* --- the generator --- */

static void test_random_state(void **state)
{
    (void)state;
    gt_ctx *a = gt_open(), *b = gt_open();
    gt_manual_seed(a, 7);
    gt_randn(a, GT_SHAPE(3)); /* leaves half a pair */
    gt_dropout(gt_ones(a, GT_SHAPE(4)), 0.5);
    gt_tensor *s = gt_get_random_state(a);
    assert_int_equal(gt_set_random_state(b, s), GT_OK);
    for (int i = 0; i < 3; i++) {
        const gt_tensor *x = gt_randn(a, GT_SHAPE(301)), *y = gt_randn(b, GT_SHAPE(301));
        assert_memory_equal(x->data, y->data, 301 * sizeof(float));
        x = gt_dropout(gt_ones(a, GT_SHAPE(99)), 0.5);
        y = gt_dropout(gt_ones(b, GT_SHAPE(99)), 0.5);
        assert_memory_equal(x->data, y->data, 99 * sizeof(float));
    }
    static const struct {
        int at;
        int64_t value;
    } bad[] = {{0, -1}, {623, INT64_C(1) << 32}, {624, 625}, {624, -1}, {625, 2}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        gt_tensor *t = gt_from(a, s->shape, s->data, .dtype = GT_I64);
        ((int64_t *)t->data)[bad[i].at] = bad[i].value;
        assert_int_equal(gt_set_random_state(a, t), GT_ERR_ARGUMENT);
        assert_error(a, GT_ERR_ARGUMENT, "no state of a generator");
    }
    assert_int_equal(gt_set_random_state(a, gt_zeros(a, s->shape)), GT_ERR_DTYPE);
    assert_error(a, GT_ERR_DTYPE, "as gt_get_random_state makes it");
    assert_int_equal(gt_set_random_state(a, gt_zeros(a, GT_SCALAR, .dtype = GT_I64)), GT_ERR_SHAPE);
    assert_error(a, GT_ERR_SHAPE, "the state is i64 []");
    assert_int_equal(gt_set_random_state(a, NULL), GT_ERR_ARGUMENT);
    assert_error(a, GT_ERR_ARGUMENT, "gt_set_random_state (test_run.c:");
    gt_close(a);
    gt_close(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_resume),  TEST(test_go_back),   TEST(test_parts),
        TEST(test_misfits), TEST(test_bad_calls), cmocka_unit_test(test_random_state),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
