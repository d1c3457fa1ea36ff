#!/usr/bin/env python3
"""Writes tests/reference/conv.txt: what PyTorch computes for convolutions and folds; for
tests/test_conv.c. The format is reference.py's.

Usage: tools/reference_conv.py [OUTPUT]   (needs torch and numpy)
"""
import os
import sys

import numpy as np
import torch
import torch.nn.functional as F

sys.dont_write_bytecode = True
import reference
from reference import case, grid

SAME = dict(padding="same")


def sequences():
    # label, x, weight, options; padding "same" is given as the last number
    rows = [("ordinary", (2, 2, 7), (3, 2, 3), {}),
            ("stride", (1, 2, 9), (2, 2, 3), dict(stride=2)),
            ("padding", (1, 2, 4), (2, 2, 3), dict(padding=2)),
            ("dilation", (1, 1, 9), (2, 1, 3), dict(dilation=3)),
            ("everything", (2, 4, 9), (6, 2, 3), dict(stride=2, padding=1, dilation=2, groups=2)),
            ("depthwise", (1, 3, 6), (3, 1, 2), dict(groups=3)),
            ("same odd", (1, 2, 5), (2, 2, 3), SAME), ("same even", (2, 2, 6), (2, 2, 4), SAME),
            ("same dilated", (1, 1, 7), (2, 1, 2), dict(dilation=3, **SAME)),
            ("same larger than x", (1, 1, 2), (1, 1, 6), SAME),
            ("kernel 1", (2, 3, 4), (2, 3, 1), {}),
            ("long", (1, 5, 67), (8, 5, 5), dict(padding=2)),
            ("no images", (0, 2, 4), (2, 2, 2), {}),
            ("no batch", (4, 9), (6, 2, 3), dict(stride=2, padding=1, groups=2))]
    for label, x, w, extra in rows:
        o = dict(stride=1, padding=0, dilation=1, groups=1)
        o.update(extra)
        same = o["padding"] == "same"
        opts = [o["stride"], 0 if same else o["padding"], o["dilation"], o["groups"], same]
        case("conv1d", label, opts, lambda: [grid(x), grid(w)], lambda x, w: F.conv1d(x, w, **o))
        case("conv1d", label + " bias", opts, lambda: [grid(x), grid(w), grid((w[0],))],
             lambda x, w, b: F.conv1d(x, w, b, **o))


def same_images():
    rows = [("3x3", (1, 2, 4, 5), (2, 2, 3, 3), (1, 1), 1),
            ("2x4", (2, 2, 4, 5), (2, 1, 2, 4), (1, 1), 2),
            ("1x2", (1, 1, 3, 9), (1, 1, 1, 2), (1, 1), 1),
            ("2x1", (1, 1, 9, 9), (2, 1, 2, 1), (1, 1), 1),
            ("dilated", (1, 2, 5, 6), (2, 2, 2, 3), (3, 2), 1),
            ("even, dilated", (1, 1, 6, 9), (1, 1, 4, 2), (1, 3), 1),
            ("1x1", (2, 3, 4, 3), (2, 3, 1, 1), (1, 1), 1),
            ("many channels", (2, 8, 6, 7), (8, 8, 4, 4), (1, 1), 1),
            ("depthwise", (1, 3, 5, 12), (3, 1, 2, 2), (1, 1), 3),
            ("no batch", (2, 4, 5), (3, 2, 2, 3), (1, 1), 1)]
    for label, x, w, dilation, groups in rows:
        case("conv2d", "same " + label, [1, 1, 0, 0, *dilation, groups, 1],
             lambda: [grid(x), grid(w)],
             lambda x, w: F.conv2d(x, w, padding="same", dilation=dilation, groups=groups))


