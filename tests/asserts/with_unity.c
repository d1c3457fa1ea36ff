/* Unity, or what stands in for it. */
#include <unity.h>

#include "subject.h"

static bool wrong;

void setUp(void)
{
}

void tearDown(void)
{
}

static void gradients(void)
{
    assert_all(wrong);
}

int main(int argc, char **argv)
{
    (void)argv;
    wrong = argc > 1;
    UNITY_BEGIN();
    RUN_TEST(gradients);
    return UNITY_END();
}
