"""Files

An array of f32 as .npy, as .npz (stored), and as the weight of a linear layer in .safetensors (PyTorch: also
torch.save), saved and loaded; the files are in the system's cache. What is loaded is the program's own memory:
safetensors' tensors are copied into the layer, as gt_load does.
"""
import atexit
import functools
import os
import shutil
import tempfile

from side_by_side import Row, torch

try:
    import numpy
except ImportError:
    numpy = None

PLACE = 9
WIDTH = 256


def array(kilobytes):
    return numpy.random.default_rng(0).standard_normal((kilobytes * 1000 // WIDTH // 4, WIDTH), "f4")


def with_numpy(what, kilobytes, folder):
    path, x = os.path.join(folder, f"{kilobytes}.numpy.npy"), array(kilobytes)
    numpy.save(path, x)
    npz = os.path.join(folder, f"{kilobytes}.npz")

    def load_npz():
        with numpy.load(npz) as archive:
            return archive["x"]
    return {"npy_save": lambda: numpy.save(path, x), "npy_load": lambda: numpy.load(path),
            "npz_load": load_npz}[what]


def layer(kilobytes):
    rows, columns = array(kilobytes).shape
    return torch.nn.Linear(columns, rows)


def with_safetensors(what, kilobytes, folder):
    from safetensors.torch import load_file, save_file
    path, net = os.path.join(folder, f"{kilobytes}.peer.safetensors"), layer(kilobytes)
    save_file(net.state_dict(), path)
    return {"safetensors_save": lambda: save_file(net.state_dict(), path),
            "safetensors_load": lambda: net.load_state_dict(load_file(path))}[what]


def with_torch(what, kilobytes, folder):
    path, net = os.path.join(folder, f"{kilobytes}.pt"), layer(kilobytes)
    torch.save(net.state_dict(), path)
    return {"safetensors_save": lambda: torch.save(net.state_dict(), path),
            "safetensors_load": lambda: net.load_state_dict(torch.load(path))}[what]


def rows(quick):
    if quick or not numpy:
        return
    folder = tempfile.mkdtemp(prefix="bench_files_")
    atexit.register(shutil.rmtree, folder)
    for kilobytes in 64, 64000:
        numpy.savez(os.path.join(folder, f"{kilobytes}.npz"), x=array(kilobytes))
        for what in "npy_save", "npy_load", "npz_load", "safetensors_save", "safetensors_load":
            peers = ({"numpy": with_numpy} if what.startswith("np") else
                     {"safetensors": with_safetensors, "torch.save": with_torch})
            yield Row(f"{what.replace('_', ', ')}, {kilobytes} kB", ["files", what, kilobytes, folder],
                      {name: functools.partial(peer, what, kilobytes, folder)
                       for name, peer in peers.items()}, bytes=2e3 * kilobytes)
