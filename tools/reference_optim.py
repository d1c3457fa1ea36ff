#!/usr/bin/env python3
"""Writes tests/reference/optim.txt: what PyTorch's optimizers and schedules do; for
tests/test_optim_rules.c and tests/test_schedule.c.

A case of an optimizer is a line "case RULE DTYPE", a line "opts N v1 .. vN" (options whose order
the test's table of callers knows; 0 is the default, -0 zero itself) and a line "w N values": the
three weights after each of ten steps. The loss is sum(slope * w^2) from the same start.

A case of a schedule is a line "case NAME LABEL", the same line of options, and a line "lr N
values": the optimizer's rate, that of a group with its own, and the momentum, before and after each
of thirty steps.

Usage: tools/reference_optim.py [OUTPUT]   (needs torch)
"""
import math
import os
import sys
import warnings

import torch
from torch.optim import lr_scheduler as schedules

START, SLOPE = [0.5, -2.5, 2.0], [-0.5, 0.1, -0.125]
STEPS, EPOCHS = 10, 30
lines = []


def write(name, values):
    lines.append(f"{name} {len(values)} {' '.join('%.17g' % v for v in values)}".rstrip())


def number(value):
    """An option as the test reads it: None is the default."""
    return 0.0 if value is None else -0.0 if value is not False and value == 0 else float(value)


# --- optimizers ---

class Lion(torch.optim.Optimizer):
    """As in the paper's listing."""

    def __init__(self, params, lr=1e-4, betas=(0.9, 0.99), weight_decay=0.0, maximize=False):
        super().__init__(params, dict(lr=lr, betas=betas, weight_decay=weight_decay,
                                      maximize=maximize))

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            beta1, beta2 = group["betas"]
            for p in group["params"]:
                m = self.state[p].setdefault("exp_avg", torch.zeros_like(p))
                g = -p.grad if group["maximize"] else p.grad
                p.mul_(1 - group["lr"] * group["weight_decay"])
                p.add_(torch.sign(m * beta1 + g * (1 - beta1)), alpha=-group["lr"])
                m.mul_(beta2).add_(g, alpha=1 - beta2)


ADAM = ["lr", "beta1", "beta2", "eps", "weight_decay", "amsgrad", "maximize",
        "decoupled_weight_decay"]
RULES = {
    "sgd": (torch.optim.SGD,
            ["lr", "momentum", "dampening", "weight_decay", "nesterov", "maximize"],
            [dict(maximize=True), dict(momentum=0.9, weight_decay=0.1, maximize=True)]),
    "adam": (torch.optim.Adam, ADAM,
             [dict(), dict(lr=0.1), dict(lr=0.1, weight_decay=0.1), dict(lr=0.1, amsgrad=True),
              dict(lr=0.1, betas=(0.0, 0.5), eps=1e-3), dict(lr=0.1, betas=(0.5, 0.0)),
              dict(lr=0.03, maximize=True, weight_decay=0.3, amsgrad=True),
              dict(lr=0.1, weight_decay=0.1, decoupled_weight_decay=True)]),
    "adamw": (torch.optim.AdamW, ADAM[:7],
              [dict(), dict(lr=0.1), dict(lr=0.1, weight_decay=0.5),
               dict(lr=0.1, weight_decay=0.0), dict(lr=0.03, amsgrad=True, maximize=True)]),
    "nadam": (torch.optim.NAdam,
              ["lr", "beta1", "beta2", "eps", "weight_decay", "momentum_decay",
               "decoupled_weight_decay", "maximize"],
              [dict(), dict(lr=0.1, weight_decay=0.1), dict(lr=0.1, momentum_decay=0.0),
               dict(lr=0.1, betas=(0.8, 0.9), momentum_decay=0.1),
               dict(lr=0.03, weight_decay=0.1, decoupled_weight_decay=True, maximize=True)]),
    "radam": (torch.optim.RAdam,
              ["lr", "beta1", "beta2", "eps", "weight_decay", "decoupled_weight_decay",
               "maximize"],
              [dict(), dict(lr=0.1, weight_decay=0.1), dict(lr=0.1, betas=(0.8, 0.9)),
               dict(lr=0.1, weight_decay=0.1, decoupled_weight_decay=True),
               dict(lr=0.03, betas=(0.5, 0.6), eps=1e-3, maximize=True)]),
    "rmsprop": (torch.optim.RMSprop,
                ["lr", "alpha", "eps", "weight_decay", "momentum", "centered", "maximize"],
                [dict(), dict(alpha=0.5, weight_decay=0.1), dict(momentum=0.9),
                 dict(centered=True, alpha=0.9),
                 dict(centered=True, momentum=0.5, weight_decay=0.1, alpha=0.9, eps=1e-4),
                 dict(alpha=0.0, maximize=True)]),
    "adagrad": (torch.optim.Adagrad,
                ["lr", "lr_decay", "weight_decay", "initial_accumulator_value", "eps",
                 "maximize"],
                [dict(), dict(lr=0.1, lr_decay=0.1), dict(lr=0.1, weight_decay=0.1),
                 dict(lr=0.1, initial_accumulator_value=0.5), dict(lr=0.1, eps=0.0),
                 dict(lr=0.1, maximize=True, eps=1e-2)]),
    "adadelta": (torch.optim.Adadelta, ["lr", "rho", "eps", "weight_decay", "maximize"],
                 [dict(), dict(lr=5.0, rho=0.5), dict(eps=1e-3, weight_decay=0.1),
                  dict(rho=0.0), dict(lr=0.3, eps=1e-2, maximize=True)]),
    "lion": (Lion, ["lr", "beta1", "beta2", "weight_decay", "maximize"],
             [dict(), dict(lr=0.05), dict(lr=0.05, weight_decay=0.1),
              dict(lr=0.05, betas=(0.0, 0.5)), dict(lr=0.3, betas=(0.5, 0.9), maximize=True),
              dict(lr=0.05, maximize=True)]),
}


