/* gradtape check: the derivatives of the operations, proven on their samples. */
#define _POSIX_C_SOURCE 200809L
#include <fnmatch.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "check.h"

typedef struct {
    int order, floats; /* places of words; -1: all */
    int mode, format;  /* gt_gradcheck_mode; place in forms */
    unsigned long long sample, seed, seeds;
    bool verbose, large;
    const char *load;
    char **name; /* of the operations, or patterns; none: all of them */
    int n_names;
} request;
#define ALL ULLONG_MAX /* samples */

static const gti_cli_form *const forms[] = {&gti_cli_check_text, &gti_cli_check_json,
                                            &gti_cli_check_tap, &gti_cli_check_junit};

/* What may be checked: the operations that were loaded, or else those that are built in. */
typedef struct {
    const char *name;
    const gt_op *op; /* NULL: composed of others */
} candidate;

typedef struct {
    const request *q;
    gt_ctx *gt;
    gti_cli_out out;
    const gti_cli_form *form;
    gti_cli_sum sum;
    int unproven;       /* operations asked for by name of which nothing was proven */
    char command[4096]; /* that knows operations that were loaded */
} run;

/* --- the question --- */

static const gti_cli_option options[] = {
    {"--order", "1|2", GTI_CLI_WORD, offsetof(request, order),
     "1: first derivatives alone; 2: derivatives alone, not f32"},
    {"--dtype", "f64|f32", GTI_CLI_WORD, offsetof(request, floats),
     "f64: the derivatives; f32: the comparison with f64"},
    {"--sample", "N", GTI_CLI_WHOLE, offsetof(request, sample), "this sample alone"},
    {"--seed", "N", GTI_CLI_WHOLE, offsetof(request, seed), "other random numbers (default 1)"},
    {"--seeds", "N", GTI_CLI_WHOLE, offsetof(request, seeds),
     "so many of them, from --seed on (default 1)"},
    {"--large", NULL, GTI_CLI_SWITCH, offsetof(request, large),
     "every sample at all of these seeds; else large ones at fewer, down to a tenth"},
    {"--mode", "auto|full|fast", GTI_CLI_WORD, offsetof(request, mode),
     "every entry of the Jacobian, or random projections; auto: by its size"},
    {"--load", "FILE.so", GTI_CLI_TEXT, offsetof(request, load),
     "the operations that this shared object exports (GT_EXPORT_OPS), in place of the built-in ones"},
    {"--format", "text|json|tap|junit", GTI_CLI_WORD, offsetof(request, format),
     "what is printed: a table, or what other programs read"},
    {"--verbose", NULL, GTI_CLI_SWITCH, offsetof(request, verbose), "a report for every check"},
    {"-v", NULL, GTI_CLI_SWITCH, offsetof(request, verbose), "the same"},
};

static void print_statuses(void)
{
    printf("\nThe exit status is 0 if everything passes, 1 if something fails, or if nothing was\n"
           "proven of all or of an operation that is named, 2 for a wrong question. Operations\n"
           "without derivatives are told, and are compared in f32 alone.\n");
}

static const gti_cli_command command = {
    "usage: gradtape check [OPTION...] [OPERATION...]\n\n"
    "Checks the derivatives of the operations, all of them by default, on their samples:\n"
    "first and second derivatives in f64 against differences, and f32 against f64.\n"
    "Names may be patterns: 'conv*', '*_loss', 'conv?d'.\n",
    GTI_CLI_OPTIONS_OF(options),
    "names of operations",
    0,
    INT_MAX,
    print_statuses};

static bool is_asked(const request *q, gti_cli_stage s)
{
    if (s == GTI_CLI_F32) return q->floats == 1 || (q->floats < 0 && q->order < 0);
    return q->floats != 1;
}

static const char *name_of(const request *q, gti_cli_stage s)
{
    return s == GTI_CLI_F32 ? "f32" : q->order == 0 ? "order 1" : "order 1, 2";
}

static bool is_sample(const gt_op *op, unsigned long long i)
{
    return i < (unsigned long long)op->n_samples;
}

static bool is_pattern(const char *name)
{
    return strpbrk(name, "*?[") != NULL;
}

