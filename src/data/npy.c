/* NumPy's .npy files: "\x93NUMPY", a version, the length of the header, the header (a Python
 * dictionary), and the elements. */
#include <stdlib.h>
#include <string.h>

#include "data/data.h"

typedef struct {
    gti_element element;
    bool fortran;
    gt_shape shape;
} header;

/* --- the header ---
 * p runs through the dictionary, which ends in a zero byte and may be written in any of Python's
 * ways. Each returns what follows, or NULL. */

static const char *skip_spaces(const char *p)
{
    while (*p && strchr(" \t\n\r", *p)) p++;
    return p;
}

static const char *expect(const char *p, const char *token)
{
    if (!p) return NULL;
    p = skip_spaces(p);
    const size_t n = strlen(token);
    return strncmp(p, token, n) ? NULL : p + n;
}

/* 'text' or "text", of at least n bytes, which begin at *text. */
static const char *parse_string(const char *p, const char **text, size_t *n)
{
    p = skip_spaces(p);
    if (*p != '\'' && *p != '"') return NULL;
    const char *end = strchr(p + 1, *p);
    if (!end) return NULL;
    *text = p + 1;
    *n = (size_t)(end - *text);
    return end + 1;
}

/* '<f4' */
static const char *parse_descr(const char *p, header *h)
{
    const char *text;
    size_t n;
    p = parse_string(p, &text, &n);
    if (!p || n != 3 || !strchr("<>|=", text[0]) || text[2] < '1' || text[2] > '9') return NULL;
    h->element = (gti_element){.kind = text[1], .size = text[2] - '0', .big = text[0] == '>'};
    return p;
}

static const char *parse_bool(const char *p, bool *value)
{
    const char *after = expect(p, "True");
    *value = after;
    return after ? after : expect(p, "False");
}

/* 6, or 6L as Python 2 wrote it */
static const char *parse_number(const char *p, int64_t *value)
{
    p = skip_spaces(p);
    if (*p < '0' || *p > '9') return NULL;
    for (*value = 0; *p >= '0' && *p <= '9'; p++) {
        if (*value > (INT64_MAX - 9) / 10) return NULL;
        *value = 10 * *value + (*p - '0');
    }
    return *p == 'L' ? p + 1 : p;
}

/* () (3,) (2, 3) */
static const char *parse_shape(const char *p, gt_shape *shape)
{
    *shape = GT_SCALAR;
    p = expect(p, "(");
    while (p && !expect(p, ")")) {
        if (shape->ndim == GT_MAX_DIMS) return NULL;
        p = parse_number(p, &shape->dim[shape->ndim++]);
        const char *comma = p ? expect(p, ",") : NULL;
        if (!comma && p && (shape->ndim == 1 || !expect(p, ")"))) return NULL;
        if (comma) p = comma;
    }
    return expect(p, ")");
}

static const char *parse_fortran(const char *p, header *h)
{
    return parse_bool(p, &h->fortran);
}

static const char *parse_size(const char *p, header *h)
{
    return parse_shape(p, &h->shape);
}

/* A key and its value, which is noted in *seen; a key comes once. */
static const char *parse_item(const char *p, header *h, unsigned *seen)
{
    static const struct {
        const char *key;
        const char *(*parse)(const char *p, header *h);
    } keys[] = {{"descr", parse_descr}, {"fortran_order", parse_fortran}, {"shape", parse_size}};
    const char *text;
    size_t n;
    p = expect(parse_string(p, &text, &n), ":");
    for (unsigned i = 0; p && i < sizeof keys / sizeof *keys; i++) {
        if (strlen(keys[i].key) != n || memcmp(keys[i].key, text, n) != 0) continue;
        if (*seen & 1u << i) return NULL;
        *seen |= 1u << i;
        return keys[i].parse(p, h);
    }
    return NULL;
}

