/* What convolutions take over from the nodes behind them: batch norms, whose statistics are fixed,
 * and what moves results between two bounds. */
#include <math.h>
#include <string.h>

#include "cfile/cfile.h"

bool gti_cfile_is_fixed(const gti_cfile *c, int value)
{
    const gt_graph_value *v = &c->r.g->value[value];
    return v->node < 0 && v->kind != GT_VALUE_INPUT;
}

/* The one node that reads the value as its first input; -1: there is none, or it is the result. */
static int only_reader(const gti_cfile *c, int value)
{
    if (c->r.readers[value] != 1 || value == c->r.g->result) return -1;
    const int at = c->r.reader[value];
    return c->r.g->node[at].in[0] == value ? at : -1;
}

static bool all_fixed(const gti_cfile *c, const gt_graph_node *n)
{
    for (int i = 1; i < n->n_in; i++)
        if (!gti_cfile_is_fixed(c, n->in[i])) return false;
    return true;
}

static bool is_norm(const gti_cfile *c, const gt_graph_node *n)
{
    if (strcmp(n->op->name, "batch_norm_eval") != 0 || !all_fixed(c, n)) return false;
    for (int i = 1; i < n->n_out; i++)
        if (c->r.readers[n->out[i]]) return false;
    return true;
}

static double number(const gt_graph_node *n, const char *attr)
{
    return gt_attr_real(gt_attr_find(&n->op->attrs, attr), n->opts, 0);
}

/* The bounds that a node moves its input between. */
static bool bounds_of(const gt_graph_node *n, double *low, double *high)
{
    static const struct {
        const char *op, *low, *high;
        double lowest, highest;
    } kinds[] = {
        {"relu", NULL, NULL, 0, INFINITY},
        {"relu6", NULL, NULL, 0, 6},
        {"hardtanh", "min_val", "max_val", 0, 0},
        {"clamp", "low", "high", 0, 0},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (strcmp(kinds[i].op, n->op->name) != 0) continue;
        *low = kinds[i].low ? number(n, kinds[i].low) : kinds[i].lowest;
        *high = kinds[i].high ? number(n, kinds[i].high) : kinds[i].highest;
        return *low <= *high;
    }
    return false;
}

static void take_over(gti_cfile *c, gti_cfile_node *by, int node)
{
    c->node[node].gone = true;
    by->result = c->r.g->node[node].out[0];
}

static void fold_into(gti_cfile *c, int k)
{
    const gt_graph_node *conv = &c->r.g->node[k];
    gti_cfile_node *to = &c->node[k];
    const bool plain = !strcmp(conv->op->name, "conv2d") || !strcmp(conv->op->name, "conv1d");
    if (!plain || !gti_reading_is_read(&c->r, conv)) return;
    int next = only_reader(c, conv->out[0]);
    if (next >= 0 && !c->opts.unfolded && is_norm(c, &c->r.g->node[next]) && all_fixed(c, conv)) {
        to->norm = next;
        take_over(c, to, next);
        next = only_reader(c, to->result);
    }
    double low, high;
    if (next < 0 || !bounds_of(&c->r.g->node[next], &low, &high)) return;
    to->low = (float)low;
    to->high = (float)high;
    take_over(c, to, next);
}

void gti_cfile_fold(gti_cfile *c)
{
    for (int k = 0; k < c->r.g->n_nodes; k++) {
        c->node[k] = (gti_cfile_node){.result = -1, .norm = -1, .low = -INFINITY, .high = INFINITY};
    }
    for (int k = 0; k < c->r.g->n_nodes; k++) fold_into(c, k);
}

int gti_cfile_out(const gti_cfile *c, int i)
{
    const int result = c->node[c->at].result;
    return i == 0 && result >= 0 ? result : c->r.n->out[i];
}
