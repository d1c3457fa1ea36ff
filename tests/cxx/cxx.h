/* Every function-like macro of the public headers, called from C++; test_headers.c sees to it that
 * none is missing. A part ends with a sound context, or the program ends with its message. */
#ifndef GRADTAPE_CXX_H
#define GRADTAPE_CXX_H

#include <gradtape.h>

/* Ends the program with a message unless all is as it should be. */
void is_true(bool condition, const char *what);
#define IS_TRUE(condition) is_true(condition, GT_HERE ": " #condition)
/* The context has failed, as it should have; it works again. */
void has_failed(gt_ctx *gt, gt_status code, const char *where);
#define HAS_FAILED(gt, code) has_failed(gt, code, GT_HERE)
/* The path of a file in the folder that the test may write to; valid until the next call. */
const char *in_folder(const char *name);

void test_tensors(gt_ctx *gt);
void test_gradients(gt_ctx *gt);
void test_functions(gt_ctx *gt);
void test_shapes(gt_ctx *gt);
void test_losses(gt_ctx *gt);
void test_op(gt_ctx *gt);
void test_layers(gt_ctx *gt);
void test_modules(gt_ctx *gt);
void test_optim(gt_ctx *gt);
void test_schedules(gt_ctx *gt);
void test_data(gt_ctx *gt);
void test_files(gt_ctx *gt);
void test_training(gt_ctx *gt);

#endif
