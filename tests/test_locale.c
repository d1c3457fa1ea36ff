/* Text is the same in every locale, also where numbers have a decimal comma. */
#define _POSIX_C_SOURCE 200809L
#include "support.h"

#include "files.h"

#include <ctype.h>
#include <dirent.h>
#include <locale.h>

/* --- a locale with a comma --- */

/* glibc's file for the category of numbers of a locale, as localedef makes it: a mark, six fields
 * and their places; among them the decimal comma and the point between thousands, as bytes and as
 * characters. So no locale has to be installed. */
static void make_locale(void)
{
    static const uint32_t head[] = {0x20031115u ^ 1, 6, 32, 34, 36, 40, 44, 48};
    static const char body[] = ",\0.\0\3\3\0\0,\0\0\0.\0\0\0UTF-8";
    unsigned char bytes[sizeof head + sizeof body];
    memcpy(bytes, head, sizeof head);
    memcpy(bytes + sizeof head, body, sizeof body);
    write_file(scratch("locales/comma/LC_NUMERIC"), bytes, sizeof bytes);
    setenv("LOCPATH", scratch("locales"), 1);
}

static bool has_comma(void)
{
    char text[8];
    snprintf(text, sizeof text, "%.1f", 0.5);
    return !strcmp(text, "0,5");
}

