/* Modules as text, as PyTorch prints them. */
#include <string.h>

#include "nn/module.h"

enum { LINE = 512 };

char *gt_module_describe(const gt_module *m, char *buf, size_t size)
{
    char inside[LINE] = "";
    if (gt_module_usable(m) && m->type->describe) m->type->describe(m, inside, sizeof inside);
    if (size) snprintf(buf, size, "%s(%s)", m ? m->type->name : "", inside);
    return buf;
}

/* --- trees --- */

static bool print_alike(const gt_module *a, const gt_module *b)
{
    char x[LINE + 64], y[LINE + 64];
    if (strcmp(gt_module_describe(a, x, sizeof x), gt_module_describe(b, y, sizeof y)) != 0)
        return false;
    const gt_module *c = a->child, *d = b->child;
    for (; c && d; c = c->next, d = d->next)
        if (strcmp(c->scope.name, d->scope.name) != 0 || !print_alike(c, d)) return false;
    return !c && !d;
}

/* The last of the children from `first` on that a line stands for: a ModuleList's that print
 * alike are folded into one, as in PyTorch. */
static const gt_module *last_alike(const gt_module *m, const gt_module *first, int *n)
{
    const gt_module *last = first;
    *n = 1;
    if (strcmp(m->type->name, "ModuleList") != 0) return last;
    for (; last->next && print_alike(first, last->next); last = last->next) ++*n;
    return last;
}

static void print(FILE *f, const gt_module *m, int indent)
{
    char line[LINE + 64];
    gt_module_describe(m, line, sizeof line);
    if (!m->child) {
        fprintf(f, "%s\n", line);
        return;
    }
    const int name = (int)strlen(m->type->name) + 1, inside = (int)strlen(line) - name - 1;
    fprintf(f, "%.*s\n", name, line);
    if (inside > 0) fprintf(f, "%*s%.*s\n", indent + 2, "", inside, line + name);
    for (const gt_module *c = m->child, *last; c; c = last->next) {
        int n;
        last = last_alike(m, c, &n);
        if (n == 1) fprintf(f, "%*s(%s): ", indent + 2, "", c->scope.name);
        else fprintf(f, "%*s(%s-%s): %d x ", indent + 2, "", c->scope.name, last->scope.name, n);
        print(f, c, indent + 2);
    }
    fprintf(f, "%*s)\n", indent, "");
}

void gt_module_print(FILE *f, const gt_module *m)
{
    if (f && gt_module_usable(m)) print(f, m, 0);
}
