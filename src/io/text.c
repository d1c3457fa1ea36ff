/* Text that grows, names, and what every call looks at first. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "io/io.h"

static bool reserve(gti_text *t, size_t more)
{
    if (t->failed) return false;
    if (t->room - t->length > more) return true;
    const size_t room = 2 * t->room + more + 64;
    char *at = realloc(t->at, room);
    t->failed = !at;
    if (!at) return false;
    t->at = at;
    t->room = room;
    return true;
}

void gti_text_add(gti_text *t, const char *fmt, ...)
{
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    const int n = gt_vsnprintf(NULL, 0, fmt, args);
    if (n < 0) t->failed = true;
    if (n >= 0 && reserve(t, (size_t)n + 1)) {
        gt_vsnprintf(t->at + t->length, t->room - t->length, fmt, again);
        t->length += (size_t)n;
    }
    va_end(again);
    va_end(args);
}

void gti_text_quote(gti_text *t, const char *s)
{
    if (!reserve(t, 6 * strlen(s) + 2)) return;
    char *to = t->at + t->length;
    *to++ = '"';
    for (; *s; s++) {
        if ((unsigned char)*s < 0x20) to += snprintf(to, 7, "\\u%04x", (unsigned)*s);
        else {
            if (*s == '"' || *s == '\\') *to++ = '\\';
            *to++ = *s;
        }
    }
    *to++ = '"';
    *to = '\0';
    t->length = (size_t)(to - t->at);
}

const char *gti_text_path(gti_text *t, const char *prefix, const gt_state_iter *it)
{
    t->length = 0;
    gti_text_add(t, "%s", prefix);
    const size_t n = gt_state_path(it, NULL, 0);
    if (!reserve(t, n + 1)) return NULL;
    gt_state_path(it, t->at + t->length, n + 1);
    t->length += n;
    return t->at;
}

const char *gti_text_optim(gti_text *t, const char *prefix, const gt_optim_iter *it)
{
    t->length = 0;
    gti_text_add(t, "%s", prefix);
    const size_t n = gt_optim_name(it, NULL, 0);
    if (!reserve(t, n + 1)) return NULL;
    gt_optim_name(it, t->at + t->length, n + 1);
    t->length += n;
    return t->at;
}

char *gti_text_show(const char *name, char buf[GTI_SHOWN])
{
    enum { MOST = 80 };
    size_t n = strlen(name);
    const bool cut = n > MOST;
    if (cut)
        for (n = MOST; ((unsigned char)name[n] & 0xc0) == 0x80;) n--;
    for (size_t i = 0; i < n; i++) {
        const unsigned char c = (unsigned char)name[i];
        buf[i] = name[i];
        if (c < 0x20 || c == 0x7f) buf[i] = '?';
    }
    memcpy(buf + n, cut ? "..." : "", cut ? 4 : 1);
    return buf;
}

const char *gti_text_behind(const char *s, const char *prefix)
{
    const size_t n = strlen(prefix);
    return strncmp(s, prefix, n) ? NULL : s + n;
}

bool gti_io_ready(gt_ctx *gt, const char *what, const char *path)
{
    if (!gt) gt_fail(NULL, GT_ERR_ARGUMENT, what, "the context is NULL");
    if (!gt || gt_failed(gt)) return false;
    if (!path || !*path) gt_fail(gt, GT_ERR_ARGUMENT, what, "the path is NULL or empty");
    return path && *path;
}

bool gti_io_little_endian(gt_ctx *gt, const char *what)
{
    const uint16_t one = 1;
    uint8_t first;
    memcpy(&first, &one, 1);
    if (!first)
        gt_fail(gt, GT_ERR_UNSUPPORTED, what, "safetensors is little-endian, this machine is not");
    return first;
}
