/* gradtape check: the derivatives of the operations, proven on their samples. */
#include <gradtape.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli.h"

/* What is run on every sample. */
typedef enum { ORDER_1, ORDER_2, IN_F32, N_STAGES } stage;
static const char *const stage_name[N_STAGES] = {"order 1", "order 2", "f32"};

typedef struct {
    bool run[N_STAGES];
    gt_gradcheck_mode mode;
    long long sample; /* -1: all */
    uint64_t seed;
    bool verbose, help;
    char **name; /* of the operations; none: all of them */
    int n_names;
} request;

typedef struct {
    int operations, samples, checks, failed;
} tally;

static void usage(FILE *f)
{
    fprintf(f,
            "usage: gradtape check [OPTION...] [OPERATION...]\n\n"
            "Checks the derivatives of the operations, all of them by default, on their samples:\n"
            "first and second derivatives in f64 against differences, and f32 against f64.\n\n"
            "  --order 1|2        derivatives of this order alone\n"
            "  --dtype f64|f32    f64: the derivatives; f32: the comparison with f64\n"
            "  --sample N         this sample alone\n"
            "  --seed N           other random numbers (default 1)\n"
            "  --mode full|fast   every entry of the Jacobian, or random projections\n"
            "  --verbose          a report for every check\n"
            "  --help             this\n\n"
            "The exit status is 0 if everything passes, 1 if not, 2 for a wrong question.\n");
}

/* --- the question --- */

static bool set_order(void *to, const char *value)
{
    request *q = to;
    if (strcmp(value, "1") != 0 && strcmp(value, "2") != 0) return false;
    q->run[value[0] == '1' ? ORDER_2 : ORDER_1] = false;
    q->run[IN_F32] = false;
    return true;
}

static bool set_dtype(void *to, const char *value)
{
    request *q = to;
    const bool f32 = strcmp(value, "f32") == 0;
    if (!f32 && strcmp(value, "f64") != 0) return false;
    if (f32) q->run[ORDER_1] = q->run[ORDER_2] = false;
    q->run[IN_F32] = f32;
    return true;
}

static bool set_mode(void *to, const char *value)
{
    request *q = to;
    const bool full = strcmp(value, "full") == 0;
    q->mode = full ? GT_GRADCHECK_FULL : GT_GRADCHECK_FAST;
    return full || strcmp(value, "fast") == 0;
}

static bool set_sample(void *to, const char *value)
{
    request *q = to;
    unsigned long long n;
    if (!gti_cli_number(value, &n) || n > 1000000) return false;
    q->sample = (long long)n;
    return true;
}

static bool set_seed(void *to, const char *value)
{
    request *q = to;
    unsigned long long n;
    if (!gti_cli_number(value, &n)) return false;
    q->seed = n;
    return true;
}

static bool set_verbose(void *q, const char *value)
{
    (void)value;
    return ((request *)q)->verbose = true;
}

static bool set_help(void *q, const char *value)
{
    (void)value;
    return ((request *)q)->help = true;
}

static const gti_cli_option options[] = {
    {"--order", set_order, false}, {"--dtype", set_dtype, false}, {"--sample", set_sample, false},
    {"--seed", set_seed, false},   {"--mode", set_mode, false},   {"--verbose", set_verbose, true},
    {"--help", set_help, true},    {"-h", set_help, true},        {NULL, NULL, false},
};

/* Names are moved to the front of argv. */
static int parse(request *q, int argc, char **argv)
{
    *q = (request){.run = {true, true, true}, .sample = -1, .seed = 1, .name = argv};
    for (int i = 1; i < argc; i++) {
        if (argv[i][0] != '-') {
            q->name[q->n_names++] = argv[i];
            continue;
        }
        if (!gti_cli_take_option("check", options, q, argc, argv, &i)) return 2;
    }
    if (q->run[ORDER_1] || q->run[ORDER_2] || q->run[IN_F32]) return 0;
    q->run[IN_F32] = true; /* --dtype f32 with an order: that stage does both orders */
    return 0;
}

static const char *op_name(unsigned i)
{
    size_t n;
    return gt_ops(&n)[i].name;
}

static int unknown(const char *name)
{
    size_t n;
    gt_ops(&n);
    const char *meant = gti_cli_nearest(name, (unsigned)n, op_name);
    fprintf(stderr, "gradtape check: there is no operation '%s'", name);
    if (meant) fprintf(stderr, "; did you mean '%s'?", meant);
    fprintf(stderr, "\nTry 'gradtape ops'.\n");
    return 2;
}

static int check_names(const request *q)
{
    for (int i = 0; i < q->n_names; i++) {
        const gt_op_info *info = gt_op_find(q->name[i]);
        if (!info) return unknown(q->name[i]);
        if (!info->op || q->sample < info->op->n_samples) continue;
        fprintf(stderr, "gradtape check: %s has %d samples, from 0 on; there is no number %lld\n",
                info->name, info->op->n_samples, q->sample);
        return 2;
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

/* One stage on all samples asked for, with reports of failures. Returns the number of failures. */
static int run_stage(gt_ctx *gt, const request *q, const gt_op *op, stage s, FILE *reports)
{
    const gt_gradcheck_opts opts = {
        .mode = q->mode, .order = s == ORDER_2 ? 2 : 1, .seed = q->seed, .f32 = s == IN_F32};
    int failed = 0;
    for (int i = 0; i < op->n_samples; i++) {
        if (q->sample >= 0 && q->sample != i) continue;
        gt_gradcheck_report r;
        const gt_verdict v = gt_gradcheck_op(gt, op, &op->samples[i], &opts, &r);
        failed += v == GT_FAIL;
        if ((v == GT_FAIL && failed <= SHOWN) || q->verbose) gt_gradcheck_print(&r, reports);
    }
    if (failed > SHOWN && !q->verbose)
        fprintf(reports, "and %d more; --verbose shows them\n", failed - SHOWN);
    return failed;
}

/* A row of the table; the reports, which come while the row is made, stand under it. */
static void check_op(gt_ctx *gt, const request *q, const gt_op *op, tally *all)
{
    FILE *reports = tmpfile();
    const int samples = q->sample >= 0 ? q->sample < op->n_samples : op->n_samples;
    const double start = seconds();
    printf("%-16s %3d sample%s", op->name, samples, samples == 1 ? " " : "s");
    fflush(stdout);
    for (int s = 0; s < N_STAGES; s++) {
        if (!q->run[s]) continue;
        const int failed = run_stage(gt, q, op, (stage)s, reports ? reports : stderr);
        if (failed) printf("   %s %3d FAILED", stage_name[s], failed);
        else printf("   %s ok        ", stage_name[s]);
        fflush(stdout);
        all->checks += samples;
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
    request q;
    int status = parse(&q, argc, argv);
    if (!status && q.help) {
        usage(stdout);
        return 0;
    }
    if (!status) status = check_names(&q);
    return status ? status : run(&q);
}
