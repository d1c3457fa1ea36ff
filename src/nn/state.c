/* Finding parameters, buffers and children of modules, and walking over them. */
#include <string.h>

#include "nn/module.h"

enum { PARAMETERS = 1, BUFFERS = 2, DISTINCT = 4 };

const gt_module *gti_state_descend(const gt_module *m, const char **path)
{
    if (!gt_module_usable(m)) return NULL;
    for (const char *dot; m && (dot = strchr(*path, '.')); *path = dot + 1)
        m = gti_module_child_find(m, *path, (size_t)(dot - *path));
    return m;
}

gt_tensor *gt_module_parameter(const gt_module *m, const char *path)
{
    const gt_module *owner = path ? gti_state_descend(m, &path) : NULL;
    const gt_module_entry *e = owner ? gti_module_parameter_find(owner, path, strlen(path)) : NULL;
    return e ? e->tensor : NULL;
}

gt_tensor *gt_module_buffer(const gt_module *m, const char *path)
{
    const gt_module *owner = path ? gti_state_descend(m, &path) : NULL;
    const gt_module_entry *e = owner ? gti_module_buffer_find(owner, path, strlen(path)) : NULL;
    return e ? e->tensor : NULL;
}

gt_module *gt_module_child(gt_module *m, const char *path)
{
    const gt_module *parent = path ? gti_state_descend(m, &path) : NULL;
    return parent ? gti_module_child_find(parent, path, strlen(path)) : NULL;
}

int64_t gt_module_n_parameters(const gt_module *m)
{
    int64_t n = 0;
    gt_state_iter it = gt_module_parameters(m);
    while (gt_state_next(&it)) n += it.tensor->size;
    return n;
}

/* --- walking --- */

static gt_state_iter walk(const gt_module *m, unsigned kinds)
{
    if (!gt_module_usable(m)) m = NULL;
    return (gt_state_iter){.module = m, .root = m, .kinds = kinds};
}

gt_state_iter gt_module_parameters(const gt_module *m)
{
    return walk(m, PARAMETERS | DISTINCT);
}

gt_state_iter gt_module_buffers(const gt_module *m)
{
    return walk(m, BUFFERS | DISTINCT);
}

gt_state_iter gt_module_state(const gt_module *m)
{
    return walk(m, PARAMETERS | BUFFERS);
}

gt_state_iter gt_module_parameters_like(const gt_module *m, const char *pattern)
{
    gt_state_iter it = walk(pattern ? m : NULL, PARAMETERS | DISTINCT);
    it.pattern = pattern;
    return it;
}

bool gt_name_fits(const char *pattern, const char *name)
{
    /* After a mismatch behind a '*', that star takes one character more; only the last star needs
     * to be remembered. */
    const char *star = NULL, *taken = NULL;
    while (*name) {
        if (*pattern == '*') {
            star = pattern++;
            taken = name;
        } else if (*pattern == '?' || *pattern == *name) {
            pattern++;
            name++;
        } else if (star) {
            pattern = star + 1;
            name = ++taken;
        } else {
            return false;
        }
    }
    while (*pattern == '*') pattern++;
    return !*pattern;
}

/* The entry behind the present one, of any kind; before the first entry of a module it->entry is
 * NULL and it->is_buffer false. */
static const gt_module_entry *next_entry(gt_state_iter *it)
{
    const gt_module_entry *e = it->entry ? it->entry->next : it->module->parameters;
    while (!e) {
        if (!it->is_buffer) {
            it->is_buffer = true;
            e = it->module->buffers;
            continue;
        }
        it->module = gti_module_after(it->root, it->module);
        if (!it->module || !gti_same_check(it->module, it->root)) return NULL;
        it->is_buffer = false;
        e = it->module->parameters;
    }
    return e;
}

/* Paths longer than this fit no pattern but by their beginning. */
enum { PATH_SIZE = 512 };

static bool fits(const gt_state_iter *it)
{
    char path[PATH_SIZE];
    if (!it->pattern) return true;
    gt_state_path(it, path, sizeof path);
    return gt_name_fits(it->pattern, path);
}

/* The bit of a tensor: which word of `again`, and which of its bits. */
static uint64_t *again_word(gt_state_iter *it, uint64_t *bit)
{
    const uint64_t hash = (uint64_t)(uintptr_t)it->tensor * UINT64_C(0x9e3779b97f4a7c15) >> 56;
    *bit = UINT64_C(1) << (hash & 63);
    return &it->again[hash >> 6];
}

/* Whether the present tensor came before, under another name that fits. Of entries that share a
 * tensor all but one are marked, so of the present one and one before it one was marked, and has
 * set the tensor's bit. For most tensors there is nothing to look for. */
static bool seen_before(gt_state_iter *it)
{
    uint64_t bit, *word = again_word(it, &bit);
    if (!(*word & bit)) return false;
    gt_state_iter earlier = walk(it->root, it->kinds & ~(unsigned)DISTINCT);
    earlier.pattern = it->pattern;
    while (gt_state_next(&earlier) && earlier.entry != it->entry)
        if (earlier.tensor == it->tensor) return true;
    return false;
}

static void note_again(gt_state_iter *it)
{
    uint64_t bit, *word = again_word(it, &bit);
    *word |= bit;
}

bool gt_state_next(gt_state_iter *it)
{
    while (it->module && (it->entry = next_entry(it))) {
        it->tensor = it->entry->tensor;
        if (it->entry->again) note_again(it);
        if (!(it->kinds & (it->is_buffer ? BUFFERS : PARAMETERS)) || !fits(it)) continue;
        if (!(it->kinds & DISTINCT) || !seen_before(it)) return true;
    }
    it->tensor = NULL;
    return false;
}

/* The scope's path below root, as gt_scope_path does it. */
static size_t path_below(const gt_module *root, const gt_module *m, char *buf, size_t size)
{
    if (m == root) return 0;
    const size_t used = path_below(root, m->parent, buf, size);
    const bool room = used < size;
    return used +
           (size_t)snprintf(room ? buf + used : NULL, room ? size - used : 0, "%s.", m->scope.name);
}

size_t gt_state_path(const gt_state_iter *it, char *buf, size_t size)
{
    if (size) buf[0] = 0;
    if (!it->tensor) return 0;
    const size_t used = path_below(it->root, it->module, buf, size);
    const bool room = used < size;
    return used + (size_t)snprintf(room ? buf + used : NULL, room ? size - used : 0, "%s",
                                   it->entry->name);
}
