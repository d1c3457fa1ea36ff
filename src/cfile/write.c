/* The files: the C file, its header, the weights. */
#include <gradtape/io.h>
#include <stdlib.h>
#include <string.h>

#include "cfile/cfile.h"

enum { FLUSH = 1 << 16, BY_LINE = 8, WORDS = 1024 };

static const uint32_t order_mark = 0x01020304, hash_start = 2166136261u, hash_factor = 16777619u;

/* --- what is given --- */

static void add_shape(gti_text *t, const gt_shape *s)
{
    char text[128];
    gti_text_add(t, "%s", gt_shape_format(*s, text, sizeof text));
}

static bool is_input(const gti_cfile *c, int i)
{
    return c->r.g->value[i].kind == GT_VALUE_INPUT;
}

static const char *result_type(const gti_cfile *c)
{
    return gti_cfile_type(c->r.g->value[c->r.g->result].dtype);
}

static bool has_memory(const gti_cfile *c)
{
    return c->elements[GT_F32] + c->elements[GT_I64] + c->elements[GT_U8] > 0;
}

static void add_signature(const gti_cfile *c, gti_text *t)
{
    gti_text_add(t, "void %s_forward(", c->prefix);
    for (int i = 0; i < c->r.g->n_values; i++)
        if (is_input(c, i))
            gti_text_add(t, "const %s *%s, ", gti_cfile_type(c->r.g->value[i].dtype),
                         c->value[i].name);
    gti_text_add(t, "%s *output", result_type(c));
    if (c->opts.weights_file) gti_text_add(t, ", const float *weights");
    if (c->opts.caller_memory) gti_text_add(t, ", struct %s_memory *memory", c->prefix);
    gti_text_add(t, ")");
}

static void add_memory(const gti_cfile *c, gti_text *t)
{
    gti_text_add(t, "struct %s_memory {\n", c->prefix);
    if (c->elements[GT_F32]) gti_text_add(t, "    float f[%zu];\n", c->elements[GT_F32]);
    if (c->elements[GT_I64]) gti_text_add(t, "    int64_t i[%zu];\n", c->elements[GT_I64]);
    if (c->elements[GT_U8]) gti_text_add(t, "    uint8_t u[%zu];\n", c->elements[GT_U8]);
    if (!has_memory(c)) gti_text_add(t, "    char none;\n");
    gti_text_add(t, "};\n");
}

static size_t memory_bytes(const gti_cfile *c)
{
    return c->elements[GT_F32] * 4 + c->elements[GT_I64] * 8 + c->elements[GT_U8];
}

/* --- the header --- */

static void add_given(const gti_cfile *c, gti_text *t, const char *name, int value)
{
    const gt_graph_value *v = &c->r.g->value[value];
    gti_text_add(t, " *   %-8s %s ", name, gti_cfile_type(v->dtype));
    add_shape(t, &v->shape);
    gti_text_add(t, ", %lld elements\n", (long long)gt_shape_size(v->shape));
}

static void add_title(const gti_cfile *c, gti_text *t)
{
    const gt_graph *g = c->r.g;
    gti_text_add(t, "/* ");
    gti_cfile_add_comment(t, g->n_scopes && *g->scope[0].type ? g->scope[0].type : "A graph");
    gti_text_add(t, ", written by gradtape %s.\n *\n", GT_VERSION);
    for (int i = 0; i < g->n_values; i++)
        if (is_input(c, i)) add_given(c, t, c->value[i].name, i);
    add_given(c, t, "output", g->result);
    gti_text_add(t,
                 " *\n * Arrays are contiguous, the last dimension first, and do not overlap.\n");
    if (c->opts.weights_file)
        gti_text_add(t,
                     " * Weights are what %s_weights returns of the weights file in memory, %s, "
                     "aligned to 4\n * bytes: NULL where it is another network's, cut off, changed "
                     "or of the other order of bytes.\n",
                     c->prefix, c->opts.big_endian ? "big-endian" : "little-endian");
    gti_text_add(t, " * Memory: %zu bytes, %s. */\n", memory_bytes(c),
                 c->opts.caller_memory ? "which the caller has; what it holds does not matter"
                                       : "static, so one call at a time");
}

