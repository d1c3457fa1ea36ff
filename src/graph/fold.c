/* Runs of like blocks: layers or frames that follow from each other and are made alike. */
#include <string.h>

#include "graph/view.h"

enum {
    LEAST_SAME = 2, /* blocks that are the same in every number, to be drawn as one */
    LEAST_LIKE = 4, /* and of such that differ in numbers */
};

/* Rows `first` to `last`, a layer or a frame. */
typedef struct {
    int first, last, frame; /* frame -1: a layer */
} item;

/* The item among those of `frame` that begins with the row. */
static item item_at(const gti_view *v, int frame, int row)
{
    item it = {row, row, -1};
    for (int f = v->row[row].frame; f != frame; f = v->frame[f].parent) it.frame = f;
    if (it.frame >= 0) it.last = v->frame[it.frame].last;
    return it;
}

/* --- likeness --- */

/* Where a value comes from, for a block whose nodes begin with `first`: which node of the block;
 * -1 from outside; -2: it is a module's. */
static int origin(const gt_graph *g, int value, int first)
{
    const gt_graph_value *v = &g->value[value];
    const bool own = v->kind == GT_VALUE_PARAMETER || v->kind == GT_VALUE_BUFFER;
    return own ? -2 : v->node < first ? -1 : v->node - first;
}

static bool same_values(const gt_graph *g, int a, int b, bool same)
{
    const gt_shape *x = &g->value[a].shape, *y = &g->value[b].shape;
    return same ? gt_same_dims(x, y) : x->ndim == y->ndim;
}

static bool like_nodes(const gt_graph *g, int a, int b, int first_a, int first_b, bool same)
{
    const gt_graph_node *x = &g->node[a], *y = &g->node[b];
    char p[256] = "", q[256] = "";
    if (x->op != y->op || x->n_in != y->n_in) return false;
    for (int k = 0; k < x->n_in; k++)
        if (origin(g, x->in[k], first_a) != origin(g, y->in[k], first_b) ||
            !same_values(g, x->in[k], y->in[k], same))
            return false;
    for (int k = 0; k < x->n_out; k++)
        if (!same_values(g, x->out[k], y->out[k], same)) return false;
    if (!same || !x->opts) return true;
    return !strcmp(gt_attrs_format(&x->op->attrs, x->opts, p, sizeof p),
                   gt_attrs_format(&y->op->attrs, y->opts, q, sizeof q));
}

/* Of layers also their types. */
static bool like_rows(const gti_view *v, const gti_row *a, const gti_row *b)
{
    if ((a->scope < 0) != (b->scope < 0)) return false;
    return a->scope < 0 || !strcmp(v->g->scope[a->scope].type, v->g->scope[b->scope].type);
}

static bool like(const gti_view *v, item a, item b, bool same)
{
    const gt_graph *g = v->g;
    const int x = v->row[a.first].first, y = v->row[b.first].first;
    const int n = v->row[a.last].last - x;
    if (b.last - b.first != a.last - a.first || v->row[b.last].last - y != n) return false;
    if ((a.frame < 0) != (b.frame < 0)) return false;
    for (int i = 0; i <= a.last - a.first; i++)
        if (!like_rows(v, &v->row[a.first + i], &v->row[b.first + i])) return false;
    for (int i = 0; i <= n; i++)
        if (!like_nodes(g, x + i, y + i, x, y, same)) return false;
    return true;
}

/* Whether what b reads from outside of it comes from a. */
static bool follows(const gti_view *v, item a, item b)
{
    const gt_graph *g = v->g;
    const int from = v->row[a.first].first, first = v->row[b.first].first;
    for (int i = first; i <= v->row[b.last].last; i++)
        for (int k = 0; k < g->node[i].n_in; k++) {
            const int node = g->value[g->node[i].in[k]].node;
            if (node >= 0 && node < first && node < from) return false;
        }
    return true;
}

/* --- runs --- */

/* How many items from `it` on are like it; *last becomes the last of them. */
static int run_length(const gti_view *v, int frame, item it, int end, bool same, item *last)
{
    int n = 1;
    *last = it;
    while (last->last < end && v->row[last->last + 1].part == GT_PART_FORWARD) {
        const item next = item_at(v, frame, last->last + 1);
        if (!like(v, it, next, same) || !follows(v, *last, next)) break;
        *last = next;
        n++;
    }
    return n;
}

static void fold_run(gti_view *v, item it, item last, int n)
{
    const int rows = it.last - it.first + 1;
    for (int i = it.last + 1; i <= last.last; i++)
        v->row[i].alias = it.first + (i - it.first) % rows;
    for (int i = 0; i < rows; i++) v->row[it.first + i].last_like = last.first + i;
    if (it.frame >= 0) v->frame[it.frame].times = n;
    else v->row[it.first].times = n;
}

/* Looks among the items of a frame, or with -1 of none, in rows `first` to `end`. */
static void fold_items(gti_view *v, int frame, int first, int end)
{
    for (int i = first; i <= end;) {
        const item it = item_at(v, frame, i);
        item last = it;
        i = it.last + 1;
        const bool block = it.frame >= 0 || v->row[it.first].scope >= 0;
        if (!block || v->row[it.first].alias != it.first) continue;
        int n = run_length(v, frame, it, end, true, &last);
        if (n < LEAST_SAME) n = run_length(v, frame, it, end, false, &last);
        if (n < LEAST_SAME || (n < LEAST_LIKE && !like(v, it, last, true))) continue;
        fold_run(v, it, last, n);
        i = last.last + 1;
    }
}

/* What differentiates the blocks of a run is drawn once, too: the first of it, which belongs to the
 * run's last block. */
static void fold_backward(gti_view *v, int row)
{
    gti_row *r = &v->row[row], *of = &v->row[v->row[r->of].alias];
    if (of->back < 0 || v->row[of->back].pass != r->pass) of->back = row;
    else r->alias = of->back;
}

void gti_fold_rows(gti_view *v)
{
    for (int i = 0, last; i < v->n_rows; i = last + 1) {
        for (last = i; last + 1 < v->n_rows && v->row[last + 1].part == v->row[i].part;) last++;
        if (v->row[i].part == GT_PART_FORWARD) fold_items(v, -1, i, last);
    }
    for (int f = 0; f < v->n_frames; f++)
        if (v->row[v->frame[f].first].alias == v->frame[f].first &&
            v->row[v->frame[f].first].part == GT_PART_FORWARD)
            fold_items(v, f, v->frame[f].first, v->frame[f].last);
    for (int i = 0; i < v->n_rows; i++) v->row[i].alias = v->row[v->row[i].alias].alias;
    for (int i = 0; i < v->n_rows; i++)
        if (v->row[i].of >= 0) fold_backward(v, i);
}
