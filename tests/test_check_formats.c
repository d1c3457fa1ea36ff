/* What `gradtape check` prints for other programs, read back by strict readers; and operations of
 * shared objects. */
#define _POSIX_C_SOURCE 200809L
#include <ctype.h>
#include <gradtape.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "program.h"

#define PROGRAM GT_BINARY_DIR "/gradtape"
#define CHECK "'" PROGRAM "' check --order 1 "
#define HOSTILE "--load '" GT_BINARY_DIR "/tests/hostile_ops.so' "
#define LOPSIDED "--load '" GT_BINARY_DIR "/tests/lopsided_ops.so' "
#define FLOAT "--load '" GT_BINARY_DIR "/tests/float_ops.so' "
#define CUSTOM "--load '" GT_BINARY_DIR "/tests/custom_op.so' "

/* --- JSON: the whole grammar of RFC 8259, and members of the outermost objects --- */

static const char *json_value(const char *s);

static const char *spaces(const char *s)
{
    return s + strspn(s, " \t\r\n");
}

static const char *expect(const char *s, const char *text)
{
    if (strncmp(s, text, strlen(text)) != 0) fail_msg("no '%s' at: %.60s", text, s);
    return s + strlen(text);
}

static const char *json_string(const char *s)
{
    for (s = expect(s, "\""); *s != '"'; s++) {
        if ((unsigned char)*s < 0x20) fail_msg("a control character in a string: %.40s", s);
        if (*s != '\\') continue;
        s++;
        if (*s == 'u') {
            for (int i = 0; i < 4; i++) assert_true(isxdigit((unsigned char)*++s));
        } else if (!strchr("\"\\/bfnrt", *s)) fail_msg("no escape: %.40s", s - 1);
    }
    return s + 1;
}

static const char *json_digits(const char *s)
{
    assert_true(isdigit((unsigned char)*s));
    return s + strspn(s, "0123456789");
}

static const char *json_number(const char *s)
{
    s += *s == '-';
    s = *s == '0' ? s + 1 : json_digits(s);
    if (*s == '.') s = json_digits(s + 1);
    if (*s != 'e' && *s != 'E') return s;
    s++;
    return json_digits(s + (*s == '-' || *s == '+'));
}

/* Of objects and arrays. */
static const char *json_list(const char *s, char close, bool named)
{
    s = spaces(s + 1);
    while (*s != close) {
        if (named) s = spaces(expect(spaces(json_string(s)), ":"));
        s = spaces(json_value(s));
        if (*s == close) break;
        s = spaces(expect(s, ","));
        assert_true(*s != close);
    }
    return s + 1;
}

static const char *json_value(const char *s)
{
    if (*s == '{') return json_list(s, '}', true);
    if (*s == '[') return json_list(s, ']', false);
    if (*s == '"') return json_string(s);
    if (*s == 't') return expect(s, "true");
    if (*s == 'f') return expect(s, "false");
    if (*s == 'n') return expect(s, "null");
    return json_number(s);
}

/* The bytes that hostile_ops.c has which are none are gone; its e acute is there. */
static void is_utf8(const char *text)
{
    assert_null(strchr(text, '\xff'));
    assert_has(text, "\xc3\xa9");
}

static void json_is_read(void **state)
{
    (void)state;
    need_program(PROGRAM);
    const char *text = run_program(CHECK HOSTILE "--format json", 1);
    is_utf8(text);
    if (*spaces(json_value(spaces(text)))) fail_msg("something behind the end: %s", text);
    assert_has(text, "{\"operation\": \"w\\\"r<o>n&g # \\\\\", \"sample\": 0");
    assert_has(text, "\"verdict\": \"FAIL\", \"kind\": \"derivative\"");
    assert_has(text, "\"verdict\": \"INCONCLUSIVE\", \"kind\": \"vacuous\"");
    assert_has(text, "{\"operation\": \"bare\", \"sample\": -1, ");
    assert_has(text, "\"wrong\": 3");
    assert_has(text, "\"analytic\": -1,");
    assert_has(text, "\"passed\": 0, \"failed\": 2, \"inconclusive\": 1");
    text = run_program(CHECK "--format json exp", 0);
    assert_true(!*spaces(json_value(spaces(text))));
}

/* --- TAP: version, numbered lines in order, blocks of YAML, and the plan --- */

static const char *line_end(const char *s)
{
    const char *end = strchr(s, '\n');
    if (!end) fail_msg("no end of line: %s", s);
    return end + 1;
}

