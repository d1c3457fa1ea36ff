/* context.h, tensor.h, autograd.h, functional.h, graph.h */
#include "cxx.h"

#include <cstdio>
#include <cstring>

static_assert(GT_ARRAY_COUNT(int, 4, 5, 6) == 3, "counts without a call");

struct thing {
    int number;
};
GT_DEFINE_AT(thing)

static const char *printed(char *to, const char *fmt, ...) GT_PRINTF(2, 3);
static const char *printed(char *to, const char *fmt, ...)
{
    return strcpy(to, fmt);
}

static int sum_of(int n, const int *list)
{
    int sum = 0;
    for (int i = 0; i < n; i++) sum += list[i];
    return sum;
}

static void test_calls(gt_ctx *gt)
{
    char text[16];
    thing one = {1};
    IS_TRUE(GT_MADE_AT(thing, &one)->number == 1);
    IS_TRUE(!strcmp(printed(text, "x"), GT_STRINGIFY(x)));
    IS_TRUE(sum_of(GT_COUNTED(int, 1, 2, 3)) == 6 && GT_ARRAY(int, 7, 8)[1] == 8);
    IS_TRUE(GT_OPTS(gt_new_opts, .dtype = GT_F64, ).dtype == GT_F64);
    IS_TRUE(!GT_OPTS(gt_new_opts, ).requires_grad);
    IS_TRUE(GT_STATUS_AT(GT_OK) == GT_OK && GT_CHECKED_AT(GT_OK) == GT_OK);
    IS_TRUE(GT_NUMBER_AT(2.0) == 2 && GT_COUNT_AT(2) == 2);
    GT_VOID_AT(gt_error_clear(gt));
    gt_tensor *none = GT_AT(gt_zeros_like(nullptr));
    IS_TRUE(!none);
}

static void test_making(gt_ctx *gt)
{
    gt_manual_seed(gt, 1);
    const float numbers[] = {1, 2, 3, 4, 5, 6};
    const gt_shape shape = GT_SHAPE(2, 3);
    IS_TRUE(gt_empty(gt, shape)->size == 6);
    IS_TRUE(gt_empty(gt, GT_SCALAR, .dtype = GT_U8)->dtype == GT_U8);
    IS_TRUE(gt_get(gt_zeros(gt, GT_SHAPE(2, 3), .requires_grad = true), 1, 2) == 0);
    IS_TRUE(gt_get(gt_ones(gt, shape, .dtype = GT_F64), 1, -1) == 1);
    IS_TRUE(gt_get(gt_full(gt, shape, 2.5), 0, 0) == 2.5);
    IS_TRUE(gt_item(gt_scalar(gt, 3)) == 3);
    gt_print(nullptr, gt_scalar(gt, 3));
    IS_TRUE(gt_get(gt_from(gt, shape, numbers, .requires_grad = true), 1, 0) == 4);
    const double doubles[] = {1, 2, 3, 4, 5, 6};
    IS_TRUE(gt_get(gt_from(gt, shape, doubles, .dtype = GT_U8), 1, 2) == 6);
    IS_TRUE(GT_C_TYPE(doubles) == GT_C_DOUBLE && GT_C_TYPE(nullptr) == GT_C_ANY);
    IS_TRUE(gt_get(gt_values(gt, GT_SHAPE(2, 2), 1, 2, 3, 4), 1, 1) == 4);
    IS_TRUE(gt_get(gt_arange(gt, 0, 6, 2, .dtype = GT_I64), 2) == 4);
    gt_manual_seed(gt, 1);
    IS_TRUE(gt_rand(gt, shape)->size == 6 && gt_randn(gt, shape, .dtype = GT_F64)->size == 6);
    IS_TRUE(gt_get(gt_uniform(gt, shape, 2, 3), 0, 0) >= 2);
    IS_TRUE(gt_randint(gt, 0, 5, GT_SHAPE(4))->dtype == GT_I64 && gt_randperm(gt, 4)->size == 4);
    IS_TRUE(gt_multinomial(gt_ones(gt, GT_SHAPE(3)), 5, .replacement = true)->size == 5);
    IS_TRUE(gt_set_random_state(gt, gt_get_random_state(gt)) == GT_OK);
    gt_values(gt, GT_SHAPE(3), 1, 2);
    HAS_FAILED(gt, GT_ERR_SHAPE);
}

