/* Rows and frames. */
#include "graph/view.h"

#include <stdlib.h>
#include <string.h>

/* --- which scopes are drawn as a whole --- */

/* Marks modules that have modules in them. */
static void mark_containers(const gt_graph *g, bool *container)
{
    for (int i = g->n_scopes; i-- > 0;) {
        const gt_graph_scope *s = &g->scope[i];
        if (s->parent < 0) continue;
        const bool whole = s->kind != GT_SCOPE_FUNCTION && *s->type;
        if (whole || container[i]) container[s->parent] = true;
    }
}

static bool is_whole(const gti_view *v, const gt_graph_scope *s, bool container)
{
    const gt_graph_opts *o = v->opts;
    const bool layers = o->detail == GT_DETAIL_LAYERS;
    if (s->kind == GT_SCOPE_FUNCTION) return o->detail != GT_DETAIL_OPERATIONS;
    if (o->depth > 0 && s->depth >= o->depth) return true;
    if (s->kind == GT_SCOPE_NAMED) return *s->type && o->detail != GT_DETAIL_OPERATIONS;
    return layers && !container;
}

/* Whether the first scope is all there is, a module without modules: one box would say nothing. */
static bool is_alone(const gt_graph *g, const bool *container)
{
    bool alone = g->n_scopes && !container[0] && g->scope[0].kind == GT_SCOPE_MODULE;
    for (int i = 0; i < g->n_nodes && alone; i++)
        alone = g->node[i].part != GT_PART_FORWARD || gti_view_within(g, g->node[i].scope, 0);
    return alone;
}

static bool find_cuts(gti_view *v)
{
    const gt_graph *g = v->g;
    bool *container = calloc((size_t)g->n_scopes + 1, sizeof *container);
    v->cut = malloc(((size_t)g->n_scopes + 1) * sizeof *v->cut);
    if (container && v->cut) {
        mark_containers(g, container);
        if (is_alone(g, container)) container[0] = true;
        for (int i = 0; i < g->n_scopes; i++) {
            const gt_graph_scope *s = &g->scope[i];
            const int above = s->parent < 0 ? -1 : v->cut[s->parent];
            v->cut[i] = above >= 0 ? above : is_whole(v, s, container[i]) ? i : -1;
            v->layered |= v->cut[i] == i && s->kind != GT_SCOPE_FUNCTION;
        }
    }
    free(container);
    return container && v->cut;
}

/* --- rows --- */

static int cut_of(const gti_view *v, const gt_graph_node *n)
{
    return n->scope < 0 ? -1 : v->cut[n->scope];
}

/* In pictures of layers what differentiates a row is a row. */
static int differentiated(const gti_view *v, const gt_graph_node *n)
{
    return v->layered && n->of >= 0 ? v->row_of[n->of] : -1;
}

static bool joins(const gti_view *v, const gti_row *r, const gt_graph_node *n)
{
    if (r->part != n->part || r->pass != n->pass || n->part == GT_PART_UPDATE) return false;
    const int of = differentiated(v, n);
    if (of >= 0 || r->of >= 0) return of == r->of;
    return r->scope >= 0 && r->scope == cut_of(v, n);
}

static void begin_row(gti_view *v, int i)
{
    const gt_graph_node *n = &v->g->node[i];
    const int of = differentiated(v, n), at = v->n_rows++;
    v->row[at] = (gti_row){.scope = n->part == GT_PART_UPDATE ? -1 : cut_of(v, n),
                           .first = i,
                           .frame = -1,
                           .alias = at,
                           .times = 1,
                           .of = of,
                           .back = -1,
                           .box = -1,
                           .next = -1,
                           .last_like = -1,
                           .part = n->part,
                           .pass = n->pass};
    if (of >= 0) v->row[at].scope = v->row[of].scope;
}

static bool make_rows(gti_view *v)
{
    const gt_graph *g = v->g;
    v->row = calloc((size_t)g->n_nodes + 1, sizeof *v->row);
    v->row_of = calloc((size_t)g->n_nodes + 1, sizeof *v->row_of);
    if (!v->row || !v->row_of) return false;
    for (int i = 0; i < g->n_nodes; i++) {
        const gt_graph_node *n = &g->node[i];
        if (!v->n_rows || !joins(v, &v->row[v->n_rows - 1], n)) begin_row(v, i);
        gti_row *r = &v->row[v->n_rows - 1];
        r->last = i;
        r->flops += n->flops;
        r->bytes += n->bytes;
        r->seconds += n->seconds;
        r->product |= n->op->flags & GT_OP_PRODUCT;
        v->row_of[i] = v->n_rows - 1;
    }
    return true;
}

/* --- what rows have --- */

/* The value whose memory value i lies in. */
static int base_of(const gt_graph *g, int i)
{
    while (g->value[i].view) i = g->node[g->value[i].node].in[0];
    return i;
}

