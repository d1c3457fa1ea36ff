/* Options and operands of commands. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

enum { MOST = 1000000 }; /* of what is counted */

int gti_cli_refuse(const char *command, const char *fmt, ...)
{
    va_list args;
    fprintf(stderr, "gradtape %s: ", command);
    va_start(args, fmt);
    vfprintf(stderr, fmt, args);
    va_end(args);
    fprintf(stderr, "\nTry 'gradtape %s --help'.\n", command);
    return 2;
}

/* --- values --- */

/* The place of a word among words with bars between them, or -1. */
static int place_of(const char *word, const char *words)
{
    const size_t length = strlen(word);
    for (int i = 0;; i++) {
        const size_t n = strcspn(words, "|");
        if (n == length && !strncmp(words, word, n)) return i;
        if (!words[n]) return -1;
        words += n + 1;
    }
}

static bool set_count(long *to, const char *value)
{
    char *end;
    const bool digit = *value >= '1' && *value <= '9';
    const long n = digit ? strtol(value, &end, 10) : 0;
    return digit && !*end && (*to = n) <= MOST;
}

static bool set_whole(unsigned long long *to, const char *value)
{
    if (!*value || strlen(value) > 19 || strspn(value, "0123456789") != strlen(value)) return false;
    *to = strtoull(value, NULL, 10);
    return true;
}

static bool set_real(double *to, const char *value)
{
    char *end;
    *to = strtod(value, &end);
    return end > value && !*end && *to >= 0 && isfinite(*to);
}

static bool set(const gti_cli_option *o, void *request, const char *value)
{
    void *at = (char *)request + o->at;
    switch (o->kind) {
    case GTI_CLI_SWITCH: return *(bool *)at = true;
    case GTI_CLI_TEXT: return *(*(const char **)at = value) != 0;
    case GTI_CLI_COUNT: return set_count(at, value);
    case GTI_CLI_WHOLE: return set_whole(at, value);
    case GTI_CLI_REAL: return set_real(at, value);
    case GTI_CLI_WORD: return (*(int *)at = place_of(value, o->value)) >= 0;
    }
    return false;
}

static int refuse_value(const char *command, const gti_cli_option *o, const char *value)
{
    static const char *const wants[] = {
        [GTI_CLI_TEXT] = "a text",
        [GTI_CLI_COUNT] = "a whole number from 1 to 1000000",
        [GTI_CLI_WHOLE] = "a whole number that is not negative",
        [GTI_CLI_REAL] = "a number that is not negative",
    };
    return gti_cli_refuse(command, "%s does not take '%s', but %s%s", o->name, value,
                          o->kind == GTI_CLI_WORD ? "one of " : wants[o->kind],
                          o->kind == GTI_CLI_WORD ? o->value : "");
}

/* --- an option: "--seed 7" or "--seed=7" --- */

static const gti_cli_option *find(const gti_cli_command *c, const char *given, size_t length)
{
    for (int i = 0; i < c->n_options; i++)
        if (strlen(c->options[i].name) == length && !strncmp(c->options[i].name, given, length))
            return &c->options[i];
    return NULL;
}

static int take(const gti_cli_command *c, void *request, int argc, char **argv, int *i)
{
    const char *command = argv[0], *given = argv[*i], *value = "";
    const size_t length = given[1] == '-' ? strcspn(given, "=") : strlen(given);
    const gti_cli_option *o = find(c, given, length);
    if (!o)
        return gti_cli_unknown(command, "option", given, c->options, (size_t)c->n_options,
                               sizeof *c->options);
    if (!o->value && given[length])
        return gti_cli_refuse(command, "%s takes no value: '%s'", o->name, given);
    if (o->value && given[length]) value = given + length + 1;
    else if (o->value && ++*i < argc) value = argv[*i];
    else if (o->value) return gti_cli_refuse(command, "there is no value behind '%s'", o->name);
    return set(o, request, value) ? -1 : refuse_value(command, o, value);
}

/* --- all of it --- */

static void print_help(const gti_cli_command *c)
{
    char left[64];
    printf("%s\n", c->usage);
    for (int i = 0; i < c->n_options; i++) {
        const gti_cli_option *o = &c->options[i];
        snprintf(left, sizeof left, "%s%s%s", o->name, o->value ? " " : "",
                 o->value ? o->value : "");
        printf(strlen(left) < 18 ? "  %-18s%s\n" : "  %s\n                    %s\n", left, o->help);
    }
    printf("  %-18s%s\n", "--help", "this");
    if (c->more) c->more();
}

static int check_operands(const gti_cli_command *c, char **argv, int n)
{
    if (n < c->least) return gti_cli_refuse(argv[0], "wants %s", c->operand);
    if (n > c->most && !c->most)
        return gti_cli_refuse(argv[0], "takes no arguments, not '%s'", argv[1]);
    if (n > c->most)
        return gti_cli_refuse(argv[0], "wants %s, and takes no '%s' besides", c->operand,
                              argv[c->most + 1]);
    return -1;
}

int gti_cli_read(const gti_cli_command *c, void *request, int argc, char **argv)
{
    int n = 0, status = -1;
    for (int i = 1; i < argc && status < 0; i++) {
        if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h")) return print_help(c), 0;
        if (argv[i][0] != '-') argv[++n] = argv[i];
        else status = take(c, request, argc, argv, &i);
    }
    if (status < 0) status = check_operands(c, argv, n);
    if (n + 1 < argc) argv[n + 1] = NULL;
    return status;
}
