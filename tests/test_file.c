/* Files that appear whole or not at all. */
#define _POSIX_C_SOURCE 200809L
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "io_dense.h"
#include "io_support.h"

static void assert_content(const char *path, const char *want)
{
    size_t n;
    unsigned char *bytes = read_bytes(path, &n);
    assert_int_equal(n, strlen(want));
    assert_memory_equal(bytes, want, n);
    free(bytes);
}

static void test_file(void **state)
{
    gt_ctx *gt = *state;
    gt_file *f = gt_file_create(gt, file);
    assert_int_equal(gt_file_write(f, "one", 3), GT_OK);
    assert_int_equal(gt_file_printf(f, ",%d", 2), GT_OK);
    assert_int_not_equal(access(file, F_OK), 0);
    assert_int_equal(gt_file_commit(f), GT_OK);
    assert_content(file, "one,2");

    f = gt_file_create(gt, file);
    gt_file_printf(f, "another");
    gt_file_discard(f);
    assert_content(file, "one,2");
    assert_int_equal(count_files(false), 1);

    /* Longer than the buffer, in all the ways that flush. */
    static char large[200000];
    memset(large, 'x', sizeof large - 1);
    f = gt_file_create(gt, file);
    for (int i = 0; i < 3; i++) gt_file_write(f, large, 40000);
    gt_file_printf(f, "%s", large);
    gt_file_write(f, NULL, 0);
    assert_int_equal(gt_file_commit(f), GT_OK);
    struct stat st;
    assert_int_equal(stat(file, &st), 0);
    assert_int_equal(st.st_size, 3 * 40000 + sizeof large - 1);

    assert_int_equal(gt_file_write(NULL, "", 0), GT_ERR_ARGUMENT);
    assert_int_equal(gt_file_printf(NULL, "x"), GT_ERR_ARGUMENT);
    gt_file_discard(NULL);
    assert_int_equal(gt_file_commit(NULL), GT_ERR_ARGUMENT);
    assert_error(NULL, GT_ERR_ARGUMENT, "gt_file_commit (test_file.c:");
    assert_well(gt);
}

