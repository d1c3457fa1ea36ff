#!/usr/bin/env python3
"""Writes tests/files/onnx/opset*.onnx: models whose nodes are one case each. The graphs have no
inputs, the cases' inputs being initializers, and what onnxruntime computes lies beside as
initializers "expected/NAME". Needs onnx, onnxruntime and numpy.

  python3 tools/reference_onnx.py
"""
import os
import zlib

import numpy
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "files", "onnx")
f32, i64 = numpy.float32, numpy.int64


class Draw:
    """Random numbers, of a case alone: a case more changes no other."""

    def __init__(self, label):
        self.rng = numpy.random.default_rng(zlib.crc32(label.encode()))

    def make(self, spec):
        if isinstance(spec, tuple):  # a shape: standard normal
            return self.rng.standard_normal(spec).astype(f32)
        if isinstance(spec, dict):  # a shape, and a range
            return self.rng.uniform(spec["low"], spec["high"], spec["shape"]).astype(spec.get("dtype", f32))
        if isinstance(spec, list):
            return numpy.array(spec, dtype=i64 if all(isinstance(v, int) for v in spec) else f32)
        return spec


def within(low, high, *shape, dtype=f32):
    return {"shape": shape, "low": low, "high": high, "dtype": dtype}


def masks(*shape):
    return (numpy.arange(numpy.prod(shape)).reshape(shape) * 7 % 3 == 1)


def number(v, dtype=f32):
    return numpy.array(v, dtype=dtype)


X = (2, 3, 5, 4)
UNARY = [(name, [X], {}) for name in
         ("Abs", "Ceil", "Cos", "Erf", "Exp", "Floor", "HardSwish", "Neg", "Relu", "Round", "Sigmoid", "Sign", "Sin",
          "Softplus", "Softsign", "Tan", "Tanh", "Sinh", "Cosh", "Asinh", "Identity", "IsNaN", "Elu", "Selu", "Celu",
          "LeakyRelu", "HardSigmoid", "ThresholdedRelu", "Shrink")]
UNARY += [(name, [within(0.1, 3, *X)], {}) for name in ("Log", "Sqrt", "Reciprocal")]
UNARY += [("Acosh", [within(1, 3, *X)], {}), ("Atanh", [within(-0.9, 0.9, *X)], {}),
          ("Elu", [X], {"alpha": 0.5}), ("Selu", [X], {"alpha": 1.2, "gamma": 0.7}), ("Celu", [X], {"alpha": 2.0}),
          ("LeakyRelu", [X], {"alpha": 0.3}), ("HardSigmoid", [X], {"alpha": 0.5, "beta": 0.1}),
          ("Shrink", [X], {"lambd": 0.8, "bias": 0.3}), ("IsInf", [numpy.array([1, numpy.inf, -numpy.inf], f32)], {}),
          ("IsInf", [numpy.array([1, numpy.inf, -numpy.inf], f32)], {"detect_negative": 0}),
          ("Not", [masks(3, 4)], {})]
BINARY = [(name, [X, (3, 1, 4)], {}) for name in ("Add", "Sub", "Mul", "Div", "Max", "Min", "Sum", "Mean")]
BINARY += [(name, [within(-2, 2, 3, 4, dtype=i64), within(-2, 2, 4, dtype=i64)], {})
           for name in ("Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual")]
BINARY += [(name, [masks(3, 4), masks(4)], {}) for name in ("And", "Or", "Xor")]
BINARY += [("Add", [within(-9, 9, 3, dtype=i64), within(-9, 9, 3, dtype=i64)], {}),
           ("Div", [[7, -7, 9], [2, 2, -4]], {}), ("Mod", [[7, -7, 9, -9], [4, 4, -4, -4]], {}),
           ("Mod", [X, within(0.5, 2, *X)], {"fmod": 1}), ("Pow", [within(0.2, 2, *X), (4,)], {}),
           ("Pow", [X, number(2)], {}), ("PRelu", [X, (3, 1, 1)], {}), ("Where", [masks(3, 4), (2, 3, 4), (4,)], {}),
           ("Max", [(3, 4), (4,), (1,)], {}), ("Cast", [X], {"to": TensorProto.INT64}),
           ("Cast", [[0, 3, -2]], {"to": TensorProto.BOOL}), ("Cast", [[1, 2]], {"to": TensorProto.FLOAT})]
