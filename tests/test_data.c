/* Sets of images in files, IDX, MNIST and CIFAR: what they give, and what is said of files that are
 * truncated, too long, or claim what they do not hold. */
#define _POSIX_C_SOURCE 200809L
#include "data_support.h"

#include <math.h>

/* --- IDX --- */

static void test_idx_errors(void **state)
{
    const struct {
        const unsigned char *bytes;
        size_t n;
        const char *part;
    } rows[] = {
        {BYTES(0), "expected 4 bytes of IDX header, found 1"},
        {(const unsigned char *)"", 0, "expected 4 bytes of IDX header, found 0"},
        {BYTES(0, 0, 8), "expected 4 bytes of IDX header, found 3"},
        {BYTES(0, 1, 8, 1, 0, 0, 0, 0), "found 00 01 08 01"},
        {BYTES(0, 0, 10, 1, 0, 0, 0, 0), "expected an IDX file (00 00, then 08, 09 or 0b to 0e"},
        {BYTES(0, 0, 15, 1, 0, 0, 0, 0), "found 00 00 0f 01"},
        {BYTES(0, 0, 13, 1, 0, 0, 0, 1, 1, 2, 3), "expected 4 bytes of elements, found 3"},
        {BYTES(0, 0, 8, 0), "found 00 00 08 00"},
        {BYTES(0, 0, 8, 9), "found 00 00 08 09"},
        {BYTES(0, 0, 8, 2, 0, 0, 0, 1, 0, 0), "expected 4 bytes of IDX dimensions, found 2"},
        {BYTES(0, 0, 8, 1, 0, 0, 0, 3, 1, 2), "expected 3 bytes of elements, found 2"},
        {BYTES(0, 0, 8, 1, 0, 0, 0, 2, 1, 2, 3), "expected the end after 10 bytes, found more"},
        {BYTES(0, 0, 8, 1, 0xff, 0xff, 0xff, 0xff, 1), "expected 4294967295 bytes of elements"},
        {BYTES(0, 0, 8, 2, 0xff, 0xff, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff, 1), "of elements"},
        {BYTES(0, 0, 8, 3, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff),
         "overflows"},
        {BYTES(0, 0, 14, 2, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff), "overflows"},
    };
    gt_ctx *gt = *state;
    cap_memory(true);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        write_file(scratch("bad"), rows[i].bytes, rows[i].n);
        assert_null(gt_idx_load(gt, scratch("bad")));
        assert_error(gt, GT_ERR_FORMAT, rows[i].part);
#ifdef GT_WITH_ZLIB
        write_gz(scratch("bad.gz"), rows[i].bytes, rows[i].n);
        assert_null(gt_idx_load(gt, scratch("bad.gz")));
        assert_error(gt, GT_ERR_FORMAT, "bad.gz");
#endif
    }
    cap_memory(false);
    assert_null(gt_idx_load(gt, scratch("nothing/there")));
    assert_error(gt, GT_ERR_IO, "nothing/there");
    assert_null(gt_idx_load(gt, scratch("")));
    assert_error(gt, GT_ERR_IO, "regular file");
    assert_null(gt_idx_load(gt, NULL));
    assert_error(gt, GT_ERR_ARGUMENT, "test_data.c:");
}

static const unsigned char small_idx[] = {0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 255};

