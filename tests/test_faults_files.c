/* Readers and writers of files, while memory runs out and while calls on files fail: opening,
 * reading, writing, syncing, closing, renaming. An error tells of the file and the reason, an old
 * file stays whole, and nothing stays beside it. */
#define _GNU_SOURCE
#include <errno.h>

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

/* --- arrays and pictures --- */

static void with_array(world *w)
{
    w->x = gt_keep(gt_rand(w->gt, GT_SHAPE(3, 4, 5)));
}

static void save_npy(world *w)
{
    (void)(gt_npy_save(w->x, scratch("x.npy")) == GT_OK);
}

static void with_npy(world *w)
{
    with_array(w);
    save_npy(w);
}

static void load_npy(world *w)
{
    gt_npy_load(w->gt, scratch("x.npy"));
}

static void copy_fixture(const char *name)
{
    size_t n;
    const unsigned char *bytes = slurp(fixture(name), &n);
    write_file(scratch(name), bytes, n);
}

static void save_image(world *w)
{
    gt_tensor *t = gt_reshape(w->x, GT_SHAPE(3, 4, 5));
    if (t) (void)(gt_image_save(t, scratch("x.ppm")) == GT_OK);
}

static void with_image(world *w)
{
    with_array(w);
    save_image(w);
}

static void load_image(world *w)
{
    gt_image_load(w->gt, scratch("x.ppm"));
}

#ifdef GT_WITH_ZLIB
static void with_npz(world *w)
{
    (void)w;
    copy_fixture("packed.npz");
}

static void load_npz(world *w)
{
    gt_npz_load(w->gt, scratch("packed.npz"), "x");
}

static const unsigned char digits[] = {0, 0, 8, 1, 0, 0, 0, 3, 7, 8, 9};

static void with_gz(world *w)
{
    (void)w;
    write_gz(scratch("labels.gz"), digits, sizeof digits);
}

static void load_gz(world *w)
{
    gt_idx_load(w->gt, scratch("labels.gz"));
}
#endif

#ifdef GT_WITH_PNG
static void save_png(world *w)
{
    (void)(gt_image_save(w->x, scratch("x.png")) == GT_OK);
}

static void with_png(world *w)
{
    with_array(w);
    save_png(w);
}

static void load_png(world *w)
{
    gt_image_load(w->gt, scratch("x.png"));
}
#endif

#ifdef GT_WITH_JPEG
static void with_jpeg(world *w)
{
    (void)w;
    copy_fixture("colours.jpg");
}

static void load_jpeg(world *w)
{
    gt_image_load(w->gt, scratch("colours.jpg"));
}
#endif

/* --- datasets --- */

static void with_mnist(world *w)
{
    (void)w;
    static const unsigned char images[] = {0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 2, 5, 6};
    static const unsigned char labels[] = {0, 0, 8, 1, 0, 0, 0, 1, 3};
    write_file(scratch("mnist/train-images-idx3-ubyte"), images, sizeof images);
    write_file(scratch("mnist/train-labels-idx1-ubyte"), labels, sizeof labels);
}

static void read_mnist(world *w)
{
    gt_mnist(w->gt, scratch("mnist"), true);
}

static void with_cifar(world *w)
{
    (void)w;
    static const unsigned char item[3073] = {7, 1, 2, 3};
    write_file(scratch("cifar/test_batch.bin"), item, sizeof item);
}

static void read_cifar(world *w)
{
    gt_cifar10(w->gt, scratch("cifar"), false);
}

#ifdef GT_WITH_PNG
static void with_folder(world *w)
{
    with_png(w);
    size_t n;
    const unsigned char *bytes = slurp(scratch("x.png"), &n);
    write_file(scratch("folder/cats/1.png"), bytes, n);
    write_file(scratch("folder/cats/2.png"), bytes, n);
    write_file(scratch("folder/dogs/3.png"), bytes, n);
}

static void read_folder(world *w)
{
    gt_dataset *d = gt_image_folder(w->gt, scratch("folder"));
    if (d) assert_int_equal(d->count, 3);
    if (d) gt_dataset_item(d, 1, NULL);
}
#endif

