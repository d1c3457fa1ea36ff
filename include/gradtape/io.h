/* Saving and loading: weights, lists of tensors, and whole runs of training.
 *
 *   if (gt_save(net, "lenet.safetensors") != GT_OK) ...
 *   gt_load(net, "lenet.safetensors");
 *
 * All files are safetensors: a JSON header of names, dtypes, shapes and offsets, then the data.
 * PyTorch reads them with safetensors.torch.load_file, and what its save_file writes is read here;
 * names are those of state_dict().
 *
 * The reader is strict. What is truncated, longer than it says, or has holes, overlaps or
 * duplicates is GT_ERR_FORMAT; no more memory is asked for than a small multiple of the file's
 * size. F16 and BF16 become f32, BOOL u8, and smaller integers i64; other dtypes are
 * GT_ERR_UNSUPPORTED. A file of torch.save is GT_ERR_FORMAT, with the line of Python that converts
 * it.
 *
 * A file appears whole or not at all: it is written under another name beside its place, forced to
 * the disk, and renamed. When that fails, GT_ERR_IO says why, and an older file of the name is
 * still there. It keeps the permissions of the file that it replaces; a link stays, and the file
 * that it leads to is replaced. Only a program that is killed while it writes leaves something
 * behind, a file called .gradtape-HEX.tmp, which may be removed; the next that writes beside it
 * does so, where the file system's locks say that nobody writes it any more. */
#ifndef GRADTAPE_IO_H
#define GRADTAPE_IO_H

#include <gradtape/data.h>
#include <gradtape/schedule.h>

GT_BEGIN_DECLS

/* Text that goes with the tensors; names and values are UTF-8. Lists end with an entry without a
 * name: GT_METADATA({"author", "me"}, {"licence", "MIT"}) */
typedef struct {
    const char *name, *value;
} gt_metadata;
#define GT_METADATA(...) GT_ARRAY(const gt_metadata, __VA_ARGS__, {NULL, NULL})

typedef struct {
    gt_keywords gt_;
    const gt_metadata *metadata; /* NULL: none of the caller's */
} gt_save_opts;

/* --- weights --- */

/* Writes all parameters and buffers of m by their paths, shared ones under each of their names, as
 * state_dict() has them. Metadata gets "format": "pt". Errors: GT_ERR_STATE (a lazy module has no
 * parameters yet), GT_ERR_ARGUMENT (no UTF-8, duplicates), GT_ERR_IO, GT_ERR_MEMORY. */
GT_MUST_CHECK gt_status gt_save_(const gt_module *m, const char *path, gt_save_opts opts);
/* gt_save(net, path), gt_save(net, path, .metadata = GT_METADATA({"epochs", "10"})) */
#define gt_save(m, ...) GT_SAVE_(m, __VA_ARGS__, )
#define GT_SAVE_(m, path, ...) GT_CHECKED_AT(gt_save_(m, path, GT_OPTS(gt_save_opts, __VA_ARGS__)))

/* Counts of entries; missing: in the module only, unexpected: in the file only, misshaped: of
 * another shape or kind of dtype. */
typedef struct {
    int64_t loaded, missing, unexpected, misshaped;
} gt_load_report;

typedef struct {
    gt_keywords gt_;
    bool partial;           /* missing and unexpected entries are fine: strict=False */
    bool skip_misshaped;    /* so are misshaped ones, which are left as they are. With either it is
                             * an error when nothing fits at all */
    const char *prefix;     /* reads the entries whose names begin so, without this beginning:
                             * "module." finds the weights in a run's checkpoint */
    gt_load_report *report; /* filled in, also when the entries do not fit */
} gt_load_opts;

