/* The command line tool. Each subcommand is one function: argv[0] is the subcommand's name, and the
 * result is the program's exit status, 0 all well, 1 the answer is bad, 2 the question was. */
#ifndef GTI_CLI_H
#define GTI_CLI_H

#include <gradtape.h>

int gti_cli_check(int argc, char **argv);
int gti_cli_diff(int argc, char **argv);
int gti_cli_export_c(int argc, char **argv);
int gti_cli_graph(int argc, char **argv); /* also as "summary" */
int gti_cli_onnx(int argc, char **argv);
int gti_cli_ops(int argc, char **argv);
int gti_cli_profile(int argc, char **argv);
int gti_cli_version(int argc, char **argv);

/* --- nearest.c --- */
/* Among n names the one that a user who typed `typed` may have meant, or NULL. Names are the first
 * members of structs that are `stride` bytes apart. */
const char *gti_cli_nearest(const char *typed, const void *names, size_t n, size_t stride);
/* Says that there is none: "gradtape graph: there is no network 'x'; did you mean 'y'?". Returns 2.
 */
int gti_cli_unknown(const char *command, const char *kind, const char *typed, const void *names,
                    size_t n, size_t stride);
/* The same of an operation. */
int gti_cli_unknown_op(const char *command, const char *typed);

/* --- options.c: what stands behind a command --- */
typedef enum {
    GTI_CLI_SWITCH, /* bool: becomes true */
    GTI_CLI_TEXT,   /* const char * */
    GTI_CLI_COUNT,  /* long: a whole number from 1 to 1,000,000 */
    GTI_CLI_WHOLE,  /* unsigned long long: one from 0 on */
    GTI_CLI_REAL,   /* double: a number that is not negative */
    GTI_CLI_WORD,   /* int: the place in `value`, words with bars between them */
} gti_cli_kind;
typedef struct {
    const char *name, *value; /* "--batch", "N"; of switches NULL */
    gti_cli_kind kind;
    size_t at; /* of what it sets in the request */
    const char *help;
} gti_cli_option;
typedef struct {
    const char *usage; /* what --help says first */
    const gti_cli_option *options;
    int n_options;
    const char *operand; /* what is no option: "the name of a network" */
    int least, most;     /* so many of those */
    void (*more)(void);  /* prints what --help says behind the options; NULL: nothing */
} gti_cli_command;
#define GTI_CLI_OPTIONS_OF(list) (list), (int)(sizeof(list) / sizeof *(list))
/* Reads all of argv into the request; operands move to argv[1], and on, before a NULL. Returns -1,
 * or after --help or a complaint the status to end with. */
int gti_cli_read(const gti_cli_command *c, void *request, int argc, char **argv);
/* A complaint of one line, with what says more behind it. Returns 2. */
int gti_cli_refuse(const char *command, const char *fmt, ...) GT_PRINTF(2, 3);

/* --- answer.c --- */
/* A context that prints nothing. */
gt_ctx *gti_cli_open(void);
/* Closes it, and says what has failed: 1, else 0. */
int gti_cli_close(gt_ctx *gt, const char *command);
/* Whether a file can be written there, which is found out before the work; fails otherwise. */
bool gti_cli_can_write(gt_ctx *gt, const char *path);

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

#endif
