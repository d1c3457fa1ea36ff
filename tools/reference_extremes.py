#!/usr/bin/env python3
"""Writes tests/reference/extremes.txt: elementwise operations and losses with their first and second
derivatives from 0 and subnormals to the largest numbers and infinity, by their formulas in mpmath;
for tests/test_extremes.c.

A group is a line "case OP LABEL DTYPE K N_OPTS opts.. N" and N lines of K inputs, the value, K first
and K (K + 1) / 2 second derivatives (row by row, from the diagonal on). nan: not compared; at a kink
and at 0^0 the choice is the one that docs/operations.md states, at infinity it is the limit.

Usage: tools/reference_extremes.py [OUTPUT]   (needs mpmath)
"""
import functools
import os
import struct
import sys

import mpmath as mp
from mpmath import mpf

mp.mp.dps = 50
INF, NAN = mp.inf, mp.nan
FAR = mpf(10) ** 4000  # in place of infinity, where a formula has its limit
lines = []

LADDER = {
    "f32": ["0", "1.4012984643248171e-45", "1e-40", "1.17549435e-38", "1e-30", "1e-20", "1e-10",
            "1e-4", "0.1", "0.3", "0.9", "2.2", "4.7", "10", "19", "21", "50", "88", "104", "1e3",
            "1e4", "1e7", "9.5e7", "1e8", "1e12", "1e19", "1e20", "1e30", "3.4028234663852886e38",
            "inf"],
    "f64": ["0", "5e-324", "1e-310", "2.2250738585072014e-308", "1e-200", "1e-160", "1e-100",
            "1e-38", "1e-20", "1e-10", "1e-4", "0.1", "0.3", "0.9", "2.2", "4.7", "10", "19", "21",
            "50", "88", "300", "700", "746", "1e4", "1e8", "1e20", "1e38", "1e100", "1e154",
            "1e155", "1e200", "1e300", "1.7976931348623157e308", "inf"],
}
PAIRS = {
    "f32": ["0", "1e-40", "1e-30", "1e-10", "0.3", "1", "2", "1e10", "1e30"],
    "f64": ["0", "1e-310", "1e-200", "1e-60", "0.3", "1", "2", "1e60", "1e200"],
}


def rounded(text, dtype):
    value = float(text)
    return struct.unpack("f", struct.pack("f", value))[0] if dtype == "f32" else value


def exp(x):
    return mpf(0) if x < -10**6 else mp.exp(min(x, 10**6))


def sigmoid(x):
    return 1 / (1 + exp(-x)) if x > 0 else exp(x) / (1 + exp(x))


def normal(x):
    """The normal distribution and its density."""
    if abs(x) > 10**4:
        return mpf(x > 0), mpf(0)
    return mp.erfc(-x / mp.sqrt(2)) / 2, mp.exp(-x * x / 2) / mp.sqrt(2 * mp.pi)


# --- functions of one element: x and the options to value, first and second derivative; None where
# --- there is none. x is never infinite, but FAR.

def linear(y, slope):
    return y, mpf(slope), mpf(0)


def singular(x, at_0, function):
    """For x > 0, and at +0 by its limits; at -0 only the value is compared, where it is the same."""
    if x < 0:
        return None
    return at_0 if x == 0 else function(x)


def log(x):
    if x == FAR:
        return INF, mpf(0), mpf(0)
    return singular(x, (-INF, INF, -INF), lambda x: (mp.log(x), 1 / x, -1 / x**2))


def log1p(x):
    if x <= -1:
        return None
    return (INF, mpf(0), mpf(0)) if x == FAR else (mp.log1p(x), 1 / (1 + x), -1 / (1 + x)**2)


def reciprocal(x):
    return None if x == 0 else (1 / x, -1 / x**2, 2 / x**3)


def power(x, p):
    if x < 0 and p != int(p):
        return None

    def term(factor, q):
        if factor == 0 or (x == 0 and q > 0):
            return mpf(0)
        if x == 0:
            return factor * (INF if q < 0 else 1)
        return factor * (abs(x)**q * (-1 if x < 0 and int(q) % 2 else 1))
    p = mpf(p)
    return term(mpf(1), p), term(p, p - 1), term(p * (p - 1), p - 2)


def sin(x, turn):
    if abs(x) == FAR:
        return NAN, NAN, NAN
    s, c = mp.sin(x), mp.cos(x)
    return (s, c, -s) if turn == 0 else (c, -s, -c)


