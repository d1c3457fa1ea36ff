#!/usr/bin/env python3
"""Makes the small files of arrays and images in tests/files, writes tests/reference/transforms.txt,
and prints what tests/test_data_loader.c, tests/test_dataset.c and tests/test_items.c expect of PyTorch:
the orders of its DataLoader, what it draws by weights, and a random split.

transforms.txt has the format of reference.py, without gradients: images f32 [c,h,w] in 0..1, and what
torchvision makes of them.

Usage: tools/reference_data.py   (needs torch, torchvision, numpy and pillow)
"""
import os
import sys

import numpy as np
import PIL.Image
import torch
import torchvision
import torchvision.transforms.v2.functional as F
from torch.utils.data import DataLoader, TensorDataset, WeightedRandomSampler, random_split
from torchvision.transforms import InterpolationMode

sys.dont_write_bytecode = True
import reference

TESTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../tests")
FILES = os.path.join(TESTS, "files")


def arrays():
    a = np.arange(6).reshape(2, 3)
    halves = np.array([[1.5, -2, 65504], [6e-8, np.inf, -0.1]])
    for name, x in [("f2", halves.astype("<f2")), ("f4", (a / 4 - 0.5).astype("<f4")),
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
    torch.manual_seed(42)
    torch.empty(2 * 100000, dtype=torch.int64).random_()
    loader = DataLoader(range(12), batch_size=4, shuffle=True)
    print("seed 42, after 100000 epochs:", [int(v) for x in loader for v in x])
    torch.manual_seed(7)
    torch.manual_seed(7)
    weights = [0, 1, 2, 0.5, 0, 4, 1e-3, 3]
    for _ in range(2):
        torch.empty((), dtype=torch.int64).random_()
        seed = torch.empty((), dtype=torch.int64).random_().item()
        drawn = WeightedRandomSampler(weights, 12, generator=torch.Generator().manual_seed(seed))
        print("weighted, seed 7:", list(drawn))
    torch.manual_seed(7)
    print("random_split, seed 7:", [s.indices for s in random_split(range(10), [7, 3])])


def pictures():
    """What PIL reads from them stands beside those that gradtape has to convert."""
    y, x = np.mgrid[0:6, 0:10]
    colours = np.stack([20 * x, 40 * y, 255 - 12 * x - 20 * y], -1).astype("u1")
    PIL.Image.fromarray(colours).convert("CMYK").save(f"{FILES}/cmyk.jpg", quality=90)
    rgb = np.asarray(PIL.Image.open(f"{FILES}/cmyk.jpg").convert("RGB"))
    np.save(f"{FILES}/cmyk.npy", np.ascontiguousarray(rgb.transpose(2, 0, 1)))
    PIL.Image.fromarray((1000 * (x + 10 * y) + 128).astype("u2")).save(f"{FILES}/grey16.png")


def transform(op, label, opts, x, y):
    reference.lines.append(f"case {op} {label}")
    reference.lines.append(f"opts {len(opts)} {' '.join('%.17g' % v for v in opts)}".rstrip())
    reference.write("in0", x)
    reference.write("y", y)


def transforms():
    grey = (torch.arange(35.0) ** 2 % 11 / 11).reshape(1, 5, 7)
    colours = (torch.arange(3 * 6 * 5.0) ** 2 % 17 / 16).reshape(3, 6, 5)
    for h, w in [(3, 3), (8, 9), (2, 10)]:
        transform("resize", f"{h}x{w}", [h, w], grey, F.resize(grey, [h, w], antialias=True))
    for degrees in [30, -12.5, 90, 180, 235]:
        for x in grey, colours:
            y = F.rotate(x, degrees, interpolation=InterpolationMode.BILINEAR)
            transform("rotate", f"{degrees}", [degrees], x, y)
    for turn in [0.1, -0.3, 0.5]:
        transform("hue", f"{turn}", [turn], colours, F.adjust_hue(colours, turn))
    with open(f"{TESTS}/reference/transforms.txt", "w") as out:
        out.write(f"# made by tools/reference_data.py with torchvision {torchvision.__version__}\n")
        out.write("\n".join(reference.lines) + "\n")


if __name__ == "__main__":
    os.makedirs(FILES, exist_ok=True)
    arrays()
    pictures()
    transforms()
    orders()
