"""Captured steps

The training steps of the networks above, captured once (gt_capture) and replayed, beside the same steps
called, and beside PyTorch. The results are the same bits.
"""
import functools

from side_by_side import Row
import networks

PLACE = 6


def rows(quick):
    for make, batch in ((networks.mlp, 1), (networks.mlp, 64), (networks.lenet, 1), (networks.lenet, 64),
                        (networks.resnet18, 32)):
        name = make.__name__
        words = ["networks", name, batch, "replay"]
        modes = ("eager", "compile") if make is not networks.resnet18 else (
            "eager", "channels_last", "compile")
        yield Row(f"{name}, batch {batch}, and called", words, {"called": ("networks", name, batch, "step")})
        if quick:
            continue
        yield Row(f"{name}, batch {batch}", words,
                  {mode: functools.partial(networks.turn_of, make, batch, "step", mode) for mode in modes})
    if not quick:
        row = networks.memory_row(networks.resnet18, 32, "step")
        row.name, row.ours = "resnet18 replay memory, batch 32", ["networks", "resnet18", 32, "replay"]
        yield row
