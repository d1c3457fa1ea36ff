/* The gradient checker: analytic derivatives against central differences in f64.
 *
 *   gt_tensor *f(gt_ctx *gt, gt_tensor *const in[], void *user);   any function of its inputs
 *   gt_gradcheck_report r;
 *   if (gt_gradcheck(gt, f, NULL, in, 2, NULL, &r) != GT_PASS) gt_gradcheck_print(&r, stderr);
 *
 * Beside the derivatives it checks what else a backward rule can get wrong: that it is linear in
 * its upstream gradient, leaves inputs, upstream and saved tensors alone, writes every element,
 * gives the same bits twice and the same gradients whichever inputs ask for them. */
#ifndef GRADTAPE_GRADCHECK_H
#define GRADTAPE_GRADCHECK_H

#include <gradtape/functional.h>
#include <gradtape/op.h>

GT_BEGIN_DECLS

/* GT_INCONCLUSIVE: nothing is wrong, but nothing was proven either. Where it was checked the
 * function has nothing but kinks, or no numeric derivative that rounding leaves, or no derivative
 * at all that is larger than the tolerance (GT_GRADCHECK_VACUOUS). */
typedef enum { GT_PASS, GT_FAIL, GT_INCONCLUSIVE } gt_verdict;

typedef enum {
    GT_GRADCHECK_AUTO, /* FULL up to 20,000 Jacobian entries, FAST above */
    GT_GRADCHECK_FULL, /* every entry of the Jacobian */
    GT_GRADCHECK_FAST, /* random projections v' J u; a failure is then tracked down to an entry */
} gt_gradcheck_mode;

/* What is asked of one input in place of what is asked of all. Zeros leave that as it is. Of large
 * Jacobians tolerances are those of projections, as .rtol and .atol are. */
typedef struct {
    const char *name; /* of the input, as the report names it; NULL: the rows go by place */
    double step, rtol, atol;
    const unsigned char
        *mask;      /* as many as the input has elements, in their order: of those that */
    int64_t n_mask; /* are 0 no derivative is looked at; GT_MASK(array) sets both */
    bool skip;      /* none of the input is */
} gt_gradcheck_input_opts;
#define GT_MASK(array) .mask = (array), .n_mask = (int64_t)sizeof(array)

typedef struct {
    gt_keywords gt_;
    double step; /* relative step, of numbers below 1 absolute; 6.06e-6, the cube root of f64's
                  * epsilon. Shorter and longer ones are tried where it does not settle an
                  * entry; inputs whose elements are all below 1e-4 and matter at that size,
                  * such as lengths in metres of atoms, get steps relative to the largest */
    double rtol, atol; /* 1e-6, 1e-7 (of the largest entry of the input, where that is below 1, but
                        * at least 1e-13); beyond the differences' own error estimate */
    gt_gradcheck_mode mode;
    int order;     /* 1; 2 checks second derivatives, too: those of the gradient of a
                    * random projection, in the inputs and in the projection */
    int probes;    /* 8, of FAST */
    uint64_t seed; /* 1 */
    int points;    /* 1; of functions and modules: more are checked at so many points, the
                    * one given and others around it (each element between half and twice
                    * its value), up to the first that fails. PASS if one passes and none
                    * fails. Of C functions x has so many rows, which are the points */
    bool f32;      /* of operations, instead: values and gradients computed in f32 against
                    * those in f64, with bounds of its own (step and tolerances are refused); order
                    * 1 or 2 does both, whatever the mode. Of functions and modules, whose
                    * inputs are then f32: derivatives against differences in f32, with steps
                    * of 2^-6, rtol 1e-3, atol 1e-4. Operations that have kernels for f32
                    * alone are always checked so */
    const gt_gradcheck_input_opts
        *inputs;  /* of the inputs, a row each, in their order (of a module: */
    int n_inputs; /* x, others, parameters), or with names: steps, tolerances and masks of
                   * its own. GT_EACH_INPUT(table) sets both. What a mask leaves out is
                   * told; with nothing left the check is inconclusive */
    gt_tensor *const *others; /* of a module of several inputs: those behind the first, */
    int n_others;             /* and how many; they are treated as the first is */
    const char *name;         /* of the function, for the report; must outlive it */
    const char *command;      /* of a program that checks samples of operations and knows the
                               * options of `gradtape check`, for the report's line "again";
                               * NULL: "gradtape check", of operations that are built in */
} gt_gradcheck_opts;
#define GT_EACH_INPUT(table) .inputs = (table), .n_inputs = (int)(sizeof(table) / sizeof *(table))

/* What a failure is about. */
typedef enum {
    GT_GRADCHECK_NOTHING,
    GT_GRADCHECK_DERIVATIVE, /* an analytic derivative differs from the numeric one */
    GT_GRADCHECK_KINK,       /* not differentiable here */
    GT_GRADCHECK_VACUOUS, /* nothing to compare, or all derivatives are 0 or below the tolerance: a
                           * rule that returns zeros would not have been found */
    GT_GRADCHECK_UNSURE,  /* no step gives a numeric derivative: rounding inside of the function is
                           * too large, or it is at the edge of its domain */
    GT_GRADCHECK_NAN,     /* a value or an analytic derivative is NaN or infinite */
    GT_GRADCHECK_UNWRITTEN,  /* an output element was never written */
    GT_GRADCHECK_UPSTREAM,   /* not linear in the upstream gradient, or J v in v; or not zero for
                              * zero */
    GT_GRADCHECK_MUTATED,    /* an input, the upstream or a saved tensor was changed */
    GT_GRADCHECK_RANDOM,     /* two runs differ */
    GT_GRADCHECK_SUBSET,     /* depends on which inputs require gradients */
    GT_GRADCHECK_SAME,       /* wrong when one tensor stands in two places */
    GT_GRADCHECK_ACCUMULATE, /* a second backward does not add to the first */
    GT_GRADCHECK_SHAPE,      /* a gradient's shape or dtype is not its input's */
    GT_GRADCHECK_PRECISION,  /* f32 strays from f64 by more than rounding explains */
    GT_GRADCHECK_SYMMETRY,   /* a Hessian is not symmetric */
    GT_GRADCHECK_DIFFERENT,  /* two implementations, or a batch and its items (gradcheck_ways.h) */
    GT_GRADCHECK_ERROR,      /* a call failed, or the check was asked for wrongly */
} gt_gradcheck_kind;

