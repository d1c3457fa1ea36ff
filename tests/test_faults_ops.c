/* Every operation on its samples, and every function, forward, backward and in second order, while
 * memory runs out at one request after the other. Each run ends with GT_ERR_MEMORY or with the
 * right result, gives back what it took, and leaves a context that works. */
#include <stdlib.h>

#include "calls.h"
#include "faults.h"

static const gt_scope scope = {.name = "here"};

enum { RESULTS = GT_OP_OUTPUTS + GT_SAMPLE_INPUTS };

typedef struct {
    gt_ctx *gt;
    const char *name, *label;
    const gt_op *op; /* run on opts, or */
    const void *opts;
    const tensor_call *call; /* this one */
    int order, n_in, n_var;
    gt_tensor *in[GT_SAMPLE_INPUTS], *var[GT_SAMPLE_INPUTS];
    uint64_t digest;
} program;

/* --- inputs --- */

static void make_inputs(program *p, const gt_sample_input *in, int n)
{
    p->gt = gt_open();
    gt_set_scope(p->gt, &scope);
    p->n_in = n;
    for (int i = 0; i < n; i++) {
        if (in[i].same > 0) p->in[i] = p->in[in[i].same - 1];
        else if (!in[i].null) p->in[i] = sample_tensor(p->gt, &in[i]);
        if (in[i].same > 0 || !p->in[i] || p->in[i]->dtype != GT_F64) continue;
        gt_require_grad(p->in[i], true);
        p->var[p->n_var++] = p->in[i];
    }
    assert_well(p->gt);
}

/* --- the program --- */

static void take(program *p, const gt_tensor *t)
{
    const unsigned char *at = t ? t->data : NULL;
    for (size_t i = 0; t && i < (size_t)t->size * gt_dtype_size(t->dtype); i++)
        p->digest = (p->digest ^ at[i]) * 0x100000001b3;
}

/* The gradients of all of y that have some, into g; false after a failure or when there are none.
 */
static bool differentiate(program *p, gt_tensor *const y[], int n, gt_tensor *g[])
{
    gt_tensor *out[RESULTS], *up[RESULTS];
    int n_out = 0;
    for (int i = 0; i < n; i++) {
        if (!y[i] || !y[i]->requires_grad) continue;
        out[n_out] = y[i];
        up[n_out++] = gt_full_like(y[i], 0.75);
    }
    if (!n_out || !p->n_var) return false;
    if (gt_grad(out, n_out, p->var, p->n_var, g, .create_graph = true, .upstream = up,
                .allow_unused = true) != GT_OK)
        return false;
    for (int i = 0; i < p->n_var; i++) take(p, g[i]);
    return true;
}

/* Changes copies, so that every run begins alike. */
static int call_into(program *p, gt_tensor *y[])
{
    gt_tensor *in[GT_SAMPLE_INPUTS];
    for (int i = 0; i < p->n_in; i++) in[i] = i < p->op->n_out ? gt_clone(p->in[i]) : p->in[i];
    for (int i = 0; i < p->op->n_out; i++) y[i] = in[i];
    return gt_apply_into(p->op, p->opts, p->n_in, in) == GT_OK ? p->op->n_out : 0;
}

/* Fills y; the number of results, 0 after a failure. */
static int call(program *p, gt_tensor *y[])
{
    gt_manual_seed(p->gt, 1);
    if (p->op && p->op->flags & GT_OP_INTO) return call_into(p, y);
    if (p->op) return gt_apply_n(p->op, p->opts, p->n_in, p->in, y) == GT_OK ? p->op->n_out : 0;
    y[0] = p->call->call(p->in);
    return y[0] ? 1 : 0;
}

static void run(program *p)
{
    gt_tensor *y[GT_OP_OUTPUTS], *g[GT_SAMPLE_INPUTS], *h[GT_SAMPLE_INPUTS];
    p->digest = 0xcbf29ce484222325;
    const int n = call(p, y);
    for (int i = 0; i < n; i++) take(p, y[i]);
    if (n > 0 && p->order > 0 && differentiate(p, y, n, g) && p->order > 1)
        differentiate(p, g, p->n_var, h);
}

