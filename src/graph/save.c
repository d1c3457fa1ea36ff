/* A graph into a file, by its ending. */
#include <errno.h>
#include <gradtape/io.h>
#include <gradtape/view.h>
#include <math.h>
#include <string.h>
#include <strings.h>

#include "graph/render.h"

/* --- options --- */

/* Fails on behalf of an option. */
static bool refuse(gt_ctx *gt, const char *what, const char *name, double value, const char *why)
{
    gt_fail(gt, GT_ERR_ARGUMENT, what, "%s is %g, %s", name, value, why);
    return false;
}

enum { MOST_DPI = 1200 };

static bool complete(gt_ctx *gt, const char *what, gt_graph_opts *o)
{
    o->depth = (int)gt_option_int(o->depth, 0);
    o->dpi = (int)gt_option_int(o->dpi, 96);
    o->most_pixels = (int)gt_option_int(o->most_pixels, 10000);
    o->seconds = gt_option(o->seconds, 20);
    if (o->depth < 0) return refuse(gt, what, "depth", o->depth, "must not be negative");
    if (o->dpi < 1 || o->dpi > MOST_DPI)
        return refuse(gt, what, "dpi", o->dpi, "must be from 1 to 1200");
    if (o->most_pixels < 1)
        return refuse(gt, what, "most_pixels", o->most_pixels, "must be positive");
    if (!(o->seconds > 0) || isinf(o->seconds))
        return refuse(gt, what, "seconds", o->seconds, "must be finite and positive");
    if ((unsigned)o->detail > GT_DETAIL_OPERATIONS)
        return refuse(gt, what, "detail", o->detail, "must be one of GT_DETAIL_...");
    if ((unsigned)o->heat > GT_HEAT_TIME)
        return refuse(gt, what, "heat", o->heat, "must be one of GT_HEAT_...");
    return true;
}

/* Options of gt_module_render are of no use where a graph is there. */
static bool is_picture(gt_ctx *gt, const char *what, const gt_graph_opts *o)
{
    if (!o->backward && !o->training && !o->dtype) return true;
    gt_fail(gt, GT_ERR_ARGUMENT, what, ".%s says how a module is run, which is not done here",
            o->backward   ? "backward"
            : o->training ? "training"
                          : "dtype");
    return false;
}

/* --- endings --- */

typedef gt_status (*text_writer)(const gt_graph *g, const gt_graph_opts *opts, const char *what,
                                 FILE *f);
static const struct {
    const char *name, *type;
    text_writer write;
} endings[] = {
    {".svg", "-Tsvg", NULL},           {".png", "-Tpng", NULL},
    {".pdf", "-Tpdf", NULL},           {".dot", NULL, gti_dot_write},
    {".mmd", NULL, gti_mermaid_write}, {".json", NULL, gti_json_write},
    {".html", NULL, gti_page_write},   {"/", NULL, NULL},
};
enum { ENDINGS = sizeof endings / sizeof *endings };
#define ALL_ENDINGS ".svg, .png, .pdf, .dot, .mmd, .html, .json or /"

static int ending_of(const char *path)
{
    const size_t n = strlen(path);
    for (int i = 0; i < ENDINGS; i++) {
        const size_t own = strlen(endings[i].name);
        if (n >= own && strcasecmp(path + n - own, endings[i].name) == 0) return i;
    }
    return -1;
}

/* An event file of TensorBoard's in a folder. */
static gt_status save_board(const gt_graph *g, const char *folder)
{
    gt_board *b = gt_board_open(g->ctx, folder);
    gt_status status = b ? gt_board_graph(b, g) : gt_error_code(g->ctx);
    const gt_status closed = b ? gt_board_close(b) : status;
    return status ? status : closed;
}

