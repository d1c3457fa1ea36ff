#!/usr/bin/env python3
"""Writes tests/reference/ops.txt: what PyTorch computes for the operations; for tests/test_ops.c.

Each case is a line "case OP LABEL", a line "opts N v1 .. vN" (numbers whose meaning the test's
table of callers knows), and tensors, one a line: "NAME NDIM d1 .. dNDIM values...". They are the
inputs in0, in1, .., the upstream gradient dy, the result y, and the gradients g0, g1, .. of
<dy, y>.
All in f64; inputs are multiples of 1/4, so that f32 holds them exactly and the file is short.

Usage: tools/reference.py [OUTPUT]   (needs torch and numpy)
"""
import os
import sys
import zlib

import numpy as np
import torch
import torch.nn.functional as F

random = None  # of the present case; there is nothing to draw from outside of one
lines = []


def seed(*name):
    """Each case draws from numbers of its own, so that another case changes no line but its own."""
    global random
    random = np.random.default_rng(zlib.crc32(" ".join(map(str, name)).encode()))


def grid(shape, low=-2.0, high=2.0):
    """Random multiples of 1/4 in [low, high]."""
    return torch.tensor(random.integers(round(low * 4), round(high * 4) + 1, shape) / 4.0,
                        dtype=torch.float64)


def write(name, t):
    numbers = " ".join("%.17g" % v for v in t.detach().numpy().ravel())
    shape = " ".join(map(str, (t.dim(), *t.shape)))
    lines.append(f"{name} {shape} {numbers}".rstrip())


def drawn(op, label, inputs):
    """inputs: a function that draws them, or tensors, perhaps drawn after a seed() of their own."""
    seed(op, label)
    return [t.clone().requires_grad_() for t in (inputs() if callable(inputs) else inputs)]


def case(op, label, opts, inputs, function):
    global random
    inputs = drawn(op, label, inputs)
    y = function(*inputs)
    dy = grid(tuple(y.shape))
    grads = torch.autograd.grad(y, inputs, dy, allow_unused=True)
    lines.append(f"case {op} {label.replace(' ', '_')}")
    lines.append(f"opts {len(opts)} {' '.join('%.17g' % v for v in opts)}".rstrip())
    for i, t in enumerate(inputs):
        write(f"in{i}", t)
    write("dy", dy)
    write("y", y)
    for i, (g, t) in enumerate(zip(grads, inputs)):
        write(f"g{i}", torch.zeros_like(t) if g is None else g)
    random = None


def arithmetic():
    shapes = [("same", (3, 4), (3, 4)), ("scalars", (), ()), ("scalar b", (2, 5), ()),
              ("scalar a", (), (2, 5)), ("row", (3, 5), (5,)), ("column", (3, 1), (3, 5)),
              ("outer", (4, 1), (1, 3)), ("middle", (2, 1, 3), (2, 4, 3)),
              ("alternating", (2, 1, 3, 1), (1, 2, 1, 3)), ("channels", (2, 3, 2, 2), (3, 1, 1)),
              ("zero-size", (2, 0), (2, 1)), ("17 wide", (3, 17), (17,)), ("67", (67,), (67,))]
    functions = {"add": torch.add, "sub": torch.sub, "mul": torch.mul, "div": torch.div}
    for op, function in functions.items():
        for label, a, b in shapes:
            case(op, label, [], lambda: [grid(a), grid(b, 0.5, 2)], function)
    case("square_grad", "same", [], lambda: [grid((3, 4)), grid((3, 4))], lambda a, b: 2 * a * b)
    scalar = {"add_scalar": lambda x, s: x + s, "sub_scalar": lambda x, s: x - s,
              "mul_scalar": lambda x, s: x * s, "div_scalar": lambda x, s: x / s,
              "rsub_scalar": lambda x, s: s - x, "rdiv_scalar": lambda x, s: s / x}
    for op, function in scalar.items():
        for label, shape, s in [("matrix", (3, 5), 0.75), ("scalar", (), -3.0), ("odd", (17,), 0.1),
                                ("zero-size", (0, 2), 3.0)]:
            case(op, label, [s], lambda: [grid(shape, 0.5, 2)], lambda x: function(x, s))
    for op, function in {"neg": torch.neg, "square": torch.square}.items():
        for label, shape in [("matrix", (3, 5)), ("scalar", ()), ("odd", (17,)), ("empty", (0,))]:
            case(op, label, [], lambda: [grid(shape)], function)


