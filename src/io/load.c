/* Saving and loading the state of modules. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "io/io.h"

/* --- lazy modules --- */

static bool is_lazy(const gt_module *m)
{
    return !m->ready && !m->parameters && !m->buffers && !m->child;
}

/* Modules in the order of the tree, within root; root comes first, NULL behind the last. */
static const gt_module *next_module(const gt_module *root, const gt_module *m)
{
    if (m->child) return m->child;
    while (m != root && !m->next) m = m->parent;
    return m == root ? NULL : m->next;
}

const gt_module *gti_load_find_lazy(const gt_module *root)
{
    for (const gt_module *m = root; m; m = next_module(root, m))
        if (is_lazy(m)) return m;
    return NULL;
}

/* The part of name behind the names of the modules from root down to m and a dot; NULL when name
 * does not begin with them. */
static const char *behind_module(const gt_module *root, const gt_module *m, const char *name)
{
    if (m == root) return name;
    name = behind_module(root, m->parent, name);
    name = name ? gti_text_behind(name, m->scope.name) : NULL;
    return name && *name == '.' ? name + 1 : NULL;
}

/* --- saving --- */

bool gti_load_list_module(gti_st_items *list, const char *prefix, const gt_module *m)
{
    const gt_module *lazy = gti_load_find_lazy(m);
    if (lazy) {
        gt_module_fail(lazy, GT_ERR_STATE,
                       "%s: it has no parameters yet\n  hint: run one gt_forward before saving",
                       list->what);
        return false;
    }
    gti_text name = {.at = NULL};
    gt_state_iter it = gt_module_state(m);
    bool ok = true;
    while (ok && gt_state_next(&it))
        ok = gti_st_add(list, gti_text_path(&name, prefix, &it), it.tensor);
    free(name.at);
    return ok;
}

gt_status gt_save_(const gt_module *m, const char *path, gt_save_opts opts)
{
    static const char what[] = "gt_save";
    if (!m) return gt_fail(NULL, GT_ERR_ARGUMENT, what, "the module is NULL");
    if (!gti_io_ready(m->ctx, what, path)) return gt_error_code(m->ctx);
    gti_st_items list = {.gt = m->ctx, .what = what};
    gt_status status;
    if (gti_load_list_module(&list, "", m))
        status = gti_st_write(&list, path, GT_METADATA({"format", "pt"}), opts.metadata);
    else status = gt_error_code(m->ctx);
    gti_st_items_free(&list);
    return status;
}

/* --- what does not fit --- */

/* The first few of some entries, for a message: whole ones, unless the first is too long. */
typedef struct {
    char text[160];
    int64_t n, shown;
} samples;

static void GT_PRINTF(2, 3) add_sample(samples *s, const char *fmt, ...)
{
    char one[sizeof s->text];
    const size_t used = strlen(s->text);
    va_list args;
    va_start(args, fmt);
    const int n = gt_vsnprintf(one, sizeof one, fmt, args);
    va_end(args);
    s->n++;
    if (used && (s->shown == 3 || used + 2 + (size_t)n >= sizeof s->text)) return;
    snprintf(s->text + used, sizeof s->text - used, "%s%s", used ? ", " : "", one);
    s->shown++;
}

typedef struct {
    samples missing, unexpected, misshaped;
    gt_load_report report;
    bool partial;          /* names may be missing */
    bool names, shapes;    /* whether these are refused */
    const gt_module *lazy; /* that unexpected entries belong to */
    char hint[64];         /* what the file's names begin with, behind which all would fit */
} misfits;

static bool same_shape(const gti_st_entry *e, const gt_tensor *t)
{
    return gti_st_fits(e, t->dtype) && gt_shape_equal(e->shape, t->shape);
}

/* What the file has a name of; tensors that are shared have several. */
typedef struct {
    const gt_tensor **at;
    size_t n;
} present;

static int by_address(const void *a, const void *b)
{
    const gt_tensor *const *x = a, *const *y = b;
    return ((uintptr_t)*x > (uintptr_t)*y) - ((uintptr_t)*x < (uintptr_t)*y);
}

static bool is_present(const present *p, const gt_tensor *t)
{
    return bsearch(&t, p->at, p->n, sizeof *p->at, by_address);
}

