/* The lines of a box of layers. */
#include <string.h>

#include "graph/picture.h"

static bool is_number(const char *name)
{
    return strspn(name, "0123456789") == strlen(name);
}

/* The name that stands before what a row is; NULL: none does. */
static const char *name_of_row(const gti_picture *p, const gti_row *r)
{
    const gt_graph_scope *s = r->scope >= 0 ? &p->g->scope[r->scope] : NULL;
    const bool named =
        s && s->kind != GT_SCOPE_FUNCTION && *s->type && strcmp(s->name, s->type) != 0;
    return named && r->part != GT_PART_BACKWARD && !is_number(s->name) ? s->name : NULL;
}

static size_t row_length(const gti_picture *p, int row)
{
    char text[GTI_WORDS];
    const gti_row *r = &p->view.row[row];
    const char *name = name_of_row(p, r);
    gti_words_of_row(&p->view, row, text);
    if (r->part == GT_PART_BACKWARD) return strcspn(text, "(");
    return strlen(text) + (name ? strlen(name) + 1 : 0);
}

static void write_row(const gti_picture *p, int row, int times, bool joins)
{
    const gti_row *r = &p->view.row[row];
    const bool backward = r->part == GT_PART_BACKWARD;
    const char *before = name_of_row(p, r);
    char text[GTI_WORDS];
    gti_words_of_row(&p->view, row, text);
    const size_t name = strcspn(text, "(");
    if (backward && !joins) fputs("\xe2\x88\x87 ", p->f);
    if (before) {
        fputs(GTI_SMALL, p->f);
        gti_clusters_text(p, before);
        fputs("</font> ", p->f);
    }
    const char inside = text[name];
    text[name] = 0;
    fputs(backward ? "" : "<b>", p->f);
    gti_clusters_text(p, text);
    fputs(backward ? "" : "</b>", p->f);
    text[name] = inside;
    if (!backward) gti_clusters_text(p, text + name);
    if (times > 1) fprintf(p->f, " <b>\xc3\x97 %d</b>", times);
}

static bool reads_alike(const gti_picture *p, int a, int b)
{
    char x[GTI_WORDS], y[GTI_WORDS];
    gti_words_of_row(&p->view, a, x);
    gti_words_of_row(&p->view, b, y);
    return !strcmp(x, y);
}

static void format_numbers(const gti_picture *p, const gti_box *b, char text[GTI_WORDS])
{
    char flops[GTI_WORDS];
    const double kept = b->part == GT_PART_BACKWARD && b->of >= 0 ? p->view.box[b->of].keeps : 0;
    *text = 0;
    if (kept >= 1) {
        gti_words_bytes(kept, flops);
        snprintf(text, GTI_WORDS, "keeps %.99s", flops);
    } else if (b->part == GT_PART_FORWARD && b->parameters) {
        gti_words_count((double)b->parameters, text);
        gti_words_count(b->flops, flops);
        const size_t used = strlen(text);
        snprintf(text + used, GTI_WORDS - used, " params \xc2\xb7 %.99s%sFLOP", flops,
                 strchr(flops, ' ') ? "" : " ");
    }
}

#define BEGIN_LINE "<tr><td align=\"left\">"
#define END_LINE "</td></tr>"

/* What is short stands on one line, but a product on its own; numbers behind the last of several.
 */
void gti_rows_write(const gti_picture *p, const gti_box *b)
{
    enum { MOST = 38, MOST_WITH_NUMBERS = 52 }; /* bytes of a line */
    char numbers[GTI_WORDS];
    size_t used = 0;
    int lines = 0;
    bool ends = true;
    fputs("<table border=\"0\" cellborder=\"0\" cellspacing=\"0\" cellpadding=\"1\">", p->f);
    for (int i = b->first; i >= 0;) {
        int n = p->view.row[i].times, next = p->view.row[i].next;
        for (; next >= 0 && reads_alike(p, i, next); next = p->view.row[next].next)
            n += p->view.row[next].times;
        const size_t length = row_length(p, i) + (n > 1 ? 4 : 0);
        const bool joins = !ends && used + length <= MOST;
        fputs(joins ? ", " : lines ? END_LINE BEGIN_LINE : BEGIN_LINE, p->f);
        write_row(p, i, n, joins);
        used = joins ? used + length + 2 : length;
        lines += !joins;
        ends = p->view.row[i].product && b->part == GT_PART_FORWARD;
        i = next;
    }
    format_numbers(p, b, numbers);
    const bool behind = lines > 1 && used + strlen(numbers) <= MOST_WITH_NUMBERS;
    if (*numbers)
        fprintf(p->f, "%s" GTI_SMALL "%s</font>", behind ? " &#160;" : END_LINE BEGIN_LINE,
                numbers);
    fputs(END_LINE "</table>", p->f);
}
