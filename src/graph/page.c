/* A graph as a page: what lies in src/graph/page/, and the graph as JSON in it. The script reads
 * that as data, and puts names into the page as text; its policy runs no other script and asks no
 * network for anything. */
#include "graph/render.h"

static void write_part(FILE *f, int i)
{
    fputs((const char *)gti_page_text[i], f);
}

gt_status gti_page_write(const gt_graph *g, const gt_graph_opts *opts, const char *what, FILE *f)
{
    static const char *const details[] = {"layers", "calls", "operations"};
    static const char *const heats[] = {"none", "flops", "bytes", "parameters", "seconds"};
    write_part(f, 0);
    fprintf(f, "data-detail=\"%s\" data-heat=\"%s\" data-depth=\"%d\"", details[opts->detail],
            heats[opts->heat], opts->depth);
    write_part(f, 1);
    gti_json_write(g, opts, what, f);
    write_part(f, 2);
    return gti_save_end(g->ctx, what, f);
}
