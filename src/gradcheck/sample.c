/* Operations on their samples. */
#include "gradcheck/check.h"

#include <math.h>
#include <string.h>

/* --- inputs --- */

static double uniform_in(gti_check *c, double low, double high)
{
    return low + (high - low) * ((double)(gti_check_bits(c) >> 11) * 0x1p-53);
}

static double draw(gti_check *c, const gt_sample_input *s, int64_t i, bool whole)
{
    if (s->values) return s->values[i];
    if (whole) return floor(uniform_in(c, s->low, s->high));
    if (s->low != 0 || s->high != 0) return uniform_in(c, s->low, s->high);
    double x;
    gti_check_normal(c, 1, &x);
    return x;
}

static gt_tensor *make_input(gti_check *c, const gt_sample_input *s, gt_dtype dtype, bool rounded)
{
    const bool open = s->dtype == GT_F32;
    gt_tensor *t = gt_empty_(c->gt, s->shape, (gt_new_opts){.dtype = open ? dtype : s->dtype});
    if (!t) return NULL;
    for (int64_t i = 0; i < t->size; i++) {
        const double value = draw(c, s, i, !gt_is_floating(t->dtype));
        gt_store_element(t, i, rounded && open ? (double)(float)value : value);
    }
    return t;
}

static const void *options_of(gti_check *c, const gt_op *op, const gt_sample *sample)
{
    if (sample->opts || !op->opts_size) return sample->opts;
    return gti_check_scratch(c, (int64_t)op->opts_size, 1);
}

bool gti_sample_make(gti_check *c, const gt_op *op, const gt_sample *sample, gt_dtype dtype,
                     bool rounded, gti_sample_inputs *made)
{
    *made = (gti_sample_inputs){.n_in = sample->n_in ? sample->n_in : gt_op_least(op)};
    made->opts = options_of(c, op, sample);
    if (made->n_in < 1 || made->n_in > GT_SAMPLE_INPUTS)
        gt_fail(c->gt, GT_ERR_ARGUMENT, op->name,
                "a sample with %d inputs; from 1 to %d can be made", made->n_in, GT_SAMPLE_INPUTS);
    else if (!sample->in)
        gt_fail(c->gt, GT_ERR_ARGUMENT, op->name, "a sample without .in = GT_INPUTS(...)");
    for (int i = 0; sample->in && i < made->n_in && !gt_failed(c->gt); i++) {
        const gt_sample_input *s = &sample->in[i];
        if (s->same > i)
            gt_fail(c->gt, GT_ERR_ARGUMENT, op->name, "input %d: .same looks ahead", i);
        else if (s->same > 0) made->in[i] = made->in[s->same - 1];
        else if (!s->null) made->in[i] = make_input(c, s, dtype, rounded);
    }
    return gti_check_alive(c);
}

/* Gradients are asked for of every distinct input of this dtype, if the operation has them. */
static void ask_for_gradients(const gt_op *op, gti_sample_inputs *made, gt_dtype dtype)
{
    if (!op->backward) return;
    for (int i = 0; i < made->n_in; i++) {
        gt_tensor *x = made->in[i];
        if (!x || x->dtype != dtype || x->requires_grad) continue;
        gt_require_grad(x, true);
        made->var[made->n_var++] = x;
    }
}

static gti_fn function_of(const gt_op *op, gti_sample_inputs *made, gt_ctx *gt)
{
    return (gti_fn){.call = gti_check_call_op,
                    .gt = gt,
                    .in = made->in,
                    .var = made->var,
                    .n_in = made->n_in,
                    .n_var = made->n_var,
                    .n_out = op->n_out,
                    .op = op,
                    .opts = made->opts};
}

/* The same inputs, open ones in f32; to be called before gradients are asked for. */
static bool in_f32(gti_check *c, const gti_sample_inputs *f64, gti_sample_inputs *f32)
{
    *f32 = (gti_sample_inputs){.n_in = f64->n_in, .opts = f64->opts};
    for (int i = 0; i < f64->n_in; i++) {
        const gt_tensor *x = f64->in[i];
        for (int k = 0; k < i; k++)
            if (f64->in[k] == x) f32->in[i] = f32->in[k];
        if (f32->in[i]) continue;
        f32->in[i] = f64->in[i];
        if (!x || c->sample->in[i].dtype != GT_F32) continue;
        gt_tensor *t = f32->in[i] = gt_empty_(c->gt, x->shape, (gt_new_opts){.dtype = GT_F32});
        if (!t) return gti_check_alive(c);
        for (int64_t k = 0; k < x->size; k++) gt_store_element(t, k, ((const double *)x->data)[k]);
    }
    return true;
}

