#include "graph/escape.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static bool is_continuation(unsigned char byte)
{
    return (byte & 0xc0) == 0x80;
}

/* Length of the character at s, or 0 where there is none that XML allows: stray and missing
 * continuation bytes, overlong forms, surrogates, U+FFFE, U+FFFF and what lies beyond U+10FFFF. */
static size_t character_length(const unsigned char *s)
{
    if (s[0] < 0x80) return 1;
    size_t length = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
    uint32_t code = s[0] & (0xffu >> (length + 1));
    if (s[0] < 0xc2 || s[0] > 0xf4) return 0;
    for (size_t i = 1; i < length; i++) {
        if (!is_continuation(s[i])) return 0;
        code = code << 6 | (s[i] & 0x3fu);
    }
    static const uint32_t least[] = {[2] = 0x80, [3] = 0x800, [4] = 0x10000};
    bool surrogate = code >= 0xd800 && code <= 0xdfff;
    bool allowed = code >= least[length] && code <= 0x10ffff && !surrogate && (code | 1) != 0xffff;
    return allowed ? length : 0;
}

/* A character that means something where the text stands. */
static void write_entity(FILE *f, unsigned char c, gti_escape_in in)
{
    if (in == GTI_IN_JSON) fprintf(f, "\\u%04x", c);
    else fprintf(f, "%s#%d;", in == GTI_IN_MERMAID ? "" : "&", c);
}

static void write_backslash(FILE *f, gti_escape_in in)
{
    const int n = in <= GTI_IN_TOOLTIP ? (int)in : 1;
    for (int i = 0; i < n; i++) write_entity(f, '\\', in);
}

static void write_control(FILE *f, unsigned char c, gti_escape_in in)
{
    if (in == GTI_IN_JSON) {
        write_entity(f, c, in);
        return;
    }
    write_backslash(f, in);
    if (c == '\n') fputs("n", f);
    else if (c == '\t') fputs("t", f);
    else fprintf(f, "x%02x", c);
}

static bool is_special(unsigned char c, gti_escape_in in)
{
    return strchr(in == GTI_IN_JSON ? "\"<>&" : in == GTI_IN_MERMAID ? "&<>\"'#;`" : "&<>\"'", c);
}

void gti_escape_write(FILE *f, const char *text, gti_escape_in in)
{
    const unsigned char *s = (const unsigned char *)text;
    while (*s) {
        size_t length = character_length(s);
        if (length == 0) fputs("\xef\xbf\xbd", f);
        else if (length > 1) fwrite(s, 1, length, f);
        else if (*s < 0x20 || *s == 0x7f) write_control(f, *s, in);
        else if (*s == '\\') write_backslash(f, in);
        else if (is_special(*s, in)) write_entity(f, *s, in);
        else putc(*s, f);
        s += length ? length : 1;
    }
}
