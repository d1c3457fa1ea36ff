/* Every reader of files, on files that were cut off at each length and changed at each byte, and on
 * whole ones while memory runs out. A reader that has no row here does not pass. */
#define _POSIX_C_SOURCE 200809L
#include "data_support.h"
#include "sources.h"

#include <errno.h>

/* --- memory that runs out, also within zlib, libpng, libjpeg and the C library --- */

#if defined(__GLIBC__) && !defined(SANITIZED)
#define CAN_STARVE 1

static _Thread_local long served, fails_at; /* requests, and the one that fails; 0: none does */
static _Thread_local bool fails_onwards;    /* so do those after it */

static bool starved(void)
{
    served++;
    if (!fails_at || (fails_onwards ? served < fails_at : served != fails_at)) return false;
    errno = ENOMEM;
    return true;
}

/* The allocator that the C library has below these names. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *old, size_t size);

void *malloc(size_t size)
{
    return starved() ? NULL : __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
    return starved() ? NULL : __libc_calloc(n, size);
}

void *realloc(void *old, size_t size)
{
    return starved() ? NULL : __libc_realloc(old, size);
}
#endif

/* --- readers: whether the file was read --- */

static bool read_npy(gt_ctx *gt, const char *path)
{
    return gt_npy_load(gt, path);
}

static bool read_npz(gt_ctx *gt, const char *path)
{
    return gt_npz_load(gt, path, "x");
}

static bool read_idx(gt_ctx *gt, const char *path)
{
    return gt_idx_load(gt, path);
}

static bool read_image(gt_ctx *gt, const char *path)
{
    return gt_image_load(gt, path, .on_white = true, .apply_gamma = true,
                         .apply_exif_orientation = true, .deep = true);
}

static bool read_folder(gt_ctx *gt, const char *path)
{
    (void)path;
    return gt_image_folder(gt, scratch("pictures"));
}

static bool read_masks(gt_ctx *gt, const char *path)
{
    (void)path;
    gt_tensor *x, *y;
    gt_dataset *d = gt_mask_folder(gt, scratch("images"), scratch("masks"), .size = {2});
    return d && gt_dataset_get(d, 0, &x, &y) == GT_OK;
}

static bool read_csv(gt_ctx *gt, const char *path)
{
    return gt_csv_load(gt, path, GT_NAMES("height", "a \"b\""), .allow_missing = true);
}

static bool read_mnist(gt_ctx *gt, const char *path)
{
    (void)path;
    return gt_mnist(gt, scratch("mnist"), true);
}

static bool read_cifar10(gt_ctx *gt, const char *path)
{
    (void)path;
    return gt_cifar10(gt, scratch("cifar10"), false);
}

static bool read_cifar100(gt_ctx *gt, const char *path)
{
    (void)path;
    return gt_cifar100(gt, scratch("cifar100"), false);
}

static bool read_module(gt_ctx *gt, const char *path)
{
    return gt_load(gt_nn_linear(gt, 2, 3), path) == GT_OK;
}

static bool read_tensors(gt_ctx *gt, const char *path)
{
    return gt_load_tensors(gt, path);
}

static gt_run make_run(gt_ctx *gt)
{
    gt_module *m = gt_nn_linear(gt, 2, 1);
    gt_optimizer *o = gt_sgd(m, .lr = 0.5);
    return (gt_run){.module = m, .optimizer = o, .schedule = gt_exponential_lr(o, 0.5)};
}

static bool read_run(gt_ctx *gt, const char *path)
{
    gt_run run = make_run(gt);
    return gt_run_load(&run, path) == GT_OK;
}

static bool read_history(gt_ctx *gt, const char *path)
{
    return gt_history_read_csv(gt, path);
}

static FILE *nowhere; /* opened while there is memory */

static bool diff_with_itself(gt_ctx *gt, const char *path)
{
    return gt_diff(gt, path, path, nowhere) == 0;
}

