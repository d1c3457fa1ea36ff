"""Optimizers

A step on ten layers of 1000 x 1000 weights, 10 million parameters; PyTorch with a kernel for all
parameters (`foreach`, `fused`) or one for each.
"""
import functools

from side_by_side import Row, torch

PLACE = 9
LAYERS = 10
PARAMETERS = LAYERS * (1000 * 1000 + 1000)
# words of PyTorch, and how many numbers a parameter's step reads and writes
ROWS = {"sgd": ("SGD(p, lr=1e-4, {})", 3),
        "momentum": ("SGD(p, lr=1e-4, momentum=0.9, {})", 5),
        "adam": ("Adam(p, lr=1e-5, {})", 7),
        "adamw": ("AdamW(p, lr=1e-5, {})", 7)}
MODES = {"foreach": "foreach=True", "fused": "fused=True", "apart": "foreach=False"}


def step(call, how):
    net = torch.nn.Sequential(*(torch.nn.Linear(1000, 1000) for _ in range(LAYERS)))
    net(torch.randn(1, 1000)).sum().backward()
    return eval("torch.optim." + call.format(how), {"torch": torch, "p": net.parameters()}).step


def rows(quick):
    for name, (call, moved) in ROWS.items():
        if not quick or name == "adam":
            yield Row(f"{name}, 10M parameters", ["optimizers", LAYERS, "-"],
                      {mode: functools.partial(step, call, how) for mode, how in MODES.items()},
                      asked=name, bytes=4 * moved * PARAMETERS, brief=True)
