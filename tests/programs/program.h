/* Programs: lists of statements, made from a seed, run on the model and on the library. */
#ifndef GT_TESTS_PROGRAMS_PROGRAM_H
#define GT_TESTS_PROGRAMS_PROGRAM_H

#include <setjmp.h>

#include "model.h"

/* THE list of statements: name, how often, and their operands' number. */
#define STATEMENT_LIST(X)                                                                          \
    X(MAKE, 14, 0)                                                                                 \
    X(ADD, 9, 2)                                                                                   \
    X(MUL, 9, 2)                                                                                   \
    X(MATMUL, 5, 2)                                                                                \
    X(CONCAT, 4, 3)                                                                                \
    X(NEG, 3, 1)                                                                                   \
    X(MUL_SCALAR, 3, 1)                                                                            \
    X(SQUARE, 4, 1)                                                                                \
    X(RELU_OF, 4, 1)                                                                               \
    X(EXP_OF, 1, 1)                                                                                \
    X(TANH_OF, 3, 1)                                                                               \
    X(SUM, 8, 1)                                                                                   \
    X(RESHAPE, 5, 1)                                                                               \
    X(SLICE, 4, 1)                                                                                 \
    X(MAX, 3, 1)                                                                                   \
    X(COMPOSED, 5, 2)                                                                              \
    X(KEEP, 8, 1)                                                                                  \
    X(FREE, 4, 1)                                                                                  \
    X(DETACH, 3, 1)                                                                                \
    X(FILL, 3, 1)                                                                                  \
    X(FILL_SLICE, 2, 1)                                                                            \
    X(COPY_INTO, 3, 2)                                                                             \
    X(SET_NAME, 4, 1)                                                                              \
    X(HOOK, 6, 2)                                                                                  \
    X(UNHOOK, 2, 1)                                                                                \
    X(MARK, 6, 0)                                                                                  \
    X(REWIND, 7, 0)                                                                                \
    X(BACKWARD, 12, 2)                                                                             \
    X(GRAD, 7, 7)                                                                                  \
    X(TAKE_GRAD, 6, 1)                                                                             \
    X(CLEAR_GRAD, 1, 1)                                                                            \
    X(CHECKPOINT, 5, 3)                                                                            \
    X(SET_RECORDING, 2, 0)                                                                         \
    X(SET_RECORDING_ALL, 2, 0)                                                                     \
    X(REQUIRE_GRAD, 4, 1)                                                                          \
    X(CLEAR_ERROR, 1, 0)

typedef enum {
#define X(name, weight, operands) name,
    STATEMENT_LIST(X)
#undef X
        N_KINDS
} kind;

enum { OPERANDS = 7, PARAMETERS = 4, NO_SLOT = -1 };

typedef struct {
    kind kind;
    int id;     /* names its slots, also when statements before it were left out */
    int inside; /* id of the gt_checkpoint whose function it stands in, or -1 */
    int context;
    int slot[OPERANDS]; /* of operands, NO_SLOT for NULL */
    int p[PARAMETERS];  /* what the kind makes of it */
} statement;

typedef struct {
    uint64_t seed;
    int n;
    statement statements[STATEMENTS];
} program;

/* What the model says of a statement, and what the library did. */
typedef struct {
    bool skipped, has_status;
    gt_status status, real_status;
    const tensor *operands[OPERANDS]; /* as they were before */
    tensor *out[RESULTS];
    gt_tensor *real[RESULTS];
} outcome;

/* Where a run stands. */
typedef struct {
    model *m;
    const program *p;
    outcome outcomes[STATEMENTS]; /* by id */
    bool different;
    char difference[512];
} run;

/* A random program; the model alone, m, is run for it. */
void make_program(program *p, uint64_t seed, model *m);
/* Runs a statement on the model; when there is no definite outcome the model is as before, and
 * false comes back. For a gt_checkpoint what stands inside is run, too. */
bool step_model(run *r, const statement *s);
/* The parts of a gt_checkpoint's step, for the maker of programs. */
bool checkpoint_begin(run *r, const statement *s);
bool checkpoint_end(run *r, const statement *s);
/* Statements of one kind each. */
/* Element i of what MAKE makes. */
double made_value(const statement *s, int i);
typedef void step(model *m, const statement *s, outcome *o);
step step_make, step_operation, step_composed, step_keep, step_free, step_detach, step_fill,
    step_fill_slice, step_copy_into, step_set_name, step_hook, step_unhook, step_mark, step_rewind,
    step_backward, step_grad, step_take_grad, step_clear_grad, step_set_recording,
    step_set_recording_all, step_require_grad, step_clear_error;
/* The same on the library. */
void step_library(run *r, const statement *s);
/* Compares everything that the program can see. */
void compare(run *r, const statement *s);
/* A statement as a line. */
void print_statement(FILE *f, const statement *s);

/* A call that must fail, on the library. */
void call_composed(run *r, const statement *s, gt_tensor *a, gt_tensor *b);

static inline tensor *operand(const model *m, const statement *s, int i)
{
    return s->slot[i] == NO_SLOT ? NULL : m->slot[s->slot[i]];
}

/* The tensor that the function of a gt_checkpoint returns: of the statements in it, the last that
 * made one. */
tensor *checkpoint_result(const run *r, const statement *s);

static inline int slot_of(const statement *s, int result)
{
    return s->id * RESULTS + result;
}

void differ(run *r, const char *format, ...) GT_PRINTF(2, 3);

/* The shapes that programs make. */
enum { N_SHAPES = 10 };
gt_shape shape_number(int i);

#endif
