/* A graph as JSON; docs/graph-json.md says what stands where. */
#include <errno.h>
#include <math.h>

#include "graph/escape.h"
#include "graph/render.h"

/* --- parts --- */

static void write_string(FILE *f, const char *text)
{
    putc('"', f);
    gti_escape_write(f, text, GTI_IN_JSON);
    putc('"', f);
}

/* Places that there need not be. */
static void write_place(FILE *f, const char *name, int place)
{
    if (place >= 0) fprintf(f, ",\"%s\":%d", name, place);
}

static void write_dims(FILE *f, const char *name, const int64_t *dim, int n)
{
    fprintf(f, "\"%s\":[", name);
    for (int i = 0; i < n; i++) fprintf(f, "%s%lld", i ? "," : "", (long long)dim[i]);
    putc(']', f);
}

static void write_places(FILE *f, const char *name, const int *place, int n)
{
    fprintf(f, ",\"%s\":[", name);
    for (int i = 0; i < n; i++) fprintf(f, "%s%d", i ? "," : "", place[i]);
    putc(']', f);
}

/* JSON has neither infinities nor NaN: they are strings. */
static void write_real(FILE *f, double v)
{
    gt_fprintf(f, isfinite(v) ? "%.17g" : "\"%g\"", v);
}

/* --- attributes --- */

static void write_number(FILE *f, const gt_attr *a, const void *opts, int i)
{
    if (a->kind == GT_ATTR_REAL || a->kind == GT_ATTR_REAL_PAIR)
        write_real(f, gt_attr_real(a, opts, i));
    else fprintf(f, "%lld", (long long)gt_attr_whole(a, opts, i));
}

static void write_attribute(FILE *f, const gt_attr *a, const void *opts)
{
    char text[256];
    write_string(f, a->name);
    putc(':', f);
    if (a->kind == GT_ATTR_SWITCH) {
        fputs(gt_attr_whole(a, opts, 0) ? "true" : "false", f);
    } else if (a->kind == GT_ATTR_SHAPE || a->kind == GT_ATTR_AXES || a->kind == GT_ATTR_CHOICE) {
        write_string(f, gt_attr_format(a, opts, text, sizeof text));
    } else {
        if (a->count > 1) putc('[', f);
        for (int i = 0; i < a->count; i++) {
            if (i) putc(',', f);
            write_number(f, a, opts, i);
        }
        if (a->count > 1) putc(']', f);
    }
}

static void write_attributes(FILE *f, const char *name, const gt_attrs *attrs, const void *opts)
{
    const char *between = "";
    fprintf(f, ",\"%s\":{", name);
    for (int i = 0; opts && i < attrs->n; i++) {
        const gt_attr *a = &attrs->row[i];
        if (a->kind == GT_ATTR_TENSOR || !a->name[0]) continue;
        fputs(between, f);
        write_attribute(f, a, opts);
        between = ",";
    }
    putc('}', f);
}

/* --- scopes, values, nodes --- */

static void write_scope(FILE *f, const gt_graph_scope *s)
{
    static const char *const kinds[] = {"module", "function", "named"};
    fprintf(f, "{\"kind\":\"%s\",\"name\":", kinds[s->kind]);
    write_string(f, s->name);
    fputs(",\"type\":", f);
    write_string(f, s->type);
    fputs(",\"arguments\":", f);
    write_string(f, s->arguments);
    write_place(f, "parent", s->parent);
    fprintf(f, ",\"parameters\":%lld,\"trainable\":%lld}", (long long)s->parameters,
            (long long)s->trainable);
}

static void write_value(FILE *f, const gt_graph_value *v)
{
    static const char *const kinds[] = {"result", "input", "parameter",
                                        "buffer", "state", "constant"};
    bool grows = false;
    for (int i = 0; i < v->shape.ndim; i++) grows |= v->growth[i] != 0;
    fprintf(f, "{\"kind\":\"%s\",\"name\":", kinds[v->kind]);
    write_string(f, v->name);
    fprintf(f, ",\"dtype\":\"%s\",", gt_dtype_name(v->dtype));
    write_dims(f, "shape", v->shape.dim, v->shape.ndim);
    if (grows) putc(',', f);
    if (grows) write_dims(f, "growth", v->growth, v->shape.ndim);
    fputs(",\"bytes\":", f);
    write_real(f, v->bytes);
    write_place(f, "node", v->node);
    if (v->node >= 0) write_place(f, "output", v->output);
    write_place(f, "scope", v->scope);
    write_place(f, "before", v->before);
    write_place(f, "gradient", v->gradient);
    fprintf(f, "%s%s%s", v->needs_grad ? ",\"needs_grad\":true" : "",
            v->saved ? ",\"saved\":true" : "", v->view ? ",\"view\":true" : "");
    if (v->where) fputs(",\"where\":", f);
    if (v->where) write_string(f, v->where);
    putc('}', f);
}

static void write_node(FILE *f, const gt_graph_node *n)
{
    static const char *const parts[] = {"forward", "backward", "update"};
    fputs("{\"op\":", f);
    write_string(f, n->op->name);
    fprintf(f, ",\"part\":\"%s\"", parts[n->part]);
    if (n->pass) write_place(f, "pass", n->pass);
    write_place(f, "of", n->of);
    write_place(f, "scope", n->scope);
    write_places(f, "inputs", n->in, n->n_in);
    write_places(f, "outputs", n->out, n->n_out);
    write_attributes(f, "attributes", &n->op->attrs, n->opts);
    if (n->grown) write_attributes(f, "grown", &n->op->attrs, n->grown);
    fputs(",\"flops\":", f);
    write_real(f, n->flops);
    fputs(",\"bytes\":", f);
    write_real(f, n->bytes);
    if (n->seconds > 0) fputs(",\"seconds\":", f);
    if (n->seconds > 0) write_real(f, n->seconds);
    putc('}', f);
}

/* --- the whole --- */

gt_status gti_json_write(const gt_graph *g, const gt_graph_opts *opts, const char *what, FILE *f)
{
    (void)opts;
    errno = 0;
    fprintf(f, "{\"gradtape_graph\":1,\n\"batch\":%lld", (long long)g->batch);
    write_place(f, "result", g->result);
    fputs(",\n\"scopes\":[", f);
    for (int i = 0; i < g->n_scopes; i++) {
        fputs(i ? ",\n" : "\n", f);
        write_scope(f, &g->scope[i]);
    }
    fputs("],\n\"values\":[", f);
    for (int i = 0; i < g->n_values; i++) {
        fputs(i ? ",\n" : "\n", f);
        write_value(f, &g->value[i]);
    }
    fputs("],\n\"nodes\":[", f);
    for (int i = 0; i < g->n_nodes; i++) {
        fputs(i ? ",\n" : "\n", f);
        write_node(f, &g->node[i]);
    }
    fputs("]}\n", f);
    return gti_save_end(g->ctx, what, f);
}
