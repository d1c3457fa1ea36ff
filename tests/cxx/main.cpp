#include "cxx.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>

static const char *folder;

void is_true(bool condition, const char *what)
{
    if (condition) return;
    fprintf(stderr, "%s\n", what);
    exit(1);
}

void has_failed(gt_ctx *gt, gt_status code, const char *where)
{
    is_true(gt_error_code(gt) == code, where);
    gt_error_clear(gt);
}

const char *in_folder(const char *name)
{
    static char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

int main(int argc, char **argv)
{
    static void (*const parts[])(gt_ctx *) = {
        test_tensors, test_gradients, test_functions, test_shapes, test_losses,
        test_op,      test_layers,    test_modules,   test_optim,  test_schedules,
        test_data,    test_files,     test_training,
    };
    if (argc != 2) return 2;
    folder = argv[1];
    for (auto part : parts) {
        gt_ctx *gt = gt_open();
        part(gt);
        is_true(!gt_failed(gt), gt_error_message(gt));
        gt_close(gt);
    }
    puts("all is well");
}
