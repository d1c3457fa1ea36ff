/* Sections of kernels.inc: functions that the file needs. */
#include <string.h>

#include "cfile/cfile.h"

static const char mark[] = "/* --- ";

static bool begins_section(const char *line)
{
    return !strncmp(line, mark, sizeof mark - 1);
}

int gti_cfile_count_sections(void)
{
    int n = 0;
    for (const char *const *line = gti_cfile_lines; *line; line++) n += begins_section(*line);
    return n;
}

static void use(gti_cfile *c, const char *name, size_t length)
{
    int n = 0;
    for (const char *const *line = gti_cfile_lines; *line; line++) {
        if (!begins_section(*line)) continue;
        const char *title = *line + sizeof mark - 1;
        if (!strncmp(title, name, length) && title[length] == ' ') c->used[n] = true;
        n++;
    }
}

void gti_cfile_use(gti_cfile *c, const char *names)
{
    while (names && *names) {
        const size_t length = strcspn(names, " ");
        use(c, names, length);
        names += length;
        names += *names == ' ';
    }
}

/* What stands before the first section is for readers of kernels.inc. */
void gti_cfile_add_sections(const gti_cfile *c, gti_text *t)
{
    int n = -1;
    for (const char *const *line = gti_cfile_lines; *line; line++) {
        if (begins_section(*line)) n++;
        else if (n >= 0 && c->used[n]) gti_text_add(t, "%s", *line);
    }
}