static void test_idx(void **state)
{
    gt_ctx *gt = *state;
    write_file(scratch("good"), small_idx, sizeof small_idx);
    gt_tensor *t = gt_idx_load(gt, scratch("good"));
    ASSERT_VALUES(t, 0, 1, 2, 3, 4, 5, 255);
    assert_int_equal(t->dtype, GT_U8);
    assert_true(gt_shape_equal(t->shape, GT_SHAPE(2, 3)));
#ifdef GT_WITH_ZLIB
    write_gz(scratch("good.gz"), small_idx, sizeof small_idx);
    ASSERT_VALUES(gt_idx_load(gt, scratch("good.gz")), 0, 1, 2, 3, 4, 5, 255);
    /* A hundred megabytes of zeros behind two elements: not more than the header's is inflated. */
    enum { BOMB = 100 << 20 };
    unsigned char *bomb = calloc(1, BOMB);
    assert_non_null(bomb);
    memcpy(bomb, (const unsigned char[]){0, 0, 8, 1, 0, 0, 0, 2}, 8);
    write_gz(scratch("bomb.gz"), bomb, BOMB);
    cap_memory(true);
    assert_null(gt_idx_load(gt, scratch("bomb.gz")));
    assert_error(gt, GT_ERR_FORMAT, "expected the end after 10 bytes, found more");
    /* 100 kB that claim to be 100 MB, which a gzip file of their size could hold: memory grows with
     * what comes. */
    enum { SOME = 100000 };
    memcpy(bomb, (const unsigned char[]){0, 0, 8, 1, 6, 0, 0, 0}, 8);
    for (uint32_t i = 8, x = 1; i < SOME; i++) bomb[i] = (unsigned char)((x = x * 69069 + 1) >> 24);
    write_gz(scratch("claim.gz"), bomb, SOME);
    free(bomb);
    assert_null(gt_idx_load(gt, scratch("claim.gz")));
    assert_error(gt, GT_ERR_FORMAT, "claim.gz: truncated");
    cap_memory(false);
#else
    write_file(scratch("good.gz"), "\x1f\x8b\x08", 3);
    assert_null(gt_idx_load(gt, scratch("good.gz")));
    assert_error(gt, GT_ERR_UNSUPPORTED, "without zlib");
#endif
}

/* All types, as LeCun's page has them. */
static void test_idx_types(void **state)
{
    const struct {
        const unsigned char *bytes;
        size_t n;
        gt_dtype dtype;
        double values[2];
    } rows[] = {
        {BYTES(0, 0, 8, 1, 0, 0, 0, 2, 1, 255), GT_U8, {1, 255}},
        {BYTES(0, 0, 9, 1, 0, 0, 0, 2, 1, 255), GT_I64, {1, -1}},
        {BYTES(0, 0, 11, 1, 0, 0, 0, 2, 1, 2, 0xff, 0xfe), GT_I64, {258, -2}},
        {BYTES(0, 0, 12, 1, 0, 0, 0, 2, 0, 1, 0, 0, 0xff, 0xff, 0xff, 0xfd), GT_I64, {65536, -3}},
        {BYTES(0, 0, 13, 1, 0, 0, 0, 2, 0x3f, 0xc0, 0, 0, 0xc0, 0, 0, 0), GT_F32, {1.5, -2}},
        {BYTES(0, 0, 14, 1, 0, 0, 0, 2, 0x3f, 0xb9, 0x99, 0x99, 0x99, 0x99, 0x99, 0x9a, 0xff, 0xf0,
               0, 0, 0, 0, 0, 0),
         GT_F64,
         {0.1, -INFINITY}},
    };
    gt_ctx *gt = *state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        write_file(scratch("types"), rows[i].bytes, rows[i].n);
        const gt_tensor *t = gt_idx_load(gt, scratch("types"));
        assert_well(gt);
        assert_int_equal(t->dtype, rows[i].dtype);
        assert_values(t, 2, rows[i].values, 0);
    }
}

#ifdef GT_WITH_ZLIB
/* Members that follow each other are one file, with zeros between and behind them; anything else is
 * too much. */
static void test_gz(void **state)
{
    const struct {
        size_t split, between, n; /* bytes of the first member, and zeros behind both */
        int flipped;              /* this byte from the end; 0: none */
        const char *part;
    } rows[] = {
        {7, 0, 0, 0, NULL},
        {0, 0, 1, 0, NULL},
        {0, 0, 40000, 0, NULL},
        {7, 513, 100, 0, NULL},
        {0, 0, 4, 1, "the compressed data is truncated"},
        {0, 0, 4, 4, "the compressed data goes on behind its end: incorrect header check"},
        {0, 0, 0, 8, "the compressed data is not sound: incorrect data check"},
        {0, 0, 0, 1, "the compressed data is not sound: incorrect length check"},
    };
    gt_ctx *gt = *state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const size_t split = rows[i].split ? rows[i].split : sizeof small_idx;
        static unsigned char bytes[FILE_MOST];
        size_t n, m;
        memset(bytes, 0, sizeof bytes);
        write_gz(scratch("one.gz"), small_idx, split);
        write_gz(scratch("two.gz"), small_idx + split, sizeof small_idx - split);
        memcpy(bytes, slurp(scratch("one.gz"), &n), 256);
        const unsigned char *two = slurp(scratch("two.gz"), &m);
        if (!rows[i].split) memset(bytes + n, 0, 256 - n);
        else memset(bytes + n, 0, 256 - n), memcpy(bytes + (n += rows[i].between), two, m), n += m;
        n += rows[i].n;
        if (rows[i].flipped) bytes[n - (size_t)rows[i].flipped] ^= 1;
        write_file(scratch("members.gz"), bytes, n);
        gt_tensor *t = gt_idx_load(gt, scratch("members.gz"));
        if (rows[i].part) assert_error(gt, GT_ERR_FORMAT, rows[i].part);
        else ASSERT_VALUES(t, 0, 1, 2, 3, 4, 5, 255);
    }
}
#endif

