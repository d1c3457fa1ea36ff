/* What stands between the checks of `gradtape check` and the forms in which they are told. */
#ifndef GTI_CLI_CHECK_H
#define GTI_CLI_CHECK_H

#include <stdio.h>

#include "cli.h"

/* What is run on every sample: derivatives of first order or both, and f32 beside f64. */
typedef enum { GTI_CLI_DERIVATIVES, GTI_CLI_F32, GTI_CLI_N_STAGES } gti_cli_stage;

enum { GTI_CLI_SMALL = 16 }; /* elements of inputs; larger samples are checked at fewer seeds */

/* One check. */
typedef struct {
    const gt_op *op;
    int sample; /* -1: it has none, which is a failure */
    gti_cli_stage stage;
    const char *stage_name; /* "order 1", "order 1, 2", "f32" */
    unsigned long long seed;
    double seconds;
    const gt_gradcheck_report *report;
} gti_cli_result;

typedef struct {
    int operations, samples, checks, passed, failed;
    int left_out; /* checks of larger samples at seeds that are not theirs */
    double seconds;
} gti_cli_sum;

typedef struct gti_cli_out gti_cli_out;
/* A form: begin, then for every operation its begin, its checks, its end; and the end of all. NULL
 * is nothing. */
typedef struct {
    void (*begin)(gti_cli_out *o);
    void (*begin_op)(gti_cli_out *o, const gt_op *op, int samples);
    void (*check)(gti_cli_out *o, const gti_cli_result *r);
    void (*end_op)(gti_cli_out *o, const gt_op *op, double seconds);
    void (*composed)(gti_cli_out *o, const char *name); /* instead of those three */
    void (*end)(gti_cli_out *o, const gti_cli_sum *sum);
} gti_cli_form;

/* What a form remembers. */
struct gti_cli_out {
    bool verbose;
    FILE *later; /* what comes behind what is written at the end of an operation */
    struct {
        const char *name; /* NULL: not run */
        int passed, failed, other;
    } stage[GTI_CLI_N_STAGES];
    int number;        /* of checks told */
    char untold[2048]; /* names of operations without derivatives that were compared */
};

extern const gti_cli_form gti_cli_check_text, gti_cli_check_json, gti_cli_check_tap,
    gti_cli_check_junit;

/* --- check_escape.c --- */
/* Text as a string of JSON, with its quotes; as text of XML; on one line of TAP. Bytes that are not
 * UTF-8, and in XML control characters, become '?'. */
void gti_cli_put_json(FILE *f, const char *text);
void gti_cli_put_xml(FILE *f, const char *text);
void gti_cli_put_tap(FILE *f, const char *text);
/* On one line of a literal block of YAML: as it is, but for what does not print. */
void gti_cli_put_yaml(FILE *f, const char *text);
/* "sample 7 (groups=2)  order 1  seed 3": a check's name among those of its operation. */
void gti_cli_check_name(const gti_cli_result *r, char *name, size_t size);
/* Of a report, what the first line under its head says. */
void gti_cli_check_reason(const gt_gradcheck_report *r, char *reason, size_t size);
/* All that was kept for later. */
void gti_cli_check_copy(gti_cli_out *o);

/* --- check_load.c --- */
/* The operations of a shared object, *n of them; or NULL, after a complaint. */
const gt_op *const *gti_cli_load_ops(const char *path, int *n);

#endif
