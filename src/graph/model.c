/* A graph, from the nodes of a tape. Copies all that it keeps, but for operations and modules'
 * types, which are static. Places of scopes are larger than those of the scopes above them, and
 * places of nodes than those of the nodes that they read. */
#include "graph/model.h"

#include <stdlib.h>
#include <string.h>

enum { BLOCK = 1 << 15 };

struct gti_model_block {
    gti_model_block *before;
    size_t used, size;
    max_align_t room[];
};

/* --- memory --- */

void *gti_model_room(gti_model *g, size_t size)
{
    size = (size + sizeof(max_align_t) - 1) / sizeof(max_align_t) * sizeof(max_align_t);
    gti_model_block *b = g->block;
    if (!b || b->size - b->used < size) {
        const size_t room = size > BLOCK ? size : BLOCK;
        b = malloc(sizeof *b + room);
        if (!b) return NULL;
        *b = (gti_model_block){.before = g->block, .size = room};
        g->block = b;
    }
    void *at = (char *)b->room + b->used;
    b->used += size;
    return memset(at, 0, size);
}

const char *gti_model_text(gti_model *g, const char *text)
{
    if (!text || !*text) return text ? "" : NULL;
    const size_t size = strlen(text) + 1;
    char *copy = gti_model_room(g, size);
    return copy ? memcpy(copy, text, size) : NULL;
}

/* Makes room in an array of `size` bytes an element for one more than n. */
static bool grow(void *array, uint32_t n, uint32_t *room, size_t size)
{
    if (n < *room) return true;
    const uint32_t more = *room ? 2 * *room : 64;
    void *old;
    memcpy(&old, array, sizeof old);
    void *new = more > *room ? realloc(old, more * size) : NULL;
    if (!new) return false;
    memcpy(array, &new, sizeof new);
    *room = more;
    return true;
}

static void forget(gti_model *g)
{
    gti_map_free(&g->tensors);
    gti_map_free(&g->nodes);
    gti_map_free(&g->scopes);
    free(g->now);
    free(g->tensor);
    g->now = NULL;
    g->tensor = NULL;
}

gt_graph *gti_model_done(gti_model *g)
{
    forget(g);
    return &g->pub;
}

void gt_graph_free(gt_graph *graph)
{
    if (!graph) return;
    gti_model *g = (gti_model *)graph;
    forget(g);
    for (gti_model_block *b = g->block; b;) {
        gti_model_block *before = b->before;
        free(b);
        b = before;
    }
    free((void *)graph->value);
    free((void *)graph->node);
    free((void *)graph->scope);
    free(g);
}

/* --- scopes --- */

static bool describe_module(gti_model *g, gt_graph_scope *s, const gt_module *m)
{
    char inside[512] = "";
    if (m->type->describe) m->type->describe(m, inside, sizeof inside);
    s->kind = GT_SCOPE_MODULE;
    s->type = m->type->name;
    s->arguments = gti_model_text(g, inside);
    return s->arguments != NULL;
}

static bool describe_call(gti_model *g, gt_graph_scope *s, const gt_call *c)
{
    char text[512] = "";
    if (c->function->attrs && c->opts)
        gt_attrs_format(c->function->attrs, c->opts, text, sizeof text);
    s->kind = GT_SCOPE_FUNCTION;
    s->type = s->name;
    s->arguments = gti_model_text(g, text);
    return s->arguments != NULL;
}

static bool add_one_scope(gti_model *g, const gt_scope *scope)
{
    const uint32_t n = (uint32_t)g->pub.n_scopes;
    if (!grow(&g->pub.scope, n, &g->scopes_room, sizeof *g->pub.scope)) return false;
    if (!gti_map_add(&g->scopes, scope)) return false;
    gt_graph_scope *s = gti_model_scope(g, (int)n);
    const uint32_t above = gti_map_find(&g->scopes, scope->parent);
    *s = (gt_graph_scope){.kind = GT_SCOPE_NAMED, .type = "", .arguments = "", .parent = -1};
    if (scope->parent) s->parent = (int)above;
    if (scope->parent)
        s->depth = g->pub.scope[above].depth + (g->pub.scope[above].kind != GT_SCOPE_FUNCTION);
    s->name = gti_model_text(g, scope->name ? scope->name : "");
    if (scope->type) s->type = gti_model_text(g, scope->type);
    g->pub.n_scopes++;
    if (!s->name || !s->type) return false;
    if (scope->call) return describe_call(g, s, scope->call);
    return !scope->module || describe_module(g, s, scope->module);
}