/* Sets a locale of the system's or, on glibc, of the test's own. */
static bool set_comma(void)
{
    static const char *const names[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "ru_RU.UTF-8", "pt_BR.UTF-8"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (setlocale(LC_NUMERIC, names[i]) && has_comma()) return true;
    make_locale();
    return setlocale(LC_NUMERIC, "comma") && has_comma();
}

/* --- texts; each has a number with a point --- */

static void write_describe(gt_ctx *gt, FILE *f)
{
    char text[256];
    gt_module *net =
        gt_nn_sequential(gt, gt_nn_dropout(gt, 0.25), gt_nn_batch_norm2d(gt, 3),
                         gt_nn_leaky_relu(gt, .negative_slope = 0.125), gt_nn_group_norm(gt, 1, 3));
    for (int i = 0; i < 4; i++) {
        char name[] = {(char)('0' + i), 0};
        fprintf(f, "%s\n", gt_module_describe(gt_module_child(net, name), text, sizeof text));
    }
    gt_module_print(f, net);
}

static void write_tensors(gt_ctx *gt, FILE *f)
{
    gt_print(f, gt_values(gt, GT_SHAPE(3), 0.5, -1.25, 3));
    gt_print(f, gt_values(gt, GT_SHAPE(2), 1.5e-9, 2e20));
    gt_print(f, gt_values(gt, GT_SHAPE(2), 1, 2));
}

static void write_summary(gt_ctx *gt, FILE *f)
{
    gt_summary(f, gt_nn_linear(gt, 300, 411), GT_SHAPE(1, 300));
}

static void write_errors(gt_ctx *gt, FILE *f)
{
    gt_data_error error = {.code = GT_OK};
    gt_fail(gt, GT_ERR_ARGUMENT, "here", "%g", 0.5);
    fprintf(f, "%s\n", gt_error_message(gt)), gt_error_clear(gt);
    gt_dropout(gt_ones(gt, GT_SHAPE(2)), 1.5);
    fprintf(f, "%s\n", gt_error_message(gt)), gt_error_clear(gt);
    gt_nn_dropout(gt, 1.5);
    fprintf(f, "%s\n", gt_error_message(gt)), gt_error_clear(gt);
    gt_set_anomaly_check(gt, true);
    gt_log(gt_values(gt, GT_SHAPE(2), -0.5, 0.25));
    fprintf(f, "%s\n", gt_error_message(gt)), gt_error_clear(gt);
    gt_set_anomaly_check(gt, false);
    gt_data_fail(&error, GT_ERR_FORMAT, "%.2f", 0.5);
    fprintf(f, "%s\n", error.text);
}

/* Its gradient lacks a half. */
static gt_tensor *half(gt_ctx *gt, gt_tensor *const in[], void *user)
{
    (void)gt, (void)user;
    return gt_mul(in[0], gt_detach(in[0]));
}

static void write_gradcheck(gt_ctx *gt, FILE *f)
{
    gt_gradcheck_report r;
    gt_tensor *x =
        gt_from(gt, GT_SHAPE(2), ((double[]){0.3, -1.7}), .dtype = GT_F64, .requires_grad = true);
    assert_int_equal(gt_gradcheck(gt, half, NULL, &x, 1, NULL, &r), GT_FAIL);
    gt_gradcheck_print(&r, f);
}

static gt_history *make_history(gt_ctx *gt)
{
    gt_history *h = gt_history_new(gt);
    for (int i = 0; i < 4; i++) gt_history_set(h, i, "loss", 1.5 / (i + 1));
    return h;
}

static void append_file(FILE *f, const char *path)
{
    size_t n;
    const unsigned char *bytes = slurp(path, &n);
    fwrite(bytes, 1, n, f);
}

static void write_history(gt_ctx *gt, FILE *f)
{
    const gt_history *h = make_history(gt);
    assert_int_equal(gt_history_write_csv(h, scratch("h.csv")), GT_OK);
    assert_int_equal(gt_history_write_jsonl(h, scratch("h.jsonl")), GT_OK);
    assert_int_equal(gt_history_write_svg(h, scratch("h.svg")), GT_OK);
    append_file(f, scratch("h.csv"));
    append_file(f, scratch("h.jsonl"));
    append_file(f, scratch("h.svg"));
    gt_history_plot(h, f);
    const gt_history *again = gt_history_read_csv(gt, scratch("h.csv"));
    assert_well(gt);
    for (int i = 0; i < 4; i++)
        assert_true(gt_history_get(h, i, "loss") == gt_history_get(again, i, "loss"));
}

static void write_own_file(gt_ctx *gt, FILE *f)
{
    gt_file *own = gt_file_create(gt, scratch("own.csv"));
    gt_file_printf(own, "%d,%g\n", 1, 0.5);
    assert_int_equal(gt_file_commit(own), GT_OK);
    append_file(f, scratch("own.csv"));
}

static void write_progress(gt_ctx *gt, FILE *f)
{
    (void)gt;
    char text[256];
    FILE *shown = tmpfile();
    gt_progress p = gt_progress_begin(shown, "epoch", 4);
    gt_progress_end(&p, "loss %.3f", 0.5);
    rewind(shown);
    while (fgets(text, sizeof text, shown))
        if (strstr(text, "loss")) fputs(strstr(text, "loss"), f);
    fclose(shown);
}

static void write_plain(gt_ctx *gt, FILE *f)
{
    (void)gt;
    char text[32], *end;
    gt_snprintf(text, sizeof text, "%.3f %g", 1.5, 0.25);
    const double v = gt_strtod(text, &end);
    fprintf(f, "%s%d%s\n", text, v == 1.5, end);
}

static void write_taylor(gt_ctx *gt, FILE *f)
{
    (void)gt;
    const gt_taylor t = {
        .n = 2, .slope = 2, .h = {0.5, 0.25}, .zeroth = {1.5, 0.75}, .first = {0.25, 0.0625}};
    gt_taylor_print(&t, f);
    gt_taylor_svg(&t, f);
}

static const struct {
    const char *name;
    void (*write)(gt_ctx *gt, FILE *f);
} texts[] = {{"describe", write_describe},   {"tensors", write_tensors},
             {"summary", write_summary},     {"errors", write_errors},
             {"gradcheck", write_gradcheck}, {"history", write_history},
             {"own file", write_own_file},   {"progress", write_progress},
             {"plain", write_plain},         {"Taylor", write_taylor}};

/* The text in the present locale, to be freed. */
static char *text_of(size_t i)
{
    char *text = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);
    gt_ctx *gt = gt_open();
    gt_manual_seed(gt, 1);
    texts[i].write(gt, f);
    assert_well(gt);
    gt_close(gt);
    fclose(f);
    return text;
}

static bool has_point(const char *text)
{
    for (; *text; text++)
        if (isdigit((unsigned char)text[0]) && text[1] == '.' && isdigit((unsigned char)text[2]))
            return true;
    return false;
}

static void test_texts(void **state)
{
    (void)state;
    enum { N = sizeof texts / sizeof *texts };
    char *plain[N];
    for (size_t i = 0; i < N; i++) {
        plain[i] = text_of(i);
        if (!has_point(plain[i])) fail_msg("no number: %s", plain[i]);
    }
    const bool comma = set_comma();
#ifdef __GLIBC__
    assert_true(comma);
#endif
    for (size_t i = 0; i < N; i++) {
        char *text = text_of(i);
        if (strcmp(text, plain[i]) != 0) fail_msg("%s:\n%s---\n%s", texts[i].name, plain[i], text);
        free(text);
        free(plain[i]);
    }
    assert_true(comma == has_comma()); /* it was left as it was */
    setlocale(LC_ALL, "C");
    if (comma) return;
    print_message("there is no locale with a decimal comma: not tested\n");
    skip();
}

