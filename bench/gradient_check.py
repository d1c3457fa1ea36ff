"""The gradient check of a small network

In f64, of the parameters (410) and the input (2 images of 8 x 8) of a convolution, tanh, mean pooling and a
linear layer: every entry of the Jacobian, and random projections of it. PyTorch's is
`torch.autograd.gradcheck`, which checks less.
"""
from side_by_side import Row, torch

PLACE = 10


def check(fast):
    nn = torch.nn
    net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.Tanh(), nn.AvgPool2d(2), nn.Flatten(),
                        nn.Linear(36, 10)).double()
    x = torch.randn(2, 1, 8, 8, dtype=torch.float64, requires_grad=True)
    names = [name for name, _ in net.named_parameters()]

    def function(*inputs):
        return torch.func.functional_call(net, dict(zip(names, inputs)), (inputs[-1],))
    inputs = (*net.parameters(), x)
    return lambda: torch.autograd.gradcheck(function, inputs, fast_mode=fast)


def check_large(function, *shapes, fast):
    inputs = tuple(torch.randn(shape, dtype=torch.float64, requires_grad=True) for shape in shapes)
    return lambda: torch.autograd.gradcheck(function, inputs, fast_mode=fast)


def rows(quick):
    for name, fast in ("full", False), ("fast", True):
        yield Row(f"gradient check, {name}", ["gradient_check"], {"eager": lambda fast=fast: check(fast)},
                  pick=name)
    yield Row("gradient check, tanh of 10^6 elements, fast", ["gradient_check"],
              {"eager": lambda: check_large(torch.tanh, 1000000, fast=True)}, pick="tanh of a million")
    yield Row("gradient check, product of 20,000 inputs, full", ["gradient_check"],
              {"eager": lambda: check_large(torch.matmul, (2, 5000), (5000, 2), fast=False)},
              pick="product")
