/* Writers and readers of weights, runs, histories, events and pictures of graphs, while memory runs
 * out and while calls on files fail: opening, reading, writing, syncing, closing, renaming. An
 * error tells of the file and the reason, an old file stays whole, and nothing stays beside it. */
#define _GNU_SOURCE
#include "faults_world.h"

/* --- what programs stand on --- */

static void with_net(world *w)
{
    w->net = gt_nn_sequential(w->gt, gt_nn_linear(w->gt, 3, 4), gt_nn_batch_norm1d(w->gt, 4));
    w->x = gt_keep(gt_rand(w->gt, GT_SHAPE(5, 3)));
}

static void with_saved_net(world *w)
{
    with_net(w);
    assert_int_equal(gt_save(w->net, scratch("net.safetensors")), GT_OK);
    gt_fill(gt_module_parameter(w->net, "0.bias"), 0.5);
}

static void train_a_step(world *w)
{
    const gt_mark mark = gt_mark_tape(w->gt);
    gt_tensor *x, *y;
    assert_true(gt_loader_next(w->loader, &x, &y));
    gt_backward(gt_mean(gt_square(gt_forward(w->net, x))));
    gt_optimizer_step(w->optimizer);
    gt_schedule_step(w->schedule);
    gt_ema_update(w->ema);
    w->run.step++;
    gt_rewind(w->gt, mark);
}

static void with_run(world *w)
{
    with_net(w);
    gt_tensor *x = gt_rand(w->gt, GT_SHAPE(12, 3));
    w->data = gt_tensor_dataset(x, gt_zeros(w->gt, GT_SHAPE(12), .dtype = GT_I64));
    w->loader = gt_loader_new(w->data, 2, .shuffle = true);
    w->optimizer = gt_adam(w->net, .lr = 0.1);
    w->schedule = gt_exponential_lr(w->optimizer, 0.5);
    w->ema = gt_ema_new(w->net);
    w->t = gt_keep(gt_rand(w->gt, GT_SHAPE(3)));
    static gt_named_tensor own[2];
    own[0] = (gt_named_tensor){"t", w->t};
    w->run = (gt_run){.module = w->net,
                      .optimizer = w->optimizer,
                      .schedule = w->schedule,
                      .ema = w->ema,
                      .loader = w->loader,
                      .tensors = own};
    train_a_step(w);
}

/* The run is a step behind the file. */
static void with_saved_run(world *w)
{
    with_run(w);
    assert_int_equal(gt_run_save(&w->run, scratch("run.safetensors")), GT_OK);
    train_a_step(w);
    gt_fill(w->t, 1);
}

/* --- weights and runs --- */

static void save_net(world *w)
{
    (void)(gt_save(w->net, scratch("net.safetensors")) == GT_OK);
}

static void load_net(world *w)
{
    gt_load(w->net, scratch("net.safetensors"));
}

static void save_run(world *w)
{
    (void)(gt_run_save(&w->run, scratch("run.safetensors")) == GT_OK);
}

static void load_run(world *w)
{
    gt_run_load(&w->run, scratch("run.safetensors"));
}

static void load_list(world *w)
{
    gt_tensors *list = gt_load_tensors(w->gt, scratch("net.safetensors"));
    if (list) assert_non_null(gt_tensors_find(list, "0.bias"));
    gt_tensors_free(list);
}

static void fit(world *w)
{
    w->history = gt_fit(w->net, w->optimizer, w->loader, .epochs = 1,
                        .checkpoint = scratch("run.safetensors"), .schedule = w->schedule);
}

/* --- files of the program's own --- */

static void with_old_text(world *w)
{
    (void)w;
    write_file(scratch("text"), "old", 3);
}

static void write_text(world *w)
{
    char large[3000];
    memset(large, 'x', sizeof large - 1);
    large[sizeof large - 1] = 0;
    gt_file *f = gt_file_create(w->gt, scratch("text"));
    for (int i = 0; i < 30; i++) gt_file_printf(f, "%d %s\n", i, large);
    if (f) (void)(gt_file_commit(f) == GT_OK);
}

static void write_text_for(world *w)
{
    gt_file *f = gt_file_create_for(w->gt, "write_text", scratch("text"));
    gt_file_printf(f, "new");
    if (f) (void)(gt_file_commit(f) == GT_OK);
}

/* --- histories, boards, graphs --- */

static void with_array(world *w)
{
    w->x = gt_keep(gt_rand(w->gt, GT_SHAPE(3, 4, 5)));
}

