/* Making calls fail on purpose.
 *
 * Test programs called test_faults_* are linked so that the calls of the library, and of the test,
 * to the system's allocator and files go through faults.c (tests/CMakeLists.txt has the list).
 * What other libraries do inside, OpenBLAS, libpng, zlib, libjpeg, the C library but for its
 * streams, is not the library's and never fails here. In debug builds each request to a pool or an
 * arena is a call, too.
 *
 * A sweep runs a program again and again and makes the 1st, 2nd, 3rd, ... call fail, until the
 * program runs through. Bounded to some calls a program unless GRADTAPE_FAULTS=whole. */
#ifndef GT_TESTS_FAULTS_H
#define GT_TESTS_FAULTS_H

#include "support.h"

typedef enum {
    FAULT_NONE,
    FAULT_MEMORY, /* a request for memory gives NULL, a thread is not started */
    FAULT_FILES,  /* a call on a file fails, with errno as below */
    FAULT_SHORT,  /* a read or write moves one byte, which is no failure */
} fault_kind;

/* From here on call number `at` of this kind fails, or all from it on. */
void faults_arm(fault_kind kind, uint64_t at, bool onwards, int error);
/* Ends that; the number of calls there were. */
uint64_t faults_disarm(void);

typedef struct {
    fault_kind kind;
    bool onwards;
    int error;
    uint64_t at, step, met;
} fault_sweep;
/* For a program of `calls` calls, as faults_disarm counted them without a failure. */
fault_sweep faults_sweep_begin(fault_kind kind, bool onwards, int error, uint64_t calls);
/* Arms the next failure; false when all calls have been gone through. */
bool faults_sweep_next(fault_sweep *s);
/* To be called behind the program: disarms; whether a call failed. */
bool faults_sweep_hit(fault_sweep *s);

/* Counts a program, and prints what there was since the last print. */
void faults_count_program(void);
void faults_print(const char *title);

/* Reports leaks so far under LeakSanitizer, and fails; does nothing elsewhere. */
void faults_check_leaks(const char *program);

#endif
