"""Any task over replications: the same numbers whatever the number of workers or their order."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

import numpy as np
from numpy.typing import NDArray

from simulator.montecarlo.store import Store

Task = Callable[[int], Mapping[str, NDArray[np.float64]]]
Progress = Callable[[int, int, float], None]
"""Called with replications done, replications asked for and seconds left (NaN while unknown)."""


def cores() -> int:
    """Processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def replicate(
    task: Task,
    replications: int,
    *,
    jobs: int | None = None,
    store: Store | None = None,
    progress: Progress | None = None,
    block: int = 8,
) -> dict[str, NDArray[np.float64]]:
    """Run ``task`` for replications 0 to ``replications`` - 1.

    Args:
        task: a pure function of the replication's number that returns named arrays of fixed shapes. Compiled engines
            release the interpreter lock, so threads use every core without copies.
        jobs: threads; default all cores.
        store: where finished blocks are kept; blocks already there are read instead of run.
        block: replications per unit of work.

    Returns:
        The arrays stacked along a new first axis of length ``replications``.

    Raises:
        KeyboardInterrupt: after the blocks under way have been stored.
    """
    blocks = [range(first, min(first + block, replications)) for first in range(0, replications, block)]
    done: dict[int, dict[str, NDArray[np.float64]]] = {}
    todo: list[range] = []
    for span in blocks:
        kept = store.load(span.start, span.stop) if store else None
        if kept is None:
            todo.append(span)
        else:
            done[span.start] = kept
    started = time.monotonic()
    resumed = sum(len(span) for span in blocks) - sum(len(span) for span in todo)
    finished = resumed

    def run(span: range) -> dict[str, NDArray[np.float64]]:
        rows = [task(replication) for replication in span]
        stacked = {name: np.stack([np.asarray(row[name]) for row in rows]) for name in rows[0]}
        if store:
            store.save(span.start, span.stop, stacked)
        return stacked

    if progress:
        progress(finished, replications, float("nan"))
    workers = min(jobs or cores(), max(len(todo), 1))
    with ThreadPoolExecutor(workers) as pool:
        running: dict[Future[dict[str, NDArray[np.float64]]], range] = {}
        queue = iter(todo)
        try:
            for span in queue:
                running[pool.submit(run, span)] = span
                if len(running) < workers * 2:
                    continue
                finished = _collect(running, done, finished)
                _report(progress, finished, resumed, replications, started)
            while running:
                finished = _collect(running, done, finished)
                _report(progress, finished, resumed, replications, started)
        except BaseException:
            for future in running:
                future.cancel()
            raise
    names = done[0].keys()
    return {name: np.concatenate([done[span.start][name] for span in blocks]) for name in names}


def _collect(running: dict, done: dict, finished: int) -> int:
    ready, _ = wait(running, return_when=FIRST_COMPLETED)
    for future in ready:
        span = running.pop(future)
        done[span.start] = future.result()
        finished += len(span)
    return finished


def _report(progress: Progress | None, finished: int, resumed: int, total: int, started: float) -> None:
    if progress:
        fresh = finished - resumed
        left = (time.monotonic() - started) / fresh * (total - finished) if fresh else float("nan")
        progress(finished, total, left)
