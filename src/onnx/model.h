/* An ONNX model as it stands in the file, with names resolved. */
#ifndef GTI_ONNX_MODEL_H
#define GTI_ONNX_MODEL_H

#include <gradtape/op.h>

#include "base/names.h"
#include "onnx/wire.h"

/* --- file.c --- */

/* `size` bytes of a file from offset on, all that follow if it is negative, to be freed. NULL with
 * errno, 0 where the file is too short. */
uint8_t *gti_file_part(const char *path, int64_t offset, int64_t *size);
/* All of it; NULL after a failure, which is that of `what`. */
uint8_t *gti_file_all(gt_ctx *gt, const char *what, const char *path, size_t *size);

/* --- tensor.c --- */

typedef struct gti_onnx_model gti_onnx_model;

/* The element types of the format that are read. */
typedef enum {
    GTI_ONNX_FLOAT = 1,
    GTI_ONNX_UINT8 = 2,
    GTI_ONNX_INT8 = 3,
    GTI_ONNX_UINT16 = 4,
    GTI_ONNX_INT16 = 5,
    GTI_ONNX_INT32 = 6,
    GTI_ONNX_INT64 = 7,
    GTI_ONNX_BOOL = 9,
    GTI_ONNX_FLOAT16 = 10,
    GTI_ONNX_DOUBLE = 11,
    GTI_ONNX_UINT32 = 12,
    GTI_ONNX_BFLOAT16 = 16,
} gti_onnx_type;
/* What elements of a type are read as; false: there is nothing. */
bool gti_tensor_dtype(int64_t type, gt_dtype *dtype);
const char *gti_tensor_type_name(int64_t type);

/* A TensorProto. Its elements stay where they are in the file. */
typedef struct {
    gti_bytes name, raw, packed; /* packed: the field of the type, if it came so */
    gti_bytes all;               /* the message, for numbers one by one */
    gt_shape shape;
    int64_t type;
    int field; /* that holds the type's numbers when they are not raw */
    bool external, has_raw;
    bool unknown; /* nothing is wrong with it, but it is not read */
    gti_bytes location;
    int64_t offset, length; /* of external data; -1: not given */
} gti_onnx_tensor;
/* False with *why set, a text, where something is wrong or unknown. */
bool gti_tensor_parse(gti_bytes message, gti_onnx_tensor *t, const char **why);
/* A tensor of the step with its elements; `path` is the model's, beside which external data lies.
 * NULL after a failure, or with *why set. */
gt_tensor *gti_tensor_read(gt_ctx *gt, const gti_onnx_tensor *t, const char *path,
                           const char **why);

/* --- model.c --- */

typedef enum {
    GTI_ATTR_FLOAT = 1,
    GTI_ATTR_INT,
    GTI_ATTR_STRING,
    GTI_ATTR_TENSOR,
    GTI_ATTR_GRAPH,
    GTI_ATTR_FLOATS,
    GTI_ATTR_INTS,
    GTI_ATTR_STRINGS
} gti_attr_type;

typedef struct {
    const char *name;
    gti_attr_type type;
    double f;
    int64_t i;
    const char *s;
    gti_bytes tensor;
    int n; /* of ints, floats and strings */
    int64_t *ints;
    double *floats;
    const char **strings;
} gti_onnx_attr;

typedef struct gti_onnx_op gti_onnx_op; /* op.h */

typedef struct {
    const char *type, *name, *domain;
    const gti_onnx_op *op;
    int n_in, n_out, n_attrs;
    int *in, *out; /* values by number; -1: not there */
    gti_onnx_attr *attr;
    gti_bytes message; /* where it came from */
} gti_onnx_node;

/* What a file says of a value. */
typedef struct {
    bool has_shape;
    gt_dtype dtype;
    gt_shape shape; /* 0: a dimension without a number */
} gti_onnx_type_shape;

struct gti_onnx_model {
    gti_store store;
    gti_names names; /* of values */
    uint8_t *bytes;  /* of the file */
    size_t size;
    int64_t ir, opset;
    gti_onnx_node *node;
    int n_nodes;
    gti_onnx_tensor *tensor; /* initializers and constants, */
    int *tensor_value;       /* and which values they are, */
    char **tensor_path;      /* and their paths in the module */
    int n_tensors;
    int *input, *output;             /* values; inputs with an initializer are none */
    gti_onnx_type_shape *input_type; /* of each input */
    int n_inputs, n_outputs;
    const char *path; /* as it was given */
    int users;        /* modules that share it */
};

/* Reads a file; errors name it, and the place in it. NULL after a failure. */
gti_onnx_model *gti_model_read(gt_ctx *gt, const char *path);
/* The same of bytes, which the model takes over and frees with free. */
gti_onnx_model *gti_model_parse(gt_ctx *gt, const char *path, uint8_t *bytes, size_t size);
void gti_model_free(gti_onnx_model *m);

#endif
