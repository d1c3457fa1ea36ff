/* The profiler: what it notes of operations, tables and traces of that, and what it refuses. */
#define _POSIX_C_SOURCE 200809L
#include <stdarg.h>

#include "engine/context.h"
#include "networks.h"
#include "trace.h"

enum { ROWS = 100 };

static gt_profile_row row[ROWS];

static int64_t rows_by(gt_profile *p, gt_profile_by by, int depth)
{
    const int64_t n = gt_profile_rows(p, row, ROWS, .by = by, .depth = depth);
    assert_in_range(n, 0, ROWS);
    return n;
}

static const gt_profile_row *find(const char *name, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        if (!strcmp(row[i].name, name)) return &row[i];
    fail_msg("there is no row '%s'", name);
    return NULL;
}

/* --- what is noted --- */

typedef struct {
    gt_module *net;
    gt_optimizer *sgd;
    gt_tensor *x, *labels;
} training;

static training begin_training(gt_ctx *gt)
{
    training t = {.net = lenet(gt)};
    t.sgd = gt_sgd(t.net, .lr = 0.01, .momentum = 0.9);
    t.x = gt_keep(gt_randn(gt, GT_SHAPE(4, 1, 28, 28)));
    t.labels = gt_keep(gt_zeros(gt, GT_SHAPE(4), .dtype = GT_I64));
    return t;
}

static gt_tensor *learn(gt_ctx *gt, void *user)
{
    const training *t = user;
    (void)gt;
    gt_tensor *loss = gt_cross_entropy(gt_forward(t->net, t->x), t->labels);
    gt_zero_grad(t->net);
    gt_backward(loss);
    gt_clip_grad_norm(t->net, 1);
    gt_optimizer_step(t->sgd);
    return loss;
}

static gt_profile *profile_steps(gt_ctx *gt, training *t, int steps, bool replayed)
{
    const gt_mark start = gt_mark_tape(gt);
    gt_captured *c = replayed ? gt_capture(gt, learn, t) : NULL;
    if (c) gt_replay(c);
    gt_profile *p = gt_profile_begin(gt);
    for (int i = 0; i < steps; i++) {
        gt_rewind(gt, start);
        if (c) gt_replay(c);
        else learn(gt, t);
    }
    assert_int_equal(gt_profile_end(p), GT_OK);
    return p;
}

static void check_lenet(gt_profile *p, int steps)
{
    int64_t n = rows_by(p, GT_BY_OPERATION, 0);
    const gt_profile_row *conv = find("conv2d", n);
    /* multiply-adds of 4 images: 28 x 28 x 6 x 25 and 10 x 10 x 16 x 6 x 25 */
    assert_int_equal(conv->calls, 2 * steps);
    assert_true(conv->flops == 2.0 * 4 * steps * (28 * 28 * 6 * 25 + 10 * 10 * 16 * 6 * 25));
    assert_int_equal(conv->parts, 1 << GT_PART_FORWARD);
    assert_true(conv->seconds > 0 && conv->least <= conv->longest && conv->busy > 0);
    assert_int_equal(find("conv2d_dw", n)->parts, 1 << GT_PART_BACKWARD);
    assert_int_equal(find("conv2d_dx", n)->calls, steps);
    assert_int_equal(find("sgd_momentum_step", n)->parts, 1 << GT_PART_UPDATE);
    assert_int_equal(find("sgd_momentum_step", n)->calls, 10 * steps);
    assert_int_equal(find("clip_norm", n)->parts, 1 << GT_PART_UPDATE);
    n = rows_by(p, GT_BY_MODULE, 0);
    const gt_profile_row *first = find("0", n);
    assert_int_equal(first->parts, 7); /* forward, its gradient, and its update */
    n = rows_by(p, GT_BY_PART, 0);
    assert_int_equal(n, 3);
    n = rows_by(p, GT_BY_SHAPE, 0);
    assert_int_equal(find("conv2d [4,6,14,14] [16,6,5,5] [16] f32", n)->calls, steps);
}

/* Nodes of a module's graph find the calls that are their like; views run nothing. */
static void a_graph_has_times(void **state)
{
    gt_ctx *gt = *state;
    training t = begin_training(gt);
    gt_graph *g = gt_module_graph(t.net, GT_SHAPE(4, 1, 28, 28), .backward = true);
    assert_int_equal(gt_graph_save(g, GT_BINARY_DIR "/tests/times.dot", .heat = GT_HEAT_TIME),
                     GT_ERR_ARGUMENT);
    assert_error(gt, GT_ERR_ARGUMENT, "no node has a time\n  hint: gt_graph_set_times");
    assert_true(gt_graph_set_times(g, profile_steps(gt, &t, 2, false)) > 20);
    for (int i = 0; i < g->n_nodes; i++)
        if ((g->node[i].seconds > 0) == !!(g->node[i].op->flags & GT_OP_VIEW))
            fail_msg("node %d, %s: %g s", i, g->node[i].op->name, g->node[i].seconds);
    assert_int_equal(gt_graph_save(g, GT_BINARY_DIR "/tests/times.dot", .heat = GT_HEAT_TIME),
                     GT_OK);
    assert_int_equal(gt_graph_set_times(NULL, NULL), -1);
    gt_error_clear(NULL);
    gt_graph_free(g);
}

