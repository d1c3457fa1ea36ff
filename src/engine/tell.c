/* Telling of failures: to a handler of the program's, or to stderr. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "engine/context.h"

/* How far this process has come. It is one for all contexts, so that a server that opens one for
 * every request does not print anew with each. */
enum { WELL_SO_FAR, HAS_FAILED, READS_ITSELF };
static atomic_int process;

static _Thread_local gt_error_handler homeless_handler;

static bool read_word(const char *word, gti_errors *errors)
{
    static const char *const words[] = {[GTI_ERRORS_AUTO] = "",
                                        [GTI_ERRORS_PRINT] = "print",
                                        [GTI_ERRORS_ABORT] = "abort",
                                        [GTI_ERRORS_QUIET] = "quiet"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strcmp(word ? word : "", words[i]) != 0) continue;
        *errors = (gti_errors)i;
        return true;
    }
    return false;
}

void gti_tell_read_setting(gt_ctx *gt)
{
    const char *word = getenv("GRADTAPE_ERRORS");
    if (!read_word(word, &gt->errors))
        gt_fail(gt, GT_ERR_ARGUMENT, "gt_open",
                "GRADTAPE_ERRORS is '%.32s' in the environment, must be print, abort or quiet",
                word);
}

gt_error_handler gt_set_error_handler(gt_ctx *gt, gt_error_fn fn, void *user)
{
    if (gt == gti_context_dead()) return (gt_error_handler){NULL, NULL};
    gt_error_handler *h = gt ? &gt->handler : &homeless_handler;
    const gt_error_handler old = *h;
    *h = (gt_error_handler){fn, user};
    return old;
}

void gt_ignore_error(gt_status status, const char *message, void *user)
{
    (void)status, (void)message, (void)user;
}

static gt_error_handler handler_of(const gti_error *e)
{
    return e->ctx ? e->ctx->handler : homeless_handler;
}

static gti_errors errors_of(const gti_error *e)
{
    gti_errors errors = GTI_ERRORS_AUTO;
    if (e->ctx) return e->ctx->errors;
    read_word(getenv("GRADTAPE_ERRORS"), &errors);
    return errors;
}

/* By default: what fails without a context follows from another failure more often than not. */
static bool is_news(const gti_error *e)
{
    int so_far = WELL_SO_FAR;
    atomic_compare_exchange_strong(&process, &so_far, HAS_FAILED);
    return so_far < (e->ctx ? READS_ITSELF : HAS_FAILED);
}

static void print(const gti_error *e, gti_errors errors)
{
    fprintf(stderr, "gradtape: %s\n%s", e->message,
            errors == GTI_ERRORS_AUTO
                ? "  (GRADTAPE_ERRORS=quiet or gt_set_error_handler silence this)\n"
                : "");
    fflush(stderr);
}

void gti_tell(gti_error *e)
{
    if (!e->untold) return;
    e->untold = false;
    const gt_error_handler handler = handler_of(e);
    const gti_errors errors = errors_of(e);
    const bool ends = errors == GTI_ERRORS_ABORT || (e->ctx && e->ctx->abort_on_error);
    const bool news = is_news(e);
    const bool prints = errors == GTI_ERRORS_PRINT || (errors == GTI_ERRORS_AUTO && news);
    if (handler.fn) handler.fn(e->status, e->message, handler.user);
    if (handler.fn == gt_ignore_error) return;
    if (ends || (prints && !handler.fn)) print(e, errors);
    if (ends) abort();
}

void gti_tell_read(const gti_error *e)
{
    if (!handler_of(e).fn && errors_of(e) == GTI_ERRORS_AUTO) atomic_store(&process, READS_ITSELF);
}
