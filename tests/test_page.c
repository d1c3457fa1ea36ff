/* The page of a graph: what is in the file, and what it does in a browser, which page/drive.js
 * drives. */
#define _POSIX_C_SOURCE 200809L
#include "support.h"

#include "graph_support.h"

#define PATH GT_BINARY_DIR "/tests/page"

/* --- a step whose names are hostile --- */

#define BAD "\xef\xbf\xbd" /* U+FFFD */

static const struct {
    const char *name;
    const char *shown; /* in JSON, where it is another */
} names[] = {
    {"</script><script>broken=1</script>", NULL},
    {"<img src=x onerror=broken=1>", NULL},
    {"--><!-- <script", NULL},
    {"]]> &lt;b>&amp;</b>", NULL},
    {"'quoted' \"twice\"", "'quoted' \\\"twice\\\""},
    {"back\\slash \\u003c", "back\\\\slash \\\\u003c"},
    {"line\xe2\x80\xa8paragraph\xe2\x80\xa9", NULL},
    {"bell\x07tab\x01\x7f", "bell\\u0007tab\\u0001\x7f"},
    {"cut \xe9\x87", "cut " BAD BAD},
    {"overlong \xc0\xaf", "overlong " BAD BAD},
    {"größe ∇θ 重み 🎞", NULL},
    {"${broken=1} `broken=1` @graph@ @state@", NULL},
};
enum { NAMES = sizeof names / sizeof *names };

static bool same_infer(gt_node *n)
{
    n->out[0]->shape = n->in[0]->shape;
    return true;
}

static void same_forward(gt_node *n)
{
    memcpy(n->out[0]->data, n->in[0]->data, sizeof(float) * (size_t)n->out[0]->size);
}

/* An operation, a tensor and a stretch of the program with a name. */
static void use_name(gt_ctx *gt, const char *name)
{
    static gt_scope scope[NAMES];
    static gt_op op[NAMES];
    static int n;
    const int at = n++ % NAMES;
    scope[at] = (gt_scope){.name = name};
    op[at] = (gt_op){.name = name,
                     .inputs = "x",
                     .n_in = 1,
                     .n_out = 1,
                     .infer = same_infer,
                     .forward = {same_forward}};
    gt_tensor *x = gt_ones(gt, GT_SHAPE(2)), *y;
    gt_set_name(x, name);
    gt_set_scope(gt, &scope[at]);
    assert_int_equal(gt_apply_n(&op[at], NULL, 1, &x, &y), GT_OK);
    gt_set_scope(gt, NULL);
    y->where = name;
}

static gt_module *network(gt_ctx *gt)
{
    gt_module *body = gt_nn_sequential(gt, gt_nn_conv2d(gt, 3, 3, .kernel = {3}, .padding = {1}),
                                       gt_nn_batch_norm2d(gt, 3), gt_nn_relu(gt));
    return gt_nn_sequential(gt, gt_nn_conv2d(gt, 1, 3, .kernel = {3}, .padding = {1}),
                            gt_nn_relu(gt), gt_nn_residual(gt, body), gt_nn_flatten(gt),
                            gt_nn_linear(gt, 192, 4));
}

/* A step of training with forward, backward and update. */
static gt_graph *step(gt_ctx *gt, bool hostile)
{
    gt_module *m = network(gt);
    gt_optimizer *adam = gt_adam(m, .lr = 0.1);
    gt_set_recording_all(gt, true);
    gt_tensor *x = gt_set_name(gt_ones(gt, GT_SHAPE(2, 1, 8, 8)), "x");
    for (size_t i = 0; i < NAMES; i++) use_name(gt, hostile ? names[i].name : "name");
    gt_backward(gt_mean(gt_square(gt_forward(m, x))), .create_graph = true);
    gt_optimizer_step(adam);
    gt_graph *g = gt_tape_graph(gt);
    assert_well(gt);
    return g;
}

static char *page_of(gt_ctx *gt, bool hostile)
{
    gt_graph *g = step(gt, hostile);
    assert_int_equal(gt_graph_save(g, PATH ".html", .heat = GT_HEAT_BYTES), GT_OK);
    assert_int_equal(gt_graph_save(g, PATH ".json"), GT_OK);
    gt_graph_free(g);
    return read_all(fopen(PATH ".html", "r"));
}

