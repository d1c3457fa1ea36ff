/* Functions of one number with their derivatives; the formulas are in function.def. */
#ifndef GTI_KERNELS_FUNCTION_H
#define GTI_KERNELS_FUNCTION_H

#include <stdint.h>

typedef enum {
#define GTI_FUNCTION(name, f, of, dx) GTI_FUNCTION_##name,
#include "kernels/function.def"
#undef GTI_FUNCTION
    GTI_N_FUNCTION
} gti_function;

/* GTI_SLOPE_exp says what the derivative of exp is made of. */
enum {
#define OF_X 0
#define OF_Y 1
#define GTI_FUNCTION(name, f, of, dx) GTI_SLOPE_##name = of,
#include "kernels/function.def"
#undef GTI_FUNCTION
#undef OF_X
#undef OF_Y
};

/* p: the function's parameters, always two numbers. */
typedef struct {
    /* y[i] = f(x[i]), i < n. y may be x. */
    void (*value[GTI_N_FUNCTION])(int64_t n, const void *x, const double p[2], void *y);
    /* dx[i] = g[i] f'(x[i]), made of v[i], which is x[i] or y[i]. dx may be g or v. */
    void (*slope[GTI_N_FUNCTION])(int64_t n, const void *g, const void *v, const double p[2],
                                  void *dx);
} gti_function_kernels;

#endif
