/* gradtape diff: what differs between two graphs, or two files of weights. */
#include <stddef.h>
#include <stdio.h>

#include "cli.h"

typedef struct {
    double tolerance;
    bool json;
} request;

static const gti_cli_option options[] = {
    {"--tolerance", "T", GTI_CLI_REAL, offsetof(request, tolerance),
     "elements are the same where |a - b| <= T (1 + |b|) (0)"},
    {"--json", NULL, GTI_CLI_SWITCH, offsetof(request, json), "a line of JSON for each difference"},
};
static const gti_cli_command command = {
    "usage: gradtape diff A B [OPTION...]\n\n"
    "Compares the graphs of two files (.json, as 'gradtape graph' writes it, .onnx) and the\n"
    "weights (.safetensors, .npz, .npy, .onnx): what only A has (-), what only B has (+), what\n"
    "differs (~). The exit status is 0 if nothing does, 1 if something does, 2 after an error.\n",
    GTI_CLI_OPTIONS_OF(options),
    "two files",
    2,
    2,
    NULL};

int gti_cli_diff(int argc, char **argv)
{
    request q = {0};
    const int status = gti_cli_read(&command, &q, argc, argv);
    if (status >= 0) return status;
    gt_ctx *gt = gti_cli_open();
    const int64_t n =
        gt_diff(gt, argv[1], argv[2], stdout, .tolerance = q.tolerance, .json = q.json);
    return gti_cli_close(gt, "diff") ? 2 : n > 0;
}
