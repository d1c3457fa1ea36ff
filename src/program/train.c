/* Training of a network that reads digits, as a program. */
#include <math.h>
#include <string.h>

#include <gradtape.h>

typedef struct {
    const gt_program_net *net;
    const char *folder, *save, *curve, *graph;     /* NULL: none */
    const char *onnx, *c;                          /* likewise */
    long size, images, epochs, steps, batch, seed; /* size, epochs, batch 0: see complete */
    double lr, momentum;                           /* lr 0, momentum NaN: likewise */
    bool variant, book, xavier, sgd, resume, summary, backward, losses, f64, no_dropout, capture;
    int64_t done; /* steps of this run */
} settings;

/* Fills in what the command line left open. */
static void complete(settings *s)
{
    const gt_program_net *net = s->net;
    s->xavier |= s->book;
    s->sgd |= s->book;
    if (!s->size) s->size = s->book ? net->book_size : net->size;
    if (!s->epochs) s->epochs = s->book ? 10 : net->epochs;
    if (!s->batch) s->batch = s->book ? 128 : 32;
    if (isnan(s->momentum)) s->momentum = s->book ? 0 : 0.9;
    if (!(s->lr > 0)) s->lr = s->book ? net->book_lr : s->sgd ? 0.01 : net->lr;
}

/* --- training --- */

/* The start of convolutions and linear layers, whose weights alone have several dimensions.
 * Kaiming's keeps signals their size through many ReLUs; the book's, Xavier's, makes deep networks
 * without normalisation stay where they are for long. */
static void start(gt_module *m, void *user)
{
    const settings *s = user;
    gt_tensor *weight = gt_module_parameter(m, "weight");
    if (!weight || weight->shape.ndim < 2) return;
    if (s->xavier) gt_init_xavier_uniform(weight);
    else gt_init_kaiming_uniform(weight, .nonlinearity = GT_RELU);
}

/* The network, with all that is lazy made by a first input that is not computed. */
static gt_module *make(gt_ctx *gt, settings *s)
{
    gt_module *m = s->net->build(gt, s->variant);
    gt_shape input = GT_SHAPE(1, 1, s->size, s->size);
    gt_eval(m);
    gt_set_shapes_only(gt, true);
    gt_forward(m, gt_zeros(gt, input));
    gt_set_shapes_only(gt, false);
    gt_train(m);
    gt_module_apply(m, start, s);
    if (s->net->start && !s->xavier) s->net->start(m);
    if (s->f64) gt_module_to(m, GT_F64);
    if (s->summary) gt_summary(stdout, m, input, .dtype = s->f64 ? GT_F64 : GT_F32);
    input.dim[0] = 2; /* one image has no variance where maps are of one pixel */
    if (s->graph && gt_module_render(m, s->graph, input, .backward = s->backward) == GT_OK)
        printf("graph: %s\n", s->graph);
    return m;
}

static gt_loader *load(gt_ctx *gt, const settings *s, bool train)
{
    const int size = (int)s->size;
    const int64_t count = train ? s->images : (s->images + 3) / 4;
    gt_dataset *d = s->folder ? gt_mnist(gt, s->folder, train)
                              : gt_generated_digits(gt, count, .size = size,
                                                    .seed = 2 * (uint64_t)s->seed + !train);
    return gt_loader_new(
        d, s->batch, .shuffle = train, .threads = 1, .dtype = s->f64 ? GT_F64 : GT_F32,
        .transforms = GT_TRANSFORMS({.kind = GT_RESIZE, .size = {size}},
                                    {.kind = GT_NORMALISE, .mean = {0.13}, .std = {0.31}}));
}

static void leave_out(gt_module *m, void *user)
{
    (void)user;
    if (strncmp(m->type->name, "Dropout", 7) == 0) gt_eval(m);
}

static bool after_step(const gt_fit_state *f, void *user)
{
    settings *s = user;
    s->done++;
    if (s->losses) gt_fprintf(stdout, "step %lld  loss %.17g\n", (long long)f->step, f->loss);
    return s->done != s->steps;
}

/* --- with a captured step --- */

typedef struct {
    gt_module *net;
    gt_optimizer *optimizer;
    gt_tensor *x, *y;
} batch;

