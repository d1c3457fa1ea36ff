/* The gradient checker: setting up, the order of the checks, the verdict. */
#include "gradcheck/side.h"

#include <math.h>
#include <string.h>

void gti_check_init(gti_check *c, gt_ctx *gt, const gt_gradcheck_opts *opts, gt_gradcheck_report *r)
{
    *c = (gti_check){.gt = gt, .r = r};
    if (opts) c->o = *opts;
    c->asked = c->o;
    gti_check_set_precision(c, &gti_precision_f64);
    c->o.order = (int)gt_option_int(c->o.order, 1);
    c->o.probes = (int)gt_option_int(c->o.probes, 8);
    c->o.seed = (uint64_t)gt_option_int((int64_t)c->o.seed, 1);
    c->o.points = (int)gt_option_int(c->o.points, 1);
    c->random = c->o.seed;
    *r = (gt_gradcheck_report){
        .order = c->o.order == 2 ? 2 : 1, .sample = -1, .seed = c->o.seed, .input = -1};
}

/* --- parts --- */

static void add_part(gti_part *part, gt_shape shape, bool constant, int64_t *end)
{
    part->shape = shape;
    part->constant = constant;
    part->offset = *end;
    part->size = constant ? 0 : gt_shape_size(shape);
    *end += part->size;
}

static void name_input(const gti_fn *fn, int i, char *name, size_t size)
{
    for (int k = 0; k < fn->n_in; k++) {
        if (fn->in[k] != fn->var[i]) continue;
        if (fn->op) gt_op_input_name(fn->op, k, name, size);
        else if (gt_name(fn->in[k])[0]) gti_naming_path(fn->in[k], name, size);
        else snprintf(name, size, "in%d", k);
        return;
    }
}

/* x and the projection are the inputs of a gradient, dx its outputs. */
static void name_parts(gti_check *c, const gti_fn *fn)
{
    const gti_fn *inner = fn->inner ? fn->inner : fn;
    for (int i = 0; i < inner->n_var; i++) name_input(inner, i, c->x[i].name, sizeof c->x[i].name);
    for (int i = 0; i < fn->n_out; i++) {
        char *name = c->y[i].name;
        const size_t size = sizeof c->y[i].name;
        if (fn->inner) snprintf(name, size, "d%.*s", (int)size - 2, c->x[i].name);
        else if (fn->n_out == 1) snprintf(name, size, "y");
        else snprintf(name, size, "y%d", i);
    }
    for (int i = 0, k = inner->n_var; fn->inner && i < inner->n_out; i++) {
        if (!fn->upstream[i]) continue;
        snprintf(c->x[k].name, sizeof c->x[k].name, inner->n_out == 1 ? "dy" : "dy%d", i);
        k++;
    }
}

/* Elements that are moved in f64, whatever x is made of. */
static bool give_data(gti_check *c, gti_part *part, const gt_tensor *x)
{
    part->data = x->dtype == GT_F64 ? x->data : gti_check_room(c, x->size, sizeof *part->data);
    if (!part->data) return gti_check_alive(c);
    if (x->dtype != GT_F64) gti_check_read(x, part->data);
    return true;
}

static bool make_x(gti_check *c, const gti_fn *fn)
{
    c->x = gti_check_scratch(c, fn->n_var, sizeof *c->x);
    c->y = gti_check_scratch(c, fn->n_out, sizeof *c->y);
    c->out = gti_check_scratch(c, fn->n_out, sizeof *c->out);
    c->pulled = gti_check_scratch(c, fn->n_out, sizeof *c->pulled);
    c->upstream = gti_check_scratch(c, fn->n_out, sizeof *c->upstream);
    c->wanted = gti_check_scratch(c, fn->n_var, sizeof *c->wanted);
    c->grad = gti_check_scratch(c, fn->n_var, sizeof *c->grad);
    if (!gti_check_alive(c)) return false;
    c->n_x = 0;
    for (int i = 0; i < fn->n_var; i++) {
        add_part(&c->x[i], fn->var[i]->shape, false, &c->n_x);
        if (!give_data(c, &c->x[i], fn->var[i])) return false;
    }
    return true;
}