/* --- histories and boards --- */

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

static const program programs[] = {
    {"gt_save", with_saved_net, save_net, .whole = true, .file = "net.safetensors"},
    {"gt_save, new", with_net, save_net, .whole = true, .file = "net.safetensors"},
    {"gt_load", with_saved_net, load_net, .whole = true, .file = "net.safetensors"},
    {"gt_load_tensors", with_saved_net, load_list, .whole = true, .file = "net.safetensors"},
    {"gt_run_save", with_saved_run, save_run, .whole = true, .file = "run.safetensors"},
    {"gt_run_load", with_saved_run, load_run, .whole = true, .file = "run.safetensors"},
    {"gt_fit", with_run, fit, .whole = false, .file = "run.safetensors"},
    {"gt_file_write", with_old_text, write_text, .whole = true, .file = "text"},
    {"gt_npy_save", with_array, save_npy, .whole = true, .file = "x.npy"},
    {"gt_npy_load", with_npy, load_npy, .whole = true, .file = "x.npy"},
    {"gt_image_save, PPM", with_array, save_image, .whole = true, .file = "x.ppm"},
    {"gt_image_load, PPM", with_image, load_image, .whole = true, .file = "x.ppm"},
#ifdef GT_WITH_ZLIB
    {"gt_npz_load", with_npz, load_npz, .whole = true, .file = "packed.npz"},
    {"gt_idx_load", with_gz, load_gz, .whole = true, .file = "labels.gz"},
#endif
#ifdef GT_WITH_PNG
    {"gt_image_save, PNG", with_array, save_png, .whole = true, .file = "x.png"},
    {"gt_image_load, PNG", with_png, load_png, .whole = true, .file = "x.png"},
#endif
#ifdef GT_WITH_JPEG
    {"gt_image_load, JPEG", with_jpeg, load_jpeg, .whole = true, .file = "colours.jpg"},
#endif
    {"gt_mnist", with_mnist, read_mnist, .whole = true, .file = "mnist"},
    {"gt_cifar10", with_cifar, read_cifar, .whole = true, .file = "cifar"},
#ifdef GT_WITH_PNG
    {"gt_image_folder", with_folder, read_folder, .whole = true, .file = "folder"},
#endif
    {"gt_history_write_csv", with_history, write_csv, .whole = true, .file = "h.csv"},
    {"gt_history_write_jsonl", with_history, write_jsonl, .whole = true, .file = "h.jsonl"},
    {"gt_history_write_svg", with_history, write_svg, .whole = true, .file = "h.svg"},
    {"gt_history_read_csv", with_csv, read_csv, .whole = true, .file = "h.csv"},
    {"gt_graph_render", with_graph, render, .whole = true, .file = "net.svg", .needs = "dot"},
    {"boards", with_array, write_board, .whole = false, .file = "board"},
};
enum { N_PROGRAMS = sizeof programs / sizeof *programs };

static bool has_program(const char *name)
{
    char command[64];
    snprintf(command, sizeof command, "command -v %s >/dev/null", name);
    return system(command) == 0;
}

static void program_fails(void **state)
{
    const program *p = *state;
    if (p->needs && !has_program(p->needs)) skip();
    static const int reasons[] = {EIO, ENOSPC, EINTR, ENOMEM};
    sweep(p, FAULT_MEMORY, 0, false);
    sweep(p, FAULT_MEMORY, 0, true);
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        sweep(p, FAULT_FILES, reasons[i], false);
    sweep(p, FAULT_FILES, EIO, true);
    sweep(p, FAULT_SHORT, 0, false);
}

static int end(void **state)
{
    faults_print("programs, files");
    return remove_scratch(state);
}

int main(void)
{
    struct CMUnitTest tests[N_PROGRAMS];
    for (int i = 0; i < N_PROGRAMS; i++)
        tests[i] = (struct CMUnitTest){.name = programs[i].name,
                                       .test_func = program_fails,
                                       .initial_state = (void *)(uintptr_t)&programs[i]};
    return cmocka_run_group_tests(tests, NULL, end);
}
