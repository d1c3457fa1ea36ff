/* Data: datasets, loaders that shuffle and batch them, and files of arrays and images.
 *
 *   gt_dataset *digits = gt_mnist(gt, "data/mnist", true);
 *   gt_loader *train = gt_loader_new(digits, 64, .shuffle = true, .threads = 1);
 *   gt_tensor *x, *y;
 *   while (gt_loader_next(train, &x, &y)) { ... }      one epoch: x f32 [n,c,h,w], y i64 [n]
 *
 * Datasets and loaders belong to their context, which frees them on gt_close. After a failure
 * constructors return NULL, and functions here take NULL and do nothing.
 *
 * Readers are strict. A file that is truncated, longer than it says or otherwise not what its
 * format demands is GT_ERR_FORMAT, one that cannot be read GT_ERR_IO; the message names the file,
 * what was expected and what was found. What a build lacks a library for (zlib, libpng, libjpeg,
 * libwebp) is GT_ERR_UNSUPPORTED.
 *
 * No reader asks for more memory than its file can fill: a size that a header claims is checked
 * against the file's, times 1032 where it is deflated, which is as far as deflate goes. Of a
 * gzipped file as much is inflated as its header says, and memory grows with what comes. So a file
 * of 1 MB can be an array of 1 GB, if it says so; pictures end at 178,956,970 pixels, as in PIL,
 * the scans of a JPEG at 500, and a WebP at 16,384 pixels to a byte. */
#ifndef GRADTAPE_DATA_H
#define GRADTAPE_DATA_H

#include <gradtape/tensor.h>

GT_BEGIN_DECLS

typedef struct gt_dataset gt_dataset;
typedef struct gt_loader gt_loader;

GT_DEFINE_AT(gt_dataset)
#define GT_DATASET_AT(call) GT_MADE_AT(gt_dataset, call)
GT_DEFINE_AT(gt_loader)
#define GT_LOADER_AT(call) GT_MADE_AT(gt_loader, call)
static inline bool gt_data_ok_at_(bool ok, const char *where)
{
    if (!ok) gt_note_site_(where);
    return ok;
}
#ifdef GT_NO_SITES
#define GT_DATA_OK_AT(call) (call)
#else
#define GT_DATA_OK_AT(call) gt_data_ok_at_((call), GT_HERE)
#endif

/* --- datasets --- */

/* Items are fetched in threads that may not touch a context, so their errors travel in this. */
typedef struct {
    gt_status code;
    char text[768];
} gt_data_error;
/* Fills in the error, unless there is one already, and returns false. */
bool gt_data_fail(gt_data_error *error, gt_status code, const char *fmt, ...) GT_PRINTF(3, 4);

/* A kind of dataset; static and constant. Users define their own: a struct that begins with a
 * gt_dataset, and one of these. */
typedef struct {
    const char *name; /* "mnist" */
    size_t size;      /* of the struct that begins with a gt_dataset */
    /* Writes item i, 0 <= i < d->count: its member k to to[k], which has room for d->member[k] and
     * nothing more; what is written behind that is noticed, and an error. Called by several threads
     * at once, so it only reads d; it always gives the same for the same i. False after
     * gt_data_fail. */
    bool (*get)(const gt_dataset *d, int64_t i, void *const *to, gt_data_error *error);
    void (*free)(gt_dataset *d); /* what the user's struct owns; may be NULL */
    /* The class of item i, told without reading it; false where that cannot be. May be NULL. */
    bool (*label)(const gt_dataset *d, int64_t i, int64_t *label);
} gt_dataset_type;

/* One tensor of an item. Its dtype says what it is, and what loaders make of it:
 *   u8         brightness 0..255, which comes as 0..1, f32 or the loader's dtype
 *   f32        numbers, which come as f32 or the loader's dtype
 *   f64        numbers, which stay f64
 *   i64        classes or indices, which stay i64
 * To transforms u8 and f32 [c,h,w] are pictures, i64 [h,w] and [1,h,w] are masks; what looks like a
 * picture [h,w,c] is an error. */
typedef struct {
    gt_shape shape; /* of one item: no n */
    gt_dtype dtype;
    const char *name; /* for messages, "mask"; may be NULL */
} gt_member;
#define GT_MEMBERS_MOST 8