def optimizer_case(rule, dtype, options):
    make, names, _ = RULES[rule]
    torch.set_default_dtype(dtype)
    w = torch.tensor(START, requires_grad=True)
    optimizer = make([w], **options)
    slope, path = torch.tensor(SLOPE), []
    for _ in range(STEPS):
        optimizer.zero_grad()
        (slope * w * w).sum().backward()
        optimizer.step()
        path += w.tolist()
    named = dict(options)
    if "betas" in named:
        named["beta1"], named["beta2"] = named.pop("betas")
    lines.append(f"case {rule} {'f32' if dtype == torch.float32 else 'f64'}")
    write("opts", [number(named.get(name)) for name in names])
    write("w", path)


# --- schedules ---

def metric(epoch):
    """Falls, rests, falls by little, rises."""
    return (4.0 - 0.5 * epoch if epoch < 5 else 1.5 if epoch < 14 else
            1.5 - 1e-5 * epoch if epoch < 20 else 1.4 + 0.1 * (epoch - 20))


def one_cycle(o, v):
    return schedules.OneCycleLR(
        o, v[0], total_steps=int(v[1]), pct_start=v[2], div_factor=v[3], final_div_factor=v[4],
        anneal_strategy="linear" if v[5] else "cos", three_phase=bool(v[6]),
        cycle_momentum=not v[7])


def warmed_up(o, _):
    return schedules.SequentialLR(o, [schedules.LinearLR(o, 0.1, total_iters=5),
                                      schedules.CosineAnnealingLR(o, 10),
                                      schedules.StepLR(o, 3)], [5, 16])


def restarting(o, _):
    return schedules.SequentialLR(o, [schedules.ConstantLR(o, 0.5, total_iters=3),
                                      schedules.CosineAnnealingWarmRestarts(o, 4, 2),
                                      schedules.LambdaLR(o, lambda e: 0.95 ** e),
                                      schedules.MultiStepLR(o, [2, 3])], [4, 15, 24])


def chained(o, _):
    return schedules.ChainedScheduler([schedules.ConstantLR(o, 0.25, total_iters=4),
                                       schedules.ExponentialLR(o, 0.9),
                                       schedules.StepLR(o, 10, 0.5)])


def crossed(o, _):
    """The cosine makes the rate negative, since the steps take it away below its way."""
    return schedules.ChainedScheduler([schedules.CosineAnnealingLR(o, 8, 0.05),
                                       schedules.StepLR(o, 5, 0.25)])


