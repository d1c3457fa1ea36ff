/* Text that grows. */
#ifndef GTI_IO_TEXT_H
#define GTI_IO_TEXT_H

#include <gradtape/context.h>

/* All zero is empty, and `at` is NULL while nothing was added. Out of memory shows
 * in `failed`, and later additions do nothing. */
typedef struct {
    char *at;
    size_t length, room;
    bool failed;
} gti_text;
void gti_text_add(gti_text *t, const char *fmt, ...) GT_PRINTF(2, 3);
/* As a JSON string, in quotes; s is UTF-8. */
void gti_text_quote(gti_text *t, const char *s);

#endif
