/* What the networks of "Dive into Deep Learning" (https://d2l.ai) share here: a command line, data,
 * and training by gt_fit (lenet.c has a plain loop instead). An example says what its network is.
 */
#ifndef EXAMPLES_TRAIN_NET_H
#define EXAMPLES_TRAIN_NET_H

#include <gradtape.h>

typedef struct {
    const char *program, *title; /* "vgg", "VGG-11, section 8.2" */
    /* Makes what takes images [n,1,size,size] to logits [n,10]. */
    gt_module *(*build)(gt_ctx *gt, bool variant);
    const char *option, *option_help; /* that asks for the variant: "--full"; NULL: there is none */
    void (*start)(gt_module *m);      /* after Kaiming's start; NULL: nothing more */
    long size, least_size;            /* by default, and the least that the layers can take */
    long epochs;                      /* by default */
    double lr;                        /* by default, of Adam */
    long book_size;                   /* of the images in the book, */
    double book_lr;                   /* and its learning rate */
} train_net;

/* Does all that main does. Returns the exit status. */
int train_net_main(int argc, char **argv, const train_net *net);

#endif
