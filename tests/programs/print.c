/* Programs as text. */
#include "program.h"

static const char *const names[N_KINDS] = {
#define X(name, weight, operands) #name,
    STATEMENT_LIST(X)
#undef X
};

static const int operands[N_KINDS] = {
#define X(name, weight, operands) operands,
    STATEMENT_LIST(X)
#undef X
};

void print_statement(FILE *f, const statement *s)
{
    fprintf(f, "  %st%d = %s(", s->inside >= 0 ? "    " : "", s->id, names[s->kind]);
    for (int i = 0; i < operands[s->kind]; i++) {
        if (s->slot[i] == NO_SLOT) fprintf(f, "%sNULL", i ? ", " : "");
        else fprintf(f, "%st%d_%d", i ? ", " : "", s->slot[i] / RESULTS, s->slot[i] % RESULTS);
    }
    fprintf(f, ") context %d, p %d %d %d %d", s->context, s->p[0], s->p[1], s->p[2], s->p[3]);
    if (s->inside >= 0) fprintf(f, ", in t%d", s->inside);
    fputc('\n', f);
}
