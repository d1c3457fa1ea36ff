"""The frame of the benchmarks: rows, each measured with gradtape and with its opponents in turns.

A section is a file of this folder with a title (first line of its docstring), text (the rest), its
PLACE in docs/benchmarks.md, and rows(quick), which yields a Row for each thing to measure. Run them
with tools/bench, or one as `tools/bench --only SECTION` or `--only PART_OF_A_ROW'S_NAME`.

The programs of this folder print a line for each row they are asked for (bench/bench.h). What
opponents do is a function for each of their modes: it prepares, and returns what is to be timed.
"""
import dataclasses
import os
import re
import statistics
import subprocess
import sys
import time

# Before PyTorch is loaded: its allocator keeps memory instead of giving it back after each step.
KEEP_MEMORY = {"MALLOC_MMAP_THRESHOLD_": "4294967296", "MALLOC_TRIM_THRESHOLD_": "4294967296",
               "MALLOC_TOP_PAD_": "268435456"}
if os.environ.get("MALLOC_TOP_PAD_") != KEEP_MEMORY["MALLOC_TOP_PAD_"]:
    os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, **KEEP_MEMORY})

try:
    import torch
except ImportError:
    torch = None

LINE = re.compile(r"^(.+): (\S+) (\S+)(?: \((\S+) to (\S+)\))?$", re.MULTILINE)


@dataclasses.dataclass
class Row:
    name: str
    ours: list              # a program of bench/ and its words, asked for the row's line
    theirs: dict = dataclasses.field(default_factory=dict)  # mode -> function, see above
    flop: float = 0         # what one turn computes, for the share of the peak
    bytes: float = 0        # what one turn must read and write, for the share of memcpy
    dtype: str = "f32"
    threads: tuple = (1,)   # measured with each number of them
    unit: str = "ns"        # of another: what `theirs` return is a number, the less the better
    asked: str = ""         # a word for the program's stdin, where it stays for the next row
    pick: str = ""          # the line of its output that counts, if not the first
    brief: bool = False     # a third of the time will do


@dataclasses.dataclass
class Spread:
    lower: float
    median: float
    upper: float


def spread(numbers):
    numbers = sorted(numbers)
    return Spread(numbers[len(numbers) // 4], statistics.median(numbers),
                  numbers[3 * len(numbers) // 4])


class Bench:
    """How to measure: where the programs are, how long and how often."""

    def __init__(self, build, seconds, rounds):
        self.build, self.seconds, self.rounds = build, seconds, rounds
        self.command, self.process = None, None  # the program that stays

    def start(self, row, threads):
        program, *words = map(str, row.ours)
        env = {key: value for key, value in os.environ.items() if key not in KEEP_MEMORY}
        env.update(GRADTAPE_THREADS=str(threads), BENCH_SECONDS=str(self.span(row)),
                   GRADTAPE_ERRORS="quiet")
        return subprocess.Popen([os.path.join(self.build, "bench", program), *words], env=env,
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def span(self, row):
        return self.seconds / 3 if row.brief else self.seconds

    def stop(self):
        if self.process:
            self.process.communicate()
        self.command, self.process = None, None

    def ask(self, row, threads):
        """The line that the program answers; it stays, so that it makes its world once."""
        command = (row.ours, threads, self.span(row))
        if self.command != command:
            self.stop()
            self.command, self.process = command, self.start(row, threads)
        self.process.stdin.write(row.asked + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline()

    def ours(self, row, threads):
        """Quartiles that the program prints, three numbers; a number, where it prints no spread."""
        if row.asked:
            output = self.ask(row, threads)
        else:
            output = self.start(row, threads).communicate()[0]
        for name, median, _, lower, upper in LINE.findall(output):
            if not row.pick or row.pick == name:
                return [float(number) for number in (lower, median, upper) if number]
        raise RuntimeError(f"{row.name}: no line from {' '.join(map(str, row.ours))}")

    def time(self, turn, span):
        """Like bench_row of bench.h: quartiles of samples of some 20 us at least."""
        def sample(times):
            begin = time.perf_counter_ns()
            for _ in range(times):
                turn()
            return (time.perf_counter_ns() - begin) / times
        start = time.perf_counter()
        once = sample(1)
        while time.perf_counter() - start < span / 4:
            once = sample(1)
        times = 1 if once > 2e4 else int(2e4 / once) + 1
        samples, begin = [], time.perf_counter()
        while len(samples) < 5 or time.perf_counter() - begin < span:
            samples.append(sample(times))
        found = spread(samples)
        return [found.lower, found.median, found.upper]

    def prepare(self, row, threads):
        """What to time for each mode of the opponent; a mode that does not work is left out."""
        if not torch:
            return {}
        torch.set_num_threads(threads)
        turns = {}
        for mode, function in row.theirs.items():
            try:
                turns[mode] = function()
                if row.unit == "ns":
                    turns[mode]()  # compiles, where there is something to compile
            except Exception as error:  # pylint: disable=broad-except
                print(f"  {row.name}: PyTorch {mode}: skipped, "
                      f"{str(error).strip().splitlines()[:1]}", file=sys.stderr)
                turns.pop(mode, None)
        return turns

    def measure(self, row, threads):
        """Our spread, and the best mode of theirs with its spread: (ours, mode, theirs)."""
        turns = self.prepare(row, threads)
        ours, theirs = [], {mode: [] for mode in turns}
        for _ in range(self.rounds):
            ours += self.ours(row, threads)
            for mode, turn in turns.items():
                theirs[mode] += self.time(turn, self.span(row)) if row.unit == "ns" else [turn]
        spreads = {mode: spread(numbers) for mode, numbers in theirs.items()}
        best = min(spreads, key=lambda mode: spreads[mode].median, default="")
        return spread(ours), best, spreads.get(best)
