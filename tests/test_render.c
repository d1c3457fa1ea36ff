/* Pictures drawn by dot: names that could break them, and all that can go wrong. */
#define _POSIX_C_SOURCE 200809L
#include <dirent.h>
#include <gradtape.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "graph/escape.h"
#include "graph_support.h"

/* --- a folder for the pictures --- */

static char folder[] = "/tmp/gradtape-graph-XXXXXX";
static char *old_path;

static const char *in_folder(const char *name)
{
    static char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static int files_in_folder(void)
{
    int n = 0;
    DIR *d = opendir(folder);
    assert_non_null(d);
    while (readdir(d)) n++;
    closedir(d);
    return n - 2;
}

static int open_files(void)
{
    int n = 0;
    DIR *d = opendir("/proc/self/fd");
    if (!d) return 0;
    while (readdir(d)) n++;
    closedir(d);
    return n;
}

static int set_up(void **state)
{
    (void)state;
    const char *path = getenv("PATH");
    old_path = strdup(path ? path : "");
    return mkdtemp(folder) && old_path ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    free(old_path);
    return rmdir(folder);
}

/* --- an operation of two outputs --- */

static bool two_infer(gt_node *n)
{
    for (int i = 0; i < n->n_out; i++) n->out[i]->shape = GT_SHAPE(1 + i);
    return true;
}

static void two_forward(gt_node *n)
{
    for (int i = 0; i < n->n_out; i++) memset(n->out[i]->data, 0, sizeof(float) * (size_t)(1 + i));
}

static bool two_backward(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    (void)gout;
    gin[0] = gt_zeros_like(n->in[0]);
    return true;
}

static void outputs_have_their_cells(void **state)
{
    (void)state;
    static const gt_op two = {.name = "two",
                              .inputs = "x",
                              .n_in = 1,
                              .n_out = 2,
                              .infer = two_infer,
                              .forward = {two_forward},
                              .backward = two_backward};
    gt_ctx *gt = gt_open();
    gt_tensor *x = gt_ones(gt, GT_SHAPE(2), .requires_grad = true), *out[2];
    assert_int_equal(gt_apply_n(&two, NULL, 1, &x, out), GT_OK);
    gt_tensor *y = gt_reshape(gt_neg(out[1]), GT_SHAPE(2, 1));
    char *text = dot_of(gt, y);
    assert_has(text,
               "<td port=\"o1\"><font point-size=\"10\" color=\"#475569\">[2] f32</font></td>");
    assert_has(text, "  n0:o1 -> n1\n");
    assert_has(text, "<b>reshape</b> <i>view</i>");
    free(text);
    gt_close(gt);
}

/* --- names --- */

#define BAD "\xef\xbf\xbd" /* U+FFFD */

static const struct {
    const char *name, *escaped;
} names[] = {
    {"plain", "plain"},
    {"\"quoted\" 'too'", "&#34;quoted&#34; &#39;too&#39;"},
    {"a\\b\\N\\", "a&#92;b&#92;N&#92;"},
    {"<b>&amp;</b>", "&#60;b&#62;&#38;amp;&#60;/b&#62;"},
    {">]; x [shape=star", "&#62;]; x [shape=star"},
    {"two\nlines\tand\x01\x7f", "two&#92;nlines&#92;tand&#92;x01&#92;x7f"},
    {"größe ∇θ 重み 🎞", "größe ∇θ 重み 🎞"},
    {"cut \xe9\x87", "cut " BAD BAD},
    {"stray \x80\xff", "stray " BAD BAD},
    {"overlong \xc0\xaf", "overlong " BAD BAD},
    {"overlong \xe0\x80\xaf", "overlong " BAD BAD BAD},
    {"surrogate \xed\xa0\x80", "surrogate " BAD BAD BAD},
    {"no character \xef\xbf\xbf", "no character " BAD BAD BAD},
    {"beyond \xf4\x90\x80\x80", "beyond " BAD BAD BAD BAD},
};
enum { N_NAMES = sizeof names / sizeof *names };

static void names_are_escaped(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_NAMES; i++) {
        FILE *f = tmpfile();
        assert_non_null(f);
        gti_escape_write(f, names[i].name, GTI_IN_MARKUP);
        char *text = read_all(f);
        assert_string_equal(text, names[i].escaped);
        free(text);
    }
}

