/* What tests of kernels need of cmocka, for machines that we have no cmocka for (tools/cross): the
 * first failure of a program ends it. */
#ifndef GT_TESTS_CROSS_CMOCKA_H
#define GT_TESTS_CROSS_CMOCKA_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct CMUnitTest {
    const char *name;
    void (*test_func)(void **state);
    int (*setup_func)(void **state);
    int (*teardown_func)(void **state);
    void *initial_state;
};
#define cmocka_unit_test(f)                                                                        \
    {                                                                                              \
        .name = #f, .test_func = f                                                                 \
    }
#define cmocka_unit_test_setup_teardown(f, setup, teardown)                                        \
    {                                                                                              \
        .name = #f, .test_func = f, .setup_func = setup, .teardown_func = teardown                 \
    }

static inline int _cmocka_run_group_tests(const char *name, const struct CMUnitTest *tests,
                                          size_t n, void *setup, void *teardown)
{
    (void)setup, (void)teardown;
    for (size_t i = 0; i < n; i++) {
        void *state = tests[i].initial_state;
        printf("%s: %s\n", name, tests[i].name);
        fflush(stdout);
        if (tests[i].setup_func && tests[i].setup_func(&state)) return 1;
        tests[i].test_func(&state);
        if (tests[i].teardown_func && tests[i].teardown_func(&state)) return 1;
    }
    return 0;
}
#define cmocka_run_group_tests_name(name, tests, setup, teardown)                                  \
    _cmocka_run_group_tests(name, tests, sizeof(tests) / sizeof *(tests), setup, teardown)
#define cmocka_run_group_tests(tests, setup, teardown)                                             \
    cmocka_run_group_tests_name(#tests, tests, setup, teardown)

#define print_message printf
#define print_error(...) fprintf(stderr, __VA_ARGS__)
#define fail_msg(...)                                                                              \
    (fprintf(stderr, "%s:%d: ", __FILE__, __LINE__), fprintf(stderr, __VA_ARGS__),                 \
     fprintf(stderr, "\n"), exit(1))
#define assert_true(x) ((x) ? (void)0 : fail_msg("%s", #x))
#define assert_false(x) assert_true(!(x))
#define assert_null(x) assert_true(!(x))
#define assert_non_null(x) assert_true(x)
#define assert_int_equal(a, b) assert_true((a) == (b))
#define assert_string_equal(a, b) assert_true(strcmp(a, b) == 0)
#define assert_memory_equal(a, b, size) assert_true(memcmp(a, b, size) == 0)

#endif
