/* Runs ONNX's published cases: for each folder below those given that has a model.onnx, the model
 * on each of its test_data_set_* (input_*.pb), compared with output_*.pb.
 *
 *   onnx_cases [-v] [--within 1e-4] [FOLDER...]     without: $GRADTAPE_ONNX_CASES
 *
 * Elements agree to 1e-7 and a thousandth, as in ONNX's own runner, or with --within to that part
 * of the largest element. Prints a line for each operator, and with -v for each case that does not
 * pass; what the library refuses to load (GT_ERR_UNSUPPORTED) is out of scope, with the reason.
 * Fails if a case in scope does. */
#define _POSIX_C_SOURCE 200809L
#include <dirent.h>
#include <gradtape/onnx.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { PATH = 4096, MOST = 64, OPERATORS = 512 };

typedef enum { PASSED, FAILED, OUTSIDE } verdict;

typedef struct {
    char name[64];
    int n[3];
} tally;

/* Cases that no other library could pass either, and why. */
static const struct {
    const char *name, *reason;
} outside[] = {
    {"test_training_dropout", "what is dropped is random"},
    {"test_castlike_FLOAT_to_BFLOAT16", "16-bit floats are f32 here"},
    {"test_castlike_FLOAT_to_FLOAT16", "16-bit floats are f32 here"},
};

static tally tallies[OPERATORS];
static int n_tallies;
static bool verbose;
static double within; /* 0: ONNX's tolerance */

/* Of the operator that a case is called after: "test_conv_with_strides" counts for conv. */
static tally *tally_of(const char *folder)
{
    const char *end = strrchr(folder, '/'), *name = end ? end + 1 : folder;
    if (!strncmp(name, "test_", 5)) name += 5;
    const int n = (int)strcspn(name, "_");
    for (int i = 0; i < n_tallies; i++)
        if ((int)strlen(tallies[i].name) == n && !strncmp(tallies[i].name, name, (size_t)n))
            return &tallies[i];
    tally *t = &tallies[n_tallies < OPERATORS - 1 ? n_tallies++ : OPERATORS - 1];
    snprintf(t->name, sizeof t->name, "%.*s", n, name);
    return t;
}

static bool is_near(double ours, double theirs, double largest)
{
    if (isnan(ours) || isnan(theirs)) return isnan(ours) && isnan(theirs);
    if (isinf(ours) || isinf(theirs)) return ours == theirs;
    const double most = within > 0 ? within * largest : 1e-7 + 1e-3 * fabs(theirs);
    return fabs(ours - theirs) <= most;
}

static double largest_of(const gt_tensor *t)
{
    double most = 0;
    for (int64_t i = 0; i < t->size; i++) {
        const double v = fabs(gt_load_element(t, i));
        if (isfinite(v) && v > most) most = v;
    }
    return most;
}

static bool agree(const gt_tensor *ours, const gt_tensor *theirs, char *why, size_t size)
{
    char a[128], b[128];
    if (!gt_same_shape(ours, theirs)) {
        snprintf(why, size, "%s is not %s", gt_shape_format(ours->shape, a, sizeof a),
                 gt_shape_format(theirs->shape, b, sizeof b));
        return false;
    }
    const double largest = largest_of(theirs);
    for (int64_t i = 0; i < ours->size; i++) {
        const double x = gt_load_element(ours, i), y = gt_load_element(theirs, i);
        if (is_near(x, y, largest)) continue;
        snprintf(why, size, "element %lld: %.9g is not %.9g", (long long)i, x, y);
        return false;
    }
    return true;
}

static bool exists(const char *path)
{
    struct stat s;
    return !stat(path, &s);
}

static gt_tensor *tensor_of(gt_ctx *gt, const char *set, const char *kind, int i)
{
    char path[PATH + 64];
    snprintf(path, sizeof path, "%s/%s_%d.pb", set, kind, i);
    return gt_onnx_load_tensor(gt, path);
}

