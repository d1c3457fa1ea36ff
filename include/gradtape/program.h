/* Programs: a command line that a table of options reads, which is its help as well, and the frame
 * around a program's work. An experiment is then its settings, a function, and this:
 *
 *   typedef struct {
 *       long epochs;
 *       const char *out;
 *   } settings;
 *
 *   static void run(gt_ctx *gt, void *user)
 *   {
 *       const settings *s = user;
 *       ...
 *   }
 *
 *   int main(int argc, char **argv)
 *   {
 *       settings s = {.epochs = 8, .out = "sheet.png"};
 *       return gt_program_main(
 *           argc, argv, "Learns to draw digits.", run, &s,
 *           GT_PROGRAM_OPTIONS({"--epochs", "N", "times through the set (8)", .count = &s.epochs},
 *                              {"--out", "FILE", "picture to write", .text = &s.out}));
 *   }
 *
 * These functions are the main of a program, so they print what it has to say: its help to stdout,
 * what is wrong to stderr. */
#ifndef GRADTAPE_PROGRAM_H
#define GRADTAPE_PROGRAM_H

#include <gradtape/nn.h>

GT_BEGIN_DECLS

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
} gt_program_option;
#define GT_PROGRAM_OPTIONS(...) GT_ARRAY(const gt_program_option, __VA_ARGS__, {.name = NULL})

/* All of main: reads the command line, opens a context, calls `run`, says what failed. Options are
 * "--epochs 3" or "--epochs=3"; --help lists them below `about`. Returns the exit status: 0; 1
 * after a failure; 2 after a word that is of no use; 130 after Ctrl-C, which makes
 * gt_stop_requested true, and at its second time ends the program. Sets the handler of SIGINT. */
int gt_program_main(int argc, char **argv, const char *about,
                    void (*run)(gt_ctx *gt, void *settings), void *settings,
                    const gt_program_option *options);

/* A network that reads digits, for gt_program_train. */
typedef struct {
    const char *title; /* "VGG-11, section 8.2" */
    /* Makes what takes images [n,1,size,size] to logits [n,10]. */
    gt_module *(*build)(gt_ctx *gt, bool variant);
    const char *option, *option_help; /* that asks for the variant: "--full"; NULL: there is none */
    void (*start)(gt_module *m);      /* after Kaiming's start; NULL: nothing more */
    long size, least_size;            /* by default, and the least that the layers can take */
    long epochs;                      /* by default */
    double lr;                        /* by default, of Adam */
    long book_size;                   /* of the images in "Dive into Deep Learning", */
    double book_lr;                   /* and its learning rate: --book */
} gt_program_net;

/* All of main of a program that trains a network on MNIST, a set in its format or generated digits,
 * by gt_fit or by replays of a captured step: rates, sizes, starts, checkpoints, curves, pictures,
 * ONNX and C files by options, which --help lists. Returns the exit status, as gt_program_main. */
int gt_program_train(int argc, char **argv, const gt_program_net *net);

GT_END_DECLS
#endif
