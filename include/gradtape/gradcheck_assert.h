/* Gradient checks as assertions of a test, with the report, the file and the line:
 *
 *   #include <cmocka.h>                       or check.h, or unity.h, or nothing
 *   #include <gradtape/gradcheck_assert.h>
 *
 *   GT_ASSERT_GRADCHECK(gt, attention, NULL, inputs, 3, .order = 2);
 *   GT_ASSERT_GRADCHECK_MODULE(gt, net, x, .name = "net");
 *   GT_ASSERT_GRADCHECK_SAMPLES(gt, &my_op);
 *   GT_ASSERT_GRADCHECK_SAME(gt, fast, NULL, plain, NULL, inputs, 2);       (gradcheck_ways.h)
 *   GT_ASSERT_GRADCHECK_C(energy, gradient, &world, x, n, .points = 3);     (gradcheck_c.h)
 *   GT_ASSERT_GRADCHECK_MAP(&map, x);                     (and _C_F32, _MAP_F32 of floats)
 *
 * Options (gt_gradcheck_opts) may follow. Only a PASS will do: a check that proves nothing fails,
 * too. The test fails by what the framework has whose header was included before this one: fail
 * of cmocka, ck_abort_msg of Check, TEST_FAIL_MESSAGE of Unity. Without any the report goes to
 * stderr and the program aborts, as with assert, but NDEBUG does not switch it off. To fail in
 * another way, define GT_GRADCHECK_FAILED(report) before including this header; `report` is a const
 * gt_gradcheck_report *. */
#ifndef GRADTAPE_GRADCHECK_ASSERT_H
#define GRADTAPE_GRADCHECK_ASSERT_H

#include <gradtape/gradcheck_c.h>
#include <gradtape/gradcheck_ways.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(GT_GRADCHECK_FAILED)
/* the program's own */
#elif defined(CMOCKA_H_) /* which prints 1,023 bytes at a time */
#define GT_GRADCHECK_FAILED(report)                                                                \
    print_error("%s", "ERROR: ");                                                                  \
    for (const char *gt_text_ = (report)->message; *gt_text_;                                      \
         gt_text_ += (strlen(gt_text_) < 1000 ? strlen(gt_text_) : 1000))                          \
        print_error("%.1000s", gt_text_);                                                          \
    fail()
#elif defined(CHECK_H)
#define GT_GRADCHECK_FAILED(report) ck_abort_msg("%s", (report)->message)
#elif defined(UNITY_FRAMEWORK_H) /* which prints one line */
#define GT_GRADCHECK_FAILED(report)                                                                \
    (gt_gradcheck_print(report, stderr), fflush(stderr));                                          \
    TEST_FAIL_MESSAGE("the gradient check did not pass; its report stands above")
#else
#define GT_GRADCHECK_FAILED(report)                                                                \
    (fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, (report)->message), abort())
#endif

/* check: a call whose last arguments are &gt_options_ and &gt_report_. */
#define GT_ASSERT_GRADCHECK_(check, ...)                                                           \
    do {                                                                                           \
        const gt_gradcheck_opts gt_options_ = GT_OPTS(gt_gradcheck_opts, __VA_ARGS__);             \
        gt_gradcheck_report gt_report_;                                                            \
        if ((check) != GT_PASS) {                                                                  \
            GT_GRADCHECK_FAILED(&gt_report_);                                                      \
        }                                                                                          \
    } while (0)

#define GT_ASSERT_GRADCHECK(gt, f, user, in, ...)                                                  \
    GT_ASSERT_GRADCHECK_FUNCTION_(gt, f, user, in, __VA_ARGS__, )
#define GT_ASSERT_GRADCHECK_FUNCTION_(gt, f, user, in, n_in, ...)                                  \
    GT_ASSERT_GRADCHECK_(gt_gradcheck(gt, f, user, in, n_in, &gt_options_, &gt_report_),           \
                         __VA_ARGS__)
#define GT_ASSERT_GRADCHECK_MODULE(gt, module, ...)                                                \
    GT_ASSERT_GRADCHECK_MODULE_(gt, module, __VA_ARGS__, )
#define GT_ASSERT_GRADCHECK_MODULE_(gt, module, x, ...)                                            \
    GT_ASSERT_GRADCHECK_(gt_gradcheck_module(gt, module, x, &gt_options_, &gt_report_), __VA_ARGS__)
#define GT_ASSERT_GRADCHECK_SAMPLES(gt, ...) GT_ASSERT_GRADCHECK_SAMPLES_(gt, __VA_ARGS__, )
#define GT_ASSERT_GRADCHECK_SAMPLES_(gt, op, ...)                                                  \
    GT_ASSERT_GRADCHECK_(gt_gradcheck_samples(gt, op, &gt_options_, &gt_report_), __VA_ARGS__)
#define GT_ASSERT_GRADCHECK_SAME(gt, f, user_f, g, user_g, in, ...)                                \
    GT_ASSERT_GRADCHECK_SAME_(gt, f, user_f, g, user_g, in, __VA_ARGS__, )
#define GT_ASSERT_GRADCHECK_SAME_(gt, f, user_f, g, user_g, in, n_in, ...)                         \
    GT_ASSERT_GRADCHECK_(                                                                          \
        gt_gradcheck_same(gt, f, user_f, g, user_g, in, n_in, &gt_options_, &gt_report_),          \
        __VA_ARGS__)

/* Of plain C functions: no context. */
#define GT_ASSERT_GRADCHECK_C(f, gradient, user, x, ...)                                           \
    GT_ASSERT_GRADCHECK_C_(f, gradient, user, x, __VA_ARGS__, )
#define GT_ASSERT_GRADCHECK_C_(f, gradient, user, x, n, ...)                                       \
    GT_ASSERT_GRADCHECK_(gt_gradcheck_c(f, gradient, user, x, n, &gt_options_, &gt_report_),       \
                         __VA_ARGS__)
#define GT_ASSERT_GRADCHECK_MAP(map, ...) GT_ASSERT_GRADCHECK_MAP_(map, __VA_ARGS__, )
#define GT_ASSERT_GRADCHECK_MAP_(map, x, ...)                                                      \
    GT_ASSERT_GRADCHECK_(gt_gradcheck_map(map, x, &gt_options_, &gt_report_), __VA_ARGS__)
#define GT_ASSERT_GRADCHECK_C_F32(f, gradient, user, x, ...)                                       \
    GT_ASSERT_GRADCHECK_C_F32_(f, gradient, user, x, __VA_ARGS__, )
#define GT_ASSERT_GRADCHECK_C_F32_(f, gradient, user, x, n, ...)                                   \
    GT_ASSERT_GRADCHECK_(gt_gradcheck_c_f32(f, gradient, user, x, n, &gt_options_, &gt_report_),   \
                         __VA_ARGS__)
#define GT_ASSERT_GRADCHECK_MAP_F32(map, ...) GT_ASSERT_GRADCHECK_MAP_F32_(map, __VA_ARGS__, )
#define GT_ASSERT_GRADCHECK_MAP_F32_(map, x, ...)                                                  \
    GT_ASSERT_GRADCHECK_(gt_gradcheck_map_f32(map, x, &gt_options_, &gt_report_), __VA_ARGS__)

#endif
