/* Scopes of a model's nodes. Exporters name nodes by the path of their module, PyTorch's
 * "/layer1/layer1.0/conv1/Conv", ours "layer1.0.conv1/node_3": what neighbours have in common of it
 * is a scope around them, and a module of one node gives its name to that. Any other name is the
 * node's. */
#include <stdlib.h>
#include <string.h>

#include "onnx/module.h"

enum { MOST = 64 }; /* parts of a path */

typedef struct {
    char *part[MOST]; /* the last one is the node's own name */
    gt_scope *around[MOST];
    int n; /* 0: it is no path */
} path;

/* Splits a copy of a name at its slashes, and where it does not begin with one at dots, too. */
static void split(path *p, const char *name, char **room)
{
    char *at = memcpy(*room, name, strlen(name) + 1);
    const char *const ends = *at == '/' ? "/" : "./";
    *room += strlen(name) + 1;
    *p = (path){.n = 0};
    if (!strchr(at, '/')) return;
    at += *at == '/';
    for (size_t n; (n = strcspn(at, ends)) > 0 && p->n < MOST; at += n + 1) {
        p->part[p->n++] = at;
        if (!at[n]) return;
        at[n] = 0;
    }
    p->n = 0;
}

/* How many modules two nodes have in common. */
static int common(const path *a, const path *b)
{
    int n = 0;
    while (n < a->n - 1 && n < b->n - 1 && !strcmp(a->part[n], b->part[n])) n++;
    return n;
}

/* "layer1.0" in "layer1" is "0". */
static const char *short_name(const path *p, int i)
{
    const size_t above = i ? strlen(p->part[i - 1]) : 0;
    const bool repeats = above && !strncmp(p->part[i], p->part[i - 1], above);
    return repeats && p->part[i][above] == '.' ? p->part[i] + above + 1 : p->part[i];
}

static void place(gti_onnx *o, int k, const path *before, path *now, const path *next, int *used)
{
    const int shared = common(before, now), modules = now->n - 1;
    const bool lone = modules > 0 && shared < modules && common(now, next) < modules;
    gt_scope *parent = &o->base.scope;
    for (int i = 0; i < modules - lone; i++) {
        gt_scope *scope = i < shared ? before->around[i] : &o->scope[(*used)++];
        if (i >= shared) *scope = (gt_scope){.name = short_name(now, i), .parent = parent};
        now->around[i] = parent = scope;
    }
    const gti_onnx_node *n = &o->model->node[k];
    const char *whole = *n->name ? n->name : n->type;
    o->scope[k] = (gt_scope){.name = now->n ? short_name(now, modules - lone) : whole,
                             .parent = parent,
                             .type = n->type};
}

bool gti_scopes_make(gti_onnx *o)
{
    const gti_onnx_model *m = o->model;
    size_t letters = 1, slashes = 0;
    for (int k = 0; k < m->n_nodes; k++) {
        letters += strlen(m->node[k].name) + 1;
        for (const char *p = m->node[k].name; *p; p++) slashes += *p == '/';
    }
    o->scope = calloc((size_t)m->n_nodes + slashes + 1, sizeof *o->scope);
    o->names = malloc(letters);
    if (!o->scope || !o->names) return false;
    path three[3] = {{.n = 0}};
    char *room = o->names;
    int used = m->n_nodes;
    if (m->n_nodes) split(&three[0], m->node[0].name, &room);
    for (int k = 0; k < m->n_nodes; k++) {
        path *next = &three[(k + 1) % 3];
        if (k + 1 < m->n_nodes) split(next, m->node[k + 1].name, &room);
        else next->n = 0;
        place(o, k, &three[(k + 2) % 3], &three[k % 3], next, &used);
    }
    return true;
}
