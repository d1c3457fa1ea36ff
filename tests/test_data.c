/* Readers of data files: what they give, and what they say of files that are truncated, too long,
 * or claim what they do not hold. */
#define _POSIX_C_SOURCE 200809L
#include "support.h"

#include "files.h"
#include <sys/resource.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#endif

/* Caps the address space a little above what is used now, so that an allocation by a false claim
 * fails with another code than the one the table wants. */
static void cap_memory(bool on)
{
#ifndef SANITIZED
    static struct rlimit before;
    if (on) {
        long pages = 0;
        FILE *f = fopen("/proc/self/statm", "r");
        assert_int_equal(getrlimit(RLIMIT_AS, &before), 0);
        if (!f) return;
        assert_int_equal(fscanf(f, "%ld", &pages), 1);
        fclose(f);
        struct rlimit low = before;
        low.rlim_cur = (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE) + (64u << 20);
        setrlimit(RLIMIT_AS, &low);
    } else {
        setrlimit(RLIMIT_AS, &before);
    }
#else
    (void)on;
#endif
}

typedef gt_tensor *(*loader)(gt_ctx *gt, const char *path);

static gt_tensor *load_idx(gt_ctx *gt, const char *path)
{
    return gt_idx_load(gt, path);
}

static gt_tensor *load_npy(gt_ctx *gt, const char *path)
{
    return gt_npy_load(gt, path);
}

static gt_tensor *load_npz(gt_ctx *gt, const char *path)
{
    return gt_npz_load(gt, path, "x");
}

#define BYTES(...)                                                                                 \
    (const unsigned char[]){__VA_ARGS__}, sizeof((const unsigned char[]){__VA_ARGS__})

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
        {BYTES(0, 0, 13, 1, 0, 0, 0, 0), "expected an IDX file of bytes"},
        {BYTES(0, 0, 8, 0), "found 00 00 08 00"},
        {BYTES(0, 0, 8, 7), "found 00 00 08 07"},
        {BYTES(0, 0, 8, 2, 0, 0, 0, 1, 0, 0), "expected 4 bytes of IDX dimensions, found 2"},
        {BYTES(0, 0, 8, 1, 0, 0, 0, 3, 1, 2), "expected 3 bytes of elements, found 2"},
        {BYTES(0, 0, 8, 1, 0, 0, 0, 2, 1, 2, 3), "expected the end after 10 bytes, found more"},
        {BYTES(0, 0, 8, 1, 0xff, 0xff, 0xff, 0xff, 1), "expected 4294967295 bytes of elements"},
        {BYTES(0, 0, 8, 2, 0xff, 0xff, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff, 1), "of elements"},
        {BYTES(0, 0, 8, 3, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff),
         "overflows"},
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
    static unsigned char bomb[100 << 20] = {0, 0, 8, 1, 0, 0, 0, 2};
    write_gz(scratch("bomb.gz"), bomb, sizeof bomb);
    cap_memory(true);
    assert_null(gt_idx_load(gt, scratch("bomb.gz")));
    assert_error(gt, GT_ERR_FORMAT, "expected the end after 10 bytes, found more");
    /* 100 kB that claim to be 100 MB, which a gzip file of their size could hold: memory grows with
     * what comes. */
    enum { SOME = 100000 };
    memcpy(bomb, (const unsigned char[]){0, 0, 8, 1, 6, 0, 0, 0}, 8);
    for (uint32_t i = 8, x = 1; i < SOME; i++) bomb[i] = (unsigned char)((x = x * 69069 + 1) >> 24);
    write_gz(scratch("claim.gz"), bomb, SOME);
    assert_null(gt_idx_load(gt, scratch("claim.gz")));
    assert_error(gt, GT_ERR_FORMAT, "claim.gz: truncated");
    cap_memory(false);
#else
    write_file(scratch("good.gz"), "\x1f\x8b\x08", 3);
    assert_null(gt_idx_load(gt, scratch("good.gz")));
    assert_error(gt, GT_ERR_UNSUPPORTED, "without zlib");
#endif
}

/* --- every file, cut at every byte and with every byte changed --- */

static void cut_and_change(gt_ctx *gt, const char *path, loader load)
{
    size_t n;
    const unsigned char *bytes = slurp(path, &n);
    const char *cut = scratch("cut");
    assert_true(n > 8);
    for (size_t i = 0; i < n; i++) {
        write_file(cut, bytes, i);
        if (load(gt, cut)) fail_msg("%s was read from its first %zu bytes", path, i);
        if (gt_error_code(gt) != GT_ERR_FORMAT && gt_error_code(gt) != GT_ERR_UNSUPPORTED)
            fail_msg("%s cut to %zu: %s", path, i, gt_error_message(gt));
        assert_non_null(strstr(gt_error_message(gt), "cut"));
        gt_error_clear(gt);
    }
    static unsigned char changed[FILE_MOST];
    for (size_t i = 0; i < n; i++)
        for (int k = 0; k < 3; k++) {
            memcpy(changed, bytes, n);
            changed[i] = k == 0 ? 0 : k == 1 ? 255 : (unsigned char)(bytes[i] ^ 0x11);
            write_file(cut, changed, n);
            load(gt, cut);
            if (gt_error_code(gt) == GT_ERR_MEMORY)
                fail_msg("%s, byte %zu: %s", path, i, gt_error_message(gt));
            gt_error_clear(gt);
        }
}