static bool read_npz_names(gt_ctx *gt, const char *path)
{
    char name[64];
    int n = 0;
    while (gt_npz_name(gt, path, n, name, sizeof name)) n++;
    return !gt_failed(gt);
}

static bool read_onnx(gt_ctx *gt, const char *path)
{
    return gt_onnx_load(gt, path);
}

static bool print_onnx(gt_ctx *gt, const char *path)
{
    return gt_onnx_print(gt, path, nowhere) == GT_OK;
}

static bool read_onnx_tensor(gt_ctx *gt, const char *path)
{
    return gt_onnx_load_tensor(gt, path);
}

/* --- the table --- */

static const struct row {
    const char *function;
    bool (*read)(gt_ctx *gt, const char *path);
    const char *sample; /* in tests/files, or made below */
    const char *place;  /* where the reader looks for it; NULL: anywhere */
    bool lines;         /* cut at the end of a line it is a whole file */
    bool vague;         /* its library tells want of memory as damage */
} rows[] = {
    {"gt_npy_load", read_npy, "f4.npy", NULL, false, false},
    {"gt_npy_load", read_npy, "f2.npy", NULL, false, false},
    {"gt_npy_load", read_npy, "f8_fortran.npy", NULL, false, false},
    {"gt_npy_load", read_npy, "scalar.npy", NULL, false, false},
    {"gt_npy_load", read_npy, "empty.npy", NULL, false, false},
    {"gt_npz_load", read_npz, "stored.npz", NULL, false, false},
    {"gt_idx_load", read_idx, "made.idx", NULL, false, false},
    {"gt_mnist_", read_mnist, "made.images", "mnist/train-images-idx3-ubyte", false, false},
    {"gt_mnist_", read_mnist, "made.labels", "mnist/train-labels-idx1-ubyte", false, false},
    {"gt_cifar10", read_cifar10, "made.cifar10", "cifar10/test_batch.bin", false, false},
    {"gt_cifar100", read_cifar100, "made.cifar100", "cifar100/test.bin", false, false},
    {"gt_load_", read_module, "made.module", NULL, false, false},
    {"gt_load_tensors_", read_tensors, "made.tensors", NULL, false, false},
    {"gt_run_load", read_run, "made.run", NULL, false, false},
    {"gt_mask_folder_", read_masks, "made.mask", "masks/x.pgm", false, false},
    {"gt_csv_load_", read_csv, "made.table", NULL, true, false},
    {"gt_image_load_", read_image, "colours.bmp", NULL, false, false},
    {"gt_image_load_", read_image, "palette.bmp", NULL, false, false},
    {"gt_image_load_", read_image, "bits.bmp", NULL, false, false},
    {"gt_image_load_", read_image, "colours.ppm", NULL, false, false},
    {"gt_image_load_", read_image, "grey16.pgm", NULL, false, false},
    {"gt_image_folder_", read_folder, "colours.ppm", "pictures/a/x.ppm", false, false},
    {"gt_history_read_csv", read_history, "made.csv", NULL, true, false},
    {"gt_npz_name", read_npz_names, "stored.npz", NULL, false, false},
    {"gt_diff_", diff_with_itself, "made.json", "hostile.json", false, false},
    {"gt_onnx_load_", read_onnx, "onnx/opset24.onnx", NULL, false, false},
    {"gt_onnx_print", print_onnx, "onnx/opset24.onnx", NULL, false, false},
    {"gt_onnx_load_tensor", read_onnx_tensor, "made.tensor", NULL, false, false},
#ifdef GT_WITH_ZLIB
    {"gt_npz_load", read_npz, "packed.npz", NULL, false, false},
    {"gt_idx_load", read_idx, "made.gz", NULL, false, false},
#endif
#ifdef GT_WITH_PNG
    {"gt_image_load_", read_image, "rgba.png", NULL, false, false},
    {"gt_image_load_", read_image, "rgba_interlaced.png", NULL, false, false},
    {"gt_image_load_", read_image, "rgba16.png", NULL, false, false},
    {"gt_image_load_", read_image, "grey16.png", NULL, false, false},
    {"gt_image_load_", read_image, "grey_key.png", NULL, false, false},
    {"gt_image_load_", read_image, "palette_alpha.png", NULL, false, false},
    {"gt_image_load_", read_image, "gamma.png", NULL, false, false},
    {"gt_image_load_", read_image, "exif.png", NULL, false, false},
    {"gt_image_folder_", read_folder, "rgba.png", "pictures/a/x.png", false, false},
#endif
#ifdef GT_WITH_WEBP
    {"gt_image_load_", read_image, "colours.webp", NULL, false, true},
    {"gt_image_load_", read_image, "alpha.webp", NULL, false, true},
#endif
#ifdef GT_WITH_JPEG
    {"gt_image_load_", read_image, "colours.jpg", NULL, false, false},
    {"gt_image_load_", read_image, "colours_progressive.jpg", NULL, false, false},
    {"gt_image_load_", read_image, "cmyk.jpg", NULL, false, false},
    {"gt_image_load_", read_image, "exif.jpeg", NULL, false, false},
    {"gt_image_folder_", read_folder, "exif.jpeg", "pictures/a/x.png", false, false},
#endif
};
enum { ROWS = sizeof rows / sizeof *rows };

