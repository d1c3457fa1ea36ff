/* What looks on while operations run: the profiler (src/profile/). The engine calls it around what
 * it runs, where there is one; views, which run nothing, are left out. */
#ifndef GTI_ENGINE_PROBE_H
#define GTI_ENGINE_PROBE_H

#include <gradtape/op.h>

#include "base/team.h"

typedef struct gti_probe gti_probe;
struct gti_probe {
    void (*begin)(gti_probe *p);
    /* Of a replay it may be several that run in turns. */
    void (*end)(gti_probe *p, gt_node *const nodes[], int64_t n);
    /* Instead of gti_team_run, or with team NULL of work(arg, 0, 0, parts): parts of a stage. */
    void (*divide)(gti_probe *p, gti_team *team, int stage, int64_t parts, gti_team_work *work,
                   void *arg);
};

#endif
