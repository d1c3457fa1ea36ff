/* The gradient checker's own structures.
 *
 * Everything is flattened: x are the elements of all tensors that are differentiated with respect
 * to, one after the other, n_x in number and called columns; y those of all outputs, n_y rows. The
 * Jacobian is J [n_y, n_x]. Scratch memory is tensors on the tape, gone at the final rewind.
 *
 * Functions that return bool return false when the check is over: its report is complete. */
#ifndef GTI_GRADCHECK_CHECK_H
#define GTI_GRADCHECK_CHECK_H

#include <gradtape/gradcheck.h>
#include <math.h>

#include "engine/mutants.h"
#include "engine/session.h"
#include "gradcheck/numeric.h"

/* The function that is differentiated: the user's, an operation, or the gradient of one of them. */
typedef struct gti_fn gti_fn;
struct gti_fn {
    /* Fills out[0..n_out); NULL stands for zeros. With graph the results can be differentiated.
     * False after a failure of the context. */
    bool (*call)(const gti_fn *fn, gt_tensor *out[], bool graph);
    gt_ctx *gt;
    gt_tensor **in;  /* [n_in], the arguments */
    gt_tensor **var; /* [n_var], the distinct leaves x */
    int n_in, n_var, n_out;
    gt_function f; /* of the user's function */
    void *user;
    const gt_op *op; /* of an operation */
    const void *opts;
    const gti_fn *inner;  /* of a gradient: of what, projected on what, [inner->n_out]; */
    gt_tensor **upstream; /* NULL for outputs that carry no gradient */
};

/* A stretch of the flattened x or y. */
typedef struct {
    gt_shape shape;
    int64_t offset, size;
    double *data;    /* of x: its elements, or those that gti_check_touch rounds to its own */
    double unit;     /* of x: what a number near 0 counts as, 1 or less */
    double home;     /* of x: how far steps may go where the usual one leaves the place; else 0 */
    gti_terms terms; /* of x, and */
    int row;         /* the row of .inputs that says so, or -1; */
    int64_t masked;  /* elements that are left out */
    gt_dtype dtype;  /* of y */
    bool constant;   /* an output of whole numbers, without gradient: its size counts as 0 */
    char name[64];
} gti_part;

/* An upstream v [n_y] and its g [n_x] = v' J, analytic. */
typedef struct {
    double *v, *g;
} gti_pull;

/* What is found of an input. */
typedef struct {
    gt_gradcheck_input found;
    double score;     /* of its worst entry, in units of the tolerance; */
    int64_t row, col; /* and where that is */
    bool zero;        /* all entries are 0 */
} gti_tally;

/* Two functions that should be the same: what they are called, and where it may come from that
 * shapes, values or gradients differ. */
typedef struct {
    const char *first, *second, *shapes, *values, *gradients;
} gti_two;

