/* Networks that the tool can build, and the programs of bench/ train. */
#ifndef GTI_CLI_NETWORKS_H
#define GTI_CLI_NETWORKS_H

#include <gradtape.h>

typedef struct {
    const char *name, *meaning;
    int channels, size, classes; /* of images and results, where nothing else is asked for */
    gt_module *(*build)(gt_ctx *gt, int channels, int classes);
} gti_cli_network;

const gti_cli_network *gti_cli_networks(size_t *n);
/* NULL: there is none of this name. */
const gti_cli_network *gti_cli_network_find(const char *name);

/* --- networks_named.c --- */
gt_module *gti_cli_vgg11(gt_ctx *gt, int channels, int classes);
gt_module *gti_cli_resnet18(gt_ctx *gt, int channels, int classes);
gt_module *gti_cli_unet(gt_ctx *gt, int channels, int classes);

#endif
