/* Numbers as text, the same in every locale. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "train/train.h"

char *gti_with_point(char *s)
{
    size_t n = strspn(s, "+-0123456789.e"), skip = strcspn(s + n, "+-0123456789.e");
    if (!s[n]) return s;
    s[n] = '.';
    memmove(s + n + 1, s + n + skip, strlen(s + n + skip) + 1);
    return s;
}

static char *special(char buf[GTI_NUMBER], double v)
{
    snprintf(buf, GTI_NUMBER, "%s", isnan(v) ? "nan" : v > 0 ? "inf" : "-inf");
    return buf;
}

char *gti_copy(const char *s)
{
    const size_t size = strlen(s) + 1;
    char *copy = malloc(size);
    if (copy) memcpy(copy, s, size);
    return copy;
}

char *gti_number_short(char buf[GTI_NUMBER], double v, int digits)
{
    if (!isfinite(v)) return special(buf, v);
    snprintf(buf, GTI_NUMBER, "%.*g", digits, v);
    return gti_with_point(buf);
}

char *gti_number_fixed(char buf[GTI_NUMBER], double v, int decimals)
{
    if (!(fabs(v) < 1e15)) return gti_number_short(buf, v, 6);
    snprintf(buf, GTI_NUMBER, "%.*f", decimals > 20 ? 20 : decimals, v);
    return gti_with_point(buf);
}

char *gti_number(char buf[GTI_NUMBER], double v)
{
    if (!isfinite(v)) return special(buf, v);
    for (int digits = 6; digits <= 17; digits++) {
        snprintf(buf, GTI_NUMBER, "%.*g", digits, v);
        if (strtod(buf, NULL) == v) break;
    }
    return gti_with_point(buf);
}

bool gti_number_read(const char *text, double *v)
{
    const bool negative = *text == '-';
    *v = negative ? -INFINITY : INFINITY;
    if (!strcmp(text + negative, "inf")) return true;
    char point[GTI_NUMBER], buf[2 * GTI_NUMBER], *end;
    if (!*text || strlen(text) >= GTI_NUMBER || text[strspn(text, "+-0123456789.e")]) return false;
    snprintf(point, sizeof point, "%.1f", 0.5); /* 0.5 or 0,5: the locale's point */
    point[strlen(point) - 1] = '\0';
    const size_t n = strcspn(text, ".");
    snprintf(buf, sizeof buf, "%.*s%s%s", (int)n, text, text[n] ? point + 1 : "",
             text[n] ? text + n + 1 : "");
    *v = strtod(buf, &end);
    return !*end && isfinite(*v);
}
