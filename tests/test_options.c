/* No option is disregarded in silence: each numeric option of each struct of options in the headers
 * is set to GT_ZERO, which must change the result or be an error that names the option. A new
 * option without a row fails this test. */
#include <stdio.h>

#include "options.h"
#include "options_nn.h"
#include "options_ops.h"
#include "options_train.h"

static const option_row rows[] = {OPTIONS_OF_OPS(OPTION_ROW) OPTIONS_OF_MODULES(OPTION_ROW)
                                      OPTIONS_OF_TRAINING(OPTION_ROW)};
enum { N_ROWS = sizeof rows / sizeof *rows };

/* --- GT_ZERO --- */

static void set_zero(const option_row *row, char *opts, size_t i)
{
    char *at = opts + row->at;
    switch (row->kind) {
    case 'i': ((int *)(void *)at)[i] = GT_ZERO; break;
    case 'l': ((int64_t *)(void *)at)[i] = GT_ZERO; break;
    case 'u': ((uint64_t *)(void *)at)[i] = (uint64_t)GT_ZERO; break;
    default: ((double *)(void *)at)[i] = GT_ZERO;
    }
}

/* With the option's numbers from `from` on set to GT_ZERO, those before it left. */
static double run(const option_row *row, bool zero, gt_status *code, char message[1600])
{
    char opts[1024];
    assert_true(row->size <= sizeof opts);
    memcpy(opts, row->base, row->size);
    for (size_t i = 0; zero && i < row->count; i++) set_zero(row, opts, i);
    gt_ctx *gt = gt_open();
    const double value = row->run(gt, opts);
    *code = gt_error_code(gt);
    snprintf(message, 1600, "%s", gt_error_message(gt));
    gt_close(gt);
    return value;
}

/* What is wrong with the row, or NULL. */
static const char *check_row(const option_row *row, char message[1600])
{
    gt_status code;
    const double usual = run(row, false, &code, message);
    if (code != GT_OK) return "the base options are refused";
    const double with_zero = run(row, true, &code, message);
    if (code != GT_OK && row->effect != REFUSED) return "GT_ZERO is refused";
    if (code != GT_OK) return strstr(message, row->name) ? NULL : "the error does not name it";
    if (row->effect == REFUSED) return "GT_ZERO is not refused";
    if (with_zero == usual && row->effect == CHANGES) return "GT_ZERO changes nothing";
    return with_zero != usual && row->effect == SAME ? "GT_ZERO is not the default" : NULL;
}

static void zero_is_never_disregarded(void **state)
{
    (void)state;
    int wrong = 0;
    for (int i = 0; i < N_ROWS; i++) {
        char message[1600];
        const char *why = check_row(&rows[i], message);
        if (why) print_error("%s.%s: %s. %s\n", rows[i].type, rows[i].name, why, message);
        wrong += why != NULL;
    }
    assert_int_equal(wrong, 0);
}

/* --- pairs --- */

static bool is_pair(const option_row *row)
{
    static const char *const names[] = {"kernel", "stride", "dilation", "padding",
                                        "output_padding"};
    for (int i = 0; i < 5 && row->count == 2; i++)
        if (!strcmp(row->name, names[i])) return true;
    return false;
}

/* The value with this pair; NaN after an error. */
static double run_pair(const option_row *row, int first, int second)
{
    char opts[1024];
    memcpy(opts, row->base, row->size);
    memcpy(opts + row->at, (const int[2]){first, second}, 2 * sizeof(int));
    gt_ctx *gt = gt_open();
    const double value = row->run(gt, opts);
    const bool failed = gt_failed(gt);
    gt_close(gt);
    return failed ? NAN : value;
}

/* {2} is {2, 2}; a 0 in one place is asked for by GT_ZERO, and only paddings can be 0. */
static void pairs_repeat_their_first_number(void **state)
{
    (void)state;
    int pairs = 0;
    for (int k = 0; k < N_ROWS; k++) {
        const option_row *row = &rows[k];
        if (!is_pair(row)) continue;
        const bool padding = strstr(row->name, "padding");
        const int n = padding ? 1 : 2;
        const double one = run_pair(row, n, 0);
        if (one != run_pair(row, n, n)) fail_msg("%s.%s: {n} is not {n, n}", row->type, row->name);
        for (int i = 0; i < 2; i++) {
            const double zero = run_pair(row, i ? n : GT_ZERO, i ? GT_ZERO : n);
            if (zero == one || isnan(zero) == padding)
                fail_msg("%s.%s: GT_ZERO in place %d makes %g", row->type, row->name, i, zero);
        }
        pairs++;
    }
    assert_true(pairs > 20);
}

