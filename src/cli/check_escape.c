/* Text in other languages' quotes, and parts of a report. */
#include <string.h>

#include "check.h"

/* Bytes of the UTF-8 sequence that begins here; 0: it is none. */
static int sequence(const unsigned char *s)
{
    static const struct {
        unsigned char low, high, first, last; /* of the first byte, and of the second */
        int length;
    } kinds[] = {
        {0x01, 0x7f, 0, 0, 1},       {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
        {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
        {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4}};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (s[0] < kinds[i].low || s[0] > kinds[i].high) continue;
        if (kinds[i].length > 1 && (s[1] < kinds[i].first || s[1] > kinds[i].last)) return 0;
        for (int k = 2; k < kinds[i].length; k++)
            if ((s[k] & 0xc0) != 0x80) return 0;
        return kinds[i].length;
    }
    return 0;
}

/* Writes a character and returns what is behind it. */
static const char *put(FILE *f, const char *s)
{
    const int length = sequence((const unsigned char *)s);
    if (!length) putc('?', f);
    else fwrite(s, 1, (size_t)length, f);
    return s + (length ? length : 1);
}

/* U+FFFE and U+FFFF, which neither XML nor YAML takes. */
static bool is_no_character(const char *s)
{
    return !strncmp(s, "\xef\xbf\xbe", 3) || !strncmp(s, "\xef\xbf\xbf", 3);
}

void gti_cli_put_json(FILE *f, const char *text)
{
    putc('"', f);
    while (*text) {
        const unsigned char ch = (unsigned char)*text;
        if (ch == '"' || ch == '\\') fprintf(f, "\\%c", *text++);
        else if (ch == '\n') text++, fputs("\\n", f);
        else if (ch < 0x20 || ch == 0x7f) text++, fprintf(f, "\\u%04x", ch);
        else text = put(f, text);
    }
    putc('"', f);
}

void gti_cli_put_xml(FILE *f, const char *text)
{
    while (*text) {
        const unsigned char ch = (unsigned char)*text;
        if (ch == '&') text++, fputs("&amp;", f);
        else if (ch == '<') text++, fputs("&lt;", f);
        else if (ch == '>') text++, fputs("&gt;", f);
        else if (ch == '"') text++, fputs("&quot;", f);
        else if (ch == '\n') text++, fputs("&#10;", f);
        else if (ch < 0x20 || ch == 0x7f) text++, putc('?', f);
        else if (is_no_character(text)) text += 3, putc('?', f);
        else text = put(f, text);
    }
}

void gti_cli_put_tap(FILE *f, const char *text)
{
    while (*text) {
        const unsigned char ch = (unsigned char)*text;
        if (ch == '#' || ch == '\\') fprintf(f, "\\%c", *text++);
        else if (ch < 0x20 || ch == 0x7f) text++, putc(' ', f);
        else text = put(f, text);
    }
}

void gti_cli_put_yaml(FILE *f, const char *text)
{
    while (*text) {
        const unsigned char ch = (unsigned char)*text, next = (unsigned char)text[1];
        if (ch < 0x20 || ch == 0x7f) text++, putc(' ', f);
        else if (ch == 0xc2 && next >= 0x80 && next < 0xa0) text += 2, putc('?', f);
        else if (is_no_character(text)) text += 3, putc('?', f);
        else text = put(f, text);
    }
}

void gti_cli_check_name(const gti_cli_result *r, char *name, size_t size)
{
    const char *label = r->sample < 0 ? NULL : r->op->samples[r->sample].label;
    if (r->sample < 0) snprintf(name, size, "%s", r->stage_name);
    else
        snprintf(name, size, "sample %d%s%s%s  %s  seed %llu", r->sample, label ? " (" : "",
                 label ? label : "", label ? ")" : "", r->stage_name, r->seed);
}

void gti_cli_check_reason(const gt_gradcheck_report *r, char *reason, size_t size)
{
    const char *line = strchr(r->message, '\n');
    while (line && (*line == '\n' || *line == ' ')) line++;
    snprintf(reason, size, "%.*s", line ? (int)strcspn(line, "\n") : 0, line ? line : "");
}

void gti_cli_check_copy(gti_cli_out *o)
{
    if (!o->later) return;
    rewind(o->later);
    for (int ch; (ch = getc(o->later)) != EOF;) putchar(ch);
    fclose(o->later);
    o->later = NULL;
}