static void a_step_is_noted(void **state)
{
    gt_ctx *gt = *state;
    training t = begin_training(gt);
    for (int replayed = 0; replayed < 2; replayed++) {
        gt_profile *p = profile_steps(gt, &t, 3, replayed);
        check_lenet(p, 3);
        gt_profile_free(p);
    }
    assert_well(gt);
}

static gt_tensor *chain(gt_ctx *gt, void *user)
{
    (void)gt;
    return gt_capture_output(gt_neg(gt_exp(gt_square(user))));
}

/* What replays run in turns is one row, with the work of all. */
static void chains_are_noted(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *x = gt_keep(gt_ones(gt, GT_SHAPE(2000)));
    gt_captured *c = gt_capture(gt, chain, x);
    gt_profile *p = gt_profile_begin(gt);
    gt_replay(c);
    gt_profile_end(p);
    const gt_profile_row *all = find("square + exp + neg", rows_by(p, GT_BY_OPERATION, 0));
    assert_true(all->flops == 6000 && all->bytes == 6000 * 8);
    assert_well(gt);
}

/* Profiles change nothing that is computed. */
static void results_are_the_same_bits(void **state)
{
    (void)state;
    double loss[2];
    for (int profiled = 0; profiled < 2; profiled++) {
        gt_ctx *gt = gt_open();
        gti_threads_set_part_work(gt, 1);
        gt_set_threads(gt, 3);
        training t = begin_training(gt);
        if (profiled) gt_profile_begin(gt);
        for (int i = 0; i < 3; i++) loss[profiled] = gt_item(learn(gt, &t));
        assert_well(gt);
        gt_close(gt); /* with a profile that runs */
    }
    assert_true(loss[0] == loss[1]);
}

static void rows_are_folded_and_sorted(void **state)
{
    gt_ctx *gt = *state;
    const gt_scope net = {.name = "net"}, a = {.name = "a", .parent = &net},
                   b = {.name = "b", .parent = &a};
    gt_tensor *x = gt_ones(gt, GT_SHAPE(10)), *many = gt_ones(gt, GT_SHAPE(200, 1000));
    gt_profile *p = gt_profile_begin(gt);
    gt_exp(many);
    const gt_scope *const scopes[] = {&net, &a, &b};
    for (int i = 0; i < 3; i++) {
        gt_set_scope(gt, scopes[i]);
        gt_neg(gt_reshape(x, GT_SHAPE(2, 5)));
    }
    gt_set_scope(gt, NULL);
    gt_profile_end(p);
    assert_int_equal(rows_by(p, GT_BY_OPERATION, 0), 2);
    assert_true(row[0].seconds >= row[1].seconds); /* two: views are none */
    gt_profile_rows(p, row, ROWS, .sort = GT_SORT_CALLS);
    assert_string_equal(row[0].name, "neg");
    static const int64_t rows_at_depth[] = {4, 2, 3, 4};
    for (int depth = 0; depth < 4; depth++)
        assert_int_equal(rows_by(p, GT_BY_MODULE, depth), rows_at_depth[depth]);
    assert_int_equal(find("net.a", rows_by(p, GT_BY_MODULE, 2))->calls, 2);
    assert_int_equal(find("(none)", rows_by(p, GT_BY_MODULE, 0))->calls, 1);
    assert_int_equal(gt_profile_rows(p, row, 1), 2); /* writes one, knows of two */
    assert_well(gt);
}

/* --- tables --- */

static char *printed(gt_profile *p, gt_profile_print_opts opts)
{
    char *text;
    size_t size;
    FILE *f = open_memstream(&text, &size);
    assert_int_equal(gt_profile_print_(p, f, opts), GT_OK);
    fclose(f);
    return text;
}

static void expect(const char *text, const char *part)
{
    if (!strstr(text, part)) fail_msg("no \"%s\" in\n%s", part, text);
}

