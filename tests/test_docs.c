/* The programs in pages of docs/ that are whole compile. */
#define _POSIX_C_SOURCE 200809L
#include "sources.h"

#include "files.h"
#include "program.h"

static void check_program(const char *page, int number, const char *from, size_t n)
{
    char name[64], command[2048];
    snprintf(name, sizeof name, "%s%d.c", page, number);
    write_file(scratch(name), from, n);
    snprintf(command, sizeof command,
             "${CC:-cc} -std=c11 -Wall -Wextra -Werror -fsyntax-only -I '%s/include' -I "
             "'%s/include' '%s' 2>&1",
             GT_SOURCE_DIR, GT_BINARY_DIR, scratch(name));
    run_program(command, 0);
}

static void programs_compile(void **state)
{
    static const char *const pages[] = {"datasets", "modules"};
    static const char open[] = "```c\n#include", close[] = "\n```\n";
    int programs = 0;
    (void)state;
    for (size_t i = 0; i < sizeof pages / sizeof *pages; i++) {
        char path[512];
        snprintf(path, sizeof path, "%s/docs/%s.md", GT_SOURCE_DIR, pages[i]);
        char *text = text_of(path);
        for (const char *at = text; (at = strstr(at, open));) {
            at += strlen("```c\n");
            const char *end = strstr(at, close);
            assert_non_null(end);
            check_program(pages[i], programs++, at, (size_t)(end + 1 - at));
        }
        free(text);
    }
    assert_in_range(programs, 3, 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(programs_compile)};
    return cmocka_run_group_tests(tests, NULL, remove_scratch);
}
