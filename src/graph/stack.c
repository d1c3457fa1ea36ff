/* Boxes: rows that follow from each other straight are lines of one, in frames worth showing. */
#include <stdlib.h>
#include <string.h>

#include "graph/view.h"

/* --- frames that are worth a line around them --- */

/* Names that tell nothing: numbers, and those that the library's own containers give. */
static bool is_given(const char *name)
{
    return strspn(name, "0123456789") == strlen(name) || !strcmp(name, "body") ||
           !strcmp(name, "shortcut");
}

static bool is_shown(const gti_view *v, const gti_frame *f)
{
    const gt_graph_scope *s = &v->g->scope[f->scope];
    if (!v->layered) return *s->name;
    if (f->times > 1) return true;
    if (!*s->name || s->kind == GT_SCOPE_FUNCTION) return false;
    if (s->kind == GT_SCOPE_NAMED && s->parent >= 0 && !is_given(v->g->scope[s->parent].name))
        return true;
    return (*s->type && strcmp(s->type, "Sequential") != 0) || !is_given(s->name);
}

/* Of stretches around the same rows the innermost one is shown, whose path names all. */
static void show_frames(gti_view *v)
{
    for (int i = 0; i < v->n_frames; i++) {
        gti_frame *f = &v->frame[i], *around = f->parent < 0 ? f : &v->frame[f->parent];
        f->shown = is_shown(v, f);
        const bool same = around != f && around->first == f->first && around->last == f->last;
        if (same && v->g->scope[around->scope].kind == GT_SCOPE_NAMED) around->shown = false;
    }
}

static int shown_frame(const gti_view *v, int frame)
{
    while (frame >= 0 && !v->frame[frame].shown) frame = v->frame[frame].parent;
    return frame;
}

/* --- what follows what --- */

/* Of rows in the forward pass: the only one that it reads, or that reads it; -1 none, -2 several.
 */
typedef struct {
    int reads, read_by;
} neighbours;

static void note(int *place, int row)
{
    *place = *place == -1 || *place == row ? row : -2;
}

static void find_neighbours(const gti_view *v, neighbours *near)
{
    const gt_graph *g = v->g;
    for (int i = 0; i < v->n_rows; i++) near[i] = (neighbours){-1, -1};
    for (int i = 0; i < g->n_nodes; i++) {
        const int to = v->row_of[i];
        if (v->row[to].part != GT_PART_FORWARD || v->row[to].alias != to || v->row[to].idle)
            continue;
        for (int k = 0; k < g->node[i].n_in; k++) {
            const int value = g->node[i].in[k], from = gti_view_maker(v, value);
            if (gti_view_hides(v, value, to)) continue;
            if (from < 0) note(&near[to].reads, -2);
            if (from < 0 || from >= to || v->row[from].part != GT_PART_FORWARD) continue;
            note(&near[to].reads, from);
            note(&near[from].read_by, to);
        }
    }
}

/* --- boxes --- */

typedef struct {
    gti_view *v;
    neighbours *near;
    int *last_box; /* of a box: the latest that stands beside it, or -1 */
    int *scope_box;
} stack;

static int new_box(stack *s, int row, int of)
{
    gti_view *v = s->v;
    const gti_row *r = &v->row[row];
    v->box[v->n_boxes] = (gti_box){.first = row,
                                   .last = row,
                                   .frame = shown_frame(v, r->frame),
                                   .of = of,
                                   .part = r->part,
                                   .pass = r->pass};
    s->last_box[v->n_boxes] = -1;
    if (of >= 0) s->last_box[of] = v->n_boxes;
    return v->n_boxes++;
}

/* A line below the row before it, if it follows from that alone. A second product begins a box. */
static int box_of_forward(stack *s, int row)
{
    gti_view *v = s->v;
    const int from = s->near[row].reads;
    if (!v->layered || from < 0 || s->near[from].read_by != row) return new_box(s, row, -1);
    const int at = v->row[from].box;
    if (at < 0 || v->box[at].last != from || v->box[at].frame != shown_frame(v, v->row[row].frame))
        return new_box(s, row, -1);
    bool product = false;
    for (int i = v->box[at].first; i >= 0; i = v->row[i].next) product |= v->row[i].product;
    return product && v->row[row].product ? new_box(s, row, -1) : at;
}

