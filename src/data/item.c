/* Reading one item, with guards behind its members. */
#include <string.h>

#include "data/item.h"

enum { GUARD = 64, GUARD_BYTE = 0xa5, WIDEST = 8 };

const char *gti_item_member(const gt_dataset *d, int k, char buf[64])
{
    if (d->member[k].name) snprintf(buf, 64, "%d ('%.48s')", k, d->member[k].name);
    else snprintf(buf, 64, "%d", k);
    return buf;
}

static bool check_member(const gt_dataset *d, int k, gt_data_error *error)
{
    const gt_member *m = &d->member[k];
    char name[64], shape[128];
    const int64_t size = gt_shape_size(m->shape);
    if (gt_dtype_size(m->dtype) && size >= 0 && size < INT64_MAX / (2 * WIDEST) &&
        m->shape.ndim < GT_MAX_DIMS)
        return true;
    return gt_data_fail(error, GT_ERR_ARGUMENT,
                        "member %s of the items of %s is %s %s, but must have at most %d "
                        "dimensions, a size that can be counted, and a dtype that there is",
                        gti_item_member(d, k, name), d->type->name, gt_dtype_name(m->dtype),
                        gt_shape_format(m->shape, shape, sizeof shape), GT_MAX_DIMS - 1);
}

bool gti_item_check(const gt_dataset *d, gt_data_error *error)
{
    if (d->count < 0 || d->count > INT64_MAX / 8 || d->members < 1 || d->members > GT_MEMBERS_MOST)
        return gt_data_fail(error, GT_ERR_ARGUMENT,
                            "the dataset %s has %lld items of %d members, but must have 0 or more "
                            "of 1 to %d",
                            d->type->name, (long long)d->count, d->members, GT_MEMBERS_MOST);
    for (int k = 0; k < d->members; k++)
        if (!check_member(d, k, error)) return false;
    return true;
}

bool gti_item_count(const gt_dataset *d, int n, gt_data_error *error)
{
    if (n == d->members) return true;
    return gt_data_fail(error, GT_ERR_ARGUMENT,
                        "the items of %s have %d members, and %d pointers were given; NULL stands "
                        "for a member that is not wanted",
                        d->type->name, d->members, n);
}

/* Bytes from one member to the next. */
static size_t stride_of(const gt_member *m)
{
    return ((size_t)gt_shape_size(m->shape) * WIDEST + 2 * GUARD) / GUARD * GUARD;
}

bool gti_item_make(gti_item *m, const gt_dataset *d, gt_data_error *error)
{
    size_t all = 0;
    for (int k = 0; k < d->members; k++) {
        const size_t stride = stride_of(&d->member[k]);
        if (stride > SIZE_MAX / 2 - all)
            return gt_data_fail(error, GT_ERR_MEMORY, "an item's size overflows");
        all += stride;
    }
    *m = (gti_item){.memory = gti_data_malloc(all, error)};
    if (!m->memory) return false;
    uint8_t *at = m->memory;
    for (int k = 0; k < d->members; k++) {
        const gt_member *member = &d->member[k];
        m->member[k] = at;
        m->bytes[k] = (size_t)gt_shape_size(member->shape) * gt_dtype_size(member->dtype);
        memset(at + m->bytes[k], GUARD_BYTE, GUARD);
        at += stride_of(member);
    }
    return true;
}

/* Whether the bytes behind member k are what they were; they are again afterwards. */
static bool is_whole(const gti_item *m, int k)
{
    uint8_t *guard = m->member[k] + m->bytes[k];
    for (int i = 0; i < GUARD; i++) {
        if (guard[i] == GUARD_BYTE) continue;
        memset(guard, GUARD_BYTE, GUARD);
        return false;
    }
    return true;
}

bool gti_item_get(const gti_item *m, const gt_dataset *d, int64_t i, gt_data_error *error)
{
    void *to[GT_MEMBERS_MOST];
    for (int k = 0; k < d->members; k++) to[k] = m->member[k];
    const bool ok = d->type->get(d, i, to, error);
    for (int k = 0; k < d->members; k++) {
        char name[64], shape[128];
        if (is_whole(m, k)) continue;
        const gt_member *member = &d->member[k];
        return gt_data_fail(error, GT_ERR_STATE,
                            "get of %s has written past member %s of item %lld, which is %s %s, "
                            "%zu bytes",
                            d->type->name, gti_item_member(d, k, name), (long long)i,
                            gt_dtype_name(member->dtype),
                            gt_shape_format(member->shape, shape, sizeof shape), m->bytes[k]);
    }
    return ok || gt_data_fail(error, GT_ERR_IO, "item %lld of %s failed without a message",
                              (long long)i, d->type->name);
}

bool gti_item_has_label(const gt_dataset *d)
{
    const gt_member *last = &d->member[d->members - 1];
    return last->dtype == GT_I64 && gt_shape_size(last->shape) == 1;
}

bool gti_item_label(const gti_item *m, const gt_dataset *d, int64_t i, int64_t *label,
                    gt_data_error *error)
{
    if (d->type->label && d->type->label(d, i, label)) return true;
    if (!gti_item_get(m, d, i, error)) return false;
    memcpy(label, m->member[d->members - 1], sizeof *label);
    return true;
}
