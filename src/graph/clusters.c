/* The clusters of a picture: frames of modules, backward passes and updates. */
#include <string.h>

#include "graph/escape.h"
#include "graph/picture.h"

void gti_clusters_text(const gti_picture *p, const char *text)
{
    gti_escape_write(p->f, text, GTI_IN_LABEL);
}

void gti_clusters_indent(const gti_picture *p)
{
    for (int i = 0; i <= p->depth; i++) fputs("  ", p->f);
}

void gti_clusters_close(gti_picture *p)
{
    while (p->depth > 0) {
        p->depth--;
        gti_clusters_indent(p);
        fputs("}\n", p->f);
    }
}

static void open_cluster(gti_picture *p, const char *kind, int number)
{
    gti_clusters_indent(p);
    fprintf(p->f, "subgraph cluster_%s%d {\n", kind, number);
    p->depth++;
}

static void open_part(gti_picture *p, gti_place at)
{
    if (at.part == GT_PART_FORWARD) return;
    const bool backward = at.part == GT_PART_BACKWARD;
    open_cluster(p, backward ? "backward" : "update", at.pass);
    gti_clusters_indent(p);
    fprintf(p->f,
            "graph [label=\"%s\" labelloc=b labeljust=r color=\"%s\" fillcolor=\"%s\""
            " fontcolor=\"%s\"]\n",
            backward ? "backward" : "update", backward ? "#e9d5ff" : "#fde68a",
            backward ? "#fdf8ff" : "#fffdf5", backward ? GTI_GRADIENT : "#92400e");
}

static void write_frame_label(const gti_picture *p, const gti_frame *frame)
{
    const gt_graph_scope *s = &p->g->scope[frame->scope];
    char path[GTI_WORDS];
    gti_words_path(p->g, frame->scope, path);
    fputs(" label=<", p->f);
    gti_clusters_text(p, p->view.layered ? path : s->name);
    if (*s->type && strcmp(s->type, s->name) != 0) {
        fputs(p->view.layered ? ": " : "  ", p->f);
        gti_clusters_text(p, s->type);
    }
    if (frame->times > 1) fprintf(p->f, "  <b>\xc3\x97 %d</b>", frame->times);
    fputs(">", p->f);
    if (frame->times > 1) fputs(" color=\"#334155\" penwidth=1.5 fontcolor=\"" GTI_INK "\"", p->f);
}

static void open_frame(gti_picture *p, int frame, bool backward)
{
    const gti_frame *it = &p->view.frame[frame];
    open_cluster(p, "f", frame);
    if (p->framed[frame]) return;
    p->framed[frame] = true;
    gti_clusters_indent(p);
    fprintf(p->f,
            "graph [%slabelloc=t labeljust=l color=\"#cbd5e1\" fillcolor=\"%s\" fontcolor=\"%s\"",
            p->view.layered ? "margin=5 " : "",
            backward        ? "#faf5ff"
            : it->times > 1 ? "#f1f5f9"
                            : "#f8fafc",
            GTI_MUTED);
    write_frame_label(p, it);
    fputs("]\n", p->f);
}

void gti_clusters_go(gti_picture *p, gti_place at)
{
    if (!memcmp(&at, &p->at, sizeof at)) return;
    int chain[GTI_VIEW_LEVELS + 1], n = 0;
    for (int f = at.frame; f >= 0; f = p->view.frame[f].parent)
        if (p->view.frame[f].shown) chain[n++] = f;
    gti_clusters_close(p);
    p->at = at;
    open_part(p, at);
    while (n-- > 0) open_frame(p, chain[n], at.part == GT_PART_BACKWARD);
}
