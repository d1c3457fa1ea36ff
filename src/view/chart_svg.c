/* Curves as SVG. */
#include <math.h>
#include <string.h>

#include "view/view.h"

static const char *const colours[GTI_CURVES] = {"#3b6fd4", "#f2703f", "#2f9e6b", "#a05bd6",
                                                "#d9a514", "#38a9b8", "#d6538f", "#7a7f87"};

static const char *colour(int k)
{
    return colours[k % GTI_CURVES];
}

typedef struct {
    gti_chart chart;
    gt_file *f;
    int width, height;
    double left, right, top, bottom; /* of the plot, in pixels */
} drawing;

/* --- text --- */

/* Bytes of the UTF-8 character at s, 0 where there is none. */
static int character(const unsigned char *s)
{
    if (s[0] < 0x80) return 1;
    const int n = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
    if (s[0] < 0xc2 || s[0] > 0xf4) return 0;
    for (int i = 1; i < n; i++)
        if ((s[i] & 0xc0) != 0x80) return 0;
    return n;
}

static void write_text(gt_file *f, const char *text)
{
    const unsigned char *s = (const unsigned char *)text;
    for (int n; *s; s += n ? n : 1) {
        n = character(s);
        if (!n || *s < 0x20 || *s == 0x7f) gt_file_printf(f, "?");
        else if (strchr("&<>\"", *s)) gt_file_printf(f, "&#%d;", *s);
        else gt_file_write(f, s, (size_t)n);
    }
}

/* Hundredths of a pixel are fine enough. */
static void write_number(gt_file *f, double v)
{
    char number[GTI_NUMBER];
    gt_file_printf(f, "%s", gti_number_short(number, round(v * 100) / 100, 8));
}

static void write_pair(gt_file *f, const char *x_name, double x, const char *y_name, double y)
{
    gt_file_printf(f, " %s=\"", x_name);
    write_number(f, x);
    gt_file_printf(f, "\" %s=\"", y_name);
    write_number(f, y);
    gt_file_printf(f, "\"");
}

/* --- axes --- */

static double x_of(const drawing *d, double place)
{
    return d->left + place * (d->right - d->left);
}

static double y_of(const drawing *d, double place)
{
    return d->bottom - place * (d->bottom - d->top);
}

static void draw_line(const drawing *d, const char *class, double x1, double y1, double x2,
                      double y2)
{
    gt_file_printf(d->f, "<line class=\"%s\"", class);
    write_pair(d->f, "x1", x1, "y1", y1);
    write_pair(d->f, "x2", x2, "y2", y2);
    gt_file_printf(d->f, "/>\n");
}

static void draw_text(const drawing *d, const char *class, double x, double y, const char *text)
{
    gt_file_printf(d->f, "<text class=\"%s\"", class);
    write_pair(d->f, "x", x, "y", y);
    gt_file_printf(d->f, ">");
    write_text(d->f, text);
    gt_file_printf(d->f, "</text>\n");
}

static void draw_axes(const drawing *d)
{
    char label[GTI_NUMBER];
    const gti_axis *x = &d->chart.x, *y = &d->chart.y;
    for (int i = 0; i < y->ticks; i++) {
        const double at = y_of(d, gti_chart_axis_place(y, y->tick[i]));
        draw_line(d, "grid", d->left, at, d->right, at);
        draw_text(d, "y", d->left - 10, at + 4, gti_chart_axis_label(y, i, label));
    }
    draw_line(d, "axis", d->left, d->bottom, d->right, d->bottom);
    for (int i = 0; i < x->ticks; i++) {
        const double at = x_of(d, gti_chart_axis_place(x, x->tick[i]));
        draw_line(d, "axis", at, d->bottom, at, d->bottom + 5);
        draw_text(d, "x", at, d->bottom + 20, gti_chart_axis_label(x, i, label));
    }
    draw_text(d, "x", (d->left + d->right) / 2, d->bottom + 40, "epoch");
}

/* --- curves --- */

static void draw_curve(const drawing *d, int k)
{
    const gt_history *h = d->chart.history;
    double x = 0, y = 0;
    bool down = false, any = false;
    gt_file_printf(d->f, "<path class=\"curve\" stroke=\"%s\" d=\"", colour(k));
    for (int64_t i = 0; i < h->rows; i++) {
        const double place = gti_chart_axis_place(&d->chart.y, d->chart.curve[k]->at[i]);
        const bool here = !isnan(place);
        if (here) {
            x = x_of(d, gti_chart_axis_place(&d->chart.x, (double)h->epoch[i]));
            y = y_of(d, place);
            gt_file_printf(d->f, down ? "L" : "M");
            write_number(d->f, x);
            gt_file_printf(d->f, " ");
            write_number(d->f, y);
        }
        down = here;
        any |= here;
    }
    gt_file_printf(d->f, "\"/>\n");
    if (!any) return;
    gt_file_printf(d->f, "<circle r=\"3.5\" fill=\"%s\"", colour(k));
    write_pair(d->f, "cx", x, "cy", y);
    gt_file_printf(d->f, "/>\n");
}

/* --- names of curves: beside the title, or where they do not fit there, in rows below it --- */

