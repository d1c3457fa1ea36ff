/* What is found of each input: counts, the worst entry, and their lines in the report. */
#include <math.h>
#include <string.h>

#include "gradcheck/check.h"

/* --- counting --- */

void gti_check_reset_tally(gti_check *c, int i, bool whole)
{
    gti_tally *t = &c->tally[i];
    *t = (gti_tally){.found = {.size = c->x[i].size, .whole = whole, .output = -1}, .score = -1};
    t->found.masked = c->x[i].masked + c->masked_before;
    memcpy(t->found.name, c->x[i].name, sizeof t->found.name);
}

bool gti_check_start_tallies(gti_check *c)
{
    c->tally = gti_check_scratch(c, c->fn->n_var, sizeof *c->tally);
    if (!c->tally) return gti_check_alive(c);
    for (int i = 0; i < c->fn->n_var; i++) gti_check_reset_tally(c, i, true);
    return true;
}

static void keep_entry(const gti_check *c, const gti_table *t, int64_t at, gti_tally *tally)
{
    gt_gradcheck_input *f = &tally->found;
    const int i = (int)(tally - c->tally);
    tally->col = t->col[at % t->n_cols];
    tally->row = t->row[at / t->n_cols];
    f->output = gti_check_part(c->y, c->fn->n_out, tally->row);
    const gti_part *x = &c->x[i], *y = &c->y[f->output];
    gti_check_unravel(x->shape, tally->col - x->offset, f->in_index);
    gti_check_unravel(y->shape, tally->row - y->offset, f->out_index);
    f->x = *gti_check_at(c, tally->col);
    f->analytic = t->analytic[at];
    f->numeric = t->numeric[at];
    f->estimate = t->estimate[at];
    const double size = fmax(fabs(f->analytic), fabs(f->numeric));
    f->relative = f->analytic == f->numeric ? 0 : fabs(f->analytic - f->numeric) / size;
}

void gti_check_count(gti_check *c, const gti_table *t, int64_t at, gti_state state, double score,
                     bool telling)
{
    gti_tally *tally = &c->tally[gti_check_input(c, t->col[at % t->n_cols])];
    gt_gradcheck_input *f = &tally->found;
    if (state != GTI_FINE && state != GTI_WRONG) {
        f->skipped++;
        return;
    }
    f->compared++;
    c->uncertain = gti_larger(t->estimate[at], c->uncertain);
    f->telling += telling;
    tally->zero = (f->compared == 1 || tally->zero) && t->analytic[at] == 0 && t->numeric[at] == 0;
    const bool first_wrong = state == GTI_WRONG && !f->wrong++;
    if (!first_wrong && (!(score > tally->score) || (f->wrong && state != GTI_WRONG))) return;
    tally->score = score;
    keep_entry(c, t, at, tally);
}

int gti_check_worst_input(const gti_check *c)
{
    int worst = -1;
    for (int i = 0; i < c->fn->n_var; i++) {
        const gti_tally *t = &c->tally[i], *w = &c->tally[worst < 0 ? i : worst];
        if (t->found.output < 0) continue;
        const bool wrong = t->found.wrong > 0, other = w->found.wrong > 0;
        if (worst < 0 || (wrong == other ? t->score > w->score : wrong)) worst = i;
    }
    return worst;
}

/* --- in the report --- */

/* Inputs that there is room for, in order[]; their number. */
static int choose(const gti_check *c, int order[GT_GRADCHECK_INPUTS])
{
    const int all = c->fn->n_var, worst = gti_check_worst_input(c);
    int n = 0;
    for (int turn = 0; turn < 2; turn++)
        for (int i = 0; i < all && n < GT_GRADCHECK_INPUTS; i++) {
            const bool first =
                all <= GT_GRADCHECK_INPUTS || c->tally[i].found.wrong > 0 || i == worst;
            if (first == (turn == 0)) order[n++] = i;
        }
    return n;
}

void gti_check_report_inputs(gti_check *c)
{
    int order[GT_GRADCHECK_INPUTS];
    c->r->n_inputs = choose(c, order);
    for (int k = 0; k < c->r->n_inputs; k++) {
        c->r->inputs[k] = c->tally[order[k]].found;
        if (order[k] == gti_check_worst_input(c)) c->r->input = k;
    }
}

/* So many that a difference shows in two of them. */
static int digits_for(double relative)
{
    const double digits = relative > 0 ? 2 + ceil(-log10(relative)) : 5;
    return digits > 17 ? 17 : digits > 5 ? (int)digits : 5;
}

void gti_check_say_entry(gti_check *c, const char *before, const gti_tally *t)
{
    char y[128], x[128];
    const gt_gradcheck_input *f = &t->found;
    const int digits = digits_for(f->relative);
    gti_check_append(c,
                     "%sd %s / d %s   analytic %.*g   numeric %.*g +- %.1g   relative error %.2g",
                     before, gti_check_place(c->y, c->fn->n_out, t->row, y, sizeof y),
                     gti_check_place(c->x, c->fn->n_var, t->col, x, sizeof x), digits,
                     f->analytic + 0.0, digits, f->numeric + 0.0, f->estimate, f->relative);
}

static void say_counts(gti_check *c, const gti_tally *t)
{
    const gt_gradcheck_input *f = &t->found;
    const char *unit = f->whole ? gti_count_word(f->compared, "entry", "entries")
                                : gti_count_word(f->compared, "projection", "projections");
    if (!f->whole)
        gti_check_append(c, "%lld %s, ", (long long)f->size,
                         gti_count_word(f->size, "element", "elements"));
    if (f->wrong) gti_check_append(c, "%lld of ", (long long)f->wrong);
    gti_check_append(c, "%lld %s%s", (long long)f->compared, unit, f->wrong ? " WRONG" : "");
    if (f->skipped) gti_check_append(c, ", %lld skipped", (long long)f->skipped);
    if (f->masked) gti_check_append(c, ", %lld left out by a mask", (long long)f->masked);
    if (f->compared && !f->telling && !f->wrong)
        gti_check_append(c, ", all %s", f->whole && t->zero ? "0" : "below the tolerance");
}

void gti_check_say_inputs(gti_check *c)
{
    int order[GT_GRADCHECK_INPUTS], width = 0;
    const int n = choose(c, order), failed = c->r->verdict == GT_FAIL;
    for (int k = 0; k < n; k++) {
        const int length = (int)strlen(c->tally[order[k]].found.name);
        width = length > width ? length : width;
    }
    for (int k = 0; k < n; k++) {
        const gti_tally *t = &c->tally[order[k]];
        if (failed && order[k] == gti_check_worst_input(c)) continue;
        gti_check_line_of_text(c, "%-*s   ", width < 24 ? width : 24, t->found.name);
        say_counts(c, t);
        if (t->found.output >= 0) gti_check_say_entry(c, "   worst ", t);
    }
    if (n < c->fn->n_var)
        gti_check_line_of_text(c, "and %d more %s", c->fn->n_var - n,
                               gti_count_word(c->fn->n_var - n, "input", "inputs"));
}
