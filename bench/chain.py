"""A chain of 100 operations on one element

What an operation costs beside its arithmetic: divide by 100.
"""
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


def rows(quick):
    yield Row("chain, forward", ["chain"], {"eager": forward}, pick="forward")
    yield Row("chain, forward and backward", ["chain"], {"eager": both}, pick="both")
    yield Row("chain, forward, replayed", ["chain"], {"eager": forward}, pick="forward replayed")
    yield Row("chain, forward and backward, replayed", ["chain"], {"eager": both},
              pick="both replayed")
