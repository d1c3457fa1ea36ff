/* Pictures of the tape: the text for dot. */
#define _POSIX_C_SOURCE 200809L
#include <gradtape.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "graph/map.h"
#include "graph_support.h"

/* --- the text --- */

static void shows_what_leads_to_a_tensor(void **state)
{
    (void)state;
    gt_tensor *w;
    gt_ctx *gt = gt_open();
    gt_tensor *loss = small_loss(gt, &w);
    gt_neg(loss);
    char *text = dot_of(gt, loss);
    assert_has(text,
               "t0 [style=filled color=\"#d97706\" fillcolor=\"#fef3c7\" label=<<b>w</b><br/>");
    assert_has(text,
               "t1 [style=filled color=\"#64748b\" fillcolor=\"#f1f5f9\" label=<<b>x</b><br/>");
    assert_has(
        text,
        "n0 [label=<<b>mul</b><br/><font point-size=\"10\" color=\"#475569\">[2,3] f32</font>>");
    assert_has(
        text,
        "n2 [label=<<b>sum</b><br/><font point-size=\"10\" color=\"#475569\">scalar f32</font>>"
        " color=\"#dc2626\" penwidth=2.5 tooltip=\"graph_support.h:");
    assert_has(text, "  t0 -> n0\n  t1 -> n0\n  n0 -> n1\n  n1 -> n2\n}\n");
    assert_null(strstr(text, "neg"));
    free(text);
    text = dot_of(gt, NULL);
    assert_has(text, "  n2 -> n3\n}\n");
    assert_null(strstr(text, "penwidth"));
    free(text);
    gt_close(gt);
}

static void shows_a_leaf_and_an_empty_tape(void **state)
{
    (void)state;
    gt_ctx *gt = gt_open();
    char *text = dot_of(gt, NULL);
    assert_has(text, "the tape is empty");
    free(text);
    text = dot_of(gt, gt_ones(gt, GT_SHAPE(2)));
    assert_has(text, "t0 [style=filled");
    assert_has(text, "<i>constant</i>");
    assert_has(text, "penwidth");
    free(text);
    gt_close(gt);
}

static void says_what_is_changed_in_place(void **state)
{
    (void)state;
    gt_ctx *gt = gt_open();
    gt_tensor *changed = gt_ones(gt, GT_SHAPE(2)), *read = gt_ones(gt, GT_SHAPE(2));
    gt_set_recording_all(gt, true);
    gt_fill(changed, 3);
    gt_neg(read);
    char *text = dot_of(gt, NULL);
    assert_has(text, "<i>state</i> y<br/>");
    assert_has(text, "<i>constant</i> x<br/>");
    free(text);
    gt_close(gt);
}

static void is_the_same_in_every_step(void **state)
{
    (void)state;
    char *text[3];
    gt_ctx *gt = gt_open(), *other = gt_open();
    gt_tensor *w;
    gt_mark start = gt_mark_tape(gt);
    for (int i = 0; i < 3; i++) {
        gt_ctx *here = i < 2 ? gt : other;
        if (i == 1) gt_rewind(gt, start);
        gt_tensor *loss = small_loss(here, &w);
        assert_int_equal(gt_backward(loss, .create_graph = true), GT_OK);
        text[i] = dot_of(here, NULL);
    }
    assert_string_equal(text[0], text[1]);
    assert_string_equal(text[0], text[2]);
    for (int i = 0; i < 3; i++) free(text[i]);
    gt_close(gt);
    gt_close(other);
}

static void shows_the_backward_pass(void **state)
{
    (void)state;
    gt_tensor *w;
    gt_ctx *gt = gt_open();
    gt_tensor *loss = small_loss(gt, &w);
    assert_int_equal(gt_backward(loss, .create_graph = true), GT_OK);
    char *text = dot_of(gt, NULL);
    assert_has(text, "subgraph cluster_backward1 {");
    assert_has(text, "<b>square_grad</b>");
    assert_has(text, " [dir=back color=");
    assert_has(text, "-> t0 [constraint=false style=dashed color=\"#d97706\" label=\"grad\"");
    free(text);
    text = dot_of(gt, w->grad);
    assert_has(text, "square_grad");
    assert_null(strstr(text, "<b>sum</b>"));
    free(text);
    gt_close(gt);
}

/* What is not the default, and of calls too. */
static void attributes_stand_below_names(void **state)
{
    (void)state;
    gt_ctx *gt = gt_open();
    gt_tensor *x = gt_ones(gt, GT_SHAPE(1, 2, 4, 4), .requires_grad = true);
    gt_tensor *y = gt_avg_pool2d(gt_elu(x), .kernel = {2}, .ceil_mode = true);
    gt_tensor *target = gt_zeros(gt, GT_SHAPE(1, 2, 2), .dtype = GT_I64);
    gt_cross_entropy(y, target, .label_smoothing = 0.25);
    char *text = dot_of(gt, NULL);
    assert_has(text, "<b>elu</b><br/><font point-size=\"10\" color");
    assert_has(text, "<b>avg_pool2d</b><br/><font point-size=\"10\">kernel={2, 2}, ceil_mode=true"
                     "</font><br/>");
    assert_has(text,
               "<b>cross_entropy</b><br/><font point-size=\"10\">label_smoothing=0.25</font>");
    free(text);
    gt_close(gt);
}