/* Shapes of the outputs from a first call; those of a gradient are its variables'. */
static bool make_y(gti_check *c, const gti_fn *fn)
{
    c->n_y = 0;
    if (!gti_check_first_call(c)) return false;
    for (int i = 0; i < fn->n_out; i++) {
        const gt_tensor *y = c->out[i];
        const gt_shape shape = fn->inner ? fn->inner->var[i]->shape : y->shape;
        c->y[i].dtype = fn->inner ? fn->inner->var[i]->dtype : y->dtype;
        add_part(&c->y[i], shape, !fn->inner && !gt_is_floating(y->dtype), &c->n_y);
        if (fn->inner || !fn->n_var || y->dtype != GT_F32 || fn->var[0]->dtype != GT_F64) continue;
        return gti_check_refuse(c, "make constants in the function with .dtype = GT_F64",
                                "the result is f32, though the inputs are f64");
    }
    if (!gti_check_keep_first(c)) return false;
    gti_check_end(c);
    return true;
}

bool gti_check_prepare(gti_check *c, const gti_fn *fn)
{
    c->fn = fn;
    c->tally = NULL;
    c->mask = NULL;
    c->uncertain = 0;
    if (!make_x(c, fn)) return false;
    name_parts(c, fn);
    if (!make_y(c, fn) || !gti_check_refine(c, fn) || !gti_check_start_tallies(c)) return false;
    c->y0 = gti_check_room(c, c->n_y, sizeof *c->y0);
    c->noise = gti_check_room(c, c->n_y, sizeof *c->noise);
    c->noise_measured = false;
    c->x0 = gti_check_room(c, c->n_x, sizeof *c->x0);
    for (int k = 0; k < 4; k++) c->near[k] = gti_check_room(c, c->n_y, sizeof *c->near[k]);
    for (int k = 0; k < 2; k++) {
        c->pull[k].v = gti_check_room(c, c->n_y, sizeof *c->pull[k].v);
        c->pull[k].g = gti_check_room(c, c->n_x, sizeof *c->pull[k].g);
    }
    c->n_pulls = 0;
    if (!gti_check_alive(c)) return false;
    for (int i = 0; i < fn->n_var; i++) gti_check_read(fn->var[i], c->x0 + c->x[i].offset);
    if (!gti_check_evaluate(c, c->y0)) return false;
    for (int64_t j = 0; j < c->n_y; j++) c->noise[j] = c->precision->epsilon * fabs(c->y0[j]);
    return gti_check_find_units(c);
}

bool gti_check_gradient(gti_check *c, const gti_fn *fn, gti_fn *gradient)
{
    const int n_most = fn->n_var + fn->n_out;
    *gradient =
        (gti_fn){.call = gti_check_call_gradient, .gt = fn->gt, .n_out = fn->n_var, .inner = fn};
    gradient->n_in = fn->n_in;
    gradient->in = fn->in;
    gradient->n_var = fn->n_var;
    gradient->var = gti_check_scratch(c, n_most, sizeof *gradient->var);
    gradient->upstream = gti_check_scratch(c, fn->n_out, sizeof *gradient->upstream);
    if (!gti_check_alive(c)) return false;
    memcpy(gradient->var, fn->var, (size_t)fn->n_var * sizeof *fn->var);
    for (int i = 0; i < fn->n_out; i++) {
        if (c->y[i].constant) continue;
        double *v = gti_check_room(c, c->y[i].size, sizeof *v);
        if (!v) return gti_check_alive(c);
        gti_check_weights(c, c->y[i].size, v);
        const gt_new_opts leaf = {.dtype = c->y[i].dtype, .requires_grad = true};
        gt_tensor *u = gt_from_(c->gt, c->y[i].shape, v, GT_C_DOUBLE, leaf);
        if (!u) return gti_check_alive(c);
        gradient->upstream[i] = gradient->var[gradient->n_var++] = u;
    }
    return true;
}

/* --- running --- */

