/* For programs: JSON, TAP 14, and JUnit's XML. */
#include <math.h>
#include <string.h>

#include "check.h"

enum { NAME = 512 };

/* --- JSON --- */

static void json_begin(gti_cli_out *o)
{
    (void)o;
    printf("{\n\"gradtape\": \"%s\",\n\"checks\": [", gt_version());
}

/* What is not finite has no number in JSON. */
static void json_number(const char *name, double x)
{
    char number[64];
    gt_snprintf(number, sizeof number, "%.17g", x);
    printf(", \"%s\": %s", name, isfinite(x) ? number : "null");
}

static void json_index(const char *name, const int64_t index[GT_MAX_DIMS])
{
    printf(", \"%s\": [", name);
    for (int d = 0; d < GT_MAX_DIMS; d++) printf("%s%lld", d ? "," : "", (long long)index[d]);
    printf("]");
}

static void json_input(const gt_gradcheck_input *x)
{
    printf("{\"name\": ");
    gti_cli_put_json(stdout, x->name);
    printf(", \"elements\": %lld, \"unit\": \"%s\", \"compared\": %lld, \"wrong\": %lld, "
           "\"skipped\": %lld, \"masked\": %lld, \"telling\": %lld",
           (long long)x->size, x->whole ? "entries" : "projections", (long long)x->compared,
           (long long)x->wrong, (long long)x->skipped, (long long)x->masked, (long long)x->telling);
    if (x->output >= 0) {
        printf(", \"worst\": {\"output\": %d", x->output);
        json_index("in_index", x->in_index);
        json_index("out_index", x->out_index);
        json_number("x", x->x);
        json_number("analytic", x->analytic);
        json_number("numeric", x->numeric);
        json_number("estimate", x->estimate);
        json_number("relative", x->relative);
        printf("}");
    }
    printf("}");
}

static void json_check(gti_cli_out *o, const gti_cli_result *r)
{
    const gt_gradcheck_report *report = r->report;
    const char *label = r->sample < 0 ? NULL : r->op->samples[r->sample].label;
    printf("%s\n{\"operation\": ", o->number++ ? "," : "");
    gti_cli_put_json(stdout, r->op->name);
    printf(", \"sample\": %d, \"label\": ", r->sample);
    gti_cli_put_json(stdout, label ? label : "");
    printf(", \"check\": \"%s\", \"seed\": %llu, \"verdict\": \"%s\", \"kind\": \"%s\"",
           r->stage_name, r->seed, gt_verdict_name(report->verdict),
           gt_gradcheck_kind_name(report->kind));
    printf(", \"order\": %d", report->order);
    json_number("seconds", r->seconds);
    printf(", \"hint\": ");
    gti_cli_put_json(stdout, report->hint);
    printf(", \"report\": ");
    gti_cli_put_json(stdout, report->message);
    printf(", \"inputs\": [");
    for (int i = 0; i < report->n_inputs; i++) {
        if (i) printf(", ");
        json_input(&report->inputs[i]);
    }
    printf("]}");
}

static void json_end(gti_cli_out *o, const gti_cli_sum *sum)
{
    (void)o;
    printf("\n],\n\"operations\": %d, \"samples\": %d, \"passed\": %d, \"failed\": %d, "
           "\"inconclusive\": %d, \"left_out\": %d",
           sum->operations, sum->samples, sum->passed, sum->failed,
           sum->checks - sum->passed - sum->failed, sum->left_out);
    json_number("seconds", sum->seconds);
    printf("\n}\n");
}

const gti_cli_form gti_cli_check_json = {json_begin, NULL, json_check, NULL, NULL, json_end};

/* --- TAP --- */

static void tap_begin(gti_cli_out *o)
{
    (void)o;
    printf("TAP version 14\n");
}

/* The report as a block of YAML, its lines as they are. */
static void tap_block(const gt_gradcheck_report *r)
{
    printf("  ---\n  verdict: %s\n  kind: %s\n  report: |\n", gt_verdict_name(r->verdict),
           gt_gradcheck_kind_name(r->kind));
    for (const char *line = r->message; *line;) {
        const int length = (int)strcspn(line, "\n");
        char text[1024];
        snprintf(text, sizeof text, "%.*s", length, line);
        printf("    ");
        gti_cli_put_yaml(stdout, text);
        printf("\n");
        line += length + (line[length] == '\n');
    }
    printf("  ...\n");
}

