/* A graph as TensorBoard's message GraphDef, whose nodes' names are paths.
 *
 *   GraphDef          1 NodeDef (repeated), 4 VersionDef
 *   NodeDef           1 string name, 2 string op, 3 string input (repeated: "name", "name:1"),
 *                     5 entry of a map (repeated): 1 string key, 2 AttrValue
 *   AttrValue         1 ListValue, 2 bytes s, 3 int64 i, 6 type
 *   ListValue         7 TensorShapeProto (repeated)
 *   TensorShapeProto  2 Dim (repeated): 1 int64 size, -1 unknown
 *   VersionDef        1 int32 producer */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "view/view.h"

enum { PATH = 4096 }; /* the longest path of a scope */

typedef struct {
    const gt_graph *g;
    char **scope; /* path of each */
    char **node;  /* name of each */
    char **leaf;  /* name of each value that no node makes */
    const char *why;
    gt_status status;
} naming;

/* --- names --- */

static void fail(naming *n, gt_status status, const char *why)
{
    if (n->status) return;
    n->status = status;
    n->why = why;
}

/* "above/name", or the one that there is. */
static char *join(naming *n, const char *above, const char *name)
{
    const size_t size = strlen(above) + strlen(name) + 2;
    char *path = malloc(size);
    if (path) snprintf(path, size, "%s%s%s", above, *above && *name ? "/" : "", name);
    else fail(n, GT_ERR_MEMORY, "out of memory");
    return path;
}

/* The same, of the name's characters those that TensorFlow's names have. */
static char *join_clean(naming *n, const char *above, const char *name)
{
    char *path = join(n, above, name);
    for (char *c = path ? path + strlen(path) - strlen(name) : NULL; c && *c; c++)
        if (!isalnum((unsigned char)*c) && *c != '.') *c = '_';
    return path;
}

static const char *scope_of(const naming *n, int scope)
{
    return scope < 0 ? "" : n->scope[scope];
}

static void name_scopes(naming *n)
{
    for (int i = 0; i < n->g->n_scopes && !n->status; i++) {
        const gt_graph_scope *s = &n->g->scope[i];
        n->scope[i] = join_clean(n, scope_of(n, s->parent), *s->name ? s->name : s->type);
        if (n->scope[i] && strlen(n->scope[i]) > PATH)
            fail(n, GT_ERR_UNSUPPORTED, "the path of a scope has more than 4096 bytes");
    }
}

/* Backward passes and updates stand apart, in the same scopes there. */
static void name_nodes(naming *n)
{
    static const char *const parts[] = {"", "backward", "update"};
    for (int i = 0; i < n->g->n_nodes && !n->status; i++) {
        const gt_graph_node *node = &n->g->node[i];
        char *above = join(n, parts[node->part], scope_of(n, node->scope));
        if (above) n->node[i] = join(n, above, node->op->name);
        free(above);
    }
}

static const char *const kinds[] = {"Result", "Input", "Parameter", "Buffer", "State", "Const"};

static void name_leaves(naming *n)
{
    for (int i = 0; i < n->g->n_values && !n->status; i++) {
        const gt_graph_value *v = &n->g->value[i];
        if (v->node < 0)
            n->leaf[i] = join_clean(n, scope_of(n, v->scope), *v->name ? v->name : kinds[v->kind]);
    }
}

static int by_text(const void *a, const void *b)
{
    char **const x = *(char **const *)a, **const y = *(char **const *)b;
    const int order = strcmp(*x, *y);
    return order ? order : x < y ? -1 : x > y;
}

/* Of names that are there more than once the second gets "-1" behind it, which no name has of its
 * own, and so on. */
static void part_names(naming *n, char ***slot, size_t count)
{
    size_t first = 0;
    qsort(slot, count, sizeof *slot, by_text);
    for (size_t i = 1; i < count && !n->status; i++) {
        if (strcmp(*slot[i], *slot[first]) != 0) {
            first = i;
            continue;
        }
        const size_t size = strlen(*slot[i]) + 24;
        char *longer = malloc(size);
        if (!longer) {
            fail(n, GT_ERR_MEMORY, "out of memory");
            return;
        }
        snprintf(longer, size, "%s-%zu", *slot[i], i - first);
        free(*slot[i]);
        *slot[i] = longer;
    }
}

static void make_unique(naming *n)
{
    const size_t most = (size_t)n->g->n_nodes + (size_t)n->g->n_values;
    char ***slot = malloc((most + 1) * sizeof *slot);
    size_t count = 0;
    if (!slot) {
        fail(n, GT_ERR_MEMORY, "out of memory");
        return;
    }
    for (int i = 0; i < n->g->n_nodes; i++) slot[count++] = &n->node[i];
    for (int i = 0; i < n->g->n_values; i++)
        if (n->leaf[i]) slot[count++] = &n->leaf[i];
    part_names(n, slot, count);
    free(slot);
}

static void free_list(char **list, int n)
{
    for (int i = 0; list && i < n; i++) free(list[i]);
    free(list);
}

static void name_all(naming *n)
{
    n->scope = calloc((size_t)n->g->n_scopes + 1, sizeof *n->scope);
    n->node = calloc((size_t)n->g->n_nodes + 1, sizeof *n->node);
    n->leaf = calloc((size_t)n->g->n_values + 1, sizeof *n->leaf);
    if (!n->scope || !n->node || !n->leaf) {
        fail(n, GT_ERR_MEMORY, "out of memory");
        return;
    }
    name_scopes(n);
    name_nodes(n);
    name_leaves(n);
    if (!n->status) make_unique(n);
}

