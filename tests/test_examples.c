/* The example networks: each learns a few generated images by heart, and LeNet to read. */
#define _POSIX_C_SOURCE 200809L
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "program.h"

#define EXAMPLES GT_BINARY_DIR "/examples/"
enum { COMMAND = 1024, ENDS = 4 };

/* Sanitizers make kernels some ten times slower, and so does the lack of a BLAS. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || !defined(GT_WITH_BLAS)
static const bool slow = true;
#else
static const bool slow = false;
#endif

static const char *run_example(const char *program, const char *options, int status)
{
    char command[2 * COMMAND];
    snprintf(command, sizeof command, EXAMPLES "%s", program);
    need_program(command);
    snprintf(command, sizeof command, "'" EXAMPLES "%s' %s 2>&1", program, options);
    return run_program(command, status);
}

/* Reads what --losses printed. Returns the number of steps; means of the first and last ones. */
static int losses(const char *text, double *first, double *last)
{
    double loss[256];
    int n = 0;
    for (const char *at = text; n < 256 && (at = strstr(at, "step ")); at += 5)
        n += sscanf(at, "step %*d loss %lf", &loss[n]) == 1;
    *first = *last = 0;
    for (int i = 0; i < ENDS && i < n; i++) {
        *first += loss[i] / ENDS;
        *last += loss[n - 1 - i] / ENDS;
    }
    return n;
}

static const struct net {
    const char *program, *options; /* for a loss that falls to less than half */
    int steps;
    bool quick;
} nets[] = {
    {"batchnorm_lenet", "--lr 0.01", 20, true},
    {"alexnet", "--size 69 --lr 0.0003 --no-dropout", 12, false},
    {"vgg", "--no-dropout", 16, false},
    {"nin", "--size 71 --images 4 --batch 4 --seed 5 --no-dropout", 24, false},
    {"googlenet", "", 30, false},
    {"resnet18", "", 10, false},
    {"resnet18", "--resnext", 10, false},
    {"densenet", "", 10, false},
    {"regnet", "--lr 0.002", 16, false},
};

static void networks_learn(void **state)
{
    (void)state;
    for (const struct net *n = nets; n < nets + sizeof nets / sizeof *nets; n++) {
        if (slow && !n->quick) continue;
        char options[256];
        double first, last;
        snprintf(options, sizeof options, "--images 8 --batch 8 --epochs %d --losses %s", n->steps,
                 n->options);
        const int steps = losses(run_example(n->program, options, 0), &first, &last);
        print_message("%s %s: %d steps, loss %.3f to %.3f\n", n->program, n->options, steps, first,
                      last);
        assert_int_equal(steps, n->steps);
        assert_true(last < first / 2);
    }
}

/* Without sanitizers, which are too slow for a whole training. */
static void lenet_reads(void **state)
{
    (void)state;
    if (slow) {
        run_example("lenet", "--steps 4 --batch 8", 0);
        return;
    }
    const char *text = run_example("lenet", "", 0);
    const char *end = strstr(text, "\ntest accuracy ");
    double accuracy = 0;
    assert_non_null(end);
    assert_int_equal(sscanf(end, " test accuracy %lf", &accuracy), 1);
    assert_true(accuracy > 0.95);
    assert_string_equal(strchr(end + 1, '\n'), "\n"); /* nothing behind it */
}

static void refuses(void **state)
{
    (void)state;
    static const char *const bad[] = {"--epochs 0", "--lr x", "--size 3", "--nonsense", "--batch"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_has(run_example("lenet", bad[i], 2), "lenet: cannot use");
        assert_has(run_example("vgg", bad[i], 2), "vgg: cannot use");
    }
    assert_has(run_example("lenet", "--help", 0), "usage: lenet");
    assert_has(run_example("vgg", "--help", 0), "--full");
    assert_has(run_example("lenet", "--data /nowhere", 1), "/nowhere");
    assert_has(run_example("vgg", "--data /nowhere", 1), "/nowhere");
}

/* Ctrl-C: the step is finished, the file written, the status is 130. */
static void stops(void **state)
{
    (void)state;
    static const char *const programs[] = {"lenet", "batchnorm_lenet"};
    char path[COMMAND], command[2 * COMMAND];
    snprintf(path, sizeof path, "%s/stopped.safetensors", GT_BINARY_DIR);
    for (size_t i = 0; i < sizeof programs / sizeof *programs; i++) {
        remove(path);
        snprintf(command, sizeof command, EXAMPLES "%s", programs[i]);
        need_program(command);
        snprintf(command, sizeof command,
                 "timeout --preserve-status -s INT 2 '" EXAMPLES "%s' --epochs 100000 --save '%s'",
                 programs[i], path);
        run_program(command, 130);
        assert_int_equal(access(path, R_OK), 0);
    }
    remove(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(networks_learn),
        cmocka_unit_test(lenet_reads),
        cmocka_unit_test(refuses),
        cmocka_unit_test(stops),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
