#!/usr/bin/env python3
"""Writes models with inputs and onnxruntime's outputs, as the cases that ONNX publishes, for
tests/onnx_cases: the light networks of the onnx package with seeded weights, and torchvision's
classifiers as torch exports them.

  tools/onnx-cases.py OUT [NAME...]

Needs onnx, onnxruntime, numpy; for the classifiers also torch, torchvision and onnxscript.
"""
import glob
import os
import sys

import numpy
import onnx
import onnxruntime
from onnx import numpy_helper

CLASSIFIERS = ("alexnet", "densenet121", "efficientnet_b0", "googlenet", "inception_v3", "mnasnet1_0",
               "mobilenet_v2", "mobilenet_v3_small", "regnet_x_400mf", "regnet_y_400mf", "resnet18",
               "resnet50", "resnext50_32x4d", "shufflenet_v2_x1_0", "squeezenet1_1", "vgg11_bn",
               "wide_resnet50_2", "convnext_tiny", "swin_t", "vit_b_16")


def write(folder, model, inputs):
    """A case: the model, its inputs by name, and what onnxruntime makes of them."""
    data = os.path.join(folder, "test_data_set_0")
    os.makedirs(data, exist_ok=True)
    path = os.path.join(folder, "model.onnx")
    onnx.save(model, path)
    outputs = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"]).run(None, inputs)
    for kind, arrays in ("input", inputs.values()), ("output", outputs):
        for i, array in enumerate(arrays):
            with open(os.path.join(data, f"{kind}_{i}.pb"), "wb") as file:
                file.write(numpy_helper.from_array(array).SerializeToString())


def seeded(model):
    """The light networks have no weights of their own: here they get some that keep the size of
    what passes through them, so that outputs tell networks apart."""
    rng = numpy.random.default_rng(0)
    graph = model.graph
    shapes = {t.name: numpy_helper.to_array(t).shape for t in graph.initializer}
    made = {n.output[0]: n.input[0] for n in graph.node if n.op_type == "ConstantOfShape"}
    sizes = {t.name: numpy_helper.to_array(t) for t in graph.initializer}
    for name, size in made.items():
        shapes[name] = tuple(int(n) for n in sizes[size])
    positive = {n.input[4] for n in graph.node if n.op_type == "BatchNormalization"}
    around_one = {n.input[1] for n in graph.node if n.op_type == "BatchNormalization"}
    fresh = []
    for name, shape in shapes.items():
        if name in made.values() or (name in sizes and sizes[name].dtype != numpy.float32):
            continue
        fan_in = max(1, int(numpy.prod(shape[1:]))) if len(shape) > 1 else 1
        array = rng.standard_normal(shape) * (2 / fan_in) ** 0.5 if len(shape) > 1 else rng.standard_normal(shape) * 0.1
        if name in positive or name in around_one:
            array = rng.uniform(0.5, 1.5, shape)
        fresh.append(numpy_helper.from_array(array.astype(numpy.float32), name))
    kept = [t for t in graph.initializer if t.name not in {f.name for f in fresh} and t.name not in made.values()]
    nodes = [n for n in graph.node if n.output[0] not in made]
    del graph.initializer[:], graph.node[:]
    graph.initializer.extend(kept + fresh)
    graph.node.extend(nodes)
    known = {t.name for t in graph.initializer}
    inputs = [i for i in graph.input if i.name not in known and i.name not in made.values()]
    del graph.input[:]
    graph.input.extend(inputs)
    model.ir_version = max(model.ir_version, 4)
    return model


def light(out, names):
    folder = os.path.join(os.path.dirname(onnx.__file__), "backend", "test", "data", "light")
    for path in sorted(glob.glob(os.path.join(folder, "*.onnx"))):
        name = os.path.basename(path)[:-5]
        if names and name not in names:
            continue
        model = seeded(onnx.load(path))
        shape = [d.dim_value for d in model.graph.input[0].type.tensor_type.shape.dim]
        image = numpy.random.default_rng(1).standard_normal(shape).astype(numpy.float32)
        write(os.path.join(out, name), model, {model.graph.input[0].name: image})
        print(name)


def classifiers(out, names):
    import torch
    import torchvision
    for name in CLASSIFIERS:
        if names and name not in names:
            continue
        torch.manual_seed(0)
        model = getattr(torchvision.models, name)(weights=None).eval()
        image = torch.randn(2, 3, 299 if name == "inception_v3" else 224, 299 if name == "inception_v3" else 224)
        path = os.path.join(out, name + ".onnx")
        torch.onnx.export(model, (image,), path, dynamo=True, external_data=False, verbose=False)
        write(os.path.join(out, name), onnx.load(path), {onnx.load(path).graph.input[0].name: image.numpy()})
        os.remove(path)
        print(name)


def main():
    out, names = sys.argv[1], sys.argv[2:]
    os.makedirs(out, exist_ok=True)
    light(out, names)
    classifiers(out, names)


if __name__ == "__main__":
    main()
