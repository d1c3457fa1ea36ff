#include <gradtape/program.h>
#include <gradtape/train.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* --- the command line --- */

static bool set_number(const gt_program_option *o, const char *text)
{
    char *end;
    const double x = *o->number = gt_strtod(text, &end);
    return end != text && *end == '\0' && isfinite(x) &&
           (o->above_0 ? x > 0 : x >= (double)o->least);
}

static bool set_count(const gt_program_option *o, const char *text)
{
    char *end;
    const long n = *o->count = strtol(text, &end, 10);
    return end != text && *end == '\0' && n >= o->least && n <= 1000000000;
}

static bool set_text(const gt_program_option *o, const char *text)
{
    const size_t n = strlen(text), end = o->ends ? strlen(o->ends) : 0;
    *o->text = text;
    return n >= end && (!end || strcmp(text + n - end, o->ends) == 0);
}

static bool set(const gt_program_option *o, const char *text)
{
    if (o->text) return set_text(o, text);
    return o->number ? set_number(o, text) : set_count(o, text);
}

/* An option behind one that wants a name: the name was forgotten. */
static bool lacks_name(const gt_program_option *o, const char *next)
{
    return o->text && next && *next == '-';
}

/* Takes "NAME", "NAME V" or "NAME=V" at **arg, or the word that row o stands for, and moves *arg to
 * the last word taken. */
static bool take(const gt_program_option *o, char ***arg)
{
    const size_t n = strlen(o->name);
    char **at = *arg;
    if (*o->name != '-') return **at != '-' && !*o->text && set(o, *at);
    if (strncmp(*at, o->name, n) != 0) return false;
    const char *rest = *at + n;
    if (o->on) return *rest == '\0' && (*o->on = true);
    if (*rest == '=') return set(o, rest + 1);
    if (*rest != '\0' || !at[1] || lacks_name(o, at[1]) || !set(o, at[1])) return false;
    ++*arg;
    return true;
}

static void help(FILE *f, const char *program, const char *about, const gt_program_option *o)
{
    const char *word = "";
    for (const gt_program_option *p = o; p->name; p++)
        if (*p->name != '-') word = p->name;
    fprintf(f, "usage: %s [options]%s%s%s\n%s\n\n", program, *word ? " [" : "", word,
            *word ? "]" : "", about);
    for (; o->name; o++) {
        char left[32];
        snprintf(left, sizeof left, "%s %s", o->name, o->value ? o->value : "");
        fprintf(f, "  %-15s  %s\n", left, o->help);
    }
    fprintf(f, "  %-15s  %s\n", "--help", "print this");
}

static int refuse(const char *program, char **arg, const gt_program_option *known)
{
    fprintf(stderr, "%s: cannot use '%s%s%s' (", program, *arg, known && arg[1] ? " " : "",
            known && arg[1] ? arg[1] : "");
    if (known && known->count) fprintf(stderr, "a whole number from %ld on; ", known->least);
    if (known && lacks_name(known, arg[1]))
        fprintf(stderr, "%s=%s would make it a name; ", *arg, arg[1]);
    if (known && known->ends) fprintf(stderr, "a name that ends in %s; ", known->ends);
    fprintf(stderr, "--help shows what can be used)\n");
    return 2;
}

/* Whether the texts that switches need were given. */
static bool complete(const char *program, const gt_program_option *options)
{
    for (const gt_program_option *o = options; o->name; o++) {
        if (!o->needs || !*o->on) continue;
        const gt_program_option *needed = options;
        while (strcmp(needed->name, o->needs) != 0) needed++;
        if (*needed->text) continue;
        fprintf(stderr, "%s: %s needs %s %s\n", program, o->name, needed->name, needed->value);
        return false;
    }
    return true;
}

/* -1: go on; otherwise the exit status. */
static int parse(char **argv, const char *program, const char *about,
                 const gt_program_option *options)
{
    for (char **arg = argv + 1; *arg; arg++) {
        if (strcmp(*arg, "--help") == 0) return help(stdout, program, about, options), 0;
        const gt_program_option *o = options, *known = NULL;
        for (; o->name && !take(o, &arg); o++)
            if (strcmp(o->name, *arg) == 0 && o->value) known = o;
        if (!o->name) return refuse(program, arg, known);
    }
    return complete(program, options) ? -1 : 2;
}

/* --- the frame --- */

static void print_error(gt_status status, const char *message, void *program)
{
    (void)status;
    fprintf(stderr, "%s: %s\n", (const char *)program, message);
}

int gt_program_main(int argc, char **argv, const char *about,
                    void (*run)(gt_ctx *gt, void *settings), void *settings,
                    const gt_program_option *options)
{
    const char *slash = argc ? strrchr(argv[0], '/') : NULL, *program = slash ? slash + 1 : argv[0];
    const int status = parse(argv, program, about, options);
    if (status >= 0) return status;
    setvbuf(stdout, NULL, _IOLBF, BUFSIZ); /* lines appear as they come, in files as well */
    gt_stop_on_interrupt();
    gt_ctx *gt = gt_open();
    gt_set_error_handler(gt, print_error, (void *)program);
    run(gt, settings);
    const bool failed = gt_failed(gt);
    gt_close(gt);
    return failed ? 1 : gt_stop_requested() ? 130 : 0;
}