/* What was found of one input. */
typedef struct {
    char name[64];
    int64_t size; /* elements */
    bool whole;   /* entries were compared one by one; else in random projections */
    int64_t compared, wrong,
        skipped;     /* entries or projections: wrong ones are among those compared,
                      * skipped ones (kinks, and what could not be told) are not */
    int64_t masked;  /* elements that a mask leaves out */
    int64_t telling; /* of those compared: larger than the tolerance, so that 0 would not pass.
                      * None: nothing was proven of this input */

    /* The worst entry compared, d out[out_index] / d in[in_index]; output is -1 if there is none.
     */
    int output;
    int64_t in_index[GT_MAX_DIMS], out_index[GT_MAX_DIMS];
    double x;                           /* value of the input element */
    double analytic, numeric, estimate; /* estimate: of the error of numeric */
    double relative;                    /* |analytic - numeric| / max(|analytic|, |numeric|) */
} gt_gradcheck_input;

enum { GT_GRADCHECK_INPUTS = 12 };

/* A plain value: owns nothing, may be copied. */
typedef struct {
    gt_verdict verdict;
    gt_gradcheck_kind kind;
    gt_gradcheck_mode mode; /* the one used */
    int order;
    int sample; /* number in op->samples, -1 if none */
    uint64_t seed;
    int64_t entries; /* Jacobian entries (FULL) or projections (FAST) compared */
    int64_t wrong;   /* of these; after a FAST failure, of those looked at to explain it */
    int64_t kinks;   /* entries passed over because of a kink */
    int64_t unsure;  /* entries whose numeric derivative could not be told */

    /* Inputs that derivatives were asked of, in their order; of more than there is room for the
     * wrong ones come first. With order 2 the outputs are the gradients of the inputs, and the
     * projections are further inputs. */
    gt_gradcheck_input inputs[GT_GRADCHECK_INPUTS];
    int n_inputs;
    int input; /* of these the one with the worst entry of all; -1: there is none */

    char hint[256];     /* "a constant ratio of 0.5: ...", or "" */
    char message[8192]; /* all that gt_gradcheck_print prints, lines ended by '\n' */
} gt_gradcheck_report;

/* Checks f at in[0..n_in). Inputs that require gradients must be f64 leaves, or f32 with .f32; the
 * others are passed as they are. opts may be NULL, report too. A failure inside f is a FAIL with
 * its message, and gt is not left failed by it. Tape, the inputs' values, grad and requires_grad
 * are left as found (but the versions of their data are raised). */
gt_verdict gt_gradcheck(gt_ctx *gt, gt_function f, void *user, gt_tensor *const in[], int n_in,
                        const gt_gradcheck_opts *opts, gt_gradcheck_report *report);

/* Checks an operation, built in or of your own, on one sample; further than gt_gradcheck it puts
 * one tensor into two places, lets gradients accumulate, and leaves out the upstream gradients of
 * some outputs. Without a backward rule, or for a sample without floating inputs, it checks forward
 * alone, which is inconclusive at best. A kink is a FAIL unless sample->kinks. */
gt_verdict gt_gradcheck_op(gt_ctx *gt, const gt_op *op, const gt_sample *sample,
                           const gt_gradcheck_opts *opts, gt_gradcheck_report *report);

/* Checks it on all its samples, up to the first that fails, which is the one reported. PASS if at
 * least one passes: then that is reported, and how many do. */
gt_verdict gt_gradcheck_samples(gt_ctx *gt, const gt_op *op, const gt_gradcheck_opts *opts,
                                gt_gradcheck_report *report);

/* Runs its error samples: each must fail with its code and message and leave gt usable. */
gt_verdict gt_gradcheck_error_samples(gt_ctx *gt, const gt_op *op, gt_gradcheck_report *report);

/* Checks a module (nn.h): the gradients of m's outputs for x in its parameters and, if that
 * requires gradients, in x. These are f64 (gt_module_to); x may also be indices. Lazy parameters
 * are made first. Every run draws the same random numbers, so that dropout can be checked; the
 * generator and the module's buffers, such as running statistics, are left as found. */
struct gt_module;
gt_verdict gt_gradcheck_module(gt_ctx *gt, struct gt_module *m, gt_tensor *x,
                               const gt_gradcheck_opts *opts, gt_gradcheck_report *report);

void gt_gradcheck_print(const gt_gradcheck_report *report, FILE *file);
const char *gt_verdict_name(gt_verdict verdict);            /* "PASS", "FAIL", "INCONCLUSIVE" */
const char *gt_gradcheck_kind_name(gt_gradcheck_kind kind); /* "derivative", "mutated", ... */

GT_END_DECLS
#endif
