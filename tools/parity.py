#!/usr/bin/env python3
"""Trains the networks of examples/ beside the same ones in PyTorch: from the same seed, on the same
batches, 20 steps of SGD, in f32 and f64; and writes docs/parity.md.

Nothing is copied from one side to the other. Both draw the weights and the order of the images from
their own generators, which give the same numbers for the same seed. The images are a folder in
MNIST's format that this script makes up. Weights are drawn in f32, also where f64 follows.

PyTorch runs a second time with other rounding, in f32 without oneDNN, in f64 from weights nudged by
1e-14 of their size: how far that takes it from itself says what a distance can mean. The page is written only when all networks are within bounds.

Usage: tools/parity.py [--build DIR] [--output FILE] [NETWORK ...]
(needs torch and numpy; DIR, build/release by default, holds examples/; with names of networks, or
without an output, the table goes to the terminal alone)
"""
import argparse
import os
import platform
import re
import struct
import subprocess
import sys
import tempfile
import warnings

import numpy as np
import torch
from torch import nn

STEPS, BATCH, SEED, NUDGE = 20, 16, 1, 1e-14
MOST = {torch.float32: 1e-3, torch.float64: 1e-9}
HERE = os.path.dirname(os.path.abspath(__file__))

# --- the networks, as "Dive into Deep Learning" has them ---

relu, sigmoid, flatten, dropout = nn.ReLU, nn.Sigmoid, nn.Flatten, nn.Dropout
conv, linear, bn1d, bn = nn.LazyConv2d, nn.LazyLinear, nn.LazyBatchNorm1d, nn.LazyBatchNorm2d


def pool(kernel=3, stride=2, padding=0):
    return nn.MaxPool2d(kernel, stride, padding)


def head():
    return nn.Sequential(nn.AdaptiveAvgPool2d((1, 1)), flatten(), linear(10))


def lenet():
    return nn.Sequential(
        conv(6, 5, padding=2), relu(), pool(2), conv(16, 5), relu(), pool(2), flatten(),
        linear(120), relu(), linear(84), relu(), linear(10))


def classic_lenet():
    return nn.Sequential(
        conv(6, 5, padding=2), sigmoid(), nn.AvgPool2d(2, 2), conv(16, 5), sigmoid(),
        nn.AvgPool2d(2, 2), flatten(), linear(120), sigmoid(), linear(84), sigmoid(), linear(10))


def alexnet():
    return nn.Sequential(
        conv(96, 11, 4, 1), relu(), pool(), conv(256, 5, padding=2), relu(), pool(),
        conv(384, 3, padding=1), relu(), conv(384, 3, padding=1), relu(),
        conv(256, 3, padding=1), relu(), pool(), flatten(),
        linear(4096), relu(), dropout(0.5), linear(4096), relu(), dropout(0.5), linear(10))


def vgg():
    layers = []
    for convs, channels in (1, 16), (1, 32), (2, 64), (2, 128), (2, 128):
        for _ in range(convs):
            layers += [conv(channels, 3, padding=1), relu()]
        layers.append(pool(2))
    return nn.Sequential(
        *layers, flatten(), linear(4096), relu(), dropout(0.5), linear(4096), relu(), dropout(0.5),
        linear(10))


def nin():
    def block(channels, kernel, stride, padding):
        return nn.Sequential(
            conv(channels, kernel, stride, padding), relu(), conv(channels, 1), relu(),
            conv(channels, 1), relu())
    return nn.Sequential(
        block(96, 11, 4, 0), pool(), block(256, 5, 1, 2), pool(), block(384, 3, 1, 1), pool(),
        dropout(0.5), block(10, 3, 1, 1), nn.AdaptiveAvgPool2d((1, 1)), flatten())


class Concat(nn.Sequential):
    def forward(self, x):
        return torch.cat([branch(x) for branch in self], 1)


class Residual(nn.Module):
    def __init__(self, body, shortcut=None):
        super().__init__()
        self.body, self.shortcut = body, shortcut or nn.Identity()

    def forward(self, x):
        return torch.relu(self.body(x) + self.shortcut(x))


