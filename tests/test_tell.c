/* How failures show themselves: what a handler gets, and what stands on stderr, by GRADTAPE_ERRORS
 * and by what the program does about its errors. Each row is a process of its own. */
#define _POSIX_C_SOURCE 200809L
#include "support.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static int lines; /* that a handler has written */

static void write_line(gt_status status, const char *message, void *user)
{
    fprintf(stderr, "%s %s: %s\n", (const char *)user, gt_status_name(status), message);
    lines++;
}

static gt_tensor *mismatch(gt_ctx *gt)
{
    return gt_add(gt_zeros(gt, GT_SHAPE(2, 3)), gt_zeros(gt, GT_SHAPE(3, 4)));
}

// clang-format off
#define DO(name) static void name(gt_ctx *gt)
DO(crash)
{
    gt_module *net = gt_nn_sequential(gt, gt_nn_linear(gt, 256, 3));
    gt_tensor *volatile y = gt_forward(net, gt_ones(gt, GT_SHAPE(1, 4)));
    fprintf(stderr, "%d\n", y->shape.ndim); /* the mistake that everybody makes */
}
DO(handled_twice) { gt_set_error_handler(gt, write_line, "mine"); mismatch(gt); mismatch(gt); }
DO(handled) { gt_set_error_handler(gt, write_line, "mine"); mismatch(gt); }
DO(handler_back)
{
    gt_set_error_handler(gt, write_line, "first");
    const gt_error_handler h = gt_set_error_handler(gt, gt_ignore_error, NULL);
    mismatch(gt);
    gt_error_clear(gt);
    gt_set_error_handler(gt, h.fn, h.user);
    mismatch(gt);
}
DO(thread_handled) { (void)gt; gt_set_error_handler(NULL, write_line, "thread"); gt_add(NULL, NULL); }
DO(composed) { gt_std(gt_zeros(gt, GT_SHAPE(2), .dtype = GT_I64)); }
DO(siteless) { gt_fail(gt, GT_ERR_STATE, "step", "mine"); }
DO(siteless_cleared) { gt_set_error_handler(gt, write_line, "mine"); siteless(gt); gt_error_clear(gt); }
DO(twice) { mismatch(gt); gt_error_clear(gt); mismatch(gt); }
DO(reads) { mismatch(gt); if (!*gt_error_message(gt)) abort(); gt_error_clear(gt); mismatch(gt); }
DO(other_context) { reads(gt); gt_ctx *other = gt_open(); mismatch(other); gt_close(other); }
DO(nulls) { (void)gt; gt_add(NULL, NULL); gt_mul(NULL, NULL); gt_sub(NULL, NULL); }
DO(nulls_behind) { gt_mul(mismatch(gt), NULL); }
DO(abort_set) { gt_set_abort_on_error(gt, true); mismatch(gt); fputs("alive", stderr); }
DO(abort_handled) { gt_set_error_handler(gt, write_line, "mine"); abort_set(gt); }
DO(abort_ignored) { gt_set_error_handler(gt, gt_ignore_error, NULL); abort_set(gt); }
DO(opened) { (void)gt; }
DO(clip) { gt_clip_grad_norm(gt_nn_linear(gt, 2, 2), -1); }
DO(gradcheck)
{
    gt_gradcheck_report r;
    gt_gradcheck_error_samples(gt, &gt_op_conv2d, &r);
    gt_module *net = gt_nn_linear(gt, 3, 2, .dtype = GT_F64);
    gt_gradcheck_module(gt, net, gt_zeros(gt, GT_SHAPE(2, 2), .dtype = GT_F64), NULL, &r);
    fputs(r.verdict == GT_FAIL && !gt_failed(gt) ? "checked" : "not checked", stderr);
}
#undef DO

