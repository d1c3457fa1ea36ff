/* The public headers from C++: they must be accepted, each by itself, by a C++20 compiler. */
#define _POSIX_C_SOURCE 200809L
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "program.h"

static const char *const headers[] = {
    "gradtape.h",          "gradtape/autograd.h",   "gradtape/context.h",
    "gradtape/data.h",     "gradtape/functional.h", "gradtape/gradcheck.h",
    "gradtape/graph.h",    "gradtape/io.h",         "gradtape/nn.h",
    "gradtape/op.h",       "gradtape/ops.h",        "gradtape/optim.h",
    "gradtape/schedule.h", "gradtape/tensor.h",     "gradtape/train.h",
};

static void are_good_cxx(void **state)
{
    (void)state;
    if (system("c++ --version >/dev/null 2>&1")) {
        print_message("there is no C++ compiler: not tested\n");
        skip();
    }
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
        char command[1024];
        snprintf(command, sizeof command,
                 "echo '#include <%s>' | c++ -x c++ -std=c++20 -Wall -Wextra -Werror -fsyntax-only "
                 "-I '%s/include' -I '%s/include' - 2>&1",
                 headers[i], GT_SOURCE_DIR, GT_BINARY_DIR);
        run_program(command, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(are_good_cxx)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
