/* Networks that the tool can build. */
#ifndef GTI_CLI_NETWORKS_H
#define GTI_CLI_NETWORKS_H

#include <gradtape.h>

typedef struct {
    const char *name, *meaning;
    int channels, size, classes; /* of images and results, where nothing else is asked for */
    gt_module *(*build)(gt_ctx *gt, int channels, int classes);
} gti_cli_network;

const gti_cli_network *gti_cli_networks(unsigned *n);
/* NULL: there is none of this name. */
const gti_cli_network *gti_cli_network_find(const char *name);

#endif
