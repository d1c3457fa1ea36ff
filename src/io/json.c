#include "io/json.h"

#include <string.h>

/* --- UTF-8 --- */

/* By the table of well-formed sequences of the Unicode standard (3-7): the second byte's range
 * depends on the first, which excludes overlong forms, surrogates and what lies above U+10FFFF. */
size_t gti_json_utf8_length(const char *p, const char *end)
{
    const unsigned char *b = (const unsigned char *)p;
    if (b[0] < 0x80) return 1;
    const size_t n = b[0] < 0xc2 ? 0 : b[0] < 0xe0 ? 2 : b[0] < 0xf0 ? 3 : b[0] < 0xf5 ? 4 : 0;
    if (!n || (size_t)(end - p) < n) return 0;
    const unsigned low = b[0] == 0xe0 ? 0xa0 : b[0] == 0xf0 ? 0x90 : 0x80;
    const unsigned high = b[0] == 0xed ? 0x9f : b[0] == 0xf4 ? 0x8f : 0xbf;
    if (b[1] < low || b[1] > high) return 0;
    for (size_t i = 2; i < n; i++)
        if ((b[i] & 0xc0) != 0x80) return 0;
    return n;
}

bool gti_json_utf8_valid(const char *s)
{
    const char *end = s + strlen(s);
    for (size_t n; s < end; s += n)
        if (!(n = gti_json_utf8_length(s, end))) return false;
    return true;
}

static char *put_utf8(char *to, uint32_t c)
{
    if (c < 0x80) {
        *to++ = (char)c;
        return to;
    }
    const int rest = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
    static const unsigned char lead[] = {0, 0xc0, 0xe0, 0xf0};
    *to++ = (char)(lead[rest] | c >> 6 * rest);
    for (int i = rest - 1; i >= 0; i--) *to++ = (char)(0x80 | (c >> 6 * i & 0x3f));
    return to;
}

/* --- the parser --- */

gti_json gti_json_begin(char *text, size_t size)
{
    return (gti_json){.start = text, .at = text, .end = text + size};
}

bool gti_json_fail(gti_json *j, const char *error)
{
    if (!j->error) j->error = error;
    return false;
}

/* NUL at the end. */
static char here(const gti_json *j)
{
    if (j->at == j->end) return '\0';
    return *j->at;
}

/* The next character behind white space. */
static char peek(gti_json *j)
{
    while (here(j) && strchr(" \t\n\r", *j->at)) j->at++;
    return here(j);
}

static bool take(gti_json *j, char c, const char *error)
{
    if (j->error) return false;
    if (peek(j) != c) return gti_json_fail(j, error);
    j->at++;
    return true;
}

bool gti_json_open(gti_json *j, char bracket)
{
    j->fresh = take(j, bracket, bracket == '{' ? "expected '{'" : "expected '['");
    return j->fresh;
}

bool gti_json_more(gti_json *j, char bracket)
{
    if (j->error) return false;
    const bool fresh = j->fresh;
    j->fresh = false;
    if (peek(j) == bracket) {
        j->at++;
        return false;
    }
    return fresh || take(j, ',', bracket == '}' ? "expected ',' or '}'" : "expected ',' or ']'");
}

static bool hex4(gti_json *j, uint32_t *to)
{
    uint32_t c = 0;
    for (int i = 0; i < 4; i++, j->at++) {
        const char d = here(j);
        const int value = d >= '0' && d <= '9'   ? d - '0'
                          : d >= 'a' && d <= 'f' ? d - 'a' + 10
                          : d >= 'A' && d <= 'F' ? d - 'A' + 10
                                                 : -1;
        if (value < 0) return gti_json_fail(j, "expected four hexadecimal digits behind \\u");
        c = c << 4 | (uint32_t)value;
    }
    *to = c;
    return true;
}

/* Behind \u: one code point, as a surrogate pair where it is above U+FFFF. */
static bool code_point(gti_json *j, uint32_t *c)
{
    if (!hex4(j, c)) return false;
    if (*c == 0) return gti_json_fail(j, "a string holds the character NUL");
    if (*c < 0xd800 || *c > 0xdfff) return true;
    uint32_t low = 0;
    const bool pair = *c < 0xdc00 && j->end - j->at >= 6 && j->at[0] == '\\' && j->at[1] == 'u';
    if (!pair) return gti_json_fail(j, "half of a surrogate pair");
    j->at += 2;
    if (!hex4(j, &low)) return false;
    if (low < 0xdc00 || low > 0xdfff) return gti_json_fail(j, "half of a surrogate pair");
    *c = 0x10000 + ((*c - 0xd800) << 10) + (low - 0xdc00);
    return true;
}

/* Decodes the escape at the backslash to *to, which never is ahead of it. */
static bool escape(gti_json *j, char **to)
{
    static const char from[] = "\"\\/bfnrt", plain[] = "\"\\/\b\f\n\r\t";
    j->at++;
    const char c = here(j);
    if (c) j->at++;
    if (c == 'u') {
        uint32_t point = 0;
        if (!code_point(j, &point)) return false;
        *to = put_utf8(*to, point);
        return true;
    }
    const char *found = c ? strchr(from, c) : NULL;
    if (!found) return gti_json_fail(j, "there is no such escape");
    *(*to)++ = plain[found - from];
    return true;
}