static gt_tensor *learn(gt_ctx *gt, void *user)
{
    batch *b = user;
    (void)gt;
    gt_tensor *loss = gt_cross_entropy(gt_forward(b->net, b->x), b->y);
    gt_zero_grad(b->net);
    gt_backward(loss);
    gt_optimizer_step(b->optimizer);
    return loss;
}

/* The first full batch is captured, the others are replayed, and a smaller one is learned by a
 * call. */
static gt_tensor *learn_batch(gt_ctx *gt, batch *b, gt_captured **c, const settings *s)
{
    if (b->x->shape.dim[0] != s->batch) return learn(gt, b);
    if (*c) gt_replay(*c);
    else *c = gt_capture(gt, learn, b, .inputs = {&b->x, &b->y});
    return gt_captured_result(*c);
}

/* What gt_fit does, to the same bits, without its history and files. */
static void train_captured(gt_module *m, gt_optimizer *o, gt_loader *train, gt_loader *test,
                           gt_schedule *schedule, settings *s)
{
    gt_ctx *gt = m->ctx;
    batch b = {.net = m, .optimizer = o};
    gt_captured *c = NULL;
    gt_loader_reset(train);
    const gt_mark start = gt_mark_tape(gt);
    bool more = true;
    for (long epoch = 1; epoch <= s->epochs && more && !gt_failed(gt); epoch++) {
        while (more && gt_loader_next(train, &b.x, &b.y)) {
            gt_rewind(gt, start);
            const gt_tensor *loss = learn_batch(gt, &b, &c, s);
            if (!loss) return;
            s->done++;
            if (s->losses)
                gt_fprintf(stdout, "step %lld  loss %.17g\n", (long long)s->done, gt_item(loss));
            more = s->done != s->steps && !gt_stop_requested();
        }
        double means[2]; /* loss, accuracy */
        if (!more || gt_evaluate(m, test, means) != GT_OK) break;
        gt_fprintf(stdout, "epoch %ld  test loss %.4f  accuracy %.3f\n", epoch, means[0], means[1]);
        if (schedule) gt_schedule_step(schedule);
    }
    gt_captured_free(c);
    gt_rewind(gt, start);
}

/* The trained network for other programs. */
static void write_elsewhere(gt_module *m, const settings *s)
{
    const gt_shape input = GT_SHAPE(1, 1, s->size, s->size);
    if (s->onnx && gt_onnx_save(m, s->onnx, input) == GT_OK) printf("ONNX: %s\n", s->onnx);
    if (s->c && gt_export_c(m, s->c, input) == GT_OK) printf("C: %s\n", s->c);
}

static void run(gt_ctx *gt, void *user)
{
    settings *s = user;
    complete(s);
    gt_manual_seed(gt, (uint64_t)s->seed);
    gt_module *m = make(gt, s);
    gt_loader *train = load(gt, s, true), *test = load(gt, s, false);
    gt_optimizer *o =
        s->sgd ? gt_sgd(m, .lr = s->lr, .momentum = s->momentum) : gt_adam(m, .lr = s->lr);
    gt_schedule *schedule = s->book ? NULL : gt_cosine_annealing_lr(o, s->epochs);
    if (s->capture && (s->save || s->curve))
        gt_fail(gt, GT_ERR_ARGUMENT, "--capture", "goes neither with --save nor with --curve");
    if (gt_failed(gt)) return;
    gt_fprintf(stdout, "%s: %.3g million parameters, images of %ldx%ld\n", s->net->title,
               (double)gt_module_n_parameters(m) / 1e6, s->size, s->size);

    gt_progress clock = gt_progress_begin(NULL, NULL, 0);
    gt_history *h = NULL;
    if (s->no_dropout) gt_module_apply(m, leave_out, NULL);
    if (s->capture) train_captured(m, o, train, test, schedule, s);
    else
        h = gt_fit(m, o, train, .epochs = s->epochs, .valid = test, .schedule = schedule,
                   .checkpoint = s->save, .resume = s->resume, .log = stdout,
                   .callbacks = GT_CALLBACKS({.step = after_step, .user = s}));
    const double seconds = gt_progress_seconds(&clock);
    if (gt_failed(gt)) return;
    if (h && gt_history_rows(h) > 1) gt_history_plot(h, stdout, .height = 10);
    if (h && s->curve && gt_history_write_svg(h, s->curve, .title = s->net->title) == GT_OK)
        printf("curve: %s\n", s->curve);
    gt_fprintf(stdout, "%.1f s, %.0f images/s with tests\n", seconds,
               (double)(s->done * s->batch) / seconds);
    if (h && s->save) printf("checkpoint: %s\n", s->save);
    if (gt_stop_requested()) return;
    double means[2]; /* loss, accuracy */
    if (gt_evaluate(m, test, means) == GT_OK) gt_fprintf(stdout, "test accuracy %.3f\n", means[1]);
    write_elsewhere(m, s);
}

