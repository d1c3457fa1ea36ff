/* The model of graphs: what it holds of modules, tapes and captured steps. */
#define _POSIX_C_SOURCE 200809L
#include "networks.h"

#include "graph_support.h"

/* --- helpers --- */

static gt_graph *graph_of(gt_module *m, gt_shape input, gt_module_graph_opts opts)
{
    gt_graph *g = gt_module_graph_(m, input, opts);
    assert_well(m->ctx);
    assert_non_null(g);
    return g;
}

/* The latest node of this name; -1: none. */
static int find(const gt_graph *g, const char *op)
{
    int i = g->n_nodes - 1;
    while (i >= 0 && strcmp(g->node[i].op->name, op) != 0) i--;
    return i;
}

static int nodes_of(const gt_graph *g, gt_part part)
{
    int n = 0;
    for (int i = 0; i < g->n_nodes; i++) n += g->node[i].part == part;
    return n;
}

/* Places lead to older ones, and back. */
static void assert_sound(const gt_graph *g)
{
    for (int i = 0; i < g->n_scopes; i++) assert_in_range(g->scope[i].parent + 1, 0, i);
    for (int i = 0; i < g->n_nodes; i++) {
        const gt_graph_node *n = &g->node[i];
        assert_in_range(n->scope + 1, 0, g->n_scopes);
        assert_in_range(n->of + 1, 0, i);
        assert_int_equal(n->part == GT_PART_BACKWARD, n->pass > 0);
        for (int k = 0; k < n->n_in; k++) assert_true(g->value[n->in[k]].node < i);
        for (int k = 0; k < n->n_out; k++) {
            assert_int_equal(g->value[n->out[k]].node, i);
            assert_int_equal(g->value[n->out[k]].output, k);
        }
    }
}

/* --- modules --- */

static void holds_types_shapes_and_counts(void **state)
{
    gt_module *net = lenet(*state);
    gt_graph *g = graph_of(net, GT_SHAPE(4, 1, 28, 28), (gt_module_graph_opts){0});
    assert_sound(g);
    const gt_graph_node *conv = &g->node[0];
    const gt_graph_scope *layer = &g->scope[conv->scope];
    const gt_graph_value *y = &g->value[conv->out[0]], *x = &g->value[conv->in[0]];
    assert_string_equal(layer->type, "Conv2d");
    assert_string_equal(layer->arguments,
                        "1, 6, kernel_size=(5, 5), stride=(1, 1), padding=(2, 2)");
    assert_string_equal(g->scope[layer->parent].type, "Sequential");
    assert_int_equal(layer->parameters, 156);
    assert_int_equal(x->kind, GT_VALUE_INPUT);
    assert_true(gt_shape_equal(y->shape, GT_SHAPE(4, 6, 28, 28)));
    assert_true(y->bytes == 4 * 6 * 28 * 28 * 4);
    assert_true(conv->flops >= 2.0 * 4 * 6 * 28 * 28 * 25);
    assert_true(y->saved == (strcmp(g->node[1].op->name, "sigmoid") != 0));
    assert_true(g->value[g->node[1].out[0]].saved); /* by its own rule */
    assert_int_equal(g->value[conv->in[1]].kind, GT_VALUE_PARAMETER);
    assert_string_equal(g->value[conv->in[1]].name, "weight");
    assert_int_equal(g->value[g->result].node, g->n_nodes - 1);
    gt_graph_free(g);
    assert_int_equal(gt_get_stats(*state).nodes, 0);
}

static gt_tensor *forward_rows(gt_module *m, gt_tensor *x)
{
    (void)m;
    return gt_reshape(x, GT_SHAPE(x->shape.dim[0] * x->shape.dim[1], x->shape.dim[2]));
}

/* Of a dimension that grows with the batch each item's part is known, also within attributes. */
static void the_batch_is_symbolic(void **state)
{
    gt_module *net = lenet(*state);
    gt_graph *g = graph_of(net, GT_SHAPE(4, 1, 28, 28), (gt_module_graph_opts){0});
    assert_int_equal(g->batch, 4);
    for (int i = 0; i < g->n_nodes; i++) {
        const gt_graph_value *v = &g->value[g->node[i].out[0]];
        assert_int_equal(v->growth[0], 1);
        for (int k = 1; k < v->shape.ndim; k++) assert_int_equal(v->growth[k], 0);
    }
    gt_graph_free(g);
    static const gt_module_type type = {
        .name = "Rows", .size = sizeof(gt_module), .forward = forward_rows};
    g = graph_of(gt_module_new(*state, &type), GT_SHAPE(4, 3, 2), (gt_module_graph_opts){0});
    assert_int_equal(g->value[g->result].growth[0], 3);
    assert_non_null(g->node[0].grown); /* its shape */
    gt_graph_free(g);
}

