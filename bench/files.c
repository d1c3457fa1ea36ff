/* Loading and saving an array, and a layer's weights. bench/files.py runs it in turns with NumPy,
 * safetensors and PyTorch.
 *
 * Usage: files ROW KILOBYTES FOLDER     by default all rows but npz_load, 64 kB, in a new folder
 * npz_load reads FOLDER/KILOBYTES.npz, which has to be there. */
#define _POSIX_C_SOURCE 200809L
#include <gradtape.h>
#include <unistd.h>

#include "bench.h"

typedef struct {
    gt_ctx *gt;
    gt_tensor *x;
    gt_module *layer; /* with a weight of x's size */
    gt_mark start;
    char npy[256], npz[256], safetensors[256];
} world;

static void npy_load(void *work)
{
    const world *w = work;
    gt_rewind(w->gt, w->start);
    gt_npy_load(w->gt, w->npy);
}

static void npy_save(void *work)
{
    const world *w = work;
    if (gt_npy_save(w->x, w->npy) != GT_OK) return; /* the context says so */
}

static void npz_load(void *work)
{
    const world *w = work;
    gt_rewind(w->gt, w->start);
    gt_npz_load(w->gt, w->npz, "x");
}

static void safetensors_load(void *work)
{
    const world *w = work;
    gt_load(w->layer, w->safetensors);
}

static void safetensors_save(void *work)
{
    const world *w = work;
    if (gt_save(w->layer, w->safetensors) != GT_OK) return; /* the context says so */
}

/* Those that load come behind those that make the file. */
static const struct {
    const char *name;
    void (*prepare)(void *work), (*turn)(void *work);
} rows[] = {{"npy_save", npy_save, npy_save},
            {"npy_load", npy_save, npy_load},
            {"npz_load", NULL, npz_load},
            {"safetensors_save", safetensors_save, safetensors_save},
            {"safetensors_load", safetensors_save, safetensors_load}};

static world make_world(const char *folder, int64_t kilobytes)
{
    world w = {.gt = gt_open()};
    const int64_t width = 256, rows_n = kilobytes * 1000 / (width * (int64_t)sizeof(float));
    w.x = gt_randn(w.gt, GT_SHAPE(rows_n, width));
    w.layer = gt_nn_linear(w.gt, width, rows_n);
    w.start = gt_mark_tape(w.gt);
    snprintf(w.npy, sizeof w.npy, "%s/%lld.npy", folder, (long long)kilobytes);
    snprintf(w.npz, sizeof w.npz, "%s/%lld.npz", folder, (long long)kilobytes);
    snprintf(w.safetensors, sizeof w.safetensors, "%s/%lld.safetensors", folder,
             (long long)kilobytes);
    return w;
}

int main(int argc, char **argv)
{
    char own[] = "/tmp/bench_files_XXXXXX";
    const char *const folder = argc > 3 ? argv[3] : mkdtemp(own);
    if (!folder) return perror(own), 1;
    world w = make_world(folder, argc > 2 ? atoi(argv[2]) : 64);
    bool found = false;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (argc < 2 ? !rows[i].prepare : strcmp(argv[1], rows[i].name) != 0) continue;
        found = true;
        if (rows[i].prepare) rows[i].prepare(&w);
        bench_row(rows[i].name, rows[i].turn, &w);
    }
    const bool failed = gt_failed(w.gt) || !found;
    if (failed) fprintf(stderr, "%s\n", found ? gt_error_message(w.gt) : "no such row");
    gt_close(w.gt);
    if (argc <= 3) {
        remove(w.npy);
        remove(w.safetensors);
        rmdir(own);
    }
    return failed;
}
