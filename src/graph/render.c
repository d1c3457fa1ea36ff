/* Pictures by Graphviz: runs `dot`, without a shell.
 *
 * dot reads the text from one unnamed file, draws into another and complains into a third, so that
 * nothing blocks and no pipe can break. The picture is copied to the wanted file when all is well.
 */
#define _XOPEN_SOURCE 700
#include <errno.h>
#include <fcntl.h>
#include <gradtape/graph.h>
#include <gradtape/io.h>
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
    gt_graph_opts opts;
    const char *type; /* "-Tsvg" */
    FILE *text;       /* the graph: dot's standard input */
    FILE *picture;    /* dot's standard output */
    FILE *complaints; /* dot's standard error */
} job;

/* --- files --- */

static const char *type_of(const char *path)
{
    static const char *const types[] = {"-Tsvg", "-Tpng", "-Tpdf"};
    const char *dot = strrchr(path, '.');
    for (size_t i = 0; dot && i < sizeof types / sizeof *types; i++)
        if (strcasecmp(dot + 1, types[i] + strlen("-T")) == 0) return types[i];
    return NULL;
}

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
    gt_file *f = gt_file_create(j->gt, j->path);
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

/* 0, or an errno. */
static int start(const job *j, pid_t *child)
{
    const char *resolution = strcmp(j->type, "-Tpng") == 0 ? "-Gdpi=144" : "-Gdpi=72";
    char *const argv[] = {"dot", (char *)j->type, (char *)resolution, NULL};
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
        return gt_fail(j->gt, gt_status_of_errno(error), j->what,
                       "dot cannot be started for '%s': %s", j->path, strerror(error));
    int status = wait_for(child);
    if (WIFEXITED(status) && WEXITSTATUS(status) == NOT_FOUND) return fail_missing(j);
    struct stat made;
    if (fstat(fileno(j->picture), &made) != 0) return fail_call(j);
    return status || !made.st_size ? fail_ended(j, status) : GT_OK;
}

static gt_status draw(job *j, const gt_tensor *of)
{
    gt_status status = open_files(j);
    if (!status) status = gti_dot_write(j->gt, of, j->opts, j->what, j->text);
    if (!status) rewind(j->text);
    if (!status) status = run(j);
    return status ? status : copy_picture(j);
}

static gt_status render(gt_ctx *gt, const gt_tensor *of, const char *path, gt_graph_opts opts,
                        const char *what)
{
    if (gt_failed(gt)) return gt_error_code(gt);
    if (!path) return gt_fail(gt, GT_ERR_ARGUMENT, what, "the path is NULL");
    job j = {.gt = gt, .what = what, .path = path, .opts = opts, .type = type_of(path)};
    if (!j.type)
        return gt_fail(gt, GT_ERR_ARGUMENT, what, "'%s' does not end in .svg, .png or .pdf", path);
    gt_status status = draw(&j, of);
    close_files(&j);
    return status;
}

gt_status gt_graph_render_(const gt_tensor *of, const char *path, gt_graph_opts opts)
{
    if (!of) return gt_fail(NULL, GT_ERR_ARGUMENT, "gt_graph_render", "the tensor is NULL");
    return render(of->ctx, of, path, opts, "gt_graph_render");
}

gt_status gt_tape_render_(gt_ctx *gt, const char *path, gt_graph_opts opts)
{
    if (!gt) return gt_fail(NULL, GT_ERR_ARGUMENT, "gt_tape_render", "the context is NULL");
    return render(gt, NULL, path, opts, "gt_tape_render");
}
