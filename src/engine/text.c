/* Text as in the "C" locale. That is built into the C library, so that to ask for it, for this
 * thread and a moment, takes no memory. */
#define _POSIX_C_SOURCE 200809L
#include <gradtape/context.h>
#include <locale.h>
#include <stdlib.h>

static locale_t enter(locale_t *c)
{
    *c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    return *c ? uselocale(*c) : (locale_t)0;
}

static void leave(locale_t before, locale_t c)
{
    if (before) uselocale(before);
    if (c) freelocale(c);
}

int gt_vsnprintf(char *buf, size_t size, const char *fmt, va_list args)
{
    locale_t c;
    const locale_t before = enter(&c);
    const int n = vsnprintf(buf, size, fmt, args);
    leave(before, c);
    return n;
}

int gt_snprintf(char *buf, size_t size, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    const int n = gt_vsnprintf(buf, size, fmt, args);
    va_end(args);
    return n;
}

int gt_fprintf(FILE *file, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    locale_t c;
    const locale_t before = enter(&c);
    const int n = vfprintf(file, fmt, args);
    leave(before, c);
    va_end(args);
    return n;
}

double gt_strtod(const char *text, char **end)
{
    locale_t c;
    const locale_t before = enter(&c);
    const double v = strtod(text, end);
    leave(before, c);
    return v;
}
