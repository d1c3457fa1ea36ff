/* Without a framework. */
#include "subject.h"

int main(int argc, char **argv)
{
    (void)argv;
    assert_all(argc > 1);
    return 0;
}
