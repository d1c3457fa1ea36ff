"""Operations

Elementwise functions, reductions, softmax and losses, normalisations, pools and moves, forward with recording
off, and (`both`) forward with the backward pass. The rows stand in `bench/operations.def`.
"""
import functools
import os
import re

from side_by_side import Row, torch

PLACE = 8
LEAVES = ("x", "y", "p", "far", "ten", "image", "sequence", "table", "row", "beside", "column", "scale",
          "shift", "slope")
QUICK = ("exp", "tanh", "gelu", "add", "sum_columns", "amax_rows", "softmax", "cross_entropy", "batch_norm",
         "layer_norm", "max_pool_2", "transpose", "randn")
SIZES = {1 << 16: "64k", 1 << 24: "16M"}
TABLE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "operations.def")
ROW = re.compile(r'^ROW\((\w+), ([\d.]+), ([\d.]+), .*, "(.*)"\)$', re.MULTILINE)


@functools.lru_cache(1)
def world(size, dtype):
    """What calls work on, as in operations.c."""
    dtype = {"f32": torch.float32, "f64": torch.float64}[dtype]
    rows, side = size // 256, 64 if size >= 1 << 20 else 32
    images, channels = size // side**3, side

    def normal(*shape):
        return torch.randn(*shape, dtype=dtype)

    def uniform(low, high, *shape):
        return torch.empty(*shape, dtype=dtype).uniform_(low, high)

    w = {"x": normal(rows, 256), "y": normal(rows, 256), "p": uniform(0.1, 0.9, rows, 256),
         "far": uniform(-1e6, 1e6, rows, 256), "ten": normal(size // 10, 10),
         "image": normal(images, channels, side, side),
         "sequence": normal(images, channels, side * side), "row": uniform(0.5, 1.5, 256),
         "table": normal(1024, 64), "beside": normal(256), "column": normal(rows, 1), "scale": uniform(0.5, 1.5, channels),
         "shift": normal(channels), "slope": torch.full((1,), 0.25, dtype=dtype),
         "target": normal(rows, 256), "chance": uniform(0.1, 0.9, rows, 256),
         "mask": torch.randint(0, 2, (rows, 256), dtype=torch.bool),
         "classes": torch.randint(0, 256, (rows,)), "digits": torch.randint(0, 10, (size // 10,)),
         "pixels": torch.randint(0, channels, (images, side, side)),
         "some": torch.randint(0, rows, (rows,)), "order": torch.randperm(256),
         "places": torch.randint(0, 256, (rows, 256)), "words": torch.randint(0, 1024, (size // 64,)),
         "mean": torch.zeros(channels, dtype=dtype), "variance": torch.ones(channels, dtype=dtype)}
    for name in LEAVES:
        w[name].requires_grad_()
    return w | {"torch": torch, "F": torch.nn.functional, "side": side}


def forward(call, size, dtype):
    run = eval(f"lambda: {call}", world(size, dtype))

    def turn():
        with torch.no_grad():
            run()
    return turn


def both(call, size, dtype):
    w = world(size, dtype)
    run, leaves = eval(f"lambda: {call}", w), [w[name] for name in LEAVES]
    dy = torch.randn_like(run())

    def turn():
        for leaf in leaves:
            leaf.grad = None
        run().backward(dy)
    return turn


def rows_of(name, once, twice, call, size, dtype):
    passes = [("", once, forward)]
    if re.search(rf"\b({'|'.join(LEAVES)})\b", call):
        passes.append(("_both", twice, both))
    for suffix, moved, turn in passes:
        yield Row(f"{name}{suffix}, {SIZES[size]} {dtype}", ["operations", size, dtype, "-"],
                  {"eager": functools.partial(turn, call, size, dtype)}, asked=name + suffix,
                  bytes=float(moved) * size * {"f32": 4, "f64": 8}[dtype], brief=True)


def rows(quick):
    with open(TABLE, encoding="utf-8") as file:
        table = ROW.findall(file.read())
    for size, dtype in ((1 << 16, "f32"), (1 << 24, "f32"), (1 << 16, "f64"), (1 << 24, "f64")):
        for row in table:
            if not quick or (row[0] in QUICK and (size, dtype) == (1 << 16, "f32")):
                yield from rows_of(*row, size, dtype)
