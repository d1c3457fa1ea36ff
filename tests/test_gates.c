/* What must be there for each thing of a kind, so that nobody has to remember it. Operations have
 * their gates in test_mutants.c, test_ops.c, test_in_place.c and test_operations_md.c, readers of
 * files in test_hostile.c, kernels in test_kernels*.c. The kinds are read from the public headers.
 */
#define _POSIX_C_SOURCE 200809L
#include "sources.h"

static int seen, missing;

/* --- optimizers: ten steps of PyTorch's in both dtypes --- */

/* Whether the reference has the ten steps of three weights. */
static bool is_recorded(const char *name, const char *dtype)
{
    char head[160];
    char *text = text_of(GT_SOURCE_DIR "/tests/reference/optim.txt");
    snprintf(head, sizeof head, "\ncase %s %s\n", name, dtype);
    const char *at = strstr(text, head), *steps = at ? strstr(at, "\nw ") : NULL;
    const bool found = steps && !strncmp(steps, "\nw 30 ", 6);
    free(text);
    return found;
}

static void see_optimizer(const char *header, const prototype *p)
{
    (void)header;
    char name[128];
    if (strcmp(p->result, "gt_optimizer *") != 0 || strncmp(p->arguments, "gt_module *m,", 13) != 0)
        return;
    const size_t ends = strlen(p->name) - (p->name[strlen(p->name) - 1] == '_');
    snprintf(name, sizeof name, "%.*s", (int)ends - 3, p->name + strlen("gt_"));
    seen++;
    if (is_recorded(name, "f32") && is_recorded(name, "f64")) return;
    print_error("the optimizer %s has no ten steps of PyTorch's in tests/reference/optim.txt: give "
                "it a row in RULES of tools/reference_optim.py, run that, and a row in CALLS of "
                "tests/test_optim_rules.c\n",
                name);
    missing++;
}

static void optimizers_have_steps(void **state)
{
    (void)state;
    seen = missing = 0;
    for_each_prototype(see_optimizer);
    assert_in_range(seen, 9, 100);
    assert_int_equal(missing, 0);
}

/* --- schedules: a call in the test that compares with PyTorch's rates --- */

static char *schedule_calls;

static void see_schedule(const char *header, const prototype *p)
{
    (void)header;
    char name[128];
    if (strcmp(p->result, "gt_schedule *") != 0) return;
    const size_t ends = strlen(p->name) - (p->name[strlen(p->name) - 1] == '_');
    snprintf(name, sizeof name, "%.*s", (int)ends, p->name);
    seen++;
    if (has_word(schedule_calls, name, '(')) return;
    print_error("the schedule %s is not compared with PyTorch's rates: give it a row in SCHEDULES "
                "of tools/reference_optim.py, run that, and a row in CALLS of "
                "tests/test_schedule.c\n",
                name);
    missing++;
}

static void schedules_have_rates(void **state)
{
    (void)state;
    seen = missing = 0;
    char *text = text_of(GT_SOURCE_DIR "/tests/test_schedule.c");
    char *end = strstr(text, "enum { N_SCHEDULES"); /* behind the table */
    assert_non_null(end);
    *end = '\0';
    schedule_calls = text;
    for_each_prototype(see_schedule);
    free(text);
    assert_in_range(seen, 12, 100);
    assert_int_equal(missing, 0);
}

/* --- readers and writers of files: tried while calls on files fail --- */

static char *programs[2];

static void see_path(const char *header, const prototype *p)
{
    char row[160];
    if (!strncmp(p->name, "gt_module_", 10)) return; /* paths within modules */
    if (!strstr(p->arguments, "const char *path") && !strstr(p->arguments, "const char *folder"))
        return;
    const size_t ends = strlen(p->name) - (p->name[strlen(p->name) - 1] == '_');
    snprintf(row, sizeof row, "{\"%.*s", (int)ends, p->name);
    seen++;
    for (int i = 0; i < 2; i++)
        if (has_word(programs[i], row, '"') || has_word(programs[i], row, ',')) return;
    print_error(
        "%s: %s takes a path, and is not tried while calls on files fail: give it a program "
        "and a row in tests/test_faults_files.c or test_faults_data.c\n",
        header, p->name);
    missing++;
}

static void files_are_tried(void **state)
{
    (void)state;
    seen = missing = 0;
    programs[0] = text_of(GT_SOURCE_DIR "/tests/test_faults_data.c");
    programs[1] = text_of(GT_SOURCE_DIR "/tests/test_faults_files.c");
    for_each_prototype(see_path);
    free(programs[0]);
    free(programs[1]);
    assert_in_range(seen, 20, 100);
    assert_int_equal(missing, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(optimizers_have_steps),
        cmocka_unit_test(schedules_have_rates),
        cmocka_unit_test(files_are_tried),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