/* What is replaced keeps its permissions, and a link its place; only files are replaced. */
static void test_what_is_replaced(void **state)
{
    gt_ctx *gt = *state;
    char link_path[400], fifo[400];
    snprintf(link_path, sizeof link_path, "%s/link", folder);
    snprintf(fifo, sizeof fifo, "%s/fifo", folder);
    write_bytes(file, "old", 3);
    assert_int_equal(chmod(file, 0640), 0);
    assert_int_equal(symlink("file.safetensors", link_path), 0);
    gt_file *f = gt_file_create(gt, link_path);
    gt_file_printf(f, "new");
    assert_int_equal(gt_file_commit(f), GT_OK);
    assert_content(file, "new");
    struct stat st;
    assert_int_equal(lstat(link_path, &st), 0);
    assert_true(S_ISLNK(st.st_mode));
    assert_int_equal(stat(file, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0640);

    assert_int_equal(unlink(file), 0); /* the link leads nowhere now */
    assert_null(gt_file_create(gt, link_path));
    assert_error(gt, GT_ERR_IO, "it is a link that leads nowhere");
    assert_int_equal(mkfifo(fifo, 0600), 0);
    const char *const others[] = {folder, fifo, "/dev/null"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        assert_null(gt_file_create(gt, others[i]));
        assert_error(gt, GT_ERR_IO, "it is no regular file");
    }
    assert_int_equal(count_files(false), 2);
}

/* In the present directory, without a slash. */
static void test_plain_name(void **state)
{
    gt_ctx *gt = *state;
    char old[1024];
    assert_non_null(getcwd(old, sizeof old));
    assert_int_equal(chdir(folder), 0);
    gt_file *f = gt_file_create(gt, "plain");
    gt_file_printf(f, "text");
    assert_int_equal(gt_file_commit(f), GT_OK);
    assert_content("plain", "text");
    assert_int_equal(chdir(old), 0);
    assert_int_equal(count_files(false), 1);
}

static void test_unwritable(void **state)
{
    gt_ctx *gt = *state;
    gt_module *m = dense_new(gt, 2, 2, GT_F32);
    char path[400];
    snprintf(path, sizeof path, "%s/no/such.safetensors", folder);
    assert_int_equal(gt_save(m, path), GT_ERR_IO);
    assert_error(gt, GT_ERR_IO, "such.safetensors' cannot be written: No such file or directory");
    if (geteuid() != 0) {
        assert_int_equal(chmod(folder, 0500), 0);
        assert_int_equal(gt_save(m, file), GT_ERR_IO);
        assert_int_equal(chmod(folder, 0700), 0);
        assert_error(gt, GT_ERR_IO, "Permission denied");
    }
    assert_int_equal(count_files(false), 0);
}

/* A disk that is full after 100000 bytes: the old file stays, and nothing else. */
static void test_full_disk(void **state)
{
    gt_ctx *gt = *state;
    gt_module *m = dense_new(gt, 200, 200, GT_F32);
    write_bytes(file, "old", 3);
    struct rlimit old, small;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    small = old;
    small.rlim_cur = 100000;
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    const gt_status status = gt_save(m, file);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    signal(SIGXFSZ, handler);
    assert_int_equal(status, GT_ERR_IO);
    assert_error(gt, GT_ERR_IO, "file.safetensors' cannot be written: File too large");
    assert_content(file, "old");
    assert_int_equal(count_files(false), 1);
}

/* --- files that are being written --- */

static void write_text(gt_ctx *gt, const char *text)
{
    gt_file *f = gt_file_create(gt, file);
    gt_file_printf(f, "%s", text);
    assert_int_equal(gt_file_commit(f), GT_OK);
    assert_content(file, text);
}

/* A thousand files left behind under the names of a process of this number, as in a container,
 * where every process has the same, block nothing. */
static void test_old_names(void **state)
{
    char path[400];
    for (int i = 0; i < 1000; i++) {
        snprintf(path, sizeof path, "%s/.gradtape-%ld-%d.tmp", folder, (long)getpid(), i);
        write_bytes(path, "x", 1);
    }
    write_text(*state, "new");
    assert_int_equal(count_files(true), 1001);
}

/* Begins a file and is killed. */
static void die_writing(void)
{
    const pid_t child = fork();
    if (!child) {
        gt_file *f = gt_file_create(gt_open(), file);
        gt_file_printf(f, "half");
        raise(SIGKILL);
    }
    assert_int_equal(waitpid(child, NULL, 0), child);
}

/* What a killed process leaves is removed by the next that writes beside it; what others are
 * writing stays, and what only looks similar. */
static void test_killed(void **state)
{
    gt_ctx *gt = *state;
    char path[400];
    write_text(gt, "old");
    for (int i = 0; i < 3; i++) die_writing();
    assert_content(file, "old");
    assert_int_equal(count_files(false), 2); /* each removed the one before */
    snprintf(path, sizeof path, "%s/.gradtape-0123456789abcde.tmp", folder);
    write_bytes(path, "x", 1);
    gt_file *mine = gt_file_create(gt, file);
    assert_int_equal(count_files(false), 3);
    die_writing();
    assert_int_equal(count_files(false), 4);
    write_text(gt, "new");
    assert_int_equal(count_files(false), 3);
    gt_file_printf(mine, "last");
    assert_int_equal(gt_file_commit(mine), GT_OK);
    assert_content(file, "last");
    assert_int_equal(count_files(false), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IO_TEST(test_file),       IO_TEST(test_what_is_replaced), IO_TEST(test_plain_name),
        IO_TEST(test_unwritable), IO_TEST(test_full_disk),        IO_TEST(test_old_names),
        IO_TEST(test_killed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