/* --- samples --- */

/* Without its last character, the end of a line, which may be missing. */
static void make_graph(gt_ctx *gt)
{
    unsigned char text[FILE_MOST];
    size_t n;
    if (!nowhere) nowhere = fopen("/dev/null", "w");
    assert_int_equal(
        gt_module_render(gt_nn_linear(gt, 2, 3), scratch("whole.json"), GT_SHAPE(1, 2)), GT_OK);
    const unsigned char *bytes = slurp(scratch("whole.json"), &n);
    assert_in_range(n, 9, FILE_MOST - 1);
    memcpy(text, bytes, n);
    write_file(scratch("made.json"), text, n - 1);
}

static void make_samples(gt_ctx *gt)
{
    static const unsigned char idx[] = {0, 0, 11, 2, 0, 0, 0, 1, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6};
    static const unsigned char images[] = {0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0,
                                           1, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6};
    static const unsigned char labels[] = {0, 0, 8, 1, 0, 0, 0, 2, 3, 9};
    static unsigned char records[3074] = {7, 8};
    static const unsigned char onnx[] = {8, 2, 16, 1, 74, 8, 0, 0, 128, 63, 0, 0, 0, 64};
    write_file(scratch("made.tensor"), onnx, sizeof onnx);
    static const char csv[] = "height,\"a \"\"b\"\"\",x\n1.5,-2,\n,1e3,\"7\"\n";
    static const char mask[] = "P5\n2 2\n3\n\1\2\3";
    write_file(scratch("made.mask"), mask, sizeof mask);
    write_file(scratch("images/x.ppm"), "P5 1 1 255 x", 12);
    write_file(scratch("masks/x.pgm"), mask, sizeof mask);
    write_file(scratch("made.table"), csv, sizeof csv - 1);
    write_file(scratch("made.idx"), idx, sizeof idx);
#ifdef GT_WITH_ZLIB
    write_gz(scratch("made.gz"), idx, sizeof idx);
#endif
    write_file(scratch("made.images"), images, sizeof images);
    write_file(scratch("mnist/train-images-idx3-ubyte"), images, sizeof images);
    write_file(scratch("made.labels"), labels, sizeof labels);
    write_file(scratch("mnist/train-labels-idx1-ubyte"), labels, sizeof labels);
    write_file(scratch("made.cifar10"), records, 3073);
    write_file(scratch("made.cifar100"), records, 3074);
    gt_tensor *x = gt_ones(gt, GT_SHAPE(2, 2)), *y = gt_zeros(gt, GT_SHAPE(3), .dtype = GT_U8);
    assert_int_equal(gt_save(gt_nn_linear(gt, 2, 3), scratch("made.module")), GT_OK);
    assert_int_equal(gt_save_tensors(gt, scratch("made.tensors"), GT_TENSORS({"x", x}, {"y", y})),
                     GT_OK);
    make_graph(gt);
    const gt_run run = make_run(gt);
    assert_int_equal(gt_run_save(&run, scratch("made.run")), GT_OK);
    gt_history *h = gt_history_new(gt);
    gt_history_set(h, 1, "loss", 0.25);
    gt_history_set(h, 2, "a \"name\", quoted", -1e-30);
    assert_int_equal(gt_history_write_csv(h, scratch("made.csv")), GT_OK);
}

