#!/usr/bin/env python3
"""Writes tests/reference/elementwise.txt: what PyTorch computes element by element; for
tests/test_elementwise.c. The format is reference.py's. A label that begins with "f32:" or "f64:" is
of values in that dtype only. Masks are seen through where(mask, in[-2], in[-1]).

Usage: tools/reference_elementwise.py [OUTPUT]   (needs torch and numpy)
"""
import os
import re
import sys

import numpy as np
import torch
import torch.nn.functional as F

sys.dont_write_bytecode = True
import reference
from reference import case, grid, write

INF, NAN = float("inf"), float("nan")

# name: function of x and the options; rows of options, the first the defaults; range of x. Rows of
# ops.def without options that PyTorch has by the same name need none: plain_functions() adds them.
FUNCTIONS = {
    "log": (torch.log, [()], (0.25, 4)),
    "log1p": (torch.log1p, [()], (-0.75, 4)),
    "sqrt": (torch.sqrt, [()], (0.25, 4)),
    "rsqrt": (torch.rsqrt, [()], (0.25, 4)),
    "reciprocal": (torch.reciprocal, [()], (0.25, 4)),
    "pow_scalar": (torch.pow, [(p,) for p in (2.5, 3, 2, 1, 0, 0.5, -0.5, -1, -2, 4.75)],
                   (0.25, 3)),
    "sin": (torch.sin, [()], (-4, 4)),
    "cos": (torch.cos, [()], (-4, 4)),
    "erf": (torch.erf, [()], (-3, 3)),
    "sign": (torch.sign, [()], (-2, 2)),
    "floor": (torch.floor, [()], (-3, 3)),
    "ceil": (torch.ceil, [()], (-3, 3)),
    "round": (torch.round, [()], (-3, 3)),
    "clamp": (torch.clamp, [(-1, 1.5), (0, 1), (-INF, 0.5), (-0.5, INF)], (-2, 2)),
    "sigmoid": (torch.sigmoid, [()], (-4, 4)),
    "relu6": (F.relu6, [()], (-2, 8)),
    "leaky_relu": (F.leaky_relu, [(), (0.25,), (-0.5,)], (-2, 2)),
    "elu": (F.elu, [(), (0.25,), (-1.5,)], (-2, 2)),
    "gelu": (lambda x, t=0: F.gelu(x, approximate="tanh" if t else "none"), [(), (1,)], (-4, 4)),
    "log_sigmoid": (F.logsigmoid, [()], (-4, 4)),
    "silu": (F.silu, [()], (-4, 4)),
    "mish": (F.mish, [()], (-4, 4)),
    "softplus": (F.softplus, [(), (2.0,), (0.5, 1.0), (-1.0, 3.0)], (-4, 4)),
    "hardtanh": (F.hardtanh, [(), (-0.5,), (-2.0, 0.75)], (-2, 2)),
    # F.hardsigmoid's gradient in f64 has a factor of 1/6 that is rounded to f32.
    "hardsigmoid": (lambda x: F.relu6(x + 3) / 6, [()], (-4, 4)),
    "hardswish": (F.hardswish, [()], (-4, 4)),
}



def plain_functions():
    here = os.path.dirname(os.path.abspath(__file__))
    with open(os.path.join(here, "../include/gradtape/ops.def")) as rows:
        for name in re.findall(r"^GT_OP_UNARY\((\w+),", rows.read(), re.M):
            if name not in FUNCTIONS:
                function = getattr(torch, name, None) or getattr(F, name)
                FUNCTIONS[name] = (function, [()], (-2, 2))


plain_functions()

# Derivatives that gradtape makes of y, and those that PyTorch cannot differentiate again.
DERIVATIVES = {
    "exp": lambda g, y: g * y,
    "sqrt": lambda g, y: g / (2 * y),
    "rsqrt": lambda g, y: -0.5 * g * y**3,
    "reciprocal": lambda g, y: -g * y * y,
    "tanh": lambda g, y: g * (1 - y * y),
    "sigmoid": lambda g, y: g * (1 - y) * y,
    "relu": lambda g, y: torch.where(y > 0, g, 0.0),
    "hardsigmoid": lambda g, x: torch.where(x.abs() < 3, g / 6, 0.0),
}

DEFAULTS = {"leaky_relu": (0.01,), "elu": (1,), "gelu": (0,), "softplus": (1, 20),
            "hardtanh": (-1, 1)}


def text(numbers):
    return " ".join(f"{v:g}" for v in numbers)