def googlenet():
    def inception(c1, c2, c3, c4):
        return Concat(
            nn.Sequential(conv(c1, 1), relu()),
            nn.Sequential(conv(c2[0], 1), relu(), conv(c2[1], 3, padding=1), relu()),
            nn.Sequential(conv(c3[0], 1), relu(), conv(c3[1], 5, padding=2), relu()),
            nn.Sequential(pool(3, 1, 1), conv(c4, 1), relu()))
    return nn.Sequential(
        conv(64, 7, 2, 3), relu(), pool(3, 2, 1),
        conv(64, 1), relu(), conv(192, 3, padding=1), relu(), pool(3, 2, 1),
        inception(64, (96, 128), (16, 32), 32), inception(128, (128, 192), (32, 96), 64),
        pool(3, 2, 1),
        inception(192, (96, 208), (16, 48), 64), inception(160, (112, 224), (24, 64), 64),
        inception(128, (128, 256), (24, 64), 64), inception(112, (144, 288), (32, 64), 64),
        inception(256, (160, 320), (32, 128), 128), pool(3, 2, 1),
        inception(256, (160, 320), (32, 128), 128), inception(384, (192, 384), (48, 128), 128),
        head())


def sigmoid_lenet(norm1d=nn.Identity, norm2d=nn.Identity):
    return nn.Sequential(
        conv(6, 5), norm2d(), sigmoid(), nn.AvgPool2d(2, 2),
        conv(16, 5), norm2d(), sigmoid(), nn.AvgPool2d(2, 2), flatten(),
        linear(120), norm1d(), sigmoid(), linear(84), norm1d(), sigmoid(), linear(10))


def batchnorm_lenet():
    return sigmoid_lenet(bn1d, bn)


def resnet18():
    def block(channels, stride):
        body = nn.Sequential(conv(channels, 3, stride, 1), bn(), relu(),
                             conv(channels, 3, padding=1), bn())
        return Residual(body, conv(channels, 1, stride) if stride > 1 else None)
    return residual_stages(block)


def residual_stages(block):
    layers = [conv(64, 7, 2, 3), bn(), relu(), pool(3, 2, 1)]
    for i, channels in enumerate((64, 128, 256, 512)):
        layers += [block(channels, 2 if i else 1), block(channels, 1)]
    return nn.Sequential(*layers, head())


