/* A plain C function as an operation: so its derivative is a backward rule like any other, and all
 * that is asked of these is asked of it. Jacobians are made once for each recording, beside the
 * value, by columns where J v is what is given. */
#include <string.h>

#include "engine/session.h"
#include "gradcheck/plain.h"

typedef struct {
    gti_plain *plain;
    bool graph; /* derivatives may be asked for */
} plain_opts;

static gti_plain *plain_of(const gt_node *n)
{
    return ((const plain_opts *)n->opts)->plain;
}

/* --- what callbacks do wrong --- */

static void note(gti_plain *p, const char *who, gt_gradcheck_kind kind, const char *what)
{
    if (p->fault.who) return;
    p->fault.who = who;
    p->fault.what = what;
    p->fault.kind = kind;
}

static bool without_fault(gt_ctx *gt, const gti_plain *p)
{
    if (!p->fault.who) return true;
    if (p->fault.kind == GT_GRADCHECK_UNWRITTEN)
        gt_fail(gt, GT_ERR_ARGUMENT, p->fault.who, "element %lld of %s was never written",
                (long long)p->fault.at, p->fault.what);
    else gt_fail(gt, GT_ERR_ARGUMENT, p->fault.who, "%s", p->fault.what);
    return false;
}

/* What a callback is given; kept: as it was. */
static void look_at_argument(gti_plain *p, const char *callback, const double *x,
                             const double *kept, int64_t n, const char *what)
{
    if (memcmp(x, kept, (size_t)n * sizeof *x) != 0) note(p, callback, GT_GRADCHECK_MUTATED, what);
}

static const char changed_x[] = "it changed the values of x";

/* --- fences: a callback that writes beside its array is found, and hurts nothing --- */

static const uint64_t post = 0x7ff4fe2ce5fe2ce5u;

static int64_t fenced_size(int64_t n)
{
    return n + 2 * (int64_t)GTI_FENCE;
}

/* from [n] between fences in room. */
static double *fence(double *room, const double *from, int64_t n)
{
    for (int k = 0; k < GTI_FENCE; k++) {
        memcpy(room + k, &post, sizeof post);
        memcpy(room + GTI_FENCE + n + k, &post, sizeof post);
    }
    memcpy(room + GTI_FENCE, from, (size_t)n * sizeof *from);
    return room + GTI_FENCE;
}

static bool is(const double *x, uint64_t wanted)
{
    uint64_t bits;
    memcpy(&bits, x, sizeof bits);
    return bits == wanted;
}

/* Back to where they were taken from, with a note in p if a fence is broken, or if the engine's
 * fill is still in a derivative (in a value the checker looks for it). */
static void take_out(gti_plain *p, const char *callback, const double *inside, double *to,
                     int64_t n, const char *array)
{
    for (int k = 0; k < GTI_FENCE; k++)
        if (!is(inside - GTI_FENCE + k, post) || !is(inside + n + k, post))
            note(p, callback, GT_GRADCHECK_ERROR,
                 "writes before or behind the array that it fills");
    for (int64_t i = 0; array && i < n && !p->fault.who; i++) {
        if (!is(inside + i, GTI_PREFILL_F64)) continue;
        note(p, callback, GT_GRADCHECK_UNWRITTEN, array);
        p->fault.at = i;
    }
    if (to != inside) memcpy(to, inside, (size_t)n * sizeof *to);
}

/* --- w' J --- */

static bool pull_infer(gt_node *n)
{
    n->out[0]->shape = n->in[0]->shape;
    n->scratch_size =
        (size_t)(fenced_size(n->in[0]->size) + n->in[0]->size + n->in[1]->size) * sizeof(double);
    return true;
}

static void pull_forward(gt_node *n)
{
    gti_plain *p = plain_of(n);
    const gt_tensor *x = n->in[0], *w = n->in[1];
    double *wj = fence(n->scratch, n->out[0]->data, x->size);
    double *kept = wj + x->size + GTI_FENCE, *kept_w = kept + x->size;
    memcpy(kept, x->data, (size_t)x->size * sizeof *kept);
    memcpy(kept_w, w->data, (size_t)w->size * sizeof *kept);
    p->map->vjp(x->data, w->data, wj, p->map->user);
    take_out(p, "vjp", wj, n->out[0]->data, x->size, "wJ");
    look_at_argument(p, "vjp", x->data, kept, x->size, changed_x);
    look_at_argument(p, "vjp", w->data, kept_w, w->size, "it changed the values of w");
}

static const gt_op pull_op = {.name = "vjp",
                              .inputs = "x w",
                              .n_in = 2,
                              .n_out = 1,
                              .opts_size = sizeof(plain_opts),
                              .infer = pull_infer,
                              .forward = {[GT_F64] = pull_forward}};

/* A row of J with a weight of 0 has no part: 0 times what is not finite in it would spoil the
 * others.
 */
static bool combine_infer(gt_node *n)
{
    n->out[0]->shape = GT_SHAPE(n->in[1]->shape.dim[1]);
    return true;
}

