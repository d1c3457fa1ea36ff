/* Numbers as text. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "view/view.h"

static char *special(char buf[GTI_NUMBER], double v)
{
    snprintf(buf, GTI_NUMBER, "%s", isnan(v) ? "nan" : v > 0 ? "inf" : "-inf");
    return buf;
}

char *gti_number_short(char buf[GTI_NUMBER], double v, int digits)
{
    if (!isfinite(v)) return special(buf, v);
    gt_snprintf(buf, GTI_NUMBER, "%.*g", digits, v);
    return buf;
}

char *gti_number_fixed(char buf[GTI_NUMBER], double v, int decimals)
{
    if (!(fabs(v) < 1e15)) return gti_number_short(buf, v, 6);
    gt_snprintf(buf, GTI_NUMBER, "%.*f", decimals > 20 ? 20 : decimals, v);
    return buf;
}

char *gti_number(char buf[GTI_NUMBER], double v)
{
    if (!isfinite(v)) return special(buf, v);
    for (int digits = 6; digits <= 17; digits++) {
        gt_snprintf(buf, GTI_NUMBER, "%.*g", digits, v);
        if (gt_strtod(buf, NULL) == v) break;
    }
    return buf;
}

bool gti_number_read(const char *text, double *v)
{
    const bool negative = *text == '-';
    *v = negative ? -INFINITY : INFINITY;
    if (!strcmp(text + negative, "inf")) return true;
    char *end;
    if (!*text || strlen(text) >= GTI_NUMBER || text[strspn(text, "+-0123456789.e")]) return false;
    *v = gt_strtod(text, &end);
    return !*end && isfinite(*v);
}