static void test_cut(void **state)
{
    gt_ctx *gt = *state;
    const gt_mark start = gt_mark_tape(gt);
    cap_memory(true);
    write_file(scratch("a.idx"), small_idx, sizeof small_idx);
    cut_and_change(gt, scratch("a.idx"), load_idx);
    cut_and_change(gt, fixture("f4.npy"), load_npy);
    cut_and_change(gt, fixture("stored.npz"), load_npz);
#ifdef GT_WITH_ZLIB
    write_gz(scratch("a.gz"), small_idx, sizeof small_idx);
    cut_and_change(gt, scratch("a.gz"), load_idx);
    cut_and_change(gt, fixture("packed.npz"), load_npz);
#endif
    cap_memory(false);
    gt_rewind(gt, start);
}

/* --- NumPy --- */

static void test_npy(void **state)
{
    static const struct {
        const char *name;
        gt_dtype dtype;
        int n;
        double values[6];
    } rows[] = {
        {"f4.npy", GT_F32, 6, {-0.5, -0.25, 0, 0.25, 0.5, 0.75}},
        {"f8_fortran.npy", GT_F64, 6, {-0.5, -0.25, 0, 0.25, 0.5, 0.75}},
        {"i2_big.npy", GT_I64, 6, {-3, -2, -1, 0, 1, 2}},
        {"i4.npy", GT_I64, 6, {-3, -2, -1, 0, 1, 2}},
        {"u1.npy", GT_U8, 6, {0, 1, 2, 3, 4, 5}},
        {"bool.npy", GT_U8, 6, {1, 0, 1, 0, 1, 0}},
        {"scalar.npy", GT_F64, 1, {2.5}},
        {"empty.npy", GT_F32, 0, {0}},
    };
    gt_ctx *gt = *state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        gt_tensor *t = gt_npy_load(gt, fixture(rows[i].name));
        assert_well(gt);
        assert_int_equal(t->dtype, rows[i].dtype);
        assert_values(t, rows[i].n, rows[i].values, 0);
        if (rows[i].n == 6) assert_true(gt_shape_equal(t->shape, GT_SHAPE(2, 3)));
        /* Written and read again it is the same. */
        assert_int_equal(gt_npy_save(t, scratch("again.npy")), GT_OK);
        gt_tensor *again = gt_npy_load(gt, scratch("again.npy"));
        assert_true(gt_shape_equal(t->shape, again->shape));
        assert_int_equal(t->dtype, again->dtype);
        assert_memory_equal(t->data, again->data, (size_t)t->size * gt_dtype_size(t->dtype));
    }
    assert_null(gt_npy_load(gt, fixture("c8.npy")));
    assert_error(gt, GT_ERR_UNSUPPORTED, "'c8'");
}

/* NumPy's own bytes, but for the order of what it would write the same. */
static void test_npy_bytes(void **state)
{
    gt_ctx *gt = *state;
    static const char *const names[] = {"f4.npy", "u1.npy", "scalar.npy", "empty.npy"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        unsigned char want[FILE_MOST];
        size_t n, m;
        memcpy(want, slurp(fixture(names[i]), &n), FILE_MOST);
        assert_int_equal(gt_npy_save(gt_npy_load(gt, fixture(names[i])), scratch("b.npy")), GT_OK);
        const unsigned char *got = slurp(scratch("b.npy"), &m);
        assert_int_equal(n, m);
        assert_memory_equal(got, want, n);
    }
    gt_tensor *row = gt_values(gt, GT_SHAPE(3), 1, 2, 3);
    assert_int_equal(gt_npy_save(row, scratch("row.npy")), GT_OK);
    size_t n;
    assert_non_null(strstr((const char *)slurp(scratch("row.npy"), &n) + 10, "'shape': (3,), }"));
    assert_int_equal(gt_npy_save(row, "/nowhere/at/all.npy"), GT_ERR_IO);
    assert_error(gt, GT_ERR_IO, "/nowhere/at/all.npy");
}

