/* Functions composed of operations: every call opens a scope that its nodes point to, and messages
 * name what the program called. */
#include "calls.h"

#include <math.h>
#include <stdlib.h>

static const gt_scope module = {.name = "net"};

/* --- every function of the registry --- */

static gt_tensor *make_inputs(gt_ctx *gt, const tensor_call *c, gt_tensor *t[])
{
    for (int i = 0; i < c->n; i++) {
        t[i] = sample_tensor(gt, &c->in[i]);
        if (t[i]->dtype == GT_F64) gt_require_grad(t[i], true);
    }
    return t[0];
}

/* The node's way up: calls, the outermost of `function`, below the module. */
static void check_scopes(const gt_node *n, const gt_op_info *function)
{
    const gt_scope *scope = gt_node_scope(n);
    const gt_call *call = gt_scope_call(scope);
    while (scope && scope->call) {
        assert_ptr_equal(&scope->call->scope, scope);
        assert_string_equal(scope->name, scope->call->function->name);
        assert_true(scope->call->began < scope->call->ended);
        scope = scope->parent;
    }
    assert_ptr_equal(scope, &module);
    if (!call || call->function != function) fail_msg("%s: %s", function->name, n->op->name);
}

static void check_argument(const gt_call *call, const char *parameter, size_t length)
{
    const char *end = parameter + length, *word = end;
    while (word[-1] != ' ' && word[-1] != '*') word--;
    char name[32];
    snprintf(name, sizeof name, "%.*s", (int)(end - word), word);
    if (word[-1] == '*' || !strcmp(name, "opts")) return;
    const gt_attrs *attrs = gt_op_info_attrs(call->function);
    const gt_attr *a = attrs ? gt_attr_find(attrs, name) : NULL;
    if (!a || !a->argument) fail_msg("a call of %s keeps no %s", call->scope.name, name);
}

/* The call keeps every argument of the function but tensors, arrays and room for results. */
static void check_arguments(const gt_call *call)
{
    char why[GT_WHY];
    const gt_attrs *attrs = gt_op_info_attrs(call->function);
    if (attrs && !gt_attrs_ok(attrs, call->opts_size, why))
        fail_msg("%s: %s", call->scope.name, why);
    const char *at = strchr(call->function->signature, '(') + 1;
    while (*at && strncmp(at, "gt_tensor **", 12) != 0) {
        const size_t length = strcspn(at, ",)");
        check_argument(call, at, length);
        at += length + strspn(at + length, ", )");
    }
}

static void check_call(const tensor_call *c, const gt_op_info *info)
{
    gt_ctx *gt = gt_open();
    gt_tensor *t[CALL_INPUTS] = {NULL}, *x = make_inputs(gt, c, t);
    gt_set_scope(gt, &module);
    const gt_tensor *y = c->call(t);
    assert_well(gt);
    assert_ptr_equal(gt_set_scope(gt, NULL), &module);
    int n = 0;
    for (const gt_node *at = gt_tape_first(gt); at; at = gt_tape_next(at), n++)
        check_scopes(at, info);
    const gt_call *call = gt_scope_call(gt_node_scope(gt_tape_first(gt)));
    if (!n) fail_msg("%s %s recorded nothing", c->name, c->variant);
    assert_ptr_equal(call->result, y);
    assert_true(gt_call_made(call, y));
    assert_false(gt_call_made(call, x));
    assert_int_equal(call->opts_size > 0, gt_op_info_attrs(info) != NULL);
    assert_int_equal(call->opts != NULL, call->opts_size > 0);
    check_arguments(call);
    gt_close(gt);
}

static void every_function_opens_its_scope(void **state)
{
    (void)state;
    size_t n;
    int functions = 0;
    const gt_op_info *info = gt_ops(&n);
    for (size_t i = 0; i < n; i++) {
        int calls = 0;
        for (int k = 0; k < N_CALLS && !info[i].op; k++) {
            if (strcmp(tensor_calls[k].name, info[i].name) != 0) continue;
            check_call(&tensor_calls[k], &info[i]);
            calls++;
        }
        if (!info[i].op && !calls) fail_msg("tests/calls_list.h has no call of %s", info[i].name);
        functions += calls > 0;
    }
    assert_in_range(functions, 30, 1000);
}