/* --- the sweep --- */

/* Runs without a failure, at the highest order that works; the number of calls. */
static uint64_t run_well(program *p)
{
    for (;; p->order--) {
        const gt_mark mark = gt_mark_tape(p->gt);
        faults_arm(FAULT_MEMORY, UINT64_MAX, false, 0);
        run(p);
        const uint64_t calls = faults_disarm();
        const bool well = !gt_failed(p->gt);
        if (!well && !p->order) assert_well(p->gt);
        gt_error_clear(p->gt);
        gt_rewind(p->gt, mark);
        if (well) return calls;
    }
}

static void check_failure(const program *p, const fault_sweep *s, uint64_t digest)
{
    const bool ok = !gt_failed(p->gt);
    if (ok ? p->digest == digest : gt_error_code(p->gt) == GT_ERR_MEMORY) return;
    fail_msg("%s, \"%s\", request %llu: %s: %s", p->name, p->label, (unsigned long long)s->at,
             gt_status_name(gt_error_code(p->gt)), ok ? "another result" : gt_error_message(p->gt));
}

/* What is kept of unchanged inputs is not left behind. */
static uint64_t bytes_in_use(const gt_ctx *gt)
{
    const gt_stats stats = gt_get_stats(gt);
    return stats.bytes_live - stats.bytes_derived;
}

static void sweep(program *p, bool onwards)
{
    const uint64_t calls = run_well(p), digest = p->digest;
    const uint64_t live = bytes_in_use(p->gt);
    faults_count_program();
    for (fault_sweep s = faults_sweep_begin(FAULT_MEMORY, onwards, 0, calls);
         faults_sweep_next(&s);) {
        const gt_mark mark = gt_mark_tape(p->gt);
        run(p);
        if (!faults_sweep_hit(&s)) assert_well(p->gt);
        check_failure(p, &s, digest);
        assert_ptr_equal(gt_set_scope(p->gt, &scope), &scope);
        gt_error_clear(p->gt);
        gt_rewind(p->gt, mark);
        if (bytes_in_use(p->gt) != live)
            fail_msg("%s, \"%s\", request %llu: memory stays behind", p->name, p->label,
                     (unsigned long long)s.at);
    }
    run_well(p);
    assert_true(p->digest == digest);
}

static void operation_runs_out_of_memory(void **state)
{
    static const uint64_t no_opts[64];
    const gt_op *op = ((const gt_op_info *)*state)->op;
    for (int i = 0; i < 2 * op->n_samples; i++) {
        const gt_sample *sample = &op->samples[i / 2];
        program p = {.name = op->name, .label = sample->label, .op = op, .order = 2};
        p.opts = sample->opts ? sample->opts : no_opts;
        make_inputs(&p, sample->in, sample->n_in ? sample->n_in : gt_op_least(op));
        sweep(&p, i % 2);
        gt_close(p.gt);
    }
}

static void functions_run_out_of_memory(void **state)
{
    (void)state;
    for (int i = 0; i < 2 * N_CALLS; i++) {
        const tensor_call *c = &tensor_calls[i / 2];
        program p = {.name = c->name, .label = c->variant, .call = c, .order = 2};
        make_inputs(&p, c->in, c->n);
        sweep(&p, i % 2);
        gt_close(p.gt);
    }
}

static int print(void **state)
{
    (void)state;
    faults_print("operations, memory");
    return 0;
}

int main(void)
{
    size_t n_ops, n = 0;
    const gt_op_info *info = gt_ops(&n_ops);
    struct CMUnitTest *tests = calloc(n_ops + 1, sizeof *tests);
    if (!tests) return 1;
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(functions_run_out_of_memory);
    for (size_t i = 0; i < n_ops; i++)
        if (info[i].op)
            tests[n++] = (struct CMUnitTest){.name = info[i].name,
                                             .test_func = operation_runs_out_of_memory,
                                             .initial_state = (void *)&info[i]};
    const int failed = _cmocka_run_group_tests("faults_ops", tests, n, NULL, print);
    free(tests);
    return failed;
}
