#!/usr/bin/env python3
"""Reads a folder of event files with TensorBoard's own reader, and says what it found there.

The tests decode the files by themselves, strictly (tests/test_tensorboard.c); this checks that the
real reader agrees, after a change of src/view/board.c or record.c:

    python3 -m venv /tmp/tensorboard && /tmp/tensorboard/bin/pip install tensorboard
    /tmp/tensorboard/bin/python tools/read-tensorboard.py RUN_FOLDER
"""
import sys

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: read-tensorboard.py FOLDER")
    everything = {"scalars": 0, "images": 0, "histograms": 0}
    events = EventAccumulator(sys.argv[1], size_guidance=everything).Reload()
    tags = events.Tags()
    for tag in tags["scalars"]:
        s = events.Scalars(tag)
        print(f"scalar {tag}: {len(s)} values, last {s[-1].value:g} at step {s[-1].step}")
    for tag in tags["images"]:
        i = events.Images(tag)[-1]
        assert i.encoded_image_string.startswith(b"\x89PNG\r\n\x1a\n")
        print(f"image {tag}: {i.width} x {i.height} at step {i.step}")
    for tag in tags["histograms"]:
        h = events.Histograms(tag)[-1].histogram_value
        assert len(h.bucket) == len(h.bucket_limit) and sum(h.bucket) == h.num
        print(f"histogram {tag}: {h.num:g} values, {h.min:g} to {h.max:g}")


main()
