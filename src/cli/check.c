/* gradtape check: the derivatives of the operations, proven on their samples. */
#include <gradtape.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli.h"

/* What is run on every sample. */
typedef enum { ORDER_1, ORDER_2, IN_F32, N_STAGES } stage;
static const char *const stage_name[N_STAGES] = {"order 1", "order 2", "f32"};

typedef struct {
    int order, floats; /* places of words; -1: all */
    int mode;          /* gt_gradcheck_mode */
    unsigned long long sample, seed, seeds;
    bool verbose;
    char **name; /* of the operations; none: all of them */
    int n_names;
} request;
#define ALL ULLONG_MAX /* samples */

typedef struct {
    int operations, samples, checks, failed;
} tally;

/* --- the question --- */

static const gti_cli_option options[] = {
    {"--order", "1|2", GTI_CLI_WORD, offsetof(request, order), "derivatives of this order alone"},
    {"--dtype", "f64|f32", GTI_CLI_WORD, offsetof(request, floats),
     "f64: the derivatives; f32: the comparison with f64"},
    {"--sample", "N", GTI_CLI_WHOLE, offsetof(request, sample), "this sample alone"},
    {"--seed", "N", GTI_CLI_WHOLE, offsetof(request, seed), "other random numbers (default 1)"},
    {"--seeds", "N", GTI_CLI_WHOLE, offsetof(request, seeds),
     "so many of them, from --seed on (default 1)"},
    {"--mode", "auto|full|fast", GTI_CLI_WORD, offsetof(request, mode),
     "every entry of the Jacobian, or random projections; auto: by its size"},
    {"--verbose", NULL, GTI_CLI_SWITCH, offsetof(request, verbose), "a report for every check"},
};

static void print_statuses(void)
{
    printf("\nThe exit status is 0 if everything passes, 1 if not, 2 for a wrong question.\n");
}

static const gti_cli_command command = {
    "usage: gradtape check [OPTION...] [OPERATION...]\n\n"
    "Checks the derivatives of the operations, all of them by default, on their samples:\n"
    "first and second derivatives in f64 against differences, and f32 against f64.\n",
    GTI_CLI_OPTIONS_OF(options),
    "names of operations",
    0,
    INT_MAX,
    print_statuses};

/* Both orders of f32 are one stage. */
static bool is_asked(const request *q, stage s)
{
    if (s == IN_F32) return q->floats == 1 || (q->floats < 0 && q->order < 0);
    return q->floats != 1 && (q->order < 0 || q->order == (int)s);
}

static bool is_sample(const gt_op *op, unsigned long long i)
{
    return i < (unsigned long long)op->n_samples;
}

static int check_names(const request *q)
{
    for (int i = 0; i < q->n_names; i++) {
        const gt_op_info *info = gt_op_find(q->name[i]);
        if (!info) return gti_cli_unknown_op("check", q->name[i]);
        if (!info->op || q->sample == ALL || is_sample(info->op, q->sample)) continue;
        return gti_cli_refuse("check", "%s has %d samples, from 0 on; there is no number %llu",
                              info->name, info->op->n_samples, q->sample);
    }
    return 0;
}

/* --- the answer --- */