static void add_sizes(const gti_cfile *c, gti_text *t)
{
    char upper[GTI_CFILE_NAME];
    for (int i = 0; i < c->r.g->n_values; i++) {
        if (!is_input(c, i)) continue;
        size_t n = 0;
        for (const char *at = c->value[i].name; *at && n < sizeof upper - 1; at++)
            upper[n++] = (char)(*at >= 'a' && *at <= 'z' ? *at - 'a' + 'A' : *at);
        upper[n] = 0;
        gti_text_add(t, "#define %s_%s_SIZE %lld\n", c->upper, upper,
                     (long long)gt_shape_size(c->r.g->value[i].shape));
    }
    gti_text_add(t, "#define %s_OUTPUT_SIZE %lld\n", c->upper,
                 (long long)gt_shape_size(c->r.g->value[c->r.g->result].shape));
    if (c->opts.weights_file)
        gti_text_add(t, "#define %s_WEIGHTS_BYTES %zu\n", c->upper, 16 + 4 * c->apart);
}

static void add_header(const gti_cfile *c, gti_text *t)
{
    add_title(c, t);
    gti_text_add(t, "#ifndef %s_H\n#define %s_H\n\n#include <stddef.h>\n#include <stdint.h>\n\n",
                 c->upper, c->upper);
    gti_text_add(t, "#ifdef __cplusplus\nextern \"C\" {\n#endif\n\n");
    add_sizes(c, t);
    gti_text_add(t, "\n");
    if (c->opts.caller_memory) add_memory(c, t);
    if (c->opts.weights_file)
        gti_text_add(t, "const float *%s_weights(const void *file, size_t size);\n", c->prefix);
    add_signature(c, t);
    gti_text_add(t, ";\n\n#ifdef __cplusplus\n}\n#endif\n\n#endif\n");
}

/* --- numbers --- */

static void flush(gti_text *t, gt_file *f)
{
    gt_file_write(f, t->at, t->length);
    t->length = 0;
}

static void add_number(gti_text *t, const gti_cfile_array *a, int64_t i)
{
    char text[GTI_CFILE_NUMBER];
    if (a->dtype == GT_F32)
        gti_text_add(t, "%s", gti_cfile_number(((const float *)a->data)[i], text));
    else if (a->dtype == GT_U8) gti_text_add(t, "%d", ((const uint8_t *)a->data)[i]);
    else {
        const int64_t v = ((const int64_t *)a->data)[i];
        if (v == INT64_MIN) gti_text_add(t, "INT64_MIN");
        else gti_text_add(t, "INT64_C(%lld)", (long long)v);
    }
}

static void add_array(gti_text *t, const gti_cfile_array *a, gt_file *f)
{
    const int64_t n = gt_shape_size(a->shape);
    gti_text_add(t, "\n/* ");
    gti_cfile_add_comment(t, a->comment);
    gti_text_add(t, " ");
    add_shape(t, &a->shape);
    gti_text_add(t, " */\nstatic const %s %s[] = {", gti_cfile_type(a->dtype), a->name);
    for (int64_t i = 0; i < n; i++) {
        gti_text_add(t, i % BY_LINE ? ", " : i ? ",\n    " : "\n    ");
        add_number(t, a, i);
        if (t->length > FLUSH) flush(t, f);
    }
    gti_text_add(t, "};\n");
}

static uint32_t bits_of(const gti_cfile_array *a, int64_t i)
{
    uint32_t bits;
    memcpy(&bits, (const float *)a->data + i, sizeof bits);
    return bits;
}

static uint32_t sum_of_weights(const gti_cfile *c)
{
    uint32_t hash = hash_start;
    for (int k = 0; k < c->n_arrays; k++)
        for (int64_t i = 0; c->array[k].apart && i < gt_shape_size(c->array[k].shape); i++)
            hash = (hash ^ bits_of(&c->array[k], i)) * hash_factor;
    return hash;
}

/* Words in the file's order of bytes. */
static void add_word(uint8_t *to, uint32_t word, bool big)
{
    for (int i = 0; i < 4; i++) to[i] = (uint8_t)(word >> 8 * (big ? 3 - i : i));
}

static void write_numbers(gt_file *f, const gti_cfile_array *a, bool big)
{
    uint8_t bytes[4 * WORDS];
    const int64_t n = gt_shape_size(a->shape);
    for (int64_t i = 0, more; i < n; i += more) {
        more = n - i < WORDS ? n - i : WORDS;
        for (int64_t k = 0; k < more; k++) add_word(bytes + 4 * k, bits_of(a, i + k), big);
        gt_file_write(f, bytes, 4 * (size_t)more);
    }
}

