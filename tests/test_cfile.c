/* Networks and operations as C files: compiled by the system's compiler, and run beside gradtape's
 * plain kernels. With a folder as argument the sources of these programs are written there, for
 * other machines (tests/cfile_cross.sh). */
#define _POSIX_C_SOURCE 200809L
#include "samples.h"

#include "cfile_support.h"
#include "networks.h"

static const uint64_t no_opts[64];
static const char strict[] =
    "-std=c99 -Wall -Wextra -pedantic -Wconversion -Wshadow -Wstrict-prototypes -Werror";

/* --- operations: all samples in one file, one after another --- */

enum { MOST_SAMPLES = 4096, LARGEST = 1000 /* elements; more compile for long, and round */ };

static bool is_usable(const gt_tensor *t)
{
    return t && t->size > 0 && t->size <= LARGEST && t->dtype != GT_F64;
}

/* The sample's first result; NULL where C files are not made for it. */
static gt_tensor *result_of(gt_ctx *gt, const gt_op *op, const gt_sample *sample)
{
    gt_tensor *in[GT_SAMPLE_INPUTS] = {NULL}, *out[GT_OP_OUTPUTS];
    const int n = sample->n_in ? sample->n_in : gt_op_least(op);
    bool usable = true;
    dice = 42;
    for (int i = 0; i < n; i++) {
        const gt_sample_input *s = &sample->in[i];
        in[i] = s->same > 0 ? in[s->same - 1] : input_of(gt, s, GT_F32);
        usable = usable && is_usable(in[i]);
    }
    const bool taken = !strcmp(op->name, "index_select") || !strcmp(op->name, "gather");
    if (!usable || (taken && (!in[0] || in[0]->dtype != GT_F32))) return NULL;
    gt_apply_n(op, sample->opts ? sample->opts : no_opts, n, in, out);
    return is_usable(out[0]) ? out[0] : NULL;
}

typedef struct {
    char name[64];
    int64_t from, n;
} segment;

static segment segments[MOST_SAMPLES];

/* Results of all samples of all operations, as f32 in one row. */
static gt_tensor *all_results(gt_ctx *gt, int *n_parts)
{
    static gt_tensor *part[MOST_SAMPLES];
    size_t n_ops;
    const gt_op_info *all = gt_ops(&n_ops);
    int n = 0;
    int64_t from = 0;
    for (size_t i = 0; i < n_ops; i++) {
        const gt_op *op = all[i].op;
        const int before = n;
        const char *why = op ? gt_export_c_reason(op) : NULL;
        if (why && strstr(why, "backward") && !gt_onnx_export_reason(op) && !all[i].inner)
            fail_msg("%s needs a row in src/cfile/", op->name);
        if (!op || why || op->flags & GT_OP_INTO || !strcmp(op->name, "dropout")) continue;
        for (int k = 0; k < op->n_samples; k++) {
            gt_tensor *y = result_of(gt, op, &op->samples[k]);
            if (!y) continue;
            segment *s = &segments[n];
            snprintf(s->name, sizeof s->name, "%s, %.40s", op->name, op->samples[k].label);
            for (char *c = s->name; *c; c++)
                if (strchr("\"\\%", *c)) *c = '_';
            s->from = from;
            from += s->n = y->size;
            part[n++] = gt_reshape(y->dtype == GT_F32 ? y : gt_cast(y, GT_F32), GT_SHAPE(y->size));
        }
        if (n == before && op->n_samples) fail_msg("%s: no sample could be written", op->name);
    }
    *n_parts = n;
    return gt_concat(part, n, 0);
}

static void write_operations(const char *folder)
{
    gt_ctx *gt = gt_open();
    char path[1024];
    int n = 0;
    cprogram p;
    gt_set_recording_all(gt, true);
    gt_tensor *y = all_results(gt, &n);
    gt_set_recording_all(gt, false);
    gt_graph *g = gt_tensor_graph(y);
    snprintf(path, sizeof path, "%s/operations.c", folder);
    if (gt_export_c_graph(g, path) != GT_OK) fail_msg("%s", gt_error_message(gt));
    gt_graph_free(g);
    snprintf(path, sizeof path, "%s/main_operations.c", folder);
    begin_program(&p, path);
    fprintf(p.f, "#include \"operations.h\"\nstatic float y[OPERATIONS_OUTPUT_SIZE];\n");
    const int want = add_array(&p, y);
    fprintf(p.f, "static const struct {\n    const char *name;\n    long from, n;\n} part[] = {\n");
    for (int i = 0; i < n; i++)
        fprintf(p.f, "    {\"%s\", %lld, %lld},\n", segments[i].name, (long long)segments[i].from,
                (long long)segments[i].n);
    fprintf(p.f, "};\n\n");
    add_call(&p,
             "    operations_forward(y);\n    for (int i = 0; i < %d; i++)\n"
             "        bad += differs(part[i].name, y + part[i].from, array%d + part[i].from,"
             " part[i].n);\n",
             n, want);
    end_program(&p);
    print_message("%d samples\n", n);
    assert_true(n > 500);
    gt_close(gt);
}