static void combine_forward(gt_node *n)
{
    const double *w = n->in[0]->data, *row = n->in[1]->data;
    double *wj = n->out[0]->data;
    const int64_t size = n->out[0]->size;
    memset(wj, 0, (size_t)size * sizeof *wj);
    for (int64_t j = 0; j < n->in[0]->size; j++, row += size)
        for (int64_t i = 0; w[j] != 0 && i < size; i++) wj[i] += w[j] * row[i];
}

static const gt_op combine_op = {.name = "combine",
                                 .inputs = "w J",
                                 .n_in = 2,
                                 .n_out = 1,
                                 .infer = combine_infer,
                                 .forward = {[GT_F64] = combine_forward}};

/* --- the function --- */

static bool wants_jacobian(const gt_node *n)
{
    return ((const plain_opts *)n->opts)->graph && plain_of(n)->form != GTI_VJP;
}

/* t -> y [m], J [m, n_t], or [0, n_t] when it is not wanted */
static bool function_infer(gt_node *n)
{
    const gti_plain *p = plain_of(n);
    n->out[0]->shape = GT_SHAPE(p->map->m);
    n->out[1]->shape = GT_SHAPE(wants_jacobian(n) ? p->map->m : 0, p->n_t);
    const int64_t longest =
        wants_jacobian(n) && p->form == GTI_JACOBIAN ? p->map->m * p->n_t : p->map->m;
    n->scratch_size = (size_t)(3 * p->map->n + fenced_size(longest)) * sizeof(double);
    return true;
}

/* x [n] at t, in room if it is not t itself. */
static const double *point_at(const gti_plain *p, const double *t, double *room)
{
    if (!p->direction) return t;
    memcpy(room, p->x0, (size_t)p->map->n * sizeof *room);
    for (int64_t i = 0; i < p->n_t; i++)
        for (int64_t k = 0; t[i] != 1 && k < p->map->n; k++)
            room[k] += (t[i] - 1) * p->direction[i * p->map->n + k];
    return room;
}

void gti_plain_direction(const gti_plain *p, int64_t i, double *v)
{
    const size_t size = (size_t)p->map->n * sizeof *v;
    if (p->direction) {
        memcpy(v, p->direction + i * p->map->n, size);
        return;
    }
    memset(v, 0, size);
    v[i] = 1;
}

/* J by columns; v [n] and room for a fenced column. */
static void fill_by_columns(gti_plain *p, const double *x, double *v, double *room,
                            double *jacobian)
{
    const gt_c_map *map = p->map;
    double *column = fence(room, jacobian, map->m); /* the fill, to be seen */
    for (int64_t i = 0; i < p->n_t; i++) {
        gti_plain_direction(p, i, v);
        map->jvp(x, v, column, map->user);
        take_out(p, "jvp", column, column, map->m, "Jv");
        for (int64_t j = 0; j < map->m; j++) jacobian[j * p->n_t + i] = column[j];
    }
}

static void fill_jacobian(gti_plain *p, const double *x, double *room, gt_tensor *to)
{
    double *jacobian = fence(room, to->data, to->size);
    p->map->jacobian(x, jacobian, p->map->user);
    take_out(p, "jacobian", jacobian, to->data, to->size, p->map->m > 1 ? "J" : "the gradient");
}

static void function_forward(gt_node *n)
{
    gti_plain *p = plain_of(n);
    const gt_c_map *map = p->map;
    double *room = n->scratch, *v = room + map->n, *kept = v + map->n, *fenced = kept + map->n;
    const double *x = point_at(p, n->in[0]->data, room);
    double *y = fence(fenced, n->out[0]->data, map->m);
    memcpy(kept, x, (size_t)map->n * sizeof *kept);
    map->f(x, y, map->user);
    take_out(p, "f", y, n->out[0]->data, map->m, NULL);
    look_at_argument(p, "f", x, kept, map->n, changed_x);
    if (!wants_jacobian(n)) return;
    if (p->form == GTI_JVP) fill_by_columns(p, x, v, fenced, n->out[1]->data);
    else fill_jacobian(p, x, fenced, n->out[1]);
    look_at_argument(p, p->form == GTI_JVP ? "jvp" : "jacobian", x, kept, map->n, changed_x);
}

static bool function_backward(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    const gti_plain *p = plain_of(n);
    if (p->form == GTI_VJP) {
        gin[0] = gt_apply(&pull_op, n->opts, 2, (gt_tensor *[]){n->in[0], gout[0]});
        return gin[0] && without_fault(gin[0]->ctx, p);
    }
    gin[0] = gt_apply(&combine_op, NULL, 2, (gt_tensor *[]){gout[0], n->out[1]});
    return gin[0] != NULL;
}

static const gt_op function_op = {.name = "function",
                                  .inputs = "x",
                                  .n_in = 1,
                                  .n_out = 2,
                                  .opts_size = sizeof(plain_opts),
                                  .infer = function_infer,
                                  .forward = {[GT_F64] = function_forward},
                                  .backward = function_backward};

bool gti_plain_call(const gti_fn *fn, gt_tensor *out[], bool graph)
{
    gt_tensor *both[2];
    const plain_opts opts = {fn->user, graph};
    if (gt_apply_n(&function_op, &opts, 1, fn->in, both) != GT_OK) return false;
    if (!without_fault(fn->gt, opts.plain)) return false;
    out[0] = both[0];
    return true;
}
