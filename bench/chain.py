"""A chain of 100 operations on one element

What an operation costs beside its arithmetic: divide by 100. (Forward and backward replayed are 399
operations, with the gradients' sums.) The large chain is ten operations on 2^20 elements.
"""
import functools

from side_by_side import Row, torch

PLACE = 2


def both():
    x = torch.ones(1, requires_grad=True)

    def turn():
        x.grad = None
        t = x
        for _ in range(100):
            t = t * x
        t.backward()
    return turn


def forward():
    x = torch.ones(1)

    def turn():
        t = x
        for _ in range(100):
            t = t * x
    return turn


def large(mode):
    x, y = torch.randn(1 << 20), torch.randn(1 << 20)

    def chain():
        t = x * y
        for _ in range(3):
            t = torch.relu(t * y + x)
        return t
    return torch.compile(chain) if mode == "compile" else chain


def rows(quick):
    yield Row("chain, forward", ["chain"], {"eager": forward}, pick="forward")
    yield Row("chain, forward and backward", ["chain"], {"eager": both}, pick="both")
    yield Row("chain, forward, replayed", ["chain"], {"eager": forward}, pick="forward replayed")
    yield Row("chain, forward and backward, replayed", ["chain"], {"eager": both},
              pick="both replayed")
    yield Row("chain, large", ["chain"], {"eager": functools.partial(large, "eager")}, pick="large")
    yield Row("chain, large, replayed", ["chain"],
              {mode: functools.partial(large, mode) for mode in ("eager", "compile")},
              pick="large replayed")
    yield Row("chain, large, replayed, and operations apart", ["chain"], {"apart": ("chain", "apart")},
              pick="large replayed")
