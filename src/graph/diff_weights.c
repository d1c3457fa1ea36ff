/* Comparing weights: names, shapes, dtypes and elements. */
#include <gradtape/io.h>
#include <gradtape/onnx.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "graph/diff.h"

static const char what[] = "gt_diff";

/* The tensors of a file, by name. */
typedef struct {
    gt_named_tensor *at;
    int n, room;
} tensors;

/* --- reading --- */

static const char *ending_of(const char *path)
{
    const char *dot = strrchr(path, '.');
    return dot ? dot : "";
}

static bool add(gti_items *all, tensors *to, const char *name, gt_tensor *t)
{
    const char *copy = t ? gti_diff_text(all, "%s", name) : NULL;
    if (!copy || !gti_diff_grow(all, &to->at, to->n, &to->room, sizeof *to->at)) return false;
    to->at[to->n++] = (gt_named_tensor){copy, t};
    return true;
}

static bool read_safetensors(gti_items *all, tensors *to)
{
    const gt_tensors *list =
        gt_load_tensors_(all->gt, all->path, (gt_load_tensors_opts){.metadata_only = false});
    bool ok = list;
    for (int64_t i = 0; ok && i < list->n; i++)
        ok = add(all, to, list->tensors[i].name, list->tensors[i].tensor);
    return ok;
}

static bool read_npy(gti_items *all, tensors *to)
{
    return add(all, to, "the array", gt_npy_load(all->gt, all->path));
}

static bool read_npz(gti_items *all, tensors *to)
{
    char name[1024];
    bool ok = true;
    for (int i = 0; ok && gt_npz_name(all->gt, all->path, i, name, sizeof name); i++)
        ok = add(all, to, name, gt_npz_load(all->gt, all->path, name));
    return ok && !gt_failed(all->gt);
}

static bool read_onnx(gti_items *all, tensors *to)
{
    gt_module *m = gt_onnx_load_(all->gt, all->path, (gt_onnx_opts){.frozen = true});
    bool ok = m;
    if (!m) return false;
    for (gt_state_iter it = gt_module_state(m); ok && gt_state_next(&it);) {
        const size_t size = gt_state_path(&it, NULL, 0) + 1;
        char *path = gti_diff_room(all, size);
        if (path) gt_state_path(&it, path, size);
        ok = path && add(all, to, path, it.tensor);
    }
    return ok;
}

static const struct {
    const char *ending;
    bool (*read)(gti_items *all, tensors *to);
} readers[] = {{".safetensors", read_safetensors},
               {".npz", read_npz},
               {".npy", read_npy},
               {".onnx", read_onnx}};
enum { READERS = sizeof readers / sizeof *readers };

static int reader_of(const char *path)
{
    for (int i = 0; i < READERS; i++)
        if (!strcasecmp(ending_of(path), readers[i].ending)) return i;
    return -1;
}

bool gti_diff_has_weights(const char *path)
{
    return reader_of(path) >= 0;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const gt_named_tensor *)a)->name, ((const gt_named_tensor *)b)->name);
}

static bool read(gti_items *all, tensors *to)
{
    if (!readers[reader_of(all->path)].read(all, to)) return false;
    if (to->n) qsort(to->at, (size_t)to->n, sizeof *to->at, by_name);
    return true;
}

/* --- comparing --- */

/* Elements that differ, and the places of the largest differences. */
typedef struct {
    int64_t n, absolute_at, relative_at;
    double absolute, relative;
} difference;

/* How far elements i are from each other: of integers also where doubles do not tell them apart. */
static double distance(const gt_tensor *a, const gt_tensor *b, int64_t i)
{
    if (a->dtype == GT_I64 && b->dtype == GT_I64) {
        const int64_t x = ((const int64_t *)a->data)[i], y = ((const int64_t *)b->data)[i];
        return (double)(x > y ? (uint64_t)x - (uint64_t)y : (uint64_t)y - (uint64_t)x);
    }
    const double x = gt_load_element(a, i), y = gt_load_element(b, i);
    if (x == y || (isnan(x) && isnan(y))) return 0;
    return isnan(x - y) ? INFINITY : fabs(x - y);
}

