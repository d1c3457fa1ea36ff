/* Pictures by Graphviz: runs `dot`, without a shell.
 *
 * dot reads the text from one unnamed file and complains into another, so that nothing blocks and
 * no pipe can break; it draws into a file beside the wanted one, which takes its name when all is
 * well. */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <fcntl.h>
#include <gradtape/graph.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "graph/picture.h"

extern char **environ;

typedef struct {
    gt_ctx *gt;
    const char *what; /* the function, for messages */
    const char *path;
    const char *type; /* "-Tsvg" */
    FILE *text;       /* the graph: dot's standard input */
    FILE *complaints; /* dot's standard error */
    char *output;     /* "-oDIR/.gradtape-PID-0.tmp" */
} job;

static const char *job_picture(const job *j)
{
    return j->output + strlen("-o");
}

/* --- files --- */

static const char *type_of(const char *path)
{
    static const char *const types[] = {"-Tsvg", "-Tpng", "-Tpdf"};
    const char *dot = strrchr(path, '.');
    for (size_t i = 0; dot && i < sizeof types / sizeof *types; i++)
        if (strcasecmp(dot + 1, types[i] + strlen("-T")) == 0) return types[i];
    return NULL;
}

/* Opens a new file of its own, its name in j->output. -1 on failure, with errno set. */
static int open_new(job *j)
{
    const char *slash = strrchr(j->path, '/');
    int folder = slash ? (int)(slash + 1 - j->path) : 0, fd = -1;
    size_t size = (size_t)folder + 64;
    free(j->output);
    j->output = malloc(size);
    if (!j->output) return -1;
    for (unsigned k = 0; k < 1000; k++) {
        snprintf(j->output, size, "-o%.*s.gradtape-%ld-%u.tmp", folder, j->path, (long)getpid(), k);
        fd = open(job_picture(j), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd >= 0 || errno != EEXIST) break;
    }
    return fd;
}

/* An open file without a name. Its descriptor is above the standard ones, so that it can be put in
 * their place. */
static FILE *open_unnamed(job *j)
{
    int fd = open_new(j);
    if (fd < 0) return NULL;
    unlink(job_picture(j));
    int high = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    close(fd);
    FILE *f = high < 0 ? NULL : fdopen(high, "w+");
    if (!f && high >= 0) close(high);
    return f;
}

static gt_status open_files(job *j)
{
    int fd = -1;
    j->text = open_unnamed(j);
    if (j->text) j->complaints = open_unnamed(j);
    if (j->complaints) fd = open_new(j);
    if (fd >= 0) {
        close(fd);
        return GT_OK;
    }
    int why = errno;
    free(j->output);
    j->output = NULL;
    return gt_fail(j->gt, gt_status_of_errno(why), j->what, "'%s' cannot be written: %s", j->path,
                   strerror(why));
}

/* --- the program --- */

/* 0, or an errno. */
static int start(const job *j, pid_t *child)
{
    const char *resolution = strcmp(j->type, "-Tpng") == 0 ? "-Gdpi=144" : "-Gdpi=72";
    char *const argv[] = {"dot", (char *)j->type, (char *)resolution, j->output, NULL};
    posix_spawn_file_actions_t files;
    int error = posix_spawn_file_actions_init(&files);
    if (error) return error;
    error = posix_spawn_file_actions_adddup2(&files, fileno(j->text), STDIN_FILENO);
    if (!error)
        error = posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    if (!error)
        error = posix_spawn_file_actions_adddup2(&files, fileno(j->complaints), STDERR_FILENO);
    if (!error) error = posix_spawnp(child, argv[0], &files, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&files);
    return error;
}

/* The exit status as of waitpid; 0 where the program ignores SIGCHLD and it is lost. */
static int wait_for(pid_t child)
{
    int status = 0;
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR) return 0;
    return status;
}

static gt_status fail_missing(const job *j)
{
    return gt_fail(j->gt, GT_ERR_IO, j->what,
                   "the program 'dot' was not found\n"
                   "  hint: install graphviz (apt install graphviz), or write the text with %s",
                   strstr(j->what, "tape") ? "gt_tape_write_dot" : "gt_graph_write_dot");
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
        return gt_fail(j->gt, gt_status_of_errno(error), j->what, "dot cannot be started: %s",
                       strerror(error));
    int status = wait_for(child);
    if (WIFEXITED(status) && WEXITSTATUS(status) == NOT_FOUND) return fail_missing(j);
    struct stat made;
    bool drawn = stat(job_picture(j), &made) == 0 && made.st_size > 0;
    return status || !drawn ? fail_ended(j, status) : GT_OK;
}

static gt_status draw(job *j, const gt_tensor *of)
{
    gt_status status = open_files(j);
    if (!status) status = gti_dot_write(j->gt, of, j->what, j->text);
    if (!status) rewind(j->text);
    if (!status) status = run(j);
    if (!status && rename(job_picture(j), j->path))
        status = gt_fail(j->gt, gt_status_of_errno(errno), j->what, "'%s' cannot be written: %s",
                         j->path, strerror(errno));
    return status;
}

static gt_status render(gt_ctx *gt, const gt_tensor *of, const char *path, const char *what)
{
    if (gt_failed(gt)) return gt_error_code(gt);
    if (!path) return gt_fail(gt, GT_ERR_ARGUMENT, what, "the path is NULL");
    job j = {.gt = gt, .what = what, .path = path, .type = type_of(path)};
    if (!j.type)
        return gt_fail(gt, GT_ERR_ARGUMENT, what, "'%s' does not end in .svg, .png or .pdf", path);
    gt_status status = draw(&j, of);
    if (j.text) fclose(j.text);
    if (j.complaints) fclose(j.complaints);
    if (status && j.output) unlink(job_picture(&j));
    free(j.output);
    return status;
}

gt_status gt_graph_render(const gt_tensor *of, const char *path)
{
    if (!of) return gt_fail(NULL, GT_ERR_ARGUMENT, "gt_graph_render", "the tensor is NULL");
    return render(of->ctx, of, path, "gt_graph_render");
}

gt_status gt_tape_render(gt_ctx *gt, const char *path)
{
    if (!gt) return gt_fail(NULL, GT_ERR_ARGUMENT, "gt_tape_render", "the context is NULL");
    return render(gt, NULL, path, "gt_tape_render");
}
