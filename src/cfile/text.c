/* Text of C files. */
#include <math.h>
#include <string.h>

#include "cfile/cfile.h"

/* Letters, digits and signs that end no comment, begin none and are no trigraph or line's end. */
void gti_cfile_add_comment(gti_text *t, const char *text)
{
    for (; *text; text++) {
        const bool plain = (*text >= 'a' && *text <= 'z') || (*text >= 'A' && *text <= 'Z') ||
                           (*text >= '0' && *text <= '9') || strchr(" _.,:;()[]=+-<>", *text);
        gti_text_add(t, "%c", plain ? *text : '_');
    }
}

const char *gti_cfile_identifier(const char *name, char buf[GTI_CFILE_NAME])
{
    size_t n = 0;
    for (; n < GTI_CFILE_NAME - 1 && name[n]; n++) {
        const char ch = name[n];
        const bool plain =
            (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || (ch >= '0' && ch <= '9');
        buf[n] = '_';
        if (plain) buf[n] = ch;
    }
    buf[n] = 0;
    return buf;
}

/* A hexadecimal fraction, from the bits: printf would ask the locale for its point. */
static void print_hex(float v, char *buf)
{
    uint32_t bits;
    memcpy(&bits, &v, sizeof bits);
    uint32_t fraction = (bits & 0x7fffff) << 1;
    const int exponent = (int)(bits >> 23 & 0xff), digits = 6;
    int n = snprintf(buf, GTI_CFILE_NUMBER, "%s0x%d", bits >> 31 ? "-" : "", exponent != 0);
    if (fraction) buf[n++] = '.';
    for (int i = 0; i < digits && fraction; i++, fraction = fraction << 4 & 0xffffff)
        buf[n++] = "0123456789abcdef"[fraction >> 20];
    snprintf(buf + n, (size_t)(GTI_CFILE_NUMBER - n), "p%df",
             exponent                ? exponent - 127
             : fraction || bits << 1 ? -126
                                     : 0);
}

/* Short decimal fractions are easier to read. */
static bool print_decimal(float v, char *buf)
{
    gt_snprintf(buf, GTI_CFILE_NUMBER, "%.4f", (double)v);
    char *end = buf + strlen(buf);
    while (end[-1] == '0' && end[-2] != '.') *--end = 0;
    double whole = 0, part = 0, unit = 1;
    const char *at = buf + (*buf == '-');
    for (; *at != '.'; at++) whole = 10 * whole + (*at - '0');
    while (*++at) part = 10 * part + (*at - '0'), unit *= 10;
    const double read = whole + part / unit;
    if ((float)(*buf == '-' ? -read : read) != v) return false;
    end[0] = 'f';
    end[1] = 0;
    return true;
}

const char *gti_cfile_number(float v, char buf[GTI_CFILE_NUMBER])
{
    if (isnan(v)) return "NAN";
    if (isinf(v)) return v > 0 ? "INFINITY" : "-INFINITY";
    if (fabsf(v) > 1e6f || (v == 0 && signbit(v)) || !print_decimal(v, buf)) print_hex(v, buf);
    return buf;
}

const char *gti_cfile_type(gt_dtype dtype)
{
    static const char *const names[GT_N_DTYPES] = {
        [GT_F32] = "float", [GT_I64] = "int64_t", [GT_U8] = "uint8_t"};
    return names[dtype];
}
