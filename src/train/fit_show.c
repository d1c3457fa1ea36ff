/* What gt_fit shows of its progress. */
#include <math.h>
#include <string.h>

#include "train/fit.h"

enum { TEXT = 512 };

/* Usual numbers have a fixed number of decimals, so that lines stand below each other. */
static void add(char text[TEXT], const char *name, double value)
{
    const size_t n = strlen(text);
    const double size = fabs(value);
    const bool usual = size == 0 || (size >= 1e-4 && size < 1e4);
    gt_snprintf(text + n, TEXT - n, usual ? "%s%s %.*f" : "%s%s %.*g", n ? "  " : "", name,
                !usual                    ? 3
                : size > 0 && size < 1e-2 ? 5
                                          : 4,
                isnan(value) ? NAN : value);
}

static void add_means(const gti_fit *f, char text[TEXT], const gti_means *means, const char *prefix)
{
    char name[GTI_NAME];
    for (int i = 0; i <= f->measure.metrics; i++)
        add(text, gti_fit_name(f, i, prefix, name), gti_measure_value(&f->measure, means, i));
}

void gti_fit_show_begin(gti_fit *f)
{
    char epochs[32];
    const int digits = snprintf(epochs, sizeof epochs, "%lld", (long long)f->opts.epochs);
    snprintf(f->label, sizeof f->label, "epoch %*lld/%s", digits, (long long)f->state.epoch,
             epochs);
    f->bar = gt_progress_begin(f->opts.log, f->label, f->state.batches);
}

void gti_fit_show_batch(gti_fit *f)
{
    if (!f->bar.f) return;
    char text[TEXT] = "";
    add_means(f, text, &f->means, "");
    gt_progress_update(&f->bar, f->state.batch, f->means.items, "%s", text);
}

void gti_fit_show_validation(gti_fit *f)
{
    snprintf(f->valid_label, sizeof f->valid_label, "%s  validation", f->label);
    f->valid_bar = gt_progress_begin(f->opts.log, f->valid_label, gt_loader_batches(f->opts.valid));
    f->valid_bar.drawn = f->valid_bar.start; /* a short one is not shown at all */
}

void gti_fit_show_valid(void *fit, int64_t batch)
{
    gti_fit *f = fit;
    if (!f->opts.log) return;
    char text[TEXT] = "";
    add_means(f, text, &f->valid, "val_");
    gt_progress_update(&f->valid_bar, batch, f->valid.items, "%s", text);
    f->bar.shown |= f->valid_bar.shown;
}

void gti_fit_show_epoch(gti_fit *f)
{
    char text[TEXT] = "";
    add_means(f, text, &f->means, "");
    if (f->opts.valid) add_means(f, text, &f->valid, "val_");
    if (f->opts.schedule) add(text, "lr", gt_history_get(f->history, -1, "lr"));
    gt_progress_end(&f->bar, "%s%s", text, f->improved ? " *" : "");
}

void gti_fit_show_resumed(const gti_fit *f)
{
    FILE *log = f->opts.log;
    const long long over = (long long)f->run.epoch, epochs = (long long)f->opts.epochs;
    if (!log) return;
    if (f->state.batch)
        fprintf(log, "resumed in epoch %lld of %lld, after batch %lld of %lld\n", over + 1, epochs,
                (long long)f->state.batch, (long long)f->state.batches);
    else
        fprintf(log, "resumed after epoch %lld of %lld%s\n", over, epochs,
                over >= epochs ? ": nothing is left to do" : "");
    fflush(log);
    if (over < epochs && gti_fit_is_exhausted(f)) gti_fit_show_exhausted(f);
}

void gti_fit_show_exhausted(const gti_fit *f)
{
    if (!f->opts.log) return;
    char text[TEXT] = "";
    add(text, f->monitor, f->state.best);
    fprintf(f->opts.log, "no better %s for %lld epochs", f->monitor, (long long)f->opts.patience);
    if (f->state.best_epoch)
        fprintf(f->opts.log, "; best in epoch %lld: %s", (long long)f->state.best_epoch, text);
    fprintf(f->opts.log, "\n");
    fflush(f->opts.log);
}

void gti_fit_show_stop(gti_fit *f)
{
    if (f->bar.f)
        gt_progress_end(&f->bar, "%s after batch %lld of %lld",
                        gt_failed(f->gt) ? "failed" : "stopped", (long long)f->state.batch,
                        (long long)f->state.batches);
}