/* --- that nothing else makes text of numbers --- */

/* What a call of one of these makes depends on the locale if it has a number with a fraction. */
static const char *const makers[] = {"snprintf", "sprintf", "printf", "fprintf"};
static const char *const never[] = {"vsnprintf", "vsprintf", "vprintf", "vfprintf",
                                    "strtod",    "strtof",   "strtold", "atof"};

/* Whether a literal from s to end has a conversion of a number with a fraction. */
static bool has_fraction(const char *s, const char *end)
{
    bool quoted = false;
    for (; s < end; s++) {
        if (*s == '\\') s++;
        else if (*s == '"') quoted = !quoted;
        else if (quoted && *s == '%') {
            s += 1 + strspn(s + 1, "-+ #0123456789.*lL");
            if (strchr("eEfFgGaA", *s)) return true;
        }
    }
    return false;
}

/* The parenthesis that closes the one at s. */
static const char *closing(const char *s)
{
    int depth = 0;
    bool quoted = false;
    for (; *s; s++) {
        if (*s == '\\') s++;
        else if (*s == '"') quoted = !quoted;
        else if (!quoted && *s == '(') depth++;
        else if (!quoted && *s == ')' && --depth == 0) return s;
    }
    return s;
}

static bool is_call(const char *text, const char *at, size_t n)
{
    return at[n] == '(' && (at == text || (!isalnum((unsigned char)at[-1]) && at[-1] != '_'));
}

static int count_in(const char *path, const char *text)
{
    int n = 0;
    for (size_t i = 0; i < sizeof never / sizeof *never; i++)
        for (const char *at = text; (at = strstr(at, never[i])); at++)
            if (is_call(text, at, strlen(never[i])))
                n++, print_error("%s: calls %s, not gt_%s\n", path, never[i], never[i]);
    for (size_t i = 0; i < sizeof makers / sizeof *makers; i++)
        for (const char *at = text; (at = strstr(at, makers[i])); at++) {
            const char *open = at + strlen(makers[i]);
            if (!is_call(text, at, strlen(makers[i])) || !has_fraction(open, closing(open)))
                continue;
            n++, print_error("%s: calls %s for a number\n  %.60s\n", path, makers[i], at);
        }
    return n;
}

static int count_below(const char *folder, int *files)
{
    int n = 0;
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    for (struct dirent *e; (e = readdir(dir));) {
        static char text[1 << 18];
        char path[1024];
        snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        /* Programs of the library's own set no locale. */
        if (!strchr(e->d_name, '.') && strcmp(e->d_name, "cli") != 0) n += count_below(path, files);
        const char *dot = strrchr(e->d_name, '.');
        if (!dot ||
            (strcmp(dot, ".c") != 0 && strcmp(dot, ".h") != 0 && strcmp(dot, ".inc") != 0) ||
            !strcmp(path + strlen(GT_SOURCE_DIR), "/src/engine/text.c"))
            continue;
        FILE *f = fopen(path, "r");
        const size_t size = f ? fread(text, 1, sizeof text - 1, f) : 0;
        assert_in_range(size, 1, sizeof text - 2);
        fclose(f);
        text[size] = 0;
        n += count_in(path, text);
        ++*files;
    }
    closedir(dir);
    return n;
}

static void test_sources(void **state)
{
    (void)state;
    assert_int_equal(count_in("a", "x = snprintf(a, b, \"%d %.3f\", 1, x); my_strtod(0)"), 1);
    assert_int_equal(count_in("a", "snprintf(a, b, \"%%f %s\", \"f(\"); gt_snprintf(a, \"%g\")"),
                     0);
    assert_int_equal(count_in("a", "f = strtod (x); printf(\"\\\"%-*.*Lg\", 1)"), 1);
    int files = 0, n = 0;
    static const char *const folders[] = {"/src", "/ops", "/optim"};
    for (int i = 0; i < 3; i++) {
        char path[1024];
        snprintf(path, sizeof path, "%s%s", GT_SOURCE_DIR, folders[i]);
        n += count_below(path, &files);
    }
    print_message("%d files read\n", files);
    assert_in_range(files, 200, 5000);
    assert_int_equal(n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sources),
        cmocka_unit_test(test_texts),
    };
    return cmocka_run_group_tests(tests, NULL, remove_scratch);
}
