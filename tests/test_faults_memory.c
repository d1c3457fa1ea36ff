/* Memory runs out, at one request after the other, in what stands beside networks and optimizers:
 * contexts, data, training, derivatives of functions, the checker, pictures. */
#define _GNU_SOURCE
#include "faults_world.h"

static gt_module *small_net(gt_ctx *gt)
{
    return gt_nn_sequential(gt, gt_nn_linear(gt, 3, 4), gt_nn_batch_norm1d(gt, 4), gt_nn_relu(gt),
                            gt_nn_linear(gt, 4, 2));
}

static gt_dataset *points(gt_ctx *gt)
{
    gt_tensor *x = gt_rand(gt, GT_SHAPE(10, 3)), *y = gt_zeros(gt, GT_SHAPE(10), .dtype = GT_I64);
    for (int64_t i = 0; i < y->size; i++) ((int64_t *)y->data)[i] = i % 2;
    return gt_tensor_dataset(x, y);
}

static void with_net(world *w)
{
    w->net = small_net(w->gt);
    w->x = gt_keep(gt_rand(w->gt, GT_SHAPE(5, 3)));
}

static void with_f64(world *w)
{
    with_net(w);
    gt_module_to(w->net, GT_F64);
    w->x = gt_keep(gt_cast(w->x, GT_F64));
}

static void with_data(world *w)
{
    with_net(w);
    w->data = points(w->gt);
}

/* --- data and training --- */

static void load_batches(world *w, int threads)
{
    gt_loader *l = gt_loader_new(w->data, 4, .shuffle = true, .threads = threads);
    gt_tensor *x, *y;
    for (int i = 0; l && i < 4; i++) gt_loader_next(l, &x, &y);
    gt_loader_free(l);
}

static void load_alone(world *w)
{
    load_batches(w, 0);
}

static void load_in_threads(world *w)
{
    load_batches(w, 2);
}

static void split(world *w)
{
    gt_dataset *part[2];
    gt_random_split(w->data, GT_LENGTHS(0.5, 0.5), part, .seed = 2);
    gt_random_split(w->data, GT_LENGTHS(0.5, 0.5), part);
    gt_dataset_cached(gt_dataset_concat(w->data, w->data));
    gt_subset(w->data, 2, 5);
    gt_generated_digits(w->gt, 3);
}

static void fit(world *w)
{
    gt_optimizer *o = gt_sgd(w->net, .lr = 0.1, .momentum = 0.9);
    gt_loader *train = gt_loader_new(w->data, 4, .shuffle = true);
    gt_loader *valid = gt_loader_new(w->data, 5);
    if (o && train && valid) gt_fit(w->net, o, train, .valid = valid, .epochs = 2, .patience = 3);
}

static void with_history(world *w)
{
    w->history = gt_history_new(w->gt);
    gt_history_set(w->history, 1, "loss", 0.5);
}

static void extend_history(world *w)
{
    gt_history_set(w->history, 2, "another", 0.25);
}

static void plot(world *w)
{
    FILE *f = fopen("/dev/null", "w");
    if (f) gt_history_plot(w->history, f, .width = 60, .height = 8);
    if (f) fclose(f);
}

static void measure(world *w)
{
    gt_tensor *logits = gt_rand(w->gt, GT_SHAPE(4, 3));
    gt_tensor *labels = gt_zeros(w->gt, GT_SHAPE(4), .dtype = GT_I64);
    if (!logits || !labels) return;
    gt_tensor *matrix = gt_confusion(logits, labels);
    if (!matrix) return;
    gt_average_scores(matrix, GT_MACRO);
    gt_accuracy(logits, labels);
    gt_top_k_accuracy(logits, labels, 2);
}

/* --- the engine's own --- */

static gt_tensor *powers(gt_ctx *gt, gt_tensor *const in[], void *user)
{
    (void)gt, (void)user;
    return gt_sum(gt_mul(gt_square(in[0]), gt_exp(in[1])));
}

static gt_tensor *twice(gt_ctx *gt, gt_tensor *const in[], void *user)
{
    return gt_checkpoint(gt, powers, user, in, 2);
}

static void with_pair(world *w)
{
    w->x = gt_keep(gt_rand(w->gt, GT_SHAPE(3), .dtype = GT_F64, .requires_grad = true));
    w->y = gt_keep(gt_rand(w->gt, GT_SHAPE(3), .dtype = GT_F64, .requires_grad = true));
}

static void differentiate(world *w)
{
    gt_tensor *in[2] = {w->x, w->y}, *to[4], *one;
    gt_jacobian(w->gt, powers, NULL, in, 2, to);
    gt_jacobian(w->gt, powers, NULL, in, 2, to, .create_graph = true);
    gt_hessian(w->gt, powers, NULL, in, 2, to);
    gt_vjp(w->gt, powers, NULL, in, 2, NULL, to);
    gt_jvp(w->gt, powers, NULL, in, 2, in, &one);
    gt_hvp(w->gt, powers, NULL, in, 2, in, to);
}

