/* Groups of calls: found by a key of bytes, which says all that makes them different. */
#include <stdlib.h>
#include <string.h>

#include "profile/profile.h"

enum { KEYED = 8, PATH = 512, FIRST_GROUPS = 64 }; /* inputs whose shapes count */

/* Words, then text, and zeros up to a whole word. */
typedef struct {
    int64_t word[6 + KEYED * (2 + GT_MAX_DIMS) + PATH / 8 + 1];
    size_t n; /* words */
    size_t text;
} key;

static void put(key *k, int64_t word)
{
    k->word[k->n++] = word;
}

static char *text_of(key *k)
{
    return (char *)(k->word + k->text);
}

/* Puts a text of at most PATH bytes that `write` leaves behind the words. */
static void put_text(key *k, size_t length)
{
    if (length > PATH - 1) length = PATH - 1;
    const size_t words = length / 8 + 1;
    memset(text_of(k) + length, 0, words * 8 - length);
    k->n += words;
}

static uint64_t hash_of(const key *k)
{
    uint64_t h = 0;
    for (size_t i = 0; i < k->n; i++) {
        h = (h ^ (uint64_t)k->word[i]) * UINT64_C(0x9e3779b97f4a7c15);
        h ^= h >> 29;
    }
    return h;
}

/* --- the table --- */

static bool same(const gti_profile_group *g, uint64_t hash, const key *k)
{
    return g->hash == hash && g->key_size == k->n && !memcmp(g->key, k->word, k->n * 8);
}

static uint32_t *find(const gt_profile *p, uint64_t hash, const key *k)
{
    for (uint32_t i = (uint32_t)hash & (p->n_slots - 1);; i = (i + 1) & (p->n_slots - 1))
        if (!p->slot[i] || same(&p->group[p->slot[i] - 1], hash, k)) return &p->slot[i];
}

/* At most half of the slots are taken. */
static bool grow(gt_profile *p)
{
    const uint32_t room = p->group_room ? 2 * p->group_room : FIRST_GROUPS, n = 2 * room;
    gti_profile_group *group = realloc(p->group, room * sizeof *group);
    if (group) p->group = group;
    uint32_t *slot = group ? calloc(n, sizeof *slot) : NULL;
    if (!slot) return false;
    free(p->slot);
    p->slot = slot;
    p->n_slots = n;
    p->group_room = room;
    for (uint32_t g = 0; g < p->n_groups; g++) {
        uint32_t i = (uint32_t)p->group[g].hash & (n - 1);
        while (slot[i]) i = (i + 1) & (n - 1);
        slot[i] = g + 1;
    }
    return true;
}

/* --- making --- */

/* The name, and the shapes of what is there: "conv2d [64,1,28,28] [6,1,5,5] f32". */
static void write_shape(const gti_profile_group *g, const gt_node *n, char *buf, size_t size)
{
    size_t used = (size_t)snprintf(buf, size, "%s", g->name);
    char text[128];
    for (int i = 0; n && i < n->n_in && i < KEYED && used < size; i++)
        if (n->in[i])
            used += (size_t)snprintf(buf + used, size - used, " %s",
                                     gt_shape_format(n->in[i]->shape, text, sizeof text));
    if (n && n->n_in > KEYED && used < size)
        used += (size_t)snprintf(buf + used, size - used, " and %d more", n->n_in - KEYED);
    if (n && used < size) snprintf(buf + used, size - used, " %s", gt_dtype_name(n->dtype));
}

static bool set_texts(gti_profile_group *g, const key *k, const char *name, const gt_node *n)
{
    char shape[512];
    g->name = name;
    write_shape(g, n, shape, sizeof shape);
    const char *module = n ? (const char *)(k->word + k->text) : "";
    const size_t a = k->n * 8, b = strlen(name) + 1, c = strlen(shape) + 1;
    g->key = malloc(a + b + c + strlen(module) + 1);
    if (!g->key) return false;
    memcpy(g->key, k->word, a);
    g->key_size = k->n;
    g->name = memcpy(g->key + a, name, b);
    g->shape = memcpy(g->key + a + b, shape, c);
    g->module = memcpy(g->key + a + b + c, module, strlen(module) + 1);
    return true;
}

