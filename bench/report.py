"""Prints rows as they are measured, keeps them, and makes docs/benchmarks.md of those kept."""
import json
import math
import os
import platform
import re
import statistics
import subprocess
import time

import side_by_side

UNITS = (("s", 1e9), ("ms", 1e6), ("us", 1e3), ("ns", 1))


def quantity(number, unit):
    """123.4 us for nanoseconds, and so on."""
    if unit == "ns":
        unit, size = next(((u, s) for u, s in UNITS if number >= s), UNITS[-1])
        number /= size
    digits = max(0, 2 - int(math.floor(math.log10(number)))) if number > 0 else 0
    return f"{number:.{digits}f} {unit}"


def with_spread(spread, unit):
    lower, median, upper = spread
    if lower == upper:
        return quantity(median, unit)
    off = [abs(edge / median - 1) for edge in (lower, upper)]
    return f"{quantity(median, unit)} (-{off[0]:.0%} +{off[1]:.0%})"


def result(row, threads, measured, ceilings):
    """A row as it is kept."""
    ours, mode, theirs = measured
    found = {"name": row.name, "threads": threads, "unit": row.unit, "mode": mode,
             "ours": [ours.lower, ours.median, ours.upper], "time": time.time(),
             "theirs": theirs and [theirs.lower, theirs.median, theirs.upper], "share": None,
             "rate": None}
    bound = side_by_side.ceiling(row)
    if bound:
        found["share"] = bound[1] / ours.median / ceilings[bound[0]]
    if row.items:
        found["rate"] = row.items / ours.median * 1e9
    return found


def ratio(found):
    return found["theirs"][1] / found["ours"][1] if found["theirs"] else None


def cells(found):
    """Name, threads, ours, theirs, mode, ratio, share or rate."""
    theirs = found["theirs"]
    extra = f"{found['share']:.0%}" if found["share"] else ""
    if found["rate"]:
        extra = f"{found['rate']:.0f}/s"
    return [found["name"], str(found["threads"]), with_spread(found["ours"], found["unit"]),
            with_spread(theirs, found["unit"]) if theirs else "", found["mode"],
            f"{ratio(found):.2f}" if theirs else "", extra]


HEADS = ["", "threads", "gradtape", "opponent", "which", "ratio", "share, rate"]
WIDTHS = (44, 8, 26, 26, 14, 8, 10)


def line(words):
    return "".join(word.ljust(width) for word, width in zip(words, WIDTHS)).rstrip()


# --- what is kept ---


class Kept:
    """All rows measured so far: section -> {"ceilings": threads -> numbers, "rows": key -> result}."""

    def __init__(self, path):
        self.path, self.sections = path, {}
        if os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                self.sections = json.load(file)

    def section(self, name):
        return self.sections.setdefault(name, {"ceilings": {}, "rows": {}})

    def add(self, section, found):
        self.section(section)["rows"][f"{found['name']}, {found['threads']}"] = found
        with open(self.path, "w", encoding="utf-8") as file:
            json.dump(self.sections, file, indent=1)


# --- the page ---


def output_of(*command):
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def machine():
    found = re.search(r"Model name:\s*(.*)", output_of("lscpu"))
    memory = re.search(r"MemTotal:\s*(\d+)", open("/proc/meminfo", encoding="ascii").read())
    return (f"{found.group(1) if found else platform.processor()}, {os.cpu_count()} processors, "
            f"{int(memory.group(1)) >> 20} GiB, {platform.system()} {platform.release()}")


def versions(bench):
    said = dict(re.findall(r"^(.+): (.+)$", bench.about(), re.MULTILINE))
    compiler = output_of("cc", "--version").splitlines()[:1]
    lines = [f"gradtape {said['version']} ({output_of('git', 'rev-parse', '--short', 'HEAD')}), level "
             f"{said['level']}, BLAS {said['blas']}, {compiler[0] if compiler else 'cc'}"]
    torch = side_by_side.torch
    if torch:
        known = re.findall(r"(Intel\(R\) oneAPI Math Kernel Library Version \S+|MKL-DNN v[\d.]+)",
                           torch.__config__.show())
        lines.append(f"PyTorch {torch.__version__} ({', '.join(known)}), Python "
                     f"{platform.python_version()}")
    else:
        lines.append("PyTorch: not there")
    return lines


def table(heads, rows):
    return ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads),
            *("| " + " | ".join(row) + " |" for row in rows)]


def summary(titles, kept):
    """A line for each section: how many rows, how their ratios are spread, which are the lowest."""
    lines = []
    for name, title in titles:
        found = [row for row in kept.section(name)["rows"].values() if row["theirs"]]
        if not found:
            continue
        ratios = sorted(map(ratio, found))
        lowest = sorted((row for row in found if ratio(row) < 1), key=ratio)[:5]
        lines.append([title, str(len(found)), f"{statistics.geometric_mean(ratios):.2f}",
                      f"{ratios[0]:.2f}", str(sum(r < 1 for r in ratios)),
                      "; ".join(f"{row['name']} ({ratio(row):.2f})" for row in lowest)])
    return table(["section", "rows", "mean ratio", "lowest", "below 1", "the lowest of these"], lines)


def ceilings_table(kept):
    """The best of each section's, since what else runs on a machine only takes away from them."""
    best = {}
    for section in kept.sections.values():
        for threads, numbers in section["ceilings"].items():
            for name, number in numbers.items():
                best.setdefault(name, {})[threads] = max(number, best.get(name, {}).get(threads, 0))
    threads = sorted({t for numbers in best.values() for t in numbers}, key=int)
    rows = [[name, *(f"{numbers.get(t, 0):.0f}" for t in threads)] for name, numbers in best.items()]
    return table(["", *(f"{t} thread{'s' * (t != '1')}" for t in threads)], rows)


def page(sections, kept, bench):
    times = [row["time"] for s in kept.sections.values() for row in s["rows"].values()]
    days = sorted({time.strftime("%Y-%m-%d", time.gmtime(t)) for t in times})
    parts = [(s.__name__, s.__doc__.splitlines()[0]) for s in sections]
    lines = ["# Benchmarks", "",
             "Made by `tools/bench`. Both do the same work on the same number of threads, in turns and "
             "warmed up; PyTorch's", "allocator keeps its memory (`MALLOC_*`), and the best of its modes "
             "counts: eager, channels_last, compiled. Times are", "medians, with the quartiles' distance; a "
             "ratio above 1 says that gradtape is faster. Shares are of the ceiling that", "bounds the row, "
             "measured with each section: multiply-adds in registers, or memcpy of arrays of that size.", "",
             f"- {machine()}", *(f"- {said}" for said in versions(bench)),
             f"- {' to '.join(dict.fromkeys((days[0], days[-1])))}" if days else "", "",
             "## Ceilings", "", "GFLOP/s of multiply-adds, and GB/s read and written by memcpy.", "",
             *ceilings_table(kept), "", "## Summary", "", *summary(parts, kept)]
    for section in sections:
        found = kept.section(section.__name__)["rows"]
        if found:
            lines += ["", f"## {section.__doc__.strip().replace(chr(10), chr(10), 1)}", "",
                      *table(HEADS, map(cells, found.values()))]
    return "\n".join(lines) + "\n"
