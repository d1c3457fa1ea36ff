/* The list of a module's parameters, and of its buffers if they are wanted. */
#include "slots.h"

#include <stdlib.h>
#include <string.h>

void gti_slots_init(gti_slots *s, gt_module *m)
{
    *s = (gti_slots){.ctx = m->ctx, .module = m, .version = m->version - 1};
    gt_module_use(m, 1);
}

void gti_slots_clear(gti_slots *s)
{
    for (int i = 0; i < s->n; i++) free(s->at[i].name);
    free(s->at);
    free(s->by_name);
    *s = (gti_slots){.ctx = s->ctx};
}

void gti_slots_free(gti_slots *s)
{
    for (int k = 0; k < s->n; k++) {
        for (int i = 0; i < GTI_STATES; i++) gt_free(s->at[k].state[i]);
        gt_free(s->at[k].sum);
    }
    gt_module_use(s->module, -1);
    gti_slots_clear(s);
}

bool gti_slots_there(const gti_slots *s, const char *what, const char *name)
{
    if (!s->module) gt_fail(s->ctx, GT_ERR_STATE, what, "the %s was freed", name);
    return s->module;
}

/* Whether t is among the first n. */
static bool knows(const gti_slots *s, int n, const gt_tensor *t)
{
    for (int i = 0; i < n; i++)
        if (s->at[i].tensor == t) return true;
    return false;
}

static char *path_of(const gt_state_iter *it)
{
    const size_t size = gt_state_path(it, NULL, 0) + 1;
    char *path = malloc(size);
    if (path) gt_state_path(it, path, size);
    return path;
}

static bool reserve(gti_slots *s)
{
    if (s->n < s->capacity) return true;
    const int capacity = s->capacity ? 2 * s->capacity : 8;
    gti_slot *at = realloc(s->at, (size_t)capacity * sizeof *at);
    if (!at) return false;
    s->at = at;
    s->capacity = capacity;
    return true;
}

static bool slots_add(gti_slots *s, const gt_state_iter *it)
{
    char *name = reserve(s) ? path_of(it) : NULL;
    if (!name) return false;
    free(s->by_name); /* until all are there, and in their last place */
    s->by_name = NULL;
    s->at[s->n++] = (gti_slot){.tensor = it->tensor, .name = name, .product = 1, .group = -1};
    return true;
}

/* Whole numbers have neither gradients nor averages. */
static bool collect(gti_slots *s, gt_state_iter it, const char *what)
{
    const int n = s->n; /* the walk itself gives each once */
    while (gt_state_next(&it)) {
        if (!gt_is_floating(it.tensor->dtype) || knows(s, n, it.tensor) || slots_add(s, &it))
            continue;
        gt_fail(s->ctx, GT_ERR_MEMORY, what, "out of memory for the parameters");
        return false;
    }
    return true;
}

static int order(const void *a, const void *b)
{
    const gti_slot *const x = *(gti_slot *const *)a, *const y = *(gti_slot *const *)b;
    const int by_name = strcmp(x->name, y->name);
    return by_name ? by_name : (x > y) - (x < y);
}

static bool sort(gti_slots *s, const char *what)
{
    gti_slot **by_name = realloc(s->by_name, ((size_t)s->n + 1) * sizeof(gti_slot *));
    if (!by_name) {
        gt_fail(s->ctx, GT_ERR_MEMORY, what, "out of memory for the parameters");
        return false;
    }
    s->by_name = by_name;
    for (int i = 0; i < s->n; i++) by_name[i] = &s->at[i];
    qsort(by_name, (size_t)s->n, sizeof *by_name, order);
    return true;
}

bool gti_slots_collect(gti_slots *s, const char *what)
{
    const gt_module *m = s->module;
    if (s->version == m->version) return true;
    if (!collect(s, gt_module_parameters(m), what) ||
        (s->buffers && !collect(s, gt_module_buffers(m), what)) || !sort(s, what))
        return false;
    s->version = m->version;
    return true;
}

/* As strcmp, with the first n bytes of b. */
static int slots_compare(const char *a, const char *b, size_t n)
{
    const int first = strncmp(a, b, n);
    return first ? first : a[n] != 0;
}

gti_slot *gti_slots_find(const gti_slots *s, const char *name, size_t n)
{
    int first = 0, end = s->by_name ? s->n : 0; /* the first that comes behind the name */
    while (first < end) {
        const int middle = first + (end - first) / 2;
        if (slots_compare(s->by_name[middle]->name, name, n) > 0) end = middle;
        else first = middle + 1;
    }
    gti_slot *slot = first ? s->by_name[first - 1] : NULL;
    return slot && slots_compare(slot->name, name, n) == 0 ? slot : NULL;
}

gt_tensor *gti_slot_make(const gti_slot *slot, gt_tensor **t, double value)
{
    const gt_tensor *w = slot->tensor;
    if (!*t) *t = gt_keep(gt_full_(w->ctx, w->shape, value, (gt_new_opts){.dtype = w->dtype}));
    return *t;
}

bool gti_slot_make_states(gti_slot *slot, unsigned uses, double value)
{
    for (int i = 0; uses >> i; i++) {
        if (!(uses >> i & 1) || slot->state[i]) continue;
        if (!gti_slot_make(slot, &slot->state[i], value)) return false;
        slot->fresh |= 1U << i;
    }
    return true;
}

void gti_slots_give_up(const gti_slots *s)
{
    for (int k = 0; k < s->n; k++) {
        gti_slot *slot = &s->at[k];
        for (int i = 0; i < GTI_STATES; i++) {
            if (!(slot->fresh >> i & 1)) continue;
            gt_free(slot->state[i]);
            slot->state[i] = NULL;
        }
        slot->fresh = 0;
    }
}

/* --- given states --- */

static gt_status slots_check(const gt_tensor *w, const gt_tensor *t, const char *what,
                             const char *name)
{
    char a[128], b[128];
    if (!t) return gt_fail(w->ctx, GT_ERR_ARGUMENT, what, "'%s' is a tensor, not a number", name);
    if (t->dtype != w->dtype)
        return gt_fail(w->ctx, GT_ERR_DTYPE, what, "'%s' is %s, but must be %s as its parameter",
                       name, gt_dtype_name(t->dtype), gt_dtype_name(w->dtype));
    if (!gt_same_shape(t, w))
        return gt_fail(w->ctx, GT_ERR_SHAPE, what, "'%s' has shape %s, its parameter %s", name,
                       gt_shape_format(t->shape, a, sizeof a),
                       gt_shape_format(w->shape, b, sizeof b));
    return GT_OK;
}

gt_status gti_slot_take(const gti_slot *slot, gt_tensor **t, gt_tensor *tensor, const char *what,
                        const char *name)
{
    const gt_status status = slots_check(slot->tensor, tensor, what, name);
    if (status != GT_OK) return status;
    gt_free(*t);
    *t = tensor;
    return GT_OK;
}

gt_status gti_slot_copy(const gti_slot *slot, gt_tensor **t, const gt_tensor *tensor,
                        const char *what, const char *name)
{
    gt_tensor *copy = NULL;
    gt_status status = slots_check(slot->tensor, tensor, what, name);
    if (status != GT_OK) return status;
    if (!gti_slot_make(slot, &copy, 0)) return gt_error_code(slot->tensor->ctx);
    status = gt_copy_into(copy, tensor);
    return status == GT_OK ? gti_slot_take(slot, t, copy, what, name) : (gt_free(copy), status);
}