static bool parse_dictionary(const char *p, header *h)
{
    unsigned seen = 0;
    p = expect(p, "{");
    while (p && !expect(p, "}")) {
        p = parse_item(p, h, &seen);
        const char *comma = p ? expect(p, ",") : NULL;
        if (p && !comma && !expect(p, "}")) return false;
        if (comma) p = comma;
    }
    p = expect(p, "}");
    return p && !*skip_spaces(p) && seen == 7;
}

/* Where the dictionary lies in an array that begins with these bytes and has `size`. */
typedef struct {
    int64_t begin, length;
} span;

enum { HEAD = 12 }; /* bytes that tell the span, or 10 */

static bool find_dictionary(const uint8_t head[HEAD], int64_t size, span *d, const char *path,
                            gt_data_error *error)
{
    if (size < 10 || memcmp(head, "\x93NUMPY", 6) != 0)
        return gt_data_fail(error, GT_ERR_FORMAT,
                            "%s: expected a .npy array, which begins with \\x93NUMPY", path);
    d->begin = head[6] >= 2 ? 12 : 10;
    d->length = head[8] | head[9] << 8;
    if (d->begin == 12 && size >= 12)
        d->length |= (int64_t)head[10] << 16 | (int64_t)head[11] << 24;
    if (head[6] >= 1 && head[6] <= 3 && d->begin <= size && d->length <= size - d->begin)
        return true;
    return gt_data_fail(error, GT_ERR_FORMAT,
                        "%s: expected a header of %lld bytes (version %d), found %lld: "
                        "truncated, or a version unknown here",
                        path, (long long)d->length, head[6],
                        (long long)(size > d->begin ? size - d->begin : 0));
}

/* `text` has length + 1 bytes, of which the last is 0. */
static bool read_dictionary(const char *text, int64_t length, header *h, const char *path,
                            gt_data_error *error)
{
    if (strlen(text) == (size_t)length && parse_dictionary(text, h)) return true;
    return gt_data_fail(error, GT_ERR_FORMAT, "%s: a .npy header that is not understood: %.200s",
                        path, text);
}

/* --- the elements --- */

/* The i-th element in C order stands here in Fortran order. */
static int64_t fortran_place(gt_shape shape, int64_t i)
{
    int64_t place = 0, size = gt_shape_size(shape);
    for (int k = shape.ndim - 1; k >= 0; k--) {
        size /= shape.dim[k];
        place += i % shape.dim[k] * size;
        i /= shape.dim[k];
    }
    return place;
}

/* Whether the array's elements are all of the `size` bytes. */
static bool check_size(const header *h, int64_t size, const char *path, gt_data_error *error)
{
    int64_t n = gt_shape_size(h->shape);
    char shape[128];
    if (n >= 0 && !__builtin_mul_overflow(n, h->element.size, &n) && n == size) return true;
    return gt_data_fail(error, GT_ERR_FORMAT,
                        "%s: expected %d bytes for each element of %s, found %lld bytes in all",
                        path, h->element.size, gt_shape_format(h->shape, shape, sizeof shape),
                        (long long)size);
}

/* A tensor for the array, whose elements are `size` bytes. */
static gt_tensor *make(gt_ctx *gt, const header *h, int64_t size, const char *path,
                       gt_data_error *error)
{
    gt_dtype dtype;
    if (!gti_element_dtype(&h->element, &dtype)) {
        gt_data_fail(error, GT_ERR_UNSUPPORTED,
                     "%s: elements of kind '%c%d'; f2 to f8, i1 to i8, u1 to u4 and b1 can be read",
                     path, h->element.kind, h->element.size);
        return NULL;
    }
    if (!check_size(h, size, path, error)) return NULL;
    return gt_empty_(gt, h->shape, (gt_new_opts){.dtype = dtype});
}

/* Whether the file's bytes are the tensor's. */
static bool is_alike(const header *h, const gt_tensor *t)
{
    const uint16_t one = 1;
    const bool big = !*(const uint8_t *)&one;
    if (h->fortran && h->shape.ndim > 1) return false;
    return (size_t)h->element.size == gt_dtype_size(t->dtype) &&
           (h->element.size == 1 || h->element.big == big);
}