def gradient_of(name, function, opts):
    if name in DERIVATIVES:
        return DERIVATIVES[name]

    def gradient(g, v):
        dx = torch.autograd.grad(function(v, *opts), v, g, create_graph=True)[0]
        return dx + 0 * g * v  # so that a gradient of 0 is an ordinary tensor
    return gradient


def functions():
    for name, (function, rows, (low, high)) in FUNCTIONS.items():
        for opts in rows:
            def call(x):
                return function(x, *opts)
            case(name, f"matrix {text(opts)}".strip(), opts, lambda: [grid((3, 9), low, high)],
                 call)
            if name in ("sign", "floor", "ceil", "round"):
                continue
            filled = list(opts) + list(DEFAULTS.get(name, ()))[len(opts):]
            case(name + "_grad", f"matrix {text(filled)}".strip(), filled,
                 lambda: [grid((3, 5)), grid((3, 5), low, high)], gradient_of(name, function, filled))
        opts = rows[0]
        for label, shape in [("scalar", ()), ("17", (17,)), ("zero-size", (0, 2))]:
            case(name, label, opts, lambda: [grid(shape, low, high)], lambda x: function(x, *opts))


def special_case(op, label, opts, inputs, function):
    """A case with values beyond the ordinary and an upstream of ones, in the inputs' dtype."""
    inputs = reference.drawn(op, label, inputs)
    y = function(*inputs)
    dy = torch.ones_like(y)
    grads = torch.autograd.grad(y, inputs, dy, allow_unused=True)
    if op in LIMITS:
        kept = ~misses_limit(inputs, [y, *grads])
        inputs, grads = [t[kept] for t in inputs], [t[kept] for t in grads]
        y, dy = y[kept], dy[kept]
    lines = reference.lines
    lines.append(f"case {op} {label.replace(' ', '_')}")
    lines.append(f"opts {len(opts)} {text(opts)}".rstrip())
    for i, t in enumerate(inputs):
        write(f"in{i}", t)
    write("dy", dy)
    write("y", y)
    for i, (g, t) in enumerate(zip(grads, inputs)):
        write(f"g{i}", torch.zeros_like(t) if g is None else g)


# Where PyTorch has 0 * inf at infinity, gradtape the limit (reference_extremes.py).
LIMITS = {"gelu", "silu", "mish", "hardswish", "pow"}


def misses_limit(inputs, values):
    given = sum(t.detach().abs() for t in inputs)  # inf, or NaN where an input is
    return torch.isinf(given) & torch.isnan(sum(t.detach().abs() for t in values))


# What is not compared. PyTorch's vector code and its scalar code differ in gelu(inf) (NaN or inf) and
# in the gradients of elu, selu and hardswish at NaN (NaN or 1); gradtape has inf and 1. In gelu's
# tanh form PyTorch's gradient overflows far out, where gradtape's is 0 or 1; so does its hardswish.
def is_compared(op, opts, x):
    if op == "gelu":
        return not (x == INF or (opts and abs(x) > 1e30))
    if op == "hardswish" and x > 1e30:
        return x == INF
    return not (op in ("elu", "selu", "hardswish") and x != x)


def special():
    for dtype, name in [(torch.float32, "f32"), (torch.float64, "f64")]:
        info = torch.finfo(dtype)
        values = [NAN, INF, -INF, 0.0, -0.0, 1e3, -1e3, 1e-3, -1e-3, info.tiny / 8, -info.tiny / 8,
                  info.tiny, info.max, -info.max, 100, -100, 20.5, -20.5, 6, 3, -3, 1, -1, 0.5, -0.5,
                  1.5, 2.5]
        for op, (function, rows, _) in FUNCTIONS.items():
            for opts in rows:
                x = torch.tensor([v for v in values if is_compared(op, opts, v)], dtype=dtype)
                special_case(op, f"{name}:special {text(opts)}".strip(), opts, [x],
                             lambda x: function(x, *opts))
        few = [NAN, INF, -INF, 0.0, 1.0, -1.0, 2.0, 0.5, 3.0, -2.0]
        a = torch.tensor([v for v in few for _ in few], dtype=dtype)
        b = torch.tensor([v for _ in few for v in few], dtype=dtype)
        for op, function in {"maximum": torch.maximum, "minimum": torch.minimum,
                             "pow": torch.pow}.items():
            special_case(op, f"{name}:special", [], [a, b], function)
        for op, function in COMPARISONS.items():
            masks(op, f"{name}:special", lambda: [a, b], function, special_case)
        x = torch.tensor(values, dtype=dtype)
        for op, function in {"isnan": torch.isnan, "isfinite": torch.isfinite}.items():
            masks(op, f"{name}:special", lambda: [x], function, special_case)


