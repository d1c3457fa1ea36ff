/* Networks by the names of torchvision, whose weights fit where it has them; and U-Net. */
#include <stdio.h>

#include "networks.h"

/* Types here keep nothing, and what one child has made for the next is given back (gt_pass): then
 * inference holds two activations, and what goes around. */
static gt_tensor *run(gt_module *m, const char *child, gt_tensor *x, bool *spare)
{
    return x ? gt_pass(gt_module_child(m, child), x, spare) : NULL;
}

/* A root that runs its children one after another, whatever their names. */
static gt_tensor *forward_chain(gt_module *m, gt_tensor *x)
{
    bool spare = m->spare;
    for (gt_module *c = m->child; c && x; c = c->next) x = gt_pass(c, x, &spare);
    return x;
}

static gt_module *named(gt_ctx *gt, const gt_module_type *type, int n, const gt_named_module c[])
{
    gt_module *m = gt_module_new(gt, type);
    for (int i = 0; m && i < n; i++)
        if (c[i].module && !gt_module_add_child(m, c[i].name, c[i].module)) return NULL;
    return m;
}
#define NAMED(gt, type, ...) named(gt, type, GT_COUNTED(gt_named_module, __VA_ARGS__))

/* --- VGG-11 --- */

gt_module *gti_cli_vgg11(gt_ctx *gt, int channels, int classes)
{
    static const gt_module_type type = {
        .name = "VGG", .size = sizeof(gt_module), .keeps_nothing = true, .forward = forward_chain};
    static const int width[] = {64, 0, 128, 0, 256, 256, 0, 512, 512, 0, 512, 512, 0}; /* 0: pool */
    gt_module *features = gt_nn_sequential_empty(gt);
    for (size_t i = 0, in = (size_t)channels; i < sizeof width / sizeof *width; i++) {
        if (width[i] == 0) {
            gt_module_append(features, gt_nn_max_pool2d(gt, .kernel = {2}, .stride = {2}));
            continue;
        }
        gt_module_append(features,
                         gt_nn_conv2d(gt, (int)in, width[i], .kernel = {3}, .padding = {1}));
        gt_module_append(features, gt_nn_relu(gt));
        in = (size_t)width[i];
    }
    gt_module *classifier =
        gt_nn_sequential(gt, gt_nn_linear(gt, 512 * 7 * 7, 4096), gt_nn_relu(gt),
                         gt_nn_dropout(gt, 0.5), gt_nn_linear(gt, 4096, 4096), gt_nn_relu(gt),
                         gt_nn_dropout(gt, 0.5), gt_nn_linear(gt, 4096, classes));
    return NAMED(gt, &type, {"features", features},
                 {"avgpool", gt_nn_adaptive_avg_pool2d(gt, 7, 7)}, {"flatten", gt_nn_flatten(gt)},
                 {"classifier", classifier});
}

/* --- ResNet-18 --- */

static gt_module *conv(gt_ctx *gt, int in, int out, int kernel, int stride)
{
    return gt_nn_conv2d(gt, in, out, .kernel = {kernel}, .stride = {stride},
                        .padding = {kernel == 1 ? GT_ZERO : kernel / 2}, .no_bias = true);
}

static gt_tensor *forward_block(gt_module *m, gt_tensor *x)
{
    static const char *const body[] = {"conv1", "bn1", "relu1", "conv2", "bn2"};
    gt_module *down = gt_module_child(m, "downsample");
    gt_tensor *y = x;
    bool spare = false, around_spare = m->spare;
    for (int i = 0; i < 5; i++) y = run(m, body[i], y, &spare);
    gt_tensor *around = down && y ? gt_pass(down, x, &around_spare) : x;
    gt_tensor *sum = y && around ? gt_add(y, around) : NULL;
    if (sum && spare) gt_release(y);
    if (sum && down && around_spare) gt_release(around);
    spare = true;
    return run(m, "relu2", sum, &spare);
}

static gt_module *block(gt_ctx *gt, int in, int out, int stride)
{
    static const gt_module_type type = {.name = "BasicBlock",
                                        .size = sizeof(gt_module),
                                        .keeps_nothing = true,
                                        .forward = forward_block};
    gt_module *down = NULL;
    if (in != out || stride != 1)
        down = gt_nn_sequential(gt, conv(gt, in, out, 1, stride), gt_nn_batch_norm2d(gt, out));
    return NAMED(gt, &type, {"conv1", conv(gt, in, out, 3, stride)},
                 {"bn1", gt_nn_batch_norm2d(gt, out)}, {"relu1", gt_nn_relu(gt)},
                 {"conv2", conv(gt, out, out, 3, 1)}, {"bn2", gt_nn_batch_norm2d(gt, out)},
                 {"downsample", down}, {"relu2", gt_nn_relu(gt)});
}

