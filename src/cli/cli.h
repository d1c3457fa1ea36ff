/* The command line tool. Each subcommand is one function: argv[0] is the subcommand's name, and the
 * result is the program's exit status, 0 all well, 1 the answer is bad, 2 the question was. */
#ifndef GTI_CLI_H
#define GTI_CLI_H

int gti_cli_check(int argc, char **argv);
int gti_cli_ops(int argc, char **argv);
int gti_cli_version(int argc, char **argv);

/* Among n names the one that a user who typed `typed` may have meant, or NULL. name(i) is the i-th.
 */
const char *gti_cli_nearest(const char *typed, unsigned n, const char *(*name)(unsigned i));

#endif
