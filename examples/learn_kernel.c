/* Learning a kernel: section 7.2 of "Dive into Deep Learning" (https://d2l.ai), in its order. */
#include <gradtape.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

typedef struct {
    unsigned long long seed;
    double kernel[2]; /* where learning starts; NaN: at random */
    const char *graph;
} settings;

/* 7.2.2: a layer of one's own, cross-correlation plus a scalar bias. */
typedef struct {
    gt_module base;
    gt_tensor *weight, *bias;
} Conv2D;

static gt_tensor *conv2D_forward(gt_module *m, gt_tensor *x)
{
    Conv2D *c = (Conv2D *)m;
    return gt_add(gt_corr2d(x, c->weight), c->bias);
}

static gt_module *conv2D(gt_ctx *gt, int kh, int kw)
{
    static const gt_module_type type = {"Conv2D", sizeof(Conv2D), .forward = conv2D_forward};
    Conv2D *c = (Conv2D *)gt_module_new(gt, &type);
    if (!c) return NULL;
    c->weight = gt_module_add_parameter(&c->base, "weight", gt_rand(gt, GT_SHAPE(kh, kw)));
    c->bias = gt_module_add_parameter(&c->base, "bias", gt_zeros(gt, GT_SHAPE(1)));
    return &c->base;
}

/* 7.2.4: the kernel between image X and edges Y, found by gradient descent. */
static void learn(gt_ctx *gt, gt_tensor *X, gt_tensor *Y, const settings *s)
{
    gt_manual_seed(gt, s->seed);
    X = gt_set_name(gt_reshape(X, GT_SHAPE(1, 1, 6, 8)), "X"); /* example, channel, height, width */
    Y = gt_set_name(gt_reshape(Y, GT_SHAPE(1, 1, 6, 7)), "Y");
    gt_module *conv = gt_nn_lazy_conv2d(gt, 1, .kernel = {1, 2}, .no_bias = true);
    gt_optimizer *sgd = gt_sgd(conv, .lr = 3e-2);

    gt_mark start = gt_mark_tape(gt);
    gt_forward(conv, X); /* a lazy layer gets its weight at its first input */
    gt_tensor *weight = gt_module_parameter(conv, "weight");
    if (!isnan(s->kernel[0]))
        gt_copy_into(weight, gt_values(gt, GT_SHAPE(1, 1, 1, 2), s->kernel[0], s->kernel[1]));
    printf("initial kernel %.8f %.8f\n", gt_get(weight, 0, 0, 0, 0), gt_get(weight, 0, 0, 0, 1));
    for (int epoch = 1; epoch <= 10; epoch++) {
        gt_rewind(gt, start); /* forget the step before */
        gt_tensor *loss = gt_sum(gt_square(gt_sub(gt_forward(conv, X), Y)));
        gt_backward(loss, .create_graph = s->graph != NULL);
        gt_optimizer_step(sgd);
        if (epoch % 2 == 0) printf("epoch %d, loss %.3f\n", epoch, gt_item(loss));
    }
    gt_print(stdout, gt_reshape(gt_detach(weight), GT_SHAPE(1, 2)));
    if (s->graph && gt_tape_render(gt, s->graph, .detail = GT_DETAIL_CALLS) == GT_OK)
        printf("graph of the last step: %s\n", s->graph);
}

static void notebook(gt_ctx *gt, const settings *s)
{
    printf("7.2.1  Cross-correlation\n");
    gt_tensor *X = gt_values(gt, GT_SHAPE(3, 3), 0, 1, 2, 3, 4, 5, 6, 7, 8);
    gt_tensor *K = gt_values(gt, GT_SHAPE(2, 2), 0, 1, 2, 3);
    gt_print(stdout, gt_corr2d(X, K));

    printf("\n7.2.2  A layer of one's own\n");
    gt_manual_seed(gt, s->seed);
    gt_mark before = gt_mark_tape(gt);
    gt_print(stdout, gt_forward(conv2D(gt, 2, 2), X));
    gt_rewind(gt, before);

    printf("\n7.2.3  Edges of an image, and of the image transposed\n");
    gt_tensor *image = gt_ones(gt, GT_SHAPE(6, 8)), *edge = gt_values(gt, GT_SHAPE(1, 2), 1, -1);
    gt_fill_slice(image, 1, 2, 6, 0);
    gt_tensor *edges = gt_corr2d(image, edge);
    gt_print(stdout, image);
    gt_print(stdout, edges);
    gt_print(stdout, gt_corr2d(gt_transpose(image, 0, 1), edge));

    printf("\n7.2.4  Learning the kernel from image and edges\n");
    learn(gt, image, edges, s);

    printf("\n7.2.5  Strict convolution: cross-correlation with the kernel flipped\n");
    gt_print(stdout, gt_corr2d(X, gt_flip(K, GT_AXES(0, 1))));
}

/* The value V of "NAME V" or "NAME=V" at **arg; NULL if that is something else. */
static const char *option(const char *name, char ***arg)
{
    size_t n = strlen(name);
    if (strncmp(**arg, name, n) != 0) return NULL;
    if ((**arg)[n] == '=') return **arg + n + 1;
    return (**arg)[n] == '\0' && (*arg)[1] ? *++*arg : NULL;
}

/* The first argument that is of no use, or NULL. */
static const char *parse(char **arg, settings *s)
{
    for (const char *value; *arg; arg++) {
        double *k = s->kernel;
        bool good = false;
        char more;
        if ((value = option("--seed", &arg)))
            good = *value != '-' && sscanf(value, "%19llu%c", &s->seed, &more) == 1;
        else if ((value = option("--kernel", &arg)))
            good = sscanf(value, "%lf,%lf%c", &k[0], &k[1], &more) == 2 && isfinite(k[0] + k[1]);
        else if ((value = option("--graph", &arg))) good = (s->graph = value);
        if (!good) return *arg;
    }
    return NULL;
}

int main(int argc, char **argv)
{
    static const char usage[] =
        "usage: learn_kernel [options]\n"
        "Learns a convolution kernel from an image and its edges.\n\n"
        "  --seed N          of all that is random, a whole number from 0 on (7)\n"
        "  --kernel A,B      two numbers that learning starts from (random ones)\n"
        "  --graph FILE.svg  where to draw the graph of the last step (nowhere)\n"
        "  --help            print this\n";
    if (argc == 2 && strcmp(argv[1], "--help") == 0) return fputs(usage, stdout) < 0;
    settings s = {.seed = 7, .kernel = {NAN}};
    const char *bad = parse(argv + 1, &s);
    if (bad) return fprintf(stderr, "learn_kernel: cannot use '%s'\n%s", bad, usage), 2;
    gt_ctx *gt = gt_open();
    notebook(gt, &s);
    const bool failed = gt_failed(gt); /* its message is on stderr */
    gt_close(gt);
    return failed;
}