static void test_npy_errors(void **state)
{
    static const struct {
        const char *header;
        gt_status code;
        const char *part;
    } rows[] = {
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }", GT_ERR_FORMAT, "found 4"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000,), }", GT_ERR_FORMAT,
         "[1000000000000]"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296), }",
         GT_ERR_FORMAT, "found 4 bytes"},
        {"{'descr': '<f8', 'fortran_order': False, 'shape': (2305843009213693952,), }",
         GT_ERR_FORMAT, "found 4 bytes"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,), }",
         GT_ERR_FORMAT, "not understood"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1), }", GT_ERR_FORMAT,
         "not understood"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }", GT_ERR_FORMAT,
         "not understood"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (1), }", GT_ERR_FORMAT,
         "not understood"},
        {"{'descr': '<f4', 'shape': (1,), }", GT_ERR_FORMAT, "not understood"},
        {"{'descr': '<f4', 'descr': '<f4', 'shape': (1,), }", GT_ERR_FORMAT, "not understood"},
        {"{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }", GT_ERR_FORMAT,
         "not understood"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (1,), } x", GT_ERR_FORMAT,
         "not understood"},
        {"{'descr': '<f2', 'fortran_order': False, 'shape': (2,), }", GT_ERR_UNSUPPORTED, "'f2'"},
        {"{'descr': '<u8', 'fortran_order': False, 'shape': (2,), }", GT_ERR_UNSUPPORTED, "'u8'"},
        {"{'descr': '|O8', 'fortran_order': False, 'shape': (2,), }", GT_ERR_UNSUPPORTED, "'O8'"},
    };
    gt_ctx *gt = *state;
    cap_memory(true);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char bytes[256] = "\x93NUMPY\x01";
        const size_t n = strlen(rows[i].header);
        bytes[8] = (char)n;
        memcpy(bytes + 10, rows[i].header, n);
        write_file(scratch("bad.npy"), bytes, 10 + n + 4);
        assert_null(gt_npy_load(gt, scratch("bad.npy")));
        assert_error(gt, rows[i].code, rows[i].part);
    }
    cap_memory(false);
}

static void test_npz(void **state)
{
    gt_ctx *gt = *state;
    static const char *const names[] = {"stored.npz", "packed.npz"};
    for (int i = 0; i < 2; i++) {
        gt_tensor *x = gt_npz_load(gt, fixture(names[i]), "x");
#ifndef GT_WITH_ZLIB
        if (i == 1) {
            assert_error(gt, GT_ERR_UNSUPPORTED, "without zlib");
            continue;
        }
#endif
        ASSERT_VALUES(x, 0, -0.5, -0.25, 0, 0.25, 0.5, 0.75);
        ASSERT_VALUES(gt_npz_load(gt, fixture(names[i]), "y"), 0, 0, 1, 2);
        assert_null(gt_npz_load(gt, fixture(names[i]), "z"));
        assert_error(gt, GT_ERR_ARGUMENT, "no array 'z'; it has: x, y");
    }
#ifdef GT_WITH_ZLIB
    /* An element that is not what it was. */
    size_t n;
    unsigned char changed[FILE_MOST];
    memcpy(changed, slurp(fixture("stored.npz"), &n), FILE_MOST);
    changed[30 + 5 + 20 + 128 + 2] ^= 1;
    write_file(scratch("changed.npz"), changed, n);
    assert_null(gt_npz_load(gt, scratch("changed.npz"), "x"));
    assert_error(gt, GT_ERR_FORMAT, "checksum");
#endif
}

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
    assert_true(gt_shape_equal(d->shape, GT_SHAPE(1, 2, 3)));
    int64_t label;
    ASSERT_VALUES(gt_dataset_item(d, 1, &label), 0, 6, 7, 8, 9, 10, 11);
    assert_int_equal(label, 0);
    gt_dataset_item(d, 2, &label);
    assert_string_equal(d->classes[label], "Ankle boot");
    assert_null(gt_dataset_item(d, 3, NULL));
    assert_error(gt, GT_ERR_ARGUMENT, "no item 3 in a dataset of 3");
    assert_null(gt_mnist(gt, scratch("m"), false));
    assert_error(gt, GT_ERR_IO, "tools/get-data");
    write_mnist("m", 3, BYTES(7, 0));
    assert_null(gt_mnist(gt, scratch("m"), true));
    assert_error(gt, GT_ERR_FORMAT, "expected 3 labels for as many images, found 2");
    write_mnist("m", 3, BYTES(7, 10, 1));
    assert_null(gt_mnist(gt, scratch("m"), true));
    assert_error(gt, GT_ERR_FORMAT, "label 1 is 10, expected 0 to 9");
    write_file(scratch("m/train-images-idx3-ubyte"), small_idx, sizeof small_idx);
    assert_null(gt_mnist(gt, scratch("m"), true));
    assert_error(gt, GT_ERR_FORMAT, "expected 3 dimensions, found 2");
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
        assert_true(gt_shape_equal(d->shape, GT_SHAPE(1, 28, 28)));
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
    assert_error(gt, GT_ERR_IO, "test_batch.bin");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_idx, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_idx_errors, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_cut, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_npy, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_npy_bytes, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_npy_errors, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_npz, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_mnist, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_real_mnist, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_cifar, open_context, close_context),
    };
    return cmocka_run_group_tests(tests, NULL, remove_scratch);
}