static bool is_small(const gti_check *c)
{
    return c->n_y == 0 || c->n_asked <= GTI_FULL_ENTRIES / c->n_y;
}

static bool check_derivatives(gti_check *c)
{
    const gt_gradcheck_mode mode = c->o.mode;
    const bool full = mode == GT_GRADCHECK_FULL || (mode != GT_GRADCHECK_FAST && is_small(c));
    return full ? gti_check_full(c) : gti_check_fast(c);
}

/* What can only be asked of an operation's own inputs, and of first derivatives. */
static bool check_places(gti_check *c)
{
    if (c->r->order == 2) return true;
    return gti_check_subsets(c) &&
           (!c->op ||
            (gti_check_silent_outputs(c) && gti_check_same_tensor(c) && gti_check_accumulation(c)));
}

/* Linearity first: what it finds is told more plainly than by derivatives. Those name the entry
 * that is not finite. */
static bool check_rule(gti_check *c)
{
    if (c->finite) return gti_check_upstream(c) && check_derivatives(c);
    return check_derivatives(c) && gti_check_upstream(c);
}

static void begin_order(gti_check *c, int order)
{
    gt_gradcheck_report *r = c->r;
    r->order = order;
    r->mode = GT_GRADCHECK_AUTO;
    r->entries = r->wrong = r->kinks = r->unsure = c->alike = 0;
    c->looks = c->met = 0;
}

/* Of fn, or of its gradient; false after a failure. */
static bool check_order(gti_check *c, const gti_fn *fn, int order)
{
    gti_fn gradient;
    begin_order(c, order);
    if (!gti_check_prepare(c, fn) || !gti_check_whole(c)) return false;
    if (order == 2 && (!gti_check_gradient(c, fn, &gradient) || !gti_check_prepare(c, &gradient)))
        return false;
    if (!gti_check_runs(c)) return false;
    if (fn->n_var && (!check_rule(c) || !check_places(c))) return false;
    if ((c->symmetric || (order == 2 && fn->n_var)) && !gti_check_symmetric(c)) return false;
    if (!gti_check_drift(c)) return false;
    gti_check_conclude(c);
    return c->r->verdict != GT_FAIL;
}

/* Both orders draw the same numbers as each would by itself. */
void gti_check_all(gti_check *c, const gti_fn *fn)
{
    const bool second = GT_MUTANT(check_first_alone, c->o.order == 2, false) && fn->n_var;
    const uint64_t random = c->random;
    gt_gradcheck_report *first = gti_check_scratch(c, 1, sizeof *first);
    if (!first) {
        gti_check_alive(c);
        return;
    }
    const gt_mark mark = gt_mark_tape(c->gt);
    if (!check_order(c, fn, 1) || !second) return;
    gt_rewind(c->gt, mark);
    *first = *c->r;
    first->message[strlen(first->message) - 1] = '\0';
    c->first = strchr(first->message, '\n');
    c->random = random;
    if (!check_order(c, fn, 2) || c->r->verdict != GT_PASS || first->verdict == GT_PASS) return;
    first->message[strlen(first->message)] = '\n';
    *c->r = *first;
}

bool gti_check_open(gti_check *c)
{
    gt_ctx *gt = c->gt;
    if (!gt) return gti_check_refuse(c, "", "the context is NULL");
    if (!gti_check_options_are_fit(c)) return false;
    if (gt_failed(gt))
        return gti_check_refuse(c, "clear it first with gt_error_clear",
                                "the context had failed before: %s", gt_error_message(gt));
    return gti_session_open(&c->all, gt) || gti_check_alive(c);
}

void gti_check_close(gti_check *c)
{
    gti_session_close(&c->all);
}

/* --- the user's function --- */