SHAPES = [("Flatten", [X], {}), ("Flatten", [X], {"axis": -1}), ("Transpose", [X], {}),
          ("Transpose", [X], {"perm": [0, 2, 3, 1]}), ("Concat", [(2, 3), (2, 1), (2, 2)], {"axis": 1}),
          ("Reshape", [X, [0, -1, 2]], {}), ("Expand", [(3, 1), [2, 1, 4]], {}), ("Tile", [(2, 3), [2, 1]], {}),
          ("DepthToSpace", [(2, 8, 2, 3)], {"blocksize": 2}),
          ("DepthToSpace", [(2, 8, 2, 3)], {"blocksize": 2, "mode": "CRD"}),
          ("SpaceToDepth", [(2, 3, 4, 6)], {"blocksize": 2}), ("Shape", [X], {}), ("Size", [X], {}),
          ("Range", [number(1), number(7), number(2)], {}), ("Gather", [X, [[0, 2], [-1, 1]]], {"axis": 1}),
          ("Gather", [X, number(1, i64)], {"axis": -1}), ("GatherElements", [(3, 4), [[0, -1], [2, 1]]], {"axis": 0}),
          ("GatherND", [(3, 4, 2), [[0, 1], [2, -1]]], {}), ("GatherND", [(2, 3, 4), [[1], [2]]], {"batch_dims": 1}),
          ("OneHot", [[1, -1, 3], number(4, i64), numpy.array([2, 5], f32)], {"axis": 0}),
          ("NonZero", [numpy.array([[1, 0, 2], [0, 0, 3]], f32)], {}), ("EyeLike", [(3, 4)], {"k": 1}),
          ("ConstantOfShape", [[2, 3]], {"value": helper.make_tensor("v", TensorProto.FLOAT, [1], [1.5])}),
          ("Trilu", [(3, 4)], {}), ("Trilu", [(3, 4), number(-1, i64)], {"upper": 0}), ("CumSum", [X, number(2, i64)], {}),
          ("CumSum", [X, number(1, i64)], {"exclusive": 1, "reverse": 1}), ("Constant", [], {"value_float": 2.5}),
          ("Constant", [], {"value_ints": [1, 2, 3]})]
W, V = (4, 3, 3, 3), (3, 4, 3, 3)
WINDOWS = [("Conv", [X, W], {}), ("Conv", [X, W, (4,)], {"pads": [1, 1, 1, 1], "strides": [2, 1]}),
           ("Conv", [X, W, (4,)], {"pads": [0, 1, 2, 0]}), ("Conv", [X, W], {"auto_pad": "SAME_UPPER", "strides": [2, 2]}),
           ("Conv", [X, W], {"auto_pad": "SAME_LOWER", "dilations": [1, 1]}), ("Conv", [X, (6, 1, 3, 3)], {"group": 3}),
           ("Conv", [(2, 3, 9), (4, 3, 3), (4,)], {"dilations": [2], "pads": [2, 1]}),
           ("ConvTranspose", [X, V], {}), ("ConvTranspose", [X, V, (4,)], {"strides": [2, 3], "pads": [1, 1, 1, 1], "output_padding": [1, 2]}),
           ("ConvTranspose", [X, V], {"strides": [2, 2], "output_shape": [10, 8]}),
           ("ConvTranspose", [X, V], {"strides": [2, 2], "auto_pad": "SAME_UPPER"}),
           ("ConvTranspose", [(2, 3, 5), (3, 2, 3)], {"strides": [2], "group": 1}),
           ("MaxPool", [X], {"kernel_shape": [2, 2]}), ("MaxPool", [X], {"kernel_shape": [3, 2], "pads": [1, 0, 1, 1], "strides": [2, 2]}),
           ("MaxPool", [X], {"kernel_shape": [2, 3], "strides": [2, 2], "ceil_mode": 1}),
           ("MaxPool", [X], {"kernel_shape": [2, 2], "strides": [2, 2], "outputs": 2}),
           ("MaxPool", [X], {"kernel_shape": [3, 2], "pads": [1, 0, 2, 1], "strides": [2, 1], "outputs": 2}),
           ("MaxPool", [(2, 3, 9)], {"kernel_shape": [3], "auto_pad": "SAME_LOWER"}),
           ("AveragePool", [X], {"kernel_shape": [2, 2]}), ("AveragePool", [X], {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}),
           ("AveragePool", [X], {"kernel_shape": [3, 3], "pads": [1, 0, 2, 1], "count_include_pad": 1}),
           ("AveragePool", [X], {"kernel_shape": [2, 2], "strides": [2, 3], "ceil_mode": 1}),
           ("AveragePool", [X], {"kernel_shape": [3, 2], "auto_pad": "SAME_UPPER", "strides": [2, 2]}),
           ("LpPool", [X], {"kernel_shape": [2, 2], "p": 2}), ("LpPool", [X], {"kernel_shape": [3, 2], "pads": [1, 0, 0, 1], "p": 3}),
           ("GlobalAveragePool", [X], {}), ("GlobalMaxPool", [X], {}), ("GlobalLpPool", [X], {"p": 3}),
           ("MatMul", [(2, 3, 4), (4, 5)], {}), ("Gemm", [(3, 4), (4, 5), (5,)], {}),
           ("Gemm", [(4, 3), (5, 4), (3, 1)], {"alpha": 0.5, "beta": 2.0, "transA": 1, "transB": 1})]