def reductions():
    rows = [("all", (3, 4), [], 0), ("all keepdim", (2, 3), [], 1), ("rows", (3, 4), [0], 0),
            ("columns", (3, 4), [1], 0), ("columns keepdim", (3, 4), [-1], 1),
            ("middle", (2, 3, 4), [1], 0), ("outer and inner", (2, 3, 4), [0, 2], 0),
            ("channels", (2, 3, 4, 5), [0, 2, 3], 0),
            ("three groups", (2, 3, 2, 2, 3, 2), [0, 2, 4], 0),
            ("three groups keepdim", (2, 1, 3, 2, 2, 2), [-1, -3, -6], 1),
            ("size one", (3, 1, 2), [1], 0), ("scalar", (), [], 0), ("nothing", (0, 3), [0], 0),
            ("nothing at all", (0,), [], 0), ("kept nothing", (0, 3), [1], 0),
            ("nothing in the middle", (2, 0, 3, 2), [1, 3], 0), ("long", (300,), [], 0),
            ("17 by 9", (17, 9), [0], 0), ("9 by 17", (9, 17), [1], 0)]
    for op, function in {"sum": torch.sum, "mean": torch.mean}.items():
        for label, shape, axes, keepdim in rows:
            dims = axes or list(range(len(shape)))
            case(op, label, [keepdim, *axes], lambda: [grid(shape)],
                 lambda x: function(x, dim=dims, keepdim=bool(keepdim)) if dims else function(x))


def shapes():
    for label, shape, to in [("row", (3,), (2, 3)), ("column", (2, 1), (2, 3)), ("scalar", (),
                             (2, 3)),
                             ("same", (2, 3), (2, 3)), ("middle", (2, 1, 3), (2, 4, 3)),
                             ("ones", (2,), (1, 1, 2)),
                             ("eight", (2, 1, 2, 1, 1, 2, 1), (2, 2, 1, 2, 1, 2, 2, 2)), ("alternating", (1, 2, 1, 3), (2, 2, 2, 3)),
                             ("to nothing", (1, 3), (0, 3)), ("wide", (1,), (3, 17))]:
        case("broadcast_to", label, to, lambda: [grid(shape)], lambda x: x.broadcast_to(to))
        case("sum_to", label, shape, lambda: [grid(to)], lambda x: x.sum_to_size(shape))
    for label, shape, to in [("flatten", (2, 3, 2), (12,)), ("split", (12,), (3, 4)),
                             ("rest", (2, 3, 2), (2, -1)), ("scalar", (1, 1), ()),
                             ("empty", (0, 3), (-1, 3))]:
        case("reshape", label, to, lambda: [grid(shape)], lambda x: x.reshape(to))
    for label, shape, order in [("transpose", (3, 4), (1, 0)), ("cycle", (2, 3, 4), (2, 0, 1)),
                                ("from the end", (2, 3, 4), (-1, 0, -2)),
                                ("NHWC", (2, 3, 2, 4), (0, 3, 1, 2)),
                                ("eight", (2, 1, 3, 2, 1, 2, 2, 1), (5, 2, 0, 7, 4, 3, 6, 1)),
                                ("9 by 17", (9, 17), (1, 0)), ("empty", (2, 0, 3), (1, 2, 0))]:
        case("permute", label, order, lambda: [grid(shape)], lambda x: x.permute(order))
    for label, shape, i, j in [("matrix", (3, 4), 0, 1), ("last two", (2, 3, 4), -1, -2),
                               ("far", (2, 3, 4), 2, 0), ("none", (2, 3), 1, 1)]:
        case("transpose", label, [i, j], lambda: [grid(shape)], lambda x: x.transpose(i, j))
    for label, shape, axes in [("vector", (5,), [0]), ("rows", (3, 4), [0]),
                               ("both", (3, 4), [0, -1]),
                               ("none", (2, 3), []), ("eight", (2, 1, 2, 1, 2, 1, 1, 3), [0, 4, -1]), ("kernel", (2, 2, 3, 3), [-1, -2])]:
        case("flip", label, axes, lambda: [grid(shape)], lambda x: x.flip(axes))


