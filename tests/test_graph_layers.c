/* Pictures of networks: a box for a run of layers, like blocks once, three columns. */
#define _POSIX_C_SOURCE 200809L
#include "networks.h"

#include "graph_support.h"

static char *text_of(gt_module *m, gt_shape input, gt_graph_opts opts)
{
    char *path = GT_BINARY_DIR "/tests/layers.dot";
    const gt_status status = gt_module_render_(m, path, input, opts);
    assert_well(m->ctx);
    assert_int_equal(status, GT_OK);
    char *text = read_all(fopen(path, "r"));
    assert_int_equal(remove(path), 0);
    return text;
}

/* Boxes begin lines, however deep they stand. */
static int boxes(const char *text)
{
    int n = 0;
    for (const char *at = text; (at = strchr(at, '\n')); at++)
        n += at[1 + strspn(at + 1, " ")] == 'n' && strstr(at, "[label=<<table") != NULL &&
             strcspn(at + 1, "[") < strcspn(at + 1, "\n") &&
             !strncmp(strchr(at, '['), "[label=<<", 9);
    return n;
}

static gt_module *blocks(gt_ctx *gt, int n, int growth)
{
    gt_module *m = gt_nn_sequential_empty(gt);
    for (int i = 0; i < n; i++) {
        const int in = 8 + growth * i, out = in + growth;
        gt_module_append(m, gt_nn_sequential(gt, gt_nn_linear(gt, in, out), gt_nn_relu(gt),
                                             gt_nn_residual(gt, gt_nn_linear(gt, out, out))));
    }
    return m;
}

static void a_run_of_layers_is_a_box(void **state)
{
    char *text = text_of(lenet(*state), GT_SHAPE(4, 1, 28, 28), (gt_graph_opts){0});
    assert_int_equal(boxes(text), 5);
    assert_has(text, "<b>Conv2d</b>(1, 6, 5, padding=2)</td></tr>");
    assert_has(text, "156 params");
    assert_has(text, "label=\" n\xc3\x97"
                     "6\xc3\x97"
                     "14\xc3\x97"
                     "14\"");
    assert_null(strstr(text, "multiplies by weights")); /* a legend of one colour */
    free(text);
}

static void like_blocks_are_drawn_once(void **state)
{
    gt_ctx *gt = *state;
    gt_module *same = blocks(gt, 8, 0), *growing = blocks(gt, 5, 2);
    char *text = text_of(same, GT_SHAPE(2, 8), (gt_graph_opts){0});
    assert_has(text, "<b>\xc3\x97 8</b>");
    assert_int_equal(count(text, "<b>Linear</b>(8, 8)"), 2);
    free(text);
    text = text_of(same, GT_SHAPE(2, 8), (gt_graph_opts){.unfolded = true});
    assert_int_equal(count(text, "<b>Linear</b>(8, 8)"), 16);
    free(text);
    text = text_of(growing, GT_SHAPE(2, 8), (gt_graph_opts){0});
    assert_has(text, "<b>\xc3\x97 5</b>");
    assert_has(text, "<b>Linear</b>(8\xe2\x80\xa6"
                     "16, 10\xe2\x80\xa6"
                     "18)");
    free(text);
    text = text_of(blocks(gt, 3, 2), GT_SHAPE(2, 8), (gt_graph_opts){0});
    assert_null(strstr(text, "<b>\xc3\x97")); /* too few that differ */
    free(text);
}

/* Of the blocks drawn as one what differentiates them is one, too. */
static void backward_passes_are_folded_alike(void **state)
{
    gt_module *net = blocks(*state, 4, 0);
    char *text = text_of(net, GT_SHAPE(2, 8), (gt_graph_opts){.backward = true});
    assert_has(text, "subgraph cluster_backward1 {");
    assert_int_equal(count(text, "\xe2\x88\x87 ReLU, Linear<"), 1);
    assert_int_equal(count(text, "\xe2\x88\x87 Linear<"), 1);
    assert_has(text, "style=\"filled,dashed\"");
    assert_has(text, "{rank=same; n");
    assert_has(text, "keeps ");
    assert_int_equal(count(text, "minlen"), 0);
    free(text);
}

static void depth_and_detail_open_and_close(void **state)
{
    gt_module *net = inception(*state);
    const gt_shape x = GT_SHAPE(2, 2, 5, 4);
    char *text = text_of(net, x, (gt_graph_opts){.depth = 1});
    assert_has(text, "<b>Concat</b>");
    assert_null(strstr(text, "Conv2d"));
    free(text);
    text = text_of(net, x, (gt_graph_opts){.detail = GT_DETAIL_CALLS});
    assert_has(text, "<b>conv2d</b>");
    assert_has(text, "[n,3,5,4] f32");
    assert_has(text, "<b>prelu</b>");
    free(text);
    text = text_of(net, x, (gt_graph_opts){.detail = GT_DETAIL_OPERATIONS, .sideways = true});
    assert_null(strstr(text, "<b>prelu</b>"));
    assert_has(text, "label=<prelu>");
    assert_has(text, "rankdir=LR");
    free(text);
    text = text_of(net, x, (gt_graph_opts){.heat = GT_HEAT_FLOPS});
    assert_has(text, "fillcolor=\"#ff9628\""); /* the hottest */
    free(text);
}

/* One box would say nothing of a network without modules in it. */
static void a_module_alone_is_opened(void **state)
{
    char *text =
        text_of(gt_nn_linear(*state, 3, 2), GT_SHAPE(2, 3), (gt_graph_opts){.backward = true});
    assert_has(text, "<b>linear</b>");
    assert_has(text, "<b>weight</b>");
    free(text);
}

/* What dot once failed on: blocks with shortcuts and branches, with their backward passes. */
static void dot_draws_branches_both_ways(void **state)
{
    gt_ctx *gt = *state;
    if (!have_dot()) skip();
    const char *path = GT_BINARY_DIR "/tests/layers.svg";
    const gt_module *const nets[] = {residual(gt), inception(gt)};
    const gt_shape x[] = {GT_SHAPE(2, 3, 8, 8), GT_SHAPE(2, 2, 5, 4)};
    for (int i = 0; i < 2; i++)
        for (int detail = 0; detail < 3; detail++)
            assert_int_equal(gt_module_render((gt_module *)nets[i], path, x[i], .backward = true,
                                              .detail = (gt_graph_detail)detail),
                             GT_OK);
    assert_int_equal(remove(path), 0);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, open_context, close_context)
    const struct CMUnitTest tests[] = {
        TEST(a_run_of_layers_is_a_box),         TEST(like_blocks_are_drawn_once),
        TEST(backward_passes_are_folded_alike), TEST(depth_and_detail_open_and_close),
        TEST(a_module_alone_is_opened),         TEST(dot_draws_branches_both_ways),
    };
    return cmocka_run_group_tests_name("pictures of layers", tests, NULL, NULL);
}
