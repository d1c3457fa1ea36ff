/* Running a step on a tape of its own, and keeping it. */
#include "capture/capture.h"

#include <stdlib.h>

#undef gt_replay

enum { MOST_CALLS = 3 }; /* of a step that keeps tensors each time */

struct gt_captured {
    gt_ctx *gt;
    gt_step step;
    void *user;
    gt_tensor **inputs[GT_CAPTURE_INPUTS];
    unsigned without;
    bool folds;       /* batch norms */
    gti_taken *taken; /* the latest call; NULL: it failed */
    bool ready;       /* that can be run again */
    bool freed;
    int calls;
};

void *gti_capture_room(gti_taken *k, int64_t n, size_t size)
{
    void *room = gti_arena_get(&k->tape.step, (size_t)n * size);
    if (!room) gt_fail(k->gt, GT_ERR_MEMORY, "gt_capture", "out of memory");
    return room;
}

/* --- taking --- */

static gti_tape tape_of(const gt_ctx *gt)
{
    return (gti_tape){gt->step, gt->last, gt->first_node, gt->last_node, gt->n_nodes, gt->marks};
}

static void set_tape(gt_ctx *gt, const gti_tape *t)
{
    gt->step = t->step;
    gt->last = t->last;
    gt->first_node = t->first_node;
    gt->last_node = t->last_node;
    gt->n_nodes = t->n_nodes;
    gt->marks = t->marks;
}

/* A recording in the arena that is to hold it, which the context uses from here on. */
static gti_taken *begin(gt_ctx *gt)
{
    gti_arena arena;
    if (!gti_arena_open(&arena, &gt->system)) return NULL;
    gti_taken *k = gti_arena_get(&arena, sizeof *k);
    if (!k) return gti_arena_close(&arena), NULL;
    *k = (gti_taken){.gt = gt, .recorder.since = ++gt->clock};
    set_tape(gt, &(gti_tape){.step = arena});
    return k;
}

/* The first variable that holds what variable i does. */
static int first_alike(const gt_captured *c, int i)
{
    int j = 0;
    while (*c->inputs[j] != *c->inputs[i]) j++;
    return j;
}

static bool input_usable(const gt_captured *c, int i, const char *what)
{
    const char *why = gt_unusable(*c->inputs[i]);
    if (why) gt_fail(c->gt, GT_ERR_STATE, what, "input %d %s", i, why);
    return !why;
}

/* The step's own copies of what the variables hold. */
static bool take_inputs(const gt_captured *c, gti_taken *k)
{
    for (int i = 0; i < GT_CAPTURE_INPUTS && c->inputs[i]; i++) {
        const gt_tensor *x = *c->inputs[i];
        if (!input_usable(c, i, "gt_capture")) return false;
        k->n_inputs = i + 1;
        k->input[i] = k->input[first_alike(c, i)];
        if (k->input[i]) continue;
        const gt_new_opts like = {.dtype = x->dtype, .requires_grad = x->requires_grad};
        k->input[i] = gti_tensor_leaf(k->gt, "gt_capture", x->shape, like);
        if (!k->input[i] || gt_copy_into(k->input[i], x) != GT_OK) return false;
        if (gt_name(x)[0] && !gt_set_name(k->input[i], gt_name(x))) return false;
    }
    return true;
}

/* Calls the step with its own inputs in the variables. */
static void call_step(const gt_captured *c, gti_taken *k)
{
    gt_tensor *old[GT_CAPTURE_INPUTS] = {NULL};
    for (int i = 0; i < k->n_inputs; i++) {
        old[i] = *c->inputs[i];
        *c->inputs[i] = k->input[i];
    }
    k->result = c->step(k->gt, c->user);
    for (int i = 0; i < k->n_inputs; i++) *c->inputs[i] = old[i];
    if (k->result) gti_tensor_usable(k->result, "gt_capture: the step's result");
}

/* Runs the step on a tape of its own. NULL after a failure; then only what the step has kept is
 * left. */
static gti_taken *take(gt_captured *c)
{
    gt_ctx *gt = c->gt;
    const gti_tape outer = tape_of(gt);
    gti_taken *k = begin(gt);
    if (!k) return gt_fail(gt, GT_ERR_MEMORY, "gt_capture", "out of memory"), NULL;
    k->without = c->without;
    k->folds = c->folds;
    gt_mark_tape(gt);
    const bool ready = take_inputs(c, k), all = gt_set_recording_all(gt, true);
    gt->recorder = &k->recorder;
    if (ready && !gt_failed(gt)) call_step(c, k);
    gt->recorder = NULL;
    gt_set_recording_all(gt, all);
    k->tape = tape_of(gt);
    k->until = gt->clock;
    set_tape(gt, &outer);
    return k;
}