static double seconds(void)
{
    struct timespec now;
    timespec_get(&now, TIME_UTC);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

enum { SHOWN = 3 }; /* failures of one operation in one stage that are printed in full */

static gt_verdict check_sample(gt_ctx *gt, const request *q, const gt_op *op, int sample, stage s,
                               unsigned long long seed, FILE *reports)
{
    const gt_gradcheck_opts opts = {.mode = (gt_gradcheck_mode)q->mode,
                                    .order = s == ORDER_2 ? 2 : 1,
                                    .seed = seed,
                                    .f32 = s == IN_F32};
    gt_gradcheck_report r;
    const gt_verdict v = gt_gradcheck_op(gt, op, &op->samples[sample], &opts, &r);
    if ((v == GT_FAIL && reports) || q->verbose) gt_gradcheck_print(&r, reports);
    return v;
}

/* One stage on all samples asked for, with reports of failures. Returns the number of failures. */
static int run_stage(gt_ctx *gt, const request *q, const gt_op *op, stage s, FILE *reports)
{
    int failed = 0;
    for (int i = 0; i < op->n_samples; i++) {
        if (q->sample != ALL && q->sample != (unsigned long long)i) continue;
        for (unsigned long long k = 0; k < q->seeds; k++) {
            FILE *shown = failed < SHOWN || q->verbose ? reports : NULL;
            failed += check_sample(gt, q, op, i, s, q->seed + k, shown) == GT_FAIL;
        }
    }
    if (failed > SHOWN && !q->verbose)
        fprintf(reports, "and %d more; --verbose shows them\n", failed - SHOWN);
    return failed;
}

/* A row of the table; the reports, which come while the row is made, stand under it. */
static void check_op(gt_ctx *gt, const request *q, const gt_op *op, tally *all)
{
    FILE *reports = tmpfile();
    const int samples = q->sample != ALL ? is_sample(op, q->sample) : op->n_samples;
    const double start = seconds();
    printf("%-16s %3d sample%s", op->name, samples, samples == 1 ? " " : "s");
    fflush(stdout);
    for (int s = 0; s < N_STAGES; s++) {
        if (!is_asked(q, (stage)s)) continue;
        const int failed = run_stage(gt, q, op, (stage)s, reports ? reports : stderr);
        if (failed) printf("   %s %3d FAILED", stage_name[s], failed);
        else printf("   %s ok        ", stage_name[s]);
        fflush(stdout);
        all->checks += samples * (int)q->seeds;
        all->failed += failed;
    }
    const bool unchecked = !op->n_samples && op->backward;
    printf("%8.2f s%s\n", seconds() - start, unchecked ? "   FAILED: no samples" : "");
    all->failed += unchecked;
    all->operations++;
    all->samples += samples;
    if (!reports) return;
    rewind(reports);
    for (int ch; (ch = getc(reports)) != EOF;) putchar(ch);
    fclose(reports);
}

static void check_info(gt_ctx *gt, const request *q, const gt_op_info *info, tally *all)
{
    if (info->op) check_op(gt, q, info->op, all);
    else if (q->n_names)
        printf("%-16s composed of other operations: nothing of its own\n", info->name);
}

static int run(const request *q)
{
    gt_ctx *gt = gt_open();
    tally all = {0, 0, 0, 0};
    const double start = seconds();
    size_t n;
    const gt_op_info *info = gt_ops(&n);
    for (int i = 0; i < q->n_names; i++) check_info(gt, q, gt_op_find(q->name[i]), &all);
    for (size_t i = 0; !q->n_names && i < n; i++) check_info(gt, q, &info[i], &all);
    gt_close(gt);
    if (!all.operations) return 0;
    printf("%d operation%s, %d sample%s, %d check%s: ", all.operations,
           all.operations == 1 ? "" : "s", all.samples, all.samples == 1 ? "" : "s", all.checks,
           all.checks == 1 ? "" : "s");
    if (all.failed) printf("%d FAILED", all.failed);
    else printf("all pass");
    printf(" (%.2f s)\n", seconds() - start);
    return all.failed > 0;
}

int gti_cli_check(int argc, char **argv)
{
    request q = {.order = -1, .floats = -1, .sample = ALL, .seed = 1, .seeds = 1};
    int status = gti_cli_read(&command, &q, argc, argv);
    if (status >= 0) return status;
    q.name = argv + 1;
    while (q.n_names + 1 < argc && q.name[q.n_names]) q.n_names++;
    status = check_names(&q);
    if (!status && (q.seeds < 1 || q.seeds > 1000000))
        return gti_cli_refuse("check", "--seeds does not take '%llu', but from 1 to 1000000",
                              q.seeds);
    return status ? status : run(&q);
}
