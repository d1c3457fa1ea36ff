/* Siamese networks: a network makes 16 numbers of each image of a pair, so that images of one digit
 * lie near each other, and others at least 1 apart (Hadsell et al., 2006). Then it reads digits by
 * the nearest of ten examples.
 *
 *   siamese                    generated digits, a few seconds
 *   siamese --data data/mnist  MNIST, or a set in its format */
#include <gradtape.h>

typedef struct {
    const char *data;
    long images, epochs;
} settings;

/* Images [n,1,28,28] to points [n,16]. */
static gt_module *network(gt_ctx *gt)
{
    // clang-format off
    return gt_nn_sequential(gt,
        gt_nn_conv2d(gt, 1, 16, .kernel = {5}), gt_nn_relu(gt), gt_nn_max_pool2d(gt, .kernel = {2}),
        gt_nn_conv2d(gt, 16, 32, .kernel = {5}), gt_nn_relu(gt), gt_nn_max_pool2d(gt, .kernel = {2}),
        gt_nn_flatten(gt), gt_nn_linear(gt, 32 * 4 * 4, 16));
    // clang-format on
}

/* The network called twice: the distances [n] of left and right images. */
static bool distances(gt_module *m, gt_tensor *const in[], gt_tensor *out[])
{
    gt_module *twin = gt_module_child(m, "twin");
    gt_tensor *apart = gt_sub(gt_forward(twin, in[0]), gt_forward(twin, in[1]));
    return (out[0] = gt_norm(apart, .axes = GT_AXES(1)));
}

static const gt_module_type siamese = {.name = "Siamese",
                                       .size = sizeof(gt_module),
                                       .inputs = "left right",
                                       .forward_many = distances};

static gt_tensor *contrastive(const gt_batch *b, void *user)
{
    (void)user;
    gt_tensor *d = b->out[0], *same = b->target[0];
    gt_tensor *pull = gt_mul(same, gt_square(d));
    gt_tensor *push = gt_square(gt_relu(gt_rsub_scalar(d, 1)));
    return gt_mean(gt_add(pull, gt_mul(gt_rsub_scalar(same, 1), push)));
}

/* Neighbours in the order of classes, mostly of one class, and each image with any other. */
static gt_dataset *pairs(gt_tensor *x, gt_tensor *y)
{
    gt_tensor *order = gt_argsort(y, 0), *any = gt_randperm(x->ctx, x->shape.dim[0]);
    gt_tensor *left = gt_concat_of(0, order, order);
    gt_tensor *right = gt_concat_of(0, gt_roll(order, 0, 1), any);
    gt_tensor *same = gt_eq(gt_index_select(y, 0, left), gt_index_select(y, 0, right));
    return gt_tensor_dataset(gt_index_select(x, 0, left), gt_index_select(x, 0, right),
                             gt_cast(same, GT_F32));
}

/* How many digits the nearest of ten examples tells, of each class the first image. */
static double read_by_nearest(gt_module *twin, gt_tensor *x, gt_tensor *y)
{
    gt_tensor *first = gt_argmax(gt_one_hot(y, 10), 0), *point = gt_predict(twin, x); /* [n,16] */
    gt_tensor *apart = gt_sub(gt_unsqueeze(point, 1), gt_index_select(point, 0, first));
    return gt_accuracy(gt_neg(gt_norm(apart, .axes = GT_AXES(2))), y); /* of -distances [n,10] */
}

/* All images at once, for training or for tests. */
static bool load(gt_ctx *gt, const settings *s, bool train, gt_tensor **x, gt_tensor **y)
{
    gt_dataset *d = s->data ? gt_mnist(gt, s->data, train)
                            : gt_generated_digits(gt, train ? s->images : 500, .seed = !train);
    return d && gt_loader_next(gt_loader_new(d, d->count), x, y);
}

static void run(gt_ctx *gt, void *user)
{
    const settings *s = user;
    gt_tensor *x, *y, *test_x, *test_y;
    if (!load(gt, s, true, &x, &y) || !load(gt, s, false, &test_x, &test_y)) return;
    gt_manual_seed(gt, 1);
    gt_module *net = gt_module_new(gt, &siamese);
    gt_module *twin = gt_module_add_child(net, "twin", network(gt));
    gt_loader *train = gt_loader_new(pairs(x, y), 64, .shuffle = true);
    printf("read by the nearest, untrained: %.3f\n", read_by_nearest(twin, test_x, test_y));
    gt_fit(net, gt_adam(net, .lr = 2e-3), train, .epochs = s->epochs, .loss = contrastive,
           .log = stdout);
    printf("read by the nearest: %.3f\n", read_by_nearest(twin, test_x, test_y));
}

int main(int argc, char **argv)
{
    settings s = {.images = 2000, .epochs = 8};
    return gt_program_main(
        argc, argv, "Learns which digits are alike, and reads by that.", run, &s,
        GT_PROGRAM_OPTIONS(
            {"--data", "DIR", "images in MNIST's format (generated digits)", .text = &s.data},
            {"--images", "N", "to generate otherwise (2000)", .count = &s.images, .least = 20},
            {"--epochs", "N", "times through the pairs (8)", .count = &s.epochs, .least = 1}));
}