/* --- being over --- */

/* Leaves lose gradients that lie in the recording. */
static void drop_grads(const gti_taken *k)
{
    for (gti_tensor **p = &k->gt->graded; *p;) {
        gti_tensor *leaf = *p;
        if (!gti_taken_has(k, leaf) && !gti_taken_has(k, gti_t(leaf->pub.grad)))
            p = &leaf->next_graded;
        else gt_clear_grad(&leaf->pub);
    }
}

/* The memory goes back; headers stay while nodes on the tape may refer to them. */
static void retire(gti_taken *k)
{
    if (!k) return;
    gt_ctx *gt = k->gt;
    drop_grads(k);
    gti_fold_release(k);
    for (gti_tensor *t = k->tape.last; t; t = t->prev) {
        gti_release(t);
        if (t->flags & GTI_LASTING) gti_label_clear(t);
        t->flags |= GTI_DEAD;
    }
    if (k->slab && k->slab->pub.data) gti_pool_put(&gt->pool, k->slab->pub.data, k->slab_class);
    gti_arena arena = k->tape.step;
    gti_retired *r = gti_arena_get(&arena, sizeof *r);
    if (!r) r = (gti_retired *)(void *)k; /* it is over, and larger */
    *r = (gti_retired){.arena = arena, .id = ++gt->clock, .next = gt->retired};
    gt->retired = r;
}
_Static_assert(sizeof(gti_retired) <= sizeof(gti_taken), "takes its place");

/* --- the calls --- */

/* Calls the step, and makes it ready where it has kept nothing. */
static bool call(gt_captured *c)
{
    retire(c->taken);
    c->taken = NULL;
    c->ready = false;
    gti_taken *k = take(c);
    if (!k) return false;
    const bool kept = k->recorder.kept > 0;
    c->calls++;
    if (!gt_failed(c->gt) && kept && c->calls >= MOST_CALLS)
        gt_fail(c->gt, GT_ERR_STATE, "gt_capture",
                "each call of the step has kept tensors (gt_keep, new parameters), %d times now\n"
                "  hint: keep them before the step, and write to them with gt_copy_into",
                c->calls);
    const bool ok = !gt_failed(c->gt) && gti_outside_note(k) &&
                    (kept ? gti_program_skip(k) : gti_program_make(k));
    if (!ok) return retire(k), false;
    c->taken = k;
    c->ready = !kept;
    return true;
}

static bool callable(gt_ctx *gt, const char *what)
{
    if (gt_failed(gt) || gt_host_only(gt, what, "a step is one whole")) return false;
    if (!gti_in_sweep(gt) && !gt->stretch && !gt->shapes_only) return true;
    gt_fail(gt, GT_ERR_STATE, what, "called %s",
            gti_in_sweep(gt) ? "while gt_backward or gt_grad runs"
            : gt->stretch    ? "within gt_checkpoint"
                             : "while only shapes are worked out (gt_set_shapes_only)");
    return false;
}

static void free_captured(void *object)
{
    gt_captured_free(object);
    free(object);
}

gt_captured *gt_capture_(gt_ctx *gt, gt_step step, void *user, gt_capture_opts opts)
{
    static const char what[] = "gt_capture";
    if (!gt) return gt_fail(NULL, GT_ERR_ARGUMENT, what, "the context is NULL"), NULL;
    if (!callable(gt, what)) return NULL;
    if (!step) return gt_fail(gt, GT_ERR_ARGUMENT, what, "the step is NULL"), NULL;
    if (opts.without & ~(unsigned)GT_CAPTURE_ALL)
        return gt_fail(gt, GT_ERR_ARGUMENT, what, "without is %#x, knows %#x", opts.without,
                       (unsigned)GT_CAPTURE_ALL),
               NULL;
    gt_captured *c = calloc(1, sizeof *c);
    if (!c) return gt_fail(gt, GT_ERR_MEMORY, what, "out of memory"), NULL;
    *c = (gt_captured){.gt = gt,
                       .step = step,
                       .user = user,
                       .without = opts.without,
                       .folds = opts.fold_batch_norm};
    for (int i = 0; i < GT_CAPTURE_INPUTS; i++) c->inputs[i] = opts.inputs[i];
    if (gt_at_close(gt, free_captured, c) != GT_OK) return free(c), NULL;
    if (call(c)) return c;
    c->freed = true;
    return NULL;
}

