/* Beginning, noting, ending. */
#define _POSIX_C_SOURCE 200809L
#include "profile/profile.h"

#include <stdlib.h>
#include <time.h>

#undef gt_profile_end

enum { MOST_EVENTS = 1000000, FIRST_EVENTS = 1024 };

uint64_t gt_clock(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* --- events --- */

static bool make_room(gt_profile *p)
{
    if (p->n_events < p->event_room) return true;
    size_t room = p->event_room ? 2 * p->event_room : FIRST_EVENTS;
    if (room > p->most_events) room = p->most_events;
    gti_profile_event *event = realloc(p->event, room * sizeof *event);
    if (!event) return false;
    p->event = event;
    p->event_room = room;
    return true;
}

void gti_profile_note(gt_profile *p, gti_profile_event e)
{
    if (p->n_events >= p->most_events) p->unlisted++;
    else if (!make_room(p)) p->lost++;
    else p->event[p->n_events++] = e;
}

/* --- what the engine calls --- */

static gt_profile *of(gti_probe *probe)
{
    return (gt_profile *)probe;
}

/* What runs within another operation is that one's. */
static void begin_operation(gti_probe *probe)
{
    gt_profile *p = of(probe);
    if (p->depth++) return;
    p->stages_wall = p->stages_busy = 0;
    p->op_events = p->n_events;
    p->op_began = gt_clock();
}

static void end_operation(gti_probe *probe, gt_node *const nodes[], int64_t n)
{
    gt_profile *p = of(probe);
    if (--p->depth) return;
    const uint64_t now = gt_clock(), time = now - p->op_began;
    gti_profile_group *g = gti_groups_of_nodes(p, nodes, n);
    if (!g) {
        p->lost++;
        p->n_events = p->op_events;
        return;
    }
    gti_group_add(g, time, time - p->stages_wall + p->stages_busy);
    const uint32_t group = gti_group_number(p, g);
    for (size_t i = p->op_events; i < p->n_events; i++) p->event[i].group = group;
    gti_profile_note(
        p, (gti_profile_event){
               .begin = p->op_began, .end = now, .live = p->gt->pool.live, .group = group});
}

typedef struct {
    gti_team_work *work;
    void *arg;
    gti_profile_share *share;
} timed_job;

static void run_timed(void *arg, int worker, int64_t begin, int64_t end)
{
    const timed_job *j = arg;
    gti_profile_share *s = &j->share[worker];
    const uint64_t from = gt_clock();
    j->work(j->arg, worker, begin, end);
    if (!s->parts) s->begin = from;
    s->end = gt_clock();
    s->busy += s->end - from;
    s->parts += end - begin;
}

static void divide(gti_probe *probe, gti_team *team, int stage, int64_t parts, gti_team_work *work,
                   void *arg)
{
    gt_profile *p = of(probe);
    timed_job j = {work, arg, p->share};
    const int workers = team ? gti_team_size(team) : 1;
    for (int w = 0; w < workers; w++) p->share[w] = (gti_profile_share){0};
    const uint64_t begin = gt_clock();
    if (team) gti_team_run(team, parts, run_timed, &j);
    else run_timed(&j, 0, 0, parts);
    p->stages_wall += gt_clock() - begin;
    for (int w = 0; w < workers; w++) {
        const gti_profile_share *s = &p->share[w];
        if (!s->parts) continue;
        p->stages_busy += s->busy;
        gti_profile_note(p, (gti_profile_event){.begin = s->begin,
                                                .end = s->end,
                                                .line = (uint16_t)w,
                                                .stage = (uint16_t)stage,
                                                .parts = (uint32_t)s->parts});
    }
}

/* --- beginning and ending --- */

static void stop(gt_profile *p)
{
    if (!p->running) return;
    p->running = false;
    p->ended = gt_clock();
    gti_set_probe(p->gt, NULL);
}

static void give_back(gt_profile *p)
{
    stop(p);
    for (uint32_t i = 0; i < p->n_groups; i++) free(p->group[i].key);
    for (int i = 0; i < p->n_lines; i++) free(p->line[i]);
    for (gti_profile_text *t; (t = p->texts);) {
        p->texts = t->next;
        free(t);
    }
    free(p->line);
    free(p->group);
    free(p->slot);
    free(p->event);
    free(p->share);
    const gt_profile over = {.gt = p->gt, .freed = true};
    *p = over;
}

static void close_profile(void *object)
{
    give_back(object);
    free(object);
}

static gt_profile *make(gt_ctx *gt, int64_t most_events)
{
    gt_profile *p = calloc(1, sizeof *p);
    if (!p) return NULL;
    p->gt = gt;
    p->most_events = (size_t)most_events;
    p->share = aligned_alloc(64, GTI_PROFILE_WORKERS * sizeof *p->share);
    if (p->share) return p;
    free(p);
    return NULL;
}

gt_profile *gt_profile_begin_(gt_ctx *gt, gt_profile_opts opts)
{
    static const char what[] = "gt_profile_begin";
    if (!gt) gt_fail(NULL, GT_ERR_ARGUMENT, what, "the context is NULL");
    if (!gt || gt_failed(gt)) return NULL;
    const int64_t most = gt_option_int(opts.most_events, MOST_EVENTS);
    if (most < 0 || most > INT32_MAX)
        gt_fail(gt, GT_ERR_ARGUMENT, what, "most_events is %lld, must be 0 to 2^31 - 1",
                (long long)most);
    else if (gt->probe)
        gt_fail(gt, GT_ERR_STATE, what,
                "a profile of this context is running\n"
                "  hint: end it first (gt_profile_end); stretches within it can be spans "
                "(gt_span_begin)");
    if (gt_failed(gt)) return NULL;
    gt_profile *p = make(gt, most);
    if (!p) return gt_fail(gt, GT_ERR_MEMORY, what, "out of memory"), NULL;
    if (gt_at_close(gt, close_profile, p) != GT_OK) return close_profile(p), NULL;
    p->probe = (gti_probe){begin_operation, end_operation, divide};
    p->running = true;
    p->began = gt_clock();
    gti_set_probe(gt, &p->probe);
    return p;
}

static gt_status refuse(gt_profile *p, const char *what, const char *why)
{
    return gt_fail(p ? p->gt : NULL, p ? GT_ERR_STATE : GT_ERR_ARGUMENT, what, "%s", why);
}

gt_status gt_profile_end(gt_profile *p)
{
    static const char what[] = "gt_profile_end";
    if (!p) return refuse(p, what, "the profile is NULL");
    if (!p->running)
        return refuse(p, what, p->freed ? "the profile was freed" : "the profile has ended");
    stop(p);
    if (p->lost)
        gt_fail(p->gt, GT_ERR_MEMORY, what, "out of memory: %llu events were not noted",
                (unsigned long long)p->lost);
    return gt_error_code(p->gt);
}

void gt_profile_free(gt_profile *p)
{
    if (p && !p->freed) give_back(p);
}

bool gti_profile_readable(gt_profile *p, const char *what)
{
    if (!p) refuse(p, what, "the profile is NULL");
    else if (p->freed) refuse(p, what, "the profile was freed");
    else if (p->running) refuse(p, what, "the profile is running; end it first (gt_profile_end)");
    return p && !gt_failed(p->gt);
}

double gt_profile_seconds(const gt_profile *p)
{
    if (!p || p->freed) return 0;
    return 1e-9 * (double)((p->running ? gt_clock() : p->ended) - p->began);
}