LABELS = within(0, 3, 2, 5, 4, dtype=i64)
REDUCED = [(name, [X], attrs) for name in ("ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1", "ReduceL2",
                                           "ReduceLogSumExp", "ReduceSumSquare")
           for attrs in ({"axes": [1, -1]}, {"axes": [2], "keepdims": 0}, {})]
REDUCED += [("ReduceLogSum", [within(0.1, 2, *X)], {"axes": [1]}), ("ArgMax", [X], {"axis": 2}),
            ("ArgMin", [X], {"axis": 1, "keepdims": 0})]
REST = [("ReduceSum", [X, [1, 3]], {}), ("ReduceSum", [X, [-2]], {"keepdims": 0}), ("ReduceSum", [[3, 4, 5]], {}),
        ("ArgMax", [numpy.array([[1, 3, 3], [2, 2, 0]], f32)], {"axis": 1, "select_last_index": 1}),
        ("Softmax", [X], {"axis": 1}), ("LogSoftmax", [X], {}), ("Hardmax", [X], {"axis": 1}),
        ("NegativeLogLikelihoodLoss", [X, LABELS], {}), ("NegativeLogLikelihoodLoss", [X, LABELS, within(0.5, 2, 3)], {"reduction": "sum"}),
        ("SoftmaxCrossEntropyLoss", [X, LABELS], {"ignore_index": 0}), ("SoftmaxCrossEntropyLoss", [X, LABELS], {"reduction": "none", "outputs": 2}),
        ("BatchNormalization", [X, within(0.5, 2, 3), (3,), (3,), within(0.5, 2, 3)], {"epsilon": 0.01}),
        ("InstanceNormalization", [X, (3,), (3,)], {}), ("LRN", [(2, 6, 3, 2)], {"size": 3, "alpha": 0.1, "beta": 0.5, "bias": 2.0}),
        ("LpNormalization", [X], {"axis": 1}), ("LpNormalization", [X], {"axis": -1, "p": 1}), ("MeanVarianceNormalization", [X], {}),
        ("Dropout", [X], {}), ("CastLike", [X, [1]], {}),
        ("Squeeze", [(2, 1, 3, 1), [1]], {}), ("Squeeze", [(2, 1, 3, 1)], {}), ("Unsqueeze", [(2, 3), [0, -1]], {}),
        ("Slice", [X, [1, -1], [9, 0], [1, 2], [1, -2]], {}), ("Slice", [X, [-3], [-1], [3]], {}),
        ("Split", [X, [1, 2]], {"axis": 1, "outputs": 2}), ("Split", [X], {"axis": 3, "outputs": 2}),
        ("Clip", [X, number(-0.5), number(0.5)], {}), ("Clip", [X, number(0.0)], {}),
        ("Pad", [X, [0, 0, 1, 2, 0, 0, 0, 1], number(1.5)], {}), ("Pad", [X, [0, 0, 1, 2, 0, 0, 2, 1]], {"mode": "reflect"}),
        ("Pad", [X, [0, 0, 1, -1, 0, 0, 2, 1]], {"mode": "edge"})]
REST += [("Resize", [(1, 2, 4, 4), None, [1.0, 1.0, 2.0, 1.5]], {"mode": mode, "coordinate_transformation_mode": places})
         for mode in ("nearest", "linear", "cubic") for places in ("half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel")]
