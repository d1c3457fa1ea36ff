/* Writing a graph as a C file: what its parts share. */
#ifndef GTI_CFILE_CFILE_H
#define GTI_CFILE_CFILE_H

#include <gradtape/cfile.h>

#include "base/names.h"
#include "base/places.h"
#include "graph/reading.h"
#include "io/text.h"

/* --- text.c --- */

/* A number as C has it, exactly: "0.5f", "0x1.8p-30f", "INFINITY". It is in buf, or
 * static. */
enum { GTI_CFILE_NUMBER = 32 };
const char *gti_cfile_number(float v, char buf[GTI_CFILE_NUMBER]);
/* Letters, digits and '_' of a name; others become '_'. Returns buf. */
enum { GTI_CFILE_NAME = 64 };
const char *gti_cfile_identifier(const char *name, char buf[GTI_CFILE_NAME]);
/* Adds text that can stand in a comment, whatever it is. */
void gti_cfile_add_comment(gti_text *t, const char *text);
const char *gti_cfile_type(gt_dtype dtype); /* "float" */

/* --- the export --- */

typedef enum { GTI_CFILE_NOWHERE, GTI_CFILE_MEMORY, GTI_CFILE_GIVEN, GTI_CFILE_ARRAY } gti_home;

/* A value of the graph. */
typedef struct {
    int root; /* the value whose memory it shares, or itself */
    gti_home home;
    const char *name; /* of what is given (inputs, the output) and of arrays */
    gti_place place;
} gti_cfile_value;

/* A node of the graph. */
typedef struct {
    bool gone;       /* another one does its work */
    int result;      /* what it writes instead of its own result; -1: that */
    int norm;        /* the batch norm that is folded into it; -1: none */
    float low, high; /* results are moved between these */
    gti_place scratch;
} gti_cfile_node;

/* Numbers that the file has. */
typedef struct {
    const char *name, *comment;
    gt_shape shape;
    gt_dtype dtype;
    const void *data;
    size_t offset; /* in the weights file, in floats, */
    bool apart;    /* where it is in that */
} gti_cfile_array;

typedef struct {
    gti_reading r;
    gt_export_c_opts opts;
    const char *prefix, *header, *upper; /* "net", "net.h", "NET" */
    gti_cfile_value *value;
    gti_cfile_node *node;
    gti_cfile_array *array;
    int n_arrays, arrays_room;
    gti_names taken;              /* names in the file */
    gti_text body;                /* of the function */
    bool *used;                   /* sections of kernels.inc, by number */
    size_t elements[GT_N_DTYPES]; /* of memory */
    size_t apart;                 /* floats of the weights file */
    int at;                       /* the present node */
} gti_cfile;

/* A text that lives as long as the export. */
const char *gti_cfile_format(gti_cfile *c, const char *fmt, ...) GT_PRINTF(2, 3);

/* --- memory.c, fold.c --- */
bool gti_cfile_plan(gti_cfile *c);
/* Convolutions take over what follows them. */
void gti_cfile_fold(gti_cfile *c);
/* Whether the elements of a leaf are at hand. */
bool gti_cfile_is_fixed(const gti_cfile *c, int value);
/* What the present node writes as output i. */
int gti_cfile_out(const gti_cfile *c, int i);

/* --- arrays.c --- */
/* A pointer to a value, as an expression; NULL after a failure. */
const char *gti_cfile_pointer(gti_cfile *c, int value);
const char *gti_cfile_scratch_pointer(gti_cfile *c);
/* The elements of a leaf; NULL after a failure. */
const void *gti_cfile_data(gti_cfile *c, int value);
/* A pointer to numbers of the file's own, of which it takes no copy. */
const char *gti_cfile_new_array(gti_cfile *c, const char *name, gt_dtype dtype, gt_shape shape,
                                const void *data);
/* A name that nothing in the file has. */
const char *gti_cfile_new_name(gti_cfile *c, const char *name);

/* --- kernels.c --- */
extern const char *const gti_cfile_lines[]; /* kernels.inc */
/* Has the sections of these names, with blanks between, written. */
void gti_cfile_use(gti_cfile *c, const char *names);
int gti_cfile_count_sections(void);
void gti_cfile_add_sections(const gti_cfile *c, gti_text *t);

/* --- loops.c --- */

/* What loops over axes are called; "p" and "q" stand for attributes. */
extern const char gti_cfile_index[GT_MAX_DIMS + 1];

/* How an array is gone through: its element is at offset + the sum of strides times indices. An
 * axis with a table takes the index from that. */
typedef struct {
    const char *pointer; /* or, where there are no strides to follow, a number */
    int64_t offset, stride[GT_MAX_DIMS];
    const char *table[GT_MAX_DIMS];
    gt_dtype dtype;
    bool number;
} gti_access;
/* Of a value, read under a shape that it broadcasts to. */
gti_access gti_cfile_access(gti_cfile *c, int value, const gt_shape *shape);
/* y = the expression for all elements of the shape; "$0" is the element of in[0], "$i" to "$n"
 * indices: then no loops are joined. */
void gti_cfile_loops(gti_cfile *c, gt_shape shape, gti_access y, int n_in, gti_access *in,
                     const char *expression);

/* --- operations --- */

typedef struct gti_cfile_row {
    const char *op;
    bool (*write)(gti_cfile *c, const struct gti_cfile_row *row);
    const char *as;     /* the expression, or the function */
    const char *p, *q;  /* attributes that are $p and $q in it */
    const char *uses;   /* sections */
    const char *reason; /* instead: why it cannot be written */
    bool in_place;      /* may write where it reads */
} gti_cfile_row;
extern const gti_cfile_row gti_cfile_elementwise[], gti_cfile_moves[], gti_cfile_windows[],
    gti_cfile_rows[], gti_cfile_products[], gti_cfile_losses[];
const gti_cfile_row *gti_cfile_find(const char *op);

/* Of the present node. */
#define GTI_WHOLE(c, name, i) gti_reading_whole(&(c)->r, name, i)
#define GTI_REAL(c, name) gti_reading_real(&(c)->r, name, 0)
static inline const gt_graph_value *gti_cfile_in(const gti_cfile *c, int i)
{
    return gti_reading_value(&c->r, i);
}
/* An input as a pointer; "NULL" where there is none. */
const char *gti_cfile_in_pointer(gti_cfile *c, int i);
const char *gti_cfile_out_pointer(gti_cfile *c, int i);

/* --- write.c --- */
bool gti_cfile_write(gti_cfile *c, const char *path);

#endif
