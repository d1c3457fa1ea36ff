/* Terminals, the environment, and time. */
#define _DEFAULT_SOURCE
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "view/view.h"

bool gti_terminal_is_one(FILE *f)
{
    const int fd = fileno(f);
    const char *term = getenv("TERM");
    return fd >= 0 && isatty(fd) && !(term && !strcmp(term, "dumb"));
}

int gti_terminal_columns(FILE *f)
{
    enum { LEAST = 20, MOST = 1000, USUAL = 80 };
    struct winsize size;
    const int fd = fileno(f);
    long n = 0;
    if (fd >= 0 && ioctl(fd, TIOCGWINSZ, &size) == 0) n = size.ws_col;
    const char *columns = getenv("COLUMNS");
    if (n <= 0 && columns) n = strtol(columns, NULL, 10);
    if (n <= 0 || n > MOST) n = USUAL;
    return n < LEAST ? LEAST : (int)n;
}

bool gti_terminal_utf8(void)
{
    static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *value = getenv(names[i]);
        if (!value || !*value) continue;
        for (; *value; value++)
            if (!strncasecmp(value, "utf-8", 5) || !strncasecmp(value, "utf8", 4)) return true;
        return false;
    }
    return false;
}

double gti_terminal_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

char *gti_terminal_duration(char buf[GTI_NUMBER], double seconds)
{
    const long long s = seconds > 0 && seconds < 1e9 ? (long long)seconds : 0;
    if (s < 3600) snprintf(buf, GTI_NUMBER, "%lld:%02lld", s / 60, s % 60);
    else snprintf(buf, GTI_NUMBER, "%lld:%02lld:%02lld", s / 3600, s / 60 % 60, s % 60);
    return buf;
}
