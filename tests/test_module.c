/* Modules: names, walking, training mode, lifetime, misuse. */
#include "support.h"

/* --- modules of the tests' own --- */

/* The notebook's: cross-correlation with weight, plus a scalar bias. */
typedef struct {
    gt_module base;
    gt_tensor *weight, *bias;
} textbook_conv;

static gt_tensor *textbook_forward(gt_module *m, gt_tensor *x)
{
    textbook_conv *c = (textbook_conv *)m;
    return gt_add(gt_corr2d(x, c->weight), c->bias);
}

static gt_module *textbook_new(gt_ctx *gt, int kh, int kw)
{
    static const gt_module_type type = {
        .name = "Conv2D", .size = sizeof(textbook_conv), .forward = textbook_forward};
    textbook_conv *c = (textbook_conv *)gt_module_new(gt, &type);
    if (!c) return NULL;
    c->weight = gt_module_add_parameter(&c->base, "weight", gt_rand(gt, GT_SHAPE(kh, kw)));
    c->bias = gt_module_add_parameter(&c->base, "bias", gt_zeros(gt, GT_SHAPE(1)));
    return &c->base;
}

/* Runs its children one after another; counts how often it is freed. */
typedef struct {
    gt_module base;
    int *n_freed;
} chain;

static gt_tensor *chain_forward(gt_module *m, gt_tensor *x)
{
    for (gt_module *c = m->child; c; c = c->next) x = gt_forward(c, x);
    return x;
}

static void chain_free(gt_module *m)
{
    chain *c = (chain *)m;
    if (c->n_freed) ++*c->n_freed;
}

static const gt_module_type chain_type = {
    .name = "Chain", .size = sizeof(chain), .forward = chain_forward, .free = chain_free};
static const gt_module_type mute_type = {.name = "Mute", .size = sizeof(gt_module)};

static gt_module *chain_new(gt_ctx *gt)
{
    return gt_module_new(gt, &chain_type);
}

/* --- tests --- */

static void test_textbook_module(void **state)
{
    (void)state;
    gt_ctx *gt = gt_open();
    gt_module *m = textbook_new(gt, 2, 2);
    gt_tensor *w = gt_module_parameter(m, "weight");
    assert_ptr_equal(w, ((textbook_conv *)m)->weight);
    assert_true(w->requires_grad);
    const float k[] = {0, 1, 2, 3};
    memcpy(w->data, k, sizeof k);
    gt_mark start = gt_mark_tape(gt);
    for (int i = 0; i < 4; i++) {
        gt_rewind(gt, start);
        gt_tensor *y = gt_forward(m, gt_values(gt, GT_SHAPE(3, 3), 0, 1, 2, 3, 4, 5, 6, 7, 8));
        assert_true(gt_get(y, 0, 0) == 19 && gt_get(y, 1, 1) == 43);
        assert_int_equal(gt_backward(gt_sum(y)), GT_OK);
        assert_true(gt_get(w->grad, 0, 0) == 0 + 1 + 3 + 4);
    }
    gt_zero_grad(m);
    assert_null(w->grad);
    assert_non_null(w->data);
    assert_string_equal(gt_error_message(gt), "");
    gt_close(gt);
}

/* net
 *   weight; step (buffer)
 *   a: weight (shared with b), bias
 *     deep: scale
 *   b: shared, mask (buffer) */
static gt_module *tree(gt_ctx *gt)
{
    gt_module *net = chain_new(gt), *a = chain_new(gt), *b = chain_new(gt), *deep = chain_new(gt);
    gt_module_add_child(a, "deep", deep);
    gt_module_add_child(net, "a", a);
    gt_module_add_child(net, "b", b);
    gt_module_add_parameter(net, "weight", gt_ones(gt, GT_SHAPE(5)));
    gt_module_add_buffer(net, "step", gt_zeros(gt, GT_SCALAR, .dtype = GT_I64));
    gt_tensor *shared = gt_module_add_parameter(a, "weight", gt_ones(gt, GT_SHAPE(2, 3)));
    gt_module_add_parameter(a, "bias", gt_ones(gt, GT_SHAPE(3), .dtype = GT_F64));
    gt_module_add_parameter(deep, "scale", gt_ones(gt, GT_SCALAR));
    gt_module_add_parameter(b, "shared", shared);
    gt_module_add_buffer(b, "mask", gt_ones(gt, GT_SHAPE(4), .dtype = GT_U8));
    return net;
}

