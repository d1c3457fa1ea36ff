/* Texts of pictures. */
#include <string.h>

#include "graph/view.h"

static void add(char text[GTI_WORDS], const char *part, size_t n)
{
    const size_t used = strlen(text), left = GTI_WORDS - 1 - used;
    const size_t more = n < left ? n : left;
    memcpy(text + used, part, more);
    text[used + more] = 0;
}

/* --- arguments --- */

/* What goes without saying, and names that do. */
static const char *const defaults[] = {
    "stride=1",          "padding=0",    "output_padding=0", "dilation=1",
    "groups=1",          "bias=True",    "ceil_mode=False",  "count_include_pad=True",
    "eps=1e-05",         "momentum=0.1", "affine=True",      "track_running_stats=True",
    "inplace=False",     "start_dim=1",  "end_dim=-1",       "elementwise_affine=True",
    "padding_mode=zeros"};
static const char *const names[] = {
    "kernel_size=", "in_features=", "out_features=", "output_size=", "p=", "num_parameters="};

/* Copies one argument, with (5, 5) and (5,) as 5. */
static void add_argument(char item[GTI_WORDS], const char *from, size_t n)
{
    const char *open = memchr(from, '(', n), *end = from + n;
    const char *comma = open ? memchr(open, ',', n - (size_t)(open - from)) : NULL;
    const char *close = comma ? memchr(comma, ')', (size_t)(end - comma)) : NULL;
    const size_t first = comma ? (size_t)(comma - open - 1) : 0;
    const char *second = comma ? comma + 1 + strspn(comma + 1, " ") : NULL;
    const bool same = close && (close == second || ((size_t)(close - second) == first &&
                                                    !memcmp(open + 1, second, first)));
    item[0] = 0;
    if (!same) {
        add(item, from, n);
        return;
    }
    add(item, from, (size_t)(open - from));
    add(item, open + 1, first);
}

static size_t argument_length(const char *at)
{
    int depth = 0;
    size_t n = 0;
    for (; at[n] && (depth || at[n] != ','); n++) depth += (at[n] == '(') - (at[n] == ')');
    return n;
}

static void add_brief(char text[GTI_WORDS], const char *arguments)
{
    const char *between = "";
    for (const char *at = arguments; *at;) {
        char item[GTI_WORDS];
        const size_t n = argument_length(at);
        const char *shown = item;
        add_argument(item, at, n);
        for (size_t i = 0; i < sizeof defaults / sizeof *defaults; i++)
            if (!strcmp(item, defaults[i])) shown = "";
        for (size_t i = 0; i < sizeof names / sizeof *names; i++)
            if (!strncmp(shown, names[i], strlen(names[i]))) shown += strlen(names[i]);
        if (*shown) add(text, between, strlen(between));
        if (*shown) between = ", ";
        add(text, shown, strlen(shown));
        at += n + (at[n] == ',');
        at += strspn(at, " ");
    }
}

/* --- rows --- */

static void describe_scope(const gt_graph_scope *s, char text[GTI_WORDS])
{
    text[0] = 0;
    const char *what = *s->type ? s->type : s->name;
    add(text, what, strlen(what));
    const size_t used = strlen(text);
    add(text, "(", 1);
    add_brief(text, s->arguments);
    if (strlen(text) == used + 1) text[used] = 0;
    else add(text, ")", 1);
}

static void describe_row(const gti_view *v, const gti_row *r, char text[GTI_WORDS])
{
    const gt_graph *g = v->g;
    if (r->scope >= 0) {
        describe_scope(&g->scope[r->scope], text);
        return;
    }
    const int node = r->of >= 0 ? v->row[r->of].first : r->first;
    text[0] = 0;
    add(text, g->node[node].op->name, strlen(g->node[node].op->name));
}