enum { TITLE = 31, ROW = 22, SAMPLE = 26, GAP = 20 }; /* TITLE: its base line */

/* Of so many pixels a character, which is a guess. */
static double width_of(const char *text, double pixels)
{
    double n = 0;
    for (; *text; text++) n += ((unsigned char)*text & 0xc0) != 0x80;
    return pixels * n;
}

static double name_width(const drawing *d, int k)
{
    return SAMPLE + width_of(d->chart.curve[k]->name, 7);
}

static double names_width(const drawing *d)
{
    double sum = -GAP;
    for (int k = 0; k < d->chart.curves; k++) sum += name_width(d, k) + GAP;
    return sum;
}

static bool beside_title(const drawing *d)
{
    return width_of(d->chart.title, 10) + GAP + names_width(d) <= d->right - d->left;
}

static void draw_name(const drawing *d, int k, double x, double y)
{
    gt_file_printf(d->f, "<path class=\"curve\" stroke=\"%s\" d=\"M", colour(k));
    write_number(d->f, x);
    gt_file_printf(d->f, " ");
    write_number(d->f, y - 4);
    gt_file_printf(d->f, "h18\"/>\n");
    draw_text(d, "name", x + SAMPLE, y, d->chart.curve[k]->name);
}

/* Draws the names, unless d has no file yet, as far as they lie above the plot; returns how many
 * rows they need below the title. */
static int lay_names(const drawing *d)
{
    const bool beside = beside_title(d);
    double x = beside ? d->right - names_width(d) : d->left;
    int row = beside ? 0 : 1;
    for (int k = 0; k < d->chart.curves; k++) {
        const double width = name_width(d, k);
        if (!beside && x > d->left && x + width > d->right) {
            x = d->left;
            row++;
        }
        const double y = TITLE - 1 + ROW * row;
        if (d->f && y < d->top - 10) draw_name(d, k, x, y);
        x += width + GAP;
    }
    return row;
}

static void draw_head(const drawing *d)
{
    gt_file_printf(d->f,
                   "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" "
                   "viewBox=\"0 0 %d %d\">\n<title>",
                   d->width, d->height, d->width, d->height);
    write_text(d->f, d->chart.title);
    gt_file_printf(d->f, "</title>\n<style>\n"
                         "text{font:12px system-ui,-apple-system,'Segoe UI',Roboto,'DejaVu Sans',"
                         "Arial,sans-serif;fill:#5b6470}\n"
                         ".title{font-size:16px;font-weight:600;fill:#1f2933}\n"
                         ".name{fill:#1f2933}\n.x{text-anchor:middle}\n.y{text-anchor:end}\n"
                         ".grid{stroke:#e6e9ed}\n.axis{stroke:#9aa4b0}\n"
                         ".curve{fill:none;stroke-width:2.25;stroke-linejoin:round;"
                         "stroke-linecap:round}\n</style>\n"
                         "<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n");
    draw_text(d, "title", d->left, TITLE, d->chart.title);
}

/* Room for the widest label of the y axis. */
static double left_margin(const gti_axis *y)
{
    char label[GTI_NUMBER];
    size_t most = 0;
    for (int i = 0; i < y->ticks; i++) {
        const size_t n = strlen(gti_chart_axis_label(y, i, label));
        if (n > most) most = n;
    }
    return 28 + 7.5 * (double)most;
}

static bool set_sizes(drawing *d, const gt_history *h, const gt_curve_opts *opts, const char *what)
{
    enum { LEAST = 160, MOST = 20000 };
    d->width = (int)gt_option_int(opts->width, 720);
    d->height = (int)gt_option_int(opts->height, 400);
    if (d->width >= LEAST && d->width <= MOST && d->height >= LEAST && d->height <= MOST)
        return true;
    if (h)
        gt_fail(h->gt, GT_ERR_ARGUMENT, what, "the size is %d by %d, must be %d to %d", d->width,
                d->height, (int)LEAST, (int)MOST);
    return !h;
}

/* The plot's place; where there is little room, it is names that go. */
static void set_margins(drawing *d)
{
    enum { LEAST = 40 };
    d->left = left_margin(&d->chart.y);
    d->right = d->width - 28;
    d->bottom = d->height - 56;
    d->top = fmin(TITLE + 25 + ROW * lay_names(d), d->bottom - LEAST);
}

gt_status gt_history_write_svg_(const gt_history *h, const char *path, gt_curve_opts opts)
{
    static const char what[] = "gt_history_write_svg";
    drawing d = {.f = NULL};
    if (!set_sizes(&d, h, &opts, what) ||
        !gti_chart_open(&d.chart, h, &opts, d.width / 70, d.height / 64, what))
        return h ? gt_error_code(h->gt) : GT_ERR_ARGUMENT;
    set_margins(&d);
    d.f = gt_file_create_for(h->gt, what, path);
    if (!d.f) return gt_error_code(h->gt);
    draw_head(&d);
    draw_axes(&d);
    for (int k = 0; k < d.chart.curves; k++) draw_curve(&d, k);
    lay_names(&d);
    gt_file_printf(d.f, "</svg>\n");
    return gt_file_commit(d.f);
}
