/* gradtape export-c: a network as a C file. */
#include <stddef.h>
#include <stdio.h>

#include "load.h"

typedef struct {
    gti_cli_asked of;
    const char *out, *prefix, *weights_file;
    bool big_endian, caller_memory, unfolded, operations;
} request;
#define AT(member) offsetof(request, member)

static const gti_cli_option options[] = {
    GTI_CLI_ASKED(request, of){"-o", "FILE", GTI_CLI_TEXT, AT(out),
                               "the C file; its header is beside it, NAME.c and NAME.h"},
    {"--prefix", "NAME", GTI_CLI_TEXT, AT(prefix), "of all names; that of the file"},
    {"--weights-file", "FILE", GTI_CLI_TEXT, AT(weights_file),
     "put parameters there, not into the C file"},
    {"--big-endian", NULL, GTI_CLI_SWITCH, AT(big_endian), "of the weights file; little-endian"},
    {"--caller-memory", NULL, GTI_CLI_SWITCH, AT(caller_memory),
     "the caller hands the memory for results in"},
    {"--unfolded", NULL, GTI_CLI_SWITCH, AT(unfolded), "leave batch norms as they are"},
    {"--operations", NULL, GTI_CLI_SWITCH, AT(operations), "list what can be written in C"},
};

static const gti_cli_command command = {
    "usage: gradtape export-c NETWORK -o NAME.c [OPTION...]\n"
    "       gradtape export-c MODEL.onnx -o NAME.c [OPTION...]\n\n"
    "Writes what a network computes as one C99 file without dependencies, and a header:\n"
    "void NAME_forward(const float *input, float *output).\n",
    GTI_CLI_OPTIONS_OF(options),
    "the name of a network, or a file NAME.onnx",
    0,
    1,
    gti_cli_print_networks};

static int print_operations(void)
{
    size_t n;
    const gt_op_info *all = gt_ops(&n);
    for (size_t i = 0; i < n; i++)
        if (all[i].op && !gt_export_c_reason(all[i].op)) printf("%s\n", all[i].name);
    return 0;
}

static int write(const request *q, const char *name)
{
    gt_shape input;
    gt_dtype dtype;
    gt_ctx *gt = gti_cli_open();
    gt_module *m = gti_cli_load(gt, &q->of, &input, &dtype);
    const gt_export_c_opts opts = {.prefix = q->prefix,
                                   .weights_file = q->weights_file,
                                   .big_endian = q->big_endian,
                                   .caller_memory = q->caller_memory,
                                   .unfolded = q->unfolded,
                                   .dtype = dtype};
    if (m && gt_export_c_(m, q->out, input, opts) == GT_OK) printf("%s\n", q->out);
    return gti_cli_close(gt, name);
}

int gti_cli_export_c(int argc, char **argv)
{
    request q = {.out = NULL};
    int status = gti_cli_read(&command, &q, argc, argv);
    if (status >= 0) return status;
    if (q.operations) return print_operations();
    q.of.network = argc > 1 ? argv[1] : NULL;
    if (!q.of.network) return gti_cli_refuse(argv[0], "wants %s", command.operand);
    status = gti_cli_check_asked(argv[0], &q.of);
    if (status < 0 && !q.out)
        status = gti_cli_refuse(argv[0], "wants a file to write, behind '-o'");
    return status >= 0 ? status : write(&q, argv[0]);
}
