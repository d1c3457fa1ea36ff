/* NumPy's .npy files: "\x93NUMPY", a version, the length of the header, the header (a Python
 * dictionary), and the elements. */
#include <stdlib.h>
#include <string.h>

#include "data/data.h"

typedef struct {
    char order, kind; /* '<' 'f' */
    int size;         /* bytes of an element */
    bool fortran;
    gt_shape shape;
} header;

/* --- the header ---
 * p runs through the dictionary, which ends in a zero byte. Each returns what follows, or NULL. */

static const char *skip_spaces(const char *p)
{
    while (*p == ' ' || *p == '\n' || *p == '\t') p++;
    return p;
}

static const char *expect(const char *p, const char *token)
{
    if (!p) return NULL;
    p = skip_spaces(p);
    const size_t n = strlen(token);
    return strncmp(p, token, n) ? NULL : p + n;
}

/* '<f4' */
static const char *parse_descr(const char *p, header *h)
{
    p = expect(p, "'");
    if (!p || !strchr("<>|=", *p) || !*p || !p[1] || p[2] < '1' || p[2] > '9') return NULL;
    h->order = p[0];
    h->kind = p[1];
    h->size = p[2] - '0';
    return expect(p + 3, "'");
}

static const char *parse_bool(const char *p, bool *value)
{
    const char *after = expect(p, "True");
    *value = after;
    return after ? after : expect(p, "False");
}

