/* The example program: what it prints, with the numbers of the book's notebook, and what it
 * refuses. */
#define _POSIX_C_SOURCE 200809L
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "program.h"

#define PROGRAM GT_BINARY_DIR "/examples/learn_kernel"
#define RUN "GRADTAPE_ERRORS= '" PROGRAM "'"

/* The sections in the notebook's order; the numbers of PyTorch, with torch.manual_seed(7). */
static const char seed_7[] =
    "7.2.1  Cross-correlation\n"
    "tensor([[19., 25.],\n"
    "        [37., 43.]])\n"
    "\n"
    "7.2.2  A layer of one's own\n"
    "tensor([[ 4.8040,  6.8538],\n"
    "        [10.9535, 13.0033]], grad_fn=<add>)\n"
    "\n"
    "7.2.3  Edges of an image, and of the image transposed\n"
    "tensor([[1., 1., 0., 0., 0., 0., 1., 1.],\n"
    "        [1., 1., 0., 0., 0., 0., 1., 1.],\n"
    "        [1., 1., 0., 0., 0., 0., 1., 1.],\n"
    "        [1., 1., 0., 0., 0., 0., 1., 1.],\n"
    "        [1., 1., 0., 0., 0., 0., 1., 1.],\n"
    "        [1., 1., 0., 0., 0., 0., 1., 1.]])\n"
    "tensor([[ 0.,  1.,  0.,  0.,  0., -1.,  0.],\n"
    "        [ 0.,  1.,  0.,  0.,  0., -1.,  0.],\n"
    "        [ 0.,  1.,  0.,  0.,  0., -1.,  0.],\n"
    "        [ 0.,  1.,  0.,  0.,  0., -1.,  0.],\n"
    "        [ 0.,  1.,  0.,  0.,  0., -1.,  0.],\n"
    "        [ 0.,  1.,  0.,  0.,  0., -1.,  0.]])\n"
    "tensor([[0., 0., 0., 0., 0.],\n"
    "        [0., 0., 0., 0., 0.],\n"
    "        [0., 0., 0., 0., 0.],\n"
    "        [0., 0., 0., 0., 0.],\n"
    "        [0., 0., 0., 0., 0.],\n"
    "        [0., 0., 0., 0., 0.],\n"
    "        [0., 0., 0., 0., 0.],\n"
    "        [0., 0., 0., 0., 0.]])\n"
    "\n"
    "7.2.4  Learning the kernel from image and edges\n"
    "initial kernel 0.04938793 -0.42595661\n"
    "epoch 2, loss 4.218\n"
    "epoch 4, loss 1.037\n"
    "epoch 6, loss 0.309\n"
    "epoch 8, loss 0.107\n"
    "epoch 10, loss 0.041\n"
    "tensor([[ 0.9710, -1.0114]])\n"
    "\n"
    "7.2.5  Strict convolution: cross-correlation with the kernel flipped\n"
    "tensor([[ 5., 11.],\n"
    "        [23., 29.]])\n";

/* The notebook's own run, from the kernel that it must have started with. */
static const char notebook[] = "epoch 2, loss 8.644\n"
                               "epoch 4, loss 2.690\n"
                               "epoch 6, loss 0.959\n"
                               "epoch 8, loss 0.369\n"
                               "epoch 10, loss 0.147\n"
                               "tensor([[ 0.9510, -1.0295]])\n";

static void prints_the_notebook(void **state)
{
    (void)state;
    need_program(PROGRAM);
    assert_string_equal(run_program(RUN " --seed 7", 0), seed_7);
    assert_string_equal(run_program(RUN, 0), seed_7);
    assert_has(run_program(RUN " --kernel=-0.21131903,-0.51944323", 0), notebook);
    assert_has(run_program(RUN " --kernel -0.21131903,-0.51944323 --seed=1", 0), notebook);
}

/* With s and a the sum and the difference of the kernel's errors at the start, the loss of
 * iteration k + 1 is 15 * 0.64^k * s^2 + 3 * 0.4096^k * a^2. */
static void losses_have_their_exact_form(void **state)
{
    (void)state;
    static const double start[][2] = {{0, 0}, {3, -4}, {-1.5, 1.25}, {100, 100}, {1, -1}};
    need_program(PROGRAM);
    for (size_t i = 0; i < sizeof start / sizeof *start; i++) {
        char command[512];
        snprintf(command, sizeof command, RUN " --kernel=%g,%g", start[i][0], start[i][1]);
        const char *text = run_program(command, 0);
        double s = start[i][0] - 1 + (start[i][1] + 1), a = start[i][0] - 1 - (start[i][1] + 1);
        for (int epoch = 2; epoch <= 10; epoch += 2) {
            double exact = 15 * pow(0.64, epoch - 1) * s * s + 3 * pow(0.4096, epoch - 1) * a * a;
            char line[64];
            snprintf(line, sizeof line, "epoch %d, loss ", epoch);
            const char *at = strstr(text, line);
            assert_non_null(at);
            double loss = strtod(at + strlen(line), NULL);
            assert_true(fabs(loss - exact) <= 6e-4 + 1e-5 * exact);
        }
    }
}

static void draws_the_graph(void **state)
{
    (void)state;
    need_program(PROGRAM);
    if (!have_dot()) skip();
    const char *path = GT_BINARY_DIR "/tests/learn_kernel.svg";
    char command[512];
    snprintf(command, sizeof command, RUN " --graph='%s'", path);
    assert_has(run_program(command, 0), path);
    snprintf(command, sizeof command, "cat '%s'", path);
    const char *svg = run_program(command, 0);
    assert_has(svg, "conv2d_dw");
    assert_has(svg, "weight");
    assert_has(svg, "backward");
    assert_null(strstr(svg, "corr2d"));
    assert_int_equal(remove(path), 0);
}

static void refuses_bad_arguments(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "--seed",         "--seed x",
        "--seed -1",      "--seed 1x",
        "--seed=",        "--seed 99999999999999999999",
        "--kernel 1",     "--kernel 1,",
        "--kernel ,1",    "--kernel 1,2,3",
        "--kernel nan,1", "--kernel 1,inf",
        "--kernel",       "--graph",
        "--sed 1",        "7",
        "--seedy 1",      "''",
    };
    need_program(PROGRAM);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char command[512];
        snprintf(command, sizeof command, RUN " %s 2>&1", bad[i]);
        assert_has(run_program(command, 2), "learn_kernel: cannot use '");
        assert_has(run_program(command, 2), "usage: learn_kernel");
    }
    assert_has(run_program(RUN " --help", 0), "usage: learn_kernel");
    assert_has(run_program(RUN " --seed x 2>&1", 2), "a whole number from 0 on");
    assert_has(run_program(RUN " --graph a.gif 2>&1", 1), "'a.gif' does not end in .svg");
    assert_has(run_program(RUN " --graph /nowhere/a.svg 2>&1", 1), "cannot be written");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prints_the_notebook),
        cmocka_unit_test(losses_have_their_exact_form),
        cmocka_unit_test(draws_the_graph),
        cmocka_unit_test(refuses_bad_arguments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
