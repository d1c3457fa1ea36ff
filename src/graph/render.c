/* Pictures by Graphviz: runs `dot`, without a shell.
 *
 * dot reads the text from one unnamed file, draws into another and complains into a third, so that
 * nothing blocks and no pipe can break. The picture is copied to the wanted file when all is well.
 */
#define _XOPEN_SOURCE 700
#include <errno.h>
#include <fcntl.h>
#include <gradtape/io.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "graph/render.h"

extern char **environ;

typedef struct {
    gt_ctx *gt;
    const char *what; /* the function, for messages */
    const char *path;
    const gt_graph_opts *opts;
    const char *type; /* "-Tsvg" */
    FILE *text;       /* the graph: dot's standard input */
    FILE *picture;    /* dot's standard output */
    FILE *complaints; /* dot's standard error */
} job;

/* --- files --- */

/* An open file without a name, in the folder that the picture will be in. Its descriptor is above
 * the standard ones, so that it can be put in their place. */
static FILE *open_unnamed(const job *j)
{
    static const char name[] = ".gradtape-XXXXXX";
    const char *slash = strrchr(j->path, '/');
    const size_t folder = slash ? (size_t)(slash + 1 - j->path) : 0;
    char *path = malloc(folder + sizeof name);
    if (!path) return NULL;
    memcpy(path, j->path, folder);
    memcpy(path + folder, name, sizeof name);
    const int fd = mkstemp(path);
    if (fd >= 0) unlink(path);
    free(path);
    const int high = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    if (fd >= 0) close(fd);
    FILE *f = high < 0 ? NULL : fdopen(high, "w+");
    if (!f && high >= 0) close(high);
    return f;
}

static gt_status fail_call(const job *j)
{
    return gt_fail(j->gt, gt_status_of_errno(errno), j->what, "'%s' cannot be written: %s", j->path,
                   strerror(errno));
}

static gt_status open_files(job *j)
{
    FILE **const files[] = {&j->text, &j->picture, &j->complaints};
    for (int i = 0; i < 3; i++)
        if (!(*files[i] = open_unnamed(j))) return fail_call(j);
    return GT_OK;
}

static void close_files(const job *j)
{
    if (j->text) fclose(j->text);
    if (j->picture) fclose(j->picture);
    if (j->complaints) fclose(j->complaints);
}

/* Gives the picture its name. */
static gt_status copy_picture(const job *j)
{
    char bytes[4096];
    gt_file *f = gt_file_create_for(j->gt, j->what, j->path);
    rewind(j->picture);
    for (size_t n; f && (n = fread(bytes, 1, sizeof bytes, j->picture)) > 0;)
        gt_file_write(f, bytes, n);
    if (!f) return gt_error_code(j->gt);
    if (!ferror(j->picture)) return gt_file_commit(f);
    const gt_status status = fail_call(j);
    gt_file_discard(f);
    return status;
}

/* --- the program --- */

static bool is_png(const job *j)
{
    return strcmp(j->type, "-Tpng") == 0;
}

/* 0, or an errno. */
static int start(const job *j, pid_t *child)
{
    char resolution[32];
    snprintf(resolution, sizeof resolution, "-Gdpi=%d", is_png(j) ? j->opts->dpi : 72);
    char *const argv[] = {"dot", (char *)j->type, resolution, NULL};
    posix_spawn_file_actions_t files;
    int error = posix_spawn_file_actions_init(&files);
    if (error) return error;
    error = posix_spawn_file_actions_adddup2(&files, fileno(j->text), STDIN_FILENO);
    if (!error) error = posix_spawn_file_actions_adddup2(&files, fileno(j->picture), STDOUT_FILENO);
    if (!error)
        error = posix_spawn_file_actions_adddup2(&files, fileno(j->complaints), STDERR_FILENO);
    if (!error) error = posix_spawnp(child, argv[0], &files, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&files);
    return error;
}

/* The exit status as of waitpid; 0 where the program ignores SIGCHLD and it is lost. *late: the
 * child had to be killed. */
