#!/usr/bin/env python3
"""Writes tests/reference/losses.txt: what PyTorch computes for losses and embeddings; for
tests/test_losses.c. The format is reference.py's; classes stand among the numbers of "opts", as
NDIM d1 .. dNDIM values...

Usage: tools/reference_losses.py [OUTPUT]   (needs torch and numpy)
"""
import os
import sys

import numpy as np
import torch
import torch.nn.functional as F

sys.dont_write_bytecode = True
import reference
from reference import case, grid

REDUCTIONS = ["mean", "sum", "none", "batchmean"]
NO_CLASS = -1.0  # of pick, place, embedding


def classes(shape, c, ignore=None):
    t = torch.tensor(reference.random.integers(0, c, shape), dtype=torch.int64)
    if ignore is not None and t.numel() > 1:  # one that counts, and one that does not
        t.view(-1)[0], t.view(-1)[1] = (ignore + 1) % c, ignore
    return t


def numbers(t):
    return [t.dim(), *t.shape, *t.flatten().tolist()]


def weighted_cross_entropy(x, w, t, ignore, smoothing, reduction):
    """F.cross_entropy with a gradient for w, which PyTorch does not have."""
    axis = min(1, x.dim() - 1)
    p = x.log_softmax(axis).movedim(axis, -1)
    counts = (t != ignore).to(x.dtype)
    safe = torch.where(t == ignore, 0, t)
    picked = p.gather(-1, safe.unsqueeze(-1)).squeeze(-1)
    terms = (1 - smoothing) * w[safe] * picked + smoothing / len(w) * (p * w).sum(-1)
    y = -counts * terms
    if reduction == "sum":
        y = y.sum()
    if reduction == "mean":
        y = y.sum() / (counts * w[safe]).sum()
    theirs = F.cross_entropy(x, t, weight=w.detach(), ignore_index=ignore,
                             label_smoothing=smoothing, reduction=reduction)
    assert torch.allclose(y, theirs, rtol=1e-13, atol=1e-13, equal_nan=True)
    return y


def cross_entropies():
    rows = [("rows", (4, 3), (4,)), ("planes", (2, 3, 2, 2), (2, 2, 2)), ("sequences", (2, 5, 3),
            (2, 3)), ("one row", (5,), ()), ("wide", (1, 3, 70), (1, 70)), ("many", (9, 17), (9,))]
    for label, shape, target in rows:
        c = shape[min(1, len(shape) - 1)]
        for reduction in range(3):
            for ignore in (-100, 0, 2):
                for smoothing in (0, 0.25):
                    if len(shape) == 3 and (ignore == 2 or reduction == 2):
                        continue
                    name = f"{label} {REDUCTIONS[reduction]} {ignore} {smoothing}"
                    reference.seed("classes", name)
                    t = classes(target, c, None if ignore < 0 else ignore)
                    how = dict(ignore_index=ignore, label_smoothing=smoothing,
                               reduction=REDUCTIONS[reduction])
                    opts = [reduction, ignore, smoothing, *numbers(t)]
                    if t.numel() < 40:
                        case("cross_entropy", name, opts, lambda: [grid(shape)],
                             lambda x: F.cross_entropy(x, t, **how))
                    if len(shape) != 4 and t.numel() < 40 and (t != ignore).any():
                        case("weighted", name, opts, lambda: [grid(shape), grid((c,), 0.25, 2)],
                             lambda x, w: weighted_cross_entropy(x, w, t, ignore, smoothing,
                                                                 REDUCTIONS[reduction]))
    for reduction in range(3):
        for smoothing in (0, 0.25):
            opts = [reduction, -100, smoothing]
            name = f"{REDUCTIONS[reduction]} {smoothing}"
            for label, shape in [("rows", (4, 3)), ("planes", (2, 3, 2)), ("one row", (5,))]:
                c = shape[min(1, len(shape) - 1)]
                case("probabilities", f"{label} {name}", opts,
                     lambda: [grid(shape), grid(shape, 0, 1)],
                     lambda x, q: F.cross_entropy(x, q, label_smoothing=smoothing,
                                                  reduction=REDUCTIONS[reduction]))
                reference.seed("weights", label, name)
                w = grid((c,), 0.25, 2)
                case("weighted_probabilities", f"{label} {name}", [*opts, *w.tolist()],
                     lambda: [grid(shape), grid(shape, 0, 1)],
                     lambda x, q: F.cross_entropy(x, q, weight=w, label_smoothing=smoothing,
                                                  reduction=REDUCTIONS[reduction]))


def nll_losses():
    for label, shape, target in [("rows", (4, 3), (4,)), ("planes", (2, 3, 2, 2), (2, 2, 2)),
                                 ("one row", (5,), ())]:
        c = shape[min(1, len(shape) - 1)]
        for reduction in range(3):
            for ignore in (-100, 0):
                name = f"{label} {REDUCTIONS[reduction]} {ignore}"
                reference.seed("classes and weights", name)
                t = classes(target, c, None if ignore < 0 else ignore)
                w = grid((c,), 0.25, 2)
                opts = [reduction, ignore, *numbers(t)]
                how = dict(ignore_index=ignore, reduction=REDUCTIONS[reduction])
                case("nll_loss", name, opts, lambda: [grid(shape)],
                     lambda x: F.nll_loss(x, t, **how))
                case("weighted_nll_loss", name, [c, *w.tolist(), *opts], lambda: [grid(shape)],
                     lambda x: F.nll_loss(x, t, weight=w, **how))