static void check_walk(gt_state_iter it, const char *expected)
{
    char all[256] = "";
    size_t used = 0;
    while (gt_state_next(&it)) {
        used += gt_state_path(&it, all + used, sizeof all - used);
        assert_int_equal(used, strlen(all));
        assert_non_null(it.tensor);
        all[used++] = ' ';
        all[used] = 0;
    }
    assert_string_equal(all, expected);
    assert_false(gt_state_next(&it));
}

static void test_names(void **state)
{
    (void)state;
    gt_ctx *gt = gt_open();
    gt_module *net = tree(gt), *a = gt_module_child(net, "a");
    check_walk(gt_module_parameters(net), "weight a.weight a.bias a.deep.scale ");
    check_walk(gt_module_buffers(net), "step b.mask ");
    check_walk(gt_module_state(net), "weight step a.weight a.bias a.deep.scale b.shared b.mask ");
    check_walk(gt_module_parameters(a), "weight bias deep.scale ");
    check_walk(gt_module_parameters(gt_module_child(net, "b")), "shared ");
    check_walk(gt_module_buffers(a), "");
    check_walk(gt_module_state(gt_module_child(a, "deep")), "scale ");
    check_walk(gt_module_state(NULL), "");
    assert_int_equal(gt_module_n_parameters(net), 5 + 6 + 3 + 1);

    gt_tensor *scale = gt_module_parameter(net, "a.deep.scale");
    assert_ptr_equal(scale, gt_module_parameter(a, "deep.scale"));
    assert_ptr_equal(gt_module_parameter(net, "b.shared"), gt_module_parameter(a, "weight"));
    assert_ptr_equal(gt_module_child(net, "a.deep"), gt_module_child(a, "deep"));
    assert_non_null(gt_module_buffer(net, "b.mask"));
    static const char *const nowhere[] = {"",        ".",         "a",      "a.",
                                          ".weight", "a.deep.",   "weigh",  "weights",
                                          "b.mask",  "a.x.scale", "a..deep"};
    for (size_t i = 0; i < sizeof nowhere / sizeof *nowhere; i++)
        assert_null(gt_module_parameter(net, nowhere[i]));
    assert_null(gt_module_parameter(net, NULL));
    assert_null(gt_module_child(net, "a.weight"));

    char path[64];
    gt_scope_path(gt_owner(scale), path, sizeof path);
    assert_string_equal(path, "a.deep");
    assert_string_equal(gt_name(scale), "scale");
    gt_state_iter it = gt_module_parameters(a);
    while (gt_state_next(&it) && it.tensor != scale) continue;
    assert_int_equal(gt_state_path(&it, path, 7), strlen("deep.scale"));
    assert_string_equal(path, "deep.s");
    assert_false(gt_failed(gt));
    gt_close(gt);
}

/* Whatever the outcome, gt_forward puts the caller's scope back. */
static void test_scope(void **state)
{
    (void)state;
    gt_ctx *gt = gt_open();
    gt_scope mine = {.name = "mine"};
    gt_module *m = textbook_new(gt, 2, 2);
    gt_set_scope(gt, &mine);
    assert_non_null(gt_forward(m, gt_ones(gt, GT_SHAPE(3, 3))));
    assert_ptr_equal(gt_set_scope(gt, &mine), &mine);
    assert_null(gt_forward(m, gt_ones(gt, GT_SHAPE(1, 1))));
    assert_ptr_equal(gt_set_scope(gt, NULL), &mine);
    gt_close(gt);
}

static void test_training_mode(void **state)
{
    (void)state;
    gt_ctx *gt = gt_open();
    gt_module *net = tree(gt), *a = gt_module_child(net, "a"), *b = gt_module_child(net, "b");
    gt_module *deep = gt_module_child(a, "deep");
    assert_true(net->training && a->training && deep->training);
    gt_eval(a);
    assert_true(net->training && !a->training && !deep->training && b->training);
    gt_train(net);
    assert_true(a->training && deep->training);
    gt_eval(NULL);
    gt_zero_grad(NULL);
    gt_close(gt);
}

static void test_freed_once(void **state)
{
    (void)state;
    int n_freed = 0;
    gt_ctx *gt = gt_open();
    for (int i = 0; i < 3; i++) ((chain *)chain_new(gt))->n_freed = &n_freed;
    gt_close(gt);
    assert_int_equal(n_freed, 3);
}