/* The first of the step's inputs that is input i. */
static int first_then(const gti_taken *k, int i)
{
    int j = 0;
    while (k->input[j] != k->input[i]) j++;
    return j;
}

static bool check_input(const gt_captured *c, int i)
{
    char now[128], then[128];
    const gt_tensor *x = *c->inputs[i], *to = c->taken->input[i];
    if (!input_usable(c, i, "gt_replay")) return false;
    const int first = first_then(c->taken, i);
    if (!gt_same_shape(x, to))
        gt_fail(c->gt, GT_ERR_SHAPE, "gt_replay",
                "input %d has shape %s, but the step was captured with %s\n"
                "  hint: leave a smaller last batch out (.drop_last), or capture the step for it, "
                "too",
                i, gt_shape_format(x->shape, now, sizeof now),
                gt_shape_format(to->shape, then, sizeof then));
    else if (*c->inputs[first] != x)
        gt_fail(c->gt, GT_ERR_STATE, "gt_replay",
                "inputs %d and %d were one tensor when the step was captured, and are two now",
                first, i);
    return !gt_failed(c->gt);
}

/* Copies what the variables hold. */
static bool bring_inputs(const gt_captured *c)
{
    const int n = c->taken->n_inputs;
    for (int i = 0; i < n; i++)
        if (!check_input(c, i)) return false;
    for (int i = 0; i < n; i++)
        if (gt_copy_into(c->taken->input[i], *c->inputs[i]) != GT_OK) return false;
    return true;
}

gt_status gt_replay(gt_captured *c)
{
    static const char what[] = "gt_replay";
    if (!c) return gt_fail(NULL, GT_ERR_ARGUMENT, what, "the captured step is NULL");
    gt_ctx *gt = c->gt;
    if (c->freed) gt_fail(gt, GT_ERR_STATE, what, "the captured step was freed, or has failed");
    if (!callable(gt, what)) return gt_error_code(gt);
    if (gt->recording_all)
        return gt_fail(
            gt, GT_ERR_STATE, what,
            "called while everything is recorded (gt_set_recording_all), which what runs "
            "without being called is not");
    if (!c->ready && c->taken && !gti_outside_check_grads(c->taken)) return gt_error_code(gt);
    if (!c->ready) return call(c) ? GT_OK : gt_error_code(gt);
    if (!gti_outside_check(c->taken) || !bring_inputs(c)) return gt_error_code(gt);
    return gti_replay_run(c->taken) ? GT_OK : gt_error_code(gt);
}

gt_tensor *gt_captured_result(const gt_captured *c)
{
    return c && c->taken ? c->taken->result : NULL;
}

const gt_node *gt_captured_first(const gt_captured *c)
{
    return c && c->taken && c->taken->tape.first_node ? &c->taken->tape.first_node->pub : NULL;
}

const gt_tensor *gt_captured_input(const gt_captured *c, int i)
{
    return c && c->taken && i >= 0 && i < c->taken->n_inputs ? c->taken->input[i] : NULL;
}

bool gt_is_capturing(const gt_ctx *gt)
{
    return gt && gt->recorder;
}

gt_tensor *gt_capture_output(gt_tensor *t)
{
    if (!t || !t->ctx->recorder) return t;
    gt_ctx *gt = t->ctx;
    gti_host *output = gti_arena_get(&gt->step, sizeof *output + sizeof t);
    if (!output) return gt_fail(gt, GT_ERR_MEMORY, "gt_capture_output", "out of memory"), NULL;
    *output = (gti_host){.t = (gt_tensor **)(output + 1), .n = 1, .next = gt->recorder->outputs};
    output->t[0] = t;
    gt->recorder->outputs = output;
    return t;
}

void gt_captured_free(gt_captured *c)
{
    if (!c || c->freed) return;
    retire(c->taken);
    c->taken = NULL;
    c->freed = true;
}

gt_captured_stats gt_captured_get_stats(const gt_captured *c)
{
    if (!c || !c->taken) return (gt_captured_stats){0};
    const gti_taken *k = c->taken;
    int64_t runs = 0; /* without the library's own work between operations */
    for (int64_t i = 0; i < k->n_items; i++) runs += k->item[i].node != NULL;
    return (gt_captured_stats){
        .ready = c->ready,
        .nodes = (int64_t)k->tape.n_nodes,
        .runs = runs,
        .bytes = k->bytes,
        .unshared = k->unshared,
        .chains = k->n_chains,
        .chained = k->n_chained,
        .folded = k->n_folds,
    };
}