/* --- and its derivatives are right --- */

/* Those that draw numbers draw the same ones in every run. */
static gt_tensor *call_again(gt_ctx *gt, gt_tensor *const in[], void *user)
{
    const tensor_call *c = user;
    gt_tensor *t[CALL_INPUTS] = {NULL};
    memcpy(t, in, (size_t)c->n * sizeof *t);
    gt_manual_seed(gt, 5);
    return c->call(t);
}

/* Other numbers in each: where tensors are equal losses have kinks. */
static void part_inputs(const tensor_call *c, gt_tensor *t[])
{
    for (int i = 1; i < c->n; i++)
        for (int64_t k = 0; c->in[i].high == 0 && t[i]->requires_grad && k < t[i]->size; k++)
            ((double *)t[i]->data)[k] *= 1 + 0.1 * i + 0.01 * (double)(k % 5);
}

/* Of a result without gradient, a mask or an index, forward alone is checked. */
static void check_derivatives(const tensor_call *c)
{
    gt_ctx *gt = gt_open();
    gt_tensor *t[CALL_INPUTS] = {NULL};
    make_inputs(gt, c, t);
    part_inputs(c, t);
    const gt_tensor *y = call_again(gt, t, (void *)c);
    const bool differentiable = y->requires_grad;
    gt_gradcheck_report r;
    const gt_verdict v =
        gt_gradcheck(gt, call_again, (void *)c, t, c->n, &(gt_gradcheck_opts){.order = 2}, &r);
    if (v == GT_FAIL || (differentiable && v != GT_PASS))
        fail_msg("%s %s: %s", c->name, c->variant, r.message);
    gt_close(gt);
}

static void every_function_is_checked(void **state)
{
    (void)state;
    for (int k = 0; k < N_CALLS; k++)
        if (is_composed(&tensor_calls[k])) check_derivatives(&tensor_calls[k]);
}

#define X2 gt_ones(gt, GT_SHAPE(2, 6), .requires_grad = true)
#define X3 gt_ones(gt, GT_SHAPE(2, 3, 4), .requires_grad = true)
#define ARGUMENTS(A)                                                                               \
    A(gt_sub_scalar(X2, 0.5), "s=0.5")                                                             \
    A(gt_transpose(X2, 0, -1), "i=0, j=-1")                                                        \
    A(gt_select(X2, 1, -1), "axis=1, index=-1")                                                    \
    A(gt_expand(X2, GT_SHAPE(4, -1, 6)), "shape=[4,-1,6]")                                         \
    A(gt_chunk(X2, 1, 3, piece), "axis=1, chunks=3")                                               \
    A(gt_flatten(X3), "")                                                                          \
    A(gt_flatten(X3, .start = 1), "start=1")                                                       \
    A(gt_adaptive_max_pool1d(X3, 2), "ol=2")                                                       \
    A(gt_local_response_norm(X3, 3, .k = 2), "size=3, k=2")                                        \
    A(gt_cross_entropy(X2, gt_ones(gt, GT_SHAPE(2), .dtype = GT_I64), .label_smoothing = 0.1),     \
      "label_smoothing=0.1")

static void calls_keep_their_arguments(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *piece[3];
    char text[128];
#define A(y, want)                                                                                 \
    {                                                                                              \
        const gt_call *call = gt_scope_call(gt_node_scope(gt_producer(y)));                        \
        gt_attrs_format(gt_op_info_attrs(call->function), call->opts, text, sizeof text);          \
        assert_string_equal(text, want);                                                           \
    }
    ARGUMENTS(A)
#undef A
}

