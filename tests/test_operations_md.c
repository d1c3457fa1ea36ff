/* What is said of the operations: docs/operations.md is what the tool prints, every rule has its
 * formula, and the options of the headers are those of the tables of attributes. */
#define _POSIX_C_SOURCE 200809L
#include "support.h"

#include <ctype.h>

#include "program.h"

#define PROGRAM GT_BINARY_DIR "/gradtape"
#define OPERATIONS_MD GT_SOURCE_DIR "/docs/operations.md"
#define OPS_H GT_SOURCE_DIR "/include/gradtape/ops.h"

/* A stream to its end. */
static char *read_all(FILE *f)
{
    enum { MOST = 1 << 20 };
    char *text = malloc(MOST);
    assert_non_null(f);
    assert_non_null(text);
    const size_t size = fread(text, 1, MOST - 1, f);
    assert_in_range(size, 1, MOST - 2);
    text[size] = '\0';
    return text;
}

static void the_table_is_fresh(void **state)
{
    (void)state;
    need_program(PROGRAM);
    FILE *pipe = popen("'" PROGRAM "' ops --markdown", "r"), *file = fopen(OPERATIONS_MD, "r");
    char *fresh = read_all(pipe), *written = read_all(file);
    pclose(pipe);
    fclose(file);
    int line = 1, at = 0;
    for (; fresh[at] && fresh[at] == written[at]; at++) line += fresh[at] == '\n';
    if (fresh[at] || written[at])
        fail_msg("docs/operations.md is stale from line %d on; make it anew:\n"
                 "    build/release/gradtape ops --markdown > docs/operations.md",
                 line);
    free(fresh);
    free(written);
}

static void every_rule_has_a_formula(void **state)
{
    (void)state;
    size_t n;
    const gt_op_info *info = gt_ops(&n);
    for (size_t i = 0; i < n; i++) {
        const gt_op *op = info[i].op;
        if (!op) continue;
        if (op->backward && (!op->gradient || !op->gradient[0]))
            fail_msg("%s has a backward rule, but .gradient does not say what it does", op->name);
        if (!op->backward && op->gradient) fail_msg("%s has a formula but no rule", op->name);
    }
}

/* --- options --- */

static void blank_comments(char *text)
{
    for (char *begin; (begin = strstr(text, "/*"));) {
        const char *end = strstr(begin, "*/");
        assert_non_null(end);
        memset(begin, ' ', (size_t)(end + 2 - begin));
    }
}

/* "gt_sum_opts" of "gt_sum(gt_tensor *x, gt_sum_opts opts)"; false without options. */
static bool options_type(const gt_op_info *info, char *type, size_t size)
{
    const char *end = strstr(info->signature, "_opts opts)"), *begin = end;
    if (!end || info->inner) return false;
    while (begin[-1] != ' ' && begin[-1] != '(') begin--;
    snprintf(type, size, "%.*s", (int)(end + 5 - begin), begin);
    return true;
}

/* The members of the struct of this name, as they stand in the header, each ended by ',' or ';'. */
static const char *members_of(const char *header, const char *type, const char **end)
{
    static const char opening[] = "typedef struct {";
    char closing[128];
    snprintf(closing, sizeof closing, "} %s;", type);
    *end = strstr(header, closing);
    if (!*end) fail_msg("no %s in ops.h", type);
    const char *begin = header;
    for (const char *next; (next = strstr(begin, opening)) && next < *end;)
        begin = next + sizeof opening - 1;
    return begin;
}

/* How many rows of the table are options, not arguments. */
static int count_options(const gt_attrs *attrs)
{
    int n = 0;
    for (int i = 0; attrs && i < attrs->n; i++)
        n += attrs->row[i].name[0] && !attrs->row[i].argument;
    return n;
}

/* The row of an option has its name, and says what it is. */
static void check_option(const gt_op_info *info, const char *name)
{
    const gt_attrs *attrs = gt_op_info_attrs(info);
    const gt_attr *a = attrs ? gt_attr_find(attrs, name) : NULL;
    if (!a || a->argument) fail_msg("%s: no row of attributes is the option .%s", info->name, name);
    if (!a->meaning || !a->meaning[0]) fail_msg("%s: .%s has no meaning", info->name, name);
}

static void check_options(const gt_op_info *info, const char *header)
{
    char type[96], name[96];
    const char *end;
    int options = 0;
    if (info->inner) return;
    const bool any = options_type(info, type, sizeof type);
    const char *member = any ? members_of(header, type, &end) : "";
    for (const char *stop; (stop = strpbrk(member, ",;")) && stop < end; member = stop + 1) {
        const char *last = memchr(member, '[', (size_t)(stop - member));
        if (!last) last = stop;
        const char *word = last;
        while (isalnum((unsigned char)word[-1]) || word[-1] == '_') word--;
        snprintf(name, sizeof name, "%.*s", (int)(last - word), word);
        if (!strcmp(name, "gt_")) continue;
        check_option(info, name);
        options++;
    }
    if (options != count_options(gt_op_info_attrs(info)))
        fail_msg("%s: attributes are options that there are not in %s", info->name,
                 any ? type : "the call");
}

static void options_are_those_of_the_tables(void **state)
{
    (void)state;
    size_t n;
    const gt_op_info *info = gt_ops(&n);
    FILE *file = fopen(OPS_H, "r");
    char *header = read_all(file);
    fclose(file);
    blank_comments(header);
    for (size_t i = 0; i < n; i++) check_options(&info[i], header);
    free(header);
}

static void every_operation_stands_under_a_heading(void **state)
{
    (void)state;
    size_t n;
    const gt_op_info *info = gt_ops(&n);
    for (size_t i = 0; i < n; i++) assert_non_null(gt_op_section_of(&info[i]));
    assert_string_equal(gt_op_section_of(&info[0])->title, "Arithmetic");
    assert_string_equal(gt_op_section_of(gt_op_find("square_grad"))->title, "Arithmetic");
    assert_string_equal(gt_op_section_of(gt_op_find("abs"))->title, "Functions of one element");
    assert_string_equal(gt_op_section_of(gt_op_find("clamp_grad"))->title,
                        "Functions of one element");
    assert_string_equal(gt_op_section_of(gt_op_find("tanh"))->title, "Activations");
    assert_string_equal(gt_op_section_of(gt_op_find("dropout2d"))->title, "Dropout");
    assert_string_equal(gt_op_section_of(&info[n - 1])->title, "Optimizers' steps");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table_is_fresh),
        cmocka_unit_test(every_rule_has_a_formula),
        cmocka_unit_test(options_are_those_of_the_tables),
        cmocka_unit_test(every_operation_stands_under_a_heading),
    };
    return cmocka_run_group_tests_name("operations.md", tests, NULL, NULL);
}
