/* What the files of src/view share. */
#ifndef GTI_VIEW_VIEW_H
#define GTI_VIEW_VIEW_H

#include <gradtape/view.h>

#include "base/proto.h"

/* Whether a call on a context may begin; otherwise fails on behalf of `what`. */
static inline bool gti_view_ready(gt_ctx *gt, const char *what)
{
    if (!gt) gt_fail(NULL, GT_ERR_ARGUMENT, what, "the context is NULL");
    return gt && !gt_failed(gt);
}

/* --- number.c --- */

enum { GTI_NUMBER = 40 };
/* The shortest number that reads back as v, in %g's manner; "nan", "inf", "-inf". Returns buf.
 */
char *gti_number(char buf[GTI_NUMBER], double v);
/* v with so many significant digits, likewise. */
char *gti_number_short(char buf[GTI_NUMBER], double v, int digits);
/* v with so many decimals, at most 20; in %g's manner where that would be too long. */
char *gti_number_fixed(char buf[GTI_NUMBER], double v, int decimals);

/* Reads what gti_number wrote, but for "nan". False for all else. */
bool gti_number_read(const char *text, double *v);

/* --- terminal.c --- */

bool gti_terminal_is_one(FILE *f); /* that understands escape sequences */
/* Columns of the terminal that f is, else what COLUMNS says, else 80; at least 20. */
int gti_terminal_columns(FILE *f);
/* Whether the environment says that text is UTF-8. */
bool gti_terminal_utf8(void);
double gti_terminal_seconds(void); /* of a clock that only goes forwards */
/* "0:07", "1:02:03". Returns buf. */
char *gti_terminal_duration(char buf[GTI_NUMBER], double seconds);

/* --- record.c --- */

uint32_t gti_record_crc(const void *data, size_t size);
/* Appends a record of TFRecord's framing. False when f cannot take it. */
bool gti_record_write(FILE *f, const void *data, size_t size);

/* --- board_graph.c --- */

/* The graph as a GraphDef; fails on behalf of `what`. */
gt_status gti_board_graph(const gt_graph *g, gti_proto *def, const char *what);

/* --- histogram.c --- */

/* TensorFlow's buckets: limit i is the upper end of bucket i, whose lower end is limit i - 1. */
enum { GTI_BUCKETS = 1551 };
typedef struct {
    double min, max, sum, sum_squares;
    int64_t n; /* finite elements */
    double limit[GTI_BUCKETS], count[GTI_BUCKETS];
} gti_histogram;
void gti_histogram_fill(gti_histogram *h, const gt_tensor *t);
/* Joins each run of empty buckets into one, in place; returns the number left, at least 1. */
size_t gti_histogram_squeeze(gti_histogram *h);

/* --- history.c --- */

typedef struct {
    char *name;
    double *at; /* [room]; NaN where nothing was set */
} gti_column;
struct gt_history {
    gt_ctx *gt;
    int64_t rows, room;
    int64_t *epoch; /* [room], rising */
    gti_column *column;
    int columns;
};
/* A row behind the last, and a column, both of NaN; false or NULL when out of memory. */
bool gti_history_add_row(gt_history *h, int64_t epoch);
enum { GTI_COLUMN_NAME_MOST = 4095 }; /* bytes */
gti_column *gti_history_add_column(gt_history *h, const char *name);
/* NULL when there is none. */
const gti_column *gti_history_column(const gt_history *h, const char *name);

/* --- chart.c: what both drawings of curves need --- */

enum { GTI_CURVES = 8, GTI_TICKS = 24 };
/* One axis, from low to high; logarithmic where log. */
typedef struct {
    double low, high;
    bool log;
    int ticks;
    double tick[GTI_TICKS];
} gti_axis;
typedef struct {
    const gt_history *history;
    const gti_column *curve[GTI_CURVES];
    int curves;
    const char *title;
    gti_axis x, y;
} gti_chart;
/* Finds columns, ranges, and ticks: about so many. False after a failure of the history's
 * context. */
bool gti_chart_open(gti_chart *c, const gt_history *h, const gt_curve_opts *opts, int x_ticks,
                    int y_ticks, const char *what);
/* Where v lies: 0 at the low end, 1 at the high end. NaN where it cannot be shown. */
double gti_chart_axis_place(const gti_axis *a, double v);
/* The text of tick i; ticks of one axis have the same number of decimals. */
char *gti_chart_axis_label(const gti_axis *a, int i, char buf[GTI_NUMBER]);
/* The place on the y axis of curve k at the place u of the x axis, between rows on a straight line;
 * NaN where there is none. */
double gti_chart_at(const gti_chart *c, int k, double u);

#endif
