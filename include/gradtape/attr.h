/* Attributes: what the options and arguments of an operation, or of a function, are. A table says
 * it once, a row for each; from it the engine fills in defaults and checks ranges before the shape
 * rule runs, and documentation, labels of graphs and exporters are made.
 *
 *   typedef struct {
 *       gt_keywords gt_;
 *       double alpha;
 *       int stride[2];
 *   } my_opts;
 *   static const gt_attr my_attrs[] = {
 *       {GT_OPTION("alpha", my_opts, alpha), .otherwise = 1, .bounds = GT_FINITE,
 *        .meaning = "how steep it is"},
 *       {GT_OPTION("stride", my_opts, stride), .otherwise = 1, .bounds = GT_POSITIVE,
 *        .meaning = "steps between windows"},
 *   };
 *   ... .opts_size = sizeof(my_opts), .attrs = GT_ATTRS(my_attrs), */
#ifndef GRADTAPE_ATTR_H
#define GRADTAPE_ATTR_H

#include <float.h>
#include <gradtape/tensor.h>
#include <stddef.h>

GT_BEGIN_DECLS

typedef enum {
    GT_ATTR_INT,       /* int, or several, whose rows are written out */
    GT_ATTR_INT64,     /* int64_t, or several */
    GT_ATTR_REAL,      /* double, or several */
    GT_ATTR_PAIR,      /* int[2], of height and width: {3} is {3, 3} */
    GT_ATTR_PADDING,   /* the same, but {1, 0} as written where a pair above it in the table tells
                        * height from width */
    GT_ATTR_REAL_PAIR, /* double[2]: {3} is {3, 3} */
    GT_ATTR_CHOICE,    /* an enum, from 0 on */
    GT_ATTR_SWITCH,    /* bool; from here on there is nothing to fill in */
    GT_ATTR_SHAPE,     /* gt_shape */
    GT_ATTR_AXES,      /* unsigned, of GT_AXES; 0: all */
    GT_ATTR_TENSOR,    /* gt_tensor * or gt_tensor **: an input, or where to put a result */
} gt_attr_kind;

/* What values there may be; {0}: any. */
typedef struct {
    double low, high;
    unsigned but; /* of GT_NOT_..., exceptions */
} gt_bounds;
enum {
    GT_NOT_LOW = 1,     /* above low, not at it */
    GT_NOT_HIGH = 2,    /* below high */
    GT_NOT_ZERO = 4,    /* not 0 */
    GT_OR_INFINITE = 8, /* infinities, too */
};
/* For .bounds. None has room for a NaN, and all but the last ask for finite numbers. */
#define GT_BOUNDS(low, high, but)                                                                  \
    {                                                                                              \
        (low), (high), (but)                                                                       \
    }
#define GT_BETWEEN(low, high) GT_BOUNDS(low, high, 0) /* with the ends */
#define GT_AT_LEAST(low) GT_BOUNDS(low, DBL_MAX, 0)
#define GT_POSITIVE GT_BOUNDS(0, DBL_MAX, GT_NOT_LOW)
#define GT_NOT_NEGATIVE GT_BOUNDS(0, DBL_MAX, 0)
#define GT_FINITE GT_BOUNDS(-DBL_MAX, DBL_MAX, 0)
#define GT_NO_NAN GT_BOUNDS(-DBL_MAX, DBL_MAX, GT_OR_INFINITE)

typedef struct {
    const char *name; /* as users write it, "alpha"; "": the operation's own, and not shown */
    gt_attr_kind kind;
    int count;         /* of numbers, or 1 */
    size_t at;         /* place in the struct of options; 0 of tensors that are not in there */
    size_t length;     /* place of an int that says how many of them count; 0: all */
    bool argument;     /* taken as it is: 0 is 0, and there is no default */
    bool required;     /* an option that has to be given */
    double otherwise;  /* the default */
    size_t same;       /* place of the attribute above it whose value is the default; 0: none */
    const char *usual; /* the default in words, where the number does not say it */
    gt_bounds bounds;
    const char *choices; /* of CHOICE, names from 0 on: "GT_MEAN GT_SUM" */
    const char *meaning;
} gt_attr;

/* The beginning of a row, for a member of a struct; the kind follows from the member's type.
 * Choices, paddings and tensors beside the struct have rows of their own. */
#define GT_OPTION(name, type, member)                                                              \
    GT_ROW_(name, GT_KIND_((type *)0, member), GT_COUNT_((type *)0, member), type, member)
#define GT_ARGUMENT(name, type, member) GT_OPTION(name, type, member), .argument = true
#define GT_PADDING(name, type, member)                                                             \
    GT_ROW_(name, GT_ATTR_PADDING, GT_COUNT_((type *)0, member), type, member)
#define GT_CHOICE(name, type, member, n, names)                                                    \
    GT_ROW_(name, GT_ATTR_CHOICE, 1, type, member), .bounds = GT_BETWEEN(0, (n)-1),                \
                                                    .choices = (names)
#define GT_BESIDE(name_) .name = (name_), .kind = GT_ATTR_TENSOR, .count = 1
#define GT_ROW_(name_, kind_, count_, type, member)                                                \
    .name = (name_), .kind = (kind_), .count = (count_), .at = offsetof(type, member)