/* --- networks --- */

static const struct {
    const char *name;
    gt_shape input;
    gt_dtype dtype;
    gt_export_c_opts opts;
} nets[] = {
    {"lenet", {4, {2, 1, 28, 28}}, GT_F32, {.caller_memory = true}},
    {"lazy", {4, {2, 3, 8, 8}}, GT_F32, {.prefix = "Hasty"}},
    {"batch_norms", {4, {2, 2, 12, 12}}, GT_F32, {.unfolded = true}},
    {"residual", {4, {1, 3, 8, 8}}, GT_F32, {.gt_ = NULL}},
    {"inception", {4, {2, 2, 6, 6}}, GT_F32, {.gt_ = NULL}},
    {"instance_norms", {4, {2, 3, 6, 6}}, GT_F32, {.gt_ = NULL}},
    {"transformer_like", {2, {2, 5}}, GT_I64, {.gt_ = NULL}},
    {"sequences", {3, {2, 3, 12}}, GT_F32, {.caller_memory = true}},
    {"decoder", {4, {2, 4, 3, 3}}, GT_F32, {.gt_ = NULL}},
};
enum { NETS = sizeof nets / sizeof *nets };

/* Statistics and weights that make a difference where they are left out. */
static void shake(gt_module *m)
{
    dice = 7;
    for (int k = 0; k < 2; k++) {
        gt_state_iter it = k ? gt_module_buffers(m) : gt_module_parameters(m);
        while (gt_state_next(&it)) {
            char path[256];
            gt_state_path(&it, path, sizeof path);
            const bool positive = strstr(path, "var") != NULL;
            float *data = it.tensor->dtype == GT_F32 ? it.tensor->data : NULL;
            for (int64_t i = 0; data && i < it.tensor->size; i++)
                data[i] += (float)(positive ? draw(0, 1) : draw(-0.1, 0.1));
        }
    }
}

static void write_network(cprogram *p, const char *folder, int i)
{
    gt_ctx *gt = gt_open();
    char path[1024], memory[96] = "";
    gt_manual_seed(gt, 3);
    gt_module *m = build_network(gt, nets[i].name);
    gt_tensor *x =
        nets[i].dtype == GT_I64 ? gt_randint(gt, 0, 7, nets[i].input) : gt_randn(gt, nets[i].input);
    gt_eval(m);
    gt_forward(m, x);
    shake(m);
    gt_tensor *y = gt_forward(m, x);
    gt_export_c_opts opts = nets[i].opts;
    opts.dtype = nets[i].dtype;
    snprintf(path, sizeof path, "%s/%s.c", folder, nets[i].name);
    if (gt_export_c_(m, path, x->shape, opts) != GT_OK) fail_msg("%s", gt_error_message(gt));
    const char *prefix = opts.prefix ? opts.prefix : nets[i].name;
    if (opts.caller_memory) {
        fprintf(p->f, "#include \"%s.h\"\nstatic struct %s_memory memory%d;\n", nets[i].name,
                prefix, i);
        snprintf(memory, sizeof memory, ", &memory%d", i);
    } else fprintf(p->f, "#include \"%s.h\"\n", nets[i].name);
    fprintf(p->f, "static float y%d[%lld];\n", i, (long long)y->size);
    const int in = add_array(p, x), out = add_array(p, y);
    add_call(p,
             "    %s_forward(array%d, y%d%s);\n    bad += differs(\"%s\", y%d, array%d, %lld);\n",
             prefix, in, i, memory, nets[i].name, i, out, (long long)y->size);
    gt_close(gt);
}

static void write_networks(const char *folder)
{
    cprogram p;
    char path[1024];
    snprintf(path, sizeof path, "%s/main_networks.c", folder);
    begin_program(&p, path);
    for (int i = 0; i < NETS; i++) write_network(&p, folder, i);
    end_program(&p);
}

/* --- weights in a file of their own: read, and refused --- */

