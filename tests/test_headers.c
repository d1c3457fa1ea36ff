/* The public headers in C++: a C++20 compiler must take each by itself; and tests/cxx, which is
 * built and run where there is such a compiler, must call every function-like macro of theirs. */
#define _POSIX_C_SOURCE 200809L
#include "sources.h"

#include "program.h"

#define CALLS GT_BINARY_DIR "/include/gradtape/calls.h"

static void assert_good_cxx(const char *path)
{
    char command[2048];
    snprintf(command, sizeof command,
             "echo '#include \"%s\"' | c++ -x c++ -std=c++20 -Wall -Wextra -Wpedantic -Werror "
             "-fsyntax-only -I '%s/include' -I '%s/include' - 2>&1",
             path, GT_SOURCE_DIR, GT_BINARY_DIR);
    run_program(command, 0);
}

static void are_good_cxx(void **state)
{
    (void)state;
    if (system("c++ --version >/dev/null 2>&1")) {
        print_message("there is no C++ compiler: not tested\n");
        skip();
    }
    glob_t headers = files_like(GT_SOURCE_DIR "/include/gradtape/*.h");
    assert_good_cxx(GT_SOURCE_DIR "/include/gradtape.h");
    for (size_t i = 0; i < headers.gl_pathc; i++) assert_good_cxx(headers.gl_pathv[i]);
    globfree(&headers);
}

/* Of ops.def: its own macros, and functions of one element, which are called by the list of them.
 */
static bool is_of_list(const char *program, const char *name)
{
    static const char call[] = "#define GT_OP_UNARY(name, params, meaning) gt_##name(x)";
    char row[160], undefined[160];
    char *list = text_of(GT_SOURCE_DIR "/include/gradtape/ops.def");
    snprintf(row, sizeof row, "GT_OP_UNARY(%s", name + strlen("gt_"));
    snprintf(undefined, sizeof undefined, "#undef %s", name);
    const bool is =
        has_word(list, undefined, '\n') || (strstr(program, call) && has_word(list, row, ','));
    free(list);
    return is;
}

/* Counts the macros of a header that `program` does not call, and names them. Those whose names end
 * in _ are the headers' own, and so are those that they undefine. */
static int missing_from(const char *program, const char *path)
{
    int missing = 0;
    char *header = text_of(path);
    for (const char *at = header; (at = strstr(at, "#define "));) {
        char name[128], undefined[160];
        size_t n = strcspn(at += 8, " (\n");
        snprintf(name, sizeof name, "%.*s", (int)n, at);
        snprintf(undefined, sizeof undefined, "#undef %s", name);
        if (at[n] != '(' || at[n - 1] == '_') continue;
        if (has_word(header, undefined, '\n') || has_word(program, name, '(')) continue;
        if (is_of_list(program, name)) continue;
        print_error("%s: no program of tests/cxx/ calls %s\n", path, name);
        missing++;
    }
    free(header);
    return missing;
}

static void macros_are_called_from_cxx(void **state)
{
    (void)state;
    glob_t parts = files_like(GT_SOURCE_DIR "/tests/cxx/*.cpp");
    glob_t headers = files_like(GT_SOURCE_DIR "/include/gradtape/*.h");
    char *program = calloc(1, 1 << 20), *list = text_of(GT_SOURCE_DIR "/tests/calls_list.h");
    strcat(program, list);
    free(list);
    for (size_t i = 0; i < parts.gl_pathc; i++) {
        char *part = text_of(parts.gl_pathv[i]);
        strcat(program, part);
        free(part);
    }
    int missing = missing_from(program, CALLS);
    for (size_t i = 0; i < headers.gl_pathc; i++)
        missing += missing_from(program, headers.gl_pathv[i]);
    free(program);
    globfree(&headers);
    globfree(&parts);
    assert_int_equal(missing, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(are_good_cxx),
        cmocka_unit_test(macros_are_called_from_cxx),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