static void save_list(world *w)
{
    (void)(gt_save_tensors(w->gt, scratch("list.safetensors"), GT_TENSORS({"x", w->x})) == GT_OK);
}

static void with_history(world *w)
{
    w->history = gt_history_new(w->gt);
    for (int i = 0; i < 5; i++) {
        gt_history_set(w->history, i, "loss", 1.0 / (i + 1));
        gt_history_set(w->history, i, "a rather long name, so that more is needed", i);
    }
}

static void write_csv(world *w)
{
    (void)(gt_history_write_csv(w->history, scratch("h.csv")) == GT_OK);
}

static void write_jsonl(world *w)
{
    (void)(gt_history_write_jsonl(w->history, scratch("h.jsonl")) == GT_OK);
}

static void write_svg(world *w)
{
    (void)(gt_history_write_svg(w->history, scratch("h.svg")) == GT_OK);
}

static void with_csv(world *w)
{
    with_history(w);
    write_csv(w);
}

static void read_csv(world *w)
{
    gt_history *h = gt_history_read_csv(w->gt, scratch("h.csv"));
    if (h) assert_int_equal(gt_history_rows(h), 5);
}

static void write_board(world *w)
{
    gt_board *b = gt_board_open(w->gt, scratch("board/"));
    gt_graph *g = gt_module_graph(gt_nn_relu(w->gt), GT_SHAPE(2, 3));
    if (g) gt_board_graph(b, g);
    gt_graph_free(g);
    if (!b) return;
    gt_board_scalar(b, "loss", 0.5, 1);
    gt_board_histogram(b, "x", w->x, 1);
    gt_board_image(b, "picture", w->x, 1);
    gt_board_flush(b);
    gt_board_close(b);
}

static void with_graph(world *w)
{
    with_net(w);
    write_file(scratch("net.svg"), "old", 3);
}

static void render(world *w)
{
    gt_tensor *y = gt_sum(w->x);
    if (y) (void)(gt_graph_render(y, scratch("net.svg")) == GT_OK);
}

static void with_tape(world *w)
{
    with_graph(w);
    w->x->requires_grad = true;
    gt_sum(w->x);
}

static void render_tape(world *w)
{
    (void)(gt_tape_render(w->gt, scratch("net.svg")) == GT_OK);
}

static void with_onnx(world *w)
{
    (void)w;
    size_t n;
    const unsigned char *bytes = slurp(fixture("onnx/opset24.onnx"), &n);
    write_file(scratch("net.onnx"), bytes, n);
    write_file(scratch("x.pb"), (const unsigned char[]){8, 1, 16, 1, 74, 4, 0, 0, 0, 0}, 10);
}

static void load_onnx(world *w)
{
    gt_module *m = gt_onnx_load(w->gt, scratch("net.onnx"));
    gt_tensor *out[2];
    if (m) gt_onnx_forward(m, 0, NULL, out);
}

static void print_onnx(world *w)
{
    FILE *f = tmpfile();
    gt_onnx_print(w->gt, scratch("net.onnx"), f);
    fclose(f);
}

static void save_onnx(world *w)
{
    (void)(gt_onnx_save(w->net, scratch("own.onnx"), GT_SHAPE(2, 3)) == GT_OK);
}

static void with_json(world *w)
{
    with_net(w);
    assert_int_equal(gt_module_render(w->net, scratch("net.json"), GT_SHAPE(2, 3)), GT_OK);
}

static void diff_graphs(world *w)
{
    FILE *f = tmpfile();
    gt_diff(w->gt, scratch("net.json"), scratch("net.json"), f);
    fclose(f);
}

static void with_graph_of_sum(world *w)
{
    with_array(w);
    gt_set_recording_all(w->gt, true);
    w->y = gt_sum(w->x);
    gt_set_recording_all(w->gt, false);
}

static void save_onnx_graph(world *w)
{
    gt_graph *g = gt_tensor_graph(w->y);
    if (g) (void)(gt_onnx_save_graph(g, scratch("own.onnx")) == GT_OK);
    gt_graph_free(g);
}

static void save_c(world *w)
{
    (void)(gt_export_c(w->net, scratch("own.c"), GT_SHAPE(2, 3),
                       .weights_file = scratch("own.bin")) == GT_OK);
}

static void save_c_graph(world *w)
{
    gt_graph *g = gt_tensor_graph(w->y);
    if (g) (void)(gt_export_c_graph(g, scratch("own.c")) == GT_OK);
    gt_graph_free(g);
}