END = 2.0**63  # the test's GT_END


def slices():
    rows = [("middle", (6,), 0, 1, 4, 1), ("step 2", (7,), 0, 0, None, 2),
            ("step 3", (8,), 0, 1, 8, 3),
            ("from the end", (6,), 0, -4, -1, 1), ("beyond", (4,), 0, -9, 9, 1),
            ("backwards", (5,), 0, -1, None, -1), ("backwards 2", (7,), 0, 5, 0, -2),
            ("backwards beyond", (4,), 0, 9, -9, -2), ("columns", (3, 5), 1, 1, 4, 2),
            ("last axis", (2, 5), -1, 4, 0, -3), ("middle axis", (2, 4, 3), -2, 1, 3, 1),
            ("nothing", (3, 2), 0, 2, 1, 1), ("nothing backwards", (3, 2), 0, 0, 2, -1),
            ("empty axis", (0, 2), 0, -1, None, -1)]
    for label, shape, axis, start, stop, step in rows:
        places = list(range(shape[axis]))[start:stop:step]

        def take(x):
            return x.index_select(axis, torch.tensor(places, dtype=torch.int64))

        def put(dy):
            return torch.zeros(shape, dtype=dy.dtype).index_add(
                axis, torch.tensor(places, dtype=torch.int64), dy)

        stop = END if stop is None else stop
        case("slice", label, [axis, start, stop, step], lambda: [grid(shape)], take)
        part = list(shape)
        part[axis] = len(places)
        first = places[0] if places else 0
        case("slice_dx", label, [axis, first, step, *shape], lambda: [grid(tuple(part))], put)


def products():
    rows = [("ordinary", (3, 4), (4, 2), 0, 0), ("ta", (4, 3), (4, 2), 1, 0),
            ("tb", (3, 4), (2, 4), 0, 1), ("both", (4, 3), (2, 4), 1, 1), ("vectors", (5,),
            (5,), 0, 0),
            ("matrix vector", (3, 4), (4,), 0, 0), ("vector matrix", (4,), (4, 3), 0, 0),
            ("matrix^T vector", (4, 3), (4,), 1, 0), ("vector matrix^T", (4,), (3, 4), 0, 1),
            ("batches vector", (2, 3, 4), (4,), 0, 0), ("vector batches", (4,), (2, 4, 3), 0, 0),
            ("vector batches^T", (4,), (2, 3, 4), 0, 1), ("batches^T vector", (2, 4, 3),
            (4,), 1, 0),
            ("batches", (2, 3, 2), (2, 2, 3), 0, 0), ("batches both", (2, 2, 3), (2, 3, 2), 1, 1),
            ("one b", (2, 3, 2), (2, 3), 0, 0), ("one b^T", (2, 2, 3, 2), (3, 2), 0, 1),
            ("a^T one b", (2, 2, 3), (2, 3), 1, 0), ("one a", (3, 2), (2, 2, 3), 0, 0),
            ("one a^T", (2, 3), (2, 3, 2), 1, 1), ("broadcast", (2, 1, 2, 3), (3, 3, 1), 0, 0),
            ("broadcast both", (2, 1, 2, 2), (1, 3, 2, 2), 1, 1), ("no rows", (0, 3), (3, 2), 0, 0),
            ("no inner", (2, 0), (0, 3), 0, 0), ("no batches", (0, 2, 3), (3, 2), 0, 0),
            ("17 9 33", (17, 33), (33, 9), 0, 0)]
    for label, a, b, ta, tb in rows:
        def product(x, y):
            return (x.mT if ta else x) @ (y.mT if tb else y)
        case("matmul", label, [ta, tb], lambda: [grid(a), grid(b)], product)
    for label, x, k in [("ordinary", (5, 6), (2, 3)), ("row", (6, 8), (1, 2)), ("all", (3, 4),
                        (3, 4)),
                        ("one", (3, 4), (1, 1)), ("odd", (9, 17), (3, 2))]:
        case("corr2d", label, [], lambda: [grid(x), grid(k)],
             lambda x, k: F.conv2d(x[None, None], k[None, None])[0, 0])
    for label, x in [("images", (2, 3, 4, 5)), ("rows", (3, 7)), ("sequences", (2, 3, 4)),
                     ("pixel", (2, 3, 1, 1)), ("no images", (0, 3, 2))]:
        shape = [1, x[1]] + [1] * (len(x) - 2)
        case("add_bias", label, [], lambda: [grid(x), grid((x[1],))],
             lambda x, b: x + b.reshape(shape))


