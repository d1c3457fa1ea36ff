/* The progress bar. */
#include <math.h>
#include <stdarg.h>
#include <string.h>

#include "view/view.h"

enum { LINE = 1024, BAR = 24, BAR_LEAST = 8 };
static const double redraw = 0.1, plain = 30; /* seconds between updates: terminal, other files */

gt_progress gt_progress_begin(FILE *f, const char *label, int64_t total)
{
    gt_progress p = {.f = f, .label = label ? label : "", .total = total > 0 ? total : 0};
    p.start = gti_terminal_seconds();
    if (!f) return p;
    p.terminal = gti_terminal_is_one(f);
    p.ascii = !gti_terminal_utf8();
    p.drawn = p.terminal ? -INFINITY : p.start;
    return p;
}

double gt_progress_seconds(const gt_progress *p)
{
    return p ? gti_terminal_seconds() - p->start : 0;
}

/* --- pieces of a line --- */

/* Appends to the line, as far as there is room. */
static void add(char line[LINE], const char *text)
{
    const size_t n = strlen(line);
    snprintf(line + n, LINE - n, "%s", text);
}

/* Characters, which are fewer than bytes in UTF-8. */
static int width(const char *s)
{
    int n = 0;
    for (; *s; s++) n += ((unsigned char)*s & 0xc0) != 0x80;
    return n;
}

/* Cuts s to so many characters; what stands between two blanks, such as a name and its number,
 * stays whole or goes, if something is left then. */
static void cut(char *s, int most)
{
    char *end = s, *gap = NULL;
    for (; *end; end++) {
        if (end > s && !strncmp(end, "  ", 2)) gap = end;
        if (((unsigned char)*end & 0xc0) != 0x80 && most-- == 0) break;
    }
    if (*end && gap) end = gap;
    *end = '\0';
}

/* "123", "12.3 k": three digits are enough for a rate. */
static void add_rate(char line[LINE], double rate, const char *unit)
{
    char text[64];
    const bool thousands = rate >= 9999.5;
    const double shown = thousands ? rate / 1000 : rate;
    gt_snprintf(text, sizeof text, "  %.*f%s%s/s", shown < 9.95 ? 1 : 0, shown,
                thousands ? "k" : "", unit);
    add(line, text);
}

static void add_bar(char line[LINE], double part, int cells, bool ascii)
{
    const int halves = (int)(part * 2 * cells);
    add(line, ascii ? "  [" : "  ");
    for (int i = 0; i < cells; i++) {
        const int here = halves - 2 * i;
        if (ascii) add(line, here >= 2 ? "=" : here == 1 ? ">" : " ");
        else add(line, here >= 2 ? "\xe2\x94\x81" : here == 1 ? "\xe2\x95\xb8" : "\xe2\x94\x80");
    }
    if (ascii) add(line, "]");
}

/* What follows the bar: percentage, count, rate, time left. */
static void add_numbers(char line[LINE], const gt_progress *p, int64_t done, int64_t items,
                        double seconds)
{
    char text[128], time[GTI_NUMBER];
    const double rate = seconds > 0 ? (double)done / seconds : 0;
    if (p->total)
        gt_snprintf(text, sizeof text, " %3.0f%%", 100.0 * (double)done / (double)p->total);
    else snprintf(text, sizeof text, "  %lld", (long long)done);
    add(line, text);
    add_rate(line, items ? (double)items / fmax(seconds, 1e-9) : rate, items ? "" : " steps");
    if (!p->total || rate <= 0) return;
    add(line, "  ");
    add(line, gti_terminal_duration(time, ceil((double)(p->total - done) / rate)));
    add(line, " left");
}

/* Label, bar, numbers, text; where room is short, the bar is what gives way. */
static void compose(char line[LINE], const gt_progress *p, int64_t done, int64_t items, int columns,
                    const char *text)
{
    const double seconds = gt_progress_seconds(p);
    if (p->total && done > p->total) done = p->total;
    char numbers[LINE] = "";
    add_numbers(numbers, p, done, items, seconds);
    int cells = columns - width(p->label) - width(numbers) - width(text) - 8;
    if (cells > BAR) cells = BAR;
    line[0] = '\0';
    add(line, p->label);
    if (p->terminal && p->total && cells >= BAR_LEAST)
        add_bar(line, (double)done / (double)p->total, cells, p->ascii);
    add(line, numbers);
    if (*text) add(line, "  ");
    add(line, text);
}

/* --- showing --- */

/* One write for the whole line, so that nothing flickers. */
static void show(gt_progress *p, char line[LINE], int columns)
{
    if (p->terminal) {
        cut(line, columns - 1);
        fprintf(p->f, "\r%s\x1b[K", line);
    } else {
        fprintf(p->f, "%s\n", line);
    }
    fflush(p->f);
    p->shown = p->terminal;
}

void gt_progress_update(gt_progress *p, int64_t done, int64_t items, const char *fmt, ...)
{
    if (!p || !p->f) return;
    const double now = gti_terminal_seconds();
    if (now - p->drawn < (p->terminal ? redraw : plain)) return;
    p->drawn = now;
    char text[LINE], line[LINE];
    va_list args;
    va_start(args, fmt);
    gt_vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    const int columns = p->terminal ? gti_terminal_columns(p->f) : LINE;
    compose(line, p, done, items, columns, text);
    show(p, line, columns);
}

void gt_progress_end(gt_progress *p, const char *fmt, ...)
{
    if (!p || !p->f) return;
    char text[LINE], time[GTI_NUMBER];
    va_list args;
    va_start(args, fmt);
    gt_vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    fprintf(p->f, "%s%s%s%s%s%s%s\n", p->shown ? "\r" : "", p->label, *p->label ? "  " : "",
            gti_terminal_duration(time, gt_progress_seconds(p)), *text ? "  " : "", text,
            p->shown ? "\x1b[K" : "");
    fflush(p->f);
    p->f = NULL;
}