static void note(difference *d, const gt_tensor *a, const gt_tensor *b, double tolerance, int64_t i)
{
    const double off = distance(a, b, i), y = fabs(gt_load_element(b, i));
    const double scale = fmax(fabs(gt_load_element(a, i)), y);
    const double share = isfinite(off) ? off / scale : INFINITY;
    if (off == 0 || (isfinite(off) && off <= tolerance * (1 + y))) return;
    if (!d->n || off > d->absolute) d->absolute = off, d->absolute_at = i;
    if (!d->n || share > d->relative) d->relative = share, d->relative_at = i;
    d->n++;
}

static const char *place_of(const gt_tensor *t, int64_t i, char *text, size_t size)
{
    gt_shape at = t->shape;
    for (int k = at.ndim - 1; k >= 0; k--) {
        at.dim[k] = i % t->shape.dim[k];
        i /= t->shape.dim[k];
    }
    return gt_shape_format(at, text, size);
}

static const char *text_of(const gt_tensor *t, int64_t i, char text[32])
{
    if (t->dtype == GT_I64) snprintf(text, 32, "%lld", (long long)((const int64_t *)t->data)[i]);
    else gt_snprintf(text, 32, "%g", gt_load_element(t, i));
    return text;
}

static void compare_elements(gti_diff *d, const char *name, const gt_tensor *a, const gt_tensor *b)
{
    difference off = {0};
    char at[2][128], from[192], to[192], which[128], number[32];
    for (int64_t i = 0; i < a->size; i++) note(&off, a, b, d->opts.tolerance, i);
    if (!off.n) return;
    place_of(a, off.absolute_at, at[0], sizeof at[0]);
    place_of(a, off.relative_at, at[1], sizeof at[1]);
    gt_snprintf(which, sizeof which, "%lld of %lld elements, at most", (long long)off.n,
                (long long)a->size);
    gt_snprintf(from, sizeof from, "%s at %s", text_of(a, off.absolute_at, number), at[0]);
    gt_snprintf(to, sizeof to, "%s (off by %.3g; relatively at most by %.3g, at %s)",
                text_of(b, off.absolute_at, number), off.absolute, off.relative, at[1]);
    gti_diff_tell(d, '~', name, which, from, to);
}

static void compare_tensors(gti_diff *d, const char *name, const gt_tensor *a, const gt_tensor *b)
{
    char from[128], to[128];
    if (a->dtype != b->dtype)
        gti_diff_tell(d, '~', name, "dtype", gt_dtype_name(a->dtype), gt_dtype_name(b->dtype));
    if (gt_same_shape(a, b)) {
        compare_elements(d, name, a, b);
        return;
    }
    gti_diff_tell(d, '~', name, "shape", gt_shape_format(a->shape, from, sizeof from),
                  gt_shape_format(b->shape, to, sizeof to));
}

static void tell_alone(gti_diff *d, char sign, const gt_named_tensor *t)
{
    char shape[128], text[192];
    snprintf(text, sizeof text, "%s %s", gt_dtype_name(t->tensor->dtype),
             gt_shape_format(t->tensor->shape, shape, sizeof shape));
    gti_diff_tell(d, sign, t->name, "", text, text);
}

static void merge(gti_diff *d, const tensors *a, const tensors *b)
{
    for (int i = 0, k = 0; i < a->n || k < b->n;) {
        const int order = i == a->n ? 1 : k == b->n ? -1 : strcmp(a->at[i].name, b->at[k].name);
        if (order < 0) tell_alone(d, '-', &a->at[i]);
        else if (order > 0) tell_alone(d, '+', &b->at[k]);
        else compare_tensors(d, a->at[i].name, a->at[i].tensor, b->at[k].tensor);
        i += order <= 0;
        k += order >= 0;
    }
}

bool gti_diff_weights(gti_diff *d, const char *path, const char *other)
{
    gti_items store[2] = {{.gt = d->gt, .what = what, .path = path},
                          {.gt = d->gt, .what = what, .path = other}};
    tensors list[2] = {{.n = 0}, {.n = 0}};
    const bool ok = read(&store[0], &list[0]) && read(&store[1], &list[1]);
    if (ok) merge(d, &list[0], &list[1]);
    for (int i = 0; i < 2; i++) {
        free(list[i].at);
        gti_diff_clear(&store[i]);
    }
    return ok;
}
