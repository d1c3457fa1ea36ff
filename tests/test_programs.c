/* Random programs against a model: see programs/model.h. */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>

#include "programs/run.h"

enum { SEEDS = 5000 }; /* in CI; GRADTAPE_PROGRAMS=FIRST:COUNT in the environment runs others */

static void programs_agree_with_the_model(void **state)
{
    (void)state;
    unsigned long long first = 0, count = SEEDS;
    const char *other = getenv("GRADTAPE_PROGRAMS");
    if (other && sscanf(other, "%llu:%llu", &first, &count) < 2) count = 1;
    assert_int_equal(run_programs(first, count), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(programs_agree_with_the_model)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
