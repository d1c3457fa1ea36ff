/* train.h */
#include "cxx.h"

#include <cmath>
#include <cstdio>

/* program.h */
static void count_epochs(gt_ctx *, void *settings)
{
    ++*static_cast<long *>(settings);
}

static void test_programs(gt_ctx *gt)
{
    long epochs = 0;
    char name[] = "train", option[] = "--epochs=3", *words[] = {name, option, nullptr};
    const int status = gt_program_main(
        2, words, "trains", count_epochs, &epochs,
        GT_PROGRAM_OPTIONS(
            {.name = "--epochs", .value = "N", .help = "how many", .count = &epochs}));
    gt_stop_on_interrupt();
    IS_TRUE(status == 0 && epochs == 4 && gt_goes_on(gt));
    IS_TRUE(gt_make_grid(gt_zeros(gt, GT_SHAPE(3, 1, 2, 2)), .nrow = 2) != nullptr);
}

static void test_metrics(gt_ctx *gt)
{
    gt_tensor *logits = gt_values(gt, GT_SHAPE(2, 3), 1, 2, 3, 3, 2, 1);
    gt_tensor *labels = gt_cast(gt_values(gt, GT_SHAPE(2), 2, 1), GT_I64);
    IS_TRUE(gt_count_labels(labels) == 2);
    IS_TRUE(gt_accuracy(logits, labels) == 0.5 && gt_top_k_accuracy(logits, labels, 2) == 1);
    IS_TRUE(gt_iou(logits, labels, 0) >= 0 && gt_dice(logits, labels, 0) >= 0);
    IS_TRUE(gt_mean_absolute_error(logits, logits) == 0 && gt_r2_score(logits, logits) == 1);
    const gt_metric more[] = {GT_IOU("iou", nullptr), GT_DICE("dice", nullptr), GT_MAE, GT_R2};
    IS_TRUE(more[2].weight);
    gt_tensor *matrix = gt_confusion(logits, labels);
    IS_TRUE(gt_confusion_add(matrix, logits, labels) == GT_OK && gt_get(matrix, 2, 2) == 2);
    IS_TRUE(gt_class_scores(matrix, 2).support == 2);
    IS_TRUE(gt_average_scores(matrix, GT_MICRO).f1 == 0.5);
    IS_TRUE(GT_SCORES_AT(gt_class_scores(matrix, 0)).recall == 0);
}

static void test_histories(gt_ctx *gt, FILE *f)
{
    gt_history *h = GT_HISTORY_AT(gt_history_new(gt));
    IS_TRUE(gt_history_set(h, 1, "loss", 2) == GT_OK && gt_history_set(h, 2, "loss", 1) == GT_OK);
    IS_TRUE(gt_history_write_csv(h, in_folder("h.csv")) == GT_OK);
    IS_TRUE(gt_history_rows(gt_history_read_csv(gt, in_folder("h.csv"))) == 2);
    IS_TRUE(gt_history_write_jsonl(h, in_folder("h.jsonl")) == GT_OK);
    IS_TRUE(gt_history_write_svg(h, in_folder("h.svg"), .columns = GT_NAMES("loss"), .log = true) ==
            GT_OK);
    IS_TRUE(gt_history_plot(h, f, .ascii = true, .width = 40) == GT_OK);
}

static void test_profiles(gt_ctx *gt, FILE *f)
{
    gt_tensor *x = gt_rand(gt, GT_SHAPE(4, 4));
    gt_profile *p = gt_profile_begin(gt, .most_events = 100);
    const gt_span span = gt_span_begin(gt, "span");
    gt_exp(x);
    gt_span_end(gt, span);
    gt_span_add(gt, "line", "span", gt_clock(), gt_clock());
    IS_TRUE(gt_profile_end(p) == GT_OK && gt_profile_seconds(p) > 0);
    gt_profile_row row;
    IS_TRUE(gt_profile_rows(p, &row, 1) == 1 && row.calls == 1);
    IS_TRUE(gt_profile_print(p, f, .by = GT_BY_SHAPE, .sort = GT_SORT_CALLS) == GT_OK);
    IS_TRUE(gt_profile_save_trace(p, in_folder("trace.json")) == GT_OK);
    gt_profile_free(p);
}

static void test_boards(gt_ctx *gt)
{
    gt_tensor *x = gt_rand(gt, GT_SHAPE(4, 4));
    gt_board *b = GT_BOARD_AT(gt_board_open(gt, in_folder("board")));
    IS_TRUE(gt_board_scalar(b, "loss", 0.5, 1) == GT_OK);
    if (gt_board_image(b, "x", x, 1) != GT_OK) HAS_FAILED(gt, GT_ERR_UNSUPPORTED);
    IS_TRUE(gt_board_histogram(b, "x", x, 1) == GT_OK);
    gt_graph *g = gt_module_graph(gt_nn_relu(gt), GT_SHAPE(2, 3));
    IS_TRUE(gt_board_graph(b, g) == GT_OK);
    gt_graph_free(g);
    IS_TRUE(gt_board_flush(b) == GT_OK && gt_board_close(b) == GT_OK);
}

static bool count(const gt_fit_state *, void *user)
{
    ++*static_cast<int *>(user);
    return true;
}

static void test_fit(gt_ctx *gt)
{
    int steps = 0;
    int64_t three = 3;
    double means[2];
    gt_loader *digits = gt_loader_new(gt_generated_digits(gt, 8, .size = 8), 4);
    gt_module *net = gt_nn_sequential(gt, gt_nn_flatten(gt), gt_nn_linear(gt, 64, 10));
    IS_TRUE(gt_fit(net, gt_sgd(net), digits, .epochs = 2,
                   .metrics = GT_METRICS(GT_ACCURACY, GT_TOP_K("top3", &three)),
                   .callbacks = GT_CALLBACKS({.step = count, .user = &steps})));
    IS_TRUE(steps == 4 && gt_fit(net, gt_sgd(net), digits));
    IS_TRUE(gt_evaluate(net, digits, means) == GT_OK && std::isfinite(means[0]));
    const gt_outputs all = gt_predict_loader(net, digits, .inputs = 1);
    IS_TRUE(all.n == 1 && gt_predict(net, gt_zeros_like(all.at[0]), .batch = 2) == nullptr);
    gt_error_clear(gt);
}

/* capture.h */
static gt_tensor *doubled(gt_ctx *, void *user)
{
    return gt_mul_scalar(*static_cast<gt_tensor **>(user), 2);
}

static void test_capture(gt_ctx *gt)
{
    gt_tensor *x = gt_ones(gt, GT_SHAPE(3));
    gt_captured *c = gt_capture(gt, doubled, &x, .inputs = {&x}),
                *plain = gt_capture(gt, doubled, &x);
    IS_TRUE(c && plain);
    x = gt_full(gt, GT_SHAPE(3), 4);
    IS_TRUE(gt_replay(c) == GT_OK && gt_get(gt_captured_result(c), 0) == 8);
    gt_graph *g = gt_captured_graph(c);
    IS_TRUE(g && g->n_nodes == 1 && gt_captured_first(c) && gt_captured_input(c, 0));
    gt_graph_free(g);
    gt_captured_free(c);
}

void test_training(gt_ctx *gt)
{
    FILE *f = tmpfile();
    IS_TRUE(f != nullptr);
    test_programs(gt);
    test_metrics(gt);
    test_histories(gt, f);
    test_profiles(gt, f);
    test_boards(gt);
    test_fit(gt);
    test_capture(gt);
    fclose(f);
}