def erf(x):
    density = 2 / mp.sqrt(mp.pi) * exp(-x * x)
    return (mp.erf(x) if abs(x) < 1000 else mp.sign(x)), density, -2 * x * density


def tanh(x):
    s = sigmoid(2 * x)
    slope = 4 * s * sigmoid(-2 * x)
    y = mp.tanh(x) if abs(x) < 1000 else mp.sign(x)
    return y, slope, -2 * y * slope


def sigmoid_of(x):
    s, minus = sigmoid(x), sigmoid(-x)
    return s, s * minus, s * minus * (minus - s)


def elu(x, alpha=1.0, scale=1.0):
    if x > 0:
        return linear(scale * x, scale)
    slope = scale * mpf(alpha) * exp(x)
    value = scale * mpf(alpha) * (mp.expm1(x) if x > -1000 else -1)
    return value, slope, slope if x < 0 else mpf(0)


def selu(x):
    return elu(x, mpf("1.67326324235437728482"), mpf("1.05070098735548049342"))


def gelu(x, tanh_approximation=0):
    if tanh_approximation:
        k, c = 2 * mp.sqrt(2 / mp.pi), mpf("0.044715")
        w, dw, ddw = k * (x + c * x**3), k * (1 + 3 * c * x**2), 6 * k * c * x
        s, ds, dds = sigmoid_of(w)
        return x * s, s + x * ds * dw, 2 * ds * dw + x * (dds * dw**2 + ds * ddw)
    area, density = normal(x)
    return x * area, area + x * density, (2 - x * x) * density


def silu(x):
    s, ds, dds = sigmoid_of(x)
    return x * s, s + x * ds, 2 * ds + x * dds


def mish(x):
    w = exp(x)
    d = w * w + 2 * w + 2
    t, dt = (w * w + 2 * w) / d, 4 * w * (1 + w) / d**2
    ddt = 4 * w * ((1 + 2 * w) * d - 4 * w * (1 + w)**2) / d**3
    return x * t, t + x * dt, 2 * dt + x * ddt


def log_sigmoid(x):
    if x < -1000:
        return linear(x, 1)
    s, ds, _ = sigmoid_of(-x)
    return -mp.log1p(exp(-x)), s, -ds


def softplus(x, beta=1.0, threshold=20.0):
    z = mpf(beta) * x
    if z > threshold:
        return linear(x, 1)
    s, ds, _ = sigmoid_of(z)
    return mp.log1p(exp(z)) / beta, s, beta * ds if z < threshold else mpf(0)


def clamp(x, low, high):
    return linear(min(max(x, mpf(low)), mpf(high)), low < x < high)


def hardswish(x):
    if x <= -3:
        return linear(mpf(0), 0)
    return (x * (x + 3) / 6, (2 * x + 3) / 6, mpf(1) / 3) if x < 3 else linear(x, 1)


def whole(function):
    return lambda x: linear(x if abs(x) == FAR else function(x), 0)


FUNCTIONS = {
    "add_scalar": (lambda x, s: linear(x + s, 1), [(1.5,)]),
    "mul_scalar": (lambda x, s: linear(x * s, s), [(-1.5,)]),
    "neg": (lambda x: linear(-x, -1), [()]),
    "square": (lambda x: (x * x, 2 * x, mpf(2)), [()]),
    "abs": (lambda x: linear(abs(x), mp.sign(x)), [()]),
    "exp": (lambda x: (exp(x),) * 3, [()]),
    "expm1": (lambda x: (mp.expm1(x) if abs(x) < 1000 else exp(x) - 1, exp(x), exp(x)), [()]),
    "log": (log, [()]),
    "log1p": (log1p, [()]),
    "sqrt": (lambda x: power(x, 0.5), [()]),
    "rsqrt": (lambda x: power(x, -0.5), [()]),
    "reciprocal": (reciprocal, [()]),
    "pow_scalar": (power, [(p,) for p in (2.5, 3.0, 2.0, 1.0, 0.0, 0.5, -0.5, -1.0, -2.0)]),
    "sin": (lambda x: sin(x, 0), [()]),
    "cos": (lambda x: sin(x, 1), [()]),
    "erf": (erf, [()]),
    "sign": (lambda x: linear(mp.sign(x), 0), [()]),
    "floor": (whole(mp.floor), [()]),
    "ceil": (whole(mp.ceil), [()]),
    "round": (whole(mp.nint), [()]),
    "clamp": (clamp, [(-1.5, 1.75)]),
    "tanh": (tanh, [()]),
    "sigmoid": (sigmoid_of, [()]),
    "relu": (lambda x: linear(max(x, mpf(0)), x > 0), [()]),
    "relu6": (lambda x: clamp(x, 0, 6), [()]),
    "leaky_relu": (lambda x, p: linear(x if x > 0 else p * x, 1 if x > 0 else p),
                   [(0.25,), (0.0,)]),
    "elu": (elu, [(1.0,), (-1.5,)]),
    "selu": (selu, [()]),
    "gelu": (gelu, [(0.0,), (1.0,)]),
    "log_sigmoid": (log_sigmoid, [()]),
    "silu": (silu, [()]),
    "mish": (mish, [()]),
    "softplus": (softplus, [(1.0, 20.0), (2.0, 20.0), (-1.0, 20.0)]),
    "hardtanh": (clamp, [(-1.5, 1.75)]),
    "hardsigmoid": (lambda x: linear(min(max(x + 3, mpf(0)), mpf(6)) / 6,
                                     mpf(1) / 6 if -3 < x < 3 else 0), [()]),
    "hardswish": (hardswish, [()]),
}


