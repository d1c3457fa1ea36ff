#!/usr/bin/env python3
"""Writes tests/reference/reduce.txt: what PyTorch computes for reductions and softmax; for
tests/test_reduce.c. The format is reference.py's.

Usage: tools/reference_reduce.py [OUTPUT]   (needs torch and numpy)
"""
import os
import sys

import numpy as np
import torch

sys.dont_write_bytecode = True
import reference
from reference import case, grid

# label, shape, axes (none: all), keepdim
ROWS = [("all", (3, 4), [], 0), ("all keepdim", (2, 3), [], 1), ("rows", (3, 4), [0], 0),
        ("columns", (3, 4), [1], 0), ("columns keepdim", (3, 4), [-1], 1),
        ("middle", (2, 3, 4), [1], 0), ("outer and inner", (2, 3, 4), [0, 2], 0),
        ("channels", (2, 3, 4, 2), [0, 2, 3], 1), ("three groups", (2, 3, 2, 2, 3, 2), [0, 2, 4], 0),
        ("four groups", (2, 1, 2, 2, 2, 2, 1, 2), [0, 3, 5, -1], 1),
        ("axis with ones", (3, 1, 2), [0, 1], 0), ("long", (300,), [], 0),
        ("17 by 9", (17, 9), [0], 0), ("9 by 17", (9, 17), [1], 0), ("3 by 70", (3, 70), [0], 0)]
SMALL = [("scalar", (), [], 0), ("size one", (3, 1, 2), [1], 0), ("kept nothing", (0, 3), [1], 0)]


def reduce(op, rows, function, extra=(), values=grid):
    for label, shape, axes, keepdim in rows:
        dims = tuple(axes) if axes else tuple(range(len(shape)))
        name = " ".join([label, *map(str, extra)])
        case(op, name, [keepdim, *extra, *axes], lambda: [values(shape)],
             lambda x: function(x, dims, bool(keepdim)))


def prod(x, dims, keepdim):
    for d in sorted(d % x.dim() for d in dims)[::-1]:
        x = x.prod(d, keepdim=keepdim)
    return x


def zeros_and_halves(shape):
    """Factors whose products stay small; in places 0."""
    return grid(shape, -1.25, 1.25)


def far(shape):
    return grid(shape, -2, 2) + 1000


def reductions():
    short = [r for r in ROWS if r[0] not in ("long", "17 by 9", "9 by 17", "3 by 70")]
    reduce("prod", short + SMALL + [("nothing", (0, 3), [0], 0)], prod, values=zeros_and_halves)
    for op, function in {"var": torch.var, "std": torch.std}.items():
        for correction in (1, 0, 2):
            rows = ROWS if correction == 1 else short
            reduce(op, rows, lambda x, d, k: function(x, d, correction=correction, keepdim=k),
                   [correction])
        reduce(op, [("far", (30,), [], 0)], lambda x, d, k: function(x, d, keepdim=k), [1], far)
        case(op, "all equal", [0, 1], [torch.full((5,), 0.3, dtype=torch.float64)],
             lambda x: function(x))
        reduce(op, [("kept nothing", (0, 3), [1], 0)], lambda x, d, k: function(x, d, keepdim=k),
               [1])
    for p in (2, 1):
        rows = ROWS + SMALL + [("nothing", (0, 3), [0], 0)]
        reduce("norm", rows, lambda x, d, k: torch.linalg.vector_norm(x, p, d, k), [p])
        case("norm", f"zeros {p}", [0, p], [torch.zeros(4, dtype=torch.float64)],
             lambda x: torch.linalg.vector_norm(x, p))
    for p in (3, 1.5, 0.5, -1, np.inf, -np.inf, 0):
        reduce("norm", ROWS[:9] if p else ROWS[:3], lambda x, d, k: torch.linalg.vector_norm(x, p, d, k),
               [p], lambda shape: grid(shape, 0.25, 2) * (-1) ** torch.arange(shape[-1]))
    case("norm", "zeros 3", [0, 3], [torch.zeros(4, dtype=torch.float64)],
         lambda x: torch.linalg.vector_norm(x, 3))
    for label, shape, axis, p in [("rows", (3, 4), 1, 2), ("columns", (3, 4), 0, 2),
                                  ("images", (2, 3, 2, 2), 1, 2), ("p=1", (3, 5), -1, 1),
                                  ("p=3", (3, 5), 1, 3), ("p=inf", (3, 5), 1, np.inf)]:
        case("normalize", label, [axis, p], lambda: [grid(shape, 0.25, 2)],
             lambda x: torch.nn.functional.normalize(x, p, axis))
    case("normalize", "short", [0, 2, 10], lambda: [grid((4,))],
         lambda x: torch.nn.functional.normalize(x, 2, 0, 10))
    for label, a, b, axis in [("rows", (3, 4), (3, 4), 1), ("columns", (3, 4), (3, 4), 0),
                              ("one", (3, 4), (1, 4), 1), ("images", (2, 3, 2, 2), (3, 1, 1), 1)]:
        case("cosine_similarity", label, [axis], lambda: [grid(a, 0.25, 2), grid(b)],
             lambda x, y: torch.cosine_similarity(x, y, axis))
    case("norm", "huge", [0, 2], [torch.tensor([3e200, -4e200], dtype=torch.float64) / 1e170],
         lambda x: torch.linalg.vector_norm(x, 2))
    reduce("logsumexp", ROWS + SMALL, torch.logsumexp)
    reduce("logsumexp", [("far", (30,), [], 0)], torch.logsumexp, values=far)
    for op, function in {"amax": torch.amax, "amin": torch.amin}.items():
        reduce(op, ROWS + SMALL, function)


