/* Trees of modules of any width, in linear time, and as deep as is said, and no deeper. */
#define _POSIX_C_SOURCE 200809L
#include "networks.h"

#include <pthread.h>

#include "files.h"

enum { MANY = 20000 };

/* --- wide --- */

typedef struct {
    gt_module module;
    gt_tensor *seen; /* also a buffer */
} counter;

static gt_tensor *forward_counter(gt_module *m, gt_tensor *x)
{
    (void)m;
    return x;
}

static const gt_module_type counter_type = {
    .name = "Counter", .size = sizeof(counter), .forward = forward_counter};

static gt_module *new_counter(gt_ctx *gt, int number)
{
    gt_module *m = gt_module_new(gt, &counter_type);
    ((counter *)m)->seen = gt_module_add_buffer(m, "seen", gt_scalar(gt, number));
    return m;
}

static gt_module *many_counters(gt_ctx *gt)
{
    gt_module *net = gt_nn_sequential_empty(gt);
    for (int i = 0; i < MANY; i++) gt_module_append(net, new_counter(gt, i));
    return net;
}

/* Every child by its index and its path, with a struct that points to its own buffer. */
static void assert_counters(gt_module *net, int shift)
{
    for (int i = 0; i < MANY; i++) {
        char path[32];
        snprintf(path, sizeof path, "%d.seen", i);
        gt_module *m = gt_module_nth(net, i);
        assert_ptr_equal(((counter *)m)->seen, gt_module_buffer(net, path));
        assert_true(gt_item(((counter *)m)->seen) == (i + shift) % MANY);
    }
}

static void test_wide(void **state)
{
    gt_ctx *gt = *state;
    gt_module *net = many_counters(gt), *copy = gt_module_copy(net);
    assert_counters(copy, 0);
    assert_ptr_not_equal(gt_module_nth(copy, 7), gt_module_nth(net, 7));
    assert_int_equal(gt_module_to(copy, GT_F64), GT_OK);
    assert_int_equal(((counter *)gt_module_nth(copy, MANY - 1))->seen->dtype, GT_F64);
    assert_counters(copy, 0);
    gt_module *first = gt_module_insert(net, 0, new_counter(gt, MANY - 1));
    assert_ptr_equal(gt_module_child(net, "0"), first);
    gt_module *last = gt_module_append(net, new_counter(gt, 0));
    assert_ptr_equal(gt_module_nth(net, -1), last);
    assert_counters(net, MANY - 1);
    FILE *f = tmpfile();
    assert_int_equal(gt_summary(f, net, GT_SHAPE(1)), GT_OK);
    gt_module_print(f, net);
    fclose(f);
    assert_well(gt);
}

/* The same for the parameters of one module. */
static void test_many_parameters(void **state)
{
    gt_ctx *gt = *state;
    gt_module *m = gt_module_new(gt, &counter_type);
    char name[16];
    for (int i = 0; i < MANY; i++) {
        snprintf(name, sizeof name, "p%d", i);
        gt_module_add_parameter(m, name, gt_scalar(gt, i));
    }
    for (int i = 0; i < MANY; i++) {
        snprintf(name, sizeof name, "p%d", i);
        assert_true(gt_item(gt_module_parameter(m, name)) == i);
    }
    assert_null(gt_module_add_parameter(m, "p77", gt_scalar(gt, 0)));
    assert_error(gt, GT_ERR_ARGUMENT, "there is already a parameter 'p77'");
    assert_null(gt_module_parameter(m, ""));
    assert_null(gt_module_child(m, "p77"));
    assert_well(gt);
}

/* What is saved, loaded and shared is found by its name. */
static void test_wide_run(void **state)
{
    gt_ctx *gt = *state;
    gt_module *net = gt_nn_sequential_empty(gt);
    for (int i = 0; i < MANY / 4; i++) gt_module_append(net, gt_nn_linear(gt, 1, 1));
    gt_run run = {.module = net, .optimizer = gt_adam(net)};
    gt_backward(gt_sum(gt_forward(net, gt_ones(gt, GT_SHAPE(1, 1)))));
    assert_int_equal(gt_optimizer_step(run.optimizer), GT_OK);
    assert_int_equal(gt_run_save(&run, scratch("run")), GT_OK);
    assert_int_equal(gt_run_load(&run, scratch("run")), GT_OK);
    gt_tensors *list = gt_load_tensors(gt, scratch("run"));
    for (int i = 0; i < MANY / 4; i++) {
        char name[48];
        snprintf(name, sizeof name, "module.%d.weight", i);
        assert_string_equal(gt_name(gt_tensors_find(list, name)), name);
    }
    assert_null(gt_tensors_find(list, "module.0"));
    gt_tensors_free(list);
    for (int i = 1; i < MANY / 4; i += 2) {
        char path[32], source[32];
        snprintf(path, sizeof path, "%d.weight", i % 4 == 1 ? i : i - 1);
        snprintf(source, sizeof source, "%d.weight", i % 4 == 1 ? i - 1 : i);
        assert_int_equal(gt_module_tie(net, path, source), GT_OK);
    }
    assert_int_equal(gt_module_n_parameters(net), MANY / 4 + MANY / 8);
    gt_module *one = gt_nn_sequential(gt, gt_nn_linear(gt, 1, 1));
    gt_load_report report;
    assert_int_equal(gt_save(one, scratch("one")), GT_OK);
    assert_int_equal(gt_load(net, scratch("one"), .partial = true, .report = &report), GT_OK);
    assert_int_equal(report.missing, MANY / 2 - 3); /* "1.weight" is "0.weight" */
    assert_well(gt);
}

