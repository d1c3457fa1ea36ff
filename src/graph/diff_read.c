/* Reading a graph as JSON (docs/graph-json.md) into items that can be compared. */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "graph/diff.h"
#include "io/json.h"

enum { PATH = 4096 }; /* the longest path of a scope */

typedef struct {
    const char *kind, *name, *type, *arguments;
    int64_t parent;
    const char *path;
} scope;

typedef struct {
    const char *kind, *name, *dtype, *key;
    int64_t shape[GT_MAX_DIMS], growth[GT_MAX_DIMS], node, output, scope;
    int ndim, n_growth;
} value;

/* Numbers of values are between `first` and `first + n` of `places`. */
typedef struct {
    const char *op, *part, *key;
    int64_t scope;
    int in, n_in, out, n_out, attr, n_attr, grown, n_grown;
} node;

typedef struct {
    gti_items *all;
    gti_json j;
    int64_t version, batch;
    scope *scope;
    value *value;
    node *node;
    int64_t *place;
    gti_fact *attr;
    int n_scopes, n_values, n_nodes, n_places, n_attrs;
    int scopes_room, values_room, nodes_room, places_room, attrs_room;
} reader;

/* --- failures --- */

static bool fail_at(reader *r, const char *fmt, ...) GT_PRINTF(2, 3);
static bool fail_at(reader *r, const char *fmt, ...)
{
    char text[256];
    va_list args;
    va_start(args, fmt);
    gt_vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    if (!gt_failed(r->all->gt))
        gt_fail(r->all->gt, GT_ERR_FORMAT, r->all->what, "%s: %s", r->all->path, text);
    return false;
}

/* What the text itself has wrong, with its line. */
static bool fail_text(reader *r)
{
    int line = 1;
    for (const char *c = r->j.start; c < r->j.at; c++) line += *c == '\n';
    return fail_at(r, "line %d: %s", line, r->j.error);
}

/* --- lists and numbers --- */

static bool read_place(reader *r, int64_t *to)
{
    return gti_json_integer(&r->j, to);
}

static bool read_dims(reader *r, int64_t dim[GT_MAX_DIMS], int *n)
{
    *n = 0;
    if (!gti_json_open(&r->j, '[')) return false;
    while (gti_json_more(&r->j, ']')) {
        if (*n == GT_MAX_DIMS) return gti_json_fail(&r->j, "more dimensions than there can be");
        if (!gti_json_integer(&r->j, &dim[(*n)++])) return false;
    }
    return !r->j.error;
}

static bool read_places(reader *r, int *first, int *n)
{
    *first = r->n_places;
    if (!gti_json_open(&r->j, '[')) return false;
    while (gti_json_more(&r->j, ']')) {
        if (!gti_diff_grow(r->all, &r->place, r->n_places, &r->places_room, sizeof *r->place) ||
            !gti_json_integer(&r->j, &r->place[r->n_places++]))
            return false;
    }
    *n = r->n_places - *first;
    return !r->j.error;
}

/* An object as facts: the text of each member as it stands there. */
static bool read_facts(reader *r, int *first, int *n)
{
    *first = r->n_attrs;
    if (!gti_json_open(&r->j, '{')) return false;
    while (gti_json_more(&r->j, '}')) {
        const char *key = gti_json_key(&r->j), *begin = r->j.at;
        if (!key || !gti_json_skip(&r->j)) return false;
        const char *text = gti_diff_text(r->all, "%.*s", (int)(r->j.at - begin), begin);
        if (!text || !gti_diff_grow(r->all, &r->attr, r->n_attrs, &r->attrs_room, sizeof *r->attr))
            return false;
        r->attr[r->n_attrs++] = (gti_fact){key, text};
    }
    *n = r->n_attrs - *first;
    return !r->j.error;
}

/* --- elements --- */

static bool read_text(reader *r, const char **to)
{
    return (*to = gti_json_string(&r->j));
}

static bool is(const char *key, const char *name)
{
    return !strcmp(key, name);
}

