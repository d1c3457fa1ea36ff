/* gradtape profile: where the time of a network's step goes. */
#include <gradtape.h>
#include <stdio.h>
#include <string.h>

#include "bench/networks.h"
#include "cli.h"

typedef struct {
    const bench_network *network;
    unsigned long long batch, threads, steps, depth, most; /* threads, depth 0: as it comes */
    gt_profile_by by;
    gt_profile_sort sort;
    const char *trace; /* NULL: none */
    bool forward, replay, help;
} request;

static void usage(FILE *f)
{
    fprintf(
        f,
        "usage: gradtape profile [OPTION...] [NETWORK]\n\n"
        "Times the operations of a network's training steps (lenet by default), and prints them\n"
        "beside what this machine can do at most. Three steps before are not counted.\n\n"
        "  --batch N       images of a batch (64)\n"
        "  --steps N       steps that are timed (20)\n"
        "  --threads N     threads (those of the machine)\n"
        "  --forward       the forward pass alone, in evaluation\n"
        "  --replay        capture the step, and time its replays\n"
        "  --by WHAT       a row for each operation, shape, module or part (operation)\n"
        "  --depth N       of modules: so many names of their paths (all)\n"
        "  --sort WHAT     by time, calls, mean or name (time)\n"
        "  --most N        rows at most (30)\n"
        "  --trace FILE    write a trace, too, for https://ui.perfetto.dev\n"
        "  --help          this\n\n"
        "Networks:");
    for (int i = 0; i < BENCH_NETWORKS; i++)
        fprintf(f, "%s %s", i ? "," : "", bench_networks[i].name);
    fprintf(f, "\n");
}

/* --- the question --- */

static bool set_count(unsigned long long *to, const char *value)
{
    return gti_cli_number(value, to) && *to >= 1 && *to <= 1000000;
}

static bool set_word(int *to, const char *value, const char *const *words, int n)
{
    for (*to = 0; *to < n; ++*to)
        if (strcmp(words[*to], value) == 0) return true;
    return false;
}

static bool set_by(void *to, const char *value)
{
    static const char *const words[] = {"operation", "shape", "module", "part"};
    int by;
    if (!set_word(&by, value, words, 4)) return false;
    ((request *)to)->by = (gt_profile_by)by;
    return true;
}

static bool set_sort(void *to, const char *value)
{
    static const char *const words[] = {"time", "calls", "mean", "name"};
    int sort;
    if (!set_word(&sort, value, words, 4)) return false;
    ((request *)to)->sort = (gt_profile_sort)sort;
    return true;
}

static bool set_batch(void *to, const char *value)
{
    return set_count(&((request *)to)->batch, value);
}

static bool set_steps(void *to, const char *value)
{
    return set_count(&((request *)to)->steps, value);
}

static bool set_threads(void *to, const char *value)
{
    return set_count(&((request *)to)->threads, value);
}

static bool set_depth(void *to, const char *value)
{
    return set_count(&((request *)to)->depth, value);
}

static bool set_most(void *to, const char *value)
{
    return set_count(&((request *)to)->most, value);
}

static bool set_trace(void *to, const char *value)
{
    ((request *)to)->trace = value;
    return *value;
}

static bool set_forward(void *to, const char *value)
{
    (void)value;
    return ((request *)to)->forward = true;
}

static bool set_replay(void *to, const char *value)
{
    (void)value;
    return ((request *)to)->replay = true;
}

static bool set_help(void *to, const char *value)
{
    (void)value;
    return ((request *)to)->help = true;
}

static const gti_cli_option options[] = {
    {"--batch", set_batch, false},
    {"--steps", set_steps, false},
    {"--threads", set_threads, false},
    {"--forward", set_forward, true},
    {"--by", set_by, false},
    {"--replay", set_replay, true},
    {"--depth", set_depth, false},
    {"--sort", set_sort, false},
    {"--most", set_most, false},
    {"--trace", set_trace, false},
    {"--help", set_help, true},
    {"-h", set_help, true},
    {NULL, NULL, false},
};

static const char *network_name(unsigned i)
{
    return bench_networks[i].name;
}

static bool set_network(request *q, const char *name)
{
    for (int i = 0; i < BENCH_NETWORKS; i++)
        if (strcmp(bench_networks[i].name, name) == 0) {
            q->network = &bench_networks[i];
            return true;
        }
    const char *meant = gti_cli_nearest(name, BENCH_NETWORKS, network_name);
    fprintf(stderr, "gradtape profile: there is no network '%s'", name);
    if (meant) fprintf(stderr, "; did you mean '%s'?", meant);
    fprintf(stderr, "\nTry 'gradtape profile --help'.\n");
    return false;
}

static bool parse(request *q, int argc, char **argv)
{
    *q = (request){.batch = 64, .steps = 20, .most = 30};
    if (!set_network(q, "lenet")) return false;
    for (int i = 1; i < argc; i++)
        if (argv[i][0] == '-' ? !gti_cli_take_option("profile", options, q, argc, argv, &i)
                              : !set_network(q, argv[i]))
            return false;
    return true;
}

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

static void run_steps(gt_ctx *gt, work *w, gt_captured *captured, unsigned long long n)
{
    const gt_mark start = gt_mark_tape(gt);
    for (unsigned long long i = 0; i < n && !gt_failed(gt); i++) {
        gt_rewind(gt, start);
        if (captured) gt_replay(captured);
        else step(gt, w);
    }
    gt_rewind(gt, start);
}

static work make(gt_ctx *gt, const request *q)
{
    const bench_network *net = q->network;
    const int64_t n = (int64_t)q->batch;
    work w = {.net = net->make(gt), .forward = q->forward};
    w.x = gt_randn(gt, GT_SHAPE(n, net->channels, net->side, net->side));
    w.labels = gt_randint(gt, 0, 10, GT_SHAPE(n));
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
    work w = make(gt, q);
    gt_captured *captured = q->replay ? gt_capture(gt, step, &w) : NULL;
    if (gt_failed(gt)) return;
    run_steps(gt, &w, captured, WARM_UP);
    gt_profile *p = gt_profile_begin(gt);
    run_steps(gt, &w, captured, q->steps);
    if (gt_profile_end(p) != GT_OK) return;
    printf("%s, batches of %llu, %llu %s%s\n", q->network->name, q->batch, q->steps,
           q->replay ? "replays of " : "",
           q->forward ? "forward passes" : "steps with momentum SGD");
    gt_profile_print(p, stdout, .by = q->by, .sort = q->sort, .depth = (int)q->depth,
                     .most = (int)q->most);
    if (q->trace && gt_profile_save_trace(p, q->trace) == GT_OK)
        printf("\ntrace: %s, for https://ui.perfetto.dev\n", q->trace);
}

int gti_cli_profile(int argc, char **argv)
{
    request q;
    if (!parse(&q, argc, argv)) return 2;
    if (q.help) {
        usage(stdout);
        return 0;
    }
    gt_ctx *gt = gt_open();
    gt_set_error_handler(gt, gt_ignore_error, NULL);
    run(gt, &q);
    const bool failed = gt_failed(gt);
    if (failed) fprintf(stderr, "gradtape profile: %s\n", gt_error_message(gt));
    gt_close(gt);
    return failed;
}
