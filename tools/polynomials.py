#!/usr/bin/env python3
"""Writes src/kernels/polynomials.h: what src/kernels/vector_math.inc is made of, near the best that
polynomials of their degree can do, with the error that each leaves.

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
    ]


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    path = sys.argv[1] if len(sys.argv) > 1 else os.path.join(here, "../src/kernels/polynomials.h")
    out = ["/* Written by tools/polynomials.py: coefficients, the highest power first. */",
           "// clang-format off",
           "#ifndef GTI_KERNELS_POLYNOMIALS_H", "#define GTI_KERNELS_POLYNOMIALS_H", ""]
    for t in ("F32", "F64"):
        for name, meaning, f, low, high, n in rows(t):
            c, error = mp.chebyfit(f, [low, high], n, error=True)
            suffix = "f" if t == "F32" else ""
            numbers = [mp.nstr(x, 9 if t == "F32" else 17, strip_zeros=False) for x in c]
            numbers = [x + suffix for x in numbers]
            out.append("/* %s, within %s */" % (meaning, mp.nstr(error, 2)))
            out.append("#define GTI_%s_%s \\" % (name, t))
            out += ["    %s%s" % (x, ", \\" if i < n - 1 else "") for i, x in enumerate(numbers)]
            print(name, t, mp.nstr(error, 3))
    out += ["", "#endif", ""]
    with open(path, "w") as file:
        file.write("\n".join(out))


main()