/* Sets the parameters and buffers of m from a file, in place. F16, BF16, f32 and f64 are converted
 * to what m has; other dtypes must agree. Of a shared tensor one name is enough. Nothing is changed
 * unless everything fits and has been read; so memory for the file's data is needed beside m. On
 * Linux a file of 1 MB or more that is the process's own, and that nobody has open for writing, is
 * mapped instead; whoever opens it for writing waits until the call returns, and the process gets a
 * SIGURG, which does nothing unless it is caught.
 * Errors: GT_ERR_ARGUMENT and GT_ERR_SHAPE name the entries that are missing, unexpected and
 * misshaped; GT_ERR_STATE for a lazy module that has no parameters yet, which need one gt_forward
 * before; GT_ERR_FORMAT, GT_ERR_UNSUPPORTED, GT_ERR_IO, GT_ERR_MEMORY. */
gt_status gt_load_(gt_module *m, const char *path, gt_load_opts opts);
/* gt_load(net, path)
 * gt_load(net, path, .skip_misshaped = true): all but a last layer for other classes
 * gt_load(gt_module_child(net, "features"), path, .prefix = "features."): one part alone */
#define gt_load(m, ...) GT_LOAD_(m, __VA_ARGS__, )
#define GT_LOAD_(m, path, ...) GT_STATUS_AT(gt_load_(m, path, GT_OPTS(gt_load_opts, __VA_ARGS__)))

/* --- lists of tensors --- */

typedef struct {
    const char *name;
    gt_tensor *tensor;
} gt_named_tensor;
/* A list that ends with an entry without a name: GT_TENSORS({"x", x}, {"y", y}) */
#define GT_TENSORS(...) GT_ARRAY(const gt_named_tensor, __VA_ARGS__, {NULL, NULL})

/* Writes tensors of any dtypes. Errors: as gt_save, and GT_ERR_STATE for a dropped tensor. */
GT_MUST_CHECK gt_status gt_save_tensors_(gt_ctx *gt, const char *path, const gt_named_tensor *list,
                                         gt_save_opts opts);
/* gt_save_tensors(gt, path, GT_TENSORS({"x", x}, {"y", y})) */
#define gt_save_tensors(gt, path, ...) GT_SAVE_TENSORS_(gt, path, __VA_ARGS__, )
#define GT_SAVE_TENSORS_(gt, path, list, ...)                                                      \
    GT_CHECKED_AT(gt_save_tensors_(gt, path, list, GT_OPTS(gt_save_opts, __VA_ARGS__)))

/* What a file holds; both lists end with an entry without a name. Read these fields. */
typedef struct {
    gt_ctx *ctx;
    int64_t n, n_metadata;
    const gt_named_tensor *tensors; /* kept (see gt_keep), in the order of their data */
    const gt_metadata *metadata;
} gt_tensors;
GT_DEFINE_AT(gt_tensors)
#define GT_TENSORS_AT(call) GT_MADE_AT(gt_tensors, call)
typedef struct {
    gt_keywords gt_;
    bool metadata_only; /* n is 0 */
} gt_load_tensors_opts;
/* Reads all tensors of a file. It belongs to the context, which frees it on gt_close. NULL after a
 * failure. */
gt_tensors *gt_load_tensors_(gt_ctx *gt, const char *path, gt_load_tensors_opts opts);
/* gt_load_tensors(gt, path) */
#define gt_load_tensors(gt, ...) GT_LOAD_TENSORS_(gt, __VA_ARGS__, )
#define GT_LOAD_TENSORS_(gt, path, ...)                                                            \
    GT_TENSORS_AT(gt_load_tensors_(gt, path, GT_OPTS(gt_load_tensors_opts, __VA_ARGS__)))
/* NULL when there is no such name, which is no failure. */
gt_tensor *gt_tensors_find(const gt_tensors *list, const char *name);
const char *gt_tensors_metadata(const gt_tensors *list, const char *name);
/* Frees the list and its tensors now, all but a few bytes, rather than on gt_close. */
void gt_tensors_free(gt_tensors *list);