static verdict run_set(gt_module *m, const char *set, char *why, size_t size)
{
    gt_ctx *gt = m->ctx;
    gt_tensor *in[MOST] = {NULL}, *out[MOST] = {NULL};
    const int n_in = gt_onnx_n_inputs(m), n_out = gt_onnx_n_outputs(m);
    for (int i = 0; i < n_in && i < MOST; i++) in[i] = tensor_of(gt, set, "input", i);
    if (!gt_failed(gt)) gt_onnx_forward(m, n_in, in, out);
    for (int i = 0; i < n_out && i < MOST && !gt_failed(gt); i++) {
        const gt_tensor *theirs = tensor_of(gt, set, "output", i);
        if (theirs && !agree(out[i], theirs, why, size)) return FAILED;
    }
    if (!gt_failed(gt)) return PASSED;
    snprintf(why, size, "%s", gt_error_message(gt));
    return gt_error_code(gt) == GT_ERR_UNSUPPORTED ? OUTSIDE : FAILED;
}

static verdict run_case(const char *folder, char *why, size_t size)
{
    char path[PATH];
    gt_ctx *gt = gt_open();
    snprintf(path, sizeof path, "%s/model.onnx", folder);
    gt_module *m = gt_onnx_load(gt, path);
    verdict v = PASSED;
    if (!m) {
        snprintf(why, size, "%s", gt_error_message(gt));
        v = gt_error_code(gt) == GT_ERR_UNSUPPORTED ? OUTSIDE : FAILED;
    }
    for (int i = 0; m && v == PASSED; i++) {
        snprintf(path, sizeof path, "%s/test_data_set_%d", folder, i);
        if (!exists(path)) break;
        v = run_set(m, path, why, size);
    }
    gt_close(gt);
    return v;
}

static const char *reason_of(const char *folder)
{
    const char *end = strrchr(folder, '/'), *name = end ? end + 1 : folder;
    for (size_t i = 0; i < sizeof outside / sizeof *outside; i++)
        if (!strncmp(name, outside[i].name, strlen(outside[i].name))) return outside[i].reason;
    return NULL;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void run_folder(const char *folder)
{
    static const char *const words[] = {"passed", "FAILED", "out of scope"};
    char path[PATH], why[1024] = "";
    snprintf(path, sizeof path, "%s/model.onnx", folder);
    if (exists(path)) {
        const char *reason = reason_of(folder);
        const verdict v = reason ? OUTSIDE : run_case(folder, why, sizeof why);
        if (reason) snprintf(why, sizeof why, "%s", reason);
        tally_of(folder)->n[v]++;
        if (v == FAILED || (verbose && v != PASSED)) printf("%s: %s: %s\n", folder, words[v], why);
        return;
    }
    DIR *d = opendir(folder);
    char **name = NULL;
    size_t n = 0;
    for (struct dirent *e; d && (e = readdir(d));) {
        if (e->d_name[0] == '.') continue;
        char **more = realloc(name, (n + 1) * sizeof *name);
        if (!more) break;
        name = more;
        name[n++] = strdup(e->d_name);
    }
    if (d) closedir(d);
    if (n) qsort(name, n, sizeof *name, by_name);
    for (size_t i = 0; i < n; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, name[i]);
        struct stat s;
        if (!stat(path, &s) && S_ISDIR(s.st_mode)) run_folder(path);
        free(name[i]);
    }
    free(name);
}

int main(int argc, char **argv)
{
    int sum[3] = {0};
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "-v")) verbose = true;
        else if (!strcmp(argv[i], "--within") && i + 1 < argc) within = gt_strtod(argv[++i], NULL);
        else run_folder(argv[i]);
    }
    const char *folder = getenv("GRADTAPE_ONNX_CASES");
    if (!n_tallies && folder) run_folder(folder);
    if (!n_tallies) {
        printf("skipped: no cases; GRADTAPE_ONNX_CASES names a folder, such as "
               "onnx/backend/test/data/node of the onnx package\n");
        return 77;
    }
    printf("%-32s %7s %7s %13s\n", "", "passed", "failed", "out of scope");
    for (int i = 0; i < n_tallies; i++) {
        printf("%-32s %7d %7d %13d\n", tallies[i].name, tallies[i].n[0], tallies[i].n[1],
               tallies[i].n[2]);
        for (int k = 0; k < 3; k++) sum[k] += tallies[i].n[k];
    }
    printf("%-32s %7d %7d %13d\n", "all", sum[0], sum[1], sum[2]);
    return sum[FAILED] > 0;
}
