/* NodeProto and AttributeProto. */
#include <string.h>

#include "onnx/op.h"
#include "onnx/parse.h"

/* --- attributes --- */

/* Repeated numbers, packed or not: how many, and with `ints` or `floats` also what. */
static int numbers(gti_bytes message, int number, int64_t *ints, double *floats)
{
    gti_field f;
    int n = 0;
    while (gti_wire_next(&message, &f)) {
        if (f.number != number) continue;
        const bool packed = f.type == GTI_LENGTH;
        uint64_t v = f.value;
        while (!packed || f.bytes.size) {
            if (packed && number == 8 && !gti_wire_varint(&f.bytes, &v)) return -1;
            if (packed && number == 7 && !gti_wire_fixed(&f.bytes, 4, &v)) return -1;
            if (ints) ints[n] = (int64_t)v;
            if (floats) floats[n] = (double)gti_wire_float(v);
            n++;
            if (!packed) break;
        }
    }
    return n;
}

static bool parse_list(const gti_parser *p, gti_bytes message, gti_onnx_attr *a)
{
    gti_store *store = &p->m->store;
    a->n = a->type == GTI_ATTR_STRINGS
               ? gti_parse_count(message, 9)
               : numbers(message, a->type == GTI_ATTR_INTS ? 8 : 7, NULL, NULL);
    if (a->n < 0) return gti_parse_malformed(p, "an attribute's list");
    if (a->type == GTI_ATTR_INTS) {
        a->ints = gti_store_get(store, (size_t)a->n, sizeof *a->ints);
        if (a->ints) numbers(message, 8, a->ints, NULL);
    } else if (a->type == GTI_ATTR_FLOATS) {
        a->floats = gti_store_get(store, (size_t)a->n, sizeof *a->floats);
        if (a->floats) numbers(message, 7, NULL, a->floats);
    } else {
        a->strings = gti_store_get(store, (size_t)a->n, sizeof *a->strings);
        gti_field f;
        for (int i = 0; a->strings && gti_wire_next(&message, &f);)
            if (f.number == 9 && !(a->strings[i++] = gti_parse_text(p, f.bytes)))
                return gti_parse_malformed(p, "an attribute's string");
    }
    return store->failed ? gti_parse_malformed(p, "") : true;
}

/* Files of the first versions have no type: it is the field that is there. */
static gti_attr_type implied(int number)
{
    static const gti_attr_type type[] = {[2] = GTI_ATTR_FLOAT, GTI_ATTR_INT,    GTI_ATTR_STRING,
                                         GTI_ATTR_TENSOR,      GTI_ATTR_GRAPH,  GTI_ATTR_FLOATS,
                                         GTI_ATTR_INTS,        GTI_ATTR_STRINGS};
    return number >= 2 && number <= 9 ? type[number] : 0;
}

static bool parse_attr(const gti_parser *p, gti_bytes message, gti_onnx_attr *a)
{
    gti_bytes rest = message;
    gti_field f;
    gti_attr_type seen = 0;
    a->s = "";
    while (gti_wire_next(&rest, &f)) {
        if (implied(f.number)) seen = implied(f.number);
        switch (f.number) {
        case 1: a->name = gti_parse_text(p, f.bytes); break;
        case 2: a->f = (double)gti_wire_float(f.value); break;
        case 3: a->i = (int64_t)f.value; break;
        case 4: a->s = gti_parse_text(p, f.bytes); break;
        case 5: a->tensor = f.bytes; break;
        case 20: a->type = (gti_attr_type)f.value; break;
        case 21:
            return gti_parse_fail(p, GT_ERR_UNSUPPORTED,
                                  "attributes that refer to a function's are not read");
        default: break;
        }
    }
    if (!a->type) a->type = seen;
    if (rest.size || !a->name || !a->s) return gti_parse_malformed(p, "an attribute");
    const bool list = a->type >= GTI_ATTR_FLOATS && a->type <= GTI_ATTR_STRINGS;
    return list ? parse_list(p, message, a) : true;
}

/* --- nodes --- */

static char *say_node(const gti_onnx_node *n, char *buf, size_t size)
{
    char name[GTI_NAMES_SHOWN], type[GTI_NAMES_SHOWN];
    gt_snprintf(buf, size, "node '%s' (%s)", gti_names_show(n->name, name),
                gti_names_show(n->type, type));
    return buf;
}

