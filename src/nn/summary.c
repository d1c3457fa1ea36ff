/* gt_summary: runs a module for its shapes, and makes a table of what went onto the tape. */
#include <gradtape/summary.h>
#include <stdlib.h>
#include <string.h>

#include "nn/field.h"
#include "nn/module.h"

typedef struct {
    gt_module *module;
    int depth;
    const gt_tensor *output; /* the latest; NULL: did not run */
    int64_t parameters;
    double macs, forward, backward; /* of its own nodes; bytes */
} row;

typedef struct {
    gt_module *root;
    row *rows;
    int n;
    gti_table by_scope;
    int64_t parameters, trainable;
    double macs, forward, backward, parameter_bytes;
    gti_fields fields;
} summary;

static const char what[] = "gt_summary";

/* --- gathering --- */

static int depth_of(const gt_module *m, const gt_module *root)
{
    int depth = 0;
    for (; m != root; m = m->parent) depth++;
    return depth;
}

static row *row_of(const summary *s, const gt_scope *scope)
{
    return gti_table_find(&s->by_scope, scope, 0);
}

static void see_output(gt_module *m, gt_tensor *const in[], gt_tensor *const out[], void *user)
{
    (void)in;
    row_of(user, &m->scope)->output = out[0];
}

static int count_modules(const gt_module *root)
{
    int n = 1;
    for (const gt_module *m = root; (m = gti_module_after(root, m));) n++;
    return n;
}

/* Anew for all modules that there are. */
static bool open_rows(summary *s)
{
    free(s->rows);
    gti_table_free(&s->by_scope);
    s->n = count_modules(s->root);
    s->rows = calloc((size_t)s->n, sizeof *s->rows);
    if (!s->rows || !gti_table_reserve(&s->by_scope, (size_t)s->n)) return false;
    row *r = s->rows;
    for (gt_module *m = s->root; m; m = gti_module_after(s->root, m), r++) {
        gti_table_put(&s->by_scope, &m->scope, 0, r);
        *r = (row){.module = m, .depth = depth_of(m, s->root)};
    }
    return true;
}

/* The innermost of s' modules that the node was recorded in. */
static row *row_of_node(const summary *s, const gt_node *n)
{
    row *r = NULL;
    for (const gt_scope *at = gt_node_scope(n); at && !r; at = at->parent) r = row_of(s, at);
    return r;
}

static void add_node(row *r, const gt_node *n)
{
    if (n->op->flags & GT_OP_PRODUCT && n->op->flops) r->macs += n->op->flops(n) / 2;
    for (int i = 0; i < n->n_out && !(n->op->flags & GT_OP_VIEW); i++) {
        const double bytes = (double)n->out[i]->size * (double)gt_dtype_size(n->out[i]->dtype);
        r->forward += bytes;
        if (n->out[i]->requires_grad) r->backward += bytes;
    }
}

/* Takes in the nodes behind `last`, which may be NULL. */
static bool add_nodes(summary *s, const gt_node *last)
{
    const gt_node *n = last ? gt_tape_next(last) : gt_tape_first(s->root->ctx);
    for (; n; n = gt_tape_next(n)) {
        if (n->op->flags & GT_OP_INTO) continue; /* recorded, where everything is */
        row *r = row_of_node(s, n);
        if (r) add_node(r, n);
        if (!gti_fields_add(&s->fields, n)) return false;
    }
    return true;
}

static void add_parameters(summary *s)
{
    gt_state_iter it = gt_module_parameters(s->root);
    while (gt_state_next(&it)) {
        row *r = row_of(s, &it.module->scope);
        if (r) r->parameters += it.tensor->size;
        s->parameters += it.tensor->size;
        if (it.tensor->requires_grad) s->trainable += it.tensor->size;
        s->parameter_bytes += (double)it.tensor->size * (double)gt_dtype_size(it.tensor->dtype);
    }
    for (int i = 0; i < s->n; i++) {
        s->macs += s->rows[i].macs;
        s->forward += s->rows[i].forward;
        s->backward += s->rows[i].backward;
    }
}

/* --- running --- */

static const gt_node *last_node(const gt_ctx *gt)
{
    const gt_node *last = NULL;
    for (const gt_node *n = gt_tape_first(gt); n; n = gt_tape_next(n)) last = n;
    return last;
}

