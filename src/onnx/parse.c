#include "onnx/parse.h"

#include <limits.h>
#include <string.h>

bool gti_parse_fail(const gti_parser *p, gt_status code, const char *fmt, ...)
{
    char text[GTI_PARSE_WHY];
    va_list args;
    va_start(args, fmt);
    gt_vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    const bool full = p->m->store.failed;
    if (p->why) memcpy(p->why, text, sizeof text);
    else
        gt_fail(p->gt, full ? GT_ERR_MEMORY : code, "gt_onnx_load", "%s: %s", p->m->path,
                full ? "out of memory" : text);
    return false;
}

bool gti_parse_malformed(const gti_parser *p, const char *what)
{
    return gti_parse_fail(p, GT_ERR_FORMAT, "%s is malformed, or cut off", what);
}

/* How often a field stands in a message. */
int gti_parse_count(gti_bytes message, int number)
{
    gti_field f;
    int n = 0;
    while (gti_wire_next(&message, &f)) n += f.number == number && n < INT_MAX;
    return n;
}

const char *gti_parse_text(const gti_parser *p, gti_bytes text)
{
    const char *copy = gti_store_text(&p->m->store, text);
    return copy && strlen(copy) == text.size ? copy : NULL;
}

gti_bytes gti_parse_bytes(gti_bytes message, int number)
{
    gti_field f;
    while (gti_wire_next(&message, &f))
        if (f.number == number && f.type == GTI_LENGTH) return f.bytes;
    return (gti_bytes){0};
}