/* Values by name; "" is none. Outputs must be new, inputs known: so there is no cycle. */
static bool resolve(const gti_parser *p, gti_onnx_node *n, gti_bytes name, bool output, int *value)
{
    char shown[GTI_NAMES_SHOWN], node[256];
    gti_names *names = &p->m->names;
    *value = -1;
    if (!name.size) return true;
    const int known = gti_names_find(names, name);
    const char *text = gti_parse_text(p, name);
    if (!text) return gti_parse_malformed(p, "a name");
    if (output == (known >= 0))
        return gti_parse_fail(
            p, GT_ERR_FORMAT,
            output ? "%s: its output '%s' exists already"
                   : "%s: its input '%s' comes from nowhere before it, or from a cycle",
            say_node(n, node, sizeof node), gti_names_show(text, shown));
    *value = output ? gti_names_add(names, name) : known;
    return *value >= 0 || gti_parse_fail(p, GT_ERR_MEMORY, "out of memory");
}

static bool resolve_all(const gti_parser *p, gti_onnx_node *n, bool output)
{
    gti_bytes rest = n->message;
    gti_field f;
    int i = 0, *value = output ? n->out : n->in;
    while (gti_wire_next(&rest, &f))
        if (f.number == (output ? 2 : 1) && !resolve(p, n, f.bytes, output, &value[i++]))
            return false;
    return true;
}

static bool check_attrs(const gti_parser *p, const gti_onnx_node *n)
{
    char node[256], shown[GTI_NAMES_SHOWN];
    for (int i = 0; i < n->n_attrs; i++) {
        if (!gti_op_takes(n->op, n->attr[i].name))
            return gti_parse_fail(p, GT_ERR_UNSUPPORTED, "%s: its attribute '%s' is not known",
                                  say_node(n, node, sizeof node),
                                  gti_names_show(n->attr[i].name, shown));
    }
    return true;
}

bool gti_node_is_default_domain(const char *domain)
{
    return !*domain || !strcmp(domain, "ai.onnx");
}

static bool parse_attrs(const gti_parser *p, gti_onnx_node *n)
{
    gti_bytes rest = n->message;
    gti_field f;
    for (int i = 0; gti_wire_next(&rest, &f);)
        if (f.number == 5 && !parse_attr(p, f.bytes, &n->attr[i++])) return false;
    return check_attrs(p, n);
}

static bool parse_node_names(const gti_parser *p, gti_onnx_node *n)
{
    gti_bytes rest = n->message;
    gti_field f;
    n->name = n->type = n->domain = "";
    while (gti_wire_next(&rest, &f)) {
        if (f.number == 3) n->name = gti_parse_text(p, f.bytes);
        else if (f.number == 4) n->type = gti_parse_text(p, f.bytes);
        else if (f.number == 7) n->domain = gti_parse_text(p, f.bytes);
    }
    return !rest.size && n->name && n->type && n->domain ? true : gti_parse_malformed(p, "a node");
}

bool gti_node_parse(const gti_parser *p, gti_bytes message, gti_onnx_node *n)
{
    gti_store *store = &p->m->store;
    char node[256];
    n->message = message;
    if (!parse_node_names(p, n)) return false;
    n->op = gti_node_is_default_domain(n->domain) ? gti_op_find(n->type) : NULL;
    if (!n->op)
        return gti_parse_fail(p, GT_ERR_UNSUPPORTED, "%s: this operator%s%s cannot be imported",
                              say_node(n, node, sizeof node), *n->domain ? " of the domain " : "",
                              n->domain);
    n->n_in = gti_parse_count(message, 1);
    n->n_out = gti_parse_count(message, 2);
    n->n_attrs = gti_parse_count(message, 5);
    n->in = gti_store_get(store, (size_t)n->n_in, sizeof *n->in);
    n->out = gti_store_get(store, (size_t)n->n_out, sizeof *n->out);
    n->attr = gti_store_get(store, (size_t)n->n_attrs, sizeof *n->attr);
    if (store->failed) return gti_parse_fail(p, GT_ERR_MEMORY, "out of memory");
    if (n->n_in < n->op->least_in || n->n_in > n->op->most_in || n->n_out > n->op->most_out ||
        !n->n_out)
        return gti_parse_fail(p, GT_ERR_FORMAT, "%s: has %d inputs and %d outputs",
                              say_node(n, node, sizeof node), n->n_in, n->n_out);
    return parse_attrs(p, n);
}

bool gti_node_resolve(const gti_parser *p, gti_onnx_node *n)
{
    return resolve_all(p, n, false) && resolve_all(p, n, true);
}
