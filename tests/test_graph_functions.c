/* Pictures of composed functions: one box for a call, or a cluster of what it is made of. */
#define _POSIX_C_SOURCE 200809L
#include "calls.h"

#include "graph_support.h"

static char *opened(gt_ctx *gt)
{
    FILE *f = tmpfile();
    assert_non_null(f);
    assert_int_equal(gt_tape_write_dot(gt, f, .detail = GT_DETAIL_OPERATIONS), GT_OK);
    return read_all(f);
}

/* Lines that begin a box or a leaf, however deep they stand. */
static int lines(const char *text, char kind)
{
    int n = 0;
    for (; text; text = strchr(text, '\n')) {
        text += strspn(text, " \n");
        const size_t digits = *text == kind ? strspn(text + 1, "0123456789") : 0;
        n += digits > 0 && !strncmp(text + 1 + digits, " [", 2);
    }
    return n;
}

/* --- every function of the registry --- */

static void check_call(const tensor_call *c)
{
    gt_ctx *gt = gt_open();
    gt_tensor *t[CALL_INPUTS] = {NULL};
    for (int i = 0; i < c->n; i++) {
        t[i] = sample_tensor(gt, &c->in[i]);
        if (t[i]->dtype == GT_F64) gt_require_grad(t[i], true);
    }
    gt_tensor *y = c->call(t);
    assert_well(gt);
    char name[96], *text = dot_of(gt, NULL), *open = opened(gt);
    snprintf(name, sizeof name, "<b>%s</b>", c->name);
    if (lines(text, 'n') != 1 || count(text, name) != 1 || lines(text, 't') > c->n)
        fail_msg("%s %s:\n%s", c->name, c->variant, text);
    int nodes = 0;
    for (const gt_node *n = gt_tape_first(gt); n; n = gt_tape_next(n)) nodes++;
    snprintf(name, sizeof name, "label=<%s>", c->name);
    if (lines(open, 'n') != nodes || count(open, name) != 1) fail_msg("%s", open);
    free(text);
    free(open);
    text = dot_of(gt, y);
    if (lines(text, 'n') != 1 || !strstr(text, "penwidth")) fail_msg("%s", text);
    free(text);
    gt_close(gt);
}

static void every_function_is_one_box(void **state)
{
    (void)state;
    for (int i = 0; i < N_CALLS; i++)
        if (is_composed(&tensor_calls[i])) check_call(&tensor_calls[i]);
}

/* --- edges, outputs, backward passes --- */

static void edges_lead_to_the_box(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *x = gt_set_name(gt_ones(gt, GT_SHAPE(2, 3), .requires_grad = true), "x");
    gt_tensor *w = gt_set_name(gt_ones(gt, GT_SHAPE(1), .requires_grad = true), "w");
    gt_sum(gt_rsub_scalar(gt_prelu(x, w), 1));
    char *text = dot_of(gt, NULL);
    assert_has(text, "n0 [label=<<b>prelu</b>");
    assert_has(text, "n1 [label=<<b>rsub_scalar</b>");
    assert_has(text, "\n  t0 -> n0\n  t1 -> n0\n  n0 -> n1\n  n1 -> n2\n}\n");
    assert_null(strstr(text, "constant"));
    free(text);
    text = opened(gt);
    assert_int_equal(count(text, "<i>constant</i>"), 1); /* in the cluster of its call */
    assert_has(text, "<i>constant</i> a"); /* what it is to the operation that reads it */
    assert_has(text, "label=<rsub_scalar>");
    assert_int_equal(count(text, "{"), count(text, "}"));
    free(text);
}

static void what_others_read_are_outputs(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *x = gt_ones(gt, GT_SHAPE(2, 6), .requires_grad = true), *piece[3];
    gt_split(x, 1, 2, piece, 3);
    gt_add(piece[2], gt_neg(piece[1]));
    char *text = dot_of(gt, NULL);
    assert_has(text,
               "<td colspan=\"2\"><b>split</b><br/><font point-size=\"10\">axis=1, size=2</font>");
    assert_has(text, "n0:o0 -> n1\n");
    assert_has(text, "n0:o1 -> n2\n");
    assert_int_equal(count(text, "<td port="), 2);
    free(text);
}

static void a_call_s_backward_pass_is_a_box(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *x = gt_ones(gt, GT_SHAPE(2, 3));
    gt_tensor *w = gt_set_name(gt_ones(gt, GT_SHAPE(4, 3), .requires_grad = true), "w");
    gt_tensor *b = gt_set_name(gt_ones(gt, GT_SHAPE(4), .requires_grad = true), "b");
    gt_tensor *target = gt_zeros(gt, GT_SHAPE(2), .dtype = GT_I64);
    gt_tensor *loss = gt_cross_entropy(gt_linear(x, w, .bias = b), target);
    assert_int_equal(gt_backward(loss, .create_graph = true), GT_OK);
    char *text = dot_of(gt, NULL);
    assert_int_equal(count(text, "<b>linear</b>"), 2);
    assert_int_equal(count(text, "<b>cross_entropy</b>"), 2);
    assert_int_equal(lines(text, 'n'), 4);
    assert_int_equal(count(text, "label=\"grad\""), 2);
    free(text);
    text = opened(gt);
    assert_has(text, "<b>cross_entropy_classes</b>");
    assert_int_equal(count(text, "label=<linear>"), 2);
    free(text);
}

/* One call, many nodes: as quick as the nodes without it. */
static void long_calls_are_fine(void **state)
{
    enum { NODES = 20000 };
    static const gt_op_info info = {.name = "long & <odd>"};
    gt_ctx *gt = *state;
    gt_tensor *x = gt_ones(gt, GT_SHAPE(1), .requires_grad = true), *y = x;
    gt_call *call = gt_call_begin(x, &info, NULL, 0);
    for (int i = 0; i < NODES; i++) y = gt_add(y, gt_detach(x));
    y = gt_call_end(call, y);
    gt_call *other = gt_call_begin(x, &info, NULL, 0);
    for (int i = 0; i < NODES; i++) x = gt_add(x, y);
    gt_call_end(other, x);
    char *text = dot_of(gt, x);
    assert_int_equal(count(text, "<b>long &#38; &#60;odd&#62;</b>"), 2);
    assert_int_equal(count(text, " -> "), 3);
    free(text);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, open_context, close_context)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_function_is_one_box),
        TEST(edges_lead_to_the_box),
        TEST(what_others_read_are_outputs),
        TEST(a_call_s_backward_pass_is_a_box),
        TEST(long_calls_are_fine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