/* A block behind a test: indented lines between its marks. */
static const char *tap_block(const char *s)
{
    for (s = expect(s, "  ---\n"); strncmp(s, "  ...\n", 6) != 0; s = line_end(s)) {
        expect(s, "  ");
        if (strncmp(s, "    ", 4) != 0 && !strchr(s, ':')) fail_msg("no entry: %.40s", s);
        const char *hash = strchr(s, '#');           /* in a literal block nothing is escaped */
        const char *odd = strstr(s, "\xef\xbf\xbf"); /* which YAML does not print */
        if (odd && odd < line_end(s)) fail_msg("no character of YAML: %.40s", s);
        if (hash && hash < line_end(s) && hash[-1] == '\\') fail_msg("escaped: %.40s", s);
    }
    return s + 6;
}

static const char *tap_test(const char *s, int number, int *failed, int *skipped)
{
    char head[32];
    const bool wrong = !strncmp(s, "not ", 4);
    snprintf(head, sizeof head, "ok %d - ", number);
    s = expect(s + (wrong ? 4 : 0), head);
    const char *end = line_end(s);
    for (; s < end; s++) {
        if (*s == '\\') s++; /* whatever is escaped is text */
        else if (*s == '#') {
            expect(s, "# SKIP ");
            ++*skipped;
            break;
        }
    }
    *failed += wrong;
    return strncmp(end, "  ---", 5) ? end : tap_block(end);
}

static void tap_is_read(void **state)
{
    (void)state;
    need_program(PROGRAM);
    const char *s = run_program(CHECK HOSTILE "--format tap", 1);
    int number = 0, failed = 0, skipped = 0;
    is_utf8(s);
    for (s = expect(s, "TAP version 14\n"); *s != '1'; number++)
        s = tap_test(s, number + 1, &failed, &skipped);
    assert_string_equal(s, "1..3\n");
    assert_int_equal(number, 3);
    assert_int_equal(failed, 2);
    assert_int_equal(skipped, 1);
    assert_has(run_program(CHECK "--format tap exp", 0), "\nok 1 - exp  sample 0");
}

/* --- JUnit: well-formed XML with the elements of its schema, and counts that are right --- */

typedef struct {
    int tests, failures, skipped;
    char open[8][32]; /* names of elements */
    int depth;
} junit;

static const char *xml_text(const char *s)
{
    for (; *s && *s != '<'; s++) {
        if ((unsigned char)*s < 0x20 && *s != '\n') fail_msg("no character of XML: %.20s", s);
        if (*s == '>' && s[-1] == ']' && s[-2] == ']') fail_msg("]]> in text");
        if (*s != '&') continue;
        static const char *const known[] = {"&amp;", "&lt;", "&gt;", "&quot;", "&#10;"};
        bool found = false;
        for (int i = 0; i < 5; i++) found |= !strncmp(s, known[i], strlen(known[i]));
        if (!found) fail_msg("no entity: %.20s", s);
    }
    return s;
}

static const char *xml_attribute(const char *s)
{
    s += strspn(s, "abcdefghijklmnopqrstuvwxyz");
    for (s = expect(s, "=\""); *s != '"';) {
        const char *end = strpbrk(s, "\"<&");
        assert_true(end && *end != '<');
        s = *end == '&' ? strchr(end, ';') + 1 : end;
        assert_true(*end != '&' || s - end <= 6);
    }
    return s + 1;
}

static void count_element(junit *j, const char *name)
{
    static const char *const parent[][2] = {{"testsuites", ""},
                                            {"testsuite", "testsuites"},
                                            {"testcase", "testsuite"},
                                            {"failure", "testcase"},
                                            {"skipped", "testcase"}};
    bool found = false;
    for (int i = 0; i < 5; i++)
        found |= !strcmp(name, parent[i][0]) &&
                 !strcmp(j->depth ? j->open[j->depth - 1] : "", parent[i][1]);
    if (!found) fail_msg("<%s> in <%s>", name, j->depth ? j->open[j->depth - 1] : "");
    j->tests += !strcmp(name, "testcase");
    j->failures += !strcmp(name, "failure");
    j->skipped += !strcmp(name, "skipped");
}

static const char *xml_element(junit *j, const char *s)
{
    char name[32];
    const bool closing = s[1] == '/';
    s += 1 + closing;
    const size_t length = strspn(s, "abcdefghijklmnopqrstuvwxyz");
    assert_in_range(length, 1, 31);
    snprintf(name, sizeof name, "%.*s", (int)length, s);
    s += length;
    if (closing) {
        assert_true(j->depth > 0);
        assert_string_equal(name, j->open[--j->depth]);
        return expect(s, ">");
    }
    count_element(j, name);
    while (*s == ' ') s = xml_attribute(s + 1);
    if (*s == '/') return expect(s, "/>");
    snprintf(j->open[j->depth++], sizeof j->open[0], "%s", name);
    return expect(s, ">");
}

