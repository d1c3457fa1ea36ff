#!/usr/bin/env python3
"""Writes tests/reference/pool.txt: what PyTorch computes for pools and resizing; for
tests/test_pooling.c. The format is reference.py's.

Usage: tools/reference_pool.py [OUTPUT]   (needs torch and numpy)
"""
import os
import sys

import numpy as np
import torch
import torch.nn.functional as F

sys.dont_write_bytecode = True
import reference
from reference import case, grid


def distinct(shape):
    """Multiples of 1/4, no two alike."""
    n = int(np.prod(shape))
    values = reference.random.permutation(n) / 4.0 - n // 8
    return torch.tensor(values, dtype=torch.float64).reshape(shape)


def at(v, places):
    """v's elements at indices of its planes."""
    return v.flatten(2).gather(2, places.flatten(2)).reshape(places.shape)


def where(pool):
    """What stands in v where x has its maxima; 0 x keeps x in the graph."""
    def function(x, v):
        y, places = pool(x)
        return at(v, places) + 0 * y
    return function


def gradient(function, shape):
    """The gradient of <dy, function(x)> in x of this shape, as a function of dy."""
    def of(dy):
        x = torch.zeros(shape, dtype=dy.dtype, requires_grad=True)
        return torch.autograd.grad(function(x), x, dy, create_graph=True)[0]
    return of


# label, x, kernel, stride, padding, dilation, ceil_mode
WINDOWS = [("2x2", (2, 2, 4, 6), (2, 2), (2, 2), (0, 0), (1, 1), 0),
           ("2x3", (1, 2, 5, 7), (2, 3), (2, 3), (0, 0), (1, 1), 0),
           ("stride 1", (1, 1, 4, 9), (3, 2), (1, 1), (0, 0), (1, 1), 0),
           ("overlapping", (2, 1, 7, 9), (3, 3), (2, 2), (1, 1), (1, 1), 0),
           ("stride 3x4", (1, 1, 8, 9), (2, 1), (3, 4), (0, 0), (1, 1), 0),
           ("padding 0x1", (1, 2, 3, 6), (2, 3), (1, 2), (0, 1), (1, 1), 0),
           ("padding 2", (1, 1, 5, 5), (4, 5), (2, 3), (2, 2), (1, 1), 0),
           ("ceil", (1, 2, 5, 7), (2, 2), (2, 2), (0, 0), (1, 1), 1),
           ("ceil padding", (1, 1, 6, 5), (3, 4), (2, 2), (1, 1), (1, 1), 1),
           ("ceil last window dropped", (1, 1, 4, 5), (2, 2), (2, 2), (1, 1), (1, 1), 1),
           ("ceil stride 3", (1, 1, 8, 9), (3, 2), (3, 3), (1, 0), (1, 1), 1),
           ("ceil kernel larger", (1, 1, 3, 4), (4, 3), (3, 2), (0, 1), (1, 1), 1),
           ("all", (2, 2, 3, 4), (3, 4), (1, 1), (0, 0), (1, 1), 0),
           ("wide", (1, 2, 3, 37), (2, 3), (1, 2), (0, 1), (1, 1), 0),
           ("no images", (0, 2, 4, 4), (2, 2), (2, 2), (0, 0), (1, 1), 0)]
DILATED = [("dilation 2x1", (1, 1, 6, 7), (2, 3), (1, 2), (0, 0), (2, 1), 0),
           ("dilation 2", (1, 2, 7, 8), (3, 3), (2, 1), (1, 1), (2, 2), 0),
           ("dilation 3, ceil", (1, 1, 8, 9), (2, 2), (2, 3), (1, 1), (3, 2), 1)]


def maxima():
    for label, x, kernel, stride, padding, dilation, ceil in WINDOWS + DILATED:
        opts = [*kernel, *stride, *padding, *dilation, ceil]

        def pool(x):
            return F.max_pool2d(x, kernel, stride, padding, dilation, bool(ceil),
                                return_indices=True)
        case("max_pool2d", label, opts, lambda: [distinct(x)], lambda x: pool(x)[0])
        case("max_pool2d", label + " ties", opts, lambda: [grid(x, -0.5, 0.5)],
             lambda x: pool(x)[0])
        case("max_pool2d_where", label, opts, lambda: [grid(x, -0.5, 0.5), distinct(x)],
             where(pool))
    for label, x, kernel, stride, padding, dilation, ceil in [
            ("2", (2, 2, 6), 2, 2, 0, 1, 0), ("overlapping", (1, 2, 9), 3, 2, 1, 1, 0),
            ("dilation", (1, 2, 9), 3, 1, 1, 3, 0), ("ceil", (1, 1, 7), 2, 2, 0, 1, 1),
            ("long", (1, 1, 41), 4, 3, 2, 1, 1)]:
        def pool1d(x):
            return F.max_pool1d(x, kernel, stride, padding, dilation, bool(ceil),
                                return_indices=True)
        opts = [kernel, stride, padding, dilation, ceil]
        case("max_pool1d", label, opts, lambda: [distinct(x)], lambda x: pool1d(x)[0])
        case("max_pool1d_where", label, opts, lambda: [grid(x, -0.5, 0.5), distinct(x)],
             where(pool1d))


