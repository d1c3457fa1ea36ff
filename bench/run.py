#!/usr/bin/env python3
"""Runs the sections of bench/ and prints their tables; tools/bench builds before it calls this."""
import argparse
import glob
import importlib
import os
import re
import sys

import report
import side_by_side

HERE = os.path.dirname(os.path.abspath(__file__))
PAGE = os.path.join(HERE, "..", "docs", "benchmarks.md")


def sections():
    """The modules of this folder that have a PLACE, in that order."""
    def text(path):
        with open(path, encoding="utf-8") as file:
            return file.read()
    names = [os.path.basename(path)[:-3] for path in glob.glob(os.path.join(HERE, "*.py"))
             if "\nPLACE = " in text(path)]
    return sorted(map(importlib.import_module, names), key=lambda section: section.PLACE)


def wanted(section, row, only):
    return not only or any(word == section.__name__ or re.search(word, row.name) for word in only)


def run_section(section, turns, bench, kept):
    """Measures rows, each with a number of threads. Returns how many have failed."""
    print(f"\n{report.line([section.__doc__.splitlines()[0], *report.HEADS[1:]])}")
    ceilings = {threads: bench.ceilings(threads) for threads in {threads for _, threads in turns}}
    kept.section(section.__name__)["ceilings"].update({str(t): c for t, c in ceilings.items()})
    failed = 0
    for row, threads in turns:
        try:
            found = report.result(row, threads, bench.measure(row, threads), ceilings[threads])
        except RuntimeError as error:
            print(f"{row.name}: failed, {error}", file=sys.stderr)
            failed += 1
            continue
        print(report.line(report.cells(found)), flush=True)
        kept.add(section.__name__, found)
    bench.stop()
    return failed


def main():
    parser = argparse.ArgumentParser(prog="tools/bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="the most telling rows, in two minutes")
    parser.add_argument("--only", action="append", metavar="NAME",
                        help="this section, or rows whose names this expression is found in")
    parser.add_argument("--list", action="store_true", help="only name the rows")
    parser.add_argument("--write", action="store_true",
                        help="write docs/benchmarks.md of the rows measured so far, in several runs")
    parser.add_argument("--threads", type=int, action="append", help="rows with so many")
    parser.add_argument("--seconds", type=float, help="to measure each turn for (0.3; quick: 0.1)")
    parser.add_argument("--rounds", type=int, help="of turns of both (3; quick: 2)")
    parser.add_argument("--build", default=os.path.join(HERE, "..", "build", "release"))
    options = parser.parse_args()
    if not side_by_side.torch:
        print("PyTorch is not here (tools/bench-peers installs it): only gradtape is measured")
    seconds, rounds = (0.1, 2) if options.quick else (0.3, 3)
    bench = side_by_side.Bench(options.build, options.seconds or seconds, options.rounds or rounds)
    kept = report.Kept(os.path.join(options.build, "bench", "quick.json" if options.quick else "rows.json"))
    whole = not (options.quick or options.only or options.list or options.write or options.threads)
    if whole:
        kept.sections = {}
    everything, failed = sections(), 0
    for section in [] if options.write else everything:
        rows = [row for row in section.rows(options.quick and not options.only) if wanted(section, row, options.only)]
        if options.list:
            print("\n".join(f"{section.__name__}: {row.name}" for row in rows))
        turns = [(row, threads) for row in rows for threads in row.threads
                 if not options.threads or threads in options.threads]
        if turns and not options.list:
            failed += run_section(section, turns, bench, kept)
    if options.write or whole:
        with open(PAGE, "w", encoding="utf-8") as file:
            file.write(report.page(everything, kept, bench))
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
