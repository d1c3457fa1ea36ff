/* What the files of src/io share. */
#ifndef GTI_IO_IO_H
#define GTI_IO_IO_H

#include <gradtape/io.h>
#include <gradtape/op.h>
#include <gradtape/profile.h>

#include "io/text.h"

/* --- text.c --- */

/* The path of the present tensor below `prefix`, replacing what was there. NULL when out of
 * memory. */
const char *gti_text_path(gti_text *t, const char *prefix, const gt_state_iter *it);
const char *gti_text_optim(gti_text *t, const char *prefix, const gt_optim_iter *it);

/* A name from a file, fit for a message: at most 80 bytes, no control characters. Returns buf. */
enum { GTI_SHOWN = 96 };
char *gti_text_show(const char *name, char buf[GTI_SHOWN]);
/* The rest of s behind prefix; NULL when s does not begin with it. */
const char *gti_text_behind(const char *s, const char *prefix);

/* Whether a call may begin: the context is well and the path is there. */
bool gti_io_ready(gt_ctx *gt, const char *what, const char *path);
/* Whether the machine has the byte order of the format; otherwise fails. */
bool gti_io_little_endian(gt_ctx *gt, const char *what);

/* --- file.c --- */

/* The status of gt_file_commit. */
gt_status gti_file_commit(gt_file *f);

/* --- temporary.c --- */

/* Opens a new file, to be written, in the folder that is the first `folder` bytes of target, and
 * removes what killed processes left there. Its path to *name, to be freed. Whoever writes it keeps
 * a descriptor of it open until it has its own name. -1 after a failure, with errno. */
int gti_temporary_open(const char *target, size_t folder, char **name);

/* --- safetensors: one tensor of a file --- */

enum { GTI_HEADER_LIMIT = 100000000 }; /* bytes, as in the reference implementation */

typedef struct gti_st_type gti_st_type; /* a dtype of the format */
struct gti_st_type {
    const char *name; /* "BF16" */
    int bits;
    bool readable;
    gt_dtype dtype; /* what it is read as, if it is */
};

/* --- safetensors_write.c --- */

/* What is to be written. */
typedef struct {
    char *name; /* owned */
    gt_dtype dtype;
    gt_shape shape;
    const void *data;    /* NULL: `bits` */
    uint64_t bits;       /* a number of its own */
    int64_t begin, size; /* bytes */
} gti_st_item;
/* Functions that add return false after a failure of gt, on behalf of `what`. */
typedef struct {
    gt_ctx *gt;
    const char *what;
    gti_st_item *at;
    size_t n, room;
} gti_st_items;
bool gti_st_add(gti_st_items *list, const char *name, const gt_tensor *t);
bool gti_st_add_f64(gti_st_items *list, const char *name, double number);
bool gti_st_add_i64(gti_st_items *list, const char *name, int64_t number);
/* All of a module's state, names behind prefix. */
bool gti_load_list_module(gti_st_items *list, const char *prefix, const gt_module *m);
/* Writes the file. `own` is a list of metadata that the caller's entries may replace; NULL: none.
 */
gt_status gti_st_write(gti_st_items *list, const char *path, const gt_metadata *own,
                       const gt_metadata *metadata);
void gti_st_items_free(gti_st_items *list);

/* --- safetensors_read.c --- */

/* One tensor of a file. */
typedef struct {
    const char *name;
    const gti_st_type *type;
    int ndim; /* only the first GT_MAX_DIMS are in shape */
    gt_shape shape;
    int64_t elements;
    int64_t begin, end; /* bytes, from the start of the data */
    bool used;          /* for the caller */
} gti_st_entry;

typedef struct {
    gt_ctx *gt;
    const char *what, *path;
    gt_span span; /* from its opening to its end */
    int fd;
    char *header; /* that names and metadata lie in */
    size_t header_size;
    int64_t data, size;   /* where the data begins in the file, and its bytes */
    uint8_t *bytes;       /* all of the data, once fetched */
    size_t mapped;        /* of the file, which they are in; 0: in memory of their own */
    gti_st_entry *at;     /* in the order of their data */
    gti_st_entry **named; /* by name */
    size_t n;
    gt_metadata *metadata; /* by name, ended by an entry without one */
    size_t n_metadata;
} gti_st;
/* Opens a file and checks everything but the elements. False after a failure. */
bool gti_st_open(gti_st *s, gt_ctx *gt, const char *what, const char *path);
void gti_st_close(gti_st *s);
/* Fails on behalf of what is read; false. */
bool gti_st_fail(const gti_st *s, gt_status code, const char *fmt, ...) GT_PRINTF(3, 4);
/* Fills in what the header says, and checks it. */
bool gti_st_parse(gti_st *s);
/* NULL when there is none. */
gti_st_entry *gti_st_find(const gti_st *s, const char *name);
const char *gti_st_metadata(const gti_st *s, const char *name);
/* n bytes at `from`, which may be in what was fetched. */
bool gti_st_read_at(const gti_st *s, void *to, int64_t n, int64_t from);
/* Whether the elements can become a tensor of this dtype. */
bool gti_st_fits(const gti_st_entry *e, gt_dtype dtype);
/* "f32 [2,3]", as it stands in the file. */
char *gti_st_describe(const gti_st_entry *e, char *buf, size_t size);
/* Reads the elements into t, which has the entry's shape and a dtype that fits. */
bool gti_st_read(const gti_st *s, const gti_st_entry *e, gt_tensor *t);
/* The same into a tensor of its own, kept. */
gt_tensor *gti_st_make(const gti_st *s, const gti_st_entry *e);

/* --- safetensors_fetch.c --- */

/* All of the data; gti_st_read has nothing left to fail at then. */
bool gti_st_fetch(gti_st *s);
void gti_st_drop(gti_st *s);

/* --- safetensors_types.c --- */

/* NULL when there is no such type. */
const gti_st_type *gti_st_type_find(const char *name);
const char *gti_st_type_name(gt_dtype dtype);
/* n elements of a readable type to a dtype that fits. */
void gti_st_convert(const gti_st_type *type, int64_t n, const uint8_t *from, gt_dtype dtype,
                    void *to);

/* --- load.c --- */

/* What is to be read, and where to. */
typedef struct {
    const gti_st_entry *entry;
    gt_tensor *to;
} gti_load_pair;
/* The module's part of a file, and all that is to be read into tensors that are there. */
typedef struct {
    gti_st *file;
    gt_module *module;
    const char *prefix;
    bool has_options; /* the caller's, for a hint to name */
    gti_load_pair *pair;
    size_t n, room;
} gti_load;
bool gti_load_add(gti_load *l, const gti_st_entry *e, gt_tensor *to);
/* Checks that the module fits as opts ask, marks its entries as used and adds them; changes nothing
 * in it. */
bool gti_load_check(gti_load *l, const gt_load_opts *opts);
/* Reads the pairs, from a file that has been fetched. */
void gti_load_read(const gti_load *l);
void gti_load_free(gti_load *l);
/* The first module from m on that has lazy parameters still to be made; NULL if none. */
const gt_module *gti_load_find_lazy(const gt_module *m);

#endif
