/* gradtape ops: the table of operations, and each in full. */
#include <ctype.h>
#include <gradtape.h>
#include <stdio.h>
#include <string.h>

#include "cli.h"

/* The columns of the table; the last one takes the rest of 100 characters. */
enum { CALL = 40, SAMPLES = 9, GRADIENT = 10, MEANING = 100 - CALL - SAMPLES - GRADIENT };

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

/* "gt_sum(gt_tensor *x, gt_reduce_opts opts)" as it is called: "sum(x, ...)". */
static void shorten(const char *signature, char *call, size_t size)
{
    const char *s = strchr(signature, '(');
    if (!s) s = signature;
    int length = (int)(s - signature);
    bool prefixed = strncmp(signature, "gt_", 3) == 0;
    size_t at = (size_t)snprintf(call, size, "%.*s(", prefixed ? length - 3 : length,
                                 prefixed ? signature + 3 : signature);
    while (*s && *s != ')') {
        const char *end = s + 1 + strcspn(s + 1, ",)"), *word = end;
        while (word > s && is_word(word[-1])) word--;
        bool options = end - word == 4 && strncmp(word, "opts", 4) == 0;
        if (at < size)
            at += (size_t)snprintf(call + at, size - at, "%s%.*s", *s == ',' ? ", " : "",
                                   options ? 3 : (int)(end - word), options ? "..." : word);
        s = end;
    }
    if (at < size) snprintf(call + at, size - at, ")");
}

/* Prints text from a column on, broken at spaces to lines of `width`, and ends the line. */
static void print_wrapped(const char *text, int column, int width)
{
    for (;;) {
        int length = (int)strlen(text), cut = width;
        if (length <= width) break;
        while (cut > 0 && text[cut] != ' ') cut--;
        if (cut == 0) cut = (int)strcspn(text, " ");
        if (cut == length) break;
        printf("%.*s\n%*s", cut, text, column, "");
        text += cut + 1;
    }
    printf("%s\n", text);
}

static const char *gradient(const gt_op_info *info)
{
    if (!info->op) return "by parts";
    return info->op->backward ? "yes" : "no";
}

static void print_row(const gt_op_info *info)
{
    char call[128], samples[16] = "-";
    shorten(info->signature, call, sizeof call);
    if (info->op) snprintf(samples, sizeof samples, "%d", info->op->n_samples);
    printf("%-*s%*s  %-*s", CALL, call, SAMPLES - 2, samples, GRADIENT, gradient(info));
    print_wrapped(info->meaning, CALL + SAMPLES + GRADIENT, MEANING);
}

static void print_table(void)
{
    size_t n, inner = 0;
    const gt_op_info *info = gt_ops(&n);
    printf("%-*s%*s  %-*s%s\n", CALL, "OPERATION", SAMPLES - 2, "SAMPLES", GRADIENT, "GRADIENT",
           "MEANING");
    for (size_t i = 0; i < n; i++)
        if (!info[i].inner) print_row(&info[i]);
    for (size_t i = 0; i < n; i++) inner += info[i].inner;
    if (inner) printf("\nInner operations, made by backward rules:\n");
    for (size_t i = 0; i < n; i++)
        if (info[i].inner) print_row(&info[i]);
    printf("\n%zu operations; 'by parts': composed of others. 'gradtape ops NAME' says more.\n", n);
}

static void print_one(const gt_op_info *info)
{
    enum { INDENT = 11, WIDTH = 89 };
    printf("%s%s\n", info->name, info->inner ? "  (inner: made by backward rules)" : "");
    printf("  meaning  ");
    print_wrapped(info->meaning, INDENT, WIDTH);
    printf("  in C     %s\n  gradient %s\n", info->signature, gradient(info));
    if (!info->op) return;
    printf("  inputs   %s\n", info->op->inputs);
    if (info->op->flags & GT_OP_VIEW) printf("  result   a view: shares the input's data\n");
    printf("  samples  %d\n", info->op->n_samples);
    for (int i = 0; i < info->op->n_samples; i++)
        printf("  %7d  %s\n", i, info->op->samples[i].label ? info->op->samples[i].label : "");
}

static const char *op_name(unsigned i)
{
    size_t n;
    return gt_ops(&n)[i].name;
}

static int print_named(const char *name)
{
    size_t n;
    const char *bare = strncmp(name, "gt_", 3) == 0 ? name + 3 : name;
    const gt_op_info *info = gt_op_find(bare);
    if (info) {
        print_one(info);
        return 0;
    }
    gt_ops(&n);
    const char *meant = gti_cli_nearest(bare, (unsigned)n, op_name);
    fprintf(stderr, "gradtape ops: there is no operation '%s'", name);
    if (meant) fprintf(stderr, "; did you mean '%s'?", meant);
    fprintf(stderr, "\n");
    return 2;
}

static const char usage[] =
    "usage: gradtape ops [NAME...]\n"
    "\n"
    "Lists the operations: how each is called, on how many samples its derivatives are\n"
    "checked, whether it has any, and what it means. With names: these in full.\n";

int gti_cli_ops(int argc, char **argv)
{
    int status = 0;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            fputs(usage, stdout);
            return 0;
        }
        if (argv[i][0] == '-') {
            fprintf(stderr, "gradtape ops: there is no option '%s'\n%s", argv[i], usage);
            return 2;
        }
    }
    if (argc == 1) print_table();
    for (int i = 1; i < argc; i++) {
        if (i > 1) putchar('\n');
        int one = print_named(argv[i]);
        if (one) status = one;
    }
    return status;
}
