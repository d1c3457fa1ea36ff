/* The floors of docs/design.md: reads every #include of the tree and fails on one that does not
 * lead downward. */
#define _POSIX_C_SOURCE 200809L
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum { PATH = 1024 };

typedef enum {
    LOWER,  /* includes lower floors and its own folder */
    PUBLIC, /* includes public headers and its own folder */
    FREE,   /* includes anything */
} reach;

/* From the ground up; folders of one height stand beside each other and do not see each other. The
 * public headers stand between kernels and engine: what lies below them knows no tensor. */
static const struct floor {
    const char *folder;
    int height;
    reach reach;
} floors[] = {
    // clang-format off
    {"src/base/", 0, LOWER},
    {"src/kernels/", 1, LOWER},
    {"include/", 2, PUBLIC},
    {"src/engine/", 3, LOWER},
    {"ops/", 4, LOWER},
    {"src/capture/", 4, LOWER},
    {"src/profile/", 4, LOWER},
    {"src/gradcheck/", 5, PUBLIC},
    {"src/nn/", 5, PUBLIC},
    {"src/data/", 5, PUBLIC},
    {"src/io/", 5, PUBLIC},
    {"src/onnx/", 5, PUBLIC},
    {"src/train/", 5, PUBLIC},
    {"src/program/", 5, PUBLIC},
    {"src/view/", 5, PUBLIC},
    {"src/graph/", 5, PUBLIC},
    {"src/cfile/", 5, PUBLIC},
    {"src/cli/", 5, PUBLIC},
    {"optim/", 5, PUBLIC},
    {"examples/", 6, PUBLIC},
    {"bench/", 6, PUBLIC},
    {"tests/package/", 6, PUBLIC},
    // clang-format on
    {"tests/", 7, FREE},
};

/* What a folder may see besides: one narrow header, made for it. */
static const struct {
    const char *folder, *header;
} doors[] = {
    {"src/gradcheck/", "src/engine/session.h"}, {"src/gradcheck/", "src/engine/mutants.h"},
    {"bench/", "src/cli/networks.h"},           {"src/view/", "src/base/proto.h"},
    {"src/onnx/", "src/base/proto.h"},          {"src/graph/", "src/io/json.h"},
    {"src/onnx/", "src/base/store.h"},          {"src/onnx/", "src/base/names.h"},
    {"src/graph/", "src/base/store.h"},         {"src/graph/", "src/base/names.h"},
    {"src/onnx/", "src/graph/reading.h"},       {"src/cfile/", "src/base/store.h"},
    {"src/cfile/", "src/base/names.h"},         {"src/cfile/", "src/base/places.h"},
    {"src/cfile/", "src/graph/reading.h"},      {"src/cfile/", "src/io/text.h"},
};

static bool has_door(const char *folder, const char *header)
{
    for (size_t i = 0; i < sizeof doors / sizeof *doors; i++)
        if (strcmp(doors[i].folder, folder) == 0 && strcmp(doors[i].header, header) == 0)
            return true;
    return false;
}

static const struct floor *floor_of(const char *path)
{
    for (size_t i = 0; i < sizeof floors / sizeof *floors; i++)
        if (strncmp(path, floors[i].folder, strlen(floors[i].folder)) == 0) return &floors[i];
    return NULL;
}

static bool ends_in(const char *s, const char *end)
{
    size_t n = strlen(s), m = strlen(end);
    return n >= m && strcmp(s + n - m, end) == 0;
}

/* Why the file `from` may not include the file `to`, both relative to the tree; NULL if it may. */
static const char *breach(const char *from, const char *to)
{
    const struct floor *a = floor_of(from), *b = floor_of(to);
    if (!a || !b) return "stands on no floor";
    if (a->reach == FREE) return NULL;
    if (has_door(a->folder, to)) return NULL;
    if (a == b) return ends_in(to, ".c") ? "is another source file" : NULL;
    if (b->height > a->height) return "stands higher";
    if (b->height == a->height) return "stands beside it";
    if (a->reach == PUBLIC && strcmp(b->folder, "include/") != 0) return "is not a public header";
    return NULL;
}

/* Writes the first n characters of a, then b. */
static void join(char to[PATH], const char *a, size_t n, const char *b)
{
    int length = snprintf(to, PATH, "%.*s%s", (int)n, a, b);
    assert_in_range(length, 0, PATH - 1);
}

static bool exists(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0;
}

/* Finds what `from` means by "name", as the build's search paths do. Public headers may be made by
 * the build, so their names suffice. */