/* Whatever is wrong with an input, the scope is as it was, and the message names the function. */
static void failures_name_the_function(void **state)
{
    (void)state;
    for (int k = 0; k < N_CALLS; k++) {
        const tensor_call *c = &tensor_calls[k];
        for (int place = 0; place < c->n && is_composed(c); place++) {
            gt_ctx *gt = gt_open(), *other = gt_open();
            gt_tensor *t[CALL_INPUTS] = {NULL};
            make_inputs(gt, c, t);
            t[place] = sample_tensor(other, &c->in[place]);
            gt_set_scope(gt, &module);
            gt_set_scope(other, &module);
            c->call(t);
            const gt_ctx *where = gt_failed(gt) ? gt : other;
            const bool alone = c->n == 1;
            const size_t length = strlen(c->name);
            const char *message = gt_error_message(where);
            const bool named =
                !strncmp(message, c->name, length) && !strncmp(message + length, " 'net'", 6);
            if (!alone && !named) fail_msg("%s, input %d: %s", c->name, place, message);
            assert_ptr_equal(gt_set_scope(gt, NULL), &module);
            assert_ptr_equal(gt_set_scope(other, NULL), &module);
            gt_close(other);
            gt_close(gt);
        }
    }
}

/* --- what messages say --- */

static void within_names_the_operation_too(void **state)
{
    gt_ctx *gt = *state;
    const gt_scope loss = {.name = "loss", .parent = &module};
    gt_set_scope(gt, &loss);
    gt_tensor *x = gt_ones(gt, GT_SHAPE(2, 3)), *wrong = gt_ones(gt, GT_SHAPE(2, 3));
    for (int i = 0; i < 2; i++) {
        gt_dropout2d(x, 2);
        assert_error(gt, GT_ERR_ARGUMENT,
                     i ? "dropout2d 'net.loss' (test_functions.c:"
                       : "): in dropout: p is 2, must be in 0..1");
    }
    gt_set_scope(gt, NULL);
    gt_linear(x, wrong, .bias = wrong); /* the function's own refusal says nothing twice */
    assert_error(gt, GT_ERR_SHAPE, "): bias is [2,3], must be [2]");
    gt_add(x, gt_ones(gt, GT_SHAPE(7)));
    assert_error(gt, GT_ERR_SHAPE, "add (test_functions.c:");
}

static void an_anomaly_names_the_function(void **state)
{
    gt_ctx *gt = *state;
    gt_set_anomaly_check(gt, true);
    gt_set_scope(gt, &module);
    gt_tensor *x = gt_values(gt, GT_SHAPE(2), 1, 0);
    assert_null(gt_rdiv_scalar(x, 1));
    gt_set_scope(gt, NULL);
    const char *message = gt_error_message(gt);
    if (!strstr(message, "rdiv_scalar 'net' (test_functions.c:") ||
        !strstr(message, "): in div: element [1] is inf"))
        fail_msg("%s", message);
    gt_error_clear(gt);
}

static bool no_rule(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    (void)gout, (void)gin;
    return gt_op_fail(n, GT_ERR_STATE, "is never well");
}

static bool like_x(gt_node *n)
{
    n->out[0]->shape = n->in[0]->shape;
    return true;
}

static void copy_x(gt_node *n)
{
    memcpy(n->out[0]->data, n->in[0]->data, (size_t)n->in[0]->size * sizeof(float));
}

static const gt_op unwell = {.name = "unwell",
                             .inputs = "x",
                             .n_in = 1,
                             .n_out = 1,
                             .infer = like_x,
                             .forward = {[GT_F32] = copy_x},
                             .backward = no_rule};

static gt_call *begin_block(const gt_tensor *x)
{
    static const gt_op_info info = {.name = "block"};
    return gt_call_begin(x, &info, NULL, 0);
}

static gt_tensor *block(gt_tensor *x)
{
    gt_call *call = begin_block(x);
    return gt_call_end(call, gt_neg((gt_apply)(&unwell, NULL, 1, (gt_tensor *[]){x})));
}

/* The sweep fails in its own name, and tells the node's function, with its line. */
static void the_backward_pass_names_functions(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *x = gt_ones(gt, GT_SCALAR, .requires_grad = true), *y = block(x);
    y->where = "src/train.c:42"; /* as a macro of the program's would */
    gt_backward(y);
    assert_error(gt, GT_ERR_STATE, "unwell (test_functions.c:");
    y = block(x);
    y->where = "src/train.c:42";
    gt_backward(y);
    assert_error(gt, GT_ERR_STATE, "in the backward rule of unwell of block (train.c:42)");
    y = gt_sub_scalar(x, 1);
    gt_backward(y);
    gt_backward(y);
    assert_error(gt, GT_ERR_STATE, "add_scalar of sub_scalar (test_functions.c:");
}