/* Where height and width are told apart, paddings are taken as written. */
static void directed_paddings_are_as_written(void **state)
{
    (void)state;
    gt_ctx *gt = gt_open();
    gt_tensor *x = gt_ones(gt, GT_SHAPE(1, 1, 4, 5)), *column = gt_ones(gt, GT_SHAPE(1, 1, 3, 1)),
              *square = gt_ones(gt, GT_SHAPE(1, 1, 3, 3));
    const struct {
        gt_tensor *y;
        gt_shape shape;
    } row[] = {
        {gt_conv2d(x, square, .padding = {1}), GT_SHAPE(1, 1, 4, 5)},
        {gt_conv2d(x, square, .padding = {1, GT_ZERO}), GT_SHAPE(1, 1, 4, 3)},
        {gt_conv2d(x, column, .padding = {1, 0}), GT_SHAPE(1, 1, 4, 5)},
        {gt_conv2d(x, square, .padding = {1, 0}, .stride = {1, 2}), GT_SHAPE(1, 1, 4, 2)},
        {gt_conv2d(x, square, .padding = {1, 0}, .dilation = {1, 2}), GT_SHAPE(1, 1, 4, 1)},
        {gt_conv_transpose2d(x, column, .padding = {1, 0}), GT_SHAPE(1, 1, 4, 5)},
        {gt_max_pool2d(x, .kernel = {3, 1}, .stride = {1}, .padding = {1, 0}),
         GT_SHAPE(1, 1, 4, 5)},
        {gt_avg_pool2d(x, .kernel = {3}, .stride = {1}, .padding = {1}), GT_SHAPE(1, 1, 4, 5)},
        {gt_unfold(x, .kernel = {3, 1}, .padding = {1, 0}), GT_SHAPE(1, 3, 20)},
        {gt_forward(gt_nn_conv2d(gt, 1, 1, .kernel = {3, 1}, .padding = {1, 0}), x),
         GT_SHAPE(1, 1, 4, 5)},
        {gt_forward(gt_nn_max_pool2d(gt, .kernel = {3, 1}, .stride = {1}, .padding = {1, 0}), x),
         GT_SHAPE(1, 1, 4, 5)},
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        if (!row[i].y) fail_msg("row %zu: %s", i, gt_error_message(gt));
        if (!gt_shape_equal(row[i].y->shape, row[i].shape)) fail_msg("row %zu: other shape", i);
    }
    gt_close(gt);
}

/* --- all of them --- */

static bool has_row(const char *type, const char *name, size_t length)
{
    for (int i = 0; i < N_ROWS; i++)
        if (!strcmp(rows[i].type, type) && strlen(rows[i].name) == length &&
            !strncmp(rows[i].name, name, length))
            return true;
    return false;
}

/* A declaration of numbers, "int stride[2], padding[2]". */
static void check_declaration(const char *type, const char *line)
{
    static const char *const kinds[] = {"int ", "int64_t ", "double ", "unsigned ", "uint64_t "};
    const char *at = NULL;
    for (int i = 0; i < 5; i++)
        if (!strncmp(line, kinds[i], strlen(kinds[i]))) at = line + strlen(kinds[i]);
    while (at && *at) {
        at += strspn(at, " ,");
        const size_t length = strspn(at, "abcdefghijklmnopqrstuvwxyz0123456789_");
        if (strncmp(at, "gt_", 3) != 0 && !has_row(type, at, length))
            fail_msg("no row for %s.%.*s: tests/options_*.h say what GT_ZERO does in it", type,
                     (int)length, at);
        at = strchr(at, ',');
    }
}

/* text: of a header, without comments; from "typedef struct {" on up to the name, at `end`. */
static void check_struct(char *body, char *end)
{
    char type[64];
    if (sscanf(end, "} %63[a-z0-9_];", type) != 1) return;
    const size_t n = strlen(type);
    if (strcmp(type, "gt_transform") != 0 && (n < 5 || strcmp(type + n - 5, "_opts") != 0)) return;
    *end = 0;
    for (char *line = strtok(body, ";"); line; line = strtok(NULL, ";"))
        check_declaration(type, line + strspn(line, " \n"));
}

static void drop_comments(char *text)
{
    char *to = text;
    for (const char *at = text; *at;) {
        const char *end = strncmp(at, "/*", 2) == 0 ? strstr(at, "*/") : NULL;
        if (end) at = end + 2;
        else *to++ = *at++;
    }
    *to = 0;
}

static void every_option_has_a_row(void **state)
{
    (void)state;
    static const char *const headers[] = {
        "autograd", "containers", "context", "data",   "functional", "gradcheck", "graph",
        "init",     "io",         "layers",  "loss",   "nn",         "op",        "ops",
        "optim",    "schedule",   "summary", "tensor", "train"};
    static char text[1 << 17];
    int structs = 0;
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
        char path[512];
        snprintf(path, sizeof path, GT_SOURCE_DIR "/include/gradtape/%s.h", headers[i]);
        FILE *f = fopen(path, "r");
        assert_non_null(f);
        text[fread(text, 1, sizeof text - 1, f)] = 0;
        fclose(f);
        drop_comments(text);
        for (char *at = text; (at = strstr(at, "typedef struct {"));) {
            at += strlen("typedef struct {");
            char *end = strchr(at, '}');
            assert_non_null(end);
            char *next = end + 1;
            check_struct(at, end);
            at = next;
            structs++;
        }
    }
    assert_true(structs > 80);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(zero_is_never_disregarded),
        cmocka_unit_test(pairs_repeat_their_first_number),
        cmocka_unit_test(directed_paddings_are_as_written),
        cmocka_unit_test(every_option_has_a_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
