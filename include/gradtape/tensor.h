/* Tensors: row-major, contiguous, up to GT_MAX_DIMS dimensions. */
#ifndef GRADTAPE_TENSOR_H
#define GRADTAPE_TENSOR_H

#include <gradtape/context.h>

GT_BEGIN_DECLS

#define GT_MAX_DIMS 8

/* f32 and f64 are differentiable; i64 holds labels and indices, u8 images and masks. What is to be
 * known of them stands in dtypes.def; nothing else compares dtypes to find it out. */
typedef enum {
#define GT_DTYPE(NAME, name, type, floating, epsilon, torch) GT_##NAME,
#include <gradtape/dtypes.def>
#undef GT_DTYPE
} gt_dtype;
#define GT_N_DTYPES 4
const char *gt_dtype_name(gt_dtype dtype); /* "f32"; "?" for a value that is no dtype */
/* From 1 to the next larger number, as torch.finfo(dtype).eps; 0 for whole numbers. */
double gt_dtype_epsilon(gt_dtype dtype);
/* In bytes; 0 for a value that is no dtype. */
static inline size_t gt_dtype_size(gt_dtype dtype)
{
    switch (dtype) {
#define GT_DTYPE(NAME, name, type, floating, epsilon, torch)                                       \
    case GT_##NAME:                                                                                \
        return sizeof(type);
#include <gradtape/dtypes.def>
#undef GT_DTYPE
    }
    return 0;
}
/* f32 and f64: has gradients, and can be Inf and NaN. */
static inline bool gt_is_floating(gt_dtype dtype)
{
    static const bool is[GT_N_DTYPES] = {
#define GT_DTYPE(NAME, name, type, floating, epsilon, torch) floating,
#include <gradtape/dtypes.def>
#undef GT_DTYPE
    };
    return (unsigned)dtype < GT_N_DTYPES && is[dtype];
}

typedef struct {
    int ndim;                 /* 0 for a scalar; -1 marks a shape with too many dimensions */
    int64_t dim[GT_MAX_DIMS]; /* dim[ndim..] are 0 */
} gt_shape;
/* A shape written by hand may be none: every function that takes one says so. */
static inline bool gt_has_dims(const gt_shape *s) /* as many as there can be */
{
    return s->ndim >= 0 && s->ndim <= GT_MAX_DIMS;
}
static inline bool gt_is_shape(const gt_shape *s) /* and none is negative */
{
    for (int i = 0; gt_has_dims(s) && i < s->ndim; i++)
        if (s->dim[i] < 0) return false;
    return gt_has_dims(s);
}
/* GT_SHAPE(2, 3) is the shape [2,3]; GT_SCALAR is [], the shape of a single number. */
gt_shape gt_shape_of(int ndim, const int64_t *dim);
bool gt_shape_equal(gt_shape a, gt_shape b); /* what is no shape equals nothing */
/* Writes "[2,3]" into buf and returns buf (always terminated; 128 bytes hold any shape that has
 * elements, and 192 any). */
char *gt_shape_format(gt_shape shape, char *buf, size_t size);
#define GT_SHAPE(...) gt_shape_of(GT_COUNTED(int64_t, __VA_ARGS__))
#define GT_SCALAR gt_shape_of(0, NULL)

/* Read these fields, do not write them; the data of a leaf may be written before it is used. */
struct gt_tensor {
    gt_ctx *ctx;
    void *data;      /* row-major, contiguous, 64-byte aligned; never NULL, also when size is 0 */
    gt_tensor *grad; /* of a leaf, after gt_backward, until rewound; same shape and dtype */
    int64_t size;    /* number of elements */
    gt_shape shape;
    gt_dtype dtype;
    bool requires_grad; /* asked for (leaf), or computed from something that requires it */
    const char *where;  /* "train.c:42", the call that made it; NULL if unknown */
};

/* gt_shape_equal of what are shapes, on the spot: handing over by value a shape that was just
 * written takes longer. */
static inline bool gt_same_dims(const gt_shape *a, const gt_shape *b)
{
    if (a->ndim != b->ndim) return false;
    for (int i = 0; i < a->ndim; i++)
        if (a->dim[i] != b->dim[i]) return false;
    return true;
}

/* The same of two tensors, for shape rules. */
static inline bool gt_same_shape(const gt_tensor *a, const gt_tensor *b)
{
    return gt_same_dims(&a->shape, &b->shape);
}