/* --- MNIST --- */

/* A set of n images of 2 x 3 pixels whose values count up, in `folder`. */
static void write_mnist(const char *folder, int n, const unsigned char *labels, int n_labels)
{
    char name[128];
    unsigned char bytes[256] = {0, 0, 8, 3, 0, 0, 0, (unsigned char)n, 0, 0, 0, 2, 0, 0, 0, 3};
    for (int i = 0; i < 6 * n; i++) bytes[16 + i] = (unsigned char)i;
    snprintf(name, sizeof name, "%s/train-images-idx3-ubyte", folder);
    write_file(scratch(name), bytes, 16 + 6 * (size_t)n);
    unsigned char head[256] = {0, 0, 8, 1, 0, 0, 0, (unsigned char)n_labels};
    memcpy(head + 8, labels, (size_t)n_labels);
    snprintf(name, sizeof name, "%s/train-labels-idx1-ubyte", folder);
    write_file(scratch(name), head, 8 + (size_t)n_labels);
}

static void test_mnist(void **state)
{
    gt_ctx *gt = *state;
    write_mnist("m", 3, BYTES(7, 0, 9));
    gt_dataset *d = gt_mnist(gt, scratch("m"), true, .kind = GT_MNIST_FASHION);
    assert_well(gt);
    assert_int_equal(d->count, 3);
    assert_int_equal(d->n_classes, 10);
    assert_true(gt_shape_equal(d->member[0].shape, GT_SHAPE(1, 2, 3)));
    int64_t label;
    ASSERT_VALUES(gt_dataset_item(d, 1, &label), 0, 6, 7, 8, 9, 10, 11);
    assert_int_equal(label, 0);
    gt_dataset_item(d, 2, &label);
    assert_string_equal(d->classes[label], "Ankle boot");
    assert_null(gt_dataset_item(d, 3, NULL));
    assert_error(gt, GT_ERR_ARGUMENT, "no item 3 in a dataset of 3");
    assert_null(gt_mnist(gt, scratch("m"), false));
    assert_error(gt, GT_ERR_IO, "'tools/get-data mnist' (or fashion-mnist) of gradtape's source");
    write_mnist("m", 3, BYTES(7, 0));
    assert_null(gt_mnist(gt, scratch("m"), true));
    assert_error(gt, GT_ERR_FORMAT, "expected 3 labels for as many images, found 2");
    write_mnist("m", 3, BYTES(7, 10, 1));
    assert_null(gt_mnist(gt, scratch("m"), true));
    assert_error(gt, GT_ERR_FORMAT, "label 1 is 10, expected 0 to 9");
    write_file(scratch("m/train-images-idx3-ubyte"),
               BYTES(0, 0, 9, 3, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 7));
    assert_null(gt_mnist(gt, scratch("m"), true));
    assert_error(gt, GT_ERR_FORMAT, "expected u8 in 3 dimensions, found i8 in 3");
    write_file(scratch("m/train-images-idx3-ubyte"), small_idx, sizeof small_idx);
    assert_null(gt_mnist(gt, scratch("m"), true));
    assert_error(gt, GT_ERR_FORMAT, "expected u8 in 3 dimensions, found u8 in 2");
}

