/* Matrix products of all forms. bench/products.py runs it in turns with PyTorch.
 *
 * Usage: products [f32|f64 [NAME...]]    NAME: BATCHES,M,N,K,FORM,B
 * FORM says for each operand whether it is transposed (NN, NT, TN, TT); B is 1 where every batch
 * has a matrix b of its own, 0 where one serves all. The name - reads names from stdin. */
#include <gradtape.h>

#include "bench.h"

typedef struct {
    gt_ctx *gt;
    gt_dtype dtype;
    gt_tensor *a, *b;
    gt_matmul_opts opts;
} world;

static void turn(void *work)
{
    world *w = work;
    const gt_mark mark = gt_mark_tape(w->gt);
    gt_matmul_(w->a, w->b, w->opts);
    gt_rewind(w->gt, mark);
}

static gt_tensor *operand(const world *w, int64_t batches, bool transposed, int64_t rows,
                          int64_t columns)
{
    const gt_shape one = transposed ? GT_SHAPE(columns, rows) : GT_SHAPE(rows, columns);
    const gt_shape all = GT_SHAPE(batches, one.dim[0], one.dim[1]);
    return gt_randn(w->gt, batches > 1 ? all : one, .dtype = w->dtype);
}

static bool answer(void *work, const char *name)
{
    world *w = work;
    int batches, m, n, k, own;
    char form[3];
    if (sscanf(name, "%d,%d,%d,%d,%2[NT],%d", &batches, &m, &n, &k, form, &own) != 6) return false;
    const gt_mark mark = gt_mark_tape(w->gt);
    w->opts = (gt_matmul_opts){.transpose_a = form[0] == 'T', .transpose_b = form[1] == 'T'};
    w->a = operand(w, batches, w->opts.transpose_a, m, k);
    w->b = operand(w, own ? batches : 1, w->opts.transpose_b, k, n);
    bench_row(name, turn, w);
    gt_rewind(w->gt, mark);
    return !gt_failed(w->gt);
}

int main(int argc, char **argv)
{
    static const char *const usual[] = {"1,64,64,64,NN,0", "4,8,8,8,TT,1", "4,100,3,50,NT,0"};
    const bool f64 = argc > 1 && strcmp(argv[1], "f64") == 0;
    if (argc > 1 && !f64 && strcmp(argv[1], "f32") != 0) {
        fprintf(stderr, "usage: %s [f32|f64 [BATCHES,M,N,K,FORM,B...]]\n", argv[0]);
        return 1;
    }
    world w = {.gt = gt_open(), .dtype = f64 ? GT_F64 : GT_F32};
    gt_set_recording(w.gt, false);
    bool fine = true;
    for (size_t i = 0; argc < 3 && i < sizeof usual / sizeof *usual; i++) answer(&w, usual[i]);
    for (int i = 2; fine && i < argc; i++) fine = bench_answer(argv[i], answer, &w);
    if (gt_failed(w.gt)) fprintf(stderr, "%s\n", gt_error_message(w.gt));
    gt_close(w.gt);
    return !fine;
}