def places():
    for label, x, y in [("images", (1, 2, 3, 4), (1, 2, 2, 3)),
                        ("batches", (2, 1, 2, 2), (2, 1, 3, 3)),
                        ("sequences", (2, 2, 7), (2, 2, 3))]:
        reference.seed("places", label)
        index = torch.tensor(reference.random.integers(0, int(np.prod(x[2:])), y))
        opts = [len(x), *x, *y, *index.flatten().tolist()]
        case("max_pool2d_at", label, opts, lambda: [grid(x)], lambda x: at(x, index))
        case("max_pool2d_dx", label, opts, lambda: [grid(y)], gradient(lambda x: at(x, index), x))


def means():
    for label, x, kernel, stride, padding, _, ceil in WINDOWS:
        for name, exclude, divisor in [("", 0, 0), (" exclude_pad", 1, 0), (" divisor", 0, 7),
                                       (" divisor -3", 1, -3)]:
            if name and not (any(padding) or ceil):
                continue
            opts = [*kernel, *stride, *padding, ceil, exclude, divisor]

            def pool(x):
                return F.avg_pool2d(x, kernel, stride, padding, bool(ceil), not exclude,
                                    divisor or None)
            case("avg_pool2d", label + name, opts, lambda: [grid(x)], pool)
            if not name:
                case("avg_pool2d_dx", label, [*opts, *x],
                     lambda: [grid(tuple(pool(torch.zeros(x)).shape))],
                     gradient(pool, x))
    for label, x, kernel, stride, padding, ceil, exclude in [
            ("2", (2, 2, 6), 2, 2, 0, 0, 0), ("overlapping", (1, 2, 9), 3, 2, 1, 0, 0),
            ("exclude_pad", (1, 2, 9), 3, 2, 1, 0, 1), ("ceil", (1, 1, 8), 3, 2, 1, 1, 0),
            ("ceil exclude_pad", (1, 1, 41), 4, 3, 2, 1, 1)]:
        case("avg_pool1d", label, [kernel, stride, padding, ceil, exclude], lambda: [grid(x)],
             lambda x: F.avg_pool1d(x, kernel, stride, padding, bool(ceil), not exclude))


def adaptive():
    for label, x, to in [("even", (2, 2, 4, 6), (2, 3)), ("overlapping", (1, 2, 5, 7), (3, 4)),
                         ("to one", (2, 2, 3, 4), (1, 1)), ("same", (1, 1, 3, 4), (3, 4)),
                         ("greater", (1, 1, 2, 3), (5, 4)), ("10 to 7", (1, 1, 10, 11), (7, 7)),
                         ("no images", (0, 2, 3, 3), (2, 2))]:
        case("adaptive_avg_pool2d", label, to, lambda: [grid(x)],
             lambda x: F.adaptive_avg_pool2d(x, to))
        case("adaptive_avg_pool2d_dx", label, x, lambda: [grid((*x[:2], *to))],
             gradient(lambda x: F.adaptive_avg_pool2d(x, to), x))
        case("adaptive_max_pool2d", label, to, lambda: [grid(x, -0.5, 0.5)],
             lambda x: F.adaptive_max_pool2d(x, to))
        case("adaptive_max_pool2d_where", label, to, lambda: [grid(x, -0.5, 0.5), distinct(x)],
             where(lambda x: F.adaptive_max_pool2d(x, to, return_indices=True)))
    for label, x, to in [("even", (2, 2, 6), 3), ("overlapping", (1, 2, 7), 4),
                         ("one", (2, 1, 5), 1)]:
        case("adaptive_avg_pool1d", label, [to], lambda: [grid(x)],
             lambda x: F.adaptive_avg_pool1d(x, to))
        case("adaptive_max_pool1d", label, [to], lambda: [distinct(x)],
             lambda x: F.adaptive_max_pool1d(x, to))
        case("adaptive_max_pool1d_where", label, [to], lambda: [grid(x, -0.5, 0.5), distinct(x)],
             where(lambda x: F.adaptive_max_pool1d(x, to, return_indices=True)))
    for label, x in [("ordinary", (2, 3, 4, 5)), ("pixel", (2, 3, 1, 1))]:
        case("global_avg_pool2d", label, [], lambda: [grid(x)],
             lambda x: x.mean((2, 3), keepdim=True))
        case("global_max_pool2d", label, [], lambda: [distinct(x)],
             lambda x: x.amax((2, 3), keepdim=True))