static gti_profile_group *group_of(gt_profile *p, const key *k, const char *name, const gt_node *n)
{
    const uint64_t hash = hash_of(k);
    if (p->n_groups == p->group_room && !grow(p)) return NULL;
    uint32_t *slot = find(p, hash, k);
    if (*slot) return &p->group[*slot - 1];
    gti_profile_group g = {.hash = hash, .least = UINT64_MAX};
    if (!set_texts(&g, k, name, n)) return NULL;
    p->group[p->n_groups] = g;
    *slot = ++p->n_groups;
    return &p->group[*slot - 1];
}

static gt_part part_of(const gt_ctx *gt, const gt_op *op)
{
    if (gti_in_sweep(gt)) return GT_PART_BACKWARD;
    const bool changes = (op->flags & (GT_OP_INTO | GT_OP_MOVE)) == GT_OP_INTO;
    return changes && !gt->scope ? GT_PART_UPDATE : GT_PART_FORWARD;
}

/* Of a change outside of modules, such as an update, the path of what is changed. */
static size_t write_path(const gt_node *n, char *buf)
{
    const size_t length = gt_scope_path(n->in[0]->ctx->scope, buf, PATH);
    if (length || !(n->op->flags & GT_OP_INTO)) return length;
    return gt_scope_path(gt_owner(n->in[0]), buf, PATH);
}

static void put_node(key *k, const gt_node *n)
{
    put(k, (int64_t)(intptr_t)n->op);
    put(k, n->n_in << 8 | (int)n->dtype);
    for (int i = 0; i < n->n_in && i < KEYED; i++) {
        const gt_tensor *t = n->in[i];
        put(k, t ? t->shape.ndim : -1);
        for (int d = 0; t && d < t->shape.ndim; d++) put(k, t->shape.dim[d]);
    }
}

/* "sub + square", "sub + square + 7 more" */
static const char *name_of(gt_node *const nodes[], int64_t n, char *buf, size_t size)
{
    enum { NAMED = 4 };
    size_t used = 0;
    if (n == 1) return nodes[0]->op->name;
    for (int64_t i = 0; i < n && i < NAMED && used < size; i++)
        used +=
            (size_t)snprintf(buf + used, size - used, "%s%s", i ? " + " : "", nodes[i]->op->name);
    if (n > NAMED && used < size)
        snprintf(buf + used, size - used, " + %lld more", (long long)(n - NAMED));
    return buf;
}

/* Of several the first says shapes and place; all count as work. */
gti_profile_group *gti_groups_of_nodes(gt_profile *p, gt_node *const nodes[], int64_t n)
{
    key k;
    char name[256];
    k.n = 0;
    const gt_part part = part_of(p->gt, nodes[0]->op);
    put(&k, part);
    put_node(&k, nodes[0]);
    put(&k, n);
    for (int64_t i = 1; i < n && i < KEYED; i++) put(&k, (int64_t)(intptr_t)nodes[i]->op);
    k.text = k.n;
    put_text(&k, write_path(nodes[0], text_of(&k)));
    gti_profile_group *g = group_of(p, &k, name_of(nodes, n, name, sizeof name), nodes[0]);
    if (!g) return NULL;
    g->op = nodes[0]->op;
    g->part = part;
    g->dtype = nodes[0]->dtype;
    for (int64_t i = 0; i < n; i++) {
        const gt_work work = gt_node_work(nodes[i]);
        g->flops += work.flops;
        g->bytes += work.read + work.written;
    }
    return g;
}

gti_profile_group *gti_groups_of_span(gt_profile *p, int line, const char *name)
{
    key k;
    k.n = 0;
    put(&k, 0);
    put(&k, line);
    k.text = k.n;
    const size_t length = strlen(name);
    snprintf(text_of(&k), PATH, "%s", name);
    put_text(&k, length);
    gti_profile_group *g = group_of(p, &k, text_of(&k), NULL);
    if (g) g->line = line;
    return g;
}

void gti_group_add(gti_profile_group *g, uint64_t time, uint64_t busy)
{
    g->calls++;
    g->total += time;
    g->busy += busy;
    if (time < g->least) g->least = time;
    if (time > g->longest) g->longest = time;
}