REST += [("Resize", [(1, 2, 4, 5), None, None, [1, 2, 3, 3]], {"mode": "linear"}),
         ("Resize", [(1, 2, 4, 5), [0.0, 0.0, 0.1, 0.2, 1.0, 1.0, 0.8, 1.3], None, [1, 2, 3, 4]],
          {"mode": "linear", "coordinate_transformation_mode": "tf_crop_and_resize", "extrapolation_value": 9.0}),
         ("Resize", [(1, 2, 5, 4), None, [1.0, 1.0, 0.6, 2.0]], {"mode": "nearest", "nearest_mode": "ceil"}),
         ("Resize", [(1, 2, 5, 4), None, [1.0, 1.0, 0.6, 0.5]], {"mode": "cubic", "exclude_outside": 1, "cubic_coeff_a": -0.5})]
GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}
for name, gates in GATES.items():
    outputs = 3 if name == "LSTM" else 2
    for label, dirs in ("forward", 1), ("reverse", 1), ("bidirectional", 2):
        REST.append((name, [(5, 2, 3), (dirs, gates * 4, 3), (dirs, gates * 4, 4), (dirs, 2 * gates * 4)],
                     {"hidden_size": 4, "direction": label, "outputs": outputs}))
REST += [("GRU", [(5, 2, 3), (1, 12, 3), (1, 12, 4), (1, 24), None, (1, 2, 4)],
          {"hidden_size": 4, "linear_before_reset": 1, "outputs": 2}),
         ("LSTM", [(5, 2, 3), (1, 16, 3), (1, 16, 4), (1, 32), None, (1, 2, 4), (1, 2, 4), (1, 12)],
          {"hidden_size": 4, "outputs": 3, "clip": 0.5}),
         ("RNN", [(5, 2, 3), (1, 4, 3), (1, 4, 4)], {"hidden_size": 4, "activations": ["Relu"], "outputs": 2})]
OLD = [("Clip", [X], {"min": -0.5, "max": 0.7}), ("Dropout", [X], {"ratio": 0.3}), ("Pad", [X], {"pads": [0, 0, 1, 2, 0, 0, 0, 1], "value": 2.0}),
       ("ReduceSum", [X], {"axes": [1, 2]}), ("ReduceMean", [X], {"axes": [-1], "keepdims": 0}), ("Slice", [X], {"starts": [1, -2], "ends": [9, 4], "axes": [1, 3]}),
       ("Softmax", [X], {}), ("LogSoftmax", [X], {"axis": 2}), ("Hardmax", [(3, 4)], {}), ("Split", [X], {"axis": 1, "split": [1, 2], "outputs": 2}),
       ("Squeeze", [(2, 1, 3)], {"axes": [1]}), ("Unsqueeze", [(2, 3)], {"axes": [0, 3]}),
       ("Upsample", [(1, 2, 3, 3), [1.0, 1.0, 2.0, 2.0]], {"mode": "nearest"}), ("Upsample", [(1, 2, 3, 3), [1.0, 1.0, 2.0, 3.0]], {"mode": "linear"}),
       ("Gemm", [(3, 4), (4, 5), (5,)], {}), ("BatchNormalization", [X, within(0.5, 2, 3), (3,), (3,), within(0.5, 2, 3)], {}),
       ("MaxPool", [X], {"kernel_shape": [2, 2]}), ("Flatten", [X], {"axis": 2}), ("Cast", [X], {"to": TensorProto.INT64})]
OLDEST = [("Add", [X, (3,)], {"broadcast": 1, "axis": 1}), ("Mul", [X, (5, 4)], {"broadcast": 1}), ("Dropout", [X], {"is_test": 1}),
          ("PRelu", [X, (3,)], {}), ("Reshape", [X, [2, -1]], {}), ("Gemm", [(3, 4), (4, 5), (5,)], {"broadcast": 1})]