static gt_tensor *forward_four(gt_module *m, gt_tensor *x)
{
    (void)m;
    return gt_reshape(x, GT_SHAPE(4, 2));
}

/* What lies between the fields of its options differs with the batch. */
static gt_tensor *padded(gt_tensor *x)
{
    gt_gelu_opts opts;
    memset(&opts, (int)x->shape.dim[0], sizeof opts);
    opts.gt_ = NULL;
    opts.tanh_approximation = true;
    return gt_apply(&gt_op_gelu, &opts, 1, &x);
}

static void options_grow_by_their_values(void **state)
{
    gt_ctx *gt = *state;
    gt_graph *g = graph_of(gt_nn_lambda(gt, padded), GT_SHAPE(2, 3), (gt_module_graph_opts){0});
    assert_null(g->node[find(g, "gelu")].grown);
    gt_graph_free(g);
}

static void a_module_of_one_batch_has_a_graph(void **state)
{
    static const gt_module_type type = {
        .name = "Four", .size = sizeof(gt_module), .forward = forward_four};
    gt_graph *g = graph_of(gt_module_new(*state, &type), GT_SHAPE(4, 2), (gt_module_graph_opts){0});
    assert_int_equal(g->batch, 0);
    assert_int_equal(g->n_nodes, 1);
    gt_graph_free(g);
}

static void holds_what_is_frozen_and_what_is_lazy(void **state)
{
    gt_ctx *gt = *state;
    gt_module *net = lazy(gt);
    gt_graph *all = graph_of(net, GT_SHAPE(2, 3, 8, 8), (gt_module_graph_opts){0});
    gt_freeze(net, "*");
    gt_set_recording(gt, false);
    gt_graph *frozen = graph_of(net, GT_SHAPE(2, 3, 8, 8), (gt_module_graph_opts){0});
    assert_int_equal(frozen->n_nodes, all->n_nodes);
    assert_int_equal(frozen->n_scopes, all->n_scopes);
    for (int i = 0; i < all->n_scopes; i++) {
        assert_int_equal(frozen->scope[i].parameters, all->scope[i].parameters);
        assert_int_equal(frozen->scope[i].trainable, 0);
    }
    assert_false(gt_is_recording(gt));
    assert_true(net->training);
    gt_graph_free(all);
    gt_graph_free(frozen);
    assert_null(gt_module_graph(net, GT_SHAPE(2, 3, 8, 8), .backward = true));
    assert_error(gt, GT_ERR_STATE, "Sequential has no parameter that requires gradients");
    assert_null(gt_module_graph(net, GT_SHAPE(2, 3, 8)));
    assert_error(gt, GT_ERR_SHAPE, "Conv2d '0'");
}

/* Gradients that parameters have stay, and what differentiates a node is known. */
static void holds_backward_passes(void **state)
{
    gt_ctx *gt = *state;
    gt_module *net = residual(gt);
    gt_tensor *x = gt_ones(gt, GT_SHAPE(2, 3, 8, 8)),
              *w = gt_module_parameter(net, "0.body.0.weight");
    gt_backward(gt_sum(gt_forward(net, x)));
    const gt_tensor *grad = w->grad;
    gt_graph *g = graph_of(net, GT_SHAPE(2, 3, 8, 8), (gt_module_graph_opts){.backward = true});
    assert_sound(g);
    assert_ptr_equal(w->grad, grad);
    assert_true(nodes_of(g, GT_PART_BACKWARD) > 10);
    const gt_graph_node *dw = &g->node[find(g, "conv2d_dw")];
    assert_string_equal(g->node[dw->of].op->name, "conv2d");
    assert_int_equal(dw->pass, 1);
    assert_int_equal(dw->scope, g->node[dw->of].scope);
    gt_graph_free(g);
}

/* --- tapes --- */

static void second_derivatives_are_a_pass_of_their_own(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *x = gt_ones(gt, GT_SHAPE(3), .requires_grad = true), *g1, *g2;
    gt_tensor *y = gt_sum(gt_exp(gt_square(x)));
    gt_grad(&y, 1, &x, 1, &g1, .create_graph = true);
    gt_grad(&g1, 1, &x, 1, &g2, .upstream = &g1, .create_graph = true);
    gt_graph *g = gt_tape_graph(gt);
    assert_sound(g);
    int last = 0;
    for (int i = 0; i < g->n_nodes; i++) {
        assert_true(g->node[i].pass == 0 || g->node[i].pass >= last);
        last = g->node[i].pass;
    }
    assert_int_equal(last, 2);
    gt_graph_free(g);
}

