#include "engine/session.h"
#include "engine/context.h"

bool gti_session_open(gti_session *s, gt_ctx *gt)
{
    *s = (gti_session){.gt = gt, .marks = gt->marks, .start = gt_mark_tape(gt)};
    if (gt_failed(gt) || gt_host_only(gt, "the gradient checker", "call it outside of the step"))
        return false;
    s->handler = gt_set_error_handler(gt, gt_ignore_error, NULL);
    s->thread_handler = gt_set_error_handler(NULL, gt_ignore_error, NULL);
    s->recording = gt_set_recording(gt, true);
    s->recording_all = gt_set_recording_all(gt, false);
    s->shapes_only = gt_set_shapes_only(gt, false);
    s->prefill = gt->prefill;
    s->scope = gt->scope;
    gti_session_prefill(gt, GTI_PREFILL_ON);
    return true;
}

void gti_session_close(const gti_session *s)
{
    gt_ctx *gt = s->gt;
    gt_error_clear(gt);
    gt_rewind(gt, s->start);
    gt_set_recording(gt, s->recording);
    gt_set_recording_all(gt, s->recording_all);
    gt_set_shapes_only(gt, s->shapes_only);
    gti_session_prefill(gt, s->prefill);
    gt->scope = s->scope;
    gt->marks = s->marks;
    gt_set_error_handler(gt, s->handler.fn, s->handler.user);
    gt_set_error_handler(NULL, s->thread_handler.fn, s->thread_handler.user);
}

void gti_session_prefill(gt_ctx *gt, gti_prefill how)
{
    gt->prefill = how;
    gti_update_watched(gt);
}
