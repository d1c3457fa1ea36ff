/* What exchanges the tensors of whole trees of modules: sharing, converting, copying. */
#include "networks.h"

static void test_tie(void **state)
{
    gt_ctx *gt = *state;
    gt_module *net = gt_nn_sequential(gt, gt_nn_linear(gt, 3, 3), gt_nn_linear(gt, 3, 3));
    gt_optimizer *sgd = gt_sgd(net, .lr = 0.5);
    assert_int_equal(gt_module_tie(net, "1.weight", "0.weight"), GT_OK);
    gt_tensor *w = gt_module_parameter(net, "0.weight");
    assert_ptr_equal(gt_module_parameter(net, "1.weight"), w);
    assert_int_equal(gt_module_n_parameters(net), 9 + 3 + 3);
    assert_paths(gt_module_parameters(net), "0.weight 0.bias 1.bias ");
    assert_paths(gt_module_parameters_like(net, "1.*"), "1.weight 1.bias ");
    gt_init_constant(w, 1);
    gt_init_zeros(gt_module_parameter(net, "0.bias"));
    gt_init_zeros(gt_module_parameter(net, "1.bias"));
    gt_backward(gt_sum(gt_forward(net, gt_ones(gt, GT_SHAPE(1, 3)))));
    assert_true(gt_get(w->grad, 0, 0) == 3 + 3);
    gt_optimizer_step(sgd);
    assert_true(gt_get(w, 0, 0) == 1 - 0.5 * 6);
    gt_module_tie(net, "1.weight", "0.bias");
    assert_error(gt, GT_ERR_SHAPE, "'1.weight' is [3,3], but '0.bias' is [3]");
    gt_module_tie(net, "2.weight", "0.bias");
    assert_error(gt, GT_ERR_ARGUMENT, "no parameter '2.weight'");
    gt_module_append(net, gt_nn_lazy_linear(gt, 3));
    gt_module_tie(net, "2.weight", "0.weight");
    assert_error(gt, GT_ERR_STATE, "'2.weight' yet: a LazyLinear makes its parameters");
}

/* The first to be walked over is not the first that had the tensor. */
static void test_shared_backwards(void **state)
{
    gt_ctx *gt = *state;
    gt_module *net = gt_nn_sequential(gt, gt_nn_linear(gt, 3, 3, .no_bias = true),
                                      gt_nn_linear(gt, 3, 3), gt_nn_linear(gt, 3, 3));
    gt_module_tie(net, "0.weight", "2.weight");
    assert_paths(gt_module_parameters(net), "0.weight 1.weight 1.bias 2.bias ");
    gt_module_to(net, GT_F64);
    assert_paths(gt_module_parameters(gt_module_copy(net)), "0.weight 1.weight 1.bias 2.bias ");
    assert_int_equal(gt_module_n_parameters(net), 9 + 9 + 3 + 3);
}

static void test_to(void **state)
{
    gt_ctx *gt = *state;
    gt_module *net =
        gt_nn_sequential(gt, gt_nn_conv2d(gt, 1, 2, .kernel = {3}), gt_nn_batch_norm2d(gt, 2),
                         gt_nn_prelu(gt), gt_nn_flatten(gt), gt_nn_lazy_linear(gt, 2));
    gt_module_tie(net, "1.bias", "1.weight");
    gt_freeze(net, "0.bias");
    const double first = element(gt_module_parameter(net, "0.weight"), 0);
    gt_optimizer *adam = gt_adam(net, .lr = 0.1);
    for (int pass = 0; pass < 2; pass++) {
        const gt_dtype dtype = pass ? GT_F32 : GT_F64;
        assert_int_equal(gt_module_to(net, dtype), GT_OK);
        gt_state_iter it = gt_module_state(net);
        while (gt_state_next(&it))
            assert_int_equal(it.tensor->dtype,
                             it.tensor->size == 1 && it.is_buffer ? GT_I64 : dtype);
        assert_ptr_equal(gt_module_parameter(net, "1.bias"), gt_module_parameter(net, "1.weight"));
        assert_false(gt_module_parameter(net, "0.bias")->requires_grad);
        if (!pass) assert_true(element(gt_module_parameter(net, "0.weight"), 0) == first);
        gt_tensor *y = gt_forward(net, gt_rand(gt, GT_SHAPE(2, 1, 4, 4), .dtype = dtype));
        assert_int_equal(y->dtype, dtype);
        gt_backward(gt_sum(y));
        const double before = element(gt_module_parameter(net, "1.weight"), 0);
        assert_int_equal(gt_optimizer_step(adam), GT_OK);
        assert_true(element(gt_module_parameter(net, "1.weight"), 0) != before);
        assert_int_equal(gt_module_parameter(net, "4.weight")->dtype, dtype);
    }
    char path[64];
    assert_string_equal(gt_name(gt_module_parameter(net, "0.weight")), "weight");
    gt_scope_path(gt_owner(gt_module_parameter(net, "0.weight")), path, sizeof path);
    assert_string_equal(path, "0");
    gt_module_to(net, GT_I64);
    assert_error(gt, GT_ERR_DTYPE, "not i64");
}

