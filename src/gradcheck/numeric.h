/* Numeric derivatives: by differences along one column, or along a line, with what rounding does to
 * them. */
#ifndef GTI_GRADCHECK_NUMERIC_H
#define GTI_GRADCHECK_NUMERIC_H

#include <stdbool.h>
#include <stdint.h>

typedef struct gti_check gti_check;

/* Steps of several lengths, the usual one first; a derivative is better with each that is tried. */
enum {
    GTI_STEPS = 9,
    GTI_CONFIRMED = 3 /* after so many that tell an entry that is wrong is believed */
};

/* What numbers of a dtype let be told. */
typedef struct {
    const char *name;
    double epsilon;          /* between 1 and the next number */
    double step, rtol, atol; /* where nothing else is asked */
    int lengths[GTI_STEPS];  /* powers of two times the step asked for */
    int longest;             /* of them */
    int shortest;            /* along a line: what is shorter would round x */
    double told[2];          /* an estimate below so much of the value and of the scale tells it */
    double vague[2];         /* one above so much tells nothing */
    double steady; /* part of itself that a value may change by between a step and its half */
    double apart, noises;  /* slopes that differ by more than this part and so much noise do */
    double slack;          /* between the slopes of two sides */
    double least_weight;   /* of projections */
    double linear;         /* what backward is linear to */
    double symmetric;      /* and a Hessian symmetric */
    double huge;           /* gradients beyond it, or below its inverse, are not scaled further */
    double home;           /* the part of what x differs by that a step may be */
    double moved;          /* part of y that is more than rounding */
    double noise_steps[3]; /* noise.c */
} gti_precision;
extern const gti_precision gti_precision_f64, gti_precision_f32;

/* What is asked of an input. */
typedef struct {
    double step, rtol, atol;
    const gti_precision *precision;
} gti_terms;

/* Where the usual step leaves the place: of the steps tried that do not, the one of the smallest
 * estimate, INFINITY without any, and the slopes of its sides. What the others see proves nothing
 * wrong by itself. */
typedef struct {
    bool leaves;
    double low, high, estimate;
} gti_home;

/* What the steps tried so far say together. */
typedef struct {
    int told;           /* so many could tell the derivative, */
    double low, high;   /* and said values from low to high */
    double steady, gap; /* of the steps that are not longer than the usual one: the value that
                         * changed least between a step and its half, and by what part of itself,
                         * whatever noise was measured */
} gti_told;

/* A numeric derivative. */
typedef struct {
    double value, estimate; /* estimate: of the error of value, by curvature and noise */
    double between;         /* how far the differences of the step and of its half are apart */
    double right, left;     /* slopes of the two sides */
    const gti_terms *terms;
    double weight; /* of value in tolerances: 1, or less along a line */
    double scale;  /* what the entry is compared beside: the size of the largest, of all */
    gti_told told;
    gti_home home;
    bool line;  /* along a line: a sum over many entries, each with kinks of its own */
    bool bent;  /* the two sides differ: a kink or a jump */
    bool leaps; /* slopes grow with shorter steps: a jump, if it is rough, too */
    bool still; /* nothing changed, though a longer step may change it */
    bool rough; /* bent, still, the edge of the domain, too curved or noisy to tell */
} gti_slope;

typedef enum { GTI_FINE, GTI_WRONG, GTI_KINK, GTI_JUMP, GTI_ROUGH } gti_state;

/* --- noise.c --- */
/* Measures c->noise, if it has not been: how much rounding inside of the function moves y, as a
 * standard deviation. Only what does not agree without it needs it. */
bool gti_check_measure_noise(gti_check *c);
/* How much rounding inside of backward moves v' J [n_x]; nearer: also of terms that cancel at x. */
bool gti_check_backward_noise(gti_check *c, const double *v, bool nearer, double *noise);
enum { GTI_ROUNDINGS = 8 /* so many of them count: of y's last places, or of deviations */ };
/* --- numeric.c --- */
/* Where the largest entry is smaller it counts as this: gradients have rounding of their own. */
#define GTI_LEAST_SCALE 1e-6
/* Column col of J, [n_y]: with step 0 anew, with later ones where they are better. `scale` is that
 * of the slopes. */
