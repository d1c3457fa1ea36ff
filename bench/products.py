"""Matrix products

Square, odd, thin, tiny and batched ones, plain (N) and transposed (T) operands: batches x m x n x k; and single
ones over OpenBLAS, where that is installed. It may take a processor that it does not know for an old one;
OPENBLAS_CORETYPE=SkylakeX or Haswell in the environment says otherwise.
"""
import ctypes.util
import functools

from side_by_side import Row, torch

PLACE = 7
ALL, SOME = ("NN", "NT", "TN", "TT"), ("NN", "NT", "TN")
# batches, m, n, k, forms, whether every batch has a b of its own
SQUARE = [(1, n, n, n, ALL, 0) for n in (128, 256, 512, 1024)] + [(1, 2048, 2048, 2048, ("NN",), 0)]
ODD = [(1, n, n, n, SOME, 0) for n in (33, 63, 100, 127, 257, 300, 511)]
THIN = [(1, m, 1024, 1024, ALL, 0) for m in (1, 2, 4, 8, 16)]
THIN += [(1, 1024, n, 1024, ALL, 0) for n in (1, 2, 4, 8, 10, 16)]
THIN += [(1, 1024, 1024, k, ALL, 0) for k in (1, 2, 4, 8, 16)]
LAYERS = [(1, b, 128, 784, ("NT",), 0) for b in (1, 16, 64, 256)]
LAYERS += [(1, b, 10, 128, ("NT",), 0) for b in (1, 16, 64, 256)]
LAYERS += [(1, 128, 784, b, ("TN",), 0) for b in (1, 16, 64, 256)]
LAYERS += [(1, b, 128, 10, ("NN",), 0) for b in (1, 16, 64, 256)]
TINY = [(1, n, n, n, ALL, 0) for n in (4, 8, 16, 24, 32, 48, 64)]
BATCHES = [(1 << 16 >> 2 * i, 4 << i, 4 << i, 4 << i, ALL, 1) for i in range(6)]
BATCHES += [(96, 128, 128, 64, ("NT",), 1), (96, 128, 64, 128, ("NN",), 1),
            (8, 512, 512, 64, ("NT",), 1), (8, 512, 64, 512, ("NN",), 1),
            (32, 64, 64, 64, SOME, 0), (32, 64, 512, 64, ("NN",), 0)]


def product(batches, m, n, k, form, own, dtype):
    dtype = {"f32": torch.float32, "f64": torch.float64}[dtype]

    def operand(count, transposed, rows, columns):
        shape = (columns, rows) if transposed else (rows, columns)
        x = torch.randn(*((count,) if count > 1 else ()), *shape, dtype=dtype)
        return x.transpose(-1, -2) if transposed else x

    a, b = operand(batches, form[0] == "T", m, k), operand(batches if own else 1, form[1] == "T", k, n)

    def turn():
        with torch.no_grad():
            a @ b
    return turn


def over_openblas():
    """Rows for what src/kernels/kernels.c chooses."""
    if not ctypes.util.find_library("openblas"):
        return
    for dtype in ("f32", "f64"):
        for *sizes, forms, own in SQUARE + ODD + THIN + LAYERS + TINY:
            word = ",".join(map(str, (*sizes, forms[0], own)))
            yield Row(f"{word} {dtype} over OpenBLAS", ["products", dtype, "-"],
                      {"OpenBLAS": {"GRADTAPE_BLAS": "openblas"}}, asked=word, dtype=dtype, brief=True)


def rows(quick):
    if not quick:
        yield from over_openblas()
    shapes = SQUARE[1:4] if quick else SQUARE + ODD + THIN + LAYERS + TINY + BATCHES
    for dtype in ("f32",) if quick else ("f32", "f64"):
        for *sizes, forms, own in shapes:
            for form in forms[:1] if quick else forms:
                batches, m, n, k = sizes
                word = ",".join(map(str, (*sizes, form, own)))
                yield Row(f"{word} {dtype}", ["products", dtype, "-"],
                          {"eager": functools.partial(product, *sizes, form, own, dtype)}, asked=word,
                          flop=2 * batches * m * n * k, dtype=dtype, brief=True,
                          threads=(1, 2) if m * n * k >= 1 << 24 else (1,))