/* Read these fields; the maker of a dataset writes those behind ctx. */
struct gt_dataset {
    const gt_dataset_type *type;
    gt_ctx *ctx;
    int64_t count; /* of items */
    int members;   /* of an item */
    gt_member member[GT_MEMBERS_MOST];
    int64_t n_classes;          /* labels are 0..n_classes-1; 0: unknown */
    const char *const *classes; /* their names, n_classes of them; may be NULL */
};

/* A dataset of this type: type->size bytes, all zero behind ctx, but for two members to begin with:
 * "x", an f32 scalar, and "label", an i64 scalar. A set of images and classes says no more than
 *
 *   d->count = 1000;
 *   d->member[0].shape = GT_SHAPE(3, 32, 32);
 *
 * Errors: GT_ERR_ARGUMENT (a type without name or get, or smaller than a gt_dataset),
 * GT_ERR_MEMORY. */
gt_dataset *gt_dataset_new(gt_ctx *gt, const gt_dataset_type *type);
#define gt_dataset_new(gt, type) GT_DATASET_AT(gt_dataset_new(gt, type))

/* Item i as the dataset gives it: a pointer for each of its members, which is set to a tensor of
 * the step; NULL for those that are not wanted. Errors: GT_ERR_ARGUMENT (no such item, another
 * number of members), GT_ERR_STATE (get writes past the item), and what reading the item meets;
 * then all are NULL. */
gt_status gt_dataset_get_(gt_dataset *d, int64_t i, int n, gt_tensor **const *to);
/* gt_tensor *image, *mask; gt_dataset_get(d, 3, &image, &mask); */
#define gt_dataset_get(d, i, ...)                                                                  \
    GT_STATUS_AT(gt_dataset_get_(d, i, GT_COUNTED(gt_tensor **, __VA_ARGS__)))

/* The first member of item i alone; its class in *label unless that is NULL. Errors are those of
 * gt_dataset_get, and GT_ERR_ARGUMENT for a label of items without one: i64, one element, last. */
gt_tensor *gt_dataset_item(gt_dataset *d, int64_t i, int64_t *label);
#define gt_dataset_item(d, i, label) GT_AT(gt_dataset_item(d, i, label))

/* MNIST or a set in its format: the files train-images-idx3-ubyte, train-labels-idx1-ubyte,
 * t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte in `folder`, as they are or with .gz; those of
 * the training or the test set are read to memory. tools/get-data of gradtape's
 * source downloads them. */
typedef enum { GT_MNIST_DIGITS = 0, GT_MNIST_FASHION } gt_mnist_kind;
typedef struct {
    gt_keywords gt_;
    gt_mnist_kind kind; /* whose class names */
} gt_mnist_opts;
gt_dataset *gt_mnist_(gt_ctx *gt, const char *folder, bool train, gt_mnist_opts opts);
/* gt_mnist(gt, folder, train, .kind = GT_MNIST_FASHION) */
#define gt_mnist(gt, folder, ...) GT_MNIST_(gt, folder, __VA_ARGS__, )
#define GT_MNIST_(gt, folder, train, ...)                                                          \
    GT_DATASET_AT(gt_mnist_(gt, folder, train, GT_OPTS(gt_mnist_opts, __VA_ARGS__)))

/* CIFAR in its binary form: data_batch_1.bin to data_batch_5.bin or test_batch.bin for CIFAR-10,
 * train.bin or test.bin for CIFAR-100 (by the 100 fine classes), in `folder` or in the folder that
 * their archives make in it. */
gt_dataset *gt_cifar10(gt_ctx *gt, const char *folder, bool train);
#define gt_cifar10(gt, folder, train) GT_DATASET_AT(gt_cifar10(gt, folder, train))
gt_dataset *gt_cifar100(gt_ctx *gt, const char *folder, bool train);
#define gt_cifar100(gt, folder, train) GT_DATASET_AT(gt_cifar100(gt, folder, train))

/* What gt_image_folder passed over: files that are no pictures by their names, or that lie in no
 * class's folder. A count, and the first of them by their paths in the folder: "notes.txt,
 * cats/a.gif, ..."
 *
 *   gt_image_folder_report r;
 *   gt_dataset *pets = gt_image_folder(gt, "pets", .size = {64}, .report = &r);
 *   if (r.skipped) fprintf(stderr, "skipped %lld files: %s\n", (long long)r.skipped, r.names);
 */
typedef struct {
    int64_t skipped;
    char names[256];
} gt_image_folder_report;

