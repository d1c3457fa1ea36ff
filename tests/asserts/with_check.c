/* Check, or what stands in for it. */
#include <check.h>

#include "subject.h"

static bool wrong;

START_TEST(gradients)
{
    assert_all(wrong);
}
END_TEST

int main(int argc, char **argv)
{
    (void)argv;
    wrong = argc > 1;
    Suite *suite = suite_create("gradients");
    TCase *tests = tcase_create("all");
    tcase_add_test(tests, gradients);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed > 0;
}