char *gti_json_string(gti_json *j)
{
    if (!take(j, '"', "expected a string")) return NULL;
    char *const text = j->at, *to = text;
    while (j->at < j->end && *j->at != '"') {
        if (*j->at == '\\') {
            if (!escape(j, &to)) return NULL;
            continue;
        }
        const size_t n = gti_json_utf8_length(j->at, j->end);
        const bool control = (unsigned char)*j->at < 0x20;
        if (!n || control) {
            gti_json_fail(j, n ? "a string holds a control character" : "this is no UTF-8");
            return NULL;
        }
        memmove(to, j->at, n);
        to += n;
        j->at += n;
    }
    if (!take(j, '"', "a string does not end")) return NULL;
    *to = '\0';
    return text;
}

char *gti_json_key(gti_json *j)
{
    char *key = gti_json_string(j);
    return key && take(j, ':', "expected ':'") ? key : NULL;
}

static bool is_digit(const gti_json *j)
{
    return here(j) >= '0' && here(j) <= '9';
}

bool gti_json_integer(gti_json *j, int64_t *to)
{
    if (j->error) return false;
    const bool zero = peek(j) == '0';
    if (!is_digit(j)) return gti_json_fail(j, "expected a whole number that is not negative");
    const char *first = j->at;
    int64_t n = 0;
    for (; is_digit(j); j->at++)
        if (__builtin_mul_overflow(n, 10, &n) || __builtin_add_overflow(n, *j->at - '0', &n))
            return gti_json_fail(j, "the number is too large");
    if (zero && j->at - first > 1) return gti_json_fail(j, "a number begins with 0");
    *to = n;
    return true;
}

/* --- values that are not looked at --- */

static bool skip_string(gti_json *j)
{
    static const char after[] = "\"\\/bfnrtu"; /* a backslash */
    if (!take(j, '"', "expected a string")) return false;
    while (j->at < j->end && *j->at != '"') {
        const size_t n = gti_json_utf8_length(j->at, j->end);
        if (!n || (unsigned char)*j->at < 0x20)
            return gti_json_fail(j, n ? "a string holds a control character" : "this is no UTF-8");
        if (*j->at == '\\' && (j->end - j->at < 2 || !j->at[1] || !strchr(after, j->at[1])))
            return gti_json_fail(j, "there is no such escape");
        j->at += *j->at == '\\' ? 2 : n;
    }
    return take(j, '"', "a string does not end");
}

static bool skip_digits(gti_json *j)
{
    if (!is_digit(j)) return gti_json_fail(j, "expected a digit");
    while (is_digit(j)) j->at++;
    return true;
}

static bool skip_number(gti_json *j)
{
    if (here(j) == '-') j->at++;
    const bool zero = here(j) == '0';
    const char *first = j->at;
    if (!skip_digits(j)) return false;
    if (zero && j->at - first > 1) return gti_json_fail(j, "a number begins with 0");
    if (here(j) == '.' && (j->at++, !skip_digits(j))) return false;
    if (here(j) != 'e' && here(j) != 'E') return true;
    j->at++;
    if (here(j) == '-' || here(j) == '+') j->at++;
    return skip_digits(j);
}

static bool skip_word(gti_json *j)
{
    static const char *const words[] = {"true", "false", "null"};
    for (int i = 0; i < 3; i++) {
        const size_t n = strlen(words[i]);
        if ((size_t)(j->end - j->at) < n || memcmp(j->at, words[i], n) != 0) continue;
        j->at += n;
        return true;
    }
    return gti_json_fail(j, "expected a value");
}

static bool skip_plain(gti_json *j)
{
    const char c = peek(j);
    if (c == '"') return skip_string(j);
    return c == '-' || (c >= '0' && c <= '9') ? skip_number(j) : skip_word(j);
}

/* Brackets that are open are kept in a list, so nothing recurs. */
bool gti_json_skip(gti_json *j)
{
    char close[GTI_JSON_DEPTH] = {0};
    int depth = 0;
    do {
        const char c = (char)(j->error ? '\0' : peek(j));
        if (c == '{' || c == '[') {
            if (depth == GTI_JSON_DEPTH) return gti_json_fail(j, "values nest too deep");
            gti_json_open(j, c);
            close[depth++] = (char)(c == '{' ? '}' : ']');
        } else if (j->error || !skip_plain(j)) return false;
        while (depth && !gti_json_more(j, close[depth - 1]) && !j->error) depth--;
        if (depth && close[depth - 1] == '}' && !(skip_string(j) && take(j, ':', "expected ':'")))
            return false;
    } while (depth && !j->error);
    return !j->error;
}

bool gti_json_end(gti_json *j)
{
    if (j->error) return false;
    peek(j);
    return j->at == j->end || gti_json_fail(j, "expected the end");
}
