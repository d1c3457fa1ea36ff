/* The example programs: each network learns a few generated images by heart, with its default
 * settings, LeNet to read, and each experiment what it is about; what all of them refuse; and
 * Ctrl-C. */
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

#ifdef GT_WITH_PNG
static const bool with_png = true;
#else
static const bool with_png = false;
#endif

/* "resnet18 --resnext" is a program with an option. */
static const char *run_example(const char *program, const char *options, int status)
{
    char command[2 * COMMAND];
    snprintf(command, sizeof command, EXAMPLES "%.*s", (int)strcspn(program, " "), program);
    need_program(command);
    snprintf(command, sizeof command, "cd '" EXAMPLES "' && ./%s %s 2>&1", program, options);
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
    const char *program;
    int steps;
    bool quick;
} nets[] = {
    {"batchnorm_lenet", 10, true},
    {"alexnet", 16, false},
    {"vgg", 14, false},
    {"nin", 20, false},
    {"googlenet", 16, false},
    {"resnet18", 8, false},
    {"resnet18 --resnext", 8, true},
    {"densenet", 8, false},
    {"regnet", 8, true},
};

/* From a loss of chance, ln 10, or more, to well below it, on an image of each digit. */
static void networks_learn(void **state)
{
    (void)state;
    for (const struct net *n = nets; n < nets + sizeof nets / sizeof *nets; n++) {
        if (slow && !n->quick) continue;
        char options[256];
        double first, last;
        snprintf(options, sizeof options,
                 "--images 10 --batch 10 --epochs 100 --steps %d --no-dropout --losses", n->steps);
        const int steps = losses(run_example(n->program, options, 0), &first, &last);
        print_message("%s: loss %.3f to %.3f\n", n->program, first, last);
        assert_int_equal(steps, n->steps);
        assert_true(last < 1.6 && last < 0.7 * first);
    }
}

enum { TEN = 10 };

/* The losses of ten steps; the last one follows from every weight. */
static void ten_steps(const char *program, const char *threads, const char *option,
                      double loss[TEN])
{
    char options[128];
    snprintf(options, sizeof options, "--images 2 --batch 2 --epochs 100 --steps 10 --losses %s",
             option);
    assert_int_equal(setenv("GRADTAPE_THREADS", threads, 1), 0);
    const char *at = run_example(program, options, 0);
    unsetenv("GRADTAPE_THREADS");
    int n = 0;
    for (; n < TEN && (at = strstr(at, "step ")); at += 5)
        n += sscanf(at, "step %*d loss %lf", &loss[n]) == 1;
    assert_int_equal(n, TEN);
}

static void neither_threads_nor_replays_change_a_bit(void **state)
{
    (void)state;
    static const char *const counts[] = {"2", "3", "8"};
    for (const struct net *n = nets; n < nets + sizeof nets / sizeof *nets; n++) {
        if (slow && !n->quick) continue;
        double alone[TEN], together[TEN];
        ten_steps(n->program, "1", "", alone);
        for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
            ten_steps(n->program, counts[i], "", together);
            if (memcmp(alone, together, sizeof alone) != 0)
                fail_msg("%s: other losses with %s threads", n->program, counts[i]);
        }
        ten_steps(n->program, "2", "--capture", together);
        if (memcmp(alone, together, sizeof alone) != 0)
            fail_msg("%s: other losses in replays", n->program);
    }
}

/* One step of those that are too slow for more. */
static void slow_networks_run(void **state)
{
    (void)state;
    for (const struct net *n = nets; slow && n < nets + sizeof nets / sizeof *nets; n++)
        if (!n->quick) run_example(n->program, "--images 2 --batch 2 --epochs 1", 0);
}

/* The experiments: a number behind the last `label` that training has to reach, on the way up or
 * down, with settings that take a second. */
static const struct experiment {
    const char *command, *label;
    double least, most;
    const char *writes; /* NULL: nothing */
} experiments[] = {
    {"digits --images 800 --epochs 3", "test accuracy ", 0.5, 1, "digits.safetensors"},
    {"unet --images 160 --epochs 4", "iou_square ", 0.4, 1, "unet.png"},
    {"mobilenet --width 0.25 --images 32 --epochs 30 --lr 0.01", "  accuracy ", 0.3, 1, NULL},
    {"dcgan --images 256 --epochs 2", "loss_d ", 0.05, 1.3, "dcgan.png"},
    {"siamese --images 400 --epochs 3", "read by the nearest: ", 0.2, 1, NULL},
    {"time_series --hours 800 --epochs 3", "val_r2 ", 0.8, 1, NULL},
    {"super_resolution --images 160 --epochs 3", "by the network ", 23.5, 40,
     "super_resolution.png"},
    {"adversarial --images 800 --epochs 2", "eps 0.15  accuracy ", 0, 0.2, "adversarial.png"},
    {"wgan_gp --epochs 1", "near a centre ", 0.2, 1, NULL},
    {"transfer --epochs 2 --images 50", "head alone ", 0.3, 1, "transfer.onnx"},
};