static int box_beside(stack *s, int row, int of)
{
    const gti_view *v = s->v;
    const int at = of < 0 ? -1 : s->last_box[of];
    const bool fits =
        at >= 0 && v->box[at].part == v->row[row].part && v->box[at].pass == v->row[row].pass;
    return fits ? at : new_box(s, row, of);
}

/* The box of what an update changes: of a gradient its own, of a parameter its layer's; -1: none.
 */
static int changed_box(const stack *s, int row)
{
    const gt_graph *g = s->v->g;
    int value = g->node[s->v->row[row].first].in[0];
    while (g->value[value].before >= 0) value = g->value[value].before;
    const int maker = gti_view_maker(s->v, value);
    if (maker >= 0) return s->v->row[maker].part == GT_PART_BACKWARD ? s->v->row[maker].box : -1;
    int scope = g->value[value].scope;
    while (scope >= 0 && s->scope_box[scope] < 0) scope = g->scope[scope].parent;
    return scope < 0 ? -1 : s->scope_box[scope];
}

/* Updates stand beside what differentiates the layer, or the layer, if nothing does; others are
 * joined with those before them. */
static int box_of_update(stack *s, int row)
{
    const gti_view *v = s->v;
    const int owner = changed_box(s, row), last = v->n_boxes - 1;
    if (owner < 0 && last >= 0 && v->box[last].part == GT_PART_UPDATE && v->box[last].of < 0)
        return last;
    if (owner < 0) return new_box(s, row, -1);
    const int beside = s->last_box[owner] < 0 ? owner : s->last_box[owner];
    return v->box[beside].part == GT_PART_UPDATE ? beside : box_beside(s, row, beside);
}

/* In a backward pass: beside what it differentiates, if it is the first to do so. */
static int box_of_operation(stack *s, int row)
{
    const gti_view *v = s->v;
    const int of = v->g->node[v->row[row].first].of;
    const int beside = of < 0 ? -1 : v->row[v->row_of[of]].box;
    return new_box(s, row, beside >= 0 && s->last_box[beside] < 0 ? beside : -1);
}

static int box_of(stack *s, int row)
{
    const gti_view *v = s->v;
    const gti_row *r = &v->row[row];
    if (v->layered && r->part == GT_PART_UPDATE) return box_of_update(s, row);
    if (!v->layered && r->part == GT_PART_BACKWARD) return box_of_operation(s, row);
    if (r->of < 0) return box_of_forward(s, row);
    return box_beside(s, row, v->row[v->row[r->of].alias].box);
}

static void put(stack *s, int row)
{
    gti_view *v = s->v;
    gti_row *r = &v->row[row];
    const int at = box_of(s, row);
    gti_box *b = &v->box[at];
    r->box = at;
    if (b->last != row) v->row[b->last].next = row;
    b->last = row;
    b->parameters += r->times * r->parameters;
    b->flops += r->times * r->flops;
    b->bytes += r->times * r->bytes;
    b->seconds += r->times * r->seconds;
    b->keeps += r->times * r->keeps;
    if (r->scope >= 0 && r->part == GT_PART_FORWARD) s->scope_box[r->scope] = at;
}

bool gti_stack_rows(gti_view *v)
{
    const size_t rows = (size_t)v->n_rows + 1, scopes = (size_t)v->g->n_scopes + 1;
    stack s = {v, calloc(rows, sizeof *s.near), malloc(rows * sizeof *s.last_box),
               malloc(scopes * sizeof *s.scope_box)};
    v->box = calloc(rows, sizeof *v->box);
    const bool ok = s.near && s.last_box && s.scope_box && v->box;
    show_frames(v);
    for (int i = 0; ok && i < v->g->n_scopes; i++) s.scope_box[i] = -1;
    if (ok) find_neighbours(v, s.near);
    for (int i = 0; ok && i < v->n_rows; i++)
        if (v->row[i].alias == i && !v->row[i].idle) put(&s, i);
    free(s.near);
    free(s.last_box);
    free(s.scope_box);
    return ok;
}