static bool read_scope(reader *r)
{
    scope *s = &r->scope[r->n_scopes];
    *s = (scope){.parent = -1, .arguments = ""};
    if (!gti_json_open(&r->j, '{')) return false;
    while (gti_json_more(&r->j, '}')) {
        const char *key = gti_json_key(&r->j);
        const bool ok = !key                   ? false
                        : is(key, "kind")      ? read_text(r, &s->kind)
                        : is(key, "name")      ? read_text(r, &s->name)
                        : is(key, "type")      ? read_text(r, &s->type)
                        : is(key, "arguments") ? read_text(r, &s->arguments)
                        : is(key, "parent")    ? read_place(r, &s->parent)
                                               : gti_json_skip(&r->j);
        if (!ok) return false;
    }
    if (r->j.error) return false;
    if (!s->kind || !s->name || !s->type)
        return fail_at(r, "scope %d has no kind, name or type", r->n_scopes);
    return s->parent < r->n_scopes || fail_at(r, "scope %d has a parent behind it", r->n_scopes);
}

static bool read_value(reader *r)
{
    value *v = &r->value[r->n_values];
    *v = (value){.node = -1, .scope = -1, .ndim = -1};
    if (!gti_json_open(&r->j, '{')) return false;
    while (gti_json_more(&r->j, '}')) {
        const char *key = gti_json_key(&r->j);
        const bool ok = !key                ? false
                        : is(key, "kind")   ? read_text(r, &v->kind)
                        : is(key, "name")   ? read_text(r, &v->name)
                        : is(key, "dtype")  ? read_text(r, &v->dtype)
                        : is(key, "shape")  ? read_dims(r, v->shape, &v->ndim)
                        : is(key, "growth") ? read_dims(r, v->growth, &v->n_growth)
                        : is(key, "node")   ? read_place(r, &v->node)
                        : is(key, "output") ? read_place(r, &v->output)
                        : is(key, "scope")  ? read_place(r, &v->scope)
                                            : gti_json_skip(&r->j);
        if (!ok) return false;
    }
    if (r->j.error) return false;
    if (!v->kind || !v->name || !v->dtype || v->ndim < 0)
        return fail_at(r, "value %d has no kind, name, dtype or shape", r->n_values);
    return !v->n_growth || v->n_growth == v->ndim ||
           fail_at(r, "value %d grows in %d of %d dimensions", r->n_values, v->n_growth, v->ndim);
}

static bool read_node(reader *r)
{
    node *n = &r->node[r->n_nodes];
    *n = (node){.scope = -1, .n_in = -1, .n_out = -1};
    if (!gti_json_open(&r->j, '{')) return false;
    while (gti_json_more(&r->j, '}')) {
        const char *key = gti_json_key(&r->j);
        const bool ok = !key                    ? false
                        : is(key, "op")         ? read_text(r, &n->op)
                        : is(key, "part")       ? read_text(r, &n->part)
                        : is(key, "scope")      ? read_place(r, &n->scope)
                        : is(key, "inputs")     ? read_places(r, &n->in, &n->n_in)
                        : is(key, "outputs")    ? read_places(r, &n->out, &n->n_out)
                        : is(key, "attributes") ? read_facts(r, &n->attr, &n->n_attr)
                        : is(key, "grown")      ? read_facts(r, &n->grown, &n->n_grown)
                                                : gti_json_skip(&r->j);
        if (!ok) return false;
    }
    if (r->j.error) return false;
    return (n->op && n->part && n->n_in >= 0 && n->n_out >= 0) ||
           fail_at(r, "node %d has no op, part, inputs or outputs", r->n_nodes);
}

/* --- the whole --- */

typedef bool (*read_fn)(reader *r);

static bool read_list(reader *r, void *array, int *n, int *room, size_t size, read_fn read)
{
    if (*n) return gti_json_fail(&r->j, "a list stands there twice");
    if (!gti_json_open(&r->j, '[')) return false;
    while (gti_json_more(&r->j, ']')) {
        if (!gti_diff_grow(r->all, array, *n, room, size) || !read(r)) return false;
        ++*n;
    }
    return !r->j.error;
}

static bool read_all(reader *r)
{
    int lists = 0;
    if (!gti_json_open(&r->j, '{')) return false;
    while (gti_json_more(&r->j, '}')) {
        const char *key = gti_json_key(&r->j);
        if (!key) return false;
        const bool scopes = is(key, "scopes"), values = is(key, "values"), nodes = is(key, "nodes");
        lists += scopes + values + nodes;
        const bool ok =
            scopes
                ? read_list(r, &r->scope, &r->n_scopes, &r->scopes_room, sizeof(scope), read_scope)
            : values
                ? read_list(r, &r->value, &r->n_values, &r->values_room, sizeof(value), read_value)
            : nodes ? read_list(r, &r->node, &r->n_nodes, &r->nodes_room, sizeof(node), read_node)
            : is(key, "gradtape_graph") ? read_place(r, &r->version)
            : is(key, "batch")          ? read_place(r, &r->batch)
                                        : gti_json_skip(&r->j);
        if (!ok) return false;
    }
    if (!gti_json_end(&r->j)) return false;
    if (r->version != 1)
        return fail_at(r, "is no graph of version 1: its \"gradtape_graph\" is %lld",
                       (long long)r->version);
    return lists == 3 || fail_at(r, "has no scopes, values or nodes");
}

