#!/usr/bin/env python3
"""Writes tests/reference/normalize.txt: what PyTorch computes for normalisations, and for dropout where
it leaves nothing to chance; for tests/test_normalize.c. The format is reference.py's.

Usage: tools/reference_normalize.py [OUTPUT]   (needs torch and numpy)
"""
import os
import sys

import numpy as np
import torch
import torch.nn.functional as F

import reference
from reference import case, grid

AFFINE = ["neither", "weight", "bias", "both"]


def parameters(affine, shape):
    """Those that are given, as gt_normalize_opts has them."""
    return [grid(shape) for bit in (1, 2) if affine & bit]


def unpack(affine, given):
    given = list(given)
    return [given.pop(0) if affine & bit else None for bit in (1, 2)]


def layers():
    rows = [("rows", (3, 5), 1), ("two dimensions", (2, 3, 4), 2), ("all", (2, 3), 2),
            ("images", (2, 2, 3, 3), 3), ("17 wide", (2, 17), 1), ("vector", (9,), 1),
            ("long", (1, 200), 1), ("no rows", (0, 3), 1)]
    for label, shape, n in rows:
        for affine in range(4):
            for eps in (1e-5, 0.5):
                last = shape[-n:]
                case("layer_norm", f"{label} {AFFINE[affine]} {eps}", [n, eps, affine],
                     lambda: [grid(shape), *parameters(affine, last)],
                     lambda x, *p: F.layer_norm(x, last, *unpack(affine, p), eps))
        for affine in range(2):
            for eps in (1e-5, 0.5):
                last = shape[-n:]
                case("rms_norm", f"{label} {AFFINE[affine]} {eps}", [n, eps],
                     lambda: [grid(shape), *parameters(affine, last)],
                     lambda x, *p: F.rms_norm(x, last, *p, eps=eps))
    # The default eps is that of the dtype, so only with values beside which it is nothing.
    case("rms_norm", "default eps", [1, 0], lambda: [grid((2, 4), 3, 9)],
         lambda x: F.rms_norm(x, (4,)))


def groups():
    rows = [("images", (2, 4, 3, 3), 2), ("one", (2, 3, 4), 1), ("each channel", (2, 3, 5), 3),
            ("rows", (3, 6), 2), ("volume", (1, 4, 2, 2, 2), 2), ("17 pixels", (1, 4, 17), 2),
            ("no images", (0, 4, 3), 2)]
    for label, shape, n in rows:
        for affine in range(4):
            case("group_norm", f"{label} {AFFINE[affine]}", [n, 1e-5, affine],
                 lambda: [grid(shape), *parameters(affine, shape[1:2])],
                 lambda x, *p: F.group_norm(x, n, *unpack(affine, p)))
    for label, shape, eps in [("sequences", (2, 3, 5), 1e-5), ("images", (2, 2, 3, 4), 0.25)]:
        for affine in range(4):
            case("instance_norm", f"{label} {AFFINE[affine]}", [eps, affine],
                 lambda: [grid(shape), *parameters(affine, shape[1:2])],
                 lambda x, *p: F.instance_norm(x, None, None, *unpack(affine, p), eps=eps))


def batches():
    rows = [("images", (2, 3, 2, 3)), ("sequences", (3, 2, 4)), ("rows", (5, 3)),
            ("one image", (1, 2, 3, 3)), ("17 channels", (4, 17)), ("17 pixels", (2, 2, 17)),
            ("volume", (2, 2, 2, 1, 3)), ("no images", (0, 3, 2))]
    for label, shape in rows:
        c = shape[1:2]
        for affine in range(4):
            for eps in (1e-5, 0.5):
                case("batch_norm", f"{label} {AFFINE[affine]} {eps}", [eps, affine],
                     lambda: [grid(shape), *parameters(affine, c)],
                     lambda x, *p: F.batch_norm(x, None, None, *unpack(affine, p), True, 0, eps))
        for activation, f in ((1, F.relu), (2, F.relu6)):
            case("batch_norm_act", f"{label} {activation}", [activation],
                 lambda: [grid(shape), grid(c, 6, 9), grid(c)],
                 lambda x, w, b: f(F.batch_norm(x, None, None, w, b, True)))
        reference.seed("statistics", label)
        given = [grid(shape), grid(c), grid(c), grid(c), grid(c, 0.5, 3)]

        def with_statistics(x, w, b, mean, var):  # written out: PyTorch does not differentiate them
            at = (1, -1) + (1,) * (len(shape) - 2)
            mean, var, w, b = mean.view(at), var.view(at), w.view(at), b.view(at)
            return (x - mean) / torch.sqrt(var + 1e-5) * w + b

        x, w, b, mean, var = given
        torch.testing.assert_close(with_statistics(*given), F.batch_norm(x, mean, var, w, b))
        case("batch_norm_eval", label, [1e-5], given, with_statistics)
        for activation, f in ((1, F.relu), (2, F.relu6)):
            case("batch_norm_eval_act", f"{label} {activation}", [activation],
                 lambda: [grid(shape), grid(c, 4, 6), grid(c), grid(c), grid(c, 0.5, 3)],
                 lambda *given: f(with_statistics(*given)))


