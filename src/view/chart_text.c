/* Curves in a terminal: braille dots, two by four in each character, in colours; or one mark a
 * column, where there are no colours to tell curves apart. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "view/view.h"

enum { COLUMNS = 400, ROWS = 100 };

typedef struct {
    uint8_t dots;  /* braille: bit i is dot i + 1 */
    uint8_t curve; /* 1 + the one drawn last; 0: nothing */
} cell;

typedef struct {
    gti_chart chart;
    FILE *f;
    bool ascii, colour, braille;
    int columns, rows, margin; /* characters of the plot, and left of it */
    cell cells[ROWS][COLUMNS];
} canvas;

static const int colours[GTI_CURVES] = {34, 33, 32, 35, 36, 31, 37, 90};
static const char *const plain_marks[GTI_CURVES] = {"*", "o", "+", "x", "#", "@", "%", "="};
static const char *const marks[GTI_CURVES] = {"\xe2\x97\x8f", "\xe2\x97\x8b", "\xe2\x96\xa0",
                                              "\xe2\x96\xa1", "\xe2\x97\x86", "\xe2\x97\x87",
                                              "\xe2\x96\xb2", "\xe2\x96\xb3"};

/* --- drawing into cells --- */

/* Dot row y counts from the top, as the bits of a cell do: 1 4, 2 5, 3 6, 7 8. */
static void set_dot(canvas *c, int x, int y, int k)
{
    static const uint8_t bit[4][2] = {{1, 8}, {2, 16}, {4, 32}, {64, 128}};
    cell *at = &c->cells[y / 4][x / 2];
    at->dots |= bit[y % 4][x % 2];
    at->curve = (uint8_t)(k + 1);
}

/* A dot in every dot column, and where the curve is steep, upright lines between them. */
static void draw_dots(canvas *c, int k)
{
    const int width = 2 * c->columns, height = 4 * c->rows;
    int before = -1;
    for (int x = 0; x < width; x++) {
        const double place = gti_chart_at(&c->chart, k, (double)x / (width - 1));
        const int y = isnan(place) ? -1 : (int)lround((1 - place) * (height - 1));
        for (int i = before < 0 ? y : before; y >= 0 && i != y; i += i < y ? 1 : -1)
            if (i != before) set_dot(c, x, i, k);
        if (y >= 0) set_dot(c, x, y, k);
        before = y;
    }
}

static void draw_marks(canvas *c, int k)
{
    for (int x = 0; x < c->columns; x++) {
        const double place = gti_chart_at(&c->chart, k, (double)x / (c->columns - 1));
        if (isnan(place)) continue;
        c->cells[lround((1 - place) * (c->rows - 1))][x].curve = (uint8_t)(k + 1);
    }
}

/* --- writing --- */

static void write_cell(const canvas *c, const cell *at)
{
    if (!at->curve) {
        putc(' ', c->f);
        return;
    }
    const int k = at->curve - 1;
    if (c->colour) fprintf(c->f, "\x1b[%dm", colours[k]);
    if (c->braille) /* U+2800 and the dots */
        fprintf(c->f, "\xe2%c%c", 0xa0 | at->dots >> 6, 0x80 | (at->dots & 63));
    else fputs(c->ascii ? plain_marks[k] : marks[k], c->f);
    if (c->colour) fputs("\x1b[0m", c->f);
}

static void write_row(const canvas *c, int row)
{
    char label[GTI_NUMBER] = "";
    const gti_axis *y = &c->chart.y;
    for (int i = 0; i < y->ticks; i++)
        if (lround((1 - gti_chart_axis_place(y, y->tick[i])) * (c->rows - 1)) == row)
            gti_chart_axis_label(y, i, label);
    const char *axis = c->ascii ? (*label ? "+" : "|") : (*label ? "\xe2\x94\xa4" : "\xe2\x94\x82");
    fprintf(c->f, "%*s %s", c->margin, label, axis);
    int last = c->columns;
    while (last > 0 && !c->cells[row][last - 1].curve) last--;
    for (int i = 0; i < last; i++) write_cell(c, &c->cells[row][i]);
    putc('\n', c->f);
}

