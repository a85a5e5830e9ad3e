"""Speed, side by side in one run and reported as ratios: ``make bench``; ``--rounds 1`` for a quick look.

The support workloads are M/M/100+M (W1), a 12-hour day in two tiers (W2), and three queues over four groups with
overlapping skills (W3); everything is on (keyed draws, sums per interval). The floor is a specialised C program per
workload, compiled and run in the same rounds; its sources lie outside this repository (``SIMULATOR_PERFORMANCE`` names
their folder, default ``../shared/performance``). Ciw and Cimba run W1 where they are installed (the ``bench`` extra).
What is missing is left out, loudly. Then come the curves (time per call by agents, by queues; memory by calls), the
success engine on 2,000 accounts, whole replications of shipped scenarios, and what a new user waits for.
"""

from __future__ import annotations

import argparse
import functools
import importlib
import json
import math
import multiprocessing
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from simulator import distributions, timegrid  # noqa: E402
from simulator.horizon import Horizon  # noqa: E402
from simulator.scenario.loading import read  # noqa: E402
from simulator.success.tables import DUE  # noqa: E402
from simulator.support import compiled, demand, reference  # noqa: E402
from simulator.support.tables import Clock, QueueMeasure, Sums, SupportTables  # noqa: E402

SOURCES = Path(os.environ.get("SIMULATOR_PERFORMANCE", ROOT.parent / "shared" / "performance"))
SHAPE = (
    0.25, 0.35, 0.5, 0.65, 0.8, 0.92, 1.0, 1.0, 0.97, 0.9, 0.8, 0.72,
    0.68, 0.7, 0.76, 0.82, 0.85, 0.82, 0.74, 0.62, 0.5, 0.4, 0.3, 0.22,
)  # fmt: skip


def _tables(
    book: distributions.LawBook,
    talk: np.ndarray,
    patience: list[int],
    within: float,
    level: np.ndarray | None = None,
    priority: np.ndarray | None = None,
    **more: object,
) -> SupportTables:
    """Tables of queues and groups from the law of talk by queue and group, -1 where a group does not serve."""
    queues, groups = talk.shape
    serves = (talk >= 0).astype(np.int64)
    none = np.full(queues, -1, dtype=np.int64)
    values: dict[str, object] = {
        "after_call": np.full((queues, groups), -1),
        "escalation_to": none,
        "escalation_probability": np.zeros(queues),
        **more,
    }
    return SupportTables(
        queue_names=tuple(f"q{i}" for i in range(queues)),
        group_names=tuple(f"g{i}" for i in range(groups)),
        laws=book.tables(),
        patience=np.array(patience),
        talk=talk,
        priority=serves if priority is None else priority,
        level=serves if level is None else level,
        line_pool=none,
        line_capacity=np.zeros(0, dtype=np.int64),
        answer_within=np.full(queues, within),
        short_abandon=np.full(queues, within),
        **values,  # type: ignore[arg-type]
    )


def w1(days: int = 12) -> tuple[SupportTables, demand.ArrivalTables, timegrid.TimeGrid, np.ndarray]:
    """M/M/100+M, arrivals 105 per mean service, mean patience 2 services; a service is taken as 100 s."""
    book = distributions.LawBook()
    rows = book.row(distributions.exponential(100.0)), book.row(distributions.exponential(200.0))
    tables = _tables(book, np.array([[rows[0]]]), [rows[1]], 10.0)
    grid = timegrid.build(_day(), None, days, "UTC", None, 1800.0)
    return tables, demand.arrival_tables(grid, ("q0",), rate=1.05), grid, np.full((1, grid.intervals), 100)


