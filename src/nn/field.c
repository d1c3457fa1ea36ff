#include "nn/field.h"

#include <math.h>
#include <stdlib.h>

static bool append(gti_fields *f, const gt_tensor *t, gti_field field)
{
    gti_seen *one = gti_table_reserve(&f->of, 1) ? malloc(sizeof *one) : NULL;
    if (!one) return false;
    *one = (gti_seen){f->seen, field};
    f->seen = one;
    gti_table_put(&f->of, t, 0, one);
    return true;
}

static bool is_image(const gt_tensor *t)
{
    return t->shape.ndim == 3 || t->shape.ndim == 4;
}

bool gti_fields_open(gti_fields *f, const gt_tensor *input)
{
    *f = (gti_fields){0};
    return append(f, input, (gti_field){is_image(input), {1, 1}, {1, 1}});
}

void gti_fields_close(gti_fields *f)
{
    for (gti_seen *one = f->seen, *next; one; one = next) {
        next = one->next;
        free(one);
    }
    gti_table_free(&f->of);
}

gti_field gti_fields_find(const gti_fields *f, const gt_tensor *t)
{
    const gti_seen *one = gti_table_find(&f->of, t, 0);
    return one ? one->field : (gti_field){0};
}

/* The largest of the inputs'; constants and parameters see nothing. */
static gti_field widest(const gti_fields *f, const gt_node *n)
{
    gti_field all = {0};
    for (int i = 0; i < n->n_in; i++) {
        const gti_field one = gti_fields_find(f, n->in[i]);
        if (!one.known) continue;
        all.known = true;
        for (int k = 0; k < 2; k++) {
            all.size[k] = fmax(all.size[k], one.size[k]);
            all.step[k] = fmax(all.step[k], one.step[k]);
        }
    }
    return all;
}

/* A window reaches over (kernel - 1) of its input's steps; a transposed one over as many inputs as
 * reach the same output. */
static void see_window(gti_field *field, const gt_window *w)
{
    for (int k = 0; k < 2; k++) {
        const double kernel = (double)w->kernel[k], stride = (double)w->stride[k];
        const double reach = w->transposed ? ceil(kernel / stride) : kernel;
        field->size[k] += (reach - 1) * field->step[k];
        field->step[k] *= w->transposed ? 1 / stride : stride;
    }
}

/* Rows or columns: k = 0 or 1. */
static double side(const gt_tensor *t, int k)
{
    return k == 0 && t->shape.ndim == 3 ? 1 : (double)t->shape.dim[t->shape.ndim - 2 + k];
}

/* Without a window: as many equal parts of x as y has elements. What is only put around an image,
 * or cut off, changes nothing. */
static void see_parts(gti_field *field, const gt_node *n)
{
    const gt_tensor *x = n->in[0], *y = n->out[0];
    if (n->op->flags & GT_OP_FRAME) return;
    for (int k = 0; k < 2; k++) {
        const double in = side(x, k), out = side(y, k);
        if (in == out || out == 0) continue;
        field->size[k] += fmax(ceil(in / out) - 1, 0) * field->step[k];
        field->step[k] *= in / out;
    }
}

bool gti_fields_add(gti_fields *f, const gt_node *n)
{
    gti_field field = widest(f, n);
    const gt_tensor *x = n->in[0], *y = n->out[0];
    const gt_op *op = n->op;
    field.known &= is_image(x) && is_image(y) && (op->window || !(op->flags & GT_OP_PRODUCT));
    if (field.known && op->window) {
        const gt_window w = op->window(n);
        see_window(&field, &w);
    } else if (field.known) {
        see_parts(&field, n);
    }
    for (int i = 0; i < n->n_out; i++)
        if (!append(f, n->out[i], field)) return false;
    return true;
}