/* The axis' line, and below it the labels that do not touch each other. */
static void write_x_axis(const canvas *c)
{
    char line[COLUMNS + GTI_NUMBER], label[GTI_NUMBER];
    bool tick[COLUMNS] = {false};
    memset(line, ' ', sizeof line);
    int free_from = 0, length = 0;
    const gti_axis *x = &c->chart.x;
    for (int i = 0; i < x->ticks; i++) {
        const int at = (int)lround(gti_chart_axis_place(x, x->tick[i]) * (c->columns - 1));
        const int n = (int)strlen(gti_chart_axis_label(x, i, label));
        int from = at - n / 2;
        if (from < 0) from = 0;
        if (from + n > c->columns) from = c->columns - n;
        if (from < free_from) continue;
        memcpy(line + from, label, (size_t)n);
        length = from + n;
        free_from = length + 2;
        tick[at] = true;
    }
    fprintf(c->f, "%*s %s", c->margin, "", c->ascii ? "+" : "\xe2\x94\x94");
    for (int i = 0; i < c->columns; i++)
        fputs(c->ascii ? (tick[i] ? "+" : "-") : (tick[i] ? "\xe2\x94\xac" : "\xe2\x94\x80"), c->f);
    fprintf(c->f, "\n%*s  %.*s\n", c->margin, "", length, line);
}

/* The title, unless it is one of the names behind it; those, unless there is only one. */
static void write_legend(const canvas *c)
{
    const int curves = c->chart.curves;
    const bool titled = strcmp(c->chart.title, c->chart.curve[0]->name) != 0;
    fprintf(c->f, "%*s  %s", c->margin, "", titled || curves == 1 ? c->chart.title : "");
    for (int k = 0; k < curves && (titled || curves > 1); k++) {
        const cell sample = {.dots = 0x12, .curve = (uint8_t)(k + 1)};
        if (k || titled) fputs("   ", c->f);
        write_cell(c, &sample);
        if (c->braille) write_cell(c, &sample);
        fprintf(c->f, " %s", c->chart.curve[k]->name);
    }
    putc('\n', c->f);
}

/* --- sizes --- */

static int limited(int v, int least, int most)
{
    return v < least ? least : v > most ? most : v;
}

static void set_manner(canvas *c, const gt_curve_opts *opts)
{
    c->ascii = opts->ascii || !gti_terminal_utf8();
    c->colour = !c->ascii && gti_terminal_is_one(c->f) && !getenv("NO_COLOR");
    c->braille = !c->ascii && (c->colour || c->chart.curves == 1);
}

static void set_sizes(canvas *c, int width)
{
    char label[GTI_NUMBER];
    for (int i = 0; i < c->chart.y.ticks; i++) {
        const int n = (int)strlen(gti_chart_axis_label(&c->chart.y, i, label));
        if (n > c->margin) c->margin = n;
    }
    c->columns = limited(width - c->margin - 3, 10, COLUMNS);
}

static void draw(canvas *c, const gt_curve_opts *opts, int width)
{
    set_manner(c, opts);
    set_sizes(c, width);
    for (int k = 0; k < c->chart.curves; k++)
        if (c->braille) draw_dots(c, k);
        else draw_marks(c, k);
    write_legend(c);
    for (int row = 0; row < c->rows; row++) write_row(c, row);
    write_x_axis(c);
}

gt_status gt_history_plot_(const gt_history *h, FILE *f, gt_curve_opts opts)
{
    static const char what[] = "gt_history_plot";
    if (!h) return gt_fail(NULL, GT_ERR_ARGUMENT, what, "the history is NULL");
    if (gt_failed(h->gt)) return gt_error_code(h->gt);
    const int64_t height = gt_option_int(opts.height, 16);
    const int64_t width = f ? gt_option_int(opts.width, gti_terminal_columns(f)) : 1;
    if (!f || width < 1 || height < 1)
        return gt_fail(h->gt, GT_ERR_ARGUMENT, what,
                       f ? "width and height must be positive" : "the file is NULL");
    canvas *c = calloc(1, sizeof *c);
    if (!c) return gt_fail(h->gt, GT_ERR_MEMORY, what, "out of memory");
    c->f = f;
    c->rows = limited((int)height, 4, ROWS);
    if (gti_chart_open(&c->chart, h, &opts, limited((int)width / 10, 2, 20),
                       limited(c->rows / 3, 2, 12), what))
        draw(c, &opts, (int)width);
    free(c);
    if (!gt_failed(h->gt) && ferror(f)) gt_fail(h->gt, GT_ERR_IO, what, "the file takes no more");
    return gt_error_code(h->gt);
}