COMPARISONS = {"eq": torch.eq, "ne": torch.ne, "lt": torch.lt, "le": torch.le, "gt": torch.gt,
               "ge": torch.ge}
LOGICAL = {"logical_and": torch.logical_and, "logical_or": torch.logical_or,
           "logical_xor": torch.logical_xor}
SHAPES = [("same", (3, 4), (3, 4)), ("scalars", (), ()), ("scalar b", (2, 5), ()),
          ("row", (3, 5), (5,)), ("column", (3, 1), (3, 5)), ("outer", (4, 1), (1, 3)),
          ("middle", (2, 1, 3), (2, 4, 3)), ("zero-size", (2, 0), (2, 1)), ("17", (3, 17), (17,))]


def masks(op, label, inputs, function, how, opts=()):
    def with_choices():
        x = inputs()
        shape, dtype = function(*x).shape, x[0].dtype
        return [*x, grid(shape).to(dtype), grid(shape).to(dtype)]

    how(op, label, list(opts), with_choices,
        lambda *x: torch.where(function(*x[:-2]), x[-2], x[-1]))


def conditions():
    for label, a, b in SHAPES:
        for op, function in COMPARISONS.items():
            masks(op, label, lambda: [grid(a, -0.5, 0.5), grid(b, -0.5, 0.5)], function,
                  case)
        for op, function in LOGICAL.items():
            masks(op, label, lambda: [grid(a, 0, 0.25), grid(b, 0, 0.25)], function, case)
    for label, shape in [("matrix", (3, 9)), ("scalar", ()), ("zero-size", (0, 2))]:
        for op, function in COMPARISONS.items():
            masks(op + "_scalar", label, lambda: [grid(shape, 0, 0.75)],
                  lambda x: function(x, 0.5), case, [0.5])
        masks("logical_not", label, lambda: [grid(shape, 0, 0.25)], torch.logical_not, case)
        masks("isnan", label, lambda: [grid(shape)], torch.isnan, case)
        masks("isfinite", label, lambda: [grid(shape)], torch.isfinite, case)
        case("cast", label, [], lambda: [grid(shape)], lambda x: x.clone())


# The parts of prelu, each with gradients for both.
def leak_slope(a, b):
    return torch.where(a > 0, 1.0, b) + 0 * a


LEAKS = {"leak": lambda a, b: torch.where(a > 0, a, a * b), "leak_slope": leak_slope,
         "leak_db": lambda a, b: torch.where(b > 0, 0.0, a * b)}


def of_two():
    for label, a, b in SHAPES:
        for op, function in {"maximum": torch.maximum, "minimum": torch.minimum}.items():
            case(op, label, [], lambda: [grid(a, -0.5, 0.5), grid(b, -0.5, 0.5)], function)
        for op, function in LEAKS.items():
            case(op, label, [], lambda: [grid(a), grid(b)], function)
        case("pow", label, [], lambda: [grid(a, 0.25, 3), grid(b)], torch.pow)
    rows = [("same", (3, 4), (3, 4), (3, 4)), ("scalars", (), (), ()),
            ("own shapes", (2, 1, 1), (3, 1), (4,)), ("cond row", (5,), (3, 5), (3, 5)),
            ("scalar a", (3, 4), (), (3, 4)), ("scalar b", (3, 4), (3, 4), ()),
            ("scalar cond", (), (3, 4), (4,)), ("only cond", (3, 4), (), (1,)),
            ("zero-size", (0, 3), (3,), ()), ("17", (2, 17), (17,), (2, 1))]
    for label, cond, a, b in rows:
        case("where", label, [], lambda: [grid(cond, -0.25, 0.25), grid(a), grid(b)],
             lambda c, x, y: torch.where(c > 0, x, y))
    for label, x, weight in [("one", (2, 3, 2), (1,)), ("channels", (2, 3, 2, 2), (3,)),
                             ("rows", (4, 5), (5,)), ("vector", (7,), (1,)), ("scalar", (), (1,)),
                             ("zero-size", (0, 3, 2), (3,))]:
        case("prelu", label, [], lambda: [grid(x), grid(weight)], F.prelu)


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    path = os.path.join(here, "../tests/reference/elementwise.txt")
    path = sys.argv[1] if len(sys.argv) > 1 else path
    for part in (functions, of_two, conditions, special):
        part()
    with open(path, "w") as out:
        out.write(f"# made by tools/reference_elementwise.py with torch {torch.__version__}, "
                  f"numpy {np.__version__}\n")
        out.write("\n".join(reference.lines) + "\n")


if __name__ == "__main__":
    main()
