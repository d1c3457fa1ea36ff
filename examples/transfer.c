/* Transfer learning: a network keeps what it has learned elsewhere, and only a new last layer, the
 * head, is trained, on few images. The network comes from an ONNX file, here one that the program
 * makes by training on other digits, or torchvision's:
 *
 *   transfer                           some seconds
 *   transfer --network resnet18.onnx   what this Python has written:
 *   net = torchvision.models.resnet18(weights="DEFAULT").eval()
 *   net.fc = torch.nn.Identity()
 *   torch.onnx.export(net, (torch.zeros(1, 3, 64, 64),), "resnet18.onnx", dynamo=False,
 *                     input_names=["x"], dynamic_axes={"x": {0: "batch"}}) */
#include <gradtape.h>

enum { SIZE = 64 };

typedef struct {
    const char *network;
    long images, epochs;
} settings;

static void add_layer(gt_module *m, int in, int out)
{
    gt_ctx *gt = m ? m->ctx : NULL;
    gt_module_append(m, gt_nn_conv2d(gt, in, out, .kernel = {3}, .stride = {2}, .padding = {1}));
    gt_module_append(m, gt_nn_batch_norm2d(gt, out));
    gt_module_append(m, gt_nn_relu(gt));
}

/* Images [n,3,h,w] to [n,64]. */
static gt_module *features(gt_ctx *gt)
{
    gt_module *m = gt_nn_sequential_empty(gt);
    add_layer(m, 3, 16);
    add_layer(m, 16, 32);
    add_layer(m, 32, 64);
    add_layer(m, 64, 64);
    gt_module_append(m, gt_nn_global_max_pool2d(gt));
    gt_module_append(m, gt_nn_flatten(gt));
    return m;
}

/* Images of the digits from `first` on, five of every ten. */
static gt_loader *digits(gt_ctx *gt, int first, long count, uint64_t seed)
{
    int64_t at[5000];
    for (int64_t i = 0; i < count; i++) at[i] = i / 5 * 10 + first + i % 5;
    gt_dataset *all = gt_generated_digits(gt, 10000, .size = SIZE, .rgb = true, .seed = seed);
    return gt_loader_new(
        gt_subset_at(all, count, at), 25, .shuffle = true, .threads = 1,
        .transforms = GT_TRANSFORMS(
            {.kind = GT_NORMALISE, .mean = {0.485, 0.456, 0.406}, .std = {0.229, 0.224, 0.225}}));
}

static void run(gt_ctx *gt, void *user)
{
    const settings *s = user;
    const char *path = s->network ? s->network : "transfer.onnx";
    gt_manual_seed(gt, 1);
    if (!s->network) {
        gt_module *body = features(gt), *net = gt_nn_sequential(gt, body, gt_nn_linear(gt, 64, 10));
        printf("1000 images of 0 to 4, all layers:\n");
        gt_fit(net, gt_adam(net, .lr = 3e-3), digits(gt, 0, 1000, 1), .epochs = s->epochs,
               .log = stdout);
        if (gt_onnx_save(body, path, GT_SHAPE(1, 3, SIZE, SIZE)) != GT_OK) return;
    }
    gt_loader *few = digits(gt, 5, s->images, 2), *tests = digits(gt, 5, 250, 3);
    gt_module *body = gt_onnx_load(gt, path, .frozen = true), *head = gt_nn_lazy_linear(gt, 10);
    gt_module *net = gt_nn_sequential(gt, body, head); /* the body stays in evaluation mode */
    if (gt_failed(gt)) return;
    printf("%ld images of 5 to 9, a new head alone:\n", s->images);
    gt_history *h = gt_fit(net, gt_adam(head, .lr = 1e-2), few, .epochs = 4 * s->epochs,
                           .valid = tests, .log = stdout);
    net = gt_nn_sequential(gt, features(gt), gt_nn_linear(gt, 64, 10));
    printf("the same images, all layers of a network that has learned nothing:\n");
    gt_history *all = gt_fit(net, gt_adam(net, .lr = 3e-3), few, .epochs = 4 * s->epochs,
                             .valid = tests, .log = stdout);
    if (!h || !all) return;
    printf("accuracy on others: all layers %.3f, a new head alone %.3f\n",
           gt_history_get(all, -1, "val_accuracy"), gt_history_get(h, -1, "val_accuracy"));
}

int main(int argc, char **argv)
{
    settings s = {.images = 100, .epochs = 5};
    return gt_program_main(
        argc, argv, "Trains a new last layer on what a network has learned elsewhere.", run, &s,
        GT_PROGRAM_OPTIONS(
            {"--network", "FILE", "images [n,3,64,64] to numbers (trained first, on other digits)",
             .text = &s.network, .ends = ".onnx"},
            {"--images", "N", "to learn from (100)", .count = &s.images, .least = 25},
            {"--epochs", "N", "before, then four times (5)", .count = &s.epochs, .least = 1}));
}