static bool check_one(gti_load *l, gti_st_entry *e, gt_tensor *t, misfits *m)
{
    char shown[GTI_SHOWN], shape[128], is[160];
    e->used = true;
    if (same_shape(e, t)) {
        m->report.loaded++;
        return gti_load_add(l, e, t);
    }
    m->report.misshaped++;
    add_sample(&m->misshaped, "%s is %s, not %s %s", gti_text_show(e->name, shown),
               gti_st_describe(e, is, sizeof is), gt_dtype_name(t->dtype),
               gt_shape_format(t->shape, shape, sizeof shape));
    return true;
}

/* Whether the module could be loaded with this prefix. */
static bool prefix_fits(const gti_load *l, const char *prefix, bool partial)
{
    gti_text name = {.at = NULL};
    gt_state_iter it = gt_module_state(l->module);
    bool fits = true;
    while (fits && gt_state_next(&it)) {
        const char *path = gti_text_path(&name, prefix, &it);
        const gti_st_entry *e = path ? gti_st_find(l->file, path) : NULL;
        fits = e ? same_shape(e, it.tensor) : partial;
    }
    free(name.at);
    return fits;
}

/* Looks for the first missing name behind a prefix of one in the file. */
static void find_hint(const gti_load *l, const char *missing, misfits *m)
{
    const size_t n = strlen(missing);
    for (size_t i = 0; i < l->file->n && !*m->hint; i++) {
        const char *name = l->file->at[i].name;
        const size_t length = strlen(name);
        if (length <= n || length - n >= sizeof m->hint ||
            strcmp(name + length - n, missing) != 0 || name[length - n - 1] != '.')
            continue;
        memcpy(m->hint, name, length - n);
        m->hint[length - n] = 0;
        if (!prefix_fits(l, m->hint, m->partial)) *m->hint = 0;
    }
}

static void note_missing(const gti_load *l, const char *name, misfits *m)
{
    char shown[GTI_SHOWN];
    add_sample(&m->missing, "%s", gti_text_show(name, shown));
    if (m->report.missing++ == 0) find_hint(l, name + strlen(l->prefix), m);
}

/* The first time, what the file names goes to p, which has room for as many as the file has; the
 * second time, when p is in order, what it lacks is missing. */
static bool check_names(gti_load *l, present *p, bool again, misfits *m)
{
    gti_text name = {.at = NULL};
    gt_state_iter it = gt_module_state(l->module);
    bool ok = true;
    while (ok && gt_state_next(&it)) {
        const char *path = gti_text_path(&name, l->prefix, &it);
        gti_st_entry *e = path ? gti_st_find(l->file, path) : NULL;
        ok = path;
        if (again && ok && !e && !is_present(p, it.tensor)) note_missing(l, path, m);
        if (again || !e) continue;
        p->at[p->n++] = it.tensor;
        ok = check_one(l, e, it.tensor, m);
    }
    free(name.at);
    return ok;
}

static bool check_state(gti_load *l, misfits *m)
{
    present p = {.at = malloc((l->file->n + 1) * sizeof *p.at)};
    bool ok = p.at && check_names(l, &p, false, m);
    if (ok) qsort(p.at, p.n, sizeof *p.at, by_address);
    ok = ok && check_names(l, &p, true, m);
    if (!ok) gti_st_fail(l->file, GT_ERR_MEMORY, "cannot be read: out of memory");
    free(p.at);
    return ok;
}

static void check_entry(const gti_load *l, const gti_st_entry *e, misfits *m)
{
    char shown[GTI_SHOWN];
    const char *name = gti_text_behind(e->name, l->prefix);
    if (e->used || !name) return;
    m->report.unexpected++;
    add_sample(&m->unexpected, "%s", gti_text_show(e->name, shown));
    for (const gt_module *at = l->module; at && !m->lazy; at = next_module(l->module, at))
        if (is_lazy(at) && behind_module(l->module, at, name)) m->lazy = at;
}

/* --- saying so --- */

static void add_line(char *text, size_t size, const char *title, const samples *s)
{
    const size_t used = strlen(text);
    char rest[32] = "";
    if (!s->n) return;
    if (s->n > s->shown) snprintf(rest, sizeof rest, ", ... (%lld)", (long long)s->n);
    snprintf(text + used, size - used, "\n  %s: %s%s", title, s->text, rest);
}

