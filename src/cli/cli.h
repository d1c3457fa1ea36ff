/* The command line tool. Each subcommand is one function: argv[0] is the subcommand's name, and the
 * result is the program's exit status, 0 all well, 1 the answer is bad, 2 the question was. */
#ifndef GTI_CLI_H
#define GTI_CLI_H

#include <gradtape.h>

int gti_cli_check(int argc, char **argv);
int gti_cli_graph(int argc, char **argv); /* also as "summary" */
int gti_cli_ops(int argc, char **argv);
int gti_cli_profile(int argc, char **argv);
int gti_cli_version(int argc, char **argv);

/* Among n names the one that a user who typed `typed` may have meant, or NULL. name(i) is the i-th.
 */
const char *gti_cli_nearest(const char *typed, unsigned n, const char *(*name)(unsigned i));

/* --- words.c: of an operation --- */
/* As it is called, "sum(x, ...)", or with types, "gt_sum(gt_tensor *x, ...)". */
void gti_cli_call(const gt_op_info *info, bool types, char *call, size_t size);
/* Its keyword options, ".alpha (1): how steep it is; ...", or "". Writes into text and returns it.
 */
const char *gti_cli_options(const gt_op_info *info, char *text, size_t size);
enum { GTI_CLI_OPTIONS = 2048 }; /* bytes that hold them */
/* "dx = -dy", "composed" or "none". */
const char *gti_cli_gradient(const gt_op_info *info);

/* --- markdown.c --- */
/* Prints docs/operations.md. */
void gti_cli_markdown(void);

/* --- options.c --- */
typedef struct {
    const char *name; /* "--seed"; NULL ends the list */
    /* Puts the value, "" where none is there, into the command's request; false: it cannot be. */
    bool (*set)(void *request, const char *value);
    bool alone; /* has no value */
} gti_cli_option;
/* Takes the option at argv[*i], "--seed 7" or "--seed=7". False after a complaint. */
bool gti_cli_take_option(const char *command, const gti_cli_option *options, void *request,
                         int argc, char **argv, int *i);
/* A whole number that is not negative. */
bool gti_cli_number(const char *text, unsigned long long *value);

#endif