static void modules_are_clusters(void **state)
{
    (void)state;
    static const gt_scope root = {.name = ""}, net = {.name = "net", .parent = &root},
                          a = {.name = "a", .parent = &net}, b = {.name = "b", .parent = &net};
    gt_ctx *gt = gt_open();
    gt_tensor *w = gt_set_name(gt_ones(gt, GT_SHAPE(2), .requires_grad = true), "weight");
    gt_set_owner(w, &a);
    gt_tensor *y = w;
    static const gt_scope *const walk[] = {&root, &a, &b, &a, NULL};
    for (size_t i = 0; i < sizeof walk / sizeof *walk; i++) {
        gt_set_scope(gt, walk[i]);
        y = gt_neg(y);
    }
    char *text = dot_of(gt, y);
    assert_has(text, "<b>net.a.weight</b>");
    assert_int_equal(count(text, "label=<net>"), 1);
    assert_int_equal(count(text, "label=<a>"), 2); /* twice: it is called again, after b */
    assert_int_equal(count(text, "label=<b>]"), 1);
    assert_int_equal(count(text, "{"), count(text, "}"));
    free(text);
    gt_close(gt);
}

static void long_tapes_are_fine(void **state)
{
    (void)state;
    enum { NODES = 20000 };
    gt_ctx *gt = gt_open();
    gt_tensor *x = gt_ones(gt, GT_SHAPE(1), .requires_grad = true);
    for (int i = 0; i < NODES; i++) x = gt_neg(x);
    char *text = dot_of(gt, x);
    assert_int_equal(count(text, "<b>neg</b>"), NODES);
    assert_int_equal(count(text, " -> n"), NODES);
    free(text);
    gt_close(gt);
}

/* Shared subexpressions are written once: with n of them there are 2^n paths to the first. */
static void shared_results_are_drawn_once(void **state)
{
    (void)state;
    gt_ctx *gt = gt_open();
    gt_tensor *x = gt_ones(gt, GT_SHAPE(1), .requires_grad = true);
    for (int i = 0; i < 100; i++) x = gt_add(x, x);
    char *text = dot_of(gt, x);
    assert_int_equal(count(text, "<b>add</b>"), 100);
    assert_int_equal(count(text, " -> n"), 200);
    free(text);
    gt_close(gt);
}

static void maps_number_in_order(void **state)
{
    (void)state;
    enum { KEYS = 100000 };
    static char block[KEYS];
    gti_map map = {0};
    assert_int_equal(gti_map_find(&map, block), GTI_NOT_IN_MAP);
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < KEYS; i++) assert_true(gti_map_add(&map, &block[i]));
    assert_int_equal(map.count, KEYS);
    for (uint32_t i = 0; i < KEYS; i++) assert_int_equal(gti_map_find(&map, &block[i]), i);
    assert_int_equal(gti_map_find(&map, &map), GTI_NOT_IN_MAP);
    gti_map_free(&map);
}

static void refuses_bad_arguments(void **state)
{
    (void)state;
    gt_ctx *gt = gt_open();
    gt_mark start = gt_mark_tape(gt);
    gt_tensor *w, *loss = small_loss(gt, &w);
    assert_int_equal(gt_graph_write_dot(NULL, stdout), GT_ERR_ARGUMENT);
    assert_has(gt_error_message(NULL), "gt_graph_write_dot");
    assert_int_equal(gt_tape_write_dot(NULL, stdout), GT_ERR_ARGUMENT);
    assert_int_equal(gt_graph_render(NULL, "a.svg"), GT_ERR_ARGUMENT);
    assert_int_equal(gt_tape_render(NULL, "a.svg"), GT_ERR_ARGUMENT);
    gt_error_clear(NULL);
    assert_int_equal(gt_graph_write_dot(loss, NULL), GT_ERR_ARGUMENT);
    assert_has(gt_error_message(gt), "the file is NULL");
    assert_int_equal(gt_graph_write_dot(loss, stdout), GT_ERR_ARGUMENT); /* errors are sticky */
    gt_error_clear(gt);
    assert_int_equal(gt_tape_render(gt, NULL), GT_ERR_ARGUMENT);
    gt_error_clear(gt);
    FILE *full = fopen("/dev/full", "w");
    if (full) {
        assert_int_equal(gt_tape_write_dot(gt, full), GT_ERR_IO);
        assert_has(gt_error_message(gt), "the text cannot be written: No space left");
        gt_error_clear(gt);
        fclose(full);
    }
    gt_rewind(gt, start);
    assert_int_equal(gt_graph_write_dot(loss, stdout), GT_ERR_STATE);
    assert_has(gt_error_message(gt), "the tensor was dropped by gt_rewind");
    gt_close(gt);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shows_what_leads_to_a_tensor),
        cmocka_unit_test(shows_a_leaf_and_an_empty_tape),
        cmocka_unit_test(says_what_is_changed_in_place),
        cmocka_unit_test(is_the_same_in_every_step),
        cmocka_unit_test(shows_the_backward_pass),
        cmocka_unit_test(attributes_stand_below_names),
        cmocka_unit_test(modules_are_clusters),
        cmocka_unit_test(long_tapes_are_fine),
        cmocka_unit_test(shared_results_are_drawn_once),
        cmocka_unit_test(maps_number_in_order),
        cmocka_unit_test(refuses_bad_arguments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
