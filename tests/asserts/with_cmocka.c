/* cmocka. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "subject.h"

static bool wrong;

static void gradients(void **state)
{
    (void)state;
    assert_all(wrong);
}

int main(int argc, char **argv)
{
    (void)argv;
    wrong = argc > 1;
    const struct CMUnitTest tests[] = {cmocka_unit_test(gradients)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