def resizing():
    rows = [((2, 2, 2, 3), (4, 6)), ((1, 2, 4, 6), (2, 3)), ((1, 1, 3, 5), (5, 7)),
            ((1, 1, 7, 3), (3, 8)), ((1, 1, 3, 2), (3, 2)), ((1, 2, 1, 1), (2, 3)),
            ((1, 1, 3, 4), (1, 1)), ((1, 1, 6, 17), (9, 5)), ((0, 2, 2, 3), (4, 6))]
    for x, to in rows:
        label = f"{x[2]}x{x[3]} to {to[0]}x{to[1]}"
        for name, mode, align in [("nearest", "nearest", None), ("bilinear", "bilinear", False),
                                  ("corners", "bilinear", True)]:
            def resize(x):
                return F.interpolate(x, to, mode=mode, align_corners=align)
            opts = [mode == "bilinear", bool(align)]
            case("interpolate", f"{name} {label}", [*to, *opts], lambda: [grid(x)], resize)
            case("interpolate_dx", f"{name} {label}", [*x, *opts], lambda: [grid((*x[:2], *to))],
                 gradient(resize, x))
    # Sizes at which PyTorch's quotient in f32 rounds below a whole number.
    for n, to in [(6, 74), (14, 46), (21, 69), (24, 74)]:
        case("interpolate", f"nearest {n} to {to}", [1, to, 0, 0], lambda: [distinct((1, 1, 1, n))],
             lambda x: F.interpolate(x, (1, to)))
    # By a scale that makes a size which is rounded: the scale counts, not the quotient of sizes.
    for x, scale in [((1, 1, 5, 7), (1.7, 0.35)), ((1, 2, 5, 20), (1.1, 1.1)),
                     ((1, 1, 3, 10), (2.5, 0.6))]:
        to = [int(n * s) for n, s in zip(x[2:], scale)]
        for name, mode in [("nearest", "nearest"), ("bilinear", "bilinear")]:
            def resize(x):
                return F.interpolate(x, scale_factor=scale, mode=mode)
            opts = [mode == "bilinear", False, *scale]
            label = f"{name} {x[2]}x{x[3]} by {scale[0]} and {scale[1]}"
            case("interpolate", label, [*to, *opts], lambda: [grid(x)], resize)
            case("interpolate_dx", label, [*x, *opts], lambda: [grid((*x[:2], *to))],
                 gradient(resize, x))


def without_batches():
    """[c,h,w] and [c,l]."""
    x, row = (2, 5, 7), (2, 9)
    case("max_pool2d", "no batch", [2, 3, 2, 2, 1, 1, 1, 1, 1], lambda: [distinct(x)],
         lambda x: F.max_pool2d(x, (2, 3), 2, 1, 1, True))
    case("max_pool1d", "no batch", [3, 2, 1, 1, 0], lambda: [distinct(row)],
         lambda x: F.max_pool1d(x, 3, 2, 1))
    case("avg_pool2d", "no batch", [2, 3, 2, 2, 1, 1, 0, 0, 0], lambda: [grid(x)],
         lambda x: F.avg_pool2d(x, (2, 3), 2, 1))
    case("avg_pool1d", "no batch", [3, 2, 1, 0, 1], lambda: [grid(row)],
         lambda x: F.avg_pool1d(x, 3, 2, 1, False, False))
    case("adaptive_avg_pool2d", "no batch", [3, 2], lambda: [grid(x)],
         lambda x: F.adaptive_avg_pool2d(x, (3, 2)))
    case("adaptive_max_pool2d", "no batch", [3, 2], lambda: [distinct(x)],
         lambda x: F.adaptive_max_pool2d(x, (3, 2)))
    case("adaptive_avg_pool1d", "no batch", [4], lambda: [grid(row)],
         lambda x: F.adaptive_avg_pool1d(x, 4))
    case("adaptive_max_pool1d", "no batch", [4], lambda: [distinct(row)],
         lambda x: F.adaptive_max_pool1d(x, 4))


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    path = sys.argv[1] if len(sys.argv) > 1 else os.path.join(here, "../tests/reference/pool.txt")
    for part in (maxima, places, means, adaptive, resizing, without_batches):
        part()
    with open(path, "w") as out:
        out.write(f"# made by tools/reference_pool.py with torch {torch.__version__}, "
                  f"numpy {np.__version__}\n")
        out.write("\n".join(reference.lines) + "\n")


if __name__ == "__main__":
    main()