/* Pictures, by the names *.png, *.jpg, *.jpeg, *.webp, *.bmp, *.ppm and *.pgm, in a folder for each
 * class and in all folders below it, in the order of torchvision's ImageFolder: classes by name, in
 * each the files of a folder before those of the folders in it. Names that begin with a dot are not
 * looked at. An error, GT_ERR_IO, is a class without pictures, what cannot be listed, and a link
 * that leads nowhere or to a folder that it lies in. Images are read when they are fetched (see
 * gt_image_load). Without a size all must have the size of the first one. */
typedef struct {
    gt_keywords gt_;
    int size[2]; /* height and width to resize to, bilinear; {64} is {64, 64} */
    bool grey;   /* one channel instead of red, green and blue */
    bool apply_gamma, on_white, apply_exif_orientation; /* see gt_image_opts */
    gt_image_folder_report *report;                     /* filled in, also after a failure */
} gt_image_folder_opts;
gt_dataset *gt_image_folder_(gt_ctx *gt, const char *folder, gt_image_folder_opts opts);
/* gt_image_folder(gt, folder, .size = {64, 64}) */
#define gt_image_folder(gt, ...) GT_IMAGE_FOLDER_(gt, __VA_ARGS__, )
#define GT_IMAGE_FOLDER_(gt, folder, ...)                                                          \
    GT_DATASET_AT(gt_image_folder_(gt, folder, GT_OPTS(gt_image_folder_opts, __VA_ARGS__)))

/* Pairs of a picture and a mask whose pixels are classes: all pictures below `folder`, in the order
 * of gt_image_folder, and for each a file of the same path below masks_folder that ends in .png,
 * .bmp or .pgm, grey or with a palette. Members "image", u8 [3,h,w], and "mask", i64 [h,w], resized
 * by the nearest pixel. Errors: those of gt_image_folder; GT_ERR_IO for a picture without a mask,
 * GT_ERR_SHAPE for pictures or masks of different sizes without .size. */
typedef struct {
    gt_keywords gt_;
    int size[2]; /* height and width to resize to; {64} is {64, 64} */
    int ignored; /* this number in a mask becomes -100, which losses and metrics ignore; 0: none */
    bool grey;   /* one channel instead of red, green and blue */
    int threshold; /* of masks in black and white, 128 say: numbers from this on are class 1, those
                    * below it 0; 0: numbers are classes */
} gt_mask_folder_opts;
gt_dataset *gt_mask_folder_(gt_ctx *gt, const char *folder, const char *masks_folder,
                            gt_mask_folder_opts opts);
/* gt_mask_folder(gt, "images", "masks", .size = {128}, .ignored = 255) */
#define gt_mask_folder(gt, folder, ...) GT_MASK_FOLDER_(gt, folder, __VA_ARGS__, )
#define GT_MASK_FOLDER_(gt, folder, masks_folder, ...)                                             \
    GT_DATASET_AT(                                                                                 \
        gt_mask_folder_(gt, folder, masks_folder, GT_OPTS(gt_mask_folder_opts, __VA_ARGS__)))

/* Generated images of the digits 0-9, drawn with strokes of random place, size, slant, thickness
 * and brightness, and noise; a class for each digit, in turn. They are drawn when they are fetched,
 * so that any number costs no memory. The same seed gives the same images; another seed makes a
 * test set. */
typedef struct {
    gt_keywords gt_;
    uint64_t seed;
    int size;     /* 28: height and width, at least 8 */
    bool rgb;     /* three channels, in random colours */
    double noise; /* 0.1: standard deviation, of a range of 1 */
} gt_generated_digits_opts;
gt_dataset *gt_generated_digits_(gt_ctx *gt, int64_t count, gt_generated_digits_opts opts);
/* gt_generated_digits(gt, 10000), gt_generated_digits(gt, 1000, .seed = 2) */
#define gt_generated_digits(gt, ...) GT_GENERATED_DIGITS_(gt, __VA_ARGS__, )
#define GT_GENERATED_DIGITS_(gt, count, ...)                                                       \
    GT_DATASET_AT(gt_generated_digits_(gt, count, GT_OPTS(gt_generated_digits_opts, __VA_ARGS__)))

