"""Convolutions

Each pass of a layer by itself: y, the gradient dx of its input and dw of its weight. Layers of one letter are
3x3 layers of ResNet-18 (d to g), of LeNet (a, b) and others; the rows stand in `bench/layers.def`. PyTorch's
modes are contiguous and channels_last tensors. Weights stay the same, so that what is packed of them is kept.
"""
import functools
import os
import re

from side_by_side import Row, torch

PLACE = 5
TABLE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "layers.def")
ROW = re.compile(r"^LAYER\((\w+), " + ", ".join([r"(\d+)"] * 11) + r", (\w+)\)$", re.MULTILINE)
QUICK = ("d", "g", "i", "j", "depthwise", "groups_32")


def tensors(numbers, kind, layout):
    n, c, h, w, k, kh, kw, stride, padding, dilation, groups = numbers
    dtype = torch.float64 if kind == "f64" else torch.float32
    pair = (lambda number, flat: [flat if h == 1 else number, number])
    options = [pair(stride, 1), pair(padding, 0), pair(dilation, 1), kind == "transposed", [0, 0], groups]
    shape = (c, k // groups, kh, kw) if kind == "transposed" else (k, c // groups, kh, kw)
    x, weight = torch.randn(n, c, h, w, dtype=dtype), torch.randn(shape, dtype=dtype)
    if layout == "channels_last":
        x, weight = (t.to(memory_format=torch.channels_last) for t in (x, weight))
    return x, weight, options


def prepare(numbers, kind, which, layout):
    x, weight, options = tensors(numbers, kind, layout)
    forward = (lambda: torch.convolution(x, weight, None, *options))
    if which == "y":
        return forward
    dy, mask = torch.randn_like(forward()), [which == "dx", which == "dw", False]
    return lambda: torch.ops.aten.convolution_backward(dy, x, weight, [0], *options, mask)


def quietly(numbers, kind, which, layout):
    run = prepare(numbers, kind, which, layout)

    def turn():
        with torch.no_grad():
            run()
    return turn


def work(numbers, kind):
    n, c, h, w, k, kh, kw, stride, padding, dilation, groups = numbers
    if kind == "transposed":
        return 2 * n * c * k // groups * kh * kw * h * w
    oh = 1 if h == 1 else (h + 2 * padding - dilation * (kh - 1) - 1) // stride + 1
    ow = (w + 2 * padding - dilation * (kw - 1) - 1) // stride + 1
    return 2 * n * c // groups * k * kh * kw * oh * ow


def rows(quick):
    for name, *numbers, kind in ROW.findall(open(TABLE).read()):
        numbers = list(map(int, numbers))
        if quick and name not in QUICK:
            continue
        for which in ("y", "dx", "dw"):
            modes = {layout: functools.partial(quietly, numbers, kind, which, layout)
                     for layout in ("contiguous", "channels_last")}
            yield Row(f"{name} {which}", ["layers", "-"], modes, asked=f"{name}_{which}",
                      flop=work(numbers, kind), dtype="f64" if kind == "f64" else "f32", brief=True)
