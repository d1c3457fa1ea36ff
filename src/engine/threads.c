/* Dividing operations among threads. Stages and parts are fixed by shapes alone, so results are the
 * same bits for any number of threads; which thread takes which parts is chance. */
#include <errno.h>
#include <stdlib.h>

#include "engine/context.h"
#include "kernels/loop.h"
#include "kernels/stream.h"

enum {
    MOST_READ = 4,
    STREAMED_COST = 4, /* of an element, at most, in additions */
    PART_WORK = 1 << 15,
    MOST_COST = 1 << 9, /* of an element, nearly */
    MOST_PARTS = 64,
    MOST_THREADS = GTI_TEAM_MOST,
};

void gti_threads_set_part_work(gt_ctx *gt, int64_t additions)
{
    gt->part_work = additions;
    gt->few = additions / MOST_COST;
    gti_update_watched(gt);
}

void gti_threads_init(gt_ctx *gt)
{
    gti_threads_set_part_work(gt, PART_WORK);
    gt->threads = gti_team_processors();
    if (gt->threads > MOST_THREADS) gt->threads = MOST_THREADS;
    const char *wanted = getenv("GRADTAPE_THREADS");
    if (!wanted || !*wanted) return;
    char *end;
    errno = 0;
    const long n = strtol(wanted, &end, 10);
    if (errno || *end || n < 1 || n > MOST_THREADS)
        gt_fail(gt, GT_ERR_ARGUMENT, "gt_open",
                "GRADTAPE_THREADS is '%.40s' in the environment, must be a number from 1 to %d",
                wanted, MOST_THREADS);
    else gt->threads = (int)n;
}

gt_status gt_set_threads(gt_ctx *gt, int n)
{
    static const char what[] = "gt_set_threads";
    if (!gt) return gt_fail(NULL, GT_ERR_ARGUMENT, what, "the context is NULL");
    if (gt_failed(gt)) return gt_error_code(gt);
    if (n < 1 || n > MOST_THREADS)
        return gt_fail(gt, GT_ERR_ARGUMENT, what, "%d threads, must be 1 to %d", n, MOST_THREADS);
    if (n == gt->threads) return GT_OK;
    gti_team_close(gt->team);
    gt->team = NULL;
    gt->threads = n;
    return GT_OK;
}

int gt_threads(const gt_ctx *gt)
{
    return gt ? gt->threads : 0;
}

int64_t gt_parts(const gt_node *n, int64_t items, double cost)
{
    const double work = (double)items * cost, enough = (double)n->in[0]->ctx->part_work;
    if (work < 2 * enough) return items > 0;
    const int64_t most = items < MOST_PARTS ? items : MOST_PARTS;
    return work / enough < (double)most ? (int64_t)(work / enough) : most;
}

/* For an operation that is divided; NULL where one thread has to do. */
static gti_team *team_of(gt_ctx *gt)
{
    if (gt->threads == 1) return NULL;
    if (!gt->team) gt->team = gti_team_open(gt->threads);
    gt->divided += gt->team != NULL;
    return gt->team;
}

/* Parts of a stage; with team NULL by one thread. */
static inline void divide(gt_ctx *gt, gti_team *team, int stage, int64_t parts, gti_team_work *work,
                          void *arg)
{
    if (gt->probe) gt->probe->divide(gt->probe, team, stage, parts, work, arg);
    else if (team) gti_team_run(team, parts, work, arg);
    else work(arg, 0, 0, parts);
}

void gti_threads_run(gt_ctx *gt, int64_t parts, gti_team_work *work, void *arg)
{
    divide(gt, parts > 1 ? team_of(gt) : NULL, 0, parts, work, arg);
}

/* --- elements --- */

typedef struct {
    gt_node *n;
    int64_t parts, block; /* bytes of blocks that are streamed, or 0 */
} elements_job;

/* Inputs that are as large as output 0: from an element on, and for each line of output 0. */
static int inputs_from(const gt_node *n, int64_t element, gti_stream_next next[MOST_READ])
{
    const gt_tensor *const y = n->out[0];
    const int64_t each = GTI_STREAM_LINE / (int64_t)gt_dtype_size(y->dtype);
    int count = 0;
    for (int i = 0; i < n->n_in && count < MOST_READ; i++) {
        const gt_tensor *const x = n->in[i];
        const int64_t size = (int64_t)gt_dtype_size(x->dtype);
        if (x->size == y->size)
            next[count++] = (gti_stream_next){(const char *)x->data + element * size, each * size};
    }
    return count;
}

/* Where the one output is larger than the caches, and no input's block, whose lines are there. What
 * moves elements may stream by itself, and what computes more than it moves is as fast without,
 * since it writes meanwhile. */
static int64_t streamed_block(const gt_node *n)
{
    const gt_tensor *const y = n->out[0];
    gti_stream_next next[MOST_READ];
    if (n->op->n_out != 1 || n->op->flags & GT_OP_MOVE || n->op->cost > STREAMED_COST) return 0;
    for (int i = 0; i < n->n_in; i++)
        if (n->in[i]->data == y->data) return 0;
    return gti_stream_result_block(y->size * (int64_t)gt_dtype_size(y->dtype),
                                   inputs_from(n, 0, next));
}

