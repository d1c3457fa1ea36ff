/* The table that people read. */
#include <stdlib.h>
#include <string.h>

#include "profile/profile.h"

enum { MOST_ROWS = 30, NAME = 24, WIDEST = 60 };

typedef struct {
    const gt_profile *p;
    FILE *f;
    int width;    /* of names */
    double total; /* seconds of all rows */
} table;

/* --- ceilings --- */

static void raise(double *best, double rate)
{
    if (rate > *best) *best = rate;
}

/* The best of some, since other programs may be at work. */
static void measure(gt_profile *p)
{
    enum { TIMES = 4, BEYOND_CACHES = 1 << 26 };
    for (int i = 0; i < TIMES && !p->measured; i++) {
        raise(&p->peak[GT_F32], gt_measure_flops(p->gt, GT_F32, 0.008));
        raise(&p->peak[GT_F64], gt_measure_flops(p->gt, GT_F64, 0.008));
    }
    if (!p->measured) p->copy = gt_measure_copy(p->gt, BEYOND_CACHES, 0.04);
    p->measured = p->copy > 0;
}

/* Seconds that the arithmetic takes at the least. */
static double at_peak(const gt_profile *p, const gt_profile_row *r)
{
    double seconds = 0;
    for (int i = 0; i < 2; i++)
        if (p->peak[i] > 0) seconds += r->flops_of[i] / p->peak[i];
    return seconds;
}

/* --- cells --- */

/* "forward", or "fb" of several. */
static const char *parts_of(unsigned parts, char buf[8])
{
    int n = 0;
    for (int i = 0; i < GT_PARTS; i++) {
        if (parts == 1u << i) return gti_fold_part((gt_part)i);
        if (parts >> i & 1) buf[n++] = *gti_fold_part((gt_part)i);
    }
    buf[n] = '\0';
    return buf;
}

/* A name's end says more than its beginning, of a path; control characters do not pass. */
static void print_name(const table *t, const char *name)
{
    const size_t length = strlen(name), most = (size_t)t->width;
    const bool cut = length > most;
    int left = t->width;
    if (cut) fputs("..", t->f), left -= 2;
    for (const char *at = cut ? name + length - (most - 2) : name; *at; at++, left--)
        fputc((unsigned char)*at < 0x20 || *at == 0x7f ? '?' : *at, t->f);
    while (left-- > 0) fputc(' ', t->f);
}

static void print_times(const table *t, const gt_profile_row *r)
{
    gt_fprintf(t->f, " %9lld %11.3f %6.1f%% %10.2f", (long long)r->calls, 1e3 * r->seconds,
               t->total > 0 ? 100 * r->seconds / t->total : 0,
               r->calls ? 1e6 * r->seconds / (double)r->calls : 0);
}

static void print_row(const table *t, const gt_profile_row *r)
{
    char parts[8];
    print_name(t, r->name);
    gt_fprintf(t->f, "  %-8s", parts_of(r->parts, parts));
    print_times(t, r);
    if (r->seconds > 0)
        gt_fprintf(t->f, " %8.2f %6.1f%% %8.2f %7.2f", 1e-9 * r->flops / r->seconds,
                   100 * at_peak(t->p, r) / r->seconds, 1e-9 * r->bytes / r->seconds,
                   r->busy / r->seconds);
    fputc('\n', t->f);
}

/* --- the whole --- */

static gt_profile_row sum_of(const gt_profile_row *rows, int64_t n, const char *name)
{
    gt_profile_row all = {.name = name};
    for (int64_t i = 0; i < n; i++) {
        all.parts |= rows[i].parts;
        all.calls += rows[i].calls;
        all.seconds += rows[i].seconds;
        all.flops += rows[i].flops;
        all.bytes += rows[i].bytes;
        all.busy += rows[i].busy;
        for (int k = 0; k < 2; k++) all.flops_of[k] += rows[i].flops_of[k];
    }
    return all;
}

