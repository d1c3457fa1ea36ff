/* Operations, forward with recording off (NAME), and forward with the backward pass (NAME_both), at
 * a number of elements. bench/operations.py runs it in turns with PyTorch.
 *
 * Usage: operations [ELEMENTS [f32|f64 [NAME...]]]     all rows of operations.def, or some
 *        operations list       a row's name, forward, both and PyTorch's call, for each row
 * The name - reads names from stdin, and answers each at once. */
#include <gradtape.h>

#include "bench.h"

/* What calls work on: x, y, p [rows,256], ten [rows,10], image [n,c,side,side] and sequence [n,c,l]
 * with c channels, table [1024,64], each but the last of as many elements; what has no gradient is
 * called by other names. */
typedef struct row row;
typedef struct {
    gt_ctx *gt;
    int64_t size, side;
    gt_tensor *x, *y, *p, *far, *ten, *image, *sequence, *table;
    gt_tensor *row, *beside, *column, *scale, *shift, *slope;
    gt_tensor *target, *chance, *mask, *classes, *digits, *pixels, *mean, *variance;
    gt_tensor *some, *order, *places, *words;
    gt_mark start;
    const row *asked; /* that is measured, and the gradient that arrives at its result */
    gt_tensor *dy;
} world;

#define ROW(name, forward, both, call, pytorch)                                                    \
    static gt_tensor *run_##name(world *w)                                                         \
    {                                                                                              \
        return call;                                                                               \
    }
#include "operations.def"
#undef ROW

struct row {
    const char *name, *both_name;
    double forward, both;
    gt_tensor *(*run)(world *w);
    const char *pytorch;
};

static const row rows[] = {
#define ROW(name, forward, both, call, pytorch)                                                    \
    {#name, #name "_both", forward, both, run_##name, pytorch},
#include "operations.def"
#undef ROW
};
enum { N_ROWS = sizeof rows / sizeof *rows };

static world make_world(int64_t n, gt_dtype dtype)
{
    world w = {.gt = gt_open(), .size = n};
    const int64_t m = n / 256, side = n >= 1 << 20 ? 64 : 32, c = side;
    w.side = side;
#define LEAF .dtype = dtype, .requires_grad = true
    w.x = gt_randn(w.gt, GT_SHAPE(m, 256), LEAF);
    w.y = gt_randn(w.gt, GT_SHAPE(m, 256), LEAF);
    w.p = gt_uniform(w.gt, GT_SHAPE(m, 256), 0.1, 0.9, LEAF);
    w.far = gt_uniform(w.gt, GT_SHAPE(m, 256), -1e6, 1e6, LEAF);
    w.ten = gt_randn(w.gt, GT_SHAPE(n / 10, 10), LEAF);
    w.image = gt_randn(w.gt, GT_SHAPE(n / (c * side * side), c, side, side), LEAF);
    w.sequence = gt_randn(w.gt, GT_SHAPE(n / (c * side * side), c, side * side), LEAF);
    w.table = gt_randn(w.gt, GT_SHAPE(1024, 64), LEAF);
    w.row = gt_uniform(w.gt, GT_SHAPE(256), 0.5, 1.5, LEAF);
    w.beside = gt_randn(w.gt, GT_SHAPE(256), LEAF);
    w.column = gt_randn(w.gt, GT_SHAPE(m, 1), LEAF);
    w.scale = gt_uniform(w.gt, GT_SHAPE(c), 0.5, 1.5, LEAF);
    w.shift = gt_randn(w.gt, GT_SHAPE(c), LEAF);
    w.slope = gt_full(w.gt, GT_SHAPE(1), 0.25, LEAF);
    w.target = gt_randn(w.gt, GT_SHAPE(m, 256), .dtype = dtype);
    w.chance = gt_uniform(w.gt, GT_SHAPE(m, 256), 0.1, 0.9, .dtype = dtype);
    w.mask = gt_cast(gt_uniform(w.gt, GT_SHAPE(m, 256), 0, 2), GT_U8);
    w.classes = gt_cast(gt_uniform(w.gt, GT_SHAPE(m), 0, 256), GT_I64);
    w.digits = gt_cast(gt_uniform(w.gt, GT_SHAPE(n / 10), 0, 10), GT_I64);
    w.pixels = gt_cast(gt_uniform(w.gt, GT_SHAPE(n / (c * side * side), side, side), 0, (double)c),
                       GT_I64);
    w.mean = gt_zeros(w.gt, GT_SHAPE(c), .dtype = dtype);
    w.variance = gt_ones(w.gt, GT_SHAPE(c), .dtype = dtype);
    w.some = gt_randint(w.gt, 0, m, GT_SHAPE(m));
    w.order = gt_randperm(w.gt, 256);
    w.places = gt_randint(w.gt, 0, 256, GT_SHAPE(m, 256));
    w.words = gt_randint(w.gt, 0, 1024, GT_SHAPE(n / 64));
    w.start = gt_mark_tape(w.gt);
    return w;
}

/* --- measuring --- */

static void forward(void *work)
{
    world *w = work;
    const gt_mark mark = gt_mark_tape(w->gt);
    w->asked->run(w);
    gt_rewind(w->gt, mark);
}

static void both(void *work)
{
    world *w = work;
    const gt_mark mark = gt_mark_tape(w->gt);
    gt_backward(w->asked->run(w), .upstream = w->dy);
    gt_rewind(w->gt, mark);
}

static void measure_forward(world *w)
{
    const bool recording = gt_set_recording(w->gt, false);
    bench_row(w->asked->name, forward, w);
    gt_set_recording(w->gt, recording);
}

/* Where no gradient goes on from the result there is nothing to measure: a line with 0. */
static void measure_both(world *w)
{
    gt_tensor *const y = w->asked->run(w);
    if (y && y->requires_grad) {
        w->dy = gt_randn(w->gt, y->shape, .dtype = y->dtype);
        bench_row(w->asked->both_name, both, w);
    } else bench_print(w->asked->both_name, &(double){0}, 1);
    gt_rewind(w->gt, w->start);
}

static bool answer(void *work, const char *name)
{
    world *w = work;
    for (int i = 0; i < N_ROWS; i++) {
        w->asked = &rows[i];
        if (strcmp(name, rows[i].name) == 0) return measure_forward(w), true;
        if (strcmp(name, rows[i].both_name) == 0) return measure_both(w), true;
    }
    return false;
}

static int list_rows(void)
{
    for (int i = 0; i < N_ROWS; i++)
        printf("%s\t%g\t%g\t%s\n", rows[i].name, rows[i].forward, rows[i].both, rows[i].pytorch);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "list") == 0) return list_rows();
    const int64_t n = argc > 1 ? strtoll(argv[1], NULL, 10) : 1 << 16;
    if (n < 1 << 16 || n % (1 << 16) != 0) {
        fprintf(stderr, "usage: %s [ELEMENTS [f32|f64 [NAME...]]], of 65536 k elements\n", argv[0]);
        return 1;
    }
    world w = make_world(n, argc > 2 && strcmp(argv[2], "f64") == 0 ? GT_F64 : GT_F32);
    bool fine = true;
    for (int i = 0; argc < 4 && i < N_ROWS; i++)
        answer(&w, rows[i].name), answer(&w, rows[i].both_name);
    for (int i = 3; fine && i < argc; i++) fine = bench_answer(argv[i], answer, &w);
    if (gt_failed(w.gt)) fprintf(stderr, "%s\n", gt_error_message(w.gt));
    fine = fine && !gt_failed(w.gt);
    gt_close(w.gt);
    return !fine;
}
