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
    ours: list              # a program of bench/ and its words, asked for the row's line; or a
                            # function of Bench and threads, which returns numbers
    theirs: dict = dataclasses.field(default_factory=dict)  # mode -> function, see above; or, for
                            # ours in another way, variables of the environment or a tuple of words
    flop: float = 0         # what one turn computes, for the share of the peak
    bytes: float = 0        # what one turn must read and write, for the share of memcpy
    items: float = 0        # how many images, say, are through after a turn
    dtype: str = "f32"
    threads: tuple = (1,)   # measured with each number of them
    unit: str = "ns"        # of another: what `theirs` return are numbers, the less the better
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
        self.command, self.staying = None, {}  # programs that stay, by their environment

    def start(self, row, threads, variables=()):
        program, *words = map(str, row.ours)
        env = {key: value for key, value in os.environ.items() if key not in KEEP_MEMORY}
        env.update(GRADTAPE_THREADS=str(threads), BENCH_SECONDS=str(self.span(row)),
                   GRADTAPE_ERRORS="quiet")
        return subprocess.Popen([os.path.join(self.build, "bench", program), *words],
                                env={**env, **dict(variables)}, stdin=subprocess.PIPE,
                                stdout=subprocess.PIPE, text=True)

    def span(self, row):
        """Seconds for each turn of the two; 0, a single run, where it is not time that counts."""
        return 0 if row.unit != "ns" else self.seconds / 3 if row.brief else self.seconds

    def stop(self):
        for process in self.staying.values():
            process.communicate()
        self.command, self.staying = None, {}

    def ask(self, row, threads, variables):
        """The line that the program answers; it stays, so that it makes its world once."""
        command = (row.ours, threads, self.span(row))
        if self.command != command:
            self.stop()
            self.command = command
        key = tuple(variables.items())
        if key not in self.staying:
            self.staying[key] = self.start(row, threads, variables)
        self.staying[key].stdin.write(row.asked + "\n")
        self.staying[key].stdin.flush()
        return self.staying[key].stdout.readline()

    def ours(self, row, threads, variables={}):
        """Quartiles that the program prints, three numbers; a number, where it prints no spread."""
        if callable(row.ours):
            return row.ours(self, threads)
        if row.asked:
            output = self.ask(row, threads, variables)
        else:
            output = self.start(row, threads, variables).communicate()[0]
        for name, median, _, lower, upper in LINE.findall(output):
            if not row.pick or row.pick == name:
                return [float(number) for number in (lower, median, upper) if number]
        raise RuntimeError(f"{row.name}: no line from {' '.join(map(str, row.ours))}")

    def turn(self, row, threads, prepared):
        """Numbers of one turn of the opponent."""
        if isinstance(prepared, dict):
            return self.ours(row, threads, prepared)
        if isinstance(prepared, tuple):
            return self.ours(dataclasses.replace(row, ours=list(prepared)), threads)
        return self.time(prepared, self.span(row)) if row.unit == "ns" else prepared

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
        least = 2 if once > 1e8 else 5
        samples, begin = [], time.perf_counter()
        while len(samples) < least or time.perf_counter() - begin < span:
            samples.append(sample(times))
        found = spread(samples)
        return [found.lower, found.median, found.upper]

    def prepare(self, row, threads):
        """What to measure for each mode of the opponent; one that does not work is left out."""
        prepared = {}
        if torch:
            torch.set_num_threads(threads)
        for mode, theirs in row.theirs.items():
            if isinstance(theirs, (dict, tuple)):
                prepared[mode] = theirs
            elif torch:
                try:
                    turn = theirs()
                    if row.unit == "ns":
                        turn()  # compiles, where there is something to compile
                    prepared[mode] = turn
                except Exception as error:  # pylint: disable=broad-except
                    said = str(error).strip().splitlines() or [type(error).__name__]
                    print(f"  {row.name}: PyTorch {mode}: skipped, {said[0]}", file=sys.stderr)
        return prepared

    def measure(self, row, threads):
        """Our spread, and the best mode of theirs with its spread: (ours, mode, theirs). After the
        first round only modes go on that may be the best."""
        prepared = self.prepare(row, threads)
        ours, theirs = [], {mode: [] for mode in prepared}
        for _ in range(self.rounds if row.unit == "ns" else 1):
            ours += self.ours(row, threads)
            for mode in theirs:
                theirs[mode] += self.turn(row, threads, prepared[mode])
            fastest = min(map(statistics.median, theirs.values()), default=0)
            theirs = {mode: n for mode, n in theirs.items() if statistics.median(n) < 1.2 * fastest}
        best = min(theirs, key=lambda mode: statistics.median(theirs[mode]), default="")
        return spread(ours), best, spread(theirs[best]) if theirs else None

    def ceilings(self, threads):
        """What bench/ceilings.c prints: name -> number, in operations or bytes a nanosecond."""
        found = LINE.findall(self.about(threads))
        return {name: float(median) for name, median, _, lower, _ in found if lower}

    def about(self, threads=1):
        return self.start(Row("ceilings", ["ceilings"]), threads).communicate()[0]


def ceiling(row):
    """The one that bounds the row: (its name, what a turn takes of it), or None."""
    if row.flop:
        return f"fma_{row.dtype}", row.flop
    if row.bytes:
        size = row.bytes / 2
        return ("memcpy_512K" if size <= 1 << 19 else "memcpy_8M" if size <= 1 << 23 else
                "memcpy_64M"), row.bytes
    return None