def convolutions():
    # label, x, weight, stride, padding, dilation, groups
    rows = [("ordinary", (2, 2, 4, 5), (3, 2, 2, 3), (1, 1), (0, 0), (1, 1), 1),
            ("notebook", (1, 1, 6, 8), (1, 1, 1, 2), (1, 1), (0, 0), (1, 1), 1),
            ("stride", (1, 2, 7, 6), (2, 2, 3, 2), (2, 3), (0, 0), (1, 1), 1),
            ("stride beyond kernel", (1, 1, 7, 7), (1, 1, 2, 1), (3, 4), (0, 0), (1, 1), 1),
            ("padding", (1, 2, 3, 4), (2, 2, 3, 2), (1, 1), (1, 2), (1, 1), 1),
            ("padding beyond kernel", (1, 1, 2, 3), (1, 1, 1, 2), (1, 1), (2, 3), (1, 1), 1),
            ("dilation", (1, 1, 5, 7), (2, 1, 2, 3), (1, 1), (0, 0), (2, 3), 1),
            ("everything", (2, 4, 6, 7), (6, 2, 2, 3), (2, 1), (1, 2), (2, 1), 2),
            ("depthwise", (1, 3, 5, 4), (3, 1, 3, 2), (1, 2), (1, 0), (1, 1), 3),
            ("depthwise multiplier", (1, 3, 4, 4), (6, 1, 2, 2), (1, 1), (0, 1), (1, 2), 3),
            ("1x1", (2, 3, 2, 3), (2, 3, 1, 1), (1, 1), (0, 0), (1, 1), 1),
            ("1x1 stride", (1, 2, 4, 5), (2, 2, 1, 1), (2, 2), (0, 0), (1, 1), 1),
            ("all of x", (2, 2, 3, 4), (2, 2, 3, 4), (1, 1), (0, 0), (1, 1), 1),
            ("no images", (0, 2, 3, 3), (2, 2, 2, 2), (1, 1), (0, 0), (1, 1), 1),
            ("3x3", (1, 5, 5, 17), (3, 5, 3, 3), (1, 1), (1, 1), (1, 1), 1),
            ("5x5", (2, 2, 9, 8), (4, 2, 5, 5), (1, 1), (2, 2), (1, 1), 1)]
    for label, x, w, stride, padding, dilation, groups in rows:
        opts = [*stride, *padding, *dilation, groups]
        plain = dict(stride=stride, padding=padding, dilation=dilation, groups=groups)
        y = F.conv2d(torch.zeros(x), torch.zeros(w), **plain).shape
        case("conv2d", label, opts, lambda: [grid(x), grid(w)],
             lambda x, w: F.conv2d(x, w, **plain))
        if label in ("ordinary", "everything", "no images"):
            case("conv2d", label + " bias", opts, lambda: [grid(x), grid(w), grid((w[0],))],
                 lambda x, w, b: F.conv2d(x, w, b, **plain))

        def dx(dy, w):
            at = torch.zeros(x, dtype=dy.dtype, requires_grad=True)
            return torch.autograd.grad(F.conv2d(at, w, **plain), at, dy, create_graph=True)[0]

        def dw(x, dy):
            at = torch.zeros(w, dtype=dy.dtype, requires_grad=True)
            return torch.autograd.grad(F.conv2d(x, at, **plain), at, dy, create_graph=True)[0]

        case("conv2d_dx", label, [*opts, *x], lambda: [grid(tuple(y)), grid(w)], dx)
        case("conv2d_dw", label, [*opts, *w], lambda: [grid(x), grid(tuple(y))], dw)


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    path = sys.argv[1] if len(sys.argv) > 1 else os.path.join(here, "../tests/reference/ops.txt")
    for part in (arithmetic, reductions, shapes, slices, products, convolutions):
        part()
    with open(path, "w") as out:
        out.write(f"# made by tools/reference.py with torch {torch.__version__}, "
                  f"numpy {np.__version__}\n")
        out.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
