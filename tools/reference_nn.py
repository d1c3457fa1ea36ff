#!/usr/bin/env python3
"""Writes tests/reference/nn.txt: what PyTorch's modules start with, print, compute and learn; for
tests/test_networks.c and tests/test_init.c.

A network, built after manual_seed(0), is a line "network NAME", then

    print N             and N lines: str(net)
    input DTYPE DIMS    element i of the input is sin(i), or i % 7 for i64
    state PATH N SUM FIRST    each of its state_dict, in order, in f32
    y N VALUES          net.double()(input) in training mode; then sum(y[i] cos(i)) is differentiated
    grad PATH N SUM FIRST     each parameter's gradient
    after PATH N SUM FIRST    each buffer, after that
    eval N VALUES       net.eval()(input)

From y on all is f64, so that the numbers do not depend on the machine: gradients behind a batch
normalisation cancel, and in f32 their sums differ by 1e-5 between two machines.

An initialiser, after manual_seed(3) on zeros, is a line "init NAME", "shape DIMS", "w N VALUES".

Usage: tools/reference_nn.py [OUTPUT]   (needs torch)
"""
import os
import sys
import warnings

import torch
from torch import nn

lines = []


class Residual(nn.Module):
    def __init__(self, body, shortcut=None):
        super().__init__()
        self.body = body
        if shortcut:
            self.shortcut = shortcut

    def forward(self, x):
        return self.body(x) + (self.shortcut(x) if hasattr(self, "shortcut") else x)


class Concat(nn.Sequential):
    def forward(self, x):
        return torch.cat([branch(x) for branch in self], 1)


class GlobalAvgPool2d(nn.Module):
    def forward(self, x):
        return x.mean((2, 3), keepdim=True)


def lenet():
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.Sigmoid(), nn.AvgPool2d(2, 2), nn.Conv2d(6, 16, 5),
        nn.Sigmoid(), nn.AvgPool2d(2, 2), nn.Flatten(), nn.Linear(400, 120), nn.Sigmoid(),
        nn.Linear(120, 84), nn.Sigmoid(), nn.Linear(84, 10))


def lazy():
    return nn.Sequential(
        nn.LazyConv2d(4, 3, padding=1, bias=False), nn.LazyBatchNorm2d(), nn.ReLU(),
        nn.MaxPool2d(2), nn.LazyConvTranspose2d(3, 2, stride=2), nn.Flatten(), nn.LazyLinear(5),
        nn.LazyBatchNorm1d())


def batch_norms():
    return nn.Sequential(
        nn.Conv2d(2, 6, 3, bias=False), nn.BatchNorm2d(6), nn.ReLU(), nn.MaxPool2d(3, 2, 1),
        nn.Conv2d(6, 4, 3, padding="same", groups=2), nn.BatchNorm2d(4, momentum=None, affine=False),
        nn.LeakyReLU(), nn.GroupNorm(2, 4), nn.AdaptiveAvgPool2d((1, 1)), nn.Flatten(),
        nn.Linear(4, 3), nn.BatchNorm1d(3, eps=1e-3, momentum=0.01), nn.Dropout(0.0))


def residual():
    def block(a, b, stride):
        body = nn.Sequential(nn.Conv2d(a, b, 3, stride, 1), nn.BatchNorm2d(b), nn.ReLU(),
                             nn.Conv2d(b, b, 3, 1, 1), nn.BatchNorm2d(b))
        return Residual(body, nn.Conv2d(a, b, 1, stride) if stride > 1 else None)
    return nn.Sequential(block(3, 3, 1), nn.ReLU(), block(3, 6, 2), nn.ReLU(), GlobalAvgPool2d(),
                         nn.Flatten())


def inception():
    return nn.Sequential(
        Concat(nn.Conv2d(2, 3, 1), nn.Sequential(nn.Conv2d(2, 2, 1), nn.SiLU(),
                                                 nn.Conv2d(2, 4, (3, 1), padding=(1, 0))),
               nn.Sequential(nn.MaxPool2d(3, 1, 1), nn.Conv2d(2, 2, 1, bias=False))),
        Concat(nn.Identity(), nn.Sequential(nn.InstanceNorm2d(9, affine=True), nn.PReLU(9),
                                            nn.Conv2d(9, 3, 3, padding=1))))


