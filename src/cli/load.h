/* What commands are asked about: a network by its name, or a model in a file. */
#ifndef GTI_CLI_LOAD_H
#define GTI_CLI_LOAD_H

#include "cli.h"

typedef struct {
    const char *network; /* a name of networks.h, or a path that ends in ".onnx" */
    const char *weights;
    long batch, size, channels, classes; /* 0: as it comes */
} gti_cli_asked;
/* Rows of options for a member of this type. */
#define GTI_CLI_ASKED(request, member)                                                             \
    {"--weights", "FILE", GTI_CLI_TEXT, offsetof(request, member.weights),                         \
     "load these: a safetensors file that fits the network"},                                      \
        {"--batch", "N", GTI_CLI_COUNT, offsetof(request, member.batch),                           \
         "items in the batch (1)"},                                                                \
        {"--size", "N", GTI_CLI_COUNT, offsetof(request, member.size),                             \
         "height and width of the images"},                                                        \
        {"--channels", "N", GTI_CLI_COUNT, offsetof(request, member.channels), "of the images"},   \
        {"--classes", "N", GTI_CLI_COUNT, offsetof(request, member.classes), "of the results"},
enum { GTI_CLI_ASKED_OPTIONS = 5 };

bool gti_cli_is_onnx(const char *path);
/* Says that there is no such network. Returns 2. */
int gti_cli_unknown_network(const char *command, const char *name);
/* Says what is wrong with the question: -1 nothing, else a status. */
int gti_cli_check_asked(const char *command, const gti_cli_asked *q);
/* The network, with its weights, and the shape and dtype of its input. NULL after a failure. */
gt_module *gti_cli_load(gt_ctx *gt, const gti_cli_asked *q, gt_shape *input, gt_dtype *dtype);
/* Prints the list of networks. */
void gti_cli_print_networks(void);

#endif
