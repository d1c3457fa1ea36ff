/* gradtape onnx: files of ONNX, looked at, written and run. */
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "load.h"

typedef struct {
    gti_cli_asked of;
    const char *out;
    unsigned long long opset;
} request;

static const gti_cli_option options[] = {
    {"-o", "FILE", GTI_CLI_TEXT, offsetof(request, out), "what is written: see above"},
    {"--opset", "N", GTI_CLI_WHOLE, offsetof(request, opset), "operator set of a model (17)"},
    GTI_CLI_ASKED(request, of)};
static const gti_cli_command command = {
    "usage: gradtape onnx MODEL.onnx\n"
    "       gradtape onnx NETWORK -o MODEL.onnx [--opset N] [--weights FILE] [OPTION...]\n"
    "       gradtape onnx run MODEL.onnx X.npy... -o Y.npy|Y.safetensors\n\n"
    "Prints what is in a model: versions, inputs and outputs, operators, initialisers, and\n"
    "what cannot be imported. With -o writes a network (or a model, as it is read) as a\n"
    "model. 'run' gives a model arrays, in the order of its inputs, and writes its first\n"
    "output as .npy, or all of them by their names as .safetensors.\n",
    GTI_CLI_OPTIONS_OF(options),
    "a file MODEL.onnx, the name of a network, or 'run' with a model and arrays",
    1,
    INT_MAX,
    gti_cli_print_networks};

static void save(gt_ctx *gt, const request *q)
{
    gt_shape input;
    gt_dtype dtype;
    gt_module *m = gti_cli_load(gt, &q->of, &input, &dtype);
    if (m && gt_onnx_save(m, q->out, input, .opset = (int)q->opset, .dtype = dtype) == GT_OK)
        printf("%s\n", q->out);
}

/* --- run --- */

enum { MOST = 64 }; /* inputs and outputs */

static bool check_counts(gt_module *m, int n)
{
    const int in = gt_onnx_n_inputs(m), out = gt_onnx_n_outputs(m);
    if (in == n && in <= MOST && out < MOST) return true;
    gt_module_fail(m, GT_ERR_ARGUMENT, "has %d inputs and %d outputs; given are %d arrays", in, out,
                   n);
    for (int i = 0; i < in; i++) fprintf(stderr, "  input %d: %s\n", i, gt_onnx_input_name(m, i));
    return false;
}

static bool is_npy(const char *path)
{
    const char *dot = strrchr(path, '.');
    return dot && !strcasecmp(dot, ".npy");
}

static void write_outputs(gt_ctx *gt, const gt_module *m, gt_tensor *const out[], const char *path)
{
    gt_named_tensor list[MOST] = {{NULL, NULL}};
    char shape[128];
    for (int i = 0; i < gt_onnx_n_outputs(m); i++) {
        list[i] = (gt_named_tensor){gt_onnx_output_name(m, i), out[i]};
        gt_shape_format(out[i]->shape, shape, sizeof shape);
        printf("%s %s %s\n", list[i].name, gt_dtype_name(out[i]->dtype), shape);
    }
    const gt_status status =
        is_npy(path) ? gt_npy_save(out[0], path) : gt_save_tensors(gt, path, list);
    if (status == GT_OK) printf("%s\n", path);
}

static void run(gt_ctx *gt, const char *path, int n, char **arrays, const char *to)
{
    gt_tensor *in[MOST], *out[MOST];
    gt_module *m = gt_onnx_load(gt, path);
    if (!m || !check_counts(m, n)) return;
    gt_set_recording(gt, false);
    for (int i = 0; i < n; i++) in[i] = gt_npy_load(gt, arrays[i]);
    if (!gt_failed(gt) && gt_onnx_forward(m, n, in, out) == GT_OK) write_outputs(gt, m, out, to);
}

/* --- the question --- */

static bool can_hold(const char *path)
{
    const char *dot = strrchr(path, '.');
    return dot && (!strcasecmp(dot, ".npy") || !strcasecmp(dot, ".safetensors"));
}

/* An option that only writing a model asks for; NULL: none was given. */
static const char *useless(const request *q)
{
    return q->opset         ? "--opset"
           : q->of.weights  ? "--weights"
           : q->of.batch    ? "--batch"
           : q->of.size     ? "--size"
           : q->of.channels ? "--channels"
           : q->of.classes  ? "--classes"
                            : NULL;
}

static int check_run(const request *q, char **argv)
{
    if (useless(q)) return gti_cli_refuse("onnx", "%s is of no use to 'run'", useless(q));
    if (!argv[2]) return gti_cli_refuse("onnx", "run wants a model");
    if (!q->out) return gti_cli_refuse("onnx", "run wants a file to write, behind '-o'");
    if (can_hold(q->out)) return -1;
    return gti_cli_refuse("onnx", "'%s' does not end in .npy or .safetensors", q->out);
}

static int check(const request *q, char **argv)
{
    if (!strcmp(argv[1], "run")) return check_run(q, argv);
    if (argv[2]) return gti_cli_refuse("onnx", "takes one model or network, and no '%s'", argv[2]);
    const int status = gti_cli_check_asked("onnx", &q->of);
    if (status >= 0 || q->out) return status;
    if (!gti_cli_is_onnx(argv[1]))
        return gti_cli_refuse("onnx", "wants a file to write '%s' into, behind '-o'", argv[1]);
    return useless(q) ? gti_cli_refuse("onnx", "%s is of no use without '-o'", useless(q)) : -1;
}

int gti_cli_onnx(int argc, char **argv)
{
    request q = {.out = NULL};
    int status = gti_cli_read(&command, &q, argc, argv);
    if (status >= 0) return status;
    q.of.network = argv[1];
    status = check(&q, argv);
    if (status >= 0) return status;
    int n = 0;
    gt_ctx *gt = gti_cli_open();
    while (argv[2] && argv[3 + n]) n++;
    if (q.out && !gti_cli_can_write(gt, q.out)) return gti_cli_close(gt, "onnx");
    if (!strcmp(argv[1], "run")) run(gt, argv[2], n, argv + 3, q.out);
    else if (q.out) save(gt, &q);
    else (void)gt_onnx_print(gt, argv[1], stdout);
    return gti_cli_close(gt, "onnx");
}
