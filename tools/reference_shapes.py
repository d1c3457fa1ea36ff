#!/usr/bin/env python3
"""Writes tests/reference/shapes.txt: what PyTorch computes for shapes and products; for
tests/test_shapes.c. The format is reference.py's; indices stand among the numbers of "opts", as
NDIM d1 .. dNDIM values...

Usage: tools/reference_shapes.py [OUTPUT]   (needs torch and numpy)
"""
import itertools
import os
import sys

import numpy as np
import torch
import torch.nn.functional as F

sys.dont_write_bytecode = True
import reference
from reference import case, grid


def views():
    for label, shape, start, end in [("all", (2, 3, 2), 0, 0), ("from 1", (2, 3, 2), 1, 0),
                                     ("first two", (2, 3, 2), 0, 1), ("scalar", (), 0, 0),
                                     ("from the end", (2, 1, 3, 2), -3, -2),
                                     ("one axis", (2, 3), 1, 1), ("zero-size", (0, 3, 2), 1, 2)]:
        case("flatten", label, [start, end], lambda: [grid(shape)],
             lambda x: x.flatten(start, -1 if end == 0 else end))
    for label, shape, axes in [("all", (1, 2, 1, 3), ()), ("one", (1, 2, 1, 3), (2,)),
                               ("two", (1, 2, 1, 3), (0, -2)), ("not of size 1", (2, 1), (0,)),
                               ("to a scalar", (1, 1), ()), ("zero-size", (0, 1), ())]:
        case("squeeze", label, axes, lambda: [grid(shape)],
             lambda x: x.squeeze(axes) if axes else x.squeeze())
    for label, shape, axis in [("front", (2, 3), 0), ("between", (2, 3), 1), ("behind", (2, 3), 2),
                               ("from the end", (2, 3), -1), ("far", (2, 3), -3),
                               ("scalar", (), 0)]:
        case("unsqueeze", label, [axis], lambda: [grid(shape)], lambda x: x.unsqueeze(axis))
    for label, shape, to in [("keep", (2, 1), (-1, 3)), ("in front", (3,), (2, -1)),
                             ("both", (1, 3, 1), (2, 4, -1, 2)), ("scalar", (), (2, 2)),
                             ("to nothing", (1, 3), (0, -1))]:
        case("expand", label, to, lambda: [grid(shape)], lambda x: x.expand(to))
    for label, shape, axis, index in [("row", (3, 2), 0, 1), ("column", (3, 4), 1, -1),
                                      ("middle", (2, 3, 2), -2, 2), ("element", (4,), 0, -4)]:
        case("select", label, [axis, index], lambda: [grid(shape)], lambda x: x.select(axis, index))
    for label, shape in [("matrix", (2, 3)), ("scalar", ()), ("zero-size", (0, 2))]:
        case("clone", label, [], lambda: [grid(shape)], torch.clone)


def numbers_of(index):
    return [index.dim(), *index.shape, *index.flatten().tolist()]


