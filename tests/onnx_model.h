/* ONNX models made by hand, for tests. Include behind files.h. */
#ifndef GT_TESTS_ONNX_MODEL_H
#define GT_TESTS_ONNX_MODEL_H

#include "base/proto.h"

typedef struct {
    gti_proto graph;
    int opset, ir;
} model;

static inline void add_text(gti_proto *p, int field, const char *text)
{
    gti_proto_bytes(p, field, text, strlen(text));
}

/* "a b c": each into the field. */
static inline void add_words(gti_proto *p, int field, const char *words)
{
    while (*words) {
        const size_t n = strcspn(words, " ");
        gti_proto_bytes(p, field, words, n);
        words += n + (words[n] == ' ');
    }
}

static inline gti_proto ints_attr(const char *name, int n, const int64_t *v)
{
    gti_proto a = {0};
    add_text(&a, 1, name);
    for (int i = 0; i < n; i++) gti_proto_int(&a, 8, v[i]);
    gti_proto_int(&a, 20, 7);
    return a;
}

static inline gti_proto int_attr(const char *name, int64_t v)
{
    gti_proto a = {0};
    add_text(&a, 1, name);
    gti_proto_int(&a, 3, v);
    gti_proto_int(&a, 20, 2);
    return a;
}

static inline void add_node(model *m, const char *type, const char *in, const char *out,
                            gti_proto attr)
{
    gti_proto n = {0};
    add_words(&n, 1, in);
    add_words(&n, 2, out);
    add_text(&n, 3, out);
    add_text(&n, 4, type);
    if (attr.length) gti_proto_message(&n, 5, &attr);
    gti_proto_message(&m->graph, 1, &n);
}

/* Numbers .1, .2, .3, -.4, .5, ... */
static inline void add_weight(model *m, const char *name, gt_shape shape)
{
    gti_proto t = {0};
    int64_t n = 1;
    for (int i = 0; i < shape.ndim; i++) {
        gti_proto_int(&t, 1, shape.dim[i]);
        n *= shape.dim[i];
    }
    gti_proto_int(&t, 2, 1);
    for (int64_t i = 0; i < n; i++)
        gti_proto_float(&t, 4, (i % 4 == 3 ? -0.1F : 0.1F) * (float)(i + 1));
    add_text(&t, 8, name);
    gti_proto_message(&m->graph, 5, &t);
}

static inline void add_value(model *m, int field, const char *name)
{
    gti_proto v = {0};
    add_text(&v, 1, name);
    gti_proto_message(&m->graph, field, &v);
}

static inline const char *write_model(model *m, const char *name)
{
    gti_proto p = {0}, opset = {0};
    gti_proto_int(&p, 1, m->ir ? m->ir : 8);
    gti_proto_message(&p, 7, &m->graph);
    gti_proto_int(&opset, 2, m->opset ? m->opset : 17);
    gti_proto_message(&p, 8, &opset);
    assert_false(p.failed);
    const char *path = scratch(name);
    write_file(path, p.at, p.length);
    gti_proto_free(&p);
    return path;
}

/* Conv, BatchNormalization, Relu, GlobalAveragePool, Flatten, Gemm */
static inline const char *write_network(void)
{
    model m = {0};
    add_weight(&m, "conv1.weight", GT_SHAPE(2, 1, 3, 3));
    add_weight(&m, "bn1.weight", GT_SHAPE(2));
    add_weight(&m, "bn1.bias", GT_SHAPE(2));
    add_weight(&m, "bn1.running_mean", GT_SHAPE(2));
    add_weight(&m, "bn1.running_var", GT_SHAPE(2));
    add_weight(&m, "fc.weight", GT_SHAPE(3, 2));
    add_weight(&m, "fc.bias", GT_SHAPE(3));
    add_value(&m, 11, "images");
    add_node(&m, "Conv", "images conv1.weight", "c", ints_attr("pads", 4, (int64_t[]){1, 1, 1, 1}));
    add_node(&m, "BatchNormalization", "c bn1.weight bn1.bias bn1.running_mean bn1.running_var",
             "b", (gti_proto){0});
    add_node(&m, "Relu", "b", "r", (gti_proto){0});
    add_node(&m, "GlobalAveragePool", "r", "p", (gti_proto){0});
    add_node(&m, "Flatten", "p", "f", int_attr("axis", 1));
    add_node(&m, "Gemm", "f fc.weight fc.bias", "logits", int_attr("transB", 1));
    add_value(&m, 12, "logits");
    return write_model(&m, "net.onnx");
}

#endif