static void write_apart(const char *folder, bool big)
{
    gt_ctx *gt = gt_open();
    cprogram p;
    char path[1024], weights[1024], name[16];
    snprintf(name, sizeof name, big ? "big" : "little");
    snprintf(path, sizeof path, "%s/%s.c", folder, name);
    snprintf(weights, sizeof weights, "%s/%s.bin", folder, name);
    gt_module *m = batch_norms(gt);
    gt_tensor *x = gt_randn(gt, GT_SHAPE(1, 2, 12, 12));
    gt_eval(m);
    shake(m);
    gt_tensor *y = gt_forward(m, x);
    if (gt_export_c(m, path, x->shape, .weights_file = weights, .big_endian = big) != GT_OK)
        fail_msg("%s", gt_error_message(gt));
    snprintf(path, sizeof path, "%s/main_%s.c", folder, name);
    begin_program(&p, path);
    fprintf(p.f,
            "#include \"%s.h\"\nstatic float y[3];\nstatic float file[%s_WEIGHTS_BYTES / 4 + 1];\n",
            name, big ? "BIG" : "LITTLE");
    const int in = add_array(&p, x), out = add_array(&p, y);
    add_call(
        &p,
        "    FILE *f = fopen(\"%s.bin\", \"rb\");\n"
        "    const size_t n = f ? fread(file, 1, sizeof file, f) : 0;\n"
        "    const float *w = %s_weights(file, n);\n"
        "    const union {\n        uint32_t word;\n        unsigned char big;\n"
        "    } order = {0x01000000};\n"
        "    if ((w != NULL) != (order.big == %d))\n"
        "        return printf(\"weights of the wrong order\\n\"), 1;\n"
        "    if (!w) return 0;\n"
        "    if (%s_weights(file, n - 4) || %s_weights(NULL, n) || %s_weights((char *)file + 1, n))\n"
        "        return printf(\"bad weights are taken\\n\"), 1;\n"
        "    %s_forward(array%d, y, w);\n    bad += differs(\"%s\", y, array%d, 3);\n"
        "    file[9] = -file[9];\n    bad += %s_weights(file, n) != NULL;\n",
        name, name, big, name, name, name, name, in, name, out, name);
    end_program(&p);
    gt_close(gt);
}

static void write_all(const char *folder)
{
    write_operations(folder);
    write_networks(folder);
    write_apart(folder, false);
    write_apart(folder, true);
}

/* --- here --- */

static void agree_here(void **state)
{
    (void)state;
    char folder[1024], sources[1024] = "";
    snprintf(folder, sizeof folder, "%s", scratch("c/"));
    write_all(folder);
    for (int i = 0; i < NETS; i++) {
        const size_t used = strlen(sources);
        snprintf(sources + used, sizeof sources - used, "%s.c ", nets[i].name);
    }
    assert_true(runs("cd '%s' && '%s' %s -O0 operations.c main_operations.c -lm -o operations && "
                     "./operations",
                     folder, GT_C_COMPILER, strict));
    assert_true(runs("cd '%s' && '%s' %s -O0 %s main_networks.c -lm -o networks && ./networks",
                     folder, GT_C_COMPILER, strict, sources));
    for (int big = 0; big < 2; big++)
        assert_true(runs("cd '%s' && '%s' %s -O0 %s.c main_%s.c -lm -o apart && ./apart", folder,
                         GT_C_COMPILER, strict, big ? "big" : "little", big ? "big" : "little"));
}

/* The program of docs/c-file.md, as it stands there. */
static void the_example_compiles(void **state)
{
    (void)state;
    gt_ctx *gt = gt_open();
    size_t n;
    char *text = (char *)slurp(GT_SOURCE_DIR "/docs/c-file.md", &n), path[1024];
    text[n < FILE_MOST ? n : FILE_MOST - 1] = 0;
    char *begin = strstr(text, "```c\n"), *end = begin ? strstr(begin + 5, "```") : NULL;
    if (!end) fail_msg("docs/c-file.md has no program");
    write_file(scratch("example.c"), begin + 5, (size_t)(end - begin - 5));
    snprintf(path, sizeof path, "%s", scratch("lenet.c"));
    if (gt_export_c(lenet(gt), path, GT_SHAPE(1, 1, 28, 28)) != GT_OK)
        fail_msg("%s", gt_error_message(gt));
    assert_true(runs("cd '%s' && '%s' %s example.c lenet.c -lm -o example && ./example >/dev/null",
                     scratch(""), GT_C_COMPILER, strict));
    gt_close(gt);
}

/* Names of all kinds: of modules, files and inputs. */
static void names_are_harmless(void **state)
{
    (void)state;
    gt_ctx *gt = gt_open();
    static const char *const names[] = {"*/ int", "\?\?/#error", "int", "9 // \\", "caf\xc3\xa9"};
    gt_module *m = gt_nn_sequential_empty(gt), *all = m;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        gt_module *inner = gt_nn_sequential_empty(gt);
        gt_module_add_child(m, names[i], inner);
        gt_module_add_child(inner, "linear", gt_nn_linear(gt, 2, 2));
        m = inner;
    }
    char path[1024];
    snprintf(path, sizeof path, "%s", scratch("names.c"));
    if (gt_export_c(all, path, GT_SHAPE(1, 2)) != GT_OK) fail_msg("%s", gt_error_message(gt));
    assert_true(runs("'%s' %s -c '%s' -o '%s'", GT_C_COMPILER, strict, path, scratch("names.o")));
    gt_close(gt);
}