def w2(days: int = 28) -> tuple[SupportTables, demand.ArrivalTables, timegrid.TimeGrid, np.ndarray]:
    """Days of 24 half hours with a peak of 400 calls, lognormal handling, Weibull patience, 15 % to a second tier."""
    book = distributions.LawBook()
    calls, tickets = (book.row(distributions.lognormal(mean, cv=0.8)) for mean in (300.0, 600.0))
    talk = np.array([[calls, -1], [-1, tickets]])
    after = book.row(distributions.lognormal(60.0, cv=0.8))
    patience = [book.row(distributions.weibull(300.0, shape=0.8)), book.row(distributions.weibull(600.0, shape=0.8))]
    tables = _tables(
        book, talk, patience, 20.0,
        after_call=np.array([[after, -1], [-1, -1]]),
        escalation_to=np.array([1, -1]),
        escalation_probability=np.array([0.15, 0.0]),
    )  # fmt: skip
    grid = timegrid.build(_day(), None, days, "UTC", None, 1800.0)
    offered = np.zeros(48)
    offered[12:36] = 400 * np.array(SHAPE)
    first, second = offered / 1800 * 360, 0.15 * offered / 1800 * 600 * 0.97
    staff = np.stack([np.rint(first + 0.3 * np.sqrt(first)), np.rint(second + 0.5 * np.sqrt(second))]).astype(np.int64)
    rate = np.stack([np.tile(offered / 1800, grid.days), np.zeros(grid.intervals)])
    return tables, demand.arrival_tables(grid, ("q0", "q1"), rate=rate), grid, np.tile(staff, grid.days)


def w3(days: int = 28) -> tuple[SupportTables, demand.ArrivalTables, timegrid.TimeGrid, np.ndarray]:
    """Three queues (8, 6, 3 calls a minute) and four groups of 25, 25, 25 and 15 agents, round the clock; the third
    queue goes first, the others by the time of arrival."""
    book = distributions.LawBook()
    talk, patience = book.row(distributions.lognormal(300.0, cv=0.8)), book.row(distributions.exponential(180.0))
    level = np.array([[1, 2, 0, 2], [0, 1, 1, 2], [0, 0, 1, 2]])
    priority = np.where(level > 0, np.array([[2], [2], [1]]), 0)
    tables = _tables(book, np.where(level > 0, talk, -1), [patience] * 3, 20.0, level, priority)
    grid = timegrid.build(_day(), None, days, "UTC", None, 1800.0)
    rate = np.tile(np.array([8.0, 6.0, 3.0])[:, None] / 60.0, grid.intervals)
    staff = np.tile(np.array([25, 25, 25, 15])[:, None], grid.intervals)
    return tables, demand.arrival_tables(grid, ("q0", "q1", "q2"), rate=rate), grid, staff


def _day() -> object:
    import datetime as dt

    return dt.date(2027, 1, 4)


def engine(
    run: Callable[..., object], build: Callable[[], tuple], seconds: float, **options: object
) -> Iterator[tuple[float, float]]:
    """Offered calls (without transfers) per second and the share of the first queue's that abandoned; replications
    until ``seconds`` are over, draws and sums per interval included."""
    tables, arrivals, grid, staff = build()
    clock = Clock.of(grid, "interval")

    def replication(seed: int) -> Sums:
        sums = Sums.zeros(tables, clock)
        contacts = demand.draw_month(arrivals, 0, 1, seed)
        run(tables, clock, contacts, staff, None, grid.month_end(0), sums=sums, **options)
        return sums

    replication(999)
    seed = 0
    while True:
        calls = offered = abandoned = spent = 0.0
        while spent < seconds:
            seed += 1
            started = time.perf_counter()
            sums = replication(seed).queue.sum(axis=0)
            spent += time.perf_counter() - started
            calls += float(sums[:, QueueMeasure.OFFERED].sum() - sums[:, QueueMeasure.TRANSFERRED_IN].sum())
            offered += float(sums[0, QueueMeasure.OFFERED])
            abandoned += float(sums[0, QueueMeasure.ABANDONED])
        yield calls / spent, abandoned / offered