static bool resolve(const char *from, const char *name, char to[PATH])
{
    join(to, from, (size_t)(strrchr(from, '/') + 1 - from), name);
    if (exists(to)) return true;
    join(to, "src/", 4, name);
    if (exists(to)) return true;
    char made[PATH];
    join(made, GT_BINARY_DIR "/made/", strlen(GT_BINARY_DIR "/made/"), name);
    if (exists(made)) return true; /* and it stands where src/ has it */
    join(to, "", 0, name);
    if (exists(to)) return true;
    join(to, "include/", 8, name);
    return strncmp(name, "gradtape", 8) == 0;
}

/* Judges one line of `from`; a breach is printed. Headers of the system are not looked at. */
static bool line_is_good(const char *from, int number, const char *line)
{
    char name[PATH], to[PATH];
    const char *why = NULL;
    if (sscanf(line, " # include <%1000[^>\n]", name) == 1 && strncmp(name, "gradtape", 8) != 0)
        return true;
    if (sscanf(line, " # include %*[<\"]%1000[^>\"\n]", name) == 1)
        why = resolve(from, name, to) ? breach(from, to) : "is nowhere in the tree";
    else if (sscanf(line, " # include %1000s", name) == 1)
        why = "is a macro and cannot be followed";
    if (why && strstr(name, "..")) why = "climbs out of its folder";
    if (why) print_error("%s:%d: includes %s, which %s\n", from, number, name, why);
    return !why;
}

static void check_file(const char *path, int *files, int *breaches)
{
    char line[4096];
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    for (int number = 1; fgets(line, sizeof line, f); number++)
        *breaches += !line_is_good(path, number, line);
    fclose(f);
    ++*files;
}

static void check_folder(const char *folder, int *files, int *breaches)
{
    char stem[PATH], path[PATH];
    DIR *dir = opendir(folder);
    if (!dir) return;
    join(stem, folder, strlen(folder), "/");
    for (struct dirent *entry; (entry = readdir(dir));) {
        const char *name = entry->d_name;
        join(path, stem, strlen(stem), name);
        if (ends_in(name, ".c") || ends_in(name, ".h") || ends_in(name, ".def") ||
            ends_in(name, ".inc"))
            check_file(path, files, breaches);
        else if (!strchr(name, '.')) check_folder(path, files, breaches);
    }
    closedir(dir);
}

static void test_tree_includes_downward(void **state)
{
    (void)state;
    assert_int_equal(chdir(GT_SOURCE_DIR), 0);
    static const char *const tops[] = {"src",      "include", "ops",  "optim",
                                       "examples", "bench",   "tests"};
    int files = 0, breaches = 0;
    for (size_t i = 0; i < sizeof tops / sizeof *tops; i++)
        check_folder(tops[i], &files, &breaches);
    print_message("%d files read\n", files);
    assert_in_range(files, 20, 100000);
    assert_int_equal(breaches, 0);
}

static void test_rules(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to;
        bool allowed;
    } rules[] = {
        {"src/base/pool.c", "src/base/pool.h", true},
        {"src/base/pool.c", "src/kernels/kernels.h", false},
        {"src/base/pool.c", "include/gradtape/context.h", false},
        {"src/kernels/conv.c", "src/base/size.h", true},
        {"src/kernels/conv.c", "include/gradtape/tensor.h", false},
        {"src/engine/tape.c", "src/kernels/kernels.h", true},
        {"src/engine/tape.c", "include/gradtape/op.h", true},
        {"src/engine/tape.c", "ops/shared.h", false},
        {"src/engine/tape.c", "src/nn/module.h", false},
        {"include/gradtape/op.h", "include/gradtape/tensor.h", true},
        {"include/gradtape/op.h", "src/base/size.h", false},
        {"ops/conv2d.c", "src/engine/context.h", true},
        {"ops/conv2d.c", "ops/shared.h", true},
        {"ops/conv2d.c", "ops/add.c", false},
        {"src/nn/conv.c", "include/gradtape/nn.h", true},
        {"src/nn/conv.c", "src/nn/init.h", true},
        {"src/nn/conv.c", "src/engine/session.h", false},
        {"src/gradcheck/check.c", "src/engine/session.h", true},
        {"src/gradcheck/check.c", "src/engine/context.h", false},
        {"src/nn/conv.c", "src/engine/context.h", false},
        {"src/nn/conv.c", "src/graph/dot.h", false},
        {"optim/sgd.c", "src/kernels/kernels.h", false},
        {"examples/train.c", "include/gradtape.h", true},
        {"examples/train.c", "src/base/size.h", false},
        {"tests/test_tape.c", "src/engine/context.h", true},
        {"tests/package/consumer.c", "src/engine/context.h", false},
        {"src/strange/file.c", "include/gradtape.h", false},
    };
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        bool allowed = !breach(rules[i].from, rules[i].to);
        if (allowed != rules[i].allowed) fail_msg("%s -> %s", rules[i].from, rules[i].to);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rules),
        cmocka_unit_test(test_tree_includes_downward),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