/* Runs the module on x for its shapes alone, in evaluation mode, with its rows looking on. */
static bool run(summary *s, gt_tensor *x)
{
    gt_ctx *gt = s->root->ctx;
    bool ok = true;
    for (int i = 0; i < s->n; i++)
        ok &= gt_module_add_hook(s->rows[i].module, see_output, s) == GT_OK;
    gt_module_push_mode(s->root, false);
    const bool recording = gt_set_recording(gt, true), shapes_only = gt_set_shapes_only(gt, true);
    ok = ok && gt_forward(s->root, x);
    gt_set_shapes_only(gt, shapes_only);
    gt_set_recording(gt, recording);
    gt_module_pop_mode(s->root);
    for (int i = 0; i < s->n; i++) gt_module_remove_hook(s->rows[i].module, see_output, s);
    return ok;
}

/* Zero is the default: the parameters' dtype. */
static gt_dtype dtype_of(const gt_module *m, gt_dtype dtype)
{
    gt_state_iter it = gt_module_parameters(m);
    return dtype == GT_F32 && gt_state_next(&it) ? it.tensor->dtype : dtype;
}

static gt_tensor *make_input(gt_ctx *gt, gt_shape shape, gt_dtype dtype)
{
    const bool real = gt_is_floating(dtype);
    return real ? gt_empty_(gt, shape, (gt_new_opts){.dtype = dtype, .requires_grad = true})
                : gt_full_(gt, shape, 0, (gt_new_opts){.dtype = dtype});
}

static gt_status out_of_memory(gt_ctx *gt)
{
    return gt_fail(gt, GT_ERR_MEMORY, what, "out of memory");
}

static gt_status gather(summary *s, gt_tensor *x)
{
    gt_ctx *gt = s->root->ctx;
    const gt_node *last = NULL;
    /* Modules that a lazy one makes at its first forward have rows in a second pass. */
    for (int pass = 0; pass < 2 && s->n != count_modules(s->root); pass++) {
        last = last_node(gt);
        if (!open_rows(s)) return out_of_memory(gt);
        if (!run(s, x)) return gt_error_code(gt);
    }
    if (!gti_fields_open(&s->fields, x) || !add_nodes(s, last)) return out_of_memory(gt);
    add_parameters(s);
    return GT_OK;
}

/* --- printing --- */

enum { CELL = 160, COLUMNS = 8 };

typedef char cells[COLUMNS][CELL];

/* 1234567 as "1,234,567"; nothing for 0. */
static void put_count(char *cell, double value)
{
    char digits[40];
    const int n = gt_snprintf(digits, sizeof digits, "%.0f", value);
    char *to = cell;
    for (int i = 0; i < n && value > 0; i++) {
        if (i && (n - i) % 3 == 0) *to++ = ',';
        *to++ = digits[i];
    }
    *to = 0;
}

/* "1.5 MB", with three digits; nothing for 0. */
static void put_bytes(char *cell, double bytes)
{
    static const char *const unit[] = {"B", "KB", "MB", "GB", "TB"};
    int i = 0;
    for (; bytes >= 1000 && i < 4; i++) bytes /= 1000;
    const int decimals = i == 0 || bytes >= 100 ? 0 : bytes >= 10 ? 1 : 2;
    if (bytes > 0) gt_snprintf(cell, CELL, "%.*f %s", decimals, bytes, unit[i]);
    else cell[0] = 0;
}

/* "5x3"; for a sequence "3". */
static void put_pair(char *cell, const double pair[2], bool sequence)
{
    if (sequence) gt_snprintf(cell, CELL, "%.4g", pair[1]);
    else gt_snprintf(cell, CELL, "%.4gx%.4g", pair[0], pair[1]);
}

static void put_row(const summary *s, const row *r, cells cell)
{
    const gt_module *m = r->module;
    char output[128] = "";
    if (r->output) gt_shape_format(r->output->shape, output, sizeof output);
    snprintf(cell[0], CELL, "%*s%.48s%s%.48s", 2 * r->depth, "", m->scope.name,
             *m->scope.name ? ": " : "", m->type->name);
    snprintf(cell[1], CELL, "%s", output);
    put_count(cell[2], (double)r->parameters);
    put_count(cell[3], r->macs);
    put_bytes(cell[4], r->forward);
    put_bytes(cell[5], r->backward);
    cell[6][0] = cell[7][0] = 0;
    const gti_field field = r->output ? gti_fields_find(&s->fields, r->output) : (gti_field){0};
    if (!field.known) return;
    put_pair(cell[6], field.size, r->output->shape.ndim == 3);
    put_pair(cell[7], field.step, r->output->shape.ndim == 3);
}

