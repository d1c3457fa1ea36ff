/* gt_print: tensors as PyTorch prints them with its default options. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "engine/context.h"

/* torch.set_printoptions' defaults; the precision of 4 is in the formats below. */
enum { LINE_WIDTH = 80, EDGE_ITEMS = 3, SUMMARY_ABOVE = 1000 };

/* The first bracket stands behind "tensor(". */
enum { INDENT = 7 };

typedef struct {
    FILE *f;
    const gt_tensor *t;
    int64_t stride[GT_MAX_DIMS];
    double min, max; /* magnitudes, over the shown elements that are finite and not zero */
    int column;      /* characters written on the present line */
    int width;       /* of every element; longer ones stick out, as PyTorch lets them */
    bool summary;    /* show only the first and last EDGE_ITEMS of long dimensions */
    bool whole;      /* floats, all whole: "19." */
    bool scientific; /* floats: "1.0000e+05" */
} printer;

static void put(printer *p, const char *text)
{
    const char *newline = strrchr(text, '\n');
    fputs(text, p->f);
    p->column = newline ? (int)strlen(newline + 1) : p->column + (int)strlen(text);
}

static void put_line_break(printer *p, int lines, int indent)
{
    for (int i = 0; i < lines; i++) put(p, "\n");
    for (int i = 0; i < indent; i++) put(p, " ");
}

/* --- the text of one element --- */

#define ELEMENT_TEXT 32

/* Whole numbers are below 1e8 and others below 1000 times 1e8 here: larger ones are scientific. */
static int float_text(const printer *p, double v, char *text)
{
    if (isnan(v)) return snprintf(text, ELEMENT_TEXT, "nan");
    if (isinf(v)) return snprintf(text, ELEMENT_TEXT, v < 0 ? "-inf" : "inf");
    if (p->scientific) return gt_snprintf(text, ELEMENT_TEXT, "%.4e", v);
    return gt_snprintf(text, ELEMENT_TEXT, p->whole ? "%.0f." : "%.4f", v);
}

static int element_text(const printer *p, int64_t i, char *text)
{
    const void *data = p->t->data;
    if (gt_is_floating(p->t->dtype)) return float_text(p, gt_load_element(p->t, i), text);
    if (p->t->dtype == GT_U8) return snprintf(text, ELEMENT_TEXT, "%d", ((const uint8_t *)data)[i]);
    return snprintf(text, ELEMENT_TEXT, "%" PRId64, ((const int64_t *)data)[i]);
}

/* --- which elements are shown, and how wide they are --- */

static bool is_cut(const printer *p, int axis)
{
    return p->summary && p->t->shape.dim[axis] > 2 * EDGE_ITEMS;
}

/* The next shown index behind i; the second half of a cut dimension follows its first. */
static int64_t next_index(const printer *p, int axis, int64_t i)
{
    if (is_cut(p, axis) && i == EDGE_ITEMS - 1) return p->t->shape.dim[axis] - EDGE_ITEMS;
    return i + 1;
}

static void each_shown(printer *p, int axis, int64_t at, void (*visit)(printer *, int64_t))
{
    if (axis == p->t->shape.ndim || axis == GT_MAX_DIMS) {
        visit(p, at);
        return;
    }
    for (int64_t i = 0; i < p->t->shape.dim[axis]; i = next_index(p, axis, i))
        each_shown(p, axis + 1, at + i * p->stride[axis], visit);
}

static bool decides_width(double v)
{
    return isfinite(v) && v != 0;
}

static void measure_range(printer *p, int64_t i)
{
    double v = gt_load_element(p->t, i);
    if (!decides_width(v)) return;
    p->min = fmin(p->min, fabs(v));
    p->max = fmax(p->max, fabs(v));
    if (v != ceil(v)) p->whole = false;
}

static void measure_width(printer *p, int64_t i)
{
    char text[ELEMENT_TEXT];
    if (gt_is_floating(p->t->dtype) && !decides_width(gt_load_element(p->t, i))) return;
    int length = element_text(p, i, text);
    if (length > p->width) p->width = length;
}