static void load_onnx_tensor(world *w)
{
    gt_onnx_load_tensor(w->gt, scratch("x.pb"));
}

static void with_profile(world *w)
{
    with_net(w);
    w->profile = gt_profile_begin(w->gt);
    gt_exp(w->x);
    gt_profile_end(w->profile);
}

static void save_trace(world *w)
{
    (void)(gt_profile_save_trace(w->profile, scratch("trace.json")) == GT_OK);
}

static void render_module(world *w)
{
    (void)(gt_module_render(w->net, scratch("net.dot"), w->x->shape, .backward = true) == GT_OK);
}

static void with_dot(world *w)
{
    with_net(w);
    write_file(scratch("net.dot"), "old", 3);
}

static void save_graph(world *w)
{
    gt_graph *g = gt_module_graph(w->net, w->x->shape);
    if (g) (void)(gt_graph_save(g, scratch("net.dot")) == GT_OK);
    gt_graph_free(g);
}

static void save_page(world *w)
{
    gt_graph *g = gt_module_graph(w->net, w->x->shape);
    if (g) (void)(gt_graph_save(g, scratch("net.html")) == GT_OK);
    gt_graph_free(g);
}

static const program programs[] = {
    {"gt_save", with_saved_net, save_net, .whole = true, .file = "net.safetensors"},
    {"gt_save, new", with_net, save_net, .whole = true, .file = "net.safetensors"},
    {"gt_load", with_saved_net, load_net, .whole = true, .file = "net.safetensors"},
    {"gt_load_tensors", with_saved_net, load_list, .whole = true, .file = "net.safetensors"},
    {"gt_save_tensors", with_array, save_list, .whole = true, .file = "list.safetensors"},
    {"gt_run_save", with_saved_run, save_run, .whole = true, .file = "run.safetensors"},
    {"gt_run_load", with_saved_run, load_run, .whole = true, .file = "run.safetensors"},
    {"gt_fit", with_run, fit, .whole = false, .file = "run.safetensors"},
    {"gt_file_create", with_old_text, write_text, .whole = true, .file = "text"},
    {"gt_file_create_for", with_old_text, write_text_for, .whole = true, .file = "text"},
    {"gt_history_write_csv", with_history, write_csv, .whole = true, .file = "h.csv"},
    {"gt_history_write_jsonl", with_history, write_jsonl, .whole = true, .file = "h.jsonl"},
    {"gt_history_write_svg", with_history, write_svg, .whole = true, .file = "h.svg"},
    {"gt_history_read_csv", with_csv, read_csv, .whole = true, .file = "h.csv"},
    {"gt_diff", with_json, diff_graphs, .whole = true, .file = "net.json"},
    {"gt_onnx_load", with_onnx, load_onnx, .whole = true, .file = "net.onnx"},
    {"gt_onnx_print", with_onnx, print_onnx, .whole = true, .file = "net.onnx"},
    {"gt_onnx_save", with_net, save_onnx, .whole = true, .file = "own.onnx"},
    {"gt_onnx_save_graph", with_graph_of_sum, save_onnx_graph, .whole = true, .file = "own.onnx"},
    {"gt_export_c", with_net, save_c, .file = "own."}, /* several files */
    {"gt_export_c_graph", with_graph_of_sum, save_c_graph, .file = "own."},
    {"gt_onnx_load_tensor", with_onnx, load_onnx_tensor, .whole = true, .file = "x.pb"},
    {"gt_graph_render", with_graph, render, .whole = true, .file = "net.svg"},
    {"gt_tape_render", with_tape, render_tape, .whole = true, .file = "net.svg"},
    {"gt_profile_save_trace", with_profile, save_trace, .whole = false, .file = "trace.json"},
    {"gt_module_render", with_dot, render_module, .file = "net.dot"},
    {"gt_graph_save", with_dot, save_graph, .whole = true, .file = "net.dot"},
    {"gt_graph_save, page", with_net, save_page, .whole = true, .file = "net.html"},
    {"gt_board_open", with_array, write_board, .whole = false, .file = "board"},
};

/* Their dot starts at once; it is started often here. */
static void take_stand_ins(void)
{
    const char *rest = getenv("PATH");
    char path[4096];
    snprintf(path, sizeof path, "%s:%s", fixture("stand_ins"), rest ? rest : "/usr/bin:/bin");
    setenv("PATH", path, 1);
}

int main(void)
{
    take_stand_ins();
    return RUN_PROGRAMS(programs, program_fails_in_files);
}
