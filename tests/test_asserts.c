/* GT_ASSERT_GRADCHECK in the test frameworks that are installed, and in stand-ins of the others. */
#define _POSIX_C_SOURCE 200809L
#include <gradtape.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "program.h"

static const struct {
    const char *program, *place; /* how it says where it failed; Unity knows but one file */
    int status;                  /* then, of the shell */
} programs[] = {
    {"with_plain", "subject.h:39: gradcheck FAIL", 134},
    {"with_own", "subject.h:39: of my own", 7},
    {"with_cmocka", "subject.h:39: error: Failure!", 1},
    {"with_check", "subject.h:39:F:", 1},
    {"with_unity", ":39:", 1},
};

static void assertions_say_what_and_where(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof programs / sizeof *programs; i++) {
        char command[1024];
        snprintf(command, sizeof command, "'" GT_BINARY_DIR "/tests/asserts/%s' 2>&1",
                 programs[i].program);
        run_program(command, 0);
        snprintf(command, sizeof command,
                 "(ulimit -c 0; '" GT_BINARY_DIR "/tests/asserts/%s' wrong) 2>&1",
                 programs[i].program);
        const char *text = run_program(command, programs[i].status);
        assert_has(text, programs[i].place);
        assert_has(text, "gradcheck FAIL  my 100% loss  order 1");
        assert_has(text, "a constant ratio of 0.5");
        assert_has(text, "again: with .seed = 1\n");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(assertions_say_what_and_where)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
