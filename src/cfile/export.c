/* A graph as a C file. */
#include <stdlib.h>
#include <string.h>

#include "cfile/cfile.h"

static const char what[] = "gt_export_c";

/* --- operations --- */

const gti_cfile_row *gti_cfile_find(const char *op)
{
    static const gti_cfile_row *const lists[] = {gti_cfile_elementwise, gti_cfile_moves,
                                                 gti_cfile_windows,     gti_cfile_rows,
                                                 gti_cfile_products,    gti_cfile_losses};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        for (const gti_cfile_row *r = lists[i]; r->op; r++)
            if (!strcmp(r->op, op)) return r;
    return NULL;
}

/* Whether a result is its input's elements, so that there is nothing to write. */
static bool is_nothing(const gt_op *op)
{
    return op->flags & GT_OP_VIEW || !strcmp(op->name, "dropout") || !strcmp(op->name, "clone");
}

const char *gt_export_c_reason(const gt_op *op)
{
    const gti_cfile_row *row = gti_cfile_find(op->name);
    if (row) return row->reason;
    if (is_nothing(op)) return NULL;
    return op->flags & GT_OP_INTO ? "changes tensors in place" : "belongs to backward passes";
}

/* --- nodes --- */

/* "conv1: Conv2d(1, 6), conv2d, relu: [1,6,28,28]" */
static void add_comment(gti_cfile *c)
{
    const gt_graph *g = c->r.g;
    const gti_cfile_node *node = &c->node[c->at];
    gti_text *t = &c->body;
    int s = c->r.n->scope;
    while (s >= 0 && g->scope[s].kind != GT_SCOPE_MODULE) s = g->scope[s].parent;
    gti_text_add(t, "\n    /* ");
    gti_cfile_add_comment(t, c->r.place);
    if (s >= 0 && *g->scope[s].type) {
        gti_text_add(t, ": ");
        gti_cfile_add_comment(t, g->scope[s].type);
        gti_text_add(t, "(");
        gti_cfile_add_comment(t, g->scope[s].arguments);
        gti_text_add(t, ")");
    }
    gti_text_add(t, ": %s", c->r.n->op->name);
    if (node->norm >= 0) gti_text_add(t, ", batch norm");
    const int last = node->result >= 0 ? g->value[node->result].node : -1;
    if (last >= 0 && last != node->norm) gti_text_add(t, ", %s", g->node[last].op->name);
    char shape[128];
    gti_text_add(t, ": %s */\n",
                 gt_shape_format(g->value[gti_cfile_out(c, 0)].shape, shape, sizeof shape));
}

static bool fits(const gti_cfile *c, int value)
{
    const gt_graph_value *v = &c->r.g->value[value];
    char shape[128];
    gt_shape_format(v->shape, shape, sizeof shape);
    if (v->dtype == GT_F64)
        return gti_reading_fail(&c->r, GT_ERR_UNSUPPORTED,
                                "has f64 %s, and C files are made of f32\n  hint: gt_to_dtype",
                                shape);
    if (gt_shape_size(v->shape) > INT32_MAX)
        return gti_reading_fail(&c->r, GT_ERR_UNSUPPORTED, "has %s, more than 2^31 elements",
                                shape);
    return gt_shape_size(v->shape) > 0 ||
           gti_reading_fail(&c->r, GT_ERR_UNSUPPORTED, "has %s, without elements", shape);
}

static bool check_node(gti_cfile *c, const gt_graph_node *n)
{
    gti_reading_go_to(&c->r, n);
    const char *why = gt_export_c_reason(n->op);
    if (why)
        return gti_reading_fail(&c->r, GT_ERR_UNSUPPORTED,
                                "cannot be written in C: it %s\n  hint: 'gradtape export-c "
                                "--operations' lists what can",
                                why);
    for (int i = 0; i < n->n_in; i++)
        if (!fits(c, n->in[i])) return false;
    for (int i = 0; i < n->n_out; i++)
        if (c->r.readers[n->out[i]] && !fits(c, n->out[i])) return false;
    return true;
}

static bool check_nodes(gti_cfile *c)
{
    for (int k = 0; k < c->r.g->n_nodes; k++) {
        const gt_graph_node *n = &c->r.g->node[k];
        if (gti_reading_is_read(&c->r, n) && !check_node(c, n)) return false;
    }
    return true;
}

static bool write_nodes(gti_cfile *c)
{
    for (int k = 0; k < c->r.g->n_nodes; k++) {
        const gt_graph_node *n = &c->r.g->node[k];
        if (c->node[k].gone || !gti_reading_is_read(&c->r, n)) continue;
        c->at = k;
        gti_reading_go_to(&c->r, n);
        const gti_cfile_row *row = gti_cfile_find(n->op->name);
        add_comment(c);
        if (!row->write(c, row) || gt_failed(c->r.g->ctx)) return false;
    }
    return true;
}

/* A result that nothing has made in its place: an input, or a number of the file. */
static void copy_result(gti_cfile *c)
{
    const int result = c->r.g->result;
    const gt_shape shape = c->r.g->value[result].shape;
    if (c->r.g->value[c->value[result].root].node >= 0) return;
    gti_access x = gti_cfile_access(c, result, &shape), y = x;
    y.number = false;
    y.pointer = "output";
    for (int d = shape.ndim - 1, step = 1; d >= 0; step *= (int)shape.dim[d--]) y.stride[d] = step;
    gti_cfile_loops(c, shape, y, 1, &x, "$0");
}