/* The rows of tensors [n,...], any dtype, one or more of them as the members of each item: images
 * and classes, x and y of a regression, two images and whether they show the same. They are kept
 * (see gt_keep) until gt_close, and shared: changing them changes the dataset, and must not happen
 * while a loader with threads is within an epoch. The last of several is the target: u8, unless it
 * is of pictures [n,c,h,w], it has classes, which come as i64. Where it is i64 or u8 [n], n_classes
 * is one more than its largest number. Errors: GT_ERR_ARGUMENT (NULL, another context),
 * GT_ERR_SHAPE. */
gt_dataset *gt_tensor_dataset_(int n, gt_tensor *const *members);
/* gt_tensor_dataset(x, y), gt_tensor_dataset(x), gt_tensor_dataset(left, right, same) */
#define gt_tensor_dataset(...)                                                                     \
    GT_DATASET_AT(gt_tensor_dataset_(GT_COUNTED(gt_tensor *, __VA_ARGS__)))

/* Items start..stop-1 of d; negative ones count from the end, as in Python. */
gt_dataset *gt_subset(gt_dataset *d, int64_t start, int64_t stop);
#define gt_subset(d, start, stop) GT_DATASET_AT(gt_subset(d, start, stop))
/* The n items of d at these indices, which are copied. */
gt_dataset *gt_subset_at(gt_dataset *d, int64_t n, const int64_t *indices);
#define gt_subset_at(d, n, ...) GT_DATASET_AT(gt_subset_at(d, n, __VA_ARGS__))
/* Parts of d without a common item, drawn at random: parts of these lengths, whose sum is d->count,
 * or of these fractions, whose sum is 1. With the same seed, the indices of
 * torch.utils.data.random_split with torch.Generator().manual_seed(seed); without one they are
 * drawn by the context's generator. After a failure all parts are NULL.
 *
 *   gt_dataset *part[2];
 *   gt_random_split(d, GT_LENGTHS(0.8, 0.2), part, .seed = 42); */
typedef struct {
    gt_keywords gt_;
    uint64_t seed; /* 0: the context's generator */
} gt_split_opts;
#define GT_LENGTHS(...) GT_COUNTED(double, __VA_ARGS__)
gt_status gt_random_split_(gt_dataset *d, int n, const double *lengths, gt_dataset **parts,
                           gt_split_opts opts);
#define gt_random_split(d, ...) GT_RANDOM_SPLIT_(d, __VA_ARGS__, )
#define GT_RANDOM_SPLIT_(d, n, lengths, parts, ...)                                                \
    GT_STATUS_AT(gt_random_split_(d, n, lengths, parts, GT_OPTS(gt_split_opts, __VA_ARGS__)))

/* The items of one dataset behind those of another. Their members must be alike, and their classes
 * called alike, where they have names. */
gt_dataset *gt_dataset_concat_(int n, gt_dataset *const *sets);
/* gt_dataset_concat(a, b, c) */
#define gt_dataset_concat(...)                                                                     \
    GT_DATASET_AT(gt_dataset_concat_(GT_COUNTED(gt_dataset *, __VA_ARGS__)))

/* d, each of whose items is read once and then kept in memory, for which there must be room:
 * pictures of a folder, without decoding them in every epoch. Transforms come behind it. */
gt_dataset *gt_dataset_cached(gt_dataset *d);
#define gt_dataset_cached(d) GT_DATASET_AT(gt_dataset_cached(d))

/* --- loaders --- */

typedef struct gt_transform gt_transform; /* transforms.h */

typedef struct {
    bool shuffle;   /* another order in each epoch */
    bool drop_last; /* leave out a last batch that is not full */
    uint64_t seed;  /* of a generator of the loader's own; 0: the context's generator */
    int threads;    /* 0: items are fetched when they are asked for; n: ahead, by n threads */
    const gt_transform *transforms; /* a list, copied; NULL: none */
    const double *weights; /* d->count of them, copied: an epoch draws its items, each as often as
                            * it weighs, with replacement, and as torch.multinomial does from a
                            * generator that the epoch seeds; NULL: each item comes once */
    bool balanced;         /* the same with weights that let all classes come as often */
    int64_t samples;       /* d->count: items that an epoch draws by weights */
    gt_dtype dtype;        /* of members that are u8 or f32: GT_F32 or GT_F64 */
    int gt_;               /* last, and no gt_keywords: gt_loader_new(d, 64, true) shuffles */
} gt_loader_opts;
/* Batches of `batch` items of d: each member [batch,...], of the dtype that gt_member tells.
 *
 * Epochs draw what torch.utils.data.DataLoader draws from the generator, shuffled or not, so the
 * same seed gives the same order as in PyTorch after torch.manual_seed; so does .seed, which leaves
 * the context's generator alone. (A torch.Generator handed to DataLoader gives other orders, since
 * it then draws the permutation itself.) Order and contents are the same, to the bit, for any
 * number of threads. Errors: GT_ERR_ARGUMENT, GT_ERR_SHAPE (a transform that does not fit),
 * GT_ERR_MEMORY. */
