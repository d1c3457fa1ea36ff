/* For people: a row for each operation, and the reports under it. */
#include <string.h>

#include "check.h"

enum { SHOWN = 3 }; /* failures of one operation in one stage that are printed in full */

static void begin_op(gti_cli_out *o, const gt_op *op, int samples)
{
    o->later = tmpfile();
    memset(o->stage, 0, sizeof o->stage);
    printf("%-16s %3d sample%s", op->name, samples, samples == 1 ? " " : "s");
    fflush(stdout);
}

static void check(gti_cli_out *o, const gti_cli_result *r)
{
    const gt_verdict v = r->report->verdict;
    FILE *reports = o->later ? o->later : stderr;
    o->stage[r->stage].name = r->stage_name;
    o->stage[r->stage].passed += v == GT_PASS;
    o->stage[r->stage].other += v == GT_INCONCLUSIVE;
    const int failed = o->stage[r->stage].failed += v == GT_FAIL;
    if (o->verbose || (v == GT_FAIL && failed <= SHOWN)) gt_gradcheck_print(r->report, reports);
}

static void note_untold(gti_cli_out *o, const char *name)
{
    const size_t used = strlen(o->untold);
    snprintf(o->untold + used, sizeof o->untold - used, " %s", name);
}

static void end_op(gti_cli_out *o, const gt_op *op, double seconds)
{
    for (int s = 0; s < GTI_CLI_N_STAGES; s++) {
        const char *name = o->stage[s].name;
        const int failed = o->stage[s].failed, passed = o->stage[s].passed;
        if (!name) continue;
        if (failed) printf("   %s %3d FAILED", name, failed);
        else printf("   %s %-10s", name, passed ? "ok" : "nothing");
        if (!passed && !failed && s == GTI_CLI_DERIVATIVES) note_untold(o, op->name);
        if (failed > SHOWN && !o->verbose && o->later)
            fprintf(o->later, "and %d more; --verbose shows them\n", failed - SHOWN);
    }
    printf("%8.2f s%s\n", seconds, !op->n_samples && op->backward ? "   FAILED: no samples" : "");
    gti_cli_check_copy(o);
}

static void composed(gti_cli_out *o, const char *name)
{
    (void)o;
    printf("%-16s nothing was checked: composed of other operations, without a rule or samples of "
           "its own\n",
           name);
}

static const char *many(int n)
{
    return n == 1 ? "" : "s";
}

/* Names between spaces, in lines of a terminal's width. */
static void print_names(const char *names)
{
    for (size_t column = 0; *names; names += strcspn(names + 1, " ") + 1) {
        const size_t length = strcspn(names + 1, " ") + 1;
        if (column + length > 96 || !column) printf("%s ", column ? "\n" : ""), column = 1;
        printf("%.*s", (int)length, names);
        column += length;
    }
    printf("\n");
}

static void end(gti_cli_out *o, const gti_cli_sum *sum)
{
    if (o->untold[0]) {
        printf("nothing to compare of derivatives, which are 0 or not there:\n");
        print_names(o->untold);
    }
    if (!sum->operations) return;
    if (sum->left_out)
        printf(
            "samples of more than %d elements had fewer seeds; checks left out, which --large makes: "
            "%d\n",
            GTI_CLI_SMALL, sum->left_out);
    printf("%d operation%s, %d sample%s, %d check%s: ", sum->operations, many(sum->operations),
           sum->samples, many(sum->samples), sum->checks, many(sum->checks));
    const int other = sum->checks - sum->passed - sum->failed;
    if (sum->failed) printf("%d FAILED", sum->failed);
    else if (!sum->passed) printf("NOTHING was proven");
    else if (other) printf("%d pass, %d prove nothing", sum->passed, other);
    else printf("all pass");
    printf(" (%.2f s)\n", sum->seconds);
}

const gti_cli_form gti_cli_check_text = {NULL, begin_op, check, end_op, composed, end};