#define PLACE "add (test_tell.c:"
#define TEXT "[2,3]"
#define HINT "GRADTAPE_ERRORS=quiet"
static const struct row {
    const char *name, *env;
    void (*run)(gt_ctx *gt);
    bool dies;
    const char *says[3], *lacks[2];
    int times; /* that "gradtape: " stands there */
} rows[] = {
#define ROW(env, run, ...) {#run " " #env, env, run, __VA_ARGS__}
    ROW(NULL, crash, true, {"gradtape: linear '0' (test_tell.c:", "256", HINT}, {NULL}, 1),
    ROW("print", crash, true, {"gradtape: linear '0' (test_tell.c:"}, {HINT}, 1),
    ROW("quiet", crash, true, {NULL}, {"256"}, 0),
    ROW(NULL, twice, false, {PLACE, TEXT, HINT}, {NULL}, 2),
    ROW(NULL, reads, false, {PLACE, TEXT, HINT}, {NULL}, 1),
    ROW(NULL, other_context, false, {PLACE}, {NULL}, 1),
    ROW(NULL, nulls, false, {"input a is NULL"}, {"mul"}, 1),
    ROW(NULL, nulls_behind, false, {PLACE}, {"NULL"}, 1),
    ROW(NULL, siteless, false, {"gradtape: step: mine"}, {NULL}, 1),
    ROW(NULL, composed, false, {"(test_tell.c:", "i64"}, {NULL}, 1),
    ROW(NULL, handled, false, {"mine shape: " PLACE, TEXT}, {"gradtape"}, 0),
    ROW(NULL, handled_twice, false, {"mine shape: "}, {"NULL", "gradtape"}, 0),
    ROW(NULL, handler_back, false, {"first shape: " PLACE}, {"gradtape"}, 0),
    ROW(NULL, thread_handled, false, {"thread argument: " PLACE}, {"gradtape"}, 0),
    ROW(NULL, siteless_cleared, false, {"mine state: step: mine"}, {"gradtape"}, 0),
    ROW(NULL, clip, false, {"(test_tell.c:"}, {NULL}, 1),
    ROW("print", handled, false, {"mine shape: "}, {"gradtape"}, 0),
    ROW("print", reads, false, {PLACE, TEXT}, {HINT}, 2),
    ROW("print", nulls, false, {"add", "mul", "sub"}, {NULL}, 3),
    ROW("print", gradcheck, false, {"checked"}, {"not checked", "gradtape"}, 0),
    ROW("abort", gradcheck, false, {"checked"}, {"not checked", "gradtape"}, 0),
    ROW("abort", twice, true, {PLACE, TEXT}, {HINT}, 1),
    ROW("abort", handled, true, {"mine shape: " PLACE, "gradtape: " PLACE}, {NULL}, 1),
    ROW("quiet", reads, false, {NULL}, {"add"}, 0),
    ROW("quiet", handled, false, {"mine shape: "}, {"gradtape"}, 0),
    ROW(NULL, abort_set, true, {"gradtape: " PLACE, TEXT}, {"alive"}, 1),
    ROW("quiet", abort_set, true, {"gradtape: " PLACE}, {"alive"}, 1),
    ROW(NULL, abort_handled, true, {"mine shape: ", "gradtape: " PLACE}, {"alive"}, 1),
    ROW(NULL, abort_ignored, false, {"alive"}, {"gradtape"}, 0),
    ROW("loud", opened, false, {"GRADTAPE_ERRORS is 'loud'", "print, abort or quiet"}, {NULL}, 1),
#undef ROW
};
// clang-format on

static void be_the_child(const struct row *row, int to)
{
    dup2(to, STDERR_FILENO);
    signal(SIGSEGV, SIG_DFL); /* which cmocka takes for a failure, and goes on */
    signal(SIGABRT, SIG_DFL);
    if (row->env) setenv("GRADTAPE_ERRORS", row->env, 1);
    else unsetenv("GRADTAPE_ERRORS");
    gt_ctx *gt = gt_open();
    row->run(gt);
    gt_close(gt);
    _exit(0);
}

/* What the row's process writes to stderr; *status as waitpid has it. */
static void run_row(const struct row *row, char *text, size_t size, int *status)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    fflush(NULL);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) be_the_child(row, ends[1]);
    close(ends[1]);
    size_t used = 0;
    for (ssize_t n; used < size - 1 && (n = read(ends[0], text + used, size - 1 - used)) > 0;)
        used += (size_t)n;
    text[used] = 0;
    close(ends[0]);
    assert_int_equal(waitpid(child, status, 0), child);
}

static int count(const char *text, const char *word)
{
    int n = 0;
    for (; (text = strstr(text, word)); text++) n++;
    return n;
}

static void test_rows(void **state)
{
    (void)state;
    static char text[1 << 16];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct row *row = &rows[i];
        int status;
        run_row(row, text, sizeof text, &status);
        const bool died = !WIFEXITED(status) || WEXITSTATUS(status) != 0;
        if (died != row->dies) fail_msg("%s: %s: %s", row->name, died ? "died" : "lives", text);
        for (int k = 0; k < 3; k++)
            if (row->says[k] && !strstr(text, row->says[k]))
                fail_msg("%s: no \"%s\" in \"%s\"", row->name, row->says[k], text);
        for (int k = 0; k < 2; k++)
            if (row->lacks[k] && strstr(text, row->lacks[k]))
                fail_msg("%s: \"%s\" in \"%s\"", row->name, row->lacks[k], text);
        if (count(text, "gradtape: ") != row->times)
            fail_msg("%s: not told %d times: %s", row->name, row->times, text);
    }
}

/* The handler is called within the failing call, with its place, once. */
static void test_when(void **state)
{
    gt_ctx *gt = *state;
    gt_set_error_handler(gt, write_line, "(meant)");
    lines = 0;
    mismatch(gt);
    assert_int_equal(lines, 1);
    gt_neg(gt_zeros(gt, GT_SHAPE(2)));
    assert_non_null(strstr(gt_error_message(gt), PLACE));
    gt_error_clear(gt);
    assert_int_equal(lines, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test_setup_teardown(test_when, open_context, close_context),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