def along():
    rows = [("vector", (9,), 0), ("rows", (5, 7), 0), ("columns", (5, 7), -1),
            ("middle", (3, 5, 4), 1), ("wide", (4, 70), 0), ("long", (2, 130), 1),
            ("size one", (3, 1), 1), ("nothing", (0, 3), 1)]
    for op, function in {"max": torch.max, "min": torch.min}.items():
        for label, shape, axis in rows:
            for keepdim in (0, 1):
                case(op, f"{label} {keepdim}", [axis, keepdim], lambda: [grid(shape)],
                     lambda x: function(x, axis, keepdim=bool(keepdim))[0])
        arg = {"max": torch.argmax, "min": torch.argmin}[op]
        for label, shape, axis in rows:
            for keepdim in (0, 1):
                for name, index in (("arg" + op, arg), (op + "_index", lambda x, a, keepdim:
                                                        function(x, a, keepdim=keepdim)[1])):
                    case(name, f"{label} {keepdim}", [axis, keepdim], lambda: [grid(shape)],
                         lambda x: index(x, axis, keepdim=bool(keepdim)) + 0 * x.sum())
    for label, shape, axis in rows:
        case("cumsum", label, [axis], lambda: [grid(shape)], lambda x: x.cumsum(axis))


def softmaxes():
    rows = [("vector", (9,), 0), ("rows", (5, 7), 1), ("columns", (5, 7), 0),
            ("channels", (2, 3, 2, 4), 1), ("from the end", (3, 5, 4), -2), ("wide", (4, 70), 0),
            ("long", (2, 130), 1), ("size one", (3, 1), 1), ("nothing", (0, 3), 1)]
    functions = {"softmax": torch.softmax, "log_softmax": torch.log_softmax}
    for op, function in functions.items():
        for label, shape, axis in rows:
            case(op, label, [axis], lambda: [grid(shape)], lambda x: function(x, axis))
        case(op, "far", [0], lambda: [far((9,))], lambda x: function(x, 0))
        case(op, "far apart", [0], [torch.tensor([-900, 0, 900, 899.0], dtype=torch.float64)],
             lambda x: function(x, 0))
    for label, shape, axis in rows:
        case("softmax_dx", label, [axis], lambda: [grid(shape), grid(shape)],
             lambda y, dy: y * (dy - (dy * y).sum(axis, keepdim=True)))
        case("log_softmax_dx", label, [axis], lambda: [grid(shape), grid(shape)],
             lambda y, dy: dy - y.exp() * dy.sum(axis, keepdim=True))


def helpers():
    for label, shape, axes, _ in ROWS[:10]:
        dims = tuple(axes) if axes else tuple(range(len(shape)))

        def share(x, y):
            mask = (x == y).to(x.dtype)
            return torch.nan_to_num(mask / mask.sum(dims, keepdim=True)) + 0 * (x.sum() + y.sum())

        def others(x, dy):
            kept = x.movedim(dims, tuple(range(-len(dims), 0))) if dims else x
            rows = kept.reshape(dy.numel(), -1)
            rest = [torch.cat((rows[:, :i], rows[:, i + 1:]), 1).prod(1)
                    for i in range(rows.shape[1])]
            p = torch.stack(rest, 1).reshape(kept.shape)
            return dy * (p.movedim(tuple(range(-len(dims), 0)), dims) if dims else p)

        kept = tuple(1 if i in [d % len(shape) for d in dims] else n for i, n in enumerate(shape))
        case("prod_dx", label, axes, lambda: [zeros_and_halves(shape), grid(kept)], others)
        reference.seed("x", label)
        x = grid(shape)
        case("tie_share", label, axes, [x, x.amax(dims, keepdim=True)], share)
    for label, b in [("ordinary", [1, -2, 0.5]), ("zeros", [0, 2, 0])]:
        b = torch.tensor(b, dtype=torch.float64)
        case("div_or_zero", label, [], lambda: [grid((3,)), b],
             lambda a, b: torch.where(b == 0, 0, a / torch.where(b == 0, 1, b)))


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    path = sys.argv[1] if len(sys.argv) > 1 else os.path.join(here, "../tests/reference/reduce.txt")
    for part in (reductions, along, softmaxes, helpers):
        part()
    with open(path, "w") as out:
        out.write(f"# made by tools/reference_reduce.py with torch {torch.__version__}, "
                  f"numpy {np.__version__}\n")
        out.write("\n".join(reference.lines) + "\n")


if __name__ == "__main__":
    main()