static inline gt_tensor *gt_at_(gt_tensor *made, const char *where)
{
    if (made) made->where = where;
    else gt_note_site_(where);
    return made;
}

/* --- making tensors ---
 * All belong to the step: gt_rewind past their birth drops them, gt_keep lifts them out. Options by
 * name: gt_zeros(gt, GT_SHAPE(2, 3), .dtype = GT_F64, .requires_grad = true) Errors: GT_ERR_SHAPE
 * for a negative dimension or more than GT_MAX_DIMS, GT_ERR_ARGUMENT for a number that the dtype
 * cannot hold (300 or 0.5 in u8, 1e300 in f32), GT_ERR_MEMORY when the size overflows or memory is
 * short, GT_ERR_DTYPE for gradients on i64 or u8. */
typedef struct {
    gt_keywords gt_;
    gt_dtype dtype;     /* GT_F32 */
    bool requires_grad; /* a leaf that gt_backward fills the grad of */
} gt_new_opts;
/* Of an array's elements: GT_C_TYPE(pointer) knows it, at compile time. */
typedef enum {
    GT_C_ANY = 0, /* void *: those of the dtype */
    GT_C_FLOAT,
    GT_C_DOUBLE,
    GT_C_INT,
    GT_C_LONG,
    GT_C_LONG_LONG,
    GT_C_BYTE, /* uint8_t, bool */
} gt_c_type;
// clang-format off
#define GT_C_TYPES_(ROW)                                                                           \
    ROW(float, GT_C_FLOAT) ROW(double, GT_C_DOUBLE) ROW(int, GT_C_INT) ROW(long, GT_C_LONG)        \
    ROW(long long, GT_C_LONG_LONG) ROW(unsigned char, GT_C_BYTE)
#ifdef __cplusplus
extern "C++" {
template <class T> gt_c_type gt_c_type_of(const T *) = delete; /* no type of an element */
inline gt_c_type gt_c_type_of(const void *) { return GT_C_ANY; }
inline gt_c_type gt_c_type_of(decltype(nullptr)) { return GT_C_ANY; }
#define GT_C_ROW_(type, is) inline gt_c_type gt_c_type_of(const type *) { return is; }
GT_C_TYPES_(GT_C_ROW_) GT_C_ROW_(bool, GT_C_BYTE)
}
#define GT_C_TYPE(pointer) gt_c_type_of(pointer)
#else
#define GT_C_ROW_(type, is) , type *: (is), const type *: (is)
#define GT_C_TYPE(pointer)                                                                         \
    _Generic((pointer), void *: GT_C_ANY, const void *: GT_C_ANY                                   \
             GT_C_TYPES_(GT_C_ROW_) GT_C_ROW_(_Bool, GT_C_BYTE))
#endif
// clang-format on

gt_tensor *gt_empty_(gt_ctx *gt, gt_shape shape, gt_new_opts opts);
gt_tensor *gt_full_(gt_ctx *gt, gt_shape shape, double value, gt_new_opts opts);
gt_tensor *gt_from_(gt_ctx *gt, gt_shape shape, const void *data, gt_c_type type, gt_new_opts opts);
gt_tensor *gt_values_(gt_ctx *gt, gt_shape shape, size_t n, const double *values, gt_new_opts opts);
gt_tensor *gt_arange_(gt_ctx *gt, double start, double stop, double step, gt_new_opts opts);
gt_tensor *gt_linspace_(gt_ctx *gt, double start, double stop, int64_t n, gt_new_opts opts);
gt_tensor *gt_eye_(gt_ctx *gt, int64_t rows, int64_t columns, gt_new_opts opts);
gt_tensor *gt_rand_(gt_ctx *gt, gt_shape shape, gt_new_opts opts);
gt_tensor *gt_randn_(gt_ctx *gt, gt_shape shape, gt_new_opts opts);
gt_tensor *gt_uniform_(gt_ctx *gt, gt_shape shape, double low, double high, gt_new_opts opts);
/* Whole numbers in [low, high) as i64, and a permutation of 0..n-1 as i64; PyTorch's numbers for
 * the same seed. */
gt_tensor *gt_randint(gt_ctx *gt, int64_t low, int64_t high, gt_shape shape);
#define gt_randint(gt, low, high, shape) GT_AT(gt_randint(gt, low, high, shape))
gt_tensor *gt_randperm(gt_ctx *gt, int64_t n);
#define gt_randperm(gt, n) GT_AT(gt_randperm(gt, n))

