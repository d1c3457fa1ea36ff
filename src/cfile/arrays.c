/* Numbers that the file has, and pointers to whatever values there are. */
#include <stdio.h>
#include <string.h>

#include "cfile/cfile.h"

const char *gti_cfile_format(gti_cfile *c, const char *fmt, ...)
{
    char text[512];
    va_list args;
    va_start(args, fmt);
    const int n = gt_vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    const size_t size = n < 0 ? 0 : (size_t)n < sizeof text ? (size_t)n : sizeof text - 1;
    const char *copy = gti_store_text(&c->r.store, (gti_bytes){(const uint8_t *)text, size});
    return copy ? copy : "";
}

const char *gti_cfile_new_name(gti_cfile *c, const char *name)
{
    char plain[GTI_CFILE_NAME];
    gti_cfile_identifier(name, plain);
    const char *text = gti_cfile_format(c, "%s", plain);
    for (int i = 2;
         gti_names_find(&c->taken, (gti_bytes){(const uint8_t *)text, strlen(text)}) >= 0; i++)
        text = gti_cfile_format(c, "%s_%d", plain, i);
    gti_names_add(&c->taken, (gti_bytes){(const uint8_t *)text, strlen(text)});
    return text;
}

static bool make_room(gti_cfile *c)
{
    if (c->n_arrays < c->arrays_room) return true;
    const int room = 2 * c->arrays_room + 64;
    gti_cfile_array *array = gti_store_get(&c->r.store, (size_t)room, sizeof *array);
    if (!array) return false;
    if (c->n_arrays) memcpy(array, c->array, (size_t)c->n_arrays * sizeof *array);
    c->array = array;
    c->arrays_room = room;
    return true;
}

const char *gti_cfile_new_array(gti_cfile *c, const char *name, gt_dtype dtype, gt_shape shape,
                                const void *data)
{
    if (!data || !make_room(c)) return "";
    const bool apart = c->opts.weights_file && dtype == GT_F32;
    c->array[c->n_arrays++] = (gti_cfile_array){
        .name = apart ? name : gti_cfile_new_name(c, gti_cfile_format(c, "w_%s", name)),
        .comment = name,
        .shape = shape,
        .dtype = dtype,
        .data = data,
        .offset = c->apart,
        .apart = apart};
    if (!apart) return c->array[c->n_arrays - 1].name;
    c->apart += (size_t)gt_shape_size(shape);
    return gti_cfile_format(c, "weights + %zu", c->array[c->n_arrays - 1].offset);
}

const void *gti_cfile_data(gti_cfile *c, int value)
{
    return gti_reading_data(&c->r, value);
}

static const char *member_of(gt_dtype dtype)
{
    return dtype == GT_F32 ? "f" : dtype == GT_I64 ? "i" : "u";
}

static const char *memory_at(gti_cfile *c, gt_dtype dtype, size_t offset)
{
    const char *to = c->opts.caller_memory ? "->" : ".", *member = member_of(dtype);
    if (!offset) return gti_cfile_format(c, "memory%s%s", to, member);
    return gti_cfile_format(c, "memory%s%s + %zu", to, member, offset / gt_dtype_size(dtype));
}

const char *gti_cfile_pointer(gti_cfile *c, int value)
{
    const int root = c->value[value].root;
    gti_cfile_value *v = &c->value[root];
    const gt_graph_value *of = &c->r.g->value[root];
    if (v->home == GTI_CFILE_MEMORY) return memory_at(c, of->dtype, v->place.offset);
    if (v->home == GTI_CFILE_NOWHERE) {
        const void *data = gti_cfile_data(c, root);
        if (!data) return NULL;
        v->name = gti_cfile_new_array(c, c->r.name[root], of->dtype, of->shape, data);
        v->home = GTI_CFILE_ARRAY;
    }
    return v->name;
}

const char *gti_cfile_scratch_pointer(gti_cfile *c)
{
    return memory_at(c, GT_F32, c->node[c->at].scratch.offset);
}

const char *gti_cfile_in_pointer(gti_cfile *c, int i)
{
    if (i >= c->r.n->n_in || c->r.n->in[i] < 0) return "NULL";
    const char *pointer = gti_cfile_pointer(c, c->r.n->in[i]);
    return pointer ? pointer : "";
}

const char *gti_cfile_out_pointer(gti_cfile *c, int i)
{
    const char *pointer = gti_cfile_pointer(c, gti_cfile_out(c, i));
    return pointer ? pointer : "";
}
