/* As much of Unity as a test with one failure needs, where it is not installed. */
#ifndef UNITY_FRAMEWORK_H
#define UNITY_FRAMEWORK_H

#include <stdio.h>
#include <stdlib.h>

void setUp(void);
void tearDown(void);

#define UNITY_BEGIN() setUp()
#define RUN_TEST(f) (f)()
#define UNITY_END() (tearDown(), 0)
#define TEST_FAIL_MESSAGE(message)                                                                 \
    do {                                                                                           \
        printf("%s:%d:FAIL: %s\n", __FILE__, __LINE__, message);                                   \
        exit(1);                                                                                   \
    } while (0)

#endif