/* --- references --- */

static bool check_places(reader *r, int i, int first, int n)
{
    for (int k = first; k < first + n; k++)
        if (r->place[k] >= r->n_values)
            return fail_at(r, "node %d names value %lld, of %d", i, (long long)r->place[k],
                           r->n_values);
    return true;
}

static bool check(reader *r)
{
    for (int i = 0; i < r->n_values; i++)
        if (r->value[i].node >= r->n_nodes || r->value[i].scope >= r->n_scopes)
            return fail_at(r, "value %d names a node or scope that is not there", i);
    for (int i = 0; i < r->n_nodes; i++) {
        const node *n = &r->node[i];
        if (n->scope >= r->n_scopes)
            return fail_at(r, "node %d names a scope that is not there", i);
        if (!check_places(r, i, n->in, n->n_in) || !check_places(r, i, n->out, n->n_out))
            return false;
    }
    return true;
}

/* --- names: an item's key is where it stands, with a number from the second of the kind on --- */

static const char *path_of(const reader *r, int64_t i)
{
    return i < 0 ? "" : r->scope[i].path;
}

static bool name_scopes(reader *r)
{
    for (int i = 0; i < r->n_scopes; i++) {
        scope *s = &r->scope[i];
        const char *above = path_of(r, s->parent);
        if (strlen(above) + strlen(s->name) > PATH)
            return fail_at(r, "scope %d has a path of more than %d bytes", i, PATH);
        s->path = gti_diff_text(r->all, "%s%s%s", above, *above && *s->name ? "." : "", s->name);
        if (!s->path) return false;
    }
    return true;
}

static bool name_rest(reader *r)
{
    for (int i = 0; i < r->n_values; i++) {
        value *v = &r->value[i];
        const char *path = path_of(r, v->scope);
        if (v->node >= 0) continue;
        v->key =
            gti_diff_text(r->all, "%s%s%s", path, *path ? "." : "", *v->name ? v->name : v->kind);
        if (!v->key) return false;
    }
    for (int i = 0; i < r->n_nodes; i++) {
        node *n = &r->node[i];
        const char *path = path_of(r, n->scope);
        n->key = gti_diff_text(r->all, "%s%s%s%s%s", is(n->part, "forward") ? "" : n->part,
                               is(n->part, "forward") ? "" : " ", path, *path ? "/" : "", n->op);
        if (!n->key) return false;
    }
    return true;
}

static int by_key(const void *a, const void *b)
{
    const char **const x = *(const char **const *)a, **const y = *(const char **const *)b;
    const int order = strcmp(*x, *y);
    return order ? order : x < y ? -1 : x > y;
}

static bool number_keys(reader *r, const char ***slot, size_t n)
{
    qsort(slot, n, sizeof *slot, by_key);
    for (size_t i = 1, first = 0; i < n; i++) {
        if (strcmp(*slot[i], *slot[first]) != 0) first = i;
        else if (!(*slot[i] = gti_diff_text(r->all, "%s#%zu", *slot[i], i - first))) return false;
    }
    return true;
}

static bool make_unique(reader *r)
{
    const size_t most = (size_t)r->n_nodes + (size_t)r->n_values;
    const char ***slot = gti_diff_room(r->all, (most + 1) * sizeof *slot);
    size_t n = 0;
    for (int i = 0; slot && i < r->n_nodes; i++) slot[n++] = &r->node[i].key;
    for (int i = 0; slot && i < r->n_values; i++)
        if (r->value[i].key) slot[n++] = &r->value[i].key;
    return slot && number_keys(r, slot, n);
}

/* --- items --- */

