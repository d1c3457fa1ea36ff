"""Captured steps

Training steps and forward passes of the networks above, captured once (gt_capture) and replayed, beside
the same called, beside replays whose elementwise operations run apart, and beside PyTorch. The results are
the same bits, but for those with batch norms folded into the convolutions.
"""
import functools

from side_by_side import Row
import networks

PLACE = 6


def rows(quick):
    for make, batch, what in ((networks.mlp, 1, "step"), (networks.mlp, 64, "step"),
                              (networks.lenet, 1, "step"), (networks.lenet, 64, "step"),
                              (networks.resnet18_cifar, 32, "step"), (networks.resnet18_cifar, 32, "forward"),
                              (networks.mobilenet_v2, 32, "forward")):
        name = f"{make.__name__} {what}, batch {batch}"
        called = ["networks", make.__name__, batch]
        words = [*called, "replay" if what == "step" else "replay-forward"]
        yield Row(f"{name}, and called", words, {"called": (*called, what)})
        yield Row(f"{name}, and operations apart", words, {"apart": (*words, "apart")})
        if what == "forward":
            yield Row(f"{name}, and norms folded", (*words, "folded"), {"plain": tuple(words)})
        if quick:
            continue
        small = make in (networks.mlp, networks.lenet)
        modes = ("eager", "compile") if small else ("eager", "channels_last", "compile")
        yield Row(name, words,
                  {mode: functools.partial(networks.turn_of, make, batch, what, mode) for mode in modes})
