"""From the start of a program to the end of its first step

A process that opens a context, makes LeNet (batch 64), takes one training step and ends; PyTorch's imports
torch for it, which is nearly all of its time.
"""
import subprocess
import sys

from side_by_side import Row

PLACE = 13
STEP = """
import torch
from torch import nn
torch.set_num_threads({threads})
net = nn.Sequential(nn.Conv2d(1, 6, 5, padding=2), nn.Sigmoid(), nn.AvgPool2d(2), nn.Conv2d(6, 16, 5),
                    nn.Sigmoid(), nn.AvgPool2d(2), nn.Flatten(), nn.Linear(400, 120), nn.Sigmoid(),
                    nn.Linear(120, 84), nn.Sigmoid(), nn.Linear(84, 10))
sgd = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9)
loss = nn.functional.cross_entropy(net(torch.randn(64, 1, 28, 28)), torch.zeros(64, dtype=torch.long))
loss.backward()
sgd.step()
"""


def process():
    def turn():
        subprocess.run([sys.executable, "-c", STEP.format(threads=1)], check=True)
    return turn


def rows(quick):
    yield Row("start to first step of lenet, batch 64", ["start"], {"eager": process})