/* The topmost ones that are missing first. */
int gti_model_add_scope(gti_model *g, const gt_scope *scope)
{
    if (!scope) return -1;
    uint32_t at = gti_map_find(&g->scopes, scope);
    if (at != GTI_NOT_IN_MAP) return (int)at;
    size_t missing = 0;
    for (const gt_scope *s = scope; s && gti_map_find(&g->scopes, s) == GTI_NOT_IN_MAP;
         s = s->parent)
        missing++;
    const gt_scope **chain = malloc((missing + 1) * sizeof *chain), *s = scope;
    if (!chain) return -2;
    for (size_t i = missing; i-- > 0; s = s->parent) chain[i] = s;
    bool ok = true;
    for (size_t i = 0; i < missing && ok; i++) ok = add_one_scope(g, chain[i]);
    free(chain);
    return ok ? g->pub.n_scopes - 1 : -2;
}

/* --- values --- */

/* The innermost call of n that has made the leaf t: t is its own affair. */
static const gt_scope *maker_of(const gt_node *n, const gt_tensor *t)
{
    for (const gt_scope *s = n ? gt_node_scope(n) : NULL; s && s->call; s = s->parent)
        if (gt_call_made(s->call, t)) return s;
    return NULL;
}

/* Whether a module has t as a parameter, frozen or not. */
static bool is_parameter(const gt_tensor *t)
{
    const gt_scope *owner = gt_owner(t);
    return t->requires_grad ||
           (owner && owner->module && gt_module_parameter(owner->module, gt_name(t)) == t);
}

static gt_value_kind kind_of_leaf(const gt_tensor *t, const gt_node *reader, int k)
{
    if (is_parameter(t)) return GT_VALUE_PARAMETER;
    if (gt_owner(t)) return GT_VALUE_BUFFER;
    const bool changed = reader && reader->op->flags & GT_OP_INTO && k < reader->n_out;
    return changed ? GT_VALUE_STATE : GT_VALUE_CONSTANT;
}

/* A value of t, which it holds from now on; -1 when memory is short. */
static int add_value(gti_model *g, const gt_tensor *t, int scope)
{
    const uint32_t n = (uint32_t)g->pub.n_values, room = g->values_room;
    if (scope < -1 || !grow(&g->pub.value, n, &g->values_room, sizeof *g->pub.value)) return -1;
    uint32_t same = room;
    if (!grow(&g->tensor, n, &same, sizeof *g->tensor)) return -1;
    if (!grow(&g->now, g->tensors.count, &g->tensors_room, sizeof *g->now)) return -1;
    if (!gti_map_add(&g->tensors, t)) return -1;
    *gti_model_value(g, (int)n) = (gt_graph_value){
        .name = gti_model_text(g, gt_name(t)),
        .where = gti_model_text(g, t->where),
        .shape = t->shape,
        .bytes = (double)t->size * (double)gt_dtype_size(t->dtype),
        .dtype = t->dtype,
        .node = -1,
        .scope = scope,
        .before = -1,
        .gradient = -1,
        .needs_grad = t->requires_grad,
    };
    g->tensor[n] = t;
    g->now[gti_map_find(&g->tensors, t)] = n;
    g->pub.n_values++;
    const gt_graph_value *v = &g->pub.value[n];
    return v->name && (v->where || !t->where) ? (int)n : -1;
}

static int value_now(const gti_model *g, const gt_tensor *t)
{
    const uint32_t at = gti_map_find(&g->tensors, t);
    return at == GTI_NOT_IN_MAP ? -1 : (int)g->now[at];
}

/* What node n reads of t as its input k; -1 when memory is short. */
static int read_value(gti_model *g, const gt_tensor *t, const gt_node *n, int k)
{
    const int known = value_now(g, t);
    if (known >= 0) return known;
    const gt_scope *owner = gt_owner(t);
    const int i = add_value(g, t, gti_model_add_scope(g, owner ? owner : maker_of(n, t)));
    if (i < 0) return -1;
    gt_graph_value *v = gti_model_value(g, i);
    v->kind = kind_of_leaf(t, n, k);
    if (v->bytes > GT_GRAPH_DATA || gt_unusable(t)) return i;
    void *copy = gti_model_room(g, (size_t)v->bytes + 1);
    v->data = copy ? memcpy(copy, t->data, (size_t)v->bytes) : NULL;
    return copy ? i : -1;
}

/* --- nodes --- */

static double flops_of(const gt_node *n)
{
    if (n->op->flags & GT_OP_VIEW) return 0;
    return n->op->flops ? n->op->flops(n) : (double)n->out[0]->size;
}

static double bytes_of(const gt_node *n)
{
    double bytes = 0;
    if (n->op->flags & GT_OP_VIEW) return 0;
    for (int i = 0; i < n->n_in + n->n_out; i++) {
        const gt_tensor *t = i < n->n_in ? n->in[i] : n->out[i - n->n_in];
        bytes += (double)t->size * (double)gt_dtype_size(t->dtype);
    }
    return bytes;
}