MODULES = {2: torch.nn.BatchNorm1d, 3: torch.nn.BatchNorm1d, 4: torch.nn.BatchNorm2d}


def running():
    """Running statistics [2,c] after so many batches x, 2 x, .. as a constant added to 0 * sum(x)."""
    for label, shape in [("images", (2, 3, 2, 2)), ("sequences", (2, 2, 3)), ("rows", (4, 3))]:
        for momentum, steps in [(0.1, 1), (0.1, 3), (0.7, 2), (1, 2), (None, 1), (None, 4)]:
            def after(x):
                m = MODULES[len(shape)](shape[1], momentum=momentum, dtype=torch.float64)
                for i in range(steps):
                    m((i + 1) * x.detach())
                return torch.stack([m.running_mean, m.running_var]) + 0 * x.sum()

            case("batch_norm_running", f"{label} {momentum} {steps}",
                 [momentum or 0, momentum is None, steps], lambda: [grid(shape)], after)


def gradients():
    """normalize_grad's dx, against what PyTorch's own backward gives."""
    rows = [("rows", (3, 5), (3, 1, 5, 1, 0)), ("groups", (2, 4, 3), (2, 2, 2, 3, 0)),
            ("batch", (3, 2, 4), (3, 2, 1, 4, 1)), ("batch of rows", (5, 3), (5, 3, 1, 1, 1)),
            ("given", (3, 2, 4), (3, 2, 1, 4, 1, 1)), ("given rows", (5, 3), (5, 3, 1, 1, 1, 1))]
    for label, shape, layout in rows:
        n, g, q, inner, pooled = layout[:5]
        given = len(layout) > 5
        sets = (0, 2, 3) if pooled else (2, 3)
        view = (n, g, q, inner)

        def dx_of(dy, x, w, mean, rstd):
            stat = (1 if pooled else n, g, 1, 1)
            dy, x, r = dy.view(view), x.view(view), rstd.view(stat)
            h = x * r if mean is None else (x - mean.view(stat)) * r
            k = dy * w.view(g, q, 1)
            if given:
                return (r * k).view(shape)
            dx = k - h * (k * h).mean(sets, True)
            if mean is not None:
                dx = dx - k.mean(sets, True)
            return (r * dx).view(shape)

        reference.seed("x, dy and weight", label)
        x, dy, w = grid(shape), grid(shape), grid((g * q,))
        v = x.view(view)
        mean, rstd = v.mean(sets), (v.var(sets, unbiased=False) + 1e-5).rsqrt()
        at = x.clone().requires_grad_()
        y = (F.batch_norm(at, mean.flatten(), rstd.flatten() ** -2, w, None, False, 0, 0) if given else
             F.batch_norm(at, None, None, w, None, True, 0) if pooled else
             F.group_norm(at.view(n, g * q, inner), g, w).view(shape))
        torch.testing.assert_close(torch.autograd.grad(y, at, dy)[0], dx_of(dy, x, w, mean, rstd))
        free = [grid(tuple(mean.shape)), grid(tuple(mean.shape), 0.5, 2)]
        case("normalize_grad", label, layout, [dy, x, w, *free], dx_of)
        if not pooled:
            case("rms_norm_grad", label, layout, [dy, x, w, free[1]],
                 lambda dy, x, w, r: dx_of(dy, x, w, None, r))


def windows():
    for label, shape in [("images", (2, 6, 2, 2)), ("sequences", (1, 7, 3)), ("few", (1, 2, 2)),
                         ("no images", (0, 3, 2))]:
        for size, alpha, beta, k in [(5, 0, 0, 0), (1, 0, 0, 0), (2, 0.5, 0.25, 2),
                                     (3, 2, 1.5, 0.5), (9, 1, 0, 0)]:
            case("local_response_norm", f"{label} {size} {alpha} {beta} {k}",
                 [size, alpha, beta, k], lambda: [grid(shape)],
                 lambda x: F.local_response_norm(x, size, alpha or 1e-4, beta or 0.75, k or 1))
        for before, after in [(0, 0), (1, 1), (2, 0), (0, 9)]:
            def total(x):
                padded = F.pad(x.flatten(2), (0, 0, before, after))
                c = shape[1]
                return sum(padded[:, i:i + c] for i in range(before + after + 1)).view(shape)

            case("channel_sum", f"{label} {before} {after}", [before, after], lambda: [grid(shape)],
                 total)


def dropouts():
    for p in (0, 1):
        case("dropout", f"{p}", [p], lambda: [grid((3, 17))], lambda x: F.dropout(x, p))
        case("dropout2d", f"{p}", [p], lambda: [grid((2, 3, 2, 2))], lambda x: F.dropout2d(x, p))
        case("stochastic_depth", f"{p}", [p], lambda: [grid((3, 2, 4))], lambda x: x * (1 - p))


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    path = sys.argv[1] if len(sys.argv) > 1 else os.path.join(here, "../tests/reference/normalize.txt")
    for part in (layers, groups, batches, running, gradients, windows, dropouts):
        part()
    with open(path, "w") as out:
        out.write(f"# made by tools/reference_normalize.py with torch {torch.__version__}, "
                  f"numpy {np.__version__}\n")
        out.write("\n".join(reference.lines) + "\n")


if __name__ == "__main__":
    main()
