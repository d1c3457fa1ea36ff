"""Reads with the package tensorboard what test_tensorboard writes.

Usage: tensorboard.py PROGRAM

Skipped, with status 77, where the package is missing.
"""
import subprocess
import sys
import tempfile

sys.path = sys.path[1:]  # this file has the package's name
try:
    from tensorboard.backend.event_processing import event_accumulator
except ImportError:
    print("skipped: the package tensorboard is not installed")
    sys.exit(77)


def main(program):
    with tempfile.TemporaryDirectory() as folder:
        told = subprocess.run([program, "--write", folder + "/run"], check=True, capture_output=True, text=True)
        nodes, *leaves = told.stdout.split()
        events = event_accumulator.EventAccumulator(folder + "/run")
        events.Reload()
        graph = events.Graph()
    names = {node.name for node in graph.node}
    assert len(graph.node) == int(nodes) + len(leaves), "nodes are missing"
    assert len(names) == len(graph.node), "names come twice"
    for node in graph.node:
        for source in node.input:
            assert source.split(":")[0] in names, f"{node.name} reads {source}, which is not there"
        assert node.attr["_output_shapes"].list.shape, f"{node.name} has no shape"
    first = next(node for node in graph.node if node.op == "conv2d")
    sizes = [dim.size for dim in first.attr["_output_shapes"].list.shape[0].dim]
    assert sizes == [-1, 4, 6, 6], sizes
    assert first.attr["padding"].s == b"{1, 1}" and first.attr["T"].type == 1
    print(f"{len(names)} nodes, as the package tensorboard reads them")


main(sys.argv[1])
