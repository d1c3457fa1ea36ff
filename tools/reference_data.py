#!/usr/bin/env python3
"""Makes the small NumPy files in tests/files, and prints what tests/test_loader.c and
tests/test_transforms.c expect of PyTorch: the orders of its DataLoader, a random split, and resized
images. Needs torch and numpy."""
import os

import numpy as np
import torch
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset, random_split

FILES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../tests/files")


def arrays():
    a = np.arange(6).reshape(2, 3)
    for name, x in [("f4", (a / 4 - 0.5).astype("<f4")),
                    ("f8_fortran", np.asfortranarray(a / 4 - 0.5)),
                    ("i2_big", (a - 3).astype(">i2")), ("u1", a.astype("u1")),
                    ("bool", a % 2 == 0), ("scalar", np.array(2.5)), ("i4", (a - 3).astype("<i4")),
                    ("empty", np.zeros((0, 3), "f4")), ("c8", a.astype("c8"))]:
        np.save(f"{FILES}/{name}.npy", x)
    both = dict(x=(a / 4 - 0.5).astype("f4"), y=np.arange(3))
    np.savez(f"{FILES}/stored.npz", **both)
    np.savez_compressed(f"{FILES}/packed.npz", **both)


def orders():
    for seed, n, shuffle in [(0, 10, True), (42, 12, True), (5, 6, True), (3, 9, False)]:
        torch.manual_seed(seed)
        loader = DataLoader(TensorDataset(torch.arange(n)), batch_size=4, shuffle=shuffle)
        epochs = [[int(v) for (x,) in loader for v in x] for _ in range(3)]
        print(f"seed {seed}, {n} items, shuffle {shuffle}:", epochs, "then", torch.rand(1).item())
    torch.manual_seed(7)
    print("random_split, seed 7:", [s.indices for s in random_split(range(10), [7, 3])])


def resized():
    x = torch.arange(35.0).reshape(1, 1, 5, 7)
    x = (x * x % 11) / 11
    for size in [(3, 3), (8, 9), (2, 10)]:
        y = F.interpolate(x, size=size, mode="bilinear", antialias=True, align_corners=False)
        print(size, [float(f"{v:.9g}") for v in y.flatten()])


if __name__ == "__main__":
    os.makedirs(FILES, exist_ok=True)
    arrays()
    orders()
    resized()