/* What `write` makes, in a file that appears whole or not at all. */
static gt_status save_text(const gt_graph *g, const char *path, const gt_graph_opts *opts,
                           const char *what, text_writer write)
{
    char bytes[4096];
    FILE *f = tmpfile();
    if (!f) return gt_fail(g->ctx, GT_ERR_IO, what, "no temporary file can be made");
    gt_status status = write(g, opts, what, f);
    gt_file *to = status ? NULL : gt_file_create_for(g->ctx, what, path);
    rewind(f);
    for (size_t n; to && (n = fread(bytes, 1, sizeof bytes, f)) > 0;) gt_file_write(to, bytes, n);
    fclose(f);
    if (to) status = gt_file_commit(to);
    return status ? status : gt_error_code(g->ctx);
}

gt_status gti_save_end(gt_ctx *gt, const char *what, FILE *f)
{
    if (!gt_failed(gt) && (fflush(f) || ferror(f)))
        gt_fail(gt, gt_status_of_errno(errno), what, "the text cannot be written: %s",
                errno ? strerror(errno) : "the stream has failed");
    return gt_error_code(gt);
}

static bool check_path(gt_ctx *gt, const char *path, const char *what)
{
    if (gt_failed(gt)) return false;
    if (!path) gt_fail(gt, GT_ERR_ARGUMENT, what, "the path is NULL");
    else if (ending_of(path) < 0)
        gt_fail(gt, GT_ERR_ARGUMENT, what, "'%s' does not end in " ALL_ENDINGS, path);
    return !gt_failed(gt);
}

/* Nothing is disregarded: what an option would change in other files alone is refused. */
static bool is_used(gt_ctx *gt, const char *what, const char *ending, const gt_graph_opts *o)
{
    const struct {
        const char *name;
        bool given;
        const char *used;
    } options[] = {
        {"detail", o->detail != GT_DETAIL_LAYERS, ".svg .png .pdf .dot .mmd .html"},
        {"depth", o->depth != 0, ".svg .png .pdf .dot .mmd .html"},
        {"heat", o->heat != GT_HEAT_NONE, ".svg .png .pdf .dot .html"},
        {"sideways", o->sideways, ".svg .png .pdf .dot .mmd"},
        {"unfolded", o->unfolded, ".svg .png .pdf .dot .mmd"},
        {"no_legend", o->no_legend, ".svg .png .pdf .dot"},
        {"seconds", o->seconds != 0, ".svg .png .pdf"},
        {"dpi", o->dpi != 0, ".png"},
        {"most_pixels", o->most_pixels != 0, ".png"},
    };
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        if (!options[i].given || strstr(options[i].used, ending)) continue;
        gt_fail(gt, GT_ERR_ARGUMENT, what, ".%s is of no use for %s, but for %s", options[i].name,
                ending, options[i].used);
        return false;
    }
    return true;
}

/* Modules are what depth counts. */
static bool has_modules(const gt_graph *g, const char *what, const gt_graph_opts *o)
{
    bool any = !o->depth;
    for (int i = 0; i < g->n_scopes && !any; i++) any = g->scope[i].kind == GT_SCOPE_MODULE;
    return any || refuse(g->ctx, what, "depth", o->depth, "but no module made any of the graph");
}

static bool has_times(const gt_graph *g, const char *what, const gt_graph_opts *o)
{
    bool any = o->heat != GT_HEAT_TIME;
    for (int i = 0; i < g->n_nodes && !any; i++) any = g->node[i].seconds > 0;
    if (!any)
        gt_fail(g->ctx, GT_ERR_ARGUMENT, what,
                "heat is GT_HEAT_TIME, but no node has a time\n  hint: gt_graph_set_times");
    return any;
}

static gt_status save(const gt_graph *g, const char *path, gt_graph_opts opts, const char *what)
{
    if (!g) return GT_ERR_ARGUMENT;
    if (!check_path(g->ctx, path, what)) return gt_error_code(g->ctx);
    const int i = ending_of(path);
    if (!is_used(g->ctx, what, endings[i].name, &opts) || !complete(g->ctx, what, &opts) ||
        !has_modules(g, what, &opts) || !has_times(g, what, &opts))
        return gt_error_code(g->ctx);
    if (!endings[i].type && !endings[i].write) return save_board(g, path);
    if (endings[i].type) return gti_render(g, path, endings[i].type, &opts, what);
    return save_text(g, path, &opts, what, endings[i].write);
}