/* n categories of each row of weights [c] or [rows,c], which need not add up to 1, as i64 [n] or
 * [rows,n]; PyTorch's numbers for the same seed. Not differentiable. Errors: GT_ERR_ARGUMENT for
 * weights that are negative, not finite or all 0, and more categories than there are. */
typedef struct {
    gt_keywords gt_;
    bool replacement; /* a category may come again */
} gt_multinomial_opts;
gt_tensor *gt_multinomial_(gt_tensor *weights, int64_t n, gt_multinomial_opts opts);
/* gt_multinomial(p, 1), gt_multinomial(p, 10, .replacement = true) */
#define gt_multinomial(weights, ...) GT_MULTINOMIAL_(weights, __VA_ARGS__, )
#define GT_MULTINOMIAL_(weights, n, ...)                                                           \
    GT_AT(gt_multinomial_(weights, n, GT_OPTS(gt_multinomial_opts, __VA_ARGS__)))

/* The state of the context's generator, and of the keys that dropout draws, as i64 numbers without
 * further meaning; setting it goes on from there. Errors: GT_ERR_ARGUMENT, GT_ERR_SHAPE and
 * GT_ERR_DTYPE for a tensor that is no such state. */
gt_tensor *gt_get_random_state(gt_ctx *gt);
#define gt_get_random_state(gt) GT_AT(gt_get_random_state(gt))
gt_status gt_set_random_state(gt_ctx *gt, const gt_tensor *state);
#define gt_set_random_state(gt, state) GT_STATUS_AT(gt_set_random_state(gt, state))

/* gt_empty: uninitialised. */
#define gt_empty(gt, ...) GT_EMPTY_(gt, __VA_ARGS__, )
#define GT_EMPTY_(gt, shape, ...) GT_AT(gt_empty_(gt, shape, GT_OPTS(gt_new_opts, __VA_ARGS__)))
#define gt_zeros(gt, ...) GT_ZEROS_(gt, __VA_ARGS__, )
#define GT_ZEROS_(gt, shape, ...) GT_AT(gt_full_(gt, shape, 0.0, GT_OPTS(gt_new_opts, __VA_ARGS__)))
#define gt_ones(gt, ...) GT_ONES_(gt, __VA_ARGS__, )
#define GT_ONES_(gt, shape, ...) GT_AT(gt_full_(gt, shape, 1.0, GT_OPTS(gt_new_opts, __VA_ARGS__)))
/* gt_full(gt, shape, value, ...) */
#define gt_full(gt, shape, ...) GT_FULL_(gt, shape, __VA_ARGS__, )
#define GT_FULL_(gt, shape, value, ...)                                                            \
    GT_AT(gt_full_(gt, shape, value, GT_OPTS(gt_new_opts, __VA_ARGS__)))
/* gt_scalar(gt, value, ...): shape []. */
#define gt_scalar(gt, ...) GT_SCALAR_(gt, __VA_ARGS__, )
#define GT_SCALAR_(gt, value, ...)                                                                 \
    GT_AT(gt_full_(gt, GT_SCALAR, value, GT_OPTS(gt_new_opts, __VA_ARGS__)))
/* gt_from(gt, shape, data, ...): as many elements as the shape has, row-major, from an array of
 * float, double, int, long, long long, uint8_t or bool, each converted to the dtype (f32, also of
 * uint8_t, unless .dtype says otherwise); a number that it cannot hold is GT_ERR_ARGUMENT. Other
 * types do not compile; void * is taken for elements of the dtype. Of an array in two dimensions
 * give its first element: &a[0][0]. */
#define gt_from(gt, shape, ...) GT_FROM_(gt, shape, __VA_ARGS__, )
#define GT_FROM_(gt, shape, data, ...)                                                             \
    GT_AT(gt_from_(gt, shape, data, GT_C_TYPE(data), GT_OPTS(gt_new_opts, __VA_ARGS__)))
/* gt_values(gt, GT_SHAPE(2, 2), 1, 2, 3, 4): the numbers in the call, as f32; their count must be
 * the shape's. It takes no options; gt_require_grad(t, true) asks for its gradient, and
 * gt_values_as(gt, GT_SHAPE(3), GT_I64, 2, 0, 1) for another dtype. */
#define gt_values(gt, shape, ...)                                                                  \
    GT_AT(gt_values_(gt, shape, GT_COUNTED(double, __VA_ARGS__), GT_OPTS(gt_new_opts, )))
