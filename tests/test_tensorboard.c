/* TensorBoard's files, read by a strict decoder of the test's own: TFRecord framing with its
 * checksums, protocol buffers, PNG. */
#define _POSIX_C_SOURCE 200809L
#include "support.h"

#include "files.h"
#include "view/view.h"
#include <dirent.h>
#include <float.h>
#include <math.h>
#include <signal.h>
#include <sys/resource.h>
#include <time.h>

/* --- framing --- */

static uint64_t little(const unsigned char *at, int bytes)
{
    uint64_t v = 0;
    for (int i = 0; i < bytes; i++) v |= (uint64_t)at[i] << 8 * i;
    return v;
}

/* CRC-32C bit by bit, "masked". */
static uint32_t masked_crc(const unsigned char *at, size_t n)
{
    uint32_t crc = 0xffffffff;
    for (size_t i = 0; i < n; i++) {
        crc ^= at[i];
        for (int k = 0; k < 8; k++) crc = crc & 1 ? crc >> 1 ^ 0x82f63b78 : crc >> 1;
    }
    crc = ~crc;
    return (crc >> 15 | crc << 17) + 0xa282ead8;
}

typedef struct {
    const unsigned char *at, *end;
} span;

/* Takes one record off the front of the file. */
static span next_record(span *file)
{
    assert_true(file->end - file->at >= 16);
    const size_t n = (size_t)little(file->at, 8);
    assert_int_equal(little(file->at + 8, 4), masked_crc(file->at, 8));
    assert_true(n <= (size_t)(file->end - file->at - 16));
    const span record = {file->at + 12, file->at + 12 + n};
    assert_int_equal(little(record.end, 4), masked_crc(record.at, n));
    file->at = record.end + 4;
    return record;
}

/* --- protocol buffers --- */

typedef struct {
    int number, wire;
    uint64_t value; /* of varints and fixed fields */
    span bytes;     /* of fields with a length */
} field;

static uint64_t varint(span *s)
{
    uint64_t v = 0;
    for (int shift = 0; shift < 64; shift += 7) {
        assert_true(s->at < s->end);
        v |= (uint64_t)(*s->at & 127) << shift;
        if (!(*s->at++ & 128)) return v;
    }
    fail_msg("a varint of more than ten bytes");
    return 0;
}

static bool next_field(span *s, field *f)
{
    if (s->at == s->end) return false;
    const uint64_t key = varint(s);
    f->number = (int)(key >> 3);
    f->wire = (int)(key & 7);
    if (f->wire == 0) {
        f->value = varint(s);
        return true;
    }
    assert_true(f->wire == 1 || f->wire == 2 || f->wire == 5);
    const uint64_t n = f->wire == 1 ? 8 : f->wire == 5 ? 4 : varint(s);
    assert_true(n <= (uint64_t)(s->end - s->at));
    f->bytes = (span){s->at, s->at + n};
    if (f->wire != 2) f->value = little(s->at, (int)n);
    s->at += n;
    return true;
}

/* The field of this number, which must be there once. */
static field only(span message, int number, int wire)
{
    field f = {.number = 0}, found = {.number = 0};
    while (next_field(&message, &f)) {
        if (f.number != number) continue;
        assert_int_equal(found.number, 0);
        assert_int_equal(f.wire, wire);
        found = f;
    }
    assert_int_equal(found.number, number);
    return found;
}