def indices():
    for label, shape, axis, index in [("rows", (4, 3), 0, [3, 1]),
                                      ("columns", (2, 4), 1, [2, 0, 1]),
                                      ("twice", (3, 2), 0, [1, 2, 1, 1, 2]),
                                      ("middle", (2, 3, 2), -2, [2, 0, 2, 1]),
                                      ("vector", (9,), 0, [8, 0, 7, 7, 3, 0, 2, 8]),
                                      ("wide", (3, 130), 0, [2, 2, 0, 2]),
                                      ("no index", (3, 2), 1, [])]:
        index = torch.tensor(index, dtype=torch.int64)
        case("index_select", label, [axis, *numbers_of(index)], lambda: [grid(shape)],
             lambda x: x.index_select(axis, index))
        part = list(shape)
        part[axis] = len(index)
        case("index_select_dx", label, [axis, len(shape), *shape, *numbers_of(index)],
             lambda: [grid(tuple(part))],
             lambda dy: torch.zeros(shape, dtype=dy.dtype).index_add(axis, index, dy))
    for label, shape, axis, to in [("last", (2, 4), 1, (2, 3)), ("first", (4, 3), 0, (2, 3)),
                                   ("middle", (2, 3, 2), -2, (2, 5, 2)),
                                   ("labels", (5, 7), 1, (5, 1)),
                                   ("fewer rows", (4, 3), 1, (2, 3)),
                                   ("fewer columns", (3, 4), 0, (3, 2)),
                                   ("fewer of all", (3, 3, 3, 3), 1, (2, 4, 2, 1)),
                                   ("vector", (17,), 0, (33,)), ("no index", (3, 2), 0, (0, 2))]:
        reference.seed("index", label)
        index = torch.tensor(reference.random.integers(0, shape[axis], to), dtype=torch.int64)
        case("gather", label, [axis, *numbers_of(index)], lambda: [grid(shape)],
             lambda x: x.gather(axis, index))
        case("scatter_add", label, [axis, *numbers_of(index)], lambda: [grid(shape), grid(to)],
             lambda x, src: x.scatter_add(axis, index, src))
        if len(torch.unique(index)) == index.numel():  # else PyTorch leaves open what stays
            case("scatter", label, [axis, *numbers_of(index)], lambda: [grid(shape), grid(to)],
                 lambda x, src: x.scatter(axis, index, src))
        case("gather_dx", label, [axis, len(shape), *shape, *numbers_of(index)], lambda: [grid(to)],
             lambda dy: torch.zeros(shape, dtype=dy.dtype).scatter_add(axis, index, dy))
    for label, index, classes in [("labels", [2, 0, 1, 2], 3), ("more classes", [1, 1], 4),
                                  ("counted", [0, 3, 1], -1), ("matrix", [[1, 0], [0, 1]], 2)]:
        index = torch.tensor(index)
        hot = F.one_hot(index, classes).double()  # seen through a product with in0
        case("one_hot", label, [classes, *numbers_of(index)], lambda: [grid((hot.shape[-1], 2))],
             lambda w: hot @ w)


def ordering():
    for label, shape, axis in [("vector", (9,), 0), ("rows", (4, 3), 0), ("columns", (3, 70), -1),
                               ("middle", (2, 5, 3), 1), ("number", (), -1), ("nothing", (2, 0), 1)]:
        for down in (0, 1):
            case("sort", f"{label} {down}", [axis, down], lambda: [grid(shape, 0, 40)],
                 lambda x: x.sort(dim=axis, descending=bool(down), stable=True)[0])
            case("argsort", f"{label} {down}", [axis, down], lambda: [grid(shape)],
                 lambda x: x.argsort(dim=axis, descending=bool(down), stable=True) + 0 * x.sum())
    for label, shape, k, axis in [("vector", (9,), 3, 0), ("rows", (4, 3), 2, 0), ("all", (2, 5), 5, 1),
                                  ("5 of 70", (3, 70), 5, -1), ("none", (2, 3), 0, 1)]:
        for small in (0, 1):  # without ties, whose order PyTorch leaves open
            def draw():
                n = int(np.prod(shape))
                return [torch.tensor(reference.random.permutation(n) / 4.0).reshape(shape)]
            case("topk", f"{label} {small}", [k, axis, small], draw,
                 lambda x: x.topk(k, axis, not small, True)[0])


