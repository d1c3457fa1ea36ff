/* Reading the project's own files, for tests that ask whether something is there for each of the
 * things that the headers declare. */
#ifndef GT_TESTS_SOURCES_H
#define GT_TESTS_SOURCES_H

#include <ctype.h>
#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static inline glob_t files_like(const char *pattern)
{
    glob_t found;
    if (glob(pattern, 0, NULL, &found) != 0) fail_msg("there is no %s", pattern);
    return found;
}

/* A file's text; to be freed. */
static inline char *text_of(const char *path)
{
    enum { MOST = 1 << 22 };
    char *text = malloc(MOST);
    FILE *f = fopen(path, "r");
    if (!f || !text) fail_msg("%s cannot be read", path);
    const size_t n = fread(text, 1, MOST - 1, f);
    assert_in_range(n, 1, MOST - 2);
    text[n] = '\0';
    fclose(f);
    return text;
}

/* Whether the word stands somewhere in the text, with `behind` directly behind it. */
static inline bool has_word(const char *text, const char *word, char behind)
{
    for (const char *at = text; (at = strstr(at, word)); at++) {
        const bool begins = at == text || (!isalnum((unsigned char)at[-1]) && at[-1] != '_');
        if (begins && at[strlen(word)] == behind) return true;
    }
    return false;
}

/* "gt_tensor *", "gt_add" and "gt_tensor *a, gt_tensor *b". */
typedef struct {
    char result[64], name[128], arguments[512];
} prototype;

/* The declaration of a function that a line begins with; static ones are none. */
static inline bool read_prototype(const char *line, prototype *p)
{
    static const char mark[] = "GT_MUST_CHECK ";
    if (!strncmp(line, mark, sizeof mark - 1)) line += sizeof mark - 1;
    if (!islower((unsigned char)*line) || !strncmp(line, "typedef", 7) ||
        !strncmp(line, "static", 6))
        return false;
    const size_t head = strcspn(line, "(;={}"), whole = strcspn(line, ";{");
    if (line[head] != '(' || line[whole] != ';') return false;
    size_t begin = head;
    while (begin && (isalnum((unsigned char)line[begin - 1]) || line[begin - 1] == '_')) begin--;
    snprintf(p->result, sizeof p->result, "%.*s", (int)begin, line);
    snprintf(p->name, sizeof p->name, "%.*s", (int)(head - begin), line + begin);
    snprintf(p->arguments, sizeof p->arguments, "%.*s", (int)(whole - head - 1), line + head + 1);
    return true;
}

/* Shows each function of a public header; how many there were. */
static inline int for_each_prototype(void (*see)(const char *header, const prototype *p))
{
    int n = 0;
    glob_t headers = files_like(GT_SOURCE_DIR "/include/gradtape/*.h");
    for (size_t i = 0; i < headers.gl_pathc; i++) {
        char *text = text_of(headers.gl_pathv[i]);
        prototype p;
        for (char *at = text; at; at = strchr(at, '\n') ? strchr(at, '\n') + 1 : NULL)
            if (read_prototype(at, &p)) {
                see(headers.gl_pathv[i], &p);
                n++;
            }
        free(text);
    }
    globfree(&headers);
    return n;
}

#endif
