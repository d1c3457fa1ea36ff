/* Reading JSON, as much of it as headers need: objects, arrays, strings and whole numbers. The
 * caller asks for what must come next, so nothing nests deeper than the caller's own code. */
#ifndef GTI_IO_JSON_H
#define GTI_IO_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The text is changed: strings are decoded where they lie. */
typedef struct {
    char *start, *at, *end;
    const char *error; /* what was wrong at `at`; NULL while all is well */
    bool fresh;        /* behind the bracket that opened, so no comma comes */
} gti_json;

gti_json gti_json_begin(char *text, size_t size);
/* All of these return false, or NULL, once there has been an error; except _more, nothing else
 * makes them so. */
bool gti_json_fail(gti_json *j, const char *error);
bool gti_json_open(gti_json *j, char bracket);
/* Goes to the next member; false behind `bracket`, which closes. */
bool gti_json_more(gti_json *j, char bracket);
/* Without the character NUL, ends in one, and is valid UTF-8. */
char *gti_json_string(gti_json *j);
char *gti_json_key(gti_json *j); /* a string and its colon */
/* 0 to INT64_MAX, written without sign, point or exponent. */
bool gti_json_integer(gti_json *j, int64_t *to);
/* Any value, which is checked and not decoded; nested at most GTI_JSON_DEPTH deep. */
enum { GTI_JSON_DEPTH = 64 };
bool gti_json_skip(gti_json *j);
/* Only white space follows. */
bool gti_json_end(gti_json *j);

/* The length of the UTF-8 sequence at p < end; 0 when it is none. */
size_t gti_json_utf8_length(const char *p, const char *end);
bool gti_json_utf8_valid(const char *s);

#endif