def joining():
    for label, axis, shapes in [("rows", 0, [(2, 3), (1, 3)]),
                                ("columns", 1, [(2, 1), (2, 3), (2, 2)]),
                                ("last", -1, [(2, 1, 3), (2, 1, 2)]),
                                ("channels", 1, [(2, 1, 2, 2), (2, 3, 2, 2), (2, 2, 2, 2)]),
                                ("one", 0, [(2, 3)]), ("empty", 0, [(2, 2), (0, 2), (1, 2)])]:
        case("concat", label, [axis], lambda: [grid(s) for s in shapes],
             lambda *x: torch.cat(x, axis))
    for label, axis, shape, n in [("front", 0, (2, 3), 2), ("between", 1, (2, 3), 3),
                                  ("behind", -1, (2, 3), 2), ("scalars", 0, (), 3),
                                  ("zero-size", 1, (0, 2), 2)]:
        case("stack", label, [axis], lambda: [grid(shape) for _ in range(n)],
             lambda *x: torch.stack(x, axis))
    for label, shape, axis, size in [("even", (4, 2), 0, 2), ("rest", (5, 2), 0, 2),
                                     ("columns", (2, 7), -1, 3), ("more than all", (3,), 0, 9),
                                     ("nothing", (0, 2), 0, 2)]:
        for i in range(len(torch.zeros(shape).split(size, axis))):
            case("split", f"{label} {i}", [axis, size, i], lambda: [grid(shape)],
                 lambda x: x.split(size, axis)[i])
    for label, shape, axis, n in [("even", (4, 2), 0, 2), ("rest", (5, 2), 0, 3),
                                  ("fewer", (2, 6), 1, 4), ("nothing", (0, 2), 0, 2)]:
        for i in range(len(torch.zeros(shape).chunk(n, axis))):
            case("chunk", f"{label} {i}", [axis, n, i], lambda: [grid(shape)],
                 lambda x: x.chunk(n, axis)[i])
    for label, shape, axis, sizes in [("rows", (6, 2), 0, (1, 3, 2)), ("columns", (2, 5), -1, (5, 0)),
                                      ("nothing", (0, 2), 0, (0, 0))]:
        for i in range(len(sizes)):
            case("split_sizes", f"{label} {i}", [axis, i, *sizes], lambda: [grid(shape)],
                 lambda x: x.split(sizes, axis)[i])
    for label, shape, axis, shift in [("rows", (5, 2), 0, 2), ("columns", (2, 5), -1, -1),
                                      ("around", (2, 3), 1, 7), ("none", (2, 3), 0, 0),
                                      ("zero-size", (2, 0), 1, 3)]:
        case("roll", label, [axis, shift], lambda: [grid(shape)], lambda x: x.roll(shift, axis))
    for label, shape, r in [("images", (2, 8, 2, 3), 2), ("image", (9, 2, 1), 3),
                            ("batches", (2, 1, 4, 1, 2), 2), ("factor 1", (1, 2, 2, 2), 1)]:
        case("pixel_shuffle", label, [r], lambda: [grid(shape)], lambda x: F.pixel_shuffle(x, r))
    for label, shape, r in [("images", (2, 2, 4, 6), 2), ("image", (1, 3, 6), 3),
                            ("batches", (2, 1, 2, 2, 4), 2)]:
        case("pixel_unshuffle", label, [r], lambda: [grid(shape)],
             lambda x: F.pixel_unshuffle(x, r))
    for label, shape, mask in [("same", (2, 3), [[1, 0, 0], [0, 1, 1]]), ("row", (2, 3), [0, 1, 0]),
                               ("stretched", (1, 3), [[1], [0]])]:
        case("masked_fill", label, [7, *numbers_of(torch.tensor(mask))], lambda: [grid(shape)],
             lambda x: x.masked_fill(torch.tensor(mask) != 0, 7))
    for label, shape, repeats in [("rows", (2, 3), (2, 1)), ("both", (2, 3), (2, 3)),
                                  ("new axes", (2, 3), (2, 2, 1, 2)), ("scalar", (), (3,)),
                                  ("none", (2,), (1,)), ("to nothing", (2, 3), (0, 2)),
                                  ("nothing", (0, 3), (2, 2)),
                                  ("four", (2, 1, 2, 3), (1, 3, 2, 2))]:
        case("repeat", label, repeats, lambda: [grid(shape)], lambda x: x.repeat(repeats))


MODES = ["constant", "reflect", "replicate", "circular"]


