/* Times of a profile, on a graph's nodes. */
#include <stdlib.h>
#include <string.h>

#include "graph/model.h"

enum { NAME = 1024, SHAPES = 8 }; /* inputs whose shapes a profile tells apart */

/* Puts text in front of what begins at `at`; NULL where there is no room before it in `buf`. */
static char *put_before(const char *buf, char *at, const char *word)
{
    const size_t n = strlen(word);
    if (!at || (size_t)(at - buf) < n) return NULL;
    for (size_t k = n; k-- > 0;) *--at = word[k];
    return at;
}

/* "backward net.conv1 ", as GT_BY_CALL has it, written from the end; functions are no part of a
 * path. */
static const char *place_of(const gt_graph *g, const gt_graph_node *n, char buf[NAME])
{
    char *const end = &buf[NAME - 1], *at = end;
    *at = 0;
    for (int i = n->scope; i >= 0; i = g->scope[i].parent) {
        const gt_graph_scope *s = &g->scope[i];
        if (s->kind == GT_SCOPE_FUNCTION || !*s->name) continue;
        at = put_before(buf, at, at == end ? " " : ".");
        at = put_before(buf, at, s->name);
    }
    return n->part == GT_PART_BACKWARD ? put_before(buf, at, "backward ") : at;
}

/* The name of the row that has its calls; "" where it is too long. */
static const char *name_of(const gt_graph *g, const gt_graph_node *n, char name[NAME])
{
    char place[NAME], shape[128];
    const char *at = place_of(g, n, place);
    size_t used = 0;
    if (at) used = (size_t)snprintf(name, NAME, "%s%s", at, n->op->name);
    for (int i = 0; at && i < n->n_in && i < SHAPES && used < NAME; i++)
        used += (size_t)snprintf(name + used, NAME - used, " %s",
                                 gt_shape_format(g->value[n->in[i]].shape, shape, sizeof shape));
    if (at && n->n_in > SHAPES && used < NAME)
        used += (size_t)snprintf(name + used, NAME - used, " and %d more", n->n_in - SHAPES);
    const int first = n->n_in ? n->in[0] : n->out[0];
    if (at && used < NAME)
        used +=
            (size_t)snprintf(name + used, NAME - used, " %s", gt_dtype_name(g->value[first].dtype));
    return at && used < NAME ? name : "";
}

static int by_name(const void *name, const void *row)
{
    return strcmp(name, ((const gt_profile_row *)row)->name);
}

int64_t gt_graph_set_times(gt_graph *g, gt_profile *p)
{
    static const char what[] = "gt_graph_set_times";
    const gt_profile_print_opts by = {.by = GT_BY_CALL, .sort = GT_SORT_NAME};
    char name[NAME];
    int64_t timed = 0;
    if (!g) return gt_fail(NULL, GT_ERR_ARGUMENT, what, "the graph is NULL"), -1;
    const int64_t n = gt_profile_rows_(p, NULL, 0, by);
    if (n < 0) return -1;
    gt_profile_row *rows = malloc(((size_t)n + 1) * sizeof *rows);
    if (!rows) return gt_fail(g->ctx, GT_ERR_MEMORY, what, "out of memory"), -1;
    const bool ok = gt_profile_rows_(p, rows, n, by) == n;
    for (int i = 0; ok && i < g->n_nodes; i++) {
        gt_graph_node *node = gti_model_node((gti_model *)g, i);
        const gt_profile_row *row =
            bsearch(name_of(g, node, name), rows, (size_t)n, sizeof *rows, by_name);
        if (row) node->seconds = row->seconds / (double)row->calls;
        timed += node->seconds > 0;
    }
    free(rows);
    return ok ? timed : -1;
}
