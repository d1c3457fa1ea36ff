#!/usr/bin/env python3
"""Operations side by side: gradtape (bench/operations, built) and PyTorch, in turns, with the ratio
of the medians (above 1: gradtape is faster) and the share of memcpy's speed that gradtape reaches.

Usage: bench/operations.py [BUILD_DIRECTORY [ELEMENTS [f32|f64 [THREADS [NAME...]]]]]
       (build/release, 65536, f32, 1, and all rows of operations.def by default)
"""
import os
import statistics
import subprocess
import sys
import time

words = sys.argv[1:]
here = os.path.dirname(os.path.abspath(__file__))
BUILD = words[0] if words else os.path.join(here, "..", "build", "release")
SIZE = int(words[1]) if len(words) > 1 else 65536
DTYPE = words[2] if len(words) > 2 else "f32"
THREADS = words[3] if len(words) > 3 else "1"
KEEP = {"MALLOC_MMAP_THRESHOLD_": "4294967296", "MALLOC_TRIM_THRESHOLD_": "4294967296",
        "MALLOC_TOP_PAD_": "268435456"}  # PyTorch's allocator keeps its memory
if any(os.environ.get(key) != value for key, value in KEEP.items()):
    os.environ.update(KEEP)
    os.execv(sys.executable, [sys.executable] + sys.argv)
os.environ["OMP_NUM_THREADS"] = THREADS

import torch
import torch.nn.functional as F

ROUNDS, LEAST, WARM, SECONDS = 3, 5, 2, 0.03


# --- what calls work on, as in operations.c ---


def make_world():
    dtype = {"f32": torch.float32, "f64": torch.float64}[DTYPE]
    rows, side = SIZE // 256, 64 if SIZE >= 1 << 20 else 32
    images, channels = SIZE // side**3, side

    def leaf(t):
        return t.to(dtype).requires_grad_()

    def normal(*shape):
        return leaf(torch.randn(*shape))

    def uniform(low, high, *shape):
        return torch.empty(*shape).uniform_(low, high)

    w = {"x": normal(rows, 256), "y": normal(rows, 256), "p": leaf(uniform(0.1, 0.9, rows, 256)),
         "far": leaf(uniform(-1e6, 1e6, rows, 256)), "ten": normal(SIZE // 10, 10),
         "image": normal(images, channels, side, side),
         "sequence": normal(images, channels, side * side), "row": leaf(uniform(0.5, 1.5, 256)),
         "beside": normal(256), "column": normal(rows, 1),
         "scale": leaf(uniform(0.5, 1.5, channels)), "shift": normal(channels)}
    leaves = list(w.values())
    w |= {"slope": torch.full((1,), 0.25, dtype=dtype), "target": torch.randn(rows, 256).to(dtype),
          "chance": uniform(0.1, 0.9, rows, 256).to(dtype),
          "mask": torch.randint(0, 2, (rows, 256), dtype=torch.bool),
          "classes": torch.randint(0, 256, (rows,)), "digits": torch.randint(0, 10, (SIZE // 10,)),
          "pixels": torch.randint(0, channels, (images, side, side)),
          "mean": torch.zeros(channels, dtype=dtype), "variance": torch.ones(channels, dtype=dtype)}
    return w | {"torch": torch, "F": F, "side": side}, leaves


# --- measuring ---


def median(turn):
    times, start = [], time.perf_counter()
    while len(times) < WARM + LEAST or (time.perf_counter() - start < SECONDS and len(times) < 1000):
        begin = time.perf_counter()
        turn()
        times.append(time.perf_counter() - begin)
    return statistics.median(times[WARM:]) * 1e9


def pytorch(call, world, leaves):
    run = eval(f"lambda: {call}", world)
    with torch.no_grad():
        alone = median(run)
    y = run()
    if not isinstance(y, torch.Tensor) or not y.requires_grad:
        return alone, 0
    dy = torch.randn(y.shape, dtype=y.dtype)
    return alone, median(lambda: torch.autograd.grad(run(), leaves, dy, allow_unused=True))


def share(moved, copied, ns):
    """Of memcpy's speed; it moves each element twice."""
    return f"{moved / 2 * copied / ns:7.0%}" if moved and ns else " " * 7


def show(name, forward, both, copied, ours, theirs):
    ns = [[statistics.median(turn[i] for turn in turns) for i in (0, 1)] for turns in (ours, theirs)]
    print(f"{name:22}", end="")
    for i, moved in enumerate((float(forward), float(both))):
        if ns[0][i]:
            print(f"{ns[0][i] / 1e3:11.1f}{ns[1][i] / 1e3:11.1f}{ns[1][i] / ns[0][i]:7.2f}"
                  f"{share(moved, copied, ns[0][i])}", end="")
    print(flush=True)


def main():
    program = os.path.join(BUILD, "bench", "operations")
    if not os.path.exists(program):
        sys.exit(f"{program} is missing; build with -DGRADTAPE_BUILD_BENCH=ON")
    torch.set_num_threads(int(THREADS))
    listed = subprocess.run([program, "-"], check=True, capture_output=True, text=True).stdout
    rows = [line.split("\t") for line in listed.splitlines()]
    world, leaves = make_world()
    with subprocess.Popen([program, str(SIZE), DTYPE, THREADS, "-"], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, text=True) as gradtape:

        def ask(name):
            gradtape.stdin.write(name + "\n")
            gradtape.stdin.flush()
            return [float(word) for word in gradtape.stdout.readline().split()[1:]]

        copied = min(ask("memcpy")[0] for _ in range(ROUNDS))
        print(f"{SIZE} elements, {DTYPE}, {THREADS} thread(s), "
              f"memcpy {2 * SIZE * {'f32': 4, 'f64': 8}[DTYPE] / copied:.1f} GB/s")
        print(f"{'microseconds':22}" + "".join(f"{what:>11}{'PyTorch':>11}{'ratio':>7}{'memcpy':>7}"
                                               for what in ("forward", "both")))
        for name, forward, both, call in rows:
            if len(words) > 4 and name not in words[4:]:
                continue
            turns = [(ask(name), pytorch(call, world, leaves)) for _ in range(ROUNDS)]
            show(name, forward, both, copied, [t[0] for t in turns], [t[1] for t in turns])
        gradtape.stdin.close()


if __name__ == "__main__":
    main()