def two_threads(build: Callable[[], tuple], seconds: float) -> Iterator[tuple[float, float]]:
    """The compiled engine on two threads at once; their calls a second together."""
    pair = [engine(compiled.run, build, seconds) for _ in range(2)]
    with ThreadPoolExecutor(2) as pool:
        while True:
            found = list(pool.map(next, pair))
            yield sum(speed for speed, _ in found), statistics.fmean(lost for _, lost in found)


@functools.cache
def _figures(name: str, seconds: float) -> Iterator[tuple[float, float]]:
    return importlib.import_module(f"tests.benchmarks.rival_{name}").w1(seconds)


def _next_figure(name: str, seconds: float) -> tuple[float, float]:
    return next(_figures(name, seconds))


def rival(name: str, seconds: float) -> Iterator[tuple[float, float]]:
    """Another simulator on W1, from its module beside this one; nothing where it is not installed.

    In a process of its own: what one adds to the compiler (Cimba: attributes of records) is no business of the other.
    """
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        while True:
            try:
                yield pool.submit(_next_figure, name, seconds).result()
            except ImportError as error:
                print(f"NO {name.upper()}: {error} (pip install -e '.[bench]')", file=sys.stderr)
                return


def floor(folder: Path, name: str, arguments: list[str]) -> Iterator[tuple[float, float]]:
    """The same two figures of a C program, compiled here; nothing when it cannot be."""
    source, program = SOURCES / f"{name}.c", folder / name
    if shutil.which("gcc") is None or not source.is_file():
        print(f"NO FLOOR: {source} or gcc is missing", file=sys.stderr)
        return
    subprocess.run(["gcc", "-O3", "-march=native", str(source), "-o", str(program), "-lm"], check=True)
    while True:
        out = subprocess.run([str(program), *arguments], check=True, capture_output=True, text=True)
        found = json.loads(out.stdout)
        lost = found["ab"][0] if isinstance(found["ab"], list) else found["ab"]
        yield found["calls"] / found["secs"], lost


def _seconds_per_call(build: Callable[[], tuple], calls: float = 1e6) -> float:
    speed, _ = next(engine(compiled.run, build, calls / 4e6))
    return 1.0 / speed


def one_queue(agents: int, occupancy: float = 0.95) -> Callable[[], tuple]:
    """One queue with impatient callers at a fixed load per agent; the horizon shrinks as agents grow."""

    def build() -> tuple:
        book = distributions.LawBook()
        rows = book.row(distributions.lognormal(300.0, cv=0.8)), book.row(distributions.exponential(180.0))
        tables = _tables(book, np.array([[rows[0]]]), [rows[1]], 20.0)
        days = int(np.clip(2e5 / (agents * occupancy * 288), 1, 28))
        grid = timegrid.build(_day(), None, days, "UTC", None, 1800.0)
        arrivals = demand.arrival_tables(grid, ("q0",), rate=agents * occupancy / 300.0)
        return tables, arrivals, grid, np.full((1, grid.intervals), agents)

    return build


