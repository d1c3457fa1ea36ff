#!/usr/bin/env python3
"""Writes src/kernels/polynomials.h: what src/kernels/vector_math.inc and vector_tables.inc are made
of, near the best that polynomials of their degree can do, with the error that each leaves.

Usage: tools/polynomials.py [OUTPUT]   (needs mpmath)
"""
import os
import sys

import mpmath as mp
from mpmath import mpf

mp.mp.dps = 60
HALF_LOG2 = mp.log(2) / 2 * mpf("1.0001")
ERFCX = {"F32": mpf(2), "F64": mpf(4)}  # where the middle of erfcx's argument is
FAR = {"F32": mpf("10.1"), "F64": mpf("27.3")}  # erfc is 0 from here on


def exp_tail(r):
    return mpf(1) / 2 + r / 6 if abs(r) < mpf(10) ** -25 else (mp.expm1(r) - r) / r**2


def log_tail(z):
    """2 atanh(s) = 2 s + s z P(z), z = s^2"""
    if z < mpf(10) ** -25:
        return mpf(2) / 3
    s = mp.sqrt(z)
    return (2 * mp.atanh(s) / s - 2) / z


def pow_tail(z):
    """2 atanh(s) = 2 s + s z (2/3 + z P(z)), z = s^2"""
    if z < mpf(10) ** -20:
        return mpf(2) / 5 + 2 * z / 7
    s = mp.sqrt(z)
    return ((2 * mp.atanh(s) / s - 2) / z - mpf(2) / 3) / z


def sin_tail(z):
    """sin(r) = r + r z P(z), z = r^2"""
    r = mp.sqrt(z)
    return (mp.sin(r) / r - 1) / z if z > mpf(10) ** -20 else -mpf(1) / 6 + z / 120


def cos_tail(z):
    """cos(r) = 1 - z / 2 + z^2 P(z), z = r^2"""
    return (mp.cos(mp.sqrt(z)) - 1 + z / 2) / z**2 if z > mpf(10) ** -20 else mpf(1) / 24 - z / 720


def erf_tail(z):
    """erf(x) = x P(z), z = x^2"""
    x = mp.sqrt(z)
    return mp.erf(x) / x if x > mpf(10) ** -25 else 2 / mp.sqrt(mp.pi)


def erfcx_of(middle):
    def f(q):
        a = middle * (1 + q) / (1 - q)
        return (1 + 2 * a) * mp.erfc(a) * mp.exp(a * a)
    return f


def far_of(middle, far):
    return (far - middle) / (far + middle)


# --- tables of ENTRIES, for vector_tables.inc ---

ENTRIES = 16
DIGITS = {"F32": 24, "F64": 53}
ERF_STEP = {"F32": mpf(17) / 64, "F64": mpf(25) / 64}
TAIL_STEP = mpf(23) / 64
LOG_STEP = {"F32": 17, "F64": 43}  # logarithms are whole numbers of 2^-these
LOG_STRIDE = {"F32": 1, "F64": 65537}  # such that remainders do not repeat


def rounded(x, digits):
    """To the nearest number of so many binary digits."""
    if x == 0:
        return mpf(0)
    exponent = digits - mp.frexp(x)[1]
    return mp.ldexp(mp.nint(mp.ldexp(x, exponent)), -exponent)


def exp_table(t):
    return [[mpf(2) ** (mpf(j) / ENTRIES) for j in range(ENTRIES)]], mpf(0)


def log_of_entry(j, t):
    """log c and 1 / c for the j-th sixteenth of 3/4 <= m < 3/2, by the highest digits behind m's
    first. c is near its middle, and such that both are nearly numbers of T; next to 1 it is 1."""
    if j in (0, ENTRIES - 1):
        return mpf(0), mpf(1)
    middle = (1 + (j + mpf(1) / 2) / ENTRIES) / (2 if j >= ENTRIES / 2 else 1)
    near = mp.nint(mp.ldexp(mp.log(middle), LOG_STEP[t]))
    best = None
    for i in range(-400, 400):
        high = mp.ldexp(near + i * LOG_STRIDE[t], -LOG_STEP[t])
        inverse = rounded(mp.exp(-high), DIGITS[t])
        error = abs(mp.log(inverse) + high)
        if best is None or error < best[0]:
            best = error, high, inverse
    return best[1], best[2]


def log_table(t):
    """Two tables: log c and 1 / c."""
    entries = [log_of_entry(j, t) for j in range(ENTRIES)]
    return [list(x) for x in zip(*entries)], max(abs(mp.log(c) + h) for h, c in entries)


def near_log(r):
    """log(1 + r) = r + r^2 P(r)"""
    if abs(r) < mpf(10) ** -20:
        return -mpf(1) / 2 + r / 3
    return (mp.log1p(r) - r) / r**2


def fits_by_entry(f, centre, half, n):
    """Tables of the coefficients of (f(centre(j) + x) - f(centre(j))) / x for |x| <= half, and of
    f(centre(j)) behind them; and the largest error of the former."""
    fits, worst = [], mpf(0)
    for j in range(ENTRIES):
        c = centre(j)

        def slope(x, c=c):
            return (f(c + x) - f(c)) / x if abs(x) > mpf(10) ** -25 else mp.diff(f, c)
        fit, error = mp.chebyfit(slope, [-half, half], n, error=True)
        fits.append(fit + [f(c)])
        worst = max(worst, error)
    return [list(x) for x in zip(*fits)], worst