/* What backward passes need of a row's results, each block once. */
static bool count_kept(gti_view *v)
{
    const gt_graph *g = v->g;
    bool *seen = calloc((size_t)g->n_values + 1, sizeof *seen);
    for (int i = 0; seen && i < g->n_values; i++) {
        const int base = base_of(g, i);
        if (!g->value[i].saved || seen[base] || g->value[base].node < 0) continue;
        seen[base] = true;
        v->row[v->row_of[g->value[base].node]].keeps += g->value[base].bytes;
    }
    const bool ok = seen != NULL;
    free(seen);
    return ok;
}

static bool count_parameters(gti_view *v)
{
    const gt_graph *g = v->g;
    int64_t *below = calloc((size_t)g->n_scopes + 1, sizeof *below);
    for (int i = g->n_scopes; below && i-- > 0;) {
        below[i] += g->scope[i].parameters;
        if (g->scope[i].parent >= 0) below[g->scope[i].parent] += below[i];
    }
    for (int i = 0; below && i < v->n_rows; i++)
        if (v->row[i].scope >= 0 && v->row[i].part == GT_PART_FORWARD)
            v->row[i].parameters = below[v->row[i].scope];
    const bool ok = below != NULL;
    free(below);
    return ok;
}

/* Whether a row is a stretch, whose parameters belong to others: to the module around it. */
static bool is_stretch(const gti_view *v, const gti_row *r)
{
    return v->layered && r->scope >= 0 && v->g->scope[r->scope].kind == GT_SCOPE_NAMED;
}

/* Those of stretches are counted where they are read first. */
static bool count_read_parameters(gti_view *v)
{
    const gt_graph *g = v->g;
    bool *seen = calloc((size_t)g->n_values + 1, sizeof *seen);
    for (int i = 0; seen && i < g->n_nodes; i++) {
        gti_row *r = &v->row[v->row_of[i]];
        for (int k = 0; is_stretch(v, r) && k < g->node[i].n_in; k++) {
            const int value = g->node[i].in[k];
            if (g->value[value].kind != GT_VALUE_PARAMETER || seen[value]) continue;
            seen[value] = true;
            r->parameters += gt_shape_size(g->value[value].shape);
        }
    }
    const bool ok = seen != NULL;
    free(seen);
    return ok;
}

/* --- idle rows --- */

static bool makes_counts(const gti_view *v, const gti_row *r)
{
    const gt_graph_node *last = &v->g->node[r->last];
    bool counts = is_stretch(v, r) && r->part == GT_PART_FORWARD;
    for (int k = 0; k < last->n_out && counts; k++)
        counts = !gt_is_floating(v->g->value[last->out[k]].dtype);
    return counts;
}

/* Stretches that only work out shapes, which nothing else reads as a tensor, are not drawn. */
static void find_idle(gti_view *v)
{
    const gt_graph *g = v->g;
    for (int i = 0; i < v->n_rows; i++) v->row[i].idle = makes_counts(v, &v->row[i]);
    if (g->result >= 0 && g->value[g->result].node >= 0)
        v->row[v->row_of[g->value[g->result].node]].idle = false;
    for (int i = g->n_nodes; i-- > 0;)
        for (int k = 0; !v->row[v->row_of[i]].idle && k < g->node[i].n_in; k++) {
            const int from = g->value[g->node[i].in[k]].node;
            if (from >= 0) v->row[v->row_of[from]].idle = false;
        }
}

/* --- sums of gradients --- */

static bool is_sum(const gt_graph_node *n)
{
    return n->part == GT_PART_BACKWARD && n->of >= 0 && n->n_in == 2 &&
           (!strcmp(n->op->name, "add") || !strcmp(n->op->name, "accumulate"));
}

/* A gradient that comes from several sides is summed up where the sides are differentiated, one
 * after the other, which makes a chain of them. In pictures of layers arrows lead from all sides to
 * what reads the sum. */
static bool find_sums(gti_view *v)
{
    const gt_graph *g = v->g;
    int *reader = malloc(((size_t)g->n_values + 1) * sizeof *reader); /* node; its row's latest */
    v->sum = calloc((size_t)g->n_nodes + 1, sizeof *v->sum);
    for (int i = 0; reader && i < g->n_values; i++) reader[i] = -1;
    for (int i = 0; reader && v->layered && i < g->n_nodes; i++)
        for (int k = 0; k < g->node[i].n_in; k++) {
            int *r = &reader[g->node[i].in[k]];
            *r = *r == -1 || (*r >= 0 && v->row_of[*r] == v->row_of[i]) ? i : -2;
        }
    for (int i = g->n_nodes; reader && v->sum && i-- > 0;) {
        const int by = g->node[i].n_out ? reader[g->node[i].out[0]] : -1;
        v->sum[i] = by >= 0 && is_sum(&g->node[i]) && (v->sum[by] || v->row_of[by] != v->row_of[i]);
    }
    free(reader);
    return reader && v->sum;
}

int gti_view_term(const gti_view *v, int *value)
{
    const int at = *value, node = at < 0 ? -1 : v->g->value[at].node;
    *value = -1;
    if (node < 0 || !v->sum[node]) return at;
    const int *in = v->g->node[node].in, first = v->g->value[in[0]].node;
    const bool chain = first >= 0 && v->sum[first];
    *value = in[chain ? 0 : 1];
    return in[chain ? 1 : 0];
}