static int make_output(gti_model *g, const gt_node *n, int k, int place, int scope)
{
    const int before = n->op->flags & GT_OP_INTO ? value_now(g, n->in[k]) : -1;
    const gt_tensor *t = before >= 0 ? n->in[k] : n->out[k];
    const int i = add_value(g, t, before >= 0 ? g->pub.value[before].scope : scope);
    if (i < 0) return -1;
    gt_graph_value *v = gti_model_value(g, i);
    v->kind = GT_VALUE_RESULT;
    v->node = place;
    v->output = k;
    v->before = before;
    v->view = n->op->flags & GT_OP_VIEW;
    return i;
}

/* Its own copies, and the saved values: those that the rule of a node with gradients reads. */
static bool fill_node(gti_model *g, gt_graph_node *to, const gt_node *n, int place)
{
    int *in = gti_model_room(g, (size_t)(n->n_in + n->n_out) * sizeof *in);
    void *opts = n->op->opts_size ? gti_model_room(g, n->op->opts_size) : NULL;
    if (!in || (n->op->opts_size && !opts)) return false;
    int *out = in + n->n_in;
    if (opts) memcpy(opts, n->opts, n->op->opts_size);
    for (int k = 0; k < n->n_in; k++)
        if ((in[k] = read_value(g, n->in[k], n, k)) < 0) return false;
    for (int k = 0; k < n->n_out; k++)
        if ((out[k] = make_output(g, n, k, place, to->scope)) < 0) return false;
    to->in = in;
    to->out = out;
    to->opts = opts;
    const bool saves = n->needs && !(n->op->flags & GT_OP_NO_SAVED);
    for (int k = 0; saves && k < n->n_in + n->n_out; k++) {
        const bool unread = k < n->n_in ? k < 16 && n->op->unread & GT_UNREAD_IN(k)
                                        : n->op->unread & GT_UNREAD_OUT(k - n->n_in);
        if (!unread) gti_model_value(g, in[k])->saved = true;
    }
    return true;
}

static bool add_node(gti_model *g, const gt_node *n)
{
    const uint32_t place = (uint32_t)g->pub.n_nodes;
    if (!grow(&g->pub.node, place, &g->nodes_room, sizeof *g->pub.node)) return false;
    if (!gti_map_add(&g->nodes, n)) return false;
    const int scope = gti_model_add_scope(g, gt_node_scope(n));
    gt_graph_node *to = gti_model_node(g, (int)place);
    const gt_node *swept = gt_node_swept(n);
    const uint32_t of = swept ? gti_map_find(&g->nodes, swept) : GTI_NOT_IN_MAP;
    *to = (gt_graph_node){.op = n->op,
                          .n_in = n->n_in,
                          .n_out = n->n_out,
                          .part = gt_node_in_backward(n) ? GT_PART_BACKWARD : GT_PART_FORWARD,
                          .of = of == GTI_NOT_IN_MAP ? -1 : (int)of,
                          .scope = scope,
                          .flops = flops_of(n),
                          .bytes = bytes_of(n)};
    g->pub.n_nodes++;
    return scope >= -1 && fill_node(g, to, n, (int)place);
}

/* --- the whole --- */

/* Leaves know where their gradients were computed. */
static void link_gradients(gti_model *g)
{
    for (int i = 0; i < g->pub.n_values; i++) {
        gt_graph_value *v = gti_model_value(g, i);
        const gt_tensor *grad = v->node < 0 ? g->tensor[i]->grad : NULL;
        const int at = grad ? value_now(g, grad) : -1;
        if (at >= 0 && g->pub.value[at].node >= 0) v->gradient = at;
    }
}

gti_model *gti_model_make(gt_ctx *gt, const gt_node *first, const char *what)
{
    gti_model *g = calloc(1, sizeof *g);
    bool ok = g != NULL;
    if (ok) g->pub.ctx = gt;
    if (ok) g->pub.result = -1;
    for (const gt_node *n = first; n && ok; n = gt_tape_next(n)) ok = add_node(g, n);
    if (ok) link_gradients(g);
    if (ok && gti_model_complete(g)) return g;
    gt_fail(gt, GT_ERR_MEMORY, what, "no memory for the graph");
    if (g) gt_graph_free(&g->pub);
    return NULL;
}

bool gti_model_set_result(gti_model *g, const gt_tensor *t)
{
    g->pub.result = t ? read_value(g, t, NULL, 0) : -1;
    return !t || g->pub.result >= 0;
}

/* The first value of t. */
void gti_model_set_input(gti_model *g, const gt_tensor *t)
{
    int i = value_now(g, t);
    while (i >= 0 && g->pub.value[i].before >= 0) i = g->pub.value[i].before;
    if (i >= 0 && g->pub.value[i].node < 0) gti_model_value(g, i)->kind = GT_VALUE_INPUT;
}
