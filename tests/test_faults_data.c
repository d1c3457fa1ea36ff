/* Readers and writers of arrays, pictures and data sets, while memory runs out and while calls on
 * files fail. */
#define _GNU_SOURCE
#include "faults_world.h"

/* --- arrays and pictures --- */

static void with_array(world *w)
{
    w->x = gt_keep(gt_rand(w->gt, GT_SHAPE(3, 4, 5)));
}

static void save_npy(world *w)
{
    (void)(gt_npy_save(w->x, scratch("x.npy")) == GT_OK);
}

static void with_npy(world *w)
{
    with_array(w);
    save_npy(w);
}

static void load_npy(world *w)
{
    gt_npy_load(w->gt, scratch("x.npy"));
}

#if defined(GT_WITH_ZLIB) || defined(GT_WITH_JPEG)
static void copy_fixture(const char *name)
{
    size_t n;
    const unsigned char *bytes = slurp(fixture(name), &n);
    write_file(scratch(name), bytes, n);
}
#endif

static void save_png(world *w)
{
    (void)(gt_image_save(w->x, scratch("x.png")) == GT_OK);
}

#ifdef GT_WITH_ZLIB
static void with_npz(world *w)
{
    (void)w;
    copy_fixture("packed.npz");
}

static void name_npz(world *w)
{
    char name[16];
    gt_npz_name(w->gt, scratch("packed.npz"), 0, name, sizeof name);
}

static void load_npz(world *w)
{
    gt_npz_load(w->gt, scratch("packed.npz"), "x");
}

static const unsigned char digits[] = {0, 0, 8, 1, 0, 0, 0, 3, 7, 8, 9};

static void with_gz(world *w)
{
    (void)w;
    write_gz(scratch("labels.gz"), digits, sizeof digits);
}

static void load_gz(world *w)
{
    gt_idx_load(w->gt, scratch("labels.gz"));
}
#endif

#ifdef GT_WITH_PNG
static void with_png(world *w)
{
    with_array(w);
    save_png(w);
}

static void load_png(world *w)
{
    gt_image_load(w->gt, scratch("x.png"));
}
#endif

#ifdef GT_WITH_JPEG
static void with_jpeg(world *w)
{
    (void)w;
    copy_fixture("colours.jpg");
}

static void load_jpeg(world *w)
{
    gt_image_load(w->gt, scratch("colours.jpg"));
}
#endif

/* --- datasets --- */

static void with_mnist(world *w)
{
    (void)w;
    static const unsigned char images[] = {0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 2, 5, 6};
    static const unsigned char labels[] = {0, 0, 8, 1, 0, 0, 0, 1, 3};
    write_file(scratch("mnist/train-images-idx3-ubyte"), images, sizeof images);
    write_file(scratch("mnist/train-labels-idx1-ubyte"), labels, sizeof labels);
}

static void read_mnist(world *w)
{
    gt_mnist(w->gt, scratch("mnist"), true);
}

static void with_cifar(world *w)
{
    (void)w;
    static const unsigned char item[3073] = {7, 1, 2, 3};
    write_file(scratch("cifar/test_batch.bin"), item, sizeof item);
}

static void with_cifar100(world *w)
{
    (void)w;
    static const unsigned char item[3074] = {2, 7, 1, 2, 3};
    write_file(scratch("cifar100/test.bin"), item, sizeof item);
}

static void read_cifar100(world *w)
{
    gt_cifar100(w->gt, scratch("cifar100"), false);
}

static void read_cifar(world *w)
{
    gt_cifar10(w->gt, scratch("cifar"), false);
}

#ifdef GT_WITH_PNG
static void with_folder(world *w)
{
    with_png(w);
    size_t n;
    const unsigned char *bytes = slurp(scratch("x.png"), &n);
    write_file(scratch("folder/cats/1.png"), bytes, n);
    write_file(scratch("folder/cats/2.png"), bytes, n);
    write_file(scratch("folder/dogs/3.png"), bytes, n);
}

static void read_folder(world *w)
{
    gt_dataset *d = gt_image_folder(w->gt, scratch("folder"));
    if (d) assert_int_equal(d->count, 3);
    if (d) gt_dataset_item(d, 1, NULL);
}
#endif

static void with_masks(world *w)
{
    (void)w;
    write_file(scratch("pairs/images/x.ppm"), "P5 1 1 255 x", 12);
    write_file(scratch("pairs/masks/x.pgm"), "P5 1 1 255 x", 12);
}

static void read_masks(world *w)
{
    gt_tensor *x, *y;
    gt_dataset *d = gt_mask_folder(w->gt, scratch("pairs/images"), scratch("pairs/masks"));
    if (d) (void)(gt_dataset_get(d, 0, &x, &y) == GT_OK);
}

static void with_csv(world *w)
{
    (void)w;
    write_file(scratch("x.csv"), "a,b\n1,2\n", 8);
}

static void load_csv(world *w)
{
    gt_csv_load(w->gt, scratch("x.csv"), GT_NAMES("b"));
}

static const program programs[] = {
    {"gt_mask_folder", with_masks, read_masks, .whole = true, .file = "pairs"},
    {"gt_csv_load", with_csv, load_csv, .whole = true, .file = "x.csv"},
    {"gt_npy_save", with_array, save_npy, .whole = true, .file = "x.npy"},
    {"gt_npy_load", with_npy, load_npy, .whole = true, .file = "x.npy"},
    {"gt_image_save", with_array, save_png, .whole = true, .file = "x.png"},
#ifdef GT_WITH_ZLIB
    {"gt_npz_name", with_npz, name_npz, .whole = true, .file = "packed.npz"},
    {"gt_npz_load", with_npz, load_npz, .whole = true, .file = "packed.npz"},
    {"gt_idx_load", with_gz, load_gz, .whole = true, .file = "labels.gz"},
#endif
#ifdef GT_WITH_PNG
    {"gt_image_load, PNG", with_png, load_png, .whole = true, .file = "x.png"},
#endif
#ifdef GT_WITH_JPEG
    {"gt_image_load, JPEG", with_jpeg, load_jpeg, .whole = true, .file = "colours.jpg"},
#endif
    {"gt_mnist", with_mnist, read_mnist, .whole = true, .file = "mnist"},
    {"gt_cifar10", with_cifar, read_cifar, .whole = true, .file = "cifar"},
    {"gt_cifar100", with_cifar100, read_cifar100, .whole = true, .file = "cifar100"},
#ifdef GT_WITH_PNG
    {"gt_image_folder", with_folder, read_folder, .whole = true, .file = "folder"},
#endif
};

int main(void)
{
    return RUN_PROGRAMS(programs, program_fails_in_files);
}
