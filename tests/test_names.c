/* Names within the library tell where they stand: those of functions that files share begin with
 * their file's, and no two files of ops/ and optim/ have static functions of one name. So what a
 * profile, a debugger or the linker names is found without a search. */
#define _POSIX_C_SOURCE 200809L
#include "sources.h"

/* Words that stand for more than a file: for a folder of one topic, or for files of a long name. */
static const struct {
    const char *files, *word; /* how the path begins */
} topics[] = {
    {"src/gradcheck/", "check"}, {"src/cli/", "cli"}, {"src/cfile/", "cfile"},
    {"src/data/", "data"},       {"src/io/", "io"},   {"src/io/safetensors", "st"},
    {"ops/", "compose"}, /* bodies of rows of ops.def */
};

/* Whether `name` is the word, or begins with it or its plural and _. */
static bool begins_with(const char *name, const char *word, size_t length)
{
    if (strncmp(name, word, length) != 0) return false;
    name += length + (name[length] == 's');
    return !*name || *name == '_';
}

/* Of "fit_show" and its singular the whole or the first word. */
static bool is_of_file(const char *name, const char *stem, size_t length)
{
    const size_t first = strcspn(stem, "_.");
    const size_t ends[] = {length, length - 1, first, first - 1};
    for (int i = 0; i < 4; i++)
        if ((i % 2 == 0 || stem[ends[i]] == 's') && begins_with(name, stem, ends[i])) return true;
    return false;
}

static bool tells_its_file(const char *path, const char *name)
{
    const char *stem = strrchr(path, '/') + 1;
    if (is_of_file(name, stem, strcspn(stem, "."))) return true;
    for (size_t i = 0; i < sizeof topics / sizeof *topics; i++)
        if (!strncmp(path, topics[i].files, strlen(topics[i].files)) &&
            begins_with(name, topics[i].word, strlen(topics[i].word)))
            return true;
    return false;
}

/* --- reading definitions --- */

typedef void (*seen_fn)(const char *path, const char *name, bool is_static);

/* The function that is defined where a line begins; false where none is. */
static bool read_definition(const char *line, char name[128], bool *is_static)
{
    const char *open = strchr(line, '('), *end = strchr(line, ';'), *body = strstr(line, "\n{");
    if (!isalpha((unsigned char)*line) || !open || !body || (end && end < body) || body < open)
        return false;
    if (memchr(line, '\n', (size_t)(open - line)) || memchr(line, '=', (size_t)(open - line)))
        return false;
    const char *begin = open;
    while (begin > line && (isalnum((unsigned char)begin[-1]) || begin[-1] == '_')) begin--;
    snprintf(name, 128, "%.*s", (int)(open - begin), begin);
    *is_static = !strncmp(line, "static ", 7);
    return begin > line && begin < open;
}

static void read_file(const char *path, seen_fn see)
{
    char name[128];
    bool is_static;
    char *text = text_of(path);
    for (char *at = text; at; at = strchr(at, '\n') ? strchr(at, '\n') + 1 : NULL)
        if (read_definition(at, name, &is_static))
            see(path + strlen(GT_SOURCE_DIR) + 1, name, is_static);
    free(text);
}

static void read_files(const char *pattern, seen_fn see)
{
    glob_t files = files_like(pattern);
    for (size_t i = 0; i < files.gl_pathc; i++) read_file(files.gl_pathv[i], see);
    globfree(&files);
}

/* --- shared ones --- */

static int seen, bad;

static void see_shared(const char *path, const char *name, bool is_static)
{
    if (is_static || strncmp(name, "gti_", 4) != 0) return;
    seen++;
    if (tells_its_file(path, name + 4)) return;
    print_error("%s: %s does not tell its file: begin it with gti_ and the file's name, or the "
                "first word of that\n",
                path, name);
    bad++;
}

static void shared_names_tell_their_file(void **state)
{
    (void)state;
    seen = bad = 0;
    read_files(GT_SOURCE_DIR "/src/*/*.c", see_shared);
    read_files(GT_SOURCE_DIR "/ops/*.c", see_shared);
    read_files(GT_SOURCE_DIR "/optim/*.c", see_shared);
    assert_in_range(seen, 300, 2000);
    assert_int_equal(bad, 0);
}

/* --- static ones --- */

enum { MOST = 4096 };
static struct {
    char path[64], name[64];
} known[MOST];

static void see_static(const char *path, const char *name, bool is_static)
{
    if (!is_static) return;
    for (int i = 0; i < seen; i++)
        if (!strcmp(known[i].name, name) && strcmp(known[i].path, path) != 0) {
            print_error("%s and %s both have a static %s: begin it with the operation's name\n",
                        known[i].path, path, name);
            bad++;
        }
    assert_in_range(seen, 0, MOST - 1);
    snprintf(known[seen].path, sizeof known->path, "%s", path);
    snprintf(known[seen].name, sizeof known->name, "%s", name);
    seen++;
}

static void rules_tell_their_operation(void **state)
{
    (void)state;
    seen = bad = 0;
    read_files(GT_SOURCE_DIR "/ops/*.c", see_static);
    read_files(GT_SOURCE_DIR "/optim/*.c", see_static);
    assert_in_range(seen, 500, MOST);
    assert_int_equal(bad, 0);
}

static void test_rules(void **state)
{
    (void)state;
    static const struct {
        const char *path, *name;
        bool tells;
    } cases[] = {
        {"src/base/pool.c", "pool_get", true},
        {"src/base/pool.c", "memory_get", false},
        {"src/base/pool.c", "pooled", false},
        {"src/train/fit_show.c", "fit_show_begin", true},
        {"src/train/fit_show.c", "fit_begin", true},
        {"src/train/fit_show.c", "show_begin", false},
        {"optim/slots.c", "slot_make", true},
        {"src/io/safetensors_read.c", "st_read", true},
        {"src/io/json.c", "st_read", false},
        {"src/gradcheck/fast.c", "check_fast", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (tells_its_file(cases[i].path, cases[i].name) != cases[i].tells)
            fail_msg("%s in %s", cases[i].name, cases[i].path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rules),
        cmocka_unit_test(shared_names_tell_their_file),
        cmocka_unit_test(rules_tell_their_operation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