static void count_call(gt_module *m, gt_tensor *const in[], gt_tensor *const out[], void *user)
{
    (void)m, (void)in, (void)out;
    ++*(int *)user;
}

static void test_copy(void **state)
{
    gt_ctx *gt = *state;
    gt_module *net = batch_norms(gt);
    gt_tensor *x = gt_randn(gt, GT_SHAPE(3, 2, 9, 8));
    int n_calls = 0;
    gt_module_add_hook(net, count_call, &n_calls);
    gt_freeze(net, "0.*");
    gt_module *copy = gt_module_copy(net);
    assert_well(gt);
    gt_tensor *y = gt_forward(copy, x);
    assert_int_equal(n_calls, 0);
    assert_true(element(gt_module_buffer(net, "1.num_batches_tracked"), 0) == 0);
    assert_true(element(gt_module_buffer(copy, "1.num_batches_tracked"), 0) == 1);
    gt_init_zeros(gt_module_parameter(copy, "11.weight"));
    gt_tensor *again = gt_forward(net, x);
    for (int i = 0; i < 9; i++) assert_true(element(y, i) == element(again, i));
    gt_backward(gt_sum(gt_forward(copy, x)));
    assert_null(gt_module_parameter(net, "10.weight")->grad);
    assert_non_null(gt_module_parameter(copy, "10.weight")->grad);
    assert_false(gt_module_parameter(copy, "0.weight")->requires_grad);
}

/* A copy keeps what is shared, and what is still lazy. */
static void test_copy_of_shared_and_lazy(void **state)
{
    gt_ctx *gt = *state;
    gt_module *net = gt_nn_sequential(gt, gt_nn_linear(gt, 2, 2), gt_nn_linear(gt, 2, 2),
                                      gt_nn_lazy_linear(gt, 4));
    gt_module_tie(net, "1.weight", "0.weight");
    gt_module *copy = gt_module_copy(net);
    assert_ptr_equal(gt_module_parameter(copy, "1.weight"), gt_module_parameter(copy, "0.weight"));
    assert_true(gt_module_parameter(copy, "0.weight") != gt_module_parameter(net, "0.weight"));
    gt_forward(copy, gt_ones(gt, GT_SHAPE(1, 2)));
    assert_well(gt);
    assert_non_null(gt_module_parameter(copy, "2.weight"));
    assert_null(gt_module_parameter(net, "2.weight"));
}

/* A kind with memory of its own, and pointers to its parts. */
typedef struct {
    gt_module base;
    gt_module *inner;
    gt_tensor *scale;
    int *calls;
} owner;

static gt_tensor *owner_forward(gt_module *m, gt_tensor *x)
{
    owner *o = (owner *)m;
    ++*o->calls;
    return gt_mul(gt_forward(o->inner, x), o->scale);
}

static void owner_free(gt_module *m)
{
    test_free(((owner *)m)->calls);
}

static bool owner_copy(gt_module *to, const gt_module *from)
{
    ((owner *)to)->calls = test_calloc(1, sizeof(int));
    *((owner *)to)->calls = *((const owner *)from)->calls;
    return true;
}

static gt_module *owner_new(gt_ctx *gt, const gt_module_type *type)
{
    owner *o = (owner *)gt_module_new(gt, type);
    o->calls = test_calloc(1, sizeof(int));
    o->inner = gt_module_add_child(&o->base, "inner", gt_nn_linear(gt, 2, 2));
    o->scale = gt_module_add_parameter(&o->base, "scale", gt_ones(gt, GT_SHAPE(1)));
    return &o->base;
}

static void test_copy_of_own_kind(void **state)
{
    (void)state;
    static const gt_module_type type = {.name = "Owner",
                                        .size = sizeof(owner),
                                        .forward = owner_forward,
                                        .free = owner_free,
                                        .copy = owner_copy};
    static const gt_module_type uncopied = {
        .name = "Uncopied", .size = sizeof(owner), .forward = owner_forward, .free = owner_free};
    gt_ctx *gt = gt_open();
    gt_module *m = owner_new(gt, &type);
    gt_forward(m, gt_ones(gt, GT_SHAPE(1, 2)));
    owner *copy = (owner *)gt_module_copy(m);
    assert_well(gt);
    assert_ptr_equal(copy->inner, gt_module_child(&copy->base, "inner"));
    assert_ptr_equal(copy->scale, gt_module_parameter(&copy->base, "scale"));
    gt_forward(&copy->base, gt_ones(gt, GT_SHAPE(1, 2)));
    assert_int_equal(*copy->calls, 2);
    assert_int_equal(*((owner *)m)->calls, 1);
    assert_null(gt_module_copy(owner_new(gt, &uncopied)));
    assert_error(gt, GT_ERR_UNSUPPORTED, "owns what only its kind knows");
    gt_close(gt);
}

#define IN_CONTEXT(f) cmocka_unit_test_setup_teardown(f, open_context, close_context)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_CONTEXT(test_tie),
        IN_CONTEXT(test_shared_backwards),
        IN_CONTEXT(test_to),
        IN_CONTEXT(test_copy),
        IN_CONTEXT(test_copy_of_shared_and_lazy),
        cmocka_unit_test(test_copy_of_own_kind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
