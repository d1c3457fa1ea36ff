#!/usr/bin/env python3
"""Runs the sections of bench/ and prints their tables; see tools/bench, which builds first."""
import argparse
import glob
import importlib
import os

import side_by_side

HERE = os.path.dirname(os.path.abspath(__file__))


def sections():
    """The modules of this folder that have a PLACE, in that order."""
    files = [path for path in glob.glob(os.path.join(HERE, "*.py")) if "\nPLACE = " in open(path).read()]
    modules = [importlib.import_module(os.path.basename(path)[:-3]) for path in files]
    return sorted(modules, key=lambda module: module.PLACE)


def wanted(section, row, only):
    return not only or any(word == section.__name__ or word in row.name for word in only)


def show(row, threads, ours, mode, theirs):
    def numbers(s):
        return f"{s.median:12.5g} ({s.lower:.4g} to {s.upper:.4g})"
    rates = []
    if row.flop:
        rates.append(f"{row.flop / ours.median:.1f} GFLOP/s")
    if row.bytes:
        rates.append(f"{row.bytes / ours.median:.1f} GB/s")
    opponent = f"{mode:14}{numbers(theirs)}  ratio {theirs.median / ours.median:.2f}" if theirs else ""
    print(f"{row.name:40}{threads:2} {row.unit:3}{numbers(ours):34} {opponent} {' '.join(rates)}",
          flush=True)


def main():
    parser = argparse.ArgumentParser(prog="tools/bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="the most telling rows, in two minutes")
    parser.add_argument("--only", action="append", metavar="NAME",
                        help="this section, or rows with this in their names")
    parser.add_argument("--build", default=os.path.join(HERE, "..", "build", "release"))
    options = parser.parse_args()
    seconds, rounds = (0.1, 2) if options.quick else (0.3, 3)
    bench = side_by_side.Bench(options.build, seconds, rounds)
    for section in sections():
        chosen = [row for row in section.rows(options.quick) if wanted(section, row, options.only)]
        if chosen:
            print(f"\n{section.__doc__.splitlines()[0]}")
        for row in chosen:
            for threads in row.threads:
                show(row, threads, *bench.measure(row, threads))
    bench.stop()


if __name__ == "__main__":
    main()
