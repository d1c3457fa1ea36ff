/* gt_diff: what differs between two graphs, and between two files of weights. */
#include <errno.h>
#include <gradtape/onnx.h>
#include <string.h>
#include <strings.h>

#include "graph/diff.h"
#include "graph/escape.h"
#include "graph/render.h"

static const char what[] = "gt_diff";

static bool ends_in(const char *path, const char *ending)
{
    const char *dot = strrchr(path, '.');
    return dot && !strcasecmp(dot, ending);
}

/* --- telling --- */

static void write_member(gti_diff *d, const char *name, const char *text)
{
    fprintf(d->f, ",\"%s\":\"", name);
    gti_escape_write(d->f, text, GTI_IN_JSON);
    fputc('"', d->f);
}

static void tell_json(gti_diff *d, char sign, const char *key, const char *name, const char *a,
                      const char *b)
{
    fprintf(d->f, "{\"change\":\"%c\"", sign);
    write_member(d, "at", key);
    if (*name) write_member(d, "what", name);
    if (sign != '+') write_member(d, "from", a);
    if (sign != '-') write_member(d, "to", b);
    fputs("}\n", d->f);
}

void gti_diff_tell(gti_diff *d, char sign, const char *key, const char *name, const char *a,
                   const char *b)
{
    d->n++;
    if (d->opts.json) tell_json(d, sign, key, name, a, b);
    else if (sign == '~') fprintf(d->f, "~ %s: %s %s -> %s\n", key, name, a, b);
    else fprintf(d->f, "%c %s: %s\n", sign, key, sign == '-' ? a : b);
}

/* --- graphs --- */

static bool has_graph(const char *path)
{
    return ends_in(path, ".json") || ends_in(path, ".onnx");
}

/* The graph of a model of ONNX, for a batch of one where it takes any. */
static gt_graph *imported(gti_items *all)
{
    gt_module *m = gt_onnx_load_(all->gt, all->path, (gt_onnx_opts){.frozen = false});
    gt_shape input;
    gt_dtype dtype;
    if (!m) return NULL;
    if (gt_onnx_n_inputs(m) != 1 || !gt_onnx_input_type(m, 0, &input, &dtype)) {
        gt_fail(all->gt, GT_ERR_UNSUPPORTED, what,
                "%s: has not one input of a known shape: write it as .json to compare its graph",
                all->path);
        return NULL;
    }
    for (int i = 0; i < input.ndim; i++)
        if (!input.dim[i]) input.dim[i] = 1;
    return gt_module_graph_(m, input, (gt_module_graph_opts){.dtype = dtype});
}

static FILE *open_json(gti_items *all)
{
    FILE *f = ends_in(all->path, ".json") ? fopen(all->path, "rb") : tmpfile();
    if (!f)
        gt_fail(all->gt, gt_status_of_errno(errno), what, "'%s' cannot be read: %s", all->path,
                strerror(errno));
    if (!f || ends_in(all->path, ".json")) return f;
    gt_graph *g = imported(all);
    if (g) gti_json_write(g, &(gt_graph_opts){.depth = 0}, what, f);
    gt_graph_free(g);
    return f;
}

static bool read_graph(gti_items *all)
{
    FILE *f = open_json(all);
    const bool ok = f && !gt_failed(all->gt) && gti_diff_read(all, f);
    if (f) fclose(f);
    return ok;
}

static const char *fact_of(const gti_items *all, const gti_item *item, const char *name)
{
    for (int i = item->first; i < item->first + item->n; i++)
        if (!strcmp(all->fact[i].name, name)) return all->fact[i].text;
    return NULL;
}

/* What an item is, in a word, where the other file has none of it. */
static const char *describe(const gti_items *all, const gti_item *item)
{
    const char *made = fact_of(all, item, "output 0");
    return made ? made : item->n ? all->fact[item->first].text : "";
}

static void compare_items(gti_diff *d, const gti_items *a, const gti_item *x, const gti_items *b,
                          const gti_item *y)
{
    for (int i = x->first; i < x->first + x->n; i++) {
        const gti_fact *fact = &a->fact[i];
        const char *other = fact_of(b, y, fact->name);
        if (!other || strcmp(other, fact->text) != 0)
            gti_diff_tell(d, '~', x->key, fact->name, fact->text, other ? other : "none");
    }
    for (int i = y->first; i < y->first + y->n; i++)
        if (!fact_of(a, x, b->fact[i].name))
            gti_diff_tell(d, '~', x->key, b->fact[i].name, "none", b->fact[i].text);
}

static void compare(gti_diff *d, const gti_items *a, const gti_items *b)
{
    for (int i = 0; i < a->n_items; i++) {
        const gti_item *x = &a->item[i], *y = gti_diff_find(b, x->key);
        if (y) compare_items(d, a, x, b, y);
        else gti_diff_tell(d, '-', x->key, "", describe(a, x), "");
    }
    for (int i = 0; i < b->n_items; i++)
        if (!gti_diff_find(a, b->item[i].key))
            gti_diff_tell(d, '+', b->item[i].key, "", "", describe(b, &b->item[i]));
}

static bool compare_graphs(gti_diff *d, const char *path, const char *other)
{
    gti_items a = {.gt = d->gt, .what = what, .path = path};
    gti_items b = {.gt = d->gt, .what = what, .path = other};
    const bool ok = read_graph(&a) && read_graph(&b);
    if (ok) compare(d, &a, &b);
    gti_diff_clear(&a);
    gti_diff_clear(&b);
    return ok;
}

/* --- both --- */

static bool is_ready(gt_ctx *gt, const char *path, const char *other, const FILE *f)
{
    if (!gt) gt_fail(NULL, GT_ERR_ARGUMENT, what, "the context is NULL");
    if (!gt || gt_failed(gt)) return false;
    if (!path || !other || !f)
        gt_fail(gt, GT_ERR_ARGUMENT, what, "%s is NULL", path && other ? "the file" : "a path");
    return path && other && f;
}

int64_t gt_diff_(gt_ctx *gt, const char *path, const char *other, FILE *f, gt_diff_opts opts)
{
    if (!is_ready(gt, path, other, f)) return -1;
    gti_diff d = {.gt = gt, .f = f, .opts = opts};
    const bool graphs = has_graph(path) && has_graph(other);
    const bool weights = gti_diff_has_weights(path) && gti_diff_has_weights(other);
    if (!graphs && !weights)
        gt_fail(gt, GT_ERR_ARGUMENT, what,
                "'%s' and '%s' have nothing that can be compared\n"
                "  hint: graphs are in .json and .onnx, weights in .safetensors, .npz, .npy and "
                ".onnx",
                path, other);
    else if (opts.tolerance < 0)
        gt_fail(gt, GT_ERR_ARGUMENT, what, "tolerance is %g, must not be negative", opts.tolerance);
    else if (!graphs || compare_graphs(&d, path, other))
        if (weights) gti_diff_weights(&d, path, other);
    if (!gt_failed(gt) && (fflush(f) || ferror(f)))
        gt_fail(gt, GT_ERR_IO, what, "the differences cannot be written");
    return gt_failed(gt) ? -1 : d.n;
}