def resnext_block(channels, stride):
    body = nn.Sequential(
        conv(channels, 1), bn(), relu(),
        conv(channels, 3, stride, 1, groups=channels // 16), bn(), relu(),
        conv(channels, 1), bn())
    return Residual(body, nn.Sequential(conv(channels, 1, stride), bn()) if stride > 1 else None)


def resnext18():
    return residual_stages(resnext_block)


def regnet():
    layers = [conv(32, 3, 2, 1), bn(), relu()]
    for depth, channels in (4, 32), (6, 80):
        for i in range(depth):
            layers.append(resnext_block(channels, 1 if i else 2))
    return nn.Sequential(*layers, head())


def densenet():
    layers = [conv(64, 7, 2, 3), bn(), relu(), pool(3, 2, 1)]
    channels = 64
    for i in range(4):
        for _ in range(4):
            layers.append(Concat(nn.Identity(),
                                 nn.Sequential(bn(), relu(), conv(32, 3, padding=1))))
        channels += 4 * 32
        if i < 3:
            channels //= 2
            layers += [bn(), relu(), conv(channels, 1), nn.AvgPool2d(2, 2)]
    return nn.Sequential(*layers, bn(), relu(), head())


# name: (network, its program and options, size of images, learning rate). Networks with many layers
# of batch normalisation are steep at first: their rates are small enough that PyTorch agrees with
# itself.
NETWORKS = {
    "LeNet": (lenet, ["lenet"], 28, 0.03),
    "LeNet, sigmoid": (sigmoid_lenet, ["batchnorm_lenet", "--plain"], 28, 0.1),
    "AlexNet": (alexnet, ["alexnet"], 72, 0.01),
    "VGG-11": (vgg, ["vgg"], 32, 0.01),
    "NiN": (nin, ["nin"], 96, 0.05),
    "GoogLeNet": (googlenet, ["googlenet"], 32, 0.01),
    "LeNet, batch norm": (batchnorm_lenet, ["batchnorm_lenet"], 28, 0.1),
    "ResNet-18": (resnet18, ["resnet18"], 64, 1e-5),
    "ResNeXt-18": (resnext18, ["resnet18", "--resnext"], 64, 3e-7),
    "DenseNet": (densenet, ["densenet"], 32, 3e-5),
    "RegNetX-32": (regnet, ["regnet"], 64, 1e-5),
}

# The same ones at the book's rates, to show, not to judge.
STEEP = {"ResNet-18": 0.01, "ResNeXt-18": 0.01, "DenseNet": 0.1, "RegNetX-32": 0.05}

# --- the same images for both ---


def images(size):
    """A pattern for each of ten classes, under noise: u8 [n,size,size], and the classes u8 [n]."""
    random = np.random.default_rng(0)
    n = STEPS * BATCH
    y = (np.arange(n) % 10).astype(np.uint8)
    coarse = random.random((10, 4, 4))
    pattern = np.kron(coarse, np.ones((1, size // 4 + 1, size // 4 + 1)))[:, :size, :size]
    x = 0.6 * pattern[y] + 0.4 * random.random((n, size, size))
    return (255 * x).astype(np.uint8), y


def write_idx(path, array):
    with open(path, "wb") as f:
        f.write(struct.pack(">BBBB", 0, 0, 8, array.ndim))
        f.write(struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes())


def write_folder(folder, x, y):
    for name, count in ("train", len(y)), ("t10k", 10):
        write_idx(os.path.join(folder, f"{name}-images-idx3-ubyte"), x[:count])
        write_idx(os.path.join(folder, f"{name}-labels-idx1-ubyte"), y[:count])


# --- training ---


def draw_xavier(module):
    """The start that gt_program_train gives to weights."""
    weight = getattr(module, "weight", None)
    if weight is not None and weight.dim() > 1:
        nn.init.xavier_uniform_(weight)


def nudge(module):
    for weight in module.parameters():
        noise = torch.from_numpy(np.random.default_rng(0).standard_normal(tuple(weight.shape)))
        weight.mul_(1 + NUDGE * noise)


def pytorch(build, x, y, lr, dtype, is_lenet, nudged=False):
    """lenet.c leaves images and PyTorch's start as they are, and has momentum."""
    torch.manual_seed(SEED)
    net = build()
    with torch.no_grad():
        net.eval()(torch.zeros(1, 1, *x.shape[1:]))  # makes what is lazy
    if not is_lenet:
        net.apply(draw_xavier)
    net.train().to(dtype)
    if nudged:
        with torch.no_grad():
            nudge(net)
    for module in net.modules():
        if isinstance(module, nn.Dropout):
            module.eval()
    x = x[:, None] / np.float32(255)  # f32, whatever follows
    x = x if is_lenet else (x - np.float32(0.13)) / np.float32(0.31)
    data = torch.utils.data.TensorDataset(torch.from_numpy(x).to(dtype), torch.from_numpy(y).long())
    sgd = torch.optim.SGD(net.parameters(), lr=lr, momentum=0.9 if is_lenet else 0)
    losses = []
    for x_batch, y_batch in torch.utils.data.DataLoader(data, BATCH, shuffle=True):
        loss = nn.functional.cross_entropy(net(x_batch), y_batch)
        sgd.zero_grad()
        loss.backward()
        sgd.step()
        losses.append(loss.item())
    return losses, sum(p.numel() for p in net.parameters())


def gradtape(build, command, folder, size, lr, dtype):
    program = os.path.join(build, "examples", command[0])
    words = [program, *command[1:], "--data", folder, "--size", size, "--batch", BATCH, "--lr", lr,
             "--seed", SEED, "--epochs", 1, "--steps", STEPS, "--losses"]
    words += (["--shift", 0] if command == ["lenet"] else
              ["--xavier", "--sgd", "--momentum", 0, "--no-dropout"])
    words += ["--f64"] if dtype == torch.float64 else []
    run = subprocess.run([str(word) for word in words], capture_output=True, text=True)
    if run.returncode:
        raise RuntimeError(run.stderr.strip().splitlines()[0])
    return [float(v) for v in re.findall(r"^step \d+  loss (\S+)$", run.stdout, re.MULTILINE)]


def compare(name, build, rate=None):
    """The row of a network, with losses: in each dtype ours, theirs, and theirs with other
    rounding."""
    network, command, size, lr = NETWORKS[name]
    lr = rate or lr
    is_lenet = command == ["lenet"]
    x, y = images(size)
    row = {"name": name, "size": size, "lr": lr}
    with tempfile.TemporaryDirectory() as folder:
        write_folder(folder, x, y)
        for dtype in MOST:
            ours = gradtape(build, command, folder, size, lr, dtype)
            theirs, row["parameters"] = pytorch(network, x, y, lr, dtype, is_lenet)
            with torch.backends.mkldnn.flags(enabled=dtype == torch.float64):
                again, _ = pytorch(network, x, y, lr, dtype, is_lenet,
                                   nudged=dtype == torch.float64)
            if len(ours) != STEPS:
                raise RuntimeError(f"{len(ours)} losses instead of {STEPS}")
            row[dtype] = ours, theirs, again
    return row


def apart(losses, reference, step=-1):
    return abs(losses[step] - reference[step]) / abs(reference[step])


def within(row):
    return all(apart(*row[dtype][:2]) <= most for dtype, most in MOST.items())


def distances(row):
    """In f32 and f64: between ours and theirs, and between theirs."""
    return [d for ours, theirs, again in (row[dtype] for dtype in MOST)
            for d in (apart(ours, theirs), apart(again, theirs))]


def show(row, judged):
    ours = row[torch.float32][0]
    a, b, c, d = distances(row)
    print(f"{row['name']:18} rate {row['lr']:<6g} loss {ours[0]:.6f} to {ours[-1]:.6f}  apart f32 "
          f"{a:.1e} (PyTorch from itself {b:.1e})  f64 {c:.1e} ({d:.1e})"
          f"{'  TOO MUCH' if judged and not within(row) else ''}", flush=True)


# --- the page ---


def table(rows):
    lines = ["| network | parameters | image | rate | step 1 | step 20 | PyTorch's | apart, f32 | "
             "itself | apart, f64 | itself |",
             "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|"]
    for r in rows:
        ours, theirs, _ = r[torch.float32]
        far = " | ".join(f"{d:.1e}" for d in distances(r))
        lines.append(
            f"| {r['name']} | {r['parameters']:,} | {r['size']}x{r['size']} | {r['lr']:g} | "
            f"{ours[0]:.6f} | {ours[-1]:.6f} | {theirs[-1]:.6f} | {far} |")
    return "\n".join(lines)


def steps(row):
    lines = ["| step | gradtape, f32 | PyTorch, f32 | gradtape, f64 | PyTorch, f64 |",
             "|---:|---:|---:|---:|---:|"]
    (a, b, _), (c, d, _) = row[torch.float32], row[torch.float64]
    for i in range(STEPS):
        lines.append(f"| {i + 1} | {a[i]:.7f} | {b[i]:.7f} | {c[i]:.15f} | {d[i]:.15f} |")
    return "\n".join(lines)


def document(rows, steep):
    return f"""# Parity with PyTorch

The networks of `examples/` trained for {STEPS} steps of SGD beside the same networks in PyTorch: from
the same seed, on the same batches of {BATCH} images, in f32 and in f64. No weight and no batch goes
from one side to the other: both draw the same numbers for the same seed. `tools/parity.py` makes
this page, and only while losses at step {STEPS} are at most {MOST[torch.float32]:.0e} of their value
apart in f32 and {MOST[torch.float64]:.0e} in f64.

Dropout is switched off on both sides, because its random numbers are gradtape's own. LeNet is
the one of `lenet.c`, with a momentum of 0.9 and PyTorch's start; the others have none, and Xavier's
start. Losses are those in f32; distances are relative, at step {STEPS}. "Itself" is the distance
between two runs of PyTorch: in f32 with oneDNN and without, in f64 with weights at the start that
differ by about {NUDGE:g} of their size.

{table(rows)}

Step by step, for {rows[0]['name']}:

{steps(rows[0])}

## Where rounding decides

Networks with many layers of batch normalisation are so steep at their start that rounding grows into
another course within a few steps at the book's rates. PyTorch departs from itself there as far as
from gradtape. The table above therefore has smaller rates for them.

{table(steep)}

Measured with PyTorch {torch.__version__.split('+')[0]} and NumPy {np.__version__} on
{platform.machine()} ({platform.system()}).
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--build", default=os.path.join(HERE, "..", "build", "release"))
    parser.add_argument("--output", help="for instance docs/parity.md")
    parser.add_argument("networks", nargs="*", help=f"only these, of {', '.join(NETWORKS)}")
    args = parser.parse_args()
    for message in "Lazy modules are a new feature", "TF32 acceleration":
        warnings.filterwarnings("ignore", message=message)

    def run(networks):
        rows = []
        for name, rate in networks.items():
            try:
                rows.append(compare(name, args.build, rate))
                show(rows[-1], judged=rate is None)
            except (OSError, RuntimeError) as error:
                print(f"{name}: {error}", file=sys.stderr)
        return rows

    names = args.networks or list(NETWORKS)
    rows = run(dict.fromkeys(names))
    failed = len(rows) < len(names) or not all(map(within, rows))
    if failed or args.networks or not args.output:
        return failed
    print("at the book's rates:")
    steep = run(STEEP)
    with open(args.output, "w", encoding="utf-8") as f:
        f.write(document(rows, steep))
    return len(steep) < len(STEEP)


if __name__ == "__main__":
    sys.exit(main())