static void dot_takes_hostile_names(void **state)
{
    (void)state;
    if (!have_dot()) skip();
    for (size_t i = 0; i < N_NAMES; i++) {
        const gt_scope scope = {.name = names[i].name};
        const gt_op op = {.name = names[i].name,
                          .inputs = "x",
                          .n_in = 1,
                          .n_out = 2,
                          .infer = two_infer,
                          .forward = {two_forward},
                          .backward = two_backward};
        gt_ctx *gt = gt_open();
        gt_set_scope(gt, &scope);
        gt_tensor *x = gt_ones(gt, GT_SHAPE(1), .requires_grad = true), *out[2];
        gt_set_name(x, names[i].name);
        assert_int_equal(gt_apply_n(&op, NULL, 1, &x, out), GT_OK);
        out[0]->where = names[i].name;
        const char *path = in_folder("names.svg");
        gt_status status = gt_graph_render(out[0], path);
        if (status) print_error("%s: %s\n", names[i].name, gt_error_message(gt));
        assert_int_equal(status, GT_OK);
        char *svg = read_all(fopen(path, "r"));
        if (strstr(names[i].name, "\\N")) /* of the scope, the operation, x and the place */
            assert_int_equal(count(svg, names[i].name), 4);
        free(svg);
        assert_int_equal(unlink(path), 0);
        gt_close(gt);
    }
}

/* --- drawing --- */

static void draws_pictures(void **state)
{
    (void)state;
    static const struct {
        const char *name, *begins;
    } pictures[] = {{"a.svg", "<?xml"}, {"a.png", "\x89PNG"}, {"a.PDF", "%PDF"}};
    if (!have_dot()) skip();
    gt_tensor *w;
    gt_ctx *gt = gt_open();
    gt_tensor *loss = small_loss(gt, &w);
    int files = open_files();
    for (size_t i = 0; i < sizeof pictures / sizeof *pictures; i++)
        for (int whole = 0; whole < 2; whole++) {
            const char *path = in_folder(pictures[i].name);
            gt_status status = whole ? gt_tape_render(gt, path) : gt_graph_render(loss, path);
            assert_int_equal(status, GT_OK);
            FILE *f = fopen(path, "rb");
            assert_non_null(f);
            char *text = read_all(f);
            assert_memory_equal(text, pictures[i].begins, strlen(pictures[i].begins));
            free(text);
            assert_int_equal(files_in_folder(), 1);
            unlink(path);
        }
    assert_int_equal(open_files(), files);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    gt_close(gt);
}

static const struct {
    const char *label;
    const char *dot;  /* a script in its place; NULL: there is none */
    const char *path; /* in the test's folder, unless it begins with a slash */
    gt_status code;
    const char *message;
} failures[] = {
    {"no dot", NULL, "a.svg", GT_ERR_IO,
     "the program 'dot' was not found\n  hint: install graphviz (apt install graphviz), or save the text as .dot"},
    {"dot fails", "cat >/dev/null; echo 'syntax error near x' >&2; exit 3", "a.svg", GT_ERR_IO,
     "dot failed with status 3: syntax error near x"},
    {"dot fails without reading or a word", "exit 1", "a.svg", GT_ERR_IO,
     "dot failed with status 1"},
    {"dot dies", "kill -9 $$", "a.svg", GT_ERR_IO, "dot was killed by signal 9"},
    {"dot does nothing", "exit 0", "a.svg", GT_ERR_IO, "dot wrote no picture"},
    {"dot complains at length", "yes complaint | head -c 1000000 >&2; exit 1", "a.svg", GT_ERR_IO,
     "dot failed with status 1: complaint\ncomplaint"},
    {"unknown ending", "exit 0", "a.jpeg", GT_ERR_ARGUMENT,
     "a.jpeg' does not end in .svg, .png, .pdf, .dot, .mmd, .html, .json or /"},
    {"no ending", "exit 0", "svg", GT_ERR_ARGUMENT,
     "svg' does not end in .svg, .png, .pdf, .dot, .mmd, .html, .json or /"},
    {"no name", "exit 0", ".", GT_ERR_ARGUMENT,
     "/.' does not end in .svg, .png, .pdf, .dot, .mmd, .html, .json or /"},
    {"no such folder", "exit 0", "no/a.svg", GT_ERR_IO,
     "no/a.svg' cannot be written: No such file"},
    {"a folder in its place", "echo x", "folder.svg", GT_ERR_IO, "folder.svg' cannot be written: "},
};

