#!/usr/bin/env python3
"""The notebook's learning loop, side by side: gradtape (bench/notebook_loop, built) and PyTorch
eager on one thread, in turns, with the ratio of the medians. KANN's figure is a recorded one.

Usage: bench/notebook_loop.py [BUILD_DIRECTORY]      (build/release by default)
"""
import os
import re
import statistics
import subprocess
import sys
import time

ROUNDS = 5
KANN_NS = 350  # static graph, -O3 -march=native, one core of a Zen 5 server

here = os.path.dirname(os.path.abspath(__file__))
build = sys.argv[1] if len(sys.argv) > 1 else os.path.join(here, "..", "build", "release")
program = os.path.join(build, "bench", "notebook_loop")
if not os.path.exists(program):
    sys.exit(f"{program} is missing; build with -DGRADTAPE_BUILD_BENCH=ON")

try:
    import torch
except ImportError:
    torch = None
    print("PyTorch is not installed: only gradtape is measured")


def gradtape():
    out = subprocess.run([program], check=True, capture_output=True, text=True).stdout
    return float(re.search(r"median (\d+) ns", out).group(1))


def pytorch(steps=2000):
    torch.set_num_threads(1)
    x = torch.ones(1, 1, 6, 8)
    x[..., 2:6] = 0
    y = torch.nn.functional.conv2d(x, torch.tensor([[[[1.0, -1.0]]]]))
    conv = torch.nn.Conv2d(1, 1, (1, 2), bias=False)
    sgd = torch.optim.SGD(conv.parameters(), lr=3e-2)
    begin = 0.0
    for step in range(-steps // 4, steps):
        if step == 0:
            begin = time.perf_counter()
        sgd.zero_grad()
        ((conv(x) - y) ** 2).sum().backward()
        sgd.step()
    return (time.perf_counter() - begin) / steps * 1e9


ours, theirs = [], []
for _ in range(ROUNDS):
    ours.append(gradtape())
    if torch:
        theirs.append(pytorch())

mine = statistics.median(ours)
print(f"{'':34}{'ns/iteration':>14}{'ratio':>9}")
print(f"{'gradtape, eager':34}{mine:14.0f}{1:9.1f}")
print(f"{'KANN, static graph (recorded)':34}{KANN_NS:14.0f}{KANN_NS / mine:9.2f}")
if theirs:
    name = f"PyTorch {torch.__version__}, eager, 1 thread"
    print(f"{name:34}{statistics.median(theirs):14.0f}{statistics.median(theirs) / mine:9.1f}")
