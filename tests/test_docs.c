/* The programs in pages of docs/ that are whole compile, wherever they stand. */
#define _POSIX_C_SOURCE 200809L
#include "sources.h"

#include "files.h"
#include "program.h"

static void check_program(int number, const char *from, size_t n)
{
    char name[64], command[2048];
    snprintf(name, sizeof name, "page%d.c", number);
    write_file(scratch(name), from, n);
    snprintf(command, sizeof command,
             "${CC:-cc} -std=c11 -Wall -Wextra -Werror -fsyntax-only -I '%s/include' -I "
             "'%s/include' '%s' 2>&1",
             GT_SOURCE_DIR, GT_BINARY_DIR, scratch(name));
    run_program(command, 0);
}

static void programs_compile(void **state)
{
    static const char open[] = "```c\n#include <gradtape.h>", close[] = "\n```\n";
    int programs = 0;
    glob_t pages;
    (void)state;
    assert_int_equal(glob(GT_SOURCE_DIR "/docs/*.md", 0, NULL, &pages), 0);
    for (size_t i = 0; i < pages.gl_pathc; i++) {
        char *text = text_of(pages.gl_pathv[i]);
        for (const char *at = text; (at = strstr(at, open));) {
            at += strlen("```c\n");
            const char *end = strstr(at, close);
            assert_non_null(end);
            check_program(programs++, at, (size_t)(end + 1 - at));
        }
        free(text);
    }
    globfree(&pages);
    assert_in_range(programs, 15, 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(programs_compile)};
    return cmocka_run_group_tests(tests, NULL, remove_scratch);
}
