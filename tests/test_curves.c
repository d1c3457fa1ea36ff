/* Curves: axes, the SVG and the terminal's drawing; and the progress bar. */
#define _DEFAULT_SOURCE
#define _XOPEN_SOURCE 700
#include "support.h"

#include "files.h"
#include "terminal.h"
#include "view/view.h"
#include <math.h>

/* A history of one column "v" over epochs from 1 on. */
static gt_history *of(gt_ctx *gt, int n, const double *v)
{
    gt_history *h = gt_history_new(gt);
    for (int i = 0; i < n; i++) gt_history_set(h, i + 1, "v", v[i]);
    return h;
}
#define ROWS(gt, ...)                                                                              \
    of(gt, (int)(sizeof((double[]){__VA_ARGS__}) / sizeof(double)), (double[]){__VA_ARGS__})

static void join_labels(const gti_axis *a, char *to)
{
    char label[GTI_NUMBER];
    *to = '\0';
    for (int i = 0; i < a->ticks; i++) {
        if (i) strcat(to, " ");
        strcat(to, gti_chart_axis_label(a, i, label));
    }
}

static void test_ticks(void **state)
{
    gt_ctx *gt = *state;
    gt_history *from_zero = gt_history_new(gt);
    for (int i = 0; i < 2; i++) gt_history_set(from_zero, i * 4000000, "v", 5);
    const struct {
        gt_history *h;
        bool log;
        const char *x, *y;
    } cases[] = {
        {ROWS(gt, 0.03, 0.91), false, "1 2", "0.0 0.2 0.4 0.6 0.8 1.0"},
        {ROWS(gt, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12), false, "2 4 6 8 10 12",
         "0 2 4 6 8 10 12"},
        {from_zero, false, "0 1e+06 2e+06 3e+06 4e+06", "4.4 4.6 4.8 5.0 5.2 5.4 5.6"},
        {ROWS(gt, 5), false, "1 2", "4.4 4.6 4.8 5.0 5.2 5.4 5.6"},
        {ROWS(gt, 0, 0), false, "1 2", "-0.6 -0.4 -0.2 0.0 0.2 0.4 0.6"},
        {ROWS(gt, NAN, INFINITY), false, "1 2", "0.0 0.2 0.4 0.6 0.8 1.0"},
        {ROWS(gt, -1e-9, 1e-9), false, "1 2", "-1e-09 -5e-10 0 5e-10 1e-09"},
        {ROWS(gt, 0, 3e7), false, "1 2", "0 5e+06 1e+07 1.5e+07 2e+07 2.5e+07 3e+07"},
        {ROWS(gt, -1.7e308, 1.7e308), false, "1 2", "-1e+308 0 1e+308"},
        {ROWS(gt, 0.3, 2.2), true, "1 2", "0.2 0.5 1 2 5"},
        {ROWS(gt, 1e-5, 0, 3), true, "1 2 3", "1e-05 0.0001 0.001 0.01 0.1 1"},
        {ROWS(gt, -1, 0), true, "1 2", "1 2 5 10"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        gti_chart c;
        char labels[512];
        const gt_curve_opts opts = {.log = cases[i].log};
        assert_true(gti_chart_open(&c, cases[i].h, &opts, 6, 6, "test"));
        join_labels(&c.x, labels);
        assert_string_equal(labels, cases[i].x);
        join_labels(&c.y, labels);
        assert_string_equal(labels, cases[i].y);
        for (int64_t k = 0; k < cases[i].h->rows; k++) {
            const double v = c.curve[0]->at[k], place = gti_chart_axis_place(&c.y, v);
            if (!isfinite(v) || (c.y.log && v <= 0)) assert_true(isnan(place));
            else assert_true(place >= -1e-9 && place <= 1 + 1e-9);
        }
    }
    assert_well(gt);
}

/* Between rows on a straight line, with gaps where a row has nothing. */
static void test_places(void **state)
{
    gti_chart c;
    gt_history *h = ROWS(*state, 0, 1, NAN, 1);
    gt_history_set(h, 8, "v", 0);
    assert_true(gti_chart_open(&c, h, &(gt_curve_opts){.log = false}, 5, 5, "test"));
    const struct {
        double epoch, place;
    } cases[] = {{1, 0}, {1.25, 0.25}, {2, 1}, {2.5, NAN}, {3.5, NAN}, {4, 1}, {6, 0.5}, {8, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const double place = gti_chart_at(&c, 0, (cases[i].epoch - 1) / 7);
        if (isnan(cases[i].place)) assert_true(isnan(place));
        else assert_true(fabs(place - cases[i].place) < 1e-9);
    }
}

static gt_history *two_curves(gt_ctx *gt)
{
    gt_history *h = gt_history_new(gt);
    for (int i = 1; i <= 9; i++) {
        gt_history_set(h, i, "loss", 2.0 / i);
        gt_history_set(h, i, "val_loss", i == 4 ? NAN : 1.0 + 1.0 / i);
    }
    return h;
}

static const char *svg_of(const gt_history *h, gt_curve_opts opts)
{
    static char text[FILE_MOST];
    size_t n;
    assert_int_equal(gt_history_write_svg_(h, scratch("curve.svg"), opts), GT_OK);
    const unsigned char *bytes = slurp(scratch("curve.svg"), &n);
    memcpy(text, bytes, n);
    text[n] = '\0';
    return text;
}

static void test_svg(void **state)
{
    gt_history *h = two_curves(*state);
    const char *svg = svg_of(h, (gt_curve_opts){.title = "a<b> & \"\xc3\xa9\" \xff\x01"});
    static const char *const parts[] = {
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"720\" height=\"400\"",
        "<title>a&#60;b&#62; &#38; &#34;\xc3\xa9&#34; ?\?</title>",
        ">val_loss</text>",
        ">epoch</text>",
        ">2.0</text>",
        "d=\"M50.5 56L", /* 2 is the top of the axis */
    };
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (!strstr(svg, parts[i])) fail_msg("no %s in\n%s", parts[i], svg);
    /* The gap in the second curve: its path has two pieces. */
    const char *second = strstr(strstr(svg, "stroke=\"#f2703f\""), "d=\"M");
    const char *gap = strchr(second + 4, 'M');
    assert_true(gap && gap < strchr(second + 4, '"'));
    if (system("xmllint --version >/dev/null 2>&1")) return;
    char command[1200];
    snprintf(command, sizeof command, "xmllint --noout '%s'", scratch("curve.svg"));
    assert_int_equal(system(command), 0);
}

/* The names stand beside the title, or below it: within the picture, and not upon each other. */
static void check_names(const char *svg, int curves, size_t title, int width)
{
    double free_from = 0, row = 31;
    if (title) free_from = 50 + 8 * (double)title; /* behind the title */
    int n = 0;
    for (const char *at = svg; (at = strstr(at, "<text class=\"name\"")); at++, n++) {
        double x, y;
        char name[32];
        assert_int_equal(
            sscanf(at, "<text class=\"name\" x=\"%lf\" y=\"%lf\">%31[^<]", &x, &y, name), 3);
        if (y > row + 1) free_from = 0;
        row = y;
        if (x - 26 < free_from || x + 7 * (double)strlen(name) > width)
            fail_msg("%d curves, title of %zu: %s at %g, %g", curves, title, name, x, y);
        free_from = x + 7 * (double)strlen(name);
    }
    assert_int_equal(n, curves);
}

static void test_names(void **state)
{
    static const char *const names[] = {"loss",          "val_loss",      "accuracy",
                                        "val_accuracy",  "top5",          "val_top5",
                                        "learning_rate", "gradient_norm", NULL};
    static const char title[] = "a title that takes two thirds of the width of a usual picture";
    gt_ctx *gt = *state;
    gt_history *h = gt_history_new(gt);
    for (int k = 0; k < GTI_CURVES; k++) gt_history_set(h, 1, names[k], k);
    for (int n = 1; n <= GTI_CURVES; n++)
        for (size_t length = 1; length < sizeof title; length += 10) {
            char text[sizeof title];
            snprintf(text, sizeof text, "%.*s", (int)length, title);
            const char *columns[GTI_CURVES + 1] = {NULL};
            memcpy(columns, names, (size_t)n * sizeof *names);
            const gt_curve_opts opts = {.columns = columns, .title = text};
            check_names(svg_of(h, opts), n, length, 720);
        }
    svg_of(h, (gt_curve_opts){.columns = names, .width = 160, .height = 160});
    assert_well(gt);
}

/* What is drawn into a file that is no terminal. */
static const char *plot_of(const gt_history *h, gt_curve_opts opts)
{
    static char text[FILE_MOST];
    FILE *f = fopen(scratch("plot"), "w+");
    assert_int_equal(gt_history_plot_(h, f, opts), GT_OK);
    rewind(f);
    text[fread(text, 1, sizeof text - 1, f)] = '\0';
    fclose(f);
    return text;
}

static void test_plot(void **state)
{
    gt_history *h = ROWS(*state, 0, 1, 2, 3, 4, 3, 2, 1, 0);
    setenv("LC_ALL", "C", 1);
    assert_string_equal(plot_of(h, (gt_curve_opts){.width = 21, .height = 5}),
                        "   v\n"
                        "4 +        *\n"
                        "  |      ** **\n"
                        "2 +    **     **\n"
                        "  |  **         **\n"
                        "0 +**             **\n"
                        "  +--------+--------\n"
                        "           5\n");
    setenv("LC_ALL", "de_DE.UTF-8", 1);
    assert_string_equal(plot_of(h, (gt_curve_opts){.width = 16, .height = 4, .title = "up"}),
                        "   up   ⠒⠒ v\n"
                        "4 ┤    ⢀⠔⠢⡀\n"
                        "  │   ⡠⠊  ⠘⢄\n"
                        "2 ┤ ⢀⠜      ⠱⡀\n"
                        "0 ┤⡠⠃        ⠈⢆\n"
                        "  └──────┬─────\n"
                        "         5\n");
    h = two_curves(*state);
    const char *plot = plot_of(h, (gt_curve_opts){.width = 40, .height = 8});
    assert_non_null(strstr(plot, "\xe2\x97\x8f loss   \xe2\x97\x8b val_loss\n"));
    assert_null(strchr(plot, '\x1b'));
}

static void test_errors(void **state)
{
    gt_ctx *gt = *state;
    gt_history *h = two_curves(gt);
    assert_int_equal(gt_history_plot(h, stdout, .columns = GT_NAMES("lost")), GT_ERR_ARGUMENT);
    assert_error(gt, GT_ERR_ARGUMENT, "no column 'lost'");
    assert_int_equal(gt_history_plot(h, NULL), GT_ERR_ARGUMENT);
    assert_error(gt, GT_ERR_ARGUMENT, "test_curves.c:");
    assert_int_equal(gt_history_plot(gt_history_new(gt), stdout), GT_ERR_ARGUMENT);
    assert_error(gt, GT_ERR_ARGUMENT, "no column to draw");
    assert_int_equal(gt_history_write_svg(h, scratch("x"), .width = 10), GT_ERR_ARGUMENT);
    assert_error(gt, GT_ERR_ARGUMENT, "10 by 400");
    assert_int_equal(gt_history_write_svg(NULL, scratch("x")), GT_ERR_ARGUMENT);
    gt_error_clear(NULL);
}

/* --- progress --- */

static void show(FILE *f)
{
    gt_progress p = gt_progress_begin(f, "epoch 1/2", 4);
    for (int i = 1; i <= 4; i++) gt_progress_update(&p, i, 0, "loss %d", i);
    gt_progress_end(&p, "loss %.1f", 0.5);
    gt_progress_end(&p, "twice");
}

static void test_progress_in_file(void **state)
{
    (void)state;
    FILE *f = fopen(scratch("progress"), "w+");
    show(f);
    show(NULL);
    rewind(f);
    char text[256];
    text[fread(text, 1, sizeof text - 1, f)] = '\0';
    fclose(f);
    assert_string_equal(text, "epoch 1/2  0:00  loss 0.5\n");
}

/* Everything goes onto one line that is not wider than the terminal; four updates at once draw one
 * bar. */
static void test_progress_on_terminal(void **state)
{
    (void)state;
    terminal t;
    if (!open_terminal(&t)) skip();
    setenv("LC_ALL", "C", 1);
    setenv("TERM", "xterm", 1);
    for (int columns = 20; columns <= 100; columns += 20) {
        set_columns(&t, columns);
        show(t.f);
        const char *text = read_line(&t);
        assert_int_equal(text[0], '\r');
        const char *end = strstr(text, "\x1b[K");
        assert_true(end && end - text - 1 < columns);
        assert_int_equal(memcmp(end + 3, "\repoch 1/2  0:00  loss 0.5\x1b[K", 29), 0);
        if (columns == 100) assert_non_null(strstr(text, "[======"));
    }
    setenv("TERM", "dumb", 1);
    show(t.f);
    assert_string_equal(read_line(&t), "epoch 1/2  0:00  loss 0.5\r\n");
    close_terminal(&t);
}

/* Where a line must be cut, no number is. */
static void test_progress_cut(void **state)
{
    (void)state;
    static const char *const ends[] = {"1/2", "%", "/s", "left", "val_loss 0.1234", "0.9876"};
    terminal t;
    if (!open_terminal(&t)) skip();
    setenv("LC_ALL", "C", 1);
    setenv("TERM", "xterm", 1);
    for (int columns = 20; columns <= 100; columns++) {
        set_columns(&t, columns);
        gt_progress p = gt_progress_begin(t.f, "epoch 1/2", 4);
        gt_progress_update(&p, 1, 0, "val_loss 0.1234  val_accuracy 0.9876");
        gt_progress_end(&p, "over");
        const char *text = read_line(&t), *stop = strstr(text, "\x1b[K");
        assert_true(stop && stop - text - 1 < columns);
        size_t whole = 0;
        for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
            const size_t n = strlen(ends[i]);
            whole += (size_t)(stop - text) > n && !memcmp(stop - n, ends[i], n);
        }
        if (whole != 1) fail_msg("%d columns: %.*s", columns, (int)(stop - text - 1), text + 1);
    }
    close_terminal(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_ticks, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_places, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_svg, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_names, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_plot, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_errors, open_context, close_context),
        cmocka_unit_test(test_progress_in_file),
        cmocka_unit_test(test_progress_on_terminal),
        cmocka_unit_test(test_progress_cut),
    };
    return cmocka_run_group_tests(tests, NULL, remove_scratch);
}
