/* TensorProto: the numbers of a file as tensors. */
#include <errno.h>
#include <gradtape/io.h>
#include <stdlib.h>
#include <string.h>

#include "onnx/model.h"

/* --- element types --- */

typedef struct {
    const char *name;
    int size; /* bytes; 0: not read */
    gt_dtype dtype;
    int field; /* of TensorProto, for what is not raw */
} element;

enum {
    FLOAT_DATA = 4,
    INT32_DATA = 5,
    INT64_DATA = 7,
    RAW_DATA = 9,
    DOUBLE_DATA = 10,
    UINT64_DATA = 11
};

static const element elements[] = {
    [GTI_ONNX_FLOAT] = {"FLOAT", 4, GT_F32, FLOAT_DATA},
    [GTI_ONNX_UINT8] = {"UINT8", 1, GT_U8, INT32_DATA},
    [GTI_ONNX_INT8] = {"INT8", 1, GT_I64, INT32_DATA},
    [GTI_ONNX_UINT16] = {"UINT16", 2, GT_I64, INT32_DATA},
    [GTI_ONNX_INT16] = {"INT16", 2, GT_I64, INT32_DATA},
    [GTI_ONNX_INT32] = {"INT32", 4, GT_I64, INT32_DATA},
    [GTI_ONNX_INT64] = {"INT64", 8, GT_I64, INT64_DATA},
    [8] = {"STRING", 0, GT_U8, 0},
    [GTI_ONNX_BOOL] = {"BOOL", 1, GT_U8, INT32_DATA},
    [GTI_ONNX_FLOAT16] = {"FLOAT16", 2, GT_F32, INT32_DATA},
    [GTI_ONNX_DOUBLE] = {"DOUBLE", 8, GT_F64, DOUBLE_DATA},
    [GTI_ONNX_UINT32] = {"UINT32", 4, GT_I64, UINT64_DATA},
    [13] = {"UINT64", 0, GT_I64, 0},
    [14] = {"COMPLEX64", 0, GT_F32, 0},
    [15] = {"COMPLEX128", 0, GT_F64, 0},
    [GTI_ONNX_BFLOAT16] = {"BFLOAT16", 2, GT_F32, INT32_DATA},
};

static const element *element_of(int64_t type)
{
    const int64_t n = sizeof elements / sizeof *elements;
    return type > 0 && type < n && elements[type].name ? &elements[type] : NULL;
}

bool gti_tensor_dtype(int64_t type, gt_dtype *dtype)
{
    const element *e = element_of(type);
    if (!e || !e->size) return false;
    *dtype = e->dtype;
    return true;
}

const char *gti_tensor_type_name(int64_t type)
{
    const element *e = element_of(type);
    return e ? e->name : "of an unknown number";
}

/* --- the message --- */

static bool add_dim(gti_onnx_tensor *t, uint64_t dim, const char **why)
{
    if (t->shape.ndim >= GT_MAX_DIMS)
        t->unknown = true, *why = "has more dimensions than tensors here can have";
    else if ((int64_t)dim < 0) *why = "has a negative dimension";
    else t->shape.dim[t->shape.ndim++] = (int64_t)dim;
    return !*why;
}

static bool parse_dims(gti_onnx_tensor *t, const gti_field *f, const char **why)
{
    if (f->type == GTI_VARINT) return add_dim(t, f->value, why);
    gti_bytes rest = f->bytes;
    uint64_t dim;
    while (rest.size) {
        if (!gti_wire_varint(&rest, &dim)) return *why = "is malformed", false;
        if (!add_dim(t, dim, why)) return false;
    }
    return true;
}

static bool is_text(gti_bytes b, const char *text)
{
    return b.size == strlen(text) && !memcmp(b.at, text, b.size);
}

/* A number of an entry of external data; -1 where it is none. */
static int64_t number_of(gti_bytes text)
{
    int64_t v = 0;
    for (size_t i = 0; i < text.size; i++) {
        if (text.at[i] < '0' || text.at[i] > '9' || v > INT64_MAX / 10 - 1) return -1;
        v = 10 * v + (text.at[i] - '0');
    }
    return text.size ? v : -1;
}