/* A wrong table of attributes would have the engine write where it must not. */
static bool check_attrs(gti_check *c)
{
    char why[GT_WHY];
    if (gt_attrs_ok(&c->op->attrs, c->op->opts_size, why)) return true;
    return gti_check_refuse(c, "gradtape/attr.h says what rows are",
                            "its table of attributes is wrong: %s", why);
}

static void check_derivatives(gti_check *c, gti_sample_inputs *made, gt_dtype dtype)
{
    ask_for_gradients(c->op, made, dtype);
    const gti_fn fn = function_of(c->op, made, c->gt);
    gti_check_all(c, &fn);
}

static void check_f32_alone(gti_check *c)
{
    gti_sample_inputs made;
    gti_check_set_precision(c, &gti_precision_f32);
    if (gti_sample_make(c, c->op, c->sample, GT_F32, false, &made))
        check_derivatives(c, &made, GT_F32);
}

static void check_sample(gti_check *c)
{
    gti_sample_inputs f64, f32;
    if (!check_attrs(c)) return;
    if (gti_check_is_f32_alone(c->op)) {
        check_f32_alone(c);
        return;
    }
    if (!gti_sample_make(c, c->op, c->sample, GT_F64, c->o.f32, &f64)) return;
    if (!c->o.f32) {
        check_derivatives(c, &f64, GT_F64);
        return;
    }
    if (!in_f32(c, &f64, &f32)) return;
    ask_for_gradients(c->op, &f64, GT_F64);
    const gti_fn fn = function_of(c->op, &f64, c->gt);
    ask_for_gradients(c->op, &f32, GT_F32);
    const gti_fn fn32 = function_of(c->op, &f32, c->gt);
    gti_check_f32(c, &fn, &fn32);
}

/* --- the public functions --- */

static int number_of(const gt_op *op, const gt_sample *sample)
{
    for (int i = 0; i < op->n_samples; i++)
        if (&op->samples[i] == sample) return i;
    return -1;
}

/* Every sample of every operation draws other numbers (FNV-1a of its name). */
static void mix_seed(gti_check *c)
{
    uint64_t hash = 0xcbf29ce484222325u ^ (uint64_t)(c->r->sample + 1);
    for (const char *p = c->op->name; *p; p++) hash = (hash ^ (unsigned char)*p) * 0x100000001b3u;
    c->random = hash + c->o.seed * 0x9e3779b97f4a7c15u;
    c->random = gti_check_bits(c);
}

static bool can_check(gti_check *c, const gt_op *op, const gt_sample *sample)
{
    if (!op || !sample)
        return gti_check_refuse(c, "", "%s is NULL", op ? "the sample" : "the operation");
    if (c->o.points > 1)
        return gti_check_refuse(c, "other seeds draw other points",
                                ".points is of functions and modules; a sample draws its own");
    const bool beside_f64 = c->o.f32 && !gti_check_is_f32_alone(op);
    return !beside_f64 || gti_check_knows(c, ~(unsigned)(GTI_ASKS_STEP | GTI_ASKS_TOLERANCES));
}

gt_verdict gt_gradcheck_op(gt_ctx *gt, const gt_op *op, const gt_sample *sample,
                           const gt_gradcheck_opts *opts, gt_gradcheck_report *report)
{
    gt_gradcheck_report unread;
    gti_check c;
    gti_check_init(&c, gt, opts, report ? report : &unread);
    if (!can_check(&c, op, sample) || !gti_check_open(&c)) return GT_FAIL;
    c.op = op;
    c.sample = sample;
    c.label = sample->label;
    c.r->sample = number_of(op, sample);
    mix_seed(&c);
    check_sample(&c);
    gti_check_close(&c);
    return c.r->verdict;
}

/* Of several samples the last that passed is reported, and how many did. */
static void say_samples(gt_gradcheck_report *report, int n, int passed)
{
    const size_t used = strlen(report->message);
    gt_snprintf(report->message + used, sizeof report->message - used,
                "  %d of %d samples pass%s\n", passed, n,
                passed < n ? "; the others prove nothing, and find no fault" : "");
}

