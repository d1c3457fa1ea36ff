/* Modules as text, as PyTorch prints them. */
#include <string.h>

#include "nn/module.h"

enum { LINE = 512 };

char *gt_module_describe(const gt_module *m, char *buf, size_t size)
{
    char inside[LINE] = "";
    if (m && m->type->describe) m->type->describe(m, inside, sizeof inside);
    if (size) snprintf(buf, size, "%s(%s)", m ? m->type->name : "", inside);
    return buf;
}

static void print(FILE *f, const gt_module *m, int indent)
{
    char line[LINE + 64];
    gt_module_describe(m, line, sizeof line);
    if (!m->child) {
        fprintf(f, "%s\n", line);
        return;
    }
    const int open = (int)strlen(line) - 1;
    fprintf(f, "%.*s\n", open, line);
    for (const gt_module *c = m->child; c; c = c->next) {
        fprintf(f, "%*s(%s): ", indent + 2, "", c->scope.name);
        print(f, c, indent + 2);
    }
    fprintf(f, "%*s)\n", indent, "");
}

void gt_module_print(FILE *f, const gt_module *m)
{
    if (f && m) print(f, m, 0);
}