def erf_table(t):
    step = ERF_STEP[t]
    return fits_by_entry(mp.erf, lambda j: j * step, step / 2, 6 if t == "F32" else 13)


def normal_tail(a):
    """What of the normal distribution is above a."""
    return mp.erfc(a / mp.sqrt(2)) / 2


def tail_table():
    return fits_by_entry(normal_tail, lambda j: j * TAIL_STEP, TAIL_STEP / 2, 8)


def tables(t):
    single = [("TAIL_TABLE", "erfc((j %s + x) / sqrt 2) / 2 in x" % mp.nstr(TAIL_STEP, 10),
               *tail_table())] if t == "F32" else []
    return [
        ("EXP_TABLE", "2^(j / 16)", *exp_table(t)),
        ("LOG_TABLE", "log c, 1 / c for the j-th sixteenth of 1 .. 3/2, 3/4 .. 1", *log_table(t)),
        ("ERF_TABLE", "erf(j %s + x) in x" % mp.nstr(ERF_STEP[t], 10), *erf_table(t)),
    ] + single


# --- polynomials ---

def rows(t):
    single = t == "F32"
    sqrt2 = mp.sqrt(2) * mpf("1.0001")
    quarter = (mp.pi / 4 * mpf("1.0001")) ** 2
    edge = ((sqrt2 - 1) / (sqrt2 + 1)) ** 2
    return [
        ("EXP", "(e^r - 1 - r) / r^2 for |r| <= log(2) / 2", exp_tail, -HALF_LOG2, HALF_LOG2,
         5 if single else 11),
        ("LOG", "(log((1 + s) / (1 - s)) / s - 2) / z, z = s^2, for (1 + s) / (1 - s) <= sqrt 2",
         log_tail, mpf(0), edge, 4 if single else 7),
        ("POW", "((log((1 + s) / (1 - s)) / s - 2) / z - 2/3) / z, the same", pow_tail, mpf(0), edge,
         3 if single else 8),
        ("SIN", "(sin(r) / r - 1) / z, z = r^2, for |r| <= pi / 4", sin_tail, mpf(0), quarter,
         3 if single else 6),
        ("COS", "(cos(r) - 1 + z / 2) / z^2, z = r^2, for |r| <= pi / 4", cos_tail, mpf(0), quarter,
         3 if single else 6),
        ("ERF", "erf(x) / x in z = x^2 <= 1", erf_tail, mpf(0), mpf(1), 7 if single else 13),
        ("ERFCX", "(1 + 2 a) e^(a^2) erfc(a) in q = (a - %d) / (a + %d)" % (ERFCX[t], ERFCX[t]),
         erfcx_of(ERFCX[t]), mpf(-1), far_of(ERFCX[t], FAR[t]), 11 if single else 24),
        ("EXP_NEAR", "(e^r - 1 - r) / r^2 for |r| <= log(2) / 32", exp_tail, -HALF_LOG2 / 16,
         HALF_LOG2 / 16, 2 if single else 6),
        ("LOG_NEAR", "(log(1 + r) - r) / r^2 for -1/32 <= r <= 1/16", near_log,
         -mpf("1.0001") / 32, mpf("1.0001") / 16, 4 if single else 9),
    ]


def text_of(x, t):
    if abs(x) < mpf(10) ** -40:  # of an odd or even function
        x = mpf(0)
    return mp.nstr(x, 9 if t == "F32" else 17, strip_zeros=False) + ("f" if t == "F32" else "")


def table_of(numbers, t):
    """{a, b, c, d, \\ ... }, four to a line."""
    numbers = [text_of(x, t) for x in numbers]
    lines = [", ".join(numbers[i:i + 4]) for i in range(0, len(numbers), 4)]
    return "    {%s}" % (", \\\n     ".join(lines))


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    path = sys.argv[1] if len(sys.argv) > 1 else os.path.join(here, "../src/kernels/polynomials.h")
    out = ["/* Written by tools/polynomials.py: coefficients, the highest power first. */",
           "// clang-format off",
           "#ifndef GTI_KERNELS_POLYNOMIALS_H", "#define GTI_KERNELS_POLYNOMIALS_H", ""]
    for t in ("F32", "F64"):
        for name, meaning, f, low, high, n in rows(t):
            c, error = mp.chebyfit(f, [low, high], n, error=True)
            numbers = [text_of(x, t) for x in c]
            out.append("/* %s, within %s */" % (meaning, mp.nstr(error, 2)))
            out.append("#define GTI_%s_%s \\" % (name, t))
            out += ["    %s%s" % (x, ", \\" if i < n - 1 else "") for i, x in enumerate(numbers)]
            print(name, t, mp.nstr(error, 3))
        for name, meaning, table, error in tables(t):
            out.append("/* %s%s */" % (meaning, ", within " + mp.nstr(error, 2) if error else ""))
            out.append("#define GTI_%s_%s \\" % (name, t))
            out.append(", \\\n".join(table_of(numbers, t) for numbers in table))
            print(name, t, mp.nstr(error, 3))
    out += ["", "#endif", ""]
    with open(path, "w") as file:
        file.write("\n".join(out))


main()
