/* Nanoseconds of operations, forward with recording off, and forward with the backward pass, at a
 * number of elements. bench/operations.py runs it in turns with PyTorch.
 *
 * Usage: operations [ELEMENTS [f32|f64 [THREADS [NAME...]]]]     all rows of operations.def, or
 * some operations -       a row's name, forward, both and PyTorch's call, for each row The name -
 * reads names from stdin, and answers each at once. The row memcpy is there besides. */
#include <gradtape.h>

#include <stdio.h>
#include <string.h>

#include "bench.h"

enum { MOST = 1000, LEAST = 5, WARM = 2 };

/* What calls work on: x, y, p [rows,256], ten [rows,10], image [n,c,side,side] and sequence [n,c,l]
 * with c channels, each of as many elements; what has no gradient is called by other names. */
typedef struct {
    gt_ctx *gt;
    int64_t size, side;
    gt_tensor *x, *y, *p, *far, *ten, *image, *sequence;
    gt_tensor *row, *beside, *column, *scale, *shift, *slope;
    gt_tensor *target, *chance, *mask, *classes, *digits, *pixels, *mean, *variance;
    gt_mark start;
} world;

#define ROW(name, forward, both, call, pytorch)                                                    \
    static gt_tensor *run_##name(world *w)                                                         \
    {                                                                                              \
        return call;                                                                               \
    }
#include "operations.def"
#undef ROW

typedef struct {
    const char *name;
    double forward, both;
    gt_tensor *(*run)(world *w);
    const char *pytorch;
} row;

static const row rows[] = {
#define ROW(name, forward, both, call, pytorch) {#name, forward, both, run_##name, pytorch},
#include "operations.def"
#undef ROW
};
enum { N_ROWS = sizeof rows / sizeof *rows };

static world make_world(int64_t n, gt_dtype dtype, int threads)
{
    world w = {.gt = gt_open(), .size = n};
    const int64_t m = n / 256, side = n >= 1 << 20 ? 64 : 32, c = side;
    gt_set_threads(w.gt, threads);
    w.side = side;
#define LEAF .dtype = dtype, .requires_grad = true
    w.x = gt_randn(w.gt, GT_SHAPE(m, 256), LEAF);
    w.y = gt_randn(w.gt, GT_SHAPE(m, 256), LEAF);
    w.p = gt_uniform(w.gt, GT_SHAPE(m, 256), 0.1, 0.9, LEAF);
    w.far = gt_uniform(w.gt, GT_SHAPE(m, 256), -1e6, 1e6, LEAF);
    w.ten = gt_randn(w.gt, GT_SHAPE(n / 10, 10), LEAF);
    w.image = gt_randn(w.gt, GT_SHAPE(n / (c * side * side), c, side, side), LEAF);
    w.sequence = gt_randn(w.gt, GT_SHAPE(n / (c * side * side), c, side * side), LEAF);
    w.row = gt_uniform(w.gt, GT_SHAPE(256), 0.5, 1.5, LEAF);
    w.beside = gt_randn(w.gt, GT_SHAPE(256), LEAF);
    w.column = gt_randn(w.gt, GT_SHAPE(m, 1), LEAF);
    w.scale = gt_uniform(w.gt, GT_SHAPE(c), 0.5, 1.5, LEAF);
    w.shift = gt_randn(w.gt, GT_SHAPE(c), LEAF);
    w.slope = gt_full(w.gt, GT_SHAPE(1), 0.25, .dtype = dtype);
    w.target = gt_randn(w.gt, GT_SHAPE(m, 256), .dtype = dtype);
    w.chance = gt_uniform(w.gt, GT_SHAPE(m, 256), 0.1, 0.9, .dtype = dtype);
    w.mask = gt_cast(gt_uniform(w.gt, GT_SHAPE(m, 256), 0, 2), GT_U8);
    w.classes = gt_cast(gt_uniform(w.gt, GT_SHAPE(m), 0, 256), GT_I64);
    w.digits = gt_cast(gt_uniform(w.gt, GT_SHAPE(n / 10), 0, 10), GT_I64);
    w.pixels = gt_cast(gt_uniform(w.gt, GT_SHAPE(n / (c * side * side), side, side), 0, (double)c),
                       GT_I64);
    w.mean = gt_zeros(w.gt, GT_SHAPE(c), .dtype = dtype);
    w.variance = gt_ones(w.gt, GT_SHAPE(c), .dtype = dtype);
    w.start = gt_mark_tape(w.gt);
    return w;
}

/* --- measuring --- */

typedef double turn(world *w, const row *r, gt_tensor *dy);

static double forward(world *w, const row *r, gt_tensor *dy)
{
    (void)dy;
    const bool recording = gt_set_recording(w->gt, false);
    const double begin = bench_now();
    r->run(w);
    const double ns = bench_now() - begin;
    gt_set_recording(w->gt, recording);
    return ns;
}

