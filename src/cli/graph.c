/* gradtape graph and gradtape summary: what a network is made of. */
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "networks.h"

typedef struct {
    const char *command;
    const char *network, *out, *weights, *heat, *detail;
    long batch, size, channels, classes, depth, dpi;
    bool backward, training, sideways, unfolded, help;
} request;

/* Options with a value, of one of the two; and switches, of graph alone. */
#define AT(member) offsetof(request, member)
static const struct {
    const char *name, *value, *help;
    size_t text, number, on; /* place of what it sets; 0: it is of another kind */
    bool both;
} options[] = {
    {"--weights", "FILE", "load these: a safetensors file that fits the network", AT(weights), 0, 0,
     true},
    {"--batch", "N", "items in the batch (1)", 0, AT(batch), 0, true},
    {"--size", "N", "height and width of the images", 0, AT(size), 0, true},
    {"--channels", "N", "of the images", 0, AT(channels), 0, true},
    {"--classes", "N", "of the results", 0, AT(classes), 0, true},
    {"--depth", "N", "levels of modules to show", 0, AT(depth), 0, true},
    {"-o", "FILE", "where to: .svg, .png, .pdf, .dot, .mmd (Mermaid) or .json", AT(out), 0, 0,
     false},
    {"--detail", "WHAT", "layers, calls or operations", AT(detail), 0, 0, false},
    {"--heat", "WHAT", "fill boxes by their flops, bytes or parameters", AT(heat), 0, 0, false},
    {"--dpi", "N", "resolution of .png (96)", 0, AT(dpi), 0, false},
    {"--backward", NULL, "and what differentiates it, of a batch of 2 by default", 0, 0,
     AT(backward), false},
    {"--training", NULL, "in training mode", 0, 0, AT(training), false},
    {"--sideways", NULL, "from left to right", 0, 0, AT(sideways), false},
    {"--unfolded", NULL, "draw like blocks each by itself", 0, 0, AT(unfolded), false},
};
enum { OPTIONS = sizeof options / sizeof *options };

static bool is_graph(const request *q)
{
    return !strcmp(q->command, "graph");
}

static void usage(FILE *f, const request *q)
{
    unsigned n;
    const gti_cli_network *network = gti_cli_networks(&n);
    if (is_graph(q))
        fprintf(f, "usage: gradtape graph NETWORK -o FILE [OPTION...]\n\n"
                   "Draws a network's computation graph, or writes it as data.\n\n");
    else
        fprintf(f, "usage: gradtape summary NETWORK [OPTION...]\n\n"
                   "Prints a network layer by layer: shapes, parameters, work, memory.\n\n");
    for (unsigned i = 0; i < n; i++)
        fprintf(f, "  %-12s %s (%dx%dx%d)\n", network[i].name, network[i].meaning,
                network[i].channels, network[i].size, network[i].size);
    fputc('\n', f);
    for (size_t i = 0; i < OPTIONS; i++) {
        char left[32];
        snprintf(left, sizeof left, "%s %s", options[i].name,
                 options[i].value ? options[i].value : "");
        if (options[i].both || is_graph(q)) fprintf(f, "  %-15s %s\n", left, options[i].help);
    }
    fprintf(f, "  %-15s this\n", "--help");
}

/* --- the question --- */

static int refuse(const request *q, const char *what, const char *word)
{
    fprintf(stderr, "gradtape %s: %s '%s'\nTry 'gradtape %s --help'.\n", q->command, what, word,
            q->command);
    return 2;
}

static int take_value(request *q, size_t i, const char *value)
{
    char *end;
    char what[64];
    snprintf(what, sizeof what, "%s does not take", options[i].name);
    if (!value) return refuse(q, "there is no value behind", options[i].name);
    char *at = (char *)q + (options[i].text ? options[i].text : options[i].number);
    if (options[i].text) return memcpy(at, &value, sizeof value), 0;
    const long n = strtol(value, &end, 10);
    if (*value < '1' || *value > '9' || *end || n > 1000000) return refuse(q, what, value);
    memcpy(at, &n, sizeof n);
    return 0;
}