#define gt_values_as(gt, shape, is, ...)                                                           \
    GT_AT(gt_values_(gt, shape, GT_COUNTED(double, __VA_ARGS__),                                   \
                     GT_OPTS(gt_new_opts, .dtype = (is), )))
/* gt_arange(gt, start, stop, step, ...): start, start + step, ... below stop (above it when step <
 * 0). */
#define gt_arange(gt, start, stop, ...) GT_ARANGE_(gt, start, stop, __VA_ARGS__, )
#define GT_ARANGE_(gt, start, stop, step, ...)                                                     \
    GT_AT(gt_arange_(gt, start, stop, step, GT_OPTS(gt_new_opts, __VA_ARGS__)))
/* gt_linspace(gt, start, stop, n, ...): n numbers from start to stop, both with them, equally far
 * apart. */
#define gt_linspace(gt, start, stop, ...) GT_LINSPACE_(gt, start, stop, __VA_ARGS__, )
#define GT_LINSPACE_(gt, start, stop, n, ...)                                                      \
    GT_AT(gt_linspace_(gt, start, stop, n, GT_OPTS(gt_new_opts, __VA_ARGS__)))
/* gt_eye(gt, rows, columns, ...): ones on the main diagonal, zeros elsewhere. */
#define gt_eye(gt, rows, ...) GT_EYE_(gt, rows, __VA_ARGS__, )
#define GT_EYE_(gt, rows, columns, ...)                                                            \
    GT_AT(gt_eye_(gt, rows, columns, GT_OPTS(gt_new_opts, __VA_ARGS__)))
/* Uniform in [0,1), and standard normal: PyTorch's numbers for the same seed. f32 and f64. */
#define gt_rand(gt, ...) GT_RAND_(gt, __VA_ARGS__, )
#define GT_RAND_(gt, shape, ...) GT_AT(gt_rand_(gt, shape, GT_OPTS(gt_new_opts, __VA_ARGS__)))
#define gt_randn(gt, ...) GT_RANDN_(gt, __VA_ARGS__, )
#define GT_RANDN_(gt, shape, ...) GT_AT(gt_randn_(gt, shape, GT_OPTS(gt_new_opts, __VA_ARGS__)))
/* gt_uniform(gt, shape, low, high, ...): u * (high - low) + low. */
#define gt_uniform(gt, shape, low, ...) GT_UNIFORM_(gt, shape, low, __VA_ARGS__, )
#define GT_UNIFORM_(gt, shape, low, high, ...)                                                     \
    GT_AT(gt_uniform_(gt, shape, low, high, GT_OPTS(gt_new_opts, __VA_ARGS__)))
/* As t in shape and dtype; never requiring gradients. */
gt_tensor *gt_empty_like(gt_tensor *t);
#define gt_empty_like(t) GT_AT(gt_empty_like(t))
gt_tensor *gt_full_like(gt_tensor *t, double value);
#define gt_full_like(t, value) GT_AT(gt_full_like(t, value))
#define gt_zeros_like(t) gt_full_like(t, 0.0)
#define gt_ones_like(t) gt_full_like(t, 1.0)

/* --- lifetime --- */
/* Lifts t out of the tape: returns a tensor that outlives rewinds, until gt_free or until its
 * context closes. Use that one from now on. It takes over t's data without copying (but for views,
 * which are copied) and t itself lives on as an alias until the tape is rewound past its birth. The
 * kept tensor is a leaf: it requires gradients if t is a leaf that does, and is detached from the
 * operation that made t. A kept tensor is returned as it is. */
gt_tensor *gt_keep(gt_tensor *t);
/* Why t's data cannot be used, "was dropped by gt_rewind; ...", or NULL when it can: for messages
 * of functions that read it. */
const char *gt_unusable(const gt_tensor *t);
#define gt_keep(t) GT_AT(gt_keep(t))
/* Frees a kept tensor. NULL is fine. A tensor that is still on the tape is only given back to it:
 * the next rewind past its birth drops it. */
void gt_free(gt_tensor *t);
#define gt_free(t) GT_VOID_AT(gt_free(t))