void test_tensors(gt_ctx *gt)
{
    test_calls(gt);
    test_making(gt);
    const gt_mark start = gt_mark_tape(gt);
    gt_tensor *x = gt_keep(gt_set_name(gt_ones(gt, GT_SHAPE(2, 3)), "x"));
    gt_tensor *zero = gt_zeros_like(x), *one = gt_ones_like(x);
    IS_TRUE(gt_mean_weight(gt_set_mean_weight(gt_ones(gt, GT_SCALAR), 3)) == 3);
    IS_TRUE(gt_same_shape(gt_empty_like(x), gt_full_like(x, 4)));
    IS_TRUE(gt_fill(zero, 5) == GT_OK && gt_fill_slice(zero, 1, 0, 2, 6) == GT_OK);
    IS_TRUE(gt_get(zero, 0, 1) == 6 && gt_get(zero, 0, 2) == 5);
    IS_TRUE(gt_copy_into(x, one) == GT_OK && gt_detach(x)->data == x->data);
    gt_require_grad(x, true);
    gt_free(x);
    gt_set_threads(gt, 1);
    gt_rewind(gt, start);
}

static gt_tensor *same(gt_tensor *grad, void *)
{
    return grad;
}

static gt_tensor *cube_sum(gt_ctx *, gt_tensor *const in[], void *)
{
    return gt_sum(gt_pow_scalar(in[0], 3));
}

static void test_functional(gt_ctx *gt)
{
    gt_tensor *in[1] = {gt_values(gt, GT_SHAPE(2), 1, 2)}, *to[1], *y;
    gt_tensor *along[1] = {gt_ones(gt, GT_SHAPE(2))};
    IS_TRUE(gt_vjp(gt, cube_sum, nullptr, in, 1, nullptr, to, .value = &y) == GT_OK);
    IS_TRUE(gt_item(y) == 9 && gt_get(to[0], 1) == 12);
    IS_TRUE(gt_jvp(gt, cube_sum, nullptr, in, 1, along, to) == GT_OK && gt_item(to[0]) == 15);
    IS_TRUE(gt_jacobian(gt, cube_sum, nullptr, in, 1, to) == GT_OK && gt_get(to[0], 0) == 3);
    IS_TRUE(gt_hessian(gt, cube_sum, nullptr, in, 1, to, .flat = true) == GT_OK);
    IS_TRUE(gt_get(to[0], 1, 1) == 12);
    IS_TRUE(gt_hvp(gt, cube_sum, nullptr, in, 1, along, to) == GT_OK && gt_get(to[0], 0) == 6);
    IS_TRUE(gt_item(gt_checkpoint(gt, cube_sum, nullptr, in, 1)) == 9);
}

void test_gradients(gt_ctx *gt)
{
    gt_tensor *x = gt_values(gt, GT_SHAPE(2), 1, 2), *grad;
    gt_require_grad(x, true);
    IS_TRUE(gt_hook(x, same, nullptr) == GT_OK);
    gt_tensor *y = gt_sum(gt_square(x));
    IS_TRUE(gt_grad(&y, 1, &x, 1, &grad, .create_graph = true, .allow_unused = true) == GT_OK);
    IS_TRUE(gt_backward(y, .retain = true) == GT_OK && gt_get(x->grad, 1) == 4);
    IS_TRUE(gt_backward(y) == GT_OK && gt_get(x->grad, 1) == 8);
    IS_TRUE(gt_unhook(x, same, nullptr) == GT_OK);
    test_functional(gt);
    FILE *f = tmpfile();
    IS_TRUE(f && gt_graph_write_dot(y, f) == GT_OK && gt_tape_write_dot(gt, f) == GT_OK);
    IS_TRUE(gt_graph_write_dot(y, f, .detail = GT_DETAIL_OPERATIONS) == GT_OK);
    IS_TRUE(gt_tape_write_dot(gt, f, .detail = GT_DETAIL_OPERATIONS) == GT_OK);
    fclose(f);
    IS_TRUE(gt_graph_render(y, "graph.txt", .detail = GT_DETAIL_OPERATIONS) != GT_OK);
    HAS_FAILED(gt, GT_ERR_ARGUMENT);
    IS_TRUE(gt_tape_render(gt, "graph.txt", .detail = GT_DETAIL_OPERATIONS) != GT_OK);
    gt_error_clear(gt);
    gt_graph *tape = gt_tape_graph(gt), *tensor = gt_tensor_graph(y);
    IS_TRUE(tape && tensor && tape->n_nodes >= tensor->n_nodes);
    IS_TRUE(gt_graph_save(tensor, "graph.txt", .depth = 1) != GT_OK);
    gt_error_clear(gt);
    IS_TRUE(gt_graph_save(tape, "graph.txt") != GT_OK);
    gt_graph_free(tape);
    gt_graph_free(tensor);
    HAS_FAILED(gt, GT_ERR_ARGUMENT);
}