static void recompute(world *w)
{
    gt_tensor *y = gt_checkpoint(w->gt, twice, NULL, ((gt_tensor *[]){w->x, w->y}), 2);
    if (y) gt_backward(y, .create_graph = true);
}

static gt_tensor *see_gradient(gt_tensor *g, void *user)
{
    (void)user;
    return gt_mul_scalar(g, 2);
}

static void hook_tensors(world *w)
{
    if (gt_hook(w->x, see_gradient, w) != GT_OK) return;
    gt_tensor *y = gt_set_name(gt_mul(w->x, w->y), "product");
    if (y) gt_hook(y, see_gradient, NULL);
    gt_backward(gt_sum(y));
    gt_unhook(w->x, see_gradient, w);
}

static void check_gradients(world *w)
{
    gt_gradcheck_report r;
    const gt_verdict v = gt_gradcheck(w->gt, powers, NULL, ((gt_tensor *[]){w->x, w->y}), 2,
                                      &(gt_gradcheck_opts){.order = 2}, &r);
    if (v != GT_PASS) gt_fail(w->gt, GT_ERR_MEMORY, "check", "%s", r.message);
    if (v != GT_PASS && !strstr(r.message, "memory")) fail_msg("%s", r.message);
}

static void check_module(world *w)
{
    gt_gradcheck_report r;
    const gt_verdict v = gt_gradcheck_module(w->gt, w->net, w->x, NULL, &r);
    if (v == GT_FAIL) gt_fail(w->gt, GT_ERR_MEMORY, "check", "%s", r.message);
    if (v == GT_FAIL && !strstr(r.message, "memory")) fail_msg("%s", r.message);
}

static void draw(world *w)
{
    FILE *f = fopen("/dev/null", "w");
    gt_tensor *y = gt_forward(w->net, w->x);
    gt_graph_free(gt_module_graph(w->net, w->x->shape, .backward = true));
    if (f && y && gt_graph_write_dot(y, f) == GT_OK) (void)(gt_tape_write_dot(w->gt, f) == GT_OK);
    if (f) fclose(f);
}

/* Operations go on where nothing more can be noted of them. */
static void profile(world *w)
{
    gt_profile_row row[4];
    gt_profile *p = gt_profile_begin(w->gt);
    if (!p) return;
    const gt_span span = gt_span_begin(w->gt, "span");
    powers(w->gt, (gt_tensor *[]){w->x, w->y}, NULL);
    gt_span_end(w->gt, span);
    gt_span_add(w->gt, "line", "span", span.began, gt_clock());
    if (gt_profile_end(p) == GT_OK &&
        gt_profile_rows(p, row, 4, .by = GT_BY_MODULE, .depth = 1) > 0)
        assert_int_equal(row[0].calls, 4);
    gt_measure_copy(w->gt, 64, 0);
    gt_profile_free(p);
}

static void work(world *w)
{
    gt_work work;
    gt_op_work(w->gt, &gt_op_exp, NULL, 1, &(gt_kind){GT_SHAPE(3), GT_F32}, &work, NULL);
}

static void print(world *w)
{
    FILE *f = fopen("/dev/null", "w");
    if (f) gt_print(f, w->x);
    if (f) fclose(f);
}

static const program programs[] = {
    {"a loader", with_data, load_alone, .whole = false},
    {"a loader with threads", with_data, load_in_threads, .whole = false},
    {"datasets", with_data, split, .whole = false},
    {"gt_fit", with_data, fit, .whole = false},
    {"gt_history_set", with_history, extend_history, .whole = true},
    {"gt_history_plot", with_history, plot, .whole = true},
    {"metrics", NULL, measure, .whole = false},
    {"derivatives of functions", with_pair, differentiate, .whole = true},
    {"gt_checkpoint", with_pair, recompute, .whole = false},
    {"hooks", with_pair, hook_tensors, .whole = false},
    {"gt_gradcheck", with_pair, check_gradients, .whole = true},
    {"gt_gradcheck_module", with_f64, check_module, .whole = true},
    {"graphs", with_net, draw, .whole = false},
    {"gt_print", with_net, print, .whole = true},
    {"gt_profile", with_pair, profile, .whole = false},
    {"gt_op_work", NULL, work, .whole = true},
};

/* Opening a context fails without a context. */
static void opening_runs_out_of_memory(void **state)
{
    (void)state;
    faults_count_program();
    for (fault_sweep s = faults_sweep_begin(FAULT_MEMORY, false, 0, 0); faults_sweep_next(&s);) {
        gt_ctx *gt = gt_open();
        const bool hit = faults_sweep_hit(&s);
        assert_int_equal(gt_error_code(gt), hit ? GT_ERR_MEMORY : GT_OK);
        assert_null(hit ? gt_ones(gt, GT_SHAPE(2)) : NULL);
        gt_close(gt);
    }
}

int main(void)
{
    const struct CMUnitTest opening[] = {cmocka_unit_test(opening_runs_out_of_memory)};
    return cmocka_run_group_tests(opening, NULL, NULL) ||
           RUN_PROGRAMS(programs, program_runs_out_of_memory);
}