gt_loader *gt_loader_new_(gt_dataset *d, int64_t batch, gt_loader_opts opts);
/* gt_loader_new(d, 64), gt_loader_new(d, 64, true), gt_loader_new(d, 64, .shuffle = true) */
#define gt_loader_new(d, ...) GT_LOADER_NEW_(d, __VA_ARGS__, )
#define GT_LOADER_NEW_(d, batch, ...)                                                              \
    GT_LOADER_AT(gt_loader_new_(d, batch, GT_OPTS(gt_loader_opts, __VA_ARGS__)))

/* The next batch, or false at the end of the epoch; the call after that starts the next epoch.
 * Leaving the loop early is fine: the next call goes on where it was left (or see gt_loader_reset).
 *
 * The tensors are the loader's, kept, and the same ones each time (other ones for a last batch that
 * is smaller): they survive a rewind to any mark, and the next call overwrites them. So
 *
 *   while (gt_loader_next(train, &x, &y)) { gt_rewind(gt, start); ... }
 *
 * is right, and a tape that still needs the batch before refuses gt_backward. There is a pointer
 * for each member of the items; NULL for those that are not wanted. Also false, with all of them
 * NULL, after a failure: that of a thread arrives here, at its place in the order. */
bool gt_loader_next_(gt_loader *l, int n, gt_tensor **const *to);
/* gt_loader_next(l, &x, &y), gt_loader_next(pairs, &left, &right, &same) */
#define gt_loader_next(l, ...)                                                                     \
    GT_DATA_OK_AT(gt_loader_next_(l, GT_COUNTED(gt_tensor **, __VA_ARGS__)))

/* Gives up the rest of the epoch: the next call of gt_loader_next starts another one. */
void gt_loader_reset(gt_loader *l);
int64_t gt_loader_batches(const gt_loader *l); /* in an epoch; 0 for NULL */
gt_dataset *gt_loader_dataset(const gt_loader *l);
/* Ends the threads and frees all but a few bytes now rather than on gt_close; also the tensors that
 * gt_loader_next gave. */
void gt_loader_free(gt_loader *l);

/* Where a loader is, for checkpoints: plain numbers, to be written as they are. A new loader of the
 * same dataset with the same options goes on from there. The context's generator is not part of it.
 */
typedef struct {
    uint64_t epoch;      /* epochs that are over */
    uint64_t position;   /* batches given in the present one; 0: it has not begun */
    uint64_t item_seed;  /* of the present epoch's transforms */
    uint64_t order_seed; /* of the present epoch's order */
} gt_loader_state;
gt_loader_state gt_loader_get_state(const gt_loader *l);
/* Errors: GT_ERR_ARGUMENT for a position beyond the epoch's end. */
gt_status gt_loader_set_state(gt_loader *l, gt_loader_state state);
#define gt_loader_set_state(l, state) GT_STATUS_AT(gt_loader_set_state(l, state))

/* --- arrays in files --- */

/* A NumPy array: f2 and f4 become f32, f8 f64, u1 and bool u8, other integers but u8 (uint64) i64;
 * any byte order, C or Fortran order, up to GT_MAX_DIMS dimensions. Other kinds are
 * GT_ERR_UNSUPPORTED. */
gt_tensor *gt_npy_load(gt_ctx *gt, const char *path);
#define gt_npy_load(gt, path) GT_AT(gt_npy_load(gt, path))
/* The array `name` of an .npz archive, stored or compressed. */
gt_tensor *gt_npz_load(gt_ctx *gt, const char *path, const char *name);
#define gt_npz_load(gt, path, name) GT_AT(gt_npz_load(gt, path, name))
/* The name of array i of an archive, from 0 on. False when there is none, or after a failure:
 * GT_ERR_ARGUMENT where the name is longer than size - 1 bytes. */
