/* For tests that run programs; include behind cmocka.h. Needs _POSIX_C_SOURCE. */
#ifndef GT_TESTS_PROGRAM_H
#define GT_TESTS_PROGRAM_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* What a shell command writes to its standard output, in a buffer that the next call overwrites;
 * fails unless the command exits with `status`. */
static inline const char *run_program(const char *command, int status)
{
    static char text[1 << 16];
    FILE *f = popen(command, "r");
    assert_non_null(f);
    text[fread(text, 1, sizeof text - 1, f)] = '\0';
    int ended = pclose(f);
    bool as_expected = WIFEXITED(ended) && WEXITSTATUS(ended) == status;
    if (!as_expected)
        print_error("%s: ended with %#x, printed\n%s\n", command, (unsigned)ended, text);
    assert_true(as_expected);
    return text;
}

/* Interrupts a program, a command of words alone, when it has written something; it must end with
 * 130. */
static inline void interrupt_program(const char *command)
{
    char script[4096];
    snprintf(script, sizeof script,
             "log=$(mktemp); %s >$log 2>&1 & pid=$!; "
             "until [ -s $log ] || ! kill -0 $pid; do sleep 0.02; done; "
             "kill -INT $pid; wait $pid; status=$?; cat $log; rm -f $log; exit $status",
             command);
    run_program(script, 130);
}

static inline void assert_has(const char *text, const char *part)
{
    if (!strstr(text, part)) print_error("'%s' is not in\n%s\n", part, text);
    assert_non_null(strstr(text, part));
}

/* Skips the test when the program was not built. */
static inline void need_program(const char *path)
{
    if (access(path, X_OK) == 0) return;
    print_message("%s was not built: not tested\n", path);
    skip();
}

static inline bool have_dot(void)
{
    bool found = system("dot -V >/dev/null 2>&1") == 0;
    if (!found) print_message("dot is not installed: not tested\n");
    return found;
}

#endif