static const char *parse_number(const char *p, int64_t *value)
{
    p = skip_spaces(p);
    if (*p < '0' || *p > '9') return NULL;
    for (*value = 0; *p >= '0' && *p <= '9'; p++) {
        if (*value > (INT64_MAX - 9) / 10) return NULL;
        *value = 10 * *value + (*p - '0');
    }
    return p;
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

static bool parse_dictionary(const char *p, header *h)
{
    unsigned seen = 0;
    p = expect(p, "{");
    while (p && !expect(p, "}")) {
        const char *value;
        if ((value = expect(p, "'descr':"))) {
            p = parse_descr(value, h);
            seen += 1;
        } else if ((value = expect(p, "'fortran_order':"))) {
            p = parse_bool(value, &h->fortran);
            seen += 4;
        } else if ((value = expect(p, "'shape':"))) {
            p = parse_shape(value, &h->shape);
            seen += 16;
        } else {
            return false;
        }
        const char *comma = p ? expect(p, ",") : NULL;
        if (p && !comma && !expect(p, "}")) return false;
        if (comma) p = comma;
    }
    p = expect(p, "}");
    return p && !*skip_spaces(p) && seen == 21;
}

/* Finds the dictionary; *data gets the place where the elements begin. */
static bool read_header(const uint8_t *bytes, int64_t size, header *h, int64_t *data,
                        const char *path, gt_data_error *error)
{
    if (size < 10 || memcmp(bytes, "\x93NUMPY", 6) != 0)
        return gt_data_fail(error, GT_ERR_FORMAT,
                            "%s: expected a .npy array, which begins with \\x93NUMPY", path);
    const int64_t begin = bytes[6] >= 2 ? 12 : 10;
    int64_t length = bytes[8] | bytes[9] << 8;
    if (begin == 12 && size >= 12) length |= (int64_t)bytes[10] << 16 | (int64_t)bytes[11] << 24;
    if (bytes[6] < 1 || bytes[6] > 3 || begin > size || length > size - begin)
        return gt_data_fail(error, GT_ERR_FORMAT,
                            "%s: expected a header of %lld bytes (version %d), found %lld: "
                            "truncated, or a version unknown here",
                            path, (long long)length, bytes[6],
                            (long long)(size > begin ? size - begin : 0));
    char *text = gti_data_malloc((size_t)length + 1, error);
    if (!text) return false;
    memcpy(text, bytes + begin, (size_t)length);
    text[length] = 0;
    const bool ok = strlen(text) == (size_t)length && parse_dictionary(text, h);
    if (!ok)
        gt_data_fail(error, GT_ERR_FORMAT, "%s: a .npy header that is not understood: %.200s", path,
                     text);
    free(text);
    *data = begin + length;
    return ok;
}

/* --- the elements --- */

/* The dtype that holds elements of this kind; false where there is none. */
static bool dtype_of(const header *h, gt_dtype *dtype)
{
    const int s = h->size;
    const bool number = strchr("iu", h->kind) && (s == 1 || s == 2 || s == 4 || s == 8);
    if (h->kind == 'f' && s == 4) *dtype = GT_F32;
    else if (h->kind == 'f' && s == 8) *dtype = GT_F64;
    else if (s == 1 && (h->kind == 'u' || h->kind == 'b')) *dtype = GT_U8;
    else if (number && !(h->kind == 'u' && s == 8)) *dtype = GT_I64;
    else return false;
    return true;
}

/* The bits of an element, as a number that the sign has been spread over. */
static uint64_t load(const header *h, const uint8_t *at)
{
    uint64_t x = 0;
    for (int i = 0; i < h->size; i++) x = x << 8 | at[h->order == '>' ? i : h->size - 1 - i];
    const int spare = 64 - 8 * h->size;
    if (h->kind == 'i' && x >> (63 - spare)) x |= spare ? ~UINT64_C(0) << (64 - spare) : 0;
    return x;
}

static void store(gt_tensor *t, int64_t i, uint64_t bits)
{
    const uint32_t low = (uint32_t)bits;
    char *at = (char *)t->data + (size_t)i * gt_dtype_size(t->dtype);
    switch (t->dtype) {
    case GT_F32: memcpy(at, &low, 4); break;
    case GT_F64:
    case GT_I64: memcpy(at, &bits, 8); break;
    case GT_U8: *at = (char)low; break;
    }
}

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

gt_tensor *gti_npy_parse(gt_ctx *gt, const uint8_t *bytes, int64_t size, const char *path,
                         gt_data_error *error)
{
    header h = {.order = '<'};
    int64_t data, n;
    gt_dtype dtype;
    if (!read_header(bytes, size, &h, &data, path, error)) return NULL;
    if (!dtype_of(&h, &dtype)) {
        gt_data_fail(error, GT_ERR_UNSUPPORTED,
                     "%s: elements of kind '%c%d'; f4, f8, i1 to i8, u1 to u4 and b1 can be read",
                     path, h.kind, h.size);
        return NULL;
    }
    n = gt_shape_size(h.shape);
    if (n < 0 || n > (size - data) / h.size || n * h.size != size - data) {
        char shape[128];
        gt_data_fail(error, GT_ERR_FORMAT,
                     "%s: expected %d bytes for each element of %s, found "
                     "%lld bytes in all",
                     path, h.size, gt_shape_format(h.shape, shape, sizeof shape),
                     (long long)(size - data));
        return NULL;
    }
    gt_tensor *t = gt_empty_(gt, h.shape, (gt_new_opts){.dtype = dtype});
    for (int64_t i = 0; t && i < n; i++) {
        const int64_t place = h.fortran ? fortran_place(h.shape, i) : i;
        store(t, i, load(&h, bytes + data + place * h.size));
    }
    return t;
}

gt_tensor *gt_npy_load(gt_ctx *gt, const char *path)
{
    static const char what[] = "gt_npy_load";
    if (!gti_data_ready(gt, what)) return NULL;
    gt_data_error error = {.code = GT_OK};
    int64_t size;
    if (!path) gt_data_fail(&error, GT_ERR_ARGUMENT, "the path is NULL");
    uint8_t *bytes = path ? gti_file_read(path, &size, &error) : NULL;
    gt_tensor *t = bytes ? gti_npy_parse(gt, bytes, size, path, &error) : NULL;
    free(bytes);
    if (!t) gti_data_report(gt, what, &error);
    return t;
}

/* --- writing --- */

static void write_header(gt_file *f, const gt_tensor *t)
{
    static const char *const descr[GT_N_DTYPES] = {"<f4", "<f8", "<i8", "|u1"};
    char text[320], shape[160] = "";
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
