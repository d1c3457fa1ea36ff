/* gradtape graph and gradtape summary: what a network is made of. */
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "load.h"

typedef struct {
    gti_cli_asked of;
    const char *out;
    long depth, dpi;
    int detail, heat;
    bool backward, training, sideways, unfolded;
} request;
#define AT(member) offsetof(request, member)

/* Those of summary, and then those of graph alone. */
static const gti_cli_option options[] = {
    GTI_CLI_ASKED(request, of){"--depth", "N", GTI_CLI_COUNT, AT(depth),
                               "levels of modules to show"},
    {"-o", "FILE", GTI_CLI_TEXT, AT(out),
     "where to: .svg, .png, .pdf, .dot, .mmd (Mermaid), .html, .json, or FOLDER/ for TensorBoard"},
    {"--detail", "layers|calls|operations", GTI_CLI_WORD, AT(detail), "what a box is"},
    {"--heat", "none|flops|bytes|parameters|time", GTI_CLI_WORD, AT(heat),
     "fill boxes by their share of these; time: of ten runs"},
    {"--dpi", "N", GTI_CLI_COUNT, AT(dpi), "resolution of .png (96)"},
    {"--backward", NULL, GTI_CLI_SWITCH, AT(backward),
     "and what differentiates it, of a batch of 2 by default"},
    {"--training", NULL, GTI_CLI_SWITCH, AT(training), "in training mode"},
    {"--sideways", NULL, GTI_CLI_SWITCH, AT(sideways), "from left to right"},
    {"--unfolded", NULL, GTI_CLI_SWITCH, AT(unfolded), "draw like blocks each by itself"},
};
#define OPERAND "the name of a network, or a file NAME.onnx"

static const gti_cli_command graph = {
    "usage: gradtape graph NETWORK -o FILE [OPTION...]\n"
    "       gradtape graph MODEL.onnx -o FILE [OPTION...]\n\n"
    "Draws a network's computation graph, or writes it as data.\n",
    GTI_CLI_OPTIONS_OF(options),
    OPERAND,
    1,
    1,
    gti_cli_print_networks};
static const gti_cli_command summary = {
    "usage: gradtape summary NETWORK [OPTION...]\n"
    "       gradtape summary MODEL.onnx [OPTION...]\n\n"
    "Prints a network layer by layer: shapes, parameters, work, memory.\n",
    options,
    GTI_CLI_ASKED_OPTIONS + 1,
    OPERAND,
    1,
    1,
    gti_cli_print_networks};

/* --- times --- */

static void step(const request *q, gt_module *m, gt_tensor *x)
{
    gt_tensor *y = gt_forward(m, x);
    gt_tensor *sum = q->backward && y ? gt_sum(y) : NULL;
    if (sum) gt_backward(sum);
}

/* Runs it a few times, the first ones not counted, and puts the means on the nodes. */
static void time_nodes(const request *q, gt_module *m, gt_tensor *x, gt_graph *g)
{
    enum { WARM_UP = 2, STEPS = 10 };
    gt_profile *p = NULL;
    const gt_mark start = gt_mark_tape(m->ctx);
    if (q->backward || q->training) gt_train(m);
    else gt_eval(m);
    gt_set_recording(m->ctx, q->backward);
    for (int i = 0; i < WARM_UP + STEPS; i++) {
        if (i == WARM_UP) p = gt_profile_begin(m->ctx);
        gt_rewind(m->ctx, start);
        step(q, m, x);
    }
    if (gt_profile_end(p) == GT_OK) gt_graph_set_times(g, p);
}

static void draw_timed(const request *q, gt_module *m, gt_shape input, gt_dtype dtype,
                       gt_graph_opts opts)
{
    gt_graph *g =
        gt_module_graph(m, input, .dtype = dtype, .backward = q->backward, .training = q->training);
    gt_tensor *x = gt_keep(gt_is_floating(dtype) ? gt_randn(m->ctx, input, .dtype = dtype)
                                                 : gt_zeros(m->ctx, input, .dtype = dtype));
    if (g && x) time_nodes(q, m, x, g);
    opts.dtype = GT_F32;
    opts.backward = opts.training = false;
    const char *dot = q->out ? strrchr(q->out, '.') : NULL;
    if (dot && !strcasecmp(dot, ".json")) opts.heat = GT_HEAT_NONE; /* it has the times anyhow */
    if (g && gt_graph_save_(g, q->out, opts) == GT_OK) printf("%s\n", q->out);
    gt_graph_free(g);
}

static void draw(const request *q, gt_module *m, gt_shape input, gt_dtype dtype)
{
    const gt_graph_opts opts = {.detail = (gt_graph_detail)q->detail,
                                .depth = (int)q->depth,
                                .sideways = q->sideways,
                                .unfolded = q->unfolded,
                                .heat = (gt_graph_heat)q->heat,
                                .dpi = (int)q->dpi,
                                .dtype = dtype,
                                .backward = q->backward,
                                .training = q->training};
    if (q->heat == GT_HEAT_TIME) draw_timed(q, m, input, dtype, opts);
    else if (gt_module_render_(m, q->out, input, opts) == GT_OK) printf("%s\n", q->out);
}

int gti_cli_graph(int argc, char **argv)
{
    const bool drawn = !strcmp(argv[0], "graph");
    request q = {.out = NULL};
    gt_shape input;
    gt_dtype dtype;
    int status = gti_cli_read(drawn ? &graph : &summary, &q, argc, argv);
    q.of.network = argv[1];
    if (status < 0) status = gti_cli_check_asked(argv[0], &q.of);
    if (status < 0 && drawn && !q.out)
        status = gti_cli_refuse(argv[0], "wants a file to write, behind '-o'");
    if (status >= 0) return status;
    if (q.backward && !q.of.batch) q.of.batch = 2;
    gt_ctx *gt = gti_cli_open();
    gt_module *m = gti_cli_load(gt, &q.of, &input, &dtype);
    if (m && drawn) draw(&q, m, input, dtype);
    else if (m) gt_summary(stdout, m, input, .depth = (int)q.depth);
    return gti_cli_close(gt, argv[0]);
}