static void tap_check(gti_cli_out *o, const gti_cli_result *r)
{
    char name[NAME], reason[NAME];
    const gt_verdict v = r->report->verdict;
    gti_cli_check_name(r, name, sizeof name);
    gti_cli_check_reason(r->report, reason, sizeof reason);
    printf("%s %d - ", v == GT_FAIL ? "not ok" : "ok", ++o->number);
    gti_cli_put_tap(stdout, r->op->name);
    printf("  ");
    gti_cli_put_tap(stdout, name);
    if (v == GT_INCONCLUSIVE) {
        printf(" # SKIP ");
        gti_cli_put_tap(stdout, reason);
    }
    printf("\n");
    if (v == GT_FAIL || o->verbose) tap_block(r->report);
}

static void tap_end(gti_cli_out *o, const gti_cli_sum *sum)
{
    if (sum->left_out) printf("# checks left out, which --large makes: %d\n", sum->left_out);
    printf("1..%d\n", o->number);
}

const gti_cli_form gti_cli_check_tap = {tap_begin, NULL, tap_check, NULL, NULL, tap_end};

/* --- JUnit --- */

static void junit_begin(gti_cli_out *o)
{
    (void)o;
    printf("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"gradtape check\">\n");
}

static void junit_begin_op(gti_cli_out *o, const gt_op *op, int samples)
{
    (void)op, (void)samples;
    memset(o->stage, 0, sizeof o->stage);
    o->later = tmpfile();
}

static void junit_attribute(FILE *f, const char *name, const char *value)
{
    fprintf(f, " %s=\"", name);
    gti_cli_put_xml(f, value);
    fprintf(f, "\"");
}

static void junit_seconds(FILE *f, double seconds)
{
    char text[64];
    gt_snprintf(text, sizeof text, "%.6f", seconds);
    junit_attribute(f, "time", text);
}

static void junit_check(gti_cli_out *o, const gti_cli_result *r)
{
    char name[NAME], reason[NAME];
    const gt_verdict v = r->report->verdict;
    FILE *f = o->later ? o->later : stdout;
    gti_cli_check_name(r, name, sizeof name);
    gti_cli_check_reason(r->report, reason, sizeof reason);
    o->stage[0].passed += v == GT_PASS;
    o->stage[0].failed += v == GT_FAIL;
    o->stage[0].other += v == GT_INCONCLUSIVE;
    fprintf(f, "    <testcase");
    junit_attribute(f, "classname", r->op->name);
    junit_attribute(f, "name", name);
    junit_seconds(f, r->seconds);
    if (v == GT_PASS) {
        fprintf(f, "/>\n");
        return;
    }
    fprintf(f, ">\n      <%s", v == GT_FAIL ? "failure" : "skipped");
    junit_attribute(f, "message", reason);
    if (v == GT_FAIL) {
        junit_attribute(f, "type", gt_gradcheck_kind_name(r->report->kind));
        fprintf(f, ">");
        gti_cli_put_xml(f, r->report->message);
        fprintf(f, "</failure>\n    </testcase>\n");
    } else fprintf(f, "/>\n    </testcase>\n");
}

static void junit_end_op(gti_cli_out *o, const gt_op *op, double seconds)
{
    const int passed = o->stage[0].passed, failed = o->stage[0].failed, other = o->stage[0].other;
    printf("  <testsuite");
    junit_attribute(stdout, "name", op->name);
    printf(" tests=\"%d\" failures=\"%d\" errors=\"0\" skipped=\"%d\"", passed + failed + other,
           failed, other);
    junit_seconds(stdout, seconds);
    printf(">\n");
    gti_cli_check_copy(o);
    printf("  </testsuite>\n");
}

static void junit_end(gti_cli_out *o, const gti_cli_sum *sum)
{
    (void)o;
    if (sum->left_out) printf("<!-- checks left out, which --large makes: %d -->\n", sum->left_out);
    printf("</testsuites>\n");
}

const gti_cli_form gti_cli_check_junit = {junit_begin,  junit_begin_op, junit_check,
                                          junit_end_op, NULL,           junit_end};