static bool parse_external(gti_onnx_tensor *t, gti_bytes entry, const char **why)
{
    gti_bytes key = {0}, value = {0};
    gti_field f;
    while (gti_wire_next(&entry, &f)) {
        if (f.number == 1) key = f.bytes;
        else if (f.number == 2) value = f.bytes;
    }
    if (is_text(key, "location")) t->location = value;
    else if (is_text(key, "offset")) t->offset = number_of(value);
    else if (is_text(key, "length")) t->length = number_of(value);
    if (entry.size || t->offset < 0) *why = "has malformed external data";
    return !*why;
}

static bool parse_field(gti_onnx_tensor *t, const gti_field *f, const char **why)
{
    switch (f->number) {
    case 1: return parse_dims(t, f, why);
    case 2: t->type = (int64_t)f->value; break;
    case 3:
        t->unknown = true;
        *why = "comes in segments, which are not read";
        break;
    case 8: t->name = f->bytes; break;
    case RAW_DATA:
        t->raw = f->bytes;
        t->has_raw = true;
        break;
    case 13: return parse_external(t, f->bytes, why);
    case 14: t->external = f->value == 1; break;
    default: break;
    }
    return !*why;
}

bool gti_tensor_parse(gti_bytes message, gti_onnx_tensor *t, const char **why)
{
    *t = (gti_onnx_tensor){.all = message, .length = -1};
    gti_field f;
    while (gti_wire_next(&message, &f))
        if (!parse_field(t, &f, why)) return false;
    if (message.size) *why = "is malformed";
    else if (!element_of(t->type) || !elements[t->type].size)
        t->unknown = true, *why = "has elements of a type that is not read";
    else t->field = elements[t->type].field;
    return !*why;
}

/* --- elements --- */

static double real_of(int64_t type, uint64_t bits)
{
    switch (type) {
    case GTI_ONNX_FLOAT: return (double)gti_wire_float(bits);
    case GTI_ONNX_DOUBLE: return gti_wire_double(bits);
    case GTI_ONNX_FLOAT16: return (double)gt_f16_to_f32((uint16_t)bits);
    default: return (double)gt_bf16_to_f32((uint16_t)bits);
    }
}

static int64_t whole_of(int64_t type, uint64_t bits)
{
    switch (type) {
    case GTI_ONNX_INT8: return (int8_t)bits;
    case GTI_ONNX_INT16: return (int16_t)bits;
    case GTI_ONNX_INT32: return (int32_t)bits;
    case GTI_ONNX_UINT8: return (uint8_t)bits;
    case GTI_ONNX_UINT16: return (uint16_t)bits;
    case GTI_ONNX_UINT32: return (uint32_t)bits;
    case GTI_ONNX_BOOL: return bits != 0;
    default: return (int64_t)bits;
    }
}

static void put(gt_tensor *y, int64_t i, int64_t type, uint64_t bits)
{
    switch (y->dtype) {
    case GT_F32: ((float *)y->data)[i] = (float)real_of(type, bits); break;
    case GT_F64: ((double *)y->data)[i] = real_of(type, bits); break;
    case GT_I64: ((int64_t *)y->data)[i] = whole_of(type, bits); break;
    case GT_U8: ((uint8_t *)y->data)[i] = (uint8_t)whole_of(type, bits); break;
    }
}

static bool read_raw(gt_tensor *y, int64_t type, gti_bytes raw)
{
    const int size = elements[type].size;
    if (raw.size / (size_t)size != (size_t)y->size || raw.size % (size_t)size) return false;
    uint64_t bits = 0;
    for (int64_t i = 0; i < y->size; i++) {
        gti_wire_fixed(&raw, size, &bits);
        put(y, i, type, bits);
    }
    return true;
}