/* --- names --- */

static void name_given(gti_cfile *c)
{
    static const char *const taken[] = {"input", "output", "weights", "memory", "x", "y"};
    int n = 0;
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++) gti_cfile_new_name(c, taken[i]);
    for (int i = 0; i < c->r.g->n_values; i++) n += c->r.g->value[i].kind == GT_VALUE_INPUT;
    for (int i = 0; i < c->r.g->n_values; i++)
        if (c->value[i].home == GTI_CFILE_GIVEN) c->value[i].name = "output";
    for (int i = 0; i < c->r.g->n_values; i++)
        if (c->r.g->value[i].kind == GT_VALUE_INPUT)
            c->value[i].name =
                n == 1 ? "input"
                       : gti_cfile_new_name(c, gti_cfile_format(c, "in_%s", c->r.name[i]));
}

static bool is_name(const char *text)
{
    char plain[GTI_CFILE_NAME];
    const bool letter = (*text >= 'a' && *text <= 'z') || (*text >= 'A' && *text <= 'Z');
    return letter && strlen(text) < 32 && !strcmp(gti_cfile_identifier(text, plain), text);
}

static const char *file_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* The prefix and names made of it: "net.h" from "net.c". */
static bool name_files(gti_cfile *c, const char *path)
{
    const char *file = file_of(path);
    const size_t length = strlen(file);
    gt_ctx *gt = c->r.g->ctx;
    if (length < 3 || strcmp(file + length - 2, ".c") != 0)
        return gt_fail(gt, GT_ERR_ARGUMENT, what, "'%s' does not end in .c", path), false;
    char *header = gti_store_text(&c->r.store, (gti_bytes){(const uint8_t *)file, length}),
         *upper = gti_store_get(&c->r.store, GTI_CFILE_NAME, 1);
    if (!header || !upper) return gti_reading_short_of_memory(&c->r);
    c->prefix =
        c->opts.prefix ? c->opts.prefix : gti_cfile_format(c, "%.*s", (int)length - 2, file);
    if (c->r.store.failed) return gti_reading_short_of_memory(&c->r);
    if (!is_name(c->prefix))
        return gt_fail(gt, GT_ERR_ARGUMENT, what,
                       "the prefix '%s' is no name in C: a letter and at most 30 more, digits "
                       "or '_'\n  hint: .prefix = \"net\"",
                       c->prefix),
               false;
    header[length - 1] = 'h';
    c->header = header;
    for (size_t i = 0; c->prefix[i]; i++)
        upper[i] = (char)(c->prefix[i] >= 'a' && c->prefix[i] <= 'z' ? c->prefix[i] - 'a' + 'A'
                                                                     : c->prefix[i]);
    c->upper = upper;
    for (size_t i = 0; file[i]; i++)
        if (strchr("\"\\\n", file[i]))
            return gt_fail(gt, GT_ERR_ARGUMENT, what, "'%s' cannot be included from C", file),
                   false;
    return true;
}

/* --- the whole --- */

static bool export(gti_cfile *c, const char *path)
{
    const gt_graph *g = c->r.g;
    if (!name_files(c, path) || !check_nodes(c)) return false;
    c->taken = (gti_names){.store = &c->r.store};
    c->value = gti_store_get(&c->r.store, (size_t)g->n_values, sizeof *c->value);
    c->node = gti_store_get(&c->r.store, (size_t)g->n_nodes + 1, sizeof *c->node);
    c->used = gti_store_get(&c->r.store, (size_t)gti_cfile_count_sections(), sizeof *c->used);
    if (!c->value || !c->node || !c->used) return gti_reading_short_of_memory(&c->r);
    gti_cfile_fold(c);
    if (!gti_cfile_plan(c)) return false;
    name_given(c);
    if (!write_nodes(c)) return false;
    copy_result(c);
    return !gt_failed(g->ctx) && gti_cfile_write(c, path);
}

gt_status gt_export_c_graph_(const gt_graph *g, const char *path, gt_export_c_opts opts)
{
    if (!g) return gt_fail(NULL, GT_ERR_ARGUMENT, what, "the graph is NULL");
    if (gt_failed(g->ctx)) return gt_error_code(g->ctx);
    if (!path) return gt_fail(g->ctx, GT_ERR_ARGUMENT, what, "the path is NULL");
    gti_cfile c = {.opts = opts};
    const bool ok = gti_reading_begin(&c.r, g, opts.weights, what) && export(&c, path);
    free(c.body.at);
    gti_reading_end(&c.r);
    return ok ? GT_OK : gt_error_code(g->ctx);
}

gt_status gt_export_c_(gt_module *m, const char *path, gt_shape input, gt_export_c_opts opts)
{
    if (!m) return gt_fail(NULL, GT_ERR_ARGUMENT, what, "the module is NULL");
    gt_graph *g = gt_module_graph_(m, input, (gt_module_graph_opts){.dtype = opts.dtype});
    if (!g) return gt_error_code(m->ctx);
    opts.weights = m;
    const gt_status status = gt_export_c_graph_(g, path, opts);
    gt_graph_free(g);
    return status;
}
