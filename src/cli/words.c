/* What the tables of operations say of one. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "cli.h"

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

/* Whether the last word of a parameter is opts, which stands for keyword options. */
static bool is_options(const char *end)
{
    return strncmp(end - 4, "opts", 4) == 0 && !is_word(end[-5]);
}

void gti_cli_call(const gt_op_info *info, bool types, char *call, size_t size)
{
    const char *s = strchr(info->signature, '(');
    const bool into = info->op && info->op->flags & GT_OP_INTO;
    size_t at = (size_t)snprintf(call, size, "%s%s(", types && !into ? "gt_" : "", info->name);
    while (*s && *s != ')') {
        const char *end = s + 1 + strcspn(s + 1, ",)"), *word = types ? s + 1 : end;
        while (!types && is_word(word[-1])) word--;
        word += strspn(word, " ");
        const bool options = !info->inner && is_options(end);
        if (at < size)
            at += (size_t)snprintf(call + at, size - at, "%s%.*s", *s == ',' ? ", " : "",
                                   options ? 3 : (int)(end - word), options ? "..." : word);
        s = end;
    }
    if (at < size) snprintf(call + at, size - at, ")");
}

const char *gti_cli_options(const gt_op_info *info, char *text, size_t size)
{
    const gt_attrs *attrs = info->inner ? NULL : gt_op_info_attrs(info);
    size_t at = 0;
    text[0] = 0;
    for (int i = 0; attrs && i < attrs->n; i++) {
        const gt_attr *a = &attrs->row[i];
        char usual[64];
        if (a->argument || !a->name[0] || at >= size) continue;
        gt_attr_default(attrs, a, usual, sizeof usual);
        at += (size_t)snprintf(text + at, size - at, "%s.%s (%s): %s", at ? "; " : "", a->name,
                               usual, a->meaning);
    }
    return text;
}

const char *gti_cli_gradient(const gt_op_info *info)
{
    if (!info->op) return "composed";
    if (!info->op->backward) return "none";
    return info->op->gradient ? info->op->gradient : "yes";
}