/* How a number stands in the field: in so many bytes, or as a varint (0). */
static int width_of(int field)
{
    return field == FLOAT_DATA ? 4 : field == DOUBLE_DATA ? 8 : 0;
}

static bool take(gti_bytes *rest, int width, uint64_t *bits)
{
    return width ? gti_wire_fixed(rest, width, bits) : gti_wire_varint(rest, bits);
}

static bool read_numbers(gt_tensor *y, const gti_onnx_tensor *t)
{
    const int width = width_of(t->field);
    gti_bytes rest = t->all;
    gti_field f;
    int64_t i = 0;
    while (gti_wire_next(&rest, &f)) {
        if (f.number != t->field) continue;
        if (f.type != GTI_LENGTH) {
            if (i == y->size) return false;
            put(y, i++, t->type, f.value);
        }
        for (uint64_t bits; f.bytes.size; put(y, i++, t->type, bits))
            if (i == y->size || !take(&f.bytes, width, &bits)) return false;
    }
    return i == y->size;
}

/* --- external data --- */

/* Whether a location stays in the model's folder. */
static bool is_inside(gti_bytes at)
{
    for (size_t i = 0; i < at.size; i++)
        if (!at.at[i] || at.at[i] == '\\') return false;
    for (size_t i = 0; i + 1 < at.size; i++)
        if (at.at[i] == '.' && at.at[i + 1] == '.') return false;
    return at.size && at.at[0] != '/';
}

/* "folder/net.onnx.data", to be freed; NULL without memory. */
static char *beside(const char *path, gti_bytes location)
{
    const char *end = strrchr(path, '/');
    const size_t folder = end ? (size_t)(end + 1 - path) : 0;
    char *name = malloc(folder + location.size + 1);
    if (!name) return NULL;
    memcpy(name, path, folder);
    memcpy(name + folder, location.at, location.size);
    name[folder + location.size] = 0;
    return name;
}

static bool read_external(gt_tensor *y, const gti_onnx_tensor *t, const char *path,
                          const char **why)
{
    int64_t size = y->size * elements[t->type].size;
    if (!is_inside(t->location)) *why = "has external data outside of the model's folder";
    else if (t->length >= 0 && t->length != size) *why = "has external data of another size";
    if (*why) return false;
    char *name = beside(path, t->location);
    uint8_t *bytes = name ? gti_file_part(name, t->offset, &size) : NULL;
    const int error = name ? errno : ENOMEM;
    if (!bytes && error)
        gt_fail(y->ctx, gt_status_of_errno(error), "gt_onnx_load",
                "%s: has data of the model in a file of its own, '%s': %s", path, name ? name : "",
                strerror(error));
    else if (!bytes) *why = "has external data behind the end of its file";
    else if (!read_raw(y, t->type, (gti_bytes){bytes, (size_t)size}))
        *why = "has external data that cannot be read";
    const bool ok = bytes && !*why;
    free(bytes);
    free(name);
    return ok;
}

gt_tensor *gti_tensor_read(gt_ctx *gt, const gti_onnx_tensor *t, const char *path, const char **why)
{
    /* More elements than the file can hold are not asked memory for. */
    const int64_t least = t->external ? 0 : (int64_t)(t->all.size + 1);
    int64_t n = 1;
    for (int i = 0; i < t->shape.ndim; i++) {
        if (t->shape.dim[i] && n > INT64_MAX / 8 / t->shape.dim[i])
            return *why = "has more elements than memory could hold", NULL;
        n *= t->shape.dim[i];
    }
    if (!t->external && n > least) return *why = "has fewer elements than its shape says", NULL;
    gt_tensor *y = gt_empty_(gt, t->shape, (gt_new_opts){.dtype = elements[t->type].dtype});
    if (!y) return NULL;
    if (t->external) return read_external(y, t, path, why) ? y : NULL;
    if (t->has_raw ? read_raw(y, t->type, t->raw) : read_numbers(y, t)) return y;
    *why = "has another number of elements than its shape says";
    return NULL;
}