static int wait_for(pid_t child, double seconds, bool *late)
{
    enum { TICK = 2000000 }; /* nanoseconds */
    const struct timespec tick = {.tv_nsec = TICK};
    int status = 0;
    struct timespec start, now;
    timespec_get(&start, TIME_UTC);
    for (pid_t done = 0; !done;) {
        done = waitpid(child, &status, *late ? 0 : WNOHANG);
        if (done < 0 && errno != EINTR) return 0;
        if (done < 0) done = 0;
        if (done || *late) continue;
        timespec_get(&now, TIME_UTC);
        *late = difftime(now.tv_sec, start.tv_sec) + 1e-9 * (double)(now.tv_nsec - start.tv_nsec) >
                seconds;
        if (*late) kill(child, SIGKILL);
        else nanosleep(&tick, NULL);
    }
    return status;
}

static gt_status fail_missing(const job *j)
{
    return gt_fail(j->gt, GT_ERR_IO, j->what,
                   "the program 'dot' was not found\n"
                   "  hint: install graphviz (apt install graphviz), or save the text as .dot");
}

#define LESS ".depth = 1 shows less"

static gt_status fail_late(const job *j)
{
    return gt_fail(j->gt, GT_ERR_UNSUPPORTED, j->what,
                   "dot was not done with '%s' after %g seconds\n"
                   "  hint: " LESS ", .seconds gives it more time, and .dot has the text",
                   j->path, j->opts->seconds);
}

/* Of a PNG: width and height are the first numbers behind its signature and the first chunk's head.
 */
static gt_status check_pixels(const job *j)
{
    enum { HEAD = 24, WIDTH = 16, HEIGHT = 20 };
    unsigned char head[HEAD];
    long size[2] = {0, 0};
    rewind(j->picture);
    if (fread(head, 1, HEAD, j->picture) < HEAD) return GT_OK;
    for (int i = 0; i < 4; i++) {
        size[0] = 256 * size[0] + head[WIDTH + i];
        size[1] = 256 * size[1] + head[HEIGHT + i];
    }
    const long most = j->opts->most_pixels;
    if (size[0] <= most && size[1] <= most) return GT_OK;
    return gt_fail(j->gt, GT_ERR_UNSUPPORTED, j->what,
                   "'%s' would be %ldx%ld pixels, more than %ld\n"
                   "  hint: " LESS
                   ", .dpi = %d makes it smaller, .most_pixels allows more, and .svg "
                   "has none",
                   j->path, size[0], size[1], most, (j->opts->dpi + 1) / 2);
}

static gt_status fail_ended(const job *j, int status)
{
    char text[300];
    rewind(j->complaints);
    size_t length = fread(text, 1, sizeof text - 1, j->complaints);
    while (length && text[length - 1] == '\n') length--;
    text[length] = '\0';
    const char *separator = length ? ": " : "";
    if (WIFSIGNALED(status))
        return gt_fail(j->gt, GT_ERR_IO, j->what, "dot was killed by signal %d%s%s",
                       WTERMSIG(status), separator, text);
    if (status)
        return gt_fail(j->gt, GT_ERR_IO, j->what, "dot failed with status %d%s%s",
                       WEXITSTATUS(status), separator, text);
    return gt_fail(j->gt, GT_ERR_IO, j->what, "dot wrote no picture%s%s", separator, text);
}

static gt_status run(const job *j)
{
    /* What a shell and some C libraries say when there is no such program. */
    enum { NOT_FOUND = 127 };
    pid_t child = 0;
    int error = start(j, &child);
    if (error == ENOENT) return fail_missing(j);
    if (error)
        return gt_fail(j->gt, gt_status_of_errno(error), j->what,
                       "dot cannot be started for '%s': %s", j->path, strerror(error));
    bool late = false;
    int status = wait_for(child, j->opts->seconds, &late);
    if (late) return fail_late(j);
    if (WIFEXITED(status) && WEXITSTATUS(status) == NOT_FOUND) return fail_missing(j);
    struct stat made;
    if (fstat(fileno(j->picture), &made) != 0) return fail_call(j);
    return status || !made.st_size ? fail_ended(j, status) : GT_OK;
}

gt_status gti_render(const gt_graph *g, const char *path, const char *type,
                     const gt_graph_opts *opts, const char *what)
{
    job j = {.gt = g->ctx, .what = what, .path = path, .opts = opts, .type = type};
    gt_status status = open_files(&j);
    if (!status) status = gti_dot_write(g, opts, what, j.text);
    if (!status) rewind(j.text);
    if (!status) status = run(&j);
    if (!status && is_png(&j)) status = check_pixels(&j);
    if (!status) status = copy_picture(&j);
    close_files(&j);
    return status;
}