/* Row i; at the last level shown with all that lies below it. */
static row folded(const summary *s, int i, int depth)
{
    row r = s->rows[i];
    if (r.depth != depth) return r;
    for (int k = i + 1; k < s->n && s->rows[k].depth > r.depth; k++) {
        r.parameters += s->rows[k].parameters;
        r.macs += s->rows[k].macs;
        r.forward += s->rows[k].forward;
        r.backward += s->rows[k].backward;
    }
    return r;
}

static const cells head = {"Layer",   "Output",   "Params", "MACs",
                           "Forward", "Backward", "Field",  "Step"};

static void widen(int width[COLUMNS], const cells cell)
{
    for (int c = 0; c < COLUMNS; c++) {
        const int length = (int)strlen(cell[c]);
        if (length > width[c]) width[c] = length;
    }
}

/* Names and shapes stand at the left of their columns, numbers at the right. */
static void print_cells(FILE *f, const int width[COLUMNS], const cells cell)
{
    int last = COLUMNS - 1;
    while (last > 0 && !cell[last][0]) last--;
    for (int c = 0; c <= last; c++) {
        const int pad = c == last && c < 2 ? 0 : width[c];
        fprintf(f, "%s%*s", c ? "  " : "", c < 2 ? -pad : pad, cell[c]);
    }
    fputc('\n', f);
}

static void print_totals(FILE *f, const summary *s)
{
    char n[4][CELL], size[3][CELL];
    put_count(n[0], (double)s->parameters);
    put_count(n[1], (double)s->trainable);
    put_count(n[2], (double)(s->parameters - s->trainable));
    put_count(n[3], s->macs);
    put_bytes(size[0], s->parameter_bytes);
    put_bytes(size[1], s->forward);
    put_bytes(size[2], s->backward);
    for (int i = 0; i < 4; i++)
        if (!n[i][0]) strcpy(n[i], "0");
    for (int i = 0; i < 3; i++)
        if (!size[i][0]) strcpy(size[i], "0 B");
    fprintf(f, "\nParams       %s (%s trainable, %s frozen), %s\n", n[0], n[1], n[2], size[0]);
    fprintf(f, "MACs         %s\n", n[3]);
    fprintf(f, "Activations  %s forward, %s backward\n", size[1], size[2]);
}

static gt_status print(FILE *f, const summary *s, int depth)
{
    int width[COLUMNS] = {0};
    cells cell;
    widen(width, head);
    for (int pass = 0; pass < 2; pass++) {
        if (pass) print_cells(f, width, head);
        for (int i = 0; i < s->n; i++) {
            if (depth > 0 && s->rows[i].depth > depth) continue;
            const row r = folded(s, i, depth > 0 ? depth : -1);
            put_row(s, &r, cell);
            if (pass) print_cells(f, width, (const char(*)[CELL])cell);
            else widen(width, (const char(*)[CELL])cell);
        }
    }
    print_totals(f, s);
    if (!ferror(f)) return GT_OK;
    return gt_fail(s->root->ctx, GT_ERR_IO, what, "the table could not be written");
}

gt_status gt_summary_(FILE *f, gt_module *m, gt_shape input, gt_summary_opts opts)
{
    if (!m) return gt_fail(NULL, GT_ERR_ARGUMENT, what, "the module is NULL");
    if (!gt_module_usable(m) || gt_failed(m->ctx)) return gt_error_code(m->ctx);
    if (!f) return gt_fail(m->ctx, GT_ERR_ARGUMENT, what, "the file is NULL");
    const int depth = (int)gt_option_int(opts.depth, 0);
    if (depth < 0)
        return gt_fail(m->ctx, GT_ERR_ARGUMENT, what, "depth is %d, must not be negative", depth);
    const gt_mark start = gt_mark_tape(m->ctx);
    summary s = {.root = m};
    gt_tensor *x = make_input(m->ctx, input, dtype_of(m, opts.dtype));
    gt_status status = x ? gather(&s, x) : gt_error_code(m->ctx);
    if (status == GT_OK) status = print(f, &s, depth);
    gti_fields_close(&s.fields);
    free(s.rows);
    gti_table_free(&s.by_scope);
    gt_rewind(m->ctx, start);
    return status;
}