def elementwise(op, function, extra=(), low=-2.0, high=2.0, t_low=-2.0, t_high=2.0, most=3):
    """With opts: reduction, extra numbers."""
    for label, shape in [("matrix", (3, 5)), ("number", ()), ("odd", (17,)), ("empty", (0, 3))]:
        for reduction in range(most):
            if reduction == 3 and not shape:
                continue
            if label == "empty" and reduction in (0, 3):
                continue
            name = " ".join([label, REDUCTIONS[reduction], *map(str, extra)])
            case(op, name, [reduction, *extra],
                 lambda: [grid(shape, low, high), grid(shape, t_low, t_high)],
                 lambda x, t: function(x, t, reduction=REDUCTIONS[reduction]))


def elementwise_losses():
    elementwise("mse_loss", F.mse_loss)
    elementwise("l1_loss", F.l1_loss)
    for s in (1, 0.3, 2.25):
        elementwise("smooth_l1_loss", lambda x, t, reduction:
                    F.smooth_l1_loss(x, t, beta=s, reduction=reduction), [s])
        elementwise("huber_loss", lambda x, t, reduction:
                    F.huber_loss(x, t, delta=s, reduction=reduction), [s])
    for label, shape in [("matrix", (3, 5)), ("number", ()), ("odd", (17,)), ("empty", (0, 3))]:
        for dy in [shape, ()]:
            for delta in (0.75, float("inf")):
                case("huber_loss_dx", f"{label} {dy} {delta}", [delta],
                     lambda: [grid(dy), grid(shape), grid(shape)],
                     lambda dy, x, t: dy * (x - t).clamp(-delta, delta))
    elementwise("binary_cross_entropy", F.binary_cross_entropy, [], 0.25, 0.75, 0, 1)
    elementwise("binary_cross_entropy_with_logits", F.binary_cross_entropy_with_logits, [], -2, 2, 0, 1)
    for log_target in (0, 1):
        low = -2 if log_target else 0.25
        elementwise("kl_div", lambda x, t, reduction:
                    F.kl_div(x, t, log_target=bool(log_target), reduction=reduction),
                    [log_target], -2, 0, low, 1, 4)
    # For certain and wrong probabilities there is no reference: PyTorch's loss is bounded, but its
    # gradient in the target is infinite, where gradtape's is that of the bounded loss.
    far = torch.tensor([-700, 700, -700, 700.0, 0], dtype=torch.float64)
    case("binary_cross_entropy_with_logits", "far", [2], [far, torch.tensor([0, 0, 1, 1, 0.5]).double()],
         lambda x, t: F.binary_cross_entropy_with_logits(x, t, reduction="none"))
    weighted_losses()


def weighted_logits(x, t, w, p, reduction):
    """F.binary_cross_entropy_with_logits with gradients for its weights, which PyTorch lacks."""
    theirs = F.binary_cross_entropy_with_logits(x, t, weight=w.detach(), pos_weight=p.detach(),
                                                reduction=reduction)
    terms = p * t * F.logsigmoid(x) + (1 - t) * F.logsigmoid(-x)
    y = reduced(-w * terms, reduction)
    assert torch.allclose(y, theirs, rtol=1e-13, atol=1e-13)
    return y


def weighted_losses():
    one = torch.ones((), dtype=torch.float64)
    for reduction in range(3):
        name = REDUCTIONS[reduction]
        for shape in [(3, 4), (4,), (3, 1), ()]:
            label = f"{name} {shape}".replace(" ", "_")
            reference.seed("inputs", label)
            inputs = [grid((3, 4)), grid((3, 4), 0, 1), grid(shape, 0.25, 2)]
            case("weighted_bce", label, [reduction],
                 lambda: [grid((3, 4), 0.25, 0.75), *inputs[1:]],
                 lambda x, t, w: reduced(F.binary_cross_entropy(x, t, reduction="none") * w, name))
            case("weighted_logits", label, [reduction], inputs,
                 lambda x, t, w: weighted_logits(x, t, w, one, name))
            case("pos_weight", label, [reduction], inputs,
                 lambda x, t, p: weighted_logits(x, t, one, p, name))
            case("both_weights", label, [reduction], lambda: [*inputs, grid((4,), 0.25, 2)],
                 lambda x, t, w, p: weighted_logits(x, t, w, p, name))


def reduced(y, reduction):
    return {"mean": torch.mean, "sum": torch.sum, "none": lambda y: y}[reduction](y)


