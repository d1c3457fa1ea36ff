/* The pages of graphs and of ONNX are current: their commands give what stands under them. */
#define _POSIX_C_SOURCE 200809L
#include "support.h"

#include "files.h"
#include "graph_support.h"
#include "onnx/op.h"
#include <unistd.h>

#define PROGRAM GT_BINARY_DIR "/gradtape"

/* Whether the two say the same; otherwise tells what a command gives today. */
static void assert_current(const char *page, const char *command, const char *now, const char *then,
                           size_t n)
{
    if (strlen(now) == n && !memcmp(now, then, n)) return;
    fail_msg("docs/%s is not current: %s gives\n%s\n  tools/pictures makes the pictures anew", page,
             command, now);
}

static char *file_text(const char *path)
{
    FILE *f = fopen(path, "rb");
    if (!f) fail_msg("there is no %s", path);
    return read_all(f);
}

/* Leaves what stands between the tags. */
static void drop_tags(char *xml)
{
    char *to = xml;
    for (bool tag = false; *xml; xml++) {
        if (*xml == '<') tag = true;
        if (!tag) *to++ = *xml;
        if (*xml == '>') tag = false;
    }
    *to = 0;
}

/* Pictures: the text for dot is ours; of what dot makes of it the words are compared, where it is
 * the dot that made the page's. Where they stand also depends on the fonts that are installed. */
static void check_picture(const char *name)
{
    char now[512], then[512];
    snprintf(now, sizeof now, "%s", scratch(name));
    snprintf(then, sizeof then, GT_SOURCE_DIR "/%s", name);
    char *a = file_text(now), *b = file_text(then);
    const size_t head = 250; /* with the version of dot */
    const bool dot = strstr(name, ".dot"), same = !strncmp(a, b, head);
    if (!dot) drop_tags(a), drop_tags(b);
    if (dot || same) assert_current("graphs.md", name, a, b, strlen(b));
    free(a);
    free(b);
}

static void check_pictures(char *arguments)
{
    char command[1024], *out = strstr(arguments, "docs/graphs/");
    if (!out) return;
    char *end = out + strcspn(out, " ");
    assert_memory_equal(end - 4, ".svg", 4);
    memcpy(end - 4, ".dot", 4);
    snprintf(command, sizeof command, "cd '%s' && '" PROGRAM "' %s", scratch(""), arguments);
    run_program(command, 0);
    check_picture(out);
    memcpy(end - 4, ".svg", 4);
    if (!access(scratch(out), R_OK)) check_picture(out);
}

/* Runs "$ gradtape ..." up to the end of its line; what it prints is what follows, up to the next
 * command or the end of the block. */
static const char *check_command(const char *page, const char *line)
{
    char arguments[512], command[1024];
    const char *then = strchr(line, '\n') + 1, *end = then;
    snprintf(arguments, sizeof arguments, "%.*s", (int)(then - line) - 12, line + 11);
    while (strncmp(end, "```", 3) != 0 && strncmp(end, "$ ", 2) != 0) end = strchr(end, '\n') + 1;
    const bool drawn = strstr(arguments, ".svg");
    if (drawn && system("dot -V >/dev/null 2>&1")) return check_pictures(arguments), end;
    snprintf(command, sizeof command, "cd '%s' && '" PROGRAM "' %s", scratch(""), arguments);
    const char *now = run_program(command, !strncmp(arguments, "diff ", 5));
    assert_current(page, arguments, now, then, (size_t)(end - then));
    check_pictures(arguments);
    return end;
}

static void check_page(const char *page)
{
    char path[256];
    int commands = 0;
    snprintf(path, sizeof path, GT_SOURCE_DIR "/docs/%s", page);
    char *text = file_text(path);
    for (const char *at = text; (at = strstr(at, "\n$ gradtape ")); commands++)
        at = check_command(page, at + 1) - 1;
    free(text);
    assert_in_range(commands, 2, 100);
}

static void pages_are_current(void **state)
{
    (void)state;
    need_program(PROGRAM);
    write_file(scratch("docs/graphs/x"), "", 0);
    check_page("graphs.md");
    char *page = file_text(GT_SOURCE_DIR "/docs/graphs.md"), *now = file_text(scratch("mlp.mmd"));
    const char *then = strstr(page, "```mermaid\n") + strlen("```mermaid\n");
    assert_current("graphs.md", "mlp.mmd", now, then, (size_t)(strstr(then, "```") - then));
    free(page);
    free(now);
    check_page("onnx.md");
}

/* --- that docs/onnx.md names every operator --- */

static void operators_are_named(void **state)
{
    (void)state;
    static const gti_onnx_op *const lists[] = {
        gti_elementwise_ops, gti_shapes_ops,   gti_windows_ops,   gti_reductions_ops,
        gti_norms_ops,       gti_resizing_ops, gti_recurrent_ops, gti_indices_ops};
    char *text = file_text(GT_SOURCE_DIR "/docs/onnx.md"), name[64];
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        for (const gti_onnx_op *op = lists[i]; op->name; op++) {
            snprintf(name, sizeof name, "`%s`", op->name);
            if (!strstr(text, name)) fail_msg("docs/onnx.md does not name %s", op->name);
        }
    size_t n;
    const gt_op_info *all = gt_ops(&n);
    for (size_t i = 0; i < n; i++) {
        const char *why = all[i].op && !all[i].inner ? gt_onnx_export_reason(all[i].op) : NULL;
        if (why && !strstr(text, why)) fail_msg("docs/onnx.md does not say that it %s", why);
    }
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(pages_are_current),
                                       cmocka_unit_test(operators_are_named)};
    return cmocka_run_group_tests_name("pages of graphs", tests, NULL, remove_scratch);
}
