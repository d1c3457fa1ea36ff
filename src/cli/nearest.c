/* Did you mean ...? */
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

const char *gti_cli_nearest(const char *typed, unsigned n, const char *(*name)(unsigned i))
{
    const char *best = NULL;
    size_t length = strlen(typed);
    unsigned nearest = length < 3 ? 2 : 3; /* a distance below this is a slip of the finger */
    for (unsigned i = 0; i < n; i++) {
        unsigned d = distance(typed, name(i));
        if (d >= nearest || d >= length) continue;
        nearest = d;
        best = name(i);
    }
    return best;
}