# --- of two elements: a and b, not infinite unless said, to y, da, db, daa, dab, dbb ---

def constant_slopes(y, da, db):
    return y, mpf(da), mpf(db), mpf(0), mpf(0), mpf(0)


def is_lost(factor, dtype):
    """Whether it leaves the range, out of which another factor cannot bring it back."""
    return abs(factor) > (mpf("3.4e38") if dtype == "f32" else mpf("1.7e308"))


def mul_or_zero(a, b):
    y = mpf(0) if a == 0 or b == 0 else a * b
    return y, b, a, mpf(0), mpf(1), mpf(0)


def div_or_zero(a, b, dtype):
    return (mpf(0),) * 6 if b == 0 else div(a, b, dtype)


def div(a, b, dtype):
    if b == 0:
        return None
    dbb = NAN if a != 0 and is_lost(1 / b**2, dtype) else 2 * a / b**3
    return a / b, 1 / b, -a / b**2, mpf(0), -1 / b**2, dbb


def power_of_two(a, b, dtype):
    """At a = 0 b^0 is 1 and moves with neither; what has no limit there is not compared."""
    if a == 0 and b == 0:
        return mpf(1), mpf(0), mpf(0), NAN, NAN, NAN
    y, da, daa = power(a, b)
    if a == 0:
        return (y, da, mpf(0), daa, mpf(0) if b > 1 else NAN, mpf(0)) if b > 0 else None
    log_a = mp.log(a)
    dab = a**(b - 1) * (1 + b * log_a)
    if b != 0 and is_lost(a**(b - 1), dtype):
        da = dab = daa = NAN
    if b != 0 and is_lost(a**(b - 2), dtype):
        daa = NAN
    return y, da, y * log_a, daa, dab, y * log_a**2


def extreme(a, b, first):
    share = mpf(0.5) if a == b else mpf(first)
    return constant_slopes(a if first else b, share, 1 - share)


def bend(x, t, delta, scale):
    d = x - t
    if abs(d) < delta:
        return tuple(scale * v for v in (d * d / 2, d, -d, 1, -1, 1))
    slope = scale * delta * mp.sign(d)
    return constant_slopes(scale * delta * (abs(d) - mpf(delta) / 2), slope, -slope)


def bce_logits(x, t):
    s, ds, _ = sigmoid_of(x)
    far = abs(x) * (1 - t if x > 0 else t)
    return far + mp.log1p(exp(-abs(x))), s - t, -x, ds, mpf(-1), mpf(0)


def bce(x, t):
    """Inside PyTorch's bounds, which are 1e-12 for x (1 - x)."""
    if not 1e-10 < x < 1 - 1e-10:
        return None
    log_x, log_rest = mp.log(x), mp.log1p(-x)
    return (-t * log_x - (1 - t) * log_rest, (x - t) / (x * (1 - x)), log_rest - log_x,
            t / x**2 + (1 - t) / (1 - x)**2, -1 / (x * (1 - x)), mpf(0))


def kl_div(x, t, dtype):
    """0 where t is 0, whatever x, and its slope that of the least number; x may be -FAR."""
    if t == 0:
        slope = INF if x == -FAR else (-149 if dtype == "f32" else -1074) * mp.log(2) - x + 1
        return mpf(0), mpf(0), slope, mpf(0), mpf(-1), mpf(0)
    return t * (mp.log(t) - x), -t, mp.log(t) - x + 1, mpf(0), mpf(-1), 1 / t