static bool input_is_fit(gti_check *c, const gt_tensor *x, int i)
{
    if (!x) return gti_check_refuse(c, "", "input %d is NULL", i);
    if (x->ctx != c->gt) return gti_check_refuse(c, "", "input %d belongs to another context", i);
    if (!gti_tensor_usable(x, "gt_gradcheck")) return gti_check_alive(c);
    if (!x->requires_grad) return true;
    if (gt_producer(x))
        return gti_check_refuse(c, "pass leaves; gt_detach makes one of a result",
                                "input %d is the result of %s", i, gti_naming_maker(x));
    const gt_dtype wanted = c->o.f32 ? GT_F32 : GT_F64;
    if (x->dtype == wanted) return true;
    char name[64] = "";
    if (gt_name(x)[0]) gti_naming_path(x, name, sizeof name);
    return gti_check_refuse(
        c,
        c->o.f32 ? "leave .f32 out: f64 tells more; it is for what has kernels for f32 alone"
                 : "f32 is too coarse for differences: make inputs with .dtype = GT_F64, "
                   "parameters of a module gt_module_to(m, GT_F64); or, where kernels are for f32 "
                   "alone, check with .f32 = true",
        "input %d%s%s%s is %s, where %s is needed", i, name[0] ? " (" : "", name,
        name[0] ? ")" : "", gt_dtype_name(x->dtype), gt_dtype_name(wanted));
}

/* Fills fn->var with the distinct inputs that require gradients. */
static bool find_variables(gti_check *c, gti_fn *fn)
{
    for (int i = 0; i < fn->n_in; i++) {
        gt_tensor *x = fn->in[i];
        if (!input_is_fit(c, x, i)) return false;
        bool known = !x->requires_grad;
        for (int k = 0; k < fn->n_var; k++) known |= fn->var[k] == x;
        if (!known) fn->var[fn->n_var++] = x;
    }
    return fn->n_var || gti_check_refuse(c, "make one with .requires_grad = true",
                                         "none of the %d inputs requires gradients", fn->n_in);
}

static bool take_inputs(gti_check *c, gti_fn *fn, gt_tensor *const in[])
{
    fn->in = gti_check_scratch(c, fn->n_in, sizeof *fn->in);
    fn->var = gti_check_scratch(c, fn->n_in, sizeof *fn->var);
    if (!gti_check_alive(c)) return false;
    memcpy(fn->in, in, (size_t)fn->n_in * sizeof *in);
    return find_variables(c, fn);
}

static bool can_check(gti_check *c, gt_function f, gt_tensor *const in[], int n_in)
{
    if (!f) return gti_check_refuse(c, "", "the function is NULL");
    if (!in || n_in < 1) return gti_check_refuse(c, "", "there are no inputs");
    if (c->o.f32) gti_check_set_precision(c, &gti_precision_f32);
    return true;
}

bool gti_check_open_function(gti_check *c, gt_function f, void *user, gt_tensor *const in[],
                             int n_in, gti_fn *fn)
{
    *fn = (gti_fn){
        .call = gti_check_call_user, .gt = c->gt, .n_in = n_in, .n_out = 1, .f = f, .user = user};
    if (!can_check(c, f, in, n_in) || !gti_check_open(c)) return false;
    if (take_inputs(c, fn, in)) return true;
    gti_check_close(c);
    return false;
}

typedef struct {
    gt_ctx *gt;
    gt_function f;
    void *user;
    gt_tensor *const *in;
    int n_in;
    const gt_gradcheck_opts *opts;
} request;

static void check_point(void *work, gt_gradcheck_report *r, int point)
{
    const request *q = work;
    gti_check c;
    gti_fn fn;
    gti_check_init(&c, q->gt, q->opts, r);
    if (!gti_check_open_function(&c, q->f, q->user, q->in, q->n_in, &fn)) return;
    gti_check_label_point(&c, point);
    gti_check_all(&c, &fn);
    gti_check_close(&c);
}

gt_verdict gt_gradcheck(gt_ctx *gt, gt_function f, void *user, gt_tensor *const in[], int n_in,
                        const gt_gradcheck_opts *opts, gt_gradcheck_report *report)
{
    gt_gradcheck_report unread;
    request q = {gt, f, user, in, n_in, opts};
    gti_check c;
    gti_check_init(&c, gt, opts, report ? report : &unread);
    return gti_check_points(&c, check_point, &q, in, n_in);
}
