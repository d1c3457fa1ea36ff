/* What is asked of inputs one by one: steps, tolerances and masks. What a mask leaves out is
 * nothing to any of the checks: its gradients count as 0, whatever they are. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "gradcheck/check.h"

bool gti_check_mask_is_fit(gti_check *c, const gt_gradcheck_input_opts *row, const char *name,
                           int64_t size)
{
    if (!row->mask && !row->n_mask) return true;
    if (row->mask && row->n_mask == size) return true;
    return gti_check_refuse(c, "a byte for each element; GT_MASK(array) sets .mask and .n_mask",
                            "the mask of %s is %s of %lld elements, where %s has %lld", name,
                            row->mask ? "one" : "NULL", (long long)row->n_mask, name,
                            (long long)size);
}

static bool is_empty(const gt_gradcheck_input_opts *row)
{
    return row->step == 0 && row->rtol == 0 && row->atol == 0 && !row->mask && !row->n_mask &&
           !row->skip;
}

/* --- which input a row is about: the place of a variable, -1 after a failure --- */

static int fail_name(gti_check *c, const gti_fn *fn, const char *name)
{
    char known[256] = "";
    size_t used = 0;
    for (int i = 0; i < fn->n_var && used < sizeof known; i++)
        used += (size_t)snprintf(known + used, sizeof known - used, "%s%s", i ? ", " : "",
                                 c->x[i].name);
    gti_check_refuse(c, "", ".inputs names %s, which is none of those that require gradients: %s",
                     name, known);
    return -1;
}

static int by_name(gti_check *c, const gti_fn *fn, const char *name)
{
    for (int i = 0; i < fn->n_var; i++)
        if (!strcmp(c->x[i].name, name)) return i;
    return fail_name(c, fn, name);
}

static int by_place(gti_check *c, const gti_fn *fn, int place)
{
    for (int i = 0; place < fn->n_in && i < fn->n_var; i++)
        if (fn->var[i] == fn->in[place]) return i;
    if (place < fn->n_in)
        gti_check_refuse(c, "leave its row empty: {0}",
                         "row %d of .inputs is about an input that requires no gradients", place);
    else
        gti_check_refuse(c, "", ".inputs has %d rows, where there are %d inputs", c->o.n_inputs,
                         fn->n_in);
    return -1;
}

/* --- what it asks --- */

static bool set_terms(gti_check *c, gti_part *x, const gt_gradcheck_input_opts *row)
{
    gti_terms *t = &x->terms;
    t->step = gt_option(row->step, t->step);
    t->rtol = gt_option(row->rtol, t->rtol);
    t->atol = gt_option(row->atol, t->atol);
    c->apart |= t->step != c->o.step || t->rtol != c->o.rtol || t->atol != c->o.atol;
    char of[sizeof x->name + 8];
    snprintf(of, sizeof of, "of %s ", x->name);
    return gti_check_terms_are_fit(c, t, of);
}

static bool set_mask(gti_check *c, gti_part *x, const gt_gradcheck_input_opts *row)
{
    if (!row->mask && !row->skip) return true;
    if (!c->mask) {
        c->mask = gti_check_room(c, c->n_x, 1);
        if (!c->mask) return gti_check_alive(c);
        memset(c->mask, 1, (size_t)c->n_x);
    }
    for (int64_t k = 0; k < x->size; k++) {
        const bool asked = !row->skip && row->mask[k];
        c->mask[x->offset + k] = asked;
        x->masked += !asked;
    }
    c->n_asked -= x->masked;
    return true;
}

static bool take_row(gti_check *c, const gti_fn *fn, int k)
{
    const gt_gradcheck_input_opts *row = &c->o.inputs[k];
    if (is_empty(row) && !row->name && k < fn->n_in) return true;
    const int i = row->name ? by_name(c, fn, row->name) : by_place(c, fn, k);
    if (i < 0) return false;
    gti_part *x = &c->x[i];
    if (x->row >= 0)
        return gti_check_refuse(c, "", "rows %d and %d of .inputs are both about %s", x->row, k,
                                x->name);
    x->row = k;
    return set_terms(c, x, row) && gti_check_mask_is_fit(c, row, x->name, x->size) &&
           set_mask(c, x, row);
}

/* Of a gradient's inputs the projections are asked what is asked of all. */
bool gti_check_refine(gti_check *c, const gti_fn *fn)
{
    c->n_asked = c->n_x;
    c->apart = false;
    for (int i = 0; i < fn->n_var; i++) {
        c->x[i].terms = (gti_terms){c->o.step, c->o.rtol, c->o.atol, c->precision};
        c->x[i].row = -1;
        c->x[i].masked = 0;
    }
    for (int k = 0; k < c->o.n_inputs; k++)
        if (!take_row(c, fn->inner ? fn->inner : fn, k)) return false;
    return true;
}

/* --- hiding --- */

void gti_check_hide_columns(const gti_check *c, double *g)
{
    for (int64_t i = 0; c->mask && i < c->n_x; i++)
        if (!c->mask[i]) g[i] = 0;
}

void gti_check_hide_rows(gti_check *c, double *v)
{
    for (int64_t j = 0; j < c->n_y; j++)
        if (!gti_check_has_row(c, j)) v[j] = 0;
}

int64_t gti_check_rows(const gti_check *c)
{
    int64_t n = 0;
    for (int64_t j = 0; j < c->n_y; j++) n += gti_check_has_row(c, j);
    return n;
}

void gti_check_hide_outputs(gti_check *c)
{
    for (int i = 0; c->mask && c->fn->inner && i < c->fn->n_out; i++)
        for (int64_t k = 0; c->out[i] && k < c->y[i].size; k++)
            if (!c->mask[c->y[i].offset + k]) gt_store_element(c->out[i], k, 0);
}
