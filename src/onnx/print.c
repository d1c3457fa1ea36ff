/* What is in a model's file, also in one that cannot be loaded. */
#include <gradtape/onnx.h>
#include <stdlib.h>
#include <string.h>

#include "onnx/op.h"
#include "onnx/parse.h"

static const char what[] = "gt_onnx_print";

/* How often an operator stands there, and why the first node that is refused is. */
typedef struct {
    int n;
    const char *why;
} count;

typedef struct {
    FILE *f;
    char why[GTI_PARSE_WHY]; /* of the latest failure */
    gti_onnx_model m;        /* its names are those of operators */
    gti_names tensors;       /* names of initialisers */
    gti_bytes graph, producer, version;
    count *count; /* of each operator */
} print;

static const char *text_of(print *p, gti_bytes text)
{
    char *copy = gti_store_text(&p->m.store, text), *shown = NULL;
    char buf[GTI_NAMES_SHOWN];
    if (copy) shown = gti_store_get(&p->m.store, GTI_NAMES_SHOWN, 1);
    return shown ? memcpy(shown, gti_names_show(copy, buf), GTI_NAMES_SHOWN) : "";
}

/* --- the model --- */

static void read_opset(print *p, gti_bytes message)
{
    const char *domain = text_of(p, gti_parse_bytes(message, 1));
    gti_field f;
    while (gti_wire_next(&message, &f))
        if (f.number == 2 && gti_node_is_default_domain(domain)) p->m.opset = (int64_t)f.value;
}

/* Why these bytes are no model; NULL: they are. */
static const char *read_model(print *p)
{
    gti_bytes rest = {p->m.bytes, p->m.size};
    gti_field f;
    while (gti_wire_next(&rest, &f)) {
        if (f.number == 1) p->m.ir = (int64_t)f.value;
        else if (f.type != GTI_LENGTH) continue;
        else if (f.number == 2) p->producer = f.bytes;
        else if (f.number == 3) p->version = f.bytes;
        else if (f.number == 7) p->graph = f.bytes;
        else if (f.number == 8) read_opset(p, f.bytes);
    }
    if (rest.size || !p->m.size) return "is no ONNX model, or cut off";
    if (!p->graph.at) return "is no ONNX model: it has no graph";
    if (!p->m.opset) return "is no ONNX model: it names no operator set";
    rest = p->graph;
    while (gti_wire_next(&rest, &f))
        if (f.number == 5 && f.type == GTI_LENGTH)
            gti_names_add(&p->tensors, gti_parse_bytes(f.bytes, 8));
    return rest.size ? "is no ONNX model: its graph is malformed" : NULL;
}

static void write_head(print *p)
{
    fprintf(p->f, "%s: IR version %lld, operator set %lld", p->m.path, (long long)p->m.ir,
            (long long)p->m.opset);
    if (p->producer.size) fprintf(p->f, ", by %s", text_of(p, p->producer));
    if (p->version.size) fprintf(p->f, " %s", text_of(p, p->version));
    fputc('\n', p->f);
}

/* --- inputs and outputs --- */

static void write_dim(print *p, gti_bytes dim)
{
    gti_field f;
    int64_t n = 0;
    const char *name = NULL;
    while (gti_wire_next(&dim, &f)) {
        if (f.number == 1) n = (int64_t)f.value;
        else if (f.number == 2 && f.type == GTI_LENGTH) name = text_of(p, f.bytes);
    }
    if (name || n < 1) fputs(name && *name ? name : "?", p->f);
    else fprintf(p->f, "%lld", (long long)n);
}

static void write_value(print *p, gti_bytes message)
{
    gti_bytes tensor = gti_parse_bytes(gti_parse_bytes(message, 2), 1);
    gti_bytes shape = gti_parse_bytes(tensor, 2), type = tensor;
    gti_field f;
    int n = 0;
    fprintf(p->f, "  %-28s [", text_of(p, gti_parse_bytes(message, 1)));
    while (gti_wire_next(&shape, &f)) {
        if (f.number != 1 || f.type != GTI_LENGTH) continue;
        if (n++) fputc(',', p->f);
        write_dim(p, f.bytes);
    }
    fputs("]", p->f);
    while (gti_wire_next(&type, &f))
        if (f.number == 1) fprintf(p->f, " %s", gti_tensor_type_name((int64_t)f.value));
    fputc('\n', p->f);
}

/* Inputs that are initialisers, as old files have them, are none. */
static void write_values(print *p, const char *title, int field)
{
    gti_bytes rest = p->graph;
    gti_field f;
    fprintf(p->f, "\n%s\n", title);
    while (gti_wire_next(&rest, &f))
        if (f.number == field && f.type == GTI_LENGTH &&
            gti_names_find(&p->tensors, gti_parse_bytes(f.bytes, 1)) < 0)
            write_value(p, f.bytes);
}

/* --- nodes --- */

/* "Conv", or with a domain that is not the standard's "com.microsoft.Gelu". */
static gti_bytes operator_of(print *p, gti_bytes node)
{
    const gti_bytes type = gti_parse_bytes(node, 4), domain = gti_parse_bytes(node, 7);
    if (gti_node_is_default_domain(text_of(p, domain))) return type;
    char *name = gti_store_get(&p->m.store, domain.size + type.size + 2, 1);
    if (!name) return type;
    memcpy(name, domain.at, domain.size);
    name[domain.size] = '.';
    if (type.size) memcpy(name + domain.size + 1, type.at, type.size);
    return (gti_bytes){(const uint8_t *)name, domain.size + type.size + 1};
}