static void print_head(const table *t, const gt_profile_row *all)
{
    const gt_profile *p = t->p;
    const double seconds = gt_profile_seconds(p);
    gt_fprintf(t->f, "%.6f s, of which %.6f s (%.1f%%) in %lld operations", seconds, all->seconds,
               seconds > 0 ? 100 * all->seconds / seconds : 0, (long long)all->calls);
    double part[GT_PARTS] = {0};
    for (uint32_t i = 0; i < p->n_groups; i++)
        if (p->group[i].op) part[p->group[i].part] += 1e-9 * (double)p->group[i].total;
    for (int i = 0; i < GT_PARTS && all->seconds > 0; i++)
        gt_fprintf(t->f, "%s %s %.1f%%", i ? "," : ":", gti_fold_part((gt_part)i),
                   100 * part[i] / all->seconds);
    gt_fprintf(
        t->f,
        "\nceilings with %d thread%s of level %s: %.1f GFLOP/s f32, %.1f f64, memcpy %.1f GB/s\n",
        gt_threads(p->gt), gt_threads(p->gt) == 1 ? "" : "s", gt_cpu_level(),
        1e-9 * p->peak[GT_F32], 1e-9 * p->peak[GT_F64], 1e-9 * p->copy);
    if (p->unlisted)
        gt_fprintf(t->f, "%llu events are not in the trace, for which .most_events is too small\n",
                   (unsigned long long)p->unlisted);
    if (p->lost)
        gt_fprintf(t->f, "%llu events are in no row: there was no memory\n",
                   (unsigned long long)p->lost);
}

static int width_of(const gt_profile_row *rows, int64_t n)
{
    size_t width = NAME;
    for (int64_t i = 0; i < n; i++)
        if (strlen(rows[i].name) > width) width = strlen(rows[i].name);
    return width < WIDEST ? (int)width : WIDEST;
}

static void print_rows(table *t, const gt_profile_row *rows, int64_t n,
                       const gt_profile_print_opts *o)
{
    static const char *const heads[] = {"Operation", "Operation", "Module", "Part of the step",
                                        "Call"};
    const int64_t most = o->most ? o->most : MOST_ROWS, shown = n > most ? most : n;
    t->width = width_of(rows, shown);
    gt_fprintf(t->f, "\n%-*s  %-8s %9s %11s %7s %10s %8s %7s %8s %7s\n", t->width, heads[o->by],
               "Part", "Calls", "Time ms", "Share", "Mean us", "GFLOP/s", "Peak", "GB/s",
               "Threads");
    for (int64_t i = 0; i < shown; i++) print_row(t, &rows[i]);
    char others[48];
    snprintf(others, sizeof others, "(%lld more)", (long long)(n - shown));
    const gt_profile_row rest = sum_of(rows + shown, n - shown, others);
    if (n > shown) print_row(t, &rest);
}

static bool print_operations(table *t, gt_profile *p, const gt_profile_print_opts *o)
{
    gt_profile_row *rows;
    const int64_t n = gti_fold(p, o, &rows);
    if (n < 0) return false;
    measure(p);
    const gt_profile_row all = sum_of(rows, n, "");
    t->total = all.seconds;
    print_head(t, &all);
    print_rows(t, rows, n, o);
    free(rows);
    return true;
}

static bool print_spans(table *t, gt_profile *p, gt_profile_print_opts o)
{
    gt_profile_row *rows;
    o.by = GT_BY_SPAN;
    const int64_t n = gti_fold(p, &o, &rows);
    if (n < 0) return false;
    t->total = gt_profile_seconds(p);
    t->width = width_of(rows, n);
    if (n)
        gt_fprintf(t->f, "\n%-*s  %-8s %9s %11s %7s %10s\n", t->width, "Span", "", "Calls",
                   "Time ms", "of all", "Mean us");
    for (int64_t i = 0; i < n; i++) {
        print_name(t, rows[i].name);
        gt_fprintf(t->f, "  %-8s", "");
        print_times(t, &rows[i]);
        fputc('\n', t->f);
    }
    free(rows);
    return true;
}

gt_status gt_profile_print_(gt_profile *p, FILE *f, gt_profile_print_opts opts)
{
    static const char what[] = "gt_profile_print";
    if (!gti_profile_readable(p, what)) return p ? gt_error_code(p->gt) : GT_ERR_ARGUMENT;
    if (!f) return gt_fail(p->gt, GT_ERR_ARGUMENT, what, "the file is NULL");
    opts.depth = (int)gt_option_int(opts.depth, 0);
    opts.most = (int)gt_option_int(opts.most, MOST_ROWS);
    table t = {.p = p, .f = f};
    const bool spans = opts.by == GT_BY_SPAN;
    if ((!spans && !print_operations(&t, p, &opts)) || !print_spans(&t, p, opts))
        return gt_error_code(p->gt);
    if (ferror(f)) return gt_fail(p->gt, GT_ERR_IO, what, "the table could not be written");
    return gt_error_code(p->gt);
}
