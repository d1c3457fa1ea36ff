/* What the files of the profiler share. */
#ifndef GTI_PROFILE_PROFILE_H
#define GTI_PROFILE_PROFILE_H

#include <gradtape/profile.h>

#include "engine/context.h"

/* What is noted as one: calls of an operation with the same shapes, in the same place; or spans of
 * a name on a line. All times are nanoseconds. */
typedef struct {
    const gt_op *op; /* NULL: spans */
    gt_dtype dtype;
    gt_part part;
    int line; /* of spans */
    int64_t calls;
    uint64_t total, least, longest; /* of one call */
    uint64_t busy;                  /* of all threads */
    double flops, bytes;
    uint64_t hash;
    size_t key_size;
    char *key;          /* owned, with the texts behind it */
    const char *name;   /* "conv2d" */
    const char *shape;  /* "conv2d [64,1,28,28] [6,1,5,5] f32" */
    const char *module; /* "net.conv1", or "" */
} gti_profile_group;

enum { GTI_PROFILE_WORKERS = GTI_TEAM_MOST }; /* lines: those of threads, then those of names */

typedef struct {
    uint64_t begin, end;
    uint64_t live; /* bytes of tensors, of an operation */
    uint32_t group;
    uint16_t line, stage;
    uint32_t parts; /* of a stage; 0: an operation or a span */
} gti_profile_event;

/* What a thread did of a stage; apart, so that threads do not share lines of the cache. */
typedef struct {
    _Alignas(64) uint64_t begin;
    uint64_t end, busy;
    int64_t parts;
} gti_profile_share;

typedef struct gti_profile_text {
    struct gti_profile_text *next;
    char text[];
} gti_profile_text;

struct gt_profile {
    gti_probe probe; /* first: the engine knows no more */
    gt_ctx *gt;
    bool running, freed;
    uint64_t began, ended;
    /* of the operation that runs */
    int depth;
    uint64_t op_began, stages_wall, stages_busy;
    size_t op_events; /* events before its stages */
    gti_profile_share *share;

    gti_profile_group *group;
    uint32_t n_groups, group_room;
    uint32_t *slot; /* of the hash table: number of a group, plus 1 */
    uint32_t n_slots;
    gti_profile_event *event;
    size_t n_events, event_room, most_events;
    char **line; /* names of lines that are no threads of the context; owned */
    int n_lines;
    gti_profile_text *texts;
    uint64_t unlisted, lost; /* events beyond most_events; without memory */
    bool measured;
    double peak[2], copy; /* a second */
};

/* The profile that looks on, or NULL. */
static inline gt_profile *gti_profile_running(const gt_ctx *gt)
{
    return (gt_profile *)gt->probe;
}
/* Whether p has ended and can be read; otherwise fails. */
bool gti_profile_readable(gt_profile *p, const char *what);
/* Adds an event where there is room. */
void gti_profile_note(gt_profile *p, gti_profile_event e);

/* --- groups.c --- */
/* The group of calls that have run in turns, of one as a rule, or of a span; made if need be. NULL
 * without memory. */
gti_profile_group *gti_groups_of_nodes(gt_profile *p, gt_node *const nodes[], int64_t n);
gti_profile_group *gti_groups_of_span(gt_profile *p, int line, const char *name);
void gti_group_add(gti_profile_group *g, uint64_t time, uint64_t busy);
static inline uint32_t gti_group_number(const gt_profile *p, const gti_profile_group *g)
{
    return (uint32_t)(g - p->group);
}

/* --- fold.c --- */
/* Rows as opts say, sorted; to be freed. -1 after a failure. */
int64_t gti_fold(gt_profile *p, const gt_profile_print_opts *opts, gt_profile_row **rows);
const char *gti_fold_part(gt_part part);

#endif