/* --- attributes --- */

static void add_attr(gti_proto *node, const char *key, gti_proto *value)
{
    gti_proto entry = {0};
    gti_proto_bytes(&entry, 1, key, strlen(key));
    gti_proto_message(&entry, 2, value);
    gti_proto_message(node, 5, &entry);
}

static void add_text(gti_proto *node, const char *key, const char *text)
{
    gti_proto value = {0};
    if (*text) gti_proto_bytes(&value, 2, text, strlen(text));
    if (*text) add_attr(node, key, &value);
}

static void add_number(gti_proto *node, const char *key, double number)
{
    gti_proto value = {0};
    if (number >= 1 && number < 9e18) gti_proto_int(&value, 3, (int64_t)number);
    if (value.length) add_attr(node, key, &value);
}

static void add_type(gti_proto *node, gt_dtype dtype)
{
    static const int types[] = {[GT_F32] = 1, [GT_F64] = 2, [GT_U8] = 4, [GT_I64] = 9};
    gti_proto value = {0};
    gti_proto_int(&value, 6, types[dtype]);
    add_attr(node, "T", &value);
}

/* A dimension that grows with the batch is unknown. */
static void add_shape(gti_proto *list, const gt_graph_value *v)
{
    gti_proto shape = {0};
    for (int i = 0; i < v->shape.ndim; i++) {
        gti_proto dim = {0};
        gti_proto_int(&dim, 1, v->growth[i] ? -1 : v->shape.dim[i]);
        gti_proto_message(&shape, 2, &dim);
    }
    gti_proto_message(list, 7, &shape);
}

static void add_shapes(gti_proto *node, const gt_graph *g, int n, const int *values)
{
    gti_proto list = {0}, value = {0};
    for (int i = 0; i < n; i++) add_shape(&list, &g->value[values[i]]);
    gti_proto_message(&value, 1, &list);
    add_attr(node, "_output_shapes", &value);
    if (n) add_type(node, g->value[values[0]].dtype);
}

/* "Conv2d(1, 6, kernel_size=(5, 5))": the innermost module. */
static void add_module(gti_proto *node, const gt_graph *g, int scope)
{
    char text[512];
    while (scope >= 0 && g->scope[scope].kind != GT_SCOPE_MODULE) scope = g->scope[scope].parent;
    if (scope < 0) return;
    snprintf(text, sizeof text, "%s(%s)", g->scope[scope].type, g->scope[scope].arguments);
    add_text(node, "module", text);
}

static void add_options(gti_proto *node, const gt_graph_node *n)
{
    char text[256];
    for (int i = 0; n->opts && i < n->op->attrs.n; i++) {
        const gt_attr *a = &n->op->attrs.row[i];
        if (a->kind != GT_ATTR_TENSOR && a->name[0])
            add_text(node, a->name, gt_attr_format(a, n->opts, text, sizeof text));
    }
}

/* --- nodes --- */

static void begin(gti_proto *node, const char *name, const char *op)
{
    gti_proto_bytes(node, 1, name, strlen(name));
    gti_proto_bytes(node, 2, op, strlen(op));
}

static void add_input(naming *n, gti_proto *node, int value)
{
    const gt_graph_value *v = &n->g->value[value];
    const char *maker = v->node < 0 ? n->leaf[value] : n->node[v->node];
    const size_t size = strlen(maker) + 16;
    char *name = malloc(size);
    if (!name) {
        fail(n, GT_ERR_MEMORY, "out of memory");
        return;
    }
    if (v->node >= 0 && v->output) snprintf(name, size, "%s:%d", maker, v->output);
    else snprintf(name, size, "%s", maker);
    gti_proto_bytes(node, 3, name, strlen(name));
    free(name);
}

static void add_node(naming *n, gti_proto *def, int i)
{
    const gt_graph_node *at = &n->g->node[i];
    gti_proto node = {0};
    begin(&node, n->node[i], at->op->name);
    for (int k = 0; k < at->n_in; k++) add_input(n, &node, at->in[k]);
    add_shapes(&node, n->g, at->n_out, at->out);
    add_options(&node, at);
    add_module(&node, n->g, at->scope);
    add_number(&node, "flops", at->flops);
    add_number(&node, "bytes", at->bytes);
    gti_proto_message(def, 1, &node);
}

static void add_leaf(naming *n, gti_proto *def, int i)
{
    const gt_graph_value *v = &n->g->value[i];
    gti_proto node = {0};
    begin(&node, n->leaf[i], kinds[v->kind]);
    add_shapes(&node, n->g, 1, &i);
    add_module(&node, n->g, v->scope);
    add_number(&node, "bytes", v->bytes);
    gti_proto_message(def, 1, &node);
}

gt_status gti_board_graph(const gt_graph *g, gti_proto *def, const char *what)
{
    naming n = {.g = g};
    gti_proto version = {0};
    name_all(&n);
    for (int i = 0; i < g->n_values && !n.status; i++)
        if (n.leaf[i]) add_leaf(&n, def, i);
    for (int i = 0; i < g->n_nodes && !n.status; i++) add_node(&n, def, i);
    gti_proto_int(&version, 1, 22);
    gti_proto_message(def, 4, &version);
    free_list(n.scope, g->n_scopes);
    free_list(n.node, g->n_nodes);
    free_list(n.leaf, g->n_values);
    if (!n.status && def->failed) fail(&n, GT_ERR_MEMORY, "out of memory");
    return n.status ? gt_fail(g->ctx, n.status, what, "%s", n.why) : GT_OK;
}