/* Of samples or error samples; false if there are none. */
static bool has_table(gti_check *c, const char *field, const char *hint, const void *table, int n)
{
    const char *name = c->op ? c->op->name : "NULL";
    if (table && n > 0) return true;
    if (!table && !n) return gti_check_refuse(c, hint, "%s has no %s", name, field);
    return gti_check_refuse(c, hint, "of %s the %s are %s, and their number is %d", name, field,
                            table ? "a table" : "NULL", n);
}

static bool has_samples(gt_ctx *gt, const gt_op *op, const gt_gradcheck_opts *opts,
                        gt_gradcheck_report *report)
{
    gti_check c;
    gti_check_init(&c, gt, opts, report);
    c.op = op;
    return has_table(&c, "samples", "set .samples, with GT_SAMPLES(table)", op ? op->samples : NULL,
                     op ? op->n_samples : 0);
}

gt_verdict gt_gradcheck_samples(gt_ctx *gt, const gt_op *op, const gt_gradcheck_opts *opts,
                                gt_gradcheck_report *report)
{
    gt_gradcheck_report unread, r;
    int passed = 0;
    if (!report) report = &unread;
    if (!has_samples(gt, op, opts, report)) return GT_FAIL;
    for (int i = 0; i < op->n_samples; i++) {
        const gt_verdict v = gt_gradcheck_op(gt, op, &op->samples[i], opts, &r);
        if (v == GT_PASS || v == GT_FAIL || i == 0) *report = r;
        if (v == GT_FAIL) return GT_FAIL;
        passed += v == GT_PASS;
    }
    if (passed && op->n_samples > 1) say_samples(report, op->n_samples, passed);
    return report->verdict;
}

/* --- error samples --- */

/* What a failing call left behind, in its context or, without any input, on the thread. */
static bool check_error(gti_check *c, const gt_error_sample *e, uint64_t nodes)
{
    gt_ctx *where = gt_failed(c->gt) ? c->gt : NULL;
    const gt_status code = gt_error_code(where);
    char message[640];
    snprintf(message, sizeof message, "%s", gt_error_message(where));
    gt_error_clear(where);
    if (code == GT_OK)
        return gti_check_refuse(c, "", "the call succeeded; it should fail with \"%s\"",
                                e->message);
    if (code != e->code)
        return gti_check_refuse(c, "", "the error is %s, not %s: %s", gt_status_name(code),
                                gt_status_name(e->code), message);
    if (!e->message || !strstr(message, e->message))
        return gti_check_refuse(c, "", "the message \"%s\" lacks \"%s\"", message,
                                e->message ? e->message : "(no message given)");
    if (gt_get_stats(c->gt).nodes == nodes) return true;
    return gti_check_refuse(c, "", "the failed call left a node on the tape");
}

static bool run_error_sample(gti_check *c, const gt_error_sample *e)
{
    const gt_sample sample = {.label = e->label, .in = e->in, .opts = e->opts, .n_in = e->n_in};
    gti_sample_inputs made;
    c->label = e->label;
    if (!gti_sample_make(c, c->op, &sample, GT_F32, false, &made)) return false;
    gt_tensor *out[GT_OP_OUTPUTS];
    const uint64_t nodes = gt_get_stats(c->gt).nodes;
    gt_error_clear(NULL);
    const bool into = c->op->flags & GT_OP_INTO;
    const gt_status status = into ? gt_apply_into(c->op, made.opts, made.n_in, made.in)
                                  : gt_apply_n(c->op, made.opts, made.n_in, made.in, out);
    const bool ok = check_error(c, e, nodes);
    if (!ok || status != GT_OK) return ok;
    return gti_check_refuse(c, "", "the call failed, but gt_apply_n says it did not");
}

gt_verdict gt_gradcheck_error_samples(gt_ctx *gt, const gt_op *op, gt_gradcheck_report *report)
{
    gt_gradcheck_report unread;
    gti_check c;
    gti_check_init(&c, gt, NULL, report ? report : &unread);
    if (!op) gti_check_refuse(&c, "", "the operation is NULL");
    if (!op || !gti_check_open(&c)) return GT_FAIL;
    c.op = op;
    bool ok = has_table(&c, "error samples", "set .error_samples, with GT_ERROR_SAMPLES(table)",
                        op->error_samples, op->n_error_samples);
    for (int i = 0; ok && i < op->n_error_samples; i++)
        ok = run_error_sample(&c, &op->error_samples[i]);
    if (ok) {
        c.label = NULL;
        gti_check_head(&c, GT_PASS, GT_GRADCHECK_NOTHING);
        gti_check_finish(&c);
    }
    gti_check_close(&c);
    return c.r->verdict;
}