/* Puts a program `dot` into the folder and has PATH begin with it; PATH ends there with NULL. */
static void fake_dot(const char *script)
{
    char path[1024];
    if (script) {
        FILE *f = fopen(in_folder("dot"), "w");
        assert_non_null(f);
        fprintf(f, "#!/bin/sh\n%s\n", script);
        fclose(f);
        assert_int_equal(chmod(in_folder("dot"), 0755), 0);
    }
    snprintf(path, sizeof path, script ? "%s:/usr/bin:/bin" : "%s", folder);
    assert_int_equal(setenv("PATH", path, 1), 0);
}

static void says_why_there_is_no_picture(void **state)
{
    (void)state;
    gt_tensor *w;
    gt_ctx *gt = gt_open();
    gt_tensor *loss = small_loss(gt, &w);
    assert_int_equal(mkdir(in_folder("folder.svg"), 0755), 0);
    int files = open_files();
    for (size_t i = 0; i < sizeof failures / sizeof *failures; i++) {
        fake_dot(failures[i].dot);
        assert_int_equal(gt_graph_render(loss, in_folder(failures[i].path)), failures[i].code);
        assert_has(gt_error_message(gt), failures[i].message);
        assert_has(gt_error_message(gt), "test_render.c:");
        gt_error_clear(gt);
        if (failures[i].dot) assert_int_equal(unlink(in_folder("dot")), 0);
        if (files_in_folder() != 1) print_error("%s: left something behind\n", failures[i].label);
        assert_int_equal(files_in_folder(), 1);
    }
    setenv("PATH", old_path, 1);
    assert_int_equal(rmdir(in_folder("folder.svg")), 0);
    assert_int_equal(open_files(), files);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    gt_close(gt);
}

/* dot may not take for ever, nor draw what no screen shows. */
static void has_limits(void **state)
{
    (void)state;
    gt_tensor *w;
    gt_ctx *gt = gt_open();
    gt_tensor *loss = small_loss(gt, &w);
    fake_dot("exec sleep 60");
    assert_int_equal(gt_graph_render(loss, in_folder("a.svg"), .seconds = 0.05),
                     GT_ERR_UNSUPPORTED);
    assert_has(gt_error_message(gt), "dot was not done with '");
    assert_has(gt_error_message(gt), "after 0.05 seconds\n  hint: .depth = 1 shows less");
    gt_error_clear(gt);
    assert_int_equal(unlink(in_folder("dot")), 0);
    assert_int_equal(gt_graph_render(loss, in_folder("a.dot")), GT_OK); /* needs no dot */
    assert_int_equal(unlink(in_folder("a.dot")), 0);
    setenv("PATH", old_path, 1);
    assert_int_equal(gt_graph_render(loss, in_folder("a.svg"), .backward = true), GT_ERR_ARGUMENT);
    assert_has(gt_error_message(gt), ".backward says how a module is run");
    gt_error_clear(gt);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    if (have_dot()) {
        assert_int_equal(gt_graph_render(loss, in_folder("a.png"), .most_pixels = 9),
                         GT_ERR_UNSUPPORTED);
        assert_has(gt_error_message(gt), "pixels, more than 9");
        gt_error_clear(gt);
        assert_int_equal(symlink("b.svg", in_folder("a.svg")), 0);
        FILE *f = fopen(in_folder("b.svg"), "w");
        fclose(f);
        assert_int_equal(gt_graph_render(loss, in_folder("a.svg")), GT_OK);
        assert_int_equal(unlink(in_folder("b.svg")), 0); /* the link still leads there */
        assert_int_equal(readlink(in_folder("a.svg"), (char[9]){0}, 8), 5);
        assert_int_equal(unlink(in_folder("a.svg")), 0);
    }
    assert_int_equal(files_in_folder(), 0);
    gt_close(gt);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(outputs_have_their_cells),     cmocka_unit_test(names_are_escaped),
        cmocka_unit_test(dot_takes_hostile_names),      cmocka_unit_test(draws_pictures),
        cmocka_unit_test(says_why_there_is_no_picture), cmocka_unit_test(has_limits),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