bool gti_check_column(gti_check *c, int64_t col, int step, double scale, gti_slope *slope);
/* Anew, by steps of length h. */
bool gti_check_column_at(gti_check *c, int64_t col, double h, double scale, gti_slope *slope);
/* The same by two evaluations at the usual step. Good where it agrees: then the error of the
 * difference was not needed to explain anything. */
bool gti_check_quick_column(gti_check *c, int64_t col, double scale, gti_slope *slope);
/* Changes of y, of which rounding may be `rounding`, over steps to x + h, x - h (and x + h/2,
 * x - h/2) make a slope; `largest` is the scale of slopes. */
gti_slope gti_check_quick_slope(const gti_terms *terms, const double change[2],
                                const double length[2], double rounding, double weight,
                                double largest);
gti_slope gti_check_slope(const gti_terms *terms, const double change[4], const double length[4],
                          double rounding, double weight, double largest);
/* Makes *best the better of itself and s, of a step of these lengths; home: gti_part's. */
void gti_check_keep(gti_slope *best, gti_slope s, const double change[4], int step,
                    const double length[4], double home);
/* Whether an entry passes; *score is its error in units of the tolerance. */
gti_state gti_check_judge(const gti_check *c, double analytic, const gti_slope *numeric,
                          double *score);
/* Whether `other` in place of what agrees would be wrong. *numeric is used up. */
bool gti_check_tells(const gti_check *c, double other, gti_slope *numeric);
/* Gives it a scale of its own, that of one input's entries among larger ones. */
void gti_check_rescale(gti_slope *numeric, double scale);
/* Whether a judgement after this step could change with the next one. */
bool gti_check_is_open(gti_state state, const gti_slope *numeric, int step);

/* --- line.c --- */
/* The line x + h d, of the columns from..to-1 alone, on which y is projected on one v or several.
 */
enum { GTI_MOST_UPSTREAMS = 4 };
typedef struct {
    const double *d; /* [n_x] */
    int64_t from, to;
    const gti_terms *terms;
    int n;
    const double *v[GTI_MOST_UPSTREAMS]; /* [n], [n_y] */
    double scale[GTI_MOST_UPSTREAMS];    /* [n], of slopes */
    double noise[GTI_MOST_UPSTREAMS];    /* [n], of projections: gti_check_projected_noise */
} gti_line;
/* v' J d by differences, for each v. */
bool gti_check_line(gti_check *c, const gti_line *l, int step, gti_slope *slope);
bool gti_check_quick_line(gti_check *c, const gti_line *l, int step, gti_slope *slope);
double gti_check_projected_noise(const gti_check *c, const double *v);
/* g . d; the squares of its terms are added to *squares. */
double gti_check_project(const double *g, const double *d, int64_t n, double *squares);
/* Directions whose steps are exactly representable: d *= max(1, |x|), rounded, in the columns
 * from..to-1. */
void gti_check_align(gti_check *c, double *d, int64_t from, int64_t to);
double gti_check_line_step(const gti_terms *terms, int step);
/* What is asked of the columns from..to-1, which is the same of all. */
const gti_terms *gti_check_terms(const gti_check *c, int64_t from);
/* x as it was at first, in the columns from..to-1. */
void gti_check_restore(gti_check *c, int64_t from, int64_t to);
/* y, or v' J, at x + h d; x is then as before. */
bool gti_check_evaluate_at(gti_check *c, const double *d, double h, double *y);
bool gti_check_pull_at(gti_check *c, const double *d, double h, const double *v, double *g);
double *gti_check_at(const gti_check *c, int64_t col); /* element col of x */
/* After a change of these columns. */
void gti_check_touch(gti_check *c, int64_t from, int64_t to);

#endif