/* What is changed in place is another value, which the next reader reads. */
static void changes_in_place_make_values(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *t = gt_set_name(gt_ones(gt, GT_SHAPE(2)), "t");
    gt_set_recording_all(gt, true);
    gt_neg(t);
    gt_fill(t, 3);
    gt_tensor *y = gt_exp(t);
    gt_graph *g = gt_tape_graph(gt);
    assert_sound(g);
    assert_int_equal(g->node[2].in[0], g->node[1].out[0]);
    assert_int_equal(g->value[g->node[1].out[0]].before, g->node[0].in[0]);
    gt_graph_free(g);
    g = gt_tensor_graph(y);
    assert_int_equal(g->n_nodes, 2);
    assert_string_equal(g->value[g->node[0].in[0]].name, "t");
    gt_graph_free(g);
}

/* Long tapes, and places that do not depend on what came before. */
static void long_tapes_are_numbered_alike(void **state)
{
    enum { NODES = 100000 };
    gt_ctx *gt = *state;
    gt_graph *g[2];
    for (int i = 0; i < 2; i++) {
        const gt_mark start = gt_mark_tape(gt);
        gt_tensor *x = gt_ones(gt, GT_SCALAR, .requires_grad = true);
        for (int k = 0; k < NODES; k++) x = k % 2 ? gt_neg(x) : gt_add(x, x);
        g[i] = gt_tensor_graph(x);
        gt_rewind(gt, start);
        assert_int_equal(g[i]->n_nodes, NODES);
    }
    for (int k = 0; k < NODES; k++) {
        assert_ptr_equal(g[0]->node[k].op, g[1]->node[k].op);
        assert_int_equal(g[0]->node[k].in[0], g[1]->node[k].in[0]);
    }
    for (int i = 0; i < 2; i++) gt_graph_free(g[i]);
}

/* --- captured steps --- */

typedef struct {
    gt_module *net;
    gt_optimizer *optimizer;
    gt_tensor *x, *y;
} training;

static gt_tensor *step(gt_ctx *gt, void *user)
{
    training *t = user;
    (void)gt;
    gt_tensor *loss = gt_cross_entropy(gt_forward(t->net, t->x), t->y);
    gt_zero_grad(t->net);
    gt_backward(loss);
    gt_clip_grad_norm(t->net, 1);
    gt_optimizer_step(t->optimizer);
    return loss;
}

static void a_captured_step_has_three_parts(void **state)
{
    gt_ctx *gt = *state;
    gt_module *net = gt_nn_sequential(gt, gt_nn_linear(gt, 3, 4), gt_nn_batch_norm1d(gt, 4));
    training t = {net, gt_sgd(net, .lr = 0.1, .momentum = 0.9), gt_randn(gt, GT_SHAPE(5, 3)),
                  gt_zeros(gt, GT_SHAPE(5), .dtype = GT_I64)};
    gt_captured *c = gt_capture(gt, step, &t, .inputs = {&t.x, &t.y});
    gt_replay(c);
    gt_graph *g = gt_captured_graph(c);
    assert_well(gt);
    assert_sound(g);
    gt_captured_free(c); /* the graph is a copy */
    for (int i = 0; i < g->n_nodes; i++) {
        const char *name = g->node[i].op->name;
        const bool updates = strstr(name, "_step") || strstr(name, "clip_norm");
        if (updates) assert_int_equal(g->node[i].part, GT_PART_UPDATE);
        if (!strcmp(name, "blend")) assert_int_equal(g->node[i].part, GT_PART_FORWARD);
    }
    assert_true(nodes_of(g, GT_PART_FORWARD) && nodes_of(g, GT_PART_BACKWARD));
    assert_int_equal(g->value[g->node[0].in[0]].kind, GT_VALUE_INPUT);
    assert_true(g->result >= 0);
    gt_graph_free(g);
    assert_null(gt_captured_graph(c));
    assert_has(gt_error_message(NULL), "the captured step has no operations");
    gt_error_clear(NULL);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, open_context, close_context)
    const struct CMUnitTest tests[] = {
        TEST(holds_types_shapes_and_counts),
        TEST(the_batch_is_symbolic),
        TEST(options_grow_by_their_values),
        TEST(a_module_of_one_batch_has_a_graph),
        TEST(holds_what_is_frozen_and_what_is_lazy),
        TEST(holds_backward_passes),
        TEST(second_derivatives_are_a_pass_of_their_own),
        TEST(changes_in_place_make_values),
        TEST(long_tapes_are_numbered_alike),
        TEST(a_captured_step_has_three_parts),
    };
    return cmocka_run_group_tests_name("graph model", tests, NULL, NULL);
}
