/* What a report of the gradient checker should say. */
#ifndef GT_TESTS_EXPECT_REPORT_H
#define GT_TESTS_EXPECT_REPORT_H

#include <gradtape/gradcheck.h>
#include <string.h>

#include "support.h"

static inline void expect(const gt_gradcheck_report *r, gt_verdict v, const char *says)
{
    if (r->verdict != v || !strstr(r->message, says))
        fail_msg("wanted %s, \"%s\"; got\n%s", gt_verdict_name(v), says, r->message);
}

#endif