/* The 8,000 digits that may lie beside the tree. */
static void test_real_mnist(void **state)
{
    gt_ctx *gt = *state;
    const char *folder = GT_SOURCE_DIR "/../shared/data/mnist";
    if (access(folder, R_OK) != 0) {
        print_message("%s is not there: not tested\n", folder);
        skip();
    }
#ifndef GT_WITH_ZLIB
    assert_null(gt_mnist(gt, folder, true));
    assert_error(gt, GT_ERR_UNSUPPORTED, "gunzip");
    return;
#endif
    for (int train = 0; train < 2; train++) {
        gt_dataset *d = gt_mnist(gt, folder, train);
        assert_well(gt);
        assert_int_equal(d->count, train ? 7000 : 1000);
        assert_true(gt_shape_equal(d->member[0].shape, GT_SHAPE(1, 28, 28)));
        const gt_mark start = gt_mark_tape(gt);
        double sum = 0;
        int classes[10] = {0};
        for (int64_t i = 0; i < d->count; i++) {
            gt_rewind(gt, start);
            int64_t label;
            const uint8_t *x = gt_dataset_item(d, i, &label)->data;
            for (int k = 0; k < 784; k++) sum += x[k];
            classes[label]++;
        }
        /* MNIST's mean brightness is 0.13. */
        assert_true(sum / (double)d->count / 784 / 255 > 0.125);
        assert_true(sum / (double)d->count / 784 / 255 < 0.14);
        for (int k = 0; k < 10; k++) assert_true(classes[k] > d->count / 15);
    }
}

/* --- CIFAR --- */

static void write_cifar(const char *name, int n, int labels, int first, int spare)
{
    static unsigned char bytes[4 * 3074 + 8];
    const int record = labels + 3072;
    for (int i = 0; i < n; i++) {
        memset(bytes + i * record, first + i, (size_t)record);
        if (labels == 2) bytes[i * record] = 0;
    }
    write_file(scratch(name), bytes, (size_t)(n * record + spare));
}

static void test_cifar(void **state)
{
    gt_ctx *gt = *state;
    char name[64];
    for (int i = 1; i <= 5; i++) {
        snprintf(name, sizeof name, "c/cifar-10-batches-bin/data_batch_%d.bin", i);
        write_cifar(name, i == 5 ? 1 : 2, 1, i, 0);
    }
    gt_dataset *d = gt_cifar10(gt, scratch("c"), true);
    assert_well(gt);
    assert_int_equal(d->count, 9);
    int64_t label;
    gt_tensor *x = gt_dataset_item(d, 8, &label);
    assert_int_equal(label, 5);
    assert_true(gt_shape_equal(x->shape, GT_SHAPE(3, 32, 32)));
    assert_true(element(x, 0) == 5 && element(x, 3071) == 5);
    assert_non_null(gt_cifar10(gt, scratch("c/cifar-10-batches-bin"), true));
    write_cifar("c/test.bin", 3, 2, 97, 0);
    d = gt_cifar100(gt, scratch("c"), false);
    gt_dataset_item(d, 2, &label);
    assert_int_equal(label, 99);
    static const int spare[] = {-3074, -3073, -3072, -1, 1};
    for (size_t i = 0; i < sizeof spare / sizeof *spare; i++) {
        write_cifar("c/test.bin", 1, 2, 3, spare[i]);
        assert_null(gt_cifar100(gt, scratch("c"), false));
        assert_error(gt, GT_ERR_FORMAT, "records of 3074 bytes");
    }
    write_cifar("c/test.bin", 2, 2, 99, 0);
    assert_null(gt_cifar100(gt, scratch("c"), false));
    assert_error(gt, GT_ERR_FORMAT, "label 1 is 100");
    assert_null(gt_cifar10(gt, scratch("nowhere"), false));
    assert_error(gt, GT_ERR_IO, "test_batch.bin: is not there; 'tools/get-data cifar10' of");
    assert_null(gt_cifar100(gt, scratch("nowhere"), true));
    assert_error(gt, GT_ERR_IO, "train.bin");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_idx, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_idx_types, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_idx_errors, open_context, close_context),
#ifdef GT_WITH_ZLIB
        cmocka_unit_test_setup_teardown(test_gz, open_context, close_context),
#endif
        cmocka_unit_test_setup_teardown(test_mnist, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_real_mnist, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_cifar, open_context, close_context),
    };
    return cmocka_run_group_tests(tests, NULL, remove_scratch);
}
