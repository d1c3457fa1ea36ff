/* Capturing a step: it is run once, kept, and run again without the program.
 *
 *   typedef struct { gt_module *net; gt_optimizer *sgd; gt_tensor *x, *y; } training;
 *
 *   gt_tensor *step(gt_ctx *gt, void *user)
 *   {
 *       training *t = user;
 *       gt_tensor *loss = gt_cross_entropy(gt_forward(t->net, t->x), t->y);
 *       gt_zero_grad(t->net);
 *       gt_backward(loss);
 *       gt_optimizer_step(t->sgd);
 *       return loss;
 *   }
 *
 *   gt_captured *c = gt_capture(gt, step, &t, .inputs = {&t.x, &t.y});     the first step
 *   while (gt_loader_next(images, &t.x, &t.y)) {
 *       gt_replay(c);                                                      the next ones
 *       printf("%g\n", gt_item(gt_captured_result(c)));
 *   }
 *
 * A replay leaves the same bits everywhere as a call of the step would, and is faster: nothing is
 * checked, recorded or allocated anew, what nobody reads is left out, what does not change is
 * worked out once, and all results share one block of memory by when they are used.
 *
 * What a replay does again: all operations, in their order, on what tensors hold by then; and what
 * the library's own parts do on the host within a step: learning rates and counts of optimizers,
 * schedules, averages, weights of means, random numbers. What it does not: the program's own code
 * (prints, branches, numbers worked out from gt_item, hooks). So a step must do the same each time;
 * what differs from step to step is an input or lies in tensors that outlive the step.
 *
 * Errors at a replay, each with the reason: a tensor from outside of the step was dropped, freed,
 * or has another shape or other memory now; it requires gradients and did not, or the other way
 * round; it has other hooks; it has a gradient that the step would add to and had none, or the
 * other way round; a module is in another mode or has other hooks; labels out of range.
 * What is called within a step must not rewind the tape, load data, or write to tensors past the
 * operations: that fails the capture.
 *
 * A gt_captured belongs to its context, which frees it on gt_close. */
#ifndef GRADTAPE_CAPTURE_H
#define GRADTAPE_CAPTURE_H

#include <gradtape/tensor.h>

GT_BEGIN_DECLS

typedef struct gt_captured gt_captured;

/* A step: forward, or forward, backward and update, or whatever is made of operations. Returns what
 * is of interest afterwards, such as the loss, or NULL: nothing is, or the context has failed. */
typedef gt_tensor *(*gt_step)(gt_ctx *gt, void *user);

enum { GT_CAPTURE_INPUTS = 8 };

/* What a capture makes of a step, to be left out by name. */
enum {
    GT_CAPTURE_CONSTANTS = 1, /* what follows from constants is worked out once */
    GT_CAPTURE_UNREAD = 2,    /* what nobody reads is left out */
    GT_CAPTURE_SHARING = 4,   /* results share memory by when they are used */
    GT_CAPTURE_CHAINS = 8,    /* neighbours that compute elements run together, block by block */
    GT_CAPTURE_ALL = 15,
};
typedef struct {
    gt_keywords gt_;
    gt_tensor **inputs[GT_CAPTURE_INPUTS]; /* variables in which the step finds tensors that differ
                                            * from call to call, such as a batch. At each call what
                                            * they hold is copied (it may be of another context);
                                            * shape and dtype are those of the first call */
    bool fold_batch_norm; /* in evaluation, into the convolution before it, whose result nobody else
                           * reads: fewer passes, in memory for a second copy of the weights. The
                           * weights are multiplied, and rounded, before they are summed up, so the
                           * results are others in their last bits: by some epsilons of the dtype
                           * times the sum of the products' magnitudes. Parameters that change are
                           * noticed at the next replay */
    unsigned without; /* GT_CAPTURE_...: left out. Changes no bit; to see what each brings, and to
                       * find faults */
} gt_capture_opts;

/* Runs step(gt, user), which is kept; `user` must outlive it. A step that makes what outlives it
 * (parameters of lazy layers, states of optimizers) does so once: then the next replay calls the
 * step again, and it is that call which is kept. NULL after a failure; GT_ERR_ARGUMENT,
 * GT_ERR_STATE (within another capture, a sweep or a checkpoint), GT_ERR_MEMORY, and those of the
 * step. */
gt_captured *gt_capture_(gt_ctx *gt, gt_step step, void *user, gt_capture_opts opts);
GT_DEFINE_AT(gt_captured)
/* gt_capture(gt, step, &t), gt_capture(gt, step, &t, .inputs = {&t.x, &t.y}) */
#define gt_capture(gt, step, ...) GT_CAPTURE_(gt, step, __VA_ARGS__, )
#define GT_CAPTURE_(gt, step, user, ...)                                                           \
    GT_MADE_AT(gt_captured, gt_capture_(gt, step, user, GT_OPTS(gt_capture_opts, __VA_ARGS__)))

/* The step once more. GT_OK, or the error (above); what came before it has been done. */
gt_status gt_replay(gt_captured *c);
#define gt_replay(c) GT_STATUS_AT(gt_replay(c))

/* What the step returned, with the values of the latest call; valid until the next. Requires no
 * gradient. NULL: nothing was returned, or the latest call failed. */
gt_tensor *gt_captured_result(const gt_captured *c);

/* The operations of the latest call, oldest first, for gt_tape_next; valid until the next replay
 * that calls the step, or gt_captured_free. NULL: it failed. And input i, as the step saw it; NULL
 * behind the last. For reading what the step is made of, as gt_captured_graph does. */
const struct gt_node *gt_captured_first(const gt_captured *c);
const gt_tensor *gt_captured_input(const gt_captured *c, int i);

/* Whether a step is being called that is to be kept. */
bool gt_is_capturing(const gt_ctx *gt);

/* To be called within a step: t's values, too, can be read after each replay, through the pointer
 * that the step got when it was captured. Results of one element and the gradients of leaves can
 * always be; other memory of the step serves again while it runs. Returns t; outside of a capture
 * it does nothing else. */
gt_tensor *gt_capture_output(gt_tensor *t);

/* Gives back the memory; results cannot be used any more. NULL is fine. */
void gt_captured_free(gt_captured *c);

typedef struct {
    bool ready;        /* false: the next replay calls the step once more */
    int64_t nodes;     /* operations of the step */
    int64_t runs;      /* those that a replay runs: no views, nothing that is constant or unused */
    uint64_t bytes;    /* the block of all results */
    uint64_t unshared; /* what they would need if none shared memory */
    int64_t chains;    /* of several operations, run block by block, */
    int64_t chained;   /* and how many those are */
    int64_t folded;    /* batch norms that are a part of their convolution */
} gt_captured_stats;
gt_captured_stats gt_captured_get_stats(const gt_captured *c);

GT_END_DECLS
#endif
