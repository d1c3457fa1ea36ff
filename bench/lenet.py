#!/usr/bin/env python3
"""LeNet twice: examples/lenet.c (built) and the same network and loop in PyTorch, one thread each,
in turns, from the same seed on the same batches; accuracy and seconds side by side.

Usage: bench/lenet.py DATA_DIRECTORY [BUILD_DIRECTORY]      (build/release by default)
"""
import gzip
import os
import re
import statistics
import subprocess
import sys
import time

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

ROUNDS, EPOCHS, BATCH, LR = 3, 12, 32, 0.03

# --- the twin: what a user writes ---


def mnist(folder, part):
    def read(name, header):
        path = os.path.join(folder, f"{part}-{name}-ubyte")
        with open(path, "rb") if os.path.exists(path) else gzip.open(path + ".gz") as f:
            return torch.from_numpy(np.frombuffer(f.read(), np.uint8)[header:].copy())
    images = read("images-idx3", 16).view(-1, 1, 28, 28) / 255
    return TensorDataset(images, read("labels-idx1", 8).long())


def lenet():
    return nn.Sequential(
        nn.LazyConv2d(6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2, 2),
        nn.LazyConv2d(16, 5), nn.ReLU(), nn.MaxPool2d(2, 2),
        nn.Flatten(),
        nn.LazyLinear(120), nn.ReLU(),
        nn.LazyLinear(84), nn.ReLU(),
        nn.LazyLinear(10))


def train(net, optimizer, images):
    for x, y in images:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(net(x), y)
        loss.backward()
        optimizer.step()


def accuracy(net, tests):
    net.eval()
    with torch.no_grad():
        right = sum((net(x).argmax(1) == y).sum().item() for x, y in tests)
    net.train()
    return right / len(tests.dataset)


def run(folder, seed):
    torch.manual_seed(seed)
    net = lenet()
    net(torch.zeros(1, 1, 28, 28))  # makes what is lazy
    optimizer = torch.optim.SGD(net.parameters(), lr=LR, momentum=0.9)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, EPOCHS)
    images = DataLoader(mnist(folder, "train"), BATCH, shuffle=True)
    tests = DataLoader(mnist(folder, "t10k"), 250)
    seconds = 0
    for _ in range(EPOCHS):
        begin = time.perf_counter()
        train(net, optimizer, images)
        seconds += time.perf_counter() - begin
        schedule.step()
        reached = accuracy(net, tests)
    return reached, seconds


# --- both in turns ---


def gradtape(program, folder, seed):
    """Without shifted images, which the twin has not."""
    words = [program, "--data", folder, "--shift", 0, "--epochs", EPOCHS, "--batch", BATCH,
             "--lr", LR, "--seed", seed]
    out = subprocess.run([str(word) for word in words], check=True, capture_output=True,
                         text=True).stdout
    seconds = sum(float(s) for s in re.findall(r"^epoch.* (\S+) s$", out, re.MULTILINE))
    return float(re.search(r"^test accuracy (\S+)$", out, re.MULTILINE).group(1)), seconds


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    here = os.path.dirname(os.path.abspath(__file__))
    build = sys.argv[2] if len(sys.argv) > 2 else os.path.join(here, "..", "build", "release")
    program = os.path.join(build, "examples", "lenet")
    torch.set_num_threads(1)
    ours, theirs = [], []
    for seed in range(1, ROUNDS + 1):
        ours.append(gradtape(program, sys.argv[1], seed))
        theirs.append(run(sys.argv[1], seed))
    print(f"{'':34}{'accuracy':>20}{'seconds':>10}{'ratio':>8}")
    base = statistics.median(s for _, s in ours)
    for name, runs in ("gradtape", ours), (f"PyTorch {torch.__version__}", theirs):
        seconds = statistics.median(s for _, s in runs)
        reached = " ".join(f"{a:.3f}" for a, _ in runs)
        print(f"{name:34}{reached:>20}{seconds:10.1f}{seconds / base:8.1f}")


if __name__ == "__main__":
    main()