NEW = [("Mish", [X], {}), ("Gelu", [X], {}), ("Gelu", [X], {"approximate": "tanh"}), ("GroupNormalization", [(2, 6, 3, 2), (6,), (6,)], {"num_groups": 3}),
       ("LayerNormalization", [X, (4,), (4,)], {}), ("LayerNormalization", [X, (5, 4)], {"axis": 2, "epsilon": 0.01, "outputs": 3}),
       ("ReduceMax", [X, [1]], {}), ("ReduceMean", [X, [0, 2]], {"keepdims": 0}), ("ReduceL2", [X], {"noop_with_empty_axes": 0}),
       ("Split", [(2, 7)], {"axis": 1, "num_outputs": 3, "outputs": 3}), ("Pad", [X, [1, 2], None, [-1]], {}),
       ("Pad", [X, [0, 0, 1, 1, 0, 0, 1, 2]], {"mode": "wrap"}), ("Shape", [X], {"start": 1, "end": -1}),
       ("Resize", [(1, 2, 6, 6), None, [0.5, 0.4]], {"mode": "linear", "antialias": 1, "axes": [2, 3]}),
       ("Resize", [(1, 2, 6, 4), None, None, [3, 3]], {"mode": "linear", "axes": [2, 3], "keep_aspect_ratio_policy": "not_smaller"}),
       ("AveragePool", [X], {"kernel_shape": [2, 2], "dilations": [2, 1]}), ("Identity", [X], {})]
NEWEST = [("RMSNormalization", [X, (4,)], {}), ("Swish", [X], {"alpha": 1.5})]
TABLES = {6: OLDEST, 9: OLD, 17: UNARY + BINARY + SHAPES + WINDOWS + REDUCED + REST, 21: NEW, 24: NEWEST}


def cases(opset):
    """Nodes, initializers and outputs of all cases of a table."""
    seen = {}
    for op, inputs, attrs in TABLES[opset]:
        seen[op] = seen.get(op, 0) + 1
        label = f"{op}_{seen[op]}"
        draw, attrs = Draw(f"{opset} {label}"), dict(attrs)
        n_out = attrs.pop("outputs", 1)
        arrays = [None if spec is None else draw.make(spec) for spec in inputs]
        if op in ("GatherElements", "Gather", "GatherND"):
            arrays = [a if a.dtype != f32 or i == 0 else a.astype(i64) for i, a in enumerate(arrays)]
        names = ["" if a is None else f"{label}/in{i}" for i, a in enumerate(arrays)]
        outs = [label if i == 0 else f"{label}/out{i}" for i in range(n_out)]
        yield helper.make_node(op, names, outs, name=label, **attrs), dict(zip(names, arrays)), outs


def modern(node, tensors):
    """A case of operator set 6 as 9 says it: onnxruntime runs 7 and later."""
    attrs = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    axis = attrs.pop("axis", 1 if node.op_type == "PRelu" else None)
    b = tensors.get(node.input[1]) if len(node.input) > 1 else None
    if axis is not None and b is not None and b.ndim == 1:
        tensors = {**tensors, node.input[1]: b.reshape(b.shape + (1,) * (4 - axis - 1))}
    for old in "broadcast", "is_test":
        attrs.pop(old, None)
    return helper.make_node(node.op_type, node.input, node.output, name=node.name, **attrs), tensors


def expected(nodes, tensors, outs, opset):
    if opset == 6:
        node, tensors = modern(nodes[0], tensors)
        nodes, opset = [node], 9
    graph = helper.make_graph(nodes, "cases", [], [helper.make_value_info(o, onnx.TypeProto()) for o in outs],
                              [numpy_helper.from_array(a, n) for n, a in tensors.items()])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8 if opset < 22 else 10)
    model = onnx.shape_inference.infer_shapes(model)
    try:
        session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
        return session.run(None, {})
    except Exception as error:  # what onnxruntime has not: ONNX's own definition
        from onnx.reference import ReferenceEvaluator
        print(f"{nodes[0].name}: by onnx.reference ({str(error)[:90]})")
        return ReferenceEvaluator(model).run(None, {})


def main():
    os.makedirs(OUT, exist_ok=True)
    for opset in TABLES:
        nodes, tensors, outputs, results = [], {}, [], {}
        for node, arrays, outs in cases(opset):
            arrays.pop("", None)
            for name, array in zip(outs, expected([node], arrays, outs, opset)):
                results[f"expected/{name}"] = numpy.asarray(array)
            nodes.append(node)
            tensors.update(arrays)
            outputs += outs
        graph = helper.make_graph(nodes, "cases", [], [helper.make_value_info(o, onnx.TypeProto()) for o in outputs],
                                  [numpy_helper.from_array(a, n) for n, a in {**tensors, **results}.items()])
        model = helper.make_model(graph, producer_name="reference_onnx.py", ir_version=8 if opset < 22 else 10,
                                  opset_imports=[helper.make_opsetid("", opset)])
        onnx.save(model, os.path.join(OUT, f"opset{opset}.onnx"))
        print(f"opset {opset}: {len(nodes)} cases")


if __name__ == "__main__":
    main()
