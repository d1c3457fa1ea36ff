/* Kernels that change tensors in place: of one element each (into.def), and the steps of optimizers
 * (step.def). */
#ifndef GTI_KERNELS_INTO_H
#define GTI_KERNELS_INTO_H

#include <stdbool.h>
#include <stdint.h>

typedef enum {
#define GTI_INTO(name, formula) GTI_INTO_##name,
#include "kernels/into.def"
#undef GTI_INTO
    GTI_N_INTO
} gti_into;

typedef enum {
#define GTI_STEP(name) GTI_STEP_##name,
#include "kernels/step.def"
#undef GTI_STEP
    GTI_N_STEP
} gti_step_rule;

/* The numbers of a step. In all formulas g = sign * grad + decay * w; what a formula does not name
 * is not read. */
typedef struct {
    double lr, sign, decay, shrink;
    double beta1, beta2;
    double take; /* part of g in sgd_momentum's average */
    double eps;
    double root;     /* times the square root of the second moment */
    double of_g;     /* nadam's rate of g; lr is that of the average */
    double nesterov; /* sgd_momentum: not 0, ahead of the average */
    double adaptive; /* radam: not 0, the second moment counts */
} gti_step;

typedef struct {
    /* y[i] = f(y[i], x[i]), i < n; x may be y. */
    void (*change[GTI_N_INTO])(int64_t n, const double pq[2], const void *x, void *y);
    /* The sum of |x[i]|^p, p > 0; with p = infinity the largest |x[i]|, where a NaN is larger. */
    double (*powers)(int64_t n, double p, const void *x);
    /* a and b exchanged */
    void (*exchange)(int64_t n, void *a, void *b);
    /* Of n weights at[0] with their states at[1], at[2], ... */
    void (*step[GTI_N_STEP])(int64_t n, const gti_step *s, const void *grad, void *const at[]);
} gti_into_kernels;

#endif
