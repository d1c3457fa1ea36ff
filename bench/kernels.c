/* What each level of the kernels gains over the plain one, on one thread: how many times as fast
 * operations are, forward, at 64k elements or as many as the first argument says. The program runs
 * itself at each level, several times in turn, since machines are noisy; the best time of each
 * counts. */
#define _POSIX_C_SOURCE 200809L
#include <gradtape.h>

#include <stdio.h>
#include <string.h>

#include "bench.h"

enum { ROUNDS = 5, RUNS = 15, NAME = 32, MOST_ROWS = 96 };

/* What an operation is run on: x, y and positive p [rows, columns], their classes, one column. */
typedef struct {
    gt_ctx *gt;
    gt_tensor *x, *y, *p, *classes, *column, *weight;
    gt_module *net; /* with weights of x's shape */
    gt_optimizer *sgd, *momentum, *adam;
} world;

#define ROW(name, call)                                                                            \
    static void run_##name(world *w)                                                               \
    {                                                                                              \
        call;                                                                                      \
    }
#define ROWS(X)                                                                                    \
    X(exp, gt_exp(w->x))                                                                           \
    X(expm1, gt_expm1(w->x))                                                                       \
    X(log, gt_log(w->p))                                                                           \
    X(log1p, gt_log1p(w->p))                                                                       \
    X(tanh, gt_tanh(w->x))                                                                         \
    X(sigmoid, gt_sigmoid(w->x))                                                                   \
    X(erf, gt_erf(w->x))                                                                           \
    X(gelu, gt_gelu(w->x))                                                                         \
    X(gelu_tanh, gt_gelu(w->x, .tanh_approximation = true))                                        \
    X(silu, gt_silu(w->x))                                                                         \
    X(mish, gt_mish(w->x))                                                                         \
    X(softplus, gt_softplus(w->x))                                                                 \
    X(elu, gt_elu(w->x))                                                                           \
    X(selu, gt_selu(w->x))                                                                         \
    X(relu, gt_relu(w->x))                                                                         \
    X(leaky_relu, gt_leaky_relu(w->x))                                                             \
    X(hardswish, gt_hardswish(w->x))                                                               \
    X(clamp, gt_clamp(w->x, -1, 1))                                                                \
    X(sin, gt_sin(w->x))                                                                           \
    X(cos, gt_cos(w->x))                                                                           \
    X(sqrt, gt_sqrt(w->p))                                                                         \
    X(rsqrt, gt_rsqrt(w->p))                                                                       \
    X(reciprocal, gt_reciprocal(w->p))                                                             \
    X(pow_scalar, gt_pow_scalar(w->p, 2.5))                                                        \
    X(abs, gt_abs(w->x))                                                                           \
    X(square, gt_square(w->x))                                                                     \
    X(add, gt_add(w->x, w->y))                                                                     \
    X(mul, gt_mul(w->x, w->y))                                                                     \
    X(div, gt_div(w->x, w->p))                                                                     \
    X(maximum, gt_maximum(w->x, w->y))                                                             \
    X(pow, gt_pow(w->p, w->y))                                                                     \
    X(add_scalar, gt_add_scalar(w->x, 2))                                                          \
    X(add_row, gt_add(w->x, w->weight))                                                            \
    X(sum, gt_sum(w->x))                                                                           \
    X(sum_rows, gt_sum(w->x, .axes = GT_AXES(1)))                                                  \
    X(sum_columns, gt_sum(w->x, .axes = GT_AXES(0)))                                               \
    X(amax, gt_amax(w->x))                                                                         \
    X(amax_rows, gt_amax(w->x, .axes = GT_AXES(1)))                                                \
    X(amax_columns, gt_amax(w->x, .axes = GT_AXES(0)))                                             \
    X(argmax_rows, gt_argmax(w->x, 1))                                                             \
    X(var_rows, gt_var(w->x, .axes = GT_AXES(1)))                                                  \
    X(norm, gt_norm(w->x))                                                                         \
    X(cumsum, gt_cumsum(w->x, 1))                                                                  \
    X(softmax, gt_softmax(w->x, 1))                                                                \
    X(softmax_columns, gt_softmax(w->x, 0))                                                        \
    X(log_softmax, gt_log_softmax(w->x, 1))                                                        \
    X(logsumexp, gt_logsumexp(w->x, .axes = GT_AXES(1)))                                           \
    X(cross_entropy, gt_cross_entropy(w->x, w->classes))                                           \
    X(mse_loss, gt_mse_loss(w->x, w->y))                                                           \
    X(bce_logits, gt_binary_cross_entropy_with_logits(w->x, w->p))                                 \
    X(layer_norm, gt_layer_norm(w->x, 1, .weight = w->weight))                                     \
    X(batch_norm, gt_batch_norm(w->x, NULL, NULL, .training = true))                               \
    X(max_pool, gt_max_pool2d(gt_reshape(w->x, GT_SHAPE(1, 1, -1, 256)), .kernel = {2}))           \
    X(avg_pool, gt_avg_pool2d(gt_reshape(w->x, GT_SHAPE(1, 1, -1, 256)), .kernel = {2}))           \
    X(sgd_step, gt_optimizer_step(w->sgd))                                                         \
    X(momentum_step, gt_optimizer_step(w->momentum))                                               \
    X(adam_step, gt_optimizer_step(w->adam))                                                       \
    X(dropout, gt_dropout(w->x, 0.5))                                                              \
    X(matmul, gt_matmul(gt_reshape(w->x, GT_SHAPE(-1, 256)), gt_reshape(w->y, GT_SHAPE(256, -1))))