static bool matches(const char *asked, const char *name)
{
    if (is_pattern(asked)) return fnmatch(asked, name, 0) == 0;
    return !strcmp(asked + (strncmp(asked, "gt_", 3) ? 0 : 3), name);
}

/* The first name or pattern that asks for it; NULL: none. */
static const char *asked_by(const request *q, const char *name)
{
    for (int i = 0; i < q->n_names; i++)
        if (matches(q->name[i], name)) return q->name[i];
    return NULL;
}

/* That none of what a name or pattern asks for has such a sample; `most`: what has most. */
static int refuse_sample(const request *q, const char *asked, const gt_op *most)
{
    if (!is_pattern(asked))
        return gti_cli_refuse("check", "%s has %d samples, from 0 on; there is no number %llu",
                              most->name, most->n_samples, q->sample);
    return gti_cli_refuse("check",
                          "none of '%s' has a sample number %llu; %s has most, %d, from 0 on",
                          asked, q->sample, most->name, most->n_samples);
}

/* A name that is nothing's, or has no such sample; 0 if all is well. */
static int check_name(const request *q, const char *asked, const candidate *all, int n)
{
    bool found = false;
    const gt_op *most = NULL;
    for (int i = 0; i < n; i++) {
        if (!matches(asked, all[i].name)) continue;
        found = true;
        const gt_op *op = all[i].op;
        if (op && (!most || op->n_samples > most->n_samples)) most = op;
    }
    if (most && q->sample != ALL && !is_sample(most, q->sample))
        return refuse_sample(q, asked, most);
    if (found) return 0;
    if (is_pattern(asked)) return gti_cli_refuse("check", "no operation matches '%s'", asked);
    return gti_cli_unknown("check", "operation", asked, all, (size_t)n, sizeof *all);
}

/* --- the answer --- */

/* A sample is checked at one seed of so many, so that large ones do not take most of the time. */
static unsigned long long seeds_apart(const request *q, const gt_op *op, const gt_sample *s)
{
    const int n_in = s->n_in ? s->n_in : gt_op_least(op);
    int64_t n = 0;
    for (int i = 0; s->in && i < n_in; i++) n += gt_shape_size(s->in[i].shape);
    if (q->large || n <= GTI_CLI_SMALL) return 1;
    const int64_t apart = (n + GTI_CLI_SMALL - 1) / GTI_CLI_SMALL;
    return apart > 10 ? 10 : (unsigned long long)apart;
}

