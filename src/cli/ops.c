/* gradtape ops: the table of operations, and each in full. */
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "cli.h"

enum { WIDTH = 100 };
/* The columns of the table; the last one takes the rest of the width. */
enum { CALL = 40, SAMPLES = 9, GRADIENT = 10, MEANING = WIDTH - CALL - SAMPLES - GRADIENT };

/* Prints the first `length` characters of text from a column on, broken at spaces to lines that end
 * with the width, and ends the line. */
static void print_wrapped(const char *text, size_t length, int column)
{
    const size_t width = (size_t)(WIDTH - column);
    while (length > width) {
        size_t cut = width;
        while (cut > 0 && text[cut] != ' ') cut--;
        if (cut == 0) cut = strcspn(text, " ");
        if (cut >= length) break;
        printf("%.*s\n%*s", (int)cut, text, column, "");
        text += cut + 1;
        length -= cut + 1;
    }
    printf("%.*s\n", (int)length, text);
}

/* --- the table --- */

static const char *gradient_column(const gt_op_info *info)
{
    if (!info->op) return "composed";
    return info->op->backward ? "yes" : "none";
}

/* A call that is too long for its column has a line of its own. */
static void print_row(const gt_op_info *info)
{
    char call[512], samples[16] = "-";
    gti_cli_call(info, false, call, sizeof call);
    if (info->op) snprintf(samples, sizeof samples, "%d", info->op->n_samples);
    const bool fits = strlen(call) <= CALL;
    if (!fits) print_wrapped(call, strlen(call), 4);
    printf("%-*s%*s  %-*s", CALL, fits ? call : "", SAMPLES - 2, samples, GRADIENT,
           gradient_column(info));
    print_wrapped(info->meaning, strlen(info->meaning), CALL + SAMPLES + GRADIENT);
}

static void print_section(const gt_op_section *section)
{
    printf("\n%s%s", section->title, section->note[0] ? ": " : "");
    print_wrapped(section->note, strlen(section->note), (int)strlen(section->title) + 2);
}

static void print_table(void)
{
    size_t n;
    const gt_op_info *info = gt_ops(&n);
    const gt_op_section *last = NULL;
    printf("%-*s%*s  %-*s%s\n", CALL, "OPERATION", SAMPLES - 2, "SAMPLES", GRADIENT, "GRADIENT",
           "MEANING");
    for (size_t i = 0; i < n; i++) {
        const gt_op_section *section = gt_op_section_of(&info[i]);
        if (info[i].inner) continue;
        if (section != last) print_section(section);
        last = section;
        print_row(&info[i]);
    }
    printf("\nInner operations, made by backward rules\n");
    for (size_t i = 0; i < n; i++)
        if (info[i].inner) print_row(&info[i]);
    printf("\n%zu operations; 'composed': of others. 'gradtape ops NAME' says more.\n", n);
}

/* --- one in full --- */

static void print_line(const char *label, const char *text)
{
    if (!text[0]) return;
    printf("  %-8s ", label);
    print_wrapped(text, strlen(text), 11);
}

static const char *kind_of(const gt_op_info *info)
{
    if (!info->inner) return "";
    return info->op->flags & GT_OP_INTO ? "  (inner: changes tensors in place)"
                                        : "  (inner: made by backward rules)";
}

static void print_one(const gt_op_info *info)
{
    char call[512], options[GTI_CLI_OPTIONS];
    gti_cli_call(info, true, call, sizeof call);
    printf("%s%s\n", info->name, kind_of(info));
    printf("  %-8s ", "meaning");
    print_wrapped(info->meaning, strlen(info->meaning), 11);
    print_line("options", gti_cli_options(info, options, sizeof options));
    print_line(strncmp(call, "gt_", 3) == 0 ? "in C" : "call", call);
    print_line("gradient", gti_cli_gradient(info));
    print_line("section", gt_op_section_of(info)->title);
    print_line("", gt_op_section_of(info)->note);
    if (!info->op) return;
    print_line("inputs", info->op->inputs);
    if (info->op->flags & GT_OP_VIEW) print_line("result", "a view: shares the input's data");
    printf("  %-8s %d\n", "samples", info->op->n_samples);
    for (int i = 0; i < info->op->n_samples; i++)
        printf("  %7d  %s\n", i, info->op->samples[i].label ? info->op->samples[i].label : "");
}

static int print_named(const char *name)
{
    const gt_op_info *info = gt_op_find(strncmp(name, "gt_", 3) == 0 ? name + 3 : name);
    if (!info) return gti_cli_unknown_op("ops", name);
    print_one(info);
    return 0;
}

typedef struct {
    bool markdown;
} request;

static const gti_cli_option options[] = {
    {"--markdown", NULL, GTI_CLI_SWITCH, offsetof(request, markdown),
     "all of them in full, as docs/operations.md"},
};

static const gti_cli_command command = {
    "usage: gradtape ops [--markdown | NAME...]\n\n"
    "Lists the operations: how each is called, on how many samples its derivatives are\n"
    "checked, whether it has any, and what it means. With names: these in full.\n",
    GTI_CLI_OPTIONS_OF(options),
    "names of operations",
    0,
    INT_MAX,
    NULL};

int gti_cli_ops(int argc, char **argv)
{
    request q = {0};
    int status = gti_cli_read(&command, &q, argc, argv);
    if (status >= 0) return status;
    if (q.markdown && argv[1] && argc > 2)
        return gti_cli_refuse("ops", "--markdown takes no names, not '%s'", argv[1]);
    if (q.markdown) gti_cli_markdown();
    else if (argc == 1) print_table();
    status = 0;
    for (int i = 1; !q.markdown && argv[i]; i++) {
        if (i > 1) putchar('\n');
        const int one = print_named(argv[i]);
        if (one) status = one;
    }
    return status;
}
