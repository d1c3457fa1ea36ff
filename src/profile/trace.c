/* Chrome's Trace Event format: an object with "traceEvents", complete events ("X") that nest by
 * time on the line of their thread, names of lines ("M") and a counter ("C"). Times are in
 * microseconds from the beginning of the profile. */
#include <stdlib.h>
#include <string.h>

#include "profile/profile.h"
#include <gradtape/io.h>

#undef gt_profile_save_trace
#undef gt_file_commit

typedef struct {
    const gt_profile *p;
    gt_file *f;
    const gti_profile_event *event; /* of one line, outer ones before what lies in them */
    int thread;                     /* the line's number */
} trace;

/* --- JSON --- */

/* Bytes of the well-formed character of UTF-8 at s; 0: there is none. */
static size_t utf8_length(const unsigned char *s)
{
    if (s[0] < 0x80) return 1;
    const size_t n = s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : s[0] < 0xf5 ? 4 : 0;
    const unsigned low = s[0] == 0xe0 ? 0xa0 : s[0] == 0xf0 ? 0x90 : 0x80;
    const unsigned high = s[0] == 0xed ? 0x9f : s[0] == 0xf4 ? 0x8f : 0xbf;
    for (size_t i = 1; i < n; i++)
        if (s[i] < (i == 1 ? low : 0x80) || s[i] > (i == 1 ? high : 0xbf)) return 0;
    return n;
}

/* In quotes; what is no character becomes U+FFFD. */
static void write_text(gt_file *f, const char *text, size_t length)
{
    const unsigned char *s = (const unsigned char *)text, *end = s + length;
    gt_file_write(f, "\"", 1);
    while (s < end) {
        size_t n = utf8_length(s);
        if (n > (size_t)(end - s)) n = 0;
        if (n == 1 && (*s < 0x20 || *s == 0x7f)) gt_file_printf(f, "\\u%04x", *s);
        else if (*s == '"' || *s == '\\') gt_file_printf(f, "\\%c", *s);
        else if (n) gt_file_write(f, s, n);
        else gt_file_write(f, "\\ufffd", 6);
        s += n ? n : 1;
    }
    gt_file_write(f, "\"", 1);
}

static void write_string(gt_file *f, const char *text)
{
    write_text(f, text, strlen(text));
}

static void write_micros(gt_file *f, uint64_t ns)
{
    gt_file_printf(f, "%llu.%03u", (unsigned long long)(ns / 1000), (unsigned)(ns % 1000));
}

/* --- one event --- */

static void begin_slice(const trace *t, const char *name, size_t length, const char *category,
                        uint64_t begin, uint64_t end)
{
    gt_file_printf(t->f, ",\n{\"name\":");
    write_text(t->f, name, length);
    gt_file_printf(t->f, ",\"cat\":\"%s\",\"ph\":\"X\",\"pid\":1,\"tid\":%d,\"ts\":", category,
                   t->thread);
    write_micros(t->f, begin - t->p->began);
    gt_file_printf(t->f, ",\"dur\":");
    write_micros(t->f, end - begin);
}

static void end_slice(const trace *t)
{
    gt_file_printf(t->f, "}");
}

/* A part of the step, or a module. */
static void write_frame(const trace *t, const char *name, size_t length, const char *category,
                        int64_t i, int64_t j)
{
    uint64_t end = t->event[i].end;
    for (int64_t k = i + 1; k < j; k++)
        if (t->event[k].end > end) end = t->event[k].end;
    begin_slice(t, name, length, category, t->event[i].begin, end);
    end_slice(t);
}

static const gti_profile_group *group_of(const trace *t, int64_t i)
{
    return &t->p->group[t->event[i].group];
}

static void write_work(const trace *t, const gti_profile_group *g)
{
    const double flops = g->flops / (double)g->calls, bytes = g->bytes / (double)g->calls;
    gt_file_printf(t->f, ",\"args\":{\"call\":");
    write_string(t->f, g->shape);
    gt_file_printf(t->f, ",\"module\":");
    write_string(t->f, g->module);
    gt_file_printf(t->f, ",\"dtype\":\"%s\",\"flops\":%.17g,\"bytes\":%.17g}",
                   gt_dtype_name(g->dtype), flops, bytes);
}

static void write_live(const trace *t, const gti_profile_event *e)
{
    gt_file_printf(t->f, ",\n{\"name\":\"tensor memory\",\"ph\":\"C\",\"pid\":1,\"ts\":");
    write_micros(t->f, e->end - t->p->began);
    gt_file_printf(t->f, ",\"args\":{\"bytes\":%llu}}", (unsigned long long)e->live);
}

static void write_event(const trace *t, int64_t i, uint64_t until)
{
    const gti_profile_event *e = &t->event[i];
    const gti_profile_group *g = group_of(t, i);
    const char *category = e->parts ? "stage" : g->op ? "operation" : "span";
    begin_slice(t, g->name, strlen(g->name), category, e->begin, e->end < until ? e->end : until);
    if (e->parts) gt_file_printf(t->f, ",\"args\":{\"stage\":%d,\"parts\":%u}", e->stage, e->parts);
    else if (g->op) write_work(t, g);
    end_slice(t);
    if (g->op && !e->parts) write_live(t, e);
}

/* --- one line --- */

static bool is_operation(const trace *t, int64_t i)
{
    return group_of(t, i)->op && !t->event[i].parts;
}

/* The first event behind i that does not begin within it. */
static int64_t behind(const trace *t, int64_t i, int64_t n)
{
    const uint64_t end = t->event[i].end;
    for (i++; i < n && t->event[i].begin < end;) i++;
    return i;
}