static junit junit_read(const char *s)
{
    junit j = {0};
    s = expect(s, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    do {
        s = xml_element(&j, s);
        s = xml_text(s);
    } while (*s);
    assert_int_equal(j.depth, 0);
    return j;
}

static void junit_is_read(void **state)
{
    (void)state;
    need_program(PROGRAM);
    const char *text = run_program(CHECK HOSTILE "--format junit", 1);
    is_utf8(text);
    const junit j = junit_read(text);
    assert_int_equal(j.tests, 3);
    assert_int_equal(j.failures, 2);
    assert_int_equal(j.skipped, 1);
    assert_has(text, "<testsuite name=\"w&quot;r&lt;o&gt;n&amp;g # \\\" tests=\"1\" failures=\"1\" "
                     "errors=\"0\" skipped=\"0\"");
    assert_int_equal(junit_read(run_program(CHECK "--format junit exp", 0)).failures, 0);
}

/* --- operations of shared objects, patterns, and what proves nothing --- */

static const struct {
    const char *arguments;
    int status;
    const char *output; /* part of it, or of the errors where the status is 2 */
} calls[] = {
    {CUSTOM, 0, "soft_threshold     3 samples   order 1, 2 ok           f32 ok"},
    {CUSTOM "soft_*", 0, "6 checks: "},
    {CUSTOM "add", 2, "there is no operation 'add'"},
    {CUSTOM "--sample 7 soft_threshold", 2, "there is no number 7"},
    {CUSTOM "--sample 7", 2, "none of '*' has a sample number 7; soft_threshold has most, 3"},
    {CUSTOM "--sample 2", 0, "soft_threshold     1 sample "},
    {"--sample 9999 'tan?'", 2, "none of 'tan?' has a sample number 9999; tanh has most, "},
    {"--sample 9999 neg 'tan?'", 2, "neg has "},
    {FLOAT, 0, "float_cube         1 sample    order 1, 2 ok           f32 ok"},
    {FLOAT "--order 1 -v", 0, "gradcheck PASS  float_cube  sample 0 (vector)  f32  order 1\n"},
    {HOSTILE "--order 1", 1, "order 1   1 FAILED"},
    {HOSTILE "--order 1", 1, "again: gradtape check --load '" GT_BINARY_DIR},
    {HOSTILE "--order 1", 1, "hostile_ops.so' --sample 0 --seed 1 w\"r<o>n&g"},
    {LOPSIDED, 2, "has .samples without .n_samples, or the other way round, in lopsided"},
    {HOSTILE "--order 1 bare", 1, "FAILED: no samples"},
    {HOSTILE "--order 1 --format tap bare", 1, "\nnot ok 1 - bare  no samples\n"},
    {"--load none.so", 2, "--load: 'none.so' cannot be loaded: ./none.so: "},
    {"--load libm.so.6", 2, "cannot be loaded: "},
    {"--load '" GT_SOURCE_DIR "/README.md'", 2, "cannot be loaded: "},
    {"--load /lib/x86_64-linux-gnu/libm.so.6", 2, "--load: '/lib/x86_64-linux-gnu/libm.so.6' "},
    {"--order 1 --sample 0 'tan?' '*_like' 'ex*'", 2, "no operation matches '*_like'"},
    {"--order 1 --sample 0 'tan?' 'ex*'", 0, "\nexpm1  "},
    {"--order 1 --sample 0 -v tanh", 0, "entries of the Jacobian compared (full: at most 20000)"},
    {"--order 1 argmax", 1,
     "nothing to compare of derivatives, which are 0 or not there:\n  argmax\n"},
    {"--order 1 argmax", 1, "NOTHING was proven"},
    {"argmax", 0, "order 1, 2 nothing      f32 ok"},
    {"--order 1 'arg*'", 1, "NOTHING was proven"},
    {"--order 1 --sample 0 'arg*' tanh", 0, "1 pass, "},
    {"--order 1 --sample 0 argmax tanh", 1, "1 pass, "},
    {"linear", 1, "nothing was checked: composed of other operations"},
    {"--format yaml add", 2, "--format does not take 'yaml', but one of text|json|tap|junit"},
};

static void calls_answer(void **state)
{
    (void)state;
    need_program(PROGRAM);
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        char command[1024];
        snprintf(command, sizeof command, "'" PROGRAM "' check %s %s", calls[i].arguments,
                 calls[i].status == 2 ? "2>&1 >/dev/null" : "2>/dev/null");
        assert_has(run_program(command, calls[i].status), calls[i].output);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_is_read),
        cmocka_unit_test(tap_is_read),
        cmocka_unit_test(junit_is_read),
        cmocka_unit_test(calls_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