/* Without sanitizers, as below. */
static void experiments_learn(void **state)
{
    (void)state;
    for (const struct experiment *e = experiments;
         !slow && e < experiments + sizeof experiments / sizeof *e; e++) {
        if (e->writes && strstr(e->writes, ".png") && !with_png) continue;
        const char *at = NULL;
        for (const char *next = run_example(e->command, "", 0); (next = strstr(next, e->label));)
            at = next += strlen(e->label);
        if (!at) fail_msg("%s says no %s", e->command, e->label);
        const double reached = strtod(at, NULL);
        print_message("%s: %s%g\n", e->command, e->label, reached);
        assert_true(reached >= e->least && reached <= e->most);
        if (!e->writes) continue;
        char path[COMMAND];
        snprintf(path, sizeof path, EXAMPLES "%s", e->writes);
        assert_int_equal(remove(path), 0);
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
    const char *text = run_example("lenet", "--epochs 5", 0);
    const char *end = strstr(text, "\ntest accuracy ");
    double accuracy = 0;
    assert_non_null(end);
    assert_int_equal(sscanf(end, " test accuracy %lf", &accuracy), 1);
    assert_true(accuracy > 0.9);
    assert_string_equal(strchr(end + 1, '\n'), "\n"); /* nothing behind it */
}

static void draws_its_curve(void **state)
{
    (void)state;
    char path[COMMAND], options[2 * COMMAND];
    snprintf(path, sizeof path, "%s/curve.svg", GT_BINARY_DIR);
    snprintf(options, sizeof options, "--images 20 --epochs 2 --curve '%s'", path);
    remove(path);
    const char *text = run_example("batchnorm_lenet", options, 0);
    assert_has(text, " val_loss\n"); /* in the terminal */
    assert_has(text, "curve: ");
    assert_int_equal(access(path, R_OK), 0);
    remove(path);
}

static void refuses(void **state)
{
    (void)state;
    static const char *const programs[] = {"lenet", "vgg", "lecun1989", "autoencoder",
                                           "feature_maps"};
    static const char *const bad[] = {"--epochs 0",        "--epochs", "--epochs=x",
                                      "--seed -1",         "word",     "--nonsense",
                                      "--data --nonsense", "--data",   "--epochs --seed"};
    for (size_t p = 0; p < sizeof programs / sizeof *programs; p++) {
        char part[COMMAND];
        snprintf(part, sizeof part, "%s: cannot use '", programs[p]);
        for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
            assert_has(run_example(programs[p], bad[i], 2), part);
        snprintf(part, sizeof part, "usage: %s", programs[p]);
        assert_has(run_example(programs[p], "--help", 0), part);
        assert_has(run_example(programs[p], "--data /nowhere", 1), "/nowhere");
    }
    assert_has(run_example("lenet", "--size 3", 2), "'--size 3' (a whole number from 16 on");
    assert_has(run_example("vgg", "--lr 0", 2), "cannot use '--lr 0'");
    assert_has(run_example("vgg", "--help", 0), "--full");
    assert_has(run_example("vgg", "--curve a.png", 2), "(a name that ends in .svg; ");
    assert_has(run_example("alexnet", "--save --bogus", 2),
               "'--save --bogus' (--save=--bogus would make it a name; ");
    assert_has(run_example("resnet18", "--resume", 2), "resnet18: --resume needs --save FILE");
    assert_has(run_example("feature_maps", "--image 1000", 1), "in a dataset of 1000 items");
    assert_has(run_example("filters", "a.png b.png", 2), "filters: cannot use 'b.png'");
    assert_has(run_example("filters", "--help", 0), "usage: filters [options] [FILE]");
    assert_has(run_example("filters", "--out a.txt", 2), "(a name that ends in .png; ");
    assert_has(run_example("filters", "--out=png", 2), "filters: cannot use '--out=png'");
    assert_has(run_example("filters", "/nowhere.png", 1), "/nowhere.png");
}

/* --steps counts those of the run, also of one that goes on where another stopped. */
static void goes_on_for_as_many_steps(void **state)
{
    (void)state;
    static const char options[] = "--images 20 --batch 4 --epochs 9 --save steps.run --losses";
    char command[COMMAND];
    double first, last;
    for (int resumed = 0; resumed < 2; resumed++) {
        snprintf(command, sizeof command, "%s --steps 3 %s", options, resumed ? "--resume" : "");
        const char *text = run_example("batchnorm_lenet", command, 0);
        assert_has(text, resumed ? "step 6 " : "step 3 ");
        assert_int_equal(losses(text, &first, &last), 3);
    }
    remove(EXAMPLES "steps.run");
}

/* Ctrl-C: the step is finished, the file written, the status is 130. */
static void stops(void **state)
{
    (void)state;
    static const char *const programs[] = {"lenet", "batchnorm_lenet", "lecun1989"};
    char path[COMMAND], command[2 * COMMAND];
    snprintf(path, sizeof path, "%s/stopped.safetensors", GT_BINARY_DIR);
    for (size_t i = 0; i < sizeof programs / sizeof *programs; i++) {
        remove(path);
        snprintf(command, sizeof command, EXAMPLES "%s", programs[i]);
        need_program(command);
        snprintf(command, sizeof command, "'" EXAMPLES "%s' --epochs 100000 --save '%s'",
                 programs[i], path);
        interrupt_program(command);
        assert_int_equal(access(path, R_OK), 0);
    }
    remove(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(networks_learn),
        cmocka_unit_test(neither_threads_nor_replays_change_a_bit),
        cmocka_unit_test(slow_networks_run),
        cmocka_unit_test(experiments_learn),
        cmocka_unit_test(lenet_reads),
        cmocka_unit_test(draws_its_curve),
        cmocka_unit_test(refuses),
        cmocka_unit_test(goes_on_for_as_many_steps),
        cmocka_unit_test(stops),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
