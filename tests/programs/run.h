/* Running programs by seeds. */
#ifndef GT_TESTS_PROGRAMS_RUN_H
#define GT_TESTS_PROGRAMS_RUN_H

#include <stdint.h>

/* Runs the programs of seeds first, first + 1, ...; stops at the first that differs from the model,
 * or crashes, and prints it, made as short as it gets. Returns the number of those that differ. */
int run_programs(uint64_t first, uint64_t count);

#endif
