/* Spans of the program's and the library's own. */
#include <stdlib.h>
#include <string.h>

#include "profile/profile.h"

enum { MOST_LINES = 1024 };

gt_span gt_span_begin(gt_ctx *gt, const char *name)
{
    if (!gt || !gt->probe || !name) return (gt_span){0};
    return (gt_span){gti_profile_running(gt), name, gt_clock()};
}

static void note(gt_profile *p, int line, const char *name, uint64_t began, uint64_t ended)
{
    gti_profile_group *g = gti_groups_of_span(p, line, name);
    if (!g) {
        p->lost++;
        return;
    }
    gti_group_add(g, ended - began, ended - began);
    gti_profile_note(p, (gti_profile_event){.begin = began,
                                            .end = ended,
                                            .group = gti_group_number(p, g),
                                            .line = (uint16_t)line});
}

void gt_span_end(gt_ctx *gt, gt_span span)
{
    gt_profile *p = gt ? gti_profile_running(gt) : NULL;
    if (p && span.profile == p) note(p, 0, span.name, span.began, gt_clock());
}

/* The number of a line, made if need be; -1 without memory, or where there are too many. */
static int line_of(gt_profile *p, const char *name)
{
    for (int i = 0; i < p->n_lines; i++)
        if (!strcmp(p->line[i], name)) return GTI_PROFILE_WORKERS + i;
    if (p->n_lines == MOST_LINES) return -1;
    char **line = realloc(p->line, (size_t)(p->n_lines + 1) * sizeof *line);
    if (!line) return -1;
    p->line = line;
    const size_t size = strlen(name) + 1;
    line[p->n_lines] = malloc(size);
    if (!line[p->n_lines]) return -1;
    memcpy(line[p->n_lines], name, size);
    return GTI_PROFILE_WORKERS + p->n_lines++;
}

void gt_span_add(gt_ctx *gt, const char *line, const char *name, uint64_t began, uint64_t ended)
{
    gt_profile *p = gt ? gti_profile_running(gt) : NULL;
    if (!p || !line || !name || ended < began || ended < p->began) return;
    const int number = line_of(p, line);
    if (number < 0) p->lost++;
    else note(p, number, name, began < p->began ? p->began : began, ended);
}