/* Branches whose results are asked back one by one. */
static void test_wide_concat(void **state)
{
    gt_ctx *gt = *state;
    gt_module *net = gt_nn_concat_(gt, 0, NULL);
    for (int i = 0; i < MANY; i++) gt_module_append(net, gt_nn_relu(gt));
    gt_tensor *x = gt_ones(gt, GT_SHAPE(1, 1), .requires_grad = true);
    gt_backward(gt_sum(gt_forward(net, gt_square(x))));
    assert_true(gt_item(x->grad) == 2 * MANY);
    assert_well(gt);
}

/* --- deep --- */

static gt_module *leaf(gt_ctx *gt)
{
    return gt_nn_linear(gt, 2, 2);
}

/* From the leaf upwards, and from the root downwards. */
static gt_module *nested(gt_ctx *gt, int levels, bool upwards)
{
    gt_module *root = upwards ? leaf(gt) : gt_nn_sequential_empty(gt), *at = root;
    for (int i = 2; i <= levels && root; i++) {
        if (upwards) root = gt_nn_sequential(gt, root);
        else if (!(at = gt_module_append(at, i < levels ? gt_nn_sequential_empty(gt) : leaf(gt))))
            return NULL;
    }
    return root;
}

static void test_refused(void **state)
{
    gt_ctx *gt = *state;
    for (int upwards = 0; upwards < 2; upwards++) {
        assert_int_equal(nested(gt, GT_MODULE_LEVELS, upwards)->levels, GT_MODULE_LEVELS);
        assert_well(gt);
        assert_null(nested(gt, GT_MODULE_LEVELS + 1, upwards));
        assert_error(gt, GT_ERR_ARGUMENT, "nested 257 levels deep; at most 256 are possible");
    }
    gt_module *half = nested(gt, GT_MODULE_LEVELS / 2 + 1, true);
    gt_module *at = nested(gt, GT_MODULE_LEVELS / 2, true);
    while (at->child) at = at->child;
    assert_null(gt_module_add_child(at, "half", half));
    assert_error(gt, GT_ERR_ARGUMENT, "nested 257 levels deep");
}

static void count_module(gt_module *m, void *user)
{
    (void)m;
    ++*(int *)user;
}

/* Everything that walks, on the deepest tree, with the stack that threads have on musl and macOS.
 */
static void *walk(void *user)
{
    gt_ctx *gt = gt_open();
    gt_module *net = nested(gt, GT_MODULE_LEVELS, true), *copy = gt_module_copy(net);
    int n = 0;
    char path[4 * GT_MODULE_LEVELS];
    gt_state_iter it = gt_module_state(net);
    assert_true(gt_state_next(&it));
    assert_int_equal(gt_state_path(&it, path, sizeof path), 2 * (GT_MODULE_LEVELS - 1) + 6);
    assert_ptr_equal(gt_module_parameter(net, path), it.tensor);
    gt_module_apply(copy, count_module, &n);
    assert_int_equal(n, GT_MODULE_LEVELS);
    assert_int_equal(gt_module_to(copy, GT_F64), GT_OK);
    FILE *f = tmpfile();
    gt_module_print(f, net);
    assert_int_equal(gt_summary(f, net, GT_SHAPE(1, 2)), GT_OK);
    gt_tensor *y = gt_forward(net, gt_ones(gt, GT_SHAPE(1, 2)));
    assert_int_equal(gt_graph_write_dot(y, f), GT_OK);
    assert_int_equal(gt_backward(gt_sum(y)), GT_OK);
    fclose(f);
    assert_int_equal(gt_save(net, user), GT_OK);
    assert_int_equal(gt_load(net, user), GT_OK);
    gt_forward(net, gt_ones(gt, GT_SHAPE(1, 3)));
    assert_error(gt, GT_ERR_SHAPE, "0.0.0.0");
    gt_close(gt);
    return NULL;
}

static void test_deep(void **state)
{
    (void)state;
    pthread_t thread;
    pthread_attr_t attr;
    assert_int_equal(pthread_attr_init(&attr), 0);
    assert_int_equal(pthread_attr_setstacksize(&attr, 512 << 10), 0);
    assert_int_equal(pthread_create(&thread, &attr, walk, (void *)scratch("deep")), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    pthread_attr_destroy(&attr);
}

/* A program's own scopes may nest as they like; a picture of them has its limit. */
static void test_scopes(void **state)
{
    enum { SCOPES = 200000 };
    gt_ctx *gt = *state;
    gt_scope *scope = calloc(SCOPES, sizeof *scope);
    for (int i = 0; i < SCOPES; i++)
        scope[i] = (gt_scope){.name = "s", .parent = i ? &scope[i - 1] : NULL};
    char path[8];
    assert_int_equal(gt_scope_path(&scope[SCOPES - 1], path, sizeof path), 2 * SCOPES - 1);
    assert_string_equal(path, "s.s.s.s");
    gt_set_scope(gt, &scope[SCOPES - 1]);
    gt_tensor *y = gt_square(gt_ones(gt, GT_SCALAR, .requires_grad = true));
    FILE *f = tmpfile();
    assert_int_equal(gt_graph_write_dot(y, f), GT_ERR_UNSUPPORTED);
    assert_error(gt, GT_ERR_UNSUPPORTED, "scopes nest more than 1000 levels deep");
    gt_add(y, gt_ones(gt, GT_SHAPE(2), .dtype = GT_F64));
    assert_error(gt, GT_ERR_DTYPE, "s.s.s");
    fclose(f);
    gt_set_scope(gt, NULL);
    free(scope);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_wide, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_many_parameters, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_wide_run, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_wide_concat, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_refused, open_context, close_context),
        cmocka_unit_test(test_deep),
        cmocka_unit_test_setup_teardown(test_scopes, open_context, close_context),
    };
    return cmocka_run_group_tests(tests, NULL, remove_scratch);
}