static void choose_format(printer *p)
{
    int64_t stride = 1;
    for (int axis = p->t->shape.ndim; axis-- > 0; stride *= p->t->shape.dim[axis])
        p->stride[axis] = stride;
    p->summary = p->t->size > SUMMARY_ABOVE;
    p->whole = true;
    p->min = INFINITY;
    p->width = 1;
    if (gt_is_floating(p->t->dtype)) each_shown(p, 0, 0, measure_range);
    if (p->max > 0) p->scientific = p->max / p->min > 1000 || p->max > 1e8 || p->min < 1e-4;
    each_shown(p, 0, 0, measure_width);
}

/* --- brackets and lines --- */

static void put_element(printer *p, int64_t i)
{
    char text[ELEMENT_TEXT];
    for (int length = element_text(p, i, text); length < p->width; length++) put(p, " ");
    put(p, text);
}

/* What stands before entry k of a vector. */
static void put_separator(printer *p, int64_t k, int indent)
{
    int fit = (LINE_WIDTH - indent) / (p->width + 2);
    if (k == 0) return;
    put(p, k % fit ? ", " : ",");
    if (k % fit == 0) put_line_break(p, 1, indent + 1);
}

static void put_vector(printer *p, int axis, int64_t at)
{
    int64_t n = p->t->shape.dim[axis], entries = 0;
    put(p, "[");
    for (int64_t i = 0, next; i < n; i = next) {
        put_separator(p, entries++, INDENT + axis);
        put_element(p, at + i);
        next = next_index(p, axis, i);
        if (next == i + 1) continue;
        put_separator(p, entries++, INDENT + axis);
        put(p, " ...");
    }
    put(p, "]");
}

static void put_axis(printer *p, int axis, int64_t at)
{
    int below = p->t->shape.ndim - axis - 1;
    if (below < 0) {
        put_element(p, at);
        return;
    }
    if (below == 0) {
        put_vector(p, axis, at);
        return;
    }
    put(p, "[");
    for (int64_t i = 0, next; i < p->t->shape.dim[axis]; i = next) {
        put_axis(p, axis + 1, at + i * p->stride[axis]);
        next = next_index(p, axis, i);
        if (next == p->t->shape.dim[axis]) break;
        put(p, ",");
        put_line_break(p, below, INDENT + axis + 1);
        if (next == i + 1) continue;
        put(p, "...,");
        put_line_break(p, below, INDENT + axis + 1);
    }
    put(p, "]");
}

/* --- what stands behind the elements --- */

static void put_suffix(printer *p, const char *suffix)
{
    /* PyTorch counts two characters more than there are. */
    bool fits = p->column + 2 + (int)strlen(suffix) + 2 <= LINE_WIDTH;
    put(p, fits ? ", " : ",");
    if (!fits) put_line_break(p, 1, INDENT);
    put(p, suffix);
}

static void put_size(printer *p)
{
    char text[192];
    size_t length = (size_t)snprintf(text, sizeof text, "size=(");
    for (int i = 0; i < p->t->shape.ndim; i++)
        length += (size_t)snprintf(text + length, sizeof text - length, "%s%" PRId64, i ? ", " : "",
                                   p->t->shape.dim[i]);
    snprintf(text + length, sizeof text - length, ")");
    put_suffix(p, text);
}

static void put_suffixes(printer *p)
{
    static const char *const dtype[GT_N_DTYPES] = {
#define GT_DTYPE(NAME, name, type, floating, epsilon, torch) "dtype=torch." #torch,
#include <gradtape/dtypes.def>
#undef GT_DTYPE
    };
    const gt_tensor *t = p->t;
    const char *made_by = gti_naming_maker(t);
    if (t->size == 0 && t->shape.ndim != 1) put_size(p);
    bool understood = t->dtype == GT_F32 || (t->dtype == GT_I64 && t->size > 0);
    if (!understood) put_suffix(p, dtype[t->dtype]);
    if (made_by) {
        char text[80];
        snprintf(text, sizeof text, "grad_fn=<%s>", made_by);
        put_suffix(p, text);
    } else if (t->requires_grad) {
        put_suffix(p, "requires_grad=True");
    }
}

void gt_print(FILE *f, const gt_tensor *t)
{
    if (!f || !gti_tensor_usable(t, "gt_print")) return;
    printer p = {.f = f, .t = t};
    put(&p, "tensor(");
    if (t->size == 0) {
        put(&p, "[]");
    } else {
        choose_format(&p);
        put_axis(&p, 0, 0);
    }
    put_suffixes(&p);
    put(&p, ")\n");
}