/* Two texts that differ in numbers as one: "Conv2d(64…160, 32)". */
static void merge(char a[GTI_WORDS], const char *b)
{
    char text[GTI_WORDS] = "";
    for (const char *p = a, *q = b; *p || *q;) {
        const size_t m = strspn(p, "0123456789"), n = strspn(q, "0123456789");
        if (!m != !n || (!m && *p != *q)) {
            add(a, " \xe2\x80\xa6", 4);
            return;
        }
        add(text, p, m ? m : 1);
        if (m && (m != n || memcmp(p, q, m) != 0)) {
            add(text, "\xe2\x80\xa6", 3);
            add(text, q, n);
        }
        p += m ? m : 1;
        q += n ? n : 1;
    }
    memcpy(a, text, sizeof text);
}

void gti_words_of_row(const gti_view *v, int row, char text[GTI_WORDS])
{
    const gti_row *r = &v->row[row], *of = r->of >= 0 ? &v->row[v->row[r->of].alias] : r;
    char last[GTI_WORDS];
    describe_row(v, of, text);
    if (of->last_like < 0) return;
    describe_row(v, &v->row[of->last_like], last);
    merge(text, last);
}

/* --- names, shapes, numbers --- */

void gti_words_path(const gt_graph *g, int scope, char text[GTI_WORDS])
{
    int chain[64], n = 0;
    for (; scope >= 0 && n < 64; scope = g->scope[scope].parent)
        if (g->scope[scope].kind != GT_SCOPE_FUNCTION && *g->scope[scope].name) chain[n++] = scope;
    text[0] = 0;
    while (n-- > 0) {
        if (*text) add(text, ".", 1);
        add(text, g->scope[chain[n]].name, strlen(g->scope[chain[n]].name));
    }
}

static void add_dimension(char text[GTI_WORDS], int64_t dim, int64_t growth, int64_t batch)
{
    char number[64] = "", rest[32] = "";
    const int64_t fixed = dim - growth * batch;
    if (growth == 0) snprintf(number, sizeof number, "%lld", (long long)dim);
    else if (growth == 1) snprintf(number, sizeof number, "n");
    else snprintf(number, sizeof number, "%lldn", (long long)growth);
    if (growth && fixed) snprintf(rest, sizeof rest, "%+lld", (long long)fixed);
    add(text, number, strlen(number));
    add(text, rest, strlen(rest));
}

void gti_words_shape(const gt_graph_value *v, int64_t batch, bool brackets, char text[GTI_WORDS])
{
    const char *between = brackets ? "," : "\xc3\x97";
    text[0] = 0;
    if (v->shape.ndim < 1) {
        add(text, "scalar", 6);
        return;
    }
    if (brackets) add(text, "[", 1);
    for (int i = 0; i < v->shape.ndim; i++) {
        if (i) add(text, between, strlen(between));
        add_dimension(text, v->shape.dim[i], v->growth[i], batch);
    }
    if (brackets) add(text, "]", 1);
}

static void scaled(double n, const char *const unit[], int units, char text[GTI_WORDS])
{
    int i = 0;
    for (; n >= 999.5 && i < units - 1; i++) n /= 1000;
    const int decimals = i == 0 || n >= 99.95 ? 0 : n >= 9.995 ? 1 : 2;
    gt_snprintf(text, GTI_WORDS, "%.*f%s%s", decimals, n, *unit[i] ? " " : "", unit[i]);
}

void gti_words_count(double n, char text[GTI_WORDS])
{
    static const char *const unit[] = {"", "K", "M", "G", "T"};
    if (n < 99999.5) {
        const long long whole = (long long)n;
        if (whole < 1000) snprintf(text, GTI_WORDS, "%lld", whole);
        else snprintf(text, GTI_WORDS, "%lld,%03lld", whole / 1000, whole % 1000);
    } else {
        scaled(n, unit, 5, text);
    }
}

void gti_words_bytes(double n, char text[GTI_WORDS])
{
    static const char *const unit[] = {"B", "kB", "MB", "GB", "TB"};
    scaled(n, unit, 5, text);
}