static double both(world *w, const row *r, gt_tensor *dy)
{
    gt_tensor *const leaves[] = {w->x,        w->y,   w->p,      w->far,    w->ten,   w->image,
                                 w->sequence, w->row, w->beside, w->column, w->scale, w->shift};
    enum { N_LEAVES = sizeof leaves / sizeof *leaves };
    gt_tensor *grads[N_LEAVES];
    const double begin = bench_now();
    gt_tensor *y = r->run(w);
    gt_grad(&y, 1, leaves, N_LEAVES, grads, .upstream = &dy, .allow_unused = true);
    return bench_now() - begin;
}

/* The median of some 30 ms. */
static double measure(world *w, const row *r, turn *take, gt_tensor *dy)
{
    static double ns[MOST];
    const double start = bench_now();
    int n = -WARM;
    const gt_mark mark = gt_mark_tape(w->gt);
    for (; n < MOST && (n < LEAST || bench_now() - start < 3e7); n++) {
        const double once = take(w, r, dy);
        gt_rewind(w->gt, mark);
        if (n >= 0) ns[n] = once;
    }
    return bench_quartile(ns, n, 2);
}

/* The gradient that arrives at a row's result; NULL where none goes on from there. */
static gt_tensor *upstream_of(world *w, const row *r)
{
    gt_tensor *y = r->run(w);
    if (!y || !y->requires_grad) return NULL;
    return gt_randn(w->gt, y->shape, .dtype = y->dtype);
}

static void answer(world *w, const row *r)
{
    gt_tensor *dy = upstream_of(w, r);
    const double alone = measure(w, r, forward, dy);
    printf("%s %.0f %.0f\n", r->name, alone, dy ? measure(w, r, both, dy) : 0);
    fflush(stdout);
    gt_rewind(w->gt, w->start);
}

/* Of x's bytes. */
static void answer_memcpy(world *w)
{
    static double ns[MOST];
    const size_t bytes = (size_t)w->size * gt_dtype_size(w->x->dtype);
    gt_tensor *y = gt_zeros(w->gt, w->x->shape, .dtype = w->x->dtype);
    const double start = bench_now();
    int n = -WARM;
    for (; y && n < MOST && (n < LEAST || bench_now() - start < 3e7); n++) {
        const double begin = bench_now();
        memcpy(y->data, w->x->data, bytes);
        if (n >= 0) ns[n] = bench_now() - begin;
    }
    printf("memcpy %.0f 0\n", bench_quartile(ns, n, 2));
    fflush(stdout);
    gt_rewind(w->gt, w->start);
}

/* False where there is no such row. */
static bool answer_name(world *w, const char *name)
{
    if (strcmp(name, "memcpy") == 0) {
        answer_memcpy(w);
        return true;
    }
    for (int i = 0; i < N_ROWS; i++)
        if (strcmp(name, rows[i].name) == 0) {
            answer(w, &rows[i]);
            return true;
        }
    fprintf(stderr, "no row %s\n", name);
    return false;
}

static bool answer_stdin(world *w)
{
    char name[64];
    bool known = true;
    while (known && scanf("%63s", name) == 1) known = answer_name(w, name);
    return known;
}

static bool answer_all(world *w)
{
    answer_memcpy(w);
    for (int i = 0; i < N_ROWS; i++) answer(w, &rows[i]);
    return true;
}

static int list_rows(void)
{
    for (int i = 0; i < N_ROWS; i++)
        printf("%s\t%g\t%g\t%s\n", rows[i].name, rows[i].forward, rows[i].both, rows[i].pytorch);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "-") == 0) return list_rows();
    const int64_t n = argc > 1 ? strtoll(argv[1], NULL, 10) : 1 << 16;
    if (n < 1 << 16 || n % (1 << 16) != 0) {
        fprintf(stderr, "usage: %s [ELEMENTS [f32|f64 [THREADS [NAME...]]]], of 65536 k elements\n",
                argv[0]);
        return 1;
    }
    const gt_dtype dtype = argc > 2 && strcmp(argv[2], "f64") == 0 ? GT_F64 : GT_F32;
    world w = make_world(n, dtype, argc > 3 ? atoi(argv[3]) : 1);
    bool fine = argc > 4 || answer_all(&w);
    for (int i = 4; fine && i < argc; i++)
        fine = strcmp(argv[i], "-") == 0 ? answer_stdin(&w) : answer_name(&w, argv[i]);
    if (gt_failed(w.gt)) fprintf(stderr, "%s\n", gt_error_message(w.gt));
    fine = fine && !gt_failed(w.gt);
    gt_close(w.gt);
    return !fine;
}