/* --- whole runs ---
 * Everything that training depends on, so that it goes on to the same bits:
 *
 *   gt_run run = {.module = net, .optimizer = sgd, .schedule = cosine, .loader = train};
 *   if (resume) gt_run_load(&run, "run.safetensors");
 *   for (; run.epoch < epochs; run.epoch++) {
 *       while (gt_loader_next(train, &x, &y)) { ... run.step++; }
 *       if (gt_run_save(&run, "run.safetensors") != GT_OK) ...
 *   }
 *
 * Saved between two steps: parameters and buffers, the states of optimizer, schedule and average,
 * the loader's place, the context's generator (gt_get_random_state) and the counters. Gradients
 * and the tape are not. */
typedef struct {
    gt_module *module; /* required; the others may be NULL */
    gt_optimizer *optimizer;
    gt_schedule *schedule;
    gt_ema *ema;
    gt_loader *loader;
    const gt_named_tensor *tensors; /* the program's own; loaded in place */
    int64_t epoch, step;            /* the program's counters, and the best metric so far, */
    double best;                    /* which gt_run_load sets */
    const gt_metadata *metadata;    /* saved; gt_load_tensors reads them. Names that begin with
                                     * "gradtape." are the library's */
} gt_run;

/* Errors: as gt_save, and GT_ERR_STATE while the weights are swapped with their averages. */
GT_MUST_CHECK gt_status gt_run_save(const gt_run *run, const char *path);
#define gt_run_save(run, path) GT_CHECKED_AT(gt_run_save(run, path))
/* The objects in `run` are made by the same calls as those that were saved; what they are, and the
 * names, dtypes and shapes of all weights and states, are checked before anything is changed. The
 * options of optimizers and schedules are the program's and not looked at. All is read first, so a
 * run is loaded whole or not at all; only a number that no gt_run_save writes, such as a negative
 * learning rate, may be met in the middle.
 * Errors: as gt_load; GT_ERR_ARGUMENT when file and run do not have the same objects, or their
 * states do not fit; GT_ERR_FORMAT for a file that is no run's; GT_ERR_UNSUPPORTED for one of
 * another layout. */
gt_status gt_run_load(gt_run *run, const char *path);
#define gt_run_load(run, path) GT_STATUS_AT(gt_run_load(run, path))

/* --- floats of 16 bits ---
 * What the bits of an IEEE half, and of a bfloat16, which is an f32 without its lower half, stand
 * for; for readers of other files. */
float gt_f16_to_f32(uint16_t bits);
float gt_bf16_to_f32(uint16_t bits);

/* --- files that appear whole or not at all ---
 * For files of the caller's own:
 *
 *   gt_file *f = gt_file_create(gt, "history.csv");
 *   gt_file_printf(f, "%d,%g\n", epoch, loss);
 *   if (gt_file_commit(f) != GT_OK) ...
 */
typedef struct gt_file gt_file;
GT_DEFINE_AT(gt_file)
#define GT_FILE_AT(call) GT_MADE_AT(gt_file, call)
/* Begins a file that will take the name `path`, which may stand for nothing, for a regular file, or
 * for a link to one; to be ended by gt_file_commit or gt_file_discard. NULL after a failure:
 * GT_ERR_ARGUMENT, GT_ERR_IO, GT_ERR_MEMORY. */
gt_file *gt_file_create(gt_ctx *gt, const char *path);
#define gt_file_create(gt, path) GT_FILE_AT(gt_file_create(gt, path))
/* The same on behalf of a function, which messages name then; `what` outlives the file. */
gt_file *gt_file_create_for(gt_ctx *gt, const char *what, const char *path);
/* Append; after a failure they do nothing, and gt_file_commit returns it. NULL is fine. */
gt_status gt_file_write(gt_file *f, const void *data, size_t size);
gt_status gt_file_printf(gt_file *f, const char *fmt, ...) GT_PRINTF(2, 3);
/* Brings the file to the disk and gives it its name, or removes it after a failure. */
GT_MUST_CHECK gt_status gt_file_commit(gt_file *f);
#define gt_file_commit(f) GT_CHECKED_AT(gt_file_commit(f))
/* Removes it; what has the name stays. NULL is fine. */
void gt_file_discard(gt_file *f);

GT_END_DECLS
#endif