struct gti_check {
    gt_ctx *gt;
    gt_gradcheck_opts o, asked;     /* o: defaults filled in */
    const gti_precision *precision; /* of what is checked */
    gt_gradcheck_report *r;
    const gt_op *op; /* NULL for a user's function */
    const gt_sample *sample;
    const char *label; /* of the sample, the form or */
    char point[40];    /* the point */
    const gti_fn *fn;
    gti_part *x, *y; /* [fn->n_var], [fn->n_out] */
    int64_t n_x, n_y;
    gt_tensor **out;                                  /* [n_out], of the session */
    gt_tensor **pulled, **upstream, **wanted, **grad; /* [n_out] and [n_var], for gti_check_vjp */
    gti_session all;                                  /* from gti_check_open to gti_check_close */
    gt_mark session;                                  /* from gti_check_begin to gti_check_end */
    double *y0;                                       /* [n_y], at x */
    uint64_t first_print;                             /* of y of the very first call */
    double *x0;                                       /* [n_x], x, which is put back from here */
    uint8_t *mask;                                    /* [n_x], 0: left out; NULL: nothing is */
    int64_t n_asked;                                  /* columns that are not left out */
    int64_t masked_before;                            /* of x, where directions are the variables */
    double largest;                                   /* entry of the Jacobian, analytic */
    double uncertain;                                 /* the largest estimate of what agrees */
    int64_t planned;                                  /* projections that are to be compared */
    bool apart;                                       /* inputs have terms of their own */
    double *near[4];                                  /* [n_y], at x + h, x - h, x + h/2, x - h/2 */
    double home;                                      /* along a line; 0: it is never left */
    double *noise;                                    /* [n_y], of y near x: its last places, and */
    bool noise_measured;                              /* what was measured (noise.c) */
    gti_pull pull[2];  /* made by side.c, which fast.c goes on with; */
    int n_pulls;       /* so many, of finite gradients */
    gti_tally *tally;  /* [n_var] */
    const char *first; /* what was said of order 1, while order 2 is checked after it */
    bool finite;       /* gradients of a Gaussian upstream are; */
    unsigned silent;   /* outputs that are given no upstream at the moment, a bit each */
    const gti_two *two;
    const char *error_hint; /* for a failure of the context during the present call */
    double kink_x;          /* where the first entry that was passed over is */
    int64_t kink_row, kink_col;
    int64_t alike; /* entries passed over because they equal others that have kinks */
    int looks;     /* at what seemed wrong (second_look.c), and columns in which kinks were seen */
    int met;       /* to meet, at the number met_x of an input */
    double met_x;
    int met_input;
    bool symmetric; /* the Jacobian is a Hessian, with columns behind it for order 2 */
    uint64_t random;
    size_t text; /* length of r->message */
};

/* fmax without a call; a NaN is left out where it comes first. */
static inline double gti_larger(double a, double b)
{
    return a > b ? a : b;
}

/* The largest size of n numbers, 0 of none; NaNs are left out. */
static inline double gti_largest(const double *x, int64_t n)
{
    double largest[4] = {0};
    int64_t i = 0;
    for (; i + 4 <= n; i += 4)
        for (int k = 0; k < 4; k++) largest[k] = gti_larger(fabs(x[i + k]), largest[k]);
    for (; i < n; i++) largest[0] = gti_larger(fabs(x[i]), largest[0]);
    return gti_larger(gti_larger(largest[0], largest[1]), gti_larger(largest[2], largest[3]));
}

/* What rounding may change y[j] by. */
static inline double gti_check_noise(const gti_check *c, int64_t j)
{
    return GTI_ROUNDINGS * c->noise[j];
}

/* Slopes rise at a kink, or fall. Where a row has kinks of both kinds, lines through them tell
 * nothing: relu(a) - relu(b) of zeros has the slope 1 along (1, -1), and a gradient of zeros is one
 * of its own. */
typedef enum { GTI_RISING = 1, GTI_FALLING = 2, GTI_MIXED = 3 } gti_bend;
static inline gti_bend gti_bend_of(const gti_slope *s)
{
    return s->right > s->left ? GTI_RISING : GTI_FALLING;
}

/* Part of the Jacobian, both ways; all arrays [n_rows, n_cols]. */
typedef struct {
    const int64_t *row, *col; /* [n_rows], [n_cols], ascending */
    int64_t n_rows, n_cols;
    double *analytic, *numeric, *estimate;
    uint8_t *state, *bent; /* bent: a gti_bend, at a kink */
    double scale;          /* the largest analytic entry, of all and */
    double *input_scale;   /* [n_var], of an input */
    int64_t wrong, kinks;  /* entries */
} gti_table;

/* --- check.c --- */
/* Fills opts' zeros with defaults and starts the report. */
void gti_check_init(gti_check *c, gt_ctx *gt, const gt_gradcheck_opts *opts,
                    gt_gradcheck_report *r);
/* Between these the context works as the checker needs it, and then as before. Opening fails in a
 * context that had failed already, whose failure is left alone. */
bool gti_check_open(gti_check *c);
void gti_check_close(gti_check *c);
/* Opens with a function of the user's, after checking what it is given; or nothing is open. */
bool gti_check_open_function(gti_check *c, gt_function f, void *user, gt_tensor *const in[],
                             int n_in, gti_fn *fn);
