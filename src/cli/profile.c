/* gradtape profile: where the time of a network's step goes. */
#include <gradtape.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "load.h"
#include "networks.h"

typedef struct {
    const gti_cli_network *network;
    long batch, threads, steps, depth, most; /* threads, depth 0: as it comes */
    int by, sort;                            /* gt_profile_by, gt_profile_sort */
    const char *trace;                       /* NULL: none */
    bool forward, replay;
} request;

/* --- the question --- */

#define AT(member) offsetof(request, member)
static const gti_cli_option options[] = {
    {"--batch", "N", GTI_CLI_COUNT, AT(batch), "images of a batch (64)"},
    {"--steps", "N", GTI_CLI_COUNT, AT(steps), "steps that are timed (20)"},
    {"--threads", "N", GTI_CLI_COUNT, AT(threads), "threads (those of the machine)"},
    {"--forward", NULL, GTI_CLI_SWITCH, AT(forward), "the forward pass alone, in evaluation"},
    {"--replay", NULL, GTI_CLI_SWITCH, AT(replay), "capture the step, and time its replays"},
    {"--by", "operation|shape|module|part|call", GTI_CLI_WORD, AT(by),
     "what has a row of its own (operation)"},
    {"--depth", "N", GTI_CLI_COUNT, AT(depth), "of modules: so many names of their paths (all)"},
    {"--sort", "time|calls|mean|name", GTI_CLI_WORD, AT(sort), "the most first (time)"},
    {"--most", "N", GTI_CLI_COUNT, AT(most), "rows at most (30)"},
    {"--trace", "FILE", GTI_CLI_TEXT, AT(trace), "write a trace, too, for https://ui.perfetto.dev"},
};
static const gti_cli_command command = {
    "usage: gradtape profile [OPTION...] [NETWORK]\n\n"
    "Times the operations of a network's training steps (lenet by default), and prints them\n"
    "beside what this machine can do at most. Three steps before are not counted.\n",
    GTI_CLI_OPTIONS_OF(options),
    "the name of a network",
    0,
    1,
    gti_cli_print_networks};

/* --- the answer --- */

typedef struct {
    gt_module *net;
    gt_optimizer *sgd;
    gt_tensor *x, *labels;
    bool forward;
} work;

static gt_tensor *step(gt_ctx *gt, void *user)
{
    const work *w = user;
    (void)gt;
    gt_tensor *y = gt_forward(w->net, w->x);
    if (w->forward) return y;
    gt_tensor *loss = gt_cross_entropy(y, w->labels);
    gt_backward(loss);
    gt_optimizer_step(w->sgd);
    return loss;
}

static void run_steps(gt_ctx *gt, work *w, gt_captured *captured, long n)
{
    const gt_mark start = gt_mark_tape(gt);
    for (long i = 0; i < n && !gt_failed(gt); i++) {
        gt_rewind(gt, start);
        if (captured) gt_replay(captured);
        else step(gt, w);
    }
    gt_rewind(gt, start);
}

static work make(gt_ctx *gt, const request *q)
{
    const gti_cli_network *net = q->network;
    const int64_t n = q->batch;
    work w = {.net = net->build(gt, net->channels, net->classes), .forward = q->forward};
    w.x = gt_randn(gt, GT_SHAPE(n, net->channels, net->size, net->size));
    w.labels = gt_randint(gt, 0, net->classes, GT_SHAPE(n));
    w.sgd = gt_sgd(w.net, .lr = 0.01, .momentum = 0.9);
    if (q->threads) gt_set_threads(gt, q->threads < 256 ? (int)q->threads : 256);
    if (q->forward) {
        gt_eval(w.net);
        gt_set_recording(gt, false);
    }
    return w;
}

static void run(gt_ctx *gt, const request *q)
{
    enum { WARM_UP = 3 };
    if (q->trace && !gti_cli_can_write(gt, q->trace)) return;
    work w = make(gt, q);
    gt_captured *captured = q->replay ? gt_capture(gt, step, &w) : NULL;
    if (gt_failed(gt)) return;
    run_steps(gt, &w, captured, WARM_UP);
    gt_profile *p = gt_profile_begin(gt);
    run_steps(gt, &w, captured, q->steps);
    if (gt_profile_end(p) != GT_OK) return;
    printf("%s, batches of %ld, %ld %s%s\n", q->network->name, q->batch, q->steps,
           q->replay ? "replays of " : "",
           q->forward ? "forward passes" : "steps with momentum SGD");
    gt_profile_print(p, stdout, .by = (gt_profile_by)q->by, .sort = (gt_profile_sort)q->sort,
                     .depth = (int)q->depth, .most = (int)q->most);
    if (q->trace && gt_profile_save_trace(p, q->trace) == GT_OK)
        printf("\ntrace: %s, for https://ui.perfetto.dev\n", q->trace);
}

int gti_cli_profile(int argc, char **argv)
{
    request q = {.batch = 64, .steps = 20, .most = 30};
    const int status = gti_cli_read(&command, &q, argc, argv);
    if (status >= 0) return status;
    const char *name = argc > 1 && argv[1] ? argv[1] : "lenet";
    q.network = gti_cli_network_find(name);
    if (!q.network) return gti_cli_unknown_network("profile", name);
    gt_ctx *gt = gti_cli_open();
    run(gt, &q);
    return gti_cli_close(gt, "profile");
}