static void write_range(const trace *t, int64_t i, int64_t n, uint64_t until);

/* Event i and what lies in it. Returns the next. */
static int64_t write_whole(const trace *t, int64_t i, int64_t n, uint64_t until)
{
    const int64_t next = behind(t, i, n);
    const uint64_t end = t->event[i].end;
    write_event(t, i, until);
    write_range(t, i + 1, next, end < until ? end : until);
    return next;
}

/* Operations i to n, of one part, in their modules from the offset in their paths on. */
static void write_modules(const trace *t, int64_t i, int64_t n, size_t offset, uint64_t until)
{
    while (i < n) {
        const char *path = group_of(t, i)->module + offset;
        const size_t length = strcspn(path, ".");
        if (!*path) {
            i = write_whole(t, i, n, until);
            continue;
        }
        int64_t j = behind(t, i, n);
        while (j < n && !strncmp(group_of(t, j)->module, path - offset, offset + length) &&
               strchr(".", group_of(t, j)->module[offset + length]))
            j = behind(t, j, n);
        write_frame(t, path, length, "module", i, j);
        write_modules(t, i, j, offset + length + (path[length] == '.'), until);
        i = j;
    }
}

/* On a thread events lie in one another or apart; a span that is left before what began in it ends
 * with it. */
static void write_range(const trace *t, int64_t i, int64_t n, uint64_t until)
{
    while (i < n) {
        if (!is_operation(t, i) || t->thread != 0) {
            i = write_whole(t, i, n, until);
            continue;
        }
        const gt_part part = group_of(t, i)->part;
        int64_t j = behind(t, i, n);
        while (j < n && is_operation(t, j) && group_of(t, j)->part == part) j = behind(t, j, n);
        const char *name = gti_fold_part(part);
        write_frame(t, name, strlen(name), "part", i, j);
        write_modules(t, i, j, 0, until);
        i = j;
    }
}

/* --- all lines --- */

typedef struct {
    gti_profile_event event;
    size_t at; /* what was noted later lies around what was noted before */
} sorted;

static int by_line(const void *x, const void *y)
{
    const sorted *a = x, *b = y;
    if (a->event.line != b->event.line) return a->event.line < b->event.line ? -1 : 1;
    if (a->event.begin != b->event.begin) return a->event.begin < b->event.begin ? -1 : 1;
    if (a->event.end != b->event.end) return a->event.end > b->event.end ? -1 : 1;
    return a->at > b->at ? -1 : a->at < b->at;
}

static gti_profile_event *sort_events(const gt_profile *p)
{
    const size_t n = p->n_events;
    sorted *s = malloc((n + 1) * sizeof *s);
    gti_profile_event *e = malloc((n + 1) * sizeof *e);
    for (size_t i = 0; s && e && i < n; i++) s[i] = (sorted){p->event[i], i};
    if (s && e) qsort(s, n, sizeof *s, by_line);
    for (size_t i = 0; s && e && i < n; i++) e[i] = s[i].event;
    if (!s) free(e), e = NULL;
    free(s);
    return e;
}

static void name_line(const trace *t, const char *kind, const char *name)
{
    gt_file_printf(
        t->f, ",\n{\"name\":\"%s\",\"ph\":\"M\",\"pid\":1,\"tid\":%d,\"args\":{\"name\":", kind,
        t->thread);
    write_string(t->f, name);
    gt_file_printf(t->f, "}}");
}

static void write_line(trace *t, int line, size_t n)
{
    char worker[32];
    t->thread = line;
    snprintf(worker, sizeof worker, line ? "worker %d" : "main", line);
    name_line(t, "thread_name",
              line < GTI_PROFILE_WORKERS ? worker : t->p->line[line - GTI_PROFILE_WORKERS]);
    gt_file_printf(t->f,
                   ",\n{\"name\":\"thread_sort_index\",\"ph\":\"M\",\"pid\":1,\"tid\":%d,"
                   "\"args\":{\"sort_index\":%d}}",
                   line, line);
    write_range(t, 0, (int64_t)n, UINT64_MAX);
}

static void write_all(const gt_profile *p, gt_file *f, const gti_profile_event *e)
{
    trace t = {.p = p, .f = f};
    gt_file_printf(
        f,
        "{\"displayTimeUnit\":\"ns\",\"otherData\":{\"gradtape\":\"%s\",\"level\":\"%s\"},"
        "\"traceEvents\":[\n{\"name\":\"process_name\",\"ph\":\"M\",\"pid\":1,\"tid\":0,"
        "\"args\":{\"name\":\"gradtape\"}}",
        gt_version(), gt_cpu_level());
    for (size_t i = 0, j; i < p->n_events; i = j) {
        for (j = i; j < p->n_events && e[j].line == e[i].line;) j++;
        t.event = e + i;
        write_line(&t, e[i].line, j - i);
    }
    gt_file_printf(f, "\n]}\n");
}

gt_status gt_profile_save_trace(gt_profile *p, const char *path)
{
    static const char what[] = "gt_profile_save_trace";
    if (!gti_profile_readable(p, what)) return p ? gt_error_code(p->gt) : GT_ERR_ARGUMENT;
    gt_file *f = gt_file_create_for(p->gt, what, path);
    if (!f) return gt_error_code(p->gt);
    gti_profile_event *e = sort_events(p);
    if (!e) {
        gt_file_discard(f);
        return gt_fail(p->gt, GT_ERR_MEMORY, what, "out of memory");
    }
    write_all(p, f, e);
    free(e);
    return gt_file_commit(f);
}