/* What the importer has against a node by itself; NULL: nothing. */
static const char *reason_against(print *p, gti_bytes message)
{
    gti_onnx_node node = {0};
    const gti_parser parser = {NULL, &p->m, p->why};
    if (gti_node_parse(&parser, message, &node)) return NULL;
    return gti_store_text(&p->m.store, (gti_bytes){(const uint8_t *)p->why, strlen(p->why)});
}

static bool count_nodes(print *p)
{
    gti_bytes rest = p->graph;
    gti_field f;
    p->count = gti_store_get(&p->m.store, (size_t)gti_parse_count(rest, 1) + 1, sizeof *p->count);
    while (p->count && gti_wire_next(&rest, &f)) {
        if (f.number != 1 || f.type != GTI_LENGTH) continue;
        const int i = gti_names_add(&p->m.names, operator_of(p, f.bytes));
        if (i < 0) break;
        count *c = &p->count[i];
        c->n++;
        if (!c->why) c->why = reason_against(p, f.bytes);
    }
    return !p->m.store.failed;
}

static void write_operators(print *p)
{
    int nodes = 0;
    for (int i = 0; i < p->m.names.n; i++) nodes += p->count[i].n;
    fprintf(p->f, "\nOperators, %d nodes\n", nodes);
    for (int most = nodes; most > 0;) {
        int next = 0;
        for (int i = 0; i < p->m.names.n; i++) {
            char shown[GTI_NAMES_SHOWN];
            if (p->count[i].n == most)
                fprintf(p->f, "  %-28s %d%s\n", gti_names_show(p->m.names.name[i], shown), most,
                        p->count[i].why ? "  refused" : "");
            else if (p->count[i].n < most && p->count[i].n > next) next = p->count[i].n;
        }
        most = next;
    }
}

/* --- initialisers --- */

static void write_initialiser(print *p, gti_bytes message, uint64_t *elements)
{
    gti_onnx_tensor t = {0};
    const char *why = NULL;
    char shape[128];
    const bool read = gti_tensor_parse(message, &t, &why);
    gt_shape_format(t.shape, shape, sizeof shape);
    fprintf(p->f, "  %-28s %s %s%s%s%s\n", text_of(p, gti_parse_bytes(message, 8)), shape,
            gti_tensor_type_name(t.type), t.external ? "  in another file" : "",
            read ? "" : "  refused: it ",
            read  ? ""
            : why ? why
                  : "is malformed");
    if (read) *elements += (uint64_t)gt_shape_size(t.shape);
}

static void write_initialisers(print *p)
{
    gti_bytes rest = p->graph;
    gti_field f;
    uint64_t elements = 0;
    fprintf(p->f, "\nInitialisers, %d\n", gti_parse_count(p->graph, 5));
    while (gti_wire_next(&rest, &f))
        if (f.number == 5 && f.type == GTI_LENGTH) write_initialiser(p, f.bytes, &elements);
    fprintf(p->f, "  %-28s %llu elements\n", "in all", (unsigned long long)elements);
}

/* --- what is refused --- */

/* What the importer has against the file as a whole; NULL: nothing. */
static const char *reason_against_all(print *p)
{
    gti_onnx_model m = {.path = p->m.path, .bytes = p->m.bytes, .size = p->m.size};
    m.names.store = &m.store;
    const bool whole = gti_model_parse_all(&(gti_parser){NULL, &m, p->why});
    p->m.store.failed |= m.store.failed;
    gti_store_clear(&m.store);
    return whole ? NULL : p->why;
}

/* The first reason against each operator, or the one against the file. */
static void write_refused(print *p)
{
    int n = 0;
    for (int i = 0; i < p->m.names.n; i++)
        if (p->count[i].why) fprintf(p->f, "%s  %s\n", n++ ? "" : "\nRefused\n", p->count[i].why);
    if (n) return;
    const char *why = reason_against_all(p);
    fprintf(p->f, "\nRefused\n  %s\n", why ? why : "nothing: gt_onnx_load reads it");
}

/* --- all of it --- */

/* NULL, or why there is no more to say. */
static const char *write_all(print *p)
{
    const char *why = read_model(p);
    if (why || !count_nodes(p)) return why;
    write_head(p);
    write_values(p, "Inputs", 11);
    write_values(p, "Outputs", 12);
    write_operators(p);
    write_initialisers(p);
    write_refused(p);
    return NULL;
}

static bool is_ready(gt_ctx *gt, const char *path, const FILE *f)
{
    if (!gt) gt_fail(NULL, GT_ERR_ARGUMENT, what, "the context is NULL");
    if (!gt || gt_failed(gt)) return false;
    if (!path || !f) gt_fail(gt, GT_ERR_ARGUMENT, what, "the %s is NULL", path ? "file" : "path");
    return path && f;
}

#undef gt_onnx_print
gt_status gt_onnx_print(gt_ctx *gt, const char *path, FILE *f)
{
    if (!is_ready(gt, path, f)) return gt ? gt_error_code(gt) : GT_ERR_ARGUMENT;
    print p = {.f = f, .m = {.path = path}};
    p.m.names.store = p.tensors.store = &p.m.store;
    p.m.bytes = gti_file_all(gt, what, path, &p.m.size);
    if (!p.m.bytes) return gt_error_code(gt);
    const char *why = write_all(&p);
    if (p.m.store.failed) gt_fail(gt, GT_ERR_MEMORY, what, "%s: out of memory", path);
    else if (why) gt_fail(gt, GT_ERR_FORMAT, what, "%s: %s", path, why);
    gti_store_clear(&p.m.store);
    free(p.m.bytes);
    return gt_error_code(gt);
}