static void tables_are_printed(void **state)
{
    gt_ctx *gt = *state;
    training t = begin_training(gt);
    gt_profile *p = profile_steps(gt, &t, 2, false);
    char *text = printed(p, (gt_profile_print_opts){0});
    static const char *const parts[] = {
        "operations: forward ", "GFLOP/s f32", "memcpy ", "Operation", "conv2d_d", "backward"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) expect(text, parts[i]);
    free(text);
    text = printed(p, (gt_profile_print_opts){.most = 3});
    expect(text, " more)");
    free(text);
    text = printed(p, (gt_profile_print_opts){.by = GT_BY_MODULE, .sort = GT_SORT_NAME});
    expect(text, "Module ");
    free(text);
    gt_profile_print(p, NULL);
    assert_error(gt, GT_ERR_ARGUMENT, "the file is NULL");
    gt_profile_print(p, stdout, .depth = -1);
    assert_error(gt, GT_ERR_ARGUMENT, "depth is -1");
    gt_profile_print(p, stdout, .most = -1);
    assert_error(gt, GT_ERR_ARGUMENT, "most is -1, must not be negative");
    gt_profile_print(p, stdout, .by = (gt_profile_by)9);
    assert_error(gt, GT_ERR_ARGUMENT, "by is 9, must be one of GT_BY_");
    gt_profile_print(p, stdout, .sort = (gt_profile_sort)9);
    assert_error(gt, GT_ERR_ARGUMENT, "sort is 9, must be one of GT_SORT_");
}

/* --- spans and traces --- */

static const char *const hostile[] = {"quote \" backslash \\",
                                      "line\nbreak\ttab \x01",
                                      "\xff\xc3\x28 no UTF-8",
                                      "\xe2\x82\xac",
                                      "",
                                      "</script>"};

static void traces_open(void **state)
{
    gt_ctx *gt = *state;
    gti_threads_set_part_work(gt, 1);
    gt_set_threads(gt, 3);
    training t = begin_training(gt);
    gt_profile *p = gt_profile_begin(gt);
    const gt_span outer = gt_span_begin(gt, "outer"), inner = gt_span_begin(gt, "inner");
    learn(gt, &t);
    gt_span_end(gt, inner);
    gt_span_end(gt, outer);
    for (size_t i = 0; i < sizeof hostile / sizeof *hostile; i++) {
        const gt_scope module = {.name = hostile[i]};
        const gt_span span = gt_span_begin(gt, hostile[i]);
        gt_set_scope(gt, &module);
        gt_exp(t.x);
        gt_set_scope(gt, NULL);
        gt_span_end(gt, span);
        gt_span_add(gt, hostile[i], hostile[i], span.began, gt_clock());
    }
    const gt_span first = gt_span_begin(gt, "first"), second = gt_span_begin(gt, "second");
    gt_span_end(gt, first); /* they do not nest */
    gt_exp(t.x);
    gt_span_end(gt, second);
    assert_int_equal(gt_profile_end(p), GT_OK);
    assert_int_equal(gt_profile_save_trace(p, scratch("trace.json")), GT_OK);
    const trace *read = trace_of_file(scratch("trace.json"));
    int slices = 0, lines = 0, stages = 0, memory = 0, euro = 0;
    for (int i = 0; i < read->n; i++) {
        const trace_event *e = &read->at[i];
        slices += e->phase == 'X';
        lines += !strcmp(e->name, "thread_name");
        stages += e->category && !strcmp(e->category, "stage");
        memory += e->phase == 'C';
        euro += !strcmp(e->name, "\xe2\x82\xac");
    }
    assert_true(slices > 100 && stages > 10 && memory > 50);
    assert_in_range(lines, 1 + 6, 3 + 6); /* the context's, workers, those of gt_span_add */
    assert_int_equal(euro, 3);            /* span, module, span added */
}

/* Without room for events tables are whole. */
static void events_have_an_end(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *x = gt_ones(gt, GT_SHAPE(10));
    for (int most = 0; most < 2; most++) {
        gt_profile *p = gt_profile_begin(gt, .most_events = most ? 7 : GT_ZERO);
        for (int i = 0; i < 100; i++) gt_exp(x);
        gt_profile_end(p);
        assert_int_equal(find("exp", rows_by(p, GT_BY_OPERATION, 0))->calls, 100);
        char *text = most ? printed(p, (gt_profile_print_opts){0}) : NULL;
        if (most) expect(text, "\n93 events are not in the trace");
        free(text);
        assert_int_equal(gt_profile_save_trace(p, scratch("few.json")), GT_OK);
        int operations = 0;
        const trace *t = trace_of_file(scratch("few.json"));
        for (int i = 0; i < t->n; i++)
            operations += t->at[i].category && !strcmp(t->at[i].category, "operation");
        assert_int_equal(operations, 7 * most);
    }
}