static bool write_weights(const gti_cfile *c)
{
    const bool big = c->opts.big_endian;
    if (!c->opts.weights_file) return true;
    gt_file *f = gt_file_create_for(c->r.g->ctx, c->r.what, c->opts.weights_file);
    if (!f) return false;
    uint8_t head[16] = "gtw1";
    add_word(head + 4, order_mark, big);
    add_word(head + 8, (uint32_t)c->apart, big);
    add_word(head + 12, sum_of_weights(c), big);
    gt_file_write(f, head, sizeof head);
    for (int k = 0; k < c->n_arrays; k++)
        if (c->array[k].apart) write_numbers(f, &c->array[k], big);
    return gt_file_commit(f) == GT_OK;
}

/* --- the C file --- */

static void add_beginning(const gti_cfile *c, gti_text *t)
{
    add_title(c, t);
    gti_text_add(t,
                 "#include \"%s\"\n\n#include <float.h>\n#include <limits.h>\n#include <math.h>\n"
                 "#include <string.h>\n\n#if FLT_MANT_DIG != 24 || INT_MAX < 2147483647\n"
                 "#error \"this needs floats and ints of 32 bits\"\n#endif\n",
                 c->header);
}

static void add_end(const gti_cfile *c, gti_text *t)
{
    gti_text_add(t, "\n");
    gti_cfile_add_sections(c, t);
    if (!c->opts.caller_memory && has_memory(c)) {
        add_memory(c, t);
        gti_text_add(t, "\nstatic struct %s_memory memory;\n\n", c->prefix);
    }
    if (c->opts.weights_file)
        gti_text_add(t,
                     "const float *%s_weights(const void *file, size_t size)\n{\n"
                     "    return check_weights(file, size, %zu, %luu);\n}\n\n",
                     c->prefix, c->apart, (unsigned long)sum_of_weights(c));
    add_signature(c, t);
    gti_text_add(t, "\n{\n");
    for (int i = 0; i < c->r.g->n_values; i++)
        if (is_input(c, i) && !c->r.readers[i])
            gti_text_add(t, "    (void)%s;\n", c->value[i].name);
    if (c->opts.weights_file && !c->apart) gti_text_add(t, "    (void)weights;\n");
    if (c->opts.caller_memory && !has_memory(c)) gti_text_add(t, "    (void)memory;\n");
    gti_text_add(t, "%.*s}\n", (int)c->body.length, c->body.at ? c->body.at : "");
}

static bool commit(const gti_cfile *c, gti_text *t, gt_file *f)
{
    if (t->failed) {
        gt_file_discard(f);
        return gti_reading_short_of_memory(&c->r);
    }
    flush(t, f);
    return gt_file_commit(f) == GT_OK;
}

static bool write_c(const gti_cfile *c, gti_text *t, const char *path)
{
    gt_file *f = gt_file_create_for(c->r.g->ctx, c->r.what, path);
    if (!f) return false;
    add_beginning(c, t);
    for (int i = 0; i < c->n_arrays; i++)
        if (!c->array[i].apart) add_array(t, &c->array[i], f);
    add_end(c, t);
    return commit(c, t, f);
}

static bool write_header(const gti_cfile *c, gti_text *t, const char *path)
{
    gti_text place = {0};
    gti_text_add(&place, "%.*s%s", (int)(strlen(path) - strlen(c->header)), path, c->header);
    gt_file *f = place.failed ? NULL : gt_file_create_for(c->r.g->ctx, c->r.what, place.at);
    if (place.failed) gti_reading_short_of_memory(&c->r);
    free(place.at);
    if (!f) return false;
    add_header(c, t);
    return commit(c, t, f);
}

bool gti_cfile_write(gti_cfile *c, const char *path)
{
    gti_text text = {0};
    if (c->opts.weights_file) gti_cfile_use(c, "check_weights");
    if (c->body.failed || c->r.store.failed) return gti_reading_short_of_memory(&c->r);
    const bool ok = write_weights(c) && write_header(c, &text, path) && write_c(c, &text, path);
    free(text.at);
    return ok;
}
