/* Networks by name, and models from files. */
#include "load.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "networks.h"

static long either(long asked, long usual)
{
    return asked ? asked : usual;
}

bool gti_cli_is_onnx(const char *path)
{
    const char *dot = strrchr(path, '.');
    return dot && !strcasecmp(dot, ".onnx");
}

int gti_cli_unknown_network(const char *command, const char *name)
{
    size_t n;
    const gti_cli_network *all = gti_cli_networks(&n);
    return gti_cli_unknown(command, "network", name, all, n, sizeof *all);
}

int gti_cli_check_asked(const char *command, const gti_cli_asked *q)
{
    const bool onnx = gti_cli_is_onnx(q->network);
    if (!onnx && !gti_cli_network_find(q->network))
        return gti_cli_unknown_network(command, q->network);
    const char *useless = q->channels ? "--channels" : q->classes ? "--classes" : NULL;
    if (onnx && useless)
        return gti_cli_refuse(command, "%s is of no use for '%s': the file says it", useless,
                              q->network);
    return -1;
}

void gti_cli_print_networks(void)
{
    size_t n;
    const gti_cli_network *net = gti_cli_networks(&n);
    printf("\nNetworks, and their images:\n");
    for (size_t i = 0; i < n; i++)
        printf("  %-16s%s (%dx%dx%d)\n", net[i].name, net[i].meaning, net[i].channels, net[i].size,
               net[i].size);
}

/* --- from a file --- */

/* The only input's shape: what has no number is the batch, or the size of images. */
static bool onnx_input(gt_module *m, const gti_cli_asked *q, gt_shape *input, gt_dtype *dtype)
{
    if (gt_onnx_n_inputs(m) != 1) {
        gt_module_fail(m, GT_ERR_UNSUPPORTED, "has %d inputs; this command is for models of one",
                       gt_onnx_n_inputs(m));
        return false;
    }
    if (!gt_onnx_input_type(m, 0, input, dtype)) {
        gt_module_fail(m, GT_ERR_UNSUPPORTED, "says nothing of its input's shape");
        return false;
    }
    for (int i = 0; i < input->ndim; i++) {
        const bool batch = i == 0, side = input->ndim == 4 && i >= 2;
        const long asked = batch ? q->batch : side ? q->size : 0;
        if (!asked && !batch && !input->dim[i])
            return gt_module_fail(m, GT_ERR_ARGUMENT,
                                  "says no number for dimension %d of its input%s", i,
                                  side ? "; give one with --size" : ""),
                   false;
        input->dim[i] = either(asked, either(input->dim[i], 1));
    }
    return true;
}

static gt_module *from_file(gt_ctx *gt, const gti_cli_asked *q, gt_shape *input, gt_dtype *dtype)
{
    gt_module *m = gt_onnx_load(gt, q->network);
    return m && onnx_input(m, q, input, dtype) ? m : NULL;
}

/* --- by name --- */

/* What is lazy has its parameters then, which files are loaded into. */
static void materialise(gt_ctx *gt, gt_module *m, gt_shape input)
{
    gt_eval(m);
    gt_set_shapes_only(gt, true);
    gt_forward(m, gt_zeros(gt, input));
    gt_set_shapes_only(gt, false);
    gt_train(m);
}

static gt_module *by_name(gt_ctx *gt, const gti_cli_asked *q, gt_shape *input)
{
    const gti_cli_network *n = gti_cli_network_find(q->network);
    const int channels = (int)either(q->channels, n->channels);
    const long size = either(q->size, n->size);
    *input = GT_SHAPE(either(q->batch, 1), channels, size, size);
    gt_module *m = n->build(gt, channels, (int)either(q->classes, n->classes));
    if (m && q->weights) materialise(gt, m, *input);
    return m;
}

gt_module *gti_cli_load(gt_ctx *gt, const gti_cli_asked *q, gt_shape *input, gt_dtype *dtype)
{
    *dtype = GT_F32;
    gt_module *m =
        gti_cli_is_onnx(q->network) ? from_file(gt, q, input, dtype) : by_name(gt, q, input);
    if (m && q->weights) gt_load(m, q->weights);
    return gt_failed(gt) ? NULL : m;
}
