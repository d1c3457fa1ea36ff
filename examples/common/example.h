/* What the programs here share: a command line read by a table of options, which is its help as
 * well, the frame around a program's work, and digits to work on. */
#ifndef EXAMPLES_EXAMPLE_H
#define EXAMPLES_EXAMPLE_H

#include <gradtape.h>

/* An option, with one of the places that it can set. The table's last row has no name. */
typedef struct {
    const char *name, *value; /* "--epochs", "N"; a switch has no value; "FILE", NULL: a word that
                               * belongs to no option */
    const char *help;
    long *count;
    double *number;
    const char **text;
    bool *on;
    long least;        /* of a count or number */
    bool above_0;      /* so must a number be */
    const char *ends;  /* ".png": so must a text end */
    const char *needs; /* another option, with a text, that a switch is of no use without */
} option;

/* All of main: reads the command line, opens a context, calls `run`, says what failed. Returns the
 * exit status: 0; 1 after a failure; 2 after a word that is of no use; 130 after Ctrl-C, which
 * makes gt_stop_requested true, and at its second time ends the program. */
int example_main(int argc, char **argv, const char *program, const char *about,
                 const option *options, void (*run)(gt_ctx *gt, void *settings), void *settings);

/* The images for training or for tests: MNIST's, or a set's in its format, in `folder`; or, without
 * a folder, `count` generated ones of size x size. */
gt_dataset *example_digits(gt_ctx *gt, const char *folder, bool train, int64_t count, long size,
                           long seed);

/* Draws a network that runs on such inputs, with what differentiates it if `backward`, and says so;
 * does nothing without a path. */
void example_draw(gt_module *m, const char *path, gt_shape input, bool backward);

#endif
