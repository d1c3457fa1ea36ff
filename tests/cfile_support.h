/* Programs around exported C files: they have inputs and what gradtape makes of them, compare, and
 * end with 1 where there is a difference. */
#ifndef GT_TESTS_CFILE_SUPPORT_H
#define GT_TESTS_CFILE_SUPPORT_H

#include "files.h"
#include "support.h"
#include <math.h>

/* A program under way: what stands before main, and within. */
typedef struct {
    FILE *f;
    char calls[1 << 16];
    size_t n;
    int n_arrays;
} cprogram;

static inline void add_call(cprogram *p, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    p->n += (size_t)vsnprintf(p->calls + p->n, sizeof p->calls - p->n, fmt, args);
    va_end(args);
    assert_true(p->n < sizeof p->calls);
}

/* Tells a difference of more than 1e-6 of the largest number that is expected. */
static const char checking[] =
    "static int differs(const char *name, const float *y, const float *want, long n)\n{\n"
    "    float most = 0;\n"
    "    for (long i = 0; i < n; i++)\n"
    "        if (fabsf(want[i]) > most && fabsf(want[i]) <= FLT_MAX) most = fabsf(want[i]);\n"
    "    for (long i = 0; i < n; i++) {\n"
    "        if (fabsf(y[i] - want[i]) <= TOLERANCE * most + 1e-12f || y[i] == want[i]) continue;\n"
    "        if (y[i] != y[i] && want[i] != want[i]) continue;\n"
    "        printf(\"%s: element %ld is %.9g, must be %.9g, largest %g\\n\", name, i,\n"
    "               (double)y[i], (double)want[i], (double)most);\n"
    "        return 1;\n    }\n    return 0;\n}\n\n";

static inline void begin_program(cprogram *p, const char *path)
{
    *p = (cprogram){.f = fopen(path, "w")};
    if (!p->f) fail_msg("%s cannot be written", path);
    fprintf(p->f,
            "#include <float.h>\n#include <math.h>\n#include <stdint.h>\n#include <stdio.h>\n"
            "#ifndef TOLERANCE\n#define TOLERANCE 1e-6f\n#endif\n\n%s",
            checking);
}

static inline void end_program(cprogram *p)
{
    fprintf(p->f,
            "int main(void)\n{\n    int bad = 0;\n%s    if (!bad) printf(\"all agree\\n\");\n"
            "    return bad != 0;\n}\n",
            p->calls);
    assert_int_equal(fclose(p->f), 0);
}

/* The elements of t as an array; returns its number: "array0". */
static inline int add_array(cprogram *p, const gt_tensor *t)
{
    static const char *const types[] = {
        [GT_F32] = "float", [GT_I64] = "int64_t", [GT_U8] = "uint8_t"};
    fprintf(p->f, "static const %s array%d[] = {", types[t->dtype], p->n_arrays);
    for (int64_t i = 0; i < t->size; i++) {
        const double v = element(t, i);
        const char *end = i % 8 == 7 ? ",\n" : ", ";
        if (t->dtype != GT_F32) fprintf(p->f, "%.0f%s", v, end);
        else if (isnan(v)) fprintf(p->f, "NAN%s", end);
        else if (isinf(v)) fprintf(p->f, "%sINFINITY%s", v < 0 ? "-" : "", end);
        else fprintf(p->f, "%af%s", v, end);
    }
    fprintf(p->f, "};\n\n");
    return p->n_arrays++;
}

/* Runs a command; false, with what it says printed, where it fails. */
static inline bool runs(const char *fmt, ...)
{
    char command[4096];
    va_list args;
    va_start(args, fmt);
    vsnprintf(command, sizeof command, fmt, args);
    va_end(args);
    fflush(NULL);
    const bool ok = system(command) == 0;
    if (!ok) print_error("failed: %s\n", command);
    return ok;
}

#endif
