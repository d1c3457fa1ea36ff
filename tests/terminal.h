/* A terminal for tests: what is written to `f` is read from `master`. Needs _XOPEN_SOURCE 700 and
 * _DEFAULT_SOURCE. */
#ifndef GT_TESTS_TERMINAL_H
#define GT_TESTS_TERMINAL_H

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

typedef struct {
    int master;
    FILE *f;
} terminal;

/* False where there is none to be had. */
static inline bool open_terminal(terminal *t)
{
    t->master = posix_openpt(O_RDWR | O_NOCTTY);
    if (t->master < 0 || grantpt(t->master) || unlockpt(t->master)) return false;
    const int fd = open(ptsname(t->master), O_RDWR | O_NOCTTY);
    t->f = fd < 0 ? NULL : fdopen(fd, "w");
    return t->f;
}

static inline void set_columns(const terminal *t, int columns)
{
    const struct winsize size = {.ws_col = (unsigned short)columns, .ws_row = 24};
    assert_int_equal(ioctl(t->master, TIOCSWINSZ, &size), 0);
}

/* What was written, up to the next end of a line. */
static inline const char *read_line(const terminal *t)
{
    static char text[4096];
    size_t n = 0;
    do {
        const ssize_t more = read(t->master, text + n, sizeof text - 1 - n);
        assert_true(more > 0);
        n += (size_t)more;
        text[n] = '\0';
    } while (!strchr(text, '\n'));
    return text;
}

static inline void close_terminal(terminal *t)
{
    fclose(t->f);
    close(t->master);
}

#endif