def instance_norms():
    return nn.Sequential(
        nn.InstanceNorm2d(3, track_running_stats=True), nn.Conv2d(3, 4, 3), nn.ReLU(),
        nn.InstanceNorm2d(4, eps=1e-3, momentum=0.3, affine=True, track_running_stats=True))


def transformer_like():
    return nn.Sequential(
        nn.Embedding(7, 6, padding_idx=0), nn.LayerNorm(6), nn.Linear(6, 8), nn.GELU(),
        Residual(nn.Sequential(nn.LayerNorm((5, 8), bias=False), nn.Linear(8, 8, bias=False),
                               nn.Softmax(2))))


def sequences():
    return nn.Sequential(
        nn.Conv1d(3, 4, 3, padding=2, dilation=2), nn.BatchNorm1d(4), nn.ELU(), nn.MaxPool1d(2),
        nn.Conv1d(4, 4, 4, padding="same", padding_mode="circular", groups=2), nn.Tanh(),
        nn.AvgPool1d(2, 1), nn.AdaptiveAvgPool1d(3), nn.AdaptiveMaxPool1d(2), nn.GELU("tanh"))


def decoder():
    return nn.Sequential(
        nn.ConvTranspose2d(4, 6, 3, stride=2, padding=1, output_padding=1, groups=2), nn.Mish(),
        nn.Upsample(scale_factor=2, mode="bilinear"), nn.Conv2d(6, 2, 3, padding=1,
                                                                padding_mode="reflect"),
        nn.Hardswish(), nn.AdaptiveMaxPool2d((3, 2)), nn.Upsample((4, 5)), nn.Softplus(),
        nn.ConvTranspose2d(2, 1, (2, 3), bias=False, dilation=2), nn.Hardtanh())


class Permute(nn.Module):
    """As torchvision's, but for what it prints."""
    def __init__(self, dims):
        super().__init__()
        self.dims = dims

    def forward(self, x):
        return x.permute(self.dims)

    def extra_repr(self):
        return f"dims={tuple(self.dims)}"


def lazy_sequences():
    return nn.Sequential(
        nn.LazyConv1d(4, 3, stride=2), nn.ReflectionPad1d((2, 1)), nn.InstanceNorm1d(
            4, affine=True, track_running_stats=True), nn.LogSigmoid(),
        nn.ConvTranspose1d(4, 6, 3, stride=2, padding=1, output_padding=1, groups=2),
        nn.ConstantPad1d((1, -1), 0.5), nn.LazyConvTranspose1d(2, 2, bias=False),
        nn.CircularPad1d((1, 2)), nn.ReplicationPad1d((0, 3)))


def super_resolution():
    return nn.Sequential(
        nn.ReplicationPad2d((1, 2, 0, 1)), nn.Conv2d(2, 8, 3), nn.PixelShuffle(2),
        nn.ReflectionPad2d(1), nn.ConstantPad2d((0, 0, 2, 0), 0.25), nn.PixelUnshuffle(3),
        Permute([0, 2, 3, 1]), nn.RMSNorm(18), Permute([0, 3, 1, 2]),
        nn.CircularPad2d((1, 0, 1, 0)), nn.Unfold((2, 1), padding=(1, 0), stride=2),
        nn.Fold((7, 2), (3, 2), stride=(2, 1), padding=(0, 1)))


NETWORKS = [(lenet, (2, 1, 28, 28)), (lazy, (3, 2, 6, 6)), (batch_norms, (3, 2, 9, 8)),
            (residual, (2, 3, 6, 6)), (inception, (2, 2, 5, 4)),
            (instance_norms, (3, 3, 6, 5)), (transformer_like, (3, 5)),
            (sequences, (2, 3, 12)), (decoder, (1, 4, 3, 3)), (lazy_sequences, (2, 3, 11)),
            (super_resolution, (2, 2, 5, 4))]


