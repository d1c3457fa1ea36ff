"""LeNet learns to read digits

Seconds of training until 98 % of the test images are read: `examples/lenet.c` and the same network and loop in
PyTorch, from the same seed, in batches of 32, with a loader of its own for each (PyTorch's also with batches
taken by index from one tensor, which is faster). The images are those of `data/mnist` (`tools/get-data mnist`),
or of the folder that BENCH_MNIST names.
"""
import gzip
import os
import re
import subprocess
import time

from side_by_side import Row, torch

PLACE = 4
EPOCHS, BATCH, LR, GOAL, SEEDS = 20, 32, 0.03, 0.98, (1, 2, 3)
HERE = os.path.dirname(os.path.abspath(__file__))
FOLDER = os.environ.get("BENCH_MNIST") or os.path.join(HERE, "..", "data", "mnist")
nn = torch.nn if torch else None


def ours(seed, bench, threads):
    """Without shifted images, which the twin has not."""
    words = [os.path.join(bench.build, "examples", "lenet"), "--data", FOLDER, "--shift", 0, "--epochs",
             EPOCHS, "--batch", BATCH, "--lr", LR, "--seed", seed]
    out = subprocess.run([str(word) for word in words], capture_output=True, text=True,
                         env={**os.environ, "GRADTAPE_THREADS": str(threads)}, check=False).stdout
    seconds = 0
    for accuracy, took in re.findall(r"^epoch.* accuracy (\S+)  (\S+) s$", out, re.MULTILINE):
        seconds += float(took)
        if float(accuracy) >= GOAL:
            return seconds
    raise RuntimeError(f"{GOAL:.0%} not reached in {EPOCHS} epochs")


# --- the twin ---


def mnist(part):
    def read(name, header):
        path = os.path.join(FOLDER, f"{part}-{name}-ubyte")
        with open(path, "rb") if os.path.exists(path) else gzip.open(path + ".gz") as file:
            return torch.frombuffer(bytearray(file.read()[header:]), dtype=torch.uint8)
    images = read("images-idx3", 16).view(-1, 1, 28, 28) / 255
    return torch.utils.data.TensorDataset(images, read("labels-idx1", 8).long())


def batches_of(data):
    """As DataLoader's batches, but without a Python object for each image."""
    for index in torch.randperm(len(data)).split(BATCH):
        yield data.tensors[0][index], data.tensors[1][index]


def accuracy(net, tests):
    with torch.no_grad():
        return (net(tests.tensors[0]).argmax(1) == tests.tensors[1]).float().mean().item()


def theirs(seed, by_index):
    torch.manual_seed(seed)
    net = nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(True), nn.MaxPool2d(2, 2), nn.Conv2d(6, 16, 5),
        nn.ReLU(True), nn.MaxPool2d(2, 2), nn.Flatten(), nn.Linear(400, 120), nn.ReLU(True),
        nn.Linear(120, 84), nn.ReLU(True), nn.Linear(84, 10))
    sgd = torch.optim.SGD(net.parameters(), lr=LR, momentum=0.9, fused=True)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(sgd, EPOCHS)
    images, tests, seconds = mnist("train"), mnist("t10k"), 0
    loader = torch.utils.data.DataLoader(images, BATCH, shuffle=True)
    for _ in range(EPOCHS):
        begin = time.perf_counter()
        for x, y in batches_of(images) if by_index else loader:
            sgd.zero_grad()
            nn.functional.cross_entropy(net(x), y).backward()
            sgd.step()
        seconds += time.perf_counter() - begin
        schedule.step()
        if accuracy(net, tests) >= GOAL:
            return seconds
    raise RuntimeError(f"{GOAL:.0%} not reached in {EPOCHS} epochs")


def rows(quick):
    if quick:
        return
    if not any(os.path.exists(os.path.join(FOLDER, "train-images-idx3-ubyte" + end)) for end in ("", ".gz")):
        print(f"LeNet on MNIST: skipped, there is no {os.path.normpath(FOLDER)} (tools/get-data mnist)")
        return
    yield Row(f"LeNet to {GOAL:.0%}, seeds {SEEDS[0]} to {SEEDS[-1]}",
              lambda bench, threads: [ours(seed, bench, threads) for seed in SEEDS],
              {"DataLoader": lambda: [theirs(seed, False) for seed in SEEDS],
               "by index": lambda: [theirs(seed, True) for seed in SEEDS]}, unit="s")