/* --- the command line --- */

int gt_program_train(int argc, char **argv, const gt_program_net *net)
{
    settings s = {.net = net, .images = 3000, .momentum = NAN, .seed = 1};
    char about[320], epochs[64], lr[64];
    snprintf(epochs, sizeof epochs, "times through the training set (%ld)", net->epochs);
    gt_snprintf(lr, sizeof lr, "learning rate (%g, with --sgd 0.01)", net->lr);
    gt_snprintf(
        about, sizeof about,
        "Trains %s on generated digits of %ldx%ld, or on images in files.\n"
        "The rate falls along a cosine. --book sets what the book has: a constant rate, --xavier\n"
        "--sgd --momentum 0 --lr %g --batch 128 --epochs 10 --size %ld, unless these say "
        "otherwise.",
        net->title, net->size, net->size, net->book_lr, net->book_size);
    const gt_program_option options[] = {
        {"--data", "DIR", "images in MNIST's format: MNIST, Fashion-MNIST, ...", .text = &s.folder},
        {"--images", "N", "to generate otherwise, and a quarter more for tests (3000)",
         .count = &s.images, .least = 1},
        {"--size", "N", "height and width, to which images are resized", .count = &s.size,
         .least = net->least_size},
        {"--epochs", "N", epochs, .count = &s.epochs, .least = 1},
        {"--steps", "N", "stop after so many batches of this run", .count = &s.steps, .least = 1},
        {"--batch", "N", "images in a batch (32)", .count = &s.batch, .least = 1},
        {"--book", NULL, "train as the book does: see above", .on = &s.book},
        {"--xavier", NULL, "start with Xavier's weights rather than Kaiming's", .on = &s.xavier},
        {"--sgd", NULL, "descend with momentum rather than by Adam", .on = &s.sgd},
        {"--lr", "X", lr, .number = &s.lr, .above_0 = true},
        {"--momentum", "X", "of --sgd (0.9)", .number = &s.momentum},
        {"--seed", "N", "of all that is random (1)", .count = &s.seed},
        {"--save", "FILE", "write the run after each epoch and after Ctrl-C", .text = &s.save},
        {"--resume", NULL, "go on from there", .on = &s.resume, .needs = "--save"},
        {"--curve", "FILE", "draw the losses as SVG", .text = &s.curve, .ends = ".svg"},
        {"--summary", NULL, "print the network first, layer by layer", .on = &s.summary},
        {"--graph", "FILE", "draw the network first, as .svg, .png, .html, ...", .text = &s.graph},
        {"--onnx", "FILE", "write the trained network as ONNX", .text = &s.onnx, .ends = ".onnx"},
        {"--c", "FILE", "write it as C without dependencies", .text = &s.c, .ends = ".c"},
        {"--backward", NULL, "and its backward pass", .on = &s.backward, .needs = "--graph"},
        {"--losses", NULL, "print the loss of each batch", .on = &s.losses},
        {"--f64", NULL, "compute with doubles", .on = &s.f64},
        {"--capture", NULL, "capture a step and replay it; without --save and --curve",
         .on = &s.capture},
        {"--no-dropout", NULL, "leave dropout out", .on = &s.no_dropout},
        {net->option, NULL, net->option_help, .on = &s.variant},
        {.name = NULL},
    };
    return gt_program_main(argc, argv, about, run, &s, options);
}