bool gt_npz_name(gt_ctx *gt, const char *path, int i, char *name, size_t size);
/* Writes t; the file appears whole or not at all, as those of gt_file_create. Errors: GT_ERR_STATE
 * (t was dropped), GT_ERR_IO. */
gt_status gt_npy_save(const gt_tensor *t, const char *path);
#define gt_npy_save(t, path) GT_STATUS_AT(gt_npy_save(t, path))
/* An IDX file, plain or gzipped: bytes without sign become u8, other integers i64, reals f32 and
 * f64. */
gt_tensor *gt_idx_load(gt_ctx *gt, const char *path);
#define gt_idx_load(gt, path) GT_AT(gt_idx_load(gt, path))

/* Columns of a CSV file by their names, NULL for all, as f32 or f64 [rows,columns] in this order:
 *
 *   gt_tensor *x = gt_csv_load(gt, "houses.csv", GT_NAMES("rooms", "area"));
 *   gt_tensor *y = gt_csv_load(gt, "houses.csv", GT_NAMES("price"));
 *   gt_dataset *houses = gt_tensor_dataset(x, y);
 *
 * The first line has the names; fields may be quoted, as in RFC 4180, and lines end in a line
 * break, the last one, too. A field that is empty or no number is an error that names its line and
 * column, unless empty ones are NaN by .allow_missing. Errors: GT_ERR_FORMAT, GT_ERR_IO,
 * GT_ERR_ARGUMENT (a name that no column or more than one has), GT_ERR_DTYPE. */
typedef struct {
    gt_keywords gt_;
    gt_dtype dtype;     /* GT_F32 or GT_F64 */
    char separator;     /* ',' */
    bool allow_missing; /* empty fields are NaN */
} gt_csv_opts;
gt_tensor *gt_csv_load_(gt_ctx *gt, const char *path, const char *const *columns, gt_csv_opts opts);
#define gt_csv_load(gt, path, ...) GT_CSV_LOAD_(gt, path, __VA_ARGS__, )
#define GT_CSV_LOAD_(gt, path, columns, ...)                                                       \
    GT_AT(gt_csv_load_(gt, path, columns, GT_OPTS(gt_csv_opts, __VA_ARGS__)))

/* A PNG, JPEG, WebP, BMP (without compression), PPM or PGM (P6, P5) file, told apart by content, as
 * u8 [3,h,w], or [1,h,w] with .grey: the stored numbers, as Pillow's convert("RGB") and torchvision
 * read them. 16 bits become 8, ink (CMYK) becomes colours. Bytes behind a picture's end are not
 * looked at. */
typedef struct {
    gt_keywords gt_;
    bool grey;
    bool apply_gamma; /* where a PNG notes its gamma, numbers become those of sRGB */
    bool on_white; /* transparent parts of a PNG or WebP show white, not the colour that is stored
                      there */
    /* Turns a photo upright by the orientation that its camera noted in EXIF, if it did. */
    bool apply_exif_orientation;
    bool deep;   /* f32 in 0..1 instead of u8, of all 16 bits where a PNG, PPM or PGM has them */
    bool stored; /* u8 [1,h,w], the numbers of a grey picture or of a palette as they are: a mask */
} gt_image_opts;
gt_tensor *gt_image_load_(gt_ctx *gt, const char *path, gt_image_opts opts);
/* gt_image_load(gt, path), gt_image_load(gt, path, .grey = true) */
#define gt_image_load(gt, ...) GT_IMAGE_LOAD_(gt, __VA_ARGS__, )
#define GT_IMAGE_LOAD_(gt, path, ...)                                                              \
    GT_AT(gt_image_load_(gt, path, GT_OPTS(gt_image_opts, __VA_ARGS__)))
/* Writes t, [h,w], [1,h,w] or [3,h,w], u8 or f32 and f64 in 0..1 (what lies outside is clamped), as
 * a PNG file, in the same way. Errors: GT_ERR_SHAPE, GT_ERR_DTYPE, GT_ERR_STATE, GT_ERR_IO. */
gt_status gt_image_save(const gt_tensor *t, const char *path);
#define gt_image_save(t, path) GT_STATUS_AT(gt_image_save(t, path))
/* The bytes of that file, to be freed with free(); NULL after a failure. */
gt_status gt_image_encode(const gt_tensor *t, uint8_t **png, size_t *size);
#define gt_image_encode(t, png, size) GT_STATUS_AT(gt_image_encode(t, png, size))

GT_END_DECLS
#endif