/* --- the file --- */

static void page_asks_for_nothing(void **state)
{
    static const char *const never[] = {"https:",  "@import",   " src=", " href=", "fetch(",
                                        "XMLHttp", "innerHTML", "eval(", "@page",  "@model"};
    char *page = page_of(*state, false), *json = read_all(fopen(PATH ".json", "r"));
    for (size_t i = 0; i < sizeof never / sizeof *never; i++)
        assert_int_equal(count(page, never[i]), 0);
    assert_int_equal(count(page, "http:"), count(page, "http://www.w3.org/2000/svg"));
    assert_int_equal(count(page, "url("), count(page, "url(#"));
    assert_has(page, "content=\"default-src 'none'; style-src 'unsafe-inline'; script-src "
                     "'nonce-gradtape'\"");
    assert_has(page, "data-detail=\"layers\" data-heat=\"bytes\" data-depth=\"0\"");
    assert_has(page, json);
    assert_string_equal(page + strlen(page) - 8, "</html>\n");
    free(json);
    free(page);
}

/* No name begins or ends anything: there is as much markup as with good names. */
static void names_are_data(void **state)
{
    static const char *const marks[] = {"<script", "</script", "<!--", "-->", "<img", "]]>"};
    char *good = page_of(*state, false), *page = page_of(*state, true);
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
        if (count(page, marks[i]) != count(good, marks[i])) fail_msg("%s", marks[i]);
    char *graph = strstr(page, "id=\"graph\">") + 11;
    *strstr(graph, "</script>") = 0;
    assert_null(strpbrk(graph, "<>&\x01\x07"));
    assert_has(graph, "\\u003c/script\\u003e\\u003cscript\\u003ebroken=1");
    assert_has(graph, "cut " BAD BAD "\"");
    free(good);
    free(page);
}

/* --- in a browser --- */

/* The page with drive.js behind its own script. */
static void write_driven(char *page)
{
    char *end = strstr(page, "</body>");
    char *script = read_all(fopen(GT_SOURCE_DIR "/tests/page/drive.js", "r"));
    FILE *f = fopen(PATH "_driven.html", "w");
    assert_non_null(f);
    fprintf(f, "%.*s<pre id=\"names\" hidden>[", (int)(end - page), page);
    for (size_t i = 0; i < NAMES; i++) {
        const char *s = names[i].shown ? names[i].shown : names[i].name;
        fputs(i ? ",\"" : "\"", f);
        for (; *s; s++)
            if (strchr("&<>", *s)) fprintf(f, "&#%d;", *s);
            else putc(*s, f);
        putc('"', f);
    }
    fprintf(f, "]</pre><script nonce=\"gradtape\">%s</script>%s", script, end);
    assert_int_equal(fclose(f), 0);
    free(script);
}

static void page_works(void **state)
{
    if (!*GT_CHROMIUM) {
        print_message("chromium was not found: not tested\n");
        skip();
    }
    static char dom[1 << 22];
    char *page = page_of(*state, true);
    write_driven(page);
    free(page);
    FILE *f = popen("'" GT_CHROMIUM "' --headless --no-sandbox --disable-gpu --no-first-run "
                    "--disable-dev-shm-usage --user-data-dir='" PATH "_profile' "
                    "--window-size=1400,900 --dump-dom 'file://" PATH "_driven.html' 2>/dev/null",
                    "r");
    assert_non_null(f);
    dom[fread(dom, 1, sizeof dom - 1, f)] = 0;
    assert_int_equal(pclose(f), 0);
    const char *told = strstr(dom, "<pre id=\"driven\">");
    if (!told) fail_msg("the script did not run:\n%.2000s", dom);
    if (strncmp(told + 17, "driven well", 11) != 0) fail_msg("%.2000s", told + 17);
    assert_int_equal(system("rm -rf '" PATH "_profile' '" PATH "_driven.html'"), 0);
}

static int remove_files(void **state)
{
    (void)state;
    remove(PATH ".html");
    remove(PATH ".json");
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(page_asks_for_nothing, open_context, close_context),
        cmocka_unit_test_setup_teardown(names_are_data, open_context, close_context),
        cmocka_unit_test_setup_teardown(page_works, open_context, close_context),
    };
    return cmocka_run_group_tests(tests, NULL, remove_files);
}