/* --- calls of one's own --- */

/* Whatever leads to the current scope and back leads to what nodes can point to. */
static gt_tensor *winding(gt_tensor *x)
{
    gt_call *call = begin_block(x);
    const gt_scope mine = {.name = "mine", .parent = gt_set_scope(x->ctx, NULL)};
    gt_tensor *g = NULL, *y = gt_square(x);
    const gt_node *outside = gt_producer(y);
    assert_null(gt_node_scope(outside));
    gt_set_scope(x->ctx, mine.parent);
    y = gt_sum(gt_rsub_scalar(x, 1));
    assert_ptr_equal(gt_node_scope(gt_producer(y)), mine.parent);
    gt_grad(&y, 1, &x, 1, &g, .create_graph = true);
    gt_call *inner = begin_block(x);
    y = gt_call_end(inner, gt_sub_scalar(gt_square(x), 1));
    return gt_call_end(call, gt_add(g, y));
}

static void scopes_outlive_their_functions(void **state)
{
    gt_ctx *gt = *state;
    gt_set_scope(gt, &module);
    const gt_mark mark = gt_mark_tape(gt);
    gt_tensor *x = gt_keep(gt_ones(gt, GT_SHAPE(3), .requires_grad = true));
    size_t most = 0;
    for (int turn = 0; turn < 20; turn++) {
        gt_rewind(gt, mark);
        const gt_tensor *y = winding(x);
        assert_well(gt);
        assert_ptr_equal(gt_set_scope(gt, &module), &module);
        const gt_call *call = gt_scope_call(gt_node_scope(gt_producer(y)));
        assert_string_equal(call->scope.name, "block");
        assert_ptr_equal(call->result, y);
        char path[64];
        for (const gt_node *n = gt_tape_first(gt); n; n = gt_tape_next(n)) {
            const size_t length = gt_scope_path(gt_node_scope(n), path, sizeof path);
            assert_true(!length || !strcmp(path, "net"));
        }
        if (turn == 10) most = gt_get_stats(gt).bytes_system;
    }
    assert_int_equal(gt_get_stats(gt).bytes_system, most);
}

/* Rules call functions, too: here sum_to. */
static void backward_passes_that_are_recorded_open_scopes(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *b = gt_ones(gt, GT_SHAPE(3), .requires_grad = true);
    for (int all = 0; all < 2; all++) {
        gt_tensor *y = gt_sum(gt_add(gt_ones(gt, GT_SHAPE(2, 3)), b));
        const gt_node *n = gt_producer(y);
        const bool recording_all = gt_set_recording_all(gt, all);
        assert_int_equal(gt_backward(y, .create_graph = !all), GT_OK);
        gt_set_recording_all(gt, recording_all);
        bool found = false;
        for (; n; n = gt_tape_next(n)) {
            const gt_call *call = gt_scope_call(gt_node_scope(n));
            found |= gt_node_in_backward(n) && call && !strcmp(call->scope.name, "sum_to");
        }
        if (!found) fail_msg("%s", all ? "everything is recorded" : "the graph is recorded");
    }
}

static void unrecorded_calls_leave_nothing(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *x = gt_ones(gt, GT_SHAPE(3)), *w = gt_ones(gt, GT_SHAPE(3), .requires_grad = true);
    gt_sub_scalar(x, 1);
    const bool recording = gt_set_recording(gt, false);
    const gt_tensor *y = gt_sub_scalar(w, 1);
    gt_set_recording(gt, recording);
    assert_null(gt_tape_first(gt));
    assert_null(gt_producer(y));
    assert_null(gt_set_scope(gt, NULL));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, open_context, close_context)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_function_opens_its_scope),
        cmocka_unit_test(every_function_is_checked),
        TEST(calls_keep_their_arguments),
        cmocka_unit_test(failures_name_the_function),
        TEST(within_names_the_operation_too),
        TEST(an_anomaly_names_the_function),
        TEST(the_backward_pass_names_functions),
        TEST(scopes_outlive_their_functions),
        TEST(backward_passes_that_are_recorded_open_scopes),
        TEST(unrecorded_calls_leave_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