def many_queues(queues: int, groups: int = 20, agents: int = 400) -> Callable[[], tuple]:
    """So many queues over 20 groups, each group serving all queues (one queue) or a third of them, at 90 % load."""

    def build() -> tuple:
        book = distributions.LawBook()
        rows = book.row(distributions.lognormal(300.0, cv=0.8)), book.row(distributions.exponential(180.0))
        served = np.array([[queues == 1 or (q + g) % 3 == 0 for g in range(groups)] for q in range(queues)])
        level = np.where(served, 1, 0)
        tables = _tables(book, np.where(served, rows[0], -1), [rows[1]] * queues, 20.0, level, level)
        grid = timegrid.build(_day(), None, 3, "UTC", None, 1800.0)
        rate = np.full((queues, grid.intervals), 0.9 * agents / 300.0 / queues)
        arrivals = demand.arrival_tables(grid, tuple(f"q{i}" for i in range(queues)), rate=rate)
        return tables, arrivals, grid, np.full((groups, grid.intervals), agents // groups)

    return build


def curves(rounds: int) -> None:
    """Time per call by agents and by queues, each beside the first of its row, medians of interleaved rounds.

    Agents of a group stand in a heap, whose levels grow with the logarithm of their number: the curve over agents is
    shown as it is and beside the straight line over the levels that fits it best.
    """
    rows: tuple[tuple[str, str, dict[int, Callable[[], tuple]]], ...] = (
        ("agents", "at 95 % load", {n: one_queue(n) for n in (10, 30, 100, 300, 1000, 3000, 5000)}),
        ("queues", "over 20 groups", {n: many_queues(n) for n in (1, 5, 10, 20, 40)}),
    )
    for what, how, cases in rows:
        found: dict[int, list[float]] = {n: [] for n in cases}
        for _ in range(rounds):
            for n, build in cases.items():
                found[n].append(_seconds_per_call(build))
        middle = {n: 1e9 * statistics.median(values) for n, values in found.items()}
        first = next(iter(middle.values()))
        for n, value in middle.items():
            print(f"{what} {n:5d} {how}: {value:6.0f} ns a call, {value / first:5.2f} times the first", flush=True)
        if what == "agents":
            levels = np.array([n.bit_length() for n in middle])
            values = np.array(list(middle.values()))
            line = np.polynomial.Polynomial.fit(levels, values, 1).convert()
            rest = values - line.coef[1] * (levels - levels[0])
            print(
                f"agents: {line.coef[1]:.1f} ns a level of the heap; without it {rest.min() / rest.mean() - 1:+.0%} to "
                f"{rest.max() / rest.mean() - 1:+.0%} of the mean over 10 to 5,000 agents",
                flush=True,
            )


def memory() -> None:
    """Peak memory of a process that simulates so many calls, sums per interval on, records off."""
    code = """
import resource, sys
sys.path.insert(0, sys.argv[1])
from tests.benchmarks import bench
days, replications = int(sys.argv[2]), int(sys.argv[3])
tables, arrivals, grid, staff = bench.w1(days)
clock = bench.Clock.of(grid, "interval")
sums = bench.Sums.zeros(tables, clock)
calls = 0
for seed in range(replications):
    contacts = bench.demand.draw_month(arrivals, 0, 1, seed)
    calls += contacts.time.size
    bench.compiled.run(tables, clock, contacts, staff, None, grid.month_end(0), sums=sums)
    del contacts
print(calls, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""
    for days, replications in ((1, 1), (11, 1), (11, 10), (11, 100)):
        command = [sys.executable, "-c", code, str(ROOT), str(days), str(replications)]
        out = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT)
        calls, peak = out.stdout.split()
        print(f"memory {float(calls):12,.0f} calls: {float(peak):7.0f} MB", flush=True)


def success(rounds: int) -> None:
    """A year of 2,000 accounts: compiled against reference, and 500 replications of it on every core."""

    plan = read(ROOT / "tests" / "benchmarks" / "accounts_2000.yaml")
    horizon = Horizon(plan)
    horizon.simulate(0)
    fast, slow, tasks = [], [], 0.0
    for r in range(1, rounds + 1):
        started = time.perf_counter()
        steps = horizon.simulate(r)["steps"]
        fast.append(time.perf_counter() - started)
        tasks = float(steps[..., DUE].sum())
        started = time.perf_counter()
        horizon.simulate(r, reference=True)
        slow.append(time.perf_counter() - started)
    ratio = statistics.median(slow) / statistics.median(fast)
    print(
        f"success, 2,000 accounts, {tasks:,.0f} steps due a year: compiled = {ratio:.0f} times the reference",
        flush=True,
    )
    code = """
import resource, sys, time
from simulator import read
from simulator.studies.run import simulate
plan = read(sys.argv[1])
started = time.perf_counter()
simulate(plan, replications=int(sys.argv[2]))
spent = time.perf_counter() - started
print(spent, *(resource.getrusage(who).ru_maxrss / 1024 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)))
"""
    for count in (50, 500):
        command = [sys.executable, "-c", code, str(ROOT / "tests" / "benchmarks" / "accounts_2000.yaml"), str(count)]
        spent, own, worker = map(float, subprocess.check_output(command, text=True, cwd=ROOT).split())
        print(
            f"success, {count} replications of it: {spent:.0f} s, peak {own:.0f} MB, a worker {worker:.0f} MB",
            flush=True,
        )


def start_up() -> None:
    """Wall seconds of what a new user waits for."""
    command = [sys.executable, "-c"]
    cases = {
        "import simulator": [*command, "import simulator"],
        "simulator check quickstart": [sys.executable, "-m", "simulator", "check", "scenarios/quickstart.yaml"],
        "quickstart, new install": [sys.executable, "-m", "simulator", "run", "scenarios/quickstart.yaml", "--quiet"],
        "quickstart, again": [sys.executable, "-m", "simulator", "run", "scenarios/quickstart.yaml", "--quiet"],
    }
    with tempfile.TemporaryDirectory() as cache:
        environment = {**os.environ, "SIMULATOR_CACHE_DIR": cache, "PYTHONPATH": str(ROOT)}
        for name, words in cases.items():
            more = ["--out", f"{cache}/run-{len(name)}"] if "run" in words else []
            started = time.perf_counter()
            subprocess.run([*words, *more], check=True, cwd=ROOT, env=environment, capture_output=True)
            print(f"{name:32s} {time.perf_counter() - started:7.2f} s")


def replication(name: str) -> None:
    """Wall seconds of one replication of a shipped scenario, compiled against reference."""
    horizon = Horizon(read(ROOT / "scenarios" / f"{name}.yaml"))
    horizon.simulate(0)
    started = time.perf_counter()
    for r in range(1, 6):
        horizon.simulate(r)
    fast = (time.perf_counter() - started) / 5
    started = time.perf_counter()
    horizon.simulate(1, reference=True)
    slow = time.perf_counter() - started
    print(f"{name:32s} {fast:7.3f} s a replication, the reference engines {slow:7.2f} s: {slow / fast:5.0f} times")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5, help="interleaved rounds; medians are reported")
    parser.add_argument("--no-start-up", action="store_true")
    rounds, quick = (lambda a: (a.rounds, a.no_start_up))(parser.parse_args())
    with tempfile.TemporaryDirectory() as folder:
        for name, build, program, arguments in (
            ("W1", w1, "w1", ["kw", "1", "4000000"]),
            ("W2", w2, "w2_floor", ["1", "200"]),
            ("W3", w3, "w3_floor", ["1", "2000000"]),
        ):
            rivals = {
                "compiled": engine(compiled.run, build, 1.0),
                "abandonments as events": engine(compiled.run, build, 1.0, every_abandonment_an_event=True),
                "two threads": two_threads(build, 1.0),
                "reference (SimPy)": engine(reference.run, functools.partial(build, 1), 1e-9),
                "C floor": floor(Path(folder), program, arguments),
                **({"ciw": rival("ciw", 2.0), "cimba": rival("cimba", 1.0)} if name == "W1" else {}),
            }
            found: dict[str, list[tuple[float, float]]] = {who: [] for who in rivals}
            for _ in range(rounds):
                for who, figures in rivals.items():
                    found[who] += [f for f in [next(figures, None)] if f is not None]
            base = statistics.median(f[0] for f in found["compiled"])
            for who, figures_found in found.items():
                if figures_found:
                    speed = statistics.median(f[0] for f in figures_found)
                    lost = statistics.fmean(f[1] for f in figures_found)
                    times = f"compiled = {base / speed:7.2f} times"
                    print(f"{name} {who:22s} {speed / 1e6:8.3f} M calls/s, abandoned {lost:.4f}, {times}", flush=True)
    curves(rounds)
    memory()
    success(rounds)
    for name in ("quickstart", "saas_2027"):
        replication(name)
    if not quick and math.isfinite(base):
        start_up()


if __name__ == "__main__":
    main()
