/* The command line tool: every subcommand, and what it says to what it does not know. */
#define _POSIX_C_SOURCE 200809L
#include <gradtape.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "program.h"

#define PROGRAM GT_BINARY_DIR "/gradtape"
#define RUN "'" PROGRAM "'"

static const struct {
    const char *arguments;
    int status;
    const char *output; /* part of it, or of the errors where the status is not 0 */
} calls[] = {
    {"", 2, "usage: gradtape COMMAND"},
    {"--help", 0, "usage: gradtape COMMAND"},
    {"-h", 0, "usage: gradtape COMMAND"},
    {"help", 0, "usage: gradtape COMMAND"},
    {"help --help", 0, "usage: gradtape COMMAND"},
    {"help help", 0, "usage: gradtape COMMAND"},
    {"help ops", 0, "usage: gradtape ops"},
    {"help check", 0, "usage: gradtape check"},
    {"help profile", 0, "usage: gradtape profile"},
    {"help version", 0, "usage: gradtape version"},
    {"help opps", 2, "there is no command 'opps'; did you mean 'ops'?"},
    {"help ops check", 2, "takes one command"},
    {"ops --help", 0, "usage: gradtape ops"},
    {"version --help", 0, "usage: gradtape version"},
    {"version", 0, "gradtape  " GT_VERSION "\n"},
    {"--version", 0, "gradtape  " GT_VERSION "\n"},
    {"version", 0, "BLAS      "},
    {"version now", 2, "gradtape version: takes no arguments, not 'now'"},
    {"verison", 2, "there is no command 'verison'; did you mean 'version'?"},
    {"chekc", 2, "did you mean 'check'?"},
    {"somethingelse", 2, "there is no command 'somethingelse'\n"},
    {"''", 2, "there is no command ''\n"},
    {"ops conv2d", 0, "in C     gt_conv2d(gt_tensor *x, gt_tensor *weight, ...)"},
    {"ops gt_conv2d", 0, "conv2d\n"},
    {"ops add sub", 0, "a - b"},
    {"ops conv2d_dw", 0, "(inner: made by backward rules)"},
    {"ops reshape", 0, "a view"},
    {"ops transpose", 0, "gradient composed"},
    {"ops cos", 0, "gradient dx = -dy sin x"},
    {"ops eq", 0, "gradient none"},
    {"ops axpy", 0, "call     axpy(y, x, p)"},
    {"ops softplus", 0, "options  .beta (1): how sharp the bend is; .threshold (20): beta x"},
    {"ops conv2d", 0, "section  Convolutions"},
    {"ops --markdown", 0, "| neg | `gt_neg(gt_tensor *x)` | -x | dx = -dy |  |\n"},
    {"ops --markdown", 0, "| `gt_sum(gt_tensor *x, ...)` |"},
    {"ops --markdown", 0, "| \\|x\\| |"},
    {"ops --markdown add", 2, "--markdown takes no names, not 'add'"},
    {"ops --markdwon", 2, "there is no option '--markdwon'; did you mean '--markdown'?"},
    {"ops conv3d", 2, "there is no operation 'conv3d'; did you mean 'conv2d'?"},
    {"ops xyzzy", 2, "there is no operation 'xyzzy'\n"},
    {"ops --inner", 2, "there is no option '--inner'"},
    {"profile mlp --batch 2 --steps=3 --threads 1", 0, "mlp, batches of 2, 3 steps with momentum"},
    {"profile mlp --batch 2 --steps 1 --replay --by module --depth 1", 0, "\nModule "},
    {"profile mlp --batch 2 --steps 1 --forward --by shape --sort calls --most 2", 0,
     "\nadd [2,10] [10] f32 "},
    {"profile lenett", 2, "there is no network 'lenett'; did you mean 'lenet'?"},
    {"profile --batch 0", 2, "--batch does not take '0', but a whole number from 1 to 1000000"},
    {"profile --batch=1e3", 2, "--batch does not take '1e3'"},
    {"profile --batch", 2, "there is no value behind '--batch'"},
    {"profile --bach 3", 2, "there is no option '--bach'; did you mean '--batch'?"},
    {"profile lenet mlp", 2, "takes no 'mlp' besides"},
    {"profile net.onnx", 2, "there is no network 'net.onnx'"},
    {"profile --by colour", 2,
     "--by does not take 'colour', but one of operation|shape|module|part|call"},
    {"profile --replay=no", 2, "--replay takes no value: '--replay=no'"},
    {"profile --speed", 2, "there is no option '--speed'"},
    {"profile mlp --steps 1000000 --trace /nowhere/at/all.json", 1, "/nowhere/at/all.json"},
    {"graph --help", 0, "usage: gradtape graph NETWORK -o FILE"},
    {"help summary", 0, "usage: gradtape summary NETWORK"},
    {"help summary", 0, "items in the batch (1)\n"},
    {"graph", 2, "wants the name of a network, or a file NAME.onnx"},
    {"graph lenet", 2, "wants a file to write, behind '-o'"},
    {"graph lenet -o", 2, "there is no value behind '-o'"},
    {"graph lenet -p x.svg", 2, "there is no option '-p'; did you mean '-o'?"},
    {"graph lenet --size x -o /dev/null", 2, "--size does not take 'x'"},
    {"graph lenet --heat x -o a.dot", 2, "--heat does not take 'x'"},
    {"graph lenet resnet18", 2, "takes no 'resnet18' besides"},
    {"graph resnet81 -o a.svg", 2, "there is no network 'resnet81'; did you mean 'resnet18'?"},
    {"graph lenet -o a.gif", 1, "'a.gif' does not end in .svg"},
    {"graph lenet --weights no.safetensors -o a.dot", 1,
     "gradtape graph: gt_load: 'no.safetensors' cannot be read"},
    {"graph lenet -o " GT_BINARY_DIR "/tests/cli.dot --backward --heat flops", 0, "cli.dot"},
    {"graph unet --size 16 -o " GT_BINARY_DIR "/tests/cli.dot", 0, "cli.dot"},
    {"graph relu_lenet --heat time --backward -o " GT_BINARY_DIR "/tests/cli.json", 0, "cli.json"},
    {"summary lenet", 0, "Params       61,706"},
    {"check --seed -1", 2, "--seed does not take '-1', but a whole number that is not negative"},
    {"check --seed 0 add", 2, "--seed does not take '0', but from 1 on"},
    {"check --seeds 0 add", 2, "--seeds does not take '0', but from 1 to 1000000"},
    {"check --seeds 3 --order 1 --sample 0 --large add", 0, "1 sample, 3 checks: all pass"},
    {"check --seeds 3 --order 1 --sample 0 add", 0, "checks left out, which --large makes: 1"},
    {"check --sample 1 --seed 897 --order 2 sort", 0, "1 check: all pass"}, /* nearly a tie */
    {"check --sample 8 --seed 1916 --dtype f32 batch_norm", 0, "1 check: all pass"}, /* x0 + x1 */
    {"check --sample 8 --seed 2076 --dtype f32 batch_norm", 0, "1 check: all pass"}, /* x - mean */
    {"check --sample 6 --seed 2766 --dtype f32 log_softmax_dx", 0, "1 check: all pass"},
    {"check --seeds 3 --order 1 --sample 1 neg", 0, "1 sample, 3 checks: all pass"},
    {"check --seeds 3 --order 1 --sample 0 --format json add", 0, "\"left_out\": 1"},
    {"check --seeds 3 --order 1 --sample 0 --format tap add", 0,
     "# checks left out, which --large makes: 1"},
    {"check --seeds 3 --order 1 --sample 0 --format junit add", 0,
     "<!-- checks left out, which --large makes: 1 -->"},
    {"check --mode fast --order 1 --sample 0 --verbose add", 0, "8 random projections compared"},
    {"check --mode full --order 1 --sample 0 --verbose add", 0, "288 entries of the Jacobian"},
    {"check --order 3 add", 2, "--order does not take '3', but one of 1|2"},
    {"check ad", 2, "there is no operation 'ad'; did you mean 'add'?"},
    {"check --sample 99 add", 2, "from 0 on; there is no number 99"},
    {"check --order 1 --sample=0 add", 0, "1 sample    order 1 ok"},
    {"check --dtype f32 --sample 0 add", 0, "1 sample    f32 ok"},
    {"summary lenet --backward", 2, "there is no option '--backward'"},
    {"diff --help", 0, "usage: gradtape diff A B"},
    {"diff a.json", 2, "wants two files"},
    {"diff a.json b.json --tolerance -1", 2, "--tolerance does not take '-1', but a number"},
    {"diff none.json none.json", 2, "'none.json' cannot be read"},
    {"onnx --help", 0, "usage: gradtape onnx MODEL.onnx"},
    {"onnx", 2, "wants a file MODEL.onnx, the name of a network, or 'run'"},
    {"onnx lenet", 2, "wants a file to write 'lenet' into, behind '-o'"},
    {"onnx lenett -o a.onnx", 2, "there is no network 'lenett'; did you mean 'lenet'?"},
    {"onnx lenet b -o a.onnx", 2, "takes one model or network, and no 'b'"},
    {"onnx lenet --opset 99 -o a.onnx", 1, "opset is 99, must be 17 to 24"},
    {"onnx lenet -o /nowhere/a.onnx", 1, "/nowhere/a.onnx"},
    {"onnx nothing.onnx", 1, "gt_onnx_print: nothing.onnx: No such file"},
    {"onnx lenet --opset 21 -o " GT_BINARY_DIR "/tests/cli.onnx", 0, "cli.onnx"},
    {"onnx " GT_BINARY_DIR "/tests/cli.onnx", 0,
     "  input                        [batch,1,28,28] FLOAT\n"},
    {"onnx " GT_BINARY_DIR "/tests/cli.onnx", 0,
     "cli.onnx: IR version 8, operator set 21, by gradtape"},
    {"onnx " GT_BINARY_DIR "/tests/cli.onnx --channels 3 -o " GT_BINARY_DIR "/tests/cli.onnx", 2,
     "--channels is of no use for"},
    {"summary " GT_BINARY_DIR "/tests/cli.onnx --batch 3", 0, "[3,10]"},
    {"graph " GT_BINARY_DIR "/tests/cli.onnx -o " GT_BINARY_DIR "/tests/cli.dot", 0, "cli.dot"},
    {"onnx " GT_BINARY_DIR "/tests/cli.onnx --weights w.safetensors", 2,
     "--weights is of no use without '-o'"},
    {"onnx run a.onnx x.npy --weights w.safetensors -o y.npy", 2,
     "--weights is of no use to 'run'"},
    {"onnx run", 2, "run wants a model"},
    {"onnx run " GT_BINARY_DIR "/tests/cli.onnx", 2, "run wants a file to write, behind '-o'"},
    {"onnx run " GT_BINARY_DIR "/tests/cli.onnx -o y.txt", 2,
     "'y.txt' does not end in .npy or .safetensors"},
    {"onnx run " GT_BINARY_DIR "/tests/cli.onnx -o " GT_BINARY_DIR "/tests/cli.npy", 1,
     "has 1 inputs and 1 outputs; given are 0 arrays"},
    {"onnx run " GT_BINARY_DIR "/tests/cli.onnx none.npy -o " GT_BINARY_DIR "/tests/cli.npy", 1,
     "none.npy"},
    {"summary resnet18 --size 32 --depth 1", 0, "Params       11,689,512"},
};

