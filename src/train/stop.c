/* The wish to stop. It is process-wide by nature, since a signal is sent to a process: the one
 * object of the library that changes and belongs to no context. Signal handlers may only touch
 * atomics without locks. */
#include <signal.h>
#include <stdatomic.h>

#include "train/train.h"

_Static_assert(ATOMIC_INT_LOCK_FREE == 2, "a signal handler may only touch atomics without locks");
static atomic_int wish;

void gt_request_stop(void)
{
    atomic_store(&wish, 1);
}

static void on_interrupt(int number)
{
    atomic_store(&wish, 1);
    signal(number, SIG_DFL);
}

void gt_stop_on_interrupt(void)
{
    signal(SIGINT, on_interrupt);
}

bool gt_stop_requested(void)
{
    return atomic_load(&wish);
}

void gt_stop_reset(void)
{
    atomic_store(&wish, 0);
}

bool gt_goes_on(const gt_ctx *gt)
{
    return !gt_failed(gt) && !gt_stop_requested();
}