/* Whether nothing in the file can be of the module, by the prefix that was given. */
static bool prefix_is_wrong(const gti_load *l)
{
    for (size_t i = 0; i < l->file->n; i++)
        if (gti_text_behind(l->file->at[i].name, l->prefix)) return false;
    return l->file->n > 0;
}

static void format_hint(const gti_load *l, const misfits *m, char *to, size_t size)
{
    char shown[GTI_SHOWN];
    if (*m->hint) snprintf(to, size, "\n  hint: .prefix = \"%s\"", m->hint);
    else if (l->has_options && prefix_is_wrong(l))
        snprintf(to, size, "\n  hint: no name in it begins with \"%.24s\"; one is %.24s", l->prefix,
                 gti_text_show(l->file->at[0].name, shown));
    else if (l->has_options && m->report.loaded && (m->names || m->shapes))
        snprintf(to, size, "\n  hint: %s%s%s loads what fits", m->names ? ".partial = true" : "",
                 m->names && m->shapes ? ", " : "", m->shapes ? ".skip_misshaped = true" : "");
}

static bool fail_misfits(const gti_load *l, const misfits *m)
{
    char text[560] = "", hint[128] = "";
    add_line(text, sizeof text, "missing", &m->missing);
    add_line(text, sizeof text, "unexpected", &m->unexpected);
    add_line(text, sizeof text, "misshaped", &m->misshaped);
    format_hint(l, m, hint, sizeof hint);
    gt_fail(l->file->gt, m->shapes ? GT_ERR_SHAPE : GT_ERR_ARGUMENT, l->file->what,
            "'%.80s' %s the module%s%s", l->file->path,
            m->names || m->shapes ? "does not fit" : "has nothing that fits", text, hint);
    return false;
}

static bool fail_lazy(const gti_load *l, const gt_module *lazy)
{
    gt_module_fail(lazy, GT_ERR_STATE,
                   "%s: '%.80s' has its parameters, but it is lazy and has none yet\n"
                   "  hint: run one gt_forward before loading",
                   l->file->what, l->file->path);
    return false;
}

bool gti_load_check(gti_load *l, const gt_load_opts *opts)
{
    misfits m = {.partial = opts->partial};
    if (!check_state(l, &m)) return false;
    for (size_t i = 0; i < l->file->n; i++) check_entry(l, &l->file->at[i], &m);
    if (opts->report) *opts->report = m.report;
    m.names = (m.report.missing || m.report.unexpected) && !opts->partial;
    m.shapes = m.report.misshaped && !opts->skip_misshaped;
    const bool nothing =
        !m.report.loaded && (m.report.missing || m.report.unexpected || m.report.misshaped);
    if (m.lazy) return fail_lazy(l, m.lazy);
    return !(m.names || m.shapes || nothing) || fail_misfits(l, &m);
}

/* --- loading --- */

bool gti_load_add(gti_load *l, const gti_st_entry *e, gt_tensor *to)
{
    if (l->n == l->room) {
        const size_t room = l->room ? 2 * l->room : 16;
        gti_load_pair *pair = realloc(l->pair, room * sizeof *pair);
        if (!pair) return gti_st_fail(l->file, GT_ERR_MEMORY, "cannot be read: out of memory");
        l->pair = pair;
        l->room = room;
    }
    l->pair[l->n++] = (gti_load_pair){e, to};
    return true;
}

void gti_load_read(const gti_load *l)
{
    for (size_t i = 0; i < l->n; i++) gti_st_read(l->file, l->pair[i].entry, l->pair[i].to);
}

void gti_load_free(gti_load *l)
{
    free(l->pair);
    l->pair = NULL;
    l->n = l->room = 0;
}

gt_status gt_load_(gt_module *m, const char *path, gt_load_opts opts)
{
    static const char what[] = "gt_load";
    if (!m) return gt_fail(NULL, GT_ERR_ARGUMENT, what, "the module is NULL");
    gti_st file;
    if (!gti_st_open(&file, m->ctx, what, path)) return gt_error_code(m->ctx);
    gti_load l = {.file = &file, .module = m, .has_options = true};
    l.prefix = opts.prefix ? opts.prefix : "";
    const bool ok = gti_load_check(&l, &opts) && gti_st_fetch(&file);
    if (ok) gti_load_read(&l);
    gti_load_free(&l);
    gti_st_close(&file);
    return ok ? GT_OK : gt_error_code(m->ctx);
}
