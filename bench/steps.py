#!/usr/bin/env python3
"""Training steps and forward passes side by side: gradtape (bench/steps, built) and PyTorch, in
turns, with the ratio of the medians (above 1: gradtape is faster).

Usage: bench/steps.py [BUILD_DIRECTORY [THREADS]]      (build/release and 1 by default)
"""
import os
import re
import statistics
import subprocess
import sys
import time

THREADS = sys.argv[2] if len(sys.argv) > 2 else "1"
os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = THREADS

import torch
from torch import nn

ROUNDS = 3
ROWS = [(net, batch, "step") for net in ("mlp", "lenet", "relu_lenet") for batch in (1, 16, 64, 256)]
ROWS += [("resnet18", 32, "step"), ("resnet18", 32, "forward"), ("resnet18", 1, "forward")]

here = os.path.dirname(os.path.abspath(__file__))
build = sys.argv[1] if len(sys.argv) > 1 else os.path.join(here, "..", "build", "release")
program = os.path.join(build, "bench", "steps")
if not os.path.exists(program):
    sys.exit(f"{program} is missing; build with -DGRADTAPE_BUILD_BENCH=ON")
torch.set_num_threads(int(THREADS))


def mlp():
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10))


def lenet(activation=nn.Sigmoid, pool=nn.AvgPool2d):
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), activation(), pool(2, 2), nn.Conv2d(6, 16, 5), activation(),
        pool(2, 2), nn.Flatten(), nn.Linear(400, 120), activation(), nn.Linear(120, 84),
        activation(), nn.Linear(84, 10))


def relu_lenet():
    return lenet(nn.ReLU, nn.MaxPool2d)


def conv(channels_in, channels, kernel, stride):
    return nn.Sequential(
        nn.Conv2d(channels_in, channels, kernel, stride, kernel // 2, bias=False),
        nn.BatchNorm2d(channels))


class Block(nn.Module):
    def __init__(self, channels_in, channels, stride):
        super().__init__()
        self.body = nn.Sequential(conv(channels_in, channels, 3, stride), nn.ReLU(inplace=True),
                                  conv(channels, channels, 3, 1))
        self.shortcut = conv(channels_in, channels, 1, stride) if stride > 1 else nn.Identity()

    def forward(self, x):
        return torch.relu_(self.body(x) + self.shortcut(x))


def resnet18():
    layers, channels = [conv(3, 64, 3, 1), nn.ReLU(inplace=True)], 64
    for wide, stride in ((64, 1), (128, 2), (256, 2), (512, 2)):
        layers += [Block(channels, wide, stride), Block(wide, wide, 1)]
        channels = wide
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 10))


def pytorch(net, batch, what, layout):
    torch.manual_seed(0)
    module = globals()[net]()
    x = torch.randn(batch, *((3, 32, 32) if net == "resnet18" else (1, 28, 28)))
    if layout == "channels_last":
        module, x = module.to(memory_format=torch.channels_last), x.to(
            memory_format=torch.channels_last)
    labels = torch.zeros(batch, dtype=torch.int64)
    sgd = torch.optim.SGD(module.parameters(), lr=0.01, momentum=0.9)

    def step():
        sgd.zero_grad()
        nn.functional.cross_entropy(module(x), labels).backward()
        sgd.step()

    def forward():
        with torch.no_grad():
            module(x)

    module.train(what == "step")
    turn, times, start = (step if what == "step" else forward), [], time.perf_counter()
    while len(times) < 8 or time.perf_counter() - start < 1:
        begin = time.perf_counter()
        turn()
        times.append(time.perf_counter() - begin)
    return statistics.median(times[3:]) * 1e9


def gradtape(net, batch, what):
    out = subprocess.run([program, net, str(batch), what, THREADS], check=True, capture_output=True,
                         text=True).stdout
    return float(re.search(r"median (\d+) ns", out).group(1))


print(f"{'microseconds':28}{'gradtape':>12}{'PyTorch':>12}{'ratio':>8}")
for net, batch, what in ROWS:
    ours, theirs = [], []
    for _ in range(ROUNDS):
        ours.append(gradtape(net, batch, what))
        theirs.append(min(pytorch(net, batch, what, "contiguous"),
                          pytorch(net, batch, what, "channels_last") if net == "resnet18"
                          else float("inf")))
    mine, other = statistics.median(ours), statistics.median(theirs)
    print(f"{net + ' ' + what + ', batch ' + str(batch):28}{mine / 1e3:12.1f}{other / 1e3:12.1f}"
          f"{other / mine:8.2f}", flush=True)
