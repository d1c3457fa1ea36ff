/* A reader of the profiler's traces, as the documented Trace Event format demands them: one JSON
 * object with "traceEvents"; in every event a name, a phase and a process; complete events (X) with
 * a line, a beginning and a length, those of a line nested or apart; names of lines and counters
 * with arguments. Fails the test on what is not so. */
#ifndef GT_TESTS_TRACE_H
#define GT_TESTS_TRACE_H

#include "files.h"
#include "io/json.h"
#include "support.h"

enum { TRACE_EVENTS = 20000 };

typedef struct {
    char *name, *category, *thread_name, phase;
    double ts, dur;
    int64_t pid, tid, args;
    bool has_ts, has_dur, has_tid;
} trace_event;

typedef struct {
    trace_event at[TRACE_EVENTS];
    int n;
    char *text;
} trace;

static trace read_trace;

static double trace_number(gti_json *j)
{
    while (j->at < j->end && strchr(" \n\t", *j->at)) j->at++;
    char *end;
    const double x = strtod(j->at, &end);
    assert_true(end > j->at);
    j->at = end;
    return x;
}

static bool trace_at(gti_json *j, char c)
{
    while (j->at < j->end && strchr(" \n\t", *j->at)) j->at++;
    return *j->at == c;
}

static void trace_args(gti_json *j, trace_event *e)
{
    assert_true(gti_json_open(j, '{'));
    for (; gti_json_more(j, '}'); e->args++) {
        char *key = gti_json_key(j);
        assert_non_null(key);
        const bool name = !strcmp(key, "name");
        if (!trace_at(j, '"')) trace_number(j);
        else if (name) e->thread_name = gti_json_string(j);
        else assert_non_null(gti_json_string(j));
    }
}

static void trace_member(gti_json *j, trace_event *e)
{
    char *key = gti_json_key(j);
    assert_non_null(key);
    if (!strcmp(key, "name")) e->name = gti_json_string(j);
    else if (!strcmp(key, "cat")) e->category = gti_json_string(j);
    else if (!strcmp(key, "ph")) e->phase = *gti_json_string(j);
    else if (!strcmp(key, "pid")) e->pid = (int64_t)trace_number(j);
    else if (!strcmp(key, "tid")) e->tid = (int64_t)trace_number(j), e->has_tid = true;
    else if (!strcmp(key, "ts")) e->ts = trace_number(j), e->has_ts = true;
    else if (!strcmp(key, "dur")) e->dur = trace_number(j), e->has_dur = true;
    else if (!strcmp(key, "args")) trace_args(j, e);
    else fail_msg("an event has a member %s", key);
}

static void trace_check(const trace_event *e)
{
    assert_non_null(e->name);
    assert_int_equal(e->pid, 1);
    if (e->phase == 'X') {
        assert_true(e->has_ts && e->has_dur && e->has_tid && e->category);
        assert_true(e->ts >= 0 && e->dur >= 0);
    } else if (e->phase == 'M') {
        assert_true(e->has_tid && e->args == 1);
    } else {
        assert_int_equal(e->phase, 'C');
        assert_true(e->has_ts && e->args == 1);
    }
}

/* Slices of a line, in the order of the file, begin within the open ones and end in them. */
static void trace_check_nesting(const trace *t)
{
    double open[64];
    int64_t line = -1;
    int depth = 0;
    for (int i = 0; i < t->n; i++) {
        const trace_event *e = &t->at[i];
        if (e->phase != 'X') continue;
        if (e->tid != line) depth = 0;
        line = e->tid;
        while (depth && e->ts >= open[depth - 1] - 1e-6) depth--;
        if (depth && e->ts + e->dur > open[depth - 1] + 1e-6)
            fail_msg("%s ends at %f, behind what it lies in, %f", e->name, e->ts + e->dur,
                     open[depth - 1]);
        assert_in_range(depth, 0, 63);
        open[depth++] = e->ts + e->dur;
    }
}

static char *trace_text(const char *path, size_t *size)
{
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    fseek(f, 0, SEEK_END);
    *size = (size_t)ftell(f);
    rewind(f);
    char *text = malloc(*size + 1);
    assert_int_equal(fread(text, 1, *size, f), *size);
    text[*size] = '\0';
    fclose(f);
    return text;
}

static void trace_events(gti_json *j, trace *t)
{
    assert_true(gti_json_open(j, '['));
    while (gti_json_more(j, ']')) {
        assert_in_range(t->n, 0, TRACE_EVENTS - 1);
        trace_event *e = &t->at[t->n++];
        *e = (trace_event){0};
        assert_true(gti_json_open(j, '{'));
        while (gti_json_more(j, '}')) trace_member(j, e);
        trace_check(e);
    }
}

/* Valid until the next call. */
static const trace *trace_of_file(const char *path)
{
    trace *t = &read_trace;
    size_t size;
    t->n = 0;
    free(t->text);
    t->text = trace_text(path, &size);
    gti_json j = gti_json_begin(t->text, size);
    assert_true(gti_json_open(&j, '{'));
    while (gti_json_more(&j, '}')) {
        const char *key = gti_json_key(&j);
        assert_non_null(key);
        if (!strcmp(key, "otherData")) {
            trace_event none = {0};
            trace_args(&j, &none);
            continue;
        }
        if (strcmp(key, "traceEvents") != 0) {
            assert_non_null(gti_json_string(&j));
            continue;
        }
        trace_events(&j, t);
    }
    if (j.error || !gti_json_end(&j)) fail_msg("%s", j.error);
    trace_check_nesting(t);
    return t;
}

#endif