#ifdef __cplusplus
extern "C++" {
template <class T> struct gt_kind_;
template <class T> struct gt_kind_<T &> : gt_kind_<T> {
};
#define GT_KIND_IS_(is, n)                                                                         \
    {                                                                                              \
        static const gt_attr_kind kind = (is);                                                     \
        static const int count = (n);                                                              \
    }
template <> struct gt_kind_<int> GT_KIND_IS_(GT_ATTR_INT, 1);
template <> struct gt_kind_<int64_t> GT_KIND_IS_(GT_ATTR_INT64, 1);
template <> struct gt_kind_<double> GT_KIND_IS_(GT_ATTR_REAL, 1);
template <> struct gt_kind_<bool> GT_KIND_IS_(GT_ATTR_SWITCH, 1);
template <> struct gt_kind_<unsigned> GT_KIND_IS_(GT_ATTR_AXES, 1);
template <> struct gt_kind_<gt_shape> GT_KIND_IS_(GT_ATTR_SHAPE, 1);
template <> struct gt_kind_<int[2]> GT_KIND_IS_(GT_ATTR_PAIR, 2);
template <> struct gt_kind_<double[2]> GT_KIND_IS_(GT_ATTR_REAL_PAIR, 2);
template <int n> struct gt_kind_<int64_t[n]> GT_KIND_IS_(GT_ATTR_INT64, n);
}
#define GT_KIND_(p, member) gt_kind_<decltype((p)->member)>::kind
#define GT_COUNT_(p, member) gt_kind_<decltype((p)->member)>::count
#else
#define GT_KIND_(p, member)                                                                        \
    _Generic((p)->member,                                                                          \
             int: GT_ATTR_INT,                                                                     \
             int64_t: GT_ATTR_INT64,                                                               \
             double: GT_ATTR_REAL,                                                                 \
             bool: GT_ATTR_SWITCH,                                                                 \
             unsigned: GT_ATTR_AXES,                                                               \
             gt_shape: GT_ATTR_SHAPE,                                                              \
             int *: GT_ATTR_PAIR, \
             double *: GT_ATTR_REAL_PAIR,                                                          \
             int64_t *: GT_ATTR_INT64,                                                             \
             gt_tensor *: GT_ATTR_TENSOR,                                                          \
             gt_tensor **: GT_ATTR_TENSOR)
#define GT_COUNT_(p, member) (int)(sizeof((p)->member) / (GT_SIZE_(p, member)))
#define GT_SIZE_(p, member)                                                                        \
    _Generic((p)->member,                                                                          \
             int *: sizeof(int),                                                                   \
             double *: sizeof(double),                                                             \
             int64_t *: sizeof(int64_t),                                                           \
             default: sizeof((p)->member))
#endif

/* A table. */
typedef struct {
    const gt_attr *row;
    int n;
    bool fill; /* the struct begins with a gt_keywords, and is to be completed */
} gt_attrs;
#define GT_ATTRS(rows)                                                                             \
    {                                                                                              \
        (rows), (int)(sizeof(rows) / sizeof *(rows)), true                                         \
    }
/* Of what is taken as it is: there is nothing to fill in or to check, and no gt_keywords. */
#define GT_PLAIN_ATTRS(rows)                                                                       \
    {                                                                                              \
        (rows), (int)(sizeof(rows) / sizeof *(rows)), false                                        \
    }

/* What begins a struct of options that is complete. The engine completes a copy of each call's
 * options, so rules may hand n->opts, or changed copies of it, on to operations with the same
 * options: it does not do so twice. */
extern const struct gt_no_options_by_place gt_complete_mark;
#define GT_COMPLETE (&gt_complete_mark)

/* Completes opts, a struct that the table describes, for functions made of operations: 0 becomes
 * the default, GT_ZERO 0. False when a value is out of bounds or missing, with a failure of gt by
 * name: "elu: alpha is inf, must be finite". */
bool gt_complete(gt_ctx *gt, const char *what, const gt_attrs *attrs, void *opts);

/* Whether a table can be worked with, for structs of this size: rows lie inside it, do not overlap,
 * and are of what they say. Otherwise `why`, of 160 bytes, gets the reason. */
bool gt_attrs_ok(const gt_attrs *attrs, size_t opts_size, char *why);

/* --- reading: opts are complete, as those of nodes are --- */

/* The row of this name, or NULL. */
const gt_attr *gt_attr_find(const gt_attrs *attrs, const char *name);
/* Number i of an attribute, of any kind but shapes and tensors; a switch is 0 or 1, a set of axes
 * its bits. 0 where there is none, or no whole number. */
double gt_attr_real(const gt_attr *a, const void *opts, int i);
int64_t gt_attr_whole(const gt_attr *a, const void *opts, int i);
/* The value as one would write it: "{2, 1}", "0.2", "GT_SUM", "GT_AXES(0, -1)", "[2,3]". Writes
 * into buf (always terminated) and returns it. */
char *gt_attr_format(const gt_attr *a, const void *opts, char *buf, size_t size);
/* The default likewise: "{1}", "kernel", "required". */
char *gt_attr_default(const gt_attrs *attrs, const gt_attr *a, char *buf, size_t size);
/* Arguments, and options that are not the default: "axis=1, stride={2, 2}", or "". */
char *gt_attrs_format(const gt_attrs *attrs, const void *opts, char *buf, size_t size);

GT_END_DECLS
#endif