/* Elements begin to end, made in a block that stays in the caches, and written past them. */
static void stream_elements(const gt_node *n, int64_t bytes, int64_t begin, int64_t end)
{
    _Alignas(64) char block[GTI_STREAM_RESULT_BLOCK];
    gt_tensor y = *n->out[0];
    gt_node piece = *n;
    piece.out = (gt_tensor *[]){&y};
    const int64_t size = (int64_t)gt_dtype_size(y.dtype), most = bytes / size;
    for (int64_t count; begin < end; begin += count) {
        count = end - begin < most ? end - begin : most;
        y.data = (void *)((uintptr_t)block - (uintptr_t)(begin * size));
        gti_stream_next next[MOST_READ];
        const int inputs = inputs_from(n, begin, next);
        for (int i = 0; i < inputs; i++)
            gti_read_on(next[i].at, (size_t)(count * next[i].step * size / GTI_STREAM_LINE));
        n->op->elements[n->dtype](&piece, begin, begin + count);
        inputs_from(n, begin + count, next);
        gti_stream_result((size_t)(count * size), block, inputs, next,
                          (char *)n->out[0]->data + begin * size);
    }
    gti_stream_end();
}

static void elements_of(const elements_job *j, int64_t begin, int64_t end)
{
    if (j->block > 0) stream_elements(j->n, j->block, begin, end);
    else j->n->op->elements[j->n->dtype](j->n, begin, end);
}

static void run_elements(void *arg, int worker, int64_t begin, int64_t end)
{
    const elements_job *j = arg;
    (void)worker;
    const int64_t size = j->n->out[0]->size;
    elements_of(j, gt_element_begin(size, j->parts, begin), gt_element_begin(size, j->parts, end));
}

void gti_threads_run_elements(gt_node *n)
{
    const double cost = n->op->cost > 0 ? n->op->cost : 1;
    const int64_t size = n->out[0]->size;
    elements_job j = {n, gt_element_parts(n, size, cost), streamed_block(n)};
    if (j.parts > 0) gti_threads_run(n->in[0]->ctx, j.parts, run_elements, &j);
}

/* --- stages --- */

typedef struct {
    gt_node *n;
    char *scratch; /* of the workers, one behind the other */
    gti_derived_room derived;
    int stage;
} stage_job;

static void run_parts(void *arg, int worker, int64_t begin, int64_t end)
{
    const stage_job *j = arg;
    gt_range r = {.stage = j->stage, .begin = begin, .end = end, .derived = j->derived.block};
    if (j->scratch) r.scratch = j->scratch + (size_t)worker * j->n->worker_scratch;
    j->n->op->parts[j->n->dtype](j->n, &r);
}

static void run_stages(gti_team *team, stage_job *j)
{
    for (j->stage = j->derived.made; j->stage < GT_OP_STAGES; j->stage++) {
        const int64_t parts = j->n->parts[j->stage];
        if (parts > 0)
            divide(j->n->in[0]->ctx, parts > 1 ? team : NULL, j->stage, parts, run_parts, j);
    }
}

static GTI_COLD bool no_memory(const gt_node *n, size_t bytes)
{
    return gt_op_fail(n, GT_ERR_MEMORY, "no memory for %zu bytes of scratch", bytes);
}

/* With the workers' scratch there. */
static bool run_with_derived(gti_team *team, stage_job *j)
{
    const gt_node *n = j->n;
    const gt_derived d = n->op->derived ? n->op->derived(n) : (gt_derived){0};
    if (d.bytes && !gti_derived_get(n, &d, &j->derived)) return no_memory(n, d.bytes);
    run_stages(team, j);
    if (d.bytes) gti_derived_put(n->in[0]->ctx, &j->derived);
    return true;
}

bool gti_threads_run_stages(gt_node *n)
{
    gt_ctx *gt = n->in[0]->ctx;
    const bool divided = n->parts[0] > 1 || n->parts[1] > 1 || n->parts[2] > 1;
    gti_team *team = divided ? team_of(gt) : NULL;
    n->worker_scratch = (n->worker_scratch + 63) & ~(size_t)63;
    const size_t bytes = n->worker_scratch * (size_t)(team ? gti_team_size(team) : 1);
    int size_class = 0;
    stage_job j = {.n = n};
    if (bytes) {
        j.scratch = gti_pool_get(&gt->pool, bytes, &size_class);
        if (!j.scratch) return no_memory(n, bytes);
        if (gt->prefill) gti_pool_fence(&gt->pool, j.scratch, bytes, size_class);
    }
    const bool ok = run_with_derived(team, &j);
    const bool whole =
        !bytes || !gt->prefill || gti_pool_is_whole(&gt->pool, j.scratch, bytes, size_class);
    if (bytes) gti_pool_put(&gt->pool, j.scratch, size_class);
    return ok && (whole || gti_refuse_beyond(n, "its scratch"));
}