/* A module without operations: its input is copied. */
static void copies_what_nobody_changes(void **state)
{
    (void)state;
    gt_ctx *gt = gt_open();
    char path[1024];
    snprintf(path, sizeof path, "%s", scratch("same.c"));
    gt_module *m = gt_nn_identity(gt);
    assert_int_equal(gt_export_c(m, path, GT_SHAPE(3)), GT_OK);
    size_t n;
    assert_non_null(strstr((const char *)slurp(scratch("same.h"), &n), "SAME_INPUT_SIZE 3"));
    gt_close(gt);
}

/* --- refused --- */

static gt_tensor *train(gt_module *m, gt_tensor *x)
{
    (void)m;
    return gt_mse_loss(x, x);
}
static gt_tensor *wide(gt_module *m, gt_tensor *x)
{
    (void)m;
    return gt_cast(x, GT_F64);
}
static gt_tensor *add_large(gt_module *m, gt_tensor *x)
{
    return gt_add(x, gt_arange(m->ctx, 0, 20000, 1));
}
static gt_tensor *empty(gt_module *m, gt_tensor *x)
{
    (void)m;
    return gt_neg(gt_slice(x, 0, 0, 0));
}
static gt_tensor *plain(gt_module *m, gt_tensor *x)
{
    (void)m;
    return gt_neg(x);
}

static void refuses(void **state)
{
    (void)state;
    static const struct {
        gt_tensor *(*forward)(gt_module *m, gt_tensor *x);
        const char *path;
        gt_export_c_opts opts;
        gt_status code;
        const char *says;
    } cases[] = {
        {train,
         "a.c",
         {.gt_ = NULL},
         GT_ERR_UNSUPPORTED,
         "mse_loss 'mse_loss' cannot be written in C: it is a loss"},
        {wide, "a.c", {.gt_ = NULL}, GT_ERR_UNSUPPORTED, "cast 'cast' has f64 [1]"},
        {add_large, "a.c", {.gt_ = NULL}, GT_ERR_UNSUPPORTED, "more than 65536 bytes"},
        {empty, "a.c", {.gt_ = NULL}, GT_ERR_UNSUPPORTED, "without elements"},
        {plain, "a.cpp", {.gt_ = NULL}, GT_ERR_ARGUMENT, "does not end in .c"},
        {plain, "1.c", {.gt_ = NULL}, GT_ERR_ARGUMENT, "the prefix '1' is no name in C"},
        {plain, "a.c", {.prefix = "a-b"}, GT_ERR_ARGUMENT, "the prefix 'a-b' is no name"},
        {plain, "a.c", {.prefix = ""}, GT_ERR_ARGUMENT, "the prefix '' is no name"},
        {plain, "none/no/a.c", {.gt_ = NULL}, GT_ERR_IO, "cannot be written"},
        {NULL, "a.c", {.gt_ = NULL}, GT_ERR_ARGUMENT, "the module is NULL"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        gt_ctx *gt = gt_open();
        const gt_module_type type = {
            .name = "Net", .size = sizeof(gt_module), .forward = cases[i].forward};
        gt_module *m = cases[i].forward ? gt_module_new(gt, &type) : NULL;
        char path[1024];
        snprintf(path, sizeof path, "%s/%s", scratch("refused"), cases[i].path);
        mkdir(scratch("refused"), 0777);
        const gt_status status = gt_export_c_(m, path, GT_SHAPE(1), cases[i].opts);
        const char *message = gt_error_message(m ? gt : NULL);
        if (status != cases[i].code || !strstr(message, cases[i].says))
            fail_msg("case %zu: %d, %s", i, (int)status, message);
        assert_int_not_equal(access(path, F_OK), 0);
        gt_close(gt);
    }
}

int main(int argc, char **argv)
{
    setenv("GRADTAPE_CPU", "plain", 1);
    setenv("GRADTAPE_BLAS", "native", 1);
    if (argc > 1) {
        write_all(argv[1]);
        return 0;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agree_here),
        cmocka_unit_test(the_example_compiles),
        cmocka_unit_test(names_are_harmless),
        cmocka_unit_test(copies_what_nobody_changes),
        cmocka_unit_test(refuses),
    };
    return cmocka_run_group_tests(tests, NULL, remove_scratch);
}