def plateau(o, v):
    return schedules.ReduceLROnPlateau(
        o, mode="max" if v[0] else "min", factor=v[1], patience=int(v[2]), threshold=v[3],
        threshold_mode="abs" if v[4] else "rel", cooldown=int(v[5]), min_lr=v[6], eps=v[7])


SCHEDULES = {
    "step": (lambda o, v: schedules.StepLR(o, int(v[0]), v[1]), [[4, 0.1], [7, 0.5]]),
    "multi_step": (lambda o, v: schedules.MultiStepLR(o, [int(m) for m in v[1:]], v[0]),
                   [[0.5, 3, 9, 20], [0.1, 5, 5, 12]]),
    "exponential": (lambda o, v: schedules.ExponentialLR(o, v[0]), [[0.9]]),
    "constant": (lambda o, v: schedules.ConstantLR(o, v[0], int(v[1])), [[1 / 3, 5], [0.5, 12]]),
    "linear": (lambda o, v: schedules.LinearLR(o, v[0], v[1], int(v[2])),
               [[1 / 3, 1, 5], [0.01, 0.5, 12], [1, 0, 10]]),
    "polynomial": (lambda o, v: schedules.PolynomialLR(o, int(v[0]), v[1]), [[5, 1], [25, 2.5]]),
    "cosine": (lambda o, v: schedules.CosineAnnealingLR(o, int(v[0]), v[1]),
               [[30, 0], [7, 0.01], [1, 0.01]]),
    "cosine_restarts": (
        lambda o, v: schedules.CosineAnnealingWarmRestarts(o, int(v[0]), int(v[1]), v[2]),
        [[7, 1, 0], [3, 2, 0.01], [1, 3, 0]]),
    "one_cycle": (one_cycle, [[0.5, 30, 0.3, 25, 1e4, 0, 0, 0], [0.5, 40, 0.25, 10, 100, 1, 0, 0],
                              [0.5, 31, 0.4, 25, 1e4, 0, 1, 0], [0.5, 30, 0.0, 25, 1e4, 0, 0, 1]]),
    "lambda": (lambda o, v: schedules.LambdaLR(o, lambda e: v[0] ** e), [[0.95]]),
    "plateau": (plateau, [[0, 0.1, 2, 1e-4, 0, 0, 0, 1e-8], [0, 0.5, 0, 0.01, 1, 2, 0.01, 1e-8],
                          [1, 0.5, 3, 1e-4, 0, 1, 0, 0.01], [1, 0.5, 1, 0.5, 1, 0, 0, 0]]),
    "warmed_up": (warmed_up, [[]]),
    "restarting": (restarting, [[]]),
    "chained": (chained, [[]]),
    "crossed": (crossed, [[]]),
}


def schedule_case(name, options):
    a, b = (torch.zeros(1, requires_grad=True) for _ in range(2))
    optimizer = torch.optim.SGD([{"params": [a]}, {"params": [b], "lr": 0.25}], lr=0.1,
                                momentum=0.9)
    schedule = SCHEDULES[name][0](optimizer, options)
    path = []
    for epoch in range(EPOCHS + 1):
        own, group = optimizer.param_groups
        path += [own["lr"], group["lr"], own["momentum"]]
        optimizer.step()
        if epoch < EPOCHS:
            schedule.step(*([metric(epoch)] if name == "plateau" else []))
    lines.append(f"case {name} schedule")
    write("opts", [number(v) for v in options])
    write("lr", path)


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    path = sys.argv[1] if len(sys.argv) > 1 else os.path.join(here, "../tests/reference/optim.txt")
    warnings.simplefilter("ignore")
    for rule, (_, _, cases) in RULES.items():
        for dtype in (torch.float32, torch.float64):
            for options in cases:
                optimizer_case(rule, dtype, options)
    torch.set_default_dtype(torch.float64)
    for name, (_, cases) in SCHEDULES.items():
        for options in cases:
            schedule_case(name, options)
    assert all(math.isfinite(float(v)) for line in lines if line[0] in "wl"
               for v in line.split()[2:])
    with open(path, "w") as out:
        out.write(f"# made by tools/reference_optim.py with torch {torch.__version__}\n")
        out.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
