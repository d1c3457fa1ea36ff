#!/usr/bin/env python3
"""Makes the small files of arrays and images in tests/files, writes tests/reference/transforms.txt,
and prints what tests/test_data_loader.c, tests/test_dataset.c and tests/test_sampling.c expect of PyTorch:
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
import torchvision.transforms.v2 as v2
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
    print("random_split, seed 42:", [s.indices for s in random_split(
        range(10), [0.5, 0.25, 0.25], generator=torch.Generator().manual_seed(42))])
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
    for h, w in [(3, 3), (4, 5), (1, 2)]:
        transform("center_crop", f"{h}x{w}", [h, w], colours, F.center_crop(colours, [h, w]))
    mean, std = [0.25, 0.5, 0.75], [0.5, 0.25, 2]
    transform("normalise", "channels", mean + std, colours, F.normalize(colours, mean, std))
    transform("flip", "all", [], colours, F.horizontal_flip(colours))
    transform("vertical_flip", "all", [], colours, F.vertical_flip(colours))
    for h, w, sigma in [(3, 3, 0.7), (5, 1, 2), (7, 9, 1.5)]:
        y = F.gaussian_blur(colours, [w, h], [sigma])
        transform("blur", f"{h}x{w}", [h, w, sigma], colours, y)
    mask = torch.arange(35).reshape(1, 5, 7)
    for h, w in [(3, 3), (8, 9), (10, 2)]:
        y = F.resize(mask, [h, w], interpolation=InterpolationMode.NEAREST)
        transform("resize_mask", f"{h}x{w}", [h, w], mask, y)
    for degrees in [30, -12.5, 90, 180]:
        transform("rotate_mask", f"{degrees}", [degrees], mask, F.rotate(mask, degrees))
    mixes()


def mixes():
    """Batches and their labels [n,1] as parts of three classes, by what is kept of each item."""
    batch = (torch.arange(4 * 2 * 5 * 6.0) ** 2 % 23 / 22).reshape(4, 2, 5, 6)
    labels = torch.tensor([2, 0, 1, 1])
    for kind, make in [("mixup", v2.MixUp), ("cutmix", v2.CutMix)]:
        for lam, y, x in [(0.3, 2, 3), (0.75, 0, 5)]:
            half = 0.5 * (1 - lam) ** 0.5
            box = [max(x - int(half * 6), 0), max(y - int(half * 5), 0),
                   min(x + int(half * 6), 6), min(y + int(half * 5), 5)]
            left, top, right, bottom = box
            part = lam if kind == "mixup" else 1 - (right - left) * (bottom - top) / 30
            params = dict(lam=lam, box=box, lam_adjusted=part, labels=labels, batch_size=4)
            mixing = make(num_classes=3)
            mixed = mixing.transform(batch.clone(), params)
            parts = mixing.transform(labels, params)
            transform(kind, f"{lam}", [lam, y, x], batch, mixed)
            transform(f"{kind}_labels", f"{lam}", [lam, y, x], labels.reshape(4, 1).float(), parts)
    with open(f"{TESTS}/reference/transforms.txt", "w") as out:
        out.write(f"# made by tools/reference_data.py with torchvision {torchvision.__version__}\n")
        out.write("\n".join(reference.lines) + "\n")


if __name__ == "__main__":
    os.makedirs(FILES, exist_ok=True)
    arrays()
    pictures()
    transforms()
    orders()
