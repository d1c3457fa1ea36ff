#!/usr/bin/env python3
"""Compares models that test_onnx_export writes with what onnx.checker and onnxruntime make of them:
every operation's samples, and networks, at operator sets 17 and 21.

  tests/onnx_runtime.py build/release/tests/test_onnx_export

Exits with 77 where the packages are missing.
"""
import glob
import os
import subprocess
import sys
import tempfile

try:
    import numpy
    import onnx
    import onnxruntime
except ImportError as error:
    print(f"skipped: {error}; pip install onnx onnxruntime numpy")
    sys.exit(77)

WITHIN = 1e-5
# Samples that onnxruntime does not reproduce, and why.
KNOWN = {
    "group_norm_6": "a large mean, whose digits its sums lose", "layer_norm_5": "the same",
    "pad_10": "it pads no empty tensors", "pad_16": "it mirrors no axis of one element",
    "pad_17": "the same", "gather_13": "its indices have x's rank",
}


def run(path, array):
    """What onnxruntime makes of the model, or None where it has no kernel for it."""
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    try:
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except onnxruntime.capi.onnxruntime_pybind11_state.NotImplemented:
        return None
    given = {session.get_inputs()[0].name: array} if array is not None else {}
    return session.run(None, given)[0]


def agrees(ours, theirs):
    if ours.shape != theirs.shape or ours.dtype != theirs.dtype:
        return f"{ours.dtype} {ours.shape} is not {theirs.dtype} {theirs.shape}"
    finite = ours[numpy.isfinite(ours)].astype(float)
    most = 1e-7 + WITHIN * (abs(finite).max() if finite.size else 0)
    with numpy.errstate(invalid="ignore"):
        off = ~((abs(ours.astype(float) - theirs) <= most) | (ours == theirs) | ((ours != ours) & (theirs != theirs)))
    return f"{ours[off][0]} is not {theirs[off][0]}" if off.any() else None


def check(folder, opset):
    good = without = wrong = 0
    for path in sorted(glob.glob(os.path.join(folder, "*.onnx"))):
        name = os.path.basename(path)[:-5]
        if name in KNOWN:
            continue
        given = path[:-5] + ".input.npy"
        try:
            theirs = run(path, numpy.load(given) if os.path.exists(given) else None)
            why = agrees(numpy.load(path[:-5] + ".npy"), theirs) if theirs is not None else None
        except Exception as error:  # whatever the packages say of a model
            theirs, why = 0, str(error).replace("\n", " ")[:300]
        good += theirs is not None and not why
        without += theirs is None
        wrong += bool(why)
        if why:
            print(f"{name}, opset {opset}: {why}")
    print(f"opset {opset}: {good} models agree to {WITHIN:g}, {without} have operators that onnxruntime has no kernel "
          f"for, {wrong} are wrong")
    return wrong


def main():
    wrong = 0
    for opset in 17, 21:
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run([sys.argv[1], "--write", folder, str(opset)], check=True,
                           env={**os.environ, "GRADTAPE_ERRORS": "quiet"})
            wrong += check(folder, opset)
    return wrong > 0


if __name__ == "__main__":
    sys.exit(main())
