/* Outputs of whole numbers: indices, labels, masks. They carry no gradient, but must be written, be
 * the same in two runs, and be the same in f32, since both dtypes begin with the same values. */
#include "gradcheck/side.h"

static int64_t whole_at(const gt_tensor *t, int64_t k)
{
    return t->dtype == GT_I64 ? ((const int64_t *)t->data)[k] : ((const uint8_t *)t->data)[k];
}

/* What an element that is never written reads as. */
static int64_t fill_of(const gt_tensor *t, gti_prefill how)
{
    const uint64_t byte = gti_prefill_byte(how);
    return t->dtype == GT_I64 ? (int64_t)(byte * 0x0101010101010101u) : (int64_t)byte;
}

static bool fail_unwritten(gti_check *c, const char *place)
{
    return gti_check_fail(c, GT_GRADCHECK_UNWRITTEN,
                          "forward must write every element of every output",
                          "%s was never written", place);
}

/* a is of the first run, b of the other. */
static bool same_in_both(gti_check *c, const gti_part *part, const gt_tensor *a, const gt_tensor *b)
{
    for (int64_t k = 0; k < a->size; k++) {
        const int64_t one = whole_at(a, k), two = whole_at(b, k);
        if (GT_MUTANT(check_no_whole, one == two, true)) continue;
        char place[128];
        gti_check_element(part, k, place, sizeof place);
        if (one == fill_of(a, GTI_PREFILL_ON) && two == fill_of(b, GTI_PREFILL_OTHER))
            return fail_unwritten(c, place);
        return gti_check_fail(c, GT_GRADCHECK_RANDOM,
                              "random numbers, time or unset memory in the function?",
                              "two runs on the same inputs differ: %s is %lld, then %lld", place,
                              (long long)one, (long long)two);
    }
    return true;
}

static bool same_in_f32(gti_check *c, const gti_part *part, const gt_tensor *f64,
                        const gt_tensor *f32)
{
    c->r->entries += f64->size;
    for (int64_t k = 0; k < f64->size; k++) {
        const int64_t one = whole_at(f64, k), two = whole_at(f32, k);
        if (GT_MUTANT(check_no_whole_f32, one == two, true)) continue;
        char place[128];
        return gti_check_fail(c, GT_GRADCHECK_PRECISION,
                              "both dtypes have the same values: is a kernel for f32 wrong?",
                              "%s   f32 %lld   f64 %lld",
                              gti_check_element(part, k, place, sizeof place), (long long)two,
                              (long long)one);
    }
    return true;
}

static bool same_in_two(gti_check *c, const gti_part *part, const gt_tensor *a, const gt_tensor *b)
{
    c->r->entries += a->size;
    for (int64_t k = 0; k < a->size; k++) {
        const int64_t one = whole_at(a, k), two = whole_at(b, k);
        char place[128];
        if (one == two) continue;
        return gti_check_fail(c, GT_GRADCHECK_DIFFERENT, "", "%s   %s %lld   %s %lld",
                              gti_check_element(part, k, place, sizeof place), c->two->first,
                              (long long)one, c->two->second, (long long)two);
    }
    return true;
}

typedef bool (*comparison)(gti_check *c, const gti_part *part, const gt_tensor *a,
                           const gt_tensor *b);

/* Calls both and compares those outputs. */
static bool compare(gti_check *c, const gti_fn *other, gti_prefill how, comparison same)
{
    gt_tensor *out[GT_OP_OUTPUTS];
    const gt_mark mark = gt_mark_tape(c->gt);
    gti_session_prefill(c->gt, how);
    const bool called = other->call(other, out, false);
    gti_session_prefill(c->gt, GTI_PREFILL_ON);
    if (!called || !c->fn->call(c->fn, c->out, false)) return gti_check_alive(c);
    for (int i = 0; i < c->fn->n_out; i++)
        if (c->y[i].constant && gt_same_shape(c->out[i], out[i]) &&
            c->out[i]->dtype == out[i]->dtype && !same(c, &c->y[i], c->out[i], out[i]))
            return false;
    gt_rewind(c->gt, mark);
    return true;
}

/* Gradients are never whole numbers. */
static bool has_any(const gti_check *c)
{
    bool any = false;
    for (int i = 0; !c->fn->inner && i < c->fn->n_out; i++) any |= c->y[i].constant;
    return any;
}

bool gti_check_whole(gti_check *c)
{
    return !has_any(c) || compare(c, c->fn, GTI_PREFILL_OTHER, same_in_both);
}

bool gti_check_whole_same(gti_check *c, const gti_fn *b)
{
    return !has_any(c) || compare(c, b, GTI_PREFILL_ON, same_in_two);
}

bool gti_check_whole_f32(gti_check *c, const gti_fn *f32)
{
    return !has_any(c) || compare(c, f32, GTI_PREFILL_ON, same_in_f32);
}
