"""The CPU's level against plain kernels

What the level that is chosen gains over the plain C kernels, on one thread, at 64k elements: the reason
for what `src/kernels/kernels.c` takes and leaves.
"""
from operations import ROW, TABLE
from side_by_side import Row

PLACE = 12
PLAIN = {"plain": {"GRADTAPE_CPU": "plain"}}


def rows(quick):
    if quick:
        return
    with open(TABLE, encoding="utf-8") as file:
        names = [row[0] for row in ROW.findall(file.read())]
    for name in names:
        yield Row(f"{name} over plain", ["operations", 1 << 16, "f32", "-"], PLAIN, asked=name, brief=True)