/* The bytes of a row's sample. */
static const unsigned char *sample(const struct row *r, size_t *n)
{
    return slurp(strncmp(r->sample, "made.", 5) ? fixture(r->sample) : scratch(r->sample), n);
}

/* --- trying --- */

/* Gives the reader these bytes in a context of its own: it must read them or say that the file is
 * at fault, by its name; `strict` is without arguments that may not fit. */
static bool try_bytes(const struct row *r, const unsigned char *bytes, size_t n, bool strict,
                      const char *change, size_t at)
{
    const char *place = scratch(r->place ? r->place : "hostile");
    gt_ctx *gt = gt_open();
    write_file(place, bytes, n);
    const bool ok = r->read(gt, place);
    const gt_status code = gt_error_code(gt);
    const bool format = code == GT_ERR_FORMAT || code == GT_ERR_UNSUPPORTED;
    if (!ok && !format && (strict || (code != GT_ERR_ARGUMENT && code != GT_ERR_SHAPE)))
        fail_msg("%s, %s %s %zu: %s", r->function, r->sample, change, at, gt_error_message(gt));
    if (!ok && !strstr(gt_error_message(gt), strrchr(place, '/') + 1))
        fail_msg("%s names no file: %s", r->function, gt_error_message(gt));
    if (ok && gt_failed(gt)) fail_msg("%s: both read and failed", r->function);
    gt_close(gt);
    return ok;
}

static void cut(const struct row *r, const unsigned char *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const bool whole = r->lines && i && bytes[i - 1] == '\n';
        if (try_bytes(r, bytes, i, true, "cut to", i) != whole)
            fail_msg("%s: %s was%s read from its first %zu of %zu bytes", r->function, r->sample,
                     whole ? " not" : "", i, n);
    }
}

/* Each byte in turn, and many times a few of them. */
static void change(const struct row *r, const unsigned char *bytes, size_t n)
{
    unsigned char changed[FILE_MOST];
    const size_t step = n > 1000 ? n / 500 : 1;
    for (size_t i = 0; i < 3 * n; i += step) {
        const unsigned char values[] = {0, 255, (unsigned char)(bytes[i / 3] ^ 0x11)};
        memcpy(changed, bytes, n);
        changed[i / 3] = values[i % 3];
        try_bytes(r, changed, n, false, "changed at", i / 3);
    }
    uint32_t x = 1;
    for (size_t i = 0; i < 500; i++) {
        memcpy(changed, bytes, n);
        for (size_t k = 0; k < 1 + i % 4; k++) {
            x = x * 1664525 + 1013904223;
            changed[(x >> 8) % n] = (unsigned char)(x >> 24);
        }
        try_bytes(r, changed, n, false, "changed by turn", i);
    }
}