static void answers(void **state)
{
    (void)state;
    need_program(PROGRAM);
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        char command[512];
        snprintf(command, sizeof command, "%s %s %s", RUN, calls[i].arguments,
                 calls[i].status ? "2>&1 >/dev/null" : "2>/dev/null");
        assert_has(run_program(command, calls[i].status), calls[i].output);
    }
}

/* What a model makes of an array in the tool is what it makes of it here. */
static void runs_models(void **state)
{
    (void)state;
    need_program(PROGRAM);
    static const char *const ends[] = {".npy", ".safetensors"};
    gt_ctx *gt = gt_open();
    gt_tensor *x = gt_randn(gt, GT_SHAPE(3, 1, 28, 28));
    run_program(RUN " onnx relu_lenet -o " GT_BINARY_DIR "/tests/run.onnx", 0);
    assert_int_equal(gt_npy_save(x, GT_BINARY_DIR "/tests/x.npy"), GT_OK);
    gt_tensor *y = gt_forward(gt_onnx_load(gt, GT_BINARY_DIR "/tests/run.onnx"), x), *z;
    for (int i = 0; i < 2; i++) {
        char command[1024], path[512];
        snprintf(path, sizeof path, GT_BINARY_DIR "/tests/y%s", ends[i]);
        snprintf(command, sizeof command,
                 RUN " onnx run " GT_BINARY_DIR "/tests/run.onnx " GT_BINARY_DIR
                     "/tests/x.npy -o %s",
                 path);
        assert_has(run_program(command, 0), "output f32 [3,10]\n");
        z = i ? gt_tensors_find(gt_load_tensors(gt, path), "output") : gt_npy_load(gt, path);
        assert_non_null(z);
        assert_memory_equal(z->data, y->data, 30 * sizeof(float));
    }
    gt_close(gt);
}