def transposed():
    # label, x, weight, stride, padding, output padding, dilation, groups
    rows = [("ordinary", (2, 2, 3, 2), (2, 3, 2, 3), (1, 1), (0, 0), (0, 0), (1, 1), 1),
            ("stride", (1, 2, 2, 3), (2, 2, 3, 2), (2, 3), (0, 0), (0, 0), (1, 1), 1),
            ("beyond the kernel", (1, 1, 2, 3), (1, 1, 2, 1), (3, 4), (0, 0), (2, 3), (1, 1), 1),
            ("padding", (1, 2, 3, 4), (2, 1, 3, 3), (1, 1), (1, 2), (0, 0), (1, 1), 1),
            ("output padding", (1, 2, 3, 4), (2, 1, 3, 3), (2, 2), (1, 1), (1, 1), (1, 1), 1),
            ("dilated", (1, 1, 2, 3), (1, 2, 2, 3), (1, 1), (0, 1), (0, 0), (2, 3), 1),
            ("output padding, dilated", (1, 1, 2, 3), (1, 1, 2, 2), (1, 2),
             (0, 1), (2, 3), (3, 4), 1),
            ("everything", (2, 4, 3, 4), (4, 3, 2, 3), (2, 1), (1, 2), (1, 1), (1, 2), 2),
            ("depthwise", (1, 3, 4, 3), (3, 1, 2, 2), (2, 2), (0, 0), (0, 0), (1, 1), 3),
            ("many channels", (2, 8, 5, 6), (8, 6, 4, 4), (2, 2), (1, 1), (0, 0), (1, 1), 1),
            ("1x1", (2, 3, 2, 2), (3, 2, 1, 1), (1, 1), (0, 0), (0, 0), (1, 1), 1),
            ("no images", (0, 2, 2, 2), (2, 2, 2, 2), (1, 1), (0, 0), (0, 0), (1, 1), 1),
            ("no batch", (4, 3, 4), (4, 3, 2, 3), (2, 1), (1, 2), (1, 1), (1, 2), 2)]
    for label, x, w, stride, padding, extra, dilation, groups in rows:
        o = dict(stride=stride, padding=padding, output_padding=extra, groups=groups,
                 dilation=dilation)
        opts = [*stride, *padding, *extra, *dilation, groups]
        case("conv_transpose2d", label, opts, lambda: [grid(x), grid(w)],
             lambda x, w: F.conv_transpose2d(x, w, **o))
        case("conv_transpose2d", label + " bias", opts,
             lambda: [grid(x), grid(w), grid((w[1] * groups,))],
             lambda x, w, b: F.conv_transpose2d(x, w, b, **o))
    for label, x, w, o in [("ordinary", (2, 2, 4), (2, 3, 3), (1, 0, 0, 1, 1)),
                           ("everything", (1, 4, 5), (4, 2, 3), (2, 1, 1, 2, 2)),
                           ("output padding, dilated", (1, 1, 3), (1, 2, 2), (1, 0, 2, 3, 1)),
                           ("no batch", (4, 5), (4, 2, 3), (2, 1, 1, 2, 2)),
                           ("long", (1, 2, 33), (2, 2, 4), (2, 1, 0, 1, 1))]:
        case("conv_transpose1d", label, o, lambda: [grid(x), grid(w), grid((w[1] * o[4],))],
             lambda x, w, b: F.conv_transpose1d(x, w, b, stride=o[0], padding=o[1],
                                                output_padding=o[2], dilation=o[3], groups=o[4]))


def folds():
    # label, x, kernel, stride, padding, dilation
    rows = [("ordinary", (2, 2, 3, 4), (2, 2), (1, 1), (0, 0), (1, 1)),
            ("stride", (1, 2, 4, 5), (2, 3), (2, 1), (0, 0), (1, 1)),
            ("padding", (1, 1, 2, 3), (3, 3), (1, 1), (1, 2), (1, 1)),
            ("dilation", (1, 1, 4, 5), (2, 2), (1, 1), (0, 0), (2, 3)),
            ("everything", (2, 3, 5, 6), (2, 3), (2, 1), (1, 2), (2, 1)),
            ("rest", (1, 1, 6, 5), (2, 2), (3, 2), (0, 0), (1, 1)),
            ("1x1", (1, 2, 2, 3), (1, 1), (1, 1), (0, 0), (1, 1)),
            ("no images", (0, 2, 3, 3), (2, 2), (1, 1), (0, 0), (1, 1)),
            ("no batch", (3, 5, 6), (2, 3), (2, 1), (1, 2), (2, 1))]
    for label, x, kernel, stride, padding, dilation in rows:
        o = dict(kernel_size=kernel, stride=stride, padding=padding, dilation=dilation)
        opts = [*kernel, *stride, *padding, *dilation]
        case("unfold", label, opts, lambda: [grid(x)], lambda x: F.unfold(x, **o))
        y = F.unfold(torch.zeros(x), **o).shape
        case("fold", label, [*opts, *x[-2:]], lambda: [grid(tuple(y))],
             lambda y: F.fold(y, x[-2:], **o))


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    path = sys.argv[1] if len(sys.argv) > 1 else os.path.join(here, "../tests/reference/conv.txt")
    for part in (sequences, same_images, transposed, folds):
        part()
    with open(path, "w") as out:
        out.write(f"# made by tools/reference_conv.py with torch {torch.__version__}, "
                  f"numpy {np.__version__}\n")
        out.write("\n".join(reference.lines) + "\n")


if __name__ == "__main__":
    main()