static void test_rows(void **state)
{
    make_samples(*state);
    cap_memory(true);
    for (size_t i = 0; i < ROWS; i++) {
        unsigned char bytes[FILE_MOST];
        size_t n;
        memcpy(bytes, sample(&rows[i], &n), FILE_MOST);
        assert_in_range(n, 9, FILE_MOST - 1);
        if (!try_bytes(&rows[i], bytes, n, true, "whole, of", n))
            fail_msg("%s: %s was not read", rows[i].function, rows[i].sample);
        cut(&rows[i], bytes, n);
        change(&rows[i], bytes, n);
        if (rows[i].place) write_file(scratch(rows[i].place), bytes, n);
    }
    cap_memory(false);
}

/* --- while memory runs out --- */

#ifdef CAN_STARVE
/* Reads with a request for memory that fails, or all from that on; whether it came to that. */
static bool starve(const struct row *r, const char *place, long at, bool onwards)
{
    gt_ctx *gt = gt_open();
    gt_set_error_handler(gt, gt_ignore_error, NULL);
    served = 0;
    fails_onwards = onwards;
    fails_at = at;
    const bool ok = r->read(gt, place);
    fails_at = 0;
    const bool met = served >= at;
    if (ok == gt_failed(gt)) fail_msg("%s: request %ld: both or neither", r->function, at);
    if (!ok && gt_error_code(gt) != GT_ERR_MEMORY &&
        !(r->vague && gt_error_code(gt) == GT_ERR_FORMAT))
        fail_msg("%s of %s, request %ld of memory fails: %s", r->function, r->sample, at,
                 gt_error_message(gt));
    gt_close(gt);
    return met;
}

static void test_starved(void **state)
{
    long tries = 0;
    make_samples(*state);
    for (size_t i = 0; i < ROWS; i++) {
        const char *place = scratch(rows[i].place ? rows[i].place : "whole");
        char kept[1024];
        size_t n;
        snprintf(kept, sizeof kept, "%s", place);
        const unsigned char *bytes = sample(&rows[i], &n);
        write_file(kept, bytes, n);
        for (int onwards = 0; onwards < 2; onwards++)
            for (long at = 1; starve(&rows[i], kept, at, onwards); at++) tries++;
    }
    print_message("%ld requests for memory failed\n", tries);
    assert_in_range(tries, 20 * ROWS, 1000000);
}
#endif

/* --- that all readers are here --- */

static bool has_row(const char *name)
{
    /* What takes a path and reads no file: paths in modules, and writers. */
    static const char *const others[] = {
        "gt_module_parameter",   "gt_module_buffer",     "gt_module_child",
        "gt_module_tie",         "gt_npy_save",          "gt_image_save",
        "gt_graph_render_",      "gt_tape_render_",      "gt_module_render_",
        "gt_graph_save_",        "gt_onnx_save_",        "gt_onnx_save_graph_",
        "gt_export_c_",          "gt_export_c_graph_",   "gt_save_",
        "gt_save_tensors_",      "gt_run_save",          "gt_file_create",
        "gt_file_create_for",    "gt_history_write_csv", "gt_history_write_jsonl",
        "gt_history_write_svg_", "gt_board_open",        "gt_profile_save_trace",
    };
    for (size_t i = 0; i < ROWS; i++)
        if (!strcmp(rows[i].function, name)) return true;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (!strcmp(others[i], name)) return true;
    return false;
}

static int takers;

static void see_reader(const char *header, const prototype *p)
{
    if (!strstr(p->arguments, "const char *path") && !strstr(p->arguments, "const char *folder"))
        return;
    takers++;
    if (!has_row(p->name))
        fail_msg("%s: %s takes a path: if it reads a file, it needs a row in this test, that is a "
                 "call and a good file; if not, put it among the others",
                 header, p->name);
}

static void test_all_readers_have_rows(void **state)
{
    (void)state;
    for_each_prototype(see_reader);
    print_message("%d functions take paths\n", takers);
    assert_in_range(takers, 25, 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_readers_have_rows),
        cmocka_unit_test_setup_teardown(test_rows, open_context, close_context),
#ifdef CAN_STARVE
        cmocka_unit_test_setup_teardown(test_starved, open_context, close_context),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, remove_scratch);
}