/* --- reading and writing --- */
double gt_item(const gt_tensor *t); /* the only element; otherwise NaN and an error */
#define gt_item(t) GT_NUMBER_AT(gt_item(t))
double gt_get_(const gt_tensor *t, int n, const int64_t *index);
/* gt_get(t, i, j, ...): one element, an index for each dimension; otherwise NaN and an error. */
#define gt_get(t, ...) GT_NUMBER_AT(gt_get_(t, GT_COUNTED(int64_t, __VA_ARGS__)))

/* Element i of t, of any dtype, as a number, and a number as that element. Nothing is checked: i
 * lies within t, whose data can be used, a whole number beyond 2^53 is rounded, and value fits.
 * Writing is to be followed by gt_touch. */
static inline double gt_load_element(const gt_tensor *t, int64_t i)
{
    switch (t->dtype) {
#define GT_DTYPE(NAME, name, type, floating, epsilon, torch)                                       \
    case GT_##NAME:                                                                                \
        return (double)((const type *)t->data)[i];
#include <gradtape/dtypes.def>
#undef GT_DTYPE
    }
    return 0;
}
static inline void gt_store_element(gt_tensor *t, int64_t i, double value)
{
    switch (t->dtype) {
#define GT_DTYPE(NAME, name, type, floating, epsilon, torch)                                       \
    case GT_##NAME:                                                                                \
        ((type *)t->data)[i] = (type)value;                                                        \
        break;
#include <gradtape/dtypes.def>
#undef GT_DTYPE
    }
}

/* In-place changes. They raise the version of t's data: a tape that still needs the old values
 * refuses gt_backward. */
gt_status gt_fill(gt_tensor *t, double value);
#define gt_fill(t, value) GT_STATUS_AT(gt_fill(t, value))
/* t[..., start:stop, ...] = value along axis (negative axes, starts and stops count from the end,
 * as in Python). */
gt_status gt_fill_slice(gt_tensor *t, int axis, int64_t start, int64_t stop, double value);
#define gt_fill_slice(t, axis, start, stop, value)                                                 \
    GT_STATUS_AT(gt_fill_slice(t, axis, start, stop, value))
/* Copies the elements of a tensor of the same shape and dtype, which may belong to another context.
 */
gt_status gt_copy_into(gt_tensor *to, const gt_tensor *from);
#define gt_copy_into(to, from) GT_STATUS_AT(gt_copy_into(to, from))
/* To be called after writing to t->data directly, for the same reason. */
void gt_touch(gt_tensor *t);

/* Asks for (or no longer for) gradients of a leaf. */
void gt_require_grad(gt_tensor *t, bool on);
#define gt_require_grad(t, on) GT_VOID_AT(gt_require_grad(t, on))
/* t's values as a constant: shares the data, requires no gradient. */
gt_tensor *gt_detach(gt_tensor *t);
#define gt_detach(t) GT_AT(gt_detach(t))

/* A name for messages, graphs and printing; copied (at most 47 bytes). Parameters get theirs from
 * the module. */
gt_tensor *gt_set_name(gt_tensor *t, const char *name);
#define gt_set_name(t, name) GT_AT(gt_set_name(t, name))
const char *gt_name(const gt_tensor *t); /* "" when it has none */

/* What a mean averaged over: its weight in a mean of means. Losses that are means (GT_MEAN,
 * GT_BATCHMEAN) know it: the labels that count, their classes' weights added up, elements or rows;
 * so does gt_mean of everything. What is computed from them does not; a mean of one's own is told:
 *
 *   return gt_set_mean_weight(gt_div(gt_sum(gt_mul(losses, mask)), n), gt_item(n));
 *
 * A weight of 0 says that there was nothing to average; such a mean, mostly NaN, counts for
 * nothing. Errors: GT_ERR_SHAPE for more than one element, GT_ERR_ARGUMENT for a weight that is
 * negative or not finite, GT_ERR_STATE for a tensor that was dropped. */
gt_tensor *gt_set_mean_weight(gt_tensor *t, double weight);
#define gt_set_mean_weight(t, weight) GT_AT(gt_set_mean_weight(t, weight))
double gt_mean_weight(const gt_tensor *t); /* NaN when unknown */
#define gt_mean_weight(t) GT_NUMBER_AT(gt_mean_weight(t))

/* Prints as PyTorch does, and ends the line; a tensor that is gone is an error:
 * "tensor([[19., 25.],\n        [37., 43.]])". */
void gt_print(FILE *f, const gt_tensor *t);
#define gt_print(f, t) GT_VOID_AT(gt_print(f, t))

GT_END_DECLS
#endif
