/* What the tests of pictures share; include behind cmocka.h. */
#ifndef GT_TESTS_GRAPH_SUPPORT_H
#define GT_TESTS_GRAPH_SUPPORT_H

#include <gradtape.h>
#include <stdlib.h>
#include <string.h>

#include "program.h"

/* All that is in f, to be freed; closes it. */
static inline char *read_all(FILE *f)
{
    size_t size = 1 << 16, n = 0, got = 0;
    char *text = malloc(size);
    assert_non_null(text);
    rewind(f);
    while ((got = fread(text + n, 1, size - n - 1, f)) > 0) {
        n += got;
        if (n + 1 == size) text = realloc(text, size *= 2);
        assert_non_null(text);
    }
    text[n] = '\0';
    fclose(f);
    return text;
}

/* The text of the graph of t, or with NULL of gt's whole tape; to be freed. */
static inline char *dot_of(gt_ctx *gt, const gt_tensor *t)
{
    FILE *f = tmpfile();
    assert_non_null(f);
    gt_status status = t ? gt_graph_write_dot(t, f) : gt_tape_write_dot(gt, f);
    if (status) print_error("%s\n", gt_error_message(gt));
    assert_int_equal(status, GT_OK);
    return read_all(f);
}

static inline int count(const char *text, const char *part)
{
    int n = 0;
    size_t length = strlen(part);
    for (; *text; text++) n += *text == *part && strncmp(text, part, length) == 0;
    return n;
}

/* loss = sum((w x)^2), w a parameter. */
static inline gt_tensor *small_loss(gt_ctx *gt, gt_tensor **w)
{
    gt_tensor *x = gt_set_name(gt_ones(gt, GT_SHAPE(2, 3)), "x");
    *w = gt_set_name(gt_ones(gt, GT_SHAPE(2, 3), .requires_grad = true), "w");
    return gt_sum(gt_square(gt_mul(*w, x)));
}

#endif
