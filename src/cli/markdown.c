/* gradtape ops --markdown: docs/operations.md. */
#include <stdio.h>

#include "cli.h"

static const char introduction[] =
    "<!-- Made by `gradtape ops --markdown`, from include/gradtape/ops.def and the operations. -->\n"
    "\n"
    "# Operations\n"
    "\n"
    "`x`, `a`, `b` and results are tensors of one floating dtype (f32 or f64) and one context unless\n"
    "a row says otherwise. \"Broadcasts\" is NumPy's rule: shapes are aligned at the right, and\n"
    "dimensions of size 1 stretch. Optional arguments, `...` in a call, are keyword arguments:\n"
    "`gt_sum(x, .axes = GT_AXES(0, -1), .keepdim = true)`; `gradtape/ops.h` says more about them.\n"
    "\n"
    "In gradients `y` is the result, `dy` the gradient that comes to it and `dx` the one that goes on\n"
    "to the input `x`; where an input itself is called `dy`, `g` is what comes to the result. Sums\n"
    "over what was broadcast go without saying. \"Composed\" are functions made of other operations,\n"
    "whose gradients they have. What has a gradient can be differentiated any number of times.\n";

static const char head[] = "\n"
                           "| Name | Call | Meaning and shapes | Gradient | Options |\n"
                           "|---|---|---|---|---|\n";

/* Text for a cell of a table. */
static void print_escaped(const char *text)
{
    for (; *text; text++) {
        if (*text == '|' || *text == '<') putchar('\\');
        putchar(*text);
    }
}

static void print_row(const gt_op_info *info)
{
    char call[512], options[GTI_CLI_OPTIONS];
    gti_cli_call(info, true, call, sizeof call);
    printf("| %s | `%s` | ", info->name, call);
    print_escaped(info->meaning);
    printf(" | ");
    print_escaped(gti_cli_gradient(info));
    printf(" | ");
    print_escaped(gti_cli_options(info, options, sizeof options));
    printf(" |\n");
}

static void begin_section(const gt_op_section *section)
{
    printf("\n## %s\n", section->title);
    if (section->note[0]) printf("\n%s\n", section->note);
    fputs(head, stdout);
}

void gti_cli_markdown(void)
{
    size_t n;
    const gt_op_info *info = gt_ops(&n);
    const gt_op_section *last = NULL;
    fputs(introduction, stdout);
    for (size_t i = 0; i < n; i++) {
        const gt_op_section *section = gt_op_section_of(&info[i]);
        if (info[i].inner) continue;
        if (section != last) begin_section(section);
        last = section;
        print_row(&info[i]);
    }
    printf(
        "\n## Inner operations\n\nMade by backward rules, or changes in place by optimizers and others; rarely called by hand.\n%s",
        head);
    for (size_t i = 0; i < n; i++)
        if (info[i].inner) print_row(&info[i]);
}