static gt_module *stage(gt_ctx *gt, int in, int out, int stride)
{
    return gt_nn_sequential(gt, block(gt, in, out, stride), block(gt, out, out, 1));
}

gt_module *gti_cli_resnet18(gt_ctx *gt, int channels, int classes)
{
    static const gt_module_type type = {.name = "ResNet",
                                        .size = sizeof(gt_module),
                                        .keeps_nothing = true,
                                        .forward = forward_chain};
    return NAMED(gt, &type, {"conv1", conv(gt, channels, 64, 7, 2)},
                 {"bn1", gt_nn_batch_norm2d(gt, 64)}, {"relu", gt_nn_relu(gt)},
                 {"maxpool", gt_nn_max_pool2d(gt, .kernel = {3}, .stride = {2}, .padding = {1})},
                 {"layer1", stage(gt, 64, 64, 1)}, {"layer2", stage(gt, 64, 128, 2)},
                 {"layer3", stage(gt, 128, 256, 2)}, {"layer4", stage(gt, 256, 512, 2)},
                 {"avgpool", gt_nn_adaptive_avg_pool2d(gt, 1, 1)}, {"flatten", gt_nn_flatten(gt)},
                 {"fc", gt_nn_linear(gt, 512, classes)});
}

/* --- U-Net --- */

enum { LEVELS = 4 };

static gt_module *twice(gt_ctx *gt, int in, int out)
{
    return gt_nn_sequential(gt, conv(gt, in, out, 3, 1), gt_nn_batch_norm2d(gt, out),
                            gt_nn_relu(gt), conv(gt, out, out, 3, 1), gt_nn_batch_norm2d(gt, out),
                            gt_nn_relu(gt));
}

static char *child(char name[16], const char *what, int level)
{
    snprintf(name, 16, "%s%d", what, level);
    return name;
}

/* a and b, one behind the other by channels; both are given back where they are spare. */
static gt_tensor *join(gt_tensor *a, bool a_spare, gt_tensor *b, bool *spare)
{
    gt_tensor *y = a && b ? gt_concat(((gt_tensor *[]){a, b}), 2, 1) : NULL;
    if (y && a_spare) gt_release(a);
    if (y && *spare) gt_release(b);
    *spare = true;
    return y;
}

static gt_tensor *forward_unet(gt_module *m, gt_tensor *x)
{
    char name[16];
    gt_tensor *down[LEVELS];
    bool spare = m->spare, kept[LEVELS];
    for (int i = 0; i < LEVELS; i++) {
        down[i] = run(m, child(name, "down", i + 1), x, &spare);
        kept[i] = spare;
        spare = false;
        x = run(m, child(name, "pool", i + 1), down[i], &spare);
    }
    x = run(m, "bottom", x, &spare);
    for (int i = LEVELS; i-- > 0;) {
        x = run(m, child(name, "up", i + 1), x, &spare);
        x = join(down[i], kept[i], x, &spare);
        x = run(m, child(name, "join", i + 1), x, &spare);
    }
    return run(m, "head", x, &spare);
}

gt_module *gti_cli_unet(gt_ctx *gt, int channels, int classes)
{
    static const gt_module_type type = {
        .name = "UNet", .size = sizeof(gt_module), .keeps_nothing = true, .forward = forward_unet};
    gt_module *m = gt_module_new(gt, &type);
    char name[16];
    int in = channels;
    for (int i = 0; i < LEVELS; i++) {
        gt_module_add_child(m, child(name, "down", i + 1), twice(gt, in, 64 << i));
        gt_module_add_child(m, child(name, "pool", i + 1),
                            gt_nn_max_pool2d(gt, .kernel = {2}, .stride = {2}));
        in = 64 << i;
    }
    gt_module_add_child(m, "bottom", twice(gt, in, 2 * in));
    for (int i = LEVELS; i-- > 0;) {
        const int out = 64 << i;
        gt_module_add_child(m, child(name, "up", i + 1),
                            gt_nn_conv_transpose2d(gt, 2 * out, out, .kernel = {2}, .stride = {2}));
        gt_module_add_child(m, child(name, "join", i + 1), twice(gt, 2 * out, out));
    }
    gt_module_add_child(m, "head", gt_nn_conv2d(gt, 64, classes, .kernel = {1}));
    return gt_failed(gt) ? NULL : m;
}