ROWS(ROW)

static const struct {
    const char *name;
    void (*run)(world *w);
} rows[] = {
#define NAMED(name, call) {#name, run_##name},
    ROWS(NAMED)};
enum { N_ROWS = sizeof rows / sizeof *rows };

static world make_world(int64_t n)
{
    world w = {.gt = gt_open()};
    gt_set_threads(w.gt, 1);
    const gt_shape shape = GT_SHAPE(n / 256, 256);
    w.x = gt_randn(w.gt, shape);
    w.y = gt_randn(w.gt, shape);
    w.p = gt_uniform(w.gt, shape, 0.1, 0.9);
    w.weight = gt_ones(w.gt, GT_SHAPE(256));
    w.classes = gt_zeros(w.gt, GT_SHAPE(n / 256), .dtype = GT_I64);
    w.net = gt_nn_linear(w.gt, 256, n / 256, .no_bias = true);
    w.sgd = gt_sgd(w.net, .lr = 1e-3);
    w.momentum = gt_sgd(w.net, .lr = 1e-3, .momentum = 0.9);
    w.adam = gt_adam(w.net, .lr = 1e-3);
    gt_backward(gt_sum(gt_forward(w.net, w.y)));
    return w;
}

static double measure(world *w, void (*run)(world *w))
{
    double best = 0;
    const gt_mark start = gt_mark_tape(w->gt);
    for (int i = -2; i < RUNS; i++) {
        const double begin = bench_now();
        run(w);
        const double ns = bench_now() - begin;
        gt_rewind(w->gt, start);
        if (i >= 0 && (best == 0 || ns < best)) best = ns;
    }
    return best;
}

/* In a process of its own: a line for each row. */
static int measure_all(int64_t n)
{
    world w = make_world(n);
    for (int i = 0; i < N_ROWS; i++) printf("%s %.1f\n", rows[i].name, measure(&w, rows[i].run));
    const bool failed = gt_failed(w.gt);
    if (failed) fprintf(stderr, "%s\n", gt_error_message(w.gt));
    gt_close(w.gt);
    return failed;
}

/* Lowers best to what the program measures at a level; false where there is none such. */
static bool take_turn(const char *self, const char *level, const char *n, double best[N_ROWS])
{
    char command[512], name[NAME];
    double ns;
    snprintf(command, sizeof command, "GRADTAPE_ERRORS=quiet GRADTAPE_CPU=%s '%s' %s measure",
             level, self, n);
    FILE *f = popen(command, "r");
    for (int i = 0; f && i < N_ROWS && fscanf(f, "%31s %lf", name, &ns) == 2; i++)
        if (best[i] == 0 || ns < best[i]) best[i] = ns;
    return f && pclose(f) == 0;
}

int main(int argc, char **argv)
{
    static const char *const levels[] = {"plain", "v3", "v4"};
    enum { N_LEVELS = sizeof levels / sizeof *levels };
    static double best[N_LEVELS][N_ROWS];
    const char *const n = argc > 1 ? argv[1] : "65536";
    if (argc > 2) return measure_all(strtoll(n, NULL, 10));
    for (int round = 0; round < ROUNDS; round++)
        for (int l = 0; l < N_LEVELS; l++)
            if (!take_turn(argv[0], levels[l], n, best[l])) best[l][0] = -1;
    printf("%-16s %12s", "times as fast", "plain, ns");
    for (int l = 1; l < N_LEVELS; l++) printf(" %7s", levels[l]);
    for (int i = 0; i < N_ROWS; i++) {
        printf("\n%-16s %12.0f", rows[i].name, best[0][i]);
        for (int l = 1; l < N_LEVELS; l++)
            printf(" %7.2f", best[l][0] < 0 ? 0 : best[0][i] / best[l][i]);
    }
    printf("\n");
    return 0;
}
