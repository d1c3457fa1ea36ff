/* Every registered operation has samples, and its error samples give the messages they promise and
 * leave the context usable. */
#include "support.h"

static void test_samples_are_there(void **state)
{
    (void)state;
    size_t n;
    const gt_op_info *info = gt_ops(&n);
    for (size_t i = 0; i < n; i++) {
        const gt_op *op = info[i].op;
        if (!op) continue;
        assert_string_equal(op->name, info[i].name);
        if (op->n_samples < 5) fail_msg("%s has %d samples", op->name, op->n_samples);
        if (op->n_error_samples < 1) fail_msg("%s has no error samples", op->name);
        for (int a = 0; a < op->n_samples; a++)
            for (int b = 0; b < a; b++)
                if (!strcmp(op->samples[a].label, op->samples[b].label))
                    fail_msg("%s has two samples \"%s\"", op->name, op->samples[a].label);
    }
}

static void check_error_sample(const gt_op *op, const gt_error_sample *sample)
{
    static const uint64_t no_opts[64];
    gt_ctx *gt = gt_open();
    gt_tensor *in[GT_SAMPLE_INPUTS] = {0};
    const int n_in = sample->n_in ? sample->n_in : gt_op_least(op);
    bool all_null = true;
    for (int i = 0; i < n_in; i++) {
        const gt_sample_input *s = &sample->in[i];
        if (s->same > 0) in[i] = in[s->same - 1];
        else if (!s->null) in[i] = gt_ones(gt, s->shape, .dtype = s->dtype);
        all_null = all_null && !in[i];
    }
    assert_well(gt);
    const void *opts = sample->opts ? sample->opts : no_opts;
    const bool done = op->flags & GT_OP_INTO ? gt_apply_into(op, opts, n_in, in) == GT_OK
                                             : gt_apply(op, opts, n_in, in) != NULL;
    gt_ctx *where = all_null ? NULL : gt;
    if (done || gt_error_code(where) != sample->code ||
        !strstr(gt_error_message(where), sample->message) ||
        !strstr(gt_error_message(where), op->name))
        fail_msg("%s, error sample \"%s\": %s: %s", op->name, sample->label,
                 gt_status_name(gt_error_code(where)), gt_error_message(where));
    gt_error_clear(where);
    assert_true(gt_item(gt_add(gt_scalar(gt, 1), gt_scalar(gt, 2))) == 3);
    assert_well(gt);
    gt_close(gt);
}

/* Floating inputs are ones that require gradients, so that the call is recorded. */
static gt_tensor *input_of(gt_ctx *gt, const gt_sample_input *s)
{
    const bool open = s->dtype == GT_F32;
    gt_tensor *t = gt_ones(gt, s->shape, .dtype = s->dtype, .requires_grad = open);
    for (int64_t k = 0; !open && k < t->size; k++) {
        const double value = s->values ? s->values[k] : s->low;
        if (t->dtype == GT_I64) ((int64_t *)t->data)[k] = (int64_t)value;
        if (t->dtype == GT_U8) ((uint8_t *)t->data)[k] = (uint8_t)value;
    }
    return t;
}

/* The work of a call is a number, and there is some where something comes out. */
static void check_flops(const gt_op *op, const gt_sample *sample)
{
    static const uint64_t no_opts[64];
    gt_ctx *gt = gt_open();
    gt_tensor *in[GT_SAMPLE_INPUTS] = {0};
    const int n_in = sample->n_in ? sample->n_in : gt_op_least(op);
    for (int i = 0; i < n_in; i++) {
        const gt_sample_input *s = &sample->in[i];
        in[i] = s->same > 0 ? in[s->same - 1] : s->null ? NULL : input_of(gt, s);
    }
    gt_tensor *y = gt_apply(op, sample->opts ? sample->opts : no_opts, n_in, in);
    const gt_node *n = y ? gt_producer(y) : NULL;
    const double flops = n ? op->flops(n) : 1;
    if (!(flops >= 0 && flops < 1e12) || (y && y->size > 0 && in[0]->size > 0 && flops == 0))
        fail_msg("%s, sample \"%s\": %g operations", op->name, sample->label, flops);
    assert_well(gt);
    gt_close(gt);
}

static void test_flops(void **state)
{
    (void)state;
    size_t n;
    const gt_op_info *info = gt_ops(&n);
    for (size_t i = 0; i < n; i++)
        for (int s = 0; info[i].op && info[i].op->flops && !(info[i].op->flags & GT_OP_INTO) &&
                        s < info[i].op->n_samples;
             s++)
            check_flops(info[i].op, &info[i].op->samples[s]);
}

static void test_error_samples(void **state)
{
    (void)state;
    size_t n;
    const gt_op_info *info = gt_ops(&n);
    for (size_t i = 0; i < n; i++)
        for (int s = 0; info[i].op && s < info[i].op->n_error_samples; s++)
            check_error_sample(info[i].op, &info[i].op->error_samples[s]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_samples_are_there),
        cmocka_unit_test(test_flops),
        cmocka_unit_test(test_error_samples),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
