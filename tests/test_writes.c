/* What writes tensor data is an operation: reads the sources for lines outside of operations and
 * kernels that reach into a tensor's data other than to read it. */
#include "sources.h"

/* Who may, in at most so many lines. Constructors and readers bring in what comes from outside of a
 * step: their tensors are its inputs. */
static const struct exception {
    const char *file; /* how its path in the project begins */
    int most;
    const char *why;
} exceptions[] = {
    {"src/base/", 6, "knows no tensor; a chunk's data"},
    {"src/engine/values.c", 10, "constructors: of values, numbers and arrays of C"},
    {"src/engine/random.c", 3, "constructors of random numbers; seeding"},
    {"src/engine/multinomial.c", 5, "draws random numbers, as random.c does"},
    {"src/engine/host.c", 1, "values of the host's, which an operation then changes"},
    {"src/engine/access.c", 1, "gt_copy_into from another context, which is a reader"},
    {"src/engine/into.c", 1, "accumulate, where it is small and not recorded"},
    {"src/engine/threads.c", 1, "an operation's elements, by way of the cache"},
    {"src/engine/apply.c", 2, "what outputs hold before or instead of forward, for checks"},
    {"src/engine/autograd.c", 1, "gt_detach shares data"},
    {"src/engine/functional.c", 1, "gt_jacobian's rows, which no tape holds"},
    {"src/capture/fold.c", 3, "weights with a norm folded in, which no program sees"},
    {"src/gradcheck/plain_op.c", 13, "what a plain C function made, as outputs"},
    {"src/gradcheck/", 21, "inputs of samples, and the checker's own memory"},
    {"src/nn/init", 5, "initialisers: constructors of weights"},
    {"src/nn/change.c", 1, "gt_from, which reads it"},
    {"src/data/", 26, "readers of data"},
    {"src/io/safetensors_fetch.c", 2, "where a file's data begins"},
    {"src/io/", 8, "readers of files"},
    {"src/graph/model.c", 1, "a graph's own copy"},
    {"src/onnx/", 11, "reads files, and works out shapes from what a step does not change"},
    {"src/train/fit_run.c", 1, "numbers of the host, kept in a tensor to be saved"},
    {"src/train/fit_history.c", 2, "the same"},
    {"src/train/metrics.c", 1, "metrics count on the host"},
    {"optim/optimizer.c", 1, "a step's numbers, which the host works out: an input"},
    {"optim/accumulate.c", 3, "the same; sums of replayed micro-batches begin"},
    {"optim/ema.c", 1, "the same"},
};
enum { N_EXCEPTIONS = sizeof exceptions / sizeof *exceptions };
static int used[N_EXCEPTIONS];

static bool is_name(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

/* Whether "->data" at `at` is read: compared, or taken for const. */
static bool is_read(const char *line, const char *at)
{
    const char *behind = at + strlen("->data");
    behind += strspn(behind, ")");
    if (!strncmp(behind, " ==", 3) || !strncmp(behind, " !=", 3) || !strncmp(behind, " &&", 3))
        return true;
    const char *first = line + strspn(line, " ");
    if (!strncmp(first, "const ", 6)) return true;
    while (at > line && (is_name(at[-1]) || strchr("->.[]", at[-1]))) at--;
    if (at > line + 3 && (!strncmp(at - 3, "== ", 3) || !strncmp(at - 3, "!= ", 3))) return true;
    const char *cast = at;
    while (cast > line && *cast != '(') cast--;
    return at > line && at[-1] == ')' && !strncmp(cast, "(const ", 7);
}

static bool may_write(const char *line)
{
    if (strstr(line, "gt_store_element(") || strstr(line, "kernels_of(")) return true;
    for (const char *at = line; (at = strstr(at, "->data")); at++)
        if (!is_name(at[strlen("->data")]) && !is_read(line, at)) return true;
    return false;
}

static bool is_allowed(const char *path)
{
    for (int i = 0; i < N_EXCEPTIONS; i++)
        if (!strncmp(path, exceptions[i].file, strlen(exceptions[i].file)))
            return ++used[i] <= exceptions[i].most;
    return false;
}

/* The lines of a file that are too many. */
static int check_file(const char *path, bool (*is_bad)(const char *line))
{
    int bad = 0, number = 1;
    char *text = text_of(path), *rest = text;
    const char *in_project = path + strlen(GT_SOURCE_DIR) + 1;
    for (char *line; (line = rest) && *line; number++) {
        rest = strchr(line, '\n');
        if (rest) *rest++ = '\0';
        if (!is_bad(line) || is_allowed(in_project)) continue;
        print_error("%s:%d: %s\n", in_project, number, line);
        bad++;
    }
    free(text);
    return bad;
}

static int check_files(const char *pattern, bool (*is_bad)(const char *line))
{
    int bad = 0;
    glob_t found = files_like(pattern);
    for (size_t i = 0; i < found.gl_pathc; i++)
        if (!strstr(found.gl_pathv[i], "/src/kernels/"))
            bad += check_file(found.gl_pathv[i], is_bad);
    globfree(&found);
    return bad;
}

static void only_operations_write(void **state)
{
    (void)state;
    static const char *const patterns[] = {GT_SOURCE_DIR "/src/*/*.[ch]",
                                           GT_SOURCE_DIR "/optim/*.[ch]"};
    int bad = 0;
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++)
        bad += check_files(patterns[i], may_write);
    for (int i = 0; i < N_EXCEPTIONS; i++)
        if (used[i] < exceptions[i].most)
            print_error("%s: %d lines, not %d\n", exceptions[i].file, used[i], exceptions[i].most);
    for (int i = 0; i < N_EXCEPTIONS; i++) bad += used[i] < exceptions[i].most;
    if (bad)
        fail_msg("%d lines write tensor data, or may: let an operation do it (gt_apply_into)", bad);
}

static bool touches(const char *line)
{
    return strstr(line, "gt_touch(") != NULL;
}

/* The engine notes what operations change; who must do so has written past them. */
static void operations_touch_nothing(void **state)
{
    (void)state;
    assert_int_equal(check_files(GT_SOURCE_DIR "/ops/*.[ch]", touches), 0);
}

static void writing_is_told_from_reading(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        bool writes;
    } lines[] = {
        {"    ((float *)x->data)[i] = 1;", true},
        {"    memcpy(average->data, w->data, bytes);", true},
        {"    float *to = t->data;", true},
        {"    double *at = (double *)f->memory->data;", true},
        {"    mix(w->size, average->data, w->data, take);", true},
        {"    ++*(int64_t *)o->num_batches->data;", true},
        {"    gt_store_element(t, 0, 1);", true},
        {"    gti_kernels_of(0)->fill(n, 1, at);", true},
        {"    const float *from = t->data;", false},
        {"    sum += ((const float *)t->data)[i];", false},
        {"    if (a->data == b->data) return;", false},
        {"    m->data_length = 3;", false},
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        if (may_write(lines[i].line) != lines[i].writes) fail_msg("%s", lines[i].line);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_operations_write),
        cmocka_unit_test(operations_touch_nothing),
        cmocka_unit_test(writing_is_told_from_reading),
    };
    return cmocka_run_group_tests_name("writes", tests, NULL, NULL);
}
