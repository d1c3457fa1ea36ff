"""The notebook's learning loop

Forward, backward and SGD step of a convolution of two weights on an image of 6 x 8: what a call costs.
"""
from side_by_side import Row, torch

PLACE = 1


def eager():
    x = torch.ones(1, 1, 6, 8)
    x[..., 2:6] = 0
    y = torch.nn.functional.conv2d(x, torch.tensor([[[[1.0, -1.0]]]]))
    conv = torch.nn.Conv2d(1, 1, (1, 2), bias=False)
    sgd = torch.optim.SGD(conv.parameters(), lr=3e-2)

    def turn():
        sgd.zero_grad()
        ((conv(x) - y) ** 2).sum().backward()
        sgd.step()
    return turn


def rows(quick):
    yield Row("notebook_loop", ["notebook_loop"], {"eager": eager})
    yield Row("notebook_loop, replayed", ["notebook_loop"], {"eager": eager}, pick="notebook_replay")