def choices():
    for label, v, d, shape in [("vector", 5, 3, (7,)), ("matrix", 4, 2, (2, 3)), ("one", 3, 4, ()),
                               ("none", 3, 2, (0,)), ("wide", 3, 130, (4,)), ("cube", 2, 1,
                               (2, 2, 3))]:
        for padding in (NO_CLASS, 0, 1):
            name = f"{label} {padding}"
            reference.seed("classes", name)
            t = classes(shape, v, 1)
            index = None if padding < 0 else int(padding)
            case("embedding", name, [padding, *numbers(t)], lambda: [grid((v, d))],
                 lambda w: F.embedding(t, w, padding_idx=index))

            def dw(dy):
                kept = dy * (t != padding).unsqueeze(-1)
                return torch.zeros(v, d, dtype=dy.dtype).index_add(0, t.flatten(),
                                                                   kept.reshape(-1, d))

            case("embedding_dw", name, [padding, v, *numbers(t)], lambda: [grid((*shape, d))], dw)
    for label, shape, axis in [("rows", (5, 3), 1), ("columns", (3, 4), 0), ("middle", (2, 3, 4), 1),
                               ("vector", (4,), 0), ("from the end", (2, 2, 3), -1)]:
        for skip in (NO_CLASS, 0, 2):
            rest = list(shape)
            del rest[axis]
            name = f"{label} {skip}"
            reference.seed("places", name)
            t = classes(tuple(rest), shape[axis])
            keep = (t != skip).to(torch.float64)

            def pick(x):
                return x.gather(axis, t.unsqueeze(axis)).squeeze(axis) * keep

            def place(y):
                zeros = torch.zeros(shape, dtype=y.dtype)
                return zeros.scatter(axis, t.unsqueeze(axis), (y * keep).unsqueeze(axis))

            case("pick", name, [axis, skip, *numbers(t)], lambda: [grid(shape)], pick)
            case("place", name, [axis, shape[axis], skip, *numbers(t)], lambda: [grid(tuple(rest))],
                 place)
    reference.seed("classes")
    t = classes((3, 4), 5, 2)
    case("class_weights", "matrix", [2, *numbers(t)], lambda: [grid((5,))],
         lambda w: w[t] * (t != 2))


def focal(x, t, alpha, gamma, reduction):
    """As torchvision.ops.sigmoid_focal_loss."""
    p = torch.sigmoid(x)
    right = p * t + (1 - p) * (1 - t)
    y = F.binary_cross_entropy_with_logits(x, t, reduction="none") * (1 - right) ** gamma
    if alpha >= 0:
        y = (alpha * t + (1 - alpha) * (1 - t)) * y
    return y.mean() if reduction == "mean" else y.sum() if reduction == "sum" else y


def dice(x, t, smooth, reduction):
    x, t = x.flatten(1), t.flatten(1)
    y = 1 - (2 * (x * t).sum(1) + smooth) / (x.sum(1) + t.sum(1) + smooth)
    return y.mean() if reduction == "mean" else y.sum() if reduction == "sum" else y


def distances():
    for reduction in range(3):
        how = REDUCTIONS[reduction]
        for label, shape, margin, p, swap in [("rows", (4, 3), 1, 2, 0), ("p=1", (3, 5), 0.5, 1, 1),
                                              ("p=3", (3, 5), 2, 3, 0), ("swap", (4, 3), 3, 2, 1)]:
            case("triplet_margin_loss", f"{label} {how}", [reduction, margin, p, swap],
                 lambda: [grid(shape) for _ in range(3)],
                 lambda a, b, c: F.triplet_margin_loss(a, b, c, margin, p, swap=bool(swap),
                                                       reduction=how))
        for label, shape, margin in [("rows", (4, 3), 1), ("vector", (7,), 0.5)]:
            case("hinge_embedding_loss", f"{label} {how}", [reduction, margin],
                 lambda: [grid(shape), grid(shape) + 0.125],
                 lambda x, t: F.hinge_embedding_loss(x, t.sign(), margin, reduction=how))
        for label, shape, alpha, gamma in [("rows", (4, 3), 0.25, 2), ("vector", (7,), 0.75, 1.5),
                                           ("no alpha", (2, 3), -1, 3)]:
            case("sigmoid_focal_loss", f"{label} {how}", [reduction, alpha, gamma],
                 lambda: [grid(shape), grid(shape, 0, 1)], lambda x, t: focal(x, t, alpha, gamma, how))
        for label, shape, smooth in [("rows", (4, 3), 1), ("images", (2, 1, 3, 3), 0.5)]:
            case("dice_loss", f"{label} {how}", [reduction, smooth],
                 lambda: [grid(shape, 0.25, 1), grid(shape, 0, 1)],
                 lambda x, t: dice(x, t, smooth, how))


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    path = sys.argv[1] if len(sys.argv) > 1 else os.path.join(here, "../tests/reference/losses.txt")
    for part in (cross_entropies, nll_losses, elementwise_losses, choices, distances):
        part()
    with open(path, "w") as out:
        out.write(f"# made by tools/reference_losses.py with torch {torch.__version__}, "
                  f"numpy {np.__version__}\n")
        out.write("\n".join(reference.lines) + "\n")


if __name__ == "__main__":
    main()
