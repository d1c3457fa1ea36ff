/* Options of commands. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

static bool refuse(const char *command, const char *option, const char *value)
{
    if (!value) fprintf(stderr, "gradtape %s: there is no option '%s'\n", command, option);
    else fprintf(stderr, "gradtape %s: %s does not take '%s'\n", command, option, value);
    fprintf(stderr, "Try 'gradtape %s --help'.\n", command);
    return false;
}

bool gti_cli_take_option(const char *command, const gti_cli_option *options, void *request,
                         int argc, char **argv, int *i)
{
    const char *given = argv[*i];
    const size_t length = strcspn(given, "=");
    for (const gti_cli_option *o = options; o->name; o++) {
        if (strlen(o->name) != length || strncmp(o->name, given, length) != 0) continue;
        if (o->alone && given[length]) break;
        const char *value = o->alone        ? ""
                            : given[length] ? given + length + 1
                            : ++*i < argc   ? argv[*i]
                                            : "";
        return o->set(request, value) || refuse(command, o->name, value);
    }
    return refuse(command, given, NULL);
}

bool gti_cli_number(const char *text, unsigned long long *value)
{
    char *end;
    if (*text < '0' || *text > '9') return false;
    *value = strtoull(text, &end, 10);
    return *end == '\0';
}