static void loaders_are_seen(void **state)
{
    gt_ctx *gt = *state;
    gt_dataset *d = gt_generated_digits(gt, 64);
    for (int threads = 0; threads < 3; threads += 2) {
        gt_loader *l = gt_loader_new(d, 16, .threads = threads);
        gt_tensor *x, *y;
        gt_profile *p = gt_profile_begin(gt);
        while (gt_loader_next(l, &x, &y)) gt_exp(x);
        gt_profile_end(p);
        const int64_t n = rows_by(p, GT_BY_SPAN, 0);
        assert_int_equal(find("gt_loader_next", n)->calls, 5); /* the last one finds the end */
        if (threads) assert_int_equal(find("batch made", n)->calls, 4);
        else assert_int_equal(n, 1);
        assert_int_equal(gt_profile_save_trace(p, scratch("loader.json")), GT_OK);
        trace_of_file(scratch("loader.json"));
    }
    gt_profile *p = gt_profile_begin(gt);
    gt_module *net = gt_nn_linear(gt, 2, 3);
    assert_int_equal(gt_save(net, scratch("net.safetensors")), GT_OK);
    assert_int_equal(gt_load(net, scratch("net.safetensors")), GT_OK);
    gt_profile_end(p);
    char *text = printed(p, (gt_profile_print_opts){.by = GT_BY_SPAN});
    expect(text, "\nSpan ");
    expect(text, "\ngt_save ");
    expect(text, "\ngt_load ");
    free(text);
    assert_well(gt);
}

/* --- what is refused --- */

static void wrong_times(void **state)
{
    gt_ctx *gt = *state;
    gt_profile *p = gt_profile_begin(gt);
    assert_null(gt_profile_begin(gt));
    assert_error(gt, GT_ERR_STATE, "a profile of this context is running");
    gt_profile_print(p, stdout);
    assert_error(gt, GT_ERR_STATE, "end it first");
    assert_int_equal(gt_profile_rows(p, NULL, 0), -1);
    assert_error(gt, GT_ERR_STATE, "gt_profile_rows");
    assert_int_equal(gt_profile_save_trace(p, scratch("no.json")), GT_ERR_STATE);
    assert_error(gt, GT_ERR_STATE, "gt_profile_save_trace");
    assert_int_equal(gt_profile_end(p), GT_OK);
    gt_profile_end(p);
    assert_error(gt, GT_ERR_STATE, "has ended");
    gt_profile_free(p);
    gt_profile_free(p);
    gt_profile_print(p, stdout);
    assert_error(gt, GT_ERR_STATE, "was freed");
    assert_null(gt_profile_begin(gt, .most_events = -1));
    assert_error(gt, GT_ERR_ARGUMENT, "most_events is -1");
    gt_span_end(gt, gt_span_begin(gt, "in none"));
    gt_span_add(gt, "line", "in none", 0, 1);
    assert_null(gt_profile_begin(NULL));
    assert_int_equal(gt_profile_end(NULL), GT_ERR_ARGUMENT);
    gt_profile_free(NULL);
    gt_error_clear(NULL);
    assert_well(gt);
}

/* What has failed in between ends a profile all the same, and what ran before can be read. */
static void failures_in_between(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *x = gt_ones(gt, GT_SHAPE(2)), *y = gt_ones(gt, GT_SHAPE(3));
    gt_profile *p = gt_profile_begin(gt);
    gt_exp(x);
    gt_add(x, y);
    assert_int_equal(gt_profile_end(p), GT_ERR_SHAPE);
    gt_error_clear(gt);
    assert_int_equal(find("exp", rows_by(p, GT_BY_OPERATION, 0))->calls, 1);
    p = gt_profile_begin(gt);
    gt_exp(x);
    gt_profile_free(p); /* ends it */
    assert_non_null(gt_profile_begin(gt));
    assert_well(gt);
}

static void ceilings_are_measured(void **state)
{
    gt_ctx *gt = *state;
    assert_true(gt_measure_flops(gt, GT_F32, 1e-4) > 0);
    assert_true(gt_measure_flops(gt, GT_F64, 1e-4) > 0);
    assert_true(gt_measure_copy(gt, 1 << 12, 1e-4) > 0);
    assert_true(gt_measure_flops(gt, GT_I64, 1e-4) == 0);
    assert_error(gt, GT_ERR_ARGUMENT, "f32 or f64");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_context, close_context)
        TEST(a_graph_has_times),
        TEST(a_step_is_noted),
        TEST(chains_are_noted),
        TEST(results_are_the_same_bits),
        TEST(rows_are_folded_and_sorted),
        TEST(tables_are_printed),
        TEST(traces_open),
        TEST(events_have_an_end),
        TEST(loaders_are_seen),
        TEST(wrong_times),
        TEST(failures_in_between),
        TEST(ceilings_are_measured),
    };
    return cmocka_run_group_tests(tests, NULL, remove_scratch);
}
