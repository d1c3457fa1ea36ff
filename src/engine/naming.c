/* How messages name tensors, nodes and places. */
#include <string.h>

#include "engine/context.h"

const char *gti_naming_site(const char *where)
{
    const char *slash = where ? strrchr(where, '/') : NULL;
    return slash ? slash + 1 : where ? where : "unknown place";
}

void gti_naming_path(const gt_tensor *t, char *path, size_t size)
{
    size_t used = gt_scope_path(gt_owner(t), path, size);
    if (used && used + 1 < size) path[used++] = '.';
    if (used < size) snprintf(path + used, size - used, "%s", gt_name(t));
}

/* What is recorded within a function has no place of its own, but its result has. NULL: modules
 * call without one. */
static const char *place_of_node(const gt_node *n, const gt_call *call)
{
    const char *where = n->out[0]->where;
    return !where && call && call->result ? call->result->where : where;
}

/* " (train.c:42)", or nothing. */
static char *in_brackets(const char *where, char buf[80])
{
    snprintf(buf, 80, where ? " (%.76s)" : "%s", where ? gti_naming_site(where) : "");
    return buf;
}

char *gti_naming_node(const gt_node *n, char *buf, size_t size)
{
    const gt_call *call = gt_scope_call(gt_node_scope(n));
    char place[80];
    snprintf(buf, size, "%s%s%s%s", n->op->name, call ? " of " : "", call ? call->scope.name : "",
             in_brackets(place_of_node(n, call), place));
    return buf;
}

const char *gti_naming_maker(const gt_tensor *t)
{
    const gt_node *n = gt_producer(t);
    const gt_call *call = n ? gt_scope_call(gt_node_scope(n)) : NULL;
    return call && call->result == t ? call->scope.name : n ? n->op->name : NULL;
}

char *gti_naming_tensor(const gt_tensor *t, char *buf, size_t size)
{
    char text[128], place[80];
    const gt_node *n = gt_producer(t);
    gti_naming_path(t, text, sizeof text);
    if (gt_name(t)[0]) snprintf(buf, size, "'%.64s'", text);
    else if (!n) snprintf(buf, size, "a leaf");
    else if (gti_naming_maker(t) == n->op->name)
        snprintf(buf, size, "the result of %s", gti_naming_node(n, text, sizeof text));
    else
        snprintf(buf, size, "the result of %s%s", gti_naming_maker(t),
                 in_brackets(t->where, place));
    return buf;
}
