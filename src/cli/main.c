/* gradtape: the command line tool. */
#include "cli.h"

#include <gradtape.h>
#include <stdio.h>
#include <string.h>

typedef struct {
    const char *name, *meaning;
    int (*run)(int argc, char **argv);
} command;

static int help(int argc, char **argv);

static const command commands[] = {
    {"ops", "list the operations, or describe one", gti_cli_ops},
    {"graph", "draw a network's computation graph", gti_cli_graph},
    {"summary", "print a network, layer by layer", gti_cli_graph},
    {"diff", "compare graphs, or weights", gti_cli_diff},
    {"onnx", "look at, write and run models of ONNX", gti_cli_onnx},
    {"export-c", "write a network as a C file without dependencies", gti_cli_export_c},
    {"check", "check the operations' derivatives", gti_cli_check},
    {"profile", "show where the time of a network's step goes", gti_cli_profile},
    {"version", "say what this program is made of", gti_cli_version},
    {"help", "explain a command", help},
};
enum { N_COMMANDS = sizeof commands / sizeof *commands };

static const command *find(const char *name)
{
    for (size_t i = 0; i < N_COMMANDS; i++)
        if (strcmp(commands[i].name, name) == 0) return &commands[i];
    return NULL;
}

static int unknown(const char *name)
{
    return gti_cli_unknown("", "command", name, commands, N_COMMANDS, sizeof *commands);
}

static void usage(FILE *f)
{
    fprintf(f, "gradtape %s, a small deep-learning framework in C\n\n", gt_version());
    fprintf(f, "usage: gradtape COMMAND [ARGUMENT...]\n\n");
    for (size_t i = 0; i < N_COMMANDS; i++)
        fprintf(f, "  %-9s %s\n", commands[i].name, commands[i].meaning);
    fprintf(f, "\n'gradtape help COMMAND' and 'gradtape COMMAND --help' say more.\n");
}

/* help COMMAND is COMMAND --help. */
static int help(int argc, char **argv)
{
    if (argc > 2) {
        fprintf(stderr, "gradtape help: takes one command\n");
        return 2;
    }
    const command *c = argc == 2 && strcmp(argv[1], "--help") != 0 ? find(argv[1]) : NULL;
    if (argc == 2 && !c && strcmp(argv[1], "--help") != 0) return unknown(argv[1]);
    if (c && c->run != help) {
        char option[] = "--help";
        char *ask[] = {argv[1], option, NULL};
        return c->run(2, ask);
    }
    usage(stdout);
    return 0;
}

static int run(int argc, char **argv)
{
    if (argc < 2) {
        usage(stderr);
        return 2;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) return help(1, argv + 1);
    if (strcmp(argv[1], "--version") == 0) return gti_cli_version(1, argv + 1);
    const command *c = find(argv[1]);
    return c ? c->run(argc - 1, argv + 1) : unknown(argv[1]);
}

int main(int argc, char **argv)
{
    int status = run(argc, argv);
    if (fflush(stdout) == 0 && !ferror(stdout)) return status;
    perror("gradtape: standard output");
    return 1;
}