static double as_double(uint64_t bits)
{
    double v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

static float as_float(uint64_t bits)
{
    const uint32_t low = (uint32_t)bits;
    float v;
    memcpy(&v, &low, sizeof v);
    return v;
}

/* --- files --- */

/* The bytes of the only event file in a folder. */
static span event_file(const char *folder)
{
    char path[2048] = "";
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    for (struct dirent *e; (e = readdir(dir));)
        if (strstr(e->d_name, "tfevents")) {
            assert_string_equal(path, "");
            snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        }
    closedir(dir);
    size_t n;
    const unsigned char *bytes = slurp(path, &n);
    return (span){bytes, bytes + n};
}

/* The value of the next event, which must have this tag and step. */
static span next_value(span *file, const char *tag, uint64_t step)
{
    const span event = next_record(file);
    assert_int_equal(only(event, 2, 0).value, step);
    const double age = (double)time(NULL) - as_double(only(event, 1, 1).value);
    assert_true(fabs(age) < 600);
    const span value = only(only(event, 5, 2).bytes, 1, 2).bytes, name = only(value, 1, 2).bytes;
    assert_int_equal(name.end - name.at, strlen(tag));
    assert_memory_equal(name.at, tag, strlen(tag));
    return value;
}

static gt_board *open_board(gt_ctx *gt, const char *folder)
{
    gt_board *b = gt_board_open(gt, folder);
    assert_well(gt);
    return b;
}

static span close_board(gt_board *b, const char *folder)
{
    assert_int_equal(gt_board_close(b), GT_OK);
    span file = event_file(folder);
    const span version = only(next_record(&file), 3, 2).bytes;
    assert_int_equal(version.end - version.at, 13);
    assert_memory_equal(version.at, "brain.Event:2", 13);
    return file;
}

/* --- tests --- */

/* RFC 3720, B.4. */
static void test_crc(void **state)
{
    (void)state;
    unsigned char bytes[32];
    static const uint32_t want[4] = {0x8a9136aa, 0x62a8ab43, 0x46dd794e, 0x113fdb5c};
    for (int k = 0; k < 4; k++) {
        for (int i = 0; i < 32; i++)
            bytes[i] = (unsigned char)(k == 0 ? 0 : k == 1 ? 255 : k == 2 ? i : 31 - i);
        assert_int_equal(gti_record_crc(bytes, sizeof bytes), want[k]);
    }
    assert_int_equal(gti_record_crc("123456789", 9), 0xe3069283);
    assert_int_equal(gti_record_crc("", 0), 0);
}

static void test_scalars(void **state)
{
    const char *folder = scratch("runs/deep/scalars");
    gt_board *b = open_board(*state, folder);
    static const struct {
        const char *tag;
        double value;
        int64_t step;
    } rows[] = {{"loss", 0.5, 0},
                {"loss", 1e-3, 1},
                {"loss", INFINITY, 127},
                {"val/accuracy", -3, 128},
                {"\xc3\xa4", 7, 1000000000},
                {"loss", 0, 1LL << 40},
                {"loss", 1, -1}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        gt_board_scalar(b, rows[i].tag, rows[i].value, rows[i].step);
    span file = close_board(b, folder);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const span value = next_value(&file, rows[i].tag, (uint64_t)rows[i].step);
        assert_true(as_float(only(value, 2, 5).value) == (float)rows[i].value);
    }
    assert_ptr_equal(file.at, file.end);
}

/* The limits and counts of a histogram event, which must agree in number. */
static size_t read_buckets(span histogram, span *limits, span *counts)
{
    *limits = only(histogram, 6, 2).bytes;
    *counts = only(histogram, 7, 2).bytes;
    const size_t n = (size_t)(limits->end - limits->at);
    assert_int_equal(counts->end - counts->at, n);
    assert_int_equal(n % 8, 0);
    return n / 8;
}

static void test_histogram(void **state)
{
    gt_ctx *gt = *state;
    const char *folder = scratch("runs/histogram");
    gt_board *b = open_board(gt, folder);
    static const double values[10] = {-1e30, -1, -1, 0, 1e-13, 0.5, 0.5, 100, INFINITY, NAN};
    gt_tensor *t = gt_values_(gt, GT_SHAPE(2, 5), 10, values, (gt_new_opts){.dtype = GT_F64});
    gt_board_histogram(b, "w", t, 3);
    gt_board_histogram(b, "none", gt_zeros(gt, GT_SHAPE(0)), 4);
    span file = close_board(b, folder), limits, counts;
    const span h = only(next_value(&file, "w", 3), 5, 2).bytes;
    const double want[] = {-1e30, 100, 8, -1e30 - 1 - 1 + 1e-13 + 1 + 100, 1e30 * 1e30};
    for (int i = 0; i < 5; i++) assert_true(as_double(only(h, i + 1, 1).value) == want[i]);
    const size_t n = read_buckets(h, &limits, &counts);
    double below = -DBL_MAX, total = 0;
    for (size_t k = 0; k < n; k++) {
        const double limit = as_double(little(limits.at + 8 * k, 8));
        const double count = as_double(little(counts.at + 8 * k, 8));
        double inside = 0;
        for (int i = 0; i < 8; i++) inside += values[i] >= below && values[i] < limit;
        assert_true(limit > below || k == 0);
        assert_true(count == inside);
        assert_true(count != 0 || k == 0 || as_double(little(counts.at + 8 * (k - 1), 8)) != 0);
        below = limit;
        total += count;
    }
    assert_true(total == 8 && below == DBL_MAX);
    const span none = only(next_value(&file, "none", 4), 5, 2).bytes;
    assert_true(as_double(only(none, 3, 1).value) == 0);
    assert_int_equal(read_buckets(none, &limits, &counts), 1);
}

/* Our limits are those that TensorFlow makes by multiplying. */
static void test_limits(void **state)
{
    gt_ctx *gt = *state;
    static gti_histogram h;
    gti_histogram_fill(&h, gt_zeros(gt, GT_SHAPE(1)));
    int i = GTI_BUCKETS / 2 + 1;
    for (double v = 1e-12; v < 1e20; v *= 1.1, i++) assert_true(h.limit[i] == v);
    assert_int_equal(i, GTI_BUCKETS - 1);
    assert_true(h.limit[i] == DBL_MAX && h.limit[0] == -DBL_MAX);
}

static void test_image(void **state)
{
    gt_ctx *gt = *state;
    const char *folder = scratch("runs/image");
    gt_board *b = open_board(gt, folder);
    gt_tensor *t = gt_values(gt, GT_SHAPE(3, 1, 2), 0, 1, 0.5, -1, 2, NAN);
    gt_board_image(b, "x", t, 1);
    span file = close_board(b, folder);
    const span image = only(next_value(&file, "x", 1), 4, 2).bytes;
    assert_int_equal(only(image, 1, 0).value, 1);
    assert_int_equal(only(image, 2, 0).value, 2);
    assert_int_equal(only(image, 3, 0).value, 3);
    const span png = only(image, 4, 2).bytes;
    assert_memory_equal(png.at, "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\2\0\0\0\1\x8\2\0\0\0", 29);
#ifdef GT_WITH_PNG
    write_file(scratch("x.png"), png.at, (size_t)(png.end - png.at));
    ASSERT_VALUES(gt_image_load(gt, scratch("x.png")), 0, 0, 255, 128, 0, 255, 0);
#endif
}

/* --- graphs --- */

/* Whether the node of this name has the text as an input, or in an attribute. */
static bool node_has(span def, const char *name, int number, const char *text)
{
    field f, own = {0};
    while (next_field(&def, &f)) {
        if (f.number != 1) continue;
        const span n = only(f.bytes, 1, 2).bytes;
        if ((size_t)(n.end - n.at) != strlen(name) || memcmp(n.at, name, strlen(name)) != 0)
            continue;
        for (span rest = f.bytes; next_field(&rest, &own);)
            for (const unsigned char *c = own.bytes.at;
                 own.number == number && c + strlen(text) <= own.bytes.end; c++)
                if (!memcmp(c, text, strlen(text))) return true;
    }
    return false;
}

/* A network's step: two blocks under one name have names of their own, hostile ones are tame. */
static gt_graph *example_graph(gt_ctx *gt)
{
    gt_module *net = gt_nn_sequential_named(
        gt, {"conv one/\"<", gt_nn_conv2d(gt, 1, 4, .kernel = {3}, .padding = {1})},
        {"residual", gt_nn_residual(gt, gt_nn_conv2d(gt, 4, 4, .kernel = {1}))},
        {"flat", gt_nn_flatten(gt)}, {"fc", gt_nn_linear(gt, 4 * 36, 3)});
    gt_graph *g = gt_module_graph(net, GT_SHAPE(2, 1, 6, 6), .backward = true);
    assert_well(gt);
    return g;
}

static void test_graph(void **state)
{
    gt_ctx *gt = *state;
    const char *folder = scratch("runs/graph");
    gt_graph *g = example_graph(gt);
    gt_board *b = open_board(gt, folder);
    assert_int_equal(gt_board_graph(b, g), GT_OK);
    span file = close_board(b, folder);
    const span def = only(next_record(&file), 4, 2).bytes;
    assert_ptr_equal(file.at, file.end);
    static const struct {
        const char *node;
        int number;
        const char *text;
    } wants[] = {
        {"Sequential/conv_one___/conv2d", 3, "input"},
        {"Sequential/conv_one___/conv2d", 3, "Sequential/conv_one___/weight"},
        {"Sequential/conv_one___/conv2d", 5, "padding\x12\x08\x12\x06{1, 1}"},
        {"Sequential/conv_one___/conv2d", 5, "Conv2d(1, 4, kernel_size=(3, 3), stride=(1, 1)"},
        {"Sequential/conv_one___/weight", 2, "Parameter"},
        {"Sequential/residual/body/conv2d", 2, "conv2d"},
        {"Sequential/fc/linear/matmul", 2, "matmul"},
        {"backward/Sequential/conv_one___/conv2d_dw", 2, "conv2d_dw"},
    };
    for (size_t i = 0; i < sizeof wants / sizeof *wants; i++)
        if (!node_has(def, wants[i].node, wants[i].number, wants[i].text))
            fail_msg("%s has no %s", wants[i].node, wants[i].text);
    assert_int_equal(gt_graph_save(g, scratch("runs/saved/")), GT_OK);
    file = event_file(scratch("runs/saved"));
    next_record(&file);
    assert_true(node_has(only(next_record(&file), 4, 2).bytes, "input", 2, "Input"));
    assert_int_equal(gt_graph_save(g, scratch("runs/saved/"), .depth = 1), GT_ERR_ARGUMENT);
    assert_error(gt, GT_ERR_ARGUMENT, ".depth is of no use for /");
    gt_graph_free(g);
}

static void test_errors(void **state)
{
    gt_ctx *gt = *state;
    gt_board *b = open_board(gt, scratch("runs/errors"));
    gt_board_scalar(b, "", 1, 1);
    assert_error(gt, GT_ERR_ARGUMENT, "tag");
    gt_board_image(b, "x", gt_zeros(gt, GT_SHAPE(2, 3, 3)), 1);
    assert_error(gt, GT_ERR_SHAPE, "[2,3,3]");
    gt_board_image(b, "x", gt_zeros(gt, GT_SHAPE(3, 3), .dtype = GT_I64), 1);
    assert_error(gt, GT_ERR_DTYPE, "i64");
    assert_int_equal(gt_board_histogram(b, "x", NULL, 1), GT_ERR_ARGUMENT);
    gt_error_clear(NULL);
    gt_board_close(b);
    assert_int_equal(gt_board_scalar(b, "x", 1, 1), GT_ERR_STATE);
    assert_error(gt, GT_ERR_STATE, "test_tensorboard.c:");
    assert_null(gt_board_open(gt, "/dev/null/x"));
    assert_error(gt, GT_ERR_IO, "/dev/null/x");
    assert_int_equal(gt_board_flush(NULL), GT_ERR_ARGUMENT);
    gt_error_clear(NULL);
}

/* A disk that is full, or here a file that must not grow, shows; and what was lost is not forgotten
 * by the time the file is closed. */
static void test_full(void **state)
{
    gt_ctx *gt = *state;
    gt_board *b = open_board(gt, scratch("runs/full"));
    struct rlimit usual, small;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &usual), 0);
    small = usual;
    small.rlim_cur = 2048;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    int n = 0;
    while (n < 10000 && gt_board_scalar(b, "x", n, n) == GT_OK) n++;
    gt_status status = gt_error_code(gt);
    gt_error_clear(gt);
    setrlimit(RLIMIT_FSIZE, &usual);
    signal(SIGXFSZ, SIG_DFL);
    assert_in_range(n, 1, 9999);
    assert_int_equal(status, GT_ERR_IO);
    assert_int_equal(gt_board_flush(b), GT_ERR_IO);
    assert_error(gt, GT_ERR_IO, "earlier events were lost");
    assert_int_equal(gt_board_close(b), GT_ERR_IO);
    assert_error(gt, GT_ERR_IO, "cannot be written");
}

/* For another reader, tests/tensorboard.py. */
static int write_graph(const char *folder)
{
    gt_ctx *gt = gt_open();
    gt_graph *g = example_graph(gt);
    gt_board_graph(gt_board_open(gt, folder), g);
    printf("%d\n", g->n_nodes);
    for (int i = 0; i < g->n_values; i++)
        if (g->value[i].node < 0) printf("leaf\n");
    gt_graph_free(g);
    const bool failed = gt_failed(gt);
    gt_close(gt);
    return failed;
}

int main(int argc, char **argv)
{
    if (argc == 3 && !strcmp(argv[1], "--write")) return write_graph(argv[2]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_crc),
        cmocka_unit_test_setup_teardown(test_scalars, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_histogram, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_limits, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_image, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_graph, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_errors, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_full, open_context, close_context),
    };
    return cmocka_run_group_tests(tests, NULL, remove_scratch);
}
