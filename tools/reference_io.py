#!/usr/bin/env python3
"""Writes small files with safetensors' own PyTorch binding, for tests/test_safetensors.c.

    own.safetensors     the dtypes that gradtape has, scalars and empty shapes
    foreign.safetensors dtypes that are converted, and names that need care
    net.safetensors     a convolution's state below "net.", an input x and its output y

Usage: tools/reference_io.py [FOLDER]   (needs torch and safetensors)
"""
import os
import sys

import torch
from safetensors.torch import save_file

NUMBERS = [0.0, -0.0, 1.0, -2.5, 65504.0, 6e-8, float("inf"), float("-inf")]


def own():
    return {
        "weight": torch.arange(6, dtype=torch.float32).reshape(2, 3) / 4 - 0.5,
        "double": torch.tensor([1 / 3, -2 / 3, 1e-300], dtype=torch.float64),
        "labels": torch.tensor([-1, 2**62, 7]),
        "step": torch.tensor(12345),
        "scalar": torch.tensor(2.5),
        "mask": torch.tensor([[0, 1, 255]], dtype=torch.uint8),
        "empty": torch.zeros(0, 3),
    }


def foreign():
    return {
        "half": torch.tensor(NUMBERS, dtype=torch.float16),
        "brain": torch.tensor([1.0, -2.5, 3.140625, 1e38]).to(torch.bfloat16),
        "bool": torch.tensor([True, False, True]),
        "i32": torch.tensor([-2**31, 2**31 - 1], dtype=torch.int32),
        "i16": torch.tensor([-2**15, 2**15 - 1], dtype=torch.int16),
        "i8": torch.tensor([-128, 127, 0], dtype=torch.int8),
        "na\u00efve \"\\ \U0001f600\n": torch.tensor([1.0]),
    }


def net():
    torch.manual_seed(1)
    conv = torch.nn.Conv2d(2, 3, (2, 3))
    x = torch.rand(1, 2, 4, 5)
    state = {"net." + name: t for name, t in conv.state_dict().items()}
    return {**state, "x": x, "y": conv(x).detach()}


def main():
    root = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
    folder = sys.argv[1] if len(sys.argv) > 1 else os.path.join(root, "tests", "reference")
    for name, make in ("own", own), ("foreign", foreign), ("net", net):
        path = os.path.join(folder, name + ".safetensors")
        save_file(make(), path, {"origin": "PyTorch"})
        os.chmod(path, 0o644)


if __name__ == "__main__":
    main()