/* --- frames --- */

/* The scope that a row stands in, itself left out. */
static int scope_around(const gti_view *v, const gti_row *r)
{
    return r->scope >= 0 ? v->g->scope[r->scope].parent : v->g->node[r->first].scope;
}

static int depth_of(const gt_graph *g, int scope)
{
    int depth = 0;
    for (; scope >= 0; scope = g->scope[scope].parent) depth++;
    return depth;
}

static bool push_frame(gti_view *v, int scope, int parent, int row, int *room)
{
    if (v->n_frames == *room) {
        const int more = *room ? 2 * *room : 64;
        gti_frame *new = realloc(v->frame, (size_t)more * sizeof *new);
        if (!new) return false;
        v->frame = new;
        *room = more;
    }
    v->frame[v->n_frames++] =
        (gti_frame){.scope = scope, .parent = parent, .first = row, .last = row, .times = 1};
    return true;
}

/* Enters the frames of row i from frame `at` on, the innermost one of the row before. Returns its
 * innermost one; -2 when memory is short. */
static int enter(gti_view *v, int i, int at, int *room)
{
    const gt_graph *g = v->g;
    const int scope = scope_around(v, &v->row[i]);
    int depth = depth_of(g, scope), open = 0;
    for (int f = at; f >= 0; f = v->frame[f].parent) open++;
    int s = scope, missing = 0;
    for (; depth > open; depth--, missing++) s = g->scope[s].parent;
    for (; open > depth; open--) at = v->frame[at].parent;
    for (; at >= 0 && v->frame[at].scope != s; missing++) {
        at = v->frame[at].parent;
        s = g->scope[s].parent;
    }
    for (; missing > 0; missing--) {
        s = scope;
        for (int k = 1; k < missing; k++) s = g->scope[s].parent;
        if (!push_frame(v, s, at, i, room)) return -2;
        at = v->n_frames - 1;
    }
    for (int f = at; f >= 0; f = v->frame[f].parent) v->frame[f].last = i;
    return at;
}

/* Frames end where parts or passes do. Updates, and in pictures of layers backward passes, have
 * none. */
static bool make_frames(gti_view *v)
{
    int at = -1, room = 0;
    for (int i = 0; i < v->n_rows; i++) {
        gti_row *r = &v->row[i];
        if (i && (r->part != r[-1].part || r->pass != r[-1].pass)) at = -1;
        if (r->part == GT_PART_UPDATE || (v->layered && r->part == GT_PART_BACKWARD)) continue;
        at = enter(v, i, at, &room);
        if (at == -2) return false;
        r->frame = at;
    }
    return true;
}

/* --- questions --- */

int gti_view_maker(const gti_view *v, int value)
{
    const int node = v->g->value[value].node;
    return node < 0 ? -1 : v->row[v->row_of[node]].alias;
}

bool gti_view_within(const gt_graph *g, int scope, int above)
{
    while (scope > above) scope = g->scope[scope].parent;
    return scope == above;
}

bool gti_view_hides(const gti_view *v, int value, int row)
{
    const gt_graph_value *t = &v->g->value[value];
    if (t->node >= 0 && !(v->layered && t->before >= 0)) return false;
    while (t->before >= 0) t = &v->g->value[t->before];
    if (v->g->value[value].before >= 0)
        return t->kind == GT_VALUE_STATE || t->kind == GT_VALUE_BUFFER;
    if (v->layered && t->kind == GT_VALUE_STATE) return true;
    const bool update = v->row[row].part == GT_PART_UPDATE;
    if (v->layered && (update || is_stretch(v, &v->row[row]))) return t->kind != GT_VALUE_INPUT;
    return t->scope >= 0 && v->row[row].scope >= 0 &&
           gti_view_within(v->g, t->scope, v->row[row].scope);
}

bool gti_view_too_deep(const gt_graph *g)
{
    bool deep = false;
    for (int i = g->n_scopes; i-- > 0 && !deep;) {
        int above = 0;
        for (int s = i; s >= 0 && above <= GTI_VIEW_LEVELS; s = g->scope[s].parent) above++;
        deep = above > GTI_VIEW_LEVELS;
    }
    return deep;
}

/* --- the whole --- */

bool gti_view_open(gti_view *v, const gt_graph *g, const gt_graph_opts *opts)
{
    *v = (gti_view){.g = g, .opts = opts};
    if (!find_cuts(v)) return false;
    v->layered &= opts->detail == GT_DETAIL_LAYERS;
    if (!make_rows(v) || !find_sums(v) || !count_kept(v) || !count_parameters(v) ||
        !count_read_parameters(v) || !make_frames(v))
        return false;
    find_idle(v);
    if (v->layered && !opts->unfolded) gti_fold_rows(v);
    return gti_stack_rows(v);
}

void gti_view_close(gti_view *v)
{
    free(v->cut);
    free(v->row_of);
    free(v->sum);
    free(v->row);
    free(v->frame);
    free(v->box);
}