static int take(request *q, int argc, char **argv, int *i)
{
    const char *word = argv[*i];
    if (!strcmp(word, "--help") || !strcmp(word, "-h")) return q->help = true, 0;
    if (word[0] != '-' && q->network) return refuse(q, "takes one network, not also", word);
    if (word[0] != '-') return q->network = word, 0;
    for (size_t k = 0; k < OPTIONS; k++) {
        if (strcmp(options[k].name, word) != 0 || !(options[k].both || is_graph(q))) continue;
        if (!options[k].on) return take_value(q, k, ++*i < argc ? argv[*i] : NULL);
        *((bool *)(void *)((char *)q + options[k].on)) = true;
        return 0;
    }
    return refuse(q, "there is no option", word);
}

static const char *network_name(unsigned i)
{
    unsigned n;
    return gti_cli_networks(&n)[i].name;
}

static int unknown(const request *q)
{
    unsigned n;
    gti_cli_networks(&n);
    const char *meant = gti_cli_nearest(q->network, n, network_name);
    fprintf(stderr, "gradtape %s: there is no network '%s'", q->command, q->network);
    if (meant) fprintf(stderr, "; did you mean '%s'?", meant);
    fprintf(stderr, "\nTry 'gradtape %s --help'.\n", q->command);
    return 2;
}

/* The place of a word in a list that ends with NULL; 0 of NULL, -1 where it is not there. */
static int choice(const char *word, const char *const list[])
{
    for (int i = 0; word && list[i]; i++)
        if (!strcmp(word, list[i])) return i;
    return word ? -1 : 0;
}
static const char *const details[] = {"layers", "calls", "operations", NULL};
static const char *const heats[] = {"none", "flops", "bytes", "parameters", NULL};

static int check(const request *q)
{
    if (!q->network) return refuse(q, "wants the name of a network behind", q->command);
    if (!gti_cli_network_find(q->network)) return unknown(q);
    if (is_graph(q) && !q->out) return refuse(q, "wants a file to write, behind", "-o");
    if (choice(q->detail, details) < 0) return refuse(q, "--detail does not take", q->detail);
    if (choice(q->heat, heats) < 0) return refuse(q, "--heat does not take", q->heat);
    return 0;
}

/* --- the answer --- */

static long either(long asked, long usual)
{
    return asked ? asked : usual;
}

static void draw(const request *q, gt_module *m, gt_shape input)
{
    const gt_graph_opts opts = {.detail = (gt_graph_detail)choice(q->detail, details),
                                .depth = (int)q->depth,
                                .sideways = q->sideways,
                                .unfolded = q->unfolded,
                                .heat = (gt_graph_heat)choice(q->heat, heats),
                                .dpi = (int)q->dpi,
                                .backward = q->backward,
                                .training = q->training};
    if (gt_module_render_(m, q->out, input, opts) == GT_OK) printf("%s\n", q->out);
}

static int answer(const request *q)
{
    gt_ctx *gt = gt_open();
    gt_set_error_handler(gt, gt_ignore_error, NULL);
    const gti_cli_network *n = gti_cli_network_find(q->network);
    const long size = either(q->size, n->size);
    const gt_shape input = GT_SHAPE(either(q->batch, q->backward ? 2 : 1),
                                    either(q->channels, n->channels), size, size);
    gt_module *m =
        n->build(gt, (int)either(q->channels, n->channels), (int)either(q->classes, n->classes));
    if (m && q->weights) {
        gt_set_shapes_only(gt, true); /* what is lazy has its parameters then */
        gt_forward(m, gt_zeros(gt, input));
        gt_set_shapes_only(gt, false);
        gt_load(m, q->weights);
    }
    if (is_graph(q)) draw(q, m, input);
    else gt_summary(stdout, m, input, .depth = (int)q->depth);
    const int bad = gt_failed(gt);
    if (bad) fprintf(stderr, "gradtape %s: %s\n", q->command, gt_error_message(gt));
    gt_close(gt);
    return bad;
}

int gti_cli_graph(int argc, char **argv)
{
    request q = {.command = argv[0]};
    int status = 0;
    for (int i = 1; i < argc && !status; i++) status = take(&q, argc, argv, &i);
    if (!status && q.help) return usage(stdout, &q), 0;
    if (!status) status = check(&q);
    return status ? status : answer(&q);
}
