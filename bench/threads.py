"""Two threads against one

What a second thread gains: additions of growing size, and training steps. A ratio of 2 would be all.
"""
import os

from side_by_side import Row

PLACE = 11
ONE = {"one thread": {"GRADTAPE_THREADS": "1"}}
STEPS = (("lenet", 64), ("cifar", 128), ("resnet18_cifar", 32), ("mobilenet_v2", 32))


def rows(quick):
    if quick or os.cpu_count() < 2:
        return
    for n in (1 << k for k in range(12, 21, 2)):
        yield Row(f"addition of {n} elements", ["additions", n], ONE, threads=(2,), bytes=12 * n)
    for net, batch in STEPS:
        yield Row(f"{net} step on two threads, batch {batch}", ["networks", net, batch, "step"], ONE,
                  threads=(2,), items=batch)
