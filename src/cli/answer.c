/* What commands that compute something begin and end with. */
#include <stdio.h>

#include "cli.h"

gt_ctx *gti_cli_open(void)
{
    gt_ctx *gt = gt_open();
    gt_set_error_handler(gt, gt_ignore_error, NULL);
    return gt;
}

int gti_cli_close(gt_ctx *gt, const char *command)
{
    const bool failed = gt_failed(gt);
    if (failed) fprintf(stderr, "gradtape %s: %s\n", command, gt_error_message(gt));
    gt_close(gt);
    return failed;
}

bool gti_cli_can_write(gt_ctx *gt, const char *path)
{
    gt_file *f = gt_file_create(gt, path);
    gt_file_discard(f);
    return f != NULL;
}