/* Everything that is checked of fn, or for order 2 of its gradient, with the verdict. */
void gti_check_all(gti_check *c, const gti_fn *fn);
/* Makes fn the one that is checked: parts, buffers, y0. */
bool gti_check_prepare(gti_check *c, const gti_fn *fn);
/* The function "gradient of fn's projections on Gaussian upstreams", after gti_check_prepare(fn).
 */
bool gti_check_gradient(gti_check *c, const gti_fn *fn, gti_fn *gradient);

/* --- options.c --- */
/* That numbers are finite and in their range, and pointers given with their counts. */
bool gti_check_options_are_fit(gti_check *c);
/* of: "of x ", or "" of what is asked of all. */
bool gti_check_terms_are_fit(gti_check *c, const gti_terms *t, const char *of);
/* What not every way to look knows; seed and name all do. */
enum {
    GTI_ASKS_STEP = 1,
    GTI_ASKS_TOLERANCES = 2,
    GTI_ASKS_MODE = 4,
    GTI_ASKS_PROBES = 8,
    GTI_ASKS_ORDER = 16,
    GTI_ASKS_POINTS = 32,
    GTI_ASKS_F32 = 64,
    GTI_ASKS_INPUTS = 128
};
/* Refuses what is asked, but not among these. */
bool gti_check_knows(gti_check *c, unsigned known);

/* --- precision.c --- */
/* Differences and tolerances are those of numbers of this precision. */
void gti_check_set_precision(gti_check *c, const gti_precision *precision);
/* Whether op has no kernel for f64. */
bool gti_check_is_f32_alone(const gt_op *op);
/* A line about f32, if that is what was checked. */
void gti_check_say_precision(gti_check *c);

/* --- unit.c --- */
/* Units and homes of x's parts, at x0 and y0. */
bool gti_check_find_units(gti_check *c);
/* Whether the largest of an input may be its unit; where x is to be looked at for that; and the
 * share of the largest output that moves. */
bool gti_check_is_tiny(double largest);
void gti_check_shake(const double *x, int64_t n, double *shaken);
double gti_check_share_moved(const double *y0, const double *y, int64_t n);

/* --- refine.c: what is asked of inputs one by one --- */
bool gti_check_refine(gti_check *c, const gti_fn *fn);
bool gti_check_mask_is_fit(gti_check *c, const gt_gradcheck_input_opts *row, const char *name,
                           int64_t size);
/* Zeros in the columns that are left out, or, of a gradient, whose outputs are its variables, in
 * the rows. */
void gti_check_hide_columns(const gti_check *c, double *g);
void gti_check_hide_rows(gti_check *c, double *v);
void gti_check_hide_outputs(gti_check *c);
/* Whether column i, or row j, is looked at. */
static inline bool gti_check_has_column(const gti_check *c, int64_t i)
{
    return !c->mask || c->mask[i];
}
static inline bool gti_check_has_row(const gti_check *c, int64_t j)
{
    return !c->mask || !c->fn->inner || c->mask[j];
}

/* Rows that are looked at. */
int64_t gti_check_rows(const gti_check *c);

/* --- function.c --- */
bool gti_check_call_user(const gti_fn *fn, gt_tensor *out[], bool graph);
bool gti_check_call_op(const gti_fn *fn, gt_tensor *out[], bool graph);
bool gti_check_call_gradient(const gti_fn *fn, gt_tensor *out[], bool graph);
/* n elements of scratch, zeroed, or as they are; NULL after a failure of the context. */
void *gti_check_scratch(gti_check *c, int64_t n, size_t element);
void *gti_check_room(gti_check *c, int64_t n, size_t element);
/* Calls the function at the present x: c->out, on the tape; of the shapes that they were at first.
 */
bool gti_check_call(gti_check *c);
/* f at the present x. */
bool gti_check_evaluate(gti_check *c, double *y);
/* Of a call's outputs, y [n_y]. */
void gti_check_read_outputs(const gti_check *c, double *y);
/* Records the function, for any number of gti_check_vjp until gti_check_end; the first time its
 * outputs have no shapes yet. */