/* --- misuse --- */

static void test_bad_names(void **state)
{
    (void)state;
    gt_ctx *gt = gt_open();
    gt_module *net = tree(gt);
    char longest[GT_NAME_MOST + 2];
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = 0;
    const struct {
        const char *name, *message;
    } bad[] = {
        {NULL, "child is NULL"},
        {"", "child is empty"},
        {"top\nloss", "holds the control character 0x0a behind 'top'"},
        {"\x7f", "holds the control character 0x7f behind ''"},
        {longest, "has 256 bytes, can have 255: 'xxx"},
        {"a.b", "has a dot"},
        {"weight", "already a parameter 'weight'"},
        {"step", "already a buffer"},
        {"a", "already a child 'a'"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_null(gt_module_add_parameter(net, bad[i].name, gt_ones(gt, GT_SHAPE(1))));
        assert_error(gt, GT_ERR_ARGUMENT, bad[i].message);
        assert_null(gt_module_add_buffer(net, bad[i].name, gt_ones(gt, GT_SHAPE(1))));
        assert_error(gt, GT_ERR_ARGUMENT, bad[i].message);
        assert_null(gt_module_add_child(net, bad[i].name, chain_new(gt)));
        assert_error(gt, GT_ERR_ARGUMENT, bad[i].message);
    }
    check_walk(gt_module_parameters(net), "weight a.weight a.bias a.deep.scale ");
    assert_non_null(gt_module_add_child(net, longest + 1, chain_new(gt)));
    assert_non_null(gt_module_add_child(net, "h\303\266he", chain_new(gt)));
    gt_close(gt);
}

static void test_bad_tensors(void **state)
{
    (void)state;
    gt_ctx *gt = gt_open(), *other = gt_open();
    gt_module *m = chain_new(gt);
    gt_tensor *leaf = gt_ones(gt, GT_SHAPE(2), .requires_grad = true);
    assert_null(gt_module_add_parameter(m, "w", NULL));
    assert_error(gt, GT_ERR_ARGUMENT, "the tensor for 'w' is NULL");
    assert_null(gt_module_add_parameter(m, "w", gt_ones(other, GT_SHAPE(2))));
    assert_error(gt, GT_ERR_ARGUMENT, "another context");
    assert_null(gt_module_add_parameter(m, "w", gt_ones(gt, GT_SHAPE(2), .dtype = GT_U8)));
    assert_error(gt, GT_ERR_DTYPE, "parameter 'w' is u8");
    assert_null(gt_module_add_parameter(m, "w", gt_square(leaf)));
    assert_error(gt, GT_ERR_STATE, "not a leaf");
    assert_null(gt_module_add_buffer(m, "w", leaf));
    assert_error(gt, GT_ERR_ARGUMENT, "buffer 'w' requires gradients");
    assert_null(gt_module_add_parameter(NULL, "w", leaf));
    assert_error(gt, GT_ERR_ARGUMENT, "the module is NULL");
    assert_int_equal(gt_module_n_parameters(m), 0);
    assert_non_null(gt_module_add_parameter(m, "w", leaf));
    gt_close(other);
    gt_close(gt);
}

static void test_bad_children(void **state)
{
    (void)state;
    gt_ctx *gt = gt_open(), *other = gt_open();
    gt_module *net = tree(gt), *a = gt_module_child(net, "a");
    assert_null(gt_module_add_child(net, "c", NULL));
    assert_error(gt, GT_ERR_ARGUMENT, "child 'c' is NULL");
    assert_null(gt_module_add_child(net, "c", a));
    assert_error(gt, GT_ERR_ARGUMENT, "already in a Chain, as 'a'");
    assert_null(gt_module_add_child(net, "c", net));
    assert_error(gt, GT_ERR_ARGUMENT, "cycle");
    assert_null(gt_module_add_child(a, "c", net));
    assert_error(gt, GT_ERR_ARGUMENT, "cycle");
    assert_null(gt_module_add_child(net, "c", chain_new(other)));
    assert_error(gt, GT_ERR_ARGUMENT, "another context");
    assert_null(gt_module_add_child(NULL, "c", chain_new(gt)));
    assert_error(gt, GT_ERR_ARGUMENT, "the module is NULL");
    gt_close(other);
    gt_close(gt);
}

static void test_bad_forward(void **state)
{
    (void)state;
    gt_ctx *gt = gt_open(), *other = gt_open();
    gt_module *net = tree(gt), *mute = gt_module_new(gt, &mute_type);
    gt_tensor *x = gt_ones(gt, GT_SHAPE(2));
    assert_null(gt_forward(net, NULL));
    assert_error(gt, GT_ERR_ARGUMENT, "Chain (");
    assert_null(gt_forward(NULL, x));
    assert_error(gt, GT_ERR_ARGUMENT, "the module is NULL");
    assert_null(gt_forward(net, gt_ones(other, GT_SHAPE(2))));
    assert_error(gt, GT_ERR_ARGUMENT, "another context");
    assert_null(gt_forward(mute, x));
    assert_error(gt, GT_ERR_UNSUPPORTED, "no forward");
    assert_null(gt_forward(NULL, NULL));
    assert_error(NULL, GT_ERR_ARGUMENT, "the module is NULL");
    gt_fail(gt, GT_ERR_STATE, "test", "first");
    assert_null(gt_forward(net, x));
    assert_null(gt_module_new(gt, &mute_type));
    assert_error(gt, GT_ERR_STATE, "first");
    gt_close(other);
    gt_close(gt);
}

static gt_tensor *forward_nothing(gt_module *m, gt_tensor *x)
{
    (void)m, (void)x;
    return NULL;
}

static bool make_nothing(gt_module *m, gt_tensor *x)
{
    (void)m, (void)x;
    return false;
}

/* Makes its output in another context. */
typedef struct {
    gt_module base;
    gt_ctx *other;
} stranger;

static gt_tensor *forward_stranger(gt_module *m, gt_tensor *x)
{
    (void)x;
    return gt_ones(((stranger *)m)->other, GT_SHAPE(2));
}

/* Kinds that give nothing without an error: gt_forward makes one. */
static void test_silent_types(void **state)
{
    (void)state;
    static const gt_module_type empty = {
        .name = "Empty", .size = sizeof(gt_module), .forward = forward_nothing};
    static const gt_module_type never = {.name = "Never",
                                         .size = sizeof(gt_module),
                                         .forward = forward_nothing,
                                         .materialise = make_nothing};
    static const gt_module_type strange = {
        .name = "Strange", .size = sizeof(stranger), .forward = forward_stranger};
    gt_ctx *gt = gt_open(), *other = gt_open();
    gt_tensor *x = gt_ones(gt, GT_SHAPE(2));
    assert_null(gt_forward(gt_module_new(gt, &empty), x));
    assert_error(gt, GT_ERR_STATE, "Empty (");
    assert_null(gt_forward(gt_module_new(gt, &empty), x));
    assert_error(gt, GT_ERR_STATE, "its forward returned NULL");
    assert_null(gt_forward(gt_module_new(gt, &never), x));
    assert_error(gt, GT_ERR_STATE, "its materialise returned false");
    gt_module *m = gt_module_new(gt, &strange);
    ((stranger *)m)->other = other;
    assert_null(gt_forward(m, x));
    assert_error(gt, GT_ERR_ARGUMENT, "its output belongs to another context");
    gt_close(other);
    gt_close(gt);
}

static void test_bad_types(void **state)
{
    static const gt_module_type bad[] = {{.size = sizeof(gt_module)},
                                         {.name = "Small", .size = sizeof(gt_module) - 1},
                                         {.name = "None"}};
    (void)state;
    gt_ctx *gt = gt_open();
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_null(gt_module_new(gt, &bad[i]));
        assert_error(gt, GT_ERR_ARGUMENT, "the type needs a name and the size");
    }
    assert_null(gt_module_new(gt, NULL));
    assert_error(gt, GT_ERR_ARGUMENT, "the type needs");
    assert_null(gt_module_new(NULL, &mute_type));
    assert_error(NULL, GT_ERR_ARGUMENT, "the context is NULL");
    gt_close(gt);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_textbook_module), cmocka_unit_test(test_names),
        cmocka_unit_test(test_scope),           cmocka_unit_test(test_training_mode),
        cmocka_unit_test(test_freed_once),      cmocka_unit_test(test_bad_names),
        cmocka_unit_test(test_bad_tensors),     cmocka_unit_test(test_bad_children),
        cmocka_unit_test(test_bad_forward),     cmocka_unit_test(test_bad_types),
        cmocka_unit_test(test_silent_types),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
