/* Did you mean ...? */
#include <stdio.h>
#include <string.h>

#include "cli.h"

enum { LONGEST = 32 };

static unsigned least(unsigned a, unsigned b, unsigned c)
{
    unsigned m = a < b ? a : b;
    return m < c ? m : c;
}

/* Levenshtein's distance, by rows: row[j] is the distance of a's first i characters to b's first j.
 */
static unsigned distance(const char *a, const char *b)
{
    unsigned row[LONGEST + 1];
    size_t m = strlen(a), n = strlen(b);
    if (m > LONGEST || n > LONGEST) return LONGEST;
    for (unsigned j = 0; j <= n; j++) row[j] = j;
    for (unsigned i = 1; i <= m; i++) {
        unsigned diagonal = row[0];
        row[0] = i;
        for (unsigned j = 1; j <= n; j++) {
            unsigned above = row[j];
            row[j] = least(above + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1]));
            diagonal = above;
        }
    }
    return row[n];
}

static const char *name_at(const void *names, size_t i, size_t stride)
{
    return *(const char *const *)(const void *)((const char *)names + i * stride);
}

const char *gti_cli_nearest(const char *typed, const void *names, size_t n, size_t stride)
{
    const char *best = NULL;
    size_t length = strlen(typed);
    unsigned nearest = length < 3 ? 2 : 3; /* a distance below this is a slip of the finger */
    for (size_t i = 0; i < n; i++) {
        unsigned d = distance(typed, name_at(names, i, stride));
        if (d >= nearest || d >= length) continue;
        nearest = d;
        best = name_at(names, i, stride);
    }
    return best;
}

/* Says so in one line. */
static void tell(const char *command, const char *kind, const char *typed, const char *meant)
{
    fprintf(stderr, "gradtape%s%s: there is no %s '%s'", *command ? " " : "", command, kind, typed);
    if (meant) fprintf(stderr, "; did you mean '%s'?", meant);
}

int gti_cli_unknown(const char *command, const char *kind, const char *typed, const void *names,
                    size_t n, size_t stride)
{
    tell(command, kind, typed, gti_cli_nearest(typed, names, n, stride));
    fprintf(stderr, *command ? "\nTry 'gradtape %s --help'.\n" : "\nTry 'gradtape help'.%s\n",
            command);
    return 2;
}

int gti_cli_unknown_op(const char *command, const char *typed)
{
    size_t n;
    const gt_op_info *info = gt_ops(&n);
    const char *bare = strncmp(typed, "gt_", 3) == 0 ? typed + 3 : typed;
    tell(command, "operation", typed, gti_cli_nearest(bare, info, n, sizeof *info));
    fprintf(stderr, "\nTry 'gradtape ops'.\n");
    return 2;
}