def padding():
    rows = [("vector", (4,), 0, (1, 2), 0), ("value", (2, 3), 0, (2, 1), -1.5),
            ("image", (2, 2, 3, 4), 0, (1, 2, 2, 0), 0),
            ("all axes", (2, 1, 2), 0, (1, 0, 0, 2, 1, 1), 0),
            ("cut off", (4, 5), 0, (-1, -2, -1, 0), 0), ("both", (3, 4), 0, (-2, 1, 2, -1), 0.5),
            ("nothing left", (3,), 0, (-1, -2), 0), ("zero-size", (2, 0), 0, (1, 1), 0),
            ("images", (1, 2, 3, 4), 1, (3, 1, 1, 2), 0), ("rows", (2, 5), 1, (4, 2), 0),
            ("volume", (1, 1, 2, 3, 3), 1, (1, 2, 2, 0, 1, 1), 0),
            ("cut off", (1, 1, 4, 4), 1, (-1, 2, 1, -2), 0),
            ("images", (1, 2, 3, 4), 2, (5, 1, 0, 2), 0), ("rows", (2, 5), 2, (9, 8), 0),
            ("volume", (1, 1, 2, 3, 2), 2, (1, 2, 2, 0, 1, 4), 0),
            ("cut off", (1, 1, 4, 4), 2, (-1, 2, 3, -2), 0),
            ("images", (1, 2, 3, 4), 3, (4, 1, 0, 2), 0), ("rows", (1, 2, 5), 3, (3, 5), 0),
            ("volume", (1, 1, 2, 3, 2), 3, (1, 2, 2, 0, 1, 2), 0)]
    for label, shape, mode, pads, value in rows:
        def pad(x):
            extra = {"value": value} if mode == 0 else {}
            return F.pad(x, pads, MODES[mode], **extra)

        def fold(dy):
            at = torch.zeros(shape, dtype=dy.dtype, requires_grad=True)
            return torch.autograd.grad(pad(at), at, dy, create_graph=True)[0]

        name = f"{MODES[mode]} {label}"
        case("pad", name, [mode, value, *pads], lambda: [grid(shape)], pad)
        y = tuple(pad(torch.zeros(shape)).shape)
        case("pad_dx", name, [mode, len(shape), *shape, *pads], lambda: [grid(y)], fold)


def products():
    for label, shape, d in [("square", (3, 3), 0), ("above", (3, 4), 1), ("below", (4, 3), -1),
                            ("far above", (2, 3), 7), ("far below", (2, 3), -7),
                            ("batches", (2, 1, 3, 2), -1), ("zero-size", (0, 3), 1)]:
        case("tril", label, [d], lambda: [grid(shape)], lambda x: x.tril(d))
        case("triu", label, [d], lambda: [grid(shape)], lambda x: x.triu(d))
    for label, x, w in [("rows", (3, 4), (2, 4)), ("vector", (4,), (3, 4)),
                        ("sequences", (2, 3, 4), (5, 4)), ("images", (2, 2, 2, 3), (2, 3)),
                        ("no rows", (0, 3), (2, 3)), ("17 by 9", (5, 17), (9, 17))]:
        case("linear", label, [], lambda: [grid(x), grid(w)], F.linear)
        case("linear", label + " bias", [], lambda: [grid(x), grid(w), grid((w[0],))], F.linear)
    for n in (1, 5, 17, 0):
        case("dot", f"{n}", [], lambda: [grid((n,)), grid((n,))], torch.dot)
    for n, m in [(1, 1), (2, 3), (9, 17), (0, 2)]:
        case("outer", f"{n} by {m}", [], lambda: [grid((n,)), grid((m,))], torch.outer)
    # Every pair of ranks, with batches that agree, broadcast, or are of size one.
    a_shapes = [(4,), (3, 4), (2, 3, 4), (1, 3, 4), (2, 2, 3, 4), (1, 2, 3, 4), (2, 1, 3, 4)]
    b_shapes = [(4,), (4, 2), (2, 4, 2), (1, 4, 2), (2, 2, 4, 2), (2, 1, 4, 2)]
    for a, b, ta, tb in itertools.product(a_shapes, b_shapes, (0, 1), (0, 1)):
        if (ta and len(a) < 2) or (tb and len(b) < 2):
            continue
        name = f"{a}{'^T' if ta else ''} {b}{'^T' if tb else ''}".replace(" ", "")
        reference.seed("operands", name)
        x, y = grid(a), grid(b)
        inputs = [x.mT.contiguous() if ta else x, y.mT.contiguous() if tb else y]
        case("matmul", name, [ta, tb], inputs,
             lambda x, y: (x.mT if ta else x) @ (y.mT if tb else y))


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    path = sys.argv[1] if len(sys.argv) > 1 else os.path.join(here, "../tests/reference/shapes.txt")
    for part in (views, indices, ordering, joining, padding, products):
        part()
    with open(path, "w") as out:
        out.write(f"# made by tools/reference_shapes.py with torch {torch.__version__}, "
                  f"numpy {np.__version__}\n")
        out.write("\n".join(reference.lines) + "\n")


if __name__ == "__main__":
    main()