gt_status gt_graph_save_(const gt_graph *g, const char *path, gt_graph_opts opts)
{
    static const char what[] = "gt_graph_save";
    if (!g) return gt_fail(NULL, GT_ERR_ARGUMENT, what, "the graph is NULL");
    if (gt_failed(g->ctx) || !is_picture(g->ctx, what, &opts)) return gt_error_code(g->ctx);
    return save(g, path, opts, what);
}

/* --- in one --- */

/* Saves g, and frees it; the context's error where there is none. */
static gt_status save_own(gt_ctx *gt, gt_graph *g, const char *path, gt_graph_opts opts,
                          const char *what)
{
    const gt_status status = g ? save(g, path, opts, what) : gt_error_code(gt);
    gt_graph_free(g);
    return status;
}

gt_status gt_graph_render_(const gt_tensor *of, const char *path, gt_graph_opts opts)
{
    static const char what[] = "gt_graph_render";
    if (!of) return gt_fail(NULL, GT_ERR_ARGUMENT, what, "the tensor is NULL");
    if (!check_path(of->ctx, path, what) || !is_picture(of->ctx, what, &opts))
        return gt_error_code(of->ctx);
    return save_own(of->ctx, gt_tensor_graph(of), path, opts, what);
}

gt_status gt_tape_render_(gt_ctx *gt, const char *path, gt_graph_opts opts)
{
    static const char what[] = "gt_tape_render";
    if (!gt) return gt_fail(NULL, GT_ERR_ARGUMENT, what, "the context is NULL");
    if (!check_path(gt, path, what) || !is_picture(gt, what, &opts)) return gt_error_code(gt);
    return save_own(gt, gt_tape_graph(gt), path, opts, what);
}

gt_status gt_module_render_(gt_module *m, const char *path, gt_shape input, gt_graph_opts opts)
{
    static const char what[] = "gt_module_render";
    if (!m) return gt_fail(NULL, GT_ERR_ARGUMENT, what, "the module is NULL");
    if (!check_path(m->ctx, path, what)) return gt_error_code(m->ctx);
    const gt_module_graph_opts run = {
        .dtype = opts.dtype, .backward = opts.backward, .training = opts.training};
    opts.dtype = GT_F32;
    opts.backward = opts.training = false;
    return save_own(m->ctx, gt_module_graph_(m, input, run), path, opts, what);
}

static gt_status write_own(gt_ctx *gt, gt_graph *g, FILE *f, gt_graph_opts opts, const char *what)
{
    const bool ok = g && is_picture(gt, what, &opts) && is_used(gt, what, ".dot", &opts) &&
                    complete(gt, what, &opts) && has_modules(g, what, &opts) &&
                    has_times(g, what, &opts);
    const gt_status status = ok ? gti_dot_write(g, &opts, what, f) : gt_error_code(gt);
    gt_graph_free(g);
    return status;
}

gt_status gt_graph_write_dot_(const gt_tensor *of, FILE *f, gt_graph_opts opts)
{
    static const char what[] = "gt_graph_write_dot";
    if (!of) return gt_fail(NULL, GT_ERR_ARGUMENT, what, "the tensor is NULL");
    if (!f) return gt_fail(of->ctx, GT_ERR_ARGUMENT, what, "the file is NULL");
    return write_own(of->ctx, gt_tensor_graph(of), f, opts, what);
}

gt_status gt_tape_write_dot_(gt_ctx *gt, FILE *f, gt_graph_opts opts)
{
    static const char what[] = "gt_tape_write_dot";
    if (!gt) return gt_fail(NULL, GT_ERR_ARGUMENT, what, "the context is NULL");
    if (!f) return gt_fail(gt, GT_ERR_ARGUMENT, what, "the file is NULL");
    return write_own(gt, gt_tape_graph(gt), f, opts, what);
}
