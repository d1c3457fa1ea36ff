/* The command line of an example: a table of options, which is its help as well. */
#ifndef GT_EXAMPLES_OPTIONS_H
#define GT_EXAMPLES_OPTIONS_H

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* An option, with one of the places that it can set. The table's last row has no name. */
typedef struct {
    const char *name, *value; /* "--epochs", "N"; a switch has no value */
    const char *help;
    long *count; /* at least `least` */
    double *number;
    const char **text;
    bool *on;
    long least;
} option;

static inline bool option_set(const option *o, const char *value)
{
    char *end;
    if (o->text) return (*o->text = value);
    if (o->number)
        return *o->number = strtod(value, &end),
               end != value && *end == '\0' && isfinite(*o->number);
    *o->count = strtol(value, &end, 10);
    return end != value && *end == '\0' && *o->count >= o->least && *o->count <= 1000000000;
}

/* Takes "NAME", "NAME V" or "NAME=V" at **arg, and moves it to the last word taken. */
static inline bool option_take(const option *o, char ***arg)
{
    const size_t n = strlen(o->name);
    const char *value = **arg + n;
    if (strncmp(**arg, o->name, n) != 0) return false;
    if (o->on) return *value == '\0' && (*o->on = true);
    if (*value == '=') return option_set(o, value + 1);
    return *value == '\0' && (*arg)[1] && option_set(o, *++*arg);
}

static inline void options_help(FILE *f, const char *program, const char *about, const option *o)
{
    fprintf(f, "usage: %s [options]\n%s\n\n", program, about);
    for (; o->name; o++) {
        char left[32];
        snprintf(left, sizeof left, "%s %s", o->name, o->value ? o->value : "");
        fprintf(f, "  %-13s  %s\n", left, o->help);
    }
}

/* Reads the command line. -1: go on; otherwise the exit status: 0 after --help, 2 after a word that
 * is of no use. */
static inline int options_read(char **argv, const char *program, const char *about,
                               const option *table)
{
    for (char **arg = argv + 1; *arg; arg++) {
        if (strcmp(*arg, "--help") == 0) return options_help(stdout, program, about, table), 0;
        const option *o = table;
        while (o->name && !option_take(o, &arg)) o++;
        if (o->name) continue;
        fprintf(stderr, "%s: cannot use '%s'\n", program, *arg);
        options_help(stderr, program, about, table);
        return 2;
    }
    return -1;
}

#endif
