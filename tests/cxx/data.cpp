/* data.h, io.h */
#include "cxx.h"
#include <cstdlib>

static bool get(const gt_dataset *, int64_t i, void *const *to, gt_data_error *)
{
    *static_cast<float *>(to[0]) = static_cast<float>(i);
    *static_cast<int64_t *>(to[1]) = i % 2;
    return true;
}

static const gt_dataset_type numbers_type = {.name = "n", .size = sizeof(gt_dataset), .get = get};

static gt_dataset *numbers(gt_ctx *gt)
{
    gt_dataset *d = GT_DATASET_AT(gt_dataset_new(gt, &numbers_type));
    d->count = 10;
    d->member[0].shape = GT_SHAPE(1);
    return d;
}

static void test_datasets(gt_ctx *gt)
{
    const char *none = in_folder("none");
    gt_dataset *d = numbers(gt), *part[2];
    int64_t label;
    IS_TRUE(gt_item(gt_dataset_item(d, 3, &label)) == 3 && label == 1);
    IS_TRUE(gt_subset(d, 2, -2)->count == 6);
    IS_TRUE(gt_dataset_concat(d, d)->count == 20 && gt_dataset_cached(d)->count == 10);
    IS_TRUE(gt_subset_at(d, 2, GT_ARRAY(int64_t, 7, 8))->count == 2);
    IS_TRUE(gt_random_split(d, GT_LENGTHS(4, 6), part, .seed = 2) == GT_OK);
    gt_tensor *x, *y;
    IS_TRUE(gt_dataset_get(d, 3, &x, &y) == GT_OK && gt_item(x) == 3 && gt_item(y) == 1);
    IS_TRUE(gt_dataset_get(d, 3, nullptr, &y) == GT_OK);
    IS_TRUE(gt_tensor_dataset(gt_ones(gt, GT_SHAPE(4, 2)))->count == 4);
    IS_TRUE(gt_generated_digits(gt, 20, .seed = 2, .size = 12)->count == 20);
    IS_TRUE(!gt_mnist(gt, none, true, .kind = GT_MNIST_FASHION));
    HAS_FAILED(gt, GT_ERR_IO);
    IS_TRUE(!gt_cifar10(gt, none, true));
    HAS_FAILED(gt, GT_ERR_IO);
    IS_TRUE(!gt_cifar100(gt, none, false));
    HAS_FAILED(gt, GT_ERR_IO);
    IS_TRUE(!gt_mask_folder(gt, none, none, .size = {8}, .ignored = 255));
    HAS_FAILED(gt, GT_ERR_IO);
    IS_TRUE(!gt_image_folder(gt, none, .size = {8}, .grey = true));
    HAS_FAILED(gt, GT_ERR_IO);
}

static void test_loaders(gt_ctx *gt)
{
    gt_tensor *x, *y;
    gt_dataset *digits = gt_generated_digits(gt, 8);
    gt_loader *l = GT_LOADER_AT(gt_loader_new(
        digits, 4, .shuffle = true, .seed = 1, .threads = 1,
        .transforms = GT_TRANSFORMS(
            {.kind = GT_RANDOM_CROP, .size = {24}, .padding = 2, .members = GT_MEMBER(0)},
            {.kind = GT_NORMALISE, .mean = {0.1}, .std = {0.3}})));
    IS_TRUE(gt_loader_next(l, &x, &y) && x->shape.dim[2] == 24);
    IS_TRUE(GT_DATA_OK_AT(gt_loader_next(l, &x, &y)) && !gt_loader_next(l, &x, &y));
    IS_TRUE(gt_loader_set_state(l, gt_loader_get_state(l)) == GT_OK);
    IS_TRUE(gt_loader_new(digits, 4, true));
    gt_tensor *image =
        gt_transform(gt_ones(gt, GT_SHAPE(1, 4, 4)),
                     GT_TRANSFORMS({.kind = GT_CENTER_CROP, .size = {2}}), .seed = 2);
    IS_TRUE(image->size == 4);
}

void test_data(gt_ctx *gt)
{
    test_datasets(gt);
    test_loaders(gt);
}

static void test_arrays(gt_ctx *gt)
{
    gt_tensor *x = gt_rand(gt, GT_SHAPE(4, 4));
    IS_TRUE(gt_npy_save(x, in_folder("x.npy")) == GT_OK);
    IS_TRUE(gt_same_shape(gt_npy_load(gt, in_folder("x.npy")), x));
    IS_TRUE(!gt_npz_load(gt, in_folder("none"), "x"));
    HAS_FAILED(gt, GT_ERR_IO);
    IS_TRUE(!gt_csv_load(gt, in_folder("none"), GT_NAMES("a", "b"), .separator = ';'));
    HAS_FAILED(gt, GT_ERR_IO);
    IS_TRUE(!gt_idx_load(gt, in_folder("none")));
    HAS_FAILED(gt, GT_ERR_IO);
    uint8_t *png;
    size_t size;
    IS_TRUE(gt_image_save(x, in_folder("x.png")) == GT_OK);
    IS_TRUE(gt_image_encode(x, &png, &size) == GT_OK && size > 8);
    free(png);
    gt_tensor *image = gt_image_load(gt, in_folder("x.png"), .grey = true);
    if (image) IS_TRUE(image->size == 16);
    else HAS_FAILED(gt, GT_ERR_UNSUPPORTED);
}

static void test_weights(gt_ctx *gt)
{
    gt_module *net = gt_nn_linear(gt, 3, 2);
    gt_tensor *x = gt_ones(gt, GT_SHAPE(2)), *y = gt_zeros(gt, GT_SHAPE(2));
    gt_load_report report;
    IS_TRUE(gt_save(net, in_folder("net"), .metadata = GT_METADATA({"a", "b"}, {"c", "d"})) ==
            GT_OK);
    IS_TRUE(gt_load(net, in_folder("net"), .partial = true, .report = &report) == GT_OK);
    IS_TRUE(report.loaded == 2 && gt_load(net, in_folder("net")) == GT_OK);
    IS_TRUE(gt_save_tensors(gt, in_folder("list"), GT_TENSORS({"x", x}, {"y", y})) == GT_OK);
    IS_TRUE(GT_TENSORS_AT(gt_load_tensors(gt, in_folder("list")))->n == 2);
}

void test_files(gt_ctx *gt)
{
    test_arrays(gt);
    test_weights(gt);
    gt_run run = {.module = gt_nn_linear(gt, 3, 2), .epoch = 3};
    IS_TRUE(gt_run_save(&run, in_folder("run")) == GT_OK);
    IS_TRUE(gt_run_load(&run, in_folder("run")) == GT_OK && run.epoch == 3);
    gt_file *f = GT_FILE_AT(gt_file_create(gt, in_folder("file")));
    IS_TRUE(gt_file_printf(f, "%d\n", 3) == GT_OK && gt_file_commit(f) == GT_OK);
}