bool gti_check_begin(gti_check *c);
bool gti_check_begin_first(gti_check *c);
void gti_check_end(gti_check *c);
/* g [n_x] = v' J; 0 in the columns of leaves that do not require gradients at the moment. */
bool gti_check_vjp(gti_check *c, const double *v, double *g);
/* The same in a session of its own. */
bool gti_check_pull(gti_check *c, const double *v, double *g);
/* Standard normals; weights nearly so, much faster and never 0; and the next 64 bits of the
 * checker's own generator. */
void gti_check_normal(gti_check *c, int64_t n, double *x);
void gti_check_weights(gti_check *c, int64_t n, double *x);
/* v [n_y], of weights; 0 in rows that are left out. */
void gti_check_draw_upstream(gti_check *c, double *v);
uint64_t gti_check_bits(gti_check *c);
/* The elements of t as doubles, its own or on the tape; NULL after a failure of the context. */
const double *gti_check_doubles(gti_check *c, const gt_tensor *t);
/* n elements of t as double. */
void gti_check_read(const gt_tensor *t, double *x);

/* --- kinks.c --- */
/* Where entries of the table are kinks: analytic derivatives along lines through all of them lie
 * between the slopes of the two sides; a gradient for each of two equal maxima does not. */
bool gti_check_kinks(gti_check *c, const gti_table *t);
/* The same of v' J = g, where these columns have kinks; and of one of its entries, by the slopes of
 * the rows [n_y]. */
bool gti_check_projected_kinks(gti_check *c, const int64_t *col, int64_t n, const double *v,
                               const double *g);
bool gti_check_is_between(const gti_check *c, double analytic, const double *v,
                          const gti_slope *slope);

/* Which of n rows of y, or whether v . y if there is v (n = 1), has several kinks at x along a
 * column: where the other columns lie a little beside, they part. meet[n]: what is true is not
 * asked. */
bool gti_check_kinks_meet(gti_check *c, int64_t col, const int64_t *row, int64_t n, const double *v,
                          bool *meet);

/* --- second_look.c --- */
/* Entries of column k that seem wrong, by the slopes of all y; those that may be right are no
 * longer called so. */
bool gti_check_look_again(gti_check *c, gti_table *t, int64_t k, const gti_slope *slope);

/* --- full.c --- */
/* Compares these rows and columns of the Jacobian. */
bool gti_check_compare(gti_check *c, const int64_t *row, int64_t n_rows, const int64_t *col,
                       int64_t n_cols);
/* Of `total` places from `first` on `count`, evenly spread, `must` among them; ascending. Their
 * number. */
int64_t gti_check_spread(int64_t total, int64_t count, int64_t first, int64_t must, int64_t *place);
bool gti_check_full(gti_check *c);
enum { GTI_FULL_ENTRIES = 20000 }; /* of a Jacobian; larger ones by projections */
/* Notes a kink of output row at column col, or a place where no slope can be told. */
void gti_check_kink(gti_check *c, gti_state state, int64_t row, int64_t col);

/* --- fast.c --- */
bool gti_check_fast(gti_check *c);

/* --- inputs.c: what is found of each input --- */
/* Begins to count: entries, or projections. */
bool gti_check_start_tallies(gti_check *c);
void gti_check_reset_tally(gti_check *c, int i, bool whole);
/* Counts an entry of the table. telling: zero in its place would be wrong. */
void gti_check_count(gti_check *c, const gti_table *t, int64_t at, gti_state state, double score,
                     bool telling);
/* The input with the worst entry, -1 without any entry. */
int gti_check_worst_input(const gti_check *c);
/* Copies tallies into the report. */
void gti_check_report_inputs(gti_check *c);
/* A line an input; failures have those of the others than the one they are about. */
void gti_check_say_inputs(gti_check *c);
/* "d y[1] / d x[2]   analytic 1.23   numeric ...", with digits enough to see the difference. */
void gti_check_say_entry(gti_check *c, const char *before, const gti_tally *t);