def kl_div_log(x, t):
    p = exp(t)
    if p == 0 or (x == -FAR and p < mpf("1e-320")):
        return (mpf(0),) * 6
    return p * (t - x), -p, p * (t - x + 1), mpf(0), -p, p * (t - x + 2)


def signed(rungs):
    return [sign + r for r in rungs for sign in ("", "-")]


def plain(dtype):
    return PAIRS[dtype], signed(PAIRS[dtype])


def logits(dtype):
    return signed(r for r in LADDER[dtype]), ["0", "0.25", "1"]


CERTAIN = ["0", "-1e-10", "-0.3", "-20", "-1e3", "-1e20", "-inf"]
TWO = {
    "add": (lambda a, b: constant_slopes(a + b, 1, 1), plain, [()]),
    "sub": (lambda a, b: constant_slopes(a - b, 1, -1), plain, [()]),
    "mul": (lambda a, b: (a * b, b, a, mpf(0), mpf(1), mpf(0)), plain, [()]),
    "mul_or_zero": (mul_or_zero, lambda d: (PAIRS[d] + ["inf"], PAIRS[d] + ["-inf"]), [()]),
    "div": (div, plain, [()]),
    "div_or_zero": (div_or_zero, plain, [()]),
    "pow": (power_of_two, plain, [()]),
    "maximum": (lambda a, b: extreme(a, b, a >= b), plain, [()]),
    "minimum": (lambda a, b: extreme(a, b, a <= b), plain, [()]),
    "mse_loss": (lambda x, t: tuple(2 * v for v in bend(x, t, FAR, 1)), plain, [()]),
    "l1_loss": (lambda x, t: constant_slopes(abs(x - t), mp.sign(x - t), mp.sign(t - x)), plain,
                [()]),
    "smooth_l1_loss": (lambda x, t, s: bend(x, t, s, 1 / mpf(s)), plain, [(1.5,)]),
    "huber_loss": (lambda x, t, s: bend(x, t, s, 1), plain, [(1.5,)]),
    "binary_cross_entropy": (bce, lambda d: (["0.05", "0.3", "0.5", "0.9"], ["0", "0.25", "1"]),
                             [()]),
    "binary_cross_entropy_with_logits": (bce_logits, logits, [()]),
    "kl_div": (kl_div, lambda d: (CERTAIN, ["0", *PAIRS[d][1:6]]), [()]),
    "kl_div_log": (kl_div_log, lambda d: (CERTAIN, CERTAIN), [()]),
}


def number(v, dtype):
    if mp.isnan(v):
        return "nan"
    if mp.isinf(v):
        return "inf" if v > 0 else "-inf"
    return ("%.10g" if dtype == "f32" else "%.17g") % float(v)


def point(function, texts, opts, dtype):
    """The line of a point, or None."""
    inputs = [rounded(t, dtype) for t in texts]
    exact = [mp.sign(v) * FAR if abs(v) == float("inf") else mpf(v) for v in inputs]
    values = function(*exact, *opts)
    if values is None:
        return None
    negative_0 = len(texts) == 1 and texts[0] == "-0"
    if negative_0 and any(mp.isinf(v) for v in values):
        return None
    return " ".join(["%.9g" % v if dtype == "f32" else "%.17g" % v for v in inputs] +
                    [number(mpf(v), dtype) for v in values])


def group(op, dtype, opts, function, points):
    rows = [row for row in (point(function, p, opts, dtype) for p in points) if row]
    numbers = " ".join("%.17g" % v for v in opts)
    lines.append(f"case {op} {dtype} {len(points[0])} {len(opts)} {numbers} {len(rows)}")
    lines.extend(rows)


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    path = sys.argv[1] if len(sys.argv) > 1 else os.path.join(here,
                                                              "../tests/reference/extremes.txt")
    for dtype in ("f32", "f64"):
        for op, (function, options) in FUNCTIONS.items():
            for opts in options:
                group(op, dtype, opts, function, [(t,) for t in signed(LADDER[dtype])])
        for op, (function, ladders, options) in TWO.items():
            first, second = ladders(dtype)
            if function in (div, div_or_zero, power_of_two, kl_div):
                function = functools.partial(function, dtype=dtype)
            for opts in options:
                group(op, dtype, opts, function, [(a, b) for a in first for b in second])
    with open(path, "w") as out:
        out.write(f"# made by tools/reference_extremes.py with mpmath {mp.__version__}\n")
        out.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
