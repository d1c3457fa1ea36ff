/* Every public function on tensors, given in each place a tensor that cannot be used: that is an
 * error which says why, whatever the function looks at before its first operation does. */
#include "calls.h"

/* FOREIGN, to the other inputs, is the last. */
typedef enum { MISSING, DROPPED, RELEASED, FOREIGN, N_WAYS } way;

/* What input s is in this way. */
static gt_tensor *unusable(gt_ctx *gt, gt_ctx *other, const gt_sample_input *s, way how)
{
    if (how == MISSING) return NULL;
    if (how == FOREIGN) return sample_tensor(other, s);
    const gt_mark mark = gt_mark_tape(gt);
    gt_tensor *t = sample_tensor(gt, s);
    if (how == DROPPED) gt_rewind(gt, mark);
    if (how == DROPPED) return t;
    gt_free(gt_keep(t)); /* t is a view of what has been freed */
    return t;
}

static const char *const expected[N_WAYS] = {" is ", "gt_rewind", "gt_free", "another context"};

/* Options may be left out. */
static bool is_option(const tensor_call *c, int place)
{
    return place > 1 || (place == 1 && strstr(c->name, "norm") != NULL);
}

static bool holds(const tensor_call *c, int place, way how)
{
    gt_ctx *gt = gt_open(), *other = gt_open();
    gt_tensor *t[CALL_INPUTS] = {NULL};
    for (int i = 0; i < c->n; i++)
        if (i != place) t[i] = sample_tensor(gt, &c->in[i]);
    t[place] = unusable(gt, other, &c->in[place], how);
    assert_well(gt);
    gt_error_clear(NULL);
    const gt_tensor *y = c->call(t);
    const gt_ctx *where = gt_failed(gt) ? gt : gt_failed(other) ? other : NULL;
    const bool ok = (how == MISSING && is_option(c, place)) ||
                    (!y && gt_failed(where) && strstr(gt_error_message(where), expected[how]));
    if (!ok)
        print_error("%s %s, input %d, %s: %s\n", c->name, c->variant, place, expected[how],
                    y ? "gave a result" : gt_error_message(where));
    gt_close(other);
    gt_close(gt);
    return ok;
}

static void test_unusable_tensors(void **state)
{
    (void)state;
    int failed = 0;
    for (int i = 0; i < N_CALLS; i++)
        for (int place = 0; place < tensor_calls[i].n; place++)
            for (int how = 0; how < N_WAYS - (tensor_calls[i].n == 1); how++)
                failed += !holds(&tensor_calls[i], place, (way)how);
    assert_int_equal(failed, 0);
}

static void test_no_function_is_left_out(void **state)
{
    (void)state;
    size_t n;
    const gt_op_info *info = gt_ops(&n);
    for (size_t i = 0; i < n; i++) {
        bool found = info[i].inner;
        for (int k = 0; k < N_CALLS && !found; k++)
            found = !strcmp(tensor_calls[k].name, info[i].name);
        if (!found) fail_msg("tests/calls_list.h has no call of %s", info[i].name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_function_is_left_out),
        cmocka_unit_test(test_unusable_tensors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
