/* Loops over the elements of a shape. */
#include <stdio.h>
#include <string.h>

#include "cfile/cfile.h"

static const char *single(gti_cfile *c, int value)
{
    const gt_graph_value *v = &c->r.g->value[value];
    const void *data = gti_cfile_data(c, value);
    char text[GTI_CFILE_NUMBER];
    if (!data) return "";
    if (v->dtype == GT_I64) {
        const int64_t number = *(const int64_t *)data;
        return number == INT64_MIN ? "INT64_MIN"
                                   : gti_cfile_format(c, "INT64_C(%lld)", (long long)number);
    }
    if (v->dtype == GT_U8) return gti_cfile_format(c, "%d", *(const uint8_t *)data);
    return gti_cfile_format(c, "%s", gti_cfile_number(*(const float *)data, text));
}

gti_access gti_cfile_access(gti_cfile *c, int value, const gt_shape *shape)
{
    const gt_shape *x = &c->r.g->value[value].shape;
    gti_access a = {.dtype = c->r.g->value[value].dtype};
    int64_t step = 1;
    for (int d = x->ndim - 1, to = shape->ndim - 1; d >= 0; d--, to--) {
        a.stride[to] = x->dim[d] == 1 ? 0 : step;
        step *= x->dim[d];
    }
    a.number = step == 1 && gti_cfile_is_fixed(c, c->value[value].root);
    a.pointer = a.number ? single(c, c->value[value].root) : gti_cfile_pointer(c, value);
    return a;
}

/* --- joining --- */

static bool follows(const gti_access *a, int d, const gt_shape *s)
{
    return !a->table[d] && !a->table[d + 1] && a->stride[d] == a->stride[d + 1] * s->dim[d + 1];
}

static void remove_axis(gti_access *a, int d, int ndim)
{
    for (int i = d; i + 1 < ndim; i++) {
        a->stride[i] = a->stride[i + 1];
        a->table[i] = a->table[i + 1];
    }
}

/* Axis d goes, and what it counts is counted by the one behind it, or there is nothing to count. */
static void drop(gt_shape *s, int d, gti_access *y, int n, gti_access *in)
{
    remove_axis(y, d, s->ndim);
    for (int i = 0; i < n; i++) remove_axis(&in[i], d, s->ndim);
    for (int i = d; i + 1 < s->ndim; i++) s->dim[i] = s->dim[i + 1];
    s->ndim--;
}

static bool has_table(int d, int n, const gti_access *in)
{
    for (int i = 0; i < n; i++)
        if (in[i].table[d]) return true;
    return false;
}

static void join(gt_shape *s, gti_access *y, int n, gti_access *in)
{
    for (int d = s->ndim - 1; d >= 0; d--)
        if (s->dim[d] == 1 && !has_table(d, n, in)) drop(s, d, y, n, in);
    for (int d = s->ndim - 2; d >= 0; d--) {
        bool all = follows(y, d, s);
        for (int i = 0; i < n; i++) all &= follows(&in[i], d, s);
        if (!all) continue;
        s->dim[d + 1] *= s->dim[d];
        drop(s, d, y, n, in);
    }
}

/* --- text --- */

const char gti_cfile_index[] = "ijklmnrs";
static const char pointers[] = "abcdefgh";

/* "a[i * 12 + j + 3]", or the number. */
static void add_element(gti_text *t, const gti_access *a, char name, int ndim)
{
    const char *plus = "";
    if (a->number) {
        gti_text_add(t, *a->pointer == '-' ? "(%s)" : "%s", a->pointer);
        return;
    }
    gti_text_add(t, "%c[", name);
    for (int d = 0; d < ndim; d++) {
        if (!a->stride[d]) continue;
        if (a->table[d]) gti_text_add(t, "%s%s[%c]", plus, a->table[d], gti_cfile_index[d]);
        else gti_text_add(t, "%s%c", plus, gti_cfile_index[d]);
        if (a->stride[d] != 1) gti_text_add(t, " * %lld", (long long)a->stride[d]);
        plus = " + ";
    }
    if (a->offset < 0) gti_text_add(t, " - %lld", -(long long)a->offset);
    else if (a->offset || !*plus) gti_text_add(t, "%s%lld", plus, (long long)a->offset);
    gti_text_add(t, "]");
}

static void add_expression(gti_text *t, const char *expression, const gti_access *in, int ndim)
{
    for (const char *at = expression; *at; at++) {
        if (*at == '$' && at[1] >= '0' && at[1] <= '7') {
            const int i = *++at - '0';
            add_element(t, &in[i], pointers[i], ndim);
            continue;
        }
        at += *at == '$';
        gti_text_add(t, "%c", *at);
    }
}

static void add_pointers(gti_text *t, const gti_access *y, int n, const gti_access *in)
{
    for (int i = 0; i < n; i++)
        if (!in[i].number)
            gti_text_add(t, "        const %s *%c = %s;\n", gti_cfile_type(in[i].dtype),
                         pointers[i], in[i].pointer);
    gti_text_add(t, "        %s *y = %s;\n", gti_cfile_type(y->dtype), y->pointer);
}

void gti_cfile_loops(gti_cfile *c, gt_shape shape, gti_access y, int n_in, gti_access *in,
                     const char *expression)
{
    gti_text *t = &c->body;
    bool indexed = false;
    for (const char *at = expression; *at; at++) indexed |= *at == '$' && at[1] >= 'i';
    if (!indexed) join(&shape, &y, n_in, in);
    gti_text_add(t, "    {\n");
    add_pointers(t, &y, n_in, in);
    for (int d = 0; d < shape.ndim; d++)
        gti_text_add(t, "%*sfor (int %c = 0; %c < %lld; %c++)\n", 8 + 4 * d, "", gti_cfile_index[d],
                     gti_cfile_index[d], (long long)shape.dim[d], gti_cfile_index[d]);
    gti_text_add(t, "%*s", 8 + 4 * shape.ndim, "");
    add_element(t, &y, 'y', shape.ndim);
    const bool narrow = y.dtype == GT_U8 && strlen(expression) > 2;
    gti_text_add(t, narrow ? " = (uint8_t)(" : " = ");
    add_expression(t, expression, in, shape.ndim);
    gti_text_add(t, narrow ? ");\n    }\n" : ";\n    }\n");
}
