/* A team of threads that divide the parts of one piece of work among themselves.
 *
 * Threads wait for work for a short while and then sleep; they are left asleep where there is too
 * little of it at a time to be worth waking them. Nobody waits for a thread that has not
 * begun: where the others are busy elsewhere, the caller does all parts by itself. So it does in a
 * child of fork, which has no threads. */
#ifndef GTI_BASE_TEAM_H
#define GTI_BASE_TEAM_H

#include <stdint.h>

enum { GTI_TEAM_MOST = 256 }; /* workers */

typedef struct gti_team gti_team;

/* Parts [begin, end) for one worker, 0 <= worker < the team's size. */
typedef void gti_team_work(void *arg, int worker, int64_t begin, int64_t end);

/* A team of `size` workers, at most GTI_TEAM_MOST, the caller of gti_team_run among them, so of
 * size - 1 threads; of fewer where the system gives none. NULL when there is no memory. */
gti_team *gti_team_open(int size);
void gti_team_close(gti_team *t);
int gti_team_size(const gti_team *t);
/* Calls work for all parts [0, n) and returns when they are done. From one thread at a time. */
void gti_team_run(gti_team *t, int64_t n, gti_team_work *work, void *arg);
/* The number of processors that this process may use, at least 1. */
int gti_team_processors(void);

#endif
