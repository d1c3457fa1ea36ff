/* What the gradient checker takes of the engine besides the public headers; the floors of
 * docs/design.md let it include nothing else from here. */
#ifndef GTI_ENGINE_SESSION_H
#define GTI_ENGINE_SESSION_H

#include <gradtape/op.h>

/* What fresh outputs of operations are filled with before forward: floats with signalling NaN,
 * whole numbers with a byte, or another byte. */
typedef enum { GTI_PREFILL_OFF, GTI_PREFILL_ON, GTI_PREFILL_OTHER } gti_prefill;
#define GTI_PREFILL_F32 0x7fa00001u
#define GTI_PREFILL_F64 0x7ff4000000000001u
static inline uint8_t gti_prefill_byte(gti_prefill how)
{
    return how == GTI_PREFILL_OTHER ? 0x5a : 0xa5;
}

/* --- session.c --- */
/* A stretch of work after which the context is as it was: settings, scope and marks, without its
 * failures, and without what was made. Meanwhile the context records what needs a gradient, fills
 * outputs before forward, and tells nobody of failures. */
typedef struct {
    gt_ctx *gt;
    gt_mark start;
    struct gti_mark *marks;
    const gt_scope *scope;
    gt_error_handler handler, thread_handler;
    gti_prefill prefill;
    bool recording, recording_all, shapes_only;
} gti_session;
/* False after a failure of the context; then there is nothing to close. */
bool gti_session_open(gti_session *s, gt_ctx *gt);
void gti_session_close(const gti_session *s);
void gti_session_prefill(gt_ctx *gt, gti_prefill how);

/* --- tensor.c --- */
/* Whether t is alive with its data in place; otherwise fails by name. */
bool gti_tensor_usable(const gt_tensor *t, const char *what);

/* --- naming.c --- */
/* "net.conv1.weight": the path of t's owner and its name. */
void gti_naming_path(const gt_tensor *t, char *path, size_t size);
/* "matmul (train.c:42)", or "matmul of linear (train.c:42)" within a function. Returns buf. */
char *gti_naming_node(const gt_node *n, char *buf, size_t size);
/* "linear": the function whose result t is, or the operation. NULL: it was not recorded. */
const char *gti_naming_maker(const gt_tensor *t);

#endif
