/* Graphs as JSON and in Mermaid's language. */
#define _POSIX_C_SOURCE 200809L
#include "networks.h"

#include <ctype.h>
#include <math.h>

#include "graph_support.h"

#define PATH GT_BINARY_DIR "/tests/graph_text"

static char *saved(gt_module *m, gt_shape input, const char *path, gt_graph_opts opts)
{
    assert_int_equal(gt_module_render_(m, path, input, opts), GT_OK);
    char *text = read_all(fopen(path, "r"));
    assert_int_equal(remove(path), 0);
    return text;
}

/* --- a reader of JSON that only says whether it is any --- */

static const char *skip_value(const char *s);

static const char *blank(const char *s)
{
    return s + strspn(s, " \n");
}

static const char *skip_string(const char *s)
{
    if (*s++ != '"') return NULL;
    for (; *s && *s != '"'; s++) {
        if ((unsigned char)*s < 0x20) return NULL;
        if (*s == '\\' && !strchr("\"\\/bfnrtu", *++s)) return NULL;
    }
    return *s ? s + 1 : NULL;
}

static const char *skip_members(const char *s, char end)
{
    s = blank(s + 1);
    if (*s == end) return s + 1;
    for (;; s++) {
        s = blank(s);
        if (end == '}' && (!(s = skip_string(s)) || *s++ != ':')) return NULL;
        s = skip_value(s);
        if (!s) return NULL;
        s = blank(s);
        if (*s == end) return s + 1;
        if (*s != ',') return NULL;
    }
}

static const char *skip_value(const char *s)
{
    char *end;
    if (*s == '{' || *s == '[') return skip_members(s, *s == '{' ? '}' : ']');
    if (*s == '"') return skip_string(s);
    if (!strncmp(s, "true", 4)) return s + 4;
    if (!strncmp(s, "false", 5)) return s + 5;
    if (!isdigit((unsigned char)*s) && *s != '-') return NULL;
    strtod(s, &end);
    return end > s ? end : NULL;
}

static void assert_json(const char *text)
{
    const char *end = skip_value(text);
    assert_non_null(end);
    assert_int_equal(*blank(end), 0);
}

/* --- JSON --- */

static void json_has_all(void **state)
{
    gt_module *net = lenet(*state);
    char *text =
        saved(net, GT_SHAPE(4, 1, 28, 28), PATH ".json", (gt_graph_opts){.backward = true});
    assert_json(text);
    assert_has(text, "{\"gradtape_graph\":1,\n\"batch\":4,\"result\":");
    assert_has(text, "\"type\":\"Conv2d\",\"arguments\":\"1, 6, kernel_size=(5, 5), stride=(1, 1), "
                     "padding=(2, 2)\",\"parent\":0,\"parameters\":156,\"trainable\":156}");
    assert_has(text, "\"shape\":[4,6,28,28],\"growth\":[1,0,0,0],\"bytes\":75264,\"node\":0,");
    assert_has(text, "{\"op\":\"conv2d\",\"part\":\"forward\",\"scope\":1,\"inputs\":[");
    assert_has(text, "\"padding\":[2,2]");
    assert_has(text, "\"part\":\"backward\",\"pass\":1,\"of\":");
    free(text);
}

/* No option is disregarded. */
static void options_are_used_or_refused(void **state)
{
    static const struct {
        const char *ending;
        gt_graph_opts opts;
        const char *message;
    } rows[] = {
        {".json", {.depth = 1}, ".depth is of no use for .json, but for .svg .png .pdf .dot .mmd"},
        {".json", {.heat = GT_HEAT_BYTES}, ".heat is of no use for .json"},
        {".mmd", {.heat = GT_HEAT_BYTES}, ".heat is of no use for .mmd, but for .svg .png"},
        {".mmd", {.no_legend = true}, ".no_legend is of no use for .mmd"},
        {".html", {.sideways = true}, ".sideways is of no use for .html"},
        {".html", {.unfolded = true}, ".unfolded is of no use for .html"},
        {".dot", {.seconds = 1}, ".seconds is of no use for .dot, but for .svg .png .pdf"},
        {".svg", {.dpi = 10}, ".dpi is of no use for .svg, but for .png"},
        {".pdf", {.most_pixels = 10}, ".most_pixels is of no use for .pdf, but for .png"},
        {".png", {.dpi = 1201}, "dpi is 1201, must be from 1 to 1200"},
        {".dot", {.depth = 1}, "depth is 1, but no module made any of the graph"},
        {".html", {.depth = 2}, "depth is 2, but no module made any of the graph"},
    };
    gt_ctx *gt = *state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char path[256];
        gt_tensor *w, *loss = small_loss(gt, &w);
        snprintf(path, sizeof path, "%s%s", PATH, rows[i].ending);
        assert_int_equal(gt_graph_render_(loss, path, rows[i].opts), GT_ERR_ARGUMENT);
        assert_error(gt, GT_ERR_ARGUMENT, rows[i].message);
        gt_error_clear(gt);
    }
}

/* Names, and numbers that JSON has not. */
static void json_is_json_whatever_the_names(void **state)
{
    gt_ctx *gt = *state;
    const gt_scope scope = {.name = "\"quoted\"\\ \n\x01 größe \xff"};
    gt_tensor *x = gt_ones(gt, GT_SHAPE(2, 2), .requires_grad = true);
    gt_set_scope(gt, &scope);
    gt_set_name(x, "a\\b\"c");
    gt_clamp(x, -1, INFINITY);
    gt_set_scope(gt, NULL);
    assert_well(gt);
    assert_int_equal(gt_tape_render(gt, PATH ".json"), GT_OK);
    char *text = read_all(fopen(PATH ".json", "r"));
    assert_int_equal(remove(PATH ".json"), 0);
    assert_json(text);
    assert_has(text, "\"name\":\"\\u0022quoted\\u0022\\u005c \\u000a\\u0001 größe \xef\xbf\xbd\"");
    assert_has(text, "\"inf\"");
    free(text);
}

/* --- Mermaid --- */

static void mermaid_has_the_picture(void **state)
{
    gt_ctx *gt = *state;
    char *text = saved(residual(gt), GT_SHAPE(2, 3, 8, 8), PATH ".mmd",
                       (gt_graph_opts){.backward = true, .sideways = true});
    assert_int_equal(strncmp(text, "flowchart LR\n", 13), 0);
    assert_has(text, "[\"0 Residual\"]\n");
    assert_has(text,
               "(\"Conv2d(3, 3, 3, padding=1)<br/>BatchNorm2d(3)<br/>ReLU<br/><small>90 params");
    assert_has(text, "\xe2\x88\x87 Conv2d");
    assert_has(text, " -.-> n");
    assert_has(text, "-->|n\xc3\x97"
                     "6\xc3\x97"
                     "4\xc3\x97"
                     "4|");
    assert_int_equal(count(text, "subgraph "), count(text, "  end\n"));
    free(text);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, open_context, close_context)
    const struct CMUnitTest tests[] = {
        TEST(json_has_all),
        TEST(options_are_used_or_refused),
        TEST(json_is_json_whatever_the_names),
        TEST(mermaid_has_the_picture),
    };
    return cmocka_run_group_tests_name("graphs as text", tests, NULL, NULL);
}