static double seconds(void)
{
    struct timespec now;
    timespec_get(&now, TIME_UTC);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void count(run *r, gt_verdict v)
{
    r->sum.checks++;
    r->sum.passed += v == GT_PASS;
    r->sum.failed += v == GT_FAIL;
}

static void check_sample(run *r, const gt_op *op, int sample, gti_cli_stage s,
                         unsigned long long seed)
{
    const request *q = r->q;
    const gt_gradcheck_opts opts = {.mode = (gt_gradcheck_mode)q->mode,
                                    .order = q->order == 0 ? 1 : 2,
                                    .seed = seed,
                                    .f32 = s == GTI_CLI_F32,
                                    .command = r->command[0] ? r->command : NULL};
    gt_gradcheck_report report;
    const double start = seconds();
    const gt_verdict v = gt_gradcheck_op(r->gt, op, &op->samples[sample], &opts, &report);
    const gti_cli_result result = {op, sample, s, name_of(q, s), seed, seconds() - start, &report};
    r->form->check(&r->out, &result);
    count(r, v);
}

/* A failure like any other to programs; in the table it stands in the operation's row. */
static void tell_of_no_samples(run *r, const gt_op *op)
{
    gt_gradcheck_report report;
    const gt_verdict v = gt_gradcheck_samples(r->gt, op, NULL, &report);
    const gti_cli_result result = {op, -1,     GTI_CLI_DERIVATIVES, "no samples", r->q->seed,
                                   0,  &report};
    if (!r->form->composed) r->form->check(&r->out, &result);
    count(r, v);
}

static void check_seeds(run *r, const gt_op *op, int sample, gti_cli_stage s)
{
    const request *q = r->q;
    const unsigned long long apart = seeds_apart(q, op, &op->samples[sample]);
    for (unsigned long long k = 0; k < q->seeds; k++)
        if (k % apart == 0) check_sample(r, op, sample, s, q->seed + k);
        else r->sum.left_out++;
}

static void check_op(run *r, const gt_op *op)
{
    const request *q = r->q;
    const int samples = q->sample != ALL ? is_sample(op, q->sample) : op->n_samples;
    const double start = seconds();
    if (r->form->begin_op) r->form->begin_op(&r->out, op, samples);
    for (gti_cli_stage s = 0; s < GTI_CLI_N_STAGES; s++)
        for (int i = 0; is_asked(q, s) && i < op->n_samples; i++)
            if (q->sample == ALL || q->sample == (unsigned long long)i) check_seeds(r, op, i, s);
    if (!op->n_samples && op->backward) tell_of_no_samples(r, op);
    if (r->form->end_op) r->form->end_op(&r->out, op, seconds() - start);
    r->sum.operations++;
    r->sum.samples += samples;
}

/* What has no place in forms of checks. */
static void say_aside(run *r, const char *name, const char *what)
{
    if (r->form->composed) r->form->composed(&r->out, name);
    else fprintf(stderr, "gradtape check: %s: %s\n", name, what);
}

static void check_candidate(run *r, const candidate *k)
{
    const char *asked = asked_by(r->q, k->name);
    const bool named = asked && !is_pattern(asked);
    const int before = r->sum.passed;
    if (r->q->n_names && !asked) return;
    if (k->op) check_op(r, k->op);
    else if (named) say_aside(r, k->name, "composed of other operations: nothing was checked");
    r->unproven += named && r->sum.passed == before;
}

static int run_all(const request *q, const candidate *all, int n)
{
    run r = {.q = q, .gt = gt_open(), .out = {.verbose = q->verbose}, .form = forms[q->format]};
    const double start = seconds();
    if (q->load) snprintf(r.command, sizeof r.command, "gradtape check --load '%s'", q->load);
    if (r.form->begin) r.form->begin(&r.out);
    for (int i = 0; i < n; i++) check_candidate(&r, &all[i]);
    r.sum.seconds = seconds() - start;
    r.form->end(&r.out, &r.sum);
    gt_close(r.gt);
    return r.sum.failed > 0 || r.unproven > 0 || r.sum.passed == 0;
}

/* Of the shared object, or built in; NULL after a complaint. */
static candidate *find_candidates(const request *q, int *n)
{
    size_t n_ops;
    const gt_op_info *info = gt_ops(&n_ops);
    *n = (int)n_ops;
    const gt_op *const *op = q->load ? gti_cli_load_ops(q->load, n) : NULL;
    if (q->load && !op) return NULL;
    candidate *all = calloc((size_t)*n + 1, sizeof *all);
    if (!all) perror("gradtape check");
    for (int i = 0; all && i < *n; i++)
        all[i] = op ? (candidate){op[i]->name, op[i]} : (candidate){info[i].name, info[i].op};
    return all;
}

int gti_cli_check(int argc, char **argv)
{
    request q = {.order = -1, .floats = -1, .sample = ALL, .seed = 1, .seeds = 1};
    int status = gti_cli_read(&command, &q, argc, argv), n;
    if (status >= 0) return status;
    q.name = argv + 1;
    while (q.n_names + 1 < argc && q.name[q.n_names]) q.n_names++;
    if (q.seeds < 1 || q.seeds > 1000000)
        return gti_cli_refuse("check", "--seeds does not take '%llu', but from 1 to 1000000",
                              q.seeds);
    if (q.seed < 1) return gti_cli_refuse("check", "--seed does not take '0', but from 1 on");
    candidate *all = find_candidates(&q, &n);
    if (!all) return 2;
    status = q.n_names ? 0 : check_name(&q, "*", all, n);
    for (int i = 0; !status && i < q.n_names; i++) status = check_name(&q, q.name[i], all, n);
    if (!status) status = run_all(&q, all, n);
    free(all);
    return status;
}