/* A row for each operation, its columns aligned, no line wider than a terminal. */
static void lists_all_operations(void **state)
{
    (void)state;
    size_t n;
    const gt_op_info *info = gt_ops(&n);
    need_program(PROGRAM);
    const char *table = run_program(RUN " ops", 0);
    for (size_t i = 0; i < n; i++) {
        char row[128];
        snprintf(row, sizeof row, "\n%s(", info[i].name);
        assert_has(table, row);
    }
    assert_has(table, "\nadd(a, b) ");
    assert_has(table, "\nsum(x, ...) ");
    assert_has(table, "\n\nArithmetic: ");
    assert_has(table, "\nbinary_cross_entropy_with_logits(x, target, ...)\n");
    for (const char *line = table; *line; line += strcspn(line, "\n") + 1)
        assert_true(strcspn(line, "\n") <= 100);
}

static void says_what_it_computes_with(void **state)
{
    (void)state;
    need_program(PROGRAM);
    assert_has(run_program("GRADTAPE_CPU=plain GRADTAPE_BLAS=native " RUN " version", 0),
               "\nkernels   plain\nBLAS      native\n");
    assert_has(run_program("GRADTAPE_THREADS=3 " RUN " version", 0), "\nthreads   3\n");
    assert_has(run_program("GRADTAPE_ERRORS= GRADTAPE_CPU=abacus " RUN " version 2>&1", 1),
               "GRADTAPE_CPU is 'abacus' in the environment; here there is plain");
}

static void notices_a_full_disk(void **state)
{
    (void)state;
    need_program(PROGRAM);
    if (access("/dev/full", W_OK)) skip();
    assert_has(run_program(RUN " ops 2>&1 >/dev/full", 1), "gradtape: standard output: ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers),
        cmocka_unit_test(runs_models),
        cmocka_unit_test(lists_all_operations),
        cmocka_unit_test(says_what_it_computes_with),
        cmocka_unit_test(notices_a_full_disk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