static void fill(const header *h, const uint8_t *bytes, gt_tensor *t)
{
    if (is_alike(h, t)) {
        memcpy(t->data, bytes, (size_t)t->size * gt_dtype_size(t->dtype));
        return;
    }
    for (int64_t i = 0; i < t->size; i++) {
        const int64_t place = h->fortran ? fortran_place(h->shape, i) : i;
        gti_element_convert(&h->element, bytes + place * h->element.size, t, i);
    }
}

/* The header of a file; the elements are what follows. */
static bool take_header(gti_source *s, header *h)
{
    static const char part[] = "a .npy header";
    uint8_t head[HEAD] = {0};
    span d = {0, 0};
    const bool later = s->limit >= HEAD;
    if (!gti_source_read(s, head, later ? 10 : s->limit, part)) return false;
    if (later && head[6] >= 2 && !gti_source_read(s, head + 10, 2, part)) return false;
    if (!find_dictionary(head, s->limit, &d, s->path, s->error)) return false;
    char *text = (char *)gti_source_take(s, d.length, part);
    if (!text) return false;
    text[d.length] = 0; /* gti_source_take has room for it */
    const bool ok = read_dictionary(text, d.length, h, s->path, s->error);
    free(text);
    return ok;
}

gt_tensor *gti_npy_take(gt_ctx *gt, gti_source *s)
{
    static const char part[] = "elements";
    header h = {.fortran = false};
    if (!take_header(s, &h)) return NULL;
    const int64_t size = s->limit - s->taken;
    gt_tensor *t = make(gt, &h, size, s->path, s->error);
    if (!t) return NULL;
    if (is_alike(&h, t)) return gti_source_read(s, t->data, size, part) ? t : NULL;
    uint8_t *bytes = gti_source_take(s, size, part);
    if (bytes) fill(&h, bytes, t);
    free(bytes);
    return bytes ? t : NULL;
}

gt_tensor *gt_npy_load(gt_ctx *gt, const char *path)
{
    static const char what[] = "gt_npy_load";
    if (!gti_data_ready(gt, what)) return NULL;
    const gt_span time = gt_span_begin(gt, what);
    gt_data_error error = {.code = GT_OK};
    gt_tensor *t = NULL;
    gti_source s;
    if (!path) gt_data_fail(&error, GT_ERR_ARGUMENT, "the path is NULL");
    if (path && gti_source_open_plain(&s, path, &error)) {
        t = gti_npy_take(gt, &s);
        gti_source_close(&s);
    }
    if (!t) gti_data_report(gt, what, &error);
    gt_span_end(gt, time);
    return t;
}

/* --- writing --- */

static void write_header(gt_file *f, const gt_tensor *t)
{
    static const char *const descr[GT_N_DTYPES] = {"<f4", "<f8", "<i8", "|u1"};
    char text[320], shape[192] = "";
    for (int i = 0; i < t->shape.ndim; i++) {
        const size_t used = strlen(shape);
        snprintf(shape + used, sizeof shape - used, "%lld,%s", (long long)t->shape.dim[i],
                 i + 1 < t->shape.ndim ? " " : "");
    }
    if (t->shape.ndim > 1) shape[strlen(shape) - 1] = 0;
    const int n = snprintf(text, sizeof text,
                           "{'descr': '%s', 'fortran_order': False, "
                           "'shape': (%s), }",
                           descr[t->dtype], shape);
    /* The elements begin at a multiple of 64 bytes. */
    const int length = (10 + n + 1 + 63) / 64 * 64 - 10;
    const uint8_t head[10] = {
        0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, (uint8_t)length, (uint8_t)(length >> 8)};
    gt_file_write(f, head, sizeof head);
    gt_file_printf(f, "%-*s\n", length - 1, text);
}

gt_status gt_npy_save(const gt_tensor *t, const char *path)
{
    gt_status status;
    gt_file *f = gti_file_begin(t, path, "gt_npy_save", &status);
    if (!f) return status;
    write_header(f, t);
    gt_file_write(f, t->data, (size_t)t->size * gt_dtype_size(t->dtype));
    return gt_file_commit(f);
}
