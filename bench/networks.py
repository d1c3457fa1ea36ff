"""Networks

Training steps (forward, cross entropy, backward, SGD with momentum) and forward passes in evaluation mode, with
PyTorch's fused SGD and its ReLUs in place. The learning rate is 1e-6: a network that has learned its only batch
has gradients in denormal numbers, which cost either side up to a hundred times as much. The MLP is 784-128-10;
LeNet the book's, with sigmoids and mean pooling, and one with ReLU and max pooling; "cifar" has six
convolutions of 32 to 128 channels with batch norm; ResNet-18 and MobileNetV2 are those for images of 32 x 32.
Memory is the most that tensors took: parameters, gradients, momentum, activations, what is in between and, of
ours alone, the scratch of kernels. "recomputed" is with gt_set_recomputing, which takes some of the time to
save memory.
"""
import functools
import gc

from side_by_side import Row, torch

PLACE = 3
LR = 1e-6  # as in networks.c
nn = torch.nn if torch else None


# --- the twins of src/cli/networks.c ---


def mlp():
    return [nn.Flatten(), nn.Linear(784, 128), nn.ReLU(inplace=True), nn.Linear(128, 10)]


def lenet(activation=lambda: nn.Sigmoid(), pool=lambda: nn.AvgPool2d(2, 2)):
    return [nn.Conv2d(1, 6, 5, padding=2), activation(), pool(), nn.Conv2d(6, 16, 5), activation(),
            pool(), nn.Flatten(), nn.Linear(400, 120), activation(), nn.Linear(120, 84), activation(),
            nn.Linear(84, 10)]


def relu_lenet():
    return lenet(lambda: nn.ReLU(inplace=True), lambda: nn.MaxPool2d(2, 2))


def conv(channels_in, channels, kernel, stride, groups=1):
    return [nn.Conv2d(channels_in, channels, kernel, stride, kernel // 2, groups=groups, bias=False),
            nn.BatchNorm2d(channels)]


def cifar():
    layers, channels = [], 3
    for wide in 32, 64, 128:
        layers += conv(channels, wide, 3, 1) + [nn.ReLU(inplace=True)]
        layers += conv(wide, wide, 3, 1) + [nn.ReLU(inplace=True), nn.MaxPool2d(2, 2)]
        channels = wide
    return layers + [nn.Flatten(), nn.Linear(2048, 10)]


def residual(body, shortcut=()):
    class Residual(nn.Module):
        def __init__(self):
            super().__init__()
            self.body, self.shortcut = nn.Sequential(*body), nn.Sequential(*shortcut)

        def forward(self, x):
            return self.body(x) + self.shortcut(x)
    return Residual()


def resnet18_cifar():
    def block(channels_in, channels, stride):
        body = (conv(channels_in, channels, 3, stride) + [nn.ReLU(inplace=True)] +
                conv(channels, channels, 3, 1))
        shortcut = conv(channels_in, channels, 1, stride) if stride > 1 else ()
        return [residual(body, shortcut), nn.ReLU(inplace=True)]
    layers, channels = conv(3, 64, 3, 1) + [nn.ReLU(inplace=True)], 64
    for wide, stride in (64, 1), (128, 2), (256, 2), (512, 2):
        layers += block(channels, wide, stride) + block(wide, wide, 1)
        channels = wide
    return layers + [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 10)]


def mobilenet_v2():
    def inverted(channels_in, channels, stride, expand):
        wide = channels_in * expand
        body = conv(channels_in, wide, 1, 1) + [nn.ReLU6(inplace=True)] if expand > 1 else []
        body += conv(wide, wide, 3, stride, wide) + [nn.ReLU6(inplace=True)] + conv(wide, channels, 1, 1)
        return [residual(body)] if stride == 1 and channels_in == channels else body
    layers, channels = conv(3, 32, 3, 1) + [nn.ReLU6(inplace=True)], 32
    for expand, wide, n, stride in ((1, 16, 1, 1), (6, 24, 2, 1), (6, 32, 3, 2), (6, 64, 4, 2),
                                    (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)):
        for i in range(n):
            layers += inverted(channels, wide, 1 if i else stride, expand)
            channels = wide
    return layers + conv(320, 1280, 1, 1) + [nn.ReLU6(inplace=True), nn.AdaptiveAvgPool2d(1),
                                             nn.Flatten(), nn.Linear(1280, 10)]


# --- what is timed ---


def turn_of(make, batch, what, mode):
    torch.manual_seed(0)
    module, side = nn.Sequential(*make()), (1, 28) if make in (mlp, lenet, relu_lenet) else (3, 32)
    x, labels = torch.randn(batch, side[0], side[1], side[1]), torch.zeros(batch, dtype=torch.int64)
    module.train(what == "step")
    if mode != "eager" and side[0] > 1:
        module, x = (t.to(memory_format=torch.channels_last) for t in (module, x))
    if mode == "compile":
        torch._dynamo.reset()
        module = torch.compile(module)
    sgd = torch.optim.SGD(module.parameters(), lr=LR, momentum=0.9, fused=True)

    def step():
        sgd.zero_grad()
        nn.functional.cross_entropy(module(x), labels).backward()
        sgd.step()

    def forward():
        with torch.no_grad():
            module(x)
    return step if what == "step" else forward


def peak(make, batch, what):
    """The most bytes of tensors at a time, in MB: the sum of what the allocator was asked for."""
    gc.collect()  # what another row has left must not go while this one is measured
    with torch.profiler.profile(profile_memory=True) as profile:
        turn = turn_of(make, batch, what, "eager")
        for _ in range(2):
            turn()
    live = most = 0
    events = [event for event in profile.profiler.kineto_results.events() if event.name() == "[memory]"]
    for event in sorted(events, key=lambda event: event.start_ns()):
        live += event.nbytes()
        most = max(most, live)
    return [most / 1e6]


def network_rows(make, batches, what="step", threads=(1, 2)):
    images = make not in (mlp, lenet, relu_lenet)
    modes = ("eager", "channels_last", "compile") if images else ("eager", "compile")
    for batch in batches:
        yield Row(f"{make.__name__} {what}, batch {batch}", ["networks", make.__name__, batch, what],
                  {mode: functools.partial(turn_of, make, batch, what, mode) for mode in modes},
                  threads=threads, items=batch)


def memory_rows(make, batch):
    for what, *way in (("step", "step"), ("step", "step", "recomputed"), ("step", "replay"),
                       ("step", "replay", "recomputed"), ("forward", "forward")):
        yield Row(f"{make.__name__} {', '.join(way)}, memory, batch {batch}",
                  ["networks", make.__name__, batch, *way],
                  {"eager": functools.partial(peak, make, batch, what)}, unit="MB", pick="peak")


def rows(quick):
    if quick:
        yield from network_rows(mlp, (64,), threads=(1,))
        yield from network_rows(relu_lenet, (64,), threads=(1,))
        yield from network_rows(resnet18_cifar, (32,), threads=(1,))
        return
    for make in mlp, lenet, relu_lenet:
        yield from network_rows(make, (1, 64, 256) if make is mlp else (1, 16, 64, 256))
    yield from network_rows(cifar, (128,))
    for make in resnet18_cifar, mobilenet_v2:
        yield from network_rows(make, (32, 128))
        yield from network_rows(make, (1, 32), "forward")
    for make in resnet18_cifar, mobilenet_v2, relu_lenet:
        yield from memory_rows(make, 32)
