/* Folders of data, while calls of the system fail: the set is whole, or there is none and the
 * message says why. */
#define _POSIX_C_SOURCE 200809L
#include "faults.h"

#include "files.h"

#include <errno.h>

static gt_dataset *open_pictures(gt_ctx *gt)
{
    return gt_image_folder(gt, scratch("pictures"), .size = {4});
}

static gt_dataset *open_mnist(gt_ctx *gt)
{
    return gt_mnist(gt, scratch("mnist"), true);
}

static gt_dataset *open_cifar(gt_ctx *gt)
{
    return gt_cifar10(gt, scratch("cifar"), false);
}

static const struct {
    gt_dataset *(*open)(gt_ctx *gt);
    int64_t count, n_classes;
    const char *folder; /* that messages name */
} sets[] = {{open_pictures, 4, 2, "/pictures"},
            {open_mnist, 2, 10, "/mnist/"},
            {open_cifar, 1, 10, "/cifar"}};

static void write_sets(void)
{
    static const unsigned char images[] = {0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 1, 1, 2};
    static const unsigned char labels[] = {0, 0, 8, 1, 0, 0, 0, 2, 3, 9};
    static const unsigned char record[3073] = {7};
    static const char *const pictures[] = {"pictures/a/1.png", "pictures/a/2/3.png",
                                           "pictures/a/2/4.png", "pictures/b/5.png"};
    for (int i = 0; i < 4; i++) write_file(scratch(pictures[i]), "x", 1);
    write_file(scratch("mnist/train-images-idx3-ubyte"), images, sizeof images);
    write_file(scratch("mnist/train-labels-idx1-ubyte"), labels, sizeof labels);
    write_file(scratch("cifar/test_batch.bin"), record, sizeof record);
}

/* What is opened is whole; what is not says of which file it could not be. */
static void check(size_t i, const gt_ctx *gt, const gt_dataset *d, bool hit)
{
    if (d && (d->count != sets[i].count || d->n_classes != sets[i].n_classes))
        fail_msg("%s: %d items", sets[i].folder, (int)d->count);
    if (d ||
        (hit && gt_error_code(gt) == GT_ERR_IO && strstr(gt_error_message(gt), strerror(EIO)) &&
         strstr(gt_error_message(gt), sets[i].folder)))
        return;
    fail_msg("%s", gt_error_message(gt));
}

/* The number of calls that the set takes. */
static uint64_t count_calls(size_t i)
{
    gt_ctx *gt = gt_open();
    faults_arm(FAULT_FILES, UINT64_MAX, false, EIO);
    const gt_dataset *d = sets[i].open(gt);
    const uint64_t calls = faults_disarm();
    check(i, gt, d, false);
    gt_close(gt);
    return calls;
}

static void test_sets(void **state)
{
    (void)state;
    write_sets();
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
        const uint64_t calls = count_calls(i);
        assert_in_range(calls, 4, 1000);
        for (int onwards = 0; onwards < 2; onwards++) {
            fault_sweep sweep = faults_sweep_begin(FAULT_FILES, onwards, EIO, calls);
            while (faults_sweep_next(&sweep)) {
                gt_ctx *gt = gt_open();
                gt_set_error_handler(gt, gt_ignore_error, NULL);
                const gt_dataset *d = sets[i].open(gt);
                check(i, gt, d, faults_sweep_hit(&sweep));
                gt_close(gt);
            }
        }
        faults_count_program();
    }
    faults_print("folders");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_sets)};
    return cmocka_run_group_tests(tests, NULL, remove_scratch);
}