/* --- verdict.c --- */
/* PASS, INCONCLUSIVE, or FAIL because of what was passed over. */
void gti_check_conclude(gti_check *c);
/* "no derivatives ...", for whoever checks what has none. */
void gti_check_say_vacuous(gti_check *c, const char *why);

/* --- hints*.c --- */
/* Finds what the wrong entries of a table have in common, and writes lines and a hint about it. */
void gti_check_diagnose(gti_check *c, const gti_table *t);

/* --- report.c --- */
/* "1 entry", "2 entries": which word goes with n. */
static inline const char *gti_count_word(int64_t n, const char *one, const char *many)
{
    return n == 1 ? one : many;
}
/* A report is a head, lines, and an end with hint and command; a head starts it anew. */
void gti_check_head(gti_check *c, gt_verdict verdict, gt_gradcheck_kind kind);
void gti_check_line_of_text(gti_check *c, const char *fmt, ...) GT_PRINTF(2, 3);
void gti_check_hint(gti_check *c, const char *fmt, ...) GT_PRINTF(2, 3);
bool gti_check_finish(gti_check *c); /* returns false */
/* More behind the last line. */
void gti_check_append(gti_check *c, const char *fmt, ...) GT_PRINTF(2, 3);
/* Head, line and end of a failure. */
bool gti_check_fail(gti_check *c, gt_gradcheck_kind kind, const char *hint, const char *fmt, ...)
    GT_PRINTF(4, 5);
/* The same of what was asked, or of a call that failed: a GT_GRADCHECK_ERROR. */
bool gti_check_refuse(gti_check *c, const char *hint, const char *fmt, ...) GT_PRINTF(3, 4);
/* Takes over the failure of the context, if there is one: a FAIL, and the context works on. Returns
 * whether all is well. */
bool gti_check_alive(gti_check *c);
/* "weight[3,0,1,2]": the element at a place of parts, or element k of one. Returns buf. */
char *gti_check_place(const gti_part *part, int n, int64_t at, char *buf, size_t size);
char *gti_check_element(const gti_part *part, int64_t k, char *buf, size_t size);
/* The part that a place lies in. */
int gti_check_part(const gti_part *part, int n, int64_t at);
/* The number of the input that a column lies in. */
static inline int gti_check_input(const gti_check *c, int64_t col)
{
    return gti_check_part(c->x, c->fn->n_var, col);
}
void gti_check_unravel(gt_shape shape, int64_t at, int64_t index[GT_MAX_DIMS]);

/* --- sample.c --- */
/* Makes the inputs of a sample; floating ones that are left open get dtype, with values rounded to
 * f32 when that is asked for. var: distinct inputs that gradients are asked for. */
typedef struct {
    gt_tensor *in[GT_SAMPLE_INPUTS], *var[GT_SAMPLE_INPUTS];
    int n_in, n_var;
    const void *opts;
} gti_sample_inputs;
bool gti_sample_make(gti_check *c, const gt_op *op, const gt_sample *sample, gt_dtype dtype,
                     bool rounded, gti_sample_inputs *made);

/* --- points.c --- */
typedef void gti_point_check(void *work, gt_gradcheck_report *r, int point);
/* check at the point given and at o.points - 1 others, with the verdict of all in first->r. */
gt_verdict gti_check_points(gti_check *first, gti_point_check *check, void *work,
                            gt_tensor *const in[], int n_in);
void gti_check_label_point(gti_check *c, int point);
/* A failure, or what passes after what is inconclusive. */
void gti_check_keep_report(gt_gradcheck_report *kept, const gt_gradcheck_report *now);

/* --- same.c --- */
/* Values and gradients of two functions of the same variables, with the verdict. */
void gti_check_same(gti_check *c, const gti_fn *a, const gti_fn *b, const gti_two *two);

/* --- f32.c --- */
/* Values and gradients of f32 against f64, with the verdict. */
void gti_check_f32(gti_check *c, const gti_fn *f64, const gti_fn *f32);

#endif