/* "f32 [n,6,28,28]": of a dimension that grows what it is for a batch of n. */
static const char *describe(reader *r, const value *v)
{
    char text[512];
    int at = snprintf(text, sizeof text, "%.32s [", v->dtype);
    for (int i = 0; i < v->ndim; i++) {
        const long long more = v->growth[i], rest = v->shape[i] - v->growth[i] * r->batch;
        const char *comma = i ? "," : "";
        const size_t room = sizeof text - (size_t)at;
        if (!more) at += snprintf(text + at, room, "%s%lld", comma, (long long)v->shape[i]);
        else if (more == 1 && !rest) at += snprintf(text + at, room, "%sn", comma);
        else at += snprintf(text + at, room, "%s%lldn%+lld", comma, more, rest);
    }
    return gti_diff_text(r->all, "%s]", text);
}

static bool add_leaf(reader *r, const value *v)
{
    const char *what = describe(r, v);
    return what && gti_diff_add(r->all, v->key) && gti_diff_add_fact(r->all, v->kind, what);
}

/* What an input is: its maker's name, and which of several outputs. */
static const char *source_of(reader *r, const value *v)
{
    if (v->node < 0) return v->key;
    if (!v->output) return r->node[v->node].key;
    return gti_diff_text(r->all, "%s:%lld", r->node[v->node].key, (long long)v->output);
}

static bool grows(const reader *r, const node *n, const gti_fact *a)
{
    for (int i = n->grown; i < n->grown + n->n_grown; i++)
        if (is(r->attr[i].name, a->name)) return !is(r->attr[i].text, a->text);
    return false;
}

static bool add_node(reader *r, const node *n)
{
    bool ok = gti_diff_add(r->all, n->key);
    for (int i = n->attr; ok && i < n->attr + n->n_attr; i++) {
        const gti_fact *a = &r->attr[i];
        ok = gti_diff_add_fact(r->all, a->name, grows(r, n, a) ? "grows with the batch" : a->text);
    }
    for (int i = 0; ok && i < n->n_in; i++)
        ok = gti_diff_add_fact(r->all, gti_diff_text(r->all, "input %d", i),
                               source_of(r, &r->value[r->place[n->in + i]]));
    for (int i = 0; ok && i < n->n_out; i++)
        ok = gti_diff_add_fact(r->all, gti_diff_text(r->all, "output %d", i),
                               describe(r, &r->value[r->place[n->out + i]]));
    return ok;
}

static bool add_scope(reader *r, const scope *s)
{
    if (!is(s->kind, "module")) return true;
    return gti_diff_add(r->all,
                        gti_diff_text(r->all, "module %s", *s->path ? s->path : "(root)")) &&
           gti_diff_add_fact(r->all, "type",
                             gti_diff_text(r->all, "%s(%s)", s->type, s->arguments));
}

static bool add_items(reader *r)
{
    bool ok = true;
    for (int i = 0; ok && i < r->n_scopes; i++) ok = add_scope(r, &r->scope[i]);
    for (int i = 0; ok && i < r->n_values; i++)
        if (r->value[i].node < 0) ok = add_leaf(r, &r->value[i]);
    for (int i = 0; ok && i < r->n_nodes; i++) ok = add_node(r, &r->node[i]);
    return ok && gti_diff_sort(r->all);
}

/* --- the file --- */

static char *text_of(gti_items *all, FILE *f, size_t *size)
{
    errno = 0;
    const long n = fseek(f, 0, SEEK_END) ? -1 : ftell(f);
    char *text = n < 0 ? NULL : gti_diff_room(all, (size_t)n + 1);
    rewind(f);
    *size = text ? fread(text, 1, (size_t)n, f) : 0;
    if (text && *size == (size_t)n) return text;
    if (!gt_failed(all->gt))
        gt_fail(all->gt, gt_status_of_errno(errno), all->what, "%s: cannot be read to its end%s%s",
                all->path, errno ? ": " : "", errno ? strerror(errno) : "");
    return NULL;
}

bool gti_diff_read(gti_items *all, FILE *f)
{
    size_t size;
    char *text = text_of(all, f, &size);
    if (!text) return false;
    reader r = {.all = all, .j = gti_json_begin(text, size)};
    const bool ok = read_all(&r) && check(&r) && name_scopes(&r) && name_rest(&r) &&
                    make_unique(&r) && add_items(&r);
    if (r.j.error) fail_text(&r);
    free(r.scope);
    free(r.value);
    free(r.node);
    free(r.place);
    free(r.attr);
    return ok;
}