def number(v):
    return "%.12g" % v


def entry(word, name, t):
    t = t.detach().double()
    lines.append(f"{word} {name} {t.numel()} {number(t.sum())} {number(t.flatten()[0])}")


def values(word, t):
    t = t.detach().double().flatten()
    lines.append(f"{word} {len(t)} {' '.join(number(v) for v in t)}")


def network(build, shape):
    lines.append(f"network {build.__name__}")
    torch.manual_seed(0)
    net = build()
    text = str(net).split("\n")
    lines.append(f"print {len(text)}")
    lines.extend(text)
    n = torch.arange(torch.Size(shape).numel(), dtype=torch.float64).reshape(shape)
    whole = any(isinstance(m, nn.Embedding) for m in net.modules())
    x = n.long() % 7 if whole else n.sin()
    lines.append(f"input {'i64' if whole else 'real'} {' '.join(map(str, shape))}")
    if build in (lazy, lazy_sequences):  # draws its parameters now; its own first forward must be the only one
        net.eval()(x.float())
        net.train()
    for name, t in net.state_dict().items():
        entry("state", name, t)
    y = net.double()(x)
    values("y", y)
    weights = torch.arange(y.numel(), dtype=torch.float64).cos().reshape(y.shape)
    (y * weights).sum().backward()
    for name, t in net.named_parameters():
        entry("grad", name, t.grad)
    for name, t in net.named_buffers():
        entry("after", name, t)
    values("eval", net.eval()(x))


INITS = [
    ("uniform", (3, 7), lambda w: nn.init.uniform_(w, -2, 1)),
    ("normal", (4, 5), lambda w: nn.init.normal_(w, 1, 0.5)),
    ("normal_few", (5,), lambda w: nn.init.normal_(w, 1, 0.5)),
    ("constant", (3,), lambda w: nn.init.constant_(w, 0.3)),
    ("xavier_uniform", (4, 3, 3, 3), lambda w: nn.init.xavier_uniform_(w, 1.5)),
    ("xavier_normal", (4, 5), nn.init.xavier_normal_),
    ("kaiming_uniform", (4, 3, 2), nn.init.kaiming_uniform_),
    ("kaiming_normal", (4, 3, 3, 3),
     lambda w: nn.init.kaiming_normal_(w, mode="fan_out", nonlinearity="relu")),
    ("kaiming_leaky", (5, 4), lambda w: nn.init.kaiming_uniform_(w, a=0.2)),
    ("kaiming_tanh", (5, 4), lambda w: nn.init.kaiming_uniform_(w, nonlinearity="tanh")),
    ("orthogonal", (4, 6), nn.init.orthogonal_),
    ("orthogonal_tall", (7, 3), lambda w: nn.init.orthogonal_(w, gain=2)),
    ("orthogonal_kernel", (3, 2, 2, 2), nn.init.orthogonal_),
    ("orthogonal_square", (5, 5), nn.init.orthogonal_),
    ("trunc_normal", (6, 7), lambda w: nn.init.trunc_normal_(w, std=0.02)),
    ("trunc_normal_near", (6, 7), lambda w: nn.init.trunc_normal_(w, mean=1, std=2, a=-1, b=1.5)),
    ("trunc_normal_far", (4, 5), lambda w: nn.init.trunc_normal_(w, a=2.5, b=4)),
]


def main():
    warnings.simplefilter("ignore")
    for build, shape in NETWORKS:
        network(build, shape)
    for name, shape, fill in INITS:
        torch.manual_seed(3)
        w = torch.zeros(shape)
        fill(w)
        lines.append(f"init {name}")
        lines.append(f"shape {' '.join(map(str, shape))}")
        values("w", w)
    here = os.path.dirname(os.path.abspath(__file__))
    path = sys.argv[1] if len(sys.argv) > 1 else os.path.join(here, "../tests/reference/nn.txt")
    with open(path, "w") as out:
        out.write(f"# made by tools/reference_nn.py with torch {torch.__version__}\n")
        out.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
